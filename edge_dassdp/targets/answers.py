"""What a device may answer: every length and value is held to the model and to what was asked.

Damaged memory, firmware of other sources, or somebody who only plays a device: nothing of an answer
is used before it was here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.emit.model import ABI
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import require_streams
from edge_dassdp.reference.asked import (
    MAX_LOSS_Q8,
    require_copy,
    require_fits,
    require_learns,
    require_replay,
    require_sensor,
)
from edge_dassdp.reference.classes import require_spares
from edge_dassdp.reference.outcome import NO_LABEL
from edge_dassdp.targets.learning import checked_learning
from edge_dassdp.wire.messages import FLAGS
from edge_dassdp.wire.saved import Slots

Fields = Mapping[str, Any]
MOST_CLASSES = (1 << 15) - 1
"""A label of the link is an int16."""
MOST_STATE_BYTES = 1 << 24
"""More than any board's RAM: what is read of an unknown model, at most."""
_MOST_TICK_BITS = 32
_U16, _U32 = (1 << 16) - 1, (1 << 32) - 1


def believe(holds: bool, name: str, said: str, can: str) -> None:
    """EdgeError E504 unless it holds. said: what the device answered to `name`; can: what it could
    have."""
    refuse_unless("E504", holds, f"the device's answer to {name} cannot be true",
                  cause=f"it says {said}; {can}",
                  help="What runs there is damaged or is no firmware of this model: build it with "
                       "this version of edge-dassdp, flash it again, and reset it. If it then "
                       "still says so, do not trust this device or its line.")


def _within(name: str, fields: Fields, limits: Mapping[str, tuple[int, int]]) -> None:
    for field, (low, high) in limits.items():
        can = f"here it is {low:,}" if low == high else f"{low:,} to {high:,} is possible"
        believe(low <= fields[field] <= high, name, f"{field} is {fields[field]:,}", can)


def require_possible(name: str, network: QNetwork | None) -> None:
    """EdgeError E503 where a device of this network was built without what `name` asks for."""
    require = _NEEDED.get(name)
    if require is not None and network is not None:
        require(network)


_NEEDED: Mapping[str, Callable[[QNetwork], object]] = {
    "SAVE": require_copy, "ROLLBACK": require_copy, "IDLE": require_replay,
    "STORE": require_learns, "FIT_PROFILE": require_fits, "SELECT_PROFILE": require_sensor,
    "STREAM": require_streams, "PUSH": require_streams,
    "NEW_CLASS": require_spares, "FORGET_CLASS": require_spares}


def check_hello(hello: Fields, network: QNetwork | None) -> None:
    """Sizes are those of the network; of an unknown one such as a device can have. Raises EdgeError
    E504."""
    limits = {"offer": (1, _U32), "tick_bits": (0, _MOST_TICK_BITS),
              "cause": (0, QUANTITIES["cause_damaged"]), "locked": (0, 1),
              "store": (0, max(Slots)), "n_saves": _saves_possible(hello["store"]),
              "reading_ticks": (0, (1 << min(hello["tick_bits"], _MOST_TICK_BITS)) - 1)}
    if network is None:
        begin, end = hello["persist_begin"], hello["persist_end"]
        limits |= {
            "n_classes": (1, MOST_CLASSES), "n_steps": (1, _U16), "n_projections": (1, _U16),
            "state_bytes": (1, MOST_STATE_BYTES), "x_bytes": (1, MOST_STATE_BYTES),
            "persist_begin": (0, min(end, MOST_STATE_BYTES)),
            "persist_end": (begin, hello["state_bytes"])}
    else:
        layout = Plan.of(network).layout
        limits |= {name: (value, value) for name, value in (
            ("abi", ABI), ("x_bytes", network.x_bytes), ("n_classes", network.n_classes),
            ("n_steps", network.n_steps), ("n_projections", len(network.projections)),
            ("state_bytes", layout.state_bytes), ("persist_begin", layout.persist_begin),
            ("persist_end", layout.persist_end))}
    _within("HELLO", hello, limits)


def _saves_possible(slots: int) -> tuple[int, int]:
    """A save has a number, none has 0; behind damaged slots there may be one."""
    return (int(slots in (Slots.SAVED, Slots.BUILD, Slots.FOREIGN)),
            _U32 * (slots not in (Slots.ABSENT, Slots.EMPTY)))


def check_learning(data: bytes, network: QNetwork | None) -> None:
    """A learning state read from a device is one that a device leaves. Raises EdgeError E504."""
    if network is None or not network.remembers:
        return
    try:
        checked_learning(network, data)
    except EdgeError as problem:
        believe(False, "READ_LEARNING", problem.cause, "no device of this model leaves that")


@dataclass(frozen=True)
class Answers:
    """What a device can answer, of an unknown network within wide bounds.

    tick_bits: of its counter, 0 to 32, 0 for none. weight_bits: by projection, in the model's
    order. n_replayed: samples learned again behind one, at most; replays: whether any ever is.
    n_weights: plastic ones. window: of the guard, 0 without one. has_cusum: samples may be held.
    has_slots: it may save by itself. has_means: class means decide beside the logits. classes:
    that can be taught.
    """

    n_classes: int
    n_steps: int
    tick_bits: int
    weight_bits: Sequence[int] = ()
    n_replayed: int = _U16
    replays: bool = True
    n_weights: int = _U32
    window: int = 32
    has_cusum: bool = True
    has_slots: bool = True
    has_means: bool = True
    classes: range = range(MOST_CLASSES)

    @classmethod
    def of(cls, hello: Fields, network: QNetwork | None, weight_bits: Sequence[int]) -> Answers:
        """Those of a device that greeted with `hello`. Raises EdgeError E504 as `check_hello`."""
        check_hello(hello, network)
        shape = hello["n_classes"], hello["n_steps"], hello["tick_bits"], tuple(weight_bits)
        has_slots = hello["store"] != Slots.ABSENT
        if network is None:
            return cls(*shape, has_slots=has_slots)
        replay, guard = network.replay, network.guard
        n_due = QUANTITIES["catch_up"] if network.cusum and replay and replay.ring_per_class else 0
        return cls(*shape, n_replayed=n_due + replay.n_ring + replay.n_flash if replay else 0,
                   replays=replay is not None, n_weights=sum(p.w.size for p in network.plastic),
                   window=guard.window if guard and guard.margin else 0,
                   has_cusum=network.cusum is not None, has_slots=has_slots,
                   has_means=network.class_means is not None,
                   classes=range(network.n_known, network.n_classes))

    def check(self, name: str, asked: Fields, said: Fields) -> None:
        """EdgeError E504 unless this can be the answer to the request `name` with these fields."""
        check = _CHECKS.get(name)
        if check is not None:
            check(self, name, asked, said)


def _logits(can: Answers, name: str, said: Fields) -> NDArray[np.int32]:
    n_bytes = len(said["logits"])
    believe(n_bytes == 4 * can.n_classes, name, f"{n_bytes} bytes of logits",
            f"{can.n_classes} classes have {4 * can.n_classes}")
    return np.frombuffer(said["logits"], "<i4")


def _outcome(can: Answers, name: str, asked: Fields, said: Fields) -> None:
    logits = _logits(can, name, said)
    if 0 < asked.get("n_steps", 0) < can.n_steps:
        believe(not logits.any(), name, "logits that are not 0", "the sample ended early")
    best = int(logits.argmax())
    if can.has_means:
        believe(said["class_idx"] < can.n_classes, name, f"class_idx is {said['class_idx']}",
                f"it has {can.n_classes} classes")
    else:
        _largest(name, said, best, can.n_classes)
    _lesson(can, name, asked, said)
    _within(name, said, _ticks_and_digests(can, name, asked))


def _largest(name: str, said: Fields, best: int, n_classes: int) -> None:
    """Without class means the class is that of the largest logit."""
    believe(said["class_idx"] == best, name, f"class_idx is {said['class_idx']}",
            f"of its {n_classes} logits that of class {best} is the largest")


def _lesson(can: Answers, name: str, asked: Fields, said: Fields) -> None:
    """What only a lesson, and only one with a label, can give."""
    is_labelled = asked.get("label", NO_LABEL) != NO_LABEL
    is_judged = is_labelled and name == "LEARN"
    flags = FLAGS["is_updated"] * (name == "LEARN") | FLAGS["is_skipped"] * is_judged
    flags |= FLAGS["is_fallen_back"] * (is_judged and can.window > 0)
    flags |= FLAGS["is_held"] * (name == "LEARN" and can.has_cusum)
    flags |= (FLAGS["is_saved"] | FLAGS["is_unsaved"]) * (is_judged and can.has_slots)
    believe(said["flags"] | flags == flags, name, f"flags are {said['flags']:#x}",
            f"of {flags:#x} each may be set")
    _within(name, said, {"loss_q8": (0, MAX_LOSS_Q8 * is_labelled),
                         "n_replayed": (0, can.n_replayed * is_judged)})


def _ticks_and_digests(can: Answers, name: str, asked: Fields) -> dict[str, tuple[int, int]]:
    """0 for what was not asked for, and for ticks without a counter."""
    ticks, span = _U32 * (can.tick_bits > 0), (1 << can.tick_bits) - 1
    wanted = asked["flags"]
    return {"forward_ticks": (0, ticks), "learn_ticks": (0, span * (name != "INFER")),
            "forward_digest": (0, _U32 * bool(wanted & FLAGS["want_forward_digest"])),
            "learned_digest": (0, _U32 * bool(wanted & FLAGS["want_learned_digest"])),
            "lessons_digest": (0, _U32 * (name != "INFER"))}


def _pushed(can: Answers, name: str, asked: Fields, said: Fields) -> None:
    logits = _logits(can, name, said)
    best = int(logits.argmax())
    _within(name, said, {
        "is_decided": (0, 1), "class_idx": (best, best), "ticks": (0, _U32 * (can.tick_bits > 0)),
        "digest": (0, _U32 * bool(asked["flags"] & FLAGS["want_forward_digest"]))})
    believe(bool(said["is_decided"]) or not logits.any(), name, "logits that are not 0",
            "it decided nothing")


def _steps(can: Answers, name: str, asked: Fields, said: Fields) -> None:
    _within(name, said, {"n_done": (0, asked["n_steps"])})


def _save(can: Answers, name: str, asked: Fields, said: Fields) -> None:
    _within(name, said, {"n_saves": (1, _U32)})


def _new_class(can: Answers, name: str, asked: Fields, said: Fields) -> None:
    believe(said["class_idx"] in can.classes, name, f"class_idx is {said['class_idx']}",
            f"spare are {can.classes.start} to {can.classes.stop - 1}")


def _bytes(can: Answers, name: str, asked: Fields, said: Fields) -> None:
    believe(len(said["data"]) == asked["n_bytes"], name, f"{len(said['data'])} bytes",
            f"{asked['n_bytes']} were asked for")


def _weights(can: Answers, name: str, asked: Fields, said: Fields) -> None:
    bits = can.weight_bits[asked["projection"]]
    dtype = np.dtype("<i2" if bits == 16 else "<i1")
    _bytes(can, name, {"n_bytes": asked["n_weights"] * dtype.itemsize}, said)
    w, bound = np.frombuffer(said["data"], dtype), 1 << (bits - 1)
    believe(bool((-bound <= w).all() and (w < bound).all()), name,
            f"weights from {w.min()} to {w.max()}", f"they have {bits} bits")


def _statistics(can: Answers, name: str, asked: Fields, said: Fields) -> None:
    n_judged = min(can.window, said["n_labelled"] + said["n_held"])
    _within(name, said, {
        "n_skipped": (0, said["n_labelled"]), "n_saturated": (0, can.n_weights),
        "n_replayed": (0, _U32 * can.replays),
        "n_replay_skipped": (0, said["n_replayed"]),
        "n_fallbacks": (0, QUANTITIES["fallbacks_max"] if can.window else 0),
        "hits": (0, n_judged), "factory_hits": (0, n_judged),
        "n_held": (0, _U32 * can.has_cusum), "is_open": (int(not can.has_cusum), 1),
        "stack_used": (0, said["stack_size"])})


_CHECKS: dict[str, Callable[[Answers, str, Fields, Fields], None]] = {
    "INFER": _outcome, "LEARN": _outcome, "WARM_UP": _outcome, "IDLE": _steps,
    "READ_WEIGHTS": _weights, "READ_STATE": _bytes, "READ_LEARNING": _bytes,
    "STATISTICS": _statistics, "STORE": _save, "NEW_CLASS": _new_class, "PUSH": _pushed}

"""A device as a `Target`: over a serial port, a socket to QEMU, or the loopback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import frames_of, require_streams
from edge_dassdp.reference import asked
from edge_dassdp.reference.classes import class_idx_of, name_bytes, taught_idx
from edge_dassdp.sensor.monitor import DriftReport, Event
from edge_dassdp.sensor.orientation import Orientation
from edge_dassdp.slots import boards
from edge_dassdp.storage.memory import Memory
from edge_dassdp.targets import profiles
from edge_dassdp.targets.answers import Answers, check_learning, require_possible
from edge_dassdp.targets.learning import taught_in
from edge_dassdp.targets.streamed import check_hop, checked_push, pieces
from edge_dassdp.targets.target import (
    NO_LABEL,
    OWN_LOSS,
    Decision,
    Outcome,
    Statistics,
    Target,
    was_carried_out,
)
from edge_dassdp.targets.writes import Requests, chunks, of_learning, of_weights, replace
from edge_dassdp.wire.info import DeviceInfo, ProjectionInfo
from edge_dassdp.wire.lock import Lock
from edge_dassdp.wire.messages import CHUNK_BYTES, FLAGS, IDLE_STEPS, STATUS_TEXTS, STATUSES
from edge_dassdp.wire.saved import EMPTY, NOTHING, Saved, Slots
from edge_dassdp.wire.session import RETRIES, TIMEOUT_S, Port, Session, locked

RECOVERIES = 3
"""As whoever waits for a long stream wants it."""
_ONCE = {"LEARN", "WARM_UP", "IDLE", "OBSERVE", "FIT_PROFILE", "STORE", "NEW_CLASS",
         "FORGET_CLASS", "STREAM", "PUSH"}
_IN_PARTS = {"WRITE_WEIGHTS", "WRITE_LEARNING"}
"""Requests that are parts of something, which only whoever sends all of them can begin again."""
Decode = Callable[[bytes], dict[str, NDArray[Any]]]


class LinkTarget(Target):
    """A network on the other end of a port.

    expected_model_hash: SHA-256 of the quantized network in hexadecimal; expected_build_hash:
    64 bits; None accepts any. projections: in the model's order; without them weights cannot be
    moved. decode: names for the bytes of the state. network: what answers are held to; without it
    to what any device can say. timeout_s, retries, log: see `Session`. recoveries: how often in a
    row a request without an answer is asked again, in a new session, unless the device carried it
    out and it must not be twice; `lost_request_ran` tells. memory: what this computer keeps of a
    board that keeps what it learned. lock: the key of a locked build. The constructor shakes hands.

    Every method raises EdgeError E502 when the device does not answer, E503 when it refuses, E504
    when it answers what it cannot, E505 when it restarted (the next call begins a new session),
    E509 when it is locked and the key is missing or another, E104 for data of the wrong shape.
    """

    def __init__(self, port: Port, expected_model_hash: str | None = None,
                 expected_build_hash: int | None = None,
                 projections: Sequence[ProjectionInfo] = (), *, decode: Decode | None = None,
                 network: QNetwork | None = None, timeout_s: float = TIMEOUT_S,
                 retries: int = RETRIES, recoveries: int = 0, log: Path | None = None,
                 memory: Memory | None = None, lock: Lock | None = None) -> None:
        self.memory = memory
        self._is_settled = True
        self._expected_model_hash = expected_model_hash
        self._expected_build_hash = expected_build_hash
        self._projections = list(projections)
        self._decode = decode
        self._network = network
        self._recoveries = recoveries
        self._in_flash = NOTHING
        self._n_recovered = 0
        self._session = Session(port, self._check_hello, timeout_s=timeout_s, retries=retries,
                                log=log, lock=lock)
        try:
            self.info = self._shake_hands()
        except BaseException:
            self._session.close()
            raise
        self.name = self.info.board

    @classmethod
    def of(cls, network: QNetwork, port: Port, *, build_hash: int | None = None,
           **options: Any) -> Self:
        """The device that should run `network`, and that build of it; options as above."""
        projections = [ProjectionInfo(p.name, p.n_pre, p.n_post, p.weight_bits)
                       for p in network.projections]
        return cls(port, network.sha256, build_hash, projections,
                   decode=Plan.of(network).layout.decode, network=network, **options)

    @property
    def n_classes(self) -> int:
        return self.info.n_classes

    @property
    def is_read_only(self) -> bool:
        """Whether it is locked, and there is no key."""
        return self._session.is_read_only

    @property
    def link_frames(self) -> int:
        """Frames sent so far."""
        return self._session.n_frames

    @property
    def link_retries(self) -> int:
        """Of these, repeated ones."""
        return self._session.n_retries

    @property
    def link_recovered(self) -> int:
        """Requests that were never answered, after which a new session went on."""
        return self._n_recovered

    @property
    def lost_request_ran(self) -> bool | None:
        """After E502 and the next call: whether the device had carried the lost request out."""
        return self._session.lost_request_ran

    def require_key(self, what: str) -> None:
        if self.is_read_only:
            raise locked(what)

    def infer(self, x: NDArray[np.int8], *, digest: bool = False,
              n_steps: int | None = None) -> Outcome:
        asked.check_infer_steps(n_steps, self.info.n_steps)
        is_whole = n_steps is None or n_steps >= self.info.n_steps
        return self._run("INFER", x, digest, n_steps=0 if is_whole else n_steps)

    def learn(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
              digest: bool = False) -> Outcome:
        asked.check_lesson(self.n_classes, label, loss_q8)
        return self._run("LEARN", x, digest, label=int(label), loss_q8=int(loss_q8))

    def warm_up(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
                digest: bool = False) -> Outcome:
        asked.check_lesson(self.n_classes, label, loss_q8, records=True)
        return self._run("WARM_UP", x, digest, label=int(label), loss_q8=int(loss_q8))

    def fit_gate(self) -> None:
        self._ask("FIT_GATE")

    def idle(self, n_steps: int) -> int:
        asked.check_steps(n_steps)
        n_done = 0
        while True:
            n_asked = min(n_steps - n_done, IDLE_STEPS)
            n_answered: int = self._ask("IDLE", n_steps=n_asked)["n_done"]
            n_done += n_answered
            if n_answered < n_asked or n_done >= n_steps:
                return n_done

    def open_stream(self, hop: int) -> None:
        if self._network is not None:
            check_hop(self._network, hop)
        self._stream(hop)

    def close_stream(self) -> None:
        self._stream(0)

    def _stream(self, hop: int) -> None:
        try:
            self._ask("STREAM", hop=int(hop))
        except EdgeError as problem:
            if not was_carried_out(self, problem):
                raise

    def push(self, frame: NDArray[np.int8]) -> Decision | None:
        """Where the link loses the answer, E502 with `lost_request_ran`: the step has run."""
        if self._network is not None:
            require_streams(self._network)
            frame = checked_push(self._network, frame)
        *before, (_, last) = pieces(frame.tobytes())

        def send() -> dict[str, Any]:
            for offset, piece in before:
                self._ask_once("PUT_SAMPLE", offset=offset, data=piece)
            return self._ask_once("PUSH", flags=0, data=last)

        said = self._recovering("PUSH", send)
        logits = np.frombuffer(said["logits"], "<i4").astype(np.int32)
        return Decision(said["class_idx"], logits) if said["is_decided"] else None

    def observe(self, x: NDArray[np.int8], label: int = NO_LABEL) -> Event:
        asked.check_lesson(self.n_classes, label, OWN_LOSS)
        sample = asked.checked_sample(x, self.info.x_bytes)
        if self._network is not None:
            asked.require_observes(self._network, label)
        answer = self._recovering("OBSERVE", lambda: self._ask_once(
            "OBSERVE", label=int(label), x=self._send_pieces(sample.tobytes())))
        return profiles.known_event(answer["event"])

    def drift(self) -> DriftReport:
        return self._drift(0)

    def allow_profile(self, is_allowed: bool = True) -> None:
        self._drift(2 if is_allowed else 1)

    def _drift(self, allow: int) -> DriftReport:
        if self._network is not None:
            (asked.require_search if allow else asked.require_drift)(self._network)
        return profiles.said_of_drift(**self._ask("DRIFT", allow=allow))

    def fit_profile(self) -> Orientation:
        found = self._ask("FIT_PROFILE")
        return profiles.found_orientation(self.read_learning, self._network, **found)

    def select_profile(self, kind: int) -> None:
        asked.check_kind(kind)
        self._ask("SELECT_PROFILE", profile=int(kind))

    def new_class(self, name: str) -> int:
        if self._network is not None:
            class_idx_of(self._network, taught_in(self._network, self.read_learning()), name)
        try:
            return int(self._ask("NEW_CLASS", class_name=name_bytes(name))["class_idx"])
        except EdgeError as problem:
            if self._network is None or not was_carried_out(self, problem):
                raise
            return taught_idx(self._network, taught_in(self._network, self.read_learning()), name)

    def forget_class(self, name: str) -> None:
        if self._network is None:
            raise EdgeError("E105", "classes have no names without the network",
                            help="connect with LinkTarget.of(network, port)")
        taught = taught_in(self._network, self.read_learning())
        try:
            self._ask("FORGET_CLASS", class_idx=taught_idx(self._network, taught, name))
        except EdgeError as problem:
            if not was_carried_out(self, problem):
                raise

    def save(self) -> None:
        self._ask("SAVE")

    def rollback(self) -> None:
        self._ask("ROLLBACK")

    def read_weights(self, projection: str) -> NDArray[np.int16]:
        idx, info = self._find(projection)
        if info.n_pre == 0:
            raise EdgeError("E503", f"the weights of {projection} cannot be read back",
                            cause="a convolution's kernel lies in flash as it is scattered",
                            help="it does not learn: the model's file holds its weights")
        width = info.dtype.itemsize
        data = b"".join(
            self._ask("READ_WEIGHTS", projection=idx, first=begin // width,
                      n_weights=(end - begin) // width)["data"]
            for begin, end in chunks(info.n_pre * info.n_post * width))
        values = np.frombuffer(data, info.dtype).astype(np.int16)
        return values.reshape(info.n_pre, info.n_post)

    def write_weights(self, projection: str, w: NDArray[np.int16]) -> None:
        idx, info = self._find(projection)
        new = of_weights(idx, info, w)
        old = of_weights(idx, info, self.read_weights(projection))
        self._ask("HOLD")
        replace(self._ask, f"the weights of {projection}", new, old)

    def read_state(self) -> bytes:
        """The raw bytes of the device's state, laid out as `plan.Layout` says."""
        return b"".join(self._ask("READ_STATE", offset=begin, n_bytes=end - begin)["data"]
                        for begin, end in chunks(self.info.state_bytes))

    def named_state(self) -> dict[str, NDArray[Any]]:
        if self._decode is None:
            raise EdgeError("E105", "the state has no names without the network",
                            help="connect with LinkTarget.of(network, port)")
        return self._decode(self.read_state())

    def read_learning(self) -> bytes:
        data = b"".join(self._ask("READ_LEARNING", offset=begin, n_bytes=end - begin)["data"]
                        for begin, end in chunks(self.info.persist_bytes))
        check_learning(data, self._network)
        return data

    def write_learning(self, data: bytes) -> None:
        asked.check_snapshot({}, data)
        new = self._writing_learning(data)
        replace(self._ask, "the learning state", new, self._writing_learning(self.read_learning()))

    def restore(self, weights: Mapping[str, NDArray[np.int16]], learning: bytes) -> None:
        """Also on a device that was left half written."""
        asked.check_snapshot(weights, learning)
        new = self._writing(weights, learning)
        try:
            before = self.read_learning()
        except EdgeError as problem:
            if STATUS_TEXTS[STATUSES["E_HELD"]] not in problem.message:
                raise
            old = None
        else:
            old = self._writing({name: self.read_weights(name) for name in weights}, before)
            self._ask("HOLD")
        replace(self._ask, "weights and learning state", new, old)

    def reset(self, *, factory: bool = False) -> None:
        if factory:
            self.in_flash.require(self.info.board)
        self._ask("RESET", erases=1 if factory else 0)
        self._in_flash = EMPTY if factory else self._in_flash

    @property
    def in_flash(self) -> Saved:
        return self._in_flash

    def store(self) -> Saved:
        self.in_flash.require(self.info.board)
        before = self.in_flash
        try:
            self._in_flash = Saved(Slots.SAVED, self._ask("STORE")["n_saves"])
        except EdgeError as problem:
            if was_carried_out(self, problem) and self.in_flash != before:
                return self.in_flash  # its answer was lost, HELLO told it
            raise boards.explained(problem, self.info.board, before) from None
        return self.in_flash

    def statistics(self) -> Statistics:
        fields = self._ask("STATISTICS")
        if fields["stack_size"] == 0:
            fields |= {"stack_size": None, "stack_used": None, "rx_lost": None}
        return Statistics(**fields | {"is_open": bool(fields["is_open"])})

    def close(self) -> None:
        if self.memory and self.memory.is_behind and self._is_settled and self._session.is_open:
            with suppress(EdgeError):
                left = self.statistics()
                self.memory.leave(left.learned_digest, left.n_labelled)
        self._session.close()

    def _ask(self, name: str, **fields: Any) -> dict[str, Any]:
        require_possible(name, self._network)
        return self._recovering(name, lambda: self._ask_once(name, **fields))

    def _recovering(self, name: str, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `ask` gives for the request `name`, in as many sessions as it may take."""
        for n_left in reversed(range(self._recoveries + 1)):
            try:
                return ask()
            except EdgeError as problem:
                if problem.code != "E502" or not n_left or name in _IN_PARTS \
                        or not self._session.is_open:
                    raise
                self._settle(problem)
                if self.lost_request_ran and name in _ONCE:
                    if self.memory:
                        self.memory.done(name)
                    raise
        raise AssertionError

    def _settle(self, problem: EdgeError) -> None:
        """Go on in a new session after an E502, which stands if the line is dead."""
        try:
            self._session.settle()
        except EdgeError as found:
            raise (problem if found.code == problem.code
                   else self._with_reason(found)) from None
        self._is_settled = True
        self._n_recovered += 1

    def _ask_once(self, name: str, **fields: Any) -> dict[str, Any]:
        if not self._session.is_open:
            self.info = self._shake_hands()
        self._is_settled = False  # until it is known whether it was carried out
        try:
            extra_s = boards.extra_s(self.info.board, self._network, name, fields)
            answer = self._session.ask(name, extra_s=extra_s, **fields)
        except EdgeError as problem:
            raise self._with_reason(problem) from None
        self._is_settled = True
        if self.memory:
            self.memory.done(name)
        self._answers.check(name, fields, answer)
        return answer

    def _with_reason(self, problem: EdgeError) -> EdgeError:
        """E505 with why it knows no session any more and what it has now, as far as it says."""
        if problem.code != "E505":
            return problem
        try:
            now = DeviceInfo.of(self._session.look())
        except EdgeError:
            return problem
        if now.start == self.info.start:
            problem.cause += (f"; it counts start {now.start.n_boots} as before: another host took "
                              "it over, or its power was cut")
        else:
            problem.cause += f"; it restarted {now.start}"
        if now.saved.is_there:
            problem.cause += f"; {now.saved}"
            problem.help = (f"If it restarted, it is back at save {now.saved.n_saves:,}, and what "
                            "it learned since is lost: restore a snapshot, or go on from there.")
        return problem

    def _shake_hands(self) -> DeviceInfo:
        return DeviceInfo.of(self._session.open())

    def _check_hello(self, hello: Mapping[str, Any]) -> None:
        """Refuse, and let go of, a device that is not the one expected or cannot be."""
        try:
            info = DeviceInfo.of(hello)
            info.require_sound()
            info.require_model(self._expected_model_hash, self._expected_build_hash,
                               len(self._projections))
            self._in_flash = info.saved
            self._answers = Answers.of(hello, self._network,
                                       [p.weight_bits for p in self._projections])
        except EdgeError:
            self._session.close()
            raise

    def _run(self, name: str, x: NDArray[np.int8], digest: bool, **fields: Any) -> Outcome:
        sample = asked.checked_sample(x, self.info.x_bytes)
        learns = name != "INFER"
        flags = FLAGS["want_forward_digest"] * digest
        flags |= FLAGS["want_learned_digest"] * (digest and learns)
        got = self._recovering(name, lambda: self._ask_once(
            name, flags=flags, x=self._send_pieces(sample.tobytes(), fields.get("n_steps", 0)),
            **fields))
        has_ticks = self.info.tick_bits != 0
        is_saved = bool(got["flags"] & FLAGS["is_saved"])
        if is_saved:
            self._in_flash = Saved(Slots.SAVED, self.in_flash.n_saves + 1)
        return Outcome(
            class_idx=got["class_idx"], loss_q8=got["loss_q8"],
            logits=np.frombuffer(got["logits"], "<i4").astype(np.int32),
            is_skipped=bool(got["flags"] & FLAGS["is_skipped"]),
            is_updated=bool(got["flags"] & FLAGS["is_updated"]), n_replayed=got["n_replayed"],
            is_fallen_back=bool(got["flags"] & FLAGS["is_fallen_back"]),
            is_held=bool(got["flags"] & FLAGS["is_held"]), is_saved=is_saved,
            is_unsaved=bool(got["flags"] & FLAGS["is_unsaved"]),
            forward_digest=got["forward_digest"] if digest else None,
            learned_digest=got["learned_digest"] if digest and learns else None,
            lessons_digest=got["lessons_digest"] if learns else None,
            forward_ticks=got["forward_ticks"] if has_ticks else None,
            learn_ticks=got["learn_ticks"] if has_ticks and learns else None)

    def _send_pieces(self, sample: bytes, n_steps: int = 0) -> bytes:
        """Send a sample ahead that no message holds, or whose steps run as they arrive, n_steps of
        them, 0 for all; gives what is left for the message that runs it."""
        keeps_frame = self._network is not None and self._network.keeps_frame
        if len(sample) <= CHUNK_BYTES and not keeps_frame:
            return sample
        if self._network is not None and keeps_frame and n_steps:
            frames = frames_of(self._network, np.frombuffer(sample, np.int8))
            sample = b"".join(f.tobytes() for f in frames[:n_steps])
        sensor = self._network.sensor if self._network else None
        size = CHUNK_BYTES if sensor is None else profiles.whole_readings(sensor.n_channels)
        for begin, end in chunks(len(sample), size):
            self._ask_once("PUT_SAMPLE", offset=begin, data=sample[begin:end])
        return b""

    def _find(self, projection: str) -> tuple[int, ProjectionInfo]:
        for idx, info in enumerate(self._projections):
            if isinstance(projection, str) and info.name == projection:
                return idx, info
        names = ", ".join(info.name for info in self._projections) or "none were given"
        raise EdgeError("E105", f"there is no projection {projection}",
                        help=f"Projections: {names}")

    def _writing(self, weights: Mapping[str, NDArray[np.int16]], learning: bytes) -> Requests:
        """The requests that write a snapshot. Raises E104 and E503 for what does not fit."""
        return [request for name, w in weights.items()
                for request in of_weights(*self._find(name), w)] + self._writing_learning(learning)

    def _writing_learning(self, data: bytes) -> Requests:
        return of_learning(self.info.persist_bytes, self._network, data)

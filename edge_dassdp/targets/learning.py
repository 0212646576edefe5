"""A learning state that comes from outside, held to what a device leaves, as the device does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import profile_of
from edge_dassdp.qir.ranges import SHARE_MAX_Q8
from edge_dassdp.qir.stored import pack, target_of, unpack
from edge_dassdp.reference.carried import carried_state, fields_of, restore
from edge_dassdp.reference.classes import name_bytes, taught_of
from edge_dassdp.reference.memory import SEEN_MAX
from edge_dassdp.sensor.front import NO_MEAN, QSensor
from edge_dassdp.sensor.profile import Kind


def checked_learning(network: QNetwork, data: bytes) -> dict[str, NDArray[Any]]:
    """The learning state of a device by the names of its state.

    Raises EdgeError E104 for another number of bytes, E503 for counters, generator, batch, share of
    misses, guard, gate, replay, a stored sample or what a rule carries as no device leaves them.
    """
    layout = Plan.of(network).layout
    if len(data) != layout.persist_end - layout.persist_begin:
        raise EdgeError("E104", f"a learning state of {len(data)} bytes, expected "
                        f"{layout.persist_end - layout.persist_begin}")
    if not network.remembers:
        raise EdgeError("E503", "the projection is not plastic",
                        cause="nothing in this network learns")
    state = _decoded(network, data)
    for name, (low, high) in _limits(network).items():
        if not low <= int(state[name][0]) <= high:
            raise _out_of_range(f"{name} is {int(state[name][0])}, {low} to {high}")
    check_counts(network, data)
    for q in network.plastic:
        carried = carried_state(network, q)
        for f in fields_of(network, q):
            if f.is_persistent:
                restore(f"{f.name}_{q.name}", carried[f.name], state)
        if q.rule is not None and not q.rule.fits(carried, network.site(q)):
            raise _out_of_range(f"what {q.rule.title} carries on '{q.name}' is damaged")
    if "ring" in state and not _are_samples(network, state["ring"], state["ring_seen"]):
        raise _out_of_range("a stored sample is damaged")
    if network.sensor is not None:
        _check_sensor(network.sensor, state)
    _check_classes(network, state)
    return state


def taught_in(network: QNetwork, data: bytes) -> dict[str, int]:
    """Classes that were taught, index by name, of a learning state."""
    if not network.spare_classes:
        return {}
    return taught_of(network, _decoded(network, data)["class_names"])


def means_in(network: QNetwork, data: bytes) -> int:
    """Of how many classes the device of a learning state has a mean of what it saw."""
    if network.class_means is None:
        return 0
    return int((_decoded(network, data)["class_seen"][: network.n_classes] > 0).sum())


def _check_classes(network: QNetwork, state: Mapping[str, NDArray[Any]]) -> None:
    """E503 unless names are such, each once, and no class that is spare has a mean's count or a
    stored sample beyond what they can."""
    if "class_seen" in state and (state["class_seen"] >= 2 * QUANTITIES["mean_samples"]).any():
        raise _out_of_range("a class mean is damaged")
    if not network.spare_classes:
        return
    taught = taught_of(network, state["class_names"])
    rows = state["class_names"].reshape(network.spare_classes, -1)
    for name in taught:
        try:
            given = name_bytes(name)
        except EdgeError as problem:
            raise _out_of_range(problem.message) from None
        if rows[taught[name] - network.n_known].astype(np.uint8).tobytes() != given:
            raise _out_of_range("the name of a class is damaged")
    if len(taught) != int((rows[:, 0] > 0).sum()) or rows[rows[:, 0] == 0].any():
        raise _out_of_range("the names of classes are damaged")
    spare = sorted(set(range(network.n_known, network.n_classes)) - set(taught.values()))
    if "ring_seen" in state and state["ring_seen"][spare].any():
        raise _out_of_range("samples are stored of a class that was not taught")


def _decoded(network: QNetwork, data: bytes) -> dict[str, NDArray[Any]]:
    """A learning state by the names of the state; all else is 0."""
    layout = Plan.of(network).layout
    return layout.decode(bytes(layout.persist_begin) + data
                         + bytes(layout.state_bytes - layout.persist_end))


def check_counts(network: QNetwork, data: bytes) -> None:
    """E503 where of something there is more than of what it is part of: statistics that no host
    would believe afterwards."""
    state = {n: int(v[0]) for n, v in _decoded(network, data).items() if v.size == 1}
    seen = state.get("learning.n_labelled", 0) + state.get("cusum.n_held", 0)
    n_judged = state.get("guard.n_judged", 0)
    for name, most in (("learning.n_skipped", state.get("learning.n_labelled", 0)),
                       ("replay.n_replay_skipped", state.get("replay.n_replayed", 0)),
                       ("guard.n_judged", seen), ("guard.hits_bits", (1 << n_judged) - 1),
                       ("guard.factory_hits_bits", (1 << n_judged) - 1)):
        if state.get(name, 0) > most:
            raise _out_of_range(f"{name} is {state[name]}, and no more than {most} can be")


def _check_sensor(sensor: QSensor, state: Mapping[str, NDArray[Any]]) -> None:
    """E503 unless its profile is one, and no mean of what was observed is beyond int16."""
    stored, idx = int(state["sensor.stored"][0]), int(state["sensor.profile_idx"][0])
    if stored > Kind.BOTH or int(state["sensor.selected"][0]) not in (0, stored) \
            or state["sensor.has_learned"][0] > 1 or (stored and not idx):
        raise _out_of_range("it uses a profile that is not stored")
    if stored & Kind.ORIENTATION and not sensor.triads:
        raise _out_of_range("it has an orientation, and the sensor no triads")
    if stored:
        try:
            profile_of(stored, state["sensor_profile"])
        except EdgeError as problem:
            raise _out_of_range(problem.message) from None
    if sensor.fits:
        sums = state["sensor_sums"].reshape(-1, 3)
        seen = state["sensor_seen"][: len(sums), None]
        if ((sums < -(2**15) * seen) | (sums > (2**15 - 1) * seen)).any():
            raise _out_of_range("what was observed of the sensor is damaged")
        if seen[sensor.polar_means[:, 0] == NO_MEAN].any():
            raise _out_of_range("a class was observed that the factory does not know")


def _out_of_range(cause: str) -> EdgeError:
    return EdgeError("E503", "value out of range", cause=cause)


def _limits(network: QNetwork) -> dict[str, tuple[int, int]]:
    """Smallest and largest value by name."""
    limits = {"learning.rng": (1, 0xFFFFFFFF), "learning.batch_idx": (0, network.n_batch - 1),
              "learning.batch_kind": (0, 1), "learning.miss_share_q8": (
                  0, SHARE_MAX_Q8 if network.error_step else 0),
              } if network.plastic else {}
    if network.guard is not None and network.guard.margin:
        window = network.guard.window
        limits |= {"guard.n_judged": (0, window)}
        limits |= {f"guard.{name}": (0, (1 << window) - 1)
                   for name in ("hits_bits", "factory_hits_bits")}
    n_slots = network.replay.ring_per_class * network.n_kinds if network.replay else 0
    if network.cusum is not None:
        limits |= {"cusum.sum_q10": (0, network.cusum.opens_q10), "cusum.is_open": (0, 1),
                   "cusum.n_due": (0, n_slots)}
    if network.replay is not None:
        limits |= {"replay.flash_idx": (0, max(network.replay.labels.size, 1) - 1),
                   "replay.ring_idx": (0, max(n_slots, 1) - 1)}
    return limits


def _are_samples(network: QNetwork, ring: NDArray[Any], seen: NDArray[Any]) -> bool:
    """Every filled slot holds what a sample leaves, and no more were seen than are counted."""
    assert network.replay is not None
    k = network.replay.ring_per_class
    if not network.replay.is_reservoir and (seen >= SEEN_MAX // k * k).any():
        return False
    slots = ring.astype(np.uint32).reshape(k, network.n_kinds, -1)
    return all(_is_sample(network, sample.tobytes())
               for place, row in enumerate(slots) for sample in row[seen > place])


def _is_sample(network: QNetwork, sample: bytes) -> bool:
    """Spikes find room from the first one on, silence has no latency, and behind the last neuron
    there is silence."""
    counts, latencies = map(np.concatenate, zip(*unpack(network, sample).values(), strict=True))
    has_room = (latencies >= 0) & (counts + latencies <= network.n_steps)
    whole = pack(network, counts, latencies, target_of(network, sample))
    return bool(has_room[counts > 0].all()) and whole == sample

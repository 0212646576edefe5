"""Work before the build: the operations of an inference and of a learning step, counted on the
reference, and the instructions they come to at the prices of boards/costs.toml.

Sources of the costs: benchmarks/fit_costs.py, instructions executed in QEMU.
"""

from __future__ import annotations

import functools
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp import assets
from edge_dassdp.board import Board
from edge_dassdp.packing import LEARNING_DTYPE, columns
from edge_dassdp.qformat import IntArray
from edge_dassdp.qir import QErrorRule, QNetwork, QPopulation, QProjection
from edge_dassdp.reference import Reference
from edge_dassdp.reference_rules import apply_error_rule, apply_sync_rule, xorshift32
from edge_dassdp.target import NO_LABEL

COSTS_FILE = "costs.toml"
_RESETS = {"none": 0, "subtract_now": 2}


@dataclass(frozen=True)
class Work:
    """Operations of one sample on a device, exact. Columns are those of the weight image, padding
    included; rows are presynaptic neurons.

    Inference. population_steps: population updates. analogue_macs: inputs times columns.
    currents: neurons whose analogue current was rounded. sum_columns: columns of projections with
    an active row, per step. synaptic_ops: active rows times columns, the classic figure;
    synaptic_ops_16: those of 16-bit weights among them. neuron_updates; neuron_updates_16: those of
    int16 membranes among them; leak_products: two for an int32 membrane, one for an int16 one,
    none where a shift leaks; resets: resets considered, two in an update that subtracts at once.
    words_scanned: words of 32 spikes searched; spikes_listed: spikes found in
    them. events_recorded: spikes counted for learning. membranes_read: membranes added to logits
    or tested for a record.

    Learning. updates: 1 if weights were written. logits: softmax terms. fields_read: packed counts
    and latencies. feedback_dots, feedback_macs: errors passed back. factors: error factors k.
    rows_written. row_columns: columns of the rows of error rules; timed_columns: those weighted by
    latency among them. groups_drawn: random words, four weights each. columns_16: 16-bit weights
    written. sync_columns: weights updated by synchrony rules; sync_pairs: pairs that they compare,
    in every sample of the batch.
    """

    inferences: int = 0
    population_steps: int = 0
    analogue_macs: int = 0
    currents: int = 0
    sum_columns: int = 0
    synaptic_ops: int = 0
    synaptic_ops_16: int = 0
    neuron_updates: int = 0
    neuron_updates_16: int = 0
    leak_products: int = 0
    resets: int = 0
    words_scanned: int = 0
    spikes_listed: int = 0
    events_recorded: int = 0
    membranes_read: int = 0
    lessons: int = 0
    updates: int = 0
    logits: int = 0
    fields_read: int = 0
    feedback_dots: int = 0
    feedback_macs: int = 0
    factors: int = 0
    rows_written: int = 0
    row_columns: int = 0
    timed_columns: int = 0
    groups_drawn: int = 0
    columns_16: int = 0
    sync_columns: int = 0
    sync_pairs: int = 0


OPERATIONS = tuple(f.name for f in fields(Work))


# ---- inference -----------------------------------------------------------------------------------

def inference_work(network: QNetwork, x: NDArray[np.int8]) -> list[Work]:
    """The work of classifying each sample of x, int8 (n, x_bytes), with factory weights."""
    reference = Reference(network)
    reference.begin(x)
    tally: dict[str, Any] = defaultdict(lambda: np.zeros(len(x), np.int64))
    tally["inferences"] = np.ones(len(x), np.int64)
    for t_step in range(network.n_steps):
        before = _active(reference)
        reference.step(t_step)
        _count_step(reference, t_step, before, tally)
    return [Work(**{name: int(counted[i]) for name, counted in tally.items()})
            for i in range(len(x))]


def _active(reference: Reference) -> dict[str, IntArray]:
    """Neurons of each population that fired in the last step, (n,)."""
    return {name: s.sum(axis=1) for name, s in reference.spikes.items()}


def _count_step(reference: Reference, t_step: int, before: Mapping[str, IntArray],
                tally: dict[str, Any]) -> None:
    """Add one step of all populations: a later population's spikes are those of the step before.

    The device lists the spikes of one population at a time and lists again when it needs another.
    """
    net, after = reference.network, _active(reference)
    active, listed = dict(before), ""
    for p in net.populations:
        tally["population_steps"] += 1
        _count_analogue(net, p, t_step, tally)
        for q in net.into(p.name):
            if q.is_analogue:
                continue
            if listed != q.pre:
                listed = _list(net.population(q.pre), active, tally)
            n_columns = columns(q.n_post)
            is_wide = q.weight_bits == 16
            tally["synaptic_ops"] += active[q.pre] * n_columns
            tally["synaptic_ops_16"] += active[q.pre] * n_columns * is_wide
            tally["sum_columns"] += (active[q.pre] > 0) * n_columns * (not is_wide)
        tally["neuron_updates"] += p.size
        tally["neuron_updates_16"] += p.size * (p.membrane_bits == 16)
        tally["leak_products"] += p.size * (p.membrane_bits // 16) * (p.leak_shift == 0)
        tally["resets"] += p.size * _RESETS.get(p.reset, 1)
        active[p.name] = after[p.name]
        listed = "" if listed == p.name else listed
        if p.counts or p.name == net.readout:
            if listed != p.name:
                listed = _list(p, active, tally)
            _count_events(reference, p, active, tally)


def _count_analogue(net: QNetwork, p: QPopulation, t_step: int, tally: dict[str, Any]) -> None:
    """Once a sample, or in every step if any of its inputs comes in frames."""
    frames = {i.name: i.n_frames for i in net.inputs}
    analogue = [q for q in net.into(p.name) if q.is_analogue]
    if analogue and (t_step == 0 or any(frames[q.pre] > 1 for q in analogue)):
        tally["currents"] += p.size
        tally["analogue_macs"] += sum(q.n_pre * columns(q.n_post) for q in analogue)


def _list(p: QPopulation, active: Mapping[str, IntArray], tally: dict[str, Any]) -> str:
    tally["words_scanned"] += -(-p.size // 32)
    tally["spikes_listed"] += active[p.name]
    return p.name


def _count_events(reference: Reference, p: QPopulation, active: Mapping[str, IntArray],
                  tally: dict[str, Any]) -> None:
    net = reference.network
    if p.name == net.readout:
        is_sum = net.readout_kind == "membrane_sum"
        tally["membranes_read"] += p.size if is_sum else active[p.name]
    if p.counts:
        tally["membranes_read"] += p.size * p.records_membrane
        tally["events_recorded"] += ((reference.v[p.name] > 0).sum(axis=1) if p.records_membrane
                                     else active[p.name])


# ---- learning ------------------------------------------------------------------------------------

def learning_work(network: QNetwork, x: NDArray[np.int8], labels: Iterable[int]) -> list[Work]:
    """The work of learning each sample of x, int8 (n, x_bytes), once and in order, from the
    factory weights on; the inference before it is not in it. Raises what `Reference.learn` does.
    """
    reference = Reference(network)
    done = []
    for sample, label in zip(x, labels, strict=True):
        outcome = reference.learn(sample, int(label))
        tally: dict[str, int] = defaultdict(int)
        tally |= {"lessons": 1, "updates": int(outcome.is_updated),
                  "logits": network.n_classes * (label != NO_LABEL)}
        slot = (int(reference.learning["batch_idx"]) - 1) % network.n_batch
        may_write = label != NO_LABEL and bool(reference.error) and not outcome.is_skipped
        if may_write:
            _count_feedback(reference, slot, tally)
        for p in network.plastic:
            if isinstance(p.rule, QErrorRule):
                if may_write:
                    _count_error_rule(reference, p, slot, tally)
            elif slot == network.n_batch - 1:
                _count_sync_rule(reference, p, tally)
        done.append(Work(**tally))
    return done


def _count_feedback(reference: Reference, slot: int, tally: dict[str, int]) -> None:
    """Every active neuron with an error asks each projection forward of it."""
    net = reference.network
    order = [p.name for p in net.populations]
    for name in reference.error:
        if name == net.readout:
            continue
        tally["fields_read"] += net.population(name).size
        n_active = int((reference.records[name][slot].count > 0).sum())
        for q in net.projections:
            if (not q.is_analogue and q.pre == name and q.post in reference.error
                    and order.index(q.post) > order.index(name)):
                tally["feedback_dots"] += n_active
                tally["feedback_macs"] += n_active * -(-q.n_post // 4) * 4


def _count_error_rule(reference: Reference, p: QProjection, slot: int,
                      tally: dict[str, int]) -> None:
    """The rule once more on a copy: its counters tell whether, its random state how much."""
    assert isinstance(p.rule, QErrorRule)
    records = {name: slots[slot] for name, slots in reference.records.items()}
    probe = _fresh_counters()
    apply_error_rule(p, np.zeros_like(reference.w[p.name]), reference.error[p.post], records, probe)
    tally["fields_read"] += p.n_pre
    tally["factors"] += p.n_post
    if not probe["n_updates"]:
        return
    rows, is_timed = int((records[p.pre].count > 0).sum()), p.rule.g_q7 is not None
    n_tried = int(probe["n_updates"]) // rows
    tally["fields_read"] += p.n_pre + (rows + n_tried) * is_timed
    tally["rows_written"] += rows
    tally["row_columns"] += rows * columns(p.n_post)
    tally["timed_columns"] += rows * columns(p.n_post) * is_timed
    tally["columns_16"] += rows * columns(p.n_post) * (p.weight_bits == 16)
    tally["groups_drawn"] += _draws(int(probe["rng"]))


def _count_sync_rule(reference: Reference, p: QProjection, tally: dict[str, int]) -> None:
    """A full batch compares every pair in every sample, unless all gates are shut."""
    probe, n_batch = _fresh_counters(), reference.network.n_batch
    apply_sync_rule(p, np.zeros_like(reference.w[p.name]), reference.records,
                    reference.gates[p.name].copy(), probe)
    tally["fields_read"] += n_batch * (p.n_pre + p.n_post)
    if probe["n_updates"]:
        tally["rows_written"] += p.n_pre
        tally["sync_columns"] += p.n_pre * p.n_post
        tally["sync_pairs"] += n_batch * p.n_pre * p.n_post
        tally["columns_16"] += p.n_pre * columns(p.n_post) * (p.weight_bits == 16)
        tally["groups_drawn"] += _draws(int(probe["rng"]))


def _fresh_counters() -> NDArray[Any]:
    counters = np.zeros((), LEARNING_DTYPE)
    counters["rng"] = 1
    return counters


def _draws(rng: int) -> int:
    """Random words drawn since the state was 1."""
    n, state = 0, 1
    while state != rng:
        state = xorshift32(state)
        n += 1
    return n


# ---- instructions --------------------------------------------------------------------------------

@functools.cache
def _costs() -> Mapping[str, Any]:
    path = assets.folder("boards") / COSTS_FILE
    return tomllib.loads(path.read_text(encoding="utf-8"))


def predict_instructions(work: Work, board: Board) -> float | None:
    """Instructions of `work` on a board's core; None if boards/costs.toml lacks its cpu."""
    costs = _costs().get(board.cpu)
    if costs is None:
        return None
    return float(sum(price * getattr(work, name)
                     for name, price in costs["instructions"].items()))


def predict_mean(work: Sequence[Work], board: Board) -> float | None:
    """Mean instructions over samples; None without samples or without costs."""
    predicted = [predict_instructions(one, board) for one in work]
    known = [p for p in predicted if p is not None]
    return float(np.mean(known)) if known else None

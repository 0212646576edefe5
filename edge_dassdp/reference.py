"""The integer model in NumPy: the definition of right. docs/arithmetic.md says the same in words.

Inference runs whole batches of samples; learning takes them one by one, as a device does.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.bounds import leak
from edge_dassdp.errors import EdgeError
from edge_dassdp.kinds import is_int
from edge_dassdp.packing import GATE_DTYPE, LEARNING_DTYPE, pack_bits, pack_weights
from edge_dassdp.qformat import IntArray, round_shift, saturate
from edge_dassdp.qir import (
    QErrorRule,
    QNetwork,
    QPopulation,
    QProjection,
    QSyncRule,
    frame_bytes,
)
from edge_dassdp.reference_rules import (
    Record,
    apply_error_rule,
    apply_sync_rule,
    feed_back,
    fit_gate,
    record_gate,
    softmax_error,
)
from edge_dassdp.target import NO_LABEL, OWN_LOSS, Outcome, Progress, Statistics, Target

LEARNING_KIND, WARM_UP_KIND = 0, 1
MAX_LOSS_Q8 = 32767


class Reference(Target):
    """The reference as a Target."""

    name = "reference"

    def __init__(self, network: QNetwork) -> None:
        self.network = network
        self.reset()

    # ---- state -------------------------------------------------------------------------------

    def reset(self) -> None:
        net = self.network
        self.w = {p.name: p.w.astype(np.int64) for p in net.projections}
        self.learning = np.zeros((), LEARNING_DTYPE)
        self.learning["rng"] = net.seed if net.plastic else 0
        self.gates = {p.name: np.zeros((), GATE_DTYPE) for p in net.plastic
                      if isinstance(p.rule, QSyncRule)}
        self.losses = np.zeros(net.n_batch, np.int64)
        self.records = {p.name: [Record.empty(p.size, clear=False) for _ in range(net.n_batch)]
                        for p in net.populations if p.counts}
        self.error = {p.name: np.zeros(p.size, np.int64) for p in net.populations if p.has_error}
        self._rest(1)

    def _rest(self, n: int) -> None:
        """Membranes, spikes and sums of n samples at the start."""
        net = self.network
        self.v = {p.name: np.zeros((n, p.size), np.int64) for p in net.populations}
        self.spikes = {p.name: np.zeros((n, p.size), bool) for p in net.populations}
        self.base = {p.name: np.broadcast_to(p.bias, (n, p.size)) for p in net.populations}
        self.sums = np.zeros((n, net.n_classes), np.int64)

    def named_state(self) -> dict[str, NDArray[Any]]:
        net = self.network
        state: dict[str, NDArray[Any]] = {}
        for p in net.populations:
            state[f"v_{p.name}"] = self.v[p.name][0]
            state[f"spk_{p.name}"] = self.spikes[p.name][0].astype(np.int64)
            if p.analogue_bias is not None:
                state[f"base_{p.name}"] = self.base[p.name][0]
            if p.has_error:
                state[f"error_{p.name}"] = self.error[p.name]
            if p.counts:
                records = self.records[p.name]
                state[f"count_{p.name}"] = np.concatenate([r.count for r in records])
                if p.records != "none":
                    mark = (1 << net.field_bits) - 1
                    state[f"latency_{p.name}"] = np.concatenate(
                        [np.where(r.latency < 0, mark, r.latency) for r in records])
        state["logits"] = self.sums[0]
        for q in net.plastic:
            state[f"w_{q.name}"] = self.w[q.name]
            if q.name in self.gates:
                state |= _members(f"gate_{q.name}", self.gates[q.name])
        if net.plastic:
            state |= _members("learning", self.learning)
        return state

    def read_weights(self, projection: str) -> NDArray[np.int16]:
        return self.w[_known(self.network, projection).name].astype(np.int16)

    def write_weights(self, projection: str, w: NDArray[np.int16]) -> None:
        self.w[projection] = checked_weights(self.network, projection, w)

    def _learned_bytes(self) -> bytes:
        gates = b"".join(g.tobytes() for g in self.gates.values())
        return gates + (self.learning.tobytes() if self.network.plastic else b"")

    def learned_digest(self) -> int:
        """CRC-32 over the weight images of plastic projections and the learning state."""
        crc = 0
        for p in self.network.plastic:
            crc = zlib.crc32(pack_weights(self.w[p.name], p.weight_bits), crc)
        return zlib.crc32(self._learned_bytes(), crc)

    def statistics(self) -> Statistics:
        return learned_statistics(self.network, self.named_state())

    # ---- inference ---------------------------------------------------------------------------

    def begin(self, x: NDArray[np.int8]) -> None:
        """Start samples x, int8 (n, x_bytes)."""
        self._rest(len(x))
        self.x = x
        slot = int(self.learning["batch_idx"])
        for records in self.records.values():
            records[slot] = Record.empty(records[slot].count.size)

    def step(self, t_step: int) -> None:
        """One time step of every population, in order."""
        for p in self.network.populations:
            if p.analogue_bias is not None:
                self.base[p.name] = self._analogue_current(p, t_step)
            acc = np.zeros_like(self.v[p.name])
            for q in self.network.into(p.name):
                if not q.is_analogue:
                    acc += self.spikes_from(q.pre, t_step) @ self.w[q.name]
            self._update(p, acc)
            self._observe(p, t_step)

    def _analogue_current(self, p: QPopulation, t_step: int) -> IntArray:
        assert p.analogue_bias is not None
        current = np.broadcast_to(p.analogue_bias, self.v[p.name].shape).astype(np.int64)
        for q in self.network.into(p.name):
            if q.is_analogue:
                x = self._frame(q.pre, t_step).astype(np.int64)
                current = current + x @ self.w[q.name]
        return np.asarray(round_shift(current, p.analogue_rshift))

    def _frame(self, source: str, t_step: int) -> NDArray[np.int8]:
        """What an input gives in one step, (n, frame bytes)."""
        i = next(i for i in self.network.inputs if i.name == source)
        n_bytes = frame_bytes(i)
        first = self.network.x_offsets[source] + (t_step if i.n_frames > 1 else 0) * n_bytes
        return self.x[:, first : first + n_bytes]

    def spikes_from(self, source: str, t_step: int) -> NDArray[Any]:
        """Spikes of a population, or of an input, (n, size)."""
        if source in self.spikes:
            return self.spikes[source]
        size = next(i.size for i in self.network.inputs if i.name == source)
        packed = np.ascontiguousarray(self._frame(source, t_step)).view(np.uint8)
        return np.unpackbits(packed, axis=1, count=size, bitorder="little").astype(np.int64)

    def _update(self, p: QPopulation, acc: IntArray) -> None:
        v = self.v[p.name]
        current = round_shift(acc << p.acc_lshift, p.acc_rshift) + self.base[p.name]
        r = v >= p.fire_at
        if p.reset == "zero_delayed":
            v = np.where(r, 0, v)
        v = leak(v, p.leak_q15, p.leak_shift) + current
        if p.reset in ("subtract_delayed", "subtract_now"):
            v = v - np.where(r, p.reset_by, 0)
        v = self._fit(p, v)
        s = v >= p.fire_at
        if p.reset == "subtract_now":
            v = self._fit(p, v - (s.astype(np.int64) - r) * p.reset_by)
        if p.reset == "zero_now":
            v = np.where(s, 0, v)
        self.v[p.name], self.spikes[p.name] = v, s

    def _fit(self, p: QPopulation, v: IntArray) -> IntArray:
        if p.membrane_bits == 16 and p.saturates:
            return np.asarray(saturate(v, 16))
        limit = 1 << (p.membrane_bits - 1)
        if not ((v >= -limit) & (v < limit)).all():
            raise EdgeError("E506", f"population '{p.name}': a membrane left its proven range")
        return v

    def _observe(self, p: QPopulation, t_step: int) -> None:
        if p.name == self.network.readout:
            is_sum = self.network.readout_kind == "membrane_sum"
            self.sums += self.v[p.name] if is_sum else self.spikes[p.name]
        if p.counts:
            events = self.v[p.name][0] > 0 if p.records_membrane else self.spikes[p.name][0]
            slot = int(self.learning["batch_idx"])
            self.records[p.name][slot].add(events, t_step, keep_last=p.records == "last")

    def end(self) -> IntArray:
        """Classes of the samples: the lowest index of the largest logit."""
        net = self.network
        readout = net.population(net.readout)
        if readout.counts and readout.records_membrane and readout.records == "last":
            slot = int(self.learning["batch_idx"])
            self.records[readout.name][slot].count = (self.sums[0] > 0).astype(np.int64)
        return np.asarray(self.sums.argmax(axis=1))

    def classify(self, x: NDArray[np.int8], progress: Progress | None = None) -> IntArray:
        """Classes of samples x, int8 (n, x_bytes), in one batched run."""
        self.begin(x)
        for t_step in range(self.network.n_steps):
            self.step(t_step)
        return self.end()

    def _step_bytes(self) -> bytes:
        parts = []
        for p in self.network.populations:
            parts.append(pack_bits(self.spikes[p.name][0]))
            parts.append(self.v[p.name][0].astype(f"<i{p.membrane_bits // 8}").tobytes())
        return b"".join(parts)

    def infer(self, x: NDArray[np.int8], *, digest: bool = False,
              n_steps: int | None = None) -> Outcome:
        x = checked_sample(self.network, x)
        steps = self.network.n_steps if n_steps is None else min(n_steps, self.network.n_steps)
        crc = 0
        self.begin(x[None, :])
        for t_step in range(steps):
            self.step(t_step)
            if digest:
                crc = zlib.crc32(self._step_bytes(), crc)
        if steps < self.network.n_steps:
            zeros = np.zeros(self.network.n_classes, np.int32)
            return Outcome(0, zeros, forward_digest=crc if digest else None)
        class_idx = int(self.end()[0])
        logits = self.sums[0].astype(np.int32)
        if digest:
            crc = zlib.crc32(logits.astype("<i4").tobytes(), crc)
        return Outcome(class_idx, logits, forward_digest=crc if digest else None)

    # ---- learning ----------------------------------------------------------------------------

    def learn(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
              digest: bool = False) -> Outcome:
        self._check(label, loss_q8)
        outcome = self.infer(x, digest=digest)
        self._begin_kind(LEARNING_KIND)
        own_loss, may_write = self._evaluate(label)
        skipped = label != NO_LABEL and bool(self.error) and not may_write
        is_updated = may_write
        if may_write:
            slot = int(self.learning["batch_idx"])
            feed_back(self.network, self.w, self.error, self._slot(slot))
            self._apply(QErrorRule, slot)
        self.learning["n_labelled"] += int(label != NO_LABEL)
        self.learning["n_skipped"] += int(skipped)
        if self.gates and self._fill_batch(LEARNING_KIND, own_loss if loss_q8 < 0 else loss_q8):
            self._apply(QSyncRule, 0)
            is_updated = True
        return self._outcome(outcome, own_loss, skipped, is_updated, digest)

    def warm_up(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
                digest: bool = False) -> Outcome:
        self._check(label, loss_q8)
        if label == NO_LABEL and loss_q8 < 0:
            raise EdgeError("E104", "a warm-up record without a label needs a loss")
        outcome = self.infer(x, digest=digest)
        self._begin_kind(WARM_UP_KIND)
        own_loss, _ = self._evaluate(label)
        if self.gates and self._fill_batch(WARM_UP_KIND, own_loss if loss_q8 < 0 else loss_q8):
            for name, gate in self.gates.items():
                record_gate(self.network.projection(name), gate, self.losses, self.records)
        return self._outcome(outcome, own_loss, False, False, digest)

    def _outcome(self, forward: Outcome, loss_q8: int, skipped: bool, updated: bool,
                 digest: bool) -> Outcome:
        return Outcome(forward.class_idx, forward.logits, loss_q8, skipped, updated,
                       forward.forward_digest, self.learned_digest() if digest else None)

    def fit_gate(self) -> None:
        for gate in self.gates.values():
            fit_gate(gate)

    def _check(self, label: int, loss_q8: int) -> None:
        if not self.network.plastic:
            raise EdgeError("E503", "the projection is not plastic",
                            cause="nothing in this network learns")
        if not (is_int(label) and is_int(loss_q8)):
            raise EdgeError("E104", f"label {label!r} or loss {loss_q8!r} is no integer")
        if label != NO_LABEL and not 0 <= label < self.network.n_classes:
            raise EdgeError("E503", "label out of range",
                            cause=f"label {label}, classes 0 to {self.network.n_classes - 1}")
        if loss_q8 != OWN_LOSS and not 0 <= loss_q8 <= MAX_LOSS_Q8:
            raise EdgeError("E503", "value out of range", cause=f"loss {loss_q8}, 0 to 32767")

    def _evaluate(self, label: int) -> tuple[int, bool]:
        """Own loss in Q8, and whether error rules may write."""
        if label == NO_LABEL:
            return 0, False
        err_q8, loss_q8 = softmax_error(self.network, self.sums[0], label)
        if self.network.readout not in self.error:
            return min(loss_q8, MAX_LOSS_Q8), False
        self.error[self.network.readout] = err_q8
        return min(loss_q8, MAX_LOSS_Q8), int(err_q8[label]) >= self.network.skip_below_q8

    def _slot(self, slot: int) -> dict[str, Record]:
        return {name: records[slot] for name, records in self.records.items()}

    def _apply(self, kind: type, slot: int) -> None:
        for p in self.network.plastic:
            if isinstance(p.rule, kind) and isinstance(p.rule, QErrorRule):
                apply_error_rule(p, self.w[p.name], self.error[p.post], self._slot(slot),
                                 self.learning)
            elif isinstance(p.rule, kind):
                apply_sync_rule(p, self.w[p.name], self.records, self.gates[p.name],
                                self.learning)

    def _begin_kind(self, kind: int) -> None:
        """Another kind of sample discards an incomplete batch and starts the next one."""
        slot = int(self.learning["batch_idx"])
        if slot == 0 or int(self.learning["batch_kind"]) == kind:
            return
        for records in self.records.values():
            records[0] = records[slot].copy()
        self.learning["batch_idx"] = 0

    def _fill_batch(self, kind: int, loss_q8: int) -> bool:
        slot = int(self.learning["batch_idx"])
        self.losses[slot] = loss_q8
        self.learning["batch_kind"] = kind
        is_full = slot + 1 == self.network.n_batch
        self.learning["batch_idx"] = 0 if is_full else slot + 1
        return is_full


def learned_statistics(network: QNetwork, state: Mapping[str, NDArray[Any]]) -> Statistics:
    """Counters of a named state, and its plastic weights at an end of their range."""
    names = ("n_labelled", "n_skipped", "n_updates", "n_vanished")
    n_saturated = 0
    for p in network.plastic:
        bound = 1 << (p.weight_bits - 1)
        w = state[f"w_{p.name}"]
        n_saturated += int(((w == -bound) | (w == bound - 1)).sum())
    return Statistics(n_saturated=n_saturated,
                      **{n: int(state.get(f"learning.{n}", [0])[0]) for n in names})


def _members(prefix: str, record: NDArray[Any]) -> dict[str, NDArray[Any]]:
    names = record.dtype.names or ()
    return {f"{prefix}.{n}": np.atleast_1d(record[n]) for n in names if n != "reserved"}


def _known(network: QNetwork, projection: str) -> QProjection:
    for p in network.projections:
        if p.name == projection:
            return p
    raise EdgeError("E105", f"there is no projection '{projection}'",
                    help="choose one of " + ", ".join(p.name for p in network.projections))


def checked_weights(network: QNetwork, projection: str, w: NDArray[Any]) -> IntArray:
    """w as int64 (n_pre, n_post); EdgeError E503 if frozen or out of range, E104 for its shape."""
    p = _known(network, projection)
    if not p.is_plastic:
        raise EdgeError("E503", "the projection is not plastic", cause=f"'{projection}' is frozen")
    given = np.asarray(w)
    if given.dtype.kind not in "iu":
        raise EdgeError("E104", f"weights of '{projection}' are {given.dtype}, expected integers")
    values = given.astype(np.int64)
    if values.shape != p.w.shape:
        raise EdgeError("E104", f"weights of '{projection}' have shape {values.shape}, expected "
                        f"{p.w.shape}")
    bound = 1 << (p.weight_bits - 1)
    if (values < -bound).any() or (values >= bound).any():
        raise EdgeError("E503", "value out of range",
                        cause=f"weights of '{projection}' lie in {-bound} to {bound - 1}")
    return values


def checked_sample(network: QNetwork, x: NDArray[Any]) -> NDArray[np.int8]:
    """x as int8 (x_bytes,), or EdgeError E104."""
    sample = np.asarray(x)
    if sample.dtype != np.int8 or sample.shape != (network.x_bytes,):
        raise EdgeError("E104", f"a sample is {sample.dtype} of shape {sample.shape}, expected "
                        f"int8 of shape ({network.x_bytes},)")
    return sample

"""The integer model in NumPy: the definition of right. docs/arithmetic.md says the same in words.

Inference runs whole batches of samples; learning takes them one by one, as a device does.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir import QProjection, Stage
from edge_dassdp.qir.checks import checked_weights, known_projection
from edge_dassdp.qir.lesson import Lesson, Record, draw
from edge_dassdp.qir.packing import GUARD_DTYPE, LEARNING_DTYPE, pack_weights
from edge_dassdp.qir.stored import rebuild
from edge_dassdp.reference.asked import (
    MAX_LOSS_Q8,
    check_infer_steps,
    check_lesson,
    check_steps,
    checked_sample,
    require_copy,
    require_replay,
)
from edge_dassdp.reference.carried import carried_bytes, carried_state, named
from edge_dassdp.reference.classes import OF_DEVICE, OF_FACTORY, require_spares, taught_idx
from edge_dassdp.reference.feedback import (
    feed_back,
    softmax_error,
    step_size_q8,
    value_error,
)
from edge_dassdp.reference.memory import Gate, Memory, Stored, count_miss, judge
from edge_dassdp.reference.outcome import (
    NO_LABEL,
    OWN_LOSS,
    LessonKind,
    Outcome,
    Statistics,
    chain,
    learned_statistics,
    members,
)
from edge_dassdp.reference.sensed import Sensed

LEARNING_KIND, WARM_UP_KIND = LessonKind.LEARN, LessonKind.WARM_UP


class Reference(Sensed):
    """A network that learns. `targets.reference.ReferenceTarget` is the same as a Target."""

    name = "reference"

    # ---- state -------------------------------------------------------------------------------

    @property
    def slot(self) -> int:
        return int(self.learning["batch_idx"])

    def reset(self) -> None:
        net = self.network
        self.learning = np.zeros((), LEARNING_DTYPE)
        self.learning["rng"] = net.seed if net.plastic else 0
        self.learning["miss_share_q8"] = net.error_step.start_q8 if net.error_step else 0
        self.carried = {q.name: carried_state(net, q) for q in net.plastic}
        self.losses = np.zeros(net.n_batch, np.int64)
        self.error = {p.name: np.zeros(p.size, np.int64) for p in net.populations if p.has_error}
        self.stored = None if net.replay is None else Memory(net, net.replay)
        self.guard = np.zeros((), GUARD_DTYPE) if net.guard and net.guard.margin else None
        self.gate = None if net.cusum is None else Gate(net.cusum)
        self.saved: dict[str, IntArray] = {}
        self.saved_classes: tuple[IntArray, ...] | None = None
        super().reset()

    def named_state(self) -> dict[str, NDArray[Any]]:
        net = self.network
        state: dict[str, NDArray[Any]] = {}
        for p in net.populations:
            state[f"v_{p.name}"] = self.v[p.name][0]
            state[f"spk_{p.name}"] = (self.spikes[p.name][0] > 0).astype(np.int64)
            if p.max_spikes > 1:
                state[f"multi_{p.name}"] = self.spikes[p.name][0]
            if p.name in self.i:
                state[f"i_{p.name}"] = self.i[p.name][0]
            if p.analogue_bias is not None:
                state[f"base_{p.name}"] = self.base[p.name][0]
            if p.has_error:
                state[f"error_{p.name}"] = self.error[p.name]
            if p.touch_width is not None:
                state[f"touch_{p.name}"] = self.touches[p.name].astype(np.int64)
            if p.counts:
                records = self.records[p.name]
                state[f"count_{p.name}"] = np.concatenate([r.count for r in records])
                if p.records != "none":
                    mark = (1 << net.field_bits) - 1
                    state[f"latency_{p.name}"] = np.concatenate(
                        [np.where(r.latency < 0, mark, r.latency) for r in records])
        if any(q.stage == "batch" for q in net.plastic):
            state["losses"] = self.losses
        for name, spikes in self.coded.items():
            state |= self._coded_state(name, spikes[0, max(self.t_step - 1, 0)])
        state["logits"] = self.sums[0]
        for q in net.plastic:
            state[f"w_{q.name}"] = self.w[q.name]
            for field, values in self.carried[q.name].items():
                state |= named(f"{field}_{q.name}", values)
        for prefix, record in self.structs().items():
            state |= members(prefix, record)
        if self.stored is not None and self.stored.ring.size:
            state["ring"] = self.stored.ring.ravel().astype(np.int64)
            state["ring_seen"] = self.stored.seen
        if self.worn is not None:
            state |= self.worn.named_state()
        if self.classes is not None:
            state |= self.classes.named_state()
        return state

    def read_weights(self, projection: str) -> NDArray[np.int16]:
        return self.w[known_projection(self.network, projection).name].astype(np.int16)

    def write_weights(self, projection: str, w: NDArray[np.int16]) -> None:
        self.w[projection] = checked_weights(self.network, projection, w)

    def structs(self) -> dict[str, NDArray[Any]]:
        """Structured scalars of the learning state by name, in the device's order, without what
        rules carry."""
        structs = {"learning": self.learning} if self.network.plastic else {}
        structs |= {} if self.stored is None else {"replay": self.stored.counters}
        structs |= {} if self.guard is None else {"guard": self.guard}
        structs |= {} if self.gate is None else {"cusum": self.gate.state}
        return structs

    def _learned_bytes(self) -> bytes:
        parts = [carried_bytes(self.network, self.carried)]
        parts += [record.tobytes() for record in self.structs().values()]
        parts += [] if self.worn is None else [self.worn.to_bytes()]
        parts += [] if self.classes is None else [self.classes.to_bytes()]
        if self.stored is not None and self.stored.ring.size:
            parts += [self.stored.ring.tobytes(), self.stored.seen.astype("<u2").tobytes()]
        return b"".join(parts)

    def learned_digest(self) -> int:
        """CRC-32 over the weight images of plastic projections and the learning state."""
        crc = 0
        for p in self.network.plastic:
            crc = zlib.crc32(pack_weights(self.w[p.name], p.weight_bits,
                                          self.network.is_packed(p)), crc)
        return zlib.crc32(self._learned_bytes(), crc)

    def statistics(self) -> Statistics:
        return learned_statistics(self.network, self.named_state(), self.n_x_saturated,
                                  self.learned_digest())

    # ---- inference ---------------------------------------------------------------------------

    def infer(self, x: NDArray[np.int8], *, digest: bool = False,
              n_steps: int | None = None) -> Outcome:
        x = checked_sample(x, self.network.x_bytes)
        check_infer_steps(n_steps, self.network.n_steps)
        steps = self.network.n_steps if n_steps is None else min(n_steps, self.network.n_steps)
        crc = 0
        self.begin(x[None, :])
        for t_step in range(steps):
            self.step(t_step)
            if digest:
                crc = zlib.crc32(self.step_bytes(), crc)
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
        self._note()
        is_miss = label != NO_LABEL and outcome.class_idx != label
        held = self._is_held(label, is_miss)
        if not held:
            self._begin_kind(LEARNING_KIND)
        slot = self.slot
        own_loss, may_write = self._evaluate(label)
        skipped = not held and label != NO_LABEL and bool(self.error) and not may_write
        is_updated = not held and self._write(
            label, may_write, skipped, own_loss if loss_q8 < 0 else loss_q8)
        n_replayed, has_fallen_back = 0, False
        if label != NO_LABEL:
            if self.network.error_step is not None:
                count_miss(self.learning, is_miss)
            if self.classes is not None and not held:
                self.classes.learn(label)
            has_fallen_back = self._judge(outcome.class_idx, label)
            n_replayed = self._remember(slot, label, held)
        if self.worn is not None and (is_updated or n_replayed):
            self.worn.note_learning()
        made = replace(outcome, loss_q8=own_loss, is_skipped=skipped, is_updated=is_updated,
                       n_replayed=n_replayed, is_fallen_back=has_fallen_back, is_held=held)
        return self._chained(LEARNING_KIND, label, loss_q8, made, digest)

    def _is_held(self, label: int, is_miss: bool) -> bool:
        """Whether the gate lets nothing be learned from this sample; one with a label counts."""
        if self.gate is None:
            return False
        if label != NO_LABEL:
            self.gate.judge(is_miss, self.stored.n_stored if self.stored else 0)
        return not self.gate.is_open

    def _write(self, label: int, may_write: bool, skipped: bool, loss_q8: int) -> bool:
        """All rules learn from the sample that just ended; whether some could write."""
        if may_write:
            self._learn_from_error()
        is_updated = self._apply("sample") or may_write
        self.learning["n_labelled"] += int(label != NO_LABEL)
        self.learning["n_skipped"] += int(skipped)
        if self._fill_batch(LEARNING_KIND, loss_q8):
            is_updated |= self._apply("batch")
        return is_updated

    def _learn_from_error(self) -> None:
        """The error, fed back, and all error rules, from the records of the current slot."""
        net, slot = self.network, self.slot
        records = {name: r[slot] for name, r in self.records.items()}
        active: dict[str, NDArray[np.bool_]] = {}
        for name, record in records.items():
            touched = self.touches.get(name)
            active[name] = np.asarray(record.count > 0 if touched is None
                                      else touched.any(axis=0))
        feed_back(net, self.w, self.error, active)
        self._apply("error", step_size_q8(net, self.learning))

    def _apply(self, stage: Stage, step_q8: int = 256) -> bool:
        """The rules of a stage, from the records of the current slot; whether there are some."""
        rules = [q for q in self.network.plastic if q.stage == stage]
        for q in rules:
            self._teach(q, self._lesson(q, step_q8))
        return bool(rules)

    def _teach(self, q: QProjection, lesson: Lesson) -> None:
        assert q.rule is not None
        try:
            q.rule.learn(lesson, self.network.site(q))
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as problem:
            if not q.rule.is_own():
                raise
            raise EdgeError("E203", f"{q.rule.title} on '{q.name}': its `learn` fails",
                            cause=f"{type(problem).__name__}: {problem}") from problem

    def _lesson(self, q: QProjection, step_q8: int = 256) -> Lesson:
        return Lesson(
            self.w[q.name], q.weight_bits, self.records.get(q.pre, ()),
            self.records.get(q.post, ()), self.slot, self.rasters.get(q.pre),
            self.rasters.get(q.post), self.touches.get(q.post), self.error.get(q.post),
            self.losses, step_q8, self.learning, self.carried[q.name])

    def _judge(self, class_idx: int, label: int) -> bool:
        """Whether the weights fell back to the factory's after this sample."""
        rule = self.network.guard
        if rule is None or self.guard is None:
            return False
        rasters = {p.name: self.rasters[p.name] for p in self.network.cut}
        by_factory = self.rerun(rasters, factory=True) == label
        if not judge(self.guard, class_idx == label, by_factory, rule.window, rule.margin):
            return False
        for p in self.network.plastic:
            self.w[p.name] = p.w.astype(np.int64)
        return True

    def _remember(self, slot: int, label: int, held: bool) -> int:
        """Store the sample recorded in `slot`; unless it is held, learn others again: how many."""
        memory = self.stored
        if memory is None:
            return 0
        kind = label if self.network.values is None else 0
        memory.store({name: r[slot] for name, r in self.records.items()}, kind,
                     lambda: int(draw(self.learning, 1)[0]), self.target_q11)
        if held or self.network.is_by_mean(label):
            return 0
        n_due = 0 if self.gate is None else self.gate.take_due()
        turns = [True] * (n_due + memory.rule.n_ring) + [False] * memory.rule.n_flash
        return sum(self._replay(memory.next_of(is_of_ring), is_of_ring) for is_of_ring in turns)

    def _replay(self, sample: Stored | None, is_of_ring: bool) -> int:
        """Learn again from a stored sample; 0 if there is none."""
        if sample is None or self.stored is None:
            return 0
        fields, label, target = sample
        self.target_q11 = self.target_q11 if target is None else target
        for name, (counts, latencies) in fields.items():
            self.records[name][self.slot] = Record(counts, latencies)
        rasters = {name: rebuild(*pair, self.network.n_steps) for name, pair in fields.items()}
        self.rasters |= {name: r for name, r in rasters.items() if name in self.rasters}
        self.rerun(rasters)
        self._follow(label, is_of_ring)
        _, may_write = self._evaluate(label)
        if may_write:
            self._learn_from_error()
        self.stored.counters["n_replayed"] += 1
        self.stored.counters["n_replay_skipped"] += int(not may_write)
        return 1

    def _follow(self, label: int, is_of_ring: bool) -> None:
        """The class means, of a stored sample that ran again."""
        means = self.network.class_means
        if means is not None and self.classes is not None:
            counts = self.records[means.hidden][self.slot].count
            self.classes.learn_again(counts, label, OF_DEVICE if is_of_ring else OF_FACTORY)

    def new_class(self, name: str) -> int:
        require_spares(self.network)
        assert self.classes is not None
        return self.classes.teach(name)

    def forget_class(self, name: str) -> None:
        net = self.network
        require_spares(net)
        assert self.classes is not None
        class_idx = taught_idx(net, self.classes.taught, name)
        for q in net.plastic:
            if q.post == net.readout:
                self.w[q.name][:, class_idx] = 0
        self.classes.forget(class_idx)
        if self.stored is not None:
            self.stored.seen[class_idx] = 0

    def idle(self, n_steps: int) -> int:
        check_steps(n_steps)
        require_replay(self.network)
        memory, n_done = self.stored, 0
        assert memory is not None
        for _ in range(n_steps if self.gate is None or self.gate.is_open else 0):
            is_of_ring = memory.counters["n_replayed"] % 2 == 0
            sample = memory.next_of(is_of_ring)
            if sample is None:
                is_of_ring = not is_of_ring
                sample = memory.next_of(is_of_ring)
            n_replayed = self._replay(sample, is_of_ring)
            n_done += n_replayed
            if n_replayed:
                chain(self.learning, LessonKind.IDLE)
        if self.worn is not None and n_done:
            self.worn.note_learning()
        return n_done

    def save(self) -> None:
        require_copy(self.network)
        self.saved = {p.name: self.w[p.name].copy() for p in self.network.plastic}
        self.saved_classes = None if self.classes is None else self.classes.copy()

    def rollback(self) -> None:
        require_copy(self.network)
        for p in self.network.plastic:
            self.w[p.name] = self.saved.get(p.name, p.w).astype(np.int64)
        if self.classes is not None:
            renamed = self.classes.put_back(self.saved_classes)
            if self.stored is not None:
                self.stored.seen[renamed] = 0

    def warm_up(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
                digest: bool = False) -> Outcome:
        self._check(label, loss_q8, records=True)
        outcome = self.infer(x, digest=digest)
        self._note()
        self._begin_kind(WARM_UP_KIND)
        own_loss, _ = self._evaluate(label)
        if self._fill_batch(WARM_UP_KIND, own_loss if loss_q8 < 0 else loss_q8):
            self._record(self.network.n_batch)
        made = replace(outcome, loss_q8=own_loss)
        return self._chained(WARM_UP_KIND, label, loss_q8, made, digest)

    def _record(self, n_samples: int) -> None:
        """The first n_samples slots, a batch of the warm-up, into all statistics."""
        for q in self.network.plastic:
            if q.rule is not None:
                lesson = replace(self._lesson(q), losses=self.losses[:n_samples])
                q.rule.record(lesson, self.network.site(q))

    def _note(self) -> None:
        """What sample a lesson is of, with the targets that it came with."""
        self._x_crc = zlib.crc32(self.target_q11.astype("<i2").tobytes(),
                                 zlib.crc32(self.x.tobytes()))

    def _chained(self, kind: int, label: int, loss_q8: int, made: Outcome, digest: bool) -> Outcome:
        """The lesson becomes part of the running digest."""
        chain(self.learning, kind, label, loss_q8, self._x_crc, made)
        return replace(made, learned_digest=self.learned_digest() if digest else None,
                       lessons_digest=int(self.learning["lessons_digest"]))

    def fit_gate(self) -> None:
        if self.slot > 0 and int(self.learning["batch_kind"]) == WARM_UP_KIND:
            self._record(self.slot)
            self.learning["batch_idx"] = 0
        for q in self.network.plastic:
            if q.rule is not None:
                q.rule.fit(self._lesson(q), self.network.site(q))

    def _check(self, label: int, loss_q8: int, *, records: bool = False) -> None:
        check_lesson(self.network.n_classes, label, loss_q8, records=records)
        refuse_unless("E503", label == NO_LABEL or self.classes is None
                      or self.classes.is_known(label), "label out of range",
                      cause=f"class {label} is spare, and nothing was taught as it",
                      help="teach it by a name first: new_class, learn --new-class NAME")
        if not self.network.plastic:
            raise EdgeError("E503", "the projection is not plastic",
                            cause="nothing in this network learns")

    def _evaluate(self, label: int) -> tuple[int, bool]:
        """Own loss in Q8, and whether error rules may write."""
        if label == NO_LABEL:
            return 0, False
        values = self.network.values
        if values is None:
            err_q8, loss_q8 = softmax_error(self.network, self.sums[0], label)
            largest = int(err_q8[label])
        else:
            err_q8, loss_q8 = value_error(values, self.sums[0], self.target_q11)
            largest = int(np.abs(err_q8).max())
        if self.network.readout not in self.error:
            return min(loss_q8, MAX_LOSS_Q8), False
        self.error[self.network.readout] = err_q8
        is_learned = largest >= self.network.skip_below_q8 and not self.network.is_by_mean(label)
        return min(loss_q8, MAX_LOSS_Q8), is_learned

    def _begin_kind(self, kind: int) -> None:
        """Another kind of sample discards an incomplete batch and starts the next one."""
        slot = int(self.learning["batch_idx"])
        if slot == 0 or int(self.learning["batch_kind"]) == kind:
            return
        for records in self.records.values():
            records[0] = records[slot].copy()
        self.learning["batch_idx"] = 0

    def _fill_batch(self, kind: int, loss_q8: int) -> bool:
        """Put the sample into the batch, if there are rules of one; whether it is full."""
        if not any(q.stage == "batch" for q in self.network.plastic):
            return False
        slot = int(self.learning["batch_idx"])
        self.losses[slot] = loss_q8
        self.learning["batch_kind"] = kind
        is_full = slot + 1 == self.network.n_batch
        self.learning["batch_idx"] = 0 if is_full else slot + 1
        return is_full

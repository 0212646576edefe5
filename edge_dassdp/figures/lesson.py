"""Work of a learning step before the build, counted on the reference as it learns: rules, replay,
guard and gate. The inference before it is not in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.figures.work import OPERATIONS, CountingModel, Work
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.lesson import Lesson
from edge_dassdp.qir.packing import columns, words
from edge_dassdp.qir.stored import stored_words
from edge_dassdp.reference import Reference
from edge_dassdp.reference.memory import Stored
from edge_dassdp.rules.cost import planes_of_fired
from edge_dassdp.targets.target import NO_LABEL, Outcome


def learning_work(network: QNetwork, x: NDArray[np.int8], labels: Iterable[int]) -> list[Work]:
    """The work of learning each sample of x, int8 (n, x_bytes), once and in order, from the
    factory weights on. Raises what `Reference.learn` does.
    """
    reference = _CountingReference(network)
    done = []
    for sample, label in zip(x, labels, strict=True):
        reference.learn(sample, int(label))
        done.append(_work(reference.tally))
    return done


def _work(tally: Mapping[str, Any]) -> Work:
    unknown = tally.keys() - set(OPERATIONS)
    if unknown:
        raise EdgeError("E203", f"a rule counts '{min(unknown)}', which is no operation that has a "
                        "price", help="count operations of edge_dassdp.figures.work.Work")
    return Work(**{name: int(np.sum(n)) for name, n in tally.items()})


class _CountingReference(CountingModel, Reference):
    """Counts one lesson at a time."""

    def infer(self, x: NDArray[np.int8], **options: Any) -> Outcome:
        outcome = super().infer(x, **options)
        self.tally = defaultdict(int)
        self.tally["lessons"] = 1
        self.tally["bytes_noted"] = self.network.code_bytes
        return outcome

    def _evaluate(self, label: int) -> tuple[int, bool]:
        self.tally["logits"] += self.network.n_classes * (label != NO_LABEL)
        return super()._evaluate(label)

    def rerun(self, rasters: Mapping[str, NDArray[np.bool_]], *, factory: bool = False) -> int:
        net = self.network
        for name in net.plastic_part:
            p = net.population(name)
            self.tally["bytes_moved"] += self.rest_bytes(p)
            self.forget_events(p)
        self.tally["bytes_moved"] += sum(4 * words(p.size) for p in net.cut) * net.n_steps
        return super().rerun(rasters, factory=factory)

    def _is_held(self, label: int, is_miss: bool) -> bool:
        self.tally["samples_gated"] += int(self.gate is not None and label != NO_LABEL)
        return super()._is_held(label, is_miss)

    def _judge(self, class_idx: int, label: int) -> bool:
        self.tally["misses_followed"] += int(self.network.error_step is not None)
        return super()._judge(class_idx, label)

    def _remember(self, slot: int, label: int, held: bool) -> int:
        if self.stored is not None and self.stored.rule.ring_per_class:
            self.tally["samples_stored"] += 1
            self.tally["bytes_stored"] += 4 * stored_words(self.network)
        return super()._remember(slot, label, held)

    def _replay(self, sample: Stored | None, is_of_ring: bool) -> int:
        if sample is not None:
            self.tally["replays"] += 1
            self.tally["bytes_moved"] += 4 * stored_words(self.network)
            for counts, _ in sample[0].values():
                self.tally["neurons_rebuilt"] += counts.size
                self.tally["spikes_rebuilt"] += int(counts.sum())
        return super()._replay(sample, is_of_ring)

    def _learn_from_error(self) -> None:
        super()._learn_from_error()
        _count_feedback(self, self.slot, self.tally)

    def _teach(self, q: QProjection, lesson: Lesson) -> None:
        assert q.rule is not None
        q.rule.count(lesson, self.network.site(q), self.tally)
        super()._teach(q, lesson)


def _count_feedback(reference: Reference, slot: int, tally: dict[str, int]) -> None:
    """Active neurons with an error ask each projection forward of them."""
    net = reference.network
    order = [p.name for p in net.populations]
    for name in reference.error:
        if name == net.readout:
            continue
        count = reference.records[name][slot].count
        n_read = int(planes_of_fired(count, net.field_bits).sum())
        n_active = int((count > 0).sum())
        for q in net.projections:
            if (q.pre == name and q.post in reference.error
                    and order.index(q.post) > order.index(name)):
                tally["planes_read"] += n_read
                tally["feedback_neurons"] += count.size
                tally["feedback_dots"] += n_active
                tally["feedback_macs"] += n_active * columns(q.n_post)

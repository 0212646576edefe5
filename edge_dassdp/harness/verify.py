"""Targets compared bit for bit; the first difference is named by signal, index and step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QNetwork, QPopulation, QProjection
from edge_dassdp.reference import neuron
from edge_dassdp.reference.asked import checked_lessons
from edge_dassdp.reference.model import IntegerModel
from edge_dassdp.targets.target import Outcome, Progress, Target


@dataclass(frozen=True)
class Divergence:
    """The first place where two targets differ. rule: from outside the package, if it is one that
    differs from its C. operands: what that step of the reference was computed of, lines for people.
    """

    reference: str
    target: str
    sample: int
    phase: str
    t_step: int | None
    signal: str
    index: int
    expected: int
    found: int
    rule: str = ""
    operands: tuple[str, ...] = ()

    def __str__(self) -> str:
        step = "" if self.t_step is None else f", step {self.t_step}"
        whose = f"; {self.rule} is another rule in C than in its `learn`" if self.rule else ""
        return (f"{self.signal}[{self.index}] is {self.found} on {self.target} and "
                f"{self.expected} on {self.reference}: sample {self.sample}, {self.phase}{step}; "
                f"everything before agreed{whose}")


@dataclass(frozen=True)
class Verification:
    """Targets compared over a stream. values_compared counts spikes, membranes, logits,
    statistics and weights of one target against the reference, times the targets."""

    targets: tuple[str, ...]
    samples: int
    learning_steps: int
    values_compared: int
    divergence: Divergence | None
    outcomes: tuple[Outcome, ...]

    @property
    def differences(self) -> int:
        return int(self.divergence is not None)


def verify(reference: Target, targets: Sequence[Target], network: QNetwork,
           x: NDArray[np.int8], labels: NDArray[Any] | None = None,
           progress: Progress | None = None) -> Verification:
    """Run the stream on all targets in step and compare every bit with the reference.

    Per sample the digests over spikes and membranes of every step, logits, learned weights and
    learning state; at the end the whole state by name. labels None: inference only. Stops at the
    first difference and finds its signal, index and step.
    """
    if labels is not None:
        labels, _ = checked_lessons(len(x), network.n_classes, labels, None)
    steps = 0
    outcomes: list[Outcome] = []
    for i, sample in enumerate(x):
        expected = _lesson(reference, sample, labels, i)
        outcomes.append(expected)
        steps += int(labels is not None)
        for target in targets:
            found = _lesson(target, sample, labels, i)
            if _essence(found) != _essence(expected):
                where = _locate(reference, target, network, sample, i, expected, found)
                return _verification(reference, targets, network, i + 1, steps, where, outcomes)
        if progress:
            progress(i + 1)
    ends = (_blamed(_compare_state(reference, t, len(x) - 1, "end"), network) for t in targets)
    last = next((d for d in ends if d), None)
    return _verification(reference, targets, network, len(x), steps, last, outcomes)


def _lesson(target: Target, sample: NDArray[np.int8], labels: NDArray[Any] | None,
            i: int) -> Outcome:
    if labels is None:
        return target.infer(sample, digest=True)
    return target.learn(sample, labels[i], digest=True)


def _essence(outcome: Outcome) -> tuple[Any, ...]:
    return (outcome.class_idx, outcome.logits.tolist(), outcome.loss_q8, outcome.is_skipped,
            outcome.is_updated, outcome.is_held, outcome.forward_digest, outcome.learned_digest)


def _verification(reference: Target, targets: Sequence[Target], network: QNetwork, samples: int,
                  steps: int, where: Divergence | None,
                  outcomes: list[Outcome]) -> Verification:
    neurons = sum(p.size for p in network.populations)
    weights = sum(p.w.size for p in network.plastic)
    per_sample = 2 * neurons * network.n_steps + network.n_classes
    values = len(targets) * (samples * per_sample + steps * (weights + 6))
    names = (reference.name, *(t.name for t in targets))
    return Verification(names, samples, steps, values, where, tuple(outcomes))


def _locate(reference: Target, target: Target, network: QNetwork, sample: NDArray[np.int8],
            i: int, expected: Outcome, found: Outcome) -> Divergence:
    """Run the sample again up to the first step that differs."""
    learned = _blamed(_compare_state(reference, target, i, "learning"), network)
    if expected.forward_digest != found.forward_digest:
        t_step = _first_step(reference, target, sample, network.n_steps)
        if t_step is not None:
            for each in (reference, target):
                each.infer(sample, n_steps=t_step + 1)
            where = _compare_state(reference, target, i, "inference", t_step, ("v_", "spk_"))
            if where:
                return replace(where, operands=_operands(reference, target, network, sample, where))
    return learned or Divergence(reference.name, target.name, i, "outcome", None, "outcome", 0,
                                 expected.loss_q8, found.loss_q8)


class _Watched(IntegerModel):
    """Remembers what arrived in the last step."""

    def begin(self, x: NDArray[np.int8]) -> None:
        super().begin(x)
        self.summed: dict[str, NDArray[Any]] = {}
        self.heard: dict[str, int] = {}

    def _arriving(self, q: QProjection, t_step: int) -> NDArray[Any]:
        arrived = super()._arriving(q, t_step)
        self.heard[q.name] = int(np.count_nonzero(arrived[0]))
        return arrived

    def _update(self, p: QPopulation, acc: NDArray[Any]) -> None:
        self.summed[p.name] = neuron.arriving(p, acc, self.base[p.name])
        super()._update(p, acc)


def _operands(reference: Target, target: Target, network: QNetwork, sample: NDArray[np.int8],
              where: Divergence) -> tuple[str, ...]:
    """Of a neuron in the step that differs, and why it may."""
    p, t_step = network.population(where.signal.partition("_")[2]), where.t_step or 0
    model = _Watched(network)
    others = []
    for q in network.plastic:
        model.w[q.name] = reference.read_weights(q.name).astype(np.int64)
        if not np.array_equal(model.w[q.name], target.read_weights(q.name)):
            others.append(f"'{q.name}'")
    model.worn = getattr(reference, "worn", None)
    model.begin(sample[None])
    for before in range(t_step):
        model.step(before)
    names = {"v": model.v, "i": model.i}
    known = [f"{letter} = {int(of[p.name][0, where.index])}" for letter, of in names.items()
             if p.name in of]
    r = int(model.v[p.name][0, where.index] >= _of(p.fire_at, where.index))
    model.step(t_step)
    sizes = {i.name: i.size for i in network.inputs} | {
        each.name: each.size for each in network.populations}
    heard = [f"{q.name} ({model.heard[q.name]} of {sizes[q.pre]} fired)" if q.name
             in model.heard else f"{q.name} (currents)" for q in network.into(p.name)]
    return (
        f"neuron {where.index} of '{p.name}' in step {t_step}: {neuron.integer_equation(p)}",
        f"operands: {', '.join(known)}, r = {r}, x = "
        f"{int(model.summed[p.name][0, where.index])} by {', '.join(heard)}",
        f"constants: leak {_of(p.leak_q15, where.index)} / 2^15, fires at "
        f"{_of(p.fire_at, where.index)}, reset by {_of(p.reset_by, where.index)}; result: v = "
        f"{int(model.v[p.name][0, where.index])}, s = {int(model.spikes[p.name][0, where.index])}",
        f"cause: it has other weights in {', '.join(others)}: it learned something else" if others
        else "cause: all before that step agreed, and so do the weights that learn: its fixed "
        "weights, its constants or its code are others: build it from this model")


def _of(values: NDArray[Any], index: int) -> int:
    return int(values[index if values.size > 1 else 0])


def _first_step(reference: Target, target: Target, sample: NDArray[np.int8],
                n_steps: int) -> int | None:
    """The first step of n_steps whose spikes or membranes differ, found by halving; None if none
    does now."""
    def agree(n: int) -> bool:
        digests = [each.infer(sample, digest=True, n_steps=n).forward_digest
                   for each in (reference, target)]
        return digests[0] == digests[1]

    if agree(n_steps):
        return None
    low, high = 0, n_steps
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if agree(middle) else (low, middle)
    return low


def _blamed(where: Divergence | None, network: QNetwork) -> Divergence | None:
    """With the rule from outside that changes the signal, if there is one."""
    if where is None:
        return None
    for q in network.plastic:
        if q.rule is not None and q.rule.is_own():
            fields = {f.name for f in q.rule.state(network.site(q))} | {"w"}
            if where.signal.partition(".")[0] in {f"{name}_{q.name}" for name in fields}:
                return replace(where, rule=f"{q.rule.title} on '{q.name}'")
    return where


def _compare_state(reference: Target, target: Target, i: int, phase: str,
                   t_step: int | None = None,
                   prefixes: tuple[str, ...] = ("",)) -> Divergence | None:
    wanted, given = reference.named_state(), target.named_state()
    for name, expected in wanted.items():
        if name.startswith(prefixes) and not np.array_equal(expected, given[name]):
            a, b = expected.ravel(), given[name].ravel()
            index = int(np.flatnonzero(a != b)[0])
            return Divergence(reference.name, target.name, i, phase, t_step, name, index,
                              int(a[index]), int(b[index]))
    return None

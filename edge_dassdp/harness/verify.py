"""Targets compared bit for bit; the first difference is named by signal, index and step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.asked import checked_lessons
from edge_dassdp.targets.target import Outcome, Progress, Target


@dataclass(frozen=True)
class Divergence:
    """The first place where two targets differ. rule: from outside the package, if it is one that
    differs from its C."""

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
                return where
    return learned or Divergence(reference.name, target.name, i, "outcome", None, "outcome", 0,
                                 expected.loss_q8, found.loss_q8)


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

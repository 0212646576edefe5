"""What one does with a Target: stream samples, compare targets bit for bit, keep snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.npz import read_npz, write_npz
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.checks import checked_weights
from edge_dassdp.targets.emulator import LEARN, Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.target import Outcome, Progress, Target

SNAPSHOT = "edge_dassdp/snapshot/1"


def rolling_accuracy(hits: NDArray[Any], window: int) -> NDArray[np.float64]:
    """Mean over the last `window` samples, fewer at the start. hits: (..., n); the same shape."""
    total = np.cumsum(np.asarray(hits, np.float64), axis=-1)
    before = np.zeros_like(total)
    before[..., window:] = total[..., :-window]
    return np.asarray((total - before) / np.minimum(np.arange(1, total.shape[-1] + 1), window))


def accuracy(target: Target, x: NDArray[np.int8], labels: NDArray[Any]) -> float:
    """Share of x (n, x_bytes) that is classified as its label, 0 to 1."""
    return float((target.classify(x) == labels).mean())


@dataclass(frozen=True)
class Stream:
    """A labelled stream that was learned from, once.

    predicted: (n,) the class given before each sample was learned. is_skipped: (n,) bool.
    """

    predicted: NDArray[np.int64]
    is_skipped: NDArray[np.bool_]
    labels: NDArray[np.int64]

    @property
    def hits(self) -> NDArray[np.bool_]:
        return np.asarray(self.predicted == self.labels)


def learn_stream(target: Target, x: NDArray[np.int8], labels: NDArray[Any],
                 progress: Progress | None = None) -> Stream:
    """Let a target learn from x (n, x_bytes) and labels (n,), each sample once, in order."""
    wanted = np.asarray(labels, np.int64)
    if wanted.shape != (len(x),):
        raise EdgeError("E104", f"{len(x)} samples but labels of shape {wanted.shape}")
    if isinstance(target, Emulator) and progress is None:
        done = target.run(x, wanted, mode=LEARN)
        return Stream(done.class_idx, done.is_skipped, wanted)
    outcomes = []
    for i, sample in enumerate(x):
        outcomes.append(target.learn(sample, int(wanted[i])))
        if progress:
            progress(i + 1)
    return Stream(np.array([o.class_idx for o in outcomes], np.int64),
                  np.array([o.is_skipped for o in outcomes], bool), wanted)


@dataclass(frozen=True)
class Divergence:
    """The first place where two targets differ."""

    reference: str
    target: str
    sample: int
    phase: str
    t_step: int | None
    signal: str
    index: int
    expected: int
    found: int

    def __str__(self) -> str:
        step = "" if self.t_step is None else f", step {self.t_step}"
        return (f"{self.signal}[{self.index}] is {self.found} on {self.target} and "
                f"{self.expected} on {self.reference}: sample {self.sample}, {self.phase}{step}; "
                "everything before agreed")


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
    ends = (_compare_state(reference, t, len(x) - 1, "end") for t in targets)
    last = next((d for d in ends if d), None)
    return _verification(reference, targets, network, len(x), steps, last, outcomes)


def _lesson(target: Target, sample: NDArray[np.int8], labels: NDArray[Any] | None,
            i: int) -> Outcome:
    if labels is None:
        return target.infer(sample, digest=True)
    return target.learn(sample, int(labels[i]), digest=True)


def _essence(outcome: Outcome) -> tuple[Any, ...]:
    return (outcome.class_idx, outcome.logits.tolist(), outcome.loss_q8, outcome.is_skipped,
            outcome.is_updated, outcome.forward_digest, outcome.learned_digest)


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
    """Run the sample again, one step further each time, until a state differs."""
    learned = _compare_state(reference, target, i, "learning")
    if expected.forward_digest != found.forward_digest:
        for t_step in range(network.n_steps):
            for each in (reference, target):
                each.infer(sample, n_steps=t_step + 1)
            where = _compare_state(reference, target, i, "inference", t_step, ("v_", "spk_"))
            if where:
                return where
    return learned or Divergence(reference.name, target.name, i, "outcome", None, "outcome", 0,
                                 expected.loss_q8, found.loss_q8)


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


def save_snapshot(target: Emulator | LinkTarget, network: QNetwork, path: Path | str) -> None:
    """Write a device's plastic weights and learning state to an .npz."""
    arrays: dict[str, NDArray[Any]] = {f"w_{p.name}": target.read_weights(p.name)
                                       for p in network.plastic}
    arrays["learning"] = np.frombuffer(target.read_learning(), np.uint8)
    write_npz(path, {"format": SNAPSHOT, "model": network.sha256}, arrays)


def load_snapshot(target: Emulator | LinkTarget, network: QNetwork, path: Path | str) -> None:
    """Put a snapshot back. Raises EdgeError as `read_snapshot` does."""
    weights, learning = _snapshot(network, path)
    for name, w in weights.items():
        target.write_weights(name, w.astype(np.int16))
    target.write_learning(learning)


def read_snapshot(network: QNetwork, path: Path | str) -> dict[str, IntArray]:
    """The learned weights of a snapshot, by plastic projection, shaped as `QProjection.w`.

    Raises EdgeError E103 for another or a damaged file, E504 for another model's.
    """
    return _snapshot(network, path)[0]


def _snapshot(network: QNetwork, path: Path | str) -> tuple[dict[str, IntArray], bytes]:
    """Weights and learning state."""
    header, arrays = read_npz(path, SNAPSHOT)
    if header.get("model") != network.sha256:
        raise EdgeError("E504", f"{path} is a snapshot of another model",
                        cause=f"snapshot {str(header.get('model'))[:12]}, "
                              f"model {network.sha256[:12]}",
                        help="give the model, or the firmware, that it was taken from")
    missing = {"learning", *(f"w_{p.name}" for p in network.plastic)} - set(arrays)
    if missing:
        raise EdgeError("E103", f"{path} is damaged: it lacks {', '.join(sorted(missing))}")
    weights = {p.name: checked_weights(network, p.name, arrays[f"w_{p.name}"])
               for p in network.plastic}
    return weights, arrays["learning"].tobytes()

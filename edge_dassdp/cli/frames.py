"""Samples of a file as one stream without end: `run --hop`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_dassdp.cli.output import Output

if TYPE_CHECKING:
    from edge_dassdp.cli.options import Packed
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.targets.target import Decision, Target


@dataclass(frozen=True)
class Decided:
    """Decisions of a stream. n_pure: those whose window lies in samples of one class, which can be
    judged; n_right: of these. n_unanswered: those that the link lost."""

    n_frames: int
    n_decisions: int
    n_pure: int
    n_right: int
    n_unanswered: int

    @property
    def accuracy(self) -> float | None:
        """Of the windows of one class, 0 to 1; None of none."""
        return self.n_right / self.n_pure if self.n_pure else None

    @property
    def report(self) -> dict[str, Any]:
        """As JSON values."""
        return {"accuracy": self.accuracy, "n_frames": self.n_frames,
                "n_decisions": self.n_decisions, "n_windows_of_one_class": self.n_pure,
                "n_unanswered": self.n_unanswered}

    def __str__(self) -> str:
        text = f"{self.n_frames:,} frames, {self.n_decisions:,} decisions"
        if self.accuracy is not None:
            text += (f", accuracy {100 * self.accuracy:.1f} % of the {self.n_pure:,} whose window "
                     "is of one class")
        return text + (f"; the link lost {self.n_unanswered:,}" if self.n_unanswered else "")


def decide(out: Output, device: Target, network: QNetwork, packed: Packed, hop: int) -> Decided:
    """Push all samples, one behind the other; a line for every decision. Raises EdgeError E105 for
    a hop that cannot be, E503 of a model without streams."""
    from edge_dassdp.harness import UNKNOWN, FrameStream

    n_steps, n_frames = network.n_steps, 0
    counts = dict.fromkeys(("n_decisions", "n_pure", "n_right", "n_unanswered"), 0)
    with out.progress("streaming", len(packed.y)) as progress, \
            FrameStream(network, device, hop) as stream:
        for sample, decision in _pushed(stream, network, packed):
            n_frames = stream.n_frames
            if progress:
                progress(sample + 1)
            if decision is None:
                continue
            first = (n_frames - n_steps) // n_steps
            labels = {int(y) for y in packed.y[first : sample + 1]}
            label = labels.pop() if len(labels) == 1 else None
            out.line(frame=n_frames - 1, class_idx=decision.class_idx, label=label,
                     **_named(network, decision.class_idx))
            counts["n_decisions"] += 1
            counts["n_unanswered"] += decision.class_idx == UNKNOWN
            counts["n_pure"] += label is not None
            counts["n_right"] += decision.class_idx == label
    return Decided(n_frames, **counts)


def _named(network: QNetwork, class_idx: int) -> dict[str, str | None]:
    """Its class by name, where the model has such and the link brought it."""
    if not network.classes:
        return {}
    return {"class_name": network.classes[class_idx] if class_idx >= 0 else None}


def _pushed(stream: Any, network: QNetwork,
            packed: Packed) -> Iterator[tuple[int, Decision | None]]:
    from edge_dassdp.qir.samples import frames_of

    for sample, x in enumerate(packed.x):
        for frame in frames_of(network, x):
            yield sample, stream.push_packed(frame)

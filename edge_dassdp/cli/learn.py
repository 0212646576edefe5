"""learn: labelled samples through a target that learns from each, and what came of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.cli.device import Learned, letter, link, link_text, notes, require_plastic, share
from edge_dassdp.cli.output import Answer, Output
from edge_dassdp.storage.files import are_one
from edge_dassdp.targets.open import open_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_dassdp import harness
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.targets.target import Statistics, Target


@dataclasses.dataclass(frozen=True)
class Judging:
    """Samples to classify before and after, which are not those to learn from."""

    evaluate: Annotated[str | None, typer.Option(metavar="SPLIT", show_default=False, help=(
        "Also classify this split of --data, before and after."))] = None
    test: Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
        "Also classify these samples, the test split of a file with splits, before and after."))
    ] = None

    @property
    def title(self) -> str:
        return str(self.test or f"split {self.evaluate}")

    def samples(self, network: QNetwork, data: Path, split: str,
                shift_seed: int | None) -> options.Packed | None:
        """None where none are wanted. Raises EdgeError E105 where they are those of `split`."""
        if self.evaluate is None and self.test is None:
            return None
        if self.evaluate is not None and self.test is not None:
            raise EdgeError("E105", "--evaluate and --test exclude each other")
        file, judged = self.test or data, self.evaluate or "test"
        part = options.load_part(file, judged)
        if are_one(file, data) and (part.is_whole or judged == split):
            raise EdgeError(
                "E105", "the samples to judge on are those to learn from",
                cause="accuracy on what was just learned says nothing about other samples",
                help="give others with --test FILE, or name rows of train, stream and test in the "
                "data and another split than the one learned")
        return options.device_samples(network, options.shifted(part, shift_seed))


def learn(
    out: Output,
    model: options.Model,
    data: options.Data,
    target: options.TargetSpec = "emulator",
    split: options.Split = "stream",
    shift_seed: options.ShiftSeed = None,
    limit: options.Limit = None,
    warm_up: Annotated[int, typer.Option(min=0, help=(
        "Give the first samples to DA-SSDP's gate before anything is learned."))] = 0,
    idle: Annotated[int, typer.Option(min=0, help=(
        "After the samples, learn again from so many stored ones."))] = 0,
    rollback: Annotated[bool, typer.Option("--rollback", help=(
        "Before, put back the weights that the device keeps a copy of."))] = False,
    save: Annotated[bool, typer.Option("--save", help=(
        "Afterwards let the device keep a copy of its weights."))] = False,
    log: options.Log = None,
    *,
    judging: Judging,
    learned: Learned,
) -> Answer:
    """Learn from labelled samples on a target.

    Each sample is learned once, in order. It is classified first, so the accuracy shown is that
    before its label was seen. With --json every sample is one line, the summary the last.
    """
    from edge_dassdp import harness

    network = options.load_model(model)
    require_plastic(network)
    part = options.load_part(data, split)
    packed = options.device_samples(network, options.shifted(part, shift_seed, limit))
    _check_warm_up(network, warm_up, len(packed.x))
    judged = judging.samples(network, data, split, shift_seed)
    warnings = [*packed.warnings, *_of_judged(packed, judged)]
    with open_target(target, network, log=log) as device:
        warnings += learned.put_back(device, network)
        if rollback:
            device.rollback()
        before = _accuracy(out, device, judged)
        stream = _learn_stream(out, device, packed.x, packed.y, warm_up)
        n_idle = device.idle(idle) if idle else 0
        after = _accuracy(out, device, judged)
        if save:
            device.save()
        statistics, sent = device.statistics(), link(device)
        learned.write(device, network)
    _tell(out, stream)
    data_out = {"target": target, "n_samples": len(stream.labels),
                "accuracy": float(stream.hits.mean()), "before": before, "after": after,
                "idle_steps": n_idle, "scaling": part.scaling, "clipping": packed.clipped,
                "judged_clipping": None if judged is None else judged.clipped,
                "digest": harness.digest_text(statistics.learned_digest),
                "statistics": dataclasses.asdict(statistics), "link": sent,
                "snapshot": str(learned.snapshot) if learned.snapshot else None}
    screen = _screen(target, stream, statistics, link_text(sent), judging.title, before, after)
    return Answer(data_out, [*screen, *notes(target, part)], network.sha256,
                  ["edge-dassdp", "verify", model, "--target", target, "--data", data, "--learn"],
                  warnings=warnings)


def _of_judged(learned: options.Packed, judged: options.Packed | None) -> list[str]:
    """Warnings where samples are judged that were learned from, or that int8 clips. Raises
    EdgeError E105 where all were learned from."""
    if judged is None:
        return []
    seen = {row.tobytes() for row in learned.x}
    n_same = sum(row.tobytes() in seen for row in judged.x)
    if n_same == len(judged.x):
        raise EdgeError("E105", "each sample to judge on is one to learn from",
                        help="give other samples with --test FILE")
    flattered = [f"{n_same:,} of {len(judged.x):,} samples judged were learned from, so accuracy "
                 "after learning is flattered"] if n_same else []
    return flattered + [f"samples to judge on: {text}" for text in judged.warnings]


def _accuracy(out: Output, device: Target, judged: options.Packed | None) -> float | None:
    return None if judged is None else share(out, device, judged.x, judged.y)


def _tell(out: Output, stream: harness.Stream) -> None:
    """A line for every sample learned."""
    for i, (class_idx, label) in enumerate(zip(stream.predicted, stream.labels, strict=True)):
        out.line(sample=i, class_idx=int(class_idx), label=int(label),
                 skipped=bool(stream.is_skipped[i]))


def _screen(target: str, stream: harness.Stream, statistics: Statistics, sent: str, judged: str,
            before: float | None, after: float | None) -> list[Any]:
    from rich.text import Text

    from edge_dassdp.report import screens

    parts: list[Any] = [screens.learn_screen(target, stream, statistics, letter=letter(target),
                                             link=sent.lstrip("; "))]
    if before is not None and after is not None:
        parts.append(Text(f"{judged}: accuracy before {100 * before:.1f} %, after "
                          f"{100 * after:.1f} % {letter(target)}"))
    return parts


def _check_warm_up(network: QNetwork, warm_up: int, n_samples: int) -> None:
    if warm_up and not any(p.rule and "record" in p.rule.hooks for p in network.plastic):
        raise EdgeError("E105", "--warm-up: no projection has a synchrony rule to warm up")
    if warm_up >= n_samples:
        raise EdgeError("E105", f"--warm-up {warm_up} leaves none of {n_samples} samples to learn")


def _learn_stream(out: Output, device: Target, x: NDArray[np.int8], y: NDArray[np.int64],
                  warm_up: int) -> harness.Stream:
    """The first `warm_up` samples fit the gates, the others are learned."""
    from edge_dassdp import harness

    for sample, label in zip(x[:warm_up], y[:warm_up], strict=True):
        device.warm_up(sample, int(label))
    if warm_up:
        device.fit_gate()
    with out.progress("learning", len(x) - warm_up) as progress:
        return harness.learn_stream(device, x[warm_up:], y[warm_up:], progress)

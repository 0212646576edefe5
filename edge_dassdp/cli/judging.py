"""Samples to learn from, and others to judge by, before and after."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.storage.files import are_one

if TYPE_CHECKING:

    from edge_dassdp.data.datasets import Part
    from edge_dassdp.qir import QNetwork

LEAST_SAMPLES = 16
"""Of a stream, before it is judged by its labels."""


@dataclasses.dataclass(frozen=True)
class Judging:
    """Samples to judge by before and after, which are not those to learn from."""

    evaluate: Annotated[str | None, typer.Option(metavar="SPLIT", show_default=False, help=(
        "Also judge by this split of --data, before and after."))] = None
    test: Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
        "Also judge by these samples, the test split of a file with splits, before and after."))
    ] = None

    @property
    def title(self) -> str:
        return str(self.test or f"split {self.evaluate}")

    def part(self, data: Path, split: str) -> Part | None:
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
                cause="how right it is on what was just learned says nothing about other samples",
                help="give others with --test FILE, or name rows of train, stream and test in the "
                "data and another split than the one learned")
        return part


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """part, learned: samples to learn from, of their file and as the device takes them. test,
    judged: those to judge by, None where none are wanted. is_alone: the file of the first would
    give the same classes without that of the others. has_numbers: its classes are such."""

    part: Part
    learned: options.Packed
    test: Part | None
    judged: options.Packed | None
    is_alone: bool
    has_numbers: bool

    @classmethod
    def of(cls, network: QNetwork, judging: Judging, data: Path, split: str,
           shift_seed: int | None, limit: int | None,
           taught: Mapping[str, int] = MappingProxyType({})) -> Given:
        """taught: index by name of classes that were taught. Raises EdgeError E104, E105 for
        samples that are none of this network, or not apart."""
        from edge_dassdp.harness.classes import agreed

        wanted = judging.part(data, split)
        given = options.load_part(data, split)
        part, *tests = agreed(network, given, *([wanted] if wanted else []), taught=taught)
        learned = options.device_samples(network, options.shifted(part, shift_seed, limit))
        test = tests[0] if tests else None
        return cls(part, learned, test, options.device_samples(
            network, options.shifted(test, shift_seed)) if test else None,
            network.class_names is not None or given.samples.classes == part.samples.classes,
            not given.samples.classes)

    def warnings(self, network: QNetwork) -> list[str]:
        """Raises EdgeError E105 where all samples to judge by are learned from."""
        return [*self.learned.warnings, *(self.part.apart(self.test) if self.test else []),
                *_of_judged(network, self.learned, self.judged), *_one_class(network, self.learned)]

    @property
    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return {"scaling": self.part.scaling,
                "judged_scaling": self.test.scaling if self.test else None,
                "classes": list(self.part.samples.classes), "clipping": self.learned.clipped,
                "judged_clipping": self.judged.clipped if self.judged else None}


def _of_judged(network: QNetwork, learned: options.Packed,
               judged: options.Packed | None) -> list[str]:
    """Warnings where samples are judged that were learned from, or that int8 clips. Raises
    EdgeError E104 for targets that do not differ, E105 where all were learned from."""
    if judged is None:
        return []
    if network.values is not None and judged.targets is not None:
        from edge_dassdp.harness import Errors

        errors = Errors.of(judged.targets, judged.targets, network.values.names)
        _ = errors.required_nrmse  # or it is refused before anything is learned
    from edge_dassdp.base.numbers import n_among

    n_same = n_among(judged.x, learned.x)
    if n_same == len(judged.x):
        raise EdgeError("E105", "each sample to judge on is one to learn from",
                        help="give other samples with --test FILE")
    flattered = [f"{n_same:,} of {len(judged.x):,} samples judged were learned from, so "
                 f"{'accuracy' if network.values is None else 'NRMSE'} after learning is "
                 "flattered"] if n_same else []
    return flattered + [f"samples to judge on: {text}" for text in judged.warnings]


def _one_class(network: QNetwork, packed: options.Packed) -> list[str]:
    """A warning where labels say nothing: a stream may come class by class, so it is learned."""
    if packed.targets is not None and len(packed.y) >= LEAST_SAMPLES:
        same = (packed.targets == packed.targets[0]).all(axis=0)
        return [f"all {len(packed.y):,} samples to learn from have the same target of output "
                f"{int(same.argmax())}: the network learns to answer it"] * bool(same.any())
    if network.n_classes == 1 or packed.targets is not None or len(packed.y) < LEAST_SAMPLES \
            or (packed.y != packed.y[0]).any() or packed.y[0] >= network.n_known:
        return []
    return [f"all {len(packed.y):,} samples to learn from are of class {packed.y[0]}: the network "
            "learns to answer it; give samples of all classes, or go on with the others"]

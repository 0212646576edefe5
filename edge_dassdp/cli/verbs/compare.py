"""compare: methods of learning side by side, on anyone's samples."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.cli import lessons, options
from edge_dassdp.cli.learning import Memory, is_auto, memory_of
from edge_dassdp.cli.output import Answer, Interrupted, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.cli.precision import Precision

if TYPE_CHECKING:
    from edge_dassdp.comparison.course import Course
    from edge_dassdp.comparison.results import Comparison
    from edge_dassdp.comparison.study import Order
    from edge_dassdp.comparison.trial import Given
    from edge_dassdp.data.datasets import Part
    from edge_dassdp.data.labels import ClassNames
    from edge_dassdp.ir import Network

METHODS = "frozen,delta,error,touch"


def register(app: typer.Typer) -> None:
    verb(app, "compare")(_compare)


@dataclasses.dataclass(frozen=True)
class Parts:
    """Files of samples. One with splits holds several."""

    train: Annotated[Path, typer.Option(metavar="FILE", show_default=False, help=(
        "What the networks were trained on: split train of a file with splits (docs/data.md)."))]
    stream: Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
        "To learn from, under the shift: split stream; by itself of --train."))] = None
    test: Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
        "To judge by, under the same shift: split test; by itself of --train."))] = None
    unshifted: Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
        "To judge by without the shift: split test. Without it nothing is said of what learning "
        "leaves of the accuracy before."))] = None
    per_class: Annotated[int | None, typer.Option(min=1, metavar="K", show_default=False, help=(
        "Learn the first K samples of each class of the stream only."))] = None
    limit: options.Limit = None

    def given(self, network: Network, names: ClassNames | None
              ) -> tuple[Given, list[Part], ClassNames | None]:
        """Samples that fit a network, the parts of files that they are from, and the names of
        their classes."""
        from edge_dassdp.comparison.trial import Given
        from edge_dassdp.data.datasets import agreed
        from edge_dassdp.data.labels import ClassNames
        from edge_dassdp.harness import sample_rows

        parts = [options.load_part(self.train, "train"),
                 self._part(self.stream, "stream"), self._part(self.test, "test")]
        if self.unshifted is not None:
            parts.append(options.load_part(self.unshifted, "test"))
        parts = list(agreed(names, network.n_classes, *parts))
        made = []
        for part in parts:
            samples = options.taken(network, part.samples)
            options.require_width(network, samples)
            made.append(dataclasses.replace(samples, x=sample_rows(network.inputs, samples.x)))
        found = parts[0].samples.classes
        return Given(*made), parts, ClassNames(found) if found else None

    def _part(self, path: Path | None, split: str) -> Part:
        part = options.load_part(path or self.train, split)
        refuse_unless("E105", path is not None or not part.is_whole,
                      f"{self.train} has no splits, so its samples to train on are not those of "
                      f"--{split}", help=f"give others with --{split} FILE")
        return part


@dataclasses.dataclass(frozen=True)
class Computing:
    """Where and how much."""

    seeds: Annotated[int, typer.Option(min=1, max=1000, help=(
        "How often each method learns: a seed is an order of the stream, a seed of the device's "
        "stochastic rounding, and one of the networks, in turn."))] = 10
    order: Annotated[str, typer.Option(metavar="shuffled|kept", help=(
        "Of the stream: drawn from the seed, or as in its file."))] = "shuffled"
    jobs: Annotated[int, typer.Option(metavar="N", help=(
        "Processes, -1 for one per core."))] = -1
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", show_default=False, help=(
        "Compute on the workers of this Dask scheduler, tcp://HOST:8786, to the same numbers."))
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help=(
        "Go on with what is there in --out; more seeds and methods may be asked for."))] = False
    plots: Annotated[bool, typer.Option(help="Draw SVG figures, too.")] = True


@dataclasses.dataclass(frozen=True)
class Shared:
    """What all methods have beside their rules."""

    schedule: lessons.Schedule = None
    replay: lessons.Replay = None
    guard: lessons.Guard = None
    gate: lessons.Gate = None

    @property
    def memory(self) -> Memory:
        if is_auto(self.replay):
            raise EdgeError("E105", "--replay auto fills a board, and this compares on none",
                            help="give sizes: --replay 70,3,3")
        return memory_of(self.schedule, self.replay, self.guard, self.gate)


def _compare(
    out: Output,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", show_default=False, help=(
        "Float networks of one task, trained from other seeds: .npz, .nir or .onnx."))],
    output: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", show_default=False, help=(
        "Where rows, tables and plots are written.")), Writes.FOLDER],
    methods: Annotated[str, typer.Option(metavar="METHOD,METHOD,...", help=(
        "frozen, default, rules as of quantize --rule (touch:mu=16), backprop, tess, or FILE.toml "
        "of tune; profile+METHOD and unlabelled+METHOD fit the sensor first."))] = METHODS,
    classes: options.Classes = None,
    *,
    parts: Parts,
    computing: Computing,
    shared: Shared,
    precision: Precision,
    origin: options.Source,
) -> Answer:
    """Compare methods of learning on your own samples, over seeds and networks.

    Each method learns the stream in the bits of the device, from the same float weights, in the
    same orders, and is judged on other samples. Told are means over the seeds, differences seed by
    seed with bootstrap intervals, and what does not help. rows.jsonl is written as it is computed.
    """
    from edge_dassdp.comparison import written
    from edge_dassdp.comparison.methods import parsed, split

    made_of = parsed(split(methods))
    networks = [origin.load(path) for path in files]
    settings = precision.of(networks[0], parts.train)
    given, read, names = parts.given(networks[0], options.names_of(
        classes, networks[0].n_classes))
    course = _course(networks, given, made_of, settings, names, parts, computing, shared, output,
                     out)
    for part in read[1:]:
        out.warn(*read[0].apart(part))
    out.warn(*course.warnings)
    try:
        with out.progress("comparing", course.runs) as progress:
            made = course.run(n_jobs=computing.jobs, dask=computing.dask, told=progress)
    except KeyboardInterrupt as problem:
        raise Interrupted(problem, course.told, {"output": str(output), "n_done": course.n_done,
                                                 "n_runs": course.runs}) from None
    paths = written.write(made, output, with_plots=computing.plots)
    return Answer({"output": str(output), **written.values(made)}, _screen(made, course, paths))


def _course(networks: list[Network], given: Given, methods: Any, settings: Any,
            names: ClassNames | None, parts: Parts, computing: Computing, shared: Shared,
            output: Path, out: Output) -> Course:
    from edge_dassdp.comparison import asked
    from edge_dassdp.comparison.course import Course

    refuse_unless("E105", computing.jobs == -1 or computing.jobs > 0, f"--jobs {computing.jobs}",
                  help="give a number from 1, or -1 for one per core")
    study = asked.study(networks, given, methods, settings=settings, memory=shared.memory.onto,
                        order=cast("Order", computing.order), per_class=parts.per_class,
                        limit=parts.limit,
                        rules_from=[str(p) for p in out.rules_from if p != "--rules-from"])
    return Course(study, computing.seeds, output, resume=computing.resume, names=names)


def _screen(made: Comparison, course: Course, paths: list[Path]) -> list[Any]:
    from rich.text import Text

    from edge_dassdp.comparison.results import cells, heads
    from edge_dassdp.report.tables import table

    found, baseline = made.lines, made.baseline
    shown = table(*heads(found, baseline))
    for line in found:
        shown.add_row(*(c.replace(" [", "\n[") for c in cells(line, found, baseline)))
    sizes = ", ".join(f"{n:,} {name}" for name, n in made.sizes.items())
    kept = f"{course.n_before:,} of {course.runs:,} runs were there before\n" * bool(
        course.n_before)
    drawn = f" with the {made.interval.name}" if made.interval else ""
    return [Text(f"samples: {sizes}; percent of them, mean ± std over seeds; differences in "
                 f"points{drawn}", "dim"), shown,
            Text("\n".join(made.sentences)),
            Text(f"{kept}written: {', '.join(p.name for p in paths)}, rows.jsonl in "
                 f"{paths[0].parent}", "dim")]

"""rerun, diff, report: what a run folder is for."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edge_dassdp.runs.compare import Numbers

RunFolder = Annotated[Path, typer.Argument(metavar="DIR", show_default=False, help=(
    "A run folder, that --run or `demo` wrote."))]
_MOST_TOLD = 12


def register(app: typer.Typer) -> None:
    for function in (_rerun, _diff, _report):
        verb(app, function.__name__.strip("_"))(function)


def _rerun(out: Output, folder: RunFolder) -> Answer:
    """Repeat a run, and say whether its bits are the same.

    The command of run.toml, where it was called, on inputs of the same hashes; what it writes goes
    to a temporary folder. Results and files are compared; exit status 1 if a bit differs.
    """
    from rich.text import Text

    from edge_dassdp.base.quoting import command
    from edge_dassdp.runs.again import rerun
    from edge_dassdp.runs.record import Record

    record = Record.read(folder)
    words = command("edge-dassdp", *record.words, encoding=out.stdout.encoding)
    with tempfile.TemporaryDirectory(prefix="edge-dassdp-") as into:
        done = rerun(folder, Path(into))
    failed = None
    if done.differences:
        n, first = len(done.differences), done.differences[0]
        failed = EdgeError("E410", f"{folder}: {n} of results and files differ, first "
                           f"{first.where}: {first.first} before, {first.second} now",
                           help=_of_versions(dict(done.versions)))
    return Answer(
        {"folder": str(folder), "command": list(record.words), "is_same": not done.differences,
         "compared": list(done.compared), "differences": [asdict(d) for d in done.differences],
         "versions": {name: list(pair) for name, pair in done.versions.items()}},
        [] if failed else [Text(words, "dim"), Text(
            f"{folder}: the same bits again, in {len(done.compared)} files: "
            f"{', '.join(done.compared[:_MOST_TOLD])}"
            + " …" * (len(done.compared) > _MOST_TOLD))], failed=failed)


def _of_versions(versions: dict[str, tuple[str, str]]) -> str:
    """What may have made other bits."""
    if not versions:
        return "versions are the same: report it as a defect, with both folders"
    return "since then " + ", ".join(f"{name} {a} became {b}" for name, (a, b) in versions.items())


def _diff(
    out: Output,
    first: RunFolder,
    second: Annotated[Path, typer.Argument(metavar="DIR", show_default=False, help=(
        "Another one, of the same verb."))],
) -> Answer:
    """Say in what two runs or two builds differ: accuracy, RAM by symbol, flash, counts, weights.
    """
    from rich.text import Text

    from edge_dassdp.report import screens
    from edge_dassdp.runs.compare import numbers_differ, weights_differ

    numbers = numbers_differ(first, second)
    weights = weights_differ(first, second)
    n_differ = sum(w.n_differ for w in weights or ())
    parts: list[RenderableType] = [Text(f"first {first}, second {second}")]
    if numbers:
        parts.append(screens.listing(("kind", "quantity", "first", "second", "change"),
                                     list(map(_row, numbers))))
    else:
        parts.append(Text("no number differs"))
    if weights is None:
        parts.append(Text("weights: there are not two models of the same shapes", "dim"))
    else:
        parts.append(screens.listing(
            ("weights", "of", "differ", "at most by"),
            [(w.name, f"{w.n:,}", f"{w.n_differ:,}", f"{w.most:,}") for w in weights]))
    return Answer(
        {"first": str(first), "second": str(second),
         "is_same": not numbers and n_differ == 0, "numbers": [asdict(n) for n in numbers],
         "weights": None if weights is None else [asdict(w) for w in weights]}, parts)


def _row(n: Numbers) -> tuple[str, ...]:
    """A quantity, its change with a sign."""
    def text(value: float | None, sign: str = "") -> str:
        if value is None:
            return "–"
        return f"{value:{sign},}" if isinstance(value, int) else f"{value:{sign},.4g}"

    change = None if n.first is None or n.second is None else n.second - n.first
    return n.kind, n.where, text(n.first), text(n.second), text(change, "+")


def _report(
    out: Output,
    folder: Annotated[list[Path], typer.Argument(metavar="DIR...", show_default=False, help=(
        "Run folders of one network, that --run or `demo` wrote."))],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the page."),
                      Writes.FILE] = Path("report.html"),
) -> Answer:
    """Write a page of one or several runs.

    One file that asks for nothing, for a phone and a desk: verdicts, network, quantization, memory,
    stack, learning, spikes, weights, classes, verification, provenance. What no run has is named.
    """
    from rich.text import Text

    from edge_dassdp.runs.page import write_page

    held, missing = write_page(folder, output)
    text = f"{output}: {', '.join(held)}"
    text += f"; not there: {', '.join(missing)}" if missing else ""
    return Answer({"output": str(output), "sections": held, "missing": missing}, [Text(text)])

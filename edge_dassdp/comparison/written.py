"""A comparison in files: CSV, JSON, LaTeX, plots. The same bytes of the same rows, anywhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from edge_dassdp.comparison import plots
from edge_dassdp.comparison.course import SCHEMA
from edge_dassdp.comparison.results import (
    Comparison,
    Difference,
    Line,
    cells,
    heads,
)
from edge_dassdp.comparison.study import Row
from edge_dassdp.report.plots import svg
from edge_dassdp.storage.files import write_text
from edge_dassdp.version import __version__

_SCALARS = [f.name for f in fields(Row) if f.name != "confusion"]


def write(made: Comparison, folder: Path, *, with_plots: bool = True) -> list[Path]:
    """What it wrote. Raises EdgeError E103 where a file cannot be written, E303 without
    matplotlib."""
    texts = {"rows.csv": rows_csv(made.rows), "table.csv": table_csv(made),
             "metrics.csv": metrics_csv(made),
             "confusion.csv": confusion_csv(made), "comparison.json": as_json(made),
             "table.tex": latex(made)}
    drawn = {"accuracy.svg": plots.accuracy(made), "differences.svg": plots.differences(made),
             "confusion.svg": plots.confusions(made)} if with_plots else {}
    for name, text in texts.items():
        write_text(folder / name, text)
    for name, figure in drawn.items():
        write_text(folder / name, svg(figure, "edge_dassdp"))
    return [folder / name for name in (*texts, *drawn)]


def _csv(lines: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def rows_csv(rows: Sequence[Row]) -> str:
    """A row a method and seed."""
    return _csv([_SCALARS, *([getattr(r, name) for name in _SCALARS] for r in rows)])


def table_csv(made: Comparison) -> str:
    """A row a method: the table that is shown, in numbers."""
    head = ["method", "seeds", *(f"{c}_{kind}" for c in ("before", "online", "shifted", "original")
                                 for kind in ("mean", "std"))]
    ends = ("mean", "standard_error", "low", "high", "n", "networks")
    others = [name for name in ("frozen", made.baseline) if name]
    head += [f"against_{other}_{end}" for other in others for end in ends]
    head += [f"original_against_frozen_{end}" for end in ends] + ["written", "replayed", "refused"]
    return _csv([head, *(_numbers(line, others) for line in made.lines)])


def metrics_csv(made: Comparison) -> str:
    """A row a network: NeuroBench's metrics of it as it is quantized."""
    rows = [m.row() for m in made.metrics]
    return _csv([["network", *rows[0]], *([sha, *row.values()] for sha, row in zip(
        made.networks, rows, strict=True))]) if rows else ""


def _numbers(line: Line, others: Sequence[str]) -> list[Any]:
    found: list[Any] = [line.method, line.n]
    for column in ("before", "online", "shifted", "original"):
        made = line.means.get(column)
        found += ["", ""] if made is None else [f"{made.mean:.4f}", _finite(made.spread)]
    for other in others:
        found += _ends(line.against.get(other))
    return [*found, *_ends(line.kept), f"{line.written:.2f}", f"{line.replayed:.2f}", line.refused]


def _ends(difference: Difference | None) -> list[Any]:
    if difference is None:
        return [""] * 6
    made, interval = difference.estimate, difference.interval
    ends = ["", ""] if interval is None else [f"{interval.low:.4f}", f"{interval.high:.4f}"]
    return [f"{made.mean:.4f}", _finite(made.spread), *ends, made.n,
            "" if interval is None else interval.n_networks]


def _finite(value: float) -> str:
    return f"{value:.4f}" if value == value else ""


def confusion_csv(made: Comparison) -> str:
    """Test samples of all seeds, by method, class and what it was taken for; the frozen network's
    are those before."""
    lines: list[Sequence[Any]] = [("method", "class", *(f"as {c}" for c in made.classes))]
    for line in made.lines:
        if line.confusion is not None:
            lines += [(line.method, name, *counts) for name, counts in
                      zip(made.classes, line.confusion.tolist(), strict=True)]
    return _csv(lines)


def as_json(made: Comparison) -> str:
    return json.dumps(values(made), indent=1, allow_nan=False) + "\n"


def values(made: Comparison) -> dict[str, Any]:
    """As JSON values."""
    return {"schema": SCHEMA, "tool": __version__, "unit": "percent of the samples",
            "networks": list(made.networks), "classes": list(made.classes), "samples": made.sizes,
            "baseline": made.baseline, "warnings": list(made.warnings),
            "sentences": made.sentences,
            "metrics": [m.row() for m in made.metrics],
            "methods": [_line_values(line) for line in made.lines],
            "rows": [asdict(row) for row in made.rows]}


def _line_values(line: Line) -> dict[str, Any]:
    return {"method": line.method, "seeds": line.n, "refused": line.refused or None,
            **{name: {"mean": e.mean, "std": e.spread if e.n > 1 else None}
               for name, e in line.means.items()},
            "against": {name: _difference_values(d) for name, d in line.against.items()},
            "original_against_frozen": _difference_values(line.kept),
            "written": line.written, "replayed": line.replayed,
            "confusion": None if line.confusion is None else line.confusion.tolist()}


def _difference_values(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    made, interval = difference.estimate, difference.interval
    return {"mean": made.mean, "standard_error": made.spread if made.n > 1 else None, "n": made.n,
            "interval": None if interval is None else {
                "low": interval.low, "high": interval.high, "kind": interval.name,
                "networks": interval.n_networks}}


_TEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "±": r"$\pm$", "–": "--"}


def _tex(text: str) -> str:
    return "".join(_TEX.get(c, c) for c in text)


def latex(made: Comparison) -> str:
    """A tabular of booktabs."""
    found, baseline = made.lines, made.baseline
    head = heads(found, baseline)
    lines = [f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", "\\toprule",
             " & ".join(map(_tex, head)) + r" \\", "\\midrule",
             *(" & ".join(map(_tex, cells(line, found, baseline))) + r" \\" for line in found),
             "\\bottomrule", "\\end{tabular}"]
    notes = [f"% {note}" for note in (*made.sentences, *(f"warning: {w}" for w in made.warnings))]
    return "\n".join(["% needs \\usepackage{booktabs}", *notes, *lines]) + "\n"


def markdown(made: Comparison) -> str:
    """The table for a document."""
    found, baseline = made.lines, made.baseline
    head = heads(found, baseline)
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head),
                      *(f"| {' | '.join(cells(line, found, baseline))} |" for line in found)])



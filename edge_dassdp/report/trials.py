"""What a search for constants tried, as a table."""

from __future__ import annotations

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edge_dassdp.report.lines import percent
from edge_dassdp.tuning.search import Found, Trial


def trials_screen(found: Found) -> RenderableType:
    """A row a trial: which constants were others than in the first, and what came of it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right")
    table.add_column("changed from row 1")
    for title in ("shifted E", "without shift E", "score"):
        table.add_column(title, justify="right")
    first = found.chosen
    table.add_row("", "frozen", percent(first.frozen, 1), percent(first.original_frozen, 1), "")
    for place, trial in enumerate(found.trials):
        style = "bold" if place == found.best else ""
        table.add_row(str(place + 1), Text(trial.title), *_figures(trial), style=style)
    return table


def _figures(trial: Trial) -> tuple[Text | str, ...]:
    if trial.score is None:
        return Text(f"refused: {trial.refused}"), "", ""
    return percent(trial.after, 1), percent(trial.original, 1), f"{100 * trial.score:.1f}"

"""Results: one list of records, as JSON and as a table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Record:
    """One figure.

    name, core: what was counted where. what: the work, in words. instructions: per call, or per
    `per` of them where `work` (operations in a call) is above 1. modelled_cycles, model: None
    without a model. bytes: of flash, None where not asked. peer: others' code. measured_here:
    False for a figure taken over from elsewhere, named in `source`.
    """

    name: str
    core: str
    what: str
    instructions: float
    per: str = "call"
    work: float = 1
    modelled_cycles: float | None = None
    model: str | None = None
    bytes: int | None = None
    compiler: str = ""
    flags: str = ""
    peer: bool = False
    measured_here: bool = True
    source: str = ""

    def each(self) -> float:
        """Instructions per operation."""
        return self.instructions / self.work

    def cycles_each(self) -> float | None:
        """Modelled cycles per operation."""
        return None if self.modelled_cycles is None else self.modelled_cycles / self.work


def write_records(records: list[Record], path: Path) -> None:
    """JSON list, one record a line, in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(asdict(r), ensure_ascii=False) for r in records)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def read_records(path: Path) -> list[Record]:
    """What write_records wrote."""
    return [Record(**fields) for fields in json.loads(path.read_text(encoding="utf-8"))]


def print_table(records: list[Record], title: str = "", console: Console | None = None) -> None:
    """Instructions and modelled cycles, per operation where there are several in a call."""
    table = Table(title=title or None, title_justify="left",
                  caption="Instructions are counted, cycles modelled from published tables, "
                          "zero wait states. * taken over, not run here.")
    for heading in ("what", "core", "instructions", "each", "modelled cycles", "each", "bytes"):
        table.add_column(heading, justify="left" if heading in ("what", "core") else "right")
    for r in records:
        star = "" if r.measured_here else " *"
        several = r.work > 1
        table.add_row(f"{r.name}: {r.what}{star}", r.core, _number(r.instructions),
                      f"{r.each():.2f} / {r.per}" if several else "", _number(r.modelled_cycles),
                      f"{r.cycles_each():.2f}" if several and r.cycles_each() else "",
                      _number(r.bytes), style="dim" if r.peer else "")
    (console or Console()).print(table)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"

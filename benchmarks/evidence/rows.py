"""Rows of measurements in a JSON file of their own, and the command of a script that makes them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from edge_dassdp import __version__
from edge_dassdp.comparison.statistics import mean_std

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "few-labels.md"
"""What `command` writes tables into."""
Kind = TypeVar("Kind")


def command(about: str | None, run: Callable[[int, bool], dict[str, Any]],
            tables: Callable[[dict[str, Any]], list[str]], seeds: int, committed: Path) -> None:
    """Measure, show the tables, write the JSON, and the document where that is the committed one.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="a part of it, not written")
    parser.add_argument("--seeds", type=int, default=seeds, help=f"networks (default {seeds})")
    parser.add_argument("--out", type=Path, help="JSON; the committed one unless --quick")
    asked = parser.parse_args()
    out = asked.out or (None if asked.quick else committed)
    result = run(asked.seeds, asked.quick)
    if out:
        out.write_text(written(result), encoding="utf-8")
    if out == committed:
        document(committed.stem, tables(result))
    print("\n".join(tables(result)))


def document(name: str, lines: Sequence[str], path: Path = DOCUMENT) -> None:
    """The tables between the markers of a name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    path.write_text("\n".join([before + begin, *lines, end + after]), encoding="utf-8")


def write(path: Path, schema: str, rows: Sequence[Any]) -> None:
    """Dataclasses, one a line."""
    path.write_text(written({"schema": schema, "tool": __version__,
                             "rows": [asdict(row) for row in rows]}), encoding="utf-8")


def read(path: Path, kind: type[Kind]) -> list[Kind]:
    """What `write` wrote; nothing where there is no file."""
    if not path.exists():
        return []
    return [kind(**row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]


def written(result: dict[str, Any]) -> str:
    """JSON with a row a line."""
    head = json.dumps({name: value for name, value in result.items() if name != "rows"})[:-1]
    body = ",\n".join(json.dumps(row) for row in result["rows"])
    return f'{head}, "rows": [\n{body}\n]}}\n'


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation."""
    made = mean_std(values)
    return f"{made.mean:.1f}" + (f" ± {made.spread:.1f}" if made.n > 1 else "")

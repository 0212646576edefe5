"""Rows of measurements in a JSON file of their own, and how a script is asked for them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_dassdp import __version__
from edge_dassdp.comparison.statistics import mean_std


def arguments(description: str | None, quick: str, committed: Path) -> argparse.Namespace:
    """quick, jobs and out, the file to write or None. quick: what --quick leaves."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for one per core")
    parser.add_argument("--out", type=Path, help="JSON; the committed one unless --quick")
    asked = parser.parse_args()
    asked.out = asked.out or (None if asked.quick else committed)
    return asked


def write(path: Path, schema: str, rows: Sequence[Any]) -> None:
    """Dataclasses, one a line."""
    body = ",\n".join(json.dumps(asdict(row)) for row in rows)
    head = f'{{"schema": "{schema}", "tool": "{__version__}", "rows": ['
    path.write_text(f"{head}\n{body}\n]}}\n", encoding="utf-8")


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation."""
    made = mean_std(values)
    return f"{made.mean:.1f}" + (f" ± {made.spread:.1f}" if made.n > 1 else "")

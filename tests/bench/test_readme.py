"""The README's tables of figures are those of benchmarks/results."""

from __future__ import annotations

import run


def test_the_readme_shows_the_figures_that_were_counted() -> None:
    readme = run.README.read_text(encoding="utf-8")
    assert run.with_tables(readme) == readme, "benchmarks/run.py writes them"

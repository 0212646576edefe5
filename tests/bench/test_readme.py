"""The tables of figures in the README and the manual are those of benchmarks/results."""

from __future__ import annotations

from pathlib import Path

import pytest
import run


@pytest.mark.parametrize("page", run.PAGES, ids=lambda page: page.name)
def test_a_page_shows_the_figures_that_were_counted(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert run.with_tables(text) == text, "benchmarks/run.py writes them"
    assert "Qualia-CodeGen-SNN" in text

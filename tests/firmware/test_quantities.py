"""Numbers of both sides stand in one table, and both sides take them from there."""

from __future__ import annotations

from pathlib import Path

import pytest

import edge_dassdp
from edge_dassdp.base import assets
from edge_dassdp.base.quantities import QUANTITIES, quantities_header

PYTHON = "\n".join(path.read_text("utf-8")
                   for path in Path(edge_dassdp.__file__).parent.rglob("*.py"))
C = "\n".join(path.read_text("utf-8") for path in assets.folder("firmware").rglob("*.[chS]"))


@pytest.mark.parametrize("name", QUANTITIES)
def test_both_sides_take_it_from_the_table(name: str) -> None:
    assert f'QUANTITIES["{name}"]' in PYTHON
    assert f"DASSDP_{name.upper()}" in C
    assert f"DASSDP_{name.upper()} = {QUANTITIES[name]}," in quantities_header()

"""docs/board-file.md names every field that a board.toml may have, every core, flag and driver."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from edge_dassdp.base import assets
from edge_dassdp.build.board import CFLAGS, CPUS, Board
from edge_dassdp.build.board_checks import FILES
from edge_dassdp.build.description import BOOT_ROMS

PAGE = (Path(__file__).parents[2] / "docs" / "board-file.md").read_text("utf-8")


def tables(kind: Any) -> list[Any]:
    """A dataclass and those that its fields hold."""
    held = [hint for name, annotation in get_type_hints(kind).items()
            for hint in (annotation, *get_args(annotation)) if is_dataclass(hint)]
    return [kind, *(t for h in held for t in tables(h))]


@pytest.mark.parametrize("name", sorted({
    field.name for table in tables(Board) for field in fields(table)}))
def test_every_field_is_told(name: str) -> None:
    assert any(form in PAGE for form in (f"`{name}`", f"[{name}]", f"`{name} = "))


def test_every_word_of_a_list_is_told() -> None:
    drivers = {path.stem for path in (assets.folder("firmware") / "port/uart").glob("*.c")}
    for word in (*CFLAGS, *drivers, *BOOT_ROMS, *(c.removeprefix("cortex-") for c in CPUS)):
        assert f"`{word}`" in PAGE or f"`cortex-{word}`" in PAGE, word
    assert all(kind in PAGE for kind in FILES)

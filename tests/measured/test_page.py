"""docs/measuring.md says what is read, and shows what is shipped."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import edge_dassdp
from edge_dassdp.base import assets
from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.measured.columns import columns_of, is_header

PAGE = (Path(edge_dassdp.__file__).parents[1] / "docs" / "measuring.md").read_text("utf-8")
HEADERS = [h for h in re.findall(r"`([^`\n]*,[^`\n]*)`", PAGE) if "ime" in h]


@pytest.mark.parametrize("header", HEADERS)
def test_the_headers_it_names_are_read(header: str) -> None:
    cells = header.split(",")
    assert is_header(cells)
    assert columns_of("log.csv", cells, None).digital


def test_it_names_the_header_of_each_instrument() -> None:
    assert len(HEADERS) == 3


def test_the_marker_it_shows_is_a_board_s() -> None:
    [shown] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    text = (assets.folder("boards") / "microbit" / "board.toml").read_text("utf-8")
    assert tomllib.loads(shown)["marker"] == tomllib.loads(text)["marker"]


def test_a_marker_is_low_after_its_setup_and_a_pin_of_its_own() -> None:
    boards = [load_board(name) for name in list_boards()]
    assert sum(board.marker is not None for board in boards) >= len(boards) - 5
    for board in boards:
        if board.marker is not None:
            assert board.marker.clear in board.marker.setup
            assert board.marker.set not in (*board.marker.setup, *board.setup)

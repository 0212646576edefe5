"""What a board names of OpenOCD and pyOCD is there, and its memory is the flash of that target."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from support import pyocd_table

from edge_dassdp.build.board import list_boards, load_board

SCRIPTS = {line for line in (Path(__file__).parent / "openocd-0.12.txt").read_text(
    "utf-8").splitlines() if not line.startswith("#")}
INSTALLED = Path("/usr/share/openocd/scripts")
TARGETS = pyocd_table.read()


def scripts(board: str) -> list[str]:
    """The configuration files that a board's command has OpenOCD read."""
    command = load_board(board).program.command
    if command[0] != "openocd":
        return []
    return [word for option, word in pairwise(command) if option == "-f"]


@pytest.mark.parametrize("board", list_boards())
def test_every_script_of_openocd_that_a_board_names_exists(board: str) -> None:
    named = scripts(board)
    assert named or load_board(board).program.command[0] != "openocd"
    assert set(named) <= SCRIPTS
    if INSTALLED.is_dir():
        assert all((INSTALLED / name).is_file() for name in named)


@pytest.mark.parametrize("board", list_boards())
def test_every_target_of_pyocd_is_built_in_or_comes_by_a_pack(board: str) -> None:
    """And its flash has room for whatever is linked for the board."""
    described = load_board(board)
    pyocd = described.program.pyocd
    if pyocd is None:
        assert described.program.command[0] != "openocd" or board == "lm3s6965evb"
        return
    assert pyocd.pack is (pyocd.target not in TARGETS)
    if not pyocd.pack:
        assert any(begin <= described.flash.origin and described.flash.end <= end
                   for begin, end in joined(TARGETS[pyocd.target]))


def joined(regions: pyocd_table.Regions) -> pyocd_table.Regions:
    """Banks that lie one behind the other are one flash."""
    whole: pyocd_table.Regions = []
    for begin, end in sorted(regions):
        if whole and whole[-1][1] == begin:
            begin = whole.pop()[0]
        whole.append((begin, end))
    return whole


def test_the_table_is_what_pyocd_says() -> None:
    assert pyocd_table.installed() == TARGETS


def test_what_does_not_exist_would_be_found() -> None:
    assert "board/st_nucleo_l476rg.cfg" not in SCRIPTS and "stm32f401retx" not in TARGETS
    assert len(SCRIPTS) > 500 and len(TARGETS) > 150


@pytest.mark.parametrize("board", list_boards())
def test_what_tells_a_board_apart_is_its_own(board: str) -> None:
    """Serial numbers and, where two boards share a label, what stands on the drive."""
    ours = load_board(board)
    for other in map(load_board, list_boards()):
        if other.name == board:
            continue
        mine, theirs = ours.program.serials, other.program.serials
        assert not any(a.startswith(theirs) for a in mine if theirs)
        shared = {label for b in (ours, other) if b.program.drive for label in
                  b.program.drive.labels if ours.program.drive and other.program.drive
                  and label in ours.program.drive.labels and label in other.program.drive.labels}
        assert not shared or (mine and theirs)

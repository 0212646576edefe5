"""What the board files store, by the names that the chips' vendors gave: nothing is objected to,
and registers.txt says it to those who review."""

from __future__ import annotations

import pytest
from support.board_checks import text
from support.chip_facts import FACTS, WIRED, chip

from edge_dassdp.base import assets
from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.chips.registers import entries, notes, objections

BOARDS = list_boards()


def test_the_chip_of_every_board_is_described() -> None:
    assert set(WIRED) == set(BOARDS)
    assert {path.stem for path in FACTS.glob("*.svd")} == {w.facts for w in WIRED.values()}


@pytest.mark.parametrize("name", BOARDS)
def test_nothing_is_objected_to(name: str) -> None:
    board = load_board(name)
    assert objections(board, chip(name)) == []
    assert notes(board, chip(name)) == []


@pytest.mark.parametrize("name", BOARDS)
def test_registers_txt_says_what_board_toml_does(name: str) -> None:
    """When this fails: tools/registers_text.py --write, and read what has changed."""
    path = assets.folder("boards") / name / "registers.txt"
    assert path.read_text("utf-8") == text(name, load_board(name))


@pytest.mark.parametrize("name", BOARDS)
def test_every_store_is_named(name: str) -> None:
    board = load_board(name)
    named = [entry.address for entry in entries(board, chip(name))]
    for stores in board.stores.values():
        for store in stores:
            assert store.address in named
            named.remove(store.address)


def test_what_board_files_say_in_comments_is_true() -> None:
    """Of the registers that many comments name: RCC's."""
    for name in BOARDS:
        for line in (assets.folder("boards") / name / "board.toml").read_text("utf-8").splitlines():
            if "address" in line and "# RCC: GPIO" in line:
                port = line.partition("# RCC: GPIO")[2][0]
                address = int(line.partition("0x")[2][:9].replace("_", ""), 16)
                found = next(e for e in entries(load_board(name), chip(name))
                             if e.address == address)
                assert f"GPIO{port}EN" in found.named.text or f"IOP{port}EN" in found.named.text

"""[store] of board.toml: slots that lie where nothing else does, known to ledger and linker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.commands import refused
from support.scenarios import SCENARIOS

from edge_dassdp import qir
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, list_boards, load_board
from edge_dassdp.emit.firmware import build_and_compare, predict_memory, require_slots
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork

MICROBIT = (assets.folder("boards") / "microbit" / "board.toml").read_text("utf-8")
NETWORK = SCENARIOS["mixed_16"].quantized


@pytest.mark.parametrize(("old", "new", "field", "words"), [
    ('driver = "nvmc"', 'driver = "eeprom"', "store.driver", "known are"),
    ('driver = "nvmc"', 'driver = "../uart/nrf_uart"', "store.driver", "known are"),
    ("base = 0x4001_E000", "base = 0x4001_E001", "store.base", "word-aligned"),
    ("base = 0x4001_E000", "base = 0x1_0000_0000", "store.base", "word-aligned"),
    ("origin = 0x0003_8000", "origin = 0x0003_8200", "store.origin", "begins"),
    ("origin = 0x0003_8000", "origin = 0x0003_0000", "store.origin", "lie in flash"),
    ("origin = 0x0003_8000", "origin = 0x2000_0000", "store.origin", "lie in ram"),
    ("origin = 0x0003_8000", "origin = 0x4000_0000", "store.origin", "devices elsewhere"),
    ("origin = 0x0003_8000", "origin = -1024", "store.origin", "devices elsewhere"),
    ("bytes = 229_376", "bytes = 229_384", "store.origin", "flash.bytes leaves them out"),
    ("slot_bytes = 16_384", "slot_bytes = 16_000", "store.slot_bytes", "whole erase units"),
    ("slot_bytes = 16_384", "slot_bytes = 0", "store.slot_bytes", "whole erase units"),
    ("erase_bytes = 1024", "erase_bytes = 1000", "store.erase_bytes", "power of two"),
    ("erase_bytes = 1024", "erase_bytes = 0", "store.erase_bytes", "power of two"),
    ("write_bytes = 4", "write_bytes = 2", "store.write_bytes", "power of two"),
    ("write_bytes = 4", "write_bytes = 12", "store.write_bytes", "power of two"),
    ("erase_ms = 60", "erase_ms = 0", "store.erase_ms", "1 to 60000"),
    ("endurance = 20_000", "endurance = -1", "store.endurance", "0 to"),
    ("endurance = 20_000", "wear = 20_000", "store.wear", "unknown"),
    ('driver = "nvmc"\n', "", "store.driver", "missing"),
    ("slot_bytes = 16_384", 'slot_bytes = "16K"', "store.slot_bytes", "int is expected")])
def test_a_wrong_field_is_named(tmp_path: Path, old: str, new: str, field: str,
                                words: str) -> None:
    assert old in MICROBIT
    path = tmp_path / "board.toml"
    path.write_text(MICROBIT.replace(old, new))
    with pytest.raises(EdgeError) as caught:
        load_board(path)
    assert caught.value.code == "E401" and f"field {field} of" in caught.value.message
    assert words in caught.value.cause


@pytest.mark.parametrize("name", [n for n in list_boards() if load_board(n).store])
def test_slots_of_a_board_are_apart_from_what_is_linked_and_hold_what_it_can_learn(
        name: str) -> None:
    board = load_board(name)
    assert board.store is not None
    slots = board.store.region
    for region in (board.flash, board.ram):
        assert slots.end <= region.origin or region.end <= slots.origin
    assert board.store.origin % 8 == 0 and board.store.room > 4096


def without(board: Board) -> Board:
    return replace(board, store=None)


@pytest.mark.parametrize("name", ["microbit", "mps2-an385"])
def test_slots_cost_what_the_ledger_says_and_nothing_without_them(name: str) -> None:
    board = load_board(name)
    assert board.store is not None
    with_slots = build_and_compare(NETWORK, board)
    bare = build_and_compare(NETWORK, without(board))
    assert with_slots.ram_bytes - bare.ram_bytes == 12 + board.store.write_bytes
    assert with_slots.flash_bytes - bare.flash_bytes < 3500
    for words in ("store", "flash_write", "export", "slots"):
        assert not [s for s in bare.linked.ram if words in s]
    text = bare.elf.read_bytes()
    assert b"dassdp_store_save" not in text and b"dassdp_store_save" in with_slots.elf.read_bytes()
    assert with_slots.predicted.save_bytes == 32 + Plan.of(NETWORK).layout.export_bytes
    assert bare.predicted.save_bytes == 0


def small(board: Board, slot_bytes: int) -> Board:
    assert board.store is not None
    return replace(board, store=replace(board.store, slot_bytes=slot_bytes))


def test_a_model_that_no_slot_holds_is_refused_before_anything_is_built() -> None:
    board, needed = load_board("microbit"), 32 + Plan.of(NETWORK).layout.export_bytes
    fits = -(-needed // 1024) * 1024
    predict_memory(NETWORK, small(board, fits))
    with pytest.raises(EdgeError) as caught:
        predict_memory(NETWORK, small(board, fits - 1024))
    problem = caught.value
    assert problem.code == "E402" and f"by {needed - fits + 1024:,} B" in problem.message
    assert "store.slot_bytes" in problem.help


def test_the_command_says_so(tmp_path: Path) -> None:
    qir.save(NETWORK, tmp_path / "model.q.npz")
    path = tmp_path / "board.toml"
    path.write_text(MICROBIT.replace("slot_bytes = 16_384", "slot_bytes = 1024"))
    for verb in ("build", "generate"):
        text = refused("E402", verb, tmp_path / "model.q.npz", "--board", path, "--output",
                       tmp_path / "made")
        assert "a slot in flash overflows" in text


def frozen() -> QNetwork:
    return next(s.quantized for s in SCENARIOS.values() if not s.quantized.remembers)


def test_where_nothing_learns_there_is_nothing_to_save() -> None:
    from edge_dassdp.targets.emulator import Emulator
    from edge_dassdp.targets.reference import ReferenceTarget

    for target in (Emulator(frozen()), ReferenceTarget(frozen())):
        with pytest.raises(EdgeError, match="nothing in this network learns"):
            target.store()


@pytest.mark.parametrize("n", [-1, 2**32])
def test_a_number_of_samples_that_cannot_be_is_refused(n: int) -> None:
    with pytest.raises(EdgeError, match=f"a save every {n} labelled"):
        require_slots(load_board("microbit"), n)

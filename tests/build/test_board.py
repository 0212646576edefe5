"""Boards: what is shipped is sound, and a wrong board.toml is refused by the name of its field."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, board_files, list_boards, load_board


def edited(tmp_path: Path, old: str, new: str, name: str = "stm32f405") -> Path:
    """The board.toml of `name` with one passage replaced."""
    text = (assets.folder("boards") / name / "board.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path = tmp_path / "board.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_shipped_boards_load_under_their_folder_name():
    assert list_boards() == ["lm3s6965evb", "microbit", "mps2-an385", "mps2-an500", "mps2-an505",
                             "mps3-an547", "stm32f405"]
    for name in list_boards():
        board = load_board(name)
        assert board.name == name
        assert board.stack_bytes + sum(board.port_ram.values()) < board.ram.bytes
        assert board.qemu is not None


def test_every_core_has_a_board():
    cores = {load_board(name).cpu for name in list_boards()}
    assert cores == {f"cortex-m{n}" for n in (0, 3, 4, 7, 33, 55)}


def test_an_exception_stacks_fp_context_only_where_the_board_turns_it_on():
    frames = {load_board(name).cpu: load_board(name).exception_frame for name in list_boards()}
    assert frames.pop("cortex-m55") == 4 * (26 + 1)
    assert set(frames.values()) == {4 * (8 + 1)}


def test_a_board_loads_by_path(tmp_path):
    path = edited(tmp_path, "stack_bytes = 2048", "stack_bytes = 4096")
    assert load_board(path).stack_bytes == 4096
    assert load_board(tmp_path).stack_bytes == 4096


def test_an_unknown_board_is_refused_with_the_boards_there_are():
    with pytest.raises(EdgeError) as caught:
        load_board("arduino")
    assert caught.value.code == "E401"
    assert "lm3s6965evb, microbit, mps2-an385" in caught.value.help


@pytest.mark.parametrize(("old", "new", "field"), [
    ('name = "stm32f405"', 'name = "STM 32"', "name"),
    ('cpu = "cortex-m4"', "", "cpu"),
    ('cpu = "cortex-m4"', "cpu = 4", "cpu"),
    ('cpu = "cortex-m4"', 'cpu = "cortex-m4"\ncolour = "green"', "colour"),
    ('cflags = ["-mfloat-abi=soft"]', 'cflags = ["-mfloat-abi=hard"]', "cflags"),
    ('kernels = ["dsp", "armv7m"]', 'kernels = ["../src"]', "kernels[0]"),
    ("stack_bytes = 2048", "stack_bytes = 2044", "stack_bytes"),
    ("stack_bytes = 2048", "stack_bytes = true", "stack_bytes"),
    ("stack_bytes = 2048", "stack_bytes = 131_072", "stack_bytes"),
    ("rx_ring_bytes = 256", "rx_ring_bytes = 200", "rx_ring_bytes"),
    ("origin = 0x2000_0000", "origin = 0x0800_0000", "ram.origin"),
    ("bytes = 1_048_576", "bytes = 0", "flash.bytes"),
    ('driver = "stm32_usart_v1"', 'driver = "abacus"', "uart.driver"),
    ("irq = 37", "irq = 240", "uart.irq"),
    ("irq = 37", "irq = 37\nparity = 1", "uart.parity"),
    ("mask = 0x0000_0010, value = 0x0000_0010", "mask = 0x10, value = 0x30", "setup.value"),
    ("address = 0x4002_3844", "address = 0x4002_3845", "setup.address"),
    ("count = 0x4000_0024", "count = 0x4000_0025", "counter.tim2.count"),
    ('name = "tim2"', 'name = "dwt"', "counter.name"),
    ('name = "tim2"', 'name = "tim2"\ndown = 1', "counter[1].down"),
    ("icount_shift = 0", "icount_shift = 11", "qemu.icount_shift"),
])
def test_a_wrong_field_is_named(tmp_path, old, new, field):
    with pytest.raises(EdgeError) as caught:
        load_board(edited(tmp_path, old, new))
    assert caught.value.code == "E401"
    assert f"field {field} of the board" in caught.value.message


def test_text_that_is_not_toml_is_refused(tmp_path):
    with pytest.raises(EdgeError) as caught:
        load_board(edited(tmp_path, "[uart]", "[uart"))
    assert caught.value.code == "E401"


def test_generated_texts_are_the_same_twice_and_name_the_numbers_of_the_board():
    board: Board = load_board("microbit")
    files = board_files(board)
    assert files == board_files(load_board("microbit"))
    assert "ORIGIN = 0x20000000, LENGTH = 16384" in files["link.ld"]
    assert "#define DASSDP_RX_RAM_BYTES 136U" in files["dassdp_board.h"]


def test_a_counter_says_its_direction():
    up, down = (board_files(load_board(n))["dassdp_board.h"] for n in ("stm32f405", "lm3s6965evb"))
    assert "0x40000024UL, 32U, 0U)" in up
    assert "0xE000E018UL, 24U, 1U)" in down

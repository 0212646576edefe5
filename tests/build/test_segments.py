"""What an ELF file loads lies in the board's flash and RAM: a programmer that is given one writes
nothing else, such as what a bootloader keeps before it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from elftools.elf.elffile import ELFFile
from support.where import built_alike

from edge_dassdp.build.board import Board, BootImage, Region, list_boards, load_board
from edge_dassdp.build.compile import build_project
from edge_dassdp.build.description import FLASH_BEGIN
from edge_dassdp.build.project import with_port

pytestmark = pytest.mark.usefixtures("arm_toolchain")
MAIN = "int main(void);\nint n = 1;\nint main(void) { return n; }\n"


def loaded(board: Board) -> list[tuple[Region, Region]]:
    """Where each LOAD segment is put as it is programmed, and where it lies as it runs."""
    elf = build_project(with_port({"src/main.c": MAIN}, board), board).elf
    with elf.open("rb") as stream:
        return [(Region(s["p_paddr"], s["p_filesz"]), Region(s["p_vaddr"], s["p_memsz"]))
                for s in ELFFile(stream).iter_segments("PT_LOAD")]


def lies_in(part: Region, whole: Region) -> bool:
    return whole.origin <= part.origin and part.end <= whole.end


def check(board: Board) -> None:
    flash = [board.flash]
    if board.image == BootImage("rp2040"):
        flash.append(Region(FLASH_BEGIN, board.flash.origin - FLASH_BEGIN))  # boot2
    for written, used in loaded(board):
        assert not written.bytes or any(lies_in(written, part) for part in flash), written
        assert any(lies_in(used, part) for part in (*flash, board.ram)), used


@pytest.mark.parametrize("name", list_boards())
def test_nothing_is_written_outside_the_flash_of_a_board(name: str) -> None:
    check(load_board(name))


@pytest.mark.parametrize("name", [n for n in built_alike() if load_board(n).image is None])
@pytest.mark.parametrize("offset", [0x400, 0x2000, 0x7800])
def test_nor_before_a_flash_that_begins_behind_a_bootloader(name: str, offset: int) -> None:
    board = load_board(name)
    check(replace(board, flash=Region(board.flash.origin + offset, board.flash.bytes - offset)))

"""A driver of firmware/port/flash alone on a board in Unicorn: a program that erases, writes and
reads as it is told over its UART."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from support.chip_flashes import Flash
from support.chips import CHIPS
from support.unicorn_board import UnicornBoard

from edge_dassdp.base import assets
from edge_dassdp.build.board import Board, load_board
from edge_dassdp.build.compile import build_project
from edge_dassdp.build.project import with_port

_MAIN = """\
#include "flash.h"
#include "port.h"
#include "startup.h"
static uint8_t get(void) {
    for (;;) {
        int byte = dassdp_port_get();
        if (byte >= 0) {
            return (uint8_t)byte;
        }
        dassdp_port_wait();
    }
}
static uint32_t get_u32(void) {
    uint32_t value = 0;
    for (uint32_t i = 0; i < 4U; i++) {
        value |= (uint32_t)get() << (8U * i);
    }
    return value;
}
int main(void) {
    static uint32_t unit[DASSDP_STORE_WRITE_BYTES / 4U];
    dassdp_port_init();
    for (;;) {
        uint8_t what = get();
        uint32_t address = get_u32(), n_bytes = get_u32();
        const uint8_t *at = dassdp_flash_at(address);
        if (what == 'e') {
            dassdp_port_put(dassdp_flash_erase(address) == 0);
        } else if (what == 'w') {
            for (uint32_t i = 0; i < DASSDP_STORE_WRITE_BYTES / 4U; i++) {
                unit[i] = get_u32();
            }
            dassdp_port_put(dassdp_flash_write(address, unit) == 0);
        } else if (what == 'r') {
            for (uint32_t i = 0; i < n_bytes; i++) {
                dassdp_port_put(at[i]);
            }
        } else {
            dassdp_port_put((uint8_t)dassdp_unreadable(at, at + n_bytes));
        }
    }
}
"""


def driver_text(driver: str) -> str:
    return (assets.folder("firmware") / "port" / "flash" / f"{driver}.c").read_text("utf-8")


def changed(name: str, **more: int) -> Board:
    """A board whose slots are otherwise."""
    board = load_board(name)
    assert board.store is not None
    return replace(board, store=replace(board.store, **more))


@cache
def built(board: Board, edit: Callable[[str], str] | None = None) -> Path:
    """ELF file; edit: of the driver's text."""
    assert board.store is not None
    project = with_port({"src/main.c": _MAIN}, board)
    driver = f"port/flash/{board.store.driver}.c"
    if edit is not None:
        project = replace(project, files={**project.files, driver: edit(project.files[driver])})
    return build_project(project, board).elf


class Driver:
    """What the program on a board does; flash: as in UnicornBoard."""

    def __init__(self, name: str, board: Board | None = None, flash: Flash | None = None,
                 edit: Callable[[str], str] | None = None) -> None:
        self.board = board or load_board(name)
        self.port = UnicornBoard(built(self.board, edit), CHIPS[name], flash)
        assert self.port.flash is not None and self.board.store is not None
        self.flash, self.store = self.port.flash, self.board.store

    def _ask(self, what: bytes, address: int, n_bytes: int = 0, more: bytes = b"") -> bytes:
        self.port.write(what + address.to_bytes(4, "little") + n_bytes.to_bytes(4, "little") + more)
        return self.port.read(self.port.in_waiting)

    def erase(self, address: int) -> bool:
        """Whether it says that it did; of silence an AssertionError."""
        answer = self._ask(b"e", address)
        assert answer in (b"\0", b"\1"), "silence"
        return answer == b"\1"

    def write(self, address: int, unit: bytes) -> bool:
        answer = self._ask(b"w", address, more=unit)
        assert answer in (b"\0", b"\1"), "silence"
        return answer == b"\1"

    def read(self, address: int, n_bytes: int) -> bytes:
        return self._ask(b"r", address, n_bytes)

    def n_unreadable(self, address: int, n_bytes: int) -> int:
        """Words, by dassdp_unreadable."""
        [n] = self._ask(b"u", address, n_bytes)
        return n

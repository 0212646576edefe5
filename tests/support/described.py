"""Boards of the package with another [program] table."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edge_dassdp.base import assets
from edge_dassdp.build.board import Board, load_board
from edge_dassdp.build.description import Drive, Pyocd

MICROBIT = {"drive": Drive(("MICROBIT",), "hex"), "serials": ("9900", "9901"),
            "pyocd": Pyocd("nrf51"), "usb": ("0d28:0204",)}
NUCLEO = {"drive": Drive(("NODE_F401RE", "NUCLEO"), "bin"), "serials": ("0720",),
          "pyocd": Pyocd("stm32f401retx", True), "usb": ("0483:374b",)}
PICO = {"drive": Drive(("RPI-RP2",), "uf2"), "serials": (),
        "pyocd": Pyocd("rp2040_core0"), "usb": ("2e8a:000c",)}


def board(name: str = "microbit", **program: object) -> Board:
    """A board of the package that is programmed otherwise."""
    found = load_board(name)
    return dataclasses.replace(found, program=dataclasses.replace(found.program, **program))


def written(folder: Path, program: str, name: str = "microbit") -> Path:
    """The board.toml of one, with these lines as its [program] table."""
    text = (assets.folder("boards") / name / "board.toml").read_text("utf-8")
    before, _, rest = text.partition("[program]\n")
    _, mark, after = rest.partition("\n[")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "board.toml").write_text(f"{before}[program]\n{program}\n{mark}{after}", "utf-8")
    return folder / "board.toml"

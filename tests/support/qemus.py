"""The versions of QEMU that stand on PATH."""

from __future__ import annotations

import os
import re
from functools import cache

import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.build.tools import version
from edge_dassdp.targets.qemu import QEMU_HELP, find_qemu, programs


@cache
def versions() -> dict[str, str]:
    """Program by version, such as 7.2."""
    found: dict[str, str] = {}
    for path in programs():
        told = re.search(r"version (\d+\.\d+)", version((path,), QEMU_HELP))
        found.setdefault(told[1] if told else "?", path)
    return found


def number(version: str) -> tuple[int, ...]:
    """9.1 below 10.0; "" below all."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def needs(board: Board) -> str:
    """The program that a board asks for. Without one the test is skipped here, and fails in CI."""
    assert board.qemu is not None
    try:
        return find_qemu(board.qemu.version)
    except EdgeError as problem:
        act = pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip
        act(f"{problem.message}: {problem.cause}")
        raise

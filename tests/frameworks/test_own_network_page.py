"""The manual's page on bringing a network, run as it is written."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ROOT
from support.manual import pieces

MOST_LINES = 9


def section() -> list[tuple[str, str]]:
    return [*pieces(ROOT / "docs" / "own-network.md")]


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_every_way_in_ends_on_the_emulator_and_in_firmware(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ran = []
    for kind, code in section():
        if kind == "python":
            commands = [[sys.executable, "-c", code]]
        else:
            commands = [[sys.executable, "-m", "edge_dassdp", *shlex.split(line)[1:]]
                        for line in code.splitlines()]
            ran += [command[3] for command in commands]
        for command in commands:
            done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert ran.count("quantize") == ran.count("verify") == 3


def test_every_way_in_is_short() -> None:
    blocks = [code.strip().splitlines() for _, code in section()]
    lines = [len([line for line in block if line.strip()]) for block in blocks]
    for ways in (lines[:2], lines[2:4], lines[4:]):
        assert sum(ways) <= MOST_LINES

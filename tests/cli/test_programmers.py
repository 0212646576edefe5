"""flash: what programmers do and say, and that what they wrote is read back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support import tiny
from support.commands import ok, refused, shown

from edge_dassdp.base import assets
from edge_dassdp.build.board import list_boards, load_board

pytestmark = pytest.mark.usefixtures("arm_toolchain")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny.write(folder)
    ok("quantize", folder / "model.npz", "-o", folder / "model.q.npz")
    return folder / "model.q.npz"


def programmer(folder: Path, name: str, script: str) -> str:
    """The PATH with a programmer of this name first."""
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("board", list_boards())
def test_every_board_of_the_package_reads_back_what_it_wrote(board: str) -> None:
    command = " ".join(load_board(board).program.command)
    assert "verify" in command or "compare-sections" in command


@pytest.mark.parametrize(("script", "words"), [
    ("#!/bin/sh\necho Error: open failed >&2; exit 1\n", "Error: open failed"),
    ("#!/bin/sh\necho '** Verify Failed **'; exit 1\n", "** Verify Failed **"),
    ("#!/bin/sh\nprintf '\\377\\376 odd\\n' >&2; exit 1\n", "odd"),
    ("#!/bin/sh\nexit 1\n", "it said nothing, exit status 1"),
    ("#!/bin/sh\nkill -9 $$\n", "signal 9"),
])
def test_a_programmer_that_fails_is_quoted(model: Path, tmp_path: Path, script: str,
                                           words: str) -> None:
    told = refused("E508", "flash", model, "--board", "microbit",
                   PATH=programmer(tmp_path, "openocd", script))
    assert words in told and "check cable and power" in told


def test_a_programmer_that_cannot_be_started_is_told(model: Path, tmp_path: Path) -> None:
    told = refused("E302", "flash", model, "--board", "microbit",
                   PATH=programmer(tmp_path, "openocd", "#!/nowhere\n"))
    assert "cannot be started" in told and "apt install openocd" in told


def test_a_section_that_differs_on_the_board_is_a_failure(model: Path, tmp_path: Path) -> None:
    script = ("#!/bin/sh\necho 'Section .text, range 0x0 -- 0x4000: MIS-MATCHED!'\n"
              "echo 'Section .data, range 0x0 -- 0x40: matched.'\n")
    told = refused("E508", "flash", model, "--board", "mps2-an385",
                   PATH=programmer(tmp_path, "gdb-multiarch", script))
    assert "Section .text, range 0x0 -- 0x4000: MIS-MATCHED!" in told


def test_a_command_that_does_not_read_back_is_warned_of(model: Path, tmp_path: Path) -> None:
    text = (assets.folder("boards") / "microbit" / "board.toml").read_text("utf-8")
    (tmp_path / "board.toml").write_text(text.replace("{elf} verify", "{elf}"), "utf-8")
    path = programmer(tmp_path, "openocd", "#!/bin/sh\n")
    for board, n_warnings in (("microbit", 0), (str(tmp_path), 1)):
        done = shown("flash", model, "--board", board, "--json", PATH=path)
        assert done.returncode == 0, done.stderr
        told = [d["message"] for d in json.loads(done.stdout)["diagnostics"]]
        assert len(told) == n_warnings and all("left to openocd" in text for text in told)

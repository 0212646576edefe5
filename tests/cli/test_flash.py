"""flash: what is written was linked, and the board is asked whether it holds it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.commands import refused, shown
from support.served import served

import edge_dassdp as ed
from edge_dassdp import qir
from edge_dassdp.base import assets
from edge_dassdp.build.board import load_board
from edge_dassdp.build.elf import opened, symbol_table
from edge_dassdp.build.image import read_image
from edge_dassdp.targets.qemu import QemuProcess

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")


def board(folder: Path, command: str, title: str = "a board") -> Path:
    """A micro:bit that another command programs; a title of its own makes it another build."""
    text = (assets.folder("boards") / "microbit" / "board.toml").read_text("utf-8")
    before, _, rest = text.partition("[program]\n")
    _, _, after = rest.partition("note = ")
    lines = [f'title = "{title}"' if line.startswith("title = ") else line
             for line in before.splitlines()]
    folder.mkdir()
    (folder / "board.toml").write_text(
        "\n".join(lines) + f"\n[program]\ncommand = {command}\nnote = {after}", "utf-8")
    return folder / "board.toml"


@contextmanager
def running(elf: Path, description: Path) -> Iterator[str]:
    """What --port takes, of a firmware in QEMU."""
    with QemuProcess(elf, load_board(str(description))) as process, served(process.uart) as port:
        yield port


def damaged(elf: Path) -> bytes:
    """With a flipped bit of its largest constant, so that all of the link still runs."""
    with opened(elf) as file:
        text = file.get_section_by_name(".text")
        constant = max((s for s in symbol_table(file).iter_symbols()
                        if s["st_info"]["type"] == "STT_OBJECT"
                        and 0 <= s["st_value"] - text["sh_addr"] < text["sh_size"]),
                       key=lambda s: s["st_size"])
        at = constant["st_value"] - text["sh_addr"] + text["sh_offset"] + 5
    data = bytearray(elf.read_bytes())
    data[at] ^= 8
    return bytes(data)


def flash(work: Path, description: Path, *more: str) -> tuple[str | Path, ...]:
    return ("flash", work / "model.q.npz", "--board", description, *more)


def test_the_board_reads_its_flash_back(work: Path, tmp_path: Path) -> None:
    description = board(tmp_path / "b", '["true"]')
    elf = ed.build(qir.load(work / "model.q.npz"), description).elf
    with running(elf, description) as port:
        done = shown(*flash(work, description, "--port", port, "--json"))
        data = json.loads(done.stdout)["data"]
        assert done.returncode == 0, done.stderr
        assert data["confirmed"] and data["image_crc"] == f"{read_image(elf).crc:08x}"
        assert "read its flash back" in shown(*flash(work, description, "--port", port)).stdout


def test_a_board_that_holds_something_else_is_told(work: Path, tmp_path: Path) -> None:
    description = board(tmp_path / "b", '["true"]')
    model = qir.load(work / "model.q.npz")
    other = ed.build(model, board(tmp_path / "old", '["true"]', "an old build")).elf
    with running(other, description) as port:
        assert "another build" in refused("E504", *flash(work, description, "--port", port))
    elf = ed.build(model, description).elf
    (tmp_path / "damaged.elf").write_bytes(damaged(elf))
    with running(tmp_path / "damaged.elf", description) as port:
        refused("E504", *flash(work, description, "--port", port))


def test_a_tool_that_read_back_something_else_failed(work: Path, tmp_path: Path) -> None:
    """gdb says so and ends with 0."""
    description = board(tmp_path / "b", '["echo", "Section .text: MIS-MATCHED!"]')
    assert "could not program" in refused("E508", *flash(work, description))


def test_without_a_port_it_says_that_nothing_was_read_back(work: Path, tmp_path: Path) -> None:
    description = board(tmp_path / "b", '["true"]')
    done = shown(*flash(work, description))
    assert done.returncode == 0 and "not read back over the link" in done.stdout


def test_a_firmware_that_changed_since_it_was_linked_is_not_written(work: Path, tmp_path: Path,
                                                                    monkeypatch: Any) -> None:
    monkeypatch.setenv("EDGE_DASSDP_CACHE", str(tmp_path / "cache"))
    description = board(tmp_path / "b", '["false"]')
    elf = ed.build(qir.load(work / "model.q.npz"), description).elf
    kept = shutil.copy(elf, tmp_path / "kept.elf")
    elf.write_bytes(damaged(elf))
    done = shown(*flash(work, description))
    assert done.returncode != 0
    assert "damaged" in done.stderr or Path(elf).read_bytes() == Path(kept).read_bytes()

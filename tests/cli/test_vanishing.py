"""A port that vanishes in a save, and a host that is killed in one: a clear error, and what comes
next says which save counts."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import tiny
from support.board import Board
from support.commands import answer, begun, ok, shown
from support.served import served

from edge_dassdp import qir
from edge_dassdp.base.errors import CODES
from edge_dassdp.build.board import load_board
from edge_dassdp.emit.firmware import build_and_compare
from edge_dassdp.targets.open import open_target
from edge_dassdp.targets.qemu import QemuProcess

_MOST_FRAMES = 30


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vanishing")
    tiny.write(folder)
    ok("quantize", folder / "model.npz", "-o", folder / "model.q.npz", "--data",
       folder / "data.npz")
    return folder


@pytest.fixture
def board(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    with Board(work / "model.q.npz", tmp_path) as board:
        yield board


def n_saves(work: Path, target: str) -> int:
    """As the next host is told."""
    with open_target(target, qir.load(work / "model.q.npz")) as device:
        return device.in_flash.n_saves


@pytest.mark.parametrize("is_answered", [False, True], ids=["request lost", "answer lost"])
def test_a_port_that_vanishes_in_a_save(board: Board, work: Path, is_answered: bool) -> None:
    save = ("save", work / "model.q.npz", "--target", board.target)
    ok("learn", work / "model.q.npz", "--data", work / "data.npz", "--target", board.target)
    assert answer(*save)["data"]["n_saves"] == 1
    told, counts = [], [1]
    for n in range(1, _MOST_FRAMES):
        board.cut(n, is_answered=is_answered)
        done = shown(*save)
        board.plug()
        counts.append(n_saves(work, board.target))
        if done.returncode == 0:
            break
        assert done.returncode in {CODES[code].exit for code in ("E501", "E502")}, done.stderr
        assert "Traceback" not in done.stderr and "help:" in done.stderr
        told.append(done.stderr)
    in_save = [text for text in told if "in a save" in text]
    assert len(in_save) == 1 and "before, save 1 counts" in in_save[0]
    assert "devices --ask" in in_save[0] and "which" in in_save[0]
    before, after = counts[told.index(in_save[0])], counts[told.index(in_save[0]) + 1]
    assert after == before + is_answered, "carried out once, or not at all"
    assert answer(*save)["data"]["n_saves"] == counts[-1] + 1


def test_a_host_that_is_killed_in_a_save(arm_toolchain: None, qemu: None, work: Path,
                                         tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL while the device writes to flash: the device finishes, the next command is told."""
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    firmware = build_and_compare(qir.load(work / "model.q.npz"), load_board("microbit")).firmware
    slots = firmware.board.store
    assert slots is not None
    with QemuProcess(firmware.elf, firmware.board) as process, served(process.uart) as address:
        save = ("save", work / "model.q.npz", "--target", f"serial:{address}")
        assert answer(*save)["data"]["n_saves"] == 1
        debugger = process.debugger
        debugger.stop()
        watch = f"2,{slots.origin:x},{2 * slots.slot_bytes:x}"
        assert debugger.ask(f"Z{watch}") == "OK"
        debugger.run()
        with begun(*save) as host:
            assert debugger.stops_within(60)
            debugger.wait()
            os.kill(host.pid, signal.SIGKILL)
            host.wait()
        assert debugger.ask(f"z{watch}") == "OK"
        debugger.run()
        assert n_saves(work, f"serial:{address}") == 2
        assert answer(*save)["data"]["n_saves"] == 3

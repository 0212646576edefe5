"""devices and doctor: boards by their ports and drives, and what stands in the way of each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support import board_drives, usb_ports
from support.boards import plugged
from support.commands import ok, refused, shown

from edge_dassdp import qir
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.flashing import udev, volumes
from edge_dassdp.plan import Plan
from edge_dassdp.targets.loopback import LoopbackStream

MICROBIT = ("0d28:0204", "9904360258434E45")


@pytest.fixture(autouse=True)
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(volumes, "SYSTEM", board_drives.system(tmp_path))
    usb_ports.listed(monkeypatch)


def told(*more: str) -> dict[str, Any]:
    done = shown("devices", "--json", *more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["data"]
    return found


def test_without_a_board_it_says_so() -> None:
    assert "no serial port, no drive of a board" in ok("devices")
    assert told() == {"devices": [], "drives": []}


def test_boards_are_named_by_number_and_by_the_drive_beside(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = board_drives.st_link(tmp_path / "NODE_F401RE", "0720")
    failed = board_drives.daplink(tmp_path / "MICROBIT", "9904")
    (failed / "FAIL.TXT").write_text("error: too large\n")
    monkeypatch.setattr(volumes, "SYSTEM", board_drives.system(tmp_path, root, failed, sda="1-2"))
    usb_ports.listed(
        monkeypatch, usb_ports.port("/dev/ttyACM0", *MICROBIT, "1-4"),
        usb_ports.port("/dev/ttyACM1", "0483:374b", "0669FF515056805087142030", "1-2"),
        usb_ports.port("/dev/ttyACM2", "0483:374b", "066AFF", "1-9"),
        usb_ports.port("/dev/ttyS0"))
    found = told()
    assert [d["board"] for d in found["devices"]] == ["microbit-v2", "nucleo-f401re", "", ""]
    assert "nucleo-f411re" in found["devices"][2]["candidates"]
    assert {(d["label"], d["board"]) for d in found["drives"]} == {
        ("NODE_F401RE", "nucleo-f401re"), ("MICROBIT", "microbit-v2")}
    assert any("FAIL.TXT: error: too large" in d["state"] for d in found["drives"])
    assert {"one", "of", "with", "adapter", "firmware:"} <= set(ok("devices").split())


def test_a_board_that_answers_names_itself(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = build_emulator(emit(Plan.of(qir.load(work / "model.q.npz"))))
    with plugged(LoopbackStream(library)) as board:
        usb_ports.listed(monkeypatch, usb_ports.port(board.port, "0483:374b", "066AFF", "1-9"))
        [device] = told("--ask")["devices"]
    assert device["board"] and device["state"].startswith(device["board"])
    assert "build " in device["state"] and len(device["candidates"]) > 5


def test_what_cannot_be_asked_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with usb_ports.terminal() as silent:
        usb_ports.listed(monkeypatch, usb_ports.port(silent, *MICROBIT),
                         usb_ports.port("/dev/ttyNOTHERE"), usb_ports.port("/dev/null"))
        states = [d["state"] for d in told("--ask")["devices"]]
    assert len(states) == 3
    assert any("E502" in s and "Check power, port, baud rate" in s for s in states)
    assert any("there is no such port" in s and "Ports of this computer" in s for s in states)
    assert any("it is no serial port" in s for s in states)


def test_doctor_writes_the_udev_rule_and_shows_it(tmp_path: Path) -> None:
    screen = ok("doctor", "--fix", "--to", tmp_path / "70.rules")
    text = (tmp_path / "70.rules").read_text()
    assert '"0d28"' in text and all(line in screen for line in text.splitlines())
    assert f"copy it to {udev.PLACE}" in screen and udev.RELOAD in screen


def test_doctor_that_may_not_write_says_so_and_shows_the_rule(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udev, "PLACE", tmp_path / "none" / "70.rules")
    done = shown("doctor", "--fix")
    assert done.returncode == 2 and '"0d28"' in done.stdout and "not written" in done.stdout
    assert "error[E103]" in done.stderr and "sudo" in done.stderr and "--to FILE" in done.stderr
    done = shown("doctor", "--fix", "--json")
    envelope = json.loads(done.stdout)
    assert not envelope["ok"] and envelope["data"]["written"] is False
    (tmp_path / "none").mkdir()
    assert "udevadm" in ok("doctor", "--fix")
    assert "add --fix" in refused("E105", "doctor", "--to", tmp_path / "x")


def test_doctor_names_ports_that_may_not_be_used(tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """To root the system forbids none, so it is told that all is forbidden."""
    (tmp_path / "tty").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    usb_ports.listed(monkeypatch, usb_ports.port(str(tmp_path / "tty")))
    checks = json.loads(shown("doctor", "--json").stdout)["data"]["checks"]
    [check] = [c for c in checks if c["what"] == str(tmp_path / "tty")]
    assert check["optional"] and "doctor --fix, then plug it in again" in check["fix"]

"""flash by drive, and the board at its port is asked: only what it confirms is called flashed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import board_drives, usb_ports
from support.board_drives import debugger, goes, remounts
from support.commands import refused, shown
from support.described import written

import edge_dassdp as ed
from edge_dassdp import qir
from edge_dassdp.build.board import load_board
from edge_dassdp.flashing import copying, volumes
from edge_dassdp.flashing.copying import Patience
from edge_dassdp.targets.qemu import QemuProcess

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")

NUMBER = "9900000031864E45"
PROGRAM = """command = ["false"]
note = "not this way"
usb = ["0d28:0204"]
serials = ["9900", "9901"]
drive = { labels = ["MICROBIT"], file = "hex" }"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A computer without any port and drive but those of a test."""
    monkeypatch.setattr(copying, "PATIENCE", Patience(0.5, 1.0))
    monkeypatch.setattr(volumes, "SYSTEM", board_drives.system(tmp_path))
    usb_ports.listed(monkeypatch)


@pytest.fixture
def described(tmp_path: Path) -> Path:
    return written(tmp_path / "board", PROGRAM)


def flash(work: Path, described: Path, *more: str | Path) -> tuple[str | Path, ...]:
    return ("flash", work / "model.q.npz", "--board", described, *more)


def n_bytes(work: Path, described: Path) -> int:
    return ed.build(qir.load(work / "model.q.npz"), described).hex.stat().st_size


@contextmanager
def running(elf: Path, described: Path) -> Iterator[str]:
    """The terminal of a firmware in QEMU."""
    with QemuProcess(elf, load_board(str(described))) as process, \
            usb_ports.terminal(process.uart) as port:
        yield port


def test_a_board_is_flashed_by_its_drive_and_asked_at_its_port(
        work: Path, described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    monkeypatch.setattr(volumes, "SYSTEM", board_drives.system(tmp_path, root, sda="1-2"))
    built = ed.build(qir.load(work / "model.q.npz"), described)
    with running(built.elf, described) as port, usb_ports.terminal() as other, \
            debugger(root, built.hex.stat().st_size, remounts(board_drives.daplink)) as got:
        usb_ports.listed(monkeypatch, usb_ports.port(other, "0d28:0204", "9901AA", "1-3"),
                         usb_ports.port(port, "0d28:0204", NUMBER, "1-2"))
        done = shown(*flash(work, described, "--json"))
    assert done.returncode == 0, done.stderr
    envelope = json.loads(done.stdout)
    assert got == [built.hex.read_bytes()] and not envelope["diagnostics"]
    assert envelope["data"]["via"] == "drive" and envelope["data"]["confirmed"] is True
    assert "its drive MICROBIT is mounted" in envelope["data"]["why"]


def test_a_board_that_runs_what_it_ran_before_is_not_called_flashed(
        work: Path, described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = ed.build(qir.load(work / "frozen.q.npz"), described)
    root = board_drives.daplink(tmp_path / "MICROBIT")
    with running(old.elf, described) as port, \
            debugger(root, n_bytes(work, described), remounts(board_drives.daplink)):
        told = refused("E504", *flash(work, described, "--drive", root, "--port", port))
    assert "written, and not confirmed" in told and "runs another model" in told


def test_a_port_that_is_silent_is_told_and_nothing_is_called_flashed(
        work: Path, described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_dassdp.targets import link

    root = board_drives.daplink(tmp_path / "MICROBIT")
    monkeypatch.setattr(link, "RETRIES", 0)
    with usb_ports.terminal() as port:
        usb_ports.listed(monkeypatch, usb_ports.port(port, "0d28:0204", NUMBER))
        told = refused("E502", *flash(work, described, "--drive", root))
    assert "written, and not confirmed" in told and "does not answer" in told


def test_without_a_port_what_the_drive_says_is_said_and_no_more(
        work: Path, described: Path, tmp_path: Path) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    size = n_bytes(work, described)
    with debugger(root, size, remounts(board_drives.daplink)):
        done = shown(*flash(work, described, "--drive", root))
    assert done.returncode == 0 and "not read back over the link" in done.stdout
    assert "renewed and tells of no failure" in done.stdout and not done.stderr
    done = shown(*flash(work, described, "--drive", root))
    assert done.returncode == 0 and "Nobody read back what was written" in done.stderr
    (root / "firmware.hex").unlink()
    with debugger(root, size, remounts(board_drives.daplink, "error: it cannot be halted")):
        told = refused("E508", *flash(work, described, "--drive", root))
    assert "error: it cannot be halted" in told
    with debugger(root, size, goes):
        assert "did not come back" in refused("E508", *flash(work, described, "--drive", root))


def test_a_dry_run_says_the_way_and_touches_nothing(
        work: Path, described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    monkeypatch.setattr(volumes, "SYSTEM", board_drives.system(tmp_path, root))
    before = sorted(root.iterdir())
    done = shown(*flash(work, described, "--dry-run"))
    assert "by drive: its drive MICROBIT is mounted" in done.stdout
    assert f"would copy firmware.hex to {root}" in done.stdout
    assert sorted(root.iterdir()) == before and "not this way" not in done.stdout
    done = shown(*flash(work, described, "--dry-run", "--via", "command"))
    assert "would run false" in done.stdout and "not this way" in done.stdout


@pytest.mark.parametrize(("more", "code", "words"), [
    (("--via", "usb"), "E105", "choose drive, pyocd, openocd, command"),
    (("--via", "pyocd"), "E508", "has no name for pyOCD"),
    (("--via", "openocd"), "E105", "runs false"),
    (("--via", "drive"), "E508", "no drive MICROBIT is mounted"),
    (("--via", "command"), "E508", "false could not program microbit"),
    (("--drive", "nowhere"), "E508", "is no drive"),
    (("--drive", "."), "E508", "is no drive of a board"),
    (("--drive", "x", "--probe", "1"), "E105", "leave one of them out")])
def test_a_way_that_is_not_there(work: Path, described: Path, tmp_path: Path,
                                 more: tuple[str, ...], code: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    assert words in refused(code, *flash(work, described, *more), cwd=tmp_path / "empty")
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_port_that_is_not_there_is_told_before_anything_is_written(
        work: Path, described: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    before = sorted(root.iterdir())
    for port in ("/dev/none", "/dev/none@9600"):
        told = refused("E501", *flash(work, described, "--drive", root, "--port", port, *more))
        assert "there is no such port" in told and "written" not in told
    assert sorted(root.iterdir()) == before


def test_a_pico_without_its_drive_is_told_of_its_button(work: Path) -> None:
    told = refused("E508", "flash", work / "model.q.npz", "--board", "pico", "--via", "drive")
    assert "Hold BOOTSEL" in told and "firmware.uf2" in told and "build -o" in told


def test_a_pico_is_flashed_by_its_boot_rom(work: Path, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """Which goes once it has every block of its family."""
    root = board_drives.boot_rom(tmp_path / "RPI-RP2")
    other = board_drives.boot_rom(tmp_path / "RP2350", "RP2350")
    monkeypatch.setattr(volumes, "SYSTEM", board_drives.system(tmp_path, root, other))
    uf2 = ed.build(qir.load(work / "model.q.npz"), "pico").firmware.files["uf2"]
    with debugger(root, uf2.stat().st_size, goes) as got:
        done = shown("flash", work / "model.q.npz", "--board", "pico")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert "its drive RPI-RP2 is mounted" in done.stdout and "boot ROM" in done.stdout
    assert got == [uf2.read_bytes()] and len(list(other.iterdir())) == 2
    told = refused("E508", "flash", work / "model.q.npz", "--board", "pico", "--drive", other)
    assert "board RP2350, expected RPI-RP2" in told

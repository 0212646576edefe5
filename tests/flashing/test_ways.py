"""Which way is taken, why, and that what could be meant in two ways is asked."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import board_drives, standing_in
from support.described import MICROBIT, NUCLEO, PICO, board

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, load_board
from edge_dassdp.build.compile import Firmware
from edge_dassdp.build.image import read_image
from edge_dassdp.flashing import volumes
from edge_dassdp.flashing.ways import Way, choose

pytestmark = pytest.mark.usefixtures("arm_toolchain")


@pytest.fixture(scope="module")
def built() -> Firmware:
    from support.scenarios import SCENARIOS

    return ed.build(SCENARIOS["described_4"].quantized, "microbit").firmware


def of(built: Firmware, described: Board) -> Firmware:
    return dataclasses.replace(built, board=described)


def mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *roots: Path, **usb: str) -> None:
    monkeypatch.setattr(volumes, "SYSTEM", board_drives.system(tmp_path, *roots, **usb))


def refused(code: str, *given: object, **named: object) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        choose(*given, **named)
    assert caught.value.code == code and caught.value.help
    return caught.value


def test_a_drive_that_is_mounted_comes_first(built: Firmware, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    mounted(monkeypatch, tmp_path, root)
    way = choose(of(built, board(**MICROBIT)))
    assert way.via == "drive" and "its drive MICROBIT is mounted" in way.why
    assert way.does == f"copy firmware.hex to {root}" and not (root / "firmware.hex").exists()


def test_an_st_link_gets_the_image_from_its_first_byte_on(built: Firmware, tmp_path: Path) -> None:
    root = board_drives.st_link(tmp_path / "NODE_F401RE")
    choose(of(built, board(**NUCLEO)), drive=root).act()
    image = read_image(built.elf)
    data = (root / "firmware.bin").read_bytes()
    assert data == image.bytes + image.crc.to_bytes(4, "little")


def test_without_drive_and_probe_the_command_is_taken_and_says_why(
        built: Firmware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, tmp_path)
    way = choose(of(built, board(**MICROBIT)))
    assert way.via == "openocd" and way.command[0] == "openocd"
    assert way.why.startswith("no drive MICROBIT is mounted; no debug probe is plugged in")


def test_a_probe_comes_before_the_command(built: Firmware, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, tmp_path)
    monkeypatch.setenv("PYTHONPATH", standing_in.pyocd(tmp_path / "in"))
    monkeypatch.setenv("PROBES", "9900AA,micro:bit,9900")
    way = choose(of(built, board(**MICROBIT)))
    assert way.via == "pyocd" and "9900AA is plugged in" in way.why
    assert way.act().is_sure
    monkeypatch.setenv("PROBES", "9900AA,micro:bit,9900;9901AA,micro:bit,9901")
    refused("E105", of(built, board(**MICROBIT)))
    assert choose(of(built, board(**MICROBIT)), probe="9901").serial == "9901AA"


def test_two_drives_of_a_board_are_asked_for(built: Firmware, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, other = (board_drives.daplink(tmp_path / name, serial) for name, serial in (
        ("MICROBIT", "9900"), ("MICROBIT1", "9901"), ("MICROBIT2", "9904")))
    mounted(monkeypatch, tmp_path, one, two, other)
    told = refused("E105", of(built, board(**MICROBIT)))
    assert str(one) in told.cause and str(two) in told.cause and str(other) not in told.cause
    assert "--drive" in told.help
    assert choose(of(built, board(**MICROBIT)), drive=two).does.endswith(str(two))
    mounted(monkeypatch, tmp_path, two, other)
    assert choose(of(built, board(**MICROBIT))).does.endswith(str(two))


def test_the_only_drive_is_another_boards(built: Firmware, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, tmp_path, board_drives.daplink(tmp_path / "MICROBIT", "9904"))
    assert "another board" in refused("E508", of(built, board(**MICROBIT)), "drive").message
    way = choose(of(built, board(**MICROBIT)))
    assert way.via == "openocd" and "another board" in way.why


@pytest.mark.parametrize("make", [
    lambda p: board_drives.daplink(p / "X", "9904"), lambda p: board_drives.st_link(p / "X"),
    lambda p: board_drives.boot_rom(p / "X"),
    lambda p: board_drives.daplink(p / "MICROBIT", "9901")])
def test_a_board_without_a_drive_does_not_take_anothers(
        built: Firmware, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    root = make(tmp_path)
    before = sorted(root.iterdir())
    told = refused("E508", of(built, load_board("mps2-an385")), drive=root)
    assert "another board than mps2-an385" in told.message and "--via command" in told.help
    assert "mount" not in str(told) and sorted(root.iterdir()) == before


def test_a_board_without_a_drive_is_not_told_to_mount_it(built: Firmware, tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "none"):
        told = refused("E508", of(built, load_board("mps2-an385")), drive=root)
        assert "mount its drive" not in told.help and "mps2-an385 has no drive" in told.help


def test_the_number_of_the_usb_device_tells_jlinks_apart(built: Firmware, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """Both nRF DKs have a drive JLINK that says nothing of itself."""
    root = tmp_path / "JLINK"
    root.mkdir()
    mounted(monkeypatch, tmp_path, root, sda="1-2")
    device = tmp_path / "system/devices/pci0000:00/usb1/1-2"
    (device / "serial").write_text("000683123456\n")
    told = refused("E508", of(built, load_board("nrf52-dk")), "drive")
    assert "nrf52840-dk" in told.cause and "000683123456" in told.cause
    way = choose(of(built, load_board("nrf52840-dk")), "drive")
    assert (way.usb_place, way.serial) == ("1-2", "000683123456")
    (device / "serial").write_text("000050123456\n")
    for name in ("nrf52-dk", "nrf52840-dk"):
        assert choose(of(built, load_board(name)), "drive").via == "drive"


@pytest.mark.parametrize(("named", "words"), [
    ({"via": "usb"}, "choose drive, pyocd, openocd, command"),
    ({"via": "pyocd", "drive": Path("/media/x")}, "--drive"),
    ({"via": "drive", "probe": "99"}, "--probe"),
    ({"probe": "99", "drive": Path("/media/x")}, "leave one")])
def test_words_that_do_not_go_together(built: Firmware, named: dict[str, object],
                                       words: str) -> None:
    assert words in str(refused("E105", built, **named))


def test_a_way_that_is_asked_for_is_the_only_one(built: Firmware, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, tmp_path)
    micro = of(built, board(**MICROBIT))
    assert "MICROBIT" in refused("E508", micro, "drive").message
    assert "no debug probe" in refused("E508", micro, "pyocd").message
    assert choose(micro, "command").via == "openocd"
    gdb = of(built, board(command=("gdb-multiarch", "{elf}"), drive=None))
    assert "gdb-multiarch" in refused("E105", gdb, "openocd").cause
    assert choose(gdb, "command").via == "command"
    assert "has no drive" in refused("E508", gdb, "drive").message


def test_a_file_that_is_not_made_for_the_board(built: Firmware, tmp_path: Path) -> None:
    root = board_drives.boot_rom(tmp_path / "RPI-RP2")
    assert ".uf2" in refused("E508", of(built, board(**PICO)), drive=root).message
    assert sorted(p.name for p in root.iterdir()) == ["INDEX.HTM", "INFO_UF2.TXT"]


def test_where_nothing_is_there_each_way_is_named(built: Firmware, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    way: Way = choose(of(built, board(**MICROBIT)))
    with pytest.raises(EdgeError) as caught:
        way.act()
    assert caught.value.code == "E301"
    assert "no drive MICROBIT is mounted" in caught.value.cause
    assert "openocd is not on PATH" in caught.value.cause
    assert "apt install openocd" in caught.value.help and "[flash]" not in caught.value.help
    monkeypatch.setitem(sys.modules, "pyocd", None)
    with pytest.raises(EdgeError) as caught:
        choose(of(built, board(**MICROBIT))).act()
    assert "pip install 'edge-dassdp[flash]'" in caught.value.help

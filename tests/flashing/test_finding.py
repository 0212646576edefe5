"""Which board a port or a drive is of."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from support import board_drives

from edge_dassdp.build.board import Board, load_board
from edge_dassdp.flashing.confirm import own_port
from edge_dassdp.flashing.copying import Taken
from edge_dassdp.flashing.drives import look
from edge_dassdp.flashing.finding import candidates, drives_of, known_boards, owners, shown
from edge_dassdp.flashing.volumes import Volume
from edge_dassdp.flashing.ways import Way
from edge_dassdp.targets.serial import Port

BOARDS = known_boards()


@dataclasses.dataclass
class Built:
    """Of a firmware, what a port is looked for by."""

    board: Board


def port(usb_id: str, number: str = "", place: str = "") -> Port:
    return Port("/dev/ttyACM0", "", number, usb_id, place)


def names(port: Port, *drives: Volume) -> list[str]:
    return [b.name for b in candidates(port, BOARDS, list(map(look, drives)))]


@pytest.mark.parametrize(("usb_id", "number", "found"), [
    ("0d28:0204", "9900000031864e45", ["microbit"]),
    ("0d28:0204", "9904360258434e45", ["microbit-v2"]),
    ("0d28:0204", "9906360020005282", ["microbit-v2"]),
    ("0d28:0204", "0240000034544e45", []),        # DAPLink of a board that is none of these
    ("1366:1015", "000683123456", ["nrf52840-dk"]),
    ("1366:1015", "000682123456", ["nrf52-dk"]),
    ("1366:1015", "000050123456", ["nrf52-dk", "nrf52840-dk"]),
    ("0403:bcd9", "", ["lm3s6965evb"]),
    ("1a86:7523", "9900", []), ("", "", [])])
def test_a_port_is_told_by_its_adapter_and_number(usb_id: str, number: str,
                                                  found: list[str]) -> None:
    assert names(port(usb_id, number)) == found


def test_an_st_link_is_told_by_the_drive_on_the_same_usb_device(tmp_path: Path) -> None:
    """Its number tells nothing."""
    one = port("0483:374b", "0669FF515056805087142030", "1-2")
    many = names(one)
    assert len(many) > 5 and {"nucleo-f401re", "nucleo-f411re"} <= set(many)
    root = board_drives.st_link(tmp_path / "NODE_F401RE", "0720")
    assert names(one, Volume(root, root.name, usb_place="1-2")) == ["nucleo-f401re"]
    assert names(one, Volume(root, root.name, usb_place="1-3")) == many
    assert names(one, Volume(root, root.name)) == many
    old = board_drives.st_link(tmp_path / "NUCLEO", "0740")
    assert names(one, Volume(old, old.name, usb_place="1-2")) == ["nucleo-f411re"]


def test_drives_that_boards_might_show_are_found(tmp_path: Path) -> None:
    roots = [board_drives.daplink(tmp_path / "MICROBIT", "9904"),
             board_drives.daplink(tmp_path / "MAINTENANCE", "9904", "Bootloader"),
             board_drives.st_link(tmp_path / "NODE_L476RG", "0765"), tmp_path / "BACKUP"]
    found = drives_of(BOARDS, [Volume(root, root.name) for root in roots])
    assert [d.root for d in found] == roots[:3]
    assert [[b.name for b in owners(d, BOARDS)] for d in found] == [
        ["microbit-v2"], [], ["nucleo-l476rg"]]


def test_boards_in_a_few_words() -> None:
    assert shown([]) == "" and shown(BOARDS[:1]) == BOARDS[0].name
    assert shown(BOARDS[:2]) == f"{BOARDS[0].name} or {BOARDS[1].name}"
    assert shown(BOARDS[:9]) == "one of 9 with this adapter"


def test_the_port_of_a_board_is_by_its_place_else_by_its_number_else_the_only_one() -> None:
    way = Way("drive", "", "", lambda: Taken("", True))
    ports = [Port(f"/dev/ttyACM{i}", "", number, "1366:1015", place) for i, (number, place) in
             enumerate([("000682111111", "1-1"), ("000682222222", "1-2"), ("000683333333", "1-3")])]
    built = Built(load_board("nrf52-dk"))

    def found(way: Way, *there: Port) -> str:
        port = own_port(built, way, lambda: there)
        return port.path if port else ""

    assert found(way, *ports) == ""
    assert found(way, ports[0]) == found(way, ports[0], ports[2]) == "/dev/ttyACM0"
    assert found(way, ports[2]) == "" == found(way)
    assert found(dataclasses.replace(way, usb_place="1-2"), *ports) == "/dev/ttyACM1"
    assert found(dataclasses.replace(way, serial="000682222222"), *ports) == "/dev/ttyACM1"
    assert found(dataclasses.replace(way, serial="682222222"), *ports) == "/dev/ttyACM1"
    assert found(dataclasses.replace(way, serial="682"), *ports) == ""

"""Words that name a target: typos get the list, ports keep their own names."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.open import BAUD, BAUD_MOST, SPECS, _port, open_target
from edge_dassdp.targets.serial import open_port

NETWORK = SCENARIOS["described_4"].quantized


@pytest.mark.parametrize("word", [
    "", "emulater", "Emulator", " emulator", "emulator:", "emulator:4", "emulator-", "reference:x",
    "qemu", "qemu:", "QEMU:microbit", "serial", "serial:", "usb:/dev/ttyACM0", "/dev/ttyACM0",
    "emulator\n", "[bold]", "--target"])
def test_a_word_that_is_no_target_is_answered_with_the_list(word: str) -> None:
    with pytest.raises(EdgeError, match="there is no target") as caught:
        open_target(word, NETWORK)
    assert caught.value.code == "E105" and SPECS in caught.value.help


def test_a_board_that_is_none_is_answered_with_the_boards() -> None:
    with pytest.raises(EdgeError) as caught:
        open_target("qemu:micro:bit", NETWORK)
    assert caught.value.code == "E401" and "microbit" in caught.value.help


@pytest.mark.parametrize(("place", "path", "baud"), [
    ("/dev/ttyACM0", "/dev/ttyACM0", BAUD), ("/dev/ttyACM0@9600", "/dev/ttyACM0", 9600),
    ("COM3@1000000", "COM3", 1_000_000), ("usb-a@b-if00@57600", "usb-a@b-if00", 57_600),
    ("maker@home", "maker@home", BAUD), ("id@115200", "id@115200", BAUD),
    ("id@115200@9600", "id@115200", 9600), ("socket://host:2000", "socket://host:2000", BAUD),
    (f"COM3@{BAUD_MOST}", "COM3", BAUD_MOST),
])
def test_the_port_and_its_baud_rate(place: str, path: str, baud: int) -> None:
    assert _port(place, {"maker@home", "id@115200"}) == (path, baud)


@pytest.mark.parametrize("place", [
    "COM3@fast", "COM3@", "COM3@0", "COM3@-9600", "COM3@1e6", "COM3@12345678901", "COM3@ 9600",
    "COM3@9600.5", "COM3@0x10", "COM3@٩٦٠٠", f"COM3@{BAUD_MOST + 1}", "@9600", "@",
    pytest.param("COM3@" + "9" * 5000, id="a long one")])
def test_what_is_no_baud_rate(place: str) -> None:
    with pytest.raises(EdgeError, match="is no baud rate, and there is no port") as caught:
        _port(place, ())
    assert caught.value.code == "E105" and "@115200" in caught.value.help


@pytest.mark.parametrize(("port", "cause"), [
    ("socket://", "it names no host and port: socket://HOST:PORT"),
    ("socket://:80", "socket://HOST:PORT"), ("socket://host", "socket://HOST:PORT"),
    ("rfc2217://", "rfc2217://HOST:PORT"), ("socket://host:99999", "Port out of range"),
    ("socket://127.0.0.1:1", "Connection refused"), ("what://x", "protocol 'what' not known"),
    ("/nowhere", "there is no such port"), ("/dev/null", "it is no serial port"),
    ("/etc/passwd", "it is no serial port"), ("/tmp", "it is a folder, no serial port")])
def test_a_port_that_cannot_be_opened_says_why(port: str, cause: str) -> None:
    with pytest.raises(EdgeError) as refused:
        open_port(port)
    assert refused.value.code == "E501" and cause in refused.value.cause
    assert "NoneType" not in refused.value.cause


def test_a_port_with_an_at_in_its_path(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    port = tmp_path / "usb-maker@home_board-if00"
    port.symlink_to(os.ttyname(theirs))
    for place in (f"{port}", f"{port}@9600"):
        path, baud = _port(place, ())
        assert path == str(port)
        open_port(path, baud).close()
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("baud", [-1, 12345678901, 2**31, 2**63, 2**64])
def test_a_rate_that_no_port_has(baud: int) -> None:
    ours, theirs = pty.openpty()
    with pytest.raises(EdgeError) as caught:
        open_port(os.ttyname(theirs), baud).close()
    assert caught.value.code == "E501" and str(baud) in caught.value.message
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("url", ["nothing://x", "loop://?logging=none", "hwgrep://(", "socket://x",
                                 "rfc2217://", "/", "", "a\0b", "spy://"])
def test_a_port_that_is_none(url: str) -> None:
    with pytest.raises(EdgeError) as caught:
        open_port(url).close()
    assert caught.value.code == "E501" and caught.value.cause

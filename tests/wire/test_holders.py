"""Ports that others hold, may not be used, or go: who it is, and what to do."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from serial import SerialException

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.serial import _refusal, also_used_by, open_port
from edge_dassdp.wire.holders import holders, others

_HOLD = "import sys, serial; port = serial.Serial(sys.argv[1], exclusive={}); " \
    "print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def port() -> Iterator[str]:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    name = os.ttyname(theirs)
    os.close(theirs)
    yield name
    os.close(ours)


@contextlib.contextmanager
def held(port: str, exclusive: bool) -> Iterator[int]:
    """By another process, whose number it is."""
    with subprocess.Popen([sys.executable, "-c", _HOLD.format(exclusive or None), port],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"open\n"
        try:
            yield process.pid
        finally:
            process.communicate()


def test_a_busy_port_names_who_holds_it(port: str) -> None:
    with held(port, exclusive=True) as number, pytest.raises(EdgeError) as caught:
        open_port(port)
    assert caught.value.code == "E501"
    assert f"(process {number})" in caught.value.cause and "python" in caught.value.cause
    assert caught.value.help == "Close it there and try again."
    open_port(port).close()


def test_one_who_listens_on_without_a_lock_is_named_where_nothing_answers(port: str) -> None:
    with held(port, exclusive=False) as number:
        with pytest.raises(EdgeError):
            LinkTarget(open_port(port), timeout_s=0.05, retries=0)
        assert f"(process {number}) has the port open, too" in also_used_by(port)
    assert also_used_by(port) == "" == others(port)


def test_this_program_itself(port: str) -> None:
    with open_port(port), pytest.raises(EdgeError) as caught:
        open_port(port)
    assert caught.value.cause == "this program uses it already"


def test_what_proc_does_not_tell_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "12" / "fd").mkdir(parents=True)
    (tmp_path / "13").mkdir()
    (tmp_path / "self").mkdir()
    (tmp_path / "12/fd/3").symlink_to("/dev/ttyX")
    assert holders("/dev/ttyX", tmp_path) == {12: "a program"}
    (tmp_path / "12/comm").write_bytes(b"mini\x1b[2Jcom\n")
    assert holders("/dev/ttyX", tmp_path) == {12: "mini\\x1b[2Jcom"}
    assert holders("/dev/ttyX", tmp_path / "none") == {}


def test_a_forbidden_port_names_its_group_and_the_udev_rule(tmp_path: Path) -> None:
    (tmp_path / "tty").touch(mode=0o600)
    told = _refusal(str(tmp_path / "tty"), 115_200, SerialException(
        13, f"could not open port: [Errno 13] Permission denied: '{tmp_path}'"))
    assert told.code == "E501" and "permission is missing: its mode is -rw-------" in told.cause
    assert (tmp_path / "tty").group() in told.cause and "doctor --fix" in told.help


def test_a_port_that_goes_midway_says_to_plug_it_in_again() -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    line = open_port(os.ttyname(theirs))
    os.close(theirs)
    os.close(ours)
    with pytest.raises(EdgeError) as caught:
        LinkTarget(line, timeout_s=0.05, retries=0)
    assert caught.value.code == "E502" and "Plug the device in again" in caught.value.help

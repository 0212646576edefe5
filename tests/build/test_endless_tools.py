"""Tools that never come to an end: ended after their time, with what they started, and named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.commands import ROOT, ok, refused, shown
from support.failing_tools import GCC, OBJCOPY, OBJDUMP, PASSES_ON, QEMU, sh, with_fake

from edge_dassdp.build.tools import TIME_VARIABLE

LIMIT_S = 8
"""Enough for a real tool: what takes long is compiled before."""


def endless(folder: Path, when: str = "*") -> str:
    """Behind `when` in its arguments it waits for a child, whose number it leaves."""
    return sh(f'case "$*" in {when}) sleep 300 & echo $! > {folder}/child; wait;; '
              '*) exec {real} "$@";; esac')


def assert_gone(folder: Path) -> None:
    for _ in range(100):
        try:
            os.kill(int((folder / "child").read_text()), 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError("what the tool started runs on")


@pytest.mark.parametrize(("tool", "when"), [
    (GCC, "*dassdp_model.c*"), (GCC, "*firmware.elf*"), (OBJCOPY, "*"), (OBJDUMP, "*")])
def test_one_of_a_cross_build(model: Path, cross: Path, tmp_path: Path, tool: str,
                              when: str) -> None:
    place = cross if tool == GCC else tmp_path
    told = refused("E302", "build", model, "--board", "microbit",
                   PATH=with_fake(place, tool, endless(tmp_path, when)),
                   **{TIME_VARIABLE: str(LIMIT_S)})
    assert_named(told, tool)
    assert_gone(tmp_path)


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_a_cross_compiler_that_is_asked_its_version(model: Path, folder: Path,
                                                    tmp_path: Path) -> None:
    told = refused("E302", "build", model, "--board", "microbit",
                   PATH=with_fake(tmp_path, GCC, endless(tmp_path, "*--version*")),
                   **{TIME_VARIABLE: str(LIMIT_S)})
    assert_named(told, GCC)
    assert_gone(tmp_path)


def assert_named(told: str, tool: str) -> None:
    assert f"did not come to an end within {LIMIT_S} s, and was ended" in told
    assert f"{tool} failed" in told and TIME_VARIABLE in told


def test_a_compiler_for_this_computer(model: Path, host: Path, tmp_path: Path) -> None:
    path = with_fake(host, "cc", endless(tmp_path, "*dassdp_model.c*"))
    told = refused("E302", "verify", model, "--random", "1", "--target", "emulator", PATH=path,
                   **{TIME_VARIABLE: str(LIMIT_S)})
    assert "did not come to an end" in told and "defect" not in told
    assert_gone(tmp_path)
    with_fake(host, "cc", PASSES_ON)
    ok("verify", model, "--random", "1", "--target", "emulator")


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_qemu_that_is_asked_for_its_machines(folder: Path, tmp_path: Path) -> None:
    done = shown("doctor", "--json", PATH=with_fake(tmp_path, QEMU, endless(tmp_path)),
                 **{TIME_VARIABLE: str(LIMIT_S)})
    assert done.returncode == 3 and "did not come to an end" in done.stdout
    assert_gone(tmp_path)


def test_ctrl_c_ends_what_a_tool_started(model: Path, host: Path, tmp_path: Path) -> None:
    path = with_fake(host, "cc", endless(tmp_path, "*dassdp_model.c*"))
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_dassdp", "verify", str(model), "--random", "1", "--target",
         "emulator"], env=os.environ | {"PATH": path}, cwd=ROOT, stderr=subprocess.PIPE)
    while not (tmp_path / "child").is_file():
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert told == (b"compiling the emulator; it is kept for the next time\n"
                    b"interrupted by SIGTERM\n")
    assert_gone(tmp_path)


@pytest.mark.parametrize("limit", ["no", "0", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_refused(model: Path, folder: Path, limit: str) -> None:
    told = refused("E105", "verify", model, "--random", "1", "--target", "emulator",
                   **{TIME_VARIABLE: limit})
    assert f"{TIME_VARIABLE} is '{limit}', expected seconds above 0" in told

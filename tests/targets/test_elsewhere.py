"""Emulator and serial ports ask nothing of a system that POSIX systems alone have.

Windows and macOS are not here: their lack of names and modules is made on this system.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import tiny
from support.commands import ROOT

pytestmark = pytest.mark.xdist_group("elsewhere")  # a report is of a run before it

HIDE = """
import os, signal, subprocess, sys, tempfile, multiprocessing
import serial, serial.tools.list_ports
for name in ("fcntl", "grp", "pwd", "resource", "termios", "pty"):
    sys.modules[name] = None
for name in ("killpg", "getpgid", "setsid", "posix_fallocate", "statvfs", "fork", "O_DIRECTORY",
             "sched_getaffinity", "sched_setaffinity", "set_blocking", "getuid", "getgid"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGBUS", "SIGSYS", "SIGQUIT", "SIGPIPE", "SIGALRM"):
    if hasattr(signal, name):
        delattr(signal, name)
from edge_dassdp.cli import main
main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere")
    tiny.write(folder)
    assert elsewhere(folder, "quantize", "model.npz", "-o", "model.q.npz", "--data",
                     "data.npz").returncode == 0
    return folder


def elsewhere(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With an empty cache, so that the emulator is compiled there, too."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "EDGE_DASSDP_CACHE": str(folder / "cache")}
    done = subprocess.run([sys.executable, "-c", HIDE, *arguments], cwd=folder, check=False,
                          capture_output=True, text=True, env=env)
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize("arguments", [
    ("verify", "model.q.npz", "--random", "3", "--learn", "--target", "emulator"),
    ("learn", "model.q.npz", "--data", "data.npz", "--limit", "5", "--snapshot", "s.npz",
     "--lessons", "lessons.jsonl", "--run", "run"),
    ("run", "model.q.npz", "--data", "data.npz", "--threads", "0"), ("devices",), ("doctor",),
    ("boards",), ("report", "run", "-o", "report.html"),
], ids=lambda arguments: arguments[0])
def test_a_verb(folder: Path, arguments: tuple[str, ...]) -> None:
    assert elsewhere(folder, *arguments).returncode == 0


def test_a_port_that_is_not_there_is_refused(folder: Path) -> None:
    done = elsewhere(folder, "run", "model.q.npz", "--data", "data.npz", "--target", "serial:COM7")
    assert done.returncode == 4 and "no such port" in done.stderr

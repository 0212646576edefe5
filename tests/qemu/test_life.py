"""QEMU lives as long as the process that started it, and no longer, whatever ends that."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import tiny
from support.commands import ok

from edge_dassdp import qir
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.qemu import QEMU, Qemu

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")
ENDS = {
    "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP, "SIGKILL": signal.SIGKILL,
    "SIGINT": signal.SIGINT, "SIGQUIT": signal.SIGQUIT}
HOST = """
import sys, time
from edge_dassdp import qir
from edge_dassdp.targets.open import open_target
network = qir.load(sys.argv[1])
device = open_target("qemu:microbit", network)
print(flush=True)
{}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("life")
    tiny.write(folder)
    ok("quantize", folder / "model.npz", "-o", folder / "model.q.npz")
    return folder / "model.q.npz"


@pytest.fixture
def wrapped(tmp_path: Path) -> dict[str, str]:
    """An environment in which QEMU is a script that runs it, and notes who is who."""
    real = shutil.which(QEMU)
    script = tmp_path / "bin" / QEMU
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\n"{real}" "$@" &\necho $$ $! > {tmp_path}/pids\nwait\n')
    script.chmod(0o755)
    return os.environ | {"PATH": f"{script.parent}:{os.environ['PATH']}"}


def started(model: Path, then: str, env: dict[str, str]) -> subprocess.Popen[str]:
    """A host whose device has answered."""
    host = subprocess.Popen([sys.executable, "-c", HOST.format(then), str(model)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
    assert host.stdout is not None
    assert host.stdout.readline()
    return host


def noted(folder: Path) -> list[int]:
    """Who is who, once the script has said so."""
    place = folder / "pids"
    return [int(word) for word in place.read_text().split()] if place.exists() else []


def is_alive(pid: int) -> bool:
    """What nobody has buried yet does not count."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True,
                           check=False).stdout.strip()
    return bool(found) and not found.startswith("Z")


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("end", ENDS)
def test_no_signal_to_the_host_leaves_it_running(model: Path, wrapped: dict[str, str],
                                                 tmp_path: Path, end: str) -> None:
    with started(model, "time.sleep(60)", wrapped) as host:
        assert within(20, lambda: len(noted(tmp_path)) == 2)
        pids = noted(tmp_path)
        assert all(map(is_alive, pids))
        host.send_signal(ENDS[end])
        host.wait(30)
    assert within(20, lambda: not any(map(is_alive, pids))), f"{end} left {pids}"


@pytest.mark.parametrize("then", ["", "device.close()", "import os; os._exit(3)", "1 / 0"])
def test_no_end_of_the_host_leaves_it_running(model: Path, wrapped: dict[str, str], tmp_path: Path,
                                              then: str) -> None:
    with started(model, then, wrapped) as host:
        host.wait(30)
    pids = noted(tmp_path)
    assert within(20, lambda: not any(map(is_alive, pids)))


def test_it_outlives_the_thread_that_started_it(model: Path) -> None:
    network: QNetwork = qir.load(model)
    firmware = build_firmware(emit(Plan.of(network)), load_board("microbit"))
    with ThreadPoolExecutor(1) as pool:
        device = pool.submit(Qemu.start, network, firmware).result()
    with device:
        time.sleep(0.2)
        assert device.statistics().n_labelled == 0


def test_ctrl_c_at_the_terminal_reaches_the_host_alone(model: Path, wrapped: dict[str, str],
                                                       tmp_path: Path) -> None:
    """A host that is being interrupted can still ask its device how far it was."""
    then = ("import os, signal\n"
            "try:\n"
            "    os.killpg(0, signal.SIGINT)\n"
            "    time.sleep(5)\n"
            "except KeyboardInterrupt:\n"
            "    print(device.statistics().n_labelled, flush=True)\n")
    host = subprocess.run([sys.executable, "-c", HOST.format(then), str(model)], text=True,
                          capture_output=True, env=wrapped, check=False, process_group=0)
    assert host.stdout.split() == ["0"], host.stderr

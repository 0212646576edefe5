"""Ctrl-C, SIGTERM, SIGHUP: one line and status 128 + n, whatever the command is doing then."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import lanes

from edge_dassdp import interrupts

PRESS_AT = """
import os, signal, sys

class Press:
    n_left = int(sys.argv.pop(1))

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        cls.n_left -= 1
        if cls.n_left == 0:
            os.kill(os.getpid(), signal.SIGINT)

from edge_dassdp.cli import main
sys.meta_path.insert(0, Press)
main()
"""
"""Runs the command that follows; Ctrl-C comes at the n-th import of it."""


def pressed(n: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PRESS_AT, str(n), *map(str, arguments)], text=True,
                          capture_output=True, timeout=120, check=False)


ONE_LINE = re.compile("interrupted(: 0 of 60 samples were learned for certain, the next one "
                      "perhaps)?\n")
"""A stream that has begun tells how far it came."""


def n_imports(*arguments: str | Path) -> int:
    """Modules that a command looks for."""
    code = PRESS_AT.replace("main()", "try:\n    main()\nfinally:\n    print(-Press.n_left)")
    done = subprocess.run([sys.executable, "-c", code, "0", *map(str, arguments)], text=True,
                          capture_output=True, check=True)
    return int(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("verb", ["learn", "quantize"])
def test_an_interrupted_import_is_one_line(work: Path, tmp_path: Path, verb: str) -> None:
    arguments = {
        "learn": ("learn", work / "model.q.npz", "--data", work / "data.npz"),
        "quantize": ("quantize", work / "model.npz", "-o", tmp_path / "q.npz", "--data",
                     work / "data.npz")}[verb]
    last = n_imports(*arguments)
    assert last > 150
    for n in range(1, last, last // (100 if lanes.nightly else 10)):
        done = pressed(n, *arguments)
        assert done.returncode == interrupts.STATUS, n
        assert ONE_LINE.fullmatch(done.stderr), (n, done.stderr)
        assert not list(tmp_path.glob(".*")), "a part of a file is left"


def test_any_moment_of_a_command_will_do(work: Path) -> None:
    command = [sys.executable, "-c", "from edge_dassdp.cli import main\nprint(flush=True)\nmain()",
               "verify", str(work / "model.q.npz"), "--random", "20000", "--target", "emulator",
               "--learn"]
    for delay_s, end in ((0.02, signal.SIGINT), (0.1, signal.SIGTERM), (0.3, signal.SIGINT),
                         (0.6, signal.SIGHUP), (0.9, signal.SIGTERM)):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, process_group=0)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay_s)
        process.send_signal(end)
        _, told = process.communicate(timeout=60)
        ended = interrupts.Ended(end)
        assert (process.returncode, told) == (128 + end, f"{ended.line}\n"), delay_s


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP", "SIGTERM"])
def test_a_command_in_the_background_goes_on(name: str) -> None:
    """A shell without job control ignores Ctrl-C for what it starts with &, and nohup SIGHUP."""
    code = (f"import signal; signal.signal(signal.{name}, signal.SIG_IGN)\n"
            + PRESS_AT.replace("import os, signal, sys", "import os, sys").replace("SIGINT", name))
    done = subprocess.run([sys.executable, "-c", code, "5", "boards"], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0 and "stm32f405" in done.stdout


def test_a_destructor_does_not_swallow_it() -> None:
    code = ("import os, signal\n"
            "from edge_dassdp import interrupts\n"
            "class Left:\n"
            "    def __del__(self):\n"
            "        os.kill(os.getpid(), signal.SIGINT)\n"
            "interrupts.install()\n"
            "with interrupts.interruptible():\n"
            "    Left()\n"
            "    print('went on')\n")
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (interrupts.STATUS, "", "interrupted\n")


def test_what_a_library_makes_of_it_is_an_interrupt_all_the_same() -> None:
    code = ("import os, signal\n"
            "from edge_dassdp import interrupts\n"
            "interrupts.install()\n"
            "try:\n"
            "    with interrupts.interruptible():\n"
            "        try:\n"
            "            os.kill(os.getpid(), signal.SIGINT)\n"
            "        except KeyboardInterrupt:\n"
            "            raise ImportError('numpy could not be imported') from None\n"
            "except KeyboardInterrupt:\n"
            "    print('known')\n")
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, "known\n")


def test_a_library_leaves_ctrl_c_to_who_uses_it() -> None:
    code = ("import signal, edge_dassdp.cli\n"
            "from edge_dassdp import interrupts\n"
            "with interrupts.interruptible():\n"
            "    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n")
    assert subprocess.run([sys.executable, "-c", code], text=True, capture_output=True,
                          check=True).stdout == "True\n"


def test_what_must_not_be_torn_is_finished_first() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held() as raise_if_pressed:
        for i in range(5):
            signal.raise_signal(signal.SIGINT) if i == 2 else None
            done.append(i)
            raise_if_pressed()
    assert done == [0, 1, 2]
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        signal.raise_signal(signal.SIGINT)
        done.append("the end of the block")
    assert done[-1] == "the end of the block"
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("never")
    assert done[-1] == "the end of the block"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_who_uses_the_library_is_held_and_called() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with interrupts.held() as raise_if_pressed:
            signal.raise_signal(signal.SIGTERM)
            assert not heard
            raise_if_pressed()
            assert heard == [signal.SIGTERM]
        assert heard == [signal.SIGTERM], "once"
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("first", ["SIGTERM", "SIGHUP"])
def test_what_clears_up_is_not_torn_by_the_same_signal_again(first: str) -> None:
    code = ("import os, signal\n"
            "from edge_dassdp import interrupts\n"
            "interrupts.install()\n"
            "try:\n"
            "    with interrupts.interruptible():\n"
            "        try:\n"
            f"            os.kill(os.getpid(), signal.{first})\n"
            "        finally:\n"
            "            os.kill(os.getpid(), signal.SIGTERM)\n"
            "            os.kill(os.getpid(), signal.SIGHUP)\n"
            "            print('cleared up', flush=True)\n"
            "            os.kill(os.getpid(), signal.SIGINT)\n"
            "            print('never')\n"
            "except KeyboardInterrupt:\n"
            "    print('never')\n")
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (interrupts.STATUS, "cleared up\n")


@pytest.mark.parametrize("json", [True, False])
def test_a_terminal_that_closes_ends_it_with_the_status_of_sighup(work: Path, json: bool) -> None:
    """Nobody takes what it says then."""
    master, slave = os.openpty()
    words = ["verify", str(work / "model.q.npz"), "--random", "20000", "--target", "emulator"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from edge_dassdp.cli import main\nprint(flush=True)\nmain()",
         *words, *(["--json"] if json else [])], stdout=slave, stderr=slave, stdin=slave)
    os.close(slave)
    os.read(master, 1)
    time.sleep(0.5)
    os.close(master)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 128 + signal.SIGHUP

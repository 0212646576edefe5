"""Ctrl-C: one line and status 130, whatever the command is doing when it comes."""

from __future__ import annotations

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
        assert (done.returncode, done.stderr) == (interrupts.STATUS, "interrupted\n"), n
        assert not list(tmp_path.glob(".*")), "a part of a file is left"


def test_any_moment_of_a_command_will_do(work: Path) -> None:
    command = [sys.executable, "-c", "from edge_dassdp.cli import main\nprint(flush=True)\nmain()",
               "verify", str(work / "model.q.npz"), "--random", "20000", "--target", "emulator",
               "--learn"]
    for delay_s in (0.02, 0.1, 0.3, 0.6, 0.9):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, process_group=0)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert (process.returncode, told) == (interrupts.STATUS, "interrupted\n"), delay_s


def test_a_command_in_the_background_goes_on() -> None:
    """A shell without job control ignores Ctrl-C for what it starts with &."""
    code = ("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
            + PRESS_AT.replace("import os, signal, sys", "import os, sys"))
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

"""A run folder holds one run of one demonstration."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from support.commands import refused

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.demo.run_folder import RunFolder
from edge_dassdp.storage.files import alone_in


def run_folder(directory: Path, name: str = "digits") -> RunFolder:
    return RunFolder(directory, name, Console(quiet=True))


def demo(folder: Path) -> subprocess.Popen[bytes]:
    """A demonstration that has begun."""
    command = [sys.executable, "-m", "edge_dassdp", "demo", "digits", "--no-firmware", "--out",
               str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not (folder / "run.toml").exists():
        assert process.poll() is None
        time.sleep(0.05)
    return process


def test_two_at_once_do_not_mix_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with demo(folder) as first:
        told = refused("E103", "demo", "watch", "--no-firmware", "--out", folder)
        assert f"another run is writing to {folder}" in told and "name another folder" in told
        assert refused("E103", "demo", "digits", "--out", folder) == told
        first.kill()
        first.wait()
    with run_folder(folder).begun():
        assert not (folder / "results.json").exists()


def test_a_folder_keeps_to_one_demonstration(tmp_path: Path) -> None:
    with run_folder(tmp_path).begun():
        run_folder(tmp_path).finish({"accuracy": 1})
    assert "holds a run of demo digits" in refused("E105", "demo", "watch", "--out", tmp_path)
    assert json.loads((tmp_path / "results.json").read_text()) == {"accuracy": 1}


def test_results_are_those_of_the_run_that_stands_there(tmp_path: Path) -> None:
    with run_folder(tmp_path).begun():
        run_folder(tmp_path).finish({"accuracy": 1})
    with pytest.raises(EdgeError), run_folder(tmp_path).begun():
        raise EdgeError("E404", "two targets disagree")
    assert not (tmp_path / "results.json").exists()


def test_who_waits_comes_next(tmp_path: Path) -> None:
    code = ("import sys\nfrom pathlib import Path\nfrom edge_dassdp.storage.files import alone_in\n"
            "print(flush=True)\n"
            "with alone_in(Path(sys.argv[1]), waits=True):\n    print('in', flush=True)\n")
    with alone_in(tmp_path):
        other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], text=True,
                                 stdout=subprocess.PIPE)
        assert other.stdout is not None and other.stdout.readline() == "\n"
        time.sleep(0.3)
        assert other.poll() is None
    assert other.communicate(timeout=30)[0] == "in\n"

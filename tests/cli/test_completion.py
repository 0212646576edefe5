"""Words that a shell completes: asked as bash and zsh ask, and bash itself with the script that is
installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ROOT

PROGRAM = f"#!{sys.executable}\nfrom edge_dassdp.cli import main\nmain()\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With files of every kind, and the program as `edge-dassdp` below bin."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "runs").mkdir()
    for name in ("net.q.npz", "net.npz", "net.nir", "mine.csv", "notes.txt", "runs/deep.q.npz"):
        (folder / name).touch()
    program = folder / "bin" / "edge-dassdp"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return folder


def process(folder: Path, *command: str, **env: str) -> str:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True,
                          env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)} | env).stdout


def by_bash(folder: Path, line: str) -> list[str]:
    """What bash offers at the end of a line, with the script that it was given. Its words are apart
    at colons, as readline takes them apart."""
    script = process(folder, "bash", "-c", "edge-dassdp --show-completion; true")
    words = line.replace(":", " : ").split(" ") if ":" in line else line.split(" ")
    words = [w for i, w in enumerate(words) if w or i == len(words) - 1]
    words = words[:-1] if words[-2:] == [":", ""] else words
    asked = " ".join(f"'{w}'" for w in words)
    return process(folder, "bash", "-c", f"{script}\nCOMP_WORDS=({asked}); COMP_CWORD="
                   f"{len(words) - 1}; _edge_dassdp_completion edge-dassdp; "
                   r"printf '%s\n' ${COMPREPLY[@]}").split()


def by_zsh(folder: Path, line: str) -> str:
    return process(folder, "edge-dassdp", _EDGE_DASSDP_COMPLETE="complete_zsh",
                   _TYPER_COMPLETE_ARGS=line)


@pytest.mark.parametrize(("line", "wanted"), [
    ("edge-dassdp qua", ["quantize"]), ("edge-dassdp learn --sna", ["--snapshot"]),
    ("edge-dassdp run n", ["net.q.npz"]), ("edge-dassdp run runs/", ["runs/deep.q.npz"]),
    ("edge-dassdp inspect net.", ["net.nir", "net.npz", "net.q.npz"]),
    ("edge-dassdp run net.q.npz --data m", ["mine.csv"]),
    ("edge-dassdp run net.q.npz --data no", []),
    ("edge-dassdp build net.q.npz --board microb", ["microbit", "microbit-v2"]),
    ("edge-dassdp run net.q.npz --target emu", ["emulator", "emulator-checked"]),
    ("edge-dassdp run net.q.npz --target qemu:micro", ["microbit"]),
    ("edge-dassdp verify net.q.npz --target qemu:mps2-an38", ["mps2-an385"]),
], ids=lambda value: value.removeprefix("edge-dassdp ") if isinstance(value, str) else "")
def test_bash_completes(folder: Path, line: str, wanted: list[str]) -> None:
    assert by_bash(folder, line) == wanted


def test_all_that_has_a_machine_stands_behind_qemu(folder: Path) -> None:
    found = by_bash(folder, "edge-dassdp run net.q.npz --target qemu:")
    assert {"microbit", "stm32f405"} <= set(found) and "nrf52-dk" not in found


def test_zsh_completes(folder: Path) -> None:
    assert "net.q.npz" in by_zsh(folder, "edge-dassdp run n")
    assert "qemu\\\\:microbit" in by_zsh(folder, "edge-dassdp run net.q.npz --target qemu:micro")
    assert by_zsh(folder, "edge-dassdp run net.q.npz --data no").strip() == "_files"


def test_the_script_is_that_of_the_program_however_it_was_called(folder: Path) -> None:
    alone = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    script = process(folder, "edge-dassdp", "--show-completion", "bash", **alone)
    assert "complete -o default -F _edge_dassdp_completion edge-dassdp\n" in script
    assert script == process(folder, sys.executable, "-m", "edge_dassdp", "--show-completion",
                             "bash", **alone)


@pytest.mark.parametrize(("shell", "place"), [
    ("bash", ".bash_completions/edge-dassdp.sh"), ("zsh", ".zfunc/_edge-dassdp")])
def test_it_is_installed_where_a_shell_looks(folder: Path, tmp_path: Path, shell: str,
                                             place: str) -> None:
    process(folder, "edge-dassdp", "--install-completion", shell, HOME=str(tmp_path),
            _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_edge_dassdp_completion" in (tmp_path / place).read_text()

"""The tutorials of the manual, done by somebody who types what stands there, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(?:\{code-block\} (?P<file_kind>\w+)\n:caption: (?P<name>\S+)\n\n|bash\n)"
                   r"(?P<text>.*?)^```$", re.M | re.S)
FENCE = re.compile(r"^```.+$", re.M)


def commands(folder: Path) -> Path:
    """A folder with `edge-dassdp` and `python`, those of this environment, and this checkout's."""
    folder.mkdir()
    for name, words in (("edge-dassdp", "-m edge_dassdp "), ("python", "")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        script.chmod(0o755)
    return folder


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.cross
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == len(FENCE.findall(text)) >= 2, "a block that nobody would run"
    path = f"{commands(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
           "EXAMPLES": str(ROOT / "examples"), "BOARDS": str(ROOT / "boards")}
    here = tmp_path / "here"
    here.mkdir()
    for block in blocks:
        if block["name"]:
            (here / block["name"]).write_text(block["text"], encoding="utf-8")
            continue
        for line in block["text"].splitlines():
            done = subprocess.run(line, shell=True, cwd=here, env=env, capture_output=True,
                                  text=True)
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"

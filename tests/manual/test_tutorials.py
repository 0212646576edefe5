"""The tutorials of the manual, done by somebody who types what stands there, in an empty folder."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.commands import as_typed

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(?:\{code-block\} (?P<file_kind>\w+)\n:caption: (?P<name>\S+)\n\n|bash\n)"
                   r"(?P<text>.*?)^```$", re.M | re.S)
FENCE = re.compile(r"^```.+$", re.M)


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.cross
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == len(FENCE.findall(text)) >= 2, "a block that nobody would run"
    env = {**as_typed(tmp_path / "bin"), "EXAMPLES": str(ROOT / "examples"),
           "BOARDS": str(ROOT / "boards")}
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

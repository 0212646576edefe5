"""Every command of docs/own-firmware.md, run as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import require
from support.commands import ROOT, environment
from support.manual import blocks
from support.scenarios import SCENARIOS

from edge_dassdp.library.figures import calls_of
from edge_dassdp.qir import save

PAGE = ROOT / "docs" / "own-firmware.md"
MODELS = {"gestures": SCENARIOS["guard_all"].quantized, "keyword": SCENARIOS["graph_16"].quantized}


def commands() -> list[str]:
    return [line for block in blocks(PAGE, "") for line in block.splitlines()]


@pytest.mark.usefixtures("arm_toolchain")
def test_every_command_of_the_page_runs(tmp_path: Path) -> None:
    require("cmake")
    for name, network in MODELS.items():
        save(network, tmp_path / f"{name}.q.npz")
    n = sum(source.n_values for source in MODELS["gestures"].inputs)
    rows = np.random.default_rng(1).normal(0, 2, (4, n))
    (tmp_path / "samples.txt").write_text("\n".join(
        " ".join(map(str, row)) + f" {label}" for label, row in enumerate(rows)) + "\n")
    (tmp_path / "my_main.c").write_text(
        '#include "gestures.h"\n#include "dassdp_store.h"\nint main(void) { return 0; }\n')
    assert len(commands()) >= 10
    for command in commands():
        words = re.sub("^edge-dassdp ", f"{shlex.quote(sys.executable)} -m edge_dassdp ", command)
        done = subprocess.run(words, shell=True, cwd=tmp_path, text=True, capture_output=True,
                              env=environment({}), check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "learned state" in subprocess.run(
        [tmp_path / "gestures" / "build" / "gestures_example"], input="", text=True,
        capture_output=True, check=True).stdout


def test_the_stack_of_every_call_of_the_pages_is_told() -> None:
    pages = "".join((ROOT / "docs" / f"{page}.md").read_text("utf-8").split("```c\n", 1)[1]
                    .split("```", 1)[0] for page in ("own-firmware", "realtime"))
    assert {*re.findall(r"(dassdp_\w+)\(", pages)} <= {*calls_of(MODELS["gestures"])}

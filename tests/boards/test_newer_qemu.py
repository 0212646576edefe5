"""tools/newer_qemu.sh, which puts a newer QEMU beside an older one: it never fails, and leaves
nothing behind where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.commands import ROOT
from support.failing_tools import QEMU, fake, sh

OLD, NEW = "QEMU emulator version 7.2.22", "QEMU emulator version 10.0.2"


def told(tree: Path, **tools: str) -> str:
    """What the script says in a tree of its own, with these tools before all others."""
    (tree / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "newer_qemu.sh", tree / "tools")
    for name, script in tools.items():
        fake(tree, name.replace("_", "-"), script)
    done = subprocess.run(
        ["sh", "tools/newer_qemu.sh"], cwd=tree, text=True, capture_output=True, check=False,
        env=os.environ | {"PATH": f"{tree / 'bin'}:/usr/bin:/bin", "TMPDIR": str(tree)})
    assert done.returncode == 0
    assert not list(tree.glob("tmp.*")), "lists of packages are thrown away"
    assert not (tree / ".tools" / "qemu" / QEMU).exists()
    return done.stderr


def test_a_qemu_that_is_new_enough_is_left_alone(tmp_path: Path) -> None:
    assert told(tmp_path, qemu_system_arm=sh(f"echo '{NEW}'"), apt_get=sh("exit 7")) == ""


@pytest.mark.parametrize("apt", ["exit 100", "echo 'E: no network' >&2; exit 100", "exit 0"])
def test_without_a_newer_one_it_says_so(tmp_path: Path, apt: str) -> None:
    words = told(tmp_path, qemu_system_arm=sh(f"echo '{OLD}'"), apt_get=sh(apt))
    assert "QEMU 7.2 does not have are left out" in words


def test_it_asks_debian_alone_and_keeps_its_lists_to_itself(tmp_path: Path) -> None:
    told(tmp_path, qemu_system_arm=sh(f"echo '{OLD}'"), apt_get=sh(f'echo "$@" >>{tmp_path}/asked'))
    if not (tmp_path / "asked").exists():  # of another system it asks nothing
        return
    asked = (tmp_path / "asked").read_text()
    assert "Dir::State::Lists=" in asked and "Dir::Etc::SourceParts=/dev/null" in asked
    assert "install" not in asked and "download qemu-system-arm" in asked

"""Counts are deterministic: no figure may rise by more than 2 % above the committed one.

A committed figure names its origin, all that it was counted of. Where the origin is the same the
count is, and it is made again by night alone.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import origin
import pytest
import suite
from support import lanes

from edge_dassdp.base import assets

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")


@pytest.mark.parametrize("core", suite.CORES)
def test_no_kernel_and_no_network_became_dearer(core: str) -> None:
    if lanes.nightly or not origin.is_counted(core):
        assert suite.regressions(core, suite.count(core)) == []


def test_another_kernel_is_another_origin_of_the_cores_that_take_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    firmware = shutil.copytree(assets.folder("firmware"), tmp_path / "firmware")
    before = {core: origin.origin(core) for core in suite.CORES}
    kernel = next((firmware / "kernels" / "dsp").glob("*.S"))
    kernel.write_text(kernel.read_text() + "@ one more line\n")
    monkeypatch.setattr(assets, "folder", lambda name, found=assets.folder:
                        firmware if name == "firmware" else found(name))
    changed = {core for core in suite.CORES if origin.origin(core) != before[core]}
    assert {"M4", "M7", "M33"} <= changed and not {"M0", "M3"} & changed


def test_figures_changed_by_hand_are_counted_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(suite.RESULTS, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(suite, "RESULTS", tmp_path)
    monkeypatch.setattr(origin, "ORIGINS", tmp_path / "origins.json")
    origin.write(["M0"])
    assert origin.is_counted("M0")
    records = json.loads((tmp_path / "M0.json").read_text())
    records[0]["instructions"] += 100
    (tmp_path / "M0.json").write_text(json.dumps(records))
    assert not origin.is_counted("M0")

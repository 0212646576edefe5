"""Counts are deterministic: no figure may rise by more than 2 % above the committed one."""

from __future__ import annotations

import pytest
import suite


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("core", suite.CORES)
def test_no_kernel_and_no_network_became_dearer(core: str) -> None:
    assert suite.regressions(core, suite.count(core)) == []

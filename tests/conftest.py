"""Tools that a test may need: missing, they are a visible skip here and a failure in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def require(tool: str) -> None:
    """Skip the test without `tool` on PATH; fail it where the environment says CI=true."""
    if shutil.which(tool) is None:
        act = pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip
        act(f"{tool} is not installed")


@pytest.fixture(scope="session")
def arm_toolchain() -> None:
    """arm-none-eabi-gcc and its binutils."""
    require("arm-none-eabi-gcc")
    require("arm-none-eabi-objcopy")


@pytest.fixture(scope="session")
def qemu() -> None:
    """qemu-system-arm."""
    require("qemu-system-arm")

"""The folder that verbs are run in, a fixture of the folders that import it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import tiny
from support.commands import ok


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a float network, data, and the quantized network, plastic and frozen."""
    folder = tmp_path_factory.mktemp("cli")
    tiny.write(folder)
    ok("quantize", folder / "model.npz", "-o", folder / "model.q.npz")
    ok("quantize", folder / "model.npz", "-o", folder / "frozen.q.npz", "--frozen")
    return folder

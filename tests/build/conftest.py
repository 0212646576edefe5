"""A model to build, and a cache that is empty."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import tiny
from support.commands import ok

from edge_dassdp.storage.cache import VARIABLE


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny.write(folder)
    ok("quantize", folder / "model.npz", "-o", folder / "model.q.npz")
    return folder / "model.q.npz"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no CC."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    return tmp_path / "cache"

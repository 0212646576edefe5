"""Files of every kind that is read, damaged in every way: refused with a code, or read; never an
internal error.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import damaged_files, lanes

from edge_dassdp.base.errors import EXIT_INTERNAL, EdgeError

N_FILES = 2000 if lanes.nightly else 100
KINDS = ("data", "network", "model", "snapshot", "nir", "onnx", "board", "profile",
         "csv", "npy", "learning")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, damaged_files.Kind]:
    return damaged_files.kinds(tmp_path_factory.mktemp("good"))


def outcome(kind: damaged_files.Kind, path: Path) -> str:
    """The code of its refusal, or read; AssertionError for an internal error."""
    try:
        kind.read(path)
    except EdgeError as refused:
        assert refused.exit_status != EXIT_INTERNAL, refused
        assert refused.message
        return refused.code
    except Exception as problem:
        raise AssertionError(f"{type(problem).__name__}: {problem}") from problem
    return "read"


@pytest.mark.parametrize("name", KINDS)
def test_good_files_are_read(name: str, kinds: dict[str, damaged_files.Kind],
                             tmp_path: Path) -> None:
    for source in kinds[name].sources:
        assert outcome(kinds[name], source) == "read", source


@pytest.mark.parametrize("name", KINDS)
def test_damaged_files_are_refused_or_read(name: str, kinds: dict[str, damaged_files.Kind],
                                           tmp_path: Path) -> None:
    kind, rng = kinds[name], np.random.default_rng(KINDS.index(name))
    for beside in {source.parent for source in kind.sources if source.suffix == ".onnx"}:
        for data in beside.glob("*.data"):
            (tmp_path / data.name).write_bytes(data.read_bytes())
    outcomes: dict[str, int] = {}
    for i in range(N_FILES):
        path = tmp_path / kind.name
        kind.damage(i, path, rng)
        try:
            found = outcome(kind, path)
        except AssertionError as problem:
            kept = tmp_path / f"{i}-{kind.name}"
            path.rename(kept)
            raise AssertionError(f"file {i}, kept as {kept}: {problem}") from problem.__cause__
        outcomes[found] = outcomes.get(found, 0) + 1
    assert sum(outcomes.values()) == N_FILES and outcomes.get("read", 0) < N_FILES, outcomes

"""run.toml and results.json are what their schemas in the package say, whatever verb wrote them."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.commands import run

VERBS: dict[str, tuple[str, ...]] = {
    "inspect": ("inspect", "model.npz"),
    "quantize": ("quantize", "model.npz", "-o", "again.q.npz", "--data", "data.npz"),
    "run": ("run", "model.q.npz", "--data", "data.npz", "--limit", "5"),
    "learn": ("learn", "model.q.npz", "--data", "data.npz", "--limit", "5", "--shift-seed", "1"),
    "verify": ("verify", "model.q.npz", "--random", "3", "--target", "emulator"),
    "refused": ("run", "model.npz", "--data", "data.npz"),
}


def schema(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        (files("edge_dassdp.runs") / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(made)
    return made


def faults(name: str, value: Any) -> list[str]:
    return [e.message for e in Draft202012Validator(schema(name)).iter_errors(value)]


@pytest.mark.parametrize("name", VERBS)
def test_what_a_verb_leaves_is_as_the_schema_says(work: Path, name: str, tmp_path: Path) -> None:
    run(*VERBS[name], "--run", tmp_path / "run", cwd=work)
    record = tomllib.loads((tmp_path / "run" / "run.toml").read_text("utf-8"))
    results = json.loads((tmp_path / "run" / "results.json").read_text("utf-8"))
    assert faults("run", record) == [] and faults("results", results) == []
    assert record["exit"] == results["exit"]
    assert faults("run", record | {"begun": "today"}) and faults("run", record | {"more": 1})
    assert faults("results", {**results, "ok": "yes"})
    del results["data"]
    assert faults("results", results)

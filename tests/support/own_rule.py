"""Rules from outside the package: loaded for one test, whole or broken on purpose."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import edge_dassdp
from edge_dassdp.qir import QRule
from edge_dassdp.rules import Rule
from edge_dassdp.rules.plugins import load_rules

FOLDER = Path(edge_dassdp.__file__).parents[1] / "examples" / "own_rule"
MY_RULE = FOLDER / "my_rule.py"


@contextmanager
def registries() -> Iterator[None]:
    """What is entered inside is forgotten behind it."""
    known, makers = dict(Rule.known), dict(Rule.makers)
    nodes = {name: list(held) for name, held in QRule.known.items()}
    try:
        yield
    finally:
        for now, before in ((Rule.known, known), (Rule.makers, makers), (QRule.known, nodes)):
            now.clear()
            now.update(before)  # type: ignore[arg-type]


def loaded(path: Path = MY_RULE) -> type[Rule]:
    """The one rule of a file."""
    [rule] = load_rules(path)
    return rule


def changed(folder: Path, file: str, before: str, after: str) -> Path:
    """my_rule.py of a copy of the example, of which one file has a text changed."""
    copy = folder / "rule"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    text = (copy / file).read_text("utf-8")
    assert before in text, before
    (copy / file).write_text(text.replace(before, after), "utf-8")
    return copy / "my_rule.py"

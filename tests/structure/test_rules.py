"""A rule is known in its own file alone: whoever needs something of it asks it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import edge_dassdp
from edge_dassdp.base import assets
from edge_dassdp.qir import QRule
from edge_dassdp.rules import Rule

PACKAGE = Path(edge_dassdp.__file__).parent
ROOT = PACKAGE.parent
CLASSES = {cls.__name__ for cls in Rule.known.values()} | {"SSDP"} | {
    cls.__name__ for held in QRule.known.values() for cls in held}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_assets" not in path.parts
                 and path.relative_to(PACKAGE).parts[0] != "rules")
CONSTRUCT = {"cli", "demo"}
"""Folders whose defaults are rules; a folder's face may hand on names, too."""


def names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def asked(path: Path) -> Iterator[str]:
    """Names in the second argument of isinstance and issubclass, and in patterns of match."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) \
                and node.func.id in ("isinstance", "issubclass"):
            yield from (n.id if isinstance(n, ast.Name) else n.attr
                        for n in ast.walk(node.args[1]) if isinstance(n, ast.Name | ast.Attribute))
        elif isinstance(node, ast.MatchClass):
            yield ast.unparse(node.cls).rpartition(".")[2]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_module_outside_rules_names_one(path: Path) -> None:
    inside = path.relative_to(PACKAGE)
    if inside.name != "__init__.py" and inside.parts[0] not in CONSTRUCT:
        assert not CLASSES & set(names(path))


@pytest.mark.parametrize("path", [p for p in (
    *MODULES, *sorted((ROOT / "benchmarks").rglob("*.py")),
    *sorted((ROOT / "examples").rglob("*.py")))], ids=lambda p: str(p.relative_to(ROOT)))
def test_nobody_asks_for_the_class_of_a_rule(path: Path) -> None:
    assert not CLASSES & set(asked(path))


@pytest.mark.parametrize("word", sorted(Rule.known))
def test_a_rule_has_one_word_everywhere(word: str) -> None:
    firmware = assets.folder("firmware") / "src" / "rules"
    assert (firmware / f"{word}.c").is_file() and (firmware / f"{word}.h").is_file()
    assert (ROOT / "tests" / "rules" / f"test_{word}.py").is_file()
    section = re.compile(rf"^(## .*|\*\*.*)`{word}`", re.MULTILINE)
    assert section.search((ROOT / "docs" / "arithmetic.md").read_text("utf-8"))


def test_each_rule_has_one_file_named_after_its_word() -> None:
    for word, rule in Rule.known.items():
        assert rule.__module__ == f"edge_dassdp.rules.{word}"
    for held in QRule.known.values():
        for made in held:
            assert made.__module__ == f"edge_dassdp.rules.{made.word}"
            assert made.header == f"{made.word}.h"
            assert all(symbol == f"dassdp_{made.word}_{hook}"
                       for hook, symbol in made.hooks.items())

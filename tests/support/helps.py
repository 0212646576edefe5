"""Refusals beside what their help says, done; and which of a module's refusals nothing provokes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import edge_dassdp
from edge_dassdp.base.errors import EdgeError

FRONTENDS = Path(edge_dassdp.__file__).parent / "frontends"
SHARED = frozenset(("EdgeError", "malformed", "refuse_unless", "require_each", "unread"))
"""What makes refusals outside the frontends."""


@dataclass(frozen=True)
class Help:
    """wrong: is refused. says: of its help, what `mended` does, which is not."""

    wrong: Callable[[], object]
    says: str
    mended: Callable[[], object]

    def check(self) -> None:
        try:
            self.wrong()
        except EdgeError as problem:
            assert self.says in problem.help, problem
        else:
            raise AssertionError("nothing was refused")
        self.mended()


Helps = Mapping[str, Help]


def unprovoked(paths: Iterable[Path], helps: Helps) -> list[str]:
    """Where in these modules a refusal is made that no entry provokes, as file:line."""
    left = {(str(path), span) for path in paths for span in _sites(path)}
    for entry in helps.values():
        for file, line in _provoked(entry.wrong):
            left = {(path, span) for path, span in left
                    if path != file or not span[0] <= line <= span[1]}
    return sorted(f"{path}:{first}" for path, (first, _) in left)


def _sites(path: Path) -> Iterator[tuple[int, int]]:
    """First and last lines of calls that make a refusal."""
    makers = SHARED | _makers()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(
                node.func, "attr", "")
            if name in makers:
                yield node.lineno, node.end_lineno or node.lineno


def _makers() -> set[str]:
    """Functions of the frontends that return a refusal."""
    return {node.name for path in FRONTENDS.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.FunctionDef) and node.returns is not None
            and "EdgeError" in ast.unparse(node.returns)}


def _provoked(wrong: Callable[[], object]) -> set[tuple[str, int]]:
    """File and line of every frame in which a refusal was made."""
    found: set[tuple[str, int]] = set()
    made = EdgeError.__init__

    def noting(self: EdgeError, *arguments: Any, **named: Any) -> None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            found.add((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        made(self, *arguments, **named)

    with mock.patch.object(EdgeError, "__init__", noting):
        try:
            wrong()
        except EdgeError:
            return found
    raise AssertionError("nothing was refused")


@contextmanager
def without(package: str) -> Iterator[None]:
    """As if a package were not installed."""
    with mock.patch.dict(sys.modules, {package: None}):
        yield

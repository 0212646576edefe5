"""Pages of the manual that are written from the code: command line, errors, names of Python."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import edge_dassdp as ed
from edge_dassdp.base.errors import CODES
from edge_dassdp.cli.app import app


def write(folder: Path) -> None:
    """cli.md, errors.md and python.rst into a folder; what is the same already stays untouched."""
    for name, lines in (("cli.md", _cli()), ("errors.md", _errors()), ("python.rst", _python())):
        text, path = "\n".join(lines) + "\n", folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _cli() -> Iterator[str]:
    group: Any = typer.main.get_command(app)
    yield from ("# Command line", "", f"{group.help} {group.epilog}")
    yield from _verbs(group, group.context_class(group, info_name="edge-dassdp"), "")


def _verbs(group: Any, context: Any, before: str) -> Iterator[str]:
    """Every verb of a group, those of its groups behind it."""
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        own = verb.context_class(verb, info_name=name, parent=context)
        words = f"{before}{name}"
        yield from ("", f"## {words}", "", _text(verb.help or ""))
        if hasattr(verb, "list_commands"):
            yield from _verbs(verb, own, f"{words} ")
            continue
        usage = " ".join(["edge-dassdp", words, *verb.collect_usage_pieces(own)])
        yield from ("", "```text", usage, "```", "", "| | |", "|---|---|")
        for p in verb.params:
            called = [*p.opts, *p.secondary_opts] if p.param_type_name == "option" else \
                [p.metavar or p.name.upper()]
            yield f"| {_cell(', '.join(called))} | {_cell(getattr(p, 'help', None) or '')} |"


def _errors() -> Iterator[str]:
    yield from ("# Errors", "",
                "Every refusal has a code; `edge-dassdp explain CODE` says this, too.", "",
                "| code | exit | what | |", "|---|---|---|---|")
    for code, error in CODES.items():
        yield f"| {code} | {error.exit} | {_cell(error.title)} | {_cell(error.explain)} |"


def _python() -> Iterator[str]:
    yield from ("Python", "======", "",
                "What ``import edge_dassdp as ed`` brings. Docstrings give shapes, dtypes,",
                "units, ranges, the errors raised and the source.", "")
    for name in sorted(ed.__all__):
        found = getattr(ed, name)
        if isinstance(found, str):
            continue
        where = f"{found.__module__}.{found.__qualname__}" if inspect.isclass(found) else name
        yield from (f"ed.{name}", "-" * (len(name) + 3), "")
        if inspect.isclass(found):
            yield from (f".. autoclass:: {where}", "   :members:",
                        "   :inherited-members: tuple,dict", "")
        else:
            yield from (f".. autofunction:: edge_dassdp.{name}", "")


def _text(text: str) -> str:
    return re.sub(r"([<>|*_])", r"\\\1", inspect.cleandoc(text))


def _cell(text: str) -> str:
    return _text(text).replace("\n", " ")

"""Pages of the manual that are written from the code: command line, errors, names of Python, fields
of files."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import edge_dassdp as ed
from edge_dassdp import ir, qir, rules
from edge_dassdp.base.errors import CODES
from edge_dassdp.cli.app import app
from edge_dassdp.data.calibration import Profile
from edge_dassdp.ir import geometry
from edge_dassdp.qir.network import NODES
from edge_dassdp.storage.memory import Seen


def write(folder: Path) -> None:
    """cli.md, errors.md, python.rst and fields.md into a folder; what is the same already stays
    untouched."""
    for name, lines in (("cli.md", _cli()), ("errors.md", _errors()), ("python.rst", _python()),
                        ("fields.md", _fields())):
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
        _, verb, _ = group.resolve_command(context, [name])
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


FILED: dict[str, tuple[type[Any], ...]] = {
    "A float network": (ir.Network, ir.Input, ir.Encoder, ir.Sensor, ir.Triad, ir.Population,
                        ir.Projection, geometry.Conv, geometry.Pool, geometry.MaxPool, ir.Readout),
    "A quantized network": (qir.QNetwork, qir.QPopulation, qir.QProjection, *NODES.values()),
    "What learns": (ed.Learning, rules.Schedule, rules.ErrorScaled, rules.Replay, rules.Guard,
                    rules.CUSUM),
    "Rules": (rules.ReadoutDelta, rules.ErrorTouch, rules.ErrorSSDP, rules.SSDP, rules.DASSDP,
              rules.PairSTDP, rules.Homeostasis, rules.EIHL),
    "A profile of the host": (Profile,),
    "What this computer saw of a board": (Seen,),
}
"""Dataclasses whose fields are those of files, by what the files hold."""


def _fields() -> Iterator[str]:
    yield from ("# Fields of files", "", "Written from the dataclasses that are saved and read; "
                "[file formats](../formats.md) says which file holds which.")
    told: set[type[Any]] = set()
    for title, kinds in FILED.items():
        yield from ("", f"## {title}")
        for kind in kinds:
            if kind in told:
                continue
            told.add(kind)
            yield from ("", f"### {kind.__name__}", "", _text(kind.__doc__ or ""), "",
                        "| field | type | by itself |", "|---|---|---|")
            for f in dataclasses.fields(kind):
                if f.metadata.get("is_filed", True):
                    yield f"| `{f.name}` | {_cell(str(f.type))} | {_cell(_default(f))} |"


def _default(f: dataclasses.Field[Any]) -> str:
    if f.default is not dataclasses.MISSING:
        return repr(f.default)
    return "" if f.default_factory is dataclasses.MISSING else repr(f.default_factory())


def _text(text: str) -> str:
    return re.sub(r"([<>|*_])", r"\\\1", inspect.cleandoc(text))


def _cell(text: str) -> str:
    return _text(text).replace("\n", " ")

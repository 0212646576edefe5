"""Every number of a model's constants against its C type and against what codegen/constants.toml
says of it: what was not proven to fit is refused here, before C could wrap it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int
from edge_dassdp.plan.constants import Tables
from edge_dassdp.qir.tables import Array, Rows, Table, c_type
from edge_dassdp.rules.declared import struct_members

Filled = tuple[str, str, Iterable[tuple[str, Any]]]
"""A struct: C type, name, fields."""
_HEADERS = ("include/dassdp_*tables.h", "src/core/kernels.h", "src/rules/*.h")
_STRUCT = re.compile(r"\}\s*(dassdp_\w+_t)\s*;|^struct (dassdp_\w+) \{", re.MULTILINE)
_NUMBER = re.compile(r"(0x[0-9a-f]+|-?\d+)u?")
_INTEGER = re.compile(r"u?int(8|16|32|64)_t")


@dataclass(frozen=True)
class Limit:
    """What a field holds: its C type (of an entry, where it points to numbers), the least and the
    largest value, and what bounds it, <module>:<name>."""

    ctype: str
    low: int
    high: int
    by: str


@cache
def structs() -> dict[str, dict[str, str]]:
    """C types of the fields of every struct that generated code may fill, by struct and field."""
    firmware = assets.folder("firmware")
    texts = [path.read_text("utf-8") for name in _HEADERS for path in sorted(firmware.glob(name))]
    return {ctype: struct_members(text, ctype) for text in texts for pair in _STRUCT.findall(text)
            for ctype in [pair[0] or f"{pair[1]}_t"]}


@cache
def limits() -> dict[str, dict[str, Limit]]:
    """codegen/constants.toml, by struct and field."""
    text = (assets.folder("codegen") / "constants.toml").read_text("utf-8")
    return {ctype: {name: Limit(structs()[ctype][name].removeprefix("const ").removesuffix(" *"),
                                **values)
                    for names, values in fields.items() for name in names.split()}
            for ctype, fields in tomllib.loads(text).items()}


def check(filled: Iterable[Filled]) -> None:
    """EdgeError E204, which names the first number that its field does not hold.

    Structs of rules from outside are rules.declared's.
    """
    for ctype, owner, fields in filled:
        for name, value in fields if ctype in structs() else ():
            _check_field(ctype, owner, name, value)


def filled(tables: Tables) -> Iterator[Filled]:
    """Every struct of a model."""
    for kind, rows in (("input", tables.inputs), ("population", tables.populations),
                       ("projection", tables.projections), ("model", (tables.model,))):
        for place, fields in enumerate(rows):
            yield f"dassdp_{kind}_t", f"{kind} {place}", fields
    yield from pointed_at(tables.constants)


def pointed_at(constants: Iterable[Array | Table | Rows]) -> Iterator[Filled]:
    """The structs among constants; fields of a row without names are by position."""
    for constant in constants:
        if isinstance(constant, Table):
            yield constant.ctype, constant.name, constant.fields
        elif isinstance(constant, Rows):
            order = list(structs().get(constant.ctype, ()))
            for row in constant.rows:
                yield constant.ctype, constant.name, [
                    (name or order[place], value) for place, (name, value) in enumerate(row)]


def _check_field(ctype: str, owner: str, name: str, value: Any) -> None:
    *outer, field = name.split(".")
    for member in outer:
        ctype = structs()[ctype][member]
    limit = limits().get(ctype, {}).get(field)
    if isinstance(value, Array):
        _within(f"{owner}: {value.name}", value.ctype, limit, value.values)
    elif is_int(value):
        _within(f"{owner}: {name}", structs()[ctype][field], limit, np.array(value))
    elif isinstance(value, str) and (found := _NUMBER.fullmatch(value)):
        _within(f"{owner}: {name}", structs()[ctype][field], limit,
                np.array(int(found.group(1), 0)))


def _within(what: str, ctype: str, limit: Limit | None, values: Any) -> None:
    if not _INTEGER.fullmatch(ctype) or not values.size:
        return
    info = np.iinfo(c_type(ctype))
    low, high = int(info.min), int(info.max)
    if limit is not None:
        low, high = max(low, limit.low), min(high, limit.high)
    least, most = int(values.min()), int(values.max())
    if least < low or most > high:
        raise EdgeError("E204", f"{what} is {least if least < low else most:,}, expected {low:,} "
                        f"to {high:,}", cause=f"an {ctype}" + (
                            f" that {limit.by} bounds" if limit else ""),
                        help="nothing was built; please report this network")


def document() -> str:
    """The table of docs/arithmetic.md."""
    lines = ["| struct | field | C type | least | largest | bounded by |", "|---" * 6 + "|"]
    grouped: dict[tuple[str, Limit], list[str]] = {}
    for ctype, fields in limits().items():
        for name, limit in fields.items():
            grouped.setdefault((ctype, limit), []).append(name)
    for (ctype, limit), names in grouped.items():
        lines.append(f"| {ctype.removeprefix('dassdp_').removesuffix('_t')} | {', '.join(names)} | "
                     f"{limit.ctype.removesuffix('_t')} | {limit.low} | {limit.high} | "
                     f"{limit.by.replace(':', ' ')} |")
    return "\n".join(lines)

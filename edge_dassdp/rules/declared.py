"""The C files of a rule from outside, and its table against the struct that its header declares."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import QRule
from edge_dassdp.qir.tables import Array, Table, c_type, pointed_to

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_INTEGER = re.compile(r"u?int(8|16|32|64)_t")


def c_files(rule: type[QRule]) -> dict[str, str]:
    """Texts of a rule's C files by name, none of a rule of this package.

    Raises EdgeError E103 for one that is not there.
    """
    if not rule.is_own():
        return {}
    texts, folder = {}, Path(inspect.getfile(rule)).parent
    for name in dict.fromkeys((*rule.sources, rule.header)):
        try:
            texts[name] = (folder / name).read_text("utf-8")
        except OSError:
            raise EdgeError("E103", f"{rule.__name__}: there is no {folder / name}",
                            help="its C files lie beside its Python file") from None
    return texts


def check_table(table: Table, header: str, where: str) -> None:
    """EdgeError E203 unless the table has a value for each member, E201 for a value that its C type
    does not hold. header: the text that declares the struct."""
    members = struct_members(header, table.ctype)
    if not members:
        raise EdgeError("E203", f"{where}: its header declares no struct {table.ctype}")
    given = dict(table.fields)
    for name in given.keys() ^ members.keys():
        raise EdgeError("E203", f"{where}: its table gives no '{name}', a member of {table.ctype}"
                        if name in members else
                        f"{where}: its table gives '{name}', which {table.ctype} does not have")
    for name, ctype in members.items():
        value = given[name]
        if isinstance(value, int) and _INTEGER.fullmatch(ctype):
            _check_range(name, ctype, value, value, where)
    for part in pointed_to(table):
        if isinstance(part, Array) and part.values.size:
            _check_range(part.name, part.ctype, int(part.values.min()), int(part.values.max()),
                         where)


def _check_range(name: str, ctype: str, low: int, high: int, where: str) -> None:
    info = np.iinfo(c_type(ctype))
    if low < info.min or high > info.max:
        raise EdgeError("E201", f"{where}: '{name}' is {low if low < info.min else high:,}, which "
                        f"{ctype} does not hold", help="choose a wider type, or prove a smaller "
                        "constant in `quantized`")


def struct_members(header: str, ctype: str) -> dict[str, str]:
    """C types by name of `typedef struct { ... } ctype;`, or of a struct of that name without its
    _t, functions left out; empty where it is not declared."""
    name = re.escape(ctype)
    found = re.search(rf"typedef\s+struct\s*\w*\s*\{{([^{{}}]*)\}}\s*{name}\s*;"
                      rf"|struct\s+{name.removesuffix('_t')}\s*\{{([^{{}}]*)\}}\s*;",
                      _COMMENT.sub("", header))
    members: dict[str, str] = {}
    for line in (found.group(1) or found.group(2)).split(";") if found else ():
        if "(" in line:
            continue
        first, *others = line.split(",")
        *kind, name = first.replace("*", " * ").split() or [""]
        for each in (name, *others):
            if each.strip(" *\n"):
                members[each.strip(" *\n")] = " ".join(kind)
    return members

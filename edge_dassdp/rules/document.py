"""Frozen dataclasses as TOML: a key a field, a table a dataclass, a table with its word a rule.

What is read is what was written, to the last bit. Nothing here knows a field by its name: a new one
needs no change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.base.text import printable
from edge_dassdp.qir.file import load_installed
from edge_dassdp.rules.base import Rule
from edge_dassdp.storage.foreign import WANTED, reading
from edge_dassdp.storage.toml import read_toml

_RULE, _KIND = "rule", "kind"
"""Keys that say which rule, and which of several dataclasses, a table is."""
_TITLES: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number",
                           str: "text"}
T = TypeVar("T")


def maker(word: str) -> Callable[..., Rule]:
    """What makes the rule of a word, of installed packages, too. Raises EdgeError E105."""
    if word not in Rule.makers:
        load_installed()
    if word not in Rule.makers:
        raise EdgeError("E105", f"there is no rule '{word}'",
                        help=f"choose {', '.join(sorted(Rule.makers))}, or give the file that "
                        "defines it with --rules-from")
    return Rule.makers[word]


# ---- writing -------------------------------------------------------------------------------------


def text(made: Any, format: str, comments: Sequence[str] = ()) -> str:
    """A dataclass as a document. comments: lines above it."""
    head = [*(f"# {printable(line)}" for line in comments), f"format = {_scalar(format)}"]
    return "\n".join([*head, *_lines((), made)]).strip() + "\n"


def _lines(place: tuple[str, ...], made: Any) -> Iterator[str]:
    """Keys first, then tables: what stands behind a table belongs to it."""
    hints = _hints(type(made))
    tables: list[tuple[tuple[str, ...], Any, tuple[str, str] | None]] = []
    for f in _fields(type(made)):
        value, below = getattr(made, f.name), (*place, f.name)
        if isinstance(value, Mapping):
            tables += [((*below, str(name)), rule, (_RULE, _word(rule)))
                       for name, rule in value.items()]
        elif is_dataclass(value):
            several = len(_dataclasses(hints[f.name])) > 1
            tables.append((below, value, (_KIND, type(value).__name__) if several else None))
        elif value is not None:
            yield f"{f.name} = {_scalar(value)}"
        elif f.default is not None:
            yield f"{f.name} = false"
    for below, value, mark in tables:
        yield ""
        yield f"[{'.'.join(map(_key, below))}]"
        if mark:
            yield f"{mark[0]} = {_scalar(mark[1])}"
        yield from _lines(below, value)


def _word(rule: Rule) -> str:
    words = [word for word, make in Rule.makers.items() if make is type(rule)]
    if not words:
        raise EdgeError("E105", f"{type(rule).__name__} has no word, by which a file names rules")
    return words[-1]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _scalar(name)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_scalar, value))}]"
    if is_int(value):
        return str(int(value))
    if is_real(value):
        return repr(float(value))
    raise EdgeError("E105", f"a {type(value).__name__} cannot be written to a file of constants")


# ---- reading -------------------------------------------------------------------------------------


def read(cls: type[T], path: Path | str, format: str, wanted: str) -> T:
    """What `text` wrote to a file. wanted: what the file is, a key of `foreign.WANTED`.

    Raises EdgeError E103 for another or a damaged file, E105 for an unknown key, with the nearest
    that there is, and a value of another kind, E203 for one out of range.
    """
    with reading(path, wanted):
        document = read_toml(path, wanted, "mend that line, or let `edge-dassdp tune` write it "
                             "again")
        _require_format(path, document.pop("format", None), format, wanted)
        made: T = _made(cls, document, str(path), "")
        return made


def _require_format(path: Path | str, found: object, format: str, wanted: str) -> None:
    """EdgeError E103, with the line to write, unless it is the format of these files."""
    if found == format:
        return
    told = "that does not say its format" if found is None else f"of format {found!r:.60}"
    raise EdgeError("E103", f"{path} is a TOML file {told}, expected {WANTED[wanted]}",
                    help=f'write this as its first line: format = "{format}"')


def _made(cls: Any, table: Mapping[str, Any], path: str, where: str, *marks: str) -> Any:
    """An instance of cls. where: the table's name in brackets, "" for the document."""
    known = {f.name: f for f in _fields(cls)}
    hints, values = _hints(cls), {}
    for key, value in table.items():
        if key in marks:
            continue
        if key not in known:
            raise _unknown(f"{path}: {where or 'the file'} has no key '{key}'", key,
                           [*known, *marks])
        values[key] = _value(hints[key], value, path, where, key)
    for name, f in known.items():
        if name not in values and f.default is MISSING and f.default_factory is MISSING:
            raise EdgeError("E105", f"{path}: {where or 'the file'} does not say '{name}'")
    try:
        return cls(**values)
    except EdgeError as problem:
        told = " ".join(filter(None, (f"{path}:", where, problem.message)))
        raise EdgeError(problem.code, told, cause=problem.cause, help=problem.help) from None


def _value(hint: Any, value: Any, path: str, where: str, key: str) -> Any:
    """A field's value, of its hint."""
    name = f"{where.strip('[]')}.{key}".lstrip(".")
    if get_origin(hint) is Mapping:
        return {each: _rule(_table(rule, path, f"[{name}.{each}]"), path, f"[{name}.{each}]")
                for each, rule in _table(value, path, f"[{name}]").items()}
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is False and NoneType in kinds and bool not in kinds:
        return None
    if made := _dataclasses(hint):
        table = _table(value, path, f"[{name}]")
        kind = table.get(_KIND, next(iter(made)))
        if kind not in made:
            raise _unknown(f"{path}: [{name}] has the kind {kind!r}", str(kind), list(made))
        return _made(made[kind], table, path, f"[{name}]", *[_KIND] * (len(made) > 1))
    if not any(_is(value, k) for k in kinds):
        titles = [_TITLES[k] for k in kinds if k in _TITLES] or ["text"]
        raise EdgeError("E105", f"{path}: {f'{where} {key}'.strip()} is {value!r:.60}, expected "
                        f"{' or '.join(titles)}")
    return tuple(value) if isinstance(value, list) else value


def _rule(table: dict[str, Any], path: str, where: str) -> Any:
    word = table.get(_RULE)
    if not isinstance(word, str):
        raise EdgeError("E105", f"{path}: {where} does not say '{_RULE}', its word",
                        help='for instance rule = "touch"')
    try:
        make = maker(word)
    except EdgeError as problem:
        raise _unknown(f"{path}: {where} names a rule '{word}', which there is not", word,
                       sorted(Rule.makers), problem.help) from None
    return _made(make, table, path, where, _RULE)


def _table(value: Any, path: str, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EdgeError("E105", f"{path}: {where.strip('[]')} is {value!r:.60}, expected a table "
                        f"{where}")
    return value


def _is(value: Any, kind: Any) -> bool:
    """Whether a TOML value is of a kind; whole numbers are numbers."""
    if kind is Any:
        return True
    if get_origin(kind) is Literal or kind is str:
        return isinstance(value, str)
    if kind in (int, float):
        return is_int(value) or (kind is float and is_real(value))
    if get_origin(kind) in (tuple, list):
        return isinstance(value, list)
    return isinstance(kind, type) and isinstance(value, kind)


def _unknown(message: str, word: str, known: Sequence[str], help: str = "") -> EdgeError:
    near = get_close_matches(word, known, 1)
    return EdgeError("E105", message, help=f"did you mean {near[0]}?" if near else
                     help or f"choose {', '.join(known)}")


# ---- dataclasses ---------------------------------------------------------------------------------


def _fields(cls: Any) -> list[Field[Any]]:
    return [f for f in fields(cls) if f.init]


def _hints(cls: Any) -> dict[str, Any]:
    """Of its fields; Any where those of a rule from outside name what is not there at run time."""
    try:
        return get_type_hints(cls)
    except Exception:  # what evaluating foreign annotations raises
        return {f.name: Any for f in fields(cls)}


def _dataclasses(hint: Any) -> dict[str, type]:
    """Those that a value may be, by name."""
    return {kind.__name__: kind for kind in (hint, *get_args(hint))
            if isinstance(kind, type) and is_dataclass(kind)}

"""Arguments and fields held to the kinds that their annotations name, before anything uses them."""

from __future__ import annotations

import functools
import inspect
import os
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int

P = ParamSpec("P")
R = TypeVar("R")
_WORDS: dict[Any, str] = {int: "an integer", float: "a number", bool: "True or False",
                          str: "a text", Path: "a path", Literal: "a text", Mapping: "a mapping",
                          Sequence: "a sequence", tuple: "a tuple"}
_NUMBERS = (int, float, complex, np.ndarray)
_LONGEST = 40


def held_to_kinds(**made_by: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function that refuses an argument of another kind than its annotation names: EdgeError
    E105. made_by: where such an argument comes from, by its name."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        hints: dict[str, Any] = {}

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not hints:
                hints.update(get_type_hints(function))
            for name, value in signature.bind(*args, **kwargs).arguments.items():
                if name in hints:
                    _require(name, value, hints[name], made_by.get(name, ""))
            return function(*args, **kwargs)

        return checked

    return decorate


def hold_fields(instance: Any, code: str = "E105", where: str = "") -> None:
    """The same for the fields of a dataclass, but for numbers: their ranges are checked by hand.
    code, where: of the refusal, and what its message begins with."""
    kind: type = type(instance)
    hints = _hints(kind)
    for field in fields(instance):
        hint = hints[field.name]
        if not any(kind in _NUMBERS for kind in _members(hint)):
            _require(f"{where}{field.name}", getattr(instance, field.name), hint, code=code)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _require(name: str, value: Any, hint: Any, help: str = "", code: str = "E105") -> None:
    if not _is(value, hint):
        expected = " or ".join(dict.fromkeys(filter(None, map(_word, _members(hint)))))
        raise EdgeError(code, f"{name} is {_shown(value)}, expected {expected}", help=help)
    if isinstance(value, str) and Path in _members(hint):
        _require_path(name, value)


def _members(hint: Any) -> tuple[Any, ...]:
    """Of a union, else itself."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _is(value: Any, hint: Any) -> bool:
    """Whether it is of that kind, as far as a kind can be told by looking."""
    return any(_is_one(value, kind) for kind in _members(hint))


def _is_one(value: Any, kind: Any) -> bool:
    origin = get_origin(kind) or kind
    if origin is Literal:
        return isinstance(value, str)
    if origin is int:
        return is_int(value)
    if origin is float:
        return np.isscalar(value) and not isinstance(value, str | bytes | bool | complex)
    if origin is bool:
        return isinstance(value, bool | np.bool_)
    if origin is Any or not isinstance(origin, type) or getattr(origin, "_is_protocol", False):
        return True
    if not isinstance(value, origin) or (origin is Sequence and isinstance(value, str | bytes)):
        return False
    inner = get_args(kind)
    return not isinstance(value, tuple) or inner[1:] != (...,) or all(
        _is(v, inner[0]) for v in value)


def _require_path(name: str, value: str) -> None:
    try:
        if "\0" not in value and os.fsencode(value):
            return
    except UnicodeEncodeError:
        pass
    raise EdgeError("E105", f"{name} is {_shown(value)}, which names no file")


def _word(kind: Any) -> str:
    """What it is called; nothing for None."""
    origin = get_origin(kind) or kind
    if origin is types.NoneType:
        return ""
    if origin is tuple and get_args(kind)[1:] == (...,):
        return f"a tuple of {getattr(get_args(kind)[0], '__name__', 'values')}"
    name = getattr(origin, "__name__", "something else")
    return _WORDS.get(origin) or f"{'an' if name[0] in 'AEIO' else 'a'} {name}"


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | str | bytes):
        text = repr(value)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"of type {type(value).__name__}"

"""Which constants are tried: what each may be instead, one at a time.

Nothing here knows a rule or a part of `Learning` by its name, but for replay's sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from types import NoneType
from typing import Any, get_args, get_type_hints

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_real
from edge_dassdp.rules import Learning, Replay

FACTORS = (0.25, 0.5, 2.0, 4.0)
"""Of step sizes, times what they are."""
RINGS, STEPS = (1, 3, 10), (1, 3)
"""Samples of a class in RAM, and how many of them are learned again after each."""
FLASH = 70
UNTRIED = ("guard",)
"""Parts that keep what was learned from harm: what they are worth is not seen in accuracy."""


def axes(learning: Learning) -> list[str]:
    """Names of what may be changed: replay, which a board may not hold, and other parts, then its
    sizes, then the steps that suit all of them."""
    steps = [f"rules.{name}.{rule.size}" for name, rule in learning.rules.items()
             if is_real(getattr(rule, rule.size, None))]
    parts = [f.name for f in fields(learning) if f.name not in ("rules", *UNTRIED)
             and _kinds(f.name)]
    inside = ["replay.n_ring", "replay.ring_per_class"] if learning.replay else []
    return [*sorted(parts, key=lambda name: name != "replay"), *inside, *steps]


def changes(learning: Learning, axis: str, n_train: int) -> Iterator[Learning]:
    """With what a constant may be instead; nothing for a size of replay where there is none.

    n_train: samples that may be stored in flash."""
    part, *rest = axis.split(".")
    if part == "rules":
        name, setting = ".".join(rest[:-1]), rest[-1]
        rule = learning.rules[name]
        for factor in FACTORS:
            with suppress(EdgeError):
                made: Any = replace(rule, **{setting: factor * getattr(rule, setting)})  # type: ignore[type-var]
                yield replace(learning, rules={**learning.rules, name: made})
        return
    if rest:
        if learning.replay is not None:
            yield from _sizes(learning, learning.replay, rest[0])
        return
    for value in _parts(part, n_train):
        if value != getattr(learning, part):
            with suppress(EdgeError):
                yield replace(learning, **{part: value})


def differences(start: Learning, made: Learning) -> list[str]:
    """What is another constant than at the start, for people: its place and its value."""
    return [told for f in fields(Learning)
            for told in _differing(f.name, getattr(start, f.name), getattr(made, f.name))]


def _differing(name: str, start: Any, made: Any) -> Iterator[str]:
    if start == made:
        return
    if isinstance(made, Mapping) and isinstance(start, Mapping):
        for key, value in made.items():
            yield from _differing(key, start.get(key), value)
    elif is_dataclass(made) and type(made) is type(start):
        for f in fields(made):
            yield from _differing(f"{name}.{f.name}", getattr(start, f.name), getattr(made, f.name))
    else:
        yield f"{name} = {_told(made)}"


def _told(value: Any) -> str:
    if isinstance(value, Replay):
        return (f"{value.flash} in flash, {value.ring_per_class} of each class in RAM, "
                f"{value.n_ring} of them after each")
    if is_dataclass(value):
        settings = ", ".join(f"{f.name} {_told(getattr(value, f.name))}" for f in fields(value))
        return f"{type(value).__name__} with {settings}"
    return "none" if value is None else f"{value:g}" if is_real(value) else str(value)


def _sizes(learning: Learning, replay: Replay, name: str) -> Iterator[Learning]:
    for value in RINGS if name == "ring_per_class" else STEPS:
        if value != getattr(replay, name):
            sizes: dict[str, Any] = {name: value}
            yield replace(learning, replay=replace(replay, **sizes))


def _parts(name: str, n_train: int) -> Iterator[Any]:
    """A part of `Learning` with its defaults, each kind that it may be of, and none of it."""
    for kind in _kinds(name):
        if kind is Replay:
            yield Replay(min(FLASH, n_train))
        elif kind is NoneType:
            yield None
        else:
            with suppress(EdgeError):
                yield kind()


def _kinds(name: str) -> list[Any]:
    """Dataclasses that a part may be, and NoneType; empty for what is no part."""
    given = get_args(get_type_hints(Learning)[name])
    return [k for k in given if k is NoneType or is_dataclass(k)] \
        if any(map(is_dataclass, given)) else []

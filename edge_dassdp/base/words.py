"""Words of options: NAME=VALUE, and setting=value,... behind a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edge_dassdp.base.errors import EdgeError


def pairs(values: Sequence[str], option: str) -> dict[str, str]:
    """NAME=VALUE options as a dictionary, or EdgeError E105."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not (name and equals and rest) or name in found:
            raise EdgeError("E105", f"{option} {value}", cause="it is not NAME=VALUE, or the name "
                            "is given twice", help=f"for instance {option} fc2=...")
        found[name] = rest
    return found


def settings_of(text: str, kinds: Mapping[str, type], option: str, owner: str) -> dict[str, Any]:
    """setting=value,... as values of their kinds, or EdgeError E105."""
    values: dict[str, Any] = {}
    for name, value in pairs(text.split(",") if text else [], option).items():
        if name not in kinds:
            raise EdgeError("E105", f"{owner} has no setting '{name}'",
                            help=f"choose {', '.join(kinds)}")
        values[name] = _value(name, value, kinds[name])
    return values


def _value(name: str, text: str, kind: type) -> Any:
    if kind is bool and text in ("true", "false"):
        return text == "true"
    try:
        if kind is not bool:
            return kind(text)
    except ValueError:
        pass
    raise EdgeError("E105", f"setting {name} is '{text}', expected a {kind.__name__}")

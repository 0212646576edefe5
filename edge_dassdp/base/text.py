"""Text from outside, made fit to be shown: what a device or a file says must not steer a terminal.
"""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories that a terminal obeys or does not show: controls, bidi marks, lone surrogates, ..."""


def printable(text: str, keep: str = "") -> str:
    """The text with each character that is obeyed or not seen told by its number, those of `keep`
    excepted: an escape as \\x1b, a byte that is no text, as paths may hold, as \\xff."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in _UNSEEN else escaped(c)
                   for c in text)


def escaped(letter: str) -> str:
    """Its number, as in Python and C; of a byte that is no text, its own."""
    is_byte = 0xDC80 <= ord(letter) <= 0xDCFF
    return f"\\x{ord(letter) - 0xDC00:02x}" if is_byte else ascii(letter)[1:-1]


def finite_json(value: Any) -> Any:
    """JSON values with None in place of NaN and infinities, which JSON has not."""
    if isinstance(value, dict):
        return {name: finite_json(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite_json(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(value: Any, indent: int | None = None) -> str:
    """The same as text."""
    return json.dumps(finite_json(value), indent=indent, allow_nan=False)

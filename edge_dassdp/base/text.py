"""Text from outside, made fit to be shown: what a device or a file says must not steer a terminal.
"""

from __future__ import annotations

import unicodedata

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories that a terminal obeys or does not show: controls, bidi marks, lone surrogates, ..."""


def printable(text: str, keep: str = "") -> str:
    """The text with each character that is obeyed or not seen written as its escape, those of
    `keep` excepted; an escape character as \\x1b, for instance."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in _UNSEEN
                   else c.encode("unicode_escape").decode("ascii") for c in text)

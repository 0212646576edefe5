"""WORD or WORD:setting=value,... as a rule."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from edge_dassdp.base.words import settings_of
from edge_dassdp.rules.base import Rule
from edge_dassdp.rules.document import maker


def rule_of(text: str, option: str = "--rule ...=") -> Rule:
    """Raises EdgeError E105 for a word or a setting that there is not, E203 for one out of range.
    option: what the word was given to."""
    word, _, settings = text.partition(":")
    return maker(word)(**settings_of(settings, kinds_of(word), f"{option}{word}:",
                                     f"rule '{word}'"))


def kinds_of(word: str) -> Mapping[str, Any]:
    """Settings of a rule by name, and the kind of each. Raises EdgeError E105."""
    return {name: _kind(setting)
            for name, setting in inspect.signature(maker(word)).parameters.items()}


def _kind(setting: inspect.Parameter) -> type:
    """Of a rule's setting: that of its default, or of its annotation where that is None."""
    if setting.default is None or setting.default is setting.empty:
        return int if "int" in str(setting.annotation) else float
    return type(setting.default)

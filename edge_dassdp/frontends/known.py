"""Frameworks by name: each is a file of frontends/torch, and nothing is loaded to list them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pkgutil import iter_modules

FOLDER = "edge_dassdp.frontends.torch"
_SHARED = frozenset(("back", "classes", "forward", "importer", "instead", "layers", "running",
                     "state", "steps", "values", "writing"))
"""Modules of that folder that no framework is in."""
NIR = "nir"
"""The source of NIR files that mean what NIR defines."""


def frameworks() -> tuple[str, ...]:
    """In alphabetical order; each is called as the package that its classes come from."""
    spec = find_spec(FOLDER)
    assert spec is not None and spec.submodule_search_locations is not None
    found = {module.name for module in iter_modules(spec.submodule_search_locations)}
    return tuple(sorted(found - _SHARED))


def sources() -> tuple[str, ...]:
    """Where NIR files come from."""
    return (*frameworks(), NIR)


def listed(names: Sequence[str], word: str) -> str:
    """'a, b or c', where `word` is 'or'."""
    return f"{', '.join(names[:-1])} {word} {names[-1]}"

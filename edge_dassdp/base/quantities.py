"""codegen/quantities.toml: the numbers that Python and C share, and the C header made of them."""

from __future__ import annotations

import tomllib
from functools import cache
from types import MappingProxyType

from edge_dassdp.base import assets

_TABLE = tomllib.loads((assets.folder("codegen") / "quantities.toml").read_text("utf-8"))
QUANTITIES: MappingProxyType[str, int] = MappingProxyType(
    {name: int(row["value"]) for name, row in _TABLE.items()})
"""Value by name; DASSDP_<NAME> in C."""


@cache
def quantities_header() -> str:
    """The text of `dassdp_quantities.h`; the same for every model."""
    return assets.render("dassdp_quantities.h.j2", quantities=_TABLE)

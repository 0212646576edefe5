"""What `generate` says of a library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from edge_dassdp.report.tables import table


def library_screen(about: Mapping[str, Any], output: Path) -> list[RenderableType]:
    """about: as model.json holds it."""
    made = table("model, bytes P", "sample or frame", "state", "constants", "export", "outputs")
    for name, m in about["models"].items():
        made.add_row(name, f"{m['frame_bytes'] or m['x_bytes']:,}", *(f"{m[key]:,}" for key in (
            "state_bytes", "constant_bytes", "export_bytes", "n_classes")))
    told = [Text(f"{output} holds a library for {about['for']}; README.md there says how to take "
                 "it in, and what each call costs.")]
    why = {m["figures"]["stack"]["why"] for m in about["models"].values()} - {""}
    told += [Text(f"The stack of calls is not known here: {reason}.", "yellow")
             for reason in sorted(why)]
    return [made, *told]

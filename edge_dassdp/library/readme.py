"""The page that lies beside a library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_dassdp.base import assets
from edge_dassdp.library.described import calls

_TITLES = {"arduino": "the Arduino IDE and arduino-cli", "cmake": "CMake", "make": "make",
           "platformio": "PlatformIO", "zephyr": "Zephyr"}


def readme(about: Mapping[str, Any], has_store: bool) -> str:
    """about: as `described` has it."""
    models = list(about["models"])
    figures = about["models"][models[0]]["figures"]
    wiring = assets.render(f"library/wiring_{about['for']}.md.j2", models=models, first=models[0])
    return assets.render("library/README.md.j2", about=about, models=models, first=models[0],
                         title=_TITLES[about["for"]], wiring=wiring.strip(),
                         calls=calls(about["models"]), cpus=list(figures["instructions"]),
                         has_store=has_store)

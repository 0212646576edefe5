"""The terminal as the command line writes to it: nothing that is shown can steer it."""

from __future__ import annotations

from collections.abc import Iterable

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from edge_dassdp.base.text import printable


class Console(rich.console.Console):
    """Rich's console. What it moves and colours by itself passes; in text, whoever wrote it, each
    character that a terminal would obey is shown as its escape."""

    def render(self, renderable: RenderableType,
               options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text, "\n"),
                                                          segment.style)

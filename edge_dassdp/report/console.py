"""Where screens are printed: text is text there, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from edge_dassdp.base.text import printable

_WIDTH, _LEAST, _USUAL = 110, 40, 80


class Screen(Console):
    """Brackets, colons and numbers are printed as they stand; what would steer a terminal is told
    as \\x1b. 110 columns where nobody looks, else at least 40."""

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = False) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False,
                         emoji=False)
        if not self.file.isatty():
            self.width = _WIDTH
        elif self.width < _LEAST:
            self.width = _LEAST if self.width else _USUAL

    def render(self, renderable: RenderableType,
               options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(
                text=printable(segment.text, "\n\t"))

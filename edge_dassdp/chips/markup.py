"""XML that anybody may have written, as a tree of the elements that are asked for.

Nothing is fetched and no entity is expanded: a document type, which alone declares them, is
refused. Size, depth and the number of elements are bounded.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from xml.parsers import expat

_MOST_BYTES, _MOST_DEEP, _MOST_ELEMENTS, _MOST_TEXT = 1 << 26, 32, 3_000_000, 1 << 16


@dataclass(slots=True)
class Element:
    """tag: without its namespace. text: what stands in it, of all pieces."""

    tag: str
    given: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> Element | None:
        return next((child for child in self.children if child.tag == tag), None)

    def says(self, tag: str) -> str:
        """The text of a child; empty where there is none."""
        child = self.first(tag)
        return child.text.strip() if child else ""


def parse(data: bytes, kept: Collection[str] = ()) -> Element:
    """The root of a document, with the elements of tags in `kept`, all if it is empty; what stands
    in others is left out. Raises ValueError with one sentence."""
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES >> 20} MiB")
    builder = _Builder(frozenset(kept))
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = builder.refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.take
    try:
        parser.Parse(data, True)
    except expat.ExpatError as problem:
        raise ValueError(f"it is no XML: {problem}") from None
    assert builder.root is not None
    return builder.root


class _Builder:
    """Handlers of one document. `_skipped` counts the open elements of which nothing is kept."""

    def __init__(self, kept: frozenset[str]) -> None:
        self.root: Element | None = None
        self._kept = kept
        self._open: list[Element] = []
        self._skipped = 0
        self._n_elements = 0

    def refuse_doctype(self, *_: object) -> None:
        raise ValueError("it has a document type, which may declare entities; those of chips have "
                         "none")

    def start(self, name: str, given: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        self._n_elements += 1
        if self._n_elements > _MOST_ELEMENTS or len(self._open) + self._skipped >= _MOST_DEEP:
            raise ValueError(f"it has more than {_MOST_ELEMENTS:,} elements, or {_MOST_DEEP} "
                             "within each other")
        if self._skipped or (self._open and self._kept and tag not in self._kept):
            self._skipped += 1
            return
        element = Element(tag, given)
        if self._open:
            self._open[-1].children.append(element)
        self.root = self.root or element
        self._open.append(element)

    def end(self, _: str) -> None:
        if self._skipped:
            self._skipped -= 1
        else:
            self._open.pop()

    def take(self, text: str) -> None:
        if self._open and not self._skipped and len(self._open[-1].text) < _MOST_TEXT:
            self._open[-1].text += text

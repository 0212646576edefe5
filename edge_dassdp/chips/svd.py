"""CMSIS-SVD files, as chip vendors ship them: derivedFrom, arrays, clusters, enumerated values.

Anybody may have written one: arrays, depth and numbers are bounded, and what cannot be is refused
in one sentence. Format: the CMSIS-SVD schema 1.3.9 (device description).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from edge_dassdp.base.text import printable
from edge_dassdp.chips.chip import Chip, Field, Peripheral, Register
from edge_dassdp.chips.markup import Element, parse
from edge_dassdp.storage.foreign import reading, told

MOST_BYTES = 1 << 26
_MOST_ITEMS, _MOST_REGISTERS, _MOST_DERIVED = 1 << 16, 400_000, 8
_WORD, _FAR = 0xFFFF_FFFF, (1 << 64) - 1
_KEPT = frozenset((
    "name", "version", "description", "vendor", "licenseText", "cpu", "size", "access",
    "resetValue", "peripherals", "peripheral", "baseAddress", "interrupt", "value", "registers",
    "register", "cluster", "addressOffset", "dim", "dimIncrement", "dimIndex", "fields", "field",
    "bitOffset", "bitWidth", "lsb", "msb", "bitRange", "enumeratedValues", "enumeratedValue",
    "isDefault", "usage"))
_DIGITS = {"#": 2, "0b": 2, "0x": 16, "": 10}
_SCALE = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def read_svd(path: Path) -> Chip:
    """The chip that a .svd file describes. Raises EdgeError E103."""
    with reading(path, "svd"), path.open("rb") as file:
        return chip_of(file.read(MOST_BYTES + 1))


def chip_of(data: bytes) -> Chip:
    """The chip of a document. Raises ValueError with one sentence."""
    root = parse(data, _KEPT)
    if root.tag != "device":
        raise ValueError(f"its root is '{told(root.tag)}', not 'device'")
    return _Reader(root).chip()


def number(text: str, most: int = _WORD) -> int:
    """A number as SVD and PDSC write it: 10, 0xA, #1010, 0b1010, 4K. Raises ValueError."""
    found = re.fullmatch(r"\+?(0x|0b|#|)([0-9a-f]{1,40})([kmg]?)", text.strip().lower())
    try:
        value = int(found[2], _DIGITS[found[1]]) * _SCALE[found[3]] if found else -1
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise ValueError(f"'{told(text)}' is no number from 0 to 0x{most:X}")
    return value


@dataclass(frozen=True)
class _Common:
    """What an element hands down to those within it."""

    access: str
    reset: int

    def within(self, element: Element) -> _Common:
        access, reset = element.says("access"), element.says("resetValue")
        return replace(self, access=access or self.access,
                       reset=number(reset, _FAR) & _WORD if reset else self.reset)


class _Reader:
    """One file. `_enumerated`: lists of values that bear a name, which others are derived from."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._peripherals = {p.says("name"): p for p in _within(root, "peripherals", "peripheral")}
        self._enumerated: dict[str, Element] = {}
        self._n_registers = 0

    def chip(self) -> Chip:
        if not self._peripherals:
            raise ValueError("it names no peripheral")
        common = _Common("read-write", 0).within(self._root)
        cpu = self._root.first("cpu")
        return Chip(_name(self._root), told(self._root.says("version")), self._origin(),
                    told(cpu.says("name")) if cpu else "",
                    tuple(p for e in self._peripherals.values() for p in self._all(e, common)))

    def _origin(self) -> str:
        """What the file tells about itself, in a line."""
        texts = (self._root.says("description"), self._root.says("licenseText").replace("\\n", " "))
        description, licence = (printable(" ".join(text.split())) for text in texts)
        return "; ".join(filter(None, (description[:400], licence[:80])))

    def _all(self, element: Element, common: _Common) -> Iterator[Peripheral]:
        """A peripheral, or an array of them."""
        chain = self._chain(element, self._peripherals)
        for link in reversed(chain):
            common = common.within(link)
        base = number(_said(chain, "baseAddress"), _FAR)
        registers = next((found for link in chain if (found := link.first("registers"))), None)
        interrupts = {told(i.says("name")): number(i.says("value"), 1023)
                      for i in element.all("interrupt")}
        for name, step in _items(element):
            held = tuple(self._block(registers, base + step, "", common)) if registers else ()
            yield Peripheral(name, base + step, held, interrupts)

    def _block(self, block: Element, base: int, prefix: str, common: _Common
               ) -> Iterator[Register]:
        """Registers of a peripheral or a cluster, those of clusters within it as well."""
        near = {child.says("name"): child for child in block.children
                if child.tag in ("register", "cluster")}
        for child in near.values():
            chain = self._chain(child, near)
            offset = number(_said(chain, "addressOffset", "0"))
            handed = common
            for link in reversed(chain):
                handed = handed.within(link)
            if child.tag == "cluster":
                held = next((link for link in chain
                             if link.first("register") or link.first("cluster")), child)
                for name, step in _items(child, chain):
                    yield from self._block(held, base + offset + step, f"{prefix}{name}.", handed)
                continue
            fields = tuple(self._fields(chain, handed))
            for name, step in _items(child, chain):
                self._n_registers += 1
                if self._n_registers > _MOST_REGISTERS:
                    raise ValueError(f"it has more than {_MOST_REGISTERS:,} registers")
                yield Register(prefix + name, (base + offset + step) & _FAR, handed.access,
                               handed.reset, fields)

    def _fields(self, chain: list[Element], common: _Common) -> Iterator[Field]:
        """Those of a register, else of the one that it is derived from."""
        block = next((found for link in chain if (found := link.first("fields"))), None)
        near = {f.says("name"): f for f in block.all("field")} if block else {}
        for element in near.values():
            derived = self._chain(element, near)
            lsb, width = _bits(derived)
            if not width:
                continue  # vendors err: the bits are as those of no field
            meanings = self._meanings(derived, width)
            access = _said(derived, "access", common.access)
            for name, step in _items(element, derived):
                if lsb + step + width <= 32:  # registers may be wider than a word
                    yield Field(name, lsb + step, width, access, meanings)

    def _meanings(self, chain: list[Element], width: int) -> Mapping[int, str]:
        """Names of the values that may be written; none where any may be."""
        lists = next((found for link in chain if (found := link.all("enumeratedValues"))), [])
        meanings: dict[int, str] = {}
        for one in lists:
            if one.says("name"):
                self._enumerated.setdefault(one.says("name"), one)
            one = self._enumerated.get(one.given.get("derivedFrom", "").rpartition(".")[2], one)
            if one.says("usage") == "read":
                continue
            for value in one.all("enumeratedValue"):
                if value.says("isDefault").lower() in ("true", "1"):
                    return {}
                for match in _matches(value.says("value"), width):
                    meanings.setdefault(match, told(value.says("name")))
        return meanings

    def _chain(self, element: Element, near: Mapping[str, Element]) -> list[Element]:
        """An element, and those that it is derived from: by a name near it, or by a path."""
        chain = [element]
        while source := chain[-1].given.get("derivedFrom"):
            found = near.get(source) or self._at(source) or near.get(source.rpartition(".")[2])
            if found is None or any(found is link for link in chain) or len(chain) > _MOST_DERIVED:
                raise ValueError(f"{_name(element)} is derived from '{told(source)}', which is not "
                                 "there or leads back to it")
            chain.append(found)
        return chain

    def _at(self, path: str) -> Element | None:
        """What a path of names leads to, from a peripheral on."""
        first, *rest = path.split(".")
        found = self._peripherals.get(first)
        for name in rest:
            held = (found.first("registers") or found.first("fields") or found) if found else None
            found = next((c for c in held.children if c.says("name") == name), None) if held \
                else None
        return found


# ---- parts of elements ---------------------------------------------------------------------------


def _within(element: Element, outer: str, inner: str) -> list[Element]:
    held = element.first(outer)
    return held.all(inner) if held else []


def _name(element: Element) -> str:
    name = told(element.says("name"))
    if not name:
        raise ValueError(f"a {element.tag} has no name")
    return name


def _said(chain: Iterable[Element], tag: str, default: str | None = None) -> str:
    """What the first of a chain says that says it."""
    found = next((text for link in chain if (text := link.says(tag))), default)
    if found is None:
        raise ValueError(f"{_name(next(iter(chain)))} has no {tag}")
    return found


def _items(element: Element, chain: Iterable[Element] = ()) -> Iterator[tuple[str, int]]:
    """Names and steps in bytes (of fields in bits) of an array; of what is none, its name and 0."""
    name, count = _name(element), element.says("dim")
    if not count:
        yield name, 0
        return
    n, step = number(count), number(_said([element, *chain], "dimIncrement"))
    if not 0 < n <= _MOST_ITEMS:
        raise ValueError(f"{name} is an array of {n} items, 1 to {_MOST_ITEMS} are expected")
    for i, index in zip(range(n), _indices(element.says("dimIndex"), n), strict=True):
        yield name.replace("[%s]", index).replace("%s", index), i * step


def _indices(text: str, n: int) -> list[str]:
    """What stands for %s: 0-3, A-D, or words between commas; numbers from 0 where nothing does."""
    found = [word.strip() for word in text.split(",")] if text else []
    span = re.fullmatch(r"\s*(\d{1,4}|[A-Z])\s*-\s*(\d{1,4}|[A-Z])\s*", text)
    if span and span[1].isdigit() and span[2].isdigit():
        found = [str(i) for i in range(int(span[1]), int(span[2]) + 1)]
    elif span:
        found = [chr(c) for c in range(ord(span[1]), ord(span[2]) + 1)]
    return found if len(found) == n else [str(i) for i in range(n)]


def _bits(chain: list[Element]) -> tuple[int, int]:
    """Lowest bit and width of a field, in whichever of three ways they are written; width 0: none
    that can be."""
    if span := _said(chain, "bitRange", ""):
        found = re.fullmatch(r"\s*\[\s*(\d{1,2})\s*:\s*(\d{1,2})\s*\]\s*", span)
        high, low = (int(found[1]), int(found[2])) if found else (-1, 0)
    elif said := _said(chain, "lsb", ""):
        low, high = number(said, 63), number(_said(chain, "msb"), 63)
    else:
        low = number(_said(chain, "bitOffset"), 63)
        high = low + number(_said(chain, "bitWidth", "1"), 64) - 1
    return low, max(0, high - low + 1)


def _matches(text: str, width: int) -> list[int]:
    """The values that a pattern stands for; x in a binary one is either bit."""
    text = text.strip().lower()
    if text in ("", "0x", "0b", "#"):
        return []
    digits = re.fullmatch(r"(?:#|0b)([01x]{1,32})", text)
    if not digits or "x" not in digits[1]:
        return [number(text, _FAR)]
    if digits[1].count("x") > 8:
        raise ValueError(f"'{told(text)}' stands for more than 256 values")
    values = [0]
    for digit in digits[1]:
        values = [2 * value + bit for value in values
                  for bit in ((0, 1) if digit == "x" else (int(digit),))]
    return [value for value in values if value < 1 << width]

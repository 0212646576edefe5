"""What modm-devices knows of an STM32: interrupts, alternate functions, memory. A source of its
own: its data come of ST's CubeMX."""

from __future__ import annotations

import re
import xml.etree.ElementTree as Tree
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

CHIPS = {"bluepill-f103c8": "f1 03 c 8", "nucleo-f103rb": "f1 03 r b", "nucleo-f303re": "f3 03 r e",
         "nucleo-f401re": "f4 01 r e", "nucleo-f411re": "f4 11 r e", "nucleo-f446re": "f4 46 r e",
         "stm32f405": "f4 05 r g", "stm32f407-disco": "f4 07 v g", "nucleo-f767zi": "f7 67 z i",
         "b-l475e-iot01a": "l4 75 v g", "nucleo-l476rg": "l4 76 r g", "nucleo-g071rb": "g0 71 r b",
         "nucleo-g474re": "g4 74 r e", "nucleo-h743zi": "h7 43 z i", "nucleo-u575zi-q": "u5 75 z i",
         "nucleo-wb55rg": "wb 55 r g"}
"""Family, name, pins and size of the chip of each board, as in its part number."""


@dataclass(frozen=True)
class Device:
    """interrupts: by name. functions: of (USART, pin, tx or rx), None on chips that number none.
    memory: origin and bytes by name."""

    interrupts: dict[str, int]
    functions: dict[tuple[str, str, str], int | None]
    memory: dict[str, tuple[int, int]]

    def ram_end(self, origin: int) -> int:
        """Where the memory ends that begins at `origin`, with those behind it without a gap."""
        end = origin
        for begin, size in sorted(self.memory.values()):
            end = begin + size if begin == end else end
        return end


@cache
def device(board: str) -> Device:
    wanted = dict(zip(("family", "name", "pin", "size"), CHIPS[board].split(), strict=True))
    package = find_spec("modm_devices")
    assert package is not None and package.origin is not None
    folder = Path(package.origin).parent / "resources" / "devices" / "stm32"
    found = next(root for path in sorted(folder.glob(f"stm32{wanted['family']}-*.xml"))
                 if _is_of((root := Tree.parse(path).getroot()[0]), wanted, ""))
    return Device(
        {str(v.get("name")): int(str(v.get("position"))) for v in _of(found, "vector", wanted)},
        dict(_functions(found, wanted)),
        {str(m.get("name")): (int(str(m.get("start")), 16), int(str(m.get("size"))))
         for m in _of(found, "memory", wanted)})


def _is_of(node: Tree.Element, wanted: dict[str, str], before: str = "device-") -> bool:
    """Whether what stands in a file of several chips is about the one wanted."""
    return all(value in given.split("|") for key, value in wanted.items()
               if (given := node.get(before + key)))


def _of(root: Tree.Element, tag: str, wanted: dict[str, str]) -> Iterator[Tree.Element]:
    return (node for node in root.iter(tag) if _is_of(node, wanted))


def _functions(root: Tree.Element, wanted: dict[str, str]
               ) -> Iterator[tuple[tuple[str, str, str], int | None]]:
    for gpio in root.iter("gpio"):
        pin = f"P{str(gpio.get('port')).upper()}{gpio.get('pin')}"
        for signal in _of(gpio, "signal", wanted):
            if re.fullmatch("usart", str(signal.get("driver"))):
                af = signal.get("af")
                yield ((f"USART{signal.get('instance')}", pin, str(signal.get("name"))),
                       int(af) if af else None)

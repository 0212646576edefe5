"""What tests/boards/facts keeps of a vendor's CMSIS-SVD file: some peripherals, without prose.

    python tools/chip_facts.py nrf52840.svd "nrf52840.svd of pyOCD 0.46.0" CLOCK POWER UART0 P0
    python tools/chip_facts.py RP2040.svd "..." RESETS 'IO_BANK0:GPIO[01]_.*'

A peripheral may be followed by a pattern of the registers that are kept. The file goes to stdout.
Only files whose licence lets them be copied belong there; it is copied with them.
"""

from __future__ import annotations

import hashlib
import re
import sys
import xml.etree.ElementTree as Tree
from pathlib import Path
from xml.sax.saxutils import escape

_PROSE = {"description", "displayName", "headerStructName", "headerDefinitionsPrefix",
          "addressBlock", "resetMask", "groupName", "prependToName", "modifiedWriteValues",
          "readAction", "size", "writeConstraint"}


def text(element: Tree.Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def stripped(element: Tree.Element, depth: int) -> list[str]:
    """An element on lines of its own, leaves on one, without prose."""
    children = [child for child in element
                if child.tag not in _PROSE and text(child, "usage") != "read"]
    given = "".join(f' {name}="{value}"' for name, value in element.attrib.items())
    if not children:
        return ["  " * depth + f"<{element.tag}{given}>{escape((element.text or '').strip())}"
                f"</{element.tag}>"]
    inner = [line for child in children for line in stripped(child, depth + 1)]
    lines = ["  " * depth + f"<{element.tag}{given}>", *inner, "  " * depth + f"</{element.tag}>"]
    whole = "".join(line.strip() for line in lines)
    return ["  " * depth + whole] if len(whole) < 400 else lines


def kept(peripheral: Tree.Element, pattern: str) -> Tree.Element:
    """A peripheral with those of its registers that the pattern takes."""
    registers = peripheral.find("registers")
    for register in list(registers if registers is not None else ()):
        if registers is not None and not re.fullmatch(pattern, text(register, "name")):
            registers.remove(register)
    return peripheral


def main(path: Path, origin: str, *wanted: str) -> None:
    data = path.read_bytes()
    root = Tree.fromstring(data)
    patterns = {name: pattern or ".*" for name, _, pattern in (w.partition(":") for w in wanted)}
    peripherals = [p for p in root.findall("peripherals/peripheral") if text(p, "name") in patterns]
    missing = patterns.keys() - {text(p, "name") for p in peripherals}
    if missing:
        sys.exit(f"{path.name} has no {', '.join(sorted(missing))}")
    digest = hashlib.sha256(data).hexdigest()
    lines = [f"  <vendor>{escape(text(root, 'vendor'))}</vendor>", f"  <name>{text(root, 'name')}"
             "</name>",
             f"  <version>{text(root, 'version')}</version>",
             f"  <description>Of {escape(origin)} (SHA-256 {digest[:16]}), "
             "without what board files do not touch</description>",
             f"  <licenseText>{escape(text(root, 'licenseText').replace(chr(92) + 'n', ''))}"
             "</licenseText>"]
    for tag in ("cpu", "size", "access", "resetValue"):
        found = root.find(tag)
        lines += stripped(found, 1) if found is not None else []
    lines += ["  <peripherals>"]
    for peripheral in peripherals:
        lines += stripped(kept(peripheral, patterns[text(peripheral, "name")]), 2)
    print('<?xml version="1.0" encoding="utf-8"?>\n<device schemaVersion="1.3">',
          *lines, "  </peripherals>\n</device>", sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

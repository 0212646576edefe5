"""CMSIS packs: of each device its core, its memory and its SVD file.

A pack is a zip archive that anybody may have made: nothing is unpacked to disk, and what is read is
bounded. Format: Open-CMSIS-Pack, *.pdsc.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.chips.chip import Chip
from edge_dassdp.chips.markup import Element, parse
from edge_dassdp.chips.svd import MOST_BYTES, chip_of, number
from edge_dassdp.storage.foreign import listed, reading, told

_MOST_MEMBERS, _MOST_DEVICES, _MOST_RATIO = 200_000, 20_000, 200
_LEVELS = ("family", "subFamily", "device", "variant")
_KEPT = frozenset((*_LEVELS, "devices", "processor", "memory", "debug", "vendor", "name"))


@dataclass(frozen=True)
class Memory:
    """access: letters of r, w, x and others, as the pack says."""

    name: str
    origin: int
    bytes: int
    access: str
    is_default: bool


@dataclass(frozen=True)
class Device:
    """core: as Cortex-M4. svd: a path in the pack."""

    name: str
    core: str = ""
    svd: str = ""
    memories: tuple[Memory, ...] = ()

    def largest(self, *, is_written: bool) -> Memory | None:
        """The memory of the program, or of data: the largest of those that a linker uses."""
        found = [m for m in self.memories if ("w" in m.access) is is_written
                 and 0 < m.origin + m.bytes <= 0xA000_0000]
        usual = [m for m in found if m.is_default] or found
        return max(usual, key=lambda m: m.bytes, default=None)


@dataclass(frozen=True)
class Pack:
    """A pack's devices by name."""

    path: Path
    devices: Mapping[str, Device]

    def device(self, name: str) -> Device:
        """The one of a name, or of the only name that begins so. Raises EdgeError E105."""
        near = [known for known in self.devices if known.upper().startswith(name.upper())]
        exact = [known for known in near if known.upper() == name.upper()]
        found = exact or near
        if (name and len(found) == 1) or (len(self.devices) == 1 and not name):
            return self.devices[found[0]]
        raise EdgeError("E105", f"{self.path} holds {len(found)} devices whose name begins with "
                        f"'{told(name)}'" if name else f"{self.path} holds many devices",
                        help=f"name one with --device: {listed(sorted(found or self.devices))}")

    def chip(self, device: Device) -> Chip | None:
        """The chip that the SVD file of a device describes; None where the pack has none of it.
        Raises EdgeError E103."""
        if not device.svd:
            return None
        with reading(self.path, "pack"), zipfile.ZipFile(self.path) as archive:
            return chip_of(_member(archive, device.svd.replace("\\", "/")))


def read_pack(path: Path) -> Pack:
    """What a .pack file holds. Raises EdgeError E103."""
    with reading(path, "pack"), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) > _MOST_MEMBERS:
            raise ValueError(f"it holds more than {_MOST_MEMBERS:,} files")
        about = sorted((name for name in names if name.lower().endswith(".pdsc")), key=len)
        if not about:
            raise ValueError("it holds no .pdsc file, which every pack has")
        root = parse(_member(archive, about[0]), _KEPT)
        devices = {d.name: d for block in root.all("devices") for d in _devices(block)}
    if not devices:
        raise EdgeError("E103", f"{path} describes no devices",
                        help="give the pack of the chip's family (DFP), not one of software")
    return Pack(path, devices)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    member = archive.getinfo(name)
    if member.file_size > min(MOST_BYTES, max(1 << 20, member.compress_size * _MOST_RATIO)):
        raise ValueError(f"'{told(name)}' unpacks to {member.file_size:,} bytes")
    with archive.open(member) as file:
        return file.read(MOST_BYTES + 1)


def _devices(block: Element, above: Device = Device("")) -> Iterator[Device]:
    """Devices within a family, each with what the levels above it say."""
    n_found = 0
    for level in _LEVELS:
        for element in block.all(level):
            own = _with(element, above)
            variants = list(_devices(element, own))
            if level in ("device", "variant") and not variants:
                variants = [replace(own, name=told(element.given.get(f"D{level}")
                                                   or element.given.get("Dname", "")))]
            n_found += len(variants)
            if n_found > _MOST_DEVICES:
                raise ValueError(f"it describes more than {_MOST_DEVICES:,} devices")
            yield from (device for device in variants if device.name)


def _with(element: Element, above: Device) -> Device:
    """What a level says, beside what those above it say."""
    processor, debug = element.first("processor"), element.first("debug")
    own = tuple(_memories(element))
    names = {memory.name for memory in own}
    return replace(
        above, memories=(*(m for m in above.memories if m.name not in names), *own),
        core=told(processor.given.get("Dcore", above.core)) if processor else above.core,
        svd=debug.given.get("svd", above.svd) if debug else above.svd)


def _memories(element: Element) -> Iterator[Memory]:
    for memory in element.all("memory"):
        given = memory.given
        name = told(given.get("name") or given.get("id", ""))
        access = given.get("access") or ("rwx" if "RAM" in name.upper() else "rx")
        yield Memory(name, number(given.get("start", "")), number(given.get("size", "")),
                     access.lower(), given.get("default", "") in ("1", "true"))

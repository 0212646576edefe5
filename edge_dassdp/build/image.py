"""The CRC of a firmware's flash image, which lies behind all that it covers: the device checks it
at its start and tells it in HELLO.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.elf import symbol_table

CRC_FILE = "image.crc"
"""What `objcopy --update-section` puts in: 4 bytes, little endian."""
_CRC_BYTES = 4


@dataclass(frozen=True)
class Image:
    """What a firmware writes to flash, from its first byte up to the CRC; stated: that CRC."""

    bytes: bytes
    stated: int

    @property
    def crc(self) -> int:
        """CRC-32 (IEEE 802.3) of the bytes as they are."""
        return zlib.crc32(self.bytes)


def read_image(elf: Path) -> Image:
    """The flash image of a linked firmware."""
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        addresses = {s.name: s["st_value"] for s in symbol_table(file).iter_symbols()}
        begin, end = addresses["dassdp_image_begin"], addresses["dassdp_image_crc"]
        parts = sorted((s["p_paddr"], s.data()) for s in file.iter_segments("PT_LOAD")
                       if s["p_filesz"])
        written = b"".join(data for _, data in parts)
    image, stated = written[:end - begin], written[end - begin:]
    if parts[0][0] != begin or len(written) != end - begin + _CRC_BYTES:
        raise EdgeError("E302", "the flash image has gaps",
                        cause=f"{len(written)} bytes from 0x{parts[0][0]:08X} on, expected "
                              f"{end - begin + _CRC_BYTES} from 0x{begin:08X}")
    return Image(image, int.from_bytes(stated, "little"))


def whole(image: Image) -> bytes:
    """An image with its CRC behind: what flash holds from its first byte on, as in a .bin file."""
    return image.bytes + image.stated.to_bytes(_CRC_BYTES, "little")


def check_image(elf: Path) -> Image:
    """The image of a firmware that is about to be written. Raises EdgeError E403 where it is not
    the one that was linked."""
    image = read_image(elf)
    if image.crc != image.stated:
        raise EdgeError("E403", f"{elf} is damaged",
                        cause=f"its flash image has CRC {image.crc:08x}, it was linked with "
                              f"{image.stated:08x}",
                        help="build it again")
    return image

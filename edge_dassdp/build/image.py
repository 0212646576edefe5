"""What a firmware writes to flash: its image with the CRC behind it, which the device checks at its
start and tells in HELLO; what a boot ROM checks before; and the same as a UF2 file.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.elf import opened, read_symbols
from edge_dassdp.build.tools import ARM_HELP

CRC_FILE = "image.crc"
"""What `objcopy --update-section` puts in: 4 bytes, little endian."""
_CRC_BYTES = 4
_BOOT2, _BOOT2_BYTES = ".boot2", 256
_MPEG2_POLYNOMIAL = 0x04C1_1DB7
_UF2_PAGE = 256
_UF2_BEGIN, _UF2_END, _UF2_HAS_FAMILY = (0x0A32_4655, 0x9E5D_5157), 0x0AB1_6F30, 0x2000


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
        addresses = {s.name: s.value for s in read_symbols(file)}
        begin, end = addresses["dassdp_image_begin"], addresses["dassdp_image_crc"]
        parts = sorted((s["p_paddr"], s.data()) for s in file.iter_segments("PT_LOAD")
                       if s["p_filesz"])
        written = b"".join(data for _, data in parts)
    before = begin - parts[0][0]
    image, stated = written[before:before + end - begin], written[before + end - begin:]
    if before not in (0, _BOOT2_BYTES) or len(stated) != _CRC_BYTES:
        raise EdgeError("E302", "the flash image has gaps",
                        cause=f"{len(written)} bytes from 0x{parts[0][0]:08X} on, expected "
                              f"{end - begin + _CRC_BYTES} from 0x{begin:08X}")
    return Image(image, int.from_bytes(stated, "little"))


def check_boot2(elf: Path) -> None:
    """Raises EdgeError E302 unless the boot ROM of an RP2040 would run what an ELF file begins
    with: an assembler might have encoded it otherwise."""
    with opened(elf) as file:
        boot2 = file.get_section_by_name(_BOOT2)
        data = boot2.data() if boot2 else b""
    code, stated = data[:-_CRC_BYTES], int.from_bytes(data[-_CRC_BYTES:], "little")
    if len(data) != _BOOT2_BYTES or crc32_mpeg2(code) != stated:
        raise EdgeError("E302", "the boot code of an RP2040 is not what its CRC says",
                        cause=f"{len(data)} bytes with CRC {crc32_mpeg2(code):08x}, it states "
                              f"{stated:08x}", help=ARM_HELP)


def crc32_mpeg2(data: bytes) -> int:
    """CRC-32/MPEG-2: not reflected, from all ones, with no final complement."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (_MPEG2_POLYNOMIAL if crc >> 31 else 0)
            crc &= 0xFFFF_FFFF
    return crc


def uf2(data: bytes, address: int, family: int) -> bytes:
    """A UF2 file that puts `data` at `address`: blocks of 512 bytes with 256 of data each.

    Source: github.com/microsoft/uf2.
    """
    data += bytes(-len(data) % _UF2_PAGE)
    n_blocks = len(data) // _UF2_PAGE
    return b"".join(
        struct.pack("<8I", *_UF2_BEGIN, _UF2_HAS_FAMILY, address + i * _UF2_PAGE, _UF2_PAGE, i,
                    n_blocks, family)
        + data[i * _UF2_PAGE:(i + 1) * _UF2_PAGE].ljust(476, b"\0") + struct.pack("<I", _UF2_END)
        for i in range(n_blocks))


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

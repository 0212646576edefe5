"""The ELF file of the firmware that a board runs, among the builds that are kept."""

from __future__ import annotations

from edge_dassdp.build.board import Board
from edge_dassdp.build.compile import kept_firmware
from edge_dassdp.build.elf import read_sizes
from edge_dassdp.build.image import read_image
from edge_dassdp.build.stack import stack_bound
from edge_dassdp.emit.firmware import Build
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.qir import QNetwork


def build_of(network: QNetwork, board: Board, build_hash: str, image_crc: int) -> Build | None:
    """The build that a board reports by its hash, 16 hexadecimal digits, if this compiler made it
    and it is kept, and its image has the CRC of the flash that the board read; else None."""
    firmware = kept_firmware(board, int(build_hash, 16))
    if firmware is None or read_image(firmware.elf).crc != image_crc:
        return None
    return Build(firmware, ram_ledger(Plan.of(network), board), read_sizes(firmware.elf),
                 stack_bound(firmware))

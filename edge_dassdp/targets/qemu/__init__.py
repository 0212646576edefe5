"""Firmware in QEMU: the very ELF file of the board, reached over the board's own UART."""

from edge_dassdp.targets.qemu.process import QemuProcess
from edge_dassdp.targets.qemu.programs import (
    QEMU,
    QEMU_HELP,
    boards_by_version,
    check_machines,
    find_qemu,
    machine_of,
    programs,
)
from edge_dassdp.targets.qemu.target import COUNTER_BITS, Qemu
from edge_dassdp.targets.qemu.uart import Uart

__all__ = ["COUNTER_BITS", "QEMU", "QEMU_HELP", "Qemu", "QemuProcess", "Uart",
           "boards_by_version", "check_machines", "find_qemu", "machine_of", "programs"]

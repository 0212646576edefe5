"""What a board may say, checked field by field: each check raises EdgeError E401 by a field's name.

A board.toml may be anybody's: what of it reaches a compiler, a linker, make or QEMU is a number in
its range or a word of a list. Its `program.command` alone is run as it stands, when a board is
programmed (docs/security.md).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.description import BOOT_ROMS, WORD, Board, Region, Slots, filled

_THUMB1, _THUMB2 = ("armv6m",), ("armv7m",)
_DSP = ("dsp", *_THUMB2)
_MVE = ("mve", *_DSP)
CPUS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("cortex-m0", "cortex-m0plus", "cortex-m1", "cortex-m23"), _THUMB1),
    "cortex-m3": _THUMB2, **dict.fromkeys(("cortex-m4", "cortex-m7", "cortex-m33",
                                           "cortex-m35p"), _DSP), "cortex-m55": _MVE}
"""Cores, and the folders of kernels that each can run."""
CFLAGS = ("-mfloat-abi=soft", "-mthumb", "-mno-unaligned-access", "-g")
"""The flags of the compiler that a board may give."""
FILES = ("hex", "bin", "uf2")
"""The kinds of files that a drive may take."""
_MEMORIES = ((0, 0x4000_0000), (0x6000_0000, 0xA000_0000))
_VECTORS, _SYSTEM_VECTORS = 128, 16
_MOST_SERIAL_LINES = 8


def check_board(board: Board) -> None:
    """Raises EdgeError E401 naming the first field that is wrong."""
    for check in _CHECKS:
        check(board)


def refused(field: str, cause: str) -> EdgeError:
    """E401 of a field, by its dotted name."""
    return EdgeError("E401", f"field {field} of the board is wrong", cause=cause)


def _check_names(board: Board) -> None:
    """Names reach file names, comments and C strings."""
    check_name(board.name)
    _check_line("title", board.title)
    counters = [counter.name for counter in board.counter]
    for name in counters:
        is_name = re.fullmatch("(?!(board|run)$)[a-z][a-z0-9_]{0,23}", name)
        if not is_name or counters.count(name) > 1:
            raise refused("counter.name", f"{name!r:.80} is not a C identifier of its own")


def check_name(name: str) -> None:
    """E401 for what cannot name a board; the link sends 16 characters."""
    if not re.fullmatch("[a-z][a-z0-9_-]{0,15}", name):
        raise refused("name", f"{name!r:.80}: up to 16 of a-z, 0-9, _ and - are expected, a letter "
                      "first")


def _check_line(field: str, text: str) -> None:
    """Prose that stands in comments of C, linker scripts and Makefiles."""
    if not text.isprintable() or "*/" in text or "/*" in text or text.endswith("\\"):
        raise refused(field, "one line of printable text is expected, without /* or */ and with no "
                      "backslash at its end")


def _check_filled(board: Board) -> None:
    """What `board new` left open is named all at once."""
    values = {"cpu": board.cpu, "kernels": board.kernels or board.cpu, "clock_hz": board.clock_hz,
              "flash.bytes": board.flash.bytes, "ram.bytes": board.ram.bytes,
              "uart.driver": board.uart.driver, "uart.baud_register": board.uart.baud_register}
    left = [field for field, value in values.items() if not value]
    if left:
        raise refused(left[0], f"FILL IN: {', '.join(left)}")


def _check_core(board: Board) -> None:
    """What the compiler is told, a word of a list each: it runs programs and reads files for
    others."""
    if board.cpu not in CPUS:
        raise refused("cpu", f"{board.cpu!r:.80}: known are {', '.join(CPUS)}")
    for i, folder in enumerate(board.kernels):
        if folder not in CPUS[board.cpu]:
            raise refused(f"kernels[{i}]", f"{folder!r:.80}: a {board.cpu} runs those of "
                          f"{', '.join(CPUS[board.cpu])}")
    for i, flag in enumerate(board.cflags):
        if flag not in CFLAGS:
            raise refused(f"cflags[{i}]", f"{flag!r:.80}: known are {', '.join(CFLAGS)}")
    if "-mfloat-abi=soft" not in board.cflags:
        raise refused("cflags", "-mfloat-abi=soft is expected: the firmware has no FPU code")
    if not 0 < board.clock_hz <= WORD:
        raise refused("clock_hz", f"{board.clock_hz}: 1 to 2^32 - 1 is expected")


def _check_words(board: Board) -> None:
    """Whatever is stored or addressed on the chip has 32 bits; registers are word-aligned."""
    if board.watchdog and not board.watchdog.feed:
        raise refused("watchdog.feed", "one store at least is expected")
    if board.bus_fault and CPUS[board.cpu] == _THUMB1:
        raise refused("bus_fault", f"a {board.cpu} has no bus fault of its own")
    if board.nmi and not board.nmi.clear:
        raise refused("nmi.clear", "one store at least is expected: what is not cleared comes "
                      "again at once")
    for where, stores in board.stores.items():
        for store in stores:
            for field in ("address", "mask", "value"):
                if not 0 <= getattr(store, field) <= WORD:
                    raise refused(f"{where}.{field}", "32 bits are expected")
            if store.address % 4:
                raise refused(f"{where}.address", f"0x{store.address:08X} is not word-aligned")
            if store.value & ~store.mask:
                raise refused(f"{where}.value",
                              f"0x{store.value:08X} has bits outside mask 0x{store.mask:08X}")


def _check_memory(board: Board) -> None:
    for field in ("flash", "ram"):
        region: Region = getattr(board, field)
        if region.bytes <= 0 or region.origin < 0 or region.end > WORD + 1:
            raise refused(f"{field}.bytes", "the region must lie in the 32-bit address space")
        if region.origin % 8:
            raise refused(f"{field}.origin", "an alignment of 8 is expected")
        if not any(low <= region.origin and region.end <= high for low, high in _MEMORIES):
            raise refused(f"{field}.origin", "a Cortex-M has memory below 0x4000_0000 and from "
                          "0x6000_0000 to 0x9FFF_FFFF, devices elsewhere")
    n_vectors = _SYSTEM_VECTORS + board.uart.irq + 1
    alignment = max(_VECTORS, 1 << (4 * n_vectors - 1).bit_length())
    if board.flash.origin % alignment:
        raise refused("flash.origin", f"{n_vectors} vectors begin there: an alignment of "
                      f"{alignment} is expected")
    if board.flash.origin < board.ram.end and board.ram.origin < board.flash.end:
        raise refused("ram.origin", "flash and RAM overlap")


def _check_store(board: Board) -> None:
    """Two slots, which nothing else of the board lies in."""
    store = board.store
    if store is None:
        return
    known = _drivers("flash")
    if store.driver not in known:
        raise refused("store.driver", f"{store.driver!r:.80}: known are {', '.join(known)}")
    if store.base % 4 or not 0 <= store.base <= WORD:
        raise refused("store.base", "a word-aligned 32-bit address is expected")
    _check_units(store)
    slots = store.region
    if not any(low <= slots.origin and slots.end <= high for low, high in _MEMORIES):
        raise refused("store.origin", "a Cortex-M has memory below 0x4000_0000 and from "
                      "0x6000_0000 to 0x9FFF_FFFF, devices elsewhere")
    for field in ("flash", "ram"):
        region: Region = getattr(board, field)
        if slots.origin < region.end and region.origin < slots.end:
            raise refused("store.origin", f"the slots, 0x{slots.origin:08X} to "
                          f"0x{slots.end - 1:08X}, lie in {field}, 0x{region.origin:08X} to "
                          f"0x{region.end - 1:08X}: {field}.bytes leaves them out")


def _check_units(store: Slots) -> None:
    """Slots are whole erase units, and these whole write units."""
    for field, low, high in (("write_bytes", 4, 1024), ("erase_bytes", 64, 1 << 20)):
        n = getattr(store, field)
        if not low <= n <= high or n & (n - 1):
            raise refused(f"store.{field}", f"{n}: a power of two from {low} to {high} is expected")
    if store.write_bytes > store.erase_bytes:
        raise refused("store.write_bytes", f"{store.write_bytes}: a write unit is no longer than "
                      f"an erase unit, {store.erase_bytes}")
    if store.slot_bytes <= 0 or store.slot_bytes % store.erase_bytes:
        raise refused("store.slot_bytes", f"{store.slot_bytes}: whole erase units of "
                      f"{store.erase_bytes} are expected")
    if store.origin % store.erase_bytes:
        raise refused("store.origin", f"0x{store.origin:08X} is not where an erase unit of "
                      f"{store.erase_bytes} begins")
    if store.bank_bytes and (store.bank_bytes < 0 or store.bank_bytes % store.erase_bytes):
        raise refused("store.bank_bytes", f"{store.bank_bytes}: whole erase units of "
                      f"{store.erase_bytes} are expected, or 0")
    if store.option and store.option.wait:
        raise refused("store.option.wait", "it is asked once, and nothing is waited for")
    for field, low, high in (("erase_ms", 1, 60_000), ("endurance", 0, 10_000_000)):
        n = getattr(store, field)
        if not low <= n <= high:
            raise refused(f"store.{field}", f"{n}: {low} to {high} is expected")


def _drivers(kind: str) -> list[str]:
    """Names of firmware/port/<kind>/<driver>.c."""
    return sorted(p.stem for p in (assets.folder("firmware") / "port" / kind).glob("*.c"))


def _check_stack(board: Board) -> None:
    if board.stack_bytes % 8 or not 256 <= board.stack_bytes < board.ram.bytes:
        raise refused("stack_bytes",
                      f"{board.stack_bytes}: a multiple of 8 from 256 to below ram.bytes")


def _check_ring(board: Board) -> None:
    n = board.rx_ring_bytes
    if not 16 <= n <= 32768 or n & (n - 1):
        raise refused("rx_ring_bytes", f"{n}: a power of two from 16 to 32768 is expected")


def _check_uart(board: Board) -> None:
    known = _drivers("uart")
    if board.uart.driver not in known:
        raise refused("uart.driver", f"{board.uart.driver}: known are {', '.join(known)}")
    if not 0 <= board.uart.irq < 240:
        raise refused("uart.irq", f"{board.uart.irq}: 0 to 239 is expected")
    if board.uart.base % 4 or not 0 <= board.uart.base <= WORD:
        raise refused("uart.base", "a word-aligned 32-bit address is expected")
    for field in ("baud", "baud_register"):
        if not 0 < getattr(board.uart, field) <= WORD:
            raise refused(f"uart.{field}", "1 to 2^32 - 1 is expected")


def _check_counters(board: Board) -> None:
    if not board.counter:
        raise refused("counter", "one counter at least is expected")
    for counter in board.counter:
        if not 16 <= counter.bits <= 32:
            raise refused(f"counter.{counter.name}.bits", f"{counter.bits}: 16 to 32 is expected")
        for field in ("count", "capture"):
            if getattr(counter, field) % 4 or not 0 <= getattr(counter, field) <= WORD:
                raise refused(f"counter.{counter.name}.{field}", "not a word-aligned address")


def _check_reset_cause(board: Board) -> None:
    if board.reset_cause is None:
        return
    if board.reset_cause.register % 4 or not 0 <= board.reset_cause.register <= WORD:
        raise refused("reset_cause.register", "not a word-aligned address")
    for field in ("power", "pin", "software", "watchdog"):
        if not 0 <= getattr(board.reset_cause, field) <= WORD:
            raise refused(f"reset_cause.{field}", "32 bits are expected")


def _check_marker(board: Board) -> None:
    """Its pin is named in messages; it is moved by a store each, between which nothing waits."""
    if board.marker is None:
        return
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9 .()_-]{0,39}", board.marker.pin):
        raise refused("marker.pin", f"{board.marker.pin!r:.80} is not the name of a pin")
    for field in ("set", "clear"):
        if getattr(board.marker, field).wait:
            raise refused(f"marker.{field}.wait", "a store is expected, not a wait")
    if board.marker.set == board.marker.clear:
        raise refused("marker.clear", "it is the store of marker.set: the pin would never move")


def _check_qemu(board: Board) -> None:
    """A machine's name alone: behind a comma QEMU takes options that read and write files."""
    if board.qemu is None:
        return
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]{0,63}", board.qemu.machine):
        raise refused("qemu.machine", f"{board.qemu.machine!r:.80} is not the name of a machine")
    if not 0 <= board.qemu.icount_shift <= 10:
        raise refused("qemu.icount_shift", "a shift of 0 to 10 is expected")
    if not 0 < board.qemu.tick_ns < math.inf:
        raise refused("qemu.tick_ns", "a positive number is expected")
    if not 0 <= board.qemu.serial < _MOST_SERIAL_LINES:
        raise refused("qemu.serial", f"a line of 0 to {_MOST_SERIAL_LINES - 1} is expected")
    if not re.fullmatch(r"([0-9]{1,3}\.[0-9]{1,3})?", board.qemu.version):
        raise refused("qemu.version", f"{board.qemu.version!r:.80} is not a version, as in 9.1")


def _check_image(board: Board) -> None:
    """Each kind knows where its boot ROM looks."""
    if board.image is None:
        return
    if board.image.kind not in BOOT_ROMS:
        raise refused("image.kind", f"{board.image.kind!r:.80}: known are {', '.join(BOOT_ROMS)}")
    origin, _ = BOOT_ROMS[board.image.kind]
    if board.flash.origin != origin:
        raise refused("flash.origin", f"the boot ROM of an {board.image.kind} runs programs at "
                      f"0x{origin:08X}")


def _check_program(board: Board) -> None:
    if not board.program.command or not board.program.command[0]:
        raise refused("program.command", "a program and its arguments are expected")
    for i, part in enumerate(board.program.command):
        _check_marks(f"program.command[{i}]", part)
        if not part.isprintable():
            raise refused(f"program.command[{i}]", "printable text is expected")
    if "{" in board.program.command[0]:
        raise refused("program.command[0]", "the name of a program is expected")
    _check_marks("program.note", board.program.note)
    _check_line("program.note", board.program.note)
    for i, usb in enumerate(board.program.usb):
        if not re.fullmatch("[0-9a-f]{4}:[0-9a-f]{4}", usb):
            raise refused(f"program.usb[{i}]", f"{usb!r:.80} is not VID:PID, as in 0d28:0204")
    for i, serial in enumerate(board.program.serials):
        if not re.fullmatch("[0-9A-F]{2,32}", serial):
            raise refused(f"program.serials[{i}]", f"{serial!r:.80} is not the beginning of a "
                          "serial number, 2 to 32 of 0-9 and A-F")
    _check_drive(board)
    pyocd = board.program.pyocd
    if pyocd and not re.fullmatch("[a-z][a-z0-9_]{0,31}", pyocd.target):
        raise refused("program.pyocd.target", f"{pyocd.target!r:.80} is not the name of a target: "
                      "up to 32 of a-z, 0-9 and _ are expected")


def _check_drive(board: Board) -> None:
    """Labels are compared with those of volumes, and may become a part of a path."""
    drive = board.program.drive
    if drive is None:
        return
    if not drive.labels:
        raise refused("program.drive.labels", "one label at least is expected")
    for i, label in enumerate(drive.labels):
        if not re.fullmatch("[A-Z0-9][A-Z0-9_-]{0,10}", label):
            raise refused(f"program.drive.labels[{i}]", f"{label!r:.80} is not the label of a "
                          "FAT volume: up to 11 of A-Z, 0-9, _ and - are expected")
    if drive.file not in FILES:
        raise refused("program.drive.file", f"{drive.file!r:.80}: known are {', '.join(FILES)}")
    if drive.file == "uf2" and board.image is None:
        raise refused("program.drive.file", "a uf2 is made of a board with an [image] table")


def _check_marks(field: str, text: str) -> None:
    if re.search(r"[{}]", filled(text, {"{elf}": "", "{hex}": ""})):
        raise refused(field, "in braces stand {elf} and {hex} alone")


_CHECKS = (_check_names, _check_filled, _check_core, _check_words, _check_uart, _check_memory,
           _check_store, _check_stack, _check_ring, _check_counters, _check_reset_cause,
           _check_marker, _check_qemu, _check_image, _check_program)

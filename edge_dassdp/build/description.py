"""What a board is: its board.toml, field by field, addresses and bytes as plain integers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from edge_dassdp.base.quoting import shell, tcl

WORD = 0xFFFF_FFFF
_CPACR, _CP10_FULL = 0xE000_ED88, 0x0030_0000
FLASH_BEGIN = 0x1000_0000
"""Where the chips of BOOT_ROMS have their flash."""
BOOT_ROMS = {"rp2040": (0x1000_0100, 0xE48B_FF56), "rp2350": (0x1000_0000, 0xE48B_FF59)}
"""Kinds of boot ROMs: where their programs begin, and the family that a UF2 file names."""
RAM_SLOTS = "ram"
"""The driver whose slots lie in RAM: they last a reset, and are gone with the power."""
SLOT_HEAD_BYTES = 32
"""Of a slot before the export, or one write unit if that is more; dassdp_store.h has it, too."""


@dataclass(frozen=True)
class Region:
    """Memory: address of the first byte, length in bytes."""

    origin: int
    bytes: int

    @property
    def end(self) -> int:
        return self.origin + self.bytes


@dataclass(frozen=True)
class Store:
    """*address = (*address & ~mask) | value; with `wait`, poll until (*address & mask) == value."""

    address: int
    value: int
    mask: int = WORD
    wait: bool = False


@dataclass(frozen=True)
class Uart:
    """`driver` names firmware/port/uart/<driver>.c; `baud_register` is its divider, as is."""

    driver: str
    base: int
    irq: int
    baud: int
    baud_register: int


@dataclass(frozen=True)
class Counter:
    """A counter at address `count`, modulo 2^bits; `capture` is written 1 first, 0: none.

    It counts upwards, or `down`. On a chip it counts core cycles.
    """

    name: str
    count: int
    bits: int
    setup: tuple[Store, ...]
    capture: int = 0
    down: bool = False


@dataclass(frozen=True)
class Drive:
    """The board's drive, which takes a file: labels of its volume, and which kind it takes."""

    labels: tuple[str, ...]
    file: str


@dataclass(frozen=True)
class Pyocd:
    """The name that pyOCD has for the chip; pack: it knows it by a CMSIS pack alone."""

    target: str
    pack: bool = False


@dataclass(frozen=True)
class Programming:
    """How a user flashes it. `{elf}` and `{hex}` stand for the files; `usb` lists VID:PID.

    serials: what the serial numbers of the board's debugger begin with, upper case.
    """

    command: tuple[str, ...]
    note: str = ""
    usb: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    drive: Drive | None = None
    pyocd: Pyocd | None = None

    def of(self, elf: str, hex: str) -> Programming:
        """With the names of files. Within an argument of several words, which the program takes
        apart, a name is one word: of Tcl for OpenOCD, else of a shell."""
        files, program = {"{elf}": elf, "{hex}": hex}, Path(self.command[0]).stem
        quote = tcl if "openocd" in program else shell
        words = {mark: quote(name) for mark, name in files.items()}
        return replace(self, command=tuple(filled(part, words if " " in part else files)
                                           for part in self.command),
                       note=filled(self.note, files))


@dataclass(frozen=True)
class QemuMachine:
    """QEMU's machine. Counting, an instruction takes 2^icount_shift ns, a tick `tick_ns`.

    serial: which of the machine's serial lines is the board's, from 0. version: the first QEMU that
    models what the board needs of the machine, "" for any.
    """

    machine: str
    icount_shift: int
    tick_ns: float
    serial: int = 0
    version: str = ""


@dataclass(frozen=True)
class BootImage:
    """What the boot ROM wants beside the program: kind names it, and firmware/port/image/<kind>.S.

    rp2040: boot2, the 256 bytes before flash.origin. rp2350: a definition behind the vectors.
    """

    kind: str


@dataclass(frozen=True)
class Cleared:
    """An exception after which the program goes on: the stores that clear its flags."""

    clear: tuple[Store, ...]


@dataclass(frozen=True)
class ResetCause:
    """The register that tells why the chip was reset: its flags, and the store that clears them.

    Flags are read in the order watchdog, software, power, pin: many chips set that of the pin, too.
    """

    register: int
    clear: Store
    power: int = 0
    pin: int = 0
    software: int = 0
    watchdog: int = 0


@dataclass(frozen=True)
class Watchdog:
    """Started by `setup`, fed by `feed` between the steps of a sample and while waiting: its period
    is longer than what is learned from one sample, replay included. in_sleep: it counts on while
    the core sleeps, so the firmware does not."""

    setup: tuple[Store, ...]
    feed: tuple[Store, ...]
    in_sleep: bool


@dataclass(frozen=True)
class Slots:
    """Two slots of flash for what was learned: `driver` names firmware/port/flash/<driver>.c.

    origin: of the first slot, the second follows. slot_bytes: of each, whole erase units. base: of
    the flash controller, 0 where the driver needs none. erase_ms: that an erase unit takes, with
    writing it, at most. endurance: how often it may be erased, 0 where nothing wears out.
    bank_bytes: of a bank of flash, 0 where there is one or the driver knows. option: a register of
    option bytes that reads so, or nothing is erased and written: erase units would lie elsewhere.
    """

    driver: str
    origin: int
    slot_bytes: int
    erase_bytes: int
    write_bytes: int
    erase_ms: int
    endurance: int = 0
    base: int = 0
    bank_bytes: int = 0
    option: Store | None = None

    @property
    def region(self) -> Region:
        """Both slots."""
        return Region(self.origin, 2 * self.slot_bytes)

    @property
    def head_bytes(self) -> int:
        """What a slot holds before the export."""
        return max(SLOT_HEAD_BYTES, self.write_bytes)

    @property
    def room(self) -> int:
        """Bytes of an export that a slot takes."""
        return self.slot_bytes - self.head_bytes

    @property
    def lasts(self) -> bool:
        """Whether a save is there after the power was gone."""
        return self.driver != RAM_SLOTS

    @property
    def most_saves(self) -> int:
        """Saves that the flash stands, one slot after the other; 0: any number."""
        return 2 * self.endurance

    def save_s(self, n_bytes: int) -> float:
        """Seconds that so much of a slot takes, at most."""
        return -(-n_bytes // self.erase_bytes) * self.erase_ms / 1000


@dataclass(frozen=True)
class Marker:
    """A free pin, an output that is low after `setup`: `set` makes it high and `clear` low, around
    each sample that runs. pin: what the board calls it."""

    pin: str
    setup: tuple[Store, ...]
    set: Store
    clear: Store


@dataclass(frozen=True)
class Board:
    """A board as its board.toml gives it; addresses and bytes are plain integers.

    `kernels` are the kernel folders searched, file by file, before `portable`.
    """

    name: str
    title: str
    cpu: str
    cflags: tuple[str, ...]
    kernels: tuple[str, ...]
    clock_hz: int
    stack_bytes: int
    rx_ring_bytes: int
    setup: tuple[Store, ...]
    flash: Region
    ram: Region
    uart: Uart
    counter: tuple[Counter, ...]
    program: Programming
    qemu: QemuMachine | None = None
    reset_cause: ResetCause | None = None
    watchdog: Watchdog | None = None
    image: BootImage | None = None
    nmi: Cleared | None = None
    bus_fault: Cleared | None = None
    marker: Marker | None = None
    store: Slots | None = None

    @property
    def stores(self) -> dict[str, tuple[Store, ...]]:
        """All stores of the board, by the dotted name of their field."""
        watchdog = self.watchdog or Watchdog((), (), False)
        lists = {"setup": self.setup,
                 **{f"counter.{c.name}.setup": c.setup for c in self.counter},
                 "watchdog.setup": watchdog.setup, "watchdog.feed": watchdog.feed,
                 "reset_cause.clear": (self.reset_cause.clear,) if self.reset_cause else (),
                 "marker.setup": self.marker.setup if self.marker else (),
                 "marker.set": (self.marker.set,) if self.marker else (),
                 "marker.clear": (self.marker.clear,) if self.marker else (),
                 "store.option": (self.store.option,) if self.store and self.store.option else (),
                 "nmi.clear": self.nmi.clear if self.nmi else (),
                 "bus_fault.clear": self.bus_fault.clear if self.bus_fault else ()}
        return {name: stores for name, stores in lists.items() if stores}

    @property
    def port_ram(self) -> dict[str, int]:
        """Bytes of .bss of each static object of the port, by symbol; the C code asserts them."""
        return {"dassdp_rx": self.rx_ring_bytes + 8, "dassdp_counter": 4, "dassdp_boot": 16}

    @property
    def exception_frame(self) -> int:
        """Bytes that an exception may stack: 8 words, 18 more of FP and MVE context where `setup`
        gives access to CP10, and one word to align.
        """
        has_context = any(s.address == _CPACR and s.value & _CP10_FULL for s in self.setup)
        return 4 * (8 + 18 * has_context + 1)


def filled(text: str, files: Mapping[str, str]) -> str:
    """With {elf} and {hex} replaced, all else as it stands."""
    return re.sub(r"\{(elf|hex)\}", lambda found: files[found[0]], text)

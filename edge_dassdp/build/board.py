"""Boards are data: boards/<name>/board.toml, read once into a frozen Board and checked there."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError

WORD = 0xFFFF_FFFF
_CPACR, _CP10_FULL = 0xE000_ED88, 0x0030_0000


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
class Programming:
    """How a user flashes it. `{elf}` and `{hex}` stand for the files; `usb` lists VID:PID."""

    command: tuple[str, ...]
    note: str = ""
    usb: tuple[str, ...] = ()


@dataclass(frozen=True)
class QemuMachine:
    """QEMU's machine. Counting, an instruction takes 2^icount_shift ns, a tick `tick_ns`."""

    machine: str
    icount_shift: int
    tick_ns: float


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


def load_board(name: str | Path) -> Board:
    """The board `name` of the boards folder, or of a board.toml (or its folder) by path.

    Raises EdgeError E401 naming the field that is wrong, or the boards there are.
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = path if (path / "board.toml").is_file() else assets.folder("boards") / path
        path = path / "board.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EdgeError("E401", f"there is no board {name}",
                        help=f"Boards: {', '.join(list_boards())}; or give a path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise EdgeError("E401", f"{path.name} of {name} is not TOML", cause=str(problem)) from None
    board: Board = _read(Board, table, "")
    for check in _CHECKS:
        check(board)
    return board


def list_boards() -> list[str]:
    """Names of the boards that come with the package, sorted."""
    return sorted(p.parent.name for p in assets.folder("boards").glob("*/board.toml"))


def board_files(board: Board) -> dict[str, str]:
    """The generated texts of a board: dassdp_board.h and link.ld."""
    return {"dassdp_board.h": assets.render("dassdp_board.h.j2", board=board),
            "link.ld": assets.render("link.ld.j2", board=board)}


def _refuse(field: str, cause: str) -> EdgeError:
    return EdgeError("E401", f"field {field} of the board is wrong", cause=cause)


def _read(kind: Any, value: object, where: str) -> Any:
    """`value` from TOML as the annotation `kind`; `where` is the field's dotted name."""
    if is_dataclass(kind):
        return _read_table(kind, value, where)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise _refuse(where, "a list is expected")
        item = get_args(kind)[0]
        return tuple(_read(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if kind is float and type(value) is int:
        return float(value)
    if kind not in (str, int, bool, float):  # an optional table
        return _read(get_args(kind)[0], value, where)
    if type(value) is not kind:
        raise _refuse(where, f"{kind.__name__} is expected, {value!r} was given")
    return value


def _read_table(kind: Any, value: object, where: str) -> Any:
    prefix = f"{where}." if where else ""
    if not isinstance(value, dict):
        raise _refuse(where, "a table is expected")
    types = get_type_hints(kind)
    for key in value:
        if key not in types:
            raise _refuse(prefix + key, f"unknown; known here: {', '.join(types)}")
    for field in fields(kind):
        if field.name not in value and field.default is MISSING:
            raise _refuse(prefix + field.name, "missing")
    return kind(**{key: _read(types[key], v, prefix + key) for key, v in value.items()})


def _check_names(board: Board) -> None:
    """Names reach file names, comments and C strings; the link sends 16 characters."""
    if not re.fullmatch("[a-z][a-z0-9_-]{0,15}", board.name):
        raise _refuse("name", f"{board.name!r}: up to 16 of a-z, 0-9, _ and - are expected")
    if not board.title.isprintable() or "*/" in board.title:
        raise _refuse("title", "one line of printable text is expected")
    for i, folder in enumerate(board.kernels):
        if not re.fullmatch("[a-z0-9_]+", folder):
            raise _refuse(f"kernels[{i}]", f"{folder!r} is not the name of a folder")
    counters = [counter.name for counter in board.counter]
    for name in counters:
        if not re.fullmatch("[a-z][a-z0-9_]*", name) or counters.count(name) > 1:
            raise _refuse("counter.name", f"{name!r} is not a C identifier of its own")


def _check_words(board: Board) -> None:
    """Whatever is stored or addressed on the chip has 32 bits; registers are word-aligned."""
    lists = {"setup": board.setup} | {f"counter.{c.name}.setup": c.setup for c in board.counter}
    if board.watchdog:
        lists |= {"watchdog.setup": board.watchdog.setup, "watchdog.feed": board.watchdog.feed}
    if board.reset_cause:
        lists["reset_cause.clear"] = (board.reset_cause.clear,)
    for where, stores in lists.items():
        for store in stores:
            for field in ("address", "mask", "value"):
                if not 0 <= getattr(store, field) <= WORD:
                    raise _refuse(f"{where}.{field}", "32 bits are expected")
            if store.address % 4:
                raise _refuse(f"{where}.address", f"0x{store.address:08X} is not word-aligned")
            if store.value & ~store.mask:
                raise _refuse(f"{where}.value",
                              f"0x{store.value:08X} has bits outside mask 0x{store.mask:08X}")


def _check_memory(board: Board) -> None:
    for field in ("flash", "ram"):
        region: Region = getattr(board, field)
        if region.bytes <= 0 or region.origin < 0 or region.end > WORD + 1:
            raise _refuse(f"{field}.bytes", "the region must lie in the 32-bit address space")
        if region.origin % 8:
            raise _refuse(f"{field}.origin", "an alignment of 8 is expected")
    if board.flash.origin < board.ram.end and board.ram.origin < board.flash.end:
        raise _refuse("ram.origin", "flash and RAM overlap")


def _check_stack(board: Board) -> None:
    if board.stack_bytes % 8 or not 256 <= board.stack_bytes < board.ram.bytes:
        raise _refuse("stack_bytes",
                      f"{board.stack_bytes}: a multiple of 8 from 256 to below ram.bytes")


def _check_ring(board: Board) -> None:
    n = board.rx_ring_bytes
    if not 16 <= n <= 32768 or n & (n - 1):
        raise _refuse("rx_ring_bytes", f"{n}: a power of two from 16 to 32768 is expected")


def _check_uart(board: Board) -> None:
    known = {p.stem for p in (assets.folder("firmware") / "port" / "uart").glob("*.c")}
    if board.uart.driver not in known:
        raise _refuse("uart.driver", f"{board.uart.driver}: known are {', '.join(sorted(known))}")
    if not 0 <= board.uart.irq < 240:
        raise _refuse("uart.irq", f"{board.uart.irq}: 0 to 239 is expected")
    if board.uart.base % 4 or not 0 <= board.uart.base <= WORD:
        raise _refuse("uart.base", "a word-aligned 32-bit address is expected")
    if board.uart.baud <= 0 or not 0 < board.uart.baud_register <= WORD:
        raise _refuse("uart.baud_register", "a baud rate and its register are positive")


def _check_counters(board: Board) -> None:
    if not board.counter:
        raise _refuse("counter", "one counter at least is expected")
    for counter in board.counter:
        if not 16 <= counter.bits <= 32:
            raise _refuse(f"counter.{counter.name}.bits", f"{counter.bits}: 16 to 32 is expected")
        for field in ("count", "capture"):
            if getattr(counter, field) % 4 or not 0 <= getattr(counter, field) <= WORD:
                raise _refuse(f"counter.{counter.name}.{field}", "not a word-aligned address")


def _check_reset_cause(board: Board) -> None:
    if board.reset_cause is None:
        return
    if board.reset_cause.register % 4 or not 0 <= board.reset_cause.register <= WORD:
        raise _refuse("reset_cause.register", "not a word-aligned address")
    for field in ("power", "pin", "software", "watchdog"):
        if not 0 <= getattr(board.reset_cause, field) <= WORD:
            raise _refuse(f"reset_cause.{field}", "32 bits are expected")


def _check_qemu(board: Board) -> None:
    if board.qemu and (not 0 <= board.qemu.icount_shift <= 10 or board.qemu.tick_ns <= 0):
        raise _refuse("qemu.icount_shift", "a shift of 0 to 10 and a positive tick_ns are expected")


def _check_soft_float(board: Board) -> None:
    if "-mfloat-abi=soft" not in board.cflags:
        raise _refuse("cflags", "-mfloat-abi=soft is expected: the firmware has no FPU code")


_CHECKS = (_check_names, _check_words, _check_memory, _check_stack, _check_ring, _check_uart,
           _check_counters, _check_reset_cause, _check_qemu, _check_soft_float)

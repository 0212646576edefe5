"""Boards are data: boards/<name>/board.toml, read once into a frozen Board and checked there.

A board.toml may be anybody's: what of it reaches a compiler, a linker, make or QEMU is a number in
its range or a word of a list. Its `program.command` alone is run as it stands, when a board is
programmed (docs/security.md).
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quoting import shell, tcl
from edge_dassdp.storage.foreign import unread

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
_MEMORIES = ((0, 0x4000_0000), (0x6000_0000, 0xA000_0000))
_VECTORS = 128
_MOST_TEXT, _MOST_LINE = 1 << 16, 1000
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

    def of(self, elf: str, hex: str) -> Programming:
        """With the names of files. Within an argument of several words, which the program takes
        apart, a name is one word: of Tcl for OpenOCD, else of a shell."""
        files, program = {"{elf}": elf, "{hex}": hex}, Path(self.command[0]).stem
        quote = tcl if "openocd" in program else shell
        words = {mark: quote(name) for mark, name in files.items()}
        return replace(self, command=tuple(_filled(part, words if " " in part else files)
                                           for part in self.command),
                       note=_filled(self.note, files))


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
    if path.is_file() and path.suffix != ".toml":
        raise unread(path, "board", code="E401")
    if path.suffix != ".toml":
        path = path if (path / "board.toml").is_file() else assets.folder("boards") / path
        path = path / "board.toml"
    board: Board = _read(Board, _table(path, name), "")
    for check in _CHECKS:
        check(board)
    return board


def _table(path: Path, name: str | Path) -> dict[str, Any]:
    """What stands in a board.toml; a byte order mark before it is left out."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_TEXT + 1)
        if len(text) > _MOST_TEXT or max(map(len, text.splitlines()), default=0) > _MOST_LINE:
            raise ValueError(f"it has more than {_MOST_TEXT:,} B, or {_MOST_LINE:,} in a line, "
                             "which take longer than a board can need")
        return tomllib.loads(text.decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        raise EdgeError("E401", f"there is no board {name}",
                        help=f"Boards: {', '.join(list_boards())}; or give a path.") from None
    except OSError as problem:
        raise EdgeError("E401", f"{path} cannot be read",
                        cause=problem.strerror or str(problem)) from None
    except (ValueError, RecursionError) as problem:
        raise unread(path, "board", str(problem), "save it as UTF-8 text; docs of TOML: toml.io",
                     "E401") from None


def list_boards() -> list[str]:
    """Names of the boards that come with the package, sorted."""
    return sorted(p.parent.name for p in assets.folder("boards").glob("*/board.toml"))


def board_files(board: Board) -> dict[str, str]:
    """The generated texts of a board: dassdp_board.h and link.ld."""
    return {"dassdp_board.h": assets.render("dassdp_board.h.j2", board=board),
            "link.ld": assets.render("link.ld.j2", board=board)}


def _filled(text: str, files: Mapping[str, str]) -> str:
    return re.sub(r"\{(elf|hex)\}", lambda found: files[found[0]], text)


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
        raise _refuse(where, f"{kind.__name__} is expected, {value!r:.80} was given")
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
        raise _refuse("name", f"{board.name!r:.80}: up to 16 of a-z, 0-9, _ and - are expected")
    _check_line("title", board.title)
    counters = [counter.name for counter in board.counter]
    for name in counters:
        is_name = re.fullmatch("(?!(board|run)$)[a-z][a-z0-9_]{0,23}", name)
        if not is_name or counters.count(name) > 1:
            raise _refuse("counter.name", f"{name!r:.80} is not a C identifier of its own")


def _check_line(field: str, text: str) -> None:
    """Prose that stands in comments of C, linker scripts and Makefiles."""
    if not text.isprintable() or "*/" in text or "/*" in text or text.endswith("\\"):
        raise _refuse(field, "one line of printable text is expected, without /* or */ and with no "
                      "backslash at its end")


def _check_core(board: Board) -> None:
    """What the compiler is told, a word of a list each: it runs programs and reads files for
    others."""
    if board.cpu not in CPUS:
        raise _refuse("cpu", f"{board.cpu!r:.80}: known are {', '.join(CPUS)}")
    for i, folder in enumerate(board.kernels):
        if folder not in CPUS[board.cpu]:
            raise _refuse(f"kernels[{i}]", f"{folder!r:.80}: a {board.cpu} runs those of "
                          f"{', '.join(CPUS[board.cpu])}")
    if "-mfloat-abi=soft" not in board.cflags:
        raise _refuse("cflags", "-mfloat-abi=soft is expected: the firmware has no FPU code")
    for i, flag in enumerate(board.cflags):
        if flag not in CFLAGS:
            raise _refuse(f"cflags[{i}]", f"{flag!r:.80}: known are {', '.join(CFLAGS)}")
    if not 0 < board.clock_hz <= WORD:
        raise _refuse("clock_hz", f"{board.clock_hz}: 1 to 2^32 - 1 is expected")


def _check_words(board: Board) -> None:
    """Whatever is stored or addressed on the chip has 32 bits; registers are word-aligned."""
    lists = {"setup": board.setup} | {f"counter.{c.name}.setup": c.setup for c in board.counter}
    if board.watchdog:
        lists |= {"watchdog.setup": board.watchdog.setup, "watchdog.feed": board.watchdog.feed}
        if not board.watchdog.feed:
            raise _refuse("watchdog.feed", "one store at least is expected")
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
        if not any(low <= region.origin and region.end <= high for low, high in _MEMORIES):
            raise _refuse(f"{field}.origin", "a Cortex-M has memory below 0x4000_0000 and from "
                          "0x6000_0000 to 0x9FFF_FFFF, devices elsewhere")
    if board.flash.origin % _VECTORS:
        raise _refuse("flash.origin", f"vectors begin there: an alignment of {_VECTORS} is "
                      "expected")
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
    for field in ("baud", "baud_register"):
        if not 0 < getattr(board.uart, field) <= WORD:
            raise _refuse(f"uart.{field}", "1 to 2^32 - 1 is expected")


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
    """A machine's name alone: behind a comma QEMU takes options that read and write files."""
    if board.qemu is None:
        return
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]{0,63}", board.qemu.machine):
        raise _refuse("qemu.machine", f"{board.qemu.machine!r:.80} is not the name of a machine")
    if not 0 <= board.qemu.icount_shift <= 10:
        raise _refuse("qemu.icount_shift", "a shift of 0 to 10 is expected")
    if not 0 < board.qemu.tick_ns < math.inf:
        raise _refuse("qemu.tick_ns", "a positive number is expected")


def _check_program(board: Board) -> None:
    if not board.program.command or not board.program.command[0]:
        raise _refuse("program.command", "a program and its arguments are expected")
    for i, part in enumerate(board.program.command):
        _check_marks(f"program.command[{i}]", part)
        if not part.isprintable():
            raise _refuse(f"program.command[{i}]", "printable text is expected")
    if "{" in board.program.command[0]:
        raise _refuse("program.command[0]", "the name of a program is expected")
    _check_marks("program.note", board.program.note)
    _check_line("program.note", board.program.note)
    for i, usb in enumerate(board.program.usb):
        if not re.fullmatch("[0-9a-f]{4}:[0-9a-f]{4}", usb):
            raise _refuse(f"program.usb[{i}]", f"{usb!r:.80} is not VID:PID, as in 0d28:0204")


def _check_marks(field: str, text: str) -> None:
    if re.search(r"[{}]", _filled(text, {"{elf}": "", "{hex}": ""})):
        raise _refuse(field, "in braces stand {elf} and {hex} alone")


_CHECKS = (_check_names, _check_core, _check_words, _check_memory, _check_stack, _check_ring,
           _check_uart, _check_counters, _check_reset_cause, _check_qemu, _check_program)

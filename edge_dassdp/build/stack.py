"""A static bound of the stack: the deepest call path, plus one interrupt on top of it, plus the
exceptions after which the program goes on.

Frames are GCC's own (-fcallgraph-info=su); library and assembly functions, which bring none, are
read from the disassembly, and so are all calls, so that nothing linked is missed: an assembly
function counts with all that it pushes and what it branches to. A call through a pointer may reach
every function whose address is taken anywhere outside the vector table, unless the sources tell
which (edge_dassdp.build.callees). A function dassdp_rom_... calls the chip's boot ROM alone, which
brings no listing: it lowers the stack once itself by what that takes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.relocation import RelocationSection

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.callees import callees
from edge_dassdp.build.compile import Firmware
from edge_dassdp.build.elf import opened, read_symbols
from edge_dassdp.build.tools import ARM_HELP, ARM_PREFIX, failed, find_tool, run

VECTORS = "dassdp_vectors"
_ROM = "dassdp_rom_"
_N_SYSTEM_VECTORS = 16
_NMI, _HARD_FAULT, _BUS_FAULT = 2, 3, 5
_R_ARM_ABS32 = 2

_CI_NODE = re.compile(r'title: "(?:[^":]*:)?([^"]+)" label: "[^"]*\\n(\d+) bytes \(([a-z,]+)\)')
_HEADER = re.compile(r"^([0-9a-f]+) <(.+)>:$")
_INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\t(\S+)(?:\t([^@]*))?")
_BRANCH = re.compile(r"^(?:bl|b(?:eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al)?)(?:\.[nw])?$")
_TARGET = re.compile(r"^([0-9a-f]+) <")
_MOVED_SP = re.compile(r"^(?:mov|add|sub)\S* sp,(?: sp,)? (?!#|sp)")
_REGISTERS = re.compile(r"\{(.*)\}")


@dataclass(frozen=True)
class StackBound:
    """`bytes` cover `path` (names, reset first) interrupted at its deepest by `isr_path`, and that
    by each exception of the system that returns."""

    bytes: int
    path: tuple[str, ...]
    path_bytes: int
    isr_path: tuple[str, ...]
    isr_bytes: int


@dataclass
class _Function:
    """A linked function: frame in bytes and the addresses that it calls or jumps to."""

    name: str
    frame: int = 0
    targets: set[int] = field(default_factory=set)
    is_indirect: bool = False
    is_dynamic: bool = False


def stack_bound(firmware: Firmware) -> StackBound:
    """The static stack bound of a firmware, in bytes.

    Raises EdgeError E302 if a function calls itself, directly or not, or has a frame whose size
    is only known when it runs; E301 without arm-none-eabi-objdump.
    """
    functions, reset, handlers, returning = _linked(firmware)
    depths: dict[int, tuple[int, tuple[str, ...]]] = {}
    path_bytes, path = _depth(reset, functions, depths, ())
    isr_bytes, isr_path = max((_depth(h, functions, depths, ()) for h in sorted(handlers)),
                              default=(0, ()))
    on_top = [isr_bytes] * bool(handlers) + [
        _depth(h, functions, depths, ())[0] for h in sorted(returning)]
    total = path_bytes + sum(firmware.board.exception_frame + n_bytes for n_bytes in on_top)
    return StackBound(total, path, path_bytes, isr_path, isr_bytes)


def stack_depth(firmware: Firmware, name: str) -> int:
    """Bytes of the deepest path that starts with the linked function `name`, its frame included.

    Raises EdgeError as stack_bound does, and KeyError where no function has that name.
    """
    functions, _, _, _ = _linked(firmware)
    addresses = [a for a, function in functions.items() if function.name == name]
    if not addresses:
        raise KeyError(name)
    return max(_depth(address, functions, {}, ())[0] for address in addresses)


def _linked(firmware: Firmware) -> tuple[dict[int, _Function], int, set[int], set[int]]:
    """Functions by address with frames and all targets, the reset and the interrupt handlers, and
    those of the system's exceptions that return."""
    functions = _disassemble(firmware.elf)
    frames = _compiler_frames(firmware.directory)
    for function in functions.values():
        if function.name in frames:
            function.frame = frames[function.name]
        elif function.is_dynamic:
            raise _unbounded(f"the frame of {function.name} has no fixed size")
    reset, handlers, returning, pointers = _entries(firmware.elf, functions)
    known = callees(firmware.directory)
    for function in functions.values():
        if function.is_indirect and not function.name.startswith(_ROM):
            named = known.get(function.name.partition(".")[0])
            function.targets |= {p for p in pointers if named is None or functions[p].name in named}
    return functions, reset, handlers, returning


def _depth(address: int, functions: dict[int, _Function],
           depths: dict[int, tuple[int, tuple[str, ...]]],
           callers: tuple[int, ...]) -> tuple[int, tuple[str, ...]]:
    """Bytes and names of the deepest path that starts with the function at `address`."""
    if address in callers:
        circle = (*callers[callers.index(address):], address)
        raise _unbounded("the firmware recurses, its stack has no bound",
                         " -> ".join(functions[a].name for a in circle))
    if address not in depths:
        function = functions[address]
        below = [_depth(target, functions, depths, (*callers, address))
                 for target in sorted(function.targets)]
        deepest, path = max(below, default=(0, ()))
        depths[address] = function.frame + deepest, (function.name, *path)
    return depths[address]


def _unbounded(what: str, cause: str = "") -> EdgeError:
    return EdgeError("E302", what, cause=cause,
                     help="a rule of your own must do without; otherwise please report it")


def _compiler_frames(directory: Path) -> dict[str, int]:
    """Frame in bytes of every compiled function, the largest where names repeat."""
    frames: dict[str, int] = {}
    for path in sorted(directory.rglob("*.ci")):
        for name, n_bytes, kind in _CI_NODE.findall(path.read_text(encoding="utf-8")):
            if kind == "dynamic":
                raise _unbounded(f"the frame of {name} has no fixed size")
            frames[name] = max(frames.get(name, 0), int(n_bytes))
    return frames


def _disassemble(elf: Path) -> dict[int, _Function]:
    """Every function of the ELF file by address, frames as its instructions show them."""
    command = [find_tool(ARM_PREFIX + "objdump", ARM_HELP), "-d", "--no-show-raw-insn", str(elf)]
    text = run(command, ARM_HELP)
    with opened(elf) as file:
        known = {s.value & ~1 for s in read_symbols(file) if s.is_function}
    functions: dict[int, _Function] = {}
    jumps: list[tuple[int, str, int]] = []
    start = 0
    for line in text.splitlines():
        if header := _HEADER.match(line):
            address = int(header[1], 16)
            if address in known or not functions:  # else a label inside a function
                start = address
                functions[start] = _Function(header[2])
        elif instruction := _INSTRUCTION.match(line):
            mnemonic, operands = instruction[1], (instruction[2] or "").strip()
            functions[start].frame += _pushed(mnemonic, operands)
            functions[start].is_dynamic |= bool(_MOVED_SP.match(f"{mnemonic} {operands}"))
            if mnemonic in ("blx", "bx") and operands != "lr":
                functions[start].is_indirect = True
            elif _BRANCH.match(mnemonic) and (place := _TARGET.match(operands)):
                jumps.append((start, mnemonic, int(place[1], 16)))
    if known - functions.keys():
        raise failed(command, f"its listing lacks functions of {elf.name}", ARM_HELP)
    starts = sorted(functions)
    for source, mnemonic, target in jumps:  # libgcc jumps into the middle of its neighbours, too
        owner = starts[bisect_right(starts, target) - 1]
        if owner != source or (mnemonic == "bl" and target == source):
            functions[source].targets.add(owner)
    return functions


def _pushed(mnemonic: str, operands: str) -> int:
    """Bytes by which one instruction lowers the stack pointer."""
    base = mnemonic.partition(".")[0]
    is_push = base in ("push", "vpush") or (base in ("stmdb", "vstmdb")
                                            and operands.startswith("sp!"))
    if is_push and (registers := _REGISTERS.search(operands)):
        return _n_registers(registers[1]) * (8 if registers[1].startswith("d") else 4)
    if base in ("sub", "subw") and (match := re.match(r"sp,(?: sp,)? #(\d+)$", operands)):
        return int(match[1])
    if base in ("str", "strd") and (match := re.search(r"\[sp, #-(\d+)\]!$", operands)):
        return int(match[1])
    return 0


def _n_registers(registers: str) -> int:
    count = 0
    for part in registers.split(","):
        first, _, last = part.strip().partition("-")
        count += int(last[1:]) - int(first[1:]) + 1 if last else 1
    return count


def _entries(elf: Path, functions: dict[int, _Function]
             ) -> tuple[int, set[int], set[int], set[int]]:
    """Address of the reset handler, of the interrupt handlers, of what handles NMI and bus fault
    if that of other faults does not, and of functions pointed to."""
    with opened(elf) as file:
        text, relocations = map(file.get_section_by_name, (".text", ".rel.text"))
        assert text is not None and isinstance(relocations, RelocationSection)
        start, data = text["sh_addr"], text.data()
        [vectors] = [s for s in read_symbols(file) if s.name == VECTORS]
        first = vectors.value - start
        words = [int.from_bytes(data[i:i + 4], "little") & ~1
                 for i in range(first, first + vectors.bytes, 4)]
        offsets = [r["r_offset"] - start for r in relocations.iter_relocations()
                   if r["r_info_type"] == _R_ARM_ABS32]
        pointers = {int.from_bytes(data[i:i + 4], "little") & ~1 for i in offsets
                    if not 0 <= i - first < vectors.bytes}
    returning = {words[_NMI], words[_BUS_FAULT]} - {words[_HARD_FAULT]}
    return words[1], set(words[_N_SYSTEM_VECTORS:]) - {0}, returning, pointers & functions.keys()

"""A Cortex-M in this process, by Unicorn: call a symbol of an ELF, count every instruction."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from pathlib import Path

import numpy as np
import unicorn as uc
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from numpy.typing import NDArray
from unicorn import arm_const as reg

from counting.build import CORES, Image
from counting.cases import Array, Case, Outcome, Struct, scalar_bytes
from counting.cycles import MODELS, Model
from counting.thumb import fill_skipped
from edge_dassdp.base.errors import EdgeError

PAGE = 0x1000
ARENA, ARENA_BYTES = 0x60000000, 64 << 20
STACK, STACK_BYTES = 0x70000000, 1 << 20
RETURN = 0x74000000
CODE_BYTES = 16 << 20
LIMIT = 500_000_000
_CPU = {"M0": reg.UC_CPU_ARM_CORTEX_M0, "M3": reg.UC_CPU_ARM_CORTEX_M3,
        "M4": reg.UC_CPU_ARM_CORTEX_M4, "M7": reg.UC_CPU_ARM_CORTEX_M7,
        "M33": reg.UC_CPU_ARM_CORTEX_M33}
_ARGUMENTS = (reg.UC_ARM_REG_R0, reg.UC_ARM_REG_R1, reg.UC_ARM_REG_R2, reg.UC_ARM_REG_R3)


class Machine:
    """An ELF in memory; its static variables live on from call to call.

    Segments are written where they run (.data needs no start-up code) and nothing is executed
    before the first call. Unicorn checks no instruction against the core's set: the compiler's
    -mcpu does. Floating point is off. watches_constants: `n_constants` counts reads from where the
    code lies, which takes time. Raises EdgeError E105 for a core Unicorn does not have.
    """

    def __init__(self, elf: Path, core: str, watches_constants: bool = False) -> None:
        if core not in _CPU:
            raise EdgeError("E105", f"Unicorn has no {core}", help="count it with run_qemu")
        self._uc = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(_CPU[core])
        self._uc.mem_map(ARENA, ARENA_BYTES)
        self._uc.mem_map(STACK, STACK_BYTES)
        self._uc.mem_map(RETURN, PAGE)
        self._next = ARENA
        self._placed: dict[int, tuple[int, Array | Struct]] = {}
        self._model = Model(core) if core in MODELS else None
        self._trace, self._skipped = np.empty(0, np.uint32), np.empty(0, np.bool_)
        self._executed = array("I")
        self.symbols = self._load(elf)
        self._uc.hook_add(uc.UC_HOOK_CODE, self._on_code)
        self.n_constants = 0
        if watches_constants:
            code = CORES[core].code
            self._uc.hook_add(uc.UC_HOOK_MEM_READ, self._on_constant, None, code,
                              code + CODE_BYTES - 1)

    def _load(self, elf: Path) -> dict[str, int]:
        mapped: set[int] = set()
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            for segment in file.iter_segments("PT_LOAD"):
                first = segment["p_vaddr"] // PAGE
                last = (segment["p_vaddr"] + max(segment["p_memsz"], 1) - 1) // PAGE
                for page in sorted(set(range(first, last + 1)) - mapped):
                    self._uc.mem_map(page * PAGE, PAGE)
                    mapped.add(page)
                self._uc.mem_write(segment["p_vaddr"], segment.data())
            table = file.get_section_by_name(".symtab")
            assert isinstance(table, SymbolTableSection)
            return {s.name: s["st_value"] for s in table.iter_symbols()
                    if s.name and s["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE")
                    and not s.name.startswith("$")}

    def _on_code(self, _uc: uc.Uc, address: int, _size: int, _data: object) -> None:
        self._executed.append(address)

    def _on_constant(self, *_: object) -> None:
        self.n_constants += 1

    def place(self, value: Array | Struct) -> int:
        """Address of an array's or struct's buffer, written the first time this object comes."""
        known = self._placed.get(id(value))
        if known:
            return known[0]
        size = value.nbytes if isinstance(value, np.ndarray) else value.size()
        address, self._next = self._next, self._next + -(-size // 32) * 32 + 32
        self._placed[id(value)] = address, value
        if isinstance(value, np.ndarray):
            self.write(address, value)
        else:
            for offset, field in value.layout():
                pointer = isinstance(field, np.ndarray | Struct)
                field = self.place(field) if pointer else field
                self._uc.mem_write(address + offset, scalar_bytes(field))
        return address

    def write(self, address: int, values: Array) -> None:
        """Store an array's bytes at an address (as a symbol's, from `symbols`)."""
        self._uc.mem_write(address, np.ascontiguousarray(values).tobytes())

    def read(self, address: int, like: Array) -> Array:
        """An array of `like`'s shape and dtype from memory."""
        data = bytes(self._uc.mem_read(address, like.nbytes))
        return np.frombuffer(data, like.dtype).reshape(like.shape).copy()

    def call(self, function: str, *args: int | Array | Struct) -> tuple[int, int, int | None]:
        """Call a function: r0, instructions, modelled cycles (None without a model).

        Raises EdgeError E105 for an unknown symbol and E404 where it faults or does not return.
        """
        if function not in self.symbols:
            raise EdgeError("E105", f"the image has no symbol {function}")
        words = [a if isinstance(a, int | np.integer) else self.place(a) for a in args]
        for register, word in zip(_ARGUMENTS, words, strict=False):
            self._uc.reg_write(register, int(word) & 0xFFFFFFFF)
        stack = STACK + STACK_BYTES - -(-max(len(words) - 4, 0) // 2) * 8
        self._uc.mem_write(stack, b"".join(scalar_bytes(int(w)) for w in words[4:]))
        self._uc.reg_write(reg.UC_ARM_REG_SP, stack)
        self._uc.reg_write(reg.UC_ARM_REG_LR, RETURN | 1)
        self._executed, self.n_constants = array("I"), 0
        try:
            self._uc.emu_start(self.symbols[function] | 1, RETURN, count=LIMIT)
        except uc.UcError as error:
            raise EdgeError("E404", f"{function} faulted at {self._pc():#x}: {error}") from error
        if self._pc() != RETURN:
            raise EdgeError("E404", f"{function} did not return within {LIMIT} instructions")
        executed = np.frombuffer(self._executed, np.uint32)
        self._trace, self._skipped = fill_skipped(executed, self._code)
        cycles = None if self._model is None else self.cycles(self._model)
        return self._uc.reg_read(reg.UC_ARM_REG_R0), len(self._trace), cycles

    def cycles(self, model: Model) -> int:
        """Of the last call, by the model of a core with the same instructions."""
        return model.cycles(self._trace, self._skipped, self._code, RETURN)

    def trace(self) -> NDArray[np.uint32]:
        """Addresses (n,) of the instructions of the last call, in order, skipped ones too."""
        return self._trace

    def profile(self) -> dict[str, int]:
        """Instructions of the last call by the symbol they lie under, most first."""
        starts = sorted((value & ~1, name) for name, value in self.symbols.items())
        where, counts = np.unique(self.trace(), return_counts=True)
        found: Counter[str] = Counter()
        for address, count in zip(where.tolist(), counts.tolist(), strict=True):
            found[starts[bisect_right(starts, (address, "\U0010ffff")) - 1][1]] += count
        return dict(found.most_common())

    def _code(self, address: int, count: int) -> bytes:
        return bytes(self._uc.mem_read(address, count))

    def _pc(self) -> int:
        return int(self._uc.reg_read(reg.UC_ARM_REG_PC)) & ~1


def run_unicorn(image: Image, cases: list[Case]) -> list[Outcome]:
    """Run the cases in order on one machine. Raises EdgeError as Machine does."""
    machine = Machine(image.elf, image.core.name)
    outcomes = []
    for case in cases:
        result, instructions, cycles = machine.call(case.function, *case.args)
        arrays = tuple(machine.read(machine.place(a), a) for a in case.arrays()
                       if a.flags.writeable)
        outcomes.append(Outcome(case.name, instructions, cycles, result, arrays))
    return outcomes

"""The same cases as a bare-metal program in QEMU: for the M55, and to check Unicorn by.

The program is bare.S and bare.c with a generated table of calls. `-icount` makes one instruction
2**SHIFT ns of virtual time, SysTick counts it at the machine's clock, and the program writes ticks
and arrays to a file by semihosting. Two functions of known length calibrate the probe.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from numpy.typing import NDArray

from counting.build import Core, compile_objects, link
from counting.cases import (
    Array,
    Case,
    Outcome,
    Struct,
    Value,
    scalar_bytes,
    unique_arrays,
    unique_structs,
)
from edge_dassdp.base.errors import EdgeError

SHIFT = 7
TIMEOUT_S = 300
_HERE = Path(__file__).parent
_EXECUTED = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", re.MULTILINE)
_CALIBRATION = [Case("1 instruction", "counting_nothing"),
                Case("1000 instructions", "counting_thousand")]


def run_qemu(core: Core, objects: list[Path], cases: list[Case]) -> list[Outcome]:
    """Link `objects` with the measuring program, run the cases in order, without cycles.

    One call may take about 5 million instructions, a lap of SysTick. Raises EdgeError E105 for a
    core without a machine, E301 without QEMU, E404 where the program faults, a call is too long,
    or the counter does not count as calibrated.
    """
    cases = [*_CALIBRATION, *cases]
    with tempfile.TemporaryDirectory() as temporary:
        elf = _program(core, objects, cases, Path(temporary))
        raw = _run(core, elf, Path(temporary))
    return _parse(core, cases, raw)


def trace_qemu(core: Core, objects: list[Path], cases: list[Case], folder: Path
               ) -> tuple[Path, NDArray[np.uint32]]:
    """The program, linked in `folder`, and the addresses (n,) of the instructions that the last
    case executed, in order. Raises EdgeError as run_qemu does."""
    elf = _program(core, objects, cases, folder)
    log = folder / "executed.log"
    _run(core, elf, folder, "-singlestep", "-d", "exec,nochain", "-D", str(log))
    executed = np.array([int(at, 16) for at in _EXECUTED.findall(log.read_text())], np.uint32)
    with elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        start, probe, behind = (table.get_symbol_by_name(name)[0]["st_value"] & ~1 for name in
                                (cases[-1].function, "counting_probe", "counting_nothing"))
    last = executed[np.flatnonzero(executed == probe)[-1]:]
    last = last[np.flatnonzero(last == start)[0]:]
    returned = np.flatnonzero((last >= probe) & (last < behind))
    return elf, last[:returned[0]]


def _program(core: Core, objects: list[Path], cases: list[Case], folder: Path) -> Path:
    if core.machine is None:
        raise EdgeError("E105", f"no QEMU machine for the {core.name}")
    if shutil.which("qemu-system-arm") is None:
        raise EdgeError("E301", "qemu-system-arm is not on PATH",
                        help="apt-get install qemu-system-arm")
    _write_table(cases, folder)
    program = compile_objects(core, [_HERE / "bare.S", _HERE / "bare.c", folder / "table.S"],
                              folder / "bare", include=[folder])
    return link(core, [*program, *objects], folder / "bare.elf").elf


def _run(core: Core, elf: Path, folder: Path, *options: str) -> bytes:
    command = ["qemu-system-arm", "-M", str(core.machine), "-display", "none", "-monitor", "none",
               "-serial", "none", "-icount", f"shift={SHIFT},sleep=off",
               "-semihosting-config", "enable=on,target=native", *options, "-kernel", str(elf)]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False,
                              timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise EdgeError("E404", f"no end of the program after {TIMEOUT_S} s") from error
    if done.returncode:
        raise EdgeError("E404", f"the measuring program ended with {done.returncode}",
                        cause=done.stderr, help="1: a fault, 2: the result file")
    return (folder / "outcome.bin").read_bytes()


def _parse(core: Core, cases: list[Case], raw: bytes) -> list[Outcome]:
    ticks_each = Fraction(2 ** SHIFT * core.clock_hz, 10 ** 9)
    outcomes: list[Outcome] = []
    offset, empty = 0, None
    for case in cases:
        ticks, result, control = struct.unpack_from("<3I", raw, offset)
        offset += 12
        if control >> 16 & 1:
            raise EdgeError("E404", f"{case.name} takes more than a lap of SysTick")
        arrays = []
        for like in _written(case):
            values = np.frombuffer(raw, like.dtype, like.size, offset).reshape(like.shape)
            arrays.append(values.copy())
            offset += like.nbytes
        empty = ticks if empty is None else empty
        outcomes.append(Outcome(case.name, 1 + round((ticks - empty) / ticks_each), None, result,
                                tuple(arrays)))
    if (found := outcomes[1].instructions) != 1000:
        raise EdgeError("E404", f"{core.machine} counts {found} instructions where there are 1000")
    return outcomes[2:]


def _written(case: Case) -> list[Array]:
    return [a for a in case.arrays() if a.flags.writeable]


def _write_table(cases: list[Case], folder: Path) -> None:
    """table.S: buffers, structs, calls, blocks to write back, and counting_table."""
    everything = tuple(value for case in cases for value in case.args)
    arrays, structs = unique_arrays(everything), unique_structs(everything)
    names = {id(a): f"array{i}" for i, a in enumerate(arrays)}
    names |= {id(s): f"struct{i}" for i, s in enumerate(structs)}
    lines = [".syntax unified", ".data"]
    for number, values in enumerate(arrays):
        (folder / f"array{number}.bin").write_bytes(np.ascontiguousarray(values).tobytes())
        lines += [".balign 32", f"array{number}:", f'.incbin "array{number}.bin"']
    for number, record in enumerate(structs):
        lines += [".balign 32", f"struct{number}:", *_struct_lines(record, names)]
    lines += ['.section .rodata, "a"', ".balign 4"]
    for number, case in enumerate(cases):
        words = [_word(a, names) for a in case.args]
        words += ["0"] * (4 - len(words))
        lines += [f"call{number}:", f".word {case.function}, {len(words)}",
                  *(f".word {w}" for w in words), f"blocks{number}:",
                  *(f".word {names[id(a)]}, {a.nbytes}" for a in _written(case)), ".word 0"]
    lines += [".global counting_table", "counting_table:",
              *(f".word call{n}, blocks{n}" for n in range(len(cases))), ".word 0, 0"]
    (folder / "table.S").write_text("\n".join(lines) + "\n")


def _struct_lines(record: Struct, names: dict[int, str]) -> list[str]:
    lines, end = [], 0
    for offset, field in record.layout():
        lines.append(f".space {offset - end}")
        if isinstance(field, np.generic):
            lines.append(".byte " + ", ".join(map(str, scalar_bytes(field))))
        else:
            lines.append(f".word {_word(field, names)}")
        end = offset + (field.itemsize if isinstance(field, np.generic) else 4)
    return lines


def _word(value: Value, names: dict[int, str]) -> str:
    if isinstance(value, np.ndarray | Struct):
        return names[id(value)]
    return str(int(value) & 0xFFFFFFFF)

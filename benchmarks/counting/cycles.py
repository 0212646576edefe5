"""Modelled cycles of executed Thumb code. A model, not a measurement.

From the instruction tables of Arm's Technical Reference Manuals of the Cortex-M0 (DDI 0432, table
3-1), M0+ (DDI 0484, table 3-1), M3 (DDI 0337, table 3-1 and the load/store timings) and M4 (100166,
the same). Assumptions:

- zero wait states everywhere, no bus contention, no interrupt, aligned accesses;
- a pipeline refill takes P = 2 cycles (the manuals say 1 to 3), so a taken branch takes 3; on the
  M0+, whose pipeline has two stages, 1;
- M0: the single-cycle multiplier; load, store 2; LDM, STM, PUSH, POP 1 + n, POP {pc} 4 + n;
  taken branch 3, BL 4; MRS, MSR and barriers 4;
- M0+: the same but for taken branch 2, BL 3, POP {pc} 3 + n; MRS, MSR and barriers 3;
- M3, M4: a load 2, or 1 right behind a load whose result is not in its address; a store with an
  immediate offset 1, with a register offset 2, or 1 right behind such a load; nothing is
  pipelined behind a store; LDM, STM 1 + n, LDRD, STRD 3, LDR pc and TBB 4;
- multiplications 1 on the M4; on the M3 MLA and MLS 2, SMULL 5, SMLAL 7; divisions 12: where the
  manuals give a range that depends on the operands, its upper end;
- IT costs 1, and so does each instruction that it skips;
- no stall for an address computed by the instruction before, none for a literal load.

M7 (dual issue), M33 and M55 have no published table of this kind and so no model here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import capstone as cs
import numpy as np
from capstone import arm
from numpy.typing import NDArray

from counting.thumb import Read

REFILL = 2
_BRANCHES = {arm.ARM_INS_B, arm.ARM_INS_BX, arm.ARM_INS_CBZ, arm.ARM_INS_CBNZ}
_CALLS = {arm.ARM_INS_BL, arm.ARM_INS_BLX}
_TABLE = {arm.ARM_INS_TBB, arm.ARM_INS_TBH}
_MULTIPLE = {arm.ARM_INS_LDM, arm.ARM_INS_LDMDB, arm.ARM_INS_STM, arm.ARM_INS_STMDB,
             arm.ARM_INS_PUSH, arm.ARM_INS_POP}
_DOUBLE = {arm.ARM_INS_LDRD, arm.ARM_INS_STRD}
_LOADS = {arm.ARM_INS_LDR, arm.ARM_INS_LDRB, arm.ARM_INS_LDRH, arm.ARM_INS_LDRSB,
          arm.ARM_INS_LDRSH}
_STORES = {arm.ARM_INS_STR, arm.ARM_INS_STRB, arm.ARM_INS_STRH}
_M3_COSTS = {arm.ARM_INS_MLA: 2, arm.ARM_INS_MLS: 2, arm.ARM_INS_SMULL: 5, arm.ARM_INS_UMULL: 5,
             arm.ARM_INS_SMLAL: 7, arm.ARM_INS_UMLAL: 7}
_DIVISIONS = {arm.ARM_INS_SDIV, arm.ARM_INS_UDIV}
_STATUS = {arm.ARM_INS_MRS, arm.ARM_INS_MSR}
_BARRIERS = {arm.ARM_INS_DMB, arm.ARM_INS_DSB, arm.ARM_INS_ISB}
MODELS = {"M0": "Cortex-M0 table, zero wait states",
          "M0+": "Cortex-M0+ table, zero wait states",
          "M3": "Cortex-M3 table, zero wait states",
          "M4": "Cortex-M4 table, zero wait states"}


@dataclass(frozen=True)
class Op:
    """A decoded instruction: what the model needs of it.

    base: cycles when the next instruction in memory follows; refill: more when another does;
    pipelines: one cycle less behind a load that does not change a register of `address` (a mask);
    loads: mask of the registers a single load writes, 0 for all else.
    """

    size: int
    base: int
    refill: int
    pipelines: bool
    loads: int
    address: int


class Model:
    """The cycles of one core. Raises ValueError for a core without a model."""

    def __init__(self, core: str) -> None:
        if core not in MODELS:
            raise ValueError(f"no cycle model of the {core}")
        self.name = MODELS[core]
        self.core = core
        self._decoder = cs.Cs(cs.CS_ARCH_ARM, cs.CS_MODE_THUMB | cs.CS_MODE_MCLASS)
        self._decoder.detail = True
        self._ops: dict[int, Op] = {}

    def cycles(self, trace: NDArray[np.uint32], skipped: NDArray[np.bool_], read: Read,
               end: int) -> int:
        """Cycles of addresses (n,) in order, some only skipped (n,), before one goes on at `end`.

        `read(address, 4)` gives code. Operations are kept per address: a Model serves one image
        that does not change.
        """
        addresses, index = np.unique(trace, return_inverse=True)
        ops = [self._op(int(a), read) for a in addresses]
        size, base, refill, pipelines, loads, address = (
            np.array(column, np.int64)[index] for column in
            zip(*((o.size, o.base, o.refill, o.pipelines, o.loads, o.address) for o in ops),
                strict=True))
        following = np.append(trace[1:].astype(np.int64), end)
        base[skipped] = 1
        loads[skipped] = 0
        pipelines[skipped] = 0
        jumped = following != trace.astype(np.int64) + size
        behind_load = (loads[:-1] != 0) & (loads[:-1] & address[1:] == 0) & ~jumped[:-1]
        saved = pipelines[1:] * behind_load
        return int(base.sum() + (refill * jumped).sum() - saved.sum())

    def _op(self, address: int, read: Read) -> Op:
        op = self._ops.get(address)
        if op is None:
            code = read(address, 4)
            instruction = next(self._decoder.disasm(code, address, 1), None)
            if instruction is None:
                raise ValueError(f"no instruction at {address:#x}: {code.hex()}")
            decode = _m3_m4 if self.core in ("M3", "M4") else _m0
            op = self._ops[address] = decode(instruction, self.core)
        return op


def _m0(instruction: Any, core: str) -> Op:
    kind, size = instruction.id, instruction.size
    refill = REFILL if core == "M0" else 1
    if kind in _MULTIPLE:
        return Op(size, 1 + _listed(instruction), refill + 1, False, 0, 0)
    if kind in _CALLS:
        bl = kind == arm.ARM_INS_BL
        return Op(size, 2 + refill if bl else 1, 0 if bl else refill, False, 0, 0)
    base = 2 if kind in _LOADS | _STORES else 2 + refill if kind in _STATUS | _BARRIERS else 1
    return Op(size, base, refill, False, 0, 0)


def _m3_m4(instruction: Any, core: str) -> Op:
    kind, size = instruction.id, instruction.size
    if instruction.mnemonic.startswith("v"):
        raise ValueError(f"the model holds no floating-point {instruction.mnemonic}")
    if kind in _LOADS | _STORES:
        return _single(instruction)
    if kind in _MULTIPLE:
        base = 1 + _listed(instruction)
    elif kind in _DOUBLE:
        base = 3
    elif kind in _TABLE | _STATUS:
        base = 2
    elif kind in _DIVISIONS:
        base = 12
    else:
        base = _M3_COSTS.get(kind, 1) if core == "M3" else 1
    return Op(size, base, REFILL, False, 0, 0)


def _single(instruction: Any) -> Op:
    target = instruction.operands[0].reg
    memory = next(o.mem for o in instruction.operands if o.type == arm.ARM_OP_MEM)
    address = _mask(memory.base) | _mask(memory.index)
    load = instruction.id in _LOADS
    base = 1 if not load and not memory.index else 2
    pipelines = base == 2 and target != arm.ARM_REG_PC
    loads = _mask(target) if load and target != arm.ARM_REG_PC else 0
    return Op(instruction.size, base, REFILL, pipelines, loads, address)


def _mask(register: int) -> int:
    # R13 to R15 have numbers of their own in Capstone, as bits they only have to differ.
    if not register:
        return 0
    number = register - arm.ARM_REG_R0
    return 1 << (number if 0 <= number <= 12 else 13 + register)


def _listed(instruction: Any) -> int:
    registers = sum(o.type == arm.ARM_OP_REG for o in instruction.operands)
    return registers - (instruction.id not in (arm.ARM_INS_PUSH, arm.ARM_INS_POP))

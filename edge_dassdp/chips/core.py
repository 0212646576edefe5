"""Registers of the Cortex-M cores themselves, which vendors' files leave out or vary.

Source: Arm's Armv6-M, Armv7-M and Armv8-M reference manuals; of each what firmware here may touch.
"""

from __future__ import annotations

from edge_dassdp.chips.chip import Chip, Field, Peripheral, Register

FIRST = 0xE000_0000
"""Addresses from here on are the core's."""


def _bits(**places: tuple[int, int] | int) -> tuple[Field, ...]:
    """Fields by name: a bit, or the lowest of several and their number."""
    return tuple(Field(name, place, 1) if isinstance(place, int) else Field(name, *place)
                 for name, place in places.items())


def _register(name: str, address: int, fields: tuple[Field, ...], access: str = "read-write",
              reset: int = 0) -> Register:
    return Register(name, address, access, reset, fields)


_SYSTICK = Peripheral("SysTick", 0xE000_E010, (
    _register("CSR", 0xE000_E010, (
        *_bits(ENABLE=0, TICKINT=1, CLKSOURCE=2), Field("COUNTFLAG", 16, 1, "read-only"))),
    _register("RVR", 0xE000_E014, (Field("RELOAD", 0, 24),)),
    _register("CVR", 0xE000_E018, (Field("COUNT", 0, 24, meanings={0: "clear"}),))))
_SCB = Peripheral("SCB", 0xE000_ED00, (
    _register("VTOR", 0xE000_ED08, _bits(TBLOFF=(7, 25))),
    _register("CCR", 0xE000_ED14, _bits(UNALIGN_TRP=3, DIV_0_TRP=4, BFHFNMIGN=8, STKALIGN=9, DC=16,
                                        IC=17, BP=18), reset=0x200),
    _register("SHCSR", 0xE000_ED24, _bits(MEMFAULTENA=16, BUSFAULTENA=17, USGFAULTENA=18)),
    _register("CPACR", 0xE000_ED88, _bits(CP10=(20, 2), CP11=(22, 2)))))
_DCB = Peripheral("DCB", 0xE000_EDF0, (
    _register("DEMCR", 0xE000_EDFC, _bits(VC_CORERESET=0, MON_EN=16, TRCENA=24)),))
_DWT = Peripheral("DWT", 0xE000_1000, (
    _register("CTRL", 0xE000_1000, _bits(CYCCNTENA=0, POSTPRESET=(1, 4), POSTINIT=(5, 4),
                                         CYCTAP=9)),
    _register("CYCCNT", 0xE000_1004, _bits(CYCCNT=(0, 32))),
    _register("LAR", 0xE000_1FB0, (Field("KEY", 0, 32, meanings={0xC5AC_CE55: "unlock"}),),
              "write-only")))
CORE = Chip("Cortex-M", "", "Arm's reference manuals", "", (_SYSTICK, _SCB, _DCB, _DWT))

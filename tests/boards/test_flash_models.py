"""The models of flash controllers demand what the manuals do, and no line of a driver is there for
nothing: without it the model objects."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from support import lanes
from support.chip_flashes import CutError, Flash
from support.chips import CHIPS
from support.flash_program import Driver, changed, driver_text
from support.unicorn_board import flash_of

from edge_dassdp.base.errors import EdgeError

BOARD_OF = {"pages": "nucleo-f103rb", "sectors": "nucleo-f401re", "f7": "nucleo-f767zi",
            "l4": "nucleo-l476rg", "g0": "nucleo-g071rb", "g4": "nucleo-g474re",
            "wb": "nucleo-wb55rg", "u5": "nucleo-u575zi-q", "h7": "nucleo-h743zi",
            "nvmc": "nrf52-dk"}
KEYS = (0x4567_0123, 0xCDEF_89AB)
STM32 = [kind for kind in BOARD_OF if kind != "nvmc"]
DRIVERS = {"stm32_pages": "pages", "stm32_sectors": "sectors", "stm32_ecc": "l4", "stm32_h7": "h7"}


def model(kind: str) -> Flash:
    flash = flash_of(CHIPS[BOARD_OF[kind]])
    assert flash is not None
    return flash


def registers(flash: Flash) -> tuple[int, int, int]:
    """KEYR, SR and CR of the bank that holds the end."""
    more = 0x100 if hasattr(flash, "statuses") else 0
    return tuple(getattr(flash, name) + more for name in ("KEYR", "SR", "CR"))  # type: ignore[return-value]


def last(flash: Flash) -> tuple[int, int]:
    return flash.units()[-1]


def settle(flash: Flash) -> None:
    for _ in range(8):
        flash.read(registers(flash)[1])


@pytest.mark.parametrize("kind", STM32)
@pytest.mark.parametrize("keys", [(KEYS[0],), (KEYS[1], KEYS[0]), (KEYS[0], KEYS[0], KEYS[1]),
                                  (1, *KEYS), (*KEYS, KEYS[0])])
def test_other_keys_open_nothing_until_a_reset(kind: str, keys: tuple[int, ...]) -> None:
    flash = model(kind)
    key, _, control = registers(flash)
    locked = flash.read(control)
    for value in keys[:2] if len(keys) == 1 else keys:
        flash.write(key, value)
    flash.write(control, locked | flash.PG)  # type: ignore[attr-defined]
    if keys != (*KEYS, KEYS[0]):
        assert flash.read(control) == locked
    flash.reset()
    for value in KEYS:
        flash.write(key, value)
    flash.write(control, flash.PG)  # type: ignore[attr-defined]
    assert flash.read(control) & flash.PG  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["l4", "g0", "g4", "wb", "u5"])
def test_a_unit_of_check_bits_is_written_whole_in_order_and_once(kind: str) -> None:
    flash = model(kind)
    key, status, control = registers(flash)
    first, n = last(flash)[0], flash.controller.write
    for value in KEYS:
        flash.write(key, value)
    flash.write(control, 1)

    def flags_of(*stores: tuple[int, int]) -> int:
        for at, n_bytes in stores:
            flash.store(first + at, n_bytes, 0x1234)
            settle(flash)
        found = flash.read(status) & 0xFF
        flash.write(status, 0xFFFF)
        return found

    whole = tuple((at, 4) for at in range(0, n, 4))
    assert flags_of((4, 4), (8, 4)) & 1 << 5, "PGAERR: it begins amid a unit"
    assert flags_of((0, 4), (n, 4)) & 1 << 5, "PGAERR: it goes on elsewhere"
    assert flags_of((0, 2)) & 1 << 6, "SIZERR"
    assert flags_of(*whole) == 1, "EOP"
    assert flags_of(*whole) & 1 << 3, "PROGERR"
    flash.write(control, 0)
    assert flags_of((0, 4)) & 1 << 7, "PGSERR"
    assert flash.commands == [("write", first)]


def test_an_error_that_was_not_cleared_blocks() -> None:
    for kind in ("sectors", "f7", "l4", "g0", "g4", "wb", "u5", "h7"):
        flash = model(kind)
        key, _, control = registers(flash)
        for value in KEYS:
            flash.write(key, value)
        if hasattr(flash, "statuses"):
            flash.statuses[1] = flash.WRPERR  # type: ignore[attr-defined]
        else:
            flash.status = 1 << 4  # type: ignore[attr-defined]
        flash.write(control, flash.PG | 2 << 8)  # type: ignore[attr-defined]
        for at in range(0, 32, 4):
            flash.store(last(flash)[0] + at, 4, 0)
        assert not flash.commands, kind


@pytest.mark.parametrize("kind", BOARD_OF)
def test_bits_go_to_zero_alone_and_a_cut_leaves_a_torn_unit(kind: str) -> None:
    """Where the power goes in a write it was not yet begun, or is done, or neither; on a chip with
    check bits the unit cannot be read then until it is erased."""
    rng = random.Random(4)
    seen, are_unreadable = set(), set()
    for seed in range(12):
        flash = model(kind)
        flash.rng = random.Random(seed)
        first, n_bytes = last(flash)
        n = flash.controller.write
        data = rng.randbytes(n)
        flash.cut_at = 1
        with pytest.raises(CutError):
            flash._program(first, data)
        torn = flash.bytes_at(first, n)
        assert all(a | b == a for a, b in zip(torn, data, strict=True)), "a superset of its bits"
        seen.add("old" if torn == b"\xff" * n else "new" if torn == data else "torn")
        are_unreadable.add(first in flash.unreadable)
        flash.n_busy = flash.cut_at = 0
        flash._erase(first, n_bytes)
        assert flash.bytes_at(first, n_bytes) == b"\xff" * n_bytes and not flash.unreadable
    assert seen == {"old", "new", "torn"}
    has_check_bits = kind in ("l4", "g0", "g4", "wb", "u5", "h7")
    assert are_unreadable == ({False, True} if has_check_bits else {False})


@pytest.mark.parametrize("kind", BOARD_OF)
def test_the_program_cannot_be_erased(kind: str) -> None:
    flash = model(kind)
    flash.kept = 1 << 14
    with pytest.raises(AssertionError, match="the program"):
        flash._erase(*flash.units()[0])


def without(text: str) -> list[tuple[str, Callable[[str], str]]]:
    """A driver without one store into a register, one wait or one look at the lock."""
    found = []
    for match in re.finditer(r"^ +\*flash_register\([^;]*;|flash_wait\([^;]*?\)(?=[;)]| !=)|"
                             r"flash_unlock\([^;]*?\)(?= !=)|data_cache_off\(DCEN\)(?=;)|"
                             r"^    data_cache_back\(access, DCEN\);", text, re.MULTILINE):
        begin, end = match.span()
        less = "0" if match[0].startswith(("flash_", "data_cache_off")) else "    (void)0;"
        found.append((match[0].strip(), _cut(begin, end, less)))
    return found


def _cut(begin: int, end: int, less: str) -> Callable[[str], str]:
    return lambda text: text[:begin] + less + text[end:]


MUTANTS = [(name, what, edit) for name in DRIVERS for what, edit in without(driver_text(name))]


@pytest.mark.usefixtures("arm_toolchain")
@pytest.mark.parametrize(("driver", "what", "edit"),
                         MUTANTS if lanes.nightly else MUTANTS[::5],
                         ids=lambda value: value if isinstance(value, str) else "")
def test_no_line_of_a_driver_is_there_for_nothing(driver: str, what: str,
                                                  edit: Callable[[str], str]) -> None:
    """All but one do harm in what follows; without a lock at the end it is left open."""
    name = BOARD_OF[DRIVERS[driver]]
    assert _harm(name, edit), f"{driver} without {what} goes unnoticed"


def _harm(name: str, edit: Callable[[str], str]) -> str:
    """What is wrong with a driver, "" if nothing is found."""
    try:
        board = changed(name, erase_ms=1)
        driver = Driver(name, board, edit=edit)
        flash, store = driver.flash, driver.store
        first = store.region.end - store.erase_bytes
        key, _, control = registers(flash)
        if DRIVERS[store.driver] in ("sectors", "l4"):
            flash.registers[0] = flash.registers.get(0, 0) | 1 << 10
        for seed in range(2):
            data = random.Random(seed).randbytes(32)
            _leave_flags(flash)
            if not driver.erase(first) or driver.read(first, 32) != b"\xff" * 32:
                return "erase"
            for at in range(0, 32, store.write_bytes):
                _leave_flags(flash)
                flash.n_busy = 2  # of others
                if not driver.write(first + at, data[at:at + store.write_bytes]):
                    return "write"
            if driver.read(first, 32) != data:
                return "read"
            if not flash.read(control) & flash.LOCK:  # type: ignore[attr-defined]
                return "left open"
        flash.guarded = range(first, first + store.erase_bytes)
        if driver.erase(first) or driver.write(first + 64, data[:store.write_bytes]):
            return "no error told"
        flash.guarded = range(0)
        flash.write(key, 1)
        return "locked for good" if driver.erase(first) else ""
    except (AssertionError, EdgeError) as problem:
        return str(problem) or "fault"


def _leave_flags(flash: Flash) -> None:
    if hasattr(flash, "statuses"):
        flash.statuses = [flash.ERRORS, flash.ERRORS]  # type: ignore[attr-defined]
    else:
        flash.status = getattr(flash, "ERRORS", 0) or 0x14  # type: ignore[attr-defined]

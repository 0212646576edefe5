"""Each flash driver on a model of its controller, made from the vendor's manual: what is erased is
erased, what is written is there, and what the controller refuses is told."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from support.chips import CHIPS
from support.flash_program import Driver, changed
from support.unicorn_board import flash_of

from edge_dassdp.build.board import list_boards, load_board

pytestmark = pytest.mark.usefixtures("arm_toolchain")
BOARDS = [name for name in list_boards() if name in CHIPS and CHIPS[name].controller
          and load_board(name).store]
ECC = [name for name in BOARDS if load_board(name).store.driver in ("stm32_ecc", "stm32_h7")]  # type: ignore[union-attr]


def noise(n_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(n_bytes)


def last_unit(driver: Driver) -> int:
    """The last erase unit of the second slot."""
    return driver.store.region.end - driver.store.erase_bytes


def fill(driver: Driver, address: int, data: bytes) -> bool:
    n = driver.store.write_bytes
    return all(driver.write(address + at, data[at:at + n]) for at in range(0, len(data), n))


def at_rest(driver: Driver) -> bool:
    """The controller is locked, whole units were written, and its data cache is as it was."""
    flash = driver.flash
    fresh = flash_of(CHIPS[driver.board.name])
    assert fresh is not None
    fresh.registers |= {fresh.OPTION: flash.registers.get(fresh.OPTION, 0)} if fresh.OPTION else {}
    flash.read(getattr(flash, "SR", 0))
    return all(flash.registers.get(at, 0) & ~0x30 == value & ~0x30
               for at, value in fresh.registers.items() if at != getattr(flash, "AR", -1))


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_of_a_flash_model_has_slots_of_whole_units(name: str) -> None:
    """Where the chip's erase units lie, behind the program, up to the end of flash or its half."""
    store, flash = load_board(name).store, flash_of(CHIPS[name])
    assert store is not None and flash is not None
    starts = dict(flash.units())
    for at in range(store.origin, store.region.end, store.erase_bytes):
        assert starts[at] == store.erase_bytes
    assert store.base == flash.controller.base
    assert store.write_bytes % flash.controller.write == 0
    assert store.bank_bytes in (0, flash.controller.bank)
    assert load_board(name).flash.end <= store.origin


@pytest.mark.parametrize("name", BOARDS)
def test_what_is_erased_and_written_is_there_and_nothing_else_changes(name: str) -> None:
    driver = Driver(name)
    first, n_bytes = last_unit(driver), driver.store.erase_bytes
    data = noise(96)
    rest = driver.flash.bytes_at(driver.flash.origin, first - driver.flash.origin)
    assert fill(driver, first, noise(96, 2))
    assert driver.read(first, 96) == noise(96, 2)
    assert driver.erase(first) and driver.read(first, 96) == b"\xff" * 96
    assert fill(driver, first, data) and driver.read(first, 96) == data
    assert fill(driver, first + n_bytes - 32, data[:32])
    assert driver.flash.bytes_at(first, n_bytes) == data + b"\xff" * (n_bytes - 128) + data[:32]
    assert driver.flash.bytes_at(driver.flash.origin, first - driver.flash.origin) == rest
    assert at_rest(driver)


@pytest.mark.parametrize("name", BOARDS)
def test_every_unit_of_both_slots_is_found(name: str) -> None:
    driver = Driver(name)
    store = driver.store
    units = range(store.origin, store.region.end, store.erase_bytes)
    for first in units:
        assert driver.erase(first)
    assert driver.flash.commands == [("erase", first) for first in units]


@pytest.mark.parametrize("name", BOARDS)
def test_flags_that_others_left_are_no_failure(name: str) -> None:
    driver = Driver(name)
    first, flash = last_unit(driver), driver.flash
    for errors in (getattr(flash, "ERRORS", 0), 0x14):
        if hasattr(flash, "statuses"):
            flash.statuses = [flash.ERRORS, flash.ERRORS]  # type: ignore[attr-defined]
        elif hasattr(flash, "status"):
            flash.status = errors or 0x14
        assert driver.erase(first)
        assert fill(driver, first, noise(32))
    assert driver.read(first, 32) == noise(32)


@pytest.mark.parametrize("name", [n for n in BOARDS if CHIPS[n].controller.kind != "nvmc"])  # type: ignore[union-attr]
def test_what_the_controller_refuses_is_told_and_is_over_with_it(name: str) -> None:
    """Write protection: of a page, and of what lies in it."""
    driver = Driver(name)
    first, flash = last_unit(driver), driver.flash
    assert fill(driver, first, noise(32))
    flash.guarded = range(first, first + driver.store.erase_bytes)
    assert not driver.erase(first) and not driver.write(first + 64, noise(driver.store.write_bytes))
    assert at_rest(driver)
    flash.guarded = range(0)
    assert driver.read(first, 32) == noise(32)
    assert driver.erase(first) and fill(driver, first, noise(32, 2))
    assert driver.read(first, 32) == noise(32, 2)


@pytest.mark.parametrize("name", [n for n in BOARDS if CHIPS[n].controller.kind != "nvmc"])  # type: ignore[union-attr]
def test_a_controller_that_somebody_locked_for_good_is_told(name: str) -> None:
    """A wrong key, until the next reset."""
    driver = Driver(name)
    first, flash = last_unit(driver), driver.flash
    key = flash.KEYR + (0x100 if hasattr(flash, "statuses") else 0)  # type: ignore[attr-defined]
    flash.write(key, 1)
    assert not driver.erase(first) and not driver.write(first, noise(driver.store.write_bytes))
    assert not flash.commands
    again = Driver(name, flash=flash)
    assert again.erase(first)


@pytest.mark.parametrize("name", [n for n in BOARDS if CHIPS[n].controller.kind != "nvmc"])  # type: ignore[union-attr]
def test_a_controller_that_is_never_done_is_told(name: str) -> None:
    driver = Driver(name, changed(name, erase_ms=1))
    driver.flash.n_busy = 1 << 40
    assert not driver.erase(last_unit(driver))
    assert not driver.write(last_unit(driver), noise(driver.store.write_bytes))


@pytest.mark.parametrize("name", [n for n in BOARDS if CHIPS[n].controller.kind in  # type: ignore[union-attr]
                                  ("pages", "l4", "g0", "g4", "wb", "u5")])
def test_a_unit_that_holds_anything_is_not_written_again(name: str) -> None:
    driver = Driver(name)
    first, n = last_unit(driver), driver.store.write_bytes
    assert driver.write(first, noise(n))
    assert not driver.write(first, noise(n, 2))
    assert driver.read(first, n) == noise(n)
    assert driver.write(first + n, noise(n, 2)), "and that error is over"


@pytest.mark.parametrize("name", [n for n in BOARDS if CHIPS[n].controller.kind in  # type: ignore[union-attr]
                                  ("sectors", "l4", "g4", "wb")])
def test_no_cache_shows_what_was_there(name: str) -> None:
    driver = Driver(name)
    first, flash = last_unit(driver), driver.flash
    flash.registers[0] = flash.registers.get(0, 0) | 1 << 10
    for seed in range(3):
        assert driver.erase(first) and driver.read(first, 32) == b"\xff" * 32
        assert fill(driver, first, noise(32, seed)) and driver.read(first, 32) == noise(32, seed)
    assert flash.registers[0] >> 10 & 1, "it is on as before"


@pytest.mark.parametrize("name", [name for name in BOARDS if load_board(name).store.option])  # type: ignore[union-attr]
def test_option_bytes_otherwise_than_from_the_factory(name: str) -> None:
    """Another unit would be erased than was meant, perhaps the program's: none is."""
    chip, store = CHIPS[name], load_board(name).store
    assert chip.controller is not None and store is not None and store.option is not None
    for bit in (1 << n for n in range(32) if store.option.mask >> n & 1):
        driver = Driver(name, flash=flash_of(replace(chip, controller=replace(
            chip.controller, option=bit))))
        first = store.region.end - store.erase_bytes
        assert not driver.erase(first) and not driver.write(first, noise(store.write_bytes))
        assert not driver.flash.commands and at_rest(driver)


@pytest.mark.parametrize("name", ECC)
def test_a_torn_unit_can_be_asked_for_and_erased(name: str) -> None:
    """NMI or bus fault, nothing runs astray, and the next erase heals it."""
    driver = Driver(name)
    first, n = last_unit(driver), driver.store.write_bytes
    assert fill(driver, first, noise(64))
    driver.flash.unreadable |= {first + n}
    is_fault = load_board(name).bus_fault is not None
    assert driver.n_unreadable(first, 64) == (n // 4 if is_fault else 0)
    if not is_fault:
        assert driver.read(first, n) == noise(64)[:n]
        assert driver.read(first + n, n) != noise(64)[n:2 * n]
    assert driver.port.n_exceptions[5 if is_fault else 2] > 0
    assert driver.erase(first) and driver.n_unreadable(first, 64) == 0
    assert fill(driver, first, noise(64, 2)) and driver.read(first, 64) == noise(64, 2)

"""STM32 boards against a second source that has nothing of the first: modm-devices."""

from __future__ import annotations

import pytest
from support.board_checks import unlike_facts, with_slots
from support.chip_facts import WIRED, chip
from support.modm import CHIPS, device

from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.chips.clocks.stm32_families import STM32


def test_every_stm32_board_is_compared() -> None:
    assert {name for name in list_boards() if WIRED[name].facts.startswith("stm32")} == set(CHIPS)


@pytest.mark.parametrize("name", list_boards())
def test_memory_clock_and_interrupt_are_those_of_the_data_sheet(name: str) -> None:
    assert unlike_facts(name, load_board(name)) == []


@pytest.mark.parametrize("name", CHIPS)
def test_interrupt_pins_and_memory(name: str) -> None:
    board, known, wired = load_board(name), device(name), WIRED[name]
    usart = chip(name).based_at(board.uart.base)[0].name
    assert known.interrupts[usart] == board.uart.irq
    if wired.facts != "stm32f1":  # numbers no functions
        rules = next(rules for family, rules in STM32.items() if chip(name).name.startswith(family))
        assert known.functions[usart, wired.tx, "tx"] == rules.function
        assert known.functions[usart, wired.rx, "rx"] == rules.function
    flash = sum(size for memory, (_, size) in known.memory.items()
                if memory in ("flash", "flash1", "flash2", "flash_ns"))
    assert with_slots(board)[1] == (flash // 2 if name == "nucleo-wb55rg" else flash)
    assert board.ram.end <= known.ram_end(board.ram.origin)


@pytest.mark.parametrize("name", CHIPS)
def test_interrupts_of_the_facts_are_those_of_modm(name: str) -> None:
    """Vendors' SVD files err there, and these were typed after manuals."""
    known = device(name).interrupts
    for peripheral in chip(name).peripherals:
        for interrupt, number in peripheral.interrupts.items():
            assert known.get(interrupt, number) == number

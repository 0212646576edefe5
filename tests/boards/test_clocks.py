"""What the set-up of a board comes to, from reset values on: clock, baud rate, pins, counters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.board_checks import unlike_clocks
from support.chip_facts import WIRED, chip

from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.build.description import Store
from edge_dassdp.chips.clocks.model import running
from edge_dassdp.chips.clocks.registers import Wiring

BOARDS = list_boards()


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_runs_as_it_says(name: str) -> None:
    board = load_board(name)
    found = running(board, chip(name), Wiring(WIRED[name].tx, WIRED[name].rx))
    assert found is not None and not found.objections and not found.notes
    assert found.core_hz == WIRED[name].hz
    assert abs(found.baud / board.uart.baud - 1) < 0.01


@pytest.mark.parametrize("name", BOARDS)
def test_a_user_who_names_no_pins_hears_nothing_either(name: str) -> None:
    found = running(load_board(name), chip(name))
    assert found is not None and not found.objections


def without(name: str, *stores: int) -> list[str]:
    board = load_board(name)
    kept = tuple(store for i, store in enumerate(board.setup) if i not in stores)
    return unlike_clocks(name, replace(board, setup=kept))


MISTAKES = {
    ("stm32f405", 0): "clock of GPIOA is off", ("stm32f405", 1): "clock of the UART is off",
    ("stm32f405", 2): "clock of TIM2 is off", ("stm32f405", 3): "PA9 has function 0",
    ("stm32f405", 4): "PA9 is not in its alternate function",
    ("nucleo-l476rg", 1): "nothing waits until the oscillator",
    ("nucleo-l476rg", 3): "nothing waits until the core runs",
    ("nucleo-f103rb", 2): "PA2 is no alternate push-pull output",
    ("microbit", 0): "waits for ever", ("microbit", 1): "crystal is not started and waited for",
    ("microbit", 2): "idles low", ("microbit", 3): "is no output",
    ("microbit", 4): "buffer is disconnected", ("nrf52840-dk", 0): "debug port",
    ("lm3s6965evb", 4): "nothing waits until the crystal runs",
    ("lm3s6965evb", 7): "clock of the UART is off"}


@pytest.mark.parametrize(("name", "store"), MISTAKES)
def test_a_store_that_is_left_out_is_told(name: str, store: int) -> None:
    assert any(MISTAKES[name, store] in why for why in without(name, store)), without(name, store)


def test_pins_of_a_port_that_has_no_clock_yet_stay_as_they_are() -> None:
    """The order counts: silicon drops stores to what has no clock."""
    board = load_board("stm32f405")
    turned = replace(board, setup=tuple(reversed(board.setup)))
    assert any("PA9" in why for why in unlike_clocks("stm32f405", turned))


def test_rules_begin_from_reset_values() -> None:
    """From zeros, the RXD pin of an nRF52 would be an input, and GPIOA of an STM32L4, too."""
    assert any("RXD" in why for why in without("nrf52840-dk", 5))
    board = load_board("nucleo-l476rg")
    clear = Store(0x4800_0000, 0, 0xF0)
    assert unlike_clocks("nucleo-l476rg", replace(board, setup=(*board.setup, clear)))


def test_what_is_not_followed_is_said() -> None:
    board = load_board("stm32f405")
    on_pll = (Store(0x4002_3800, 1 << 24, 1 << 24), Store(0x4002_3800, 1 << 25, 1 << 25, True),
              Store(0x4002_3808, 2, 3), Store(0x4002_3808, 8, 0xC, True))
    found = running(replace(board, setup=(*on_pll, *board.setup)), chip("stm32f405"))
    assert found is not None and found.core_hz == 0
    assert any("PLL" in note for note in found.notes)

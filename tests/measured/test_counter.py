"""What ticks are called: cycles only where a core counts them, and nothing that cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_dassdp.build.board import Board, Counter, Store, list_boards, load_board
from edge_dassdp.measured.counter import Ticks, counts_cycles, ticks_of
from edge_dassdp.wire.info import DeviceInfo
from edge_dassdp.wire.messages import MESSAGES

SYSTICK = Counter("systick", 0xE000_E018, 24, (Store(0xE000_E010, 5),), down=True)


def ticks(board: Board | None, counter_idx: int, *timed: tuple[int, float],
          bits: int = 32) -> Ticks:
    layout = MESSAGES["HELLO"].response
    hello = layout.unpack(bytes(layout.n_bytes)) | {
        "counter_idx": counter_idx, "reading_ticks": 2, "tick_bits": bits}
    return ticks_of(board, DeviceInfo.of(hello), timed or [(16_000, 0.01)])


def test_dwt_counts_cycles() -> None:
    found = ticks(load_board("stm32f405"), 0)
    assert found.is_cycles and found.name == "dwt" and found.untold == ()
    assert (found.hz, found.reading) == (16_000_000, 2)


@pytest.mark.parametrize("name", list_boards())
def test_cycles_are_those_of_the_first_counter_of_a_core_alone(name: str) -> None:
    """A timer has none, nor has SysTick where DWT stands still."""
    board = load_board(name)
    for idx, counter in enumerate(board.counter):
        found = ticks(board, idx)
        assert found.is_cycles == (counter.name in ("dwt", "systick") and idx == 0)
        assert found.is_cycles or any(
            f"ticks of {counter.name} are periods" in text and f"{board.clock_hz:,} Hz" in text
            for text in found.untold)


def test_a_counter_of_cycles_that_stands_still_is_named() -> None:
    first, *_ = ticks(load_board("mps2-an385"), 1).untold
    assert "cycles by dwt" in first and "emulator" in first


@pytest.mark.parametrize(("setup", "expected"), [(5, True), (1, False)])
def test_systick_counts_cycles_on_the_core_s_clock_alone(setup: int, expected: bool) -> None:
    assert counts_cycles(replace(SYSTICK, setup=(Store(0xE000_E010, setup),))) is expected


@pytest.mark.parametrize("idx", [255, 7])
def test_of_an_unknown_counter_no_time_is_made(idx: int) -> None:
    found = ticks(load_board("stm32f405"), idx)
    assert found.hz is None and not found.is_cycles and found.name == ""
    assert found.untold == ("which counter gives its ticks",)


def test_a_board_that_is_not_known_has_ticks_of_no_name() -> None:
    assert ticks(None, 0).hz is None


def test_no_counter_and_one_that_reads_the_same_are_two_things() -> None:
    board = load_board("stm32f405")
    assert ticks(board, 255, bits=0).untold == ("cycles: it has no counter",)
    [still] = ticks(board, 1, (0, 0.01), (0, 0.02)).untold
    assert "counter tim2 reads the same all the time" in still


def test_what_the_time_of_this_computer_denies_is_no_time() -> None:
    """A counter of 1 GHz, as QEMU's, behind a board of 16 MHz."""
    board = load_board("stm32f405")
    found = ticks(board, 0, (10_000_000, 0.02))
    assert found.hz is None and not found.is_cycles
    assert "10,000,000 ticks of dwt would take 0.625 s" in found.untold[-1]
    assert ticks(board, 0, (320_000, 0.02)).is_cycles


def test_a_narrow_counter_may_have_wrapped() -> None:
    board = replace(load_board("stm32f405"), counter=(SYSTICK,))
    assert ticks(board, 0, (1000, 0.5), bits=24).untold == ()
    [text] = ticks(board, 0, (1000, 1.1), bits=24).untold
    assert "wrapped: it has 24 bits" in text

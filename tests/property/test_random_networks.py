"""Random networks of the whole space give the bits of the reference: on this computer under
AddressSanitizer and UBSan, and on boards."""

from __future__ import annotations

import pytest
from support.fleet import Yard
from support.lanes import nightly
from support.random_networks import A_BATCH, Tally, drawn, run_batch, yards

A_PART, N_PARTS = 50, 200 if nightly else 4
BOARDS, N_ON_BOARDS = (("microbit", "stm32f405", "mps3-an547"), 200) if nightly else (
    ("microbit",), 8)
SEED = 20261129


def assert_no_failures(tally: Tally) -> None:
    assert not tally.failures, "\n\n".join(tally.failures)


@pytest.mark.parametrize("part", range(N_PARTS))
def test_random_networks_give_the_bits_of_the_reference_under_the_sanitizers(
        part: int, here: list[Yard]) -> None:
    """200 networks on each change, 10,000 nightly, in parts that workers share."""
    tally = run_batch(drawn(2 * A_PART, SEED, 2 * A_PART * part), here, A_PART)
    assert_no_failures(tally)
    assert tally.counts["networks"] == tally.counts["read back"] == A_PART


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("board", BOARDS)
def test_random_networks_give_the_bits_of_the_reference_on_boards(board: str) -> None:
    tally, first = Tally(), 0
    with yards(board) as places:
        while tally.counts["networks"] < N_ON_BOARDS:
            tally.add(run_batch(drawn(A_BATCH, 7, first), places))
            assert_no_failures(tally)
            first += A_BATCH

"""Random scenarios of the whole space give the bits of the reference, under AddressSanitizer."""

from __future__ import annotations

from support.random_networks import Tally, run

N_RANDOM = 200


def test_random_networks_give_the_bits_of_the_reference_under_the_sanitizers() -> None:
    tally = Tally()
    for tally in run(N_RANDOM, 20261129):
        assert not tally.failures, "\n\n".join(tally.failures)
    assert tally.counts["networks"] == tally.counts["read back"] > 0.9 * N_RANDOM

"""Which of several fitted profiles is used: under which most samples are classified rightly."""

from __future__ import annotations

from collections.abc import Sequence

from edge_dassdp.sensor.profile import Kind, QProfile

CLEARLY = 10
"""Channels must be right on a CLEARLY-th of the samples more than the factory profile, and on
LEAST more: gains and offsets follow how a few samples happen to be moved."""
LEAST = 2


def best(profiles: Sequence[QProfile], n_hits: Sequence[int], n_samples: int) -> int:
    """Index of the profile to use, the factory's first.

    n_hits: of n_samples, as many as there are profiles. A profile must be right more often than
    those before it, one that changes channels clearly more often than the factory's.
    """
    needed = n_hits[0] + max(LEAST, -(-n_samples // CLEARLY))
    chosen = 0
    for i in range(1, len(profiles)):
        is_clear = not profiles[i].kind & Kind.CHANNELS or n_hits[i] >= needed
        if n_hits[i] > n_hits[chosen] and is_clear:
            chosen = i
    return chosen

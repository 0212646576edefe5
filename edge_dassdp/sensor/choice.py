"""Which of several fitted profiles is used: that under which most samples are classified right."""

from __future__ import annotations

from collections.abc import Sequence

CLEARLY, LEAST = 10, 2
"""What is not sure is used if it is right on a CLEARLY-th of the samples, and on LEAST, more than
what is: one more of a few samples is chance."""


def best(n_hits: Sequence[int], n_samples: int, n_sure: int = 1) -> int:
    """Index of the profile to use; of equals the first.

    n_hits: by profile, how many of n_samples are classified rightly; the factory's first. n_sure:
    so many profiles from the first on stand by themselves, as an orientation does that was decided;
    others, as gains and offsets, follow how a few samples happened to be moved.
    """
    def most(group: range) -> int:
        return max(group, key=lambda i: n_hits[i])

    sure, rest = most(range(n_sure)), range(n_sure, len(n_hits))
    needed = n_hits[sure] + max(LEAST, -(-n_samples // CLEARLY))
    return most(rest) if rest and n_hits[most(rest)] >= needed else sure

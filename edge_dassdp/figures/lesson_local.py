"""Work of STDP and of EIHL's contraction, counted on the reference in operations of other rules
that cost the like: weights and traces of STDP as pairs of latencies that a synchrony rule compares,
its rows likewise, contracted weights as those that it decides on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QProjection
from edge_dassdp.qir.packing import columns
from edge_dassdp.reference import Reference
from edge_dassdp.reference.local import CONTRACTION


def count_stdp(reference: Reference, p: QProjection, tally: dict[str, int]) -> None:
    """`dassdp_rule_stdp` of rules/stdp.c on the rasters of the last sample."""
    pre, post = reference.rasters[p.pre], reference.rasters[p.post]
    answers = np.flatnonzero(post.any(axis=1))
    heard = np.zeros_like(pre)
    heard[answers] = np.logical_or.accumulate(pre, axis=0)[answers]
    n_rows = int((pre | heard).sum())
    tally["rules_applied"] += 1
    tally["sync_pairs"] += n_rows * p.n_post + len(pre) * (p.n_pre + 2 * p.n_post)
    tally["sync_rows"] += n_rows
    _count_rows(p, n_rows, tally)


def count_phase(p: QProjection, before: NDArray[Any], after: NDArray[Any],
                tally: dict[str, int]) -> bool:
    """`dassdp_rule_eihl` of rules/eihl.c without its error rule, from its state before and after a
    sample; returns whether it was that rule's turn."""
    n_looks = int(before["b_q16"] == 0) + int(after["n_samples"] == 0)
    tally["sync_columns"] += n_looks * p.n_pre * p.n_post
    if before["kind"] != CONTRACTION:
        return True
    tally["rules_applied"] += 1
    tally["sync_columns"] += p.n_pre * p.n_post
    tally["sync_rows"] += p.n_pre
    _count_rows(p, p.n_pre, tally)
    return False


def _count_rows(p: QProjection, n_rows: int, tally: dict[str, int]) -> None:
    tally["rows_written"] += n_rows
    bits = p.weight_bits if p.weight_bits >= 8 else 4
    tally[f"columns_{bits}"] += n_rows * columns(p.n_post)

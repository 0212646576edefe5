"""Networks with numbers at the ends of what they may be: refused with a code, or written, read back
as they were written, and run the same in NumPy and in checked C."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from support.differences import assert_runs
from support.hostile_networks import hostile
from support.lanes import often

from edge_dassdp import qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize

N_NETWORKS, N_RUN = often(300), often(12)
HONEST = {"E201", "E202", "E203"}
"""What a network that nobody can run is refused by."""


def quantized(seed: int) -> QNetwork | None:
    """None where there is nothing to quantize or it is refused. Warnings of NumPy are errors: a
    number that left its range."""
    given = hostile(seed)
    if given is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return quantize(given.network, given.learning, given.settings, given.calibration
                            ).network
        except EdgeError as refused:
            assert refused.code in HONEST and refused.message, f"seed {seed}: {refused}"
            return None
        except Exception as problem:
            raise AssertionError(f"seed {seed}: {problem!r}") from problem


@pytest.mark.parametrize("part", range(10))
def test_a_hostile_network_is_refused_or_read_back(part: int, tmp_path: Path) -> None:
    """And every constant of it fits the C type that it is emitted as."""
    n_written, n = 0, N_NETWORKS // 10
    for seed in range(part * n, (part + 1) * n):
        network = quantized(seed)
        if network is None:
            continue
        qir.save(network, tmp_path / "q.npz")
        assert qir.load(tmp_path / "q.npz").sha256 == network.sha256, f"seed {seed}"
        assert emit(Plan.of(network)), f"seed {seed}"
        n_written += 1
    assert n_written >= n // 10


def test_a_hostile_network_that_was_not_refused_runs() -> None:
    seeds = iter(range(100_000, 200_000))
    for _ in range(N_RUN):
        seed, network = next((s, q) for s in seeds if (q := quantized(s)) is not None)
        assert_runs(network, 5, f"seed {seed}")

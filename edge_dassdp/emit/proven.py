"""What `quantize` proved, proven again of the integers alone: no C is made of anything else.

A file may have been changed by anybody, its SHA-256 with it. Widths and flags that a network claims
must be no stronger than what follows from its weights, thresholds and rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import round_shift
from edge_dassdp.qir import QNetwork, QPopulation, QProjection
from edge_dassdp.qir import load as read
from edge_dassdp.qir.checks import require, validate
from edge_dassdp.qir.network import describe
from edge_dassdp.qir.ranges import require_int32
from edge_dassdp.quantize import bounds
from edge_dassdp.rules import Rule

_proven: set[tuple[object, ...]] = set()
"""Identities of what this process has proven."""


def load(path: Path | str) -> QNetwork:
    """The network that `qir.save` wrote, proven again. Raises EdgeError E103 for another or a
    damaged file, and for one that was changed so that a proof fails."""
    try:
        network = read(path)
        require_proven(network)
    except EdgeError as problem:
        if problem.code == "E103":
            raise
        raise EdgeError("E103", f"{path} was changed after it was quantized",
                        cause=f"what is proven of every model is not true of it: {problem.message}",
                        help="quantize the float network again") from None
    return network


def require_proven(network: QNetwork) -> None:
    """EdgeError E101 or E202, which name what is wrong, unless every sum, membrane and error of the
    network fits where the C puts it. Asked again of the same network it costs nothing."""
    shapes = tuple((name, array.shape) for name, array in describe(network)[1].items())
    identity = (network.sha256, *shapes)
    if identity in _proven:
        return
    validate(network)
    most = {i.name: network.max_spikes(i.name) for i in network.inputs}
    most |= {p.name: p.max_spikes for p in network.populations}
    for p in network.populations:
        _check_population(network, p, most)
    for q in network.plastic:
        _check_plastic(q)
    _check_way_back(network)
    _proven.add(identity)


def _check_population(network: QNetwork, p: QPopulation, most: Mapping[str, int]) -> None:
    where = f"population '{p.name}': "
    made, _ = bounds.prove(p, network.into(p.name), {q.name for q in network.plastic}, most,
                           network.n_steps, p.membrane_bits,
                           network.readout_kind if p.name == network.readout else None)
    for name in ("acc_bits", "analogue_bits"):
        require(getattr(p, name) >= getattr(made, name), where + f"{name} are too few")
    require(made.current_fits or not p.current_fits, where + "its current does not fit an int16")
    require(p.saturates or not made.saturates, where + "its membrane may leave its range")


def _check_plastic(q: QProjection) -> None:
    rule = q.rule
    require(rule is None or q.conv is None or Rule.known[rule.word].learns_channels,
            f"projection '{q.name}': its rule learns no channels")


def _check_way_back(network: QNetwork) -> None:
    """Errors come back through matrices, by shifts and gains that leave them in their range."""
    order = [p.name for p in network.populations]
    total: dict[str, int] = {}
    for p in reversed(network.populations):
        if not p.has_error:
            continue
        if p.name == network.readout:
            total[p.name] = network.error_total
            continue
        peak, reached = network.error_peak(p.name), 0
        ways = [q for q in network.projections if q.pre == p.name and q.post in total
                and order.index(q.post) > order.index(p.name)]
        where = f"population '{p.name}': "
        require(bool(ways) and p.counts, where + "no error comes back to it, or it counts nothing")
        for q in ways:
            require(q.conv is None and q.pool is None,
                    f"projection '{q.name}': an error would come back through more than a matrix")
            dot = total[q.post] << (q.weight_bits - 1)
            require_int32(f"projection '{q.name}': the error fed back", 2 * dot)
            reached += round_shift(round_shift(dot, q.feedback_rshift) * q.feedback_gain_q14, 14)
        require(reached <= peak, where + f"its error may reach {reached:,}, more than {peak:,}")
        total[p.name] = peak * p.size

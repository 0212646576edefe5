"""Steps by the share of misses, and gates: that open, that close again, that stay closed, with and
without a ring, beside rules of every stage."""

from __future__ import annotations

from collections.abc import Iterator

from support.scenario import Phase, Scenario

from edge_dassdp.ir import Network
from edge_dassdp.rules import (
    CUSUM,
    DASSDP,
    ErrorScaled,
    Guard,
    Learning,
    ReadoutDelta,
    Replay,
    Rule,
    Schedule,
)


def gated(net: Network, other: Network, touch: dict[str, Rule],
          latency: dict[str, Rule]) -> Iterator[Scenario]:
    """Scenarios of two networks, with rules for their last two projections."""
    long = (Phase("learn", 20), Phase("learn", 2, labelled=False), Phase("idle"), Phase("infer"),
            Phase("learn", 30), Phase("idle"), Phase("learn", 12))
    yield Scenario("touch_error_scaled", net, Learning(touch, schedule=ErrorScaled()),
                   phases=(Phase("learn", 60),))
    yield Scenario("error_scaled_replay", net, Learning(
        latency, schedule=ErrorScaled(0.8, 0.01, 0.9), replay=Replay(10, 2, n_ring=3)), phases=long)
    yield Scenario("gate", net, Learning(touch, schedule=Schedule(), gate=CUSUM(closes=False),
                                         replay=Replay(10, 3, n_ring=3)), phases=long)
    yield Scenario("gate_alone", net, Learning(latency, gate=CUSUM(8.0, 0.5, closes=False)),
                   phases=(Phase("learn", 20), Phase("learn", 2, labelled=False),
                           Phase("learn", 30)))
    yield Scenario("gate_shut", net, Learning(latency, gate=CUSUM(60.0, 0.9),
                                              replay=Replay(4, 1)), phases=long)
    yield Scenario("gate_closes", net, Learning(
        touch, schedule=ErrorScaled(), gate=CUSUM(1.0, 0.6),
        replay=Replay(6, 4, policy="reservoir"), guard=Guard(margin=1, window=6)), phases=long)
    yield Scenario("gate_batch", other, Learning(
        {"fc2": DASSDP(0.01, 0.004, batch=4), "fc3": ReadoutDelta()}, gate=CUSUM(2.0, 0.4),
        replay=Replay(6, 2)), phases=(Phase("warm_up", 6), Phase("fit_gate"), *long,
                                      Phase("warm_up", 2), Phase("learn", 9)))

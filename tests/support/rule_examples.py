"""One example of every rule, by its word."""

from __future__ import annotations

from edge_dassdp.rules import (
    DASSDP,
    EIHL,
    ErrorSSDP,
    ErrorTouch,
    Homeostasis,
    PairSTDP,
    ReadoutDelta,
    Rule,
)

EXAMPLES: dict[str, Rule] = {
    "delta": ReadoutDelta(4.0), "error": ErrorSSDP(200.0), "touch": ErrorTouch(100.0),
    "eihl": EIHL(growth=0.004, period=4), "sync": DASSDP(0.02, 0.008),
    "stdp": PairSTDP(0.004, 0.006), "homeostasis": Homeostasis(2.0, 2.0),
}

"""Plasticity rules, and what learns by them."""

from edge_dassdp.rules.local import (
    DASSDP,
    SSDP,
    Homeostasis,
    PairSTDP,
    Variant,
)
from edge_dassdp.rules.specification import (
    EIHL,
    ErrorRule,
    ErrorSSDP,
    ErrorTouch,
    Guard,
    LatencyKind,
    Learning,
    Policy,
    ReadoutDelta,
    Replay,
    Rule,
    Schedule,
    latency_kind,
    needs_error,
)

__all__ = [
    "DASSDP",
    "EIHL",
    "SSDP",
    "ErrorRule",
    "ErrorSSDP",
    "ErrorTouch",
    "Guard",
    "Homeostasis",
    "LatencyKind",
    "Learning",
    "PairSTDP",
    "Policy",
    "ReadoutDelta",
    "Replay",
    "Rule",
    "Schedule",
    "Variant",
    "latency_kind",
    "needs_error",
]

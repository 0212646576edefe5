"""Plasticity rules, a file each, and what learns by them. These imports enter the rules."""

from edge_dassdp.rules.base import LatencyKind, Rule
from edge_dassdp.rules.delta import ReadoutDelta
from edge_dassdp.rules.eihl import EIHL
from edge_dassdp.rules.error import ErrorSSDP
from edge_dassdp.rules.homeostasis import Homeostasis
from edge_dassdp.rules.learning import (
    Guard,
    Learning,
    Policy,
    Replay,
    Schedule,
)
from edge_dassdp.rules.misses import CUSUM, ErrorScaled
from edge_dassdp.rules.stdp import PairSTDP
from edge_dassdp.rules.sync import DASSDP, SSDP, Variant
from edge_dassdp.rules.touch import ErrorTouch

__all__ = [
    "CUSUM",
    "DASSDP",
    "EIHL",
    "SSDP",
    "ErrorSSDP",
    "ErrorScaled",
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
]

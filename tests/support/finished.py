"""The reference at the end of a scenario, run once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from support.scenario import Call
from support.scenarios import SCENARIOS

from edge_dassdp.reference import Reference
from edge_dassdp.targets.target import Outcome


@dataclass(frozen=True)
class Finished:
    """calls and outcomes in order; reference: as they left it, not to be run again."""

    calls: tuple[Call, ...]
    outcomes: tuple[Outcome | None, ...]
    reference: Reference


@cache
def finished(name: str) -> Finished:
    """Of the scenario of that name."""
    reference, calls = Reference(SCENARIOS[name].quantized), tuple(SCENARIOS[name].calls())
    return Finished(calls, tuple(call.run(reference) for call in calls), reference)

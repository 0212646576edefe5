"""What a quantized network has beside its rules, told as `rules.Learning` tells it."""

from __future__ import annotations

from dataclasses import dataclass

from edge_dassdp.qir import SCHEDULE_SHIFT, QNetwork
from edge_dassdp.rules import CUSUM, ErrorScaled, Guard, Replay


@dataclass(frozen=True)
class Shrinking:
    """A schedule: steps shrink to a share, floor, in so many labelled samples, ends_at."""

    floor: float
    ends_at: int


@dataclass(frozen=True)
class Beside:
    """None for what there is none of. Shares and factors are those of the integers."""

    schedule: Shrinking | ErrorScaled | None = None
    replay: Replay | None = None
    guard: Guard | None = None
    gate: CUSUM | None = None

    @classmethod
    def of(cls, network: QNetwork) -> Beside:
        table, step, gate = network.schedule_q8, network.error_step, network.cusum
        guard, stored = network.guard, network.replay
        return cls(
            ErrorScaled(step.gain_q4 / 16, step.floor_q8 / 256, step.start_q8 / 256) if step
            else None if table is None
            else Shrinking(float(table[-1]) / 256, (len(table) - 1) << SCHEDULE_SHIFT),
            None if stored is None else Replay(
                len(stored.labels), stored.ring_per_class, stored.n_ring, stored.n_flash,
                "reservoir" if stored.is_reservoir else "fifo"),
            None if guard is None else Guard(guard.keeps_copy, guard.margin, guard.window),
            None if gate is None else CUSUM(
                gate.opens_q10 / 1024, round(gate.allowed_q10 / 1024, 3), gate.closes))


NOTHING = Beside()

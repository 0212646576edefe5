"""What learns, and how: from the words of options to `Learning`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_dassdp.base.errors import EdgeError

if TYPE_CHECKING:
    from edge_dassdp.ir import Network
    from edge_dassdp.rules import (
        CUSUM,
        ErrorScaled,
        Guard,
        Learning,
        Policy,
        Replay,
        Rule,
        Schedule,
    )


@dataclasses.dataclass(frozen=True)
class Memory:
    """What learning has beside its rules."""

    schedule: Schedule | ErrorScaled | None = None
    replay: Replay | None = None
    guard: Guard | None = None
    gate: CUSUM | None = None
    class_means: bool | None = None
    without: frozenset[str] = frozenset()
    """Which of them there shall be none of, where one is the default."""

    def onto(self, learning: Learning) -> Learning:
        """In place of what it has of these."""
        given: dict[str, Any] = {
            f.name: getattr(self, f.name) for f in dataclasses.fields(self)
            if f.name != "without" and getattr(self, f.name) is not None}
        none: dict[str, Any] = dict.fromkeys(self.without)
        return dataclasses.replace(learning, **none, **given)


_NONE = "none"


def memory_of(schedule: str | None, replay: str | None, guard: str | None,
              gate: str | None = None, class_means: bool | None = None) -> Memory:
    """--schedule SAMPLES[,FLOOR] or error[:GAIN[,FLOOR]], --replay FLASH,RING[,K][,reservoir],
    --guard MARGIN[,WINDOW] and --gate cusum[:OPENS_AT[,ALLOWED]][,stays]."""
    from edge_dassdp.rules import Guard

    kept = None
    if guard is not None:
        margin, *window = (_whole(n, "--guard") for n in _numbers(guard, "--guard", 1, 2))
        kept = Guard(True, margin, *window)
    without = [name for name, text in (("schedule", schedule), ("replay", replay))
               if text == _NONE]
    return Memory(None if schedule in (None, _NONE) else _steps_of(schedule),
                  None if replay in (None, _NONE) else _replay_of(replay), kept,
                  None if gate is None else _gate_of(gate), class_means, frozenset(without))


def _steps_of(text: str) -> Schedule | ErrorScaled:
    from edge_dassdp.rules import ErrorScaled, Schedule

    word, colon, numbers = text.partition(":")
    if word == "error":
        return ErrorScaled(*_numbers(numbers, "--schedule error:", 1, 2) if colon else ())
    samples, *floor = _numbers(text, "--schedule", 1, 2)
    return Schedule(_whole(samples, "--schedule"), *floor)


def _replay_of(text: str) -> Replay:
    from edge_dassdp.rules import Replay

    numbers = text.removesuffix(",reservoir")
    policy: Policy = "fifo" if numbers == text else "reservoir"
    if is_auto(numbers):
        k = [_whole(n, "--replay auto,") for n in _numbers(numbers[5:], "--replay auto,", 1, 1)] \
            if numbers != "auto" else []
        return Replay(0, 1, k[0] if k else Replay.n_ring, policy=policy)
    flash, ring, *k = (_whole(n, "--replay") for n in _numbers(numbers, "--replay", 2, 3))
    return Replay(flash, ring, k[0] if k else Replay.n_ring, policy=policy)


def _gate_of(text: str) -> CUSUM:
    from edge_dassdp.rules import CUSUM

    settings = text.removesuffix(",stays")
    word, colon, numbers = settings.partition(":")
    if word != "cusum":
        raise EdgeError("E105", f"--gate {text}", cause="it is no gate",
                        help="give cusum, or cusum:OPENS_AT,ALLOWED, for instance cusum:2.7,0.08")
    opens_at, *allowed = _numbers(numbers, "--gate cusum:", 1, 2) if colon else [CUSUM.opens_at]
    return CUSUM(opens_at, allowed[0] if allowed else CUSUM.allowed, closes=settings == text)


def is_auto(replay: str | None) -> bool:
    """--replay auto or auto,K: sizes that fill a board."""
    return replay is not None and replay.partition(",")[0] == "auto"


def _numbers(text: str, option: str, least: int, most: int) -> list[float]:
    """least to most numbers with commas between, or EdgeError E105."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not least <= len(numbers) <= most:
        raise EdgeError("E105", f"{option} {text}: expected {least} to {most} numbers, with commas "
                        "between", help=_FORMS[option])
    if not all(map(math.isfinite, numbers)):
        raise EdgeError("E105", f"{option} {text}: a number is not finite", help=_FORMS[option])
    return numbers


_FORMS = {
    "--schedule": "give SAMPLES, 1 to 4,096, and perhaps FLOOR, 0.05 to 1: --schedule 120,0.3;"
                  " or a word, error or none",
    "--schedule error:": "give GAIN, 0.25 to 15, and perhaps FLOOR, 0.01 to 1: --schedule "
                         "error:2,0.05",
    "--gate cusum:": "give OPENS_AT, and perhaps ALLOWED, 0.01 to 0.9: --gate cusum:2.7,0.08",
    "--replay": "give FLASH,RING and perhaps K, whole numbers: --replay 70,3,1; or a word in "
                "their place, auto or none; the one word behind them is reservoir",
    "--replay auto,": "give K, 0 to 16: --replay auto,3; the one word behind it is reservoir",
    "--guard": "give MARGIN and perhaps WINDOW, whole numbers: --guard 4,32"}
"""What an option of numbers with commas between takes."""


def _whole(number: float, option: str) -> int:
    if not number.is_integer():
        raise EdgeError("E105", f"{option}: {number} is no whole number", help=_FORMS[option])
    return int(number)


def learning_from(path: Path, rules: Mapping[str, str], memory: Memory) -> Learning:
    """What a file says shall learn, with the parts that options change."""
    from edge_dassdp.rules import Learning
    from edge_dassdp.rules.words import rule_of

    base = Learning.load(path)
    changed = {name: rule_of(text) for name, text in rules.items()}
    return memory.onto(dataclasses.replace(base, rules={**base.rules, **changed}))


def learning_of(network: Network, plastic: Sequence[str], rules: Mapping[str, str],
                memory: Memory) -> Learning:
    """What the projections named learn by: `rules`, or the delta rule into the readout and
    error-modulated SSDP elsewhere."""
    from edge_dassdp.rules import ErrorSSDP, Learning, ReadoutDelta
    from edge_dassdp.rules.words import rule_of

    chosen: dict[str, Rule] = {}
    for name in plastic:
        is_readout = network.projection(name).post == network.readout.population
        chosen[name] = ReadoutDelta() if is_readout else ErrorSSDP()
    return memory.onto(Learning(chosen | {name: rule_of(text) for name, text in rules.items()}))

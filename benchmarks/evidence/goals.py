"""What learning on the device should reach, and what was tried on the validation wearers for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_dassdp.comparison.statistics import Estimate, mean_std
from evidence.methods import (
    IDLE,
    METHODS,
    POINTS,
    PROFILED,
    STANDARD,
    TITLES,
    TRIED,
    replay_of,
)
from evidence.results import Results
from evidence.speakers import NEW
from evidence.tasks import (
    FOLDS,
    FOLDS_VALIDATION,
    VALIDATION,
    WATCH,
    Setting,
    is_watch,
    n_seeds,
    scenarios,
)

VOWELS = "deterding"
STREAMS = tuple(Setting(VALIDATION, s, order) for order in ("shuffled", "blocked")
                for s in scenarios(VALIDATION))
AS_BEFORE = f"{PROFILED}touch 0.8/32, schedule"
"""The candidate with the constants and the store of the tables; first where none was tried."""


@dataclass(frozen=True)
class Goal:
    """Percent under the shift and without it, means over `where`; None: not asked. idle: after idle
    steps."""

    name: str
    where: tuple[Setting, ...]
    shifted: float
    original: float | None
    idle: bool = False


def _watch(*names: str, dataset: str = WATCH, blocked: bool = False) -> tuple[Setting, ...]:
    return tuple(Setting(dataset, s, "blocked" if blocked else "shuffled") for s in names)


GOALS = (
    Goal("Ap, other wrist of one wearer", _watch("Ap"), 93, 93),
    Goal("A, other wrist of known wearers", _watch("A"), 89, 92),
    Goal("B, new wearers, all ten in turn", _watch("B", dataset=FOLDS), 95, 93),
    Goal("C, gains and offsets", _watch("C"), 96, 95),
    Goal("D, two dead axes", _watch("D"), 87, 91),
    Goal("E, rotated", _watch("E"), 96, 95),
    Goal("N, no shift", _watch("N"), 97.2, None),
    Goal("class by class: mean of Ap, B, D, E, A, after idle steps",
         _watch("Ap", "B", "D", "E", "A", blocked=True), 88, 92, idle=True),
    Goal("vowels of new speakers, after idle steps",
         tuple(Setting(VOWELS, s) for s in NEW), 90, 80, idle=True),
)


def score(results: Results, method: str, settings: Sequence[Setting] = STREAMS,
          replay: str = STANDARD) -> Estimate | None:
    """Two parts shifted and one part original accuracy, of the networks with every stream."""
    found = _scores(results, method, settings, replay)
    return mean_std(list(found.values())) if found else None


def best(results: Results) -> tuple[str, str]:
    """The candidate of the highest score on the validation wearers, with a profile and without."""
    scores = {m.key: found.mean for m in TRIED if m.profile
              if (found := score(results, m.key)) is not None}
    key = max(scores, key=lambda k: scores[k], default=AS_BEFORE)
    return key, key.removeprefix(PROFILED)


def table(results: Results) -> list[list[str]]:
    """Each goal with the candidate chosen on the validation wearers, and what came nearest."""
    profiled, plain = best(results)
    lines = [["goal", "shifted / original", "chosen on the validation wearers", "networks",
              "reached", "nearest of all measured, picked on the test windows"]]
    for goal in GOALS:
        key = profiled if is_watch(goal.where[0].dataset) else plain
        found = _measured(results, key, goal)
        lines.append([goal.name, f"{goal.shifted:g}" + (f" / {goal.original:g}" if goal.original
                                                        else ""),
                      _pair(found), str(found[0].n) if found else "0",
                      _verdict(found, goal), _nearest(results, goal)])
    return lines


def _verdict(found: tuple[Estimate, Estimate] | None, goal: Goal) -> str:
    """Only of all networks."""
    if found is None:
        return "not measured"
    if found[0].n < n_seeds(goal.where[0].dataset):
        return "not measured on all networks"
    return "yes" if _margin(found, goal) >= 0 else "no"


def tried_table(results: Results) -> list[list[str]]:
    """Candidates on the validation wearers, the best first."""
    found = {m.key: made for m in TRIED if m.profile and (made := score(results, m.key))}
    lines = [["tried on the validation wearers", "networks", "score", "after idle steps"]]
    for key, made in sorted(found.items(), key=lambda item: -item[1].mean):
        idle = score(results, key, replay=IDLE)
        lines.append([TITLES[key], str(made.n), f"{made.mean:.1f} ± {made.spread:.1f}",
                      f"{idle.mean:.1f}" if idle else "–"])
    return lines


def folds_table(results: Results) -> list[list[str]]:
    """Constants of touch chosen in every fold by its own validation wearers, beside fixed ones."""
    lines = [["touch + schedule, K = 3, every wearer new in turn", "networks",
              "B, shifted / original", "mean of all scenarios"]]
    names = scenarios(FOLDS)
    every = [[Setting(d, s) for s in names] for d in (FOLDS_VALIDATION, FOLDS)]
    b = [Setting(FOLDS, "B")]
    judged = {m.key: _scores(results, m.key, every[0]) for m in POINTS}
    folds = sorted(set.intersection(*(set(f) for f in judged.values())))
    if not folds:
        return lines
    tested = {m.key: [results.mean_by_seed(m.key, where, column) for where, column in (
        (b, "shifted"), (b, "original"), (every[1], "shifted"), (every[1], "original"))]
        for m in POINTS}
    folds = [k for k in folds if all(k in values for made in tested.values() for values in made)]
    if not folds:
        return lines

    def line(title: str, chosen: dict[int, str]) -> list[str]:
        made = [mean_std([tested[chosen[k]][column][k] for k in folds]).mean for column in range(4)]
        return [title, str(len(folds)), f"{made[0]:.1f} / {made[1]:.1f}",
                f"{made[2]:.1f} / {made[3]:.1f}"]

    own = {k: max(judged, key=lambda key: judged[key][k]) for k in folds}
    hindsight = {k: max(tested, key=lambda key: tested[key][0][k]) for k in folds}
    lines.append(line("chosen in each fold by its own validation wearers", own))
    lines += [line(m.title, dict.fromkeys(folds, m.key)) for m in POINTS]
    lines.append(line("the best in hindsight for B, which nobody can choose", hindsight))
    return lines


def _scores(results: Results, method: str, where: Sequence[Setting], replay: str = STANDARD
            ) -> dict[int, float]:
    shifted, original = (results.mean_by_seed(method, where, column, replay)
                         for column in ("shifted", "original"))
    return {s: (2 * shifted[s] + original[s]) / 3 for s in shifted}


def _measured(results: Results, key: str, goal: Goal) -> tuple[Estimate, Estimate] | None:
    """Shifted and original; None where it was not run."""
    usual = replay_of(key)
    replay = IDLE if goal.idle and usual == STANDARD else usual
    made = [list(results.mean_by_seed(key, goal.where, column, replay).values())
            for column in ("shifted", "original")]
    return (mean_std(made[0]), mean_std(made[1])) if made[0] else None


def _pair(found: tuple[Estimate, Estimate] | None) -> str:
    if found is None:
        return "–"
    spread = f" ± {found[0].spread:.1f}" if found[0].n > 1 else ""
    return f"{found[0].mean:.1f}{spread} / {found[1].mean:.1f}"


def _margin(found: tuple[Estimate, Estimate], goal: Goal) -> float:
    """By how much the worse of both is above its goal, as it is printed."""
    shifted, original = (round(f.mean, 1) for f in found)
    return min(shifted - goal.shifted, original - (goal.original or 0))


def _nearest(results: Results, goal: Goal) -> str:
    made = {key: found for key in METHODS if (found := _measured(results, key, goal)) is not None}
    if not made:
        return "–"
    key = max(made, key=lambda k: _margin(made[k], goal))
    return f"{TITLES[key]}: {_pair(made[key])}, {made[key][0].n} networks"

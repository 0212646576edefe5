"""What learning on the device should reach, and what was tried on the validation wearers for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
NEW_WEARERS = Setting(FOLDS, "B")
REPLAYS = (STANDARD, IDLE)


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
    """The candidate of the highest score on the validation wearers, with a profile and without;
    the first where none was tried."""
    scores = {m.key: found.mean for m in TRIED if m.profile
              if (found := score(results, m.key)) is not None}
    key = max(scores, key=lambda k: scores[k], default=TRIED[0].key)
    return key, key.removeprefix(PROFILED)


def table(results: Results) -> list[list[str]]:
    """Each goal with the candidate chosen on the validation wearers, and what came nearest."""
    lines = [["goal", "shifted / original", "chosen on validation wearers", "networks",
              "reached", "nearest of all measured, picked on the test windows"]]
    for goal in GOALS:
        found = _chosen(results, goal)
        lines.append([goal.name, f"{goal.shifted:g}" + (f" / {goal.original:g}" if goal.original
                                                        else ""),
                      _pair(found), str(found[0].n) if found else "0",
                      _verdict(found, goal), _nearest(results, goal)])
    return lines


def _chosen(results: Results, goal: Goal) -> tuple[Estimate, Estimate] | None:
    """As validation wearers chose: for new wearers in every fold its own, else one for all."""
    if NEW_WEARERS in goal.where:
        made = judged(results)
        found = [[made.tested[made.own[k]][column][k] for k in made.folds] for column in (0, 1)]
        return (mean_std(found[0]), mean_std(found[1])) if made.folds else None
    profiled, plain = best(results)
    return _measured(results, profiled if is_watch(goal.where[0].dataset) else plain, goal)


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


Candidate = tuple[str, str]
"""A method, and its replay, with idle steps or without."""


@dataclass(frozen=True)
class Judged:
    """folds: those with all streams. own: the candidate that a fold's own validation wearers
    choose. tested: by candidate shifted and original of B, and of all scenarios, by fold."""

    folds: list[int]
    own: dict[int, Candidate]
    tested: dict[Candidate, list[dict[int, float]]]


def judged(results: Results) -> Judged:
    """Every candidate of POINTS over the folds, as it came and after idle steps."""
    names = scenarios(FOLDS)
    validation, tests = ([Setting(d, s) for s in names] for d in (FOLDS_VALIDATION, FOLDS))
    candidates = [(m.key, replay) for m in POINTS for replay in REPLAYS]
    scores = {c: _scores(results, c[0], validation, c[1]) for c in candidates}
    tested = {c: [results.mean_by_seed(c[0], where, column, c[1])
                  for where in ([NEW_WEARERS], tests) for column in ("shifted", "original")]
              for c in candidates}
    folds = sorted(set.intersection(*(set(values) for c in candidates
                                      for values in (scores[c], *tested[c]))))
    own = {k: max(candidates, key=lambda c: scores[c][k]) for k in folds}
    return Judged(folds, own, tested)


def folds_table(results: Results) -> list[list[str]]:
    """What is chosen in every fold by its own validation wearers, beside what is fixed."""
    made = judged(results)
    lines = [["every wearer new in turn", "networks", "B, shifted / original",
              "mean of all scenarios", "chosen in"]]
    if not made.folds:
        return lines

    def line(title: str, chosen: Mapping[int, Candidate], count: str = "–") -> list[str]:
        means = [mean_std([made.tested[chosen[k]][column][k] for k in made.folds]).mean
                 for column in range(4)]
        return [title, str(len(made.folds)), f"{means[0]:.1f} / {means[1]:.1f}",
                f"{means[2]:.1f} / {means[3]:.1f}", count]

    lines.append(line("chosen in each fold by its own validation wearers", made.own))
    for c in made.tested:
        title = TITLES[c[0]] + (f", {METHODS[c[0]].n_idle} idle steps" if c[1] == IDLE else "")
        lines.append(line(title, dict.fromkeys(made.folds, c),
                          str(sum(own == c for own in made.own.values()))))
    hindsight = {k: max(made.tested, key=lambda c: made.tested[c][0][k]) for k in made.folds}
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
    """Of what runs on the device."""
    made = {key: found for key, method in METHODS.items() if method.learner is None
            and (found := _measured(results, key, goal)) is not None}
    if not made:
        return "–"
    key = max(made, key=lambda k: _margin(made[k], goal))
    return f"{TITLES[key]}: {_pair(made[key])}, {made[key][0].n} networks"

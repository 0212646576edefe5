"""Which runs there are: the parts of the evidence as jobs, and the choice of constants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.watch import Order
from evidence.measure import Job, Row, mean_score, run
from evidence.methods import (
    AROUND,
    FROZEN,
    HOST,
    METHODS,
    POINTS,
    RULES,
    TRIED,
    Constants,
    Method,
    replay_of,
)
from evidence.results import Results
from evidence.tasks import (
    FOLDS,
    FOLDS_VALIDATION,
    MIRROR,
    REDRAWN,
    SETS,
    TURNED,
    VALIDATION,
    WATCH,
    Setting,
    n_seeds,
    network,
    scenarios,
)

ORDERS: tuple[Order, ...] = ("shuffled", "blocked")
TUNING_SEEDS = range(2)
SIDE_SEEDS, FLOAT_SEEDS, QUICK_SEEDS = 5, 3, 2
"""Networks of side tables, of methods in float, and of a quick run."""
WRONG_LABELS = (0.1, 0.2)
SHOWN = ("delta_k3", "sync_k3", "touch_k3", "touch_gate_error", "oriented_frozen", "oriented",
         "oriented_gate", "unlabelled_frozen", "unlabelled")
"""Methods of the first tables, on ten networks."""
CHECKED = (FROZEN, "touch_k3", "touch_gate_error", "oriented_frozen", "oriented_gate",
           "unlabelled_frozen")
"""Methods that are tried on shifts and orders that nothing was chosen on."""
BESIDE = tuple(m.key for m in AROUND if m.key not in SHOWN)
ALONE = tuple(m.key for m in RULES if m.key not in SHOWN)
"""What stands around a rule, and rules, beside these on fewer networks."""
REPLAYED = ("delta_k3", "sync_k3", "touch_k3")
"""Methods whose replay is taken away."""
MISLED = ("delta_k3", "touch_k3", "touch_gate_error", "oriented")
"""Methods that are told wrong labels."""
RIVALS = ("touch_k3", "oriented_frozen", "oriented")
"""Methods behind networks that were trained on turned or on mirrored windows."""
FURTHER = ("delta_k3", "sync_k3", "touch_k3", "default", "touch_gate_error")
"""Methods of further sets; none needs a sensor that is worn."""
VOWELS = "deterding"

Chosen = dict[str, dict[str, Any]]


def attempt(job: Job) -> list[Row]:
    """The rows of a job; none where its constants have no fixed-point form."""
    try:
        return run(job)
    except EdgeError as problem:
        if problem.code != "E201":
            raise
        return []


def tuning_jobs(method: Method) -> list[Job]:
    """Each point of the grid over the validation wearers."""
    settings = tuple(Setting(VALIDATION, s) for s in scenarios(VALIDATION))
    return [Job(method.key, settings, seed, point, method.replay, idles=False)
            for point in method.grid for seed in TUNING_SEEDS]


def choose(method: Method, jobs: Sequence[Job], found: Sequence[list[Row]]) -> dict[str, Any]:
    """The grid, the score of each of its points, and the best of them; ties take the first."""
    scores: list[float | None] = []
    points = list(dict.fromkeys(tuple(j.constants.items()) for j in jobs))
    for point in points:
        rows = [row for job, made in zip(jobs, found, strict=True)
                if tuple(job.constants.items()) == point for row in made
                if row.replay == method.replay]
        scores.append(round(mean_score(rows), 3) if rows else None)
    best = max(range(len(points)), key=lambda k: -1.0 if scores[k] is None else scores[k])
    return {"grid": [dict(p) for p in points], "scores": scores, "chosen": dict(points[best])}


def untuned(part: str, best: Sequence[str], chosen: Chosen) -> list[Method]:
    """Methods whose constants a part needs and nobody chose yet."""
    keys = dict.fromkeys(key for key, *_ in JOBS[part](best) if key != FROZEN)
    needed = dict.fromkeys(key if METHODS[key].grid else METHODS[key].twin for key in keys)
    return [METHODS[key] for key in needed if key and key not in chosen]


def constants_of(chosen: Chosen, key: str) -> Constants:
    """Those of the method or of its twin; none where they were not chosen yet."""
    if key == FROZEN:
        return {}
    method = METHODS[key]
    found = chosen.get(key if method.grid else method.twin or key, {}).get("chosen", {})
    return {**method.given, **found}


def point_of(chosen: Chosen) -> str:
    """touch_k3 as one of POINTS."""
    constants = constants_of(chosen, "touch_k3")
    return next((m.key for m in POINTS if m.given == constants), "touch_k3")


def networks(jobs: Sequence[Job]) -> list[tuple[str, int]]:
    """Data sets and seeds of the networks that the jobs take from the cache folder."""
    named = {FOLDS_VALIDATION: FOLDS}
    datasets = ((named.get(d := j.settings[0].dataset, d), j.seed) for j in jobs)
    return [n for n in dict.fromkeys(datasets)
            if n[0] in (FOLDS, TURNED, MIRROR, *_sets(), *_vowels())]


def train(which: tuple[str, int]) -> None:
    """Into the cache folder, where it is not there."""
    network(*which)


def jobs(part: str, chosen: Chosen, *, best: Sequence[str] = (), quick: bool = False,
         only: Mapping[str, Sequence[Any]] | None = None) -> list[Job]:
    """Those of a part, by seed. best: methods for the goals beside those shown. quick: few seeds.
    only: 'methods', 'scenarios', 'seeds' to keep.

    Raises EdgeError E105 for a method without constants.
    """
    kept = dict(only or {})
    if quick:
        kept.setdefault("seeds", range(QUICK_SEEDS))
    made = [
        Job(key, tuple(s for s in settings if s.scenario in kept.get("scenarios", (s.scenario,))),
            seed, constants_of(chosen, key), replay)
        for key, settings, seeds, replay in JOBS[part](best)
        for seed in seeds if seed in kept.get("seeds", (seed,))
        if key in kept.get("methods", (key,))]
    made = sorted((j for j in made if j.settings), key=lambda j: (j.settings[0].dataset, j.seed))
    if lacking := sorted({j.method for j in made if not j.constants} - {FROZEN}):
        raise EdgeError("E105", f"no constants were chosen for {', '.join(lacking)}",
                        help="a run with --full chooses them")
    return made


def missing(jobs: Sequence[Job], results: Results) -> list[Job]:
    """The jobs without streams that results have, and each stream once."""
    done = {(*key, seed) for key, found in results.groups.items() for seed in found}
    left = []
    for job in jobs:
        settings = []
        for s in job.settings:
            key = (*results.key(s, job.replay, job.method), job.seed)
            if key not in done:
                done.add(key)
                settings.append(s)
        if settings:
            left.append(replace(job, settings=tuple(settings)))
    return left


Settings = tuple[Setting, ...]
Runs = list[tuple[str, Settings, range, str]]
"""Method, streams of one network, seeds and replay."""


def _runs(keys: Iterable[str], settings: Settings, most: int | None = None) -> Runs:
    """With all seeds of the settings' data set, or the first of them."""
    seeds = range(min(n_seeds(settings[0].dataset), most or n_seeds(settings[0].dataset)))
    return [(key, settings, seeds, replay_of(key)) for key in keys]


def _streams(dataset: str, *orders: Order, wrong_labels: float = 0.0) -> Settings:
    return tuple(Setting(dataset, s, order, wrong_labels) for order in orders or ORDERS[:1]
                 for s in scenarios(dataset))


def _tried(best: Sequence[str]) -> Runs:
    return _runs([m.key for m in TRIED if m.profile], _streams(VALIDATION, *ORDERS))


def _folds(best: Sequence[str]) -> Runs:
    both = (*_streams(FOLDS_VALIDATION), *_streams(FOLDS))
    shown = [key for key in SHOWN if key != "touch_k3"]  # it is one of the points
    return [*_runs([m.key for m in POINTS], both),
            *_runs((FROZEN, *shown, *_worn(best)), _streams(FOLDS))]


def _watch(best: Sequence[str]) -> Runs:
    own, others = _streams(WATCH, *ORDERS), _streams(REDRAWN)
    return [run for key in (FROZEN, *SHOWN, *_worn(best))
            for run in _runs([key], (*own, *others) if key in CHECKED else own)]


def _worn(best: Sequence[str]) -> list[str]:
    """Those for a sensor that is worn."""
    return [key for key in best if METHODS[key].profile]


def _rules(best: Sequence[str]) -> Runs:
    return _runs((*ALONE, *BESIDE), _streams(WATCH), SIDE_SEEDS)


def _rivals(best: Sequence[str]) -> Runs:
    return [run for dataset in (TURNED, MIRROR)
            for run in _runs((FROZEN, *RIVALS), _streams(dataset))]


def _deterding(best: Sequence[str]) -> Runs:
    plain = [key for key in best if METHODS[key].profile is None]
    return [run for name in _vowels() for run in _runs(
        (FROZEN, *FURTHER, *plain), _streams(name))]


def _labels(best: Sequence[str]) -> Runs:
    wrong = tuple(s for share in WRONG_LABELS for s in _streams(WATCH, wrong_labels=share))
    return _runs(MISLED, wrong, SIDE_SEEDS)


def _replay(best: Sequence[str]) -> Runs:
    return [(key, settings, seeds, other) for key, settings, seeds, _ in _runs(
        REPLAYED, _streams(WATCH), SIDE_SEEDS) for other in ("off", "flash")]


def _float(best: Sequence[str]) -> Runs:
    return _runs([m.key for m in HOST], _streams(WATCH), FLOAT_SEEDS)


def _further(best: Sequence[str]) -> Runs:
    return [run for name in (*_sets(), "digits") for run in _runs(
        (FROZEN, *FURTHER), _streams(name))]


def _sets() -> list[str]:
    """Further sets that are there, without the one that is shipped and the one of goals."""
    return [n for n, s in SETS.items() if not s.missing and n not in (VOWELS, "digits")]


def _vowels() -> list[str]:
    return [VOWELS][:not SETS[VOWELS].missing]


JOBS: dict[str, Callable[[Sequence[str]], Runs]] = {
    "tried": _tried, "watch": _watch, "folds": _folds, "vowels": _deterding, "rules": _rules,
    "rivals": _rivals, "float": _float, "labels": _labels, "replay": _replay, "sets": _further}
"""By part, in the order that they run."""

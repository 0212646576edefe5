"""Which runs there are: the parts of the evidence as jobs, and the choice of constants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.watch import Order
from evidence.measure import Job, Row, mean_score, run
from evidence.methods import (
    AROUND,
    DEVICE,
    FROZEN,
    HOST,
    METHODS,
    POINTS,
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
    UNIFORM,
    VALIDATION,
    WATCH,
    Setting,
    n_seeds,
    scenarios,
)

PARTS = ("tune", "tried", "goals", "folds", "rivals", "vowels", "main", "blocked", "labels",
         "replay", "sources", "redrawn", "float", "sets")
ORDERS: tuple[Order, ...] = ("shuffled", "blocked")
TUNING_SEEDS = range(3)
WRONG_LABELS = (0.1, 0.2)
REPLAYED = ("delta", "sync", "touch_schedule")
"""Methods whose replay is taken away."""
SOURCES = ("delta_k3", "touch_k3")
"""Methods that start from the networks before those shipped as well."""
CHECKED = ("touch_k3", "touch_gate_error", "oriented_frozen", "oriented_gate", "unlabelled_frozen")
"""Methods that are tried on shifts and orders that nothing was chosen on."""
SHOWN = ("delta_k3", "sync_k3", "touch_k3", "touch_gate_error", "oriented_frozen", "oriented",
         "oriented_gate", "unlabelled_frozen", "unlabelled")
"""Methods of the first tables, on every new wearer, too."""
RIVALS = ("touch_k3", "oriented_frozen", "oriented")
"""Methods behind networks that were trained on turned or on mirrored windows."""
VOWELS = "deterding"
QUICK_SEEDS, QUICK_FLOAT_SEEDS = 5, 2
QUICK_SCENARIOS = ("Ap", "B", "E")
"""Scenarios of float methods in a quick run."""
FRAMED = ("vowels", "motions")
"""Sets whose frames repeat channels, so that profiles of these can be fitted."""
QUICK_SETS = ("digits",)
QUICK_METHODS = ("delta_k3", "sync_k3", "touch_k3", *(m.key for m in AROUND))

Chosen = dict[str, dict[str, Any]]
Execute = Callable[[Sequence[Job]], Iterable[list[Row]]]


def attempt(job: Job) -> list[Row]:
    """The rows of a job; none where its constants have no fixed-point form."""
    try:
        return run(job)
    except EdgeError as problem:
        if problem.code != "E201":
            raise
        return []


def tuning_jobs(method: Method, base: Constants) -> list[Job]:
    """Each point of the grid, added to `base`, over the validation wearers."""
    settings = tuple(Setting(VALIDATION, s) for s in scenarios(VALIDATION))
    return [Job(method.key, settings, seed, {**base, **point}, method.replay)
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


def tune(execute: Execute, methods: Sequence[Method], known: Chosen) -> Chosen:
    """The constants of every method with a grid, twins after those they take theirs from; these
    may be known."""
    chosen = dict(known)
    for twins in (False, True):
        wanted = [m for m in methods if m.grid and bool(m.twin) == twins]
        jobs = {m.key: tuning_jobs(m, chosen[m.twin]["chosen"] if m.twin else {}) for m in wanted}
        found = list(execute([job for made in jobs.values() for job in made]))
        start = 0
        for m in wanted:
            stop = start + len(jobs[m.key])
            chosen[m.key] = choose(m, jobs[m.key], found[start:stop])
            start = stop
    return chosen


def constants_of(chosen: Chosen, key: str) -> Constants:
    """Those of the method or of its twin; none where they were not chosen yet."""
    if key == FROZEN:
        return {}
    method = METHODS[key]
    found = chosen.get(key if method.grid else method.twin or key, {}).get("chosen", {})
    return {**method.given, **found}


def jobs(parts: Iterable[str], chosen: Chosen, *, quick: bool = False,
         best: Sequence[str] = (), only: Mapping[str, Sequence[Any]] | None = None) -> list[Job]:
    """Jobs of the parts, in their order. best: methods of the goals beside those shown. only:
    'methods', 'scenarios', 'seeds' to keep.

    Raises EdgeError E105 for a method without constants.
    """
    wanted = set(parts)
    made = [*_goal_jobs(wanted, chosen, quick, best), *(job for part in (
        _tried_jobs, _rival_jobs, _set_jobs, _device_jobs, _replay_jobs, _watch_jobs, _float_jobs)
        for job in part(wanted, chosen, quick))]
    kept = only or {}
    methods, seeds = kept.get("methods"), kept.get("seeds")
    made = [j for j in made if (methods is None or j.method in methods)
            and (seeds is None or j.seed in seeds)]
    if "scenarios" in kept:
        made = [Job(j.method, tuple(s for s in j.settings if s.scenario in kept["scenarios"]),
                    j.seed, j.constants, j.replay) for j in made]
    made = [j for j in made if j.settings]
    missing = sorted({j.method for j in made if not j.constants} - {FROZEN})
    if missing:
        raise EdgeError("E105", f"no constants were chosen for {', '.join(missing)}",
                        help="run the part 'tune' with --full")
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


def _seeds(dataset: str, quick: bool) -> range:
    return range(min(n_seeds(dataset), QUICK_SEEDS) if quick else n_seeds(dataset))


def _methods(quick: bool) -> list[Method]:
    return [m for m in DEVICE if m.key in QUICK_METHODS or not quick]


def _jobs(keys: Iterable[str], settings: Iterable[Setting], chosen: Chosen, quick: bool
          ) -> list[Job]:
    """Methods with all seeds of the settings' data set."""
    where = tuple(settings)
    return [Job(key, where, seed, constants_of(chosen, key), replay_of(key))
            for key in keys for seed in _seeds(where[0].dataset, quick)]


def _streams(dataset: str, *orders: Order) -> list[Setting]:
    return [Setting(dataset, s, order) for order in orders or ORDERS[:1]
            for s in scenarios(dataset)]


def _tried_jobs(parts: set[str], chosen: Chosen, quick: bool) -> list[Job]:
    """What is tried, on the validation wearers, and the constants of touch in every fold."""
    made = []
    if "tried" in parts:
        made += _jobs([m.key for m in TRIED if m.profile], _streams(VALIDATION, *ORDERS), chosen,
                      quick)
    if "folds" in parts:
        for dataset in (FOLDS_VALIDATION, FOLDS):
            made += _jobs([m.key for m in POINTS], _streams(dataset), chosen, quick)
    return made


def _goal_jobs(parts: set[str], chosen: Chosen, quick: bool, best: Sequence[str]) -> list[Job]:
    """The methods shown, and the best, where there is a goal."""
    if "goals" not in parts:
        return []
    made = []
    for keys in ((FROZEN, *best), SHOWN):
        for settings in (_streams(WATCH), _streams(FOLDS), _streams(WATCH, "blocked")):
            made += _jobs(keys, settings, chosen, quick)
    if not SETS[VOWELS].missing:
        plain = [m.key for m in METHODS.values() if m.key in (*best, "touch_k3")
                 and m.profile is None]
        made += _jobs((FROZEN, *plain), _streams(VOWELS), chosen, quick)
    return made


def _rival_jobs(parts: set[str], chosen: Chosen, quick: bool) -> list[Job]:
    return [job for dataset in (TURNED, MIRROR) if "rivals" in parts
            for job in _jobs((FROZEN, *RIVALS), _streams(dataset), chosen, quick)]


def _device_jobs(parts: set[str], chosen: Chosen, quick: bool) -> list[Job]:
    settings = [Setting(WATCH, s) for s in scenarios(WATCH)] if "main" in parts else []
    if "blocked" in parts:
        settings += [Setting(WATCH, s, "blocked") for s in scenarios(WATCH)]
    frozen = tuple(settings)
    if "labels" in parts:
        settings += [Setting(WATCH, s, wrong_labels=share)
                     for share, s in product(WRONG_LABELS, scenarios(WATCH))]
    made = [Job(FROZEN, frozen, seed, {}, "off") for seed in _seeds(WATCH, quick)]
    return made + [Job(m.key, tuple(settings), seed, constants_of(chosen, m.key), m.replay)
                   for m in _methods(quick) for seed in _seeds(WATCH, quick)]


def _replay_jobs(parts: set[str], chosen: Chosen, quick: bool) -> list[Job]:
    if "replay" not in parts:
        return []
    settings = tuple(Setting(WATCH, s) for s in scenarios(WATCH))
    return [Job(key, settings, seed, constants_of(chosen, key), replay)
            for key in REPLAYED for replay in ("off", "flash") for seed in _seeds(WATCH, quick)]


def _watch_jobs(parts: set[str], chosen: Chosen, quick: bool) -> list[Job]:
    """The watch with other networks, and with other draws."""
    made = []
    for part, dataset, methods in (("sources", UNIFORM, SOURCES), ("redrawn", REDRAWN, CHECKED)):
        settings = tuple(Setting(dataset, s) for s in scenarios(dataset))
        made += [Job(key, settings, seed, constants_of(chosen, key), replay_of(key))
                 for key in (FROZEN, *methods) for seed in _seeds(dataset, quick) if part in parts]
    return made


def _float_jobs(parts: set[str], chosen: Chosen, quick: bool) -> list[Job]:
    if "float" not in parts:
        return []
    settings = tuple(Setting(WATCH, s) for s in (QUICK_SCENARIOS if quick else scenarios(WATCH)))
    blocked = () if quick else tuple(Setting(WATCH, s, "blocked") for s in scenarios(WATCH))
    seeds = range(QUICK_FLOAT_SEEDS) if quick else _seeds(WATCH, quick)
    return [Job(m.key, settings + (blocked if m.key == "backprop" else ()), seed,
                constants_of(chosen, m.key), m.replay) for m in HOST for seed in seeds]


def _set_jobs(parts: set[str], chosen: Chosen, quick: bool) -> list[Job]:
    names = [n for n, s in SETS.items() if not s.missing and (
        "vowels" in parts if n == VOWELS else "sets" in parts and (n in QUICK_SETS or not quick))]
    made = []
    for name in names:
        fits = [m.key for m in _methods(quick) if m.profile is None
                or (m.profile == "host" and name in FRAMED)]
        made += [Job(key, tuple(Setting(name, s) for s in scenarios(name)), seed,
                     constants_of(chosen, key), replay_of(key))
                 for key in (FROZEN, *fits) for seed in _seeds(name, quick)]
    return made

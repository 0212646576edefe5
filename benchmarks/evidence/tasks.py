"""What is learned from: a network, a stream, and what it is judged on, by data set and scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Network
from evidence import sets, speakers, watches
from evidence.watches import recordings

WATCH, REDRAWN = "watch", "watch, redrawn"
"""The watch with the networks shipped; with shifts, orders and wearers from seeds that nothing was
chosen on, too."""
FOLDS, TURNED, MIRROR = "watch, folds", "watch, turned", "watch, mirror"
"""The watch with networks that leave every wearer out in turn; with networks trained on turned or
on mirrored windows, too (watches.py)."""
VALIDATION, FOLDS_VALIDATION = "watch, validation", "watch, folds, validation"
"""Streams of the validation wearers, for the networks shipped and for those of the folds."""
WATCHES = (WATCH, REDRAWN, FOLDS, TURNED, MIRROR, VALIDATION, FOLDS_VALIDATION)
DRAWN_BEYOND = 20
"""What is added to the seed of a network for REDRAWN."""
WATCH_SEEDS = 10
SEEDS = {TURNED: 3, MIRROR: 3, "deterding": 10}
"""Networks, where there are others than WATCH_SEEDS of the watch, `sets.N_SEEDS` of a further set.
"""
KEPT_TASKS = 24
"""Of a process: the streams of a job, and a few more."""
SETS = {**sets.SETS, "deterding": speakers.SET}
"""Further sets."""


@dataclass(frozen=True)
class Setting:
    """A stream by name; with a seed it is a `Task`.

    dataset: one of WATCHES or of SETS. scenario: of `watch.SCENARIOS` or of the set. order and
    wrong_labels are those of `watch.scenario`; other sets know only their defaults.
    """

    dataset: str
    scenario: str
    order: watch.Order = "shuffled"
    wrong_labels: float = 0.0


@dataclass(frozen=True, eq=False)
class Task:
    """stream: to learn from, once, in order. test: later samples under the same shift. original:
    samples without the shift. training: what the network was trained on; replay from flash comes
    from it. mirrored: the test samples as the other wrist gives them, on the left wrist alone.
    n_channels: of a frame, which repeats them; None where every input is one of its own.
    """

    setting: Setting
    seed: int
    network: Network
    training: Samples
    stream: Samples
    test: Samples
    original: Samples
    n_channels: int | None = None
    mirrored: Samples | None = field(default=None)


def is_watch(dataset: str) -> bool:
    return dataset in WATCHES


def n_seeds(dataset: str) -> int:
    """How many networks there are."""
    return SEEDS.get(dataset, WATCH_SEEDS if is_watch(dataset) else sets.N_SEEDS)


def scenarios(dataset: str) -> tuple[str, ...]:
    return tuple(watch.SCENARIOS) if is_watch(dataset) else SETS[dataset].scenarios


@lru_cache(KEPT_TASKS)
def task(setting: Setting, seed: int) -> Task:
    """The same for the same arguments. Raises EdgeError E105 for a setting out of range."""
    if not is_watch(setting.dataset):
        further = SETS[setting.dataset]
        worn = further.shifted(setting.scenario, seed)
        return Task(setting, seed, network(setting.dataset, seed), worn.training, worn.stream,
                    worn.test, worn.original, worn.n_channels)
    of_fold = setting.dataset in (FOLDS, FOLDS_VALIDATION)
    made = watch.scenario(
        setting.scenario, seed, recordings(), order=setting.order,
        wrong_labels=setting.wrong_labels,
        validation=setting.dataset in (VALIDATION, FOLDS_VALIDATION),
        drawn=seed + DRAWN_BEYOND * (setting.dataset == REDRAWN),
        wearers=watches.fold(seed, recordings()) if of_fold else None)
    mirrored = None
    if setting.scenario in ("A", "Ap"):
        mirrored = Samples(made.mirrored(made.test.x), made.test.y)
    behind = network(setting.dataset, seed).with_sensor(made.scale.sensor)
    return Task(setting, seed, behind, made.replay, made.stream, made.test, made.original,
                len(watch.MIRROR), mirrored)


@cache
def network(dataset: str, seed: int) -> Network:
    """Of a data set; what is not shipped is trained first and kept in the cache folder."""
    if not is_watch(dataset):
        return SETS[dataset].network(seed)
    if dataset in (FOLDS, FOLDS_VALIDATION):
        return watches.network(seed, folds=True)
    if dataset in (TURNED, MIRROR):
        return watches.network(seed, "turned" if dataset == TURNED else "mirrored")
    return ir.load(assets.folder("examples") / "watch" / f"watch_seed{seed}.npz")

"""What is learned from: a network, a stream, and what it is judged on, by data set and scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Network
from evidence import sets

WATCH = "watch"
WATCH_SEEDS = 10


@dataclass(frozen=True)
class Setting:
    """A stream by name; with a seed it is a `Task`.

    dataset: WATCH or one of `sets.SETS`. scenario: of `watch.SCENARIOS` or `sets.SHIFTS`.
    order, wrong_labels and validation are those of `watch.scenario`; other sets know only their
    defaults.
    """

    dataset: str
    scenario: str
    order: watch.Order = "shuffled"
    wrong_labels: float = 0.0
    validation: bool = False


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


def n_seeds(dataset: str) -> int:
    """How many networks there are."""
    return WATCH_SEEDS if dataset == WATCH else sets.N_SEEDS


def scenarios(dataset: str) -> tuple[str, ...]:
    return tuple(watch.SCENARIOS if dataset == WATCH else sets.SHIFTS)


def task(setting: Setting, seed: int) -> Task:
    """The same for the same arguments. Raises EdgeError E105 for a setting out of range."""
    if setting.dataset != WATCH:
        made = sets.shifted(setting.dataset, setting.scenario, seed)
        return Task(setting, seed, sets.network(setting.dataset, seed), made.training, made.stream,
                    made.test, made.original, made.n_channels)
    made = watch.scenario(setting.scenario, seed, _watch(), validation=setting.validation,
                          order=setting.order, wrong_labels=setting.wrong_labels)
    mirrored = None
    if setting.scenario in ("A", "Ap"):
        mirrored = Samples(made.mirrored(made.test.x), made.test.y)
    return Task(setting, seed, _watch_network(seed), made.replay, made.stream, made.test,
                made.original, len(watch.MIRROR), mirrored)


@cache
def _watch() -> watch.WatchData:
    return watch.load_watch(assets.folder("examples") / "watch" / "data.npz")


@cache
def _watch_network(seed: int) -> Network:
    return ir.load(assets.folder("examples") / "watch" / f"watch_seed{seed}.npz")

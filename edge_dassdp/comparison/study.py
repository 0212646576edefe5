"""What is compared with what: the runs of a comparison, each of them the same anywhere."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.comparison.methods import FITS, HOST, Method
from edge_dassdp.comparison.trial import Given, OnDevice, Scores, on_host
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.labels import first_of_each
from edge_dassdp.ir import Network
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning
from edge_dassdp.version import __version__

Order = Literal["shuffled", "kept"]
_REFUSED = ("E105", "E201", "E202", "E203", "E402")


@dataclass(frozen=True)
class Row:
    """One method, one seed. network: its place. Scores as of `trial.Scores`, in percent, original
    None where nothing is judged without the shift. confusion: of the test samples after learning,
    a row a class, how many were taken for each. refused: why the method cannot stand, "" if it can.
    """

    method: str
    seed: int
    network: int
    before: float = 0.0
    online: float = 0.0
    shifted: float = 0.0
    original: float | None = None
    written: int = 0
    skipped: int = 0
    replayed: int = 0
    confusion: tuple[tuple[int, ...], ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Run:
    """method: its place in the study."""

    method: int
    seed: int


@dataclass(frozen=True, eq=False)
class Study:
    """networks: of the same inputs and classes. given: samples of all methods; the stream in the
    order of its file. learnings: of each method, of each network: what learns, None for nothing, or
    why it cannot. order: of the stream, drawn from the seed or kept. per_class, limit: samples of
    the stream that are learned, the first of each class, and the first at all, None for all.
    rules_from: files that define rules.
    """

    networks: tuple[Network, ...]
    given: Given
    methods: tuple[Method, ...]
    learnings: tuple[tuple[Learning | EdgeError | None, ...], ...]
    settings: Settings
    order: Order = "shuffled"
    per_class: int | None = None
    limit: int | None = None
    rules_from: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        return self.networks[0].n_classes

    def runs(self, n_seeds: int) -> list[Run]:
        """Every method with every seed, seed by seed."""
        return [Run(k, seed) for seed in range(n_seeds) for k in range(len(self.methods))]

    def network_of(self, seed: int) -> int:
        return seed % len(self.networks)

    def stream(self, seed: int) -> Samples:
        """In the order of a seed, as many as are learned."""
        given = self.given.stream
        rows = np.arange(len(given)) if self.order == "kept" else \
            np.random.default_rng((seed, 0)).permutation(len(given))
        if self.per_class is not None:
            rows = rows[first_of_each(given.y[rows], self.per_class)]
        return given.at(rows[: self.limit])

    def learning_key(self, method: int) -> str:
        """Tells constants of one name from others."""
        texts = [made.toml() if isinstance(made, Learning) else str(made)
                 for made in self.learnings[method]]
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]

    @cached_property
    def frozen(self) -> tuple[QNetwork, ...]:
        """The networks as they are quantized, without what learns."""
        x = self.given.training.x
        return tuple(quantize(n, None, self.settings, x).network for n in self.networks)

    @property
    def shas(self) -> tuple[str, ...]:
        """Of these."""
        return tuple(model.sha256 for model in self.frozen)

    @cached_property
    def key(self) -> str:
        """Of all that rows depend on but their method and seed."""
        parts = [self.given.training, self.given.stream, self.given.test, self.given.original]
        digest = hashlib.sha256(json.dumps([
            __version__, self.shas, asdict(self.settings), self.order, self.per_class, self.limit,
        ], default=str).encode())
        for part in parts:
            for array in (part.x, part.y) if part is not None else (np.zeros(0),):
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def rounding_seed(seed: int) -> int:
    """Of xorshift32."""
    return int(np.random.default_rng((seed, 1)).integers(1, 2**32))


class Runner:
    """Runs of a study in one process, which keeps the devices that it compiled."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._devices: dict[tuple[int, int], OnDevice | str] = {}

    def row(self, run: Run) -> Row:
        """The same on every computer."""
        study, place = self.study, self.study.network_of(run.seed)
        method = study.methods[run.method]
        given = replace(study.given, stream=study.stream(run.seed))
        made: Row = Row(method.text, run.seed, place)
        learning = study.learnings[run.method][place]
        if isinstance(learning, EdgeError):
            return replace(made, refused=learning.message)
        if method.is_host and learning is not None:
            return self._on_host(made, method, replace(learning, seed=rounding_seed(run.seed)),
                                 given)
        device = self._device(run.method, place, learning)
        if isinstance(device, str):
            return replace(made, refused=device)
        scores = device.learn(given, None if learning is None else rounding_seed(run.seed))
        return _row(made, scores, given.test, device.classes(given.test), study.n_classes)

    def _on_host(self, made: Row, method: Method, learning: Learning, given: Given) -> Row:
        network = self.study.networks[made.network]
        try:
            learner = HOST[method.word](network, learning, training=given.training)
        except EdgeError as problem:
            return replace(made, refused=_told(problem))
        scores = on_host(learner, given)
        found = learner.model.run(given.test.x).classes
        return _row(made, scores, given.test, found, self.study.n_classes)

    def _device(self, method: int, network: int, learning: Learning | None) -> OnDevice | str:
        """Compiled when it is first asked for; why there is none."""
        if (method, network) not in self._devices:
            self._devices[method, network] = self._compiled(method, network, learning)
        return self._devices[method, network]

    def _compiled(self, place: int, network: int, learning: Learning | None) -> OnDevice | str:
        study, method = self.study, self.study.methods[place]
        train = study.given.training
        settings = replace(study.settings, drift="profile") if method.fit == "unlabelled" \
            else study.settings
        try:
            model = quantize(study.networks[network], learning, settings, train.x, train.y).network
        except EdgeError as problem:
            return _told(problem)
        return OnDevice(
            model, fit=FITS.get(method.fit), learns=method.learns,
            warms_up=learning is not None and any(r.needs.warm_up for r in learning.rules.values()))


def _told(problem: EdgeError) -> str:
    """Why a method cannot stand. Raises it again where that is not what it says."""
    if problem.code not in _REFUSED:
        raise problem
    return problem.message


def _row(made: Row, scores: Scores, test: Samples, found: NDArray[np.int64],
         n_classes: int) -> Row:
    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (test.y, found), 1)
    values: dict[str, Any] = asdict(scores)
    if np.isnan(scores.original):
        values["original"] = None
    return replace(made, **values, confusion=tuple(map(tuple, counts.tolist())))

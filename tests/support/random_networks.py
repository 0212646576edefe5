"""Recipes of the space, run: quantized, written and read back, built, and compared bit by bit."""

from __future__ import annotations

import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from support.drawn import scenario
from support.fleet import DivergenceError, Model, Yard
from support.space import Recipe, draw

from edge_dassdp import ir, qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.ir import Network
from edge_dassdp.plan.ledger import constant_bytes, described_bytes
from edge_dassdp.qir import QNetwork

HONEST = ("E201", "E202")
"""Refusals that depend on numbers: no representation, no proof. Others are named exclusions."""
A_BATCH = 16
CODE_BYTES = 80 * 1024
"""Of a board's flash for the runtime and all its kernels."""
ROOM_BYTES = 3072
"""Of a board's RAM for its stack, its port and the fleet's own."""


@dataclass
class Tally:
    """What came of recipes, and what did not go well: each failure with its recipe."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.failures += other.failures


def made(recipe: Recipe, title: str, yard: Yard, folder: Path, tally: Tally) -> Model | None:
    """The model of a recipe, read back from its file, with what is expected of it; None where it is
    refused or fails, which the tally says."""
    try:
        drawn = scenario(recipe)
        quantized = drawn.quantized
    except EdgeError as refused:
        tally.counts[f"refused {refused.code}"] += 1
        if refused.code not in HONEST:
            tally.failures.append(f"{title}\nrefused, and no exclusion says so: {refused}")
        return None
    except Exception:
        tally.failures.append(f"{title}\n{traceback.format_exc()}")
        return None
    try:
        _read_back(drawn.network, quantized, folder)
        tally.counts["read back"] += 1
        model = yard.model(title, drawn)
        assert model.expected
        return model
    except Exception:
        tally.failures.append(f"{title}\n{traceback.format_exc()}")
        return None


def _read_back(network: Network, quantized: QNetwork, folder: Path) -> None:
    """AssertionError or EdgeError unless both files give what was written."""
    ir.save(network, folder / "network.npz")
    _same(network, ir.load(folder / "network.npz"))
    qir.save(quantized, folder / "quantized.npz")
    assert qir.load(folder / "quantized.npz").sha256 == quantized.sha256, "another sha256"


def _same(a: Network, b: Network) -> None:
    """AssertionError unless both networks have the same values everywhere."""
    assert a.n_steps == b.n_steps and a.readout.__dict__ == b.readout.__dict__
    for x, y in zip((*a.inputs, *a.populations, *a.projections),
                    (*b.inputs, *b.populations, *b.projections), strict=True):
        assert vars(x).keys() == vars(y).keys()
        for key, value in vars(x).items():
            assert np.array_equal(value, vars(y)[key]), f"{vars(x)['name']}.{key}"


@contextmanager
def yards(target: str) -> Iterator[list[Yard]]:
    """Where fleets for a target are built, runtimes compiled: "emulator", with the kernels of the
    specification and with those of the host, or a board."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = [Yard(folder / "specification"), Yard(folder / "host", is_fast=True)] \
            if target == "emulator" else [Yard(folder / target, load_board(target))]
        for yard in places:
            yard.prepare()
        yield places


def held(models: Sequence[Model], yard: Yard) -> list[Model]:
    """Those that its board holds: the largest state and sample in RAM, all tables in flash."""
    if yard.board is None:
        return list(models)
    found, state, x, flash = list[Model](), 0, 0, CODE_BYTES
    for model in models:
        larger = (max(state, model.plan.layout.state_bytes), max(x, model.plan.network.x_bytes),
                  flash + constant_bytes(model.plan) + described_bytes(model.plan.network))
        if sum(larger[:2]) + ROOM_BYTES <= yard.board.ram.bytes \
                and larger[2] <= yard.board.flash.bytes:
            found.append(model)
            state, x, flash = larger
    return found


def run_batch(recipes: Iterable[tuple[str, Recipe]], places: Sequence[Yard],
              n: int | None = None) -> Tally:
    """Runs the first n of recipes that quantize, each with its title, as one fleet in every
    yard."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = (made(recipe, title, places[0], folder, tally) for title, recipe in recipes)
        models = list(islice((model for model in found if model is not None), n))
        taken = held(models, places[0])
        tally.counts["too large"] += len(models) - len(taken)
        tally.counts["networks"] += len(taken)
        try:
            objects = places[0].compile(taken, folder) if taken else []
            for yard in places if taken else ():
                yard.run(yard.link(objects, folder / "fleet.elf"), taken)
        except DivergenceError as problem:
            tally.failures.append(str(problem))
    return tally


def drawn(n: int, seed: int, first: int = 0) -> Iterator[tuple[str, Recipe]]:
    """n random recipes of a seed, each with the options of tools/random_networks.py that make it
    again."""
    for i in range(first, first + n):
        recipe = draw(seed, i)
        yield f"--seed {seed} --first {i} --n 1: {recipe}", recipe


def run(titled: Iterator[tuple[str, Recipe]], places: Sequence[Yard], jobs: int) -> Iterator[Tally]:
    """Runs recipes in batches; gives the tally of all so far after each."""
    tally = Tally()
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        waiting = {pool.submit(run_batch, batch, places) for batch in _batches(titled)}
        for done in as_completed(waiting):
            tally.add(done.result())
            yield tally


def _batches(titled: Iterator[tuple[str, Recipe]]) -> Iterator[list[tuple[str, Recipe]]]:
    while batch := list(islice(titled, A_BATCH)):
        yield batch

"""Recipes of the space, run: quantized, written and read back, built, and compared bit by bit."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
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
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import constant_bytes

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


def made(recipe: Recipe, title: str, folder: Path, tally: Tally) -> Model | None:
    """The model of a recipe, read back from its file; None where it is refused."""
    try:
        drawn = scenario(recipe)
        quantized = drawn.quantized
    except EdgeError as refused:
        tally.counts[f"refused {refused.code}"] += 1
        if refused.code not in HONEST:
            tally.failures.append(f"{title}\nrefused, and no exclusion says so: {refused}")
        return None
    path = folder / "network.npz"
    try:
        ir.save(drawn.network, path)
        _same(drawn.network, ir.load(path))
        qir.save(quantized, path)
        read = qir.load(path)
        assert read.sha256 == quantized.sha256, "another sha256"
        tally.counts["read back"] += 1
    except (EdgeError, AssertionError) as problem:
        tally.failures.append(f"{title}\nnot read as it was written: {problem}")
    return Model(title, drawn, Plan.of(quantized))


def _same(a: Network, b: Network) -> None:
    """AssertionError unless both networks have the same values everywhere."""
    assert a.n_steps == b.n_steps and a.readout.__dict__ == b.readout.__dict__
    for x, y in zip((*a.inputs, *a.populations, *a.projections),
                    (*b.inputs, *b.populations, *b.projections), strict=True):
        assert vars(x).keys() == vars(y).keys()
        for key, value in vars(x).items():
            assert np.array_equal(value, vars(y)[key]), f"{vars(x)['name']}.{key}"


def yards(target: str, folder: Path) -> list[Yard]:
    """Where fleets for a target are built: "emulator", with the kernels of the specification and
    with those of the host, or a board."""
    if target != "emulator":
        return [Yard(folder / target, load_board(target))]
    return [Yard(folder / "specification"), Yard(folder / "host", is_fast=True)]


def held(models: Sequence[Model], yard: Yard) -> list[Model]:
    """Those that the RAM of its board holds one by one, and its flash together."""
    if yard.board is None:
        return list(models)
    found, flash = [], CODE_BYTES
    for model in models:
        ram = model.plan.layout.state_bytes + model.plan.network.x_bytes + ROOM_BYTES
        more = flash + constant_bytes(model.plan)
        if ram <= yard.board.ram.bytes and more <= yard.board.flash.bytes:
            found.append(model)
            flash = more
    return found


def run_batch(recipes: Sequence[tuple[str, Recipe]], places: Sequence[Yard], name: str) -> Tally:
    """Runs recipes, each with its title, as one fleet in every yard."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        models = [m for title, recipe in recipes
                  if (m := made(recipe, title, Path(folder), tally)) is not None]
    taken = held(models, places[0])
    tally.counts["too large"] += len(models) - len(taken)
    tally.counts["networks"] += len(taken)
    try:
        objects = places[0].compile(taken, name) if taken else []
        for yard in places if taken else ():
            yard.run(yard.link(objects, name), taken)
    except DivergenceError as found:
        tally.failures.append(str(found))
    return tally


def run(n: int, seed: int, *, target: str = "emulator", jobs: int = 1,
        first: int = 0) -> Iterator[Tally]:
    """Runs n random recipes of a seed; gives the tally of all so far after each batch."""
    titled = ((f"--seed {seed} --first {i} --n 1: {(recipe := draw(seed, i))}", recipe)
              for i in range(first, first + n))
    yield from run_recipes(titled, target=target, jobs=jobs)


def run_recipes(titled: Iterator[tuple[str, Recipe]], *, target: str = "emulator",
                jobs: int = 1) -> Iterator[Tally]:
    """Runs any recipes, each with its title; gives the tally of all so far after each batch."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        places = yards(target, Path(folder))
        for yard in places:
            yard.prepare()
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            waiting = {pool.submit(run_batch, batch, places, f"batch{k}")
                       for k, batch in enumerate(_batches(titled))}
            for done in as_completed(waiting):
                tally.add(done.result())
                yield tally


def _batches(titled: Iterator[tuple[str, Recipe]]) -> Iterator[list[tuple[str, Recipe]]]:
    while batch := list(islice(titled, A_BATCH)):
        yield batch

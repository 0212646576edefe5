"""The whole space of scenarios: no pair of options is left out but by name, no option of the
product is unknown to it, and all pairs give the bits of the reference, under AddressSanitizer.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import chain, combinations
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from support import space
from support.drawn import scenario
from support.fleet import Yard
from support.random_networks import HONEST, run_batch
from support.scenario import Scenario
from support.space import EXCLUSIONS, Exclusion, Recipe

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import (
    Encoder,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    Sensor,
    Triad,
)
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork, QPopulation
from edge_dassdp.qir.tables import Array, Rows, Table
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import CUSUM, ErrorScaled, Guard, Learning, Replay, Rule, Schedule

pytestmark = pytest.mark.xdist_group("space")
NOT_OPTIONS = {
    "Network.inputs", "Network.populations", "Network.projections",  # their nodes are looked at
    "Readout.population",  # the last one of every drawn network
}
SEEDS, ROUNDS = 8, 3
"""Tries with other weights, and with other values elsewhere, where a proof fails."""


@cache
def covering() -> tuple[list[Recipe], set[space.Pair]]:
    return space.pairs()


@cache
def accepted() -> list[tuple[Recipe, Scenario]]:
    """Recipes of all pairs that quantize: where a proof fails, with other weights, and where it
    always does, others for the pairs that it leaves."""
    made = [found for recipe in covering()[0] if (found := _accepted(recipe)) is not None]
    rng = np.random.default_rng(9)
    for pair in sorted(missing(made), key=lambda pair: sorted(map(repr, pair))):
        for _ in range(ROUNDS):
            choice = space.completed(dict(pair), space.at_random(rng), rng)
            found = choice and _accepted(Recipe(choice, int(rng.integers(10**6))))
            if found:
                made.append(found)
                break
    return made


def missing(made: list[tuple[Recipe, Scenario]]) -> set[space.Pair]:
    """Pairs that are in no recipe and not excluded."""
    met = {frozenset(two) for recipe, _ in made
           for two in combinations(recipe.choice.items(), 2)}
    return space.all_pairs() - met - covering()[1]


def _accepted(recipe: Recipe) -> tuple[Recipe, Scenario] | None:
    for k in range(SEEDS):
        tried = Recipe(recipe.choice, recipe.seed + 1000 * k)
        try:
            made = scenario(tried)
            assert made.quantized
            return tried, made
        except EdgeError as refused:
            assert refused.code in HONEST, f"{tried}: {refused}"
    return None


def test_every_pair_of_options_is_in_a_network_that_quantizes_or_is_excluded() -> None:
    left = missing(accepted())
    assert not left, sorted(map(sorted, left))[:20]


def test_what_is_excluded_follows_from_named_exclusions() -> None:
    """A pair that stands in no network has each of its completions excluded by name."""
    rng = np.random.default_rng(5)
    for pair in covering()[1]:
        assert space.completed(dict(pair), space.at_random(rng), rng) is None, pair


@pytest.mark.parametrize("exclusion", EXCLUSIONS, ids=lambda e: e.name)
def test_the_product_refuses_what_is_excluded(exclusion: Exclusion) -> None:
    for choice in exclusion.examples(8, np.random.default_rng(1)):
        with pytest.raises(EdgeError) as caught:
            assert scenario(Recipe(choice)).quantized
        assert caught.value.code == exclusion.code, (Recipe(choice), caught.value)


# ---- no option is unknown ----------------------------------------------------------------------

def nodes(made: Scenario) -> Iterator[Any]:
    """Every dataclass that a user fills to have it."""
    net, learning = made.network, made.learning
    yield from (net, net.readout, made.settings, *net.inputs, *net.populations, *net.projections)
    yield from (i.encoder for i in net.inputs)
    yield from (part for i in net.inputs if i.sensor for part in (i.sensor, *i.sensor.triads))
    yield from (part for q in net.projections for part in (q.conv, q.pool, q.result_pool))
    if learning is not None:
        yield from (learning, learning.schedule, learning.replay, learning.guard, learning.gate,
                    *learning.rules.values())


@cache
def seen() -> dict[str, set[Any]]:
    """Values by "Class.field" in the networks of all pairs; arrays by their bytes."""
    values: dict[str, set[Any]] = defaultdict(set)
    for _, made in accepted():
        for node in nodes(made):
            if node is not None:
                for member in dataclasses.fields(node):
                    values[f"{type(node).__name__}.{member.name}"].add(
                        _plain(getattr(node, member.name)))
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tobytes()
    return value if isinstance(value, bool | int | float | str | None) else repr(value)


KINDS: tuple[type[Any], ...] = (
    Network, Readout, Input, Encoder, Sensor, Triad, Population, Projection, Conv, Pool, MaxPool,
    Settings,
    Learning, Schedule, ErrorScaled, Replay, Guard, CUSUM,
    *(rule for rule in Rule.known.values() if rule.__module__.startswith("edge_dassdp.")))
OPTIONS = [(kind, member.name) for kind in KINDS for member in dataclasses.fields(kind)
           if f"{kind.__name__}.{member.name}" not in NOT_OPTIONS]


def wanted(kind: Any) -> set[Any]:
    """Values that a field of a type must take: all of a few."""
    if get_origin(kind) is Literal:
        return set(get_args(kind))
    if kind is bool:
        return {False, True}
    return {value for part in get_args(kind) if part is not type(None)
            for value in wanted(part)} if type(None) in get_args(kind) else set()


@pytest.mark.parametrize(("kind", "name"), OPTIONS, ids=lambda v: getattr(v, "__name__", v))
def test_an_option_of_the_product_varies_in_the_space(kind: type[Any], name: str) -> None:
    """A new field of a network, of settings or of what learns belongs into support.space."""
    values = seen()[f"{kind.__name__}.{name}"]
    hint = get_type_hints(kind)[name]
    missing = wanted(hint) - values
    assert not missing, f"{kind.__name__}.{name} is never {missing}"
    assert len(values) > 1, f"{kind.__name__}.{name} is always {values}"
    if type(None) in get_args(hint):
        assert None in values


def symbols(plan: Plan) -> Iterator[str]:
    """Functions that the generated tables of a model name."""
    parts = plan.tables
    rows = [*parts.inputs, *parts.populations, *parts.projections, parts.model]
    for constant in parts.constants:
        if isinstance(constant, Table):
            rows.append(constant.fields)
        elif isinstance(constant, Rows):
            rows += constant.rows
        assert isinstance(constant, Table | Rows | Array)
    for fields in rows:
        yield from (v.lstrip("&") for _, v in fields if isinstance(v, str) and "dassdp_" in v)


def forms(network: QNetwork) -> Iterator[QNetwork]:
    """The same with constants of all neurons or of each, and leaks by a shift: each form takes
    kernels of its own."""
    yield network
    for leaks_each, fires_each, shift in ((False, False, 0), (False, False, 3), (False, True, 3),
                                          (True, True, 0)):
        yield replace(network, populations=tuple(
            _with_constants(p, p.size if leaks_each else 1, p.size if fires_each else 1, shift)
            for p in network.populations))


def _with_constants(p: QPopulation, n_leaks: int, n_fires: int, shift: int) -> QPopulation:
    d = p.dynamics
    if d is not None:
        d = replace(d, v_bias=np.zeros(1, np.int64),
                    **{name: None if values is None else values[:1] for name, values in
                       (("leak_i_q15", d.leak_i_q15),
                        ("v_min", d.v_min if d.leak_i_q15 is None else None))})
    return replace(p, dynamics=d, leak_shift=shift, leak_q15=np.resize(p.leak_q15, n_leaks),
                   fire_at=np.resize(p.fire_at, n_fires), reset_by=np.resize(p.reset_by, n_fires),
                   touch_width=None if p.touch_width is None else np.resize(p.touch_width, n_fires))


def declared() -> set[str]:
    """Functions of the runtime that tables may name: of the types of dassdp_tables.h, and others
    that kernels.h, deliver.h, encode.h, events.h, dynamics.h, learn.h and rules declare."""
    folder = assets.folder("firmware") / "src"
    within = assets.folder("firmware") / "kernels" / "portable" / "neuron_steps.h"
    texts = {p: p.read_text("utf-8") for p in folder.rglob("*.[ch]")}
    known = "".join(t for p, t in texts.items() if p.suffix == ".h"
                    and p.parent.name in ("core", "paths", "rules", "learn"))
    code = "".join(t for p, t in texts.items() if p.suffix == ".c" or p.name == "step.h")
    named = set(re.findall(r"\b(dassdp_[a-z0-9_]+)\b", _expanded(known)))
    functions = set(re.findall(r"^[a-z].*?\b(dassdp_[a-z0-9_]+)\(", code, re.MULTILINE)) | {
        n for n in named if n.startswith("dassdp_k_")}
    calls = set(re.findall(r"(?<![\w.])(dassdp_[a-z0-9_]+)\(", re.sub(
        r"^[a-z].*?\b(dassdp_[a-z0-9_]+)\(", "", code, flags=re.MULTILINE)))
    calls |= set(re.findall(r"\b(dassdp_k_[a-z0-9_]+)", within.read_text("utf-8")))
    return {n for n in named & functions if n not in calls and not n.endswith("_")}


def _expanded(text: str) -> str:
    """Headers with the macros that declare a family of symbols written out."""
    for macro, body in re.findall(r"#define (\w+)\(container\)((?:.*\\\n)*.*\n)", text):
        for container in re.findall(rf"^{macro}\((\w+)\)", text, re.MULTILINE):
            text += body.replace("##container##", container)
        text = text.replace(body, "")
    return text


def test_every_function_that_tables_may_name_is_named_by_a_network_of_the_space() -> None:
    drawn = (found for i in range(900) if (found := _accepted(space.draw(3, i))) is not None)
    unknown = set(declared())
    assert len(unknown) > 60
    for _, made in chain(accepted(), drawn):
        for network in forms(made.quantized):
            unknown.difference_update(symbols(Plan.of(network)))
        if not unknown:
            break
    assert not unknown, sorted(unknown)


# ---- the bits ----------------------------------------------------------------------------------

PARTS = 6


@pytest.mark.parametrize("part", range(PARTS))
def test_all_pairs_give_the_bits_of_the_reference_under_the_sanitizers(
        part: int, here: list[Yard]) -> None:
    titled = [(f"support.space.pairs: {recipe}", recipe) for recipe, _ in accepted()[part::PARTS]]
    tally = run_batch(titled, here)
    assert not tally.failures, "\n\n".join(tally.failures)
    assert tally.counts["networks"] == tally.counts["read back"] == len(titled)

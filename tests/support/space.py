"""The space of scenarios: every option of a network, of its quantization and of its learning is an
axis, and what does not go together is a named exclusion.

A recipe gives each axis a value, and a seed for all that is drawn (support.drawn builds it).
`pairs` covers every pair of values of two axes; `draw` takes recipes from the whole space. A
combination that is left out mirrors a refusal of the product, which a test has it make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

import numpy as np

Choice = Mapping[str, Any]
Pair = frozenset[tuple[str, Any]]
Rank = Callable[[dict[str, Any], str, Any], float]
"""How soon a choice takes a value of an axis, from 0 up."""

RESETS = ("none", "delayed", "now", "once", "zero", "zero now", "zero to", "zero all", "few",
          "many")
AT_ONCE = ("now", "once", "zero now", "zero to", "few", "many")
SEVERAL = ("few", "many")
PATHS = ("matrix", "sum", "max", "conv", "strided", "groups", "pointwise", "sum conv", "max conv",
         "largest")
CURRENTS = ("currents", "current frames")
SPIKES = ("spike frames", "spikes", "events", "counts")
LEAKS = ("any", "none", "shift", "one", "each")
BITS = (8, 4, 5, 6, 7, 16)
DELAYS = ("none", "one", "each")

AXES: dict[str, tuple[Any, ...]] = {
    "input": ("spike frames", "currents", "current frames", "spikes", "events", "counts", "latency",
              "rate", "delta"),
    "shape": ("image", "vector", "long", "line", "deep"),
    "sensor": ("none", "channels", "triads"),
    "hop": ("none", "one", "some", "all"),
    "second input": ("none", "currents b", "frames b", "spikes c", "spikes out"),
    "path a": PATHS, "path b": PATHS,
    "delay a": DELAYS, "delay b": DELAYS,
    "order": ("forward", "behind"),
    "loop": ("none", "self", "self delayed", "straight", "straight delayed", "back", "back each"),
    "skip": ("none", "b out", "b out each", "a c"),
    "reset a": RESETS, "reset b": RESETS, "reset c": RESETS, "readout": ("sum", *RESETS),
    "leak a": LEAKS, "leak c": LEAKS, "leak out": LEAKS,
    "strict a": (True, False), "strict c": (True, False),
    "constants a": ("one", "each"), "constants c": ("one", "each"),
    "synapse a": ("none", "one", "each"), "synapse c": ("none", "one", "each"),
    "synapse out": ("none", "one"),
    "start a": (False, True), "start c": (False, True),
    "least a": (False, True), "least c": (False, True),
    "gain a": (False, True), "gain c": (False, True),
    "bias": (True, False),
    "size c": (24, 1, 7, 33, 70), "classes": (4, 1, 9),
    "steps": (7, 1, 2, 16, 33, 260),
    "bits a": BITS, "bits b": BITS, "bits c": BITS, "bits out": BITS,
    "activity": ("unknown", "sparse", "busy"),
    "per neuron": (False, True), "headroom": (2.0, 1.0, 8.0),
    "threshold bits": (None, 4, 8, 11), "leak": ("auto", "q15", "shift"),
    "membranes": (None, 16, 32), "input bits": (None, 5, 1),
    "input scale": ("auto", "uniform", "feature"),
    "input range": ("robust", "all"),
    "drift": ("alarm", "off", "profile"),
    "stated": (1.0, 0.05, 40.0), "temperature": ("fit", "stated", 3.0),
    "values": (False, True),
    "rule b": ("none", "error", "touch", "sync", "stdp"),
    "rule c": ("error", "none", "touch", "eihl", "sync", "stdp", "homeostasis", "homeostasis mean"),
    "rule out": ("delta", "none", "sync", "stdp", "homeostasis"),
    "sync": ("described", "published"), "gate": (True, False), "batch": (1, 3),
    "skip below": (0.05, 0.0, 0.9), "schedule": ("none", "samples", "error"),
    "gate at": (None, 0.5, 4.0), "gate closes": (False, True),
    "replay": ("none", "flash", "ring", "both", "reservoir"),
    "guard": ("none", "copy", "margin", "both"),
    "plastic biases": (False, True),
    "class means": (False, True), "spare": (0, 2),
}
RARE = {("steps", 260): 12}
"""Values that a random recipe takes so many times less often: they are slow."""
REPAIRS = 400
"""Values drawn anew before a choice is given up."""
TRIES = 6
"""Choices given up before a pair is taken to be excluded."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """A value for each axis, and the seed of all that is drawn."""

    choice: Choice
    seed: int = 0

    def __str__(self) -> str:
        plain = {name: value for name, value in self.choice.items() if value != AXES[name][0]}
        return f"seed {self.seed}, {plain}"


MOST_DRAWN = 20_000
"""Combinations that are looked at for the examples of an exclusion."""


@dataclass(frozen=True)
class Exclusion:
    """What the product refuses with `code`.

    axes: what it depends on; `holds` is asked once all of them have a value. beside: values that
    the example takes elsewhere, where nothing else must refuse it first.
    """

    name: str
    code: str
    axes: tuple[str, ...]
    holds: Callable[[Choice], bool]
    beside: Choice = field(default_factory=dict)

    def excludes(self, choice: Choice) -> bool:
        return all(name in choice for name in self.axes) and self.holds(choice)

    def examples(self, n: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
        """n combinations of its axes that it excludes and none before it, first values
        elsewhere. Raises ValueError where one before it holds wherever it does."""
        first = {name: values[0] for name, values in AXES.items()} | dict(self.beside)
        for _ in range(MOST_DRAWN):
            choice = first | {name: AXES[name][rng.integers(len(AXES[name]))] for name in self.axes}
            if excluded_by(choice) is self:
                yield choice
                n -= 1
                if not n:
                    return
        raise ValueError(f"'{self.name}' has no example: what stands before it hides it")


RULES = ("rule b", "rule c", "rule out")
FROZEN = dict.fromkeys(RULES, "none")
MATRIX_RULES = ("error", "touch", "stdp")
MATRICES = ("matrix", "sum", "max")
"""Paths of what may learn, its pool apart."""
ERRORS = ("error", "touch", "eihl", "delta")


def learns(c: Choice) -> bool:
    return any(c[rule] != "none" for rule in RULES)


def has_sync(c: Choice) -> bool:
    return any(c[rule] == "sync" for rule in RULES)


def channels_learn(c: Choice) -> bool:
    """A 1 x 1 convolution into b does."""
    return bool(c["rule b"] == "sync" and c["path b"] == "pointwise")


def reruns(c: Choice) -> bool:
    return bool(c["replay"] != "none" or c["guard"] in ("margin", "both"))


def changing(c: Choice) -> set[str]:
    """Populations that change as the network learns."""
    part = {"out"} if learns(c) else set()
    part |= {"c"} if c["rule c"] != "none" else set()
    part |= {"b", "c"} if c["rule b"] != "none" else set()
    return part | ({"b"} if "c" in part and c["loop"].startswith("back") else set())


def _enters(c: Choice) -> set[str]:
    """Populations behind which a sample would have to be stored."""
    part = changing(c)
    sources = {"a"} if "b" in part or (c["skip"] == "a c" and "c" in part) else set()
    if "b" not in part and ("c" in part or c["skip"].startswith("b out")):
        sources.add("b")
    return sources | ({"c"} if "c" not in part else set())


def _latencies_differ(c: Choice) -> bool:
    """First spikes for one rule, last ones for another, of the same population."""
    kinds = [{"error": "first", "eihl": "first", "sync": c["sync"]}.get(c[rule]) for rule in RULES]
    kinds = ["first" if kind == "described" else kind for kind in kinds]
    return any(x and y and x != y for x, y in pairwise(kinds))


STREAMS: dict[str, tuple[Any, ...]] = {
    "input": ("spike frames", "current frames", "events", "counts"),
    "steps": tuple(n for n in AXES["steps"] if n > 1), "second input": ("none",),
    "delay a": ("none",), "delay b": ("none",),
    "loop": ("none", "self", "straight", "back"), "skip": ("none", "b out", "a c")}
"""What goes together with frames that arrive one by one."""
EXCLUSIONS: tuple[Exclusion, ...] = (
    *(Exclusion(f"no stream: {axis}", "E105", ("hop", axis),
                lambda c, axis=axis, streams=streams: c["hop"] != "none"
                and c[axis] not in streams, FROZEN)
      for axis, streams in STREAMS.items()),
    Exclusion("currents of 16-bit weights", "E105", ("input", "bits a"),
              lambda c: c["input"] in CURRENTS and c["bits a"] == 16),
    Exclusion("a sensor of spikes", "E101", ("input", "sensor"),
              lambda c: c["sensor"] != "none" and c["input"] in SPIKES),
    Exclusion("a sensor beside another input", "E101", ("second input", "sensor"),
              lambda c: c["sensor"] != "none" and c["second input"] != "none",
              {"input": "currents"}),
    Exclusion("a triad of two channels", "E101", ("shape", "sensor"),
              lambda c: c["sensor"] == "triads" and c["shape"] == "line", {"input": "currents"}),
    Exclusion("a profile of no sensor", "E105", ("drift", "sensor"),
              lambda c: c["drift"] == "profile" and c["sensor"] == "none"),
    Exclusion("a profile without samples", "E105", ("drift", "activity", "replay"),
              lambda c: c["drift"] == "profile" and c["activity"] == "unknown"
              and c["replay"] == "none", {"input": "currents", "sensor": "channels"}),
    Exclusion("a profile among too few classes", "E105", ("drift", "classes"),
              lambda c: c["drift"] == "profile" and c["classes"] == 1,
              {"input": "currents", "sensor": "channels", "activity": "sparse"}),
    Exclusion("delayed currents", "E101", ("input", "delay a"),
              lambda c: c["input"] in CURRENTS and c["delay a"] != "none"),
    Exclusion("the largest of currents", "E101", ("input", "path a"),
              lambda c: c["input"] in CURRENTS and c["path a"].startswith("max")),
    Exclusion("delayed counts", "E201", ("input", "delay a"),
              lambda c: c["input"] == "counts" and c["delay a"] != "none", FROZEN),
    *(Exclusion(f"{what}: several spikes, delayed", "E201", (delay, reset),
                lambda c, delay=delay, reset=reset, late=late: c[delay] in late
                and c[reset] in SEVERAL, FROZEN)
      for what, delay, reset, late in (
          ("forward", "delay b", "reset a", ("one", "each")),
          ("loop", "loop", "reset c", ("self delayed", "straight delayed", "back each")),
          ("skip", "skip", "reset b", ("b out each",)))),
    Exclusion("no class beside one", "E203", ("classes", "class means", "spare"),
              lambda c: c["classes"] == 1 and bool(c["class means"] or c["spare"])),
    Exclusion("nothing learns", "E203", (*RULES, "schedule", "replay", "guard", "gate at",
                                         "class means", "spare"),
              lambda c: not learns(c) and bool(
                  c["gate at"] is not None or c["class means"] or c["spare"] or any(
                      c[axis] != "none" for axis in ("schedule", "replay", "guard")))),
    Exclusion("a fall-back knows no classes", "E203", (*RULES, "guard", "class means", "spare"),
              lambda c: c["guard"] in ("margin", "both") and learns(c)
              and bool(c["class means"] or c["spare"])),
    Exclusion("means of what is not read by what learns", "E203", (*RULES, "class means", "size c"),
              lambda c: c["class means"] and learns(c) and (
                  c["rule out"] == "none" or c["size c"] == 1)),
    Exclusion("spare classes that no label teaches", "E203", (*RULES, "spare"),
              lambda c: bool(c["spare"]) and c["rule out"] != "delta" and learns(c)),
    Exclusion("class means of no samples", "E105", ("class means", "activity", "replay"),
              lambda c: c["class means"] and c["activity"] == "unknown" and c["replay"] == "none"),
    Exclusion("no matrix to learn", "E203", ("rule b", "path b", "delay b"),
              lambda c: c["rule b"] in MATRIX_RULES and (c["path b"] not in MATRICES
                                                         or c["delay b"] != "none")),
    Exclusion("neither matrix nor 1 x 1", "E203", ("rule b", "path b", "delay b"),
              lambda c: c["rule b"] == "sync" and (c["path b"] not in (*MATRICES, "pointwise")
                                                   or c["delay b"] != "none"),
              {"rule c": "none"}),
    Exclusion("sums of several spikes learn", "E203", ("rule b", "path b", "reset a"),
              lambda c: c["rule b"] != "none" and c["path b"] in ("sum", "max")
              and c["reset a"] in SEVERAL),
    Exclusion("sums of spikes stored", "E203", ("rule b", "path b", "replay", "guard"),
              lambda c: reruns(c) and c["rule b"] != "none" and c["path b"] == "sum",
              {"path a": "conv"}),
    Exclusion("channels stored", "E203", (*RULES, "path b", "replay"),
              lambda c: channels_learn(c) and c["replay"] != "none"),
    Exclusion("channels and neurons", "E203", ("rule b", "path b", "rule c"),
              lambda c: channels_learn(c) and c["rule c"] != "none"),
    Exclusion("first and last spikes", "E203", (*RULES, "sync"), _latencies_differ),
    Exclusion("touch of what resets at once: b", "E203", ("rule b", "reset b"),
              lambda c: c["rule b"] == "touch" and c["reset b"] in AT_ONCE),
    Exclusion("touch of what resets at once: c", "E203", ("rule c", "reset c"),
              lambda c: c["rule c"] == "touch" and c["reset c"] in AT_ONCE),
    Exclusion("membranes have no spikes to keep", "E203", ("rule out", "readout"),
              lambda c: c["rule out"] == "homeostasis" and c["readout"] == "sum"),
    Exclusion("means of no samples", "E105", ("rule c", "activity", "replay"),
              lambda c: c["rule c"] == "homeostasis mean" and c["activity"] == "unknown"
              and c["replay"] == "none"),
    Exclusion("one step for all, and one each", "E105", ("input bits", "input scale"),
              lambda c: c["input bits"] is not None and c["input scale"] == "feature"),
    Exclusion("steps by feature of no samples", "E105", ("input scale", "activity", "replay"),
              lambda c: c["input scale"] == "feature" and c["activity"] == "unknown"
              and c["replay"] == "none"),
    Exclusion("no error, no bias", "E203", (*RULES, "plastic biases"),
              lambda c: c["plastic biases"] and learns(c) and not any(
                  c[r] in ("error", "touch", "delta") for r in RULES)),
    Exclusion("replay without labels", "E203", (*RULES, "replay"),
              lambda c: c["replay"] != "none" and not any(c[r] in ERRORS for r in RULES)),
    Exclusion("stored last spikes", "E203", (*RULES, "sync", "replay"),
              lambda c: c["replay"] != "none" and c["sync"] == "published" and has_sync(c)),
    Exclusion("stored behind an input", "E203", (*RULES, "second input", "loop", "replay", "guard"),
              lambda c: reruns(c) and c["second input"] != "none"
              and c["second input"].split()[1] in changing(c)),
    Exclusion("several spikes stored", "E203",
              (*RULES, "loop", "skip", "replay", "guard", "reset a", "reset b", "reset c"),
              lambda c: reruns(c) and any(c[f"reset {p}"] in SEVERAL for p in _enters(c))),
    Exclusion("a stream decides without class means", "E105", ("hop", "class means"),
              lambda c: c["hop"] != "none" and c["class means"], {"activity": "sparse"}),
    Exclusion("a stream decides without spare classes", "E105", ("hop", "spare"),
              lambda c: c["hop"] != "none" and bool(c["spare"])),
    Exclusion("a stream of values", "E105", ("hop", "values"),
              lambda c: c["hop"] != "none" and c["values"], FROZEN),
    Exclusion("values beside class means", "E203", ("values", "class means"),
              lambda c: c["values"] and c["class means"], {"activity": "sparse"}),
    Exclusion("values beside spare classes", "E203", ("values", "spare"),
              lambda c: c["values"] and bool(c["spare"])),
    Exclusion("values of spikes", "E105", ("values", "readout"),
              lambda c: c["values"] and c["readout"] != "sum"),
    Exclusion("values behind a sensor", "E105", ("values", "sensor"),
              lambda c: c["values"] and c["sensor"] != "none", {"input": "currents"}),
    Exclusion("values over a temperature", "E105", ("values", "temperature"),
              lambda c: c["values"] and c["temperature"] == 3.0),
    Exclusion("values and losses of classes", "E203", ("values", *RULES),
              lambda c: c["values"] and has_sync(c)),
    *(Exclusion(f"values and misses: {axis}", "E203", ("values", axis),
                lambda c, axis=axis, misses=misses: c["values"] and c[axis] in misses)
      for axis, misses in (("guard", ("margin", "both")), ("gate at", (0.5, 4.0)),
                           ("schedule", ("error",)))),
)


def excluded_by(choice: Choice) -> Exclusion | None:
    """The first exclusion that holds of a choice, which need not be whole."""
    return next((e for e in EXCLUSIONS if e.excludes(choice)), None)


def all_pairs() -> set[Pair]:
    return {frozenset(((a, x), (b, y))) for a, b in combinations(AXES, 2)
            for x in AXES[a] for y in AXES[b]}


def at_random(rng: np.random.Generator) -> Rank:
    """Values that are rare seldom first."""
    return lambda _, name, value: float(rng.random() ** RARE.get((name, value), 1))


def completed(given: Choice, rank: Rank, rng: np.random.Generator) -> dict[str, Any] | None:
    """A whole choice that holds what is given and is not excluded: of each axis the value of the
    highest rank, then other values at random where exclusions hold. None where these do not end."""
    if excluded_by(given) is not None:
        return None
    choice = dict(given)
    for name in map(str, rng.permutation([name for name in AXES if name not in given])):
        ranked = sorted(AXES[name], key=lambda value: -rank(choice, name, value))
        choice[name] = next((v for v in ranked if excluded_by({**choice, name: v}) is None),
                            ranked[0])
    for _ in range(REPAIRS):
        found = excluded_by(choice)
        if found is None:
            return choice
        name = str(rng.choice([name for name in found.axes if name not in given] or [""]))
        if not name:
            return None
        choice[name] = AXES[name][rng.integers(len(AXES[name]))]
    return None


def pairs(seed: int = 0) -> tuple[list[Recipe], set[Pair]]:
    """Recipes in which every pair of values appears, greedily, and the pairs that are excluded."""
    rng, items = np.random.default_rng(seed), [(a, v) for a, values in AXES.items() for v in values]
    place = {item: k for k, item in enumerate(items)}
    missing = np.zeros((len(items), len(items)), bool)
    for a, b in combinations(items, 2):
        missing[place[a], place[b]] = missing[place[b], place[a]] = a[0] != b[0]
    recipes, excluded, chance = [], set[Pair](), at_random(rng)

    def news(choice: dict[str, Any], name: str, value: Any) -> float:
        met = [place[item] for item in choice.items()]
        return int(np.count_nonzero(missing[place[name, value]][met])) + chance(choice, name, value)

    while missing.any():
        two = dict(items[k] for k in divmod(int(missing.argmax()), len(items)))
        tries = (completed(two, news, rng) for _ in range(TRIES))
        choice = next((made for made in tries if made is not None), None)
        met = [place[item] for item in (two if choice is None else choice).items()]
        missing[np.ix_(met, met)] = False
        if choice is None:
            excluded.add(frozenset(two.items()))
        else:
            recipes.append(Recipe(choice, len(recipes)))
    return recipes, excluded


def draw(seed: int, index: int) -> Recipe:
    """The recipe of that index of the random ones of a seed."""
    rng = np.random.default_rng([seed, index])
    choice = completed({}, at_random(rng), rng)
    assert choice is not None, "the space has no way out"
    return Recipe(choice, int(rng.integers(2**31)))

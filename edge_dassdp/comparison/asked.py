"""What was asked for, as a study: refused where it compares nothing, doubted where it flatters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.numbers import n_among
from edge_dassdp.comparison.methods import Method
from edge_dassdp.comparison.study import Order, Study
from edge_dassdp.comparison.trial import Given
from edge_dassdp.data.clipping import clipping
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.labels import ClassNames, classes_told, lacking
from edge_dassdp.figures.numbering import numbered_apart, training_labels
from edge_dassdp.ir import Network
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning

MOST_SEEDS, MOST_NETWORKS = 1000, 100
MOST_SHARED = 0.5
"""Of a part, samples that may be in another one, too: those of few values are by chance."""
Memory = Callable[[Learning], Learning]
"""In place of the schedule, replay, guard and gate of what learns by default."""


def study(networks: Sequence[Network], given: Given, methods: Sequence[Method], *,
          settings: Settings, memory: Memory, order: Order = "shuffled",
          per_class: int | None = None, limit: int | None = None,
          rules_from: Sequence[str] = ()) -> Study:
    """Raises EdgeError E105 for networks that are one, or not of the same inputs and classes, for a
    stream of one class, and for what is out of range; E203 where nothing can learn, and for a
    method that fits the profile of a sensor where there is none."""
    _require_alike(networks)
    refuse_unless("E105", order in ("shuffled", "kept"), f"order '{order}'",
                  help="choose shuffled, drawn from the seed, or kept")
    for what, number in (("per_class", per_class), ("limit", limit)):
        refuse_unless("E105", number is None or number > 0, f"{what} is {number}, expected a "
                      "number from 1")
    classes = np.unique(given.stream.y)
    refuse_unless("E105", len(classes) > 1, "all samples to learn from are of class "
                  f"{classes[0]}" if len(classes) else "there is no sample to learn from",
                  cause="whatever is learned from them, that class is right",
                  help="give a stream of all classes")
    _require_sensors(networks, methods)
    bases = [memory(Learning.default(n, len(given.training))) for n in networks]
    made = Study(tuple(networks), given, tuple(methods), tuple(
        tuple(_learning(m, n, base) for n, base in zip(networks, bases, strict=True))
        for m in methods), settings, order, per_class, limit, tuple(rules_from))
    first: dict[str, int] = {}
    for k, sha in enumerate(made.shas):
        refuse_unless("E105", sha not in first, f"networks {first.get(sha, 0) + 1} and {k + 1} are "
                      "the same", cause=f"both have SHA-256 {sha[:12]} as they are quantized; one "
                      "network twice is no more evidence than once", help="give it once")
        first[sha] = k
    return made


def _require_alike(networks: Sequence[Network]) -> None:
    refuse_unless("E105", 0 < len(networks) <= MOST_NETWORKS, f"{len(networks)} networks, expected "
                  f"1 to {MOST_NETWORKS}")
    def form(network: Network) -> tuple[object, ...]:
        return [(i.n_values, i.spikes) for i in network.inputs], network.n_classes

    first = networks[0]
    refuse_unless("E105", first.n_classes > 1, "one output has no classes, by which methods could "
                  "be compared")
    for k, other in enumerate(networks):
        refuse_unless("E105", form(other) == form(first), f"networks 1 and {k + 1} have other "
                      "inputs or classes", cause=f"{first!r}, {other!r}",
                      help="give networks of one task, trained from other seeds")


def _require_sensors(networks: Sequence[Network], methods: Sequence[Method]) -> None:
    fits = next((m for m in methods if m.fit), None)
    bare = [k for k, n in enumerate(networks, 1) if all(i.sensor is None for i in n.inputs)]
    if fits and bare:
        raise EdgeError("E203", f"{fits.text} fits a profile of a sensor, and "
                        + ("the network has none" if len(networks) == 1 else
                           f"network {bare[0]} has none"),
                        help="leave the method out, or give networks that tell their sensor: "
                        "docs/sensor.md")


def _learning(method: Method, network: Network, base: Learning) -> Learning | EdgeError | None:
    """Or why it cannot stand there."""
    try:
        return method.learning(network, base)
    except EdgeError as problem:
        if problem.code not in ("E105", "E203"):
            raise
        return problem


def warnings(made: Study, n_seeds: int, names: ClassNames | None = None) -> Iterator[str]:
    """What stands in the way of trusting it, a sentence each."""
    yield from _of_parts(made.given)
    yield from _of_units(made, names)
    yield from _of_amounts(made, n_seeds)
    tests = lacking(made.given.test.y, made.n_classes)
    if tests.size:
        yield f"no test sample is of {classes_told(tests, names)}"
    if len(made.networks) > n_seeds:
        yield (f"{len(made.networks)} networks, and seeds for {n_seeds} of them: those from number "
               f"{n_seeds + 1} on are not used")


def _of_parts(given: Given) -> Iterator[str]:
    """Samples that are in two parts. Raises EdgeError E105 where most of one are."""
    parts = {"train": given.training, "stream": given.stream, "test": given.test,
             "unshifted": given.original}
    for one, other, what in (
            ("test", "stream", "accuracy after learning is flattered"),
            ("stream", "train", "the network knows them"),
            ("test", "train", "accuracy before learning is flattered"),
            ("unshifted", "train", "what is left without the shift is flattered"),
            ("unshifted", "stream", "what is left without the shift is flattered")):
        mine, theirs = parts[one], parts[other]
        if mine is None or theirs is None:
            continue
        n_same = n_among(mine.x, theirs.x)
        told = f"{n_same:,} of {len(mine):,} {one} samples are among {other}"
        refuse_unless("E105", n_same <= MOST_SHARED * len(mine) or one == "unshifted",
                      told if n_same < len(mine) else f"each {one} sample is one of {other}",
                      cause=what, help="give others: what is learned from must not be judged on")
        if n_same:
            yield f"{told}: {what}"


def _of_units(made: Study, names: ClassNames | None) -> Iterator[str]:
    """Labels that are not the network's, and values in other units."""
    given, network = made.given, made.networks[0]
    x, y = given.training.x, given.training.y
    model = quantize(network, None, made.settings, x, y, names).network
    yield from training_labels(network, model, x, y)
    others = {"stream": given.stream, "test": given.test}
    if given.original is not None:
        others["unshifted"] = given.original
    yield from numbered_apart(model, given.training, others)
    shares = {}
    for what, part in {"train": given.training, **others}.items():
        found = clipping(model.inputs, model.x_scales, part.x)
        shares[what] = found.share
        if found.warning:
            yield f"{what}: {found.warning}"
    apart = abs(shares["test"] - shares["stream"])
    if apart > 0.05:
        yield (f"int8 clips {100 * shares['stream']:.1f} % of the values of stream and "
               f"{100 * shares['test']:.1f} % of test: they are in other units, or under another "
               "shift")


def _of_amounts(made: Study, n_seeds: int) -> Iterator[str]:
    """Fewer samples than were asked for."""
    stream = made.given.stream
    if made.per_class is not None:
        labels, counts = np.unique(stream.y, return_counts=True)
        few = counts < made.per_class
        if few.any():
            told = ", ".join(f"{classes_told([int(k)], None)} has {n:,}"
                             for k, n in zip(labels[few], counts[few], strict=True))
            yield (f"fewer than {made.per_class} samples to learn from of a class: {told}; all of "
                   "them are learned")
    absent = lacking(stream.y, made.n_classes)
    if absent.size:
        yield f"no sample to learn from is of {classes_told(absent, None)}"
    n = len(replace(made, limit=None).stream(0))
    if made.limit is not None and made.limit > n:
        yield f"{made.limit:,} samples to learn from were asked for, there are {n:,}"
    if made.order == "kept" and n_seeds > 1:
        yield ("the stream keeps its order: seeds differ in rounding "
               + ("and networks" if len(made.networks) > 1 else "alone"))


def checked(samples: Samples, network: Network, what: str) -> Samples:
    """Of Python, held to a network. Raises EdgeError E104."""
    from edge_dassdp.harness import label_row, sample_rows

    try:
        x = sample_rows(network.inputs, samples.x)
        return Samples(x, label_row(samples.y, len(x), network.n_classes, None), samples.classes)
    except EdgeError as problem:
        problem.message = f"{what}: {problem.message}"
        raise

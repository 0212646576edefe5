"""Labels of a part that count otherwise than those of training are told, and no shift is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.commands import ROOT

from edge_dassdp import ir
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Dataset, Samples, load_dataset
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.figures.numbering import likelier, numbered_apart
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings

DIGITS, WATCH = (ROOT / "examples" / name for name in ("digits", "watch"))


def quantized(path: Path, training: Samples) -> QNetwork:
    return quantize(ir.load(path), None, Settings(), training.x).network


@pytest.fixture(scope="module")
def digits() -> tuple[Dataset, QNetwork]:
    data = load_dataset(DIGITS / "data.npz")
    return data, quantized(DIGITS / "digits_seed0.npz", data.train)


def exchanged(samples: Samples, one: int, two: int) -> Samples:
    """Two of its classes in each other's place."""
    order = np.arange(10)
    order[[one, two]] = two, one
    return replace(samples, y=order[samples.y])


def test_two_classes_of_ten_that_are_exchanged_in_one_file(digits: tuple[Dataset, QNetwork]
                                                           ) -> None:
    """Four of five samples are right as they are, so nothing was told."""
    data, model = digits
    wrong = exchanged(data.test, 3, 7)
    told = [*numbered_apart(model, data.train, {"stream": data.stream, "test": wrong})]
    assert len(told) == 1 and told[0].startswith("labels of test seem to be numbered in another")
    assert told[0].endswith("% if 3 were 7, 7 were 3")
    of_training = [*numbered_apart(model, exchanged(data.train, 3, 7),
                                   {"stream": data.stream, "test": wrong})]
    assert len(of_training) == 1 and of_training[0].startswith("labels of stream")
    twice = {"test": exchanged(wrong, 1, 8)}
    told = [*numbered_apart(model, data.train, twice)]
    assert told[0].endswith("if 1 were 8, 3 were 7, 7 were 3, 8 were 1")


@pytest.mark.parametrize("seed", range(5))
def test_a_worn_sensor_is_no_other_order(digits: tuple[Dataset, QNetwork], seed: int) -> None:
    data, _ = digits
    model = quantized(DIGITS / f"digits_seed{seed}.npz", data.train)
    worn = WornSensor.draw(model.x_bytes, seed, dark=data.dark)
    parts = {"stream": replace(data.stream, x=worn.apply(data.stream.x)), "unshifted": data.test}
    assert not [*numbered_apart(model, data.train, parts)]


@pytest.mark.parametrize("seed", [2, 8])
def test_a_watch_that_moved_is_no_other_order(seed: int) -> None:
    """Seeds whose shifts take most classes for each other."""
    data = watch.load_watch(WATCH / "data.npz")
    model = None
    for name in watch.SCENARIOS:
        moved = watch.scenario(name, seed, data)
        model = model or quantized(WATCH / f"watch_seed{seed}.npz", moved.replay)
        parts = {"stream": moved.stream, "test": moved.test, "unshifted": moved.original}
        assert not [*numbered_apart(model, moved.replay, parts)], name


def test_what_two_classes_must_show() -> None:
    """Clear majorities of both, and a network that is right elsewhere."""
    labels = np.repeat(np.arange(10), 10)
    both = labels.copy()
    both[20:40] = np.repeat([3, 2], 10)
    order = likelier(both, labels, 10)
    assert order is not None and order.tolist() == [0, 1, 3, 2, 4, 5, 6, 7, 8, 9]
    one, few, lost = both.copy(), both.copy(), both.copy()
    one[30:40] = 3
    few[24:30] = few[34:40] = 0
    lost[40:] = 0
    assert all(likelier(found, labels, 10) is None for found in (one, few, lost, labels))

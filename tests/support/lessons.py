"""Lessons by hand: one projection of two populations, without a network around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QPopulation, QRule, Site
from edge_dassdp.qir.lesson import Carried, Lesson, Record
from edge_dassdp.qir.packing import LEARNING_DTYPE

ONE = np.ones(1, np.int64)


def learning(seed: int = 2463534242) -> NDArray[Any]:
    """Counters at 0 and a generator."""
    state = np.zeros((), LEARNING_DTYPE)
    state["rng"] = seed
    return state


def population(name: str, size: int) -> QPopulation:
    return QPopulation(
        name, size, "none", ONE, 0, ONE, ONE, np.zeros(size, np.int64), None, 0, 0, 0, 16, 16, 16,
        True, False, "first", False, True, True, True, ONE, np.ones(1))


def site(n_pre: int, n_post: int, bits: int = 8, n_steps: int = 8, n_batch: int = 1) -> Site:
    return Site("p", n_pre, n_post, bits, population("a", n_pre), population("b", n_post), n_steps,
                n_batch, n_steps.bit_length(), False)


def lesson(w: NDArray[np.int64], bits: int = 8, counters: NDArray[Any] | None = None,
           **given: Any) -> Lesson:
    """Of weights w, which change; pre and post may be one Record."""
    for side in ("pre", "post"):
        records = given.get(side, ())
        given[side] = records if isinstance(records, Sequence) else [records]
    empty = Lesson(w, bits, (), (), 0, None, None, None, None, np.zeros(1, np.int64), 256,
                   learning() if counters is None else counters, {})
    return replace(empty, **given)


def carried(rule: QRule, at: Site) -> Carried:
    """A rule's state after a reset."""
    return Carried({f.name: np.zeros((), f.dtype) if f.dtype.fields else
                    np.zeros(f.count, np.int64) for f in rule.state(at)})


def silent(n: int) -> Record:
    return Record.empty(n)

"""What a sample gave and what learning counted, in the same words on every target."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import LESSON_DTYPE

Progress = Callable[[int], None]
"""Told how many samples are done."""


def behind(told: Progress | None, n: int = 0) -> Progress:
    """Told of samples that come behind n others; it need not be anybody."""
    def tell(done: int) -> None:
        if told is not None:
            told(n + done)

    return tell


NO_LABEL = -1
OWN_LOSS = -1


@dataclass(frozen=True, eq=False)
class Decision:
    """Of the last n_steps frames of a stream. class_idx: 0 to n_classes - 1; logits: int32
    (n_classes,); where the link lost its answer UNKNOWN, and zeros."""

    class_idx: int
    logits: NDArray[np.int32]


@dataclass(frozen=True)
class Outcome:
    """What one sample gave.

    logits: int32 (n_classes,). loss_q8: -log2 p(label) in Q8, 0 without a label.
    forward_digest: CRC-32 over spikes and membranes of every step, then the logits, if asked for.
    learned_digest: CRC-32 over plastic weights and learning state after the call, if asked for.
    forward_ticks, learn_ticks: counter ticks, None where the target has no counter.
    n_replayed: stored samples learned again after this one. is_fallen_back: the guard put the
    factory weights back. is_held: the gate was closed, nothing was learned. lessons_digest: the
    running one of all lessons, behind this; None of an inference. is_saved: the device
    saved to flash by itself; is_unsaved: it should have, and its flash did not take it.
    """

    class_idx: int
    logits: NDArray[np.int32]
    loss_q8: int = 0
    is_skipped: bool = False
    is_updated: bool = False
    forward_digest: int | None = None
    learned_digest: int | None = None
    forward_ticks: int | None = None
    learn_ticks: int | None = None
    n_replayed: int = 0
    is_fallen_back: bool = False
    is_held: bool = False
    lessons_digest: int | None = None
    is_saved: bool = False
    is_unsaved: bool = False


@dataclass(frozen=True)
class BatchOutcome:
    """`Outcome` of n samples as arrays: class_idx, loss_q8, n_replayed (n,), logits (n, n_classes)
    int32, is_skipped, is_updated, is_fallen_back, is_held, is_saved, is_unsaved (n,) bool; digests
    (n,) uint32 or None.
    """

    class_idx: NDArray[np.int64]
    logits: NDArray[np.int32]
    loss_q8: NDArray[np.int64]
    is_skipped: NDArray[np.bool_]
    is_updated: NDArray[np.bool_]
    n_replayed: NDArray[np.int64]
    is_fallen_back: NDArray[np.bool_]
    is_held: NDArray[np.bool_]
    is_saved: NDArray[np.bool_]
    is_unsaved: NDArray[np.bool_]
    forward_digest: NDArray[np.uint32] | None
    learned_digest: NDArray[np.uint32] | None
    lessons_digest: NDArray[np.uint32] | None = None

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Self:
        """Outcomes one below the other; logits of none are (0, 0)."""
        def column(name: str, dtype: type) -> NDArray[Any]:
            return np.array([getattr(o, name) for o in outcomes], dtype)

        def digests(name: str) -> NDArray[np.uint32] | None:
            asked = bool(outcomes) and getattr(outcomes[0], name) is not None
            return column(name, np.uint32) if asked else None

        logits = np.stack([o.logits for o in outcomes]) if outcomes else np.zeros((0, 0), np.int32)
        return cls(column("class_idx", np.int64), logits, column("loss_q8", np.int64),
                   column("is_skipped", bool), column("is_updated", bool),
                   column("n_replayed", np.int64), column("is_fallen_back", bool),
                   column("is_held", bool), column("is_saved", bool),
                   column("is_unsaved", bool), digests("forward_digest"),
                   digests("learned_digest"), digests("lessons_digest"))


@dataclass(frozen=True)
class Statistics:
    """Counters since the last reset; n_saturated: plastic weights at an end of their range now;
    n_x_saturated: input values, no spikes, that stood at an end of int8, modulo 2^32;
    hits, factory_hits: of the samples in the guard's window, by learned and by factory weights;
    n_held: labelled samples that the gate held back, in no other counter; is_open: whether samples
    are learned now;
    n_lessons: samples learned or recorded, labelled or not, lessons_digest: CRC-32 over them;
    learned_digest: CRC-32 over plastic weights and learning state; stack and link figures are None
    off the device."""

    n_labelled: int
    n_skipped: int
    n_updates: int
    n_vanished: int
    n_saturated: int
    n_replayed: int = 0
    n_replay_skipped: int = 0
    n_fallbacks: int = 0
    hits: int = 0
    factory_hits: int = 0
    n_held: int = 0
    is_open: bool = True
    stack_size: int | None = None
    stack_used: int | None = None
    rx_lost: int | None = None
    frames_good: int | None = None
    frames_bad: int | None = None
    n_x_saturated: int = 0
    n_lessons: int = 0
    lessons_digest: int = 0
    learned_digest: int = 0

    @property
    def n_taken(self) -> int:
        """Labelled samples, learned or held back, modulo 2^32."""
        return (self.n_labelled + self.n_held) % (1 << 32)


def learned_statistics(network: QNetwork, state: Mapping[str, NDArray[Any]],
                       n_x_saturated: int, learned_digest: int) -> Statistics:
    """Counters of a named state, and its plastic weights at an end of their range; what inputs
    counted and the digest are told."""
    n_saturated = 0
    for p in network.plastic:
        bound = 1 << (p.weight_bits - 1)
        w = state[f"w_{p.name}"]
        n_saturated += int(((w == -bound) | (w == bound - 1)).sum())

    def count(name: str) -> int:
        return int(state[name][0]) if name in state else 0

    return Statistics(
        n_saturated=n_saturated, n_x_saturated=n_x_saturated % (1 << 32),
        learned_digest=learned_digest,
        **{n: count(f"learning.{n}") for n in ("n_labelled", "n_skipped", "n_updates",
                                               "n_vanished", "n_lessons", "lessons_digest")},
        **{n: count(f"replay.{n}") for n in ("n_replayed", "n_replay_skipped")},
        n_fallbacks=count("guard.n_fallbacks"), hits=count("guard.hits_bits").bit_count(),
        factory_hits=count("guard.factory_hits_bits").bit_count(), n_held=count("cusum.n_held"),
        is_open=network.cusum is None or count("cusum.is_open") == 1)


class LessonKind(IntEnum):
    """What becomes part of the running digest of lessons: DASSDP_LESSON_* of core/state.h."""

    LEARN = 0
    WARM_UP = 1
    IDLE = 2


def chain(learning: NDArray[Any], kind: int, label: int = 0, loss_q8: int = 0, x_crc: int = 0,
          made: Outcome | None = None) -> None:
    """One more lesson, or what else happened to what is learned: into the running digest of
    `learning`, LEARNING_DTYPE. x_crc: CRC-32 of the sample as it is run; made: what it gave."""
    lesson = np.zeros((), LESSON_DTYPE)
    lesson["kind"], lesson["label"], lesson["loss_q8"] = kind, label, loss_q8
    lesson["x_crc"] = x_crc
    if made is not None:
        lesson["flags"] = (made.is_skipped | made.is_updated << 1 | made.is_fallen_back << 2
                           | made.is_held << 3)
        lesson["n_replayed"], lesson["class_idx"] = made.n_replayed, made.class_idx
        lesson["own_loss_q8"] = made.loss_q8
    learning["n_lessons"] += kind <= LessonKind.WARM_UP
    learning["lessons_digest"] = zlib.crc32(lesson.tobytes(), int(learning["lessons_digest"]))


def members(prefix: str, record: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Fields of a structured scalar by the names that they have in a named state."""
    names = record.dtype.names or ()
    return {f"{prefix}.{n}": np.atleast_1d(record[n]) for n in names if n != "reserved"}

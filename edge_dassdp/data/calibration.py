"""Per-channel calibration of a sensor: sign, gain and offset, as a profile of the input.

A host-side step before the input's own scale. Profiles are fitted from a few labelled samples; the
factory profile changes nothing and is always there to go back to: a network that adapted under
one profile misjudges samples that reach it under another.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.labels import classes_told
from edge_dassdp.ir import FloatArray
from edge_dassdp.storage.files import write_text
from edge_dassdp.storage.foreign import reading

FORMAT = "edge_dassdp/profile/1"
FACTORY = "factory"
STILL = 1e-6
"""Standard deviation, in units of x, up to which a channel does not move."""
LEAST_CLASSES = 3
"""Classes that signs are judged from."""
CLEARLY = 0.2
"""By how much the agreement of the best signs must exceed that of none reversed."""
MOST_CHANNELS = 12
"""All combinations of signs are tried."""


@dataclass(frozen=True)
class Profile:
    """calibrated = sign * gain * x + offset, channel by channel.

    sign: 1 or -1; gain above 0; offset in units of x; one of each per channel. Inputs repeat the
    channels, as those of frames do. Raises EdgeError E105 for values out of range.
    """

    name: str
    sign: tuple[int, ...]
    gain: tuple[float, ...]
    offset: tuple[float, ...]

    def __post_init__(self) -> None:
        fits = (len(self.sign) == len(self.gain) == len(self.offset) > 0
                and all(s in (1, -1) for s in self.sign)
                and all(np.isfinite(g) and g > 0 for g in self.gain)
                and bool(np.isfinite(self.offset).all()))
        if not fits:
            raise EdgeError("E105", f"profile '{self.name}': signs of 1 or -1, gains above 0 and "
                            "finite offsets are expected, as many of each")

    @classmethod
    def factory(cls, n_channels: int) -> Profile:
        """Changes nothing."""
        return cls(FACTORY, (1,) * n_channels, (1.0,) * n_channels, (0.0,) * n_channels)

    def apply(self, x: ArrayLike) -> NDArray[np.float32]:
        """x: (n_samples, n_inputs), float32 out of the same shape. E104 if the channels do not
        divide the inputs."""
        samples = np.asarray(x, np.float32)
        channels = _by_channel(samples, len(self.sign))
        factor = (np.array(self.sign) * self.gain).astype(np.float32)
        return np.asarray(channels * factor + np.array(self.offset, np.float32)).reshape(
            samples.shape)

    def save(self, path: Path | str) -> None:
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2)
        write_text(path, text + "\n")

    @classmethod
    def load(cls, path: Path | str) -> Profile:
        """Reads what `save` wrote. Raises EdgeError E103 for another or a damaged file."""
        with reading(path, "profile"):
            if not os.path.isfile(path):
                raise ValueError("no file is to be read")
            made: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8-sig"))
            if made.pop("format") != FORMAT:
                raise ValueError("another format")
            try:
                return cls(str(made.pop("name")), **{k: tuple(v) for k, v in made.items()})
            except EdgeError as problem:
                raise ValueError(problem.message) from None


@dataclass(frozen=True, eq=False)
class _Classes:
    """Of each class over samples and frames: mean, std (n_classes, n_channels), correlation
    (n_classes, n_channels, n_channels), 0 with a channel that does not move and on the diagonal."""

    labels: NDArray[np.int64]
    mean: FloatArray
    std: FloatArray
    correlation: FloatArray

    @classmethod
    def of(cls, samples: Samples, n_channels: int) -> _Classes:
        labels = np.unique(samples.y)
        rows = [_by_channel(samples.x[samples.y == label].astype(np.float64),
                            n_channels).reshape(-1, n_channels) for label in labels]
        return cls(labels, np.array([r.mean(axis=0) for r in rows]),
                   np.array([r.std(axis=0) for r in rows]),
                   np.array([_correlation(r) for r in rows]))

    def only(self, labels: NDArray[np.int64]) -> _Classes:
        kept = np.isin(self.labels, labels)
        return _Classes(self.labels[kept], self.mean[kept], self.std[kept],
                        self.correlation[kept])


def _correlation(rows: FloatArray) -> FloatArray:
    centred = rows - rows.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0))
    unit = np.where(scale > STILL * len(rows), centred / np.maximum(scale, STILL), 0.0)
    return np.asarray(unit.T @ unit * (1 - np.eye(rows.shape[1])))


def fit(training: Samples, given: Samples, n_channels: int, *, most_gain: float = 4.0
        ) -> list[Profile]:
    """The factory profile, then one of signs and offsets, and one with gains as well.

    given: labelled samples of the sensor as it is now; class by class its channels' means, standard
    deviations and correlations are compared with those of the training samples. The signs are
    those under which class means and correlations agree best, if clearly better than with none
    reversed, judged from LEAST_CLASSES classes on. The gain is the mean ratio of the standard
    deviations, from 1 / most_gain to most_gain, 1 for a channel that does not move. The offset
    joins the means. Raises E105 for most_gain below 1, more than MOST_CHANNELS channels, or no
    common class.
    """
    if not (np.isfinite(most_gain) and most_gain >= 1) or n_channels > MOST_CHANNELS:
        raise EdgeError("E105", f"most_gain is {most_gain}, expected 1 or more, of {n_channels} "
                        f"channels, expected at most {MOST_CHANNELS}")
    now = _Classes.of(given, n_channels)
    then = _Classes.of(training, n_channels).only(now.labels)
    now = now.only(then.labels)
    if not len(now.labels):
        raise EdgeError("E105", "no class is in both the training and the given samples",
                        cause=f"{classes_told(np.unique(training.y), None)} there, "
                        f"{classes_told(np.unique(given.y), None)} here",
                        help="give samples of classes that were trained")
    moves = (now.std > STILL).all(axis=0)
    sign = np.where(moves, _signs(then, now), 1.0)
    ratio = np.log(np.maximum(then.std, STILL) / np.maximum(now.std, STILL)).mean(axis=0)
    gain = np.where(moves, np.clip(np.exp(ratio), 1 / most_gain, most_gain), 1.0)
    return [Profile.factory(n_channels),
            *(Profile(name, tuple(int(s) for s in sign), tuple(float(g) for g in gains),
                      tuple(float(o) for o in (then.mean - sign * gains * now.mean).mean(axis=0)))
              for name, gains in (("signs and offsets", np.ones(n_channels)),
                                  ("signs, gains and offsets", gain)))]


def _signs(then: _Classes, now: _Classes) -> FloatArray:
    """(n_channels,) of 1 and -1: argmax over s of sum_k s_k m_k + sum_{k<l} s_k s_l c_kl, m the
    correlation over classes of class means, less where these hardly differ, c the mean over classes
    of the products of correlations."""
    n_channels = then.mean.shape[1]
    if len(then.labels) < LEAST_CLASSES:
        return np.ones(n_channels)
    a, b = (c.mean - c.mean.mean(axis=0) for c in (then, now))
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    share = np.minimum(1.0, a.std(axis=0) / np.maximum(then.std.mean(axis=0), STILL))
    means = (a * b).sum(axis=0) / np.maximum(scale, STILL) * share
    pairs = (then.correlation * now.correlation).mean(axis=0)
    choices = np.array(list(product((1.0, -1.0), repeat=n_channels)))
    agreement = choices @ means + 0.5 * ((choices @ pairs) * choices).sum(axis=1)
    chosen = int(agreement.argmax())
    return np.asarray(choices[chosen if agreement[chosen] > agreement[0] + CLEARLY else 0])


def best(profiles: Sequence[Profile], classify: Callable[[NDArray[np.float32]], NDArray[Any]],
         given: Samples) -> Profile:
    """The profile under which `classify` (samples to classes) is right most often; the earliest of
    several."""
    hits = [int((np.asarray(classify(p.apply(given.x))) == given.y).sum()) for p in profiles]
    return profiles[int(np.argmax(hits))]


def _by_channel(x: NDArray[Any], n_channels: int) -> NDArray[Any]:
    if x.ndim != 2 or x.shape[1] % n_channels:
        raise EdgeError("E104", f"samples of shape {x.shape} do not hold {n_channels} channels")
    return x.reshape(len(x), -1, n_channels)

"""Class means and spare classes of one device (docs/arithmetic.md, 23)."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.qformat import INT32_MIN, IntArray
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.data.labels import TEACH, listed, require_own_names
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.feedback import exp2_q15, softmax_z_q8

ONE, LIMIT, SCALE = QUANTITIES["mean_one"], QUANTITIES["mean_limit"], QUANTITIES["mean_scale"]
SAMPLES, NAME_BYTES = QUANTITIES["mean_samples"], QUANTITIES["class_name_bytes"]
EXAMPLES_SHARE = QUANTITIES["examples_share"]
EIGHTHS = (0, 4, 2, 6, 1, 5, 3, 7)
"""What a running mean is rounded by, in turn: on average nothing is lost."""
FAR = 2**32 - 1
OF_DEVICE, OF_FACTORY = 0, 1


def directions(counts: IntArray) -> IntArray:
    """round(255 x / |x|) of counts (n, size), 0 where all are 0."""
    made = np.zeros_like(counts)
    for row, x in zip(made, counts, strict=True):
        total, lshift = int((x * x).sum()), 0
        while 0 < total < 1 << 28:
            total, lshift = total << 2, lshift + 1
        if total:
            root = isqrt(total)
            row[:] = np.where(x > 0, (ONE * (x << lshift) + (root >> 1)) // root, 0)
    return made


class Classes:
    """What a device knows beside its readout.

    means: int64 (2, n_classes, size), of the device and of what was the factory's; seen: (2,
    n_classes), 0 without a mean, to 15. limits: (n_spare,), of int32, the squared distance by which
    the mean of a class that was taught must be nearer than all others. names: (n_spare, 16), of
    uint8, zeros where a class was not taught. direction: (size,), of the sample that ran last, all
    0 where it was silent.
    """

    def __init__(self, network: QNetwork) -> None:
        self.network, self.rule = network, network.class_means
        n, self.n_known = network.n_classes, network.n_known
        size = network.population(self.rule.hidden).size if self.rule else 0
        self.means = np.zeros((2, n, size), np.int64)
        self.seen = np.zeros((2, n), np.int64)
        if self.rule:
            self.means[OF_FACTORY], self.seen[OF_FACTORY] = self.rule.means, self.rule.seen
        self.limits = np.zeros(network.spare_classes, np.int64)
        self.names = np.zeros((network.spare_classes, NAME_BYTES), np.int64)
        self.direction = np.zeros(size, np.int64)

    @property
    def untaught(self) -> list[int]:
        """Indices of spare classes that are free."""
        return [self.n_known + k for k, name in enumerate(self.names) if not name[0]]

    @property
    def taught(self) -> dict[str, int]:
        """Index by name."""
        return {name_of(name): self.n_known + k for k, name in enumerate(self.names) if name[0]}

    def is_known(self, class_idx: int) -> bool:
        return class_idx not in self.untaught

    def mask(self, logits: IntArray) -> None:
        """Those (n, n_classes) of classes that no weight knows become the least there is."""
        logits[:, self.untaught if self.rule is None else slice(self.n_known, None)] = INT32_MIN

    def classify(self, logits: IntArray, counts: IntArray) -> IntArray:
        """Classes (n,) of logits and hidden counts (n, size); the first sample's direction stays.
        """
        best = logits.argmax(axis=1)
        if self.rule is None:
            return np.asarray(best)
        found = directions(counts)
        self.direction = found[0].copy()
        away = self._distances(found)
        known = away[:, : self.n_known]
        nearest = known.min(axis=1, keepdims=True)
        far = known - nearest
        z_q8 = np.where(far >= LIMIT, QUANTITIES["softmax_max_q8"],
                        (np.minimum(far, LIMIT) * SCALE) >> 16)
        q, p = exp2_q15(z_q8), exp2_q15(softmax_z_q8(self.network, logits)[:, : self.n_known])
        score = sum((v << 15) // v.sum(axis=1, keepdims=True) for v in (p, q))
        best = np.where(nearest[:, 0] < FAR, np.asarray(score).argmax(axis=1), best)
        closest = nearest[:, 0].copy()
        for label in self.taught.values():
            apart = away[:, label] + self.limits[label - self.n_known]
            is_nearer = (away[:, label] < FAR) & (apart < closest)
            best, closest = np.where(is_nearer, label, best), np.where(is_nearer, apart, closest)
        return np.asarray(np.where(found.any(axis=1), best, logits.argmax(axis=1)))

    def _distances(self, found: IntArray) -> IntArray:
        """(n, n_classes), squared, from the nearer mean; FAR where there is none."""
        away = np.full((len(found), self.network.n_classes), FAR)
        for domain, label in np.argwhere(self.seen > 0):
            one = ((found - self.means[domain, label]) ** 2).sum(axis=1)
            away[:, label] = np.minimum(away[:, label], one)
        return away

    def learn(self, label: int, domain: int = OF_DEVICE) -> None:
        """The mean of a class follows the direction at hand."""
        if not self.direction.any():
            return
        n = int(self.seen[domain, label])
        if n < SAMPLES:
            divisor, rounding = n + 1, (n + 1) >> 1
            self.seen[domain, label] = n + 1
        else:
            divisor, rounding = SAMPLES, EIGHTHS[n % SAMPLES]
            self.seen[domain, label] = SAMPLES + (n + 1) % SAMPLES
        mean = self.means[domain, label]
        mean[:] = (mean * (divisor - 1) + self.direction + rounding) // divisor
        if label >= self.n_known:
            self._limit(label)

    def _limit(self, label: int) -> None:
        """A class that was taught reaches beyond half the way as far as a class spreads, and no
        further than to where it would take more than its share of the examples."""
        examples = None if self.rule is None else self.rule.examples
        if examples is not None:
            n = min(int(self.seen[OF_DEVICE, label]), SAMPLES)
            away = ((examples.directions - self.means[OF_DEVICE, label]) ** 2).sum(axis=1)
            nearer = np.sort(examples.away - away)
            self.limits[label - self.n_known] = max(
                -(examples.spread + examples.spread // n >> 1),
                int(nearer[-max(1, len(nearer) // EXAMPLES_SHARE)]))

    def learn_again(self, counts: IntArray, label: int, domain: int) -> None:
        """The same of a stored sample whose hidden neurons fired counts (size,)."""
        self.direction = directions(counts[None])[0]
        self.learn(label, domain)

    def teach(self, name: str) -> int:
        """The index that a new class takes. Raises EdgeError E503 as a device refuses it."""
        class_idx = class_idx_of(self.network, self.taught, name)
        self.names[class_idx - self.n_known] = np.frombuffer(name_bytes(name), np.uint8)
        return class_idx

    def forget(self, class_idx: int) -> None:
        """A class that was taught is spare again."""
        self.names[class_idx - self.n_known] = 0
        self.means[:, class_idx], self.seen[:, class_idx] = 0, 0
        self.limits[class_idx - self.n_known] = 0

    def copy(self) -> tuple[IntArray, ...]:
        return self.means.copy(), self.seen.copy(), self.limits.copy(), self.names.copy()

    def put_back(self, copy: tuple[IntArray, ...] | None) -> list[int]:
        """A copy, None: the factory's. Gives the classes that were called otherwise."""
        before = self.names
        self.means, self.seen, self.limits, self.names = (
            part.copy() for part in copy or Classes(self.network).copy())
        return [self.n_known + int(k) for k in np.flatnonzero((before != self.names).any(axis=1))]

    def named_state(self) -> dict[str, NDArray[Any]]:
        named = {"class_names": self.names.ravel()} if self.names.size else {}
        if self.rule is None:
            return named
        named |= {"class_limits": self.limits} if self.limits.size else {}
        return named | {"class_means": padded(self.means.ravel()),
                        "class_seen": padded(self.seen.ravel())}

    def restore(self, named: Mapping[str, NDArray[Any]]) -> None:
        """The reverse of `named_state`."""
        for name, values in (("class_means", self.means), ("class_seen", self.seen),
                             ("class_limits", self.limits), ("class_names", self.names)):
            if name in named:
                values[:] = named[name][: values.size].reshape(values.shape)

    def to_bytes(self) -> bytes:
        """As a snapshot holds it: whole words."""
        named = self.named_state()
        return b"".join(named[name].astype(kind).tobytes() for name, kind in (
            ("class_means", "u1"), ("class_seen", "u1"), ("class_limits", "<i4"),
            ("class_names", "u1")) if name in named)


def padded(values: IntArray) -> IntArray:
    """To whole words."""
    return np.pad(values, (0, -values.size % 4))


# ---- names ---------------------------------------------------------------------------------------


def name_bytes(name: Any) -> bytes:
    """Zero padded. Raises EdgeError E105 for what is no name: 1 to 16 letters of printable ASCII,
    no space at an end."""
    fits = isinstance(name, str) and name.isascii() and name.isprintable() and name == name.strip()
    refuse_unless("E105", fits and 0 < len(name) <= NAME_BYTES,
                  f"a class cannot be called {name!r:.60}", cause="its name travels in "
                  f"{NAME_BYTES} bytes of the learning state",
                  help=f"use 1 to {NAME_BYTES} letters, digits and signs of ASCII, and no space at "
                  "an end")
    return str(name).encode("ascii").ljust(NAME_BYTES, b"\0")


def name_of(row: NDArray[Any]) -> str:
    """The reverse, of bytes (16,)."""
    return row.astype(np.uint8).tobytes().rstrip(b"\0").decode("ascii", "replace")


def taught_of(network: QNetwork, names: NDArray[Any]) -> dict[str, int]:
    """Index by name of the classes that were taught. names: (16 n_spare,), of a learning state."""
    rows = names.reshape(network.spare_classes, NAME_BYTES)
    return {name_of(row): network.n_known + k for k, row in enumerate(rows) if row[0]}


def require_spares(network: QNetwork) -> None:
    """EdgeError E503 unless a device of this model can be taught classes."""
    refuse_unless("E503", network.values is None, "the model knows no classes",
                  cause="its outputs are values, so no class can be taught or forgotten",
                  help="leave the class out; a network of classes can be taught more of them")
    refuse_unless("E503", network.spare_classes > 0, "the model was built without it",
                  cause="it has no spare classes",
                  help="quantize the network with --spare-classes 2")


def class_idx_of(network: QNetwork, taught: Mapping[str, int], name: Any) -> int:
    """The spare class that a new name takes. Raises EdgeError E105 for what is no name, for the
    name of a class that there is, E503 where none is spare."""
    require_spares(network)
    name_bytes(name)
    require_own_names([name])
    refuse_unless("E105", name not in network.classes and not (
        not network.classes and name.isdecimal() and int(name) < network.n_known),
        f"'{name}' is a class that the model knows", cause=f"its classes are "
        f"{listed(network.classes) or f'0 to {network.n_known - 1}'}",
        help="give a class that is new another name; samples of one that it knows are learned "
        "without --new-class")
    refuse_unless("E105", name not in taught, f"'{name}' was taught before",
                  help="its samples are learned like those of any class; forget it to begin anew")
    free = sorted(set(range(network.n_known, network.n_classes)) - set(taught.values()))
    if not free:
        raise EdgeError("E503", f"no spare class is left for '{name}'",
                        cause=f"{listed([*taught])} took all {network.spare_classes}",
                        help="forget one of them, or quantize with more --spare-classes")
    return free[0]


def taught_idx(network: QNetwork, taught: Mapping[str, int], name: Any) -> int:
    """The class of a name that was taught. Raises EdgeError E105 for another."""
    require_spares(network)
    if name not in taught:
        told = f"taught are {listed([*taught])}" if taught else "none was taught"
        was_known = isinstance(name, str) and name in network.classes
        raise EdgeError("E105", f"'{name}' was never taught", cause=told,
                        help="classes that the network was trained on stay: only those taught on "
                        "the device can be forgotten" if was_known else
                        "name one of them" if taught else TEACH.format(name))
    return taught[name]

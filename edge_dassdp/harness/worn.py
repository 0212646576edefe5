"""How a device's sensor is worn: fitted from labelled samples, chosen by hits; and what it says of
that without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray, round_divide
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.data.labels import classes_told
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import x_counts
from edge_dassdp.reference.asked import require_fits
from edge_dassdp.sensor import channels
from edge_dassdp.sensor.choice import best
from edge_dassdp.sensor.drift import N_ALARM
from edge_dassdp.sensor.front import NO_MEAN, QSensor
from edge_dassdp.sensor.monitor import DriftReport
from edge_dassdp.sensor.orientation import FIT_CLASSES, Orientation, Verdict, candidates
from edge_dassdp.sensor.profile import Kind, QProfile
from edge_dassdp.targets.profiles import Profiles, read_profiles
from edge_dassdp.targets.target import Target

NAMES = {"factory": Kind.FACTORY, "channels": Kind.CHANNELS, "orientation": Kind.ORIENTATION,
         "both": Kind.BOTH}
FOREIGN = ("the weights were learned under another profile of the sensor than the one in use: "
           "select that one again, or begin with factory weights (reset)")
_FROM = QUANTITIES["drift_threshold_q8"] / 256


@dataclass(frozen=True)
class Candidate:
    """A profile that was tried, and how many of the samples it was fitted from were classified
    rightly under it. how: it was fitted, where several of its kind were."""

    profile: QProfile
    n_hits: int
    how: str = ""

    @property
    def name(self) -> str:
        """Of its kind."""
        return next(name for name, kind in NAMES.items() if kind == self.profile.kind)

    @property
    def title(self) -> str:
        """No other that was tried has it."""
        return f"{self.name} {self.how}".strip()


@dataclass(frozen=True)
class Fitted:
    """chosen: what is in use now. tried: the factory profile first. n_samples: each was judged by.
    orientation: what the device found. passed_over: classes of samples that the training data
    lacked, "" for none."""

    chosen: Candidate
    tried: tuple[Candidate, ...]
    n_samples: int
    orientation: Orientation
    passed_over: str = ""

    @property
    def report(self) -> dict[str, Any]:
        """As JSON values."""
        return {"chosen": self.chosen.name, "n_samples": self.n_samples,
                "how": self.chosen.how,
                "tried": [{"profile": c.name, "how": c.how, "hits": c.n_hits}
                          for c in self.tried]}

    def __str__(self) -> str:
        hits = ", ".join(f"{c.title} {c.n_hits}" for c in self.tried)
        how = f" ({self.chosen.how})" if self.chosen.how else ""
        told = f"{self.chosen.name} profile{how}; of {self.n_samples} samples right: {hits}"
        return told + (f"; it was not fitted to samples of {self.passed_over}, which the training "
                       "data lacked" if self.passed_over else "")


def report(found: Profiles) -> dict[str, Any]:
    """As JSON values."""
    return {"in_use": found.selected.kind.name.lower(),
            "stored": found.stored and found.stored.kind.name.lower(),
            "profile_idx": found.profile_idx, "learned_idx": found.learned_idx,
            "n_seen": list(found.n_seen)}


def fit_profile(target: Target, network: QNetwork, x: NDArray[np.int8],
                labels: NDArray[np.int64]) -> Fitted:
    """Let a device observe labelled samples of its sensor as it is worn now, int8 (n, x_bytes), fit
    an orientation and channels to them, and use the profile under which most are classified
    rightly: the factory's unless another has more hits, what is not sure clearly more.

    The device fits the orientation, from all that it has observed since its reset; this computer
    signs, gains and offsets, from these samples, and a rotation and its mirror image where the
    device cannot tell them apart. Raises EdgeError E503 where the model fits
    nothing, E105, before anything is changed, where the samples are of less than two classes that
    the factory knew.
    """
    require_fits(network)
    sensor = network.sensor
    assert sensor is not None and sensor.class_means is not None
    given = np.unique(labels)
    lacked = [int(c) for c in given if sensor.class_means[c, 0] == NO_MEAN]
    known = [int(c) for c in given if c not in lacked]
    if len(known) < FIT_CLASSES:
        raise _too_few(network, sensor, labels, lacked)
    for sample, label in zip(x, labels, strict=True):
        target.observe(sample, int(label))
    found = target.fit_profile()
    sure = [QProfile.factory(sensor.n_channels)]
    sure += [found.profile(sensor.n_channels)] if found.verdict == Verdict.TAKEN else []
    profiles = [(p, "") for p in sure]
    profiles += _unsure(network, sensor, found, _Statistics.of(network, x, labels, known))
    tried = [Candidate(p, _hits(target, network, p, x, labels), how) for p, how in profiles]
    chosen = tried[best([c.n_hits for c in tried], len(x), len(sure))]
    _use(target, network, chosen.profile)
    passed_over = classes_told(lacked, network.class_names) if lacked else ""
    return Fitted(chosen, tuple(tried), len(x), found, passed_over)


def _too_few(network: QNetwork, sensor: QSensor, labels: NDArray[np.int64],
             lacked: list[int]) -> EdgeError:
    """Of labels (n,) of less than FIT_CLASSES classes that the factory knew; lacked: those that it
    did not."""
    assert sensor.class_means is not None
    given, names = np.unique(labels), network.class_names
    head = f"a profile is fitted from samples of {FIT_CLASSES} classes or more"
    if not lacked:
        return EdgeError("E105", f"{head}, and these are of {len(given) or 'none'}",
                         cause=f"{len(labels)} samples of {classes_told(given, names)}"
                         if len(given) else "", help="give labelled samples of other classes, too")
    known = np.flatnonzero(sensor.class_means[:, 0] != NO_MEAN)
    return EdgeError(
        "E105", f"{head} that the model was trained on: its training data lacked "
        f"{classes_told(lacked, names)}",
        cause=f"it had {classes_told(known, names)}; these are {len(labels)} samples of "
        f"{classes_told(given, names)}", help="quantize it again with training samples of all "
        "classes (--data, x and y in Python)" + (
            "" if len(known) < FIT_CLASSES else ", or give samples of those that it had"))


def _hits(target: Target, network: QNetwork, profile: QProfile, x: NDArray[np.int8],
          labels: NDArray[np.int64]) -> int:
    _use(target, network, profile)
    return int((target.classify(x) == labels).sum())


def _use(target: Target, network: QNetwork, profile: QProfile) -> None:
    """Select a profile; it is written only where it is not stored."""
    now = profiles_of(target, network)
    if profile.kind == Kind.FACTORY or now.stored == profile:
        target.select_profile(int(profile.kind))
    else:
        target.write_profile(network, profile)


def profiles_of(target: Target, network: QNetwork) -> Profiles:
    """Which profiles a device has. Raises EdgeError E503 without a sensor."""
    return read_profiles(network, target.read_learning())


@dataclass(frozen=True, eq=False)
class _Statistics:
    """Sums over samples of the means and standard deviations of their readings, integers
    (n_classes, n_channels), and of how many, (n_classes,)."""

    means: IntArray
    stds: IntArray
    n_seen: IntArray

    @classmethod
    def of(cls, network: QNetwork, x: NDArray[np.int8], labels: NDArray[np.int64],
           known: list[int]) -> _Statistics:
        """known: classes that are counted."""
        found = window_statistics(x_counts(network, x))
        of_class = np.arange(network.n_classes)[:, None] == labels
        of_class &= np.isin(np.arange(network.n_classes), known)[:, None]
        means, stds = (of_class.astype(np.int64) @ part for part in found)
        return cls(means, stds, of_class.sum(axis=1))


def _unsure(network: QNetwork, sensor: QSensor, found: Orientation, given: _Statistics
            ) -> list[tuple[QProfile, str]]:
    """With how they were fitted: a rotation and its mirror image, if the device could not decide
    between them; signs and offsets of channels, and gains as well."""
    made: list[tuple[QProfile, str]] = []
    if found.verdict == Verdict.UNDECIDED:
        polar = list(sensor.triads[0].channels)
        made += [(p, "as a rotation" if p.det > 0 else "as a mirror image") for p in candidates(
            sensor.polar_means, given.means[:, polar], given.n_seen, sensor.unit,
            sensor.n_channels)]
    if sensor.class_means is not None and sensor.class_stds is not None:
        made += [(channels.fit(sensor.class_means, sensor.class_stds, given.means, given.stds,
                               given.n_seen, with_gains=gains), how)
                 for gains, how in ((False, "without gains"), (True, "with gains"))]
    return made


def window_statistics(counts: NDArray[np.int16]) -> tuple[IntArray, IntArray]:
    """Means and standard deviations of the readings of samples, (n, n_readings, n_channels), as
    integers (n, n_channels)."""
    n = counts.shape[1]
    means = np.vectorize(round_divide, otypes=[np.int64])(counts.sum(axis=1, dtype=np.int64), n)
    return means, np.round(counts.std(axis=1)).astype(np.int64)


def drift_of(target: Target, network: QNetwork) -> DriftReport | None:
    """None of a model that compares nothing."""
    return target.drift() if network.watches else None


def drift_warning(report: DriftReport | None) -> list[str]:
    """What to do where the alarm is on."""
    if report is None or not report.alarm:
        return []
    way = "" if report.n_profiles else \
        ", or let it find a profile by itself (--drift profile and --allow-profile)"
    return [f"the sensor has drifted from what the network was trained on: the last {N_ALARM} "
            f"samples lie {report.median:.1f} from its classes, and {_FROM:.1f} is the limit; fit "
            f"a profile to labelled samples (--fit-profile){way}"]


def drift_text(report: DriftReport) -> str:
    """A line for people."""
    far = f"distance {report.median:.2f} from the training samples' classes, " \
        f"{'alarm' if report.alarm else 'no alarm'}" if report.median else \
        f"fewer than {N_ALARM} under this profile, no alarm"
    taken = f"; {report.n_profiles} profile{'s' * (report.n_profiles > 1)} taken without labels"
    return f"sensor: {report.n_windows:,} samples compared, {far}" + taken * bool(report.n_profiles)

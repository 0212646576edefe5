"""A device: a model on a target, spoken to in float samples of their natural shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.kinds import held_to_kinds
from edge_dassdp.base.notices import warn
from edge_dassdp.base.numbers import array_of, sample_array
from edge_dassdp.base.values import QValues, checked_targets
from edge_dassdp.data.clipping import Clipping, clipping
from edge_dassdp.data.labels import ClassNames, labels_of, require_classes
from edge_dassdp.harness.classes import (
    FORGETS,
    NOTHING_TAUGHT,
    forgets,
    require_taught,
    with_taught,
)
from edge_dassdp.harness.expected import digest_text
from edge_dassdp.harness.frames import FrameStream
from edge_dassdp.harness.snapshot import load_snapshot, save_snapshot
from edge_dassdp.harness.stream import Stream, learn_stream
from edge_dassdp.harness.values import Errors, ValueStream
from edge_dassdp.harness.verify import Verification, verify
from edge_dassdp.harness.worn import (
    FOREIGN,
    NAMES,
    Fitted,
    drift_of,
    drift_warning,
    fit_profile,
    profiles_of,
)
from edge_dassdp.ir import Input
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import counts_x, input_x, with_lesson
from edge_dassdp.reference.asked import require_triads
from edge_dassdp.reference.outcome import NO_LABEL, Statistics
from edge_dassdp.sensor.monitor import DriftReport
from edge_dassdp.sensor.profile import Kind, QProfile
from edge_dassdp.targets.learning import taught_in
from edge_dassdp.targets.profiles import Profiles
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import INFER, WARM_UP, Target
from edge_dassdp.wire.saved import Saved


def sample_rows(inputs: Sequence[Input], x: ArrayLike) -> NDArray[np.float32]:
    """Samples in their natural shape as rows (n, values of all inputs), float32.

    x: (n, n_values), or (n, *shape) or (n, n_frames, *shape) of a single input; a sample alone is
    a batch of one. Raises EdgeError E104 for another shape or what is no finite number.
    """
    samples = sample_array(x)
    n_values = sum(i.n_values for i in inputs)
    shapes: list[tuple[int, ...]] = [(n_values,)]
    if len(inputs) == 1:
        one = inputs[0].raw_shape
        shapes.append((inputs[0].n_frames, *one) if inputs[0].n_frames > 1 else one)
    if samples.shape not in shapes and samples.shape[1:] not in shapes:
        raise EdgeError("E104", f"samples have shape {samples.shape}, expected " + " or ".join(
            str(("n", *shape)).replace("'", "") for shape in dict.fromkeys(shapes)))
    return samples.reshape(-1, n_values).astype(np.float32)


def label_row(y: ArrayLike, n: int, n_classes: int, names: ClassNames | None = None,
              takes_more: bool = False) -> NDArray[np.int64]:
    """Labels of n samples, int64 (n,) from 0 to n_classes - 1, of such integers or, where a model
    has names, of these; one alone may be a number or a name. takes_more: new classes can be taught.
    EdgeError E104 for another shape or what is no class."""
    labels = labels_of(np.atleast_1d(array_of(y, "labels")), n, names, takes_more)
    require_classes(labels, n_classes)
    return labels


def lesson_rows(network: QNetwork, packed: NDArray[np.int8], y: ArrayLike,
                taught: Mapping[str, int] = NOTHING_TAUGHT
                ) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Samples int8 (n, x_bytes) with what is learned from them, and their labels (n,), 0 of those
    with targets. y: as `Device` takes it. taught: index by name. EdgeError E104 where y is none."""
    values = network.values
    if values is None:
        return packed, _known_labels(network, y, len(packed), taught)
    return with_lesson(network, packed, checked_targets(y, len(packed), values.n_outputs))


def _known_labels(network: QNetwork, y: ArrayLike, n: int,
                  taught: Mapping[str, int]) -> NDArray[np.int64]:
    """As `label_row`; names are those of the model and of what was taught, E104 for a class that is
    spare, too."""
    labels = label_row(y, n, network.n_classes, with_taught(network, taught),
                       takes_more=network.spare_classes > 0)
    require_taught(network, taught, labels)
    return labels


class Device:
    """A model on a target, the same wherever it runs; a context manager that closes it.

    x is float: (n, n_values), (n, *shape) of a single input, or one sample alone; of a model with
    a sensor also its raw counts, integers (n, n_readings, n_channels). y: (n,) classes, integers
    from 0 to n_classes - 1, or their names where the model has such (`QNetwork.classes`); of a
    model of values (`QNetwork.values`) targets, finite numbers (n, n_outputs) in the unit of the
    training's.
    Shapes that do not fit raise EdgeError E104 before anything runs; what a target refuses is in
    `Target`. Values beyond int8 are clipped: `clipping` counts those of the last call, and a
    warning says where they are many. `target` has the rest of it: single outcomes, digests, the
    named state.
    """

    def __init__(self, network: QNetwork, target: Target) -> None:
        self.network = network
        self._target = target
        self._is_closed = False
        self._stream: FrameStream | None = None
        self.clipping = Clipping(0, 0, ())

    @property
    def target(self) -> Target:
        """Raises EdgeError E105 after `close`, and while a stream is open."""
        if self._is_closed:
            raise EdgeError("E105", f"{self!r} was closed", help="open it again: edge_dassdp.open")
        if self._stream is not None:
            raise EdgeError("E105", "a stream is open on this device",
                            cause="what else ran would end it: it has one set of membranes",
                            help="close the stream first, or leave its `with` block")
        return self._target

    @property
    def name(self) -> str:
        return self._target.name

    @property
    def digest(self) -> str:
        """Of what it has learned, 8 hexadecimal digits: what `edge_dassdp.open` takes as `expect`.
        """
        return digest_text(self.target.statistics().learned_digest)

    def __repr__(self) -> str:
        return f"<Device {self.name} with {self.network!r}>"

    def classify(self, x: ArrayLike) -> NDArray[np.int64]:
        """Classes, int64 (n,) from 0 to n_classes - 1, by inference alone. Raises EdgeError E105
        where outputs are values."""
        target = self.target
        self._require_classes("classify")
        return target.classify(self._packed(x))

    def predict(self, x: ArrayLike) -> NDArray[np.float64]:
        """Values, float64 (n, n_outputs) in the unit of the training's targets, by inference alone.
        Raises EdgeError E105 where outputs are classes."""
        target, values = self.target, self._require_values()
        return values.of_logits(target.run(self._packed(x), mode=INFER).logits)

    def errors(self, x: ArrayLike, y: ArrayLike) -> Errors:
        """How far the values of x are from the targets y, (n, n_outputs)."""
        found, values = self.predict(x), self._require_values()
        return Errors.of(found, checked_targets(y, len(found), values.n_outputs), values.names)

    def accuracy(self, x: ArrayLike, y: ArrayLike) -> float:
        """Share of x that is classified as y, 0 to 1."""
        target = self.target
        self._require_classes("accuracy")
        packed = self._packed(x)
        labels = self._labels(y, packed)
        if not len(packed):
            raise EdgeError("E104", "no samples to judge by")
        return float((target.classify(packed) == labels).mean())

    def learn(self, x: ArrayLike, y: ArrayLike) -> Stream | ValueStream:
        """Learn every sample once, in order. The answer has the class that each was given before
        its label was seen, or its values before its targets were, float (n, n_outputs). Of a model
        with a sensor every sample is observed first, without its label; a warning says where the
        sensor has drifted."""
        packed, labels = self._lesson(x, y)
        if self.network.values is not None:
            values = self.network.values
            targets = checked_targets(y, len(packed), values.n_outputs)
            return ValueStream.of(values, learn_stream(self.target, packed, labels), targets)
        if self.network.sensor is not None and self.profile.is_foreign:
            warn(FOREIGN)
        learned = learn_stream(self.target, packed, labels, looks=self.network.watches)
        for warning in drift_warning(drift_of(self.target, self.network)):
            warn(warning)
        return learned

    @held_to_kinds()
    def stream(self, hop: int | None = None) -> FrameStream:
        """Take frames one by one: `push(frame)` runs a step, and gives a decision over the last
        n_steps frames behind the first n_steps of them, and every hop frames from there on.
        Membranes are never reset in between. Until it is closed nothing else runs on the device.

        hop: the model's, which it was quantized with, to n_steps. Raises EdgeError E503 of a model
        without streams, E105 for another hop, or while a stream is open.
        """
        least = self.network.hop or 1
        self._stream = FrameStream(self.network, self.target, least if hop is None else hop,
                                   self._closed_stream)
        return self._stream

    def _closed_stream(self) -> None:
        self._stream = None

    def observe(self, x: ArrayLike, y: ArrayLike | None = None) -> None:
        """Samples of a sensor as it is worn now; nothing runs. With labels they are for
        `fit_profile` on the device; with or without, they are compared with the training samples:
        see `drift`."""
        packed = self._packed(x)
        labels = np.full(len(packed), NO_LABEL) if y is None else self._labels(y, packed)
        for sample, label in zip(packed, labels, strict=True):
            self.target.observe(sample, int(label))

    @property
    def drift(self) -> DriftReport:
        """How far the sensor has drifted, without labels, of the samples that were observed or
        learned. Raises EdgeError E503 where the model compares none."""
        return self.target.drift()

    @held_to_kinds()
    def allow_profile(self, is_allowed: bool = True) -> None:
        """Whether the device may put another profile than the factory's in use by itself, from
        samples observed or learned; not before. Raises EdgeError E503 where the model was not
        quantized with drift='profile'."""
        self.target.allow_profile(is_allowed)

    def fit_profile(self, x: ArrayLike, y: ArrayLike) -> Fitted:
        """Let the device find out from labelled samples how its sensor is worn, and use the profile
        that most of them are classified rightly under; the factory's unless another is better.

        Raises EdgeError E105 for samples of less than two classes, E503 where the model has no
        sensor with triads, or was quantized without labelled samples.
        """
        packed = self._packed(x)
        return fit_profile(self.target, self.network, packed, self._labels(y, packed))

    @property
    def profile(self) -> Profiles:
        """Which profile of its sensor is in use, which is stored, and which the weights were
        learned under. Raises EdgeError E503 without a sensor."""
        return profiles_of(self.target, self.network)

    @held_to_kinds()
    def select_profile(self, profile: str | QProfile) -> None:
        """Use the profile of that name: "factory", or what is stored, "orientation", "channels" or
        "both". A `QProfile` fitted elsewhere is stored first. Raises EdgeError E105 for another
        word, E503 for a profile that is not stored."""
        if isinstance(profile, QProfile):
            self.target.write_profile(self.network, profile)
        elif profile in NAMES:
            stored = self.profile.stored
            if NAMES[profile] & Kind.ORIENTATION:
                require_triads(self.network)
            if NAMES[profile] and (stored is None or stored.kind != NAMES[profile]):
                raise EdgeError("E503", f"no profile '{profile}' is stored", help="fit one from "
                                "labelled samples, or choose "
                                + (stored.kind.name.lower() if stored else "factory"))
            self.target.select_profile(int(NAMES[profile]))
        else:
            raise EdgeError("E105", f"there is no profile '{profile}'",
                            help="choose one of " + ", ".join(NAMES))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes 0, 1 and so on: those that the network was trained on, by numbers
        where it knows no names, then those that were taught; "" where one is spare."""
        network = self.network
        names = [*(network.classes or map(str, range(network.n_known))),
                 *[""] * network.spare_classes]
        for name, class_idx in self._taught.items():
            names[class_idx] = name
        return tuple(names)

    @property
    def _taught(self) -> dict[str, int]:
        return taught_in(self.network, self.target.read_learning()) \
            if self.network.spare_classes else {}

    @held_to_kinds()
    def new_class(self, name: str) -> int:
        """Take a spare class for a name, 1 to 16 letters of ASCII. What `learn` is then given by
        that name, or by the number that comes back, is taught as it; five samples are a beginning
        (docs/classes.md). A warning where nothing is replayed, for then it takes the old classes'
        place. Raises EdgeError E105 for what is no name, and for a class that there is, E503 where
        none is spare."""
        class_idx = self.target.new_class(name)
        if forgets(self.network):
            warn(FORGETS)
        return class_idx

    @held_to_kinds()
    def forget(self, name: str) -> None:
        """A class that was taught is spare again; its weights, means and stored samples are gone.
        Raises EdgeError E105 for one that was never taught, E503 without spare classes."""
        self.target.forget_class(name)

    def warm_up(self, x: ArrayLike, y: ArrayLike) -> None:
        """Let DA-SSDP's dopamine gates see samples, and fit them; no weight changes."""
        packed, labels = self._lesson(x, y)
        self.target.run(packed, labels, mode=WARM_UP)
        self.target.fit_gate()

    @held_to_kinds()
    def idle(self, n_steps: int) -> int:
        """Learn again from up to n_steps stored samples; how many there were."""
        return self.target.idle(n_steps)

    @held_to_kinds()
    def save(self, path: Path | str) -> None:
        """Write plastic weights and learning state to a snapshot, for `load` on any target."""
        save_snapshot(self.target, self.network, path)

    @held_to_kinds()
    def load(self, path: Path | str) -> None:
        """Put a snapshot of this model back, all of it or nothing.

        Raises EdgeError E103 for another or a damaged file, E504 for a snapshot of another model.
        """
        load_snapshot(self.target, self.network, path)

    @held_to_kinds()
    def reset(self, *, factory: bool = False) -> None:
        """Factory weights and initial learning state. factory: what was saved to flash is erased,
        too; else the next start finds it."""
        self.target.reset(factory=factory)

    def store(self) -> Saved:
        """Save what was learned to the device's own flash: it counts at the next start. Gives what
        flash holds now. Raises EdgeError E503 where nothing learns, the board has no slots in
        flash, or flash does not take it: the save before then counts still."""
        return self.target.store()

    @property
    def in_flash(self) -> Saved:
        """What the device's flash holds; `str` of it is a sentence."""
        return self.target.in_flash

    def verify(self, x: ArrayLike, y: ArrayLike | None = None) -> Verification:
        """Run samples here and on the reference, from the weights and the learning state of now,
        and compare every bit. With y both learn, and what was learned stays.

        `differences` of the answer is 0 or 1, `divergence` names the first one.
        """
        packed, labels = (self._packed(x), None) if y is None else self._lesson(x, y)
        reference = ReferenceTarget(self.network)
        reference.take_over(self.target)
        return verify(reference, [self.target], self.network, packed, labels)

    def weights(self) -> dict[str, NDArray[np.int16]]:
        """Learned integers by plastic projection, (n_pre, n_post)."""
        return {p.name: self.target.read_weights(p.name) for p in self.network.plastic}

    def statistics(self) -> Statistics:
        """Counters, and on a device stack and link figures."""
        return self.target.statistics()

    def close(self) -> None:
        """Let go of the target, for good; harmless when repeated."""
        self._is_closed, self._stream = True, None
        self._target.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _packed(self, x: ArrayLike) -> NDArray[np.int8]:
        """As the target takes them, int8 (n, x_bytes)."""
        given = array_of(x, "samples")
        if self.network.sensor is not None and given.dtype.kind in "iu":
            self.clipping = Clipping(0, 0, ())
            one = (self.network.n_readings, self.network.sensor.n_channels)
            is_one = given.ndim == 1 or given.shape == one
            return counts_x(self.network, given[None] if is_one else given)
        rows = sample_rows(self.network.inputs, given)
        self.clipping = clipping(self.network.inputs, self.network.x_scales, rows)
        if self.clipping.warning:
            warn(self.clipping.warning)
        return input_x(self.network, rows)

    def _lesson(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Samples with what is learned from them, and their labels, 0 of those with targets."""
        return lesson_rows(self.network, self._packed(x), y, self._taught)

    def _require_values(self) -> QValues:
        if self.network.values is None:
            raise EdgeError("E105", "the outputs of this model are classes",
                            help="classify gives them; Settings(values=True) makes values")
        return self.network.values

    def _require_classes(self, name: str) -> None:
        if self.network.values is not None:
            raise EdgeError("E105", f"{name}: the outputs of this model are values, and no classes",
                            help="predict gives them, errors compares them with targets")

    def _labels(self, y: ArrayLike, packed: NDArray[np.int8]) -> NDArray[np.int64]:
        return _known_labels(self.network, y, len(packed), self._taught)

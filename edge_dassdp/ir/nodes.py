"""Nodes of the float network: inputs, populations of neurons, and the projections that join them.
`ir.Network` is what they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.kinds import hold_fields
from edge_dassdp.base.numbers import is_int
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import geometry
from edge_dassdp.ir.fields import (
    CLAMP,
    LEAST,
    FloatArray,
    check_size,
    malformed,
    numbers,
    require_each,
    shape_of,
    vector,
)
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool
from edge_dassdp.ir.sensor import Sensor

Reset = Literal["subtract", "zero", "none"]
ReadoutKind = Literal["spike_count", "membrane_sum"]
Form = Literal["sum", "toward", "toward_leak", "divide", "leak_divide", "scale", "leak_scale",
               "current_first"]


@dataclass(frozen=True)
class Encoder:
    """Makes spikes of raw samples on the device, where the host sends those alone. Raw values are
    taken as int8 codes q = clip(round(value 2^frac_bits), -127, 127); qir.samples has the integer
    rules, which the float model uses, too.

    - latency: one spike, the earlier the larger q; none where q <= 0
    - rate: in every step a spike with probability max(q, 0) / 128, by a generator that starts at
      `seed` in every sample
    - delta: a frame per step; a neuron ON (the first half of the channels) where q rose by `step`
      since its last spike, a neuron OFF where it fell by as much
    """

    kind: Literal["latency", "rate", "delta"]
    frac_bits: int = 7
    seed: int = 2463534242
    step: int = 8

    def __post_init__(self) -> None:
        hold_fields(self, "E101", "an encoder's ")
        if self.kind not in ("latency", "rate", "delta"):
            raise malformed(f"encoder '{self.kind}' is not latency, rate or delta")
        for name, low, high in (("frac_bits", -8, 7), ("seed", 1, 2**32 - 1), ("step", 1, 127)):
            value = getattr(self, name)
            if not is_int(value) or not low <= value <= high:
                raise malformed(f"an encoder's {name} is {value!r}, expected {low} to {high}")


@dataclass(frozen=True, eq=False)
class Input:
    """Analogue input currents x of shape (n_frames, size), or spikes: each value 0 or 1.

    n_frames = 1: the same at every step ("direct" input).
    n_frames = n_steps: one frame per step.
    shape: (channels, height, width), (channels, length), or () for (size,).
    n_events: where it is not 0, the device is sent a list of at most so many events instead of
    frames; a neuron may then fire several times a step where `counts`, up to 255 times, and values
    are these counts. encoder: the device makes the spikes itself, from raw values. sensor: the
    device is given the raw counts that values are made of, reading by reading; the channels of a
    reading lie side by side as the device has a frame, of (channels, length) the channels.
    """

    name: str
    size: int
    n_frames: int = 1
    spikes: bool = False
    shape: tuple[int, ...] = ()
    n_events: int = 0
    counts: bool = False
    encoder: Encoder | None = None
    sensor: Sensor | None = field(default=None, metadata={"is_filed_if_set": True})

    def __post_init__(self) -> None:
        where = f"input '{self.name}'"
        check_size(self.size, f"{where}: its size")
        check_size(self.n_frames, f"{where}: its number of frames")
        object.__setattr__(self, "shape", shape_of(self.shape, self.size, where))
        for name in ("spikes", "counts"):
            if not isinstance(getattr(self, name), bool):
                raise malformed(f"{where}: {name} is {getattr(self, name)!r}, no truth value")
        if not is_int(self.n_events) or not 0 <= self.n_events <= 2**24:
            raise malformed(f"{where}: n_events is {self.n_events!r}, expected 0 to {2**24:,}")
        if (self.n_events or self.encoder) and not self.spikes:
            raise malformed(f"{where}: events and encoders make spikes; set spikes=True")
        if self.counts and not self.n_events:
            raise malformed(f"{where}: counts come as lists of events; set n_events")
        if self.n_events and self.encoder:
            raise malformed(f"{where}: it has events and an encoder")
        if self.encoder and self.encoder.kind == "delta" and self.shape[0] % 2:
            raise malformed(f"{where}: a delta encoder makes pairs of channels ON and OFF, not "
                             f"{self.shape[0]}")
        if self.sensor is not None:
            self._check_sensor(where, self.sensor)

    def _check_sensor(self, where: str, sensor: Sensor) -> None:
        if self.spikes and not self.encoder:
            raise malformed(f"{where}: a sensor gives currents, or what an encoder takes, and no "
                            "spikes")
        n, is_flat = sensor.n_channels, len(self.raw_shape) == 1
        places = self.n_raw if is_flat else self.raw_shape[0]
        if places % n or (not is_flat and places != n):
            what = f"{self.n_raw} values of a frame" if is_flat else f"{places} channels"
            raise malformed(f"{where}: {what} are no readings of {n} channels of a sensor",
                            "a frame holds whole readings, one behind the other")
        check_size(self.n_values // n, f"{where}: its number of readings")

    @property
    def is_coded(self) -> bool:
        """Its spikes are made on the device."""
        return self.n_events > 0 or self.encoder is not None

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Of one frame of a sample; a delta encoder makes two channels of one."""
        is_delta = self.encoder is not None and self.encoder.kind == "delta"
        return (self.shape[0] // 2, *self.shape[1:]) if is_delta else self.shape

    @property
    def n_raw(self) -> int:
        """Values of one frame of a sample."""
        return geometry.size(self.raw_shape)

    @property
    def n_values(self) -> int:
        """Values in a flattened sample."""
        return self.n_raw * self.n_frames

    def from_file(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the network takes for samples (n, n_values) of a data file, in natural order."""
        if self.sensor is None or self.sensor.data == "values":
            return x
        at = np.tile(self.sensor_channels, self.n_frames)
        scale, offset = np.array(self.sensor.scale), np.array(self.sensor.offset)
        if x.ndim != 2 or x.shape[1] != at.size:
            raise EdgeError("E104", f"samples have shape {x.shape}, expected (n, {at.size})")
        if (x % 1 != 0).any():
            raise EdgeError("E104", "the sensor's description says that files hold counts, and "
                            f"these hold {x[x % 1 != 0][0]:.6g}",
                            help="give raw counts, or leave data = \"counts\" out of the "
                            "description: files then hold what the network was trained on")
        return np.asarray(x * scale[at] + offset[at], np.float32)

    @property
    def sensor_channels(self) -> IntArray:
        """The sensor's channel of each value of a frame, (n_raw,), in natural order."""
        assert self.sensor is not None
        n, places = self.sensor.n_channels, np.arange(self.n_raw)
        return places % n if len(self.raw_shape) == 1 else places // (self.n_raw // n)

    def readings(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (n, n_readings, n_channels) of samples (n, n_values), as the sensor gives them."""
        frames, at = x.reshape(len(x), self.n_frames, self.n_raw), self.sensor_channels
        return np.stack([frames[:, :, at == c].reshape(len(x), -1)
                         for c in range(at.max() + 1)], axis=2)


@dataclass(frozen=True, eq=False)
class Population:
    """Integrate-and-fire neurons; x_t is the summed current of all projections and their biases.

    With i_t = gain x_t, or i_t = alpha i_{t-1} + gain x_t where neurons have a synaptic current,
    and r = [v_{t-1} > theta] (stored membrane of the step before):

    - subtract, delayed:  v_t = beta v_{t-1} + i_t + bias - r theta;     s_t = [v_t > theta]
    - zero, delayed:      v_t = beta (1 - r) v_{t-1} + i_t + bias;       s_t = [v_t > theta]
      with cancels_input: v_t = (1 - r) (beta v_{t-1} + i_t + bias)
    - subtract, at once:  the delayed form, then v_t -= (s_t - r) theta
      without looks_back: v_t = beta v_{t-1} + i_t + bias;               s_t = [v_t > theta];
                          v_t -= s_t theta
    - zero, at once:      the last but with v_t = v_reset where s_t
    - none:               v_t = beta v_{t-1} + i_t + bias;               s_t = [v_t > theta]

    `strict` False replaces > by >=. max_spikes: where it is not 1, s_t is a number,
    min(floor(v_t / theta), max_spikes) where v_t reaches theta, and all of them are subtracted at
    once; 0 means no limit. v_init: membrane before the first step. v_min: no stored membrane is
    lower, None for no limit. The first five are snnTorch's Leaky with `reset_mechanism` and
    `reset_delay` (snntorch 1.0.0, _neurons/leaky.py); frontends/ names the others' sources.
    alpha and beta in [0, 1], gain > 0, theta > v_reset and theta > 0; each number a scalar or of
    shape (size,). shape as in `Input`. form: the order of float operations of the framework it
    comes from (edge_dassdp.ir.cells), which decides on ties alone.
    """

    name: str
    size: int
    beta: FloatArray
    threshold: FloatArray
    reset: Reset = "subtract"
    reset_delay: bool = True
    strict: bool = True
    shape: tuple[int, ...] = ()
    alpha: FloatArray | None = None
    gain: FloatArray = field(default_factory=lambda: np.ones(1))
    bias: FloatArray = field(default_factory=lambda: np.zeros(1))
    v_reset: FloatArray = field(default_factory=lambda: np.zeros(1))
    v_init: FloatArray = field(default_factory=lambda: np.zeros(1))
    v_min: FloatArray | None = None
    max_spikes: int = 1
    looks_back: bool = True
    cancels_input: bool = False
    form: Form = "sum"

    def __post_init__(self) -> None:
        where = f"population '{self.name}'"
        check_size(self.size, f"{where}: its size")
        object.__setattr__(self, "shape", shape_of(self.shape, self.size, where))
        for name in ("beta", "threshold", "alpha", "gain", "bias", "v_reset", "v_init", "v_min"):
            if getattr(self, name) is not None:
                values = vector(getattr(self, name), self.size, f"{where}: {name}")
                object.__setattr__(self, name, values)
        for name in ("alpha", "beta"):
            values = getattr(self, name)
            if values is not None:
                require_each((values >= 0) & (values <= 1), values, f"{where}: {name} must lie in "
                             "[0, 1]", "it is the share that is kept from step to step: clamp "
                             "it to [0, 1] while it is trained; of a file with time constants, "
                             "give a dt that is shorter than they are")
        require_each(self.gain >= LEAST, self.gain, f"{where}: gain must be positive",
                     "fold its sign into the weights")
        self._check_reset(where)
        if self.form not in get_args(Form):
            raise malformed(f"{where}: form '{self.form}' is unknown")

    def _check_reset(self, where: str) -> None:
        require_each(self.threshold >= LEAST, self.threshold, f"{where}: threshold must be "
                     "positive", CLAMP)
        if self.reset not in ("subtract", "zero", "none"):
            raise malformed(f"{where}: reset '{self.reset}' is not subtract, zero or none")
        for name in ("v_reset", "v_init"):
            values = getattr(self, name)
            require_each(values < self.threshold, values, f"{where}: {name} must lie below the "
                         "threshold", f"lower {name} or raise the threshold: neurons that start "
                         "above it fire without any input")
        if self.v_reset.any() and (self.reset != "zero" or self.reset_delay):
            raise malformed(f"{where}: a v_reset needs a reset to it at once")
        if self.v_min is not None:
            require_each(self.v_min <= np.minimum(self.v_init, self.v_reset), self.v_min,
                         f"{where}: v_min must not lie above v_init or v_reset",
                         "lower it: membranes start and are reset within their range")
        if not is_int(self.max_spikes) or not 0 <= self.max_spikes <= 255:
            raise malformed(f"{where}: max_spikes is {self.max_spikes!r}, expected 0 to 255")
        if self.max_spikes != 1 and (self.reset != "subtract" or self.reset_delay or self.strict
                                     or self.looks_back):
            raise malformed(f"{where}: neurons that fire several times a step need >= and a reset "
                             "by subtraction at once that does not look back")
        if self.cancels_input and (self.reset != "zero" or not self.reset_delay):
            raise malformed(f"{where}: cancels_input belongs to a delayed reset to zero")

    @property
    def is_multi_spike(self) -> bool:
        return self.max_spikes != 1

    @property
    def equation(self) -> str:
        """The resolved discrete equation, for people."""
        compare = ">" if self.strict else ">="
        beta, theta = _range_text(self.beta), _range_text(self.threshold)
        gain = "" if (self.gain == 1).all() else f"{_range_text(self.gain)}*"
        first = "" if self.alpha is None else f"i = {_range_text(self.alpha)}*i + {gain}x; "
        current = "i" if self.alpha is not None or not gain else f"{gain}i"
        bias = f" + {_range_text(self.bias)}" if self.bias.any() else ""
        decayed = f"{beta}*(1-r)*v" if self.reset == "zero" and self.reset_delay else f"{beta}*v"
        total = f"{decayed} + {current}{bias}"
        if self.cancels_input:
            total = f"(1-r)*({beta}*v + {current}{bias})"
        soft = self.reset == "subtract"
        delayed = f" - {theta}*r" if soft and (self.reset_delay or self.looks_back) else ""
        spikes = f"s = [v {compare} {theta}]"
        if self.is_multi_spike:
            limit = f", at most {self.max_spikes}" if self.max_spikes else ""
            spikes = f"s = floor(v/{theta}) where v >= {theta}{limit}"
        at_once = ""
        if soft and not self.reset_delay:
            at_once = f"; v -= {'(s-r)' if self.looks_back else 's'}*{theta}"
        elif self.reset == "zero" and not self.reset_delay:
            at_once = f"; v = {_range_text(self.v_reset)} where s"
        least = "" if self.v_min is None else f"; v = max(v, {_range_text(self.v_min)})"
        start = f"; v starts at {_range_text(self.v_init)}" if self.v_init.any() else ""
        return f"{first}v = {total}{delayed}; {spikes}{at_once}{least}{start}"

    @property
    def n_constants(self) -> int:
        """Numbers of its own: of the constants that `equation` names, one each or one for all."""
        optional = ((self.gain, 1.0), (self.bias, 0.0), (self.v_reset, 0.0), (self.v_init, 0.0))
        values = [self.beta, self.threshold,
                  *(v for v, neutral in optional if (v != neutral).any())]
        values += [v for v in (self.alpha, self.v_min) if v is not None]
        return sum(1 if (v == v[0]).all() else v.size for v in values)


@dataclass(frozen=True, eq=False)
class Projection:
    """x_post += x_pre @ weight + bias: weight (n_pre, n_post), bias (n_post,) per time step.

    `pre` names an input (x is its current or its spikes) or a population (x is its spikes, 0 or 1,
    or how many). pool: x is pooled first. conv: a convolution with weight (c_out, c_in / groups,
    height, width) and bias (c_out,) instead of a matrix. delay: steps that spikes come later
    beside the step that a projection to the same or an earlier population takes anyway, a scalar or
    (size of pre,) integers from 0 to 255. result_pool: of each window of a convolution's result
    the largest enters, x_post += max(conv(x)) + bias.
    """

    name: str
    pre: str
    post: str
    weight: FloatArray
    bias: FloatArray | None = None
    conv: Conv | None = None
    pool: Pool | None = None
    delay: IntArray | None = None
    result_pool: MaxPool | None = None

    def __post_init__(self) -> None:
        where = f"projection '{self.name}'"
        weight = numbers(self.weight, f"{where}: weight")
        kernel = "(c_out, c_in / groups, height, width)"
        expected = "(n_pre, n_post)" if self.conv is None else kernel
        if weight.ndim != (2 if self.conv is None else 4) or not weight.size:
            raise malformed(f"{where}: weight has shape {weight.shape}, expected {expected}")
        object.__setattr__(self, "weight", weight)
        if self.bias is not None:
            bias = vector(self.bias, self.n_columns, f"{where}: bias")
            object.__setattr__(self, "bias", bias)
        if self.delay is not None:
            delay = np.atleast_1d(np.asarray(self.delay))
            if delay.ndim != 1 or delay.dtype.kind not in "iu" or (
                    (delay < 0) | (delay > 255)).any():
                raise malformed(f"{where}: delay holds something else than integers from 0 to 255")
            object.__setattr__(self, "delay", delay.astype(np.int64) if delay.any() else None)
        if self.result_pool is not None and self.conv is None:
            raise malformed(f"{where}: it pools the result of a convolution, but has none")

    @property
    def n_columns(self) -> int:
        """Postsynaptic neurons, or channels of a convolution."""
        return int(self.weight.shape[0 if self.conv else 1])

    @property
    def is_plain(self) -> bool:
        """A matrix between all neurons, in the step that it belongs to."""
        return self.conv is None and self.pool is None and self.delay is None

    @property
    def is_pointwise(self) -> bool:
        """A 1 x 1 convolution of all channels: a matrix between channels."""
        return self.conv is not None and self.weight.shape[2:] == (1, 1) and self.conv == Conv()


def _range_text(values: FloatArray) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if low == high else f"[{low:.3g}..{high:.3g}]"

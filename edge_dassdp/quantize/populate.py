"""Quantizes one population and the projections into it: scales, thresholds, biases, leaks.

The weight step of its spiking projections is the population's own unit, so thresholds and biases
are rounded to it, once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray, floor_log2, scalar_to_int, to_int
from edge_dassdp.ir import FloatArray, Network, Population, Projection, geometry
from edge_dassdp.ir.geometry import size as volume_size
from edge_dassdp.qir import QDynamics, QPopulation, QProjection, ResetMode
from edge_dassdp.qir.order import (
    device_volume,
    natural_order,
    source_order,
    to_device,
    to_device_weight,
)
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.quantize import bounds
from edge_dassdp.quantize.constants import InUnits
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Rule
from edge_dassdp.rules.needs import recorded, touch_width, with_error

READOUT_FRACTION_BITS = 4
MOST_I_FRAC_BITS = 8
"""Bits that a synaptic current counts in beyond membrane units: its leak rounds in every step, and
what is lost there a membrane would add up."""
MOST_THRESHOLD_BITS, LEAST_THRESHOLD_BITS = 10, 7
MAX_SHIFT = 30
"""Of an int32: a larger shift is undefined in C."""
MOST_STEPS_BITS = 24
"""log2 of the weight steps of a threshold, which an int32 adds up; smaller weights become 0."""


@dataclass(frozen=True, eq=False)
class Made:
    """A quantized population with the projections into it, and what was proven of them."""

    population: QPopulation
    projections: list[QProjection]
    proofs: list[Bound]


def populate(network: Network, population: Population, settings: Settings,
             rules: Mapping[str, Rule], x_frac_bits: tuple[int, ...],
             most: Mapping[str, int]) -> Made:
    """One population of a canonical network, with threshold bits that leave room for int16
    membranes, if there are such, else with the most that it can have.

    x_frac_bits: of each input. most: spikes of a neuron in one step, by source, as far as known.
    Raises EdgeError E105, E201 or E202 as `quantize.quantize` does.
    """
    choices = range(MOST_THRESHOLD_BITS, LEAST_THRESHOLD_BITS - 1, -1)
    if settings.threshold_bits is not None:
        choices = range(settings.threshold_bits, settings.threshold_bits - 1, -1)
    found: list[Made] = []
    refusal: EdgeError | None = None
    for bits in choices:
        try:
            found.append(_Populate(network, population, settings, rules, x_frac_bits, bits,
                                   most).run())
        except EdgeError as problem:
            refusal = refusal or problem
            continue
        if found[-1].population.membrane_bits == 16 or settings.membrane_bits == 32:
            return found[-1]
    if not found and refusal is not None:
        raise refusal
    return found[0]


@dataclass(frozen=True, eq=False)
class _Scale:
    """Real values of a weight step of spiking projections, of a membrane unit and of a unit of the
    analogue sum, (1,) or (size,); a sum of weights is in 2^shift membrane units, one of analogue
    inputs in 2^-analogue_rshift."""

    step: NDArray[np.float64]
    unit: NDArray[np.float64]
    analogue_unit: NDArray[np.float64]
    shift: int = 0
    analogue_rshift: int = 0

    @property
    def lshift(self) -> int:
        return max(self.shift, 0)

    @property
    def rshift(self) -> int:
        return max(-self.shift, 0)


class _Populate:
    """Quantizes one population and the projections into it."""

    def __init__(self, network: Network, population: Population, settings: Settings,
                 rules: Mapping[str, Rule], x_frac_bits: tuple[int, ...],
                 threshold_bits: int, most: Mapping[str, int]) -> None:
        self.network = network
        self.most = most
        self.volume = device_volume(population.shape, pads=True)
        self.natural = natural_order(population.shape, self.volume)
        self.threshold_bits = threshold_bits
        self.p = population
        self.in_units = InUnits(population)
        self.settings = settings
        self.rules = rules
        self.frac_of = {i.name: b for i, b in zip(network.inputs, x_frac_bits, strict=True)
                        if not i.spikes}
        into = [p for p in network.projections if p.post == population.name]
        self.analogue = [p for p in into if p.pre in self.frac_of]
        self.spiking = [p for p in into if p.pre not in self.frac_of]
        self.is_readout = population.name == network.readout.population
        self.needs_error = population.name in with_error(network, rules)
        self.wide_weights = any(self._bits(p) == 16 for p in self.spiking)
        self._check_bits()

    def _bits(self, projection: Projection) -> int:
        return self.settings.bits_of.get(projection.name, self.settings.weight_bits)

    def _check_bits(self) -> None:
        for p in self.analogue:
            if self._bits(p) == 16:
                raise EdgeError("E105", f"projection '{p.name}' hears currents and cannot have "
                                "16-bit weights", help="choose 4 to 8 bits")

    @property
    def _is_per_neuron(self) -> bool:
        plastic = any(p.name in self.rules for p in self.spiking)
        sums = self.is_readout and self.network.readout.kind == "membrane_sum"
        return self.settings.per_neuron and not plastic and not sums \
            and not self.needs_error  # errors flow back in one unit of weight

    @property
    def _n_channels(self) -> int:
        """Of a volume; a vector's neurons are its channels."""
        return geometry.volume(self.p.shape)[0]

    @cached_property
    def _fires(self) -> bool:
        """Its spikes go somewhere."""
        sums = self.is_readout and self.network.readout.kind == "membrane_sum"
        return not sums or any(q.pre == self.p.name for q in self.network.projections)

    def _largest_step(self, projections: list[Projection]) -> NDArray[np.float64]:
        """The largest step of these, (1,) or (size,), of currents at their fraction bits; where
        spikes are heard, no less than the thresholds' share that a membrane can count to."""
        instead = 0.0 if any(p.weight.any() for p in projections) else self.p.threshold.min()
        least = self.p.threshold.max() * 2.0**-MOST_STEPS_BITS if self._fires else 2.0**-600
        steps = [self._step(p, instead) / 2.0 ** self.frac_of.get(p.pre, 0) for p in projections]
        return np.asarray(np.maximum(np.max(steps, axis=0), least))

    def _step(self, projection: Projection, least: float) -> NDArray[np.float64]:
        """The (8-bit) weight step that just holds a projection, (1,) or (size,), the same for all
        neurons of a channel."""
        magnitude = np.abs(projection.weight)
        largest = np.atleast_1d(magnitude.max())
        if self._is_per_neuron:  # a neuron without weights takes the step of the others
            columns = magnitude.max(axis=(1, 2, 3) if projection.conv else 0)
            by_channel = columns.reshape(self._n_channels, -1).max(axis=1)
            own = np.where(by_channel > 0, by_channel, largest)
            largest = np.repeat(own, self.p.size // self._n_channels)
        bits = self._bits(projection)
        q_max = 127 if self.wide_weights else (1 << (bits - 1)) - 1
        room = self.settings.headroom if projection.name in self.rules else 1.0
        return np.asarray(np.maximum(largest, least) * room / q_max)

    def run(self) -> Made:
        scale = self._scale()
        projections = [self._project(p, scale.analogue_unit * 2.0 ** self.frac_of[p.pre], True)
                       for p in self.analogue]
        projections += [self._project(p, scale.step, False) for p in self.spiking]
        return self._finish(projections, scale)

    def _scale(self) -> _Scale:
        one = np.ones(1)
        scale = self._spiking_scale() if self.spiking else _Scale(one, one, one)
        if not self.analogue:
            return scale
        smallest = self._largest_step(self.analogue)
        if not self.spiking:
            return self._analogue_scale(smallest)
        has_weights = any(p.weight.any() for p in self.analogue)
        return self._shared_scale(scale, smallest if has_weights else scale.unit)

    def _spiking_scale(self) -> _Scale:
        step = self._largest_step(self.spiking)
        fraction_bits = self._fraction_bits(step)
        scale = _Scale(step, step / 2.0**fraction_bits, np.ones(1),
                       fraction_bits - (8 if self.wide_weights else 0))
        if scale.lshift > MAX_SHIFT:
            raise EdgeError("E202", f"population '{self.p.name}': its weights are too large "
                            "for its threshold", help="use fewer threshold bits")
        return scale

    def _analogue_scale(self, smallest: NDArray[np.float64]) -> _Scale:
        """smallest: what a unit of the analogue sum may be at least."""
        spare_bits = floor_log2(float(np.min(self.p.threshold / smallest)))
        rshift = max(0, spare_bits - self.threshold_bits)
        if not self._fires:
            rshift = max(0, min(rshift, self._sum_bits(smallest) - self.threshold_bits))
        return _Scale(np.ones(1), smallest * 2.0**rshift, smallest, analogue_rshift=rshift)

    def _sum_bits(self, smallest: NDArray[np.float64]) -> int:
        """Bits of the largest current that one step can bring, in these units."""
        x = 127.0 / 2.0 ** np.array([self.frac_of[p.pre] for p in self.analogue])
        sums = [np.abs(p.weight).sum(axis=(1, 2, 3) if p.conv else 0).max() for p in self.analogue]
        return floor_log2(float(np.max(x * sums / smallest.min())) + 1.0)

    def _shared_scale(self, scale: _Scale, smallest: NDArray[np.float64]) -> _Scale:
        """Of both kinds of projections; a coarser membrane unit, while a threshold has 4 bits of
        it, where analogue weights need one."""
        rshift = min(floor_log2(float(np.min(scale.unit / smallest))), MAX_SHIFT)
        if rshift < 0:
            scale = replace(scale, unit=scale.unit / 2.0**rshift, shift=scale.shift + rshift)
            rshift = 0
            if np.min(self.p.threshold / scale.unit) < 16:
                raise EdgeError(
                    "E201", f"population '{self.p.name}': its analogue weights are too "
                    "large for its threshold", help="use a smaller input scale")
            if scale.rshift > MAX_SHIFT:
                raise EdgeError(
                    "E201", f"population '{self.p.name}': its weights of spikes are nothing beside "
                    "those of its currents", help="scale them up, or the input down")
        return replace(scale, analogue_unit=scale.unit / 2.0**rshift, analogue_rshift=rshift)

    def _fraction_bits(self, step: NDArray[np.float64]) -> int:
        if self.p.reset == "none" and self.is_readout:
            exact = bool(np.isin(self.p.beta, (0.0, 1.0)).all())
            return 0 if exact and not self.wide_weights else READOUT_FRACTION_BITS
        ratio = float(np.min(self.p.threshold / step))
        return max(0, self.threshold_bits - floor_log2(ratio))

    def _project(self, p: Projection, scale: NDArray[np.float64], is_analogue: bool) -> QProjection:
        bits = 16 if self.wide_weights and not is_analogue else self._bits(p)
        w_max = (1 << (bits - 1)) - 1
        if scale.size > 1 and p.conv:
            scale = scale.reshape(p.n_columns, -1)[:, 0]
        steps = scale[:, None, None, None] if p.conv else scale
        scale = scale if p.conv else self._on_device(scale, float(scale.min()))
        w = np.clip(to_int(p.weight / steps * (256 if bits == 16 else 1)), -w_max, w_max)
        source = self.network.node(p.pre)
        volume = device_volume(source.shape, pads=isinstance(source, Population))
        delay = p.delay
        if delay is not None and delay.size > 1:
            delay = to_device(delay, source_order(self.network, p))
        on_device = np.ascontiguousarray(to_device_weight(self.network, p, w), np.int16)
        return QProjection(p.name, p.pre, p.post, is_analogue, bits, on_device, scale,
                           volume=volume, pool=p.pool, conv=p.conv, delay=delay,
                           result_pool=p.result_pool)

    def _finish(self, projections: list[QProjection], scale: _Scale) -> Made:
        name, unit = self.p.name, scale.unit
        threshold = self._on_device(_shared(self.in_units.threshold(unit, self._fires)), 1.0)
        bias_unit = scale.analogue_unit if self.analogue else unit
        bias = self._on_device(self.in_units.bias(
            summed_bias(self.p, (*self.analogue, *self.spiking)), bias_unit))
        fire_at = np.floor(threshold) + 1 if self.p.strict else np.ceil(threshold)
        leak_q15, leak_shift = self._leak()
        records, records_membrane, counts = recorded(self.network, self.rules, name)
        size = volume_size(self.volume)
        wanted = QPopulation(
            name=name, size=size, reset=reset_mode(self.p), leak_q15=leak_q15,
            leak_shift=leak_shift, fire_at=fire_at.astype(np.int64), reset_by=to_int(threshold),
            bias=np.zeros(size, np.int64) if self.analogue else to_int(bias),
            analogue_bias=to_int(bias) if self.analogue else None,
            acc_lshift=scale.lshift, acc_rshift=scale.rshift,
            analogue_rshift=scale.analogue_rshift,
            records=records, records_membrane=records_membrane, counts=counts,
            has_error=self.needs_error, keeps_raster=False,
            touch_width=self._touch_width(threshold),
            unit=self._on_device(np.atleast_1d(unit), 1.0),
            membrane_bits=32, acc_bits=32, analogue_bits=32, current_fits=False, saturates=False,
            shape=self.volume, natural=None if _is_ascending(self.natural) else self.natural,
            dynamics=self._dynamics(unit), records_channels=self._records_channels(),
            counts_numbers=counts and self.p.max_spikes > 1 and not self._records_channels(),
        )
        population, proofs = self._prove(wanted, projections)
        return Made(population, projections, proofs)

    def _prove(self, wanted: QPopulation,
               projections: list[QProjection]) -> tuple[QPopulation, list[Bound]]:
        """With as many fraction bits of the synaptic current as an int32 holds."""
        while True:
            try:
                return bounds.prove(wanted, projections, self.rules, self.most,
                                    self.network.n_steps, self.settings.membrane_bits,
                                    self.network.readout.kind if self.is_readout else None)
            except EdgeError:
                d = wanted.dynamics
                if d is None or d.i_frac_bits == 0:
                    raise
                wanted = replace(wanted, dynamics=replace(d, i_frac_bits=d.i_frac_bits - 1))

    def _on_device(self, values: NDArray[np.float64], padding: float = 0) -> NDArray[np.float64]:
        """Values of all neurons, (1,) or (size,), in the device's order."""
        return values if values.size == 1 else to_device(values, self.natural, padding)

    def _dynamics(self, unit: NDArray[np.float64]) -> QDynamics | None:
        """What the plain kernels do not know, if there is such."""
        p = self.p
        is_plain = p.alpha is None and not p.is_multi_spike and not p.v_init.any() \
            and p.v_min is None and reset_mode(p) not in ("subtract_once", "zero_delayed_all")
        if is_plain:
            return None

        def in_units(name: str, values: NDArray[np.float64]) -> IntArray:
            """What padding must not have is given to each neuron."""
            made = self.in_units.term(name, values, unit)
            pads = bool((self.natural < 0).any() and made.any())
            return to_int(self._on_device(made if pads else _shared(made)))

        arrays: dict[str, Any] = {
            name: None if values is None else
            self._q15(values) if name.endswith("_q15") else in_units(name, values)
            for name, values in terms(p).items()}
        return QDynamics(i_frac_bits=0 if p.alpha is None else MOST_I_FRAC_BITS,
                         max_spikes=p.max_spikes or 255, **arrays)

    def _records_channels(self) -> bool:
        """A plastic 1 x 1 convolution starts or ends here."""
        return any(q.name in self.rules and q.conv and self.p.name in (q.pre, q.post)
                   for q in self.network.projections)

    def _touch_width(self, threshold: NDArray[np.float64]) -> IntArray | None:
        """threshold in membrane units."""
        width = touch_width(self.network, self.rules, self.p.name)
        return None if width is None else np.maximum(to_int(width * threshold), 1)

    def _q15(self, factor: FloatArray) -> IntArray:
        return to_int(self._on_device(_shared(factor)) * 32768)

    def _leak(self) -> tuple[IntArray, int]:
        beta, leak_q15 = _shared(self.p.beta), self._q15(self.p.beta)
        if self.settings.leak == "q15" or beta.size > 1 or not 0.5 <= beta[0] < 1.0:
            return leak_q15, 0
        shift = scalar_to_int(-math.log2(1.0 - float(beta[0])))
        exact = beta[0] == 1.0 - 2.0**-shift
        is_shift = shift <= MAX_SHIFT and (exact or self.settings.leak == "shift")
        return leak_q15, shift if is_shift else 0


def _is_ascending(natural: IntArray) -> bool:
    return bool((natural == np.arange(natural.size)).all())


def _shared(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(1,) where all values agree."""
    return values[:1] if (values == values[0]).all() else values


def terms(p: Population) -> dict[str, FloatArray | None]:
    """What becomes `QDynamics` of a canonical population, by the names of its integers; membranes
    in the float network's units. A bias without a synapse is one of the sums."""
    return {"leak_i_q15": p.alpha, "v_bias": np.zeros(1) if p.alpha is None else p.bias,
            "v_init": p.v_init, "v_min": p.v_min}


def summed_bias(p: Population, projections: Iterable[Projection]) -> FloatArray:
    """The constant part of what its projections bring, (size,), its own bias included unless a
    synapse filters what it hears."""
    bias = sum((np.repeat(q.bias, p.size // q.n_columns) for q in projections
                if q.bias is not None), start=np.zeros(p.size))
    return bias + p.bias if p.alpha is None else bias


def reset_mode(p: Population) -> ResetMode:
    if p.reset == "none":
        return "none"
    if p.reset == "subtract":
        at_once: ResetMode = "subtract_now" if p.looks_back else "subtract_once"
        return "subtract_delayed" if p.reset_delay else at_once
    delayed: ResetMode = "zero_delayed_all" if p.cancels_input else "zero_delayed"
    return delayed if p.reset_delay else "zero_now"

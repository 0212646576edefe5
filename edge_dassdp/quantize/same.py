"""Whether a float network is what a quantized one was made of, weights left aside.

A constant is the same where it rounds to the integer that the model holds; on a tie a rounding of
float32, which files bring along, may decide either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import refuse_unless
from edge_dassdp.ir import ROUNDING, FloatArray, Network, Population, Projection
from edge_dassdp.qir import QDynamics, QNetwork, QPopulation, QProjection
from edge_dassdp.qir.order import device_volume, natural_order, source_order, to_device
from edge_dassdp.quantize.populate import reset_mode, summed_bias, terms

Q15 = np.full(1, 2.0**-15)
_PLAIN = QDynamics(None, 0, np.zeros(1, np.int64), 1, np.zeros(1, np.int64), None)
_Check = Callable[[str, FloatArray, FloatArray, NDArray[Any]], None]
"""(what, its values in natural order, the unit of the integers, these on the device) -> E201."""


def differs(exact: NDArray[Any], kept: NDArray[Any] | int) -> bool:
    """Whether numbers, in steps, would not round to the integers kept."""
    slack = 0.5 + ROUNDING * np.maximum(1.0, np.abs(kept))
    return bool((np.abs(exact - kept) > slack).any())


def check_same(network: Network, quantized: QNetwork) -> None:
    """Raises EdgeError E201, which names the first difference, unless a canonical network has the
    inputs, neurons, wiring, biases and readout of a model."""
    _same("n_steps", network.n_steps, quantized.n_steps)
    readout = network.readout
    _same("its readout", (readout.population, readout.kind),
          (quantized.readout, quantized.readout_kind))
    for what, own, wanted in (("inputs", network.inputs, quantized.inputs),
                              ("populations", network.populations, quantized.populations)):
        _same(f"its {what}", [n.name for n in own], [n.name for n in wanted])
    _same("its projections", sorted(q.name for q in network.projections),
          sorted(q.name for q in quantized.projections))
    for i, j in zip(network.inputs, quantized.inputs, strict=True):
        for member in fields(i):
            _same(f"{member.name} of input '{i.name}'", getattr(i, member.name),
                  getattr(j, member.name))
    for q in quantized.projections:
        _check_projection(network, network.projection(q.name), q)
    for p in quantized.populations:
        _check_population(network, network.population(p.name), quantized)


def _require(holds: bool, what: str, cause: str = "") -> None:
    refuse_unless("E201", holds, f"the network is another than the one quantized: {what}",
                  cause=cause,
                  help="give the network that was quantized, or quantize this one anew")


def _same(what: str, found: object, wanted: object) -> None:
    _require(found == wanted, what, f"{found} instead of {wanted}")


def _check_projection(network: Network, p: Projection, q: QProjection) -> None:
    where = f"projection '{p.name}'"
    _same(f"the ends of {where}", (p.pre, p.post), (q.pre, q.post))
    _same(f"the convolution or pool of {where}", (p.conv, p.pool, p.result_pool),
          (q.conv, q.pool, q.result_pool))
    delay = p.delay
    if delay is not None and delay.size > 1:
        delay = to_device(delay, source_order(network, p))
    _require(np.array_equal(0 if delay is None else delay, 0 if q.delay is None else q.delay),
             f"the delay of {where}")


def _check_population(network: Network, p: Population, quantized: QNetwork) -> None:
    q = quantized.population(p.name)
    where = f"of population '{p.name}'"
    volume = device_volume(p.shape, pads=True)
    _same(f"the shape {where}", volume, q.shape)
    _same(f"the reset {where}", reset_mode(p), q.reset)
    order = natural_order(p.shape, volume)

    def require(what: str, values: FloatArray, unit: FloatArray, kept: NDArray[Any]) -> None:
        found = to_device(np.broadcast_to(values, p.size), order) / unit
        _require(not differs(np.where(order >= 0, found, kept), kept), f"the {what} {where}",
                 p.equation)

    require("leak", p.beta, Q15, q.leak_q15)
    require("threshold", p.threshold, q.unit, q.reset_by)
    threshold = to_device(p.threshold, order, 1.0) / q.unit
    fires_at = np.floor(threshold) + 1 if p.strict else np.ceil(threshold)
    _require(bool(((fires_at == q.fire_at) | (order < 0)).all()), f"the comparison {where}",
             p.equation)
    bias = summed_bias(p, (q for q in network.projections if q.post == p.name))
    if q.analogue_bias is not None:
        require("bias", bias, q.unit / 2.0**q.analogue_rshift, q.analogue_bias)
    else:
        require("bias", bias, q.unit, q.bias)
    _check_dynamics(p, q, require)


def _check_dynamics(p: Population, q: QPopulation, require: _Check) -> None:
    """What plain neurons do not have; they have its defaults."""
    d, where = q.dynamics or _PLAIN, f"of population '{p.name}'"
    # a model has no more than the membrane can reach in a step
    _require(d.max_spikes <= (p.max_spikes or 255), f"the limit of spikes {where}", p.equation)
    wanted = terms(p)
    for term in d.arrays(q.membrane_bits):
        values = wanted[term.name]
        _require((values is None) == (term.values is None), f"the {term.what} {where}", p.equation)
        if values is not None and term.values is not None:
            require(term.what, values, Q15 if term.is_q15 else q.unit, term.values)

"""The way back: what a device has learned, as weights of the float network, and in again.

    learned = read_snapshot(model, "learned.npz")   # or {name: device.read_weights(name), ...}
    network = dequantize(network, model, learned)   # save it, load it, put it into PyTorch or NIR
    requantize(network, model)                      # the integers that the device had

A learned weight is w * scale (16-bit weights count in 1/256 of it), divided by the gain that
`canonical` put into it. `requantize` keeps every scale of the model and rounds the weights to it,
so any storage with a relative error below 2^-17 gives the same integers: a weight of 16 bits is
off by at most 2^15 * 2^-17 = 1/4 step. A rounding to float32 is off by 2^-24 and few are made on
the way through a file, so float32 does for 8 and for 16 bits; float16 and bfloat16 do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.qformat import to_int
from edge_dassdp.ir import FloatArray, Network
from edge_dassdp.ir.canonical import canonical, weight_gain
from edge_dassdp.ir.pools import pool_name, with_pools_apart
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.checks import checked_weights
from edge_dassdp.qir.order import to_device_weight, to_natural_weight
from edge_dassdp.quantize.biases import ALWAYS, with_biases_apart
from edge_dassdp.quantize.inputs import in_codes
from edge_dassdp.quantize.same import check_same, differs

__all__ = ["Learned", "dequantize", "requantize", "with_learned"]
Learned = Mapping[str, NDArray[Any]]
"""Integers shaped as `QProjection.w` by plastic projection, as `Target.read_weights` gives them."""


def with_learned(quantized: QNetwork, learned: Learned) -> QNetwork:
    """The model with learned weights in place of the factory's.

    Raises EdgeError E105 for an unknown projection and for weights of a class that was taught on
    the device, E503 for one that is frozen or a weight out of range, E104 for another shape.
    """
    made = {name: checked_weights(quantized, name, w).astype(np.int16)
            for name, w in learned.items()}
    for q in quantized.into(quantized.readout) if quantized.spare_classes else ():
        refuse_unless("E105", q.name not in made or not made[q.name][:, quantized.n_known:].any(),
                      f"the weights of '{q.name}' know a class that was taught on the device",
                      cause="a network holds the classes that it was trained on",
                      help="keep it in the snapshot, or forget the class first")
    return replace(quantized, projections=tuple(
        replace(q, w=made.get(q.name, q.w)) for q in quantized.projections))


def dequantize(network: Network, quantized: QNetwork, learned: Learned) -> Network:
    """The float network with learned weights; everything else, and what is not in `learned`, stays.

    network: what `quantized` was made of; where plastic biases or spare classes were added to it,
    with or without them. Raises EdgeError as `with_learned` does, E201 where `quantized` is of
    another network.
    """
    grown = _grown(network, quantized)
    check_same(in_codes(canonical(grown), quantized.x_scales), quantized)
    weights = {q.name: _float_weight(grown, q)
               for q in with_learned(quantized, learned).plastic if q.name in learned}
    made = replace(grown, projections=tuple(
        replace(p, weight=weights[p.name]) if p.name in weights else p
        for p in grown.projections))
    return made if grown is network else _as_given(network, made, set(weights))


def requantize(network: Network, like: QNetwork) -> QNetwork:
    """A float network in the integers of a model: its scales, thresholds, rules and widths, and
    weights rounded to them.

    Plastic weights may be any that the model has room for; all else must be what `like` was made
    of, since its ranges were proven for that. Raises EdgeError E201 where the networks differ or a
    plastic weight leaves its range.
    """
    made = in_codes(canonical(_grown(network, like)), like.x_scales)
    check_same(made, like)
    return replace(like, projections=tuple(_integers(made, q) for q in like.projections))


def _float_weight(network: Network, q: QProjection) -> FloatArray:
    """The weights of q as `Projection.weight`."""
    p = network.projection(q.name)
    weight = to_natural_weight(network, p, q.w * q.steps)
    return np.asarray(weight / _columns(q, weight_gain(network, q.name)))


def _integers(network: Network, q: QProjection) -> QProjection:
    """q with the weights of a canonical network."""
    p = network.projection(q.name)
    exact = to_device_weight(network, p, p.weight) / q.steps
    if not q.is_plastic:
        if differs(exact, q.w):
            raise EdgeError("E201", f"the weights of '{q.name}', which is frozen, are others than "
                            "those that were quantized", help="quantize the network anew")
        return q
    w, bound = to_int(exact), 1 << (q.weight_bits - 1)
    if (w < -bound).any() or (w >= bound).any():
        raise EdgeError("E201", f"weights of '{q.name}' leave the range of its {q.weight_bits} "
                        f"bits, {-bound} to {bound - 1}",
                        cause=f"they reach {int(w.min())} to {int(w.max())} steps",
                        help="clip them, or quantize the network anew with more headroom")
    return replace(q, w=np.ascontiguousarray(w).astype(np.int16))


def _columns(q: QProjection, values: FloatArray) -> FloatArray:
    """One or one per column, as they multiply a float weight."""
    return values[:, None, None, None] if q.conv else values


def _grown(network: Network, quantized: QNetwork) -> Network:
    """With spare classes, plastic biases and pools apart where the model has them and the network
    does not."""
    if quantized.spare_classes and not network.readout.spare_classes:
        network = network.with_spare_classes(quantized.spare_classes)
    names = [q.name for q in quantized.projections if q.pre == ALWAYS and q.post != ALWAYS]
    if not names or ALWAYS in {p.name for p in network.populations}:
        return _with_pools(network, quantized)
    bases = [name.removesuffix("_bias") for name in names]
    for base in bases:
        network.projection(base)
    return _with_pools(with_biases_apart(network, bases), quantized)


def _with_pools(network: Network, quantized: QNetwork) -> Network:
    known, made = ({p.name for p in n.populations} for n in (network, quantized))
    return with_pools_apart(network, {q.name for q in network.projections
                                      if pool_name(q.name) in made - known})


def _as_given(network: Network, grown: Network, learned: set[str]) -> Network:
    """`network` with the weights and plastic biases of `grown`."""
    projections, names = [], {p.name for p in network.projections}
    for p in network.projections:
        weight, bias = grown.projection(p.name).weight, f"{p.name}_bias"
        values = grown.projection(bias).weight[0, :p.n_columns] if bias in learned - names \
            else p.bias
        projections.append(replace(p, weight=weight[tuple(map(slice, p.weight.shape))],
                                   bias=values))
    return replace(network, projections=tuple(projections))

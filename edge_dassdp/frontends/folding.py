"""Linear algebra of importers: what stands on a path between two neurons, as one projection.

A `Term` is what one source brings to the place where it stands, and grows by one node at a time:

    y = M (scale * pool(x delayed)) + bias, or the largest of windows of it

with M nothing, a convolution or a matrix. Whatever does not compose to a convolution becomes a
matrix, up to MAX_MATRIX numbers. Behind the largest values of a convolution nothing follows but
factors that are not negative, constants of channels and changes of shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.frontends.nodes import (
    Convolution,
    Delay,
    Flatten,
    Linear,
    Node,
    Pooling,
    Scale,
)
from edge_dassdp.ir import FloatArray, geometry
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool, Volume

MAX_MATRIX = 2**22
"""Numbers of a matrix that stands for operations which do not compose otherwise (32 MiB)."""

MAX_DELAY = 255


@dataclass(frozen=True, eq=False)
class Term:
    """pre: the source. shape: of y as its framework has it. space: of y as a volume, which Flatten
    leaves as it was. into: the volume of pool(x), which M takes. scale, bias: of all of pool(x) and
    of y, flat. conv, weight: a convolution; rows: a matrix (n_in, n_out); at most one of them.
    origins: nodes whose weights are in it. factor: weight of y / weight of its only origin, in the
    origin's layout, None where y's weight does not tell it. largest: windows of the convolution's
    result, of each of which y is the largest value."""

    pre: str
    shape: tuple[int, ...]
    space: Volume
    into: Volume
    is_spikes: bool
    delay: IntArray | None = None
    pool: Pool | None = None
    scale: FloatArray | None = None
    conv: Conv | None = None
    weight: FloatArray | None = None
    rows: FloatArray | None = None
    bias: FloatArray | None = None
    origins: tuple[str, ...] = ()
    factor: FloatArray | None = None
    largest: MaxPool | None = None

    @property
    def is_direct(self) -> bool:
        """No convolution and no matrix in it."""
        return self.conv is None and self.rows is None


def start(pre: str, shape: tuple[int, ...], is_spikes: bool) -> Term:
    """The values of a source itself."""
    return Term(pre, shape, geometry.volume(shape), geometry.volume(shape), is_spikes)


def extend(term: Term, name: str, node: Node, with_bias: bool) -> Term:
    """The term behind one more node. with_bias: whether the node's own constant is added here; it
    is added once where several terms run through a node.

    Raises EdgeError E101 where shapes do not fit, E102 for what no projection can do.
    """
    try:
        if term.largest is not None and not isinstance(node, Scale | Flatten | Delay):
            raise refuse(
                "it stands behind max pooling of currents, without neurons between them",
                "put neurons behind the max pooling, or use average pooling")
        if isinstance(node, Linear):
            return _linear(term, name, node, with_bias)
        if isinstance(node, Convolution):
            return _convolved(_spatial(term), name, node, with_bias)
        if isinstance(node, Pooling):
            return _pooled(_spatial(term), node)
        if isinstance(node, Scale):
            return _scaled(term, node, with_bias)
        if isinstance(node, Delay):
            return _delayed(term, node)
        assert isinstance(node, Flatten)
        return replace(term, shape=(geometry.size(term.shape),))
    except EdgeError as problem:
        raise EdgeError(problem.code, f"node '{name}': {problem.message}", cause=problem.cause,
                        help=problem.help) from None


class Folded(NamedTuple):
    """The fields of an `ir.Projection` that a term gives."""

    weight: FloatArray
    bias: FloatArray | None
    conv: Conv | None
    pool: Pool | None
    delay: IntArray | None
    factor: FloatArray | None
    largest: MaxPool | None


def finish(term: Term, post: Volume) -> Folded:
    """The term as a projection into a population of volume `post`. Raises EdgeError E101 where the
    sizes differ, E102 where it would take too large a matrix."""
    if geometry.size(term.space) != geometry.size(post):
        raise EdgeError("E101", f"{geometry.size(term.space)} values lead from '{term.pre}' into "
                        f"{geometry.size(post)} neurons", help="all that is summed in neurons "
                        "must be as many values as they are: change the sizes of the layers")
    if term.is_direct:
        term = _one_to_one(term)
    if term.conv is not None and (term.space != post
                                  or _of_channels(term.bias, term.space) is None):
        term = _as_matrix(term)
    if term.rows is not None:
        return Folded(term.rows, term.bias, None, term.pool, term.delay, term.factor, None)
    assert term.weight is not None
    bias = None if term.bias is None else _of_channels(term.bias, term.space)
    return Folded(term.weight, bias, term.conv, term.pool, term.delay, term.factor, term.largest)


def refuse(message: str, help: str) -> EdgeError:
    return EdgeError("E102", message, help=help)


# ---- one node more -------------------------------------------------------------------------------


def _linear(term: Term, name: str, node: Linear, with_bias: bool) -> Term:
    if node.weight.ndim != 2:
        raise EdgeError("E101", f"its weight has shape {node.weight.shape}, expected (n_out, n_in)",
                        help="give it as a matrix, or use a convolution")
    n_out, n_in = node.weight.shape
    n = geometry.size(term.space)
    if n_in != n:
        raise EdgeError("E101", f"it takes {n_in} inputs, but {n} values of shape {term.shape} "
                        f"lead there from '{term.pre}'", help=f"give it {n} columns, or "
                        f"{n_in} values")
    bias = None if term.bias is None else term.bias @ node.weight.T
    bias = _sum(bias, node.bias if with_bias else None)
    factor: FloatArray | None = np.ones((1, 1))
    if term.is_direct:
        rows = node.weight.T
        if term.scale is not None:
            rows, factor = rows * term.scale[:, None], term.scale[None, :]
    else:
        rows, factor = _rows(term) @ node.weight.T, None
    return replace(term, shape=(n_out,), space=(n_out, 1, 1), scale=None, conv=None, weight=None,
                   rows=rows, bias=bias, origins=(*term.origins, name), factor=factor)


def _convolved(term: Term, name: str, node: Convolution, with_bias: bool) -> Term:
    if node.weight.ndim != 4:
        raise EdgeError("E101", f"its weight has shape {node.weight.shape}, expected "
                        "(c_out, c_in / groups, height, width)", help="give all four; the height "
                        "of a kernel in one dimension is 1")
    space = node.conv.out(term.space, node.weight.shape)
    bias = None if term.bias is None else \
        node.conv.apply(term.bias[None], node.weight, term.space)[0]
    if with_bias and node.bias is not None:
        bias = _sum(bias, np.repeat(node.bias, space[1] * space[2]))
    moved = replace(term, space=space, shape=space[::2] if len(term.shape) == 2 else space,
                    bias=bias, origins=(*term.origins, name), factor=None)
    if term.is_direct:
        scale = np.ones(term.space[0]) if term.scale is None else \
            _of_channels(term.scale, term.space)
        if scale is not None:
            factor = _input_factor(scale, node)
            return replace(moved, scale=None, conv=node.conv, weight=node.weight * factor,
                           factor=factor)
    elif term.conv is not None:
        composed = _composed(term, node)
        if composed is not None:
            return replace(moved, conv=composed[0], weight=composed[1])
    rows = node.conv.apply(_rows(term, geometry.size(space)), node.weight, term.space)
    return replace(moved, scale=None, conv=None, weight=None, rows=rows)


def _pooled(term: Term, node: Pooling) -> Term:
    space = node.out(term.space)
    shape = space[::2] if len(term.shape) == 2 else space
    if node.kind == "max":
        return replace(_largest(term, node), space=space, shape=shape)
    pool = Pool("sum", node.kernel, node.stride, node.padding)
    scale = None if term.scale is None else _of_channels(term.scale, term.space)
    if term.is_direct and term.pool is None and (term.scale is None or scale is not None):
        n_places = space[1] * space[2]
        out = replace(term, pool=pool, space=space, into=space, shape=shape,
                      scale=None if scale is None else np.repeat(scale, n_places),
                      bias=None if term.bias is None else
                      pool.apply(term.bias[None], term.space)[0])
    else:
        ones = np.ones((term.space[0], 1, *node.kernel))
        each = Convolution(ones, None, Conv(node.stride, node.padding, groups=term.space[0]))
        out = replace(_convolved(term, "", each, False), origins=term.origins, shape=shape)
    if node.kind == "avg":
        share = Scale(np.full(1, 1.0 / (node.kernel[0] * node.kernel[1])))
        return _scaled(out, share, False)
    return out


def _largest(term: Term, node: Pooling) -> Term:
    """Of spikes themselves their pool, of other values that of a convolution's result."""
    is_spikes = term.is_spikes and term.is_direct and term.pool is None \
        and term.scale is None and term.bias is None
    if is_spikes:
        if node.dilation != (1, 1) or node.ceil_mode:
            raise refuse("it takes the largest of spikes with a dilation or windows past the end",
                         "use dilation=1 and ceil_mode=False")
        return replace(term, pool=Pool("max", node.kernel, node.stride, node.padding),
                       into=node.out(term.space))
    made = _one_to_one(term) if term.is_direct else term
    bias = _of_channels(made.bias, made.space)
    if made.conv is None:
        raise refuse("it takes the largest of what is no single convolution",
                     "put neurons between the operations, or use average pooling")
    if bias is None:
        raise refuse("it takes the largest of values whose constants differ from place to place",
                     "add constants behind the max pooling, or none before a padded convolution")
    n_places = geometry.size(node.out(made.space)[1:])
    return replace(made, largest=node.largest,
                   bias=None if made.bias is None else np.repeat(bias, n_places))


def _scaled(term: Term, node: Scale, with_bias: bool) -> Term:
    factor, shift = (spread(v, term.shape, term.space, what) for v, what in
                     ((node.factor, "factor"), (node.shift, "shift")))
    bias = None if term.bias is None else factor * term.bias
    out = replace(term, bias=_sum(bias, shift if with_bias and shift.any() else None))
    if (factor == 1).all():
        return out
    if term.is_direct:
        return replace(out, scale=factor if term.scale is None else term.scale * factor)
    channels = _of_channels(factor, term.space)
    if term.largest is not None and (channels is None or (channels < 0).any()):
        raise refuse("it multiplies the largest of currents by factors "
                     + ("that differ from place to place" if channels is None else "below 0"),
                     "put it before the max pooling")
    if term.conv is not None and channels is not None:
        assert term.weight is not None
        column = channels[:, None, None, None]
        return replace(out, weight=term.weight * column,
                       factor=None if term.factor is None else term.factor * column)
    kept = None if term.factor is None or term.rows is None else term.factor * factor[:, None]
    return replace(_as_matrix(out), rows=_rows(term) * factor, factor=kept)


def _delayed(term: Term, node: Delay) -> Term:
    steps = np.asarray(node.steps)
    if steps.dtype.kind not in "iu" or (steps < 0).any() or (steps > MAX_DELAY).any():
        raise refuse(f"it delays by something else than integers from 0 to {MAX_DELAY} steps",
                     "round the delays to whole steps in this range; a longer step makes them "
                     "fewer")
    if not steps.any():
        return term
    if not term.is_spikes:
        raise refuse("it delays analogue values", "delay spikes: put it behind neurons")
    if term.bias is not None and term.bias.any():
        raise refuse("it delays a bias", "put the delay before what adds the bias")
    total = np.unique(steps) if (steps == steps.flat[0]).all() else \
        spread(steps, term.shape, term.space, "delay").astype(np.int64)
    if total.size > 1 and not (term.is_direct and term.pool is None):
        raise refuse("it delays single values behind a pooling, convolution or matrix",
                     "put the delay directly behind neurons, or use one number of steps")
    if term.delay is not None:
        total = total + term.delay
    if (total > MAX_DELAY).any():
        raise refuse(f"spikes are delayed by more than {MAX_DELAY} steps",
                     f"make the delays on the way {MAX_DELAY} steps in all, or put neurons between "
                     "them")
    return replace(term, delay=total)


# ---- arithmetic ----------------------------------------------------------------------------------


def spread(value: FloatArray | IntArray, shape: tuple[int, ...], space: Volume,
           what: str) -> FloatArray:
    """A scalar, one number per channel, or one of every value, as the latter, flat."""
    array = np.asarray(value, np.float64)
    n, c = geometry.size(space), space[0]
    if array.size == 1:
        return np.full(n, float(array.reshape(())))
    if array.size == n and array.shape in ((n,), shape, space):
        return array.reshape(-1)
    channels = ((c,), (c, 1), (c, 1, 1))
    if array.shape in channels:
        return np.repeat(array.reshape(-1), n // c)
    raise EdgeError("E101", f"its {what} has shape {array.shape}, which does not fit values of "
                    f"shape {shape}", help=f"give one number, one for each of the {c} channels, "
                    f"or one for each of the {n} values")


def _sum(a: FloatArray | None, b: FloatArray | None) -> FloatArray | None:
    return b if a is None else a if b is None else a + b


def _of_channels(values: FloatArray | None, space: Volume) -> FloatArray | None:
    """One number per channel, if all places of each have the same; zeros of no values."""
    if values is None:
        return np.zeros(space[0])
    places = values.reshape(space[0], -1)
    return places[:, 0].copy() if (places == places[:, :1]).all() else None


def _input_factor(scale: FloatArray, node: Convolution) -> FloatArray:
    """What factors of its input channels make of a convolution's weight."""
    c_out, c_group = node.weight.shape[:2]
    groups = np.repeat(np.arange(node.conv.groups), c_out // node.conv.groups)
    factor: FloatArray = scale[groups[:, None] * c_group + np.arange(c_group)][:, :, None, None]
    return np.ones((1, 1, 1, 1)) if (factor == 1).all() else factor


def _composed(term: Term, node: Convolution) -> tuple[Conv, FloatArray] | None:
    """One convolution for the term's and one behind it; None where it is not one."""
    first, second = term.conv, node.conv
    assert first is not None and term.weight is not None
    a, b = term.weight, node.weight
    is_depthwise = b.shape[1] == 1 and second.groups == b.shape[0] == a.shape[0]
    if second.padding != (0, 0) or not (is_depthwise or first.groups == second.groups == 1):
        return None
    reach = [(kb - 1) * db * s + (ka - 1) * da + 1 for ka, kb, da, db, s in zip(
        a.shape[2:], b.shape[2:], first.dilation, second.dilation, first.stride, strict=True)]
    weight = np.zeros((b.shape[0], a.shape[1], *reach))
    for y, x in np.ndindex(*b.shape[2:]):
        at = [j * d * s for j, d, s in zip((y, x), second.dilation, first.stride, strict=True)]
        tap = b[:, 0, y, x, None, None, None] * a if is_depthwise else \
            np.einsum("om,mikl->oikl", b[:, :, y, x], a)
        spans = [slice(o, o + (k - 1) * d + 1, d) for o, k, d in
                 zip(at, a.shape[2:], first.dilation, strict=True)]
        weight[:, :, spans[0], spans[1]] += tap
    stride = (first.stride[0] * second.stride[0], first.stride[1] * second.stride[1])
    return Conv(stride, first.padding, groups=first.groups), weight


def _rows(term: Term, n_out: int = 0) -> FloatArray:
    """The term's linear part as a matrix (n_in, n_out). n_out: of the matrix wanted at last."""
    if term.rows is not None:
        return term.rows
    n_in = geometry.size(term.into)
    if n_in * max(n_out, geometry.size(term.space)) > MAX_MATRIX:
        raise refuse(f"what leads there from '{term.pre}' is no single convolution, and a matrix "
                     f"of {n_in} x {max(n_out, geometry.size(term.space))} is too large",
                     "put neurons between the operations")
    rows = np.diag(np.ones(n_in) if term.scale is None else term.scale)
    if term.conv is None:
        return rows
    assert term.weight is not None
    return term.conv.apply(rows, term.weight, term.into)


def _as_matrix(term: Term) -> Term:
    if term.largest is not None:
        raise refuse("what stands behind max pooling of currents differs from place to place",
                     "use one constant for each channel, and neurons of the pooling's shape")
    return replace(term, rows=_rows(term), scale=None, conv=None, weight=None, factor=None)


def _one_to_one(term: Term) -> Term:
    """A direct term as a convolution of every channel with one number, or a diagonal matrix."""
    scale = np.ones(term.space[0]) if term.scale is None else _of_channels(term.scale, term.space)
    if scale is None:
        return _as_matrix(term)
    conv, weight = geometry.identity(term.space[0])
    return replace(term, scale=None, conv=conv, weight=weight * scale[:, None, None, None])


def _spatial(term: Term) -> Term:
    """A term whose neighbours are known."""
    if len(term.shape) == 1 and term.space[1:] != (1, 1):
        raise EdgeError("E101", "it needs channels and places, but what leads there was flattened",
                        help="put the flattening behind it, or leave it out")
    return term


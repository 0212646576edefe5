"""Geometry of projections: volumes of neurons, convolutions, pools, and what they do to activity.

A volume has shape (channels, height, width); neurons count in that order, the last index fastest,
as torch.flatten has it. A shape (n,) is the volume (n, 1, 1), a shape (channels, length) the volume
(channels, 1, length).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int

Pair = tuple[int, int]
Volume = tuple[int, int, int]


def volume(shape: tuple[int, ...]) -> Volume:
    """(channels, height, width) of a shape of one to three numbers."""
    if len(shape) == 3:
        return shape
    return (shape[0], 1, shape[1]) if len(shape) == 2 else (shape[0], 1, 1)


@dataclass(frozen=True)
class Pool:
    """Spikes of a window of each channel become one value: their sum, or their largest (an OR where
    a neuron fires at most once a step). Windows past the end are left out (no ceil_mode)."""

    kind: Literal["sum", "max"]
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)

    def __post_init__(self) -> None:
        if self.kind not in ("sum", "max"):
            raise EdgeError("E101", f"a pool of kind '{self.kind}', expected sum or max")
        _pairs("a pool", kernel=(self.kernel, 1), stride=(self.stride, 1),
               padding=(self.padding, 0))
        if any(2 * p > k for p, k in zip(self.padding, self.kernel, strict=True)):
            raise EdgeError("E101", f"a pool of {self.kernel} cannot be padded by {self.padding}",
                            help="pad by half of the window or less")

    def out(self, shape: Volume) -> Volume:
        """Volume of its result. Raises EdgeError E101 where no window fits."""
        return (shape[0], *_windows("a pool", shape, self.kernel, self.stride, self.padding,
                                    (1, 1)))

    def apply(self, x: NDArray[Any], shape: Volume) -> NDArray[Any]:
        """x (n, size of shape) -> (n, size of `out`), of the same type."""
        c, height, width = self.out(shape)
        padded = _padded(x, shape, self.padding)
        out = np.zeros((len(x), height, width, c), x.dtype)
        for tap in _taps(padded, self.kernel, self.stride, (1, 1), (height, width)):
            out = out + tap if self.kind == "sum" else np.maximum(out, tap)
        return _flat(out)


MOST_POOLED = 2**24
"""Values before a maximum of them: the runtime counts their bytes in 32 bits."""


@dataclass(frozen=True)
class MaxPool:
    """torch.nn.MaxPool2d of what a convolution makes: the largest of each window of a channel,
    never one of the padding. ceil_mode: windows past the end count, if they begin within the volume
    or its padding before."""

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        _pairs("a pool", kernel=(self.kernel, 1), stride=(self.stride, 1),
               padding=(self.padding, 0), dilation=(self.dilation, 1))
        if any(2 * p > reach for p, reach in zip(self.padding, self._reach, strict=True)):
            raise EdgeError("E101", f"a pool of {self.kernel} cannot be padded by {self.padding}",
                            help="pad by half of the window or less")
        if not isinstance(self.ceil_mode, bool):
            raise EdgeError("E101", f"a pool's ceil_mode is {self.ceil_mode!r}, no truth value")

    @property
    def _reach(self) -> Pair:
        """Places from the first of a window to its last, both included."""
        (ky, kx), (dy, dx) = self.kernel, self.dilation
        return (ky - 1) * dy + 1, (kx - 1) * dx + 1

    def out(self, shape: Volume) -> Volume:
        """Volume of its result. Raises EdgeError E101 where no window fits, or one holds nothing
        but padding."""
        height, width = _windows("a pool", shape, self.kernel, self.stride, self.padding,
                                 self.dilation, self.ceil_mode)
        if size(shape) > MOST_POOLED:
            raise EdgeError("E101", f"a pool of {shape} takes the largest of {size(shape):,} "
                            f"values, more than {MOST_POOLED:,}", help="pool less before it, or "
                            "use strides in the convolution")
        for n, p, s, k, d in zip(shape[1:], self.padding, self.stride, self.kernel, self.dilation,
                                 strict=True):
            if any(max(range(-at, n, d)[:k], default=-1) < 0 for at in range(p, 0, -s)):
                raise EdgeError("E101", f"a pool of {self.kernel} has a window in which there is "
                                "nothing but padding", help="pad less, or use ceil_mode=False")
        return shape[0], height, width

    def apply(self, x: NDArray[Any], shape: Volume) -> NDArray[Any]:
        """x (n, size of shape) -> (n, size of `out`), of the same type."""
        c, *sizes = self.out(shape)
        least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        height, width = ((m - 1) * s + r for m, s, r in
                         zip(sizes, self.stride, self._reach, strict=True))
        down, right = self.padding
        padded = np.full((len(x), max(height, down + shape[1]), max(width, right + shape[2]), c),
                         least, x.dtype)
        padded[:, down : down + shape[1], right : right + shape[2]] = _by_place(x, shape)
        taps = _taps(padded, self.kernel, self.stride, self.dilation, (sizes[0], sizes[1]))
        return _flat(functools.reduce(np.maximum, taps))


@dataclass(frozen=True)
class Conv:
    """torch.nn.Conv2d's cross-correlation with zero padding; weight (c_out, c_in / groups, kernel
    height, kernel width)."""

    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    def __post_init__(self) -> None:
        _pairs("a convolution", stride=(self.stride, 1), padding=(self.padding, 0),
               dilation=(self.dilation, 1))
        if not is_int(self.groups) or self.groups < 1:
            raise EdgeError("E101", f"a convolution of {self.groups!r} groups")

    def out(self, shape: Volume, weight_shape: tuple[int, ...]) -> Volume:
        """Volume of its result. Raises EdgeError E101 where the shapes do not fit."""
        c_out, c_group, *kernel = weight_shape
        if c_group * self.groups != shape[0] or c_out % self.groups:
            raise EdgeError("E101", f"a convolution with weight {weight_shape} in {self.groups} "
                            f"groups does not fit {shape[0]} channels", help=f"let it take "
                            f"{shape[0]} channels, or give {weight_shape[1] * self.groups}")
        return (c_out, *_windows("a convolution", shape, (kernel[0], kernel[1]), self.stride,
                                 self.padding, self.dilation))

    def apply(self, x: NDArray[Any], weight: NDArray[Any], shape: Volume) -> NDArray[Any]:
        """x (n, size of shape) -> sums (n, size of `out`), of the type of x @ weight."""
        c_out, height, width = self.out(shape, weight.shape)
        kernel = (weight.shape[2], weight.shape[3])
        padded = _padded(x, shape, self.padding)
        out = np.zeros((len(x), height, width, c_out), np.result_type(x, weight))
        taps = _taps(padded, kernel, self.stride, self.dilation, (height, width))
        for place, tap in enumerate(taps):
            out += self._grouped(tap, weight[:, :, place // kernel[1], place % kernel[1]])
        return _flat(out)

    def fan_out(self, is_connected: NDArray[np.bool_], shape: Volume) -> NDArray[np.int64]:
        """How many weights of `is_connected`, shaped as a weight, each value of a volume meets,
        (size of shape,); borders are exact."""
        c_out, height, width = self.out(shape, is_connected.shape)
        by_tap = is_connected.reshape(self.groups, c_out // self.groups, *is_connected.shape[1:])
        meets = by_tap.sum(axis=1, dtype=np.int64).reshape(shape[0], -1)
        reached = _padded(np.zeros((1, size(shape)), np.int64), shape, self.padding)
        kernel = (is_connected.shape[2], is_connected.shape[3])
        taps = _taps(reached, kernel, self.stride, self.dilation, (height, width))
        for place, tap in enumerate(taps):
            tap += meets[:, place]
        down, right = self.padding
        inside = reached[:, down : down + shape[1], right : right + shape[2]]
        return np.asarray(_flat(inside)[0])

    def _grouped(self, tap: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
        """tap (..., c_in) times weight (c_out, c_in / groups)."""
        if self.groups == 1:
            return np.asarray(tap @ weight.T)
        parts = tap.reshape(*tap.shape[:-1], self.groups, 1, -1)
        kernels = weight.reshape(self.groups, -1, weight.shape[1])
        return np.asarray((parts * kernels).sum(axis=-1).reshape(*tap.shape[:-1], -1))


def identity(n: int) -> tuple[Conv, NDArray[np.float64]]:
    """Geometry and weight of n channels passed on one to one."""
    return Conv(groups=n), np.ones((n, 1, 1, 1))


def size(shape: tuple[int, ...]) -> int:
    return math.prod(shape)


def _pairs(what: str, **values: tuple[Pair, int]) -> None:
    for name, (pair, least) in values.items():
        if len(pair) != 2 or not all(is_int(v) and least <= v <= 255 for v in pair):
            raise EdgeError("E101", f"{what}: its {name} is {pair}, expected two integers from "
                            f"{least} to 255", help="give integers in this range")


def _windows(what: str, shape: Volume, kernel: Pair, stride: Pair, padding: Pair,
             dilation: Pair, past_end: bool = False) -> Pair:
    sizes = []
    for n, k, s, p, d in zip(shape[1:], kernel, stride, padding, dilation, strict=True):
        n_out = (n + 2 * p - d * (k - 1) - 1 + past_end * (s - 1)) // s + 1
        sizes.append(n_out - (past_end and (n_out - 1) * s >= n + p))
    if min(sizes) < 1:
        raise EdgeError("E101", f"{what} of {kernel} does not fit into {shape[1]} x {shape[2]} "
                        f"neurons with padding {padding}", help="use a smaller kernel or "
                        "dilation, more padding, or a larger input")
    return sizes[0], sizes[1]


def _padded(x: NDArray[Any], shape: Volume, padding: Pair) -> NDArray[Any]:
    """(n, height, width, channels) with zeros around."""
    c, height, width = shape
    down, right = padding
    padded = np.zeros((len(x), height + 2 * down, width + 2 * right, c), x.dtype)
    padded[:, down : down + height, right : right + width] = _by_place(x, shape)
    return padded


def _by_place(x: NDArray[Any], shape: Volume) -> NDArray[Any]:
    """(n, size of shape) as (n, height, width, channels): the reverse of `_flat`."""
    return x.reshape(len(x), *shape).transpose(0, 2, 3, 1)


def _taps(padded: NDArray[Any], kernel: Pair, stride: Pair, dilation: Pair,
          out: Pair) -> list[NDArray[Any]]:
    """What each place of the kernel sees, row by row: views (n, *out, channels)."""
    taps = []
    for ky in range(kernel[0]):
        for kx in range(kernel[1]):
            y, x = ky * dilation[0], kx * dilation[1]
            taps.append(padded[:, y : y + (out[0] - 1) * stride[0] + 1 : stride[0],
                               x : x + (out[1] - 1) * stride[1] + 1 : stride[1]])
    return taps


def _flat(x: NDArray[Any]) -> NDArray[Any]:
    """(n, height, width, channels) back to (n, size)."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)).reshape(len(x), -1)

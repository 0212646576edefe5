"""What an importer reads before it is a `Network`: operations by name, joined by edges.

Every importer turns its file or module into these nodes; `assemble.assemble` makes populations and
projections of them. Shapes leave out batch and time: (n,), (channels, length) or (channels, height,
width).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import FloatArray
from edge_dassdp.ir.geometry import Conv, MaxPool, Pair, Pool, Volume


@dataclass(frozen=True)
class Entry:
    """An input of the network. shape: () where the first operation behind it says it."""

    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Exit:
    """An output of the network: what leads there is read out."""


@dataclass(frozen=True, eq=False)
class Linear:
    """y = weight x + bias on the last dimension: weight (n_out, n_in), bias (n_out,)."""

    weight: FloatArray
    bias: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Convolution:
    """weight (c_out, c_in / groups, height, width), a 1-D kernel with height 1; bias (c_out,)."""

    weight: FloatArray
    bias: FloatArray | None = None
    conv: Conv = field(default_factory=Conv)


@dataclass(frozen=True)
class Pooling:
    """avg divides by the whole window, padding included. dilation, ceil_mode: of max alone, where
    they are as torch.nn.MaxPool2d has them."""

    kind: Literal["sum", "avg", "max"]
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    ceil_mode: bool = False

    @property
    def largest(self) -> MaxPool:
        """Of currents: its geometry."""
        return MaxPool(self.kernel, self.stride, self.padding, self.dilation, self.ceil_mode)

    def out(self, shape: Volume) -> Volume:
        """Volume of its result. Raises EdgeError E101 where no window fits."""
        if self.kind == "max":
            return self.largest.out(shape)
        return Pool("sum", self.kernel, self.stride, self.padding).out(shape)


@dataclass(frozen=True, eq=False)
class Scale:
    """y = factor x + shift, each a scalar, per channel or per neuron: NIR's Scale, BatchNorm."""

    factor: FloatArray
    shift: FloatArray = field(default_factory=lambda: np.zeros(1))


@dataclass(frozen=True)
class Flatten:
    """Or any other change of shape alone; neurons keep their order."""


@dataclass(frozen=True, eq=False)
class Delay:
    """steps: a scalar or per neuron, integers >= 0."""

    steps: IntArray


@dataclass(frozen=True, eq=False)
class Neurons:
    """settings: fields of `ir.Population` but for name, size and shape. at: what it was called in
    its source, for messages. size: where the source says it, else 0."""

    settings: dict[str, Any]
    at: str = ""
    size: int = 0


NEVER = 1.0
"""Threshold of neurons that only integrate: nothing reads their spikes."""
Node = Entry | Exit | Linear | Convolution | Pooling | Scale | Flatten | Delay | Neurons

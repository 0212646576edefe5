"""Event-driven convolutions on every core: one layer, 5 % of its source active in a step.

Counted is all that the layer's synapses take: the list of spikes, zeroed sums, and the scattered
kernels. Bits of the step are compared with the reference before a count is believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from counting import Record
from device import Device
from networks import record, same_bits
from numpy.typing import NDArray

from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.ir.geometry import Conv
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference

SOURCE, ACTIVITY, SEED = (16, 16, 16), 0.05, 3
CURVE = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Layer:
    """A convolution of SOURCE to c_out channels."""

    name: str
    kernel: int
    c_out: int
    stride: int = 1
    groups: int = 1

    @property
    def conv(self) -> Conv:
        pad = self.kernel // 2
        return Conv((self.stride, self.stride), (pad, pad), (1, 1), self.groups)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return self.c_out, SOURCE[0] // self.groups, self.kernel, self.kernel

    @property
    def out_shape(self) -> tuple[int, ...]:
        return self.conv.out(SOURCE, self.weight_shape)

    @property
    def what(self) -> str:
        source, out = ("x".join(map(str, shape)) for shape in (SOURCE, self.out_shape))
        depthwise = ", depthwise" if self.groups > 1 else ""
        return f"{self.kernel}x{self.kernel}, stride {self.stride}{depthwise}, {source} to {out}"

    @property
    def macs(self) -> int:
        """Of the dense layer: every output, every weight that it has, padding too."""
        return int(np.prod(self.out_shape) * np.prod(self.weight_shape[1:]))

    def operations(self, spikes: NDArray[np.float32]) -> int:
        """Weights that spikes (size of SOURCE,) are added with."""
        return int(self.conv.apply(spikes[None], np.ones(self.weight_shape), SOURCE).sum())

    def network(self) -> Network:
        """Its neurons stay silent: thresholds beyond all sums."""
        rng, n = np.random.default_rng(SEED), int(np.prod(self.out_shape))
        return Network(
            (Input("x", int(np.prod(SOURCE)), 1, spikes=True, shape=SOURCE),),
            (Population("h", n, 0.5, 1e3, "subtract", shape=self.out_shape),
             Population("out", 4, 0.0, 1.0, "none")),
            (Projection("conv", "x", "h", rng.uniform(-0.1, 0.1, self.weight_shape),
                        conv=self.conv),
             Projection("fc", "h", "out", rng.normal(0, 0.01, (n, 4)))),
            Readout("out", "membrane_sum"), 2)


LAYERS = (Layer("conv_3x3", 3, 16), Layer("conv_5x5_2", 5, 8, stride=2),
          Layer("depthwise_3x3", 3, 16, groups=16))


def spikes(activity: float = ACTIVITY) -> NDArray[np.float32]:
    """(size of SOURCE,), channel by channel: exactly that share of them 1."""
    x = np.zeros(int(np.prod(SOURCE)), np.float32)
    x[np.random.default_rng(SEED + 1).choice(x.size, round(activity * x.size), replace=False)] = 1
    return x


def measure(core: str) -> Iterator[Record]:
    """A record per layer. Raises AssertionError where a bit is wrong."""
    for layer in LAYERS:
        yield from _counted(core, layer, {layer.name: ACTIVITY})


def curves(core: str) -> Iterator[Record]:
    """Each layer at shares of its source from a hundredth to all."""
    for layer in LAYERS:
        yield from _counted(core, layer, {f"{layer.name}_{round(100 * share)}": share
                                          for share in CURVE})


def _counted(core: str, layer: Layer, shares: dict[str, float]) -> Iterator[Record]:
    """By name of the record: the first step of a sample."""
    network = quantize(layer.network(), None, Settings()).network
    device, sources = Device(network, core), [spikes(share) for share in shares.values()]
    samples = [input_x(network, x[None]) for x in sources]
    for sample in samples:
        device.begin(sample[0])
        device.step()
        device.deliver()
    outcomes = device.run()
    for k, (name, x) in enumerate(zip(shares, sources, strict=True)):
        _, stepped, delivered = outcomes[3 * k : 3 * k + 3]
        reference = Reference(network)
        reference.begin(samples[k])
        reference.step(0)
        same_bits(device.state(stepped), reference, network)
        assert reference.v["h"].any()
        what = f"{layer.what}, {int(x.sum())} spikes; dense: {layer.macs:,} MACs"
        yield record(name, core, what, delivered, "synaptic operation", layer.operations(x))

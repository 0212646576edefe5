"""Networks of what other frameworks build: convolutions, pools, delays, synapses, several spikes a
step, events and encoders; small, seeded, with weights that keep neurons busy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir import Encoder, Input, Network, Population, Projection, Readout, ReadoutKind
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool, identity, size, volume

SINABS: dict[str, Any] = {"reset": "subtract", "reset_delay": False, "strict": False,
                          "looks_back": False, "max_spikes": 0}


class Builder:
    """Adds layer behind layer; weights are drawn so that about every third neuron fires."""

    def __init__(self, source: Input, n_steps: int, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.source, self.n_steps = source, n_steps
        self.populations: list[Population] = []
        self.projections: list[Projection] = []

    def _before(self, pre: str | None) -> tuple[str, tuple[int, ...]]:
        nodes: list[Input | Population] = [self.source, *self.populations]
        node = nodes[-1] if pre is None else next(n for n in nodes if n.name == pre)
        return node.name, node.shape

    def _weight(self, shape: tuple[int, ...], fan_in: int, gain: float) -> NDArray[np.float64]:
        return self.rng.normal(0.15 * gain / fan_in, gain / np.sqrt(fan_in), shape)

    def conv(self, name: str, channels: int, kernel: tuple[int, int], *, conv: Conv | None = None,
             pool: Pool | None = None, pre: str | None = None, gain: float = 2.0,
             bias: bool = True, beta: Any = 0.9, threshold: float = 1.0,
             result: MaxPool | None = None, **neurons: Any) -> Builder:
        conv = conv or Conv()
        source, shape = self._before(pre)
        into = pool.out(volume(shape)) if pool else volume(shape)
        weight_shape = (channels, into[0] // conv.groups, *kernel)
        weight = self._weight(weight_shape, size(weight_shape[1:]), gain)
        out = conv.out(into, weight_shape)
        out = result.out(out) if result else out
        self.populations.append(Population(name, size(out), beta, threshold, shape=out,
                                           **neurons))
        self.projections.append(Projection(
            f"{source}_{name}", source, name, weight,
            self.rng.normal(0, 0.1, channels) if bias else None, conv, pool, None, result))
        return self

    def dense(self, name: str, n: int, *, pool: Pool | None = None, pre: str | None = None,
              gain: float = 2.5, beta: Any = 0.9, delay: Any = None, **neurons: Any) -> Builder:
        source, shape = self._before(pre)
        n_pre = size(pool.out(volume(shape)) if pool else shape)
        self.populations.append(Population(name, n, beta, 1.0, **neurons))
        self.projections.append(Projection(
            f"{source}_{name}", source, name, self._weight((n_pre, n), n_pre, gain),
            self.rng.normal(0, 0.1, n), None, pool, delay))
        return self

    def join(self, pre: str, post: str, *, gain: float = 1.0, delay: Any = None,
             straight: bool = False, bias: bool = False) -> Builder:
        """One more projection: a skip, recurrence, or neurons one to one."""
        (_, before), (_, behind) = self._before(pre), self._before(post)
        if straight:
            conv, weight = identity(volume(before)[0])
            self.projections.append(Projection(f"{pre}_to_{post}", pre, post, gain * weight, None,
                                               conv, None, delay))
        else:
            weight = self._weight((size(before), size(behind)), size(before), gain)
            self.projections.append(Projection(
                f"{pre}_to_{post}", pre, post, weight,
                self.rng.normal(0, 0.1, size(behind)) if bias else None, delay=delay))
        return self

    def out(self, n: int = 5, kind: ReadoutKind = "membrane_sum", **neurons: Any) -> Network:
        options = {"reset": "none", "beta": 0.0} if kind == "membrane_sum" else {}
        self.dense("out", n, **(options | neurons))
        return Network((self.source,), tuple(self.populations), tuple(self.projections),
                       Readout("out", kind), self.n_steps)


def convolutions(n_steps: int = 6) -> Network:
    """Strides, padding, dilation, groups, overlapping windows; channels that no four divides."""
    return (Builder(Input("x", 2 * 19 * 17, n_steps, True, (2, 19, 17)), n_steps)
            .conv("c1", 6, (3, 3), conv=Conv((2, 2), (1, 1)), reset_delay=False)
            .conv("c2", 8, (3, 2), conv=Conv((1, 1), (2, 1), (2, 2)), gain=3.0)
            .conv("c3", 16, (3, 3), conv=Conv((1, 1), (1, 1), groups=8), reset="zero",
                  pool=Pool("sum", (3, 2), (2, 2), (1, 0)))
            .conv("c4", 5, (2, 3), pool=Pool("max", (2, 2), (1, 1)), gain=4.0, threshold=0.3)
            .dense("h", 23, pool=Pool("sum", (2, 1), (1, 1)))
            .out())


def sinabs_like(n_steps: int = 7, n_events: int = 2000) -> Network:
    """Integrate-and-fire neurons with several spikes a step and a lowest membrane, from events."""
    pool = Pool("sum", (2, 2), (2, 2))
    source = Input("x", 2 * 14 * 16, n_steps, True, (2, 14, 16), n_events, True)
    neurons: dict[str, Any] = {**SINABS, "beta": 1.0, "v_min": -1.0, "bias": False}
    return (Builder(source, n_steps, 1)
            .conv("c1", 8, (5, 5), conv=Conv((2, 2), (1, 1)), **neurons)
            .conv("c2", 4, (3, 3), conv=Conv((1, 1), (1, 1)), pool=pool, **neurons)
            .conv("c3", 6, (1, 2), pool=Pool("max", (2, 2), (1, 1)), **neurons)
            .dense("h", 21, beta=1.0, v_min=-1.0, **SINABS)
            .out(kind="spike_count", beta=1.0, v_min=-1.0, **SINABS))


def largest(n_steps: int = 6, *, frames: bool = False) -> Network:
    """An image through convolution, maximum and neurons, twice; the second hears the image, too."""
    source = Input("x", 2 * 13 * 12, n_steps if frames else 1, shape=(2, 13, 12))
    halved = MaxPool((2, 2), (2, 2))
    builder = (Builder(source, n_steps, 10)
               .conv("c1", 6, (3, 3), conv=Conv((1, 1), (1, 1)), result=halved, gain=1.0)
               .conv("c2", 7, (2, 2), result=halved, gain=1.5))
    rng = np.random.default_rng(11)
    builder.projections.append(Projection(
        "x_c2", "x", "c2", rng.normal(0, 0.1, (7, 2, 3, 3)), None, Conv((4, 4), (1, 1)),
        result_pool=MaxPool((3, 2), (2, 1), ceil_mode=True)))
    return builder.dense("h", 17).out()


def largest_of_spikes(n_steps: int = 7, *, sinabs: bool = False) -> Network:
    """Maxima of convolutions of spikes: windows that overlap, are padded, dilated, pass the end and
    cover all; behind pools and groups, 1 x 1, and back onto the neurons themselves."""
    neurons: dict[str, Any] = {**SINABS, "beta": 1.0, "v_min": -1.0} if sinabs else {}
    source = Input("x", 2 * 13 * 11, n_steps, True, (2, 13, 11), 900 * sinabs, sinabs)
    builder = (Builder(source, n_steps, 12)
               .conv("c1", 8, (3, 3), conv=Conv((1, 1), (1, 1)), gain=1.5,
                     result=MaxPool((3, 3), (2, 2), (1, 1)), **neurons)
               .conv("c2", 12, (3, 3), conv=Conv((1, 1), (1, 1), groups=4), gain=1.5,
                     pool=Pool("sum", (2, 2), (1, 1)),
                     result=MaxPool((2, 3), (1, 2), (0, 1), (2, 1)), **neurons)
               .conv("c3", 6, (1, 1), pool=Pool("max", (2, 2), (1, 1)), gain=1.5,
                     result=MaxPool((2, 2), (2, 2), ceil_mode=True), **neurons)
               .conv("c4", 5, (2, 1), conv=Conv((1, 1), (1, 0), (2, 1)), gain=3.0,
                     result=MaxPool((2, 1), (2, 1)), **neurons))
    rng = np.random.default_rng(13)
    builder.projections.append(Projection(
        "c2_c2", "c2", "c2", rng.normal(-0.05, 0.1, (12, 12, 3, 3)), None, Conv((1, 1), (1, 1)),
        delay=None if sinabs else 2, result_pool=MaxPool((3, 3), (1, 1), (1, 1))))  # type: ignore[arg-type]
    return builder.conv("g", 7, (1, 1), result=MaxPool((1, 1), (1, 1)), gain=3.0,
                        **neurons).dense("h", 17, gain=3.0).out()


def line(n_steps: int = 9) -> Network:
    """One-dimensional convolutions of constant currents, a skip of neurons one to one."""
    return (Builder(Input("x", 3 * 20, shape=(3, 20)), n_steps, 2)
            .conv("c1", 4, (1, 5), conv=Conv((1, 2), (0, 2)), pool=Pool("sum", (1, 2), (1, 1)))
            .conv("c2", 4, (1, 3), conv=Conv((1, 1), (0, 1)))
            .join("c1", "c2", straight=True, gain=0.5)
            .out())


def images(frames: bool, n_steps: int = 6) -> Network:
    """Convolutions of analogue images, the same in every step or frame by frame."""
    source = Input("x", 2 * 7 * 6, n_steps if frames else 1, shape=(2, 7, 6))
    return (Builder(source, n_steps, 3)
            .conv("c1", 8, (3, 3), conv=Conv((1, 1), (1, 1)), gain=1.0)
            .conv("c2", 4, (2, 2), conv=Conv((2, 2)), pre="x", gain=1.0)
            .join("c1", "c2", gain=1.5)
            .out())


def delayed(n_steps: int = 12) -> Network:
    """Delays of neurons and of all, from an input, forward, back, and onto itself."""
    rng = np.random.default_rng(5)
    return (Builder(Input("x", 40, n_steps, True), n_steps, 4)
            .dense("a", 37, delay=rng.integers(0, 5, 40))
            .dense("b", 21, delay=2)
            .join("a", "b", delay=rng.integers(0, 4, 37))
            .join("b", "a", delay=1).join("b", "b", delay=3)
            .out())


def synapses(n_steps: int = 10, *, reads: ReadoutKind = "membrane_sum") -> Network:
    """A synaptic current before every kind of reset, and a readout that has one, too."""
    rng = np.random.default_rng(6)
    alpha: dict[str, Any] = {"alpha": 0.7}
    builder = (Builder(Input("x", 20, n_steps, True), n_steps, 5)
               .dense("a", 19, alpha=rng.uniform(0.3, 0.95, 19), bias=rng.normal(0, 0.1, 19))
               .dense("b", 18, beta=rng.uniform(0.5, 0.95, 18), reset="zero", **alpha)
               .join("b", "b", bias=True)
               .dense("c", 17, reset="zero", cancels_input=True, strict=False, **alpha)
               .dense("d", 16, reset="zero", reset_delay=False, v_reset=-0.2, v_init=-0.2, **alpha)
               .dense("e", 22, reset_delay=False, looks_back=False, v_init=0.3, gain=0.6, **alpha)
               .dense("f", 15, reset_delay=False, gain=1.5, v_min=-0.5)
               .dense("g", 18, reset="none", gain=2.0, alpha=0.5, beta=0.5))
    return builder.out(kind=reads, beta=0.8, alpha=0.6,
                       **({} if reads == "spike_count" else {"gain": 0.3}))


def runaway(n_steps: int = 60) -> Network:
    """Weights a thousand thresholds large and nothing that leaks: membranes and currents run into
    their limits."""
    return (Builder(Input("x", 12, n_steps, True), n_steps, 9)
            .dense("a", 11, gain=60000.0, beta=1.0, **SINABS)
            .dense("b", 9, gain=9000.0, pre="x", beta=1.0, alpha=1.0)
            .dense("c", 13, gain=2.0, alpha=0.5)
            .join("a", "c", gain=0.01)
            .out())


def encoded(kind: str, n_steps: int = 8) -> Network:
    """Raw images that the device makes spikes of."""
    channels = 4 if kind == "delta" else 2
    source = Input("x", channels * 6 * 5, n_steps if kind == "delta" else 1, True,
                   (channels, 6, 5), encoder=Encoder(kind, frac_bits=5, step=9))  # type: ignore[arg-type]
    return (Builder(source, n_steps, 7)
            .conv("c1", 8, (3, 3), conv=Conv((1, 1), (1, 1)))
            .dense("h", 17)
            .out())


def pointwise(channels: Sequence[int] = (6, 7), n_steps: int = 6) -> Network:
    """1 x 1 convolutions between volumes."""
    builder = Builder(Input("x", 2 * 6 * 6, n_steps, True, (2, 6, 6)), n_steps, 8)
    builder.conv("c1", channels[0], (3, 3), conv=Conv((1, 1), (1, 1)))
    for k, n in enumerate(channels[1:], 2):
        builder.conv(f"c{k}", n, (1, 1), gain=3.0)
    return builder.dense("h", 19).out()


def pooled(kind: Literal["sum", "max"], n_steps: int = 10) -> Network:
    """A convolution, a pool of overlapping windows, and a matrix behind it."""
    return (Builder(Input("x", 60, n_steps, spikes=True, shape=(2, 6, 5)), n_steps)
            .conv("c", 4, (3, 3)).dense("h", 11, pool=Pool(kind, (2, 2), (2, 1))).out())

"""Random networks of what other frameworks build, for benchmarks/fit_costs.py: convolutions, pools,
delays, neurons with dynamics, lists of events and encoders.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Encoder, Input, Network, Population, Projection, Readout
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool, size, volume
from edge_dassdp.rules import DASSDP, SSDP, ErrorSSDP, Learning, ReadoutDelta, Rule

SOURCES = ("spikes", "spikes", "events", "counts", "counts", "counts", "latency", "rate", "delta",
           "delta", "image", "image", "image", "images", "images", "images")


def random_network(rng: np.random.Generator) -> Network:
    """Up to three convolutions behind an image, or none behind a vector, then populations without
    places and a readout; skips, recurrence and delays between. Raises EdgeError where a window does
    not fit."""
    n_steps = int(rng.choice([3, 5, 8, 12]))
    n_convolutions = int(rng.choice([0, 1, 2, 2, 3]))
    source = _source(rng, n_steps, n_convolutions == 0)
    made = _Wired(rng, source)
    usual = made.neurons()
    for _ in range(n_convolutions):
        made.convolution(usual)
    for _ in range(int(rng.integers(0 if n_convolutions else 1, 3))):
        made.dense(usual)
    is_sum = rng.random() < 0.6
    made.readout(int(rng.integers(2, 11)), {"beta": 0.5, "reset": "none"} if is_sum else usual)
    if rng.random() < 0.5:
        made.joined()
    return Network((source,), tuple(made.populations), tuple(made.projections),
                   Readout("out", "membrane_sum" if is_sum else "spike_count"), n_steps)


def random_learning(network: Network, rng: np.random.Generator) -> Learning | None:
    """Rules wherever one may be, synchrony ones where it is a convolution, or nothing."""
    if rng.random() < 0.4:
        return None
    sync: Rule = (DASSDP if rng.random() < 0.5 else SSDP)(0.01, 0.004)
    with_sync, rules = rng.random() < 0.3, dict[str, Rule]()
    for p in network.projections:
        rule = sync if p.conv or with_sync else ReadoutDelta() if p.post == "out" else ErrorSSDP()
        try:
            Learning({**rules, p.name: rule}).validate(network)
        except EdgeError:
            continue
        rules[p.name] = rule
    return Learning(rules) if rules else None


def random_x(network: Network, rng: np.random.Generator, n: int) -> NDArray[np.float32]:
    """Noise of growing activity, (n, values of a sample)."""
    source, shape = network.inputs[0], (n, network.n_inputs)
    if not source.spikes or source.encoder is not None:
        x = rng.normal(0, np.geomspace(0.3, 1.5, n)[:, None], shape)
        return (x * (rng.random(shape) < rng.uniform(0.3, 1))).astype(np.float32)
    share = np.linspace(0.02, 0.3, n)[:, None]
    made = rng.poisson(2 * share, shape) if source.counts else rng.random(shape) < share
    return made.astype(np.float32)


def _source(rng: np.random.Generator, n_steps: int, is_vector: bool) -> Input:
    shape: tuple[int, ...] = (int(rng.integers(10, 120)),)
    if not is_vector:
        is_line = rng.random() < 0.2
        shape = (int(rng.choice([1, 2, 3, 6, 10])), 1 if is_line else int(rng.integers(5, 13)),
                 int(rng.integers(5, 15)) * (1 + is_line))
    n, kind = size(shape), str(rng.choice(SOURCES))
    if kind in ("image", "images"):
        return Input("x", n, n_steps if kind == "images" else 1, shape=shape)
    if kind == "spikes":
        return Input("x", n, n_steps, True, shape)
    if kind in ("events", "counts"):
        return Input("x", n, n_steps, True, shape, n * n_steps, kind == "counts")
    encoder = Encoder(kind, frac_bits=6, step=int(rng.integers(4, 40)))  # type: ignore[arg-type]
    if kind == "delta":
        shape = (2 * shape[0], *shape[1:])
        return Input("x", 2 * n, n_steps, True, shape, encoder=encoder)
    return Input("x", n, 1, True, shape, encoder=encoder)


class _Wired:
    """Layers behind layers."""

    def __init__(self, rng: np.random.Generator, source: Input) -> None:
        self.rng, self.nodes = rng, [source]
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.channels = int(rng.choice([4, 8, 12, 16]))

    def neurons(self) -> dict[str, Any]:
        """Half of them plain."""
        rng = self.rng
        made: dict[str, Any] = {"beta": float(rng.choice([0.8, 0.9, 0.95]))}
        if rng.random() < 0.5:
            return made | {"reset": str(rng.choice(["subtract", "zero"])),
                           "reset_delay": bool(rng.random() < 0.5)}
        made |= [{}, {"reset_delay": False, "looks_back": False},
                 {"reset_delay": False, "looks_back": False, "strict": False, "max_spikes": 0},
                 {"reset": "zero", "cancels_input": True}][rng.integers(4)]
        if rng.random() < 0.5:
            made["alpha"] = float(rng.uniform(0.3, 0.9))
        if rng.random() < 0.4:
            made["v_min"] = -1.0
        return made

    def _weight(self, shape: tuple[int, ...], fan_in: int) -> NDArray[np.float64]:
        gain = float(self.rng.uniform(1.5, 3.5))
        return self.rng.normal(0.2 * gain / fan_in, gain / np.sqrt(fan_in), shape)

    def _project(self, name: str, post: Population, weight: NDArray[np.float64],
                 **options: Any) -> None:
        pre = self.nodes[-1]
        self.populations.append(post)
        self.projections.append(Projection(
            name, pre.name, post.name, weight,
            self.rng.normal(0, 0.1, post.size if "conv" not in options else len(weight)),
            **options))
        self.nodes.append(post)  # type: ignore[arg-type]

    def _pool(self, share: float) -> Pool | None:
        """Of two places, or of three that overlap."""
        rng, pre = self.rng, self.nodes[-1]
        if rng.random() > share or len(pre.shape) < 3:
            return None
        is_analogue = isinstance(pre, Input) and not pre.spikes
        kind = "sum" if is_analogue or rng.random() < 0.6 else "max"
        k = int(rng.choice([2, 2, 3]))
        is_line = pre.shape[1] == 1
        return Pool(kind, (1 if is_line else k, k),  # type: ignore[arg-type]
                    (1 if is_line else 2, 2))

    def convolution(self, neurons: dict[str, Any]) -> None:
        rng, pool = self.rng, self._pool(0.35)
        shape = volume(self.nodes[-1].shape)
        into = pool.out(shape) if pool else shape
        kind = rng.choice(["plain", "plain", "plain", "pointwise", "groups"])
        k = 1 if kind == "pointwise" else int(rng.choice([2, 3, 3, 5]))
        conv = Conv()
        k_y = 1 if into[1] == 1 else k
        channels = self.channels
        if kind == "groups":
            conv = Conv((1, 1), (k_y // 2, k // 2), groups=into[0])
            channels = into[0] * int(rng.integers(1, 4))
        elif kind == "plain":
            stride, dilation = (int(rng.choice([1, 1, 2])) for _ in range(2))
            conv = Conv((stride, stride), (k_y // 2, k // 2), (dilation, dilation))
        weight_shape = (channels, into[0] // conv.groups, k_y, k)
        out, name = conv.out(into, weight_shape), f"c{len(self.populations)}"
        result = None
        if rng.random() < 0.2:
            window = (min(int(rng.choice([2, 2, 3])), out[1]), int(rng.choice([2, 2, 3])))
            result = MaxPool(window, (2, 2) if rng.random() < 0.7 else (1, 1))
            out = result.out(out)
        post = Population(name, size(out), threshold=1.0, shape=out, **neurons)
        self._project(f"to_{name}", post,
                      self._weight(weight_shape, size(weight_shape[1:])), conv=conv, pool=pool,
                      result_pool=result)

    def dense(self, neurons: dict[str, Any], name: str = "", n: int = 0) -> None:
        rng, pool = self.rng, self._pool(0.4)
        pre, name = self.nodes[-1], name or f"d{len(self.populations)}"
        n = n or int(rng.integers(8, 70))
        n_pre = size(pool.out(volume(pre.shape))) if pool else pre.size
        delay = None
        counts = pre.counts if isinstance(pre, Input) else pre.is_multi_spike
        is_analogue = isinstance(pre, Input) and not pre.spikes
        if rng.random() < 0.4 and not counts and not is_analogue:
            delay = rng.integers(0, 4, pre.size if rng.random() < 0.5 else 1)
        self._project(f"to_{name}", Population(name, n, threshold=1.0, **neurons),
                      self._weight((n_pre, n), n_pre), pool=pool, delay=delay)

    def readout(self, n: int, neurons: dict[str, Any]) -> None:
        self.dense(neurons, "out", n)

    def joined(self) -> None:
        """A skip, recurrence or a way back between two populations."""
        pre, post = (self.populations[i] for i in self.rng.integers(len(self.populations), size=2))
        self.projections.append(Projection(
            f"{pre.name}_{post.name}", pre.name, post.name,
            0.5 * self._weight((pre.size, post.size), pre.size)))

"""Neurons in float32, in the order of operations of the framework they come from.

`ir.Population` gives the equation; a population's `form` says how float32 rounds on the way, which
decides on ties at the threshold alone:

    sum            i = alpha i + gain x;  v = (beta v + i) + bias     snnTorch, Sinabs, Rockpool
    toward         v = v + gain ((x + v_leak) - v)                    Norse LIFBoxCell
    toward_leak    i = i + x;  v = v + gain ((v_leak - v) + i);  i = i - (1 - alpha) i
                                                                      Norse LIFCell
    divide         v = v + (x - (v - v_reset)) / tau                  SpikingJelly, decay_input
    leak_divide    v = (v - (v - v_reset) / tau) + x                  SpikingJelly, not decay_input
    current_first  i = (i + x) alpha;  v = (v beta + i) + bias        Rockpool LIFTorch
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir import FloatArray, Population

Float32Array = NDArray[np.float32]
Spikes = NDArray[Any]
"""bool, or int32 where neurons may fire several times a step."""


class Cell:
    """The neurons of a population, n samples at a time: `v` and, where they have a synaptic
    current, `i`, float32 (n, size)."""

    def __init__(self, population: Population, n: int) -> None:
        p = self.p = population
        self.v = np.broadcast_to(p.v_init.astype(np.float32), (n, p.size)).copy()
        self.i = np.zeros((n, p.size), np.float32)
        self.beta, self.theta = _single(p.beta), _single(p.threshold)
        self.alpha = None if p.alpha is None else _single(p.alpha)
        self.v_reset = _single(p.v_reset)
        self.gain = None if (p.gain == 1).all() else _single(p.gain)
        self.bias = _single(p.bias) if p.bias.any() else None
        self.v_leak = _single(p.bias / p.gain)
        self.tau = _single(1.0 / p.gain if p.form == "divide" else 1.0 / np.maximum(
            1.0 - p.beta, 1e-30))
        self.v_min = None if p.v_min is None else _single(p.v_min)
        self.exceeds = np.greater if p.strict else np.greater_equal
        self.keeps_r = p.reset != "none" and (p.reset_delay
                                              or (p.reset == "subtract" and p.looks_back))
        self.integrate = getattr(self, f"_{p.form}")

    def step(self, current: Float32Array) -> Spikes:
        """One step of `ir.Population`'s equations with the summed current, float32 (n, size)."""
        p, theta = self.p, self.theta
        r = self.exceeds(self.v, theta).astype(np.float32) if self.keeps_r else None
        if p.reset == "zero" and r is not None and not p.cancels_input:
            self.v = (np.float32(1) - r) * self.v
        self.v = v = self.integrate(current)
        if r is not None:
            if p.reset == "subtract":
                self.v = v = v - r * theta
            elif p.cancels_input:
                self.v = v = (np.float32(1) - r) * v
        fired: Spikes = self.exceeds(v, theta)
        if p.is_multi_spike:
            fired = self._multiple(v, fired)
        if p.reset != "none" and not p.reset_delay:
            self.v = self._reset(v, fired, r)
        if self.v_min is not None:
            self.v = np.maximum(self.v, self.v_min)
        return fired

    def _multiple(self, v: Float32Array, fired: Spikes) -> Spikes:
        n = np.where(fired, np.trunc(v / self.theta), 0).astype(np.int32)
        return n if self.p.max_spikes == 0 else np.minimum(n, self.p.max_spikes)

    def _reset(self, v: Float32Array, fired: Spikes, r: Float32Array | None) -> Float32Array:
        if self.p.reset == "zero":
            return np.where(fired, self.v_reset, v)
        late = fired.astype(np.float32)
        return v - (late if r is None else late - r) * self.theta

    # ---- forms: from the current of a step to the membrane before its reset --------------------

    def _sum(self, x: Float32Array) -> Float32Array:
        current = x if self.gain is None else self.gain * x
        if self.alpha is not None:
            current = self.i = self.alpha * self.i + current
        v = self.beta * self.v + current
        return v if self.bias is None else v + self.bias

    def _toward(self, x: Float32Array) -> Float32Array:
        assert self.gain is not None
        return self.v + self.gain * ((x + self.v_leak) - self.v)

    def _toward_leak(self, x: Float32Array) -> Float32Array:
        assert self.gain is not None and self.alpha is not None
        current = self.i + x
        v = self.v + self.gain * ((self.v_leak - self.v) + current)
        self.i = current - (np.float32(1) - self.alpha) * current
        return v

    def _divide(self, x: Float32Array) -> Float32Array:
        return self.v + (x - (self.v - self.v_reset)) / self.tau

    def _leak_divide(self, x: Float32Array) -> Float32Array:
        return (self.v - (self.v - self.v_reset) / self.tau) + x

    def _current_first(self, x: Float32Array) -> Float32Array:
        assert self.alpha is not None
        self.i = (self.i + x) * self.alpha
        v = self.v * self.beta + self.i
        return v if self.bias is None else v + self.bias


def _single(values: FloatArray) -> Float32Array:
    return values.astype(np.float32)

"""Neurons in float32, in the order of operations of the framework they come from.

`ir.Population` gives the equation; a population's `form` says how float32 rounds on the way, which
decides on ties at the threshold alone:

    sum            i = alpha i + gain x;  v = (beta v + i) + bias     snnTorch, Sinabs, Rockpool,
                                                                      SpikingJelly IFNode
    toward         v = v + gain ((x + v_leak) - v)                    Norse LIFBoxCell
    toward_leak    i = i + x;  v = v + gain ((v_leak - v) + i);  i = i - (1 - alpha) i
                                                                      Norse LIFCell, LICell
    divide         v = v + (x - (v - v_reset)) / tau                  SpikingJelly, decay_input
    leak_divide    v = (v - (v - v_reset) / tau) + x                  SpikingJelly, not decay_input
    scale          v = v + (x - (v - v_reset)) gain                   the same of ParametricLIFNode
    leak_scale     v = (v - (v - v_reset) (1 - beta)) + x
    current_first  i = (i + x) alpha;  v = (v beta + (gain / alpha) i) + bias
                                                                      Rockpool LIFTorch, Sinabs with
                                                                      tau_syn

v_leak = bias / gain; tau = 1 / gain or 1 / (1 - beta). A least membrane is max(v - v_min, 0) +
v_min, as Sinabs has it. All projections into a population are summed first (x); where a framework
adds a recurrent term last (snnTorch RLeaky), the sums may differ in the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir.fields import FloatArray
from edge_dassdp.ir.nodes import Population

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
        self.gain = _single(p.gain)
        self.has_gain = bool((p.gain != 1).any())
        self.bias = _single(p.bias) if p.bias.any() else None
        self.v_min = None if p.v_min is None else _single(p.v_min)
        self.exceeds = np.greater if p.strict else np.greater_equal
        self.keeps_r = p.reset != "none" and (p.reset_delay
                                              or (p.reset == "subtract" and p.looks_back))
        self._prepare()
        self.integrate = getattr(self, f"_{p.form}")

    def _prepare(self) -> None:
        """What forms need beside the fields of a population, rounded once."""
        p = self.p
        self.v_leak = _single(p.bias / p.gain)
        self.lost = _single(1.0 - p.beta)
        self.tau = _single(1.0 / (p.gain if p.form == "divide"
                                  else np.maximum(1.0 - p.beta, 1e-30)))
        if p.alpha is not None:
            self.i_lost = _single(1.0 - p.alpha)
            passed = p.gain / np.maximum(p.alpha, 1e-30)
            self.passed = None if (passed == 1).all() else _single(passed)

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
            self.v = np.maximum(self.v - self.v_min, np.float32(0)) + self.v_min
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
        current = self.gain * x if self.has_gain else x
        if self.alpha is not None:
            current = self.i = self.alpha * self.i + current
        v = self.beta * self.v + current
        return v if self.bias is None else v + self.bias

    def _toward(self, x: Float32Array) -> Float32Array:
        return self.v + self.gain * ((x + self.v_leak) - self.v)

    def _toward_leak(self, x: Float32Array) -> Float32Array:
        current = x if self.alpha is None else self.i + x
        v = self.v + self.gain * ((self.v_leak - self.v) + current)
        if self.alpha is not None:
            self.i = current - self.i_lost * current
        return v

    def _divide(self, x: Float32Array) -> Float32Array:
        lacking: Float32Array = x - (self.v - self.v_reset)
        return self.v + lacking / self.tau

    def _leak_divide(self, x: Float32Array) -> Float32Array:
        return (self.v - (self.v - self.v_reset) / self.tau) + x

    def _scale(self, x: Float32Array) -> Float32Array:
        lacking: Float32Array = x - (self.v - self.v_reset)
        return self.v + lacking * self.gain

    def _leak_scale(self, x: Float32Array) -> Float32Array:
        return (self.v - (self.v - self.v_reset) * self.lost) + x

    def _current_first(self, x: Float32Array) -> Float32Array:
        assert self.alpha is not None
        self.i = (self.i + x) * self.alpha
        v = self.v * self.beta + (self.i if self.passed is None else self.passed * self.i)
        return v if self.bias is None else v + self.bias


def _single(values: FloatArray) -> Float32Array:
    return values.astype(np.float32)

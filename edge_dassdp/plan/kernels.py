"""Which kernel a projection or a population runs on, and why: generated code names the symbols of
kernels.h, reports the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge_dassdp.base.qformat import INT16_MAX, INT32_MAX
from edge_dassdp.plan.convolution import kernel_of
from edge_dassdp.qir import QNetwork, QPopulation, QProjection

Kind = Literal["matrix", "rows", "channels", "conv", "currents"]
"""How a source reaches weights: plan.routes."""


@dataclass(frozen=True)
class Kernel:
    """symbol: of kernels.h. reason: why this one, for people."""

    symbol: str
    reason: str


def byte_rows(weight_bits: int, is_packed: bool = False) -> int:
    """Rows of weights that a kernel may add up in byte lanes before it widens them: as many as
    keep a sum of biased weights in 8 bits. is_packed: two weights to a byte."""
    return 16 if is_packed else {4: 4, 5: 4, 6: 4, 7: 2}.get(weight_bits, 1)


def of_projection(network: QNetwork, q: QProjection, kind: Kind) -> Kernel:
    """What sums the rows of a projection, or scatters its kernel."""
    post = network.population(q.post)
    bits = post.analogue_bits if q.is_analogue else post.acc_bits
    often = f"analogue, {_how_often(network, q.post)}" if q.is_analogue else "event-driven"
    if kind in ("conv", "currents"):
        return Kernel(scatter(q, bits), f"{often}: {_travels(network, q)}")
    if q.is_analogue:
        return Kernel(f"dassdp_k_analogue_a{bits}",
                      f"analogue: int{bits} sums, {_how_often(network, q.post)}")
    bits = summed_bits(network, q)
    reason = _hears(q) if kind == "matrix" else f"{often}: {_travels(network, q)}"
    if q.weight_bits == 4:
        reason += "; two weights to a byte" if network.is_packed(q) else \
            "; a byte a weight, for errors flow back"
    return Kernel(f"dassdp_k_accumulate_{'p' if bits == 4 else 's'}{bits}", reason)


def summed_bits(network: QNetwork, q: QProjection) -> int:
    """Of the weights that its kernel for rows is for: 4 packed ones, up to 6, 7, 8, or 16."""
    return 4 if network.is_packed(q) else max(q.weight_bits, 6)


def scatter(q: QProjection, bits: int) -> str:
    """Symbol of what adds the taps of a kernel to sums of `bits` bits."""
    if q.weight_bits == 16:
        return "dassdp_k_scatter_s16"
    plain = "plain_" if q.conv is not None and q.conv.groups > 1 else ""
    return f"dassdp_k_scatter_{plain}a{bits}"


def scatter_run(q: QProjection, bits: int) -> str:
    """The same of what adds them for spikes of one run after another."""
    return scatter(q, bits).replace("scatter", "scatter_run")


def _travels(network: QNetwork, q: QProjection) -> str:
    """What happens to a spike on the way."""
    parts = []
    if q.delay is not None:
        low, high = int(q.delay.min()), int(q.delay.max())
        parts.append(f"delayed by {low}" + (f" to {high}" if high > low else "") + " steps")
    if not q.is_analogue and network.max_spikes(q.pre) > 1:
        parts.append(f"up to {network.max_spikes(q.pre)} spikes a neuron")
    if q.pool is not None:
        parts.append(f"{q.pool.kind} pool {q.pool.kernel[0]}x{q.pool.kernel[1]}")
    if q.conv is None:
        parts.append(f"rows of {q.n_post}")
    else:
        c_out, _, height, width = kernel_of(q).shape
        groups = f" in {q.conv.groups} groups" if q.conv.groups > 1 else ""
        parts.append(f"scatters {height}x{width}x{c_out}{groups}")
    if q.result_pool is not None:
        down, across = q.result_pool.kernel
        parts.append(f"the largest of {down}x{across} sums")
    return ", ".join(parts)


def _how_often(network: QNetwork, population: str) -> str:
    """One input with frames has all analogue sums of the population made anew."""
    frames = {i.name: i.n_frames for i in network.inputs}
    moves = any(frames[q.pre] > 1 for q in network.into(population) if q.is_analogue)
    return "in every step" if moves else "once a sample"


def _hears(q: QProjection) -> str:
    """Event-driven or dense, as `QProjection.is_dense` has it."""
    if q.activity is None:
        return "event-driven: activity not measured (no --data)"
    if q.is_dense:
        return (f"dense: {100 * q.activity:.0f} % active, silent rows are taken off the sum of all "
                "rows")
    rows = q.activity * q.n_pre
    text = f"event-driven: {rows:,.{0 if rows >= 10 else 1}f} of {q.n_pre:,} rows active a step"
    if q.activity <= 0.5:
        return text
    return text + ("; plastic, so there is no constant sum of all rows" if q.is_plastic
                   else "; too few rows to save by the sum of all")


def of_population(p: QPopulation, membrane_peak: int = INT32_MAX) -> Kernel:
    """What updates the neurons of a population; the reason says how membranes are kept.

    membrane_peak: the proven worst case, which tells int32 membranes that need be from others.
    """
    container = f"v{p.membrane_bits}_a{p.acc_bits}"
    if p.dynamics is not None:
        reset = "subtract_many" if p.max_spikes > 1 else p.reset
        lean = "" if not p.is_lean else "lean_" if p.dynamics.leak_i_q15 is None else "current_"
        return Kernel(f"dassdp_k_dynamics_{lean}{container}_{reset}", _keeps(p, membrane_peak))
    by_shift = "_shift" * (p.leak_shift > 0)
    kind = (f"pairs{by_shift}" if p.runs_in_pairs else
            f"lean{by_shift}_{container}" if p.is_lean else container)
    return Kernel(f"dassdp_k_neuron_{kind}_{p.reset}", _keeps(p, membrane_peak))


def _keeps(p: QPopulation, membrane_peak: int) -> str:
    if p.runs_in_pairs:
        return "int16 in pairs"
    if p.membrane_bits == 16:
        return f"int16: {', '.join(p.unpaired_because)}"
    if max(int(p.fire_at.max()), int(p.reset_by.max())) > INT16_MAX:
        return "int32: a threshold beyond int16"
    if not p.current_fits:
        return "int32: the current may leave int16"
    if p.reset == "none" and membrane_peak > INT16_MAX:
        return "int32: the membrane may leave int16"
    return "int32: as asked for"


def of_learning(q: QProjection, is_packed: bool) -> str:
    """Symbol of what writes the rows of a plastic projection."""
    kind = "p4" if is_packed else f"s{q.weight_bits if q.weight_bits >= 8 else 4}"
    return f"dassdp_k_learn_rows_{kind}"

"""What the emitted C branches on, feature by feature: coverage asks for all of them."""

from __future__ import annotations

from collections.abc import Iterator

from edge_dassdp.qir import QNetwork, QPopulation, QProjection
from edge_dassdp.rules.sync import QSyncRule

Feature = tuple[object, ...]


def features(network: QNetwork) -> Iterator[Feature]:
    """What the C code branches on."""
    for p in network.populations:
        if p.name == network.readout:
            yield "readout", network.readout_kind, p.reset
        yield "reset", p.reset
        yield "kernel", p.membrane_bits, p.acc_bits
        yield "membrane", p.membrane_bits, p.reset
        yield "records", p.records
        yield "lshift", p.acc_lshift > 0
        yield "rshift", p.acc_rshift > 0
        yield "leak", "shift" if p.leak_shift else "each" if p.leak_q15.size > 1 else "one"
        yield "threshold", "each" if p.fire_at.size > 1 else "one"
        yield "saturates", p.saturates
        yield "pairs", p.runs_in_pairs, p.reset
        if p.is_lean and not p.runs_in_pairs:
            yield "lean", p.membrane_bits, p.acc_bits
            yield "lean", ("a leak each" if p.leak_q15.size > 1 else
                           "a threshold each" if p.fire_at.size > 1 else "shared")
        if p.leak_shift and (p.is_lean or p.runs_in_pairs):
            yield "pairs" if p.runs_in_pairs else "lean", "a shift"
        yield "pairs saturate", p.runs_in_pairs and p.saturates
        yield "analogue", p.analogue_bias is not None and p.analogue_bits
        yield "padded", p.size % 8 != 0
        yield "mixed inputs", p.analogue_bias is not None and any(
            not q.is_analogue for q in network.into(p.name))
        yield from dynamics(p)
    for i in network.inputs:
        yield "input", i.encoder.kind if i.encoder else "events" if i.n_events else "frames"
    places = {p.name: index for index, p in enumerate(network.populations)}
    for q in network.projections:
        post = network.population(q.post)
        yield from wiring(q, post.analogue_bits if q.is_analogue else post.acc_bits)
        if q.delay is not None:
            back = q.pre in places and places[q.pre] >= places[q.post]
            yield "delay", "input" if q.pre not in places else "back" if back else "forward"
        yield "bits", q.weight_bits, q.is_plastic, network.is_packed(q)
        if not q.is_analogue:
            wide = network.population(q.post).acc_bits
            yield "dense", q.is_dense, wide
            yield "dense rows of 16 bits", q.is_dense and q.weight_bits == 16
            yield "rows beyond a list", q.n_pre > 192, wide
            yield "spikes from input", q.pre in {i.name for i in network.inputs}, q.weight_bits
        yield "gain", q.feedback_gain_q14 < 1 << 14
        yield "rule", type(q.rule).__name__, q.weight_bits == 16
        if isinstance(q.rule, QSyncRule):
            yield ("sync rule", q.rule.is_gated, q.rule.repeat_loss, network.n_batch > 1,
                   q.post == network.readout)
    yield "frames", any(i.n_frames > 1 for i in network.inputs)
    yield "field bits", network.field_bits
    yield "learns", bool(network.plastic)
    yield "values", network.values is not None
    yield "steps by misses", network.error_step is not None
    yield "gate", network.cusum is not None and network.cusum.closes, network.cusum is None


def dynamics(p: QPopulation) -> Iterator[Feature]:
    """What neurons.c of rich neurons branches on."""
    d = p.dynamics
    if d is None:
        return
    yield "rich", p.reset, p.membrane_bits
    yield "synapse", "none" if d.leak_i_q15 is None else "each" if d.leak_i_q15.size > 1 else "one"
    yield "several spikes", d.max_spikes > 1
    for name in ("v_bias", "v_init"):
        yield name, "each" if getattr(d, name).size > 1 else bool(getattr(d, name).any())
    yield "v_min", d.v_min is not None
    yield "rich kernel", ("each" if not p.is_lean else
                          "lean" if d.leak_i_q15 is None else "current")
    yield "stays", p.stays


def wiring(q: QProjection, acc_bits: int) -> Iterator[Feature]:
    """How a projection is delivered."""
    if q.conv is not None:
        kind = "pointwise" if q.w.ndim == 2 else "groups" if q.conv.groups > 1 else "kernel"
        yield "convolution", kind, q.is_analogue
        yield "convolution sums", acc_bits
        yield "dilation", q.conv.dilation != (1, 1)
        yield "stride", q.conv.stride != (1, 1)
    if q.result_pool is not None:
        yield "largest sums", q.is_analogue, acc_bits
    if q.pool is not None:
        yield "pool", q.pool.kind, q.conv is not None
        yield "windows overlap", q.pool.kernel != q.pool.stride
        yield "analogue pool", q.is_analogue
    if q.delay is not None:
        yield "delays", "each" if q.delay.size > 1 else "one"

"""Tables of what spikes on their way pass through: inputs, coders, dynamics, paths."""

from __future__ import annotations

import numpy as np

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import Encoder, Input
from edge_dassdp.ir.geometry import Volume, size, volume
from edge_dassdp.plan import kernels
from edge_dassdp.plan.convolution import Axis, ConvTables, Divisor, Taps, divisor
from edge_dassdp.plan.layout import Layout
from edge_dassdp.plan.routes import Lags, history
from edge_dassdp.qir import QPopulation, QProjection, frame_bytes
from edge_dassdp.qir.order import result_volume
from edge_dassdp.qir.packing import columns, words
from edge_dassdp.qir.samples import encode_codes
from edge_dassdp.qir.tables import Array, Rows, Table, Value

Fields = tuple[tuple[str, Value], ...]
_DELIVER: dict[str, str | None] = {
    "rows": "dassdp_deliver_rows", "channels": "dassdp_deliver_channels",
    "conv": "dassdp_deliver_conv", "currents": None}
_HAS_ZERO = "dassdp_k_scatter_a16"
"""The kernel that names what its sums are of which nothing is added (kernels.h)."""
_ENCODE = {"latency": "dassdp_encode_latency", "rate": "dassdp_encode_rate",
           "delta": "dassdp_encode_delta"}


def input_fields(layout: Layout, source: Input) -> Fields:
    """dassdp_input_t: spikes made on the device are found from the sample on, too."""
    if source.is_coded:
        from_sample = layout.offset(f"coded_{source.name}") - layout.scratch_offset("x")
        return (("frame_bytes", 4 * words(source.size)), ("n_frames", 1),
                ("x_off", f"{from_sample % 2**32}u"))
    bytes_on = 0 if layout.network.keeps_frame else frame_bytes(source)  # each in the same place
    return (("frame_bytes", bytes_on), ("n_frames", source.n_frames),
            ("x_off", layout.network.x_offsets[source.name]),
            ("tail_bits", f"{tail_bits(source):#x}u"))


def tail_bits(source: Input) -> int:
    """Those of the last word of a frame of spikes that stand for neurons, 0 where all do."""
    is_packed = source.spikes and not source.is_coded
    return (1 << source.size % 32) - 1 if is_packed else 0


def coding(layout: Layout) -> Table | None:
    """dassdp_coding_t."""
    rows = tuple(_coder(layout, i) for i in layout.network.inputs if i.is_coded)
    if not rows or layout.network.keeps_frame:  # events become spikes as they arrive
        return None
    return Table("dassdp_coding_t", "coding", (
        ("encode_all", "dassdp_encode"), ("coders", Rows("dassdp_coder_t", "coders", rows)),
        ("n_coders", len(rows))))


def streaming(layout: Layout) -> Table | None:
    """dassdp_streaming_t."""
    network, source = layout.network, layout.network.inputs[0]
    if not network.hop:
        return None
    listed = 2 * (network.n_steps + source.n_events) if source.n_events else network.code_bytes
    return Table("dassdp_streaming_t", "streaming", (
        ("least_hop", network.hop), ("n_slots", network.n_windows),
        ("frame_bytes", 0 if source.n_events else frame_bytes(source)),
        ("piece_bytes", 0 if network.sensor is None else network.sensor.n_channels),
        ("n_neurons", source.size if source.n_events else 0),
        ("has_values", int(not source.spikes)), ("keeps_one", int(network.keeps_frame)),
        ("sample_bytes", network.code_bytes), ("listed_bytes", listed),
        ("state_off", layout.offset("stream")), ("sums_off", layout.offset("stream_sums")),
        ("spk_off", layout.offset(f"coded_{source.name}")),
        ("multi_off", layout.offset(f"multi_{source.name}"))))


def _coder(layout: Layout, i: Input) -> Fields:
    network, steps = layout.network, None
    if i.encoder and i.encoder.kind == "latency":
        steps = Array("uint16_t", f"latency_steps_{i.name}", _latency_steps(network.n_steps))
    return (
        ("encode", _ENCODE[i.encoder.kind] if i.encoder else "dassdp_encode_events"),
        ("x_off", network.x_offsets[i.name]), ("n_neurons", i.size), ("n_raw", i.n_raw),
        ("n_listed", i.n_frames + i.n_events if i.n_events else 0),
        ("seed", f"{i.encoder.seed if i.encoder else 0}u"),
        ("step", i.encoder.step if i.encoder else 0),
        ("n_channels", volume(i.raw_shape)[0]), ("table", steps),
        ("spk_off", layout.offset(f"coded_{i.name}")),
        ("multi_off", layout.offset(f"multi_{i.name}")),
        ("coder_off", layout.offset(f"coder_{i.name}")),
        ("history_off", layout.offset(f"history_{i.name}")),
        ("n_history", history(network, layout.routes, i.name)),
    )


def _latency_steps(n_steps: int) -> IntArray:
    """Step of the spike of codes 0 to 127, 65535 where there is none."""
    codes = np.arange(128)
    source = Input("codes", codes.size, spikes=True, encoder=Encoder("latency"))
    spikes = encode_codes(source, codes[None, None], n_steps)[0]
    return np.where(spikes.any(axis=0), spikes.argmax(axis=0), 0xFFFF)


def dynamics(layout: Layout, p: QPopulation) -> Table | None:
    """dassdp_dynamics_t."""
    if p.dynamics is None and not p.n_history:
        return None
    kind = "history" if p.dynamics is None else "dynamics"
    return Table("dassdp_dynamics_t", f"dynamics_{p.name}", (
        ("rest", f"dassdp_{kind}_rest"),
        ("remember", "dassdp_history_remember"), ("digest", f"dassdp_{kind}_digest"),
        *(_constants(p) if p.dynamics is not None else ()),
        ("n_history", p.n_history), ("i_off", layout.offset(f"i_{p.name}")),
        ("multi_off", layout.offset(f"multi_{p.name}")),
        ("history_off", layout.offset(f"history_{p.name}")),
    ))


def _constants(p: QPopulation) -> Fields:
    d = p.dynamics
    assert d is not None
    fields: list[tuple[str, Value]] = [
        ("neurons", kernels.of_population(p).symbol),
        ("i_frac_bits", d.i_frac_bits), ("max_spikes", d.max_spikes)]
    for term in p.terms:
        fields.append((term.name, None if term.values is None else
                       Array(term.ctype, f"{term.name}_{p.name}", term.values)))
        fields.append(term.stride)
    return tuple(fields)


def path(layout: Layout, q: QProjection) -> Table | None:
    """dassdp_path_t; None where there is nothing between bits and matrix."""
    route, source = layout.routes[q.name], q.volume
    if not route.has_path:
        return None
    is_max = q.pool is not None and q.pool.kind == "max"
    pool = None if route.pool is None else _pool(q, route.pool)
    pool_max = "dassdp_pool_max_numbers" if route.counts else "dassdp_pool_max_bits"
    return Table("dassdp_path_t", f"path_{q.name}", (
        ("deliver", _DELIVER[route.kind] if q.result_pool is None or q.is_analogue
         else "dassdp_deliver_largest"),
        ("delayed", None if route.delay is None else
         "dassdp_delayed_row" if len(route.delay.steps) == 1 else "dassdp_delayed_each"),
        ("pool_max", pool_max if is_max else None),
        ("delay", None if route.delay is None else _delay(layout, q, route.delay)),
        ("max_pool", pool if is_max else None), ("sum_pool", None if is_max else pool),
        ("conv", None if route.conv is None else _conv(layout, q, route.conv)),
        ("n_source", size(source)),
        ("n_pooled", size(route.pooled) if is_max else size(source)),
        ("multi_off", layout.offset(f"multi_{q.pre}") if route.counts else -1),
        *((f"{part}_off", max(0, layout.scratch_offset(part)))
          for part in ("events", "pooled", "numbers")),
        *((("largest", _largest(layout, q)),) if q.result_pool is not None else ()),
    ))


def _divisor(d: Divisor) -> str:
    return f"{{ {d.factor}u, {d.addend}u, {d.shift} }}"


def _volume(shape: Volume) -> str:
    n = size(shape)
    return (f"{{ {shape[0]}, {shape[2]}, {_divisor(divisor(shape[0], n))}, "
            f"{_divisor(divisor(shape[2], n))} }}")


def _axis(a: Axis) -> str:
    return f"{{ {a.kernel}, {a.stride}, {a.padding}, {a.n_out}, {_divisor(a.by_stride)} }}"


def _pool(q: QProjection, axes: tuple[Axis, Axis]) -> Table:
    return Table("dassdp_pool_t", f"pool_{q.name}", (
        ("source", _volume(q.volume)), ("y", _axis(axes[0])), ("x", _axis(axes[1]))))


def _largest(layout: Layout, q: QProjection) -> Table:
    """dassdp_largest_t."""
    pool = q.result_pool
    assert pool is not None
    post, (n_channels, *sizes) = layout.network.population(q.post), result_volume(q)
    y, x = (f"{{ {', '.join(map(str, axis))} }}" for axis in zip(
        sizes, post.shape[1:], pool.kernel, pool.stride, pool.padding, pool.dilation, strict=True))
    from_sums = layout.scratch_offset("whole") - layout.scratch_offset("sums")
    return Table("dassdp_largest_t", f"largest_{q.name}", (
        ("y", y), ("x", x), ("n_channels", post.shape[0]), ("result_channels", n_channels),
        ("n_columns", columns(post.size)), ("from_sums", from_sums)))


def _delay(layout: Layout, q: QProjection, delay: Lags) -> Table:
    network = layout.network
    depths = {p.name: p.n_history for p in network.populations} | {
        i.name: history(network, layout.routes, i.name) for i in network.inputs if i.is_coded}
    return Table("dassdp_delay_t", f"delay_{q.name}", (
        ("n_lags", len(delay.steps)), ("n_history", depths.get(q.pre, 0)),
        ("history_off", layout.offset(f"history_{q.pre}")),
        ("words_off", max(0, layout.scratch_offset("delayed"))),
        ("lags", Array("uint16_t", f"lags_{q.name}", np.array(delay.steps))),
        ("masks", Array("uint32_t", f"masks_{q.name}", delay.masks) if delay.masks.size
         else None)))


def _conv(layout: Layout, q: QProjection, made: ConvTables) -> Table:
    post = layout.network.population(q.post)
    bits = post.analogue_bits if q.is_analogue else post.acc_bits
    symbol = None if layout.routes[q.name].kind == "channels" else kernels.scatter(q, bits)
    dilation = q.conv.dilation if q.conv is not None else (1, 1)
    groups = made.group_channels
    has_runs = (layout.routes[q.name].kind == "conv" and max(dilation) == 1 and groups <= 1
                and made.x.stride == 1 and (q.pool is None or q.pool.kind == "max"))
    by_group = divisor(groups, made.source[0]) if groups else Divisor(1, 0, 0)
    return Table("dassdp_conv_t", f"conv_{q.name}", (
        ("source", _volume(made.source)), ("y", _axis(made.y)), ("x", _axis(made.x)),
        ("out_channels", made.out_channels), ("channel_bytes", made.channel_bytes),
        ("row_bytes", made.row_bytes), ("tap_bytes", made.tap_bytes),
        ("tap_columns", made.tap_columns),
        ("group_channels", groups), ("by_group", _divisor(by_group)),
        ("n_down", len(made.down)), ("n_across", len(made.across)),
        ("down", _taps(f"down_{q.name}", made.down)),
        ("across", _taps(f"across_{q.name}", made.across)),
        ("scatter", symbol), ("scatter_run", kernels.scatter_run(q, bits) if has_runs else None),
        ("zero", "&dassdp_k_scatter_a16_zero" if symbol == _HAS_ZERO else None),
        ("acc_shift", 2 if bits == 32 else 1), ("is_dilated", int(max(dilation) > 1))))


def _taps(name: str, taps: tuple[Taps, ...]) -> Rows:
    """dassdp_taps_t, by position."""
    return Rows("dassdp_taps_t", name, tuple(
        (("", t.phase), ("", t.first), ("", t.n_taps), ("", t.quotient)) for t in taps))

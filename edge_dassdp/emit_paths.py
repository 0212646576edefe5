"""Fields of the structs that spikes on their way pass through: paths, coders, dynamics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from edge_dassdp import kernels, paths
from edge_dassdp.encoders import encode_codes
from edge_dassdp.ir import Encoder, Input
from edge_dassdp.packing import words
from edge_dassdp.plan import Layout
from edge_dassdp.qformat import IntArray
from edge_dassdp.qir import QNetwork, QPopulation, QProjection, frame_bytes
from edge_dassdp.wiring import Pool, Volume, size, volume

Fields = list[tuple[str, Any]]
_DELIVER = {"rows": "dassdp_deliver_rows", "channels": "dassdp_deliver_channels",
            "conv": "dassdp_deliver_conv", "currents": "0"}
_HAS_ZERO = "dassdp_k_scatter_a16"
"""The kernel that names what its sums are of which nothing is added (kernels.h)."""
_ENCODE = {"latency": "dassdp_encode_latency", "rate": "dassdp_encode_rate",
           "delta": "dassdp_encode_delta"}


class Texts(Protocol):
    """What gathers constants (emit.py)."""

    def array(self, ctype: str, name: str, values: Iterable[int]) -> str: ...

    def rule(self, ctype: str, name: str, fields: Fields) -> str: ...

    def table(self, ctype: str, name: str, rows: Iterable[str]) -> str: ...


def is_coded(source: Input) -> bool:
    """Its spikes are made on the device."""
    return source.n_events > 0 or source.encoder is not None


def input_fields(network: QNetwork, layout: Layout, source: Input) -> Fields:
    """dassdp_input_t: spikes made on the device are found from the sample on, too."""
    if is_coded(source):
        from_sample = layout.offset(f"coded_{source.name}") - layout.scratch_offset("x")
        return [("frame_bytes", 4 * words(source.size)), ("n_frames", 1),
                ("x_off", f"{from_sample % 2**32}u")]
    return [("frame_bytes", frame_bytes(source)), ("n_frames", source.n_frames),
            ("x_off", network.x_offsets[source.name]), ("tail_bits", f"{tail_bits(source):#x}u")]


def tail_bits(source: Input) -> int:
    """Those of the last word of a frame of spikes that stand for neurons, 0 where all do."""
    is_packed = source.spikes and not is_coded(source)
    return (1 << source.size % 32) - 1 if is_packed else 0


def coding(network: QNetwork, layout: Layout, texts: Texts) -> str:
    """Address of dassdp_coding_t, or 0."""
    coded = [i for i in network.inputs if is_coded(i)]
    if not coded:
        return "0"
    rows = [", ".join(f".{name} = {value}" for name, value in
                      _coder(network, layout, texts, i)) for i in coded]
    return texts.rule("dassdp_coding_t", "coding", [
        ("encode_all", "dassdp_encode"), ("coders", texts.table("dassdp_coder_t", "coders", rows)),
        ("n_coders", len(coded))])


def _coder(network: QNetwork, layout: Layout, texts: Texts, i: Input) -> Fields:
    steps = "0"
    if i.encoder and i.encoder.kind == "latency":
        steps = texts.array("uint16_t", f"latency_steps_{i.name}",
                            _latency_steps(network.n_steps))
    return [
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
        ("n_history", paths.input_history(network, i.name)),
    ]


def _latency_steps(n_steps: int) -> IntArray:
    """Step of the spike of codes 0 to 127, 65535 where there is none."""
    codes = np.arange(128)
    source = Input("codes", codes.size, spikes=True, encoder=Encoder("latency"))
    spikes = encode_codes(source, codes[None, None], n_steps)[0]
    return np.where(spikes.any(axis=0), spikes.argmax(axis=0), 0xFFFF)


def dynamics(layout: Layout, texts: Texts, p: QPopulation) -> str:
    """Address of dassdp_dynamics_t, or 0."""
    if p.dynamics is None and not p.n_history:
        return "0"
    kind = "history" if p.dynamics is None else "dynamics"
    return texts.rule("dassdp_dynamics_t", f"dynamics_{p.name}", [
        ("step", f"dassdp_{kind}_step"), ("rest", f"dassdp_{kind}_rest"),
        ("remember", "dassdp_history_remember"), ("digest", f"dassdp_{kind}_digest"),
        *(_constants(texts, p) if p.dynamics is not None else []),
        ("n_history", p.n_history), ("i_off", layout.offset(f"i_{p.name}")),
        ("multi_off", layout.offset(f"multi_{p.name}")),
        ("history_off", layout.offset(f"history_{p.name}")),
    ])


def _constants(texts: Texts, p: QPopulation) -> Fields:
    d, ctype = p.dynamics, f"int{p.membrane_bits}_t"
    assert d is not None
    fields: Fields = [("neurons", kernels.of_population(p).symbol),
                      ("i_frac_bits", d.i_frac_bits), ("max_spikes", d.max_spikes)]
    arrays: tuple[tuple[str, str, IntArray | None], ...] = (
        ("leak_i_q15", "uint16_t", d.leak_i_q15), ("v_bias", ctype, d.v_bias),
        ("v_init", ctype, d.v_init), ("v_min", ctype, d.v_min))
    for name, of, values in arrays:
        fields.append((name, "0" if values is None else
                       texts.array(of, f"{name}_{p.name}", values)))
        stride = "leak_i_stride" if name == "leak_i_q15" else f"{name}_stride"
        fields.append((stride, int(values is not None and values.size > 1)))
    return fields


def path(network: QNetwork, layout: Layout, texts: Texts, q: QProjection) -> str:
    """Address of dassdp_path_t, or 0."""
    if not paths.needs_path(network, q):
        return "0"
    kind, source = paths.kind(q), q.volume
    multi = not q.is_analogue and network.max_spikes(q.pre) > 1
    is_max = q.pool is not None and q.pool.kind == "max"
    pool = "0" if q.pool is None else _pool(texts, q.name, q.pool, source)
    pool_max = "dassdp_pool_max_numbers" if multi else "dassdp_pool_max_bits"
    return texts.rule("dassdp_path_t", f"path_{q.name}", [
        ("deliver", _DELIVER[kind]),
        ("delayed", "0" if q.delay is None else
         "dassdp_delayed_row" if len(set(q.delay.tolist())) == 1 else "dassdp_delayed_each"),
        ("pool_max", pool_max if is_max else "0"),
        ("delay", "0" if q.delay is None else _delay(network, layout, texts, q)),
        ("max_pool", pool if is_max else "0"), ("sum_pool", "0" if is_max else pool),
        ("conv", "0" if kind == "rows" else _conv(network, texts, q)),
        ("n_source", size(source)),
        ("n_pooled", size(paths.pooled_volume(q)) if is_max else size(source)),
        ("multi_off", layout.offset(f"multi_{q.pre}") if multi else -1),
        *((f"{part}_off", max(0, layout.scratch_offset(part)))
          for part in ("events", "pooled", "numbers")),
    ])


def _divisor(d: paths.Divisor) -> str:
    return f"{{ {d.factor}u, {d.addend}u, {d.shift} }}"


def _volume(shape: Volume) -> str:
    n = size(shape)
    return (f"{{ {shape[0]}, {shape[2]}, {_divisor(paths.divisor(shape[0], n))}, "
            f"{_divisor(paths.divisor(shape[2], n))} }}")


def _axis(a: paths.Axis) -> str:
    return f"{{ {a.kernel}, {a.stride}, {a.padding}, {a.n_out}, {_divisor(a.by_stride)} }}"


def _pool(texts: Texts, name: str, pool: Pool, source: Volume) -> str:
    y, x = paths.pool_axes(pool, source)
    return texts.rule("dassdp_pool_t", f"pool_{name}", [
        ("source", _volume(source)), ("y", _axis(y)), ("x", _axis(x))])


def _delay(network: QNetwork, layout: Layout, texts: Texts, q: QProjection) -> str:
    steps, masks = paths.delay_masks(paths.lags(network, q), size(q.volume))
    populations = {p.name: p.n_history for p in network.populations}
    depth = populations.get(q.pre, paths.input_history(network, q.pre))
    coded = {i.name for i in network.inputs if is_coded(i)}
    is_kept = q.pre in populations or q.pre in coded
    return texts.rule("dassdp_delay_t", f"delay_{q.name}", [
        ("n_lags", len(steps)), ("n_history", depth if is_kept else 0),
        ("history_off", layout.offset(f"history_{q.pre}")),
        ("words_off", max(0, layout.scratch_offset("delayed"))),
        ("lags", texts.array("uint16_t", f"lags_{q.name}", steps)),
        ("masks", texts.array("uint32_t", f"masks_{q.name}", masks) if masks.size else "0")])


def _conv(network: QNetwork, texts: Texts, q: QProjection) -> str:
    made = paths.conv_tables(network, q)
    post = network.population(q.post)
    bits = post.analogue_bits if q.is_analogue else post.acc_bits
    symbol = kernels.scatter(q, bits) if paths.kind(q) != "channels" else "0"
    dilation = q.conv.dilation if q.conv is not None else (1, 1)

    def taps(name: str, rows: tuple[paths.Taps, ...]) -> str:
        return texts.table("dassdp_taps_t", f"{name}_{q.name}", (
            f"{t.phase}, {t.first}, {t.n_taps}, {t.quotient}" for t in rows))

    groups = made.group_channels
    by_group = paths.divisor(groups, made.source[0]) if groups else paths.Divisor(1, 0, 0)
    return texts.rule("dassdp_conv_t", f"conv_{q.name}", [
        ("source", _volume(made.source)), ("y", _axis(made.y)), ("x", _axis(made.x)),
        ("out_channels", made.out_channels), ("channel_bytes", made.channel_bytes),
        ("row_bytes", made.row_bytes), ("tap_bytes", made.tap_bytes),
        ("tap_columns", made.tap_columns),
        ("group_channels", groups), ("by_group", _divisor(by_group)),
        ("n_down", len(made.down)), ("n_across", len(made.across)),
        ("down", taps("down", made.down)), ("across", taps("across", made.across)),
        ("scatter", symbol), ("zero", "&dassdp_k_scatter_a16_zero" if symbol == _HAS_ZERO else "0"),
        ("acc_shift", 2 if bits == 32 else 1), ("is_dilated", int(max(dilation) > 1))])


def image(network: QNetwork, texts: Texts, q: QProjection) -> str | None:
    """The array of a scattered kernel; None where the image is one of rows."""
    if not paths.needs_path(network, q) or paths.kind(q) not in ("conv", "currents"):
        return None
    made = paths.conv_tables(network, q).image
    return texts.array(f"{made.dtype}_t", f"w_{q.name}", np.asarray(made, np.int64))

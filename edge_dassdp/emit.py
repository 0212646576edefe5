"""The quantized network as C text: constant tables and the state struct. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edge_dassdp import assets, kernels, protocol
from edge_dassdp.packing import columns, pack_weights, row_bytes
from edge_dassdp.plan import ROWS_MAX, Layout
from edge_dassdp.qformat import IntArray
from edge_dassdp.qir import (
    QErrorRule,
    QNetwork,
    QPopulation,
    QProjection,
    QSyncRule,
    frame_bytes,
)

ABI = 2
_RECORDS = {"none": "DASSDP_RECORD_NONE", "first": "DASSDP_RECORD_FIRST",
            "last": "DASSDP_RECORD_LAST"}
Fields = list[tuple[str, Any]]


@dataclass(frozen=True)
class _Array:
    ctype: str
    name: str
    count: int
    lines: list[str]


@dataclass
class _Texts:
    """What the templates print, gathered in order."""

    arrays: list[_Array] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)

    def array(self, ctype: str, name: str, values: Iterable[int]) -> str:
        """Add a constant array; returns its name."""
        numbers = [str(int(v)) for v in values]
        lines = [", ".join(numbers[i : i + 16]) + "," for i in range(0, len(numbers), 16)]
        self.arrays.append(_Array(ctype, name, len(numbers), lines))
        return name

    def rule(self, ctype: str, name: str, fields: Fields) -> str:
        """Add a rule's constants; returns their address."""
        self.rules.append({"ctype": ctype, "name": name, "fields": fields})
        return f"&{name}"


def emit(network: QNetwork) -> dict[str, str]:
    """{file name: text} of a model: dassdp_model.h, dassdp_model.c and dassdp_messages.h."""
    layout = Layout(network)
    texts = _Texts()
    populations = [{"name": p.name, "fields": _population(network, layout, texts, p)}
                   for p in network.populations]
    projections = [{"name": p.name, "fields": _projection(network, layout, texts, p)}
                   for p in network.projections]
    inputs = [{"name": i.name, "frame_bytes": frame_bytes(i), "n_frames": i.n_frames,
               "x_off": network.x_offsets[i.name]} for i in network.inputs]
    header = assets.render(
        "dassdp_model.h.j2", sha256=network.sha256, abi=ABI, fields=layout.fields,
        state_bytes=layout.state_bytes,
        buffers=protocol.link_buffer_bytes(network.x_bytes, network.n_classes))
    code = assets.render(
        "dassdp_model.c.j2", sha256=network.sha256, hash=list(bytes.fromhex(network.sha256)),
        arrays=texts.arrays, rules=texts.rules, inputs=inputs, populations=populations,
        projections=projections, model=_model(network, layout), rows_max=ROWS_MAX,
        column_align=columns(1))
    return {"dassdp_model.h": header, "dassdp_model.c": code,
            "dassdp_messages.h": protocol.messages_header()}


def _model(network: QNetwork, layout: Layout) -> Fields:
    scratch = layout.offset("scratch")
    names = [p.name for p in network.populations]
    kind = {"spike_count": "DASSDP_READOUT_SPIKE_COUNT",
            "membrane_sum": "DASSDP_READOUT_MEMBRANE_SUM"}[network.readout_kind]
    return [
        ("state_bytes", layout.state_bytes),
        ("n_inputs", len(network.inputs)), ("n_populations", len(names)),
        ("n_projections", len(network.projections)), ("n_steps", network.n_steps),
        ("n_batch", network.n_batch), ("readout", names.index(network.readout)),
        ("n_classes", network.n_classes), ("readout_kind", kind),
        ("field_bits", network.field_bits), ("softmax_shift", network.softmax_shift),
        ("learns", int(bool(network.plastic))), ("skip_below_q8", network.skip_below_q8),
        ("softmax_scale", network.softmax_scale), ("softmax_limit", network.softmax_limit),
        ("seed", f"{network.seed}u"), ("x_bytes", network.x_bytes),
        ("x_off", layout.offset("x")),
        ("rows_off", scratch + layout.scratch.rows), ("sums_off", scratch + layout.scratch.sums),
        ("part_off", scratch + layout.scratch.part), ("words_off", scratch + layout.scratch.words),
        ("row_off", scratch + layout.scratch.row),
        ("classes_off", scratch + layout.scratch.classes),
        ("bytes_off", scratch + layout.scratch.bytes_),
        ("gates_off", scratch + layout.scratch.gates),
        ("progress_off", layout.offset("progress")),
        ("learning_off", layout.offset("learning")), ("loss_off", layout.offset("losses")),
        ("persist_begin", layout.persist_begin), ("persist_end", layout.persist_end),
    ]


def _population(network: QNetwork, layout: Layout, texts: _Texts, p: QPopulation) -> Fields:
    order = [q.post for q in network.projections]
    begin = order.index(p.name)
    wide = p.membrane_bits == 32
    membrane = "int32_t" if wide else "int16_t"
    sums = p.name == network.readout
    analogue = p.analogue_bias is not None
    return [
        ("n_neurons", p.size),
        ("acc_lshift", p.acc_lshift), ("acc_rshift", p.acc_rshift),
        ("analogue_rshift", p.analogue_rshift),
        ("leak_shift", p.leak_shift), ("leak_stride", int(p.leak_q15.size > 1)),
        ("fire_stride", int(p.fire_at.size > 1)),
        ("v_is_wide", int(wide)), ("acc_is_wide", int(p.acc_bits == 32)),
        ("analogue_is_wide", int(p.analogue_bits == 32)),
        ("records", _RECORDS[p.records]), ("records_membrane", int(p.records_membrane)),
        ("projection_begin", begin), ("projection_end", begin + order.count(p.name)),
        ("leak_q15", texts.array("uint16_t", f"leak_q15_{p.name}", p.leak_q15)),
        ("fire_at", texts.array(membrane, f"fire_at_{p.name}", p.fire_at)),
        ("reset_by", texts.array(membrane, f"reset_by_{p.name}", p.reset_by)),
        ("base", "0" if analogue else texts.array(membrane, f"bias_{p.name}", _padded(p.bias))),
        ("analogue_bias", "0" if p.analogue_bias is None else
         texts.array("int32_t", f"analogue_bias_{p.name}", p.analogue_bias)),
        ("v_off", layout.offset(f"v_{p.name}")), ("spk_off", layout.offset(f"spk_{p.name}")),
        ("base_off", layout.offset(f"base_{p.name}")),
        ("sum_off", layout.offset("logits") if sums else -1),
        ("latency_off", layout.offset(f"latency_{p.name}")),
        ("count_off", layout.offset(f"count_{p.name}")),
        ("error_off", layout.offset(f"error_{p.name}")),
        ("update", kernels.of_population(p).symbol),
    ]


def _projection(network: QNetwork, layout: Layout, texts: _Texts, p: QProjection) -> Fields:
    inputs = [i.name for i in network.inputs]
    posts = [q.name for q in network.populations]
    from_input = p.pre in inputs
    kernel = kernels.of_projection(network, p)
    image = pack_weights(p.w, p.weight_bits)
    if p.weight_bits == 16:
        words = [int.from_bytes(image[i : i + 2], "little", signed=True)
                 for i in range(0, len(image), 2)]
        factory = texts.array("int16_t", f"w_{p.name}", words)
    else:
        factory = texts.array("uint8_t", f"w_{p.name}", image)
    return [
        ("pre", (inputs if from_input else posts).index(p.pre)), ("post", posts.index(p.post)),
        ("is_analogue", int(p.is_analogue)), ("from_input", int(from_input)),
        ("weight_bits", p.weight_bits),
        ("n_pre", p.n_pre), ("n_post", p.n_post),
        ("row_bytes", row_bytes(p.n_post, p.weight_bits)),
        ("feedback_rshift", p.feedback_rshift), ("feedback_gain_q14", p.feedback_gain_q14),
        ("factory", factory), ("image_off", layout.offset(f"w_{p.name}")),
        ("totals", texts.array("int32_t", f"totals_{p.name}", _padded(p.w.sum(axis=0)))
         if p.is_dense else "0"),
        ("accumulate", "0" if p.is_analogue else kernel.symbol),
        ("analogue", kernel.symbol if p.is_analogue else "0"),
        ("learn_rows", kernels.of_learning(p) if p.is_plastic else "0"),
        *_rule(layout, texts, p),
    ]


def _padded(values: IntArray) -> IntArray:
    """With zeros behind, as kernels read it."""
    return np.pad(values, (0, columns(values.size) - values.size))


def _rule(layout: Layout, texts: _Texts, p: QProjection) -> Fields:
    if isinstance(p.rule, QErrorRule):
        g_q7 = "0" if p.rule.g_q7 is None else texts.array("uint8_t", f"g_q7_{p.name}", p.rule.g_q7)
        address = texts.rule("dassdp_error_rule_t", f"rule_{p.name}", [
            ("amplitude", p.rule.amplitude), ("r_max", p.rule.r_max), ("k_max", p.rule.k_max),
            ("k_rshift", p.rule.k_rshift), ("row_rshift", p.rule.row_rshift), ("g_q7", g_q7)])
        return [("rule", "dassdp_rule_error"), ("error_rule", address), ("sync_rule", "0")]
    if isinstance(p.rule, QSyncRule):
        address = texts.rule("dassdp_sync_rule_t", f"rule_{p.name}", [
            ("delta", texts.array("int32_t", f"delta_{p.name}", p.rule.delta.ravel())),
            ("delta_rshift", p.rule.delta_rshift), ("is_gated", int(p.rule.is_gated)),
            ("silent_step", p.rule.silent_step), ("repeat_loss", int(p.rule.repeat_loss)),
            ("sync_rshift", p.rule.sync_rshift),
            ("stats_off", layout.offset(f"gate_{p.name}")), ("gate", "&dassdp_gate")])
        return [("rule", "dassdp_rule_sync"), ("error_rule", "0"), ("sync_rule", address)]
    return [("rule", "0"), ("error_rule", "0"), ("sync_rule", "0")]

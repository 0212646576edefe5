"""The quantized network as C text: constant tables and the state struct. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edge_dassdp.base import assets
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.emit import paths as emit_paths
from edge_dassdp.plan import kernels, paths
from edge_dassdp.plan.layout import Layout
from edge_dassdp.plan.ruled import rule_fields
from edge_dassdp.plan.scratch import ROWS_MAX
from edge_dassdp.qir import QNetwork, QPopulation, QProjection
from edge_dassdp.qir.packing import columns, pack_weights, row_bytes
from edge_dassdp.qir.stored import pack, stored_words
from edge_dassdp.qir.tables import Array, Table, pointed_to, printed
from edge_dassdp.wire import frames

ABI = 4
_RECORDS = {"none": "DASSDP_RECORD_NONE", "first": "DASSDP_RECORD_FIRST",
            "last": "DASSDP_RECORD_LAST"}
Fields = list[tuple[str, Any]]
SCRATCH_PARTS = ("x", "rows", "sums", "part", "words", "row", "classes", "bytes", "gates",
                 "touches", "steps", "traces")


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
    tables: list[_Array] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)

    def array(self, ctype: str, name: str, values: Iterable[int]) -> str:
        """Add a constant array; returns its name."""
        numbers = [str(int(v)) for v in values]
        lines = [", ".join(numbers[i : i + 16]) + "," for i in range(0, len(numbers), 16)]
        self.arrays.append(_Array(ctype, name, len(numbers), lines))
        return name

    def table(self, ctype: str, name: str, rows: Iterable[str]) -> str:
        """Add a constant array of structs, a text each; returns its name."""
        lines = [f"{{ {row} }}," for row in rows]
        self.tables.append(_Array(ctype, name, len(lines), lines))
        return name

    def rule(self, ctype: str, name: str, fields: Fields) -> str:
        """Add the constants of a rule, a path or the like; returns their address."""
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
    inputs = [{"name": i.name, "fields": emit_paths.input_fields(network, layout, i)}
              for i in network.inputs]
    header = assets.render(
        "dassdp_model.h.j2", sha256=network.sha256, abi=ABI, fields=layout.fields,
        state_bytes=layout.state_bytes,
        buffers=frames.link_buffer_bytes(network.n_classes))
    model = _model(network, layout, texts)
    code = assets.render(
        "dassdp_model.c.j2", sha256=network.sha256, hash=list(bytes.fromhex(network.sha256)),
        arrays=texts.arrays, tables=texts.tables, rules=texts.rules, inputs=inputs,
        populations=populations, projections=projections, model=model, rows_max=ROWS_MAX,
        column_align=columns(1))
    own = {name: text for q in network.plastic if q.rule for name, text in q.rule.files().items()}
    return {"dassdp_model.h": header, "dassdp_model.c": code,
            "dassdp_messages.h": frames.messages_header(), **own}


def _model(network: QNetwork, layout: Layout, texts: _Texts) -> Fields:
    names = [p.name for p in network.populations]
    kind = {"spike_count": "DASSDP_READOUT_SPIKE_COUNT",
            "membrane_sum": "DASSDP_READOUT_MEMBRANE_SUM"}[network.readout_kind]
    if network.readout_kind == "spike_count" and network.max_spikes(network.readout) > 1:
        kind = "DASSDP_READOUT_SPIKE_NUMBER"
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
        *((f"{name}_off", layout.scratch_offset(name)) for name in SCRATCH_PARTS),
        ("progress_off", layout.offset("progress")),
        ("learning_off", layout.offset("learning")), ("loss_off", layout.offset("losses")),
        ("persist_begin", layout.persist_begin), ("persist_end", layout.persist_end),
        ("schedule_q8", "0" if network.schedule_q8 is None else
         texts.array("uint16_t", "schedule_q8", network.schedule_q8)),
        ("n_schedule", 0 if network.schedule_q8 is None else network.schedule_q8.size),
        ("replay", _replay(network, layout, texts)), ("guard", _guard(network, layout, texts)),
        ("coding", emit_paths.coding(network, layout, texts)),
        ("clear_tails", "dassdp_clear_tails" if any(
            emit_paths.tail_bits(i) for i in network.inputs) else "0"),
    ]


def _replay(network: QNetwork, layout: Layout, texts: _Texts) -> str:
    replay = network.replay
    if replay is None:
        return "0"
    stored = b"".join(pack(network, counts, steps) for counts, steps in
                      zip(replay.counts, replay.first_spike_steps, strict=True))
    n = replay.labels.size
    return texts.rule("dassdp_replay_rule_t", "replay", [
        ("samples", texts.array("uint32_t", "replay_samples", np.frombuffer(stored, np.uint32))
         if n else "0"),
        ("labels", texts.array("uint16_t", "replay_labels", replay.labels) if n else "0"),
        ("n_samples", n), ("sample_words", stored_words(network)),
        ("n_flash", replay.n_flash), ("n_ring", replay.n_ring),
        ("ring_per_class", replay.ring_per_class), ("is_reservoir", int(replay.is_reservoir)),
        ("state_off", layout.offset("replay")), ("ring_off", layout.offset("ring")),
        ("seen_off", layout.offset("ring_seen")), ("after", "dassdp_replay_after"),
        ("idle", "dassdp_replay_idle"), ("check", "dassdp_replay_check"),
    ])


def _guard(network: QNetwork, layout: Layout, texts: _Texts) -> str:
    guard = network.guard
    if guard is None:
        return "0"
    return texts.rule("dassdp_guard_rule_t", "guard", [
        ("margin", guard.margin), ("window", guard.window),
        ("state_off", layout.offset("guard")), ("has_saved_off", layout.offset("has_saved")),
        ("judge", "dassdp_guard_judge" if guard.margin else "0"),
    ])


def _population(network: QNetwork, layout: Layout, texts: _Texts, p: QPopulation) -> Fields:
    order = [q.post for q in network.projections]
    begin = order.index(p.name)
    wide = p.membrane_bits == 32
    membrane = "int32_t" if wide else "int16_t"
    sums = p.name == network.readout
    analogue = p.analogue_bias is not None
    cut = {q.name for q in network.cut} if network.reruns else set()
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
        ("n_recorded", p.n_recorded),
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
        ("raster_off", layout.scratch_offset(f"raster_{p.name}")),
        ("touch_off", layout.offset(f"touch_{p.name}")),
        ("keeps_raster", int(p.keeps_raster)), ("is_cut", int(p.name in cut)),
        ("is_plastic_part", int(p.name in network.plastic_part)),
        ("touch_width", "0" if p.touch_width is None else
         texts.array(membrane, f"touch_width_{p.name}", p.touch_width)),
        ("touch", "0" if p.touch_width is None else f"dassdp_k_touch_v{p.membrane_bits}"),
        ("update", "0" if p.dynamics else kernels.of_population(p).symbol),
        ("events", "dassdp_positive" if p.records_membrane else
         "dassdp_channels" if p.records_channels else "0"),
        ("dynamics", emit_paths.dynamics(layout, texts, p)),
    ]


def _projection(network: QNetwork, layout: Layout, texts: _Texts, p: QProjection) -> Fields:
    inputs = [i.name for i in network.inputs]
    posts = [q.name for q in network.populations]
    from_input = p.pre in inputs
    kernel = kernels.of_projection(network, p)
    scattered = emit_paths.image(network, texts, p)
    return [
        ("pre", (inputs if from_input else posts).index(p.pre)), ("post", posts.index(p.post)),
        ("is_analogue", int(p.is_analogue)), ("from_input", int(from_input)),
        ("weight_bits", p.weight_bits),
        ("n_pre", 0 if scattered else p.n_pre), ("n_post", p.n_post),
        ("row_bytes", row_bytes(p.n_post, p.weight_bits)),
        ("feedback_rshift", p.feedback_rshift), ("feedback_gain_q14", p.feedback_gain_q14),
        ("factory", _factory(texts, p) if scattered is None else scattered),
        ("image_off", layout.offset(f"w_{p.name}")),
        ("saved_off", layout.offset(f"saved_{p.name}")),
        ("totals", texts.array("int32_t", f"totals_{p.name}", _padded(p.w.sum(axis=0)))
         if paths.is_dense(network, p) else "0"),
        ("accumulate", "0" if p.is_analogue or scattered else kernel.symbol),
        ("analogue", "0" if not p.is_analogue else
         "dassdp_deliver_currents" if scattered else kernel.symbol),
        ("learn_rows", kernels.of_learning(p) if p.is_plastic else "0"),
        *_rule(network, layout, texts, p),
        ("path", emit_paths.path(network, layout, texts, p)),
    ]


def _factory(texts: _Texts, p: QProjection) -> str:
    """The array of a weight image of rows."""
    image = pack_weights(p.w, p.weight_bits)
    if p.weight_bits == 16:
        return texts.array("int16_t", f"w_{p.name}", np.frombuffer(image, "<i2"))
    return texts.array("uint8_t", f"w_{p.name}", image)


def _padded(values: IntArray) -> IntArray:
    """With zeros behind, as kernels read it."""
    return np.pad(values, (0, columns(values.size) - values.size))


def _rule(network: QNetwork, layout: Layout, texts: _Texts, p: QProjection) -> Fields:
    """What its rule is and where its constants are; those of other kinds of rules are NULL."""
    for _, value in (fields := rule_fields(network, p, layout)):
        for part in pointed_to(value):
            if isinstance(part, Array):
                texts.array(part.ctype, part.name, part.values)
            elif isinstance(part, Table):
                texts.rule(part.ctype, part.name, [(n, printed(v)) for n, v in part.fields])
    return [(name, printed(value)) for name, value in fields]

"""The quantized network as C text: constant tables and the state struct. Pure and deterministic."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edge_dassdp import assets, emit_paths, kernels, paths, protocol
from edge_dassdp.errors import EdgeError
from edge_dassdp.packing import columns, pack_weights, row_bytes
from edge_dassdp.plan import Layout
from edge_dassdp.qformat import IntArray
from edge_dassdp.qir import (
    QEIHL,
    QSTDP,
    QErrorRule,
    QHomeostasis,
    QNetwork,
    QPopulation,
    QProjection,
    QRule,
    QSyncRule,
)
from edge_dassdp.stored import pack, stored_words

ABI = 5
_RECORDS = {"none": "DASSDP_RECORD_NONE", "first": "DASSDP_RECORD_FIRST",
            "last": "DASSDP_RECORD_LAST"}
_NAME = re.compile(r"(?!dassdp_)(?=.{1,24}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")
Fields = list[tuple[str, Any]]
SCRATCH_PARTS = ("x", "rows", "sums", "part", "words")
_HOOKS = {"sync": ("learn", "check", "record", "fit"), "eihl": ("learn", "check")}
"""What a rule does beside learning, by the word of its files; src/rules/rules.h."""


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
    headers: set[str] = field(default_factory=set)

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


def emit(network: QNetwork, name: str = "dassdp") -> dict[str, str]:
    """{file name: text} of a model: <name>_model.h and .c, and what the ports and the link need.

    name: of all that the model defines, so that several link into one firmware; the ports run the
    model whose dassdp_program.h they are given. Raises EdgeError E105 for a name that cannot be.
    """
    check_name(name)
    layout = Layout(network)
    texts = _Texts()
    populations = [{"name": p.name, "fields": _population(network, layout, texts, p)}
                   for p in network.populations]
    projections = [{"name": p.name, "fields": _projection(network, layout, texts, p)}
                   for p in network.projections]
    inputs = [{"name": i.name, "fields": emit_paths.input_fields(network, layout, i)}
              for i in network.inputs]
    header = assets.render(
        "dassdp_model.h.j2", name=name, sha256=network.sha256, abi=ABI,
        state_bytes=layout.state_bytes, x_bytes=network.x_bytes, n_steps=network.n_steps,
        n_classes=network.n_classes,
        buffers=protocol.link_buffer_bytes(network.n_classes))
    model = _model(network, layout, texts)
    code = assets.render(
        "dassdp_model.c.j2", name=name, fields=layout.fields, state_bytes=layout.state_bytes,
        sha256=network.sha256, hash=list(bytes.fromhex(network.sha256)),
        headers=sorted(texts.headers),
        arrays=texts.arrays, tables=texts.tables, rules=texts.rules, inputs=inputs,
        populations=populations, projections=projections, model=model)
    return {f"{name}_model.h": header, f"{name}_model.c": code,
            "dassdp_program.h": assets.render("dassdp_program.h.j2", name=name),
            "dassdp_messages.h": protocol.messages_header()}


def check_name(name: str) -> None:
    """E105 unless C, C++, the runtime and file systems blind to case can all take the name."""
    if not _NAME.fullmatch(name):
        raise EdgeError("E105", f"a model cannot be called {name!r}",
                        cause="its name begins C identifiers, macros and file names",
                        help="use up to 24 lower-case letters, digits and single underscores, a "
                             "letter first; names that begin with dassdp_ are the runtime's")


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
        ("rule", _rule(layout, texts, p)),
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


def _rule(layout: Layout, texts: _Texts, p: QProjection) -> str:
    """Address of dassdp_rule_t with the constants of the rule of that word, or 0."""
    if p.rule is None:
        return "0"
    word, fields = _constants(layout, texts, p, p.rule)
    texts.headers.add(f"{word}.h")
    constants = texts.rule(f"dassdp_{word}_rule_t", f"constants_{p.name}", fields)
    assert p.stage is not None
    return texts.rule("dassdp_rule_t", f"rule_{p.name}", [
        ("stage", f"DASSDP_STAGE_{p.stage.upper()}"),
        *((hook, f"dassdp_{word}_{hook}") for hook in _HOOKS.get(word, ("learn",))),
        ("constants", constants)])


def _constants(layout: Layout, texts: _Texts, p: QProjection, rule: QRule) -> tuple[str, Fields]:
    """The word of a rule and the fields of its constants, as src/rules/<word>.h has them."""
    def at(**parts: str) -> Fields:
        return [(f"{name}_off", layout.scratch_offset(part)) for name, part in parts.items()]

    if isinstance(rule, QSTDP):
        names = [f.name for f in dataclasses.fields(QSTDP)]
        return "stdp", [*((name, getattr(rule, name)) for name in names),
                        ("traces_off", layout.offset(f"stdp_{p.name}")),
                        *at(losses="sums", row="row")]
    if isinstance(rule, QSyncRule):
        return "sync", [
            ("delta", texts.array("int32_t", f"delta_{p.name}", rule.delta.ravel())),
            ("delta_rshift", rule.delta_rshift), ("is_gated", int(rule.is_gated)),
            ("silent_step", rule.silent_step), ("repeat_loss", int(rule.repeat_loss)),
            ("sync_rshift", rule.sync_rshift), ("gate_off", layout.offset(f"gate_{p.name}")),
            *at(sums="sums", row="row", latencies="bytes", gates="gates")]
    assert p.factors is not None
    is_touch = isinstance(rule, QErrorRule) and rule.touch_columns > 0
    by_class = {} if is_touch else {"classes": "classes", "latencies": "bytes"}
    fields = [(f"factors.{name}", value) for name, value in (
        *_factors(texts, p, p.factors), *at(k="sums", row="row", **by_class))]
    if isinstance(rule, QHomeostasis):
        targets = texts.array("int16_t", f"targets_q7_{p.name}", rule.targets_q7)
        return "homeostasis", [*fields, ("targets_q7", targets)]
    if isinstance(rule, QEIHL):
        return "eihl", [*fields, ("growth_q16", rule.growth_q16), ("most_q16", rule.most_q16),
                        ("period", rule.period), ("phase_off", layout.offset(f"eihl_{p.name}"))]
    if is_touch:
        return "touch", [*fields, ("columns", rule.touch_columns),
                         *at(touches="touches", steps="steps", traces="traces")]
    return "delta" if rule.g_q7 is None else "error", fields


def _factors(texts: _Texts, p: QProjection, rule: QErrorRule) -> Fields:
    """dassdp_factors_t without its scratch."""
    return [
        ("amplitude", rule.amplitude), ("r_max", rule.r_max), ("k_max", rule.k_max),
        ("k_rshift", rule.k_rshift), ("update.row_rshift", rule.row_rshift),
        ("update.g_q7", "0" if rule.g_q7 is None else
         texts.array("uint8_t", f"g_q7_{p.name}", rule.g_q7))]

"""Every constant of a model in flash, as the tables that generated code fills (dassdp_tables.h)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.base.values import QValues
from edge_dassdp.plan import kernels, path_tables
from edge_dassdp.plan.layout import Layout
from edge_dassdp.plan.path_tables import Fields
from edge_dassdp.plan.routes import Route
from edge_dassdp.plan.ruled import rerun_grain, rule_table
from edge_dassdp.qir import QNetwork, QPopulation, QProjection, frame_bytes
from edge_dassdp.qir.packing import columns, nibbles_log2, pack_weights, row_bytes
from edge_dassdp.qir.ranges import SHARE_MAX_Q8
from edge_dassdp.qir.stored import pack, stored_words
from edge_dassdp.qir.tables import Array, Rows, Table, pointed_to
from edge_dassdp.sensor.drift import QDrift
from edge_dassdp.sensor.front import QSensor
from edge_dassdp.sensor.profile import QTriad

_RECORDS = {"none": "DASSDP_RECORD_NONE", "first": "DASSDP_RECORD_FIRST",
            "last": "DASSDP_RECORD_LAST"}
_CURRENTS = {False: "dassdp_deliver_currents", True: "dassdp_deliver_largest_currents"}
"""Whether the largest of the sums alone arrive."""
_SCRATCH_PARTS = ("x", "rows", "sums", "part", "words")


@dataclass(frozen=True, eq=False)
class Tables:
    """Fields of dassdp_input_t, dassdp_population_t and dassdp_projection_t, one each in the
    network's order, and of dassdp_model_t beside these."""

    inputs: tuple[Fields, ...]
    populations: tuple[Fields, ...]
    projections: tuple[Fields, ...]
    model: Fields

    @property
    def constants(self) -> Iterator[Array | Table | Rows]:
        """Every array and struct that they point to, each before who names it."""
        for fields in (*self.populations, *self.projections, *self.inputs, self.model):
            for _, value in fields:
                yield from pointed_to(value)


def tables(layout: Layout) -> Tables:
    """All tables of a network that lies in RAM as `layout` says."""
    network = layout.network
    return Tables(tuple(path_tables.input_fields(layout, i) for i in network.inputs),
                  tuple(_population(layout, p) for p in network.populations),
                  tuple(_projection(layout, q) for q in network.projections),
                  _model(layout))


def _model(layout: Layout) -> Fields:
    network = layout.network
    names = [p.name for p in network.populations]
    kind = {"spike_count": "DASSDP_READOUT_SPIKE_COUNT",
            "membrane_sum": "DASSDP_READOUT_MEMBRANE_SUM"}[network.readout_kind]
    if network.readout_kind == "spike_count" and network.max_spikes(network.readout) > 1:
        kind = "DASSDP_READOUT_SPIKE_NUMBER"
    return (
        ("state_bytes", layout.state_bytes),
        ("n_inputs", len(network.inputs)), ("n_populations", len(names)),
        ("n_projections", len(network.projections)), ("n_steps", network.n_steps),
        ("n_batch", network.n_batch), ("readout", names.index(network.readout)),
        ("n_classes", network.n_classes), ("readout_kind", kind),
        ("field_bits", network.field_bits), ("softmax_shift", network.softmax_shift),
        ("learns", int(bool(network.plastic))), ("skip_below_q8", network.skip_below_q8),
        ("softmax_scale", network.softmax_scale), ("softmax_limit", network.softmax_limit),
        ("seed", f"{network.seed}u"), ("x_bytes", _held_bytes(network)),
        *((f"{name}_off", layout.scratch_offset(name)) for name in _SCRATCH_PARTS),
        ("progress_off", layout.offset("progress")),
        ("learning_off", layout.offset("learning")), ("loss_off", layout.offset("losses")),
        ("lesson_off", layout.scratch_offset("lesson")),
        ("rerun_grain", rerun_grain(network, layout.routes)),
        ("persist_begin", layout.persist_begin), ("persist_end", layout.persist_end),
        ("schedule_q8", None if network.schedule_q8 is None else
         Array("uint16_t", "schedule_q8", network.schedule_q8)),
        ("n_schedule", 0 if network.schedule_q8 is None else network.schedule_q8.size),
        ("replay", _replay(layout)), ("guard", _guard(layout)),
        ("coding", path_tables.coding(layout)),
        ("clear_tails", "dassdp_clear_tails" if not network.keeps_frame and any(
            path_tables.tail_bits(i) for i in network.inputs) else None),
        ("count_ends", "dassdp_count_ends" if not network.keeps_frame
         and network.values_offset < network.code_bytes else None),
        ("values_off", network.values_offset),
        *((("values", _values(layout, network.values)),) if network.values else ()),
        *((("sensor", _sensor(layout, network.sensor)),) if network.sensor else ()),
        *((("classes", _classes(layout)),) if network.keeps_classes else ()),
        *_misses(layout),
        *((("streaming", path_tables.streaming(layout)),) if network.hop else ()),
    )


def _held_bytes(network: QNetwork) -> int:
    """Of what dassdp_begin may copy into the state: a sample, or the frame that it has room for."""
    return frame_bytes(network.inputs[0]) if network.keeps_frame else network.code_bytes


def _misses(layout: Layout) -> Fields:
    """Fields of the model, where the misses of the device decide something."""
    step, cusum = layout.network.error_step, layout.network.cusum
    return (
        *(() if step is None else (
            ("start_share_q8", step.start_q8), ("most_share_q8", SHARE_MAX_Q8),
            ("error_step", Table("dassdp_error_step_t", "error_step", (
                ("floor_q8", step.floor_q8), ("gain_q4", step.gain_q4),
                ("factor_q8", "dassdp_error_step_factor"), ("count", "dassdp_error_step_count"),
            ))))),
        *(() if cusum is None else (("cusum", Table("dassdp_cusum_rule_t", "cusum", (
            ("opens_q10", cusum.opens_q10), ("allowed_q10", cusum.allowed_q10),
            ("closes", int(cusum.closes)), ("state_off", layout.offset("cusum")),
            ("holds", "dassdp_cusum_holds"), ("is_open", "dassdp_cusum_is_open"),
            ("take_due", "dassdp_cusum_take_due"), ("check", "dassdp_cusum_check"),
        ))),)),
    )


def _values(layout: Layout, values: QValues) -> Table:
    return Table("dassdp_values_t", "values", (
        ("mul", values.mul), ("shift", values.shift),
        ("centre_q11", Array("int32_t", "values_centre_q11", values.centre_q11)),
        ("target_off", layout.offset("target")), ("evaluate", "dassdp_values_evaluate")))


def _classes(layout: Layout) -> Table:
    """Of a network that keeps classes."""
    network, means = layout.network, layout.network.class_means
    kept = [f for f in layout.fields if f.name in (
        "class_means", "class_seen", "class_limits", "class_names")]
    hidden: Fields = (("n_known", network.n_known),)
    if means is not None:
        hidden = (*hidden, ("hidden", [p.name for p in network.populations].index(means.hidden)),
                  ("n_hidden", means.means.shape[1]),
                  ("means", Array("uint8_t", "class_means", means.means.ravel())),
                  ("seen", Array("uint8_t", "class_seen", means.seen)))
        if means.examples is not None:
            hidden = (*hidden, ("n_examples", len(means.examples.away)),
                      ("examples", Array("uint8_t", "class_examples",
                                         means.examples.directions.ravel())),
                      ("away", Array("int32_t", "class_away", means.examples.away)),
                      ("spread", means.examples.spread))
    return Table("dassdp_classes_t", "classes", (
        *hidden,
        *((f"{name}_off", layout.offset(field)) for name, field in (
            ("means", "class_means"), ("seen", "class_seen"), ("limits", "class_limits"),
            ("names", "class_names"),
            ("direction", "class_direction"), ("distance", "class_distance"),
            ("found", "class_found"), ("copy", "saved_classes"))),
        ("kept_off", kept[0].offset), ("kept_bytes", sum(f.bytes for f in kept)),
        *((("mask", "dassdp_spare_mask"), ("is_known", "dassdp_spare_is_known"))
          if network.spare_classes else ()),
        *((("classify", "dassdp_means_classify"), ("learn", "dassdp_means_learn"),
           ("learn_again", "dassdp_means_learn_again" if network.replay else None))
          if means is not None else ()),
        ("keep", "dassdp_taught_keep"), ("check", "dassdp_taught_check")), header="classes_of.h")


def _sensor(layout: Layout, sensor: QSensor) -> Table:
    fits: Fields = ()
    if sensor.fits:
        fits = (("class_means", Array("int16_t", "sensor_means", sensor.polar_means.ravel())),
                ("observe", "dassdp_sensor_observe"),
                ("check_observed", "dassdp_sensor_check_observed"),
                ("fit_profile", "dassdp_sensor_fit"))
    if sensor.drift is not None:
        fits = (*fits, ("drift", _drift(layout, sensor.drift)),
                ("add_reading", "dassdp_add_reading"), ("compare", "dassdp_drift_compare"),
                ("forget_windows", "dassdp_drift_forget"))
    return Table("dassdp_sensor_t", "sensor", (
        ("n_channels", sensor.n_channels), ("n_triads", len(sensor.triads)),
        ("n_readings", layout.network.n_readings),
        ("mul", Array("int16_t", "sensor_mul", sensor.mul)),
        ("add", Array("int32_t", "sensor_add", sensor.add)),
        ("shift", Array("uint8_t", "sensor_shift", sensor.shift)),
        ("triads", _triads("sensor_triads", sensor.triads)),
        ("unit", sensor.unit), ("state_off", layout.offset("sensor")),
        ("profile_off", layout.offset("sensor_profile")),
        ("reading_off", layout.offset("reading")),
        ("sums_off", layout.offset("sensor_sums")), ("seen_off", layout.offset("sensor_seen")),
        ("take", "dassdp_sensor_take"), ("select", "dassdp_sensor_select"),
        ("check_profile", "dassdp_sensor_check"), *fits), header="sensor.h")


def _triads(name: str, triads: tuple[QTriad, ...]) -> Rows | None:
    return Rows("dassdp_triad_t", name, tuple(
        (*zip("xyz", t.channels, strict=True), ("is_axial", int(t.axial)))
        for t in triads)) if triads else None


def _drift(layout: Layout, drift: QDrift) -> Table:
    return Table("dassdp_drift_t", "drift", (
        ("n_channels", drift.n_channels), ("n_triads", len(drift.triads)),
        ("n_rows", drift.n_rows), ("n_classes", len(drift.mean)),
        ("n_readings", drift.codes.n_readings), ("limit", drift.codes.limit),
        ("centre", Array("int16_t", "drift_centre", drift.codes.centre)),
        ("shift", Array("int8_t", "drift_shift", drift.codes.shift)),
        *((name, Array("int16_t", f"drift_{name}", values.ravel())) for name, values in (
            ("eps_q3", drift.eps_q3), ("level_q3", drift.level_q3),
            ("spread_q3", drift.spread_q3), ("class_features", drift.mean),
            ("inverse_q17", drift.inverse))),
        ("triads", _triads("drift_triads", drift.triads)), ("ridge", drift.ridge),
        *((f"{name}_off", layout.offset(field)) for name, field in (
            ("state", "drift"), ("ring", "drift_ring"), ("kept", "drift_kept"),
            ("sums", "drift_sums"), ("rows", "drift_rows"))),
        ("search", "dassdp_search_profile" if drift.n_rows else None)), header="drift.h")


def _replay(layout: Layout) -> Table | None:
    network, replay = layout.network, layout.network.replay
    if replay is None:
        return None
    n, targets = replay.labels.size, replay.targets_q11
    stored = b"".join(pack(network, replay.counts[i], replay.first_spike_steps[i],
                           None if targets is None else targets[i]) for i in range(n))
    return Table("dassdp_replay_rule_t", "replay", (
        ("samples", Array("uint32_t", "replay_samples", np.frombuffer(stored, np.uint32))
         if n else None),
        ("labels", Array("uint16_t", "replay_labels", replay.labels) if n else None),
        ("n_samples", n), ("sample_words", stored_words(network)),
        ("n_flash", replay.n_flash), ("n_ring", replay.n_ring),
        ("ring_per_class", replay.ring_per_class), ("is_reservoir", int(replay.is_reservoir)),
        ("state_off", layout.offset("replay")), ("ring_off", layout.offset("ring")),
        ("seen_off", layout.offset("ring_seen")), ("after", "dassdp_replay_after"),
        ("idle", "dassdp_replay_idle"), ("check", "dassdp_replay_check"),
    ))


def _guard(layout: Layout) -> Table | None:
    guard = layout.network.guard
    if guard is None:
        return None
    return Table("dassdp_guard_rule_t", "guard", (
        ("margin", guard.margin), ("window", guard.window),
        ("state_off", layout.offset("guard")), ("has_saved_off", layout.offset("has_saved")),
        ("judge", "dassdp_guard_judge" if guard.margin else None),
    ))


def _population(layout: Layout, p: QPopulation) -> Fields:
    network = layout.network
    order = [q.post for q in network.projections]
    begin = order.index(p.name)
    wide = p.membrane_bits == 32
    membrane = "int32_t" if wide else "int16_t"
    sums = p.name == network.readout
    analogue = p.analogue_bias is not None
    cut = {q.name for q in network.cut} if network.reruns else set()
    return (
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
        ("leak_q15", Array("uint16_t", f"leak_q15_{p.name}", _constants(p, p.leak_factor_q15))),
        ("fire_at", Array(membrane, f"fire_at_{p.name}", _constants(p, p.fire_at))),
        ("reset_by", Array(membrane, f"reset_by_{p.name}", _constants(p, p.reset_by))),
        ("base", None if analogue or p.stays else
         Array(membrane, f"bias_{p.name}", _padded(p.bias))),
        ("analogue_bias", None if p.analogue_bias is None else
         Array("int32_t", f"analogue_bias_{p.name}",
               p.analogue_bias + (1 << p.analogue_rshift >> 1))),
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
        ("touch_width", None if p.touch_width is None else
         Array(membrane, f"touch_width_{p.name}", p.touch_width)),
        ("touch", None if p.touch_width is None else f"dassdp_k_touch_v{p.membrane_bits}"),
        ("update", None if p.dynamics else kernels.of_population(p).symbol),
        ("events", "dassdp_positive" if p.records_membrane else
         "dassdp_channels" if p.records_channels else None),
        ("dynamics", path_tables.dynamics(layout, p)),
        *((("count_more", "dassdp_count_more"),) if p.counts_numbers else ()),
    )


def _projection(layout: Layout, p: QProjection) -> Fields:
    inputs = [i.name for i in layout.network.inputs]
    posts = [q.name for q in layout.network.populations]
    from_input = p.pre in inputs
    route = layout.routes[p.name]
    is_scattered, symbol = route.image is not None, route.kernel.symbol
    is_packed = layout.network.is_packed(p)
    return (
        ("pre", (inputs if from_input else posts).index(p.pre)), ("post", posts.index(p.post)),
        ("is_analogue", int(p.is_analogue)), ("from_input", int(from_input)),
        ("weight_bits", p.weight_bits), ("nibbles_log2", nibbles_log2(p.weight_bits, is_packed)),
        ("n_pre", 0 if is_scattered else p.n_pre), ("n_post", p.n_post),
        ("row_bytes", row_bytes(p.n_post, p.weight_bits, is_packed)),
        ("feedback_rshift", p.feedback_rshift), ("feedback_gain_q14", p.feedback_gain_q14),
        ("factory", _factory(route, p, is_packed)),
        ("image_off", layout.offset(f"w_{p.name}")),
        ("saved_off", layout.offset(f"saved_{p.name}")),
        ("totals", Array("int32_t", f"totals_{p.name}", _padded(p.w.sum(axis=0)))
         if route.is_dense else None),
        ("accumulate", None if p.is_analogue or is_scattered else symbol),
        ("analogue", None if not p.is_analogue else
         _CURRENTS[p.result_pool is not None] if is_scattered else symbol),
        ("learn_rows", kernels.of_learning(p, is_packed) if p.is_plastic else None),
        ("rule", rule_table(layout.network, p, layout.place)),
        ("path", path_tables.path(layout, p)),
    )


def _factory(route: Route, q: QProjection, is_packed: bool) -> Array:
    """The weight image in flash: of rows, or of what is scattered."""
    if route.image is not None:
        return Array(f"{route.image.dtype}_t", f"w_{q.name}", route.image)
    image = pack_weights(q.w, q.weight_bits, is_packed)
    if q.weight_bits == 16:
        return Array("int16_t", f"w_{q.name}", np.frombuffer(image, "<i2"))
    return Array("uint8_t", f"w_{q.name}", np.frombuffer(image, np.uint8))


def _constants(p: QPopulation, values: IntArray) -> IntArray:
    """One for all neurons, or one each; lean kernels read the last for the padding of membranes."""
    n_padding = columns(values.size) - values.size if values.size > 1 and p.is_lean else 0
    return np.pad(values, (0, n_padding), mode="edge")


def _padded(values: IntArray) -> IntArray:
    """With zeros behind, as kernels read it."""
    return np.pad(values, (0, columns(values.size) - values.size))

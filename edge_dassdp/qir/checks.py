"""What the constants of a quantized network must hold to, so that every target can run it."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.numbers import array_of, is_int, is_real
from edge_dassdp.base.qformat import INT16_MAX, INT32_MAX, MOST_FRAC_BITS, IntArray, QInputScale
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.base.values import MOST_OUTPUTS, QValues
from edge_dassdp.data.labels import ClassNames, are_names
from edge_dassdp.ir import Encoder, Input, Sensor, geometry
from edge_dassdp.ir.network import SPARE_MAX
from edge_dassdp.qir.network import (
    QClassMeans,
    QCusum,
    QErrorStep,
    QExamples,
    QGuard,
    QNetwork,
    QReplay,
)
from edge_dassdp.qir.nodes import (
    QDynamics,
    QPopulation,
    QProjection,
    QRule,
    Records,
    ResetMode,
)
from edge_dassdp.qir.order import device_volume, history_depths, natural_order
from edge_dassdp.qir.ranges import RECORDED_MAX, SHARE_MAX_Q8
from edge_dassdp.qir.samples import obstacle
from edge_dassdp.qir.stored import stored_words
from edge_dassdp.sensor.drift import QDrift
from edge_dassdp.sensor.front import QSensor

MEAN_ONE = QUANTITIES["mean_one"]


def require(holds: bool, message: str) -> None:
    """EdgeError E101 unless it holds."""
    refuse_unless("E101", holds, message)


def within(value: Any, low: int, high: int, what: str) -> None:
    """E101 unless it is an integer of the range."""
    require(is_int(value) and low <= value <= high,
            f"{what} is {value!r}, expected an integer from {low:,} to {high:,}")


def entries(array: Any, shapes: tuple[tuple[int, ...], ...], low: int, high: int,
            what: str) -> None:
    """E101 unless it is an array of integers of one of the shapes and of the range."""
    require(isinstance(array, np.ndarray) and array.dtype.kind in "iu" and array.shape in shapes,
            f"{what} is no integer array of shape {' or '.join(map(str, shapes))}")
    require(low <= int(array.min()) and int(array.max()) <= high,
            f"{what} holds {int(array.min()):,} to {int(array.max()):,}, expected {low:,} to "
            f"{high:,}")


def real(array: Any, size: int, what: str) -> None:
    """E101 unless it is an array of positive numbers, one or `size`."""
    require(isinstance(array, np.ndarray) and array.dtype.kind == "f"
            and array.shape in ((1,), (size,)) and bool((np.isfinite(array) & (array > 0)).all()),
            f"{what} holds no positive numbers")


def source_volume(n: QNetwork, source: str) -> geometry.Volume:
    """How the neurons of an input or a population lie on the device."""
    for i in n.inputs:
        if i.name == source:
            return device_volume(i.shape, pads=False)
    return n.population(source).shape


def weight_shape(n: QNetwork, q: QProjection) -> tuple[int, ...]:
    """The shape that q.w must have. Raises EdgeError E101 where the geometry does not fit."""
    where = f"projection '{q.name}': "
    volume = source_volume(n, q.pre)
    require(tuple(q.volume) == tuple(volume), where + "its volume is another than its source's")
    if q.delay is not None:
        entries(q.delay, ((1,), (geometry.size(volume),)), 0, 255, where + "delay")
        require(not q.is_analogue and n.max_spikes(q.pre) == 1,
                where + "it delays what is more than one spike a step")
    shape = q.pool.out(volume) if q.pool else volume
    post = n.population(q.post)
    if q.conv is None:
        require(q.result_pool is None, where + "it pools the result of a convolution, but has none")
        return geometry.size(shape), post.size
    w_shape = q.w.shape
    if q.w.ndim == 2:
        require(q.conv == geometry.Conv() and w_shape[0] <= shape[0], where + "its w is no kernel")
        kernel = (w_shape[1], shape[0], 1, 1)
    else:
        require(q.w.ndim == 4, where + "its w is no kernel")
        channels = w_shape[1] * q.conv.groups
        require(channels <= shape[0], where + "its kernel has more channels than its source")
        kernel = (w_shape[0], w_shape[1], w_shape[2], w_shape[3])
        shape = (channels, *shape[1:])
    out = q.conv.out(shape, kernel)
    if q.result_pool is not None:
        require(q.rule is None, where + "it pools its result, and has a rule")
        out = q.result_pool.out(out)
    require(out[0] <= post.shape[0] and out[1:] == tuple(post.shape[1:]),
            where + "its result does not fit its population")
    return w_shape


def check_geometry(n: QNetwork, p: QPopulation) -> None:
    where = f"population '{p.name}': "
    require(len(p.shape) == 3 and geometry.size(p.shape) == p.size, where + "its shape is another")
    if p.natural is not None:
        entries(p.natural, ((p.size,),), -1, p.size - 1, where + "natural")
        channels = int((p.natural >= 0).sum()) // (p.shape[1] * p.shape[2])
        real = (channels, *p.shape[1:])
        require(channels > 0 and device_volume(real, pads=True) == tuple(p.shape)
                and bool((p.natural == natural_order(real, p.shape)).all()),
                where + "natural is not the order of its shape")
    within(p.n_history, 0, 257, where + "n_history")
    d = p.dynamics
    require(d is None or isinstance(d, QDynamics), where + "its dynamics are none")
    if d is None:
        require(p.reset not in ("subtract_once", "zero_delayed_all"), where + "its reset")
        return
    within(d.max_spikes, 1, 255, where + "max_spikes")
    require(d.max_spikes == 1 or p.reset == "subtract_once", where + "several spikes of one reset")
    within(d.i_frac_bits, 0, 15, where + "i_frac_bits")
    for term in p.terms:
        if term.values is not None or not term.is_optional:
            entries(term.values, ((1,), (p.size,)), term.low, term.high, where + term.name)


def check_replay(n: QNetwork, replay: QReplay) -> None:
    size = sum(p.size for p in n.cut)
    require(replay.labels.ndim == 1, "replay labels are no vector")
    within(replay.labels.size, 0, 65535, "the number of replay samples")
    for name, most in (("ring_per_class", 255), ("n_ring", 16), ("n_flash", 16)):
        within(getattr(replay, name), 0, most, f"replay: {name}")
    require(replay.ring_per_class * n.n_kinds < 65536, "the ring is too large")
    within(stored_words(n), 0, 65535, "the words of a replay sample")
    require(isinstance(replay.is_reservoir, bool), "replay: is_reservoir is no truth value")
    require((replay.targets_q11 is None) == (n.values is None),
            "stored samples have targets, or lack them")
    if replay.targets_q11 is not None and replay.labels.size:
        entries(replay.targets_q11, ((replay.labels.size, n.n_classes),), -INT16_MAX, INT16_MAX,
                "replay targets")
    require(all(p.counts and p.records == "first" for p in n.cut),
            "replay: the cut keeps no counts or first-spike latencies")
    require(any(p.has_error for p in n.populations), "replay: nothing learns from labels")
    shape = (replay.labels.size, size)
    require(replay.counts.shape == shape and replay.first_spike_steps.shape == shape,
            f"replay samples are not of shape {shape}")
    if replay.labels.size:
        most = min(n.n_kinds, n.n_known) - 1
        entries(replay.labels, (replay.labels.shape,), 0, most, "replay labels")
        entries(replay.counts, (shape,), 0, n.n_steps, "replay counts")
        entries(replay.first_spike_steps, (shape,), 0, n.n_steps, "replay latencies")
        room = n.n_steps - replay.first_spike_steps
        require(bool(((replay.counts <= room) & ((replay.counts == 0) == (room == 0))).all()),
                "a replay sample has more spikes than steps behind its first")


def validate(network: QNetwork) -> None:
    """Constants that every target can run: no shift, index or table out of range.

    Raises EdgeError E101. Sums, and what comes back of errors, are emit.proven's.
    """
    _check_network(network)
    for i in network.inputs:
        _check_input(network, i)
    for p in network.populations:
        _check_population(network, p)
    for q in network.projections:
        _check_projection(network, q)
        if q.rule is not None:
            _check_plastic(network, q)
            q.rule.check(network.site(q))
    _check_kept(network)
    _check_sensor(network)
    if network.replay is not None:
        require(isinstance(network.replay, QReplay), "replay is none")
        check_replay(network, network.replay)
    if network.guard is not None:
        guard = network.guard
        require(isinstance(guard, QGuard), "guard is none")
        require(isinstance(guard.keeps_copy, bool), "the guard's copy is no truth value")
        within(guard.window, 1, 32, "the guard's window")
        within(guard.margin, 0, 32, "the guard's margin")
    _check_misses(network)
    _check_classes(network)
    _check_names(network)
    _check_values(network)
    _check_stream(network)


def _check_names(n: QNetwork) -> None:
    if n.class_names is None:
        return
    require(isinstance(n.class_names, ClassNames) and isinstance(n.class_names.names, tuple)
            and isinstance(n.class_names.is_stated, bool), "class_names is none")
    require(len(n.class_names.names) == n.n_known and are_names(n.class_names.names),
            "its class names are not one text for each class")


def _check_values(n: QNetwork) -> None:
    """What is read as a value comes from membranes, and nothing about it needs a class."""
    values = n.values
    if values is None:
        return
    require(isinstance(values, QValues), "values is none")
    require(n.n_classes <= MOST_OUTPUTS and n.readout_kind == "membrane_sum",
            "values are read from other than the membranes of up to 256 outputs")
    within(values.mul, 1, 2**15 - 1, "values: mul")
    within(values.shift, 0, 46, "values: shift")
    entries(values.centre_q11, ((n.n_classes,),), -(2**30), 2**30, "values: centre_q11")
    real(values.scale, n.n_classes, "values: scale")
    require(values.scale.shape == (n.n_classes,), "values: scale is not one for each output")
    require(isinstance(values.names, tuple) and (not values.names or (
        len(values.names) == n.n_classes and are_names(values.names))),
            "values: its names are not one text for each output")
    require(n.class_names is None and not n.keeps_classes and n.sensor is None
            and n.error_step is None and n.cusum is None and (n.guard is None or not n.guard.margin)
            and all(q.stage != "batch" for q in n.plastic),
            "its outputs are values, and it has what needs classes")


def _check_stream(n: QNetwork) -> None:
    within(n.hop, 0, n.n_steps, "hop")
    if n.hop:
        require(not obstacle(n), f"it has a hop, but {obstacle(n)}")


def _check_classes(n: QNetwork) -> None:
    within(n.spare_classes, 0, min(SPARE_MAX, n.n_classes - 1), "spare_classes")
    if not n.keeps_classes:
        return
    require(n.guard is None or n.guard.margin == 0, "classes beside a guard that falls back")
    require(bool(n.plastic), "classes are kept, but nothing learns")
    for q in n.into(n.readout) if n.spare_classes else ():
        columns = q.w[:, n.n_known :] if q.w.ndim == 2 else np.ones(1)
        require(q.conv is None and not columns.any(), f"projection '{q.name}': weights of spare "
                "classes are not 0")
    means = n.class_means
    if means is None:
        return
    require(isinstance(means, QClassMeans), "class_means is none")
    require(means.hidden in {p.name for p in n.populations} and means.hidden != n.readout,
            "class_means: its population is unknown")
    hidden = n.population(means.hidden)
    require(hidden.counts and not hidden.records_channels and hidden.natural is None,
            "class_means: its population keeps no counts of neurons")
    peak = n.n_steps * hidden.recorded_a_step
    require(hidden.size * peak**2 < 1 << 30, "class_means: squares of counts leave 30 bits")
    entries(means.means, ((n.n_classes, hidden.size),), 0, MEAN_ONE, "class_means: means")
    require(means.seen.shape == (n.n_classes,) and bool(
        np.isin(means.seen, (0, QUANTITIES["mean_samples"])).all()), "class_means: seen")
    examples = means.examples
    if examples is not None:
        require(isinstance(examples, QExamples) and n.spare_classes > 0, "class_means: examples")
        within(len(examples.away), 1, QUANTITIES["examples_max"], "class_means: examples")
        entries(examples.directions, ((len(examples.away), hidden.size),), 0, MEAN_ONE,
                "class_means: directions of examples")
        entries(examples.away, ((len(examples.directions),),), 0, 2**31 - 1,
                "class_means: distances of examples")
        within(examples.spread, 0, 2**30 - 1, "class_means: spread of examples")


def _check_misses(n: QNetwork) -> None:
    step, cusum = n.error_step, n.cusum
    require(step is None or isinstance(step, QErrorStep), "error_step is none")
    require(cusum is None or isinstance(cusum, QCusum), "cusum is none")
    require(step is None or n.schedule_q8 is None, "error_step beside a schedule")
    if step is not None:
        within(step.gain_q4, 1, 255, "error_step: gain_q4")
        within(step.floor_q8, 1, 256, "error_step: floor_q8")
        within(step.start_q8, 0, SHARE_MAX_Q8, "error_step: start_q8")
    if cusum is not None:
        within(cusum.opens_q10, 1, 63 << 10, "cusum: opens_q10")
        within(cusum.allowed_q10, 1, 1 << 10, "cusum: allowed_q10")
        require(isinstance(cusum.closes, bool), "cusum: closes is no truth value")


def _check_network(n: QNetwork) -> None:
    within(n.n_steps, 1, RECORDED_MAX if n.plastic else 65535, "n_steps")
    within(n.n_batch, 1, 64, "n_batch")
    if n.schedule_q8 is not None:
        require(n.schedule_q8.ndim == 1 and n.schedule_q8.size > 0, "schedule_q8 is no table")
        entries(n.schedule_q8, (n.schedule_q8.shape,), 1, 256, "schedule_q8")
    within(n.seed, 1, 2**32 - 1, "seed")
    within(n.skip_below_q8, 0, 256, "skip_below_q8")
    within(n.softmax_shift, 0, 18, "softmax_shift")
    within(n.softmax_scale, 1, 2**15 - 1, "softmax_scale")
    most = (QUANTITIES["softmax_max_q8"] << n.softmax_shift) // n.softmax_scale
    within(n.softmax_limit, 1, max(1, most), "softmax_limit")
    sizes = [p.name for p in n.populations]
    names = [i.name for i in n.inputs] + sizes + [p.name for p in n.projections]
    require(all(name.isidentifier() and name.isascii() for name in names)
            and len(set(names)) == len(names), "a name is no identifier or is used twice")
    require(n.readout in sizes and n.readout_kind in ("spike_count", "membrane_sum"),
            f"readout '{n.readout}' of kind '{n.readout_kind}' is unknown")
    require(len(n.x_frac_bits) == len(n.inputs) > 0, "x_frac_bits needs a value for each input")
    require(n.x_features is None or (len(n.x_features) == len(n.inputs) and all(
        scale is None or isinstance(scale, QInputScale) for scale in n.x_features)),
            "x_features needs an entry for each input")
    for source, scale, bits in zip(n.inputs, n.x_scales, n.x_frac_bits, strict=True):
        where = f"input '{source.name}': "
        require(source.n_frames in (1, n.n_steps), where + f"{source.n_frames} frames")
        require(scale.is_uniform or not source.spikes, where + "spikes have no steps by feature")
        shape = (scale.frac_bits.shape if scale.is_uniform else (source.n_raw,))
        entries(scale.frac_bits, (shape,), -MOST_FRAC_BITS, MOST_FRAC_BITS, where + "frac_bits")
        entries(scale.zero, (shape,), -INT32_MAX, INT32_MAX, where + "zero")
        require(bits == scale.frac_bits.min(), where + "x_frac_bits are not the fewest")
    order = [p.post for p in n.projections]
    require(order == [name for name in sizes for _ in range(order.count(name))]
            and set(order) == set(sizes), "projections do not follow the order of populations")


def _check_input(n: QNetwork, i: Input) -> None:
    where = f"input '{i.name}': "
    require(i.encoder is None or isinstance(i.encoder, Encoder), where + "its encoder is none")
    is_delta = i.encoder is not None and i.encoder.kind == "delta"
    require(i.n_frames == n.n_steps or not (i.n_events or is_delta),
            where + "events and changes come in frames, one a step")
    require(i.n_frames == 1 or i.encoder is None or is_delta, where + "its encoder takes one frame")


def _check_sensor(n: QNetwork) -> None:
    declared, sensor = n.inputs[0].sensor, n.sensor
    if sensor is None and declared is None:
        return
    require(isinstance(sensor, QSensor) and isinstance(declared, Sensor) and len(n.inputs) == 1,
            "a sensor, but not of the only input")
    assert sensor is not None and declared is not None
    require(sensor.n_channels == declared.n_channels and sensor.unit == (declared.unit or 0)
            and [t.channels for t in sensor.triads] == [t.channels for t in declared.triads],
            "its sensor is another than its input's")
    drift = sensor.drift
    require(drift is None or (
        isinstance(drift, QDrift) and drift.n_channels == sensor.n_channels
        and drift.codes.n_readings == n.n_readings and len(drift.mean) <= n.n_classes
        and drift.triads in ((), sensor.triads)), "its windows are another sensor's")
    for name in ("class_means", "class_stds"):
        if getattr(sensor, name) is not None:
            entries(getattr(sensor, name), ((n.n_classes, sensor.n_channels),), -(2**15),
                    2**15 - 1, name)


def _check_population(n: QNetwork, p: QPopulation) -> None:
    where = f"population '{p.name}': "
    within(p.size, 1, 65535, where + "size")
    check_geometry(n, p)
    require(p.reset in get_args(ResetMode) and p.records in get_args(Records)
            and all(isinstance(flag, bool) for flag in (p.saturates, p.current_fits, p.counts,
                                                         p.records_membrane, p.has_error)),
             where + "its reset, its record or a flag is unknown")
    require(all(isinstance(flag, bool) for flag in (p.keeps_raster, p.records_channels,
                                                    p.counts_numbers)),
            where + "a flag is no truth value")
    require(all(bits in (16, 32) for bits in (p.membrane_bits, p.acc_bits, p.analogue_bits)),
            where + "a width is unknown")
    for name in ("leak_shift", "acc_lshift", "acc_rshift", "analogue_rshift"):
        within(getattr(p, name), 0, 30, where + name)
    real(p.unit, p.size, where + "unit")
    require(not p.counts_numbers or (p.counts and p.max_spikes > 1),
            where + "it counts several spikes of a step and has one at most")
    limit = (1 << (p.membrane_bits - 1)) - 1
    shapes = ((1,), (p.size,))
    entries(p.leak_q15, shapes, 0, 32768, where + "leak_q15")
    entries(p.fire_at, shapes, 1, limit, where + "fire_at")
    entries(p.reset_by, (p.fire_at.shape,), 0, limit, where + "reset_by")
    if p.touch_width is not None:
        entries(p.touch_width, (p.fire_at.shape,), 1, limit, where + "touch_width")
    entries(p.bias, ((p.size,),), -limit, limit, where + "bias")
    inputs = {i.name for i in n.inputs if not i.spikes}
    has_analogue = any(q.pre in inputs for q in n.into(p.name))
    require((p.analogue_bias is not None) == has_analogue, where + "analogue_bias is out of place")
    if p.analogue_bias is not None:
        entries(p.analogue_bias, ((p.size,),), -INT32_MAX, INT32_MAX, where + "analogue_bias")
    wide = any(q.weight_bits == 16 for q in n.into(p.name))
    require(p.acc_bits == 32 or not wide, where + "16-bit weights need 32-bit sums")
    require(len({q.weight_bits == 16 for q in n.into(p.name) if not q.is_analogue}) < 2,
            where + "weights of 16 bits beside others")
    require(p.leak_shift == 0 or p.leak_q15.size == 1, where + "a shift beside a leak per neuron")
    require(p.max_spikes == 1 or int(p.reset_by.min()) > 0, where + "spikes that reset nothing")


def _check_projection(n: QNetwork, q: QProjection) -> None:
    where = f"projection '{q.name}': "
    require(all(value is None or isinstance(value, kind) for value, kind in (
        (q.pool, geometry.Pool), (q.conv, geometry.Conv), (q.result_pool, geometry.MaxPool),
        (q.rule, QRule))), where + "its pool, its convolution or its rule is none")
    require(q.weight_bits in (4, 5, 6, 7, 8, 16), where + f"{q.weight_bits!r} weight bits")
    inputs = {i.name: i for i in n.inputs}
    currents = {i.name for i in n.inputs if not i.spikes}
    require((q.pre in inputs or q.pre in {p.name for p in n.populations})
            and q.is_analogue is (q.pre in currents), where + "its origin is unknown")
    limit = 1 << (q.weight_bits - 1)
    entries(q.w, (weight_shape(n, q),), -limit, limit - 1, where + "w")
    real(q.scale, q.n_post, where + "scale")
    within(q.feedback_rshift, 0, 30, where + "feedback_rshift")
    within(q.feedback_gain_q14, 0, 1 << 14, where + "feedback_gain_q14")
    require(q.pre not in inputs or q.rule is None, where + "its origin is an input: no rule")
    require(not q.is_analogue or q.weight_bits != 16, where + "16-bit weights of currents")
    require(q.activity is None or (is_real(q.activity) and 0 <= q.activity <= 1),
            where + "its activity is no share")


def _check_plastic(n: QNetwork, q: QProjection) -> None:
    """Rows and columns are neurons, or channels of which records are."""
    where = f"projection '{q.name}': "
    require(q.pool is None and q.delay is None and q.result_pool is None and q.w.ndim == 2,
            where + "it has a rule, and a pool, a delay or a kernel")
    for p, many in ((n.population(q.pre), q.n_pre), (n.population(q.post), q.n_post)):
        require(p.records_channels is (q.conv is not None) and p.n_recorded == many,
                where + f"it learns from {many:,}, and records of '{p.name}' are {p.n_recorded:,}")


def _check_kept(n: QNetwork) -> None:
    """What is remembered of a sample is what delays, rules and stored samples read."""
    depths = history_depths([p.name for p in n.populations], n.projections)
    stages = {q.stage for q in n.plastic}
    require(n.n_batch == 1 or "batch" in stages, "n_batch, but no rule learns from a batch")
    beside = (n.schedule_q8, n.replay, n.guard, n.error_step, n.cusum)
    require(bool(stages) or beside == (None,) * len(beside),
            "a schedule, replay, a guard or a gate, but nothing learns")
    for p in n.populations:
        where = f"population '{p.name}': "
        require(p.n_history == depths.get(p.name, 0), where + "its n_history is not of its delays")
        require(bool(stages) or not (p.counts or p.has_error or p.keeps_raster
                                     or p.touch_width is not None or p.records != "none"),
                where + "it remembers a sample, but nothing learns")
        require(not p.counts or n.n_steps * p.recorded_a_step <= RECORDED_MAX,
                where + f"it may fire more than {RECORDED_MAX:,} times")
        require(not p.records_membrane or (p.name == n.readout and p.reset == "none"
                                           and n.readout_kind == "membrane_sum"),
                where + "its membranes stand for spikes, and are not read")
    if n.reruns:
        require(all(p.max_spikes == 1 for p in n.cut), "a stored neuron fires several times a step")
        require(not any(q.pre in {i.name for i in n.inputs} for name in n.plastic_part
                        for q in n.into(name)), "an input enters the part that is run again")
        require(n.guard is None or n.guard.margin == 0 or all(p.keeps_raster for p in n.cut),
                "the guard's fall-back needs the spikes of every step")


def known_projection(network: QNetwork, projection: str) -> QProjection:
    """The projection of that name, or EdgeError E105."""
    for p in network.projections:
        if isinstance(projection, str) and p.name == projection:
            return p
    raise EdgeError("E105", f"there is no projection '{projection}'",
                    help="choose one of " + ", ".join(p.name for p in network.projections))


def checked_weights(network: QNetwork, projection: str, w: NDArray[Any]) -> IntArray:
    """w as int64 (n_pre, n_post); EdgeError E503 if frozen or out of range, E104 for its shape."""
    p = known_projection(network, projection)
    if not p.is_plastic:
        raise EdgeError("E503", "the projection is not plastic", cause=f"'{projection}' is frozen")
    given = array_of(w, f"weights of '{projection}'")
    if given.dtype.kind not in "iu":
        raise EdgeError("E104", f"weights of '{projection}' are {given.dtype}, expected integers")
    if given.shape != p.w.shape:
        raise EdgeError("E104", f"weights of '{projection}' have shape {given.shape}, expected "
                        f"{p.w.shape}")
    bound = 1 << (p.weight_bits - 1)
    if (given < -bound).any() or (given >= bound).any():
        raise EdgeError("E503", "value out of range",
                        cause=f"weights of '{projection}' lie in {-bound} to {bound - 1}")
    return given.astype(np.int64)

"""Work on the way of spikes that is no plain matrix, and of inputs that the device makes spikes of,
counted on the reference: what firmware/src/paths does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import Input
from edge_dassdp.ir.geometry import Volume, size
from edge_dassdp.plan import Plan
from edge_dassdp.plan.convolution import Axis, Taps
from edge_dassdp.plan.kernels import summed_bits
from edge_dassdp.plan.routes import Route, history
from edge_dassdp.plan.scratch import ROWS_MAX
from edge_dassdp.qir import QNetwork, QPopulation, QProjection
from edge_dassdp.qir.order import result_volume
from edge_dassdp.qir.packing import columns, words
from edge_dassdp.qir.samples import END_OF_STEP

Tally = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Visits:
    """What a spike of each neuron of the source sets off, behind delays and a pool by the maximum.

    pooled: windows of such a pool that a spike is put into, (neurons of the source,). windows: of a
    summing pool, 1 without one; sought, runs and taps: of a convolution, pairs of taps that fit
    its stride, rows of outputs and outputs; all (neurons that arrive,). places: of the pooled
    volume, for each place of the source in order.
    """

    route: Route
    pooled: IntArray
    windows: IntArray
    sought: IntArray
    runs: IntArray
    taps: IntArray
    tap_columns: int
    places: tuple[IntArray, ...]

    @classmethod
    def of(cls, q: QProjection, route: Route) -> Visits:
        """Of a projection with a path."""
        volume, pool = q.volume, q.pool
        within = (np.eye(volume[1], dtype=np.int64), np.eye(volume[2], dtype=np.int64))
        pooled = np.zeros((volume[1], volume[2]), np.int64)
        if pool is not None and route.pool is not None:
            down, across = (_windows(axis, n) for axis, n in
                            zip(route.pool, volume[1:], strict=True))
            if pool.kind == "max":
                pooled = np.outer(down.sum(axis=1), across.sum(axis=1))
                volume = route.pooled
                down, across = (np.eye(n, dtype=np.int64) for n in volume[1:])
            within = (down, across)
        n_windows = np.outer(within[0].sum(axis=1), within[1].sum(axis=1))
        sought, runs, taps = np.zeros((3, *n_windows.shape), np.int64)
        tap_columns = 0
        if route.conv is not None and route.kind != "channels":
            tables = route.conv
            tap_columns = tables.tap_columns
            down_of = _reached(tables.y, tables.down, tables.source[1])
            across_of = _reached(tables.x, tables.across, tables.source[2])
            sought, runs, taps = (within[0] @ np.outer(y, x) @ within[1].T for y, x in (
                (down_of.fitting, across_of.fitting), (down_of.outputs, across_of.runs),
                (down_of.outputs, across_of.outputs)))
        n_across = within[1].shape[1]
        places = tuple((np.flatnonzero(y)[:, None] * n_across + np.flatnonzero(x)).ravel()
                       for y in within[0] for x in within[1])
        return cls(route, _each(pooled, q.volume), _each(n_windows, volume), _each(sought, volume),
                   _each(runs, volume), _each(taps, volume), tap_columns, places)


def _each(by_place: IntArray, volume: Volume) -> IntArray:
    """Of places to neurons."""
    return np.repeat(by_place.ravel(), volume[0])


def _windows(axis: Axis, n: int) -> IntArray:
    """1 where a window holds a place, (n, windows)."""
    first = np.arange(axis.n_out) * axis.stride - axis.padding
    offset = np.arange(n)[:, None] - first
    return ((offset >= 0) & (offset < axis.kernel)).astype(np.int64)


class _Reached(NamedTuple):
    """By place along an axis: runs of taps that fit the stride, those that reach outputs, and these
    outputs."""

    fitting: IntArray
    runs: IntArray
    outputs: IntArray


def _reached(axis: Axis, taps: tuple[Taps, ...], n: int) -> _Reached:
    quotient, phase = np.divmod(np.arange(n) + axis.padding, axis.stride)
    found = []
    for run in taps:
        left = quotient - run.quotient
        found.append(np.minimum(left + run.n_taps, axis.n_out) - np.maximum(left, 0))
    fits = np.array([phase == run.phase for run in taps])
    lengths = np.where(fits, np.maximum(found, 0), 0)
    return _Reached(fits.sum(axis=0), (lengths > 0).sum(axis=0), lengths.sum(axis=0))


def count_currents(post: QPopulation, q: QProjection, visits: Visits, x: NDArray[np.int8],
                   adds: bool, tally: Tally) -> None:
    """`dassdp_deliver_currents` with x (n, neurons of the source). adds: sums hold something
    already."""
    heard = (x != 0).astype(np.int64)
    tally["currents_searched"] += x.shape[1]
    tally["words_prepared"] += _convolved(q, post) * post.analogue_bits // 32
    _count_largest(q, post, np.full(len(x), adds), post.analogue_bits, tally)
    if q.pool is not None:
        tally["events_pooled"] += heard.sum(axis=1)
        tally["windows_visited"] += heard @ visits.windows
    _count_scatter(q, visits, heard, tally)
    _count_columns(q, visits, heard, "current_columns", post.analogue_bits, tally)


def count_path(network: QNetwork, q: QProjection, visits: Visits, arrived: NDArray[Any],
               t_step: int, adds: NDArray[np.bool_], tally: Tally) -> NDArray[np.bool_]:
    """One projection in one step. arrived: how often each neuron of its source is heard,
    (n, neurons). adds: sums hold something already, (n,); returns whether they do then."""
    tally["projection_steps"] += 1
    if not _count_delay(visits.route, arrived.shape[1], t_step, tally):
        arrived = np.zeros((len(arrived), len(visits.windows)), np.int64)
    elif q.pool is not None and q.pool.kind == "max":
        tally["words_searched"] += words(arrived.shape[1]) + words(len(visits.windows))
        tally["events_pooled"] += (arrived > 0).sum(axis=1)
        tally["windows_visited"] += (arrived > 0) @ visits.pooled
        tally["bytes_moved"] += 4 * words(len(visits.windows))
        if visits.route.counts:
            tally["bytes_moved"] += len(visits.windows)
        arrived = _largest(q, np.asarray(arrived, np.int64))
    else:
        tally["words_searched"] += words(arrived.shape[1])
    heard = (arrived > 0).astype(np.int64)
    tally["events_delivered"] += heard.sum(axis=1)
    if q.pool is not None and q.pool.kind == "sum":
        tally["events_pooled"] += heard.sum(axis=1)
        tally["windows_visited"] += heard @ visits.windows
    post, kind = network.population(q.post), visits.route.kind
    if kind == "rows":
        n_rows = np.asarray(arrived, np.int64) @ visits.windows
        n_lists = -(-n_rows // ROWS_MAX)
        _count_rows(network, q, n_rows, n_lists, columns(q.n_post), tally)
        return np.asarray(adds | (n_lists > 0))
    n_words = _convolved(q, post) * post.acc_bits // 32
    is_first = ~adds | (q.result_pool is not None)
    tally["words_prepared"] += n_words * (is_first if kind == "channels" or post.acc_bits == 32
                                          else 1)
    _count_largest(q, post, adds, post.acc_bits, tally)
    if kind == "channels":
        n_rows = np.asarray(arrived, np.int64) @ visits.windows
        n_lists = np.array([sum(-(-n // ROWS_MAX) for n in _by_place(visits, one, q.volume[0]))
                            for one in arrived], np.int64)
        _count_rows(network, q, n_rows, n_lists, min(post.shape[0], columns(q.n_post)), tally)
    else:
        _count_scatter(q, visits, heard, tally)
        _count_columns(q, visits, heard, "scattered", post.acc_bits, tally)
    return np.ones_like(adds)


def _convolved(q: QProjection, post: QPopulation) -> int:
    """Columns of the sums that a convolution is added to."""
    return columns(post.size if q.result_pool is None else size(result_volume(q)))


def _count_largest(q: QProjection, post: QPopulation, adds: NDArray[np.bool_], bits: int,
                   tally: Tally) -> None:
    """`add_largest` of largest.c."""
    if q.result_pool is not None:
        tally["maxima_added"] += post.size
        tally["sums_compared"] += post.size * size(q.result_pool.kernel)
        tally["bytes_moved"] += ~adds * (columns(post.size) * bits // 8)


def _count_delay(route: Route, n: int, t_step: int, tally: Tally) -> bool:
    """Whether spikes of any step since the first one are heard."""
    if route.delay is None:
        return True
    steps = route.delay.steps
    if len(steps) > 1:
        tally["bytes_moved"] += 4 * words(n)
        tally["delay_words"] += words(n) * sum(step <= t_step for step in steps)
    return len(steps) > 1 or steps[0] <= t_step


def _largest(q: QProjection, arrived: IntArray) -> IntArray:
    """Behind a pool by the maximum, place by place as before it."""
    assert q.pool is not None
    n, channels = len(arrived), q.volume[0]
    planes = arrived.reshape(n, -1, channels).transpose(0, 2, 1).reshape(n, -1)
    pooled = q.pool.apply(np.ascontiguousarray(planes), q.volume)
    return pooled.reshape(n, channels, -1).transpose(0, 2, 1).reshape(n, -1)


def _count_rows(network: QNetwork, q: QProjection, n_rows: IntArray, n_lists: IntArray,
                n_added: int, tally: Tally) -> None:
    """Lists of rows, the last one of each not full."""
    n_columns = columns(q.n_post)
    tally["lists_summed"] += n_lists
    tally["rows_summed"] += n_rows
    tally["list_columns_16" if q.weight_bits == 16 else "list_columns"] += n_lists * n_columns
    if network.population(q.post).acc_bits == 32 and q.weight_bits != 16:
        tally["list_columns_added"] += n_lists * n_added
    tally[f"synaptic_ops_{summed_bits(network, q)}"] += n_rows * n_columns


def _by_place(visits: Visits, arrived: NDArray[Any], channels: int) -> IntArray:
    """Spikes of one step that are weighted at one place, one after the other: how many at each."""
    spikes = np.flatnonzero(arrived)
    visited = [visits.places[spike // channels] for spike in spikes]
    places = np.concatenate([np.zeros(0, np.int64), *visited])
    times = np.repeat(np.asarray(arrived, np.int64)[spikes], [len(each) for each in visited])
    begins = np.flatnonzero(np.diff(places, prepend=-1))
    return np.add.reduceat(times, begins) if len(begins) else times


def _count_scatter(q: QProjection, visits: Visits, heard: IntArray, tally: Tally) -> None:
    """Outputs of a place are found once for what follows in turn there, with dilation for each tap.
    """
    tally["kernels_scattered"] += heard @ visits.windows
    tally["runs_scattered"] += heard @ visits.runs
    if q.conv is not None and max(q.conv.dilation) > 1:
        tally["patches_dilated"] += heard @ visits.sought
    elif q.pool is None or q.pool.kind == "max":
        at = heard.reshape(len(heard), -1, q.volume[0]).any(axis=2)
        tally["patches_reached"] += at.sum(axis=1)
    else:
        tally["patches_reached"] += np.array(
            [len(_by_place(visits, one, q.volume[0])) for one in heard], np.int64)


def _count_columns(q: QProjection, visits: Visits, heard: IntArray, kind: str, bits: int,
                   tally: Tally) -> None:
    """Weights that convolutions add, by kernel."""
    n_taps = heard @ visits.taps
    if q.weight_bits == 16 or (q.conv is not None and q.conv.groups > 1):
        tally["taps_scattered"] += n_taps
        kind = "scattered_plain"
    tally[f"{kind}_{bits}"] += n_taps * visits.tap_columns


def count_coding(plan: Plan, x: NDArray[np.int8], t_step: int, tally: Tally) -> None:
    """`dassdp_encode` of one step of samples x, int8 (n, x_bytes)."""
    network = plan.network
    for source in network.inputs:
        if not source.is_coded:
            continue
        n_rows = 1 + (history(network, plan.routes, source.name) > 0)
        tally["bytes_moved"] += 4 * words(source.size) * n_rows + source.size * source.counts
        if source.encoder is not None:
            tally[f"codes_{source.encoder.kind}"] += source.n_raw
        else:
            tally["events_read"] += _entries(source, x[:, network.x_offsets[source.name]:], t_step)


def _entries(source: Input, x: NDArray[np.int8], t_step: int) -> IntArray:
    """Of a list of events that are read in one step, its end among them, (n,)."""
    n_listed = source.n_frames + source.n_events
    lists = np.ascontiguousarray(x[:, : 2 * n_listed]).view("<u2")
    n_ends = np.cumsum(lists == END_OF_STEP, axis=1)
    begun = (n_ends - (lists == END_OF_STEP)) == t_step
    return np.asarray(begun.sum(axis=1))

"""The scratch of a network: parts of one array that are needed at different times share bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.ir.geometry import size
from edge_dassdp.plan.routes import Route
from edge_dassdp.plan.ruled import rule_scratch
from edge_dassdp.qir import QNetwork, QPopulation, QProjection, frame_bytes
from edge_dassdp.qir.order import result_volume
from edge_dassdp.qir.packing import columns, words
from edge_dassdp.wire.messages import CHUNK_BYTES

_WORD = 4
ROWS_MAX = QUANTITIES["rows_max"]


@dataclass(frozen=True)
class Scratch:
    """Parts of the scratch array, byte offsets from its start by name: see dassdp_model_t of
    dassdp.h. inference_bytes: as large as it would be if nothing learned.
    """

    offsets: dict[str, int]
    inference_bytes: int
    bytes: int


def lay_out(network: QNetwork, routes: Mapping[str, Route]) -> Scratch:
    """Parts that are needed at the same time never overlap; the sample and what learning needs once
    it has run do."""
    listed = [q.n_pre for q in network.projections if not q.is_analogue]
    if network.readout_kind == "spike_count":
        listed.append(network.n_classes)
    listed += [rule_scratch(network, q).get("rows", 0) // 4 for q in network.plastic]
    offsets = {"rows": 0}
    n_rows = min(ROWS_MAX, max(listed, default=0))
    if any(routes[q.name].has_path and not q.is_analogue for q in network.projections):
        n_rows = ROWS_MAX
    begin = _after(offsets, 4 * n_rows, {})
    rasters = _raster_parts(network)
    is_early = any(p.keeps_raster for p in network.populations)
    both = _after(offsets, begin, rasters if is_early else {})
    inference = _after(offsets, both, _inference_parts(network, routes))
    learning = _after(offsets, both, _learning_parts(network))
    x = {"x": _sample_bytes(network)} if _keeps_sample(network) else {}
    sample = _after(offsets, inference, x)
    late = max(inference, learning)
    late = late if is_early else _after(offsets, late, rasters)
    late = _after(offsets, late, _lesson_parts(network))
    return Scratch(offsets, inference_bytes=sample - (both - begin), bytes=max(sample, late))


def _keeps_sample(network: QNetwork) -> bool:
    """Whether the state holds the sample: read in every step, longer than one message, or made of
    readings."""
    if network.keeps_frame and network.inputs[0].n_events:
        return False  # they become spikes as they arrive
    is_read_again = any(i.n_frames > 1 or i.spikes for i in network.inputs)
    return is_read_again or network.x_bytes > CHUNK_BYTES or network.sensor is not None


def _sample_bytes(network: QNetwork) -> int:
    """Of the part of a sample that the state holds."""
    return frame_bytes(network.inputs[0]) if network.keeps_frame else network.code_bytes


def _after(offsets: dict[str, int], begin: int, parts: dict[str, int]) -> int:
    """Places parts one behind the other; returns their end."""
    for name, n_bytes in parts.items():
        offsets[name] = begin
        begin += -(-n_bytes // _WORD) * _WORD
    return begin


def _lesson_parts(network: QNetwork) -> dict[str, int]:
    """Where a lesson in slices stands."""
    return {"lesson": _WORD * QUANTITIES["lesson_words"]} if network.plastic else {}


def _raster_parts(network: QNetwork) -> dict[str, int]:
    """Spikes of every step of the populations that are run again, or that touch or STDP reads."""
    rerun = {p.name for p in network.cut} if network.reruns else set()
    return {f"raster_{p.name}": 4 * words(p.size) * network.n_steps for p in network.populations
            if p.keeps_raster or p.name in rerun}


def _inference_parts(network: QNetwork, routes: Mapping[str, Route]) -> dict[str, int]:
    """Bytes of each part of the scratch while the network runs."""
    sums = part = bits = 0
    for p in network.populations:
        wide = p.acc_bits == 32 or (p.analogue_bias is not None and p.analogue_bits == 32)
        sums = max(sums, (columns(p.size) + _row_end(network, routes, p)) * (4 if wide else 2))
        observed = p.size if p.records_membrane else p.n_recorded * p.records_channels
        bits = max(bits, 4 * words(observed))
    for q in network.projections:
        wide = network.population(q.post).acc_bits == 32 and q.weight_bits != 16
        is_dense = routes[q.name].is_dense
        if not q.is_analogue and (is_dense or wide):
            part = max(part, columns(q.n_post) * (4 if q.weight_bits == 16 else 2))
        bits = max(bits, 4 * words(q.n_pre) * is_dense)
    whole = max((result_bytes(network, q) for q in network.projections), default=0)
    return {"sums": sums, "part": part, "words": bits, **({"whole": whole} if whole else {}),
            **_path_parts(network, routes)}


def result_bytes(network: QNetwork, q: QProjection) -> int:
    """Of the sums of a convolution before their largest are pooled, 0 where they are not."""
    if q.result_pool is None:
        return 0
    post = network.population(q.post)
    bits = post.analogue_bits if q.is_analogue else post.acc_bits
    return columns(size(result_volume(q))) * bits // 8


def _row_end(network: QNetwork, routes: Mapping[str, Route], p: QPopulation) -> int:
    """Columns behind its last neuron that rows of a matrix between channels are added to."""
    is_filled = any(routes[q.name].kind == "channels" for q in network.into(p.name))
    return columns(1) if is_filled else 0


def _path_parts(network: QNetwork, routes: Mapping[str, Route]) -> dict[str, int]:
    """What spikes pass through on their way: lists, delayed words, words and numbers of a pool."""
    sizes: dict[str, int] = {}

    def need(part: str, n_bytes: int) -> None:
        sizes[part] = max(sizes.get(part, 0), n_bytes)

    for q in network.projections:
        route = routes[q.name]
        if not route.has_path or q.is_analogue:
            continue
        need("events", 4 * ROWS_MAX)
        if q.delay is not None and q.delay.size > 1:
            need("delayed", 4 * words(size(q.volume)))
        if q.pool is not None and q.pool.kind == "max":
            n_pooled = size(route.pooled)
            need("pooled", 4 * words(n_pooled))
            if route.counts:
                need("numbers", n_pooled)
    return sizes


def _learning_parts(network: QNetwork) -> dict[str, int]:
    """The same while it learns; k, or the sums of a batch, lie where the sums of a step did."""
    sizes = {"sums": 0, "row": 0, "classes": 0, "bytes": 0, "gates": 0, "touches": 0, "steps": 0,
             "traces": 0}
    for q in network.plastic:
        for name, n_bytes in rule_scratch(network, q).items():
            sizes[name] = max(sizes.get(name, 0), n_bytes)
    sizes.pop("rows", None)
    return sizes

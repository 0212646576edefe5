"""Spikes as a trace that ui.perfetto.dev and chrome://tracing open: JSON of Chrome's Trace Event
Format (object form; complete events, `ph` X, and names, `ph` M; times in microseconds)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

STEP_US = 1000
"""A step where nobody says how long one lasts."""
_SAMPLES = 1
"""Process and thread of samples; populations are processes behind it, neurons threads."""


def trace(raster: dict[str, Any], target: str, labels: Sequence[str],
          step_us: int = STEP_US) -> dict[str, Any]:
    """The spikes of a target in a raster of `raster.rasters`, as JSON values.

    A track for every population, and in it one for each of its neurons that fires; one of samples,
    with their labels. Time counts steps, `step_us` each: a step is as long as another, whatever a
    processor takes for it.
    """
    return {"displayTimeUnit": "ms", "otherData": {
                "target": target, "time": "steps of the network, none of a clock",
                "step_us": step_us},
            "traceEvents": [*_samples(raster, labels, step_us),
                            *_spikes(raster, raster["spikes"][target], step_us)]}


def _samples(raster: dict[str, Any], labels: Sequence[str], step_us: int
             ) -> Iterator[dict[str, Any]]:
    yield from _named("process", _SAMPLES, _SAMPLES, "samples")
    yield from _named("thread", _SAMPLES, _SAMPLES, "sample")
    for i in range(raster["n_samples"]):
        yield _slice(f"sample {i}: {labels[i]}", _SAMPLES, _SAMPLES, i * raster["n_steps"],
                     raster["n_steps"], step_us)


def _spikes(raster: dict[str, Any], spikes: Sequence[Sequence[int]], step_us: int
            ) -> Iterator[dict[str, Any]]:
    fired = {neuron for _, neuron in spikes}
    process_of, first = {}, 0
    for process, population in enumerate(raster["populations"], _SAMPLES + 1):
        yield from _named("process", process, process, population["name"])
        for i in range(population["size"]):
            if (neuron := first + i) in fired:
                process_of[neuron] = process
                yield from _named("thread", process, _thread(neuron), f"neuron {i}", i)
        first += population["size"]
    for step, neuron in spikes:
        yield _slice("spike", process_of[neuron], _thread(neuron), step, 1, step_us)


def _thread(neuron: int) -> int:
    """Of a neuron, counted from population to population: no two tracks share one."""
    return _SAMPLES + 1 + neuron


def _named(what: str, process: int, thread: int, name: str, place: int | None = None
           ) -> Iterator[dict[str, Any]]:
    """The name of a process or thread, and its place among the others."""
    of = {"ph": "M", "pid": process, "tid": thread}
    yield {"name": f"{what}_name", **of, "args": {"name": name}}
    yield {"name": f"{what}_sort_index", **of,
           "args": {"sort_index": process if place is None else place}}


def _slice(name: str, process: int, thread: int, step: int, n_steps: int, step_us: int
           ) -> dict[str, Any]:
    return {"name": name, "ph": "X", "pid": process, "tid": thread, "ts": step * step_us,
            "dur": n_steps * step_us}

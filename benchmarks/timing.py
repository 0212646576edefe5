"""Cycles of the benchmark network: modelled where a core's timings are published, else bounds.

Of the network of `networks.learning`: a step, an inference and a lesson that writes both deeper
projections, each once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from counting import CORES, Machine, Record
from counting.bare import trace_qemu
from counting.bounds import at_least, has_model, in_flash
from counting.cycles import Model
from device import Device
from workload import quantized

WORK = {"step": "one step, 20 % active", "infer": "inference of 25 steps, 20 % active",
        "learn": "error and update of two projections"}
TABLES = {"M0": ("M0", "M0+"), "M3": ("M3",), "M4": ("M4",)}
"""Cores whose instructions a core executes, and whose tables price them."""
BOUNDED = ("M7", "M55")
FLASHED, FLASH_MHZ, WAIT_STATES, LINE_BYTES = "M4", 168, 5, 16
"""Of the STM32F405 at its full speed (RM0090, table 10, and its 128-bit lines)."""


def measure() -> Iterator[Record]:
    """What LLVM does not model here is left out."""
    for core in TABLES:
        for name, device in _calls(core):
            yield from _modelled(core, name, device)
    for core in filter(has_model, BOUNDED):
        for name, device in _calls(core):
            yield _bounded(core, name, device)


def _calls(core: str) -> Iterator[tuple[str, Device]]:
    """A device that ends with each call."""
    network, x = quantized(0.2, 8, learns=True)
    for name in WORK:
        device = Device(network, core)
        device.note(x[0])
        if name == "step":
            device.begin(x[0])
            for _ in range(network.n_steps // 2):
                device.step()
        else:
            device.infer(x[0])
        if name == "learn":
            device.learn(0)
        yield name, device


def _called(core: str, device: Device) -> Machine:
    """One that has executed all calls of the device."""
    machine = Machine(device.image.elf, core, watches_constants=core == FLASHED)
    for case in device.cases:
        machine.call(case.function, *case.args)
    return machine


def _modelled(core: str, name: str, device: Device) -> Iterator[Record]:
    machine = _called(core, device)
    trace = machine.trace()
    for model in map(Model, TABLES[core]):
        yield Record(name, model.core, WORK[name], len(trace),
                     modelled_cycles=machine.cycles(model), model=model.name)
    if core == FLASHED:
        most = machine.cycles(Model(core)) + in_flash(trace, machine.n_constants, LINE_BYTES,
                                               WAIT_STATES)
        yield Record(name, f"{core} at {FLASH_MHZ} MHz, at most", WORK[name], len(trace),
                     modelled_cycles=most, model=f"Cortex-M4 table, {WAIT_STATES} wait states for "
                     f"each line of {LINE_BYTES} B and each constant, no cache")


def _bounded(core: str, name: str, device: Device) -> Record:
    with TemporaryDirectory() as temporary:
        if core == "M55":
            elf, trace = trace_qemu(CORES[core], device.objects, device.cases, Path(temporary))
        else:
            elf, trace = device.image.elf, _called(core, device).trace()
        return Record(name, f"{core}, at least", WORK[name], len(trace),
                      modelled_cycles=at_least(elf, core, trace),
                      model="LLVM's scheduling model, straight pieces, no branch and no memory")


def table(records: list[Record]) -> list[str]:
    """Markdown: work by core."""
    cores = list(dict.fromkeys(r.core for r in records))
    found = {(r.name, r.core): r.modelled_cycles for r in records}
    return [f"| 256-128-64-10, 8-bit weights, cycles of a model | {' | '.join(cores)} |",
            f"|---|{'---|' * len(cores)}",
            *(f"| {title} | " + " | ".join(f"{found[name, core]:,.0f}" for core in cores) + " |"
              for name, title in WORK.items())]

"""A library in figures, as JSON values: what model.json holds and the README tells."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, get_args

from edge_dassdp import __version__
from edge_dassdp.base.qformat import QInputScale
from edge_dassdp.build.board import Board
from edge_dassdp.emit.model import ABI
from edge_dassdp.ir import Input
from edge_dassdp.learned.portable import n_bytes
from edge_dassdp.library.contract import has_names, is_coded, labels
from edge_dassdp.library.figures import instructions_of, stack_of
from edge_dassdp.library.sources import Sources
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import constant_bytes
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import pushed_bytes
from edge_dassdp.qir.tables import Group
from edge_dassdp.wire.frames import link_buffer_bytes
from edge_dassdp.wire.messages import PROTOCOL

SLOT_HEAD = 32
"""DASSDP_SLOT_HEAD of flash whose write unit is no larger."""
SCHEMA = "edge_dassdp/library/1"


def described(sources: Sources, kind: str, board: Board | None) -> dict[str, Any]:
    """All that is known of a library; board: whose core the stack is told of."""
    return {"schema": SCHEMA, "tool": f"edge-dassdp {__version__}", "for": kind, "abi": ABI,
            "protocol": PROTOCOL, "build_hash": f"{sources.build_hash:016x}",
            "models": {name: {**contract(network), "figures": figures(network, board)}
                       for name, network in sources.networks.items()}}


def contract(network: QNetwork) -> dict[str, Any]:
    """Hash, sizes in bytes, what goes in and what comes out."""
    plan = Plan.of(network)
    ram: dict[str, int] = {group: plan.layout.bytes_of(group) for group in get_args(Group)}
    buffers = link_buffer_bytes(network.n_classes)
    return {
        "sha256": network.sha256, "n_steps": network.n_steps, "n_classes": network.n_classes,
        "classes": [] if network.values else list(labels(network)),
        "has_class_names": network.class_names is not None, "value_outputs": _values(network),
        "hop": network.hop, "frame_bytes": pushed_bytes(network) if network.keeps_frame else 0,
        "x_bytes": network.code_bytes, "state_bytes": plan.layout.state_bytes, "ram": ram,
        "constant_bytes": constant_bytes(plan), "plastic": [q.name for q in network.plastic],
        "export_bytes": n_bytes(network),
        "slots": {"n": 2, "least_bytes": SLOT_HEAD + n_bytes(network)},
        "link_bytes": {"request": buffers.request, "response": buffers.response},
        "inputs": [_input(source, scale)
                   for source, scale in zip(network.inputs, network.x_scales, strict=True)],
        "sensor": _sensor(network)}


def _input(source: Input, scale: QInputScale) -> dict[str, Any]:
    """Values in the order of a training sample; a code is clip(floor(value 2^frac_bits + 1/2) -
    zero, -127, 127)."""
    kind = "currents" if not source.spikes else "events" if source.n_events else "spikes"
    found: dict[str, Any] = {
        "name": source.name, "kind": "raw" if source.encoder else kind,
        "n_frames": source.n_frames, "shape": list(source.raw_shape)}
    if source.n_events:
        found |= {"n_events": source.n_events, "most": 255 if source.counts else 1}
    if source.encoder is not None:
        found["encoder"] = dataclasses.asdict(source.encoder)
    if is_coded(source):
        found |= {"frac_bits": scale.frac_bits.tolist(), "zero": scale.zero.tolist()}
    return found


def _values(network: QNetwork) -> dict[str, Any] | None:
    """Of outputs that are values: value = centre + scale value_q11 / 2^11 of each."""
    values = network.values
    return None if values is None else {
        "outputs": list(labels(network)), "has_names": has_names(network),
        "centre": values.centre.tolist(), "scale": values.scale.tolist()}


def _sensor(network: QNetwork) -> dict[str, Any] | None:
    sensor = network.inputs[0].sensor
    if network.sensor is None or sensor is None:
        return None
    return {"n_channels": sensor.n_channels, "n_readings": network.n_readings,
            "scale": list(sensor.scale), "offset": list(sensor.offset), "unit": sensor.unit}


def figures(network: QNetwork, board: Board | None) -> dict[str, Any]:
    """What calls cost."""
    stack = stack_of(network, board)
    return {"stack": dataclasses.asdict(stack),
            "instructions": {cpu: {call: None if n is None else round(n)
                                   for call, n in dataclasses.asdict(found).items()}
                             for cpu, found in instructions_of(network).items()}}


def calls(models: Mapping[str, Any]) -> list[str]:
    """Calls whose stack is known of any model, in order."""
    return list(dict.fromkeys(call for model in models.values()
                              for call in model["figures"]["stack"]["calls"]))

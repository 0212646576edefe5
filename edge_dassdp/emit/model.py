"""A plan as C text: constant tables and the state struct. Pure and deterministic."""

from __future__ import annotations

import re
from typing import Any

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.project import LOCK_FILE
from edge_dassdp.emit import fits
from edge_dassdp.emit.proven import require_proven
from edge_dassdp.ir import Input
from edge_dassdp.plan import Plan
from edge_dassdp.plan.path_tables import Fields
from edge_dassdp.qir import QNetwork, QPopulation
from edge_dassdp.qir.samples import pushed_bytes
from edge_dassdp.qir.tables import Array, Rows, Table, printed
from edge_dassdp.rules.declared import c_files
from edge_dassdp.wire import frames
from edge_dassdp.wire.lock import Lock

ABI = 11
_NAME = re.compile(r"(?!dassdp_)(?=.{1,24}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PER_LINE = 16


def emit(plan: Plan, name: str = "dassdp", *, save_every: int = 0,
         lock: Lock | None = None) -> dict[str, str]:
    """{file name: text} of a model: <name>_model.h and .c, and what the ports and the link need.

    name: of all that the model defines, so that several link into one firmware; the ports run the
    model whose dassdp_program.h they are given. save_every: labelled samples after which a program
    with slots in flash saves by itself, 0 for never. lock: the key of a locked build, which then
    stands in a file of its own. Raises EdgeError E105 for a name that cannot be, E101 or E202 for a
    network of which a proof fails, E204 for a number that its field does not hold.
    """
    check_name(name)
    network, layout, tables = plan.network, plan.layout, plan.tables
    fits.check(fits.filled(tables))
    require_proven(network)
    constants = list(tables.constants)
    structs = [c for c in constants if isinstance(c, Table)]
    features = _features(network, name)
    header = assets.render(
        "dassdp_model.h.j2", name=name, sha256=network.sha256, abi=ABI,
        state_bytes=layout.state_bytes, x_bytes=network.code_bytes, n_steps=network.n_steps,
        n_channels=0 if network.sensor is None else network.sensor.n_channels,
        n_readings=network.n_readings, values=_values(network), hop=network.hop,
        frame_bytes=pushed_bytes(network) if network.keeps_frame else 0,
        n_classes=network.n_classes, keeps_classes=network.keeps_classes,
        n_known=network.n_known, buffers=frames.link_buffer_bytes(network.n_classes),
        features=[{"name": source.name, "n": source.n_raw, "frac": frac.name, "zero": zero.name}
                  for source, frac, zero in features])
    code = assets.render(
        "dassdp_model.c.j2", name=name, fields=layout.fields, state_bytes=layout.state_bytes,
        sha256=network.sha256, hash=list(bytes.fromhex(network.sha256)),
        headers=sorted({struct.header for struct in structs} - {""}),
        arrays=[_array(c) for c in constants if isinstance(c, Array)],
        features=[_array(a) for _, *arrays in features for a in arrays],
        tables=[_rows(c) for c in constants if isinstance(c, Rows)],
        rules=[{"ctype": c.ctype, "name": c.name, "fields": _fields(c.fields)} for c in structs],
        inputs=_named(network.inputs, tables.inputs),
        populations=[{**named, **_step(network, p)} for p, named in zip(
            network.populations, _named(network.populations, tables.populations), strict=True)],
        projections=_named(network.projections, tables.projections),
        model=_fields(tables.model))
    return {f"{name}_model.h": header, f"{name}_model.c": code,
            "dassdp_program.h": assets.render("dassdp_program.h.j2", name=name,
                                              export_bytes=layout.export_bytes,
                                              save_every=save_every),
            "dassdp_messages.h": frames.messages_header(), **_own_files(network),
            **({LOCK_FILE: _lock_file(lock)} if lock else {})}


def _values(network: QNetwork) -> dict[str, list[str]] | None:
    """What values and targets count in, for applications."""
    values = network.values
    return None if values is None else {
        "centre": [repr(float(c)) for c in values.centre],
        "scale": [repr(float(s)) for s in values.scale]}


def _features(network: QNetwork, name: str) -> list[tuple[Input, Array, Array]]:
    """Steps and zeros of the inputs whose values have their own, in the order of a sample: for
    applications, no target reads them."""
    return [(source, Array("int8_t", f"{name}_x_frac_bits_{source.name}", scale.frac_bits[order]),
             Array("int32_t", f"{name}_x_zero_{source.name}", scale.zero[order]))
            for source, scale in zip(network.inputs, network.x_scales, strict=True)
            if not scale.is_uniform for order in [network.input_order[source.name]]]


def _lock_file(lock: Lock) -> str:
    numbers = [f"0x{byte:02X}" for byte in lock.key]
    return assets.render("dassdp_lock_key.c.j2", lines=[
        ", ".join(numbers[i:i + _PER_LINE]) + "," for i in range(0, len(numbers), _PER_LINE)])


def _own_files(network: QNetwork) -> dict[str, str]:
    """C files of rules from outside the package. Raises E203 where two have the same name."""
    files: dict[str, str] = {}
    for q in network.plastic:
        for file, text in (c_files(type(q.rule)) if q.rule else {}).items():
            if files.setdefault(file, text) != text:
                raise EdgeError("E203", f"two rules bring a file {file}, each another one",
                                help="rename one of them")
    return files


def check_name(name: str) -> None:
    """E105 unless C, C++, the runtime and file systems blind to case can all take the name."""
    if not _NAME.fullmatch(name):
        raise EdgeError("E105", f"a model cannot be called {name!r}",
                        cause="its name begins C identifiers, macros and file names",
                        help="use up to 24 lower-case letters, digits and single underscores, a "
                             "letter first; names that begin with dassdp_ are the runtime's")


def _fields(fields: Fields) -> list[tuple[str, str]]:
    return [(name, printed(value)) for name, value in fields]


def _named(nodes: tuple[Any, ...], rows: tuple[Fields, ...]) -> list[dict[str, Any]]:
    return [{"name": node.name, "fields": _fields(fields)}
            for node, fields in zip(nodes, rows, strict=True)]


def _step(network: QNetwork, p: QPopulation) -> dict[str, Any]:
    """What a step of the population goes through: projections of currents and of spikes, by index,
    and whether currents are other ones in every step."""
    frames = {i.name: i.n_frames for i in network.inputs}
    into = [(i, q) for i, q in enumerate(network.projections) if q.post == p.name]
    return {"has_frames": any(q.is_analogue and frames[q.pre] > 1 for _, q in into),
            "currents": [i for i, q in into if q.is_analogue],
            "spikes": [i for i, q in into if not q.is_analogue]}


def _array(array: Array) -> dict[str, Any]:
    numbers = [str(v) for v in array.values.tolist()]
    lines = [", ".join(numbers[i : i + _PER_LINE]) + ","
             for i in range(0, len(numbers), _PER_LINE)]
    return {"ctype": array.ctype, "name": array.name, "count": len(numbers), "lines": lines}


def _rows(rows: Rows) -> dict[str, Any]:
    """Fields by name, or in order where they have none."""
    texts = (", ".join(f".{name} = {printed(value)}" if name else printed(value)
                       for name, value in row) for row in rows.rows)
    lines = [f"{{ {text} }}," for text in texts]
    return {"ctype": rows.ctype, "name": rows.name, "count": len(lines), "lines": lines}

"""A plan as C text: constant tables and the state struct. Pure and deterministic."""

from __future__ import annotations

from typing import Any

from edge_dassdp.base import assets
from edge_dassdp.plan import Plan
from edge_dassdp.plan.path_tables import Fields
from edge_dassdp.plan.scratch import ROWS_MAX
from edge_dassdp.qir.packing import columns
from edge_dassdp.qir.tables import Array, Rows, Table, printed
from edge_dassdp.wire import frames

ABI = 4
_PER_LINE = 16


def emit(plan: Plan) -> dict[str, str]:
    """{file name: text} of a model: dassdp_model.h, dassdp_model.c and dassdp_messages.h."""
    network, layout, tables = plan.network, plan.layout, plan.tables
    constants = list(tables.constants)
    header = assets.render(
        "dassdp_model.h.j2", sha256=network.sha256, abi=ABI, fields=layout.fields,
        state_bytes=layout.state_bytes, buffers=frames.link_buffer_bytes(network.n_classes))
    code = assets.render(
        "dassdp_model.c.j2", sha256=network.sha256, hash=list(bytes.fromhex(network.sha256)),
        arrays=[_array(c) for c in constants if isinstance(c, Array)],
        tables=[_rows(c) for c in constants if isinstance(c, Rows)],
        rules=[{"ctype": c.ctype, "name": c.name, "fields": _fields(c.fields)}
               for c in constants if isinstance(c, Table)],
        inputs=_named(network.inputs, tables.inputs),
        populations=_named(network.populations, tables.populations),
        projections=_named(network.projections, tables.projections),
        model=_fields(tables.model), rows_max=ROWS_MAX, column_align=columns(1))
    return {"dassdp_model.h": header, "dassdp_model.c": code,
            "dassdp_messages.h": frames.messages_header()}


def _fields(fields: Fields) -> list[tuple[str, str]]:
    return [(name, printed(value)) for name, value in fields]


def _named(nodes: tuple[Any, ...], rows: tuple[Fields, ...]) -> list[dict[str, Any]]:
    return [{"name": node.name, "fields": _fields(fields)}
            for node, fields in zip(nodes, rows, strict=True)]


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

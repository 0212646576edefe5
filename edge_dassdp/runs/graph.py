"""A quantized network as nodes and arrows, each with its equation, constants, and the C of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge_dassdp.emit import emit
from edge_dassdp.figures.inspection import Inspection, inspect_quantized
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork

_MOST_CONSTANTS = 8
_BLOCK = r"    \{{ /\* {} \*/\n.*?\n    \}},"


@dataclass(frozen=True)
class Node:
    """An input, a population or a projection. facts: what is shown of it, by title. c: its row of
    the generated model, and the constants that the row names."""

    name: str
    kind: str
    label: str
    facts: tuple[tuple[str, str], ...]
    c: str


def nodes(network: QNetwork) -> list[Node]:
    """In the order of the data: inputs, then of each population what leads into it, and it."""
    found = inspect_quantized(network, ())
    code = emit(Plan.of(network))["dassdp_model.c"]
    made = [Node(i.name, "input", "×".join(map(str, i.shape)), (
        ("values", f"{i.n_values:,}"), ("kind", "spikes" if i.spikes else "currents")),
        _c(code, "dassdp_input_t inputs", i.name)) for i in network.inputs]
    for view in found.populations:
        made += _into(network, found, view.name, code)
        p = network.population(view.name)
        made.append(Node(view.name, "population", f"{view.size:,} neurons", (
            ("equation", view.equation), ("reset", p.reset.replace("_", ", ")),
            ("leak_q15", _values(p.leak_q15)), ("fire_at", _values(p.fire_at)),
            ("reset_by", _values(p.reset_by)), ("membrane", f"int{p.membrane_bits}"),
            ("sums", f"int{p.acc_bits}")), _c(code, "dassdp_population_t populations", view.name)))
    return made


def _into(network: QNetwork, found: Inspection, population: str, code: str) -> list[Node]:
    made = []
    for view in found.projections:
        if view.post != population:
            continue
        q = network.projection(view.name)
        facts = [("from", view.pre), ("kind", view.kind), ("weights", f"{view.n_weights:,}"),
                 ("bits", str(view.weight_bits)), ("scale", _values(q.scale, ".4g")),
                 ("learns by", view.rule or "nothing: it stays as it is"),
                 ("operations a step, at most", f"{view.operations:,}")]
        made.append(Node(view.name, "plastic" if view.rule else "projection",
                         f"{view.n_weights:,} weights" + (", learns" if view.rule else ""),
                         tuple(facts), _c(code, "dassdp_projection_t projections", view.name)))
    return made


def _values(constants: object, form: str = "") -> str:
    """The first of some constants."""
    import numpy as np

    flat = np.ravel(np.asarray(constants))
    text = ", ".join(f"{v:{form}}" for v in flat[:_MOST_CONSTANTS].tolist())
    return text + f", … {flat.size:,} in all" * (flat.size > _MOST_CONSTANTS)


def _c(code: str, table: str, name: str) -> str:
    """A row of a table of the generated C, with the short constants that it names."""
    begin = code.find(f"static const {table}[]")
    found = re.search(_BLOCK.format(re.escape(name)), code[begin:], re.DOTALL)
    if found is None:
        line = re.search(rf"    \{{ .*/\* {re.escape(name)} \*/", code[begin:])
        return line[0].strip() if line else ""
    row = found[0]
    named = dict.fromkeys(re.findall(r"= &?([a-z_][a-z0-9_]*),", row))
    constants = [c[0] for n in named if (c := re.search(
        rf"^(static )?const [a-z0-9_]+ {n}\[[^;]*?\}};", code, re.MULTILINE | re.DOTALL))
        and len(c[0]) < 900]
    return "\n".join([*constants, "", row] if constants else [row])

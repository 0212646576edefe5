"""Where neurons are in a graph of single operations: elementwise operations around state inputs.

Elementwise operations that a state input reaches belong to a neuron, up to the comparison that also
sees a current; what that comparison makes are spikes. States that meet belong to the same neuron.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge_dassdp.frontends.onnx.graph import Operation, StepGraph

COMPARISONS = frozenset(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"))
ELEMENTWISE = COMPARISONS | {"Add", "And", "Cast", "Div", "Mul", "Neg", "Not", "Or", "Sub", "Where"}


@dataclass(frozen=True, eq=False)
class Piece:
    """Elementwise operations around state inputs. leaving: values that other operations take."""

    operations: tuple[Operation, ...]
    states: tuple[str, ...]
    currents: tuple[str, ...]
    leaving: tuple[str, ...]

    @property
    def at(self) -> str:
        return self.operations[-1].at


def candidates(graph: StepGraph) -> frozenset[str]:
    """Inputs that elementwise operations alone take, and lead to an output by such operations."""
    consumers = graph.consumers()
    outputs = set(graph.outputs.values())
    found = set()
    for name in graph.inputs:
        taking = consumers.get(name, [])
        if taking and all(o.kind in ELEMENTWISE for o in taking):
            reached, open_values = set[str](), [name]
            while open_values:
                for operation in consumers.get(open_values.pop(), []):
                    if operation.kind in ELEMENTWISE and operation.output not in reached:
                        reached.add(operation.output)
                        open_values.append(operation.output)
            if reached & outputs:
                found.add(name)
    return frozenset(found)


def pieces(graph: StepGraph, states: frozenset[str]) -> list[Piece]:
    """Operations by the group of states that they belong to, in the order of the graph."""
    touched, fired = _touched(graph, states)
    groups = _groups(states, touched.values())
    found = []
    for group in groups:
        inside = {o.output for o in graph.operations
                  if touched[o.output] & group or fired.get(o.output, frozenset()) & group}
        if inside:
            found.append(_piece(graph, group, _closed(graph, touched, inside)))
    return found


def _touched(graph: StepGraph, states: frozenset[str]
             ) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """States that a value depends on by elementwise operations but not by way of spikes; and, of
    each comparison that makes spikes, the states behind it."""
    none: frozenset[str] = frozenset()
    touched = {name: frozenset({name}) & states for name in graph.inputs}
    others = {name: name not in states for name in graph.inputs}
    fired: dict[str, frozenset[str]] = {}
    for operation in graph.operations:
        taken = [v for v in operation.inputs if v in touched]
        mine = none.union(*(touched[v] for v in taken))
        other = any(others[v] for v in taken)
        if operation.kind not in ELEMENTWISE:
            mine, other = none, True
        elif operation.kind in COMPARISONS and mine and other:
            fired[operation.output] = mine
            mine = none
        touched[operation.output], others[operation.output] = mine, other
    return touched, fired


def _groups(states: frozenset[str], together: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    groups = [frozenset({s}) for s in sorted(states)]
    for some in together:
        joined = [g for g in groups if g & some]
        if len(joined) > 1:
            groups = [g for g in groups if not g & some] + [frozenset().union(*joined)]
    return groups


def _closed(graph: StepGraph, touched: Mapping[str, frozenset[str]], inside: set[str]) -> set[str]:
    """With what is made of the piece's own spikes alone and turns them into numbers or goes back
    into the piece."""
    consumers = graph.consumers()
    grew = True
    while grew:
        size = len(inside)
        for operation in graph.operations:
            dynamic = [v for v in operation.inputs if v in touched]
            if operation.kind not in ELEMENTWISE or not all(v in inside for v in dynamic):
                continue
            goes_back = any(o.output in inside for o in consumers.get(operation.output, []))
            if operation.kind == "Cast" or goes_back:
                inside.add(operation.output)
        grew = len(inside) > size
    return inside


def _piece(graph: StepGraph, group: frozenset[str], inside: set[str]) -> Piece:
    operations = tuple(o for o in graph.operations if o.output in inside)
    taken = dict.fromkeys(v for o in operations for v in o.inputs
                          if v and v not in graph.constants and v not in inside)
    leaving = dict.fromkeys(v for o in graph.operations if o.output not in inside
                            for v in o.inputs if v in inside)
    return Piece(operations, tuple(sorted(group)), tuple(v for v in taken if v not in group),
                 tuple(leaving))

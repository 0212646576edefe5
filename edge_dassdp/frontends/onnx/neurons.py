"""Finds the neurons in a graph of single operations, whatever their order and their names.

`pieces` says where. Which they are: such a piece is evaluated in float32 on probe values, ties
at the threshold among them, and every equation of `ir.Population` that snnTorch can export is
evaluated on the same values by `ir.cells.Cell`, with every constant of the piece in every place.
An equation is taken only where each spike and each new state is equal to the last bit; the output
that holds a new state is paired with its input by that.

Where neurons add several currents one after another (snnTorch's RLeaky: beta v + x + V s), each of
them alone must be equal to the last bit, and several together up to rounding: `ir.Population` sums
currents first, and a membrane may differ in its last bit.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.onnx.graph import Array, StepGraph, refuse
from edge_dassdp.frontends.onnx.pieces import COMPARISONS, Piece, candidates, pieces
from edge_dassdp.ir import CLAMP, Population
from edge_dassdp.ir.cells import Cell

N_PROBES = 768
MIN_PROBES = 24
MAX_PROBE_VALUES = 2**20
FIRST_LOOK = (slice(0, 24), slice(0, 64))
"""Probes and neurons of a first look at every equation."""

Part = tuple[slice, slice]

NEURONS = ("supported are snntorch.Leaky and snntorch.Synaptic with reset subtract, zero or none "
           "and graded_spikes_factor 1; each state goes in as an input and comes out as an output, "
           "and nothing else from inside the neurons does")

EQUATIONS: tuple[dict[str, Any], ...] = (
    {"reset": "none"},
    {"reset": "subtract", "reset_delay": True},
    {"reset": "zero", "reset_delay": True},
    {"reset": "zero", "reset_delay": True, "cancels_input": True},
    {"reset": "subtract", "reset_delay": False},
    {"reset": "subtract", "reset_delay": False, "looks_back": False},
    {"reset": "zero", "reset_delay": False},
)


@dataclass(frozen=True, eq=False)
class Found:
    """Neurons: fields of `ir.Population`, the values that are their spikes and, by state input, the
    value that is the state after the step. shape: of the neurons."""

    piece: Piece
    settings: dict[str, Any]
    spikes: tuple[str, ...]
    states: Mapping[str, str]
    shape: tuple[int, ...]


def find(graph: StepGraph, not_states: Collection[str] = ()) -> list[Found]:
    """All neurons in the order in which they are updated. not_states: inputs known to be none.

    Raises EdgeError E102 where a piece is no known neuron or a state does not come out.
    """
    states = candidates(graph) - frozenset(not_states)
    found: dict[tuple[str, ...], Found] = {}
    while True:
        unknown = next((p for p in pieces(graph, states) if p.states not in found), None)
        if unknown is None:
            break
        match = _match(graph, unknown)
        if match is not None:
            found[unknown.states] = match
            continue
        wrong = _outputs_wrong(graph, unknown)
        inputs = None if wrong else _inputs_among(graph, states, unknown)
        if inputs is None:
            raise wrong or _unknown(graph, unknown)
        states = states - inputs
        found.clear()
    place = {operation.output: n for n, operation in enumerate(graph.operations)}

    def updated(f: Found) -> int:
        """All that leaves neurons are spikes, which stand behind all that leads to them."""
        own = [place[o.output] for o in f.piece.operations]
        return min((place[v] for v in f.piece.leaving), default=max(own))

    return sorted(found.values(), key=updated)


def _inputs_among(graph: StepGraph, states: frozenset[str], piece: Piece) -> set[str] | None:
    """The inputs of a piece that are currents without weights, as few as can be: the rest then are
    neurons. Raises EdgeError E106 where it could be these or those."""
    for n in range(1, len(piece.states)):
        fitting = [names for names in map(set, itertools.combinations(piece.states, n))
                   if _all_known(graph, states - names, set(piece.states) - names)]
        if len(fitting) > 1:
            either = " or ".join(" and ".join(f"'{name}'" for name in sorted(names))
                                 for names in fitting)
            raise EdgeError("E106", f"nothing says which is a state of the neurons at {piece.at} "
                            f"and which a current: {either}", cause="both give the same outputs",
                            help="name those that samples hold in entries or with --entry, and "
                            "those that outputs come back to in feedback or with --feedback")
        if fitting:
            return fitting[0]
    return None


def _all_known(graph: StepGraph, states: frozenset[str], among: set[str]) -> bool:
    others = [p for p in pieces(graph, states) if among & set(p.states)]
    return bool(others) and all(_match(graph, p) for p in others)


# ---- which -------------------------------------------------------------------------------------


def _match(graph: StepGraph, piece: Piece) -> Found | None:
    """The first equation that is equal on all probes."""
    for probes, settings, roles in _equations(graph, piece):
        states = probes.states(settings, roles)
        if states is not None:
            spikes = tuple(v for v in probes.values if probes.is_spikes(v))
            shape = graph.inputs[piece.states[0]]
            return Found(piece, settings, spikes, states, shape)
    return None


def _equations(graph: StepGraph, piece: Piece
               ) -> Iterator[tuple[_Probes, dict[str, Any], tuple[str, ...]]]:
    """Every equation with every constant in every place that it may stand in, and the inputs of
    the membrane, or of the synaptic current and the membrane."""
    shape = graph.inputs[piece.states[0]]
    if not piece.currents or len(piece.states) > 2 \
            or any(graph.inputs[s] != shape for s in piece.states):
        return
    constants = _constants(graph, piece)
    probes = _Probes.of(graph, piece, shape, constants)
    leaks = [c for c in constants if (c >= 0).all() and (c <= 1).all()]
    thresholds = [c for c in constants if (c > 0).all()]
    alphas: list[Array | None] = [*leaks] if len(piece.states) == 2 else [None]
    for roles, equation, strict in itertools.product(
            itertools.permutations(piece.states), EQUATIONS, (True, False)):
        for beta, threshold, alpha in itertools.product(leaks, thresholds, alphas):
            yield probes, {"beta": beta, "threshold": threshold, "strict": strict, **equation,
                           **({} if alpha is None else {"alpha": alpha})}, roles


def _constants(graph: StepGraph, piece: Piece) -> list[Array]:
    """Distinct numbers or vectors of (n neurons,) in the piece, float32, and one, which exporters
    leave out of products."""
    shape = graph.inputs[piece.states[0]]
    found = [np.ones(1, np.float32)]
    for name in dict.fromkeys(v for o in piece.operations for v in o.inputs):
        value = graph.constants.get(name)
        if value is None or value.dtype.kind != "f":
            continue
        try:
            spread = np.broadcast_to(value, value.shape if value.size == 1 else (1, *shape))
        except ValueError:
            continue
        found.append(spread.reshape(-1).astype(np.float32))
    return list({v.tobytes(): v for v in found}.values())


@dataclass
class _Probes:
    """A piece's own results, float32 (n probes, n neurons): what it is fed, what it makes, the sum
    of its currents, and where several of them are not zero. fired: spikes of the last equation;
    unseen: where they do not count."""

    graph: StepGraph
    piece: Piece
    fed: dict[str, Array]
    values: dict[str, Array]
    current: Array
    mixed: Array
    fired: Array
    unseen: Array

    @classmethod
    def of(cls, graph: StepGraph, piece: Piece, shape: tuple[int, ...],
           constants: list[Array]) -> _Probes:
        """One neuron stands for all where they have the same constants."""
        size = max(c.size for c in constants)
        shape = shape if size > 1 else (1,) * len(shape)
        n = min(N_PROBES, max(MIN_PROBES, MAX_PROBE_VALUES // size))
        fed = _probe_values(piece, (n, size), constants)
        made = graph.evaluate(piece.operations,
                              {name: v.reshape(n, *shape) for name, v in fed.items()})
        values = {name: v.reshape(n, -1).astype(np.float32) for name, v in made.items()
                  if v.size == n * size}
        currents = np.stack([fed[name] for name in piece.currents])
        mixed = np.count_nonzero(currents, axis=0) > 1
        return cls(graph, piece, fed, values, currents.sum(axis=0), mixed, mixed, mixed)

    def states(self, settings: Mapping[str, Any], roles: tuple[str, ...]) -> dict[str, str] | None:
        """The output of the graph that each state input becomes, where all is equal. roles: the
        inputs of the membrane, or of the synaptic current and the membrane."""
        outputs = [v for v in dict.fromkeys(self.graph.outputs.values()) if v in self.values]
        found = self._looked(settings, roles, outputs)
        if found is None or not all(self.is_spikes(v) for v in {*outputs} - {*found.values()}):
            return None
        return found

    def becomes(self, settings: Mapping[str, Any], roles: tuple[str, ...]) -> dict[str, str] | None:
        """`states`, whether or not these values are outputs, and whatever else is one."""
        return self._looked(settings, roles,
                            dict.fromkeys([*self.graph.outputs.values(), *self.values]))

    def is_spikes(self, value: str) -> bool:
        return bool(((self.values[value] == self.fired) | self.unseen).all())

    def _looked(self, settings: Mapping[str, Any], roles: tuple[str, ...],
                among: Iterable[str]) -> dict[str, str] | None:
        if self._equal(settings, roles, FIRST_LOOK, among) is None:
            return None
        return self._equal(settings, roles, (slice(None), slice(None)), among)

    def _equal(self, settings: Mapping[str, Any], roles: tuple[str, ...], part: Part,
               among: Iterable[str]) -> dict[str, str] | None:
        x, mixed = self.current[part], self.mixed[part]
        tolerance = np.float32(1e-5) * functools.reduce(
            np.add, (np.abs(v[part]) for v in self.fed.values())) + np.float32(1e-6)
        try:
            cell, fired = self._stepped(settings, roles, part, x)
        except EdgeError:
            return None
        unseen = mixed
        if mixed.any():
            low, high = (self._stepped(settings, roles, part, x + shift)[1]
                         for shift in (-tolerance, tolerance))
            unseen = mixed & (low != high)
        if settings["reset"] == "zero" and not settings["reset_delay"]:
            # behind such a reset no membrane is above the threshold
            unseen = unseen | cell.exceeds(self.fed[roles[-1]][part], cell.theta)
        self.fired, self.unseen = fired, unseen

        def same(name: str, expected: Array) -> bool:
            if name not in self.values:
                return False
            value = self.values[name][part]
            close = mixed & (np.abs(value - expected) <= tolerance)
            return bool(((value == expected) | close | unseen).all())

        if not all(same(name, fired) for name in self.piece.leaving):
            return None
        found: dict[str, str] = {}
        for state, after in zip(reversed(roles), (cell.v, cell.i), strict=False):
            equal = [v for v in among if v not in found.values() and same(v, after)]
            if not equal:
                return None
            found[state] = equal[0]
        return found

    def _stepped(self, settings: Mapping[str, Any], roles: tuple[str, ...], part: Part,
                 x: Array) -> tuple[Cell, Array]:
        """Our neurons behind one step, and their spikes."""
        v = self.fed[roles[-1]][part]
        own: dict[str, Any] = {
            name: value[part[1]] if isinstance(value, np.ndarray) and value.size > 1 else value
            for name, value in settings.items()}
        cell = Cell(Population("probe", v.shape[1], **own), len(v))
        cell.v = v
        if len(roles) == 2:
            cell.i = self.fed[roles[0]][part]
        return cell, cell.step(x).astype(np.float32)


def _probe_values(piece: Piece, shape: tuple[int, int], constants: list[Array]) -> dict[str, Array]:
    """States and current, float32: random ones, ones at a threshold, just above and just below, and
    currents that take the membrane there, with and without a reset."""
    rng = np.random.default_rng(5)

    def pick(values: list[Array]) -> Array:
        spread = np.stack([np.broadcast_to(v, shape) for v in values])
        chosen = rng.integers(0, len(values), (1, *shape))
        return np.asarray(np.take_along_axis(spread, chosen, 0)[0])

    leaks = [c for c in constants if (c >= 0).all() and (c <= 1).all()]
    theta = pick([c for c in constants if (c > 0).all()])
    zero = np.zeros(1, np.float32)

    def around(v: Array) -> Array:
        return pick([v, v, *(np.nextafter(v, np.float32(end)) for end in (np.inf, -np.inf))])

    def free() -> Array:
        grid = rng.integers(-32, 49, shape) / 16
        wide = rng.normal(0, 1, shape) * 10.0 ** rng.uniform(-3, 5, shape)
        near = theta * rng.normal(0, 1.5, shape).astype(np.float32)
        at = pick(constants)
        return pick([near, near, grid.astype(np.float32), wide.astype(np.float32), at, -at])

    fed = {state: pick([free(), free(), around(theta), zero]) for state in piece.states}
    left = pick([theta, theta, theta + theta])
    for value in fed.values():
        left = left - pick(leaks) * value
    total = pick([free(), around(left), around(theta), zero])
    alone = rng.integers(0, len(piece.currents) + (len(piece.currents) > 1), shape)
    for place, name in enumerate(piece.currents):
        fed[name] = np.where(alone == place, total,
                             free() * (alone == len(piece.currents)))
    return {name: np.ascontiguousarray(value, np.float32) for name, value in fed.items()}


# ---- refusals ----------------------------------------------------------------------------------


def _outputs_wrong(graph: StepGraph, piece: Piece) -> EdgeError | None:
    """Where neurons are known, and what the graph returns of them is not what it should."""
    outputs = {v: name for name, v in graph.outputs.items()}
    compares = any(o.kind in COMPARISONS for o in piece.operations)
    for probes, settings, roles in _equations(graph, piece):
        states = probes.becomes(settings, roles)
        if states is None or compares != any(map(probes.is_spikes, probes.values)):
            continue
        lost = [s for s, value in states.items() if value not in outputs]
        rest = [v for v in outputs if v in probes.values and v not in states.values()
                and not probes.is_spikes(v)]
        if lost and not rest:
            return _lost(piece, lost[0], states[lost[0]])
        if rest and not lost:
            return refuse(f"output '{outputs[rest[0]]}' is neither spikes nor a new state of the "
                          f"neurons at {piece.at}", help="return spikes and states alone")
    return None


def _lost(piece: Piece, state: str, value: str) -> EdgeError:
    """Where several inputs meet, one of them may be no state."""
    several = " and ".join(f"'{s}'" for s in piece.states)
    condition = f", if {several} are states of one neuron" if len(piece.states) > 1 else ""
    return refuse(f"state input '{state}' has no output to pair with{condition}",
                  cause=f"the graph computes its new value '{value}' and does not return it",
                  help="return every new state from forward; an input that is no state is named in "
                  "feedback or with --feedback where an output of the step before comes back to "
                  "it, in entries or with --entry where samples hold it")


def _unknown(graph: StepGraph, piece: Piece) -> EdgeError:
    """No equation fits, perhaps for a threshold that no population has."""
    constants = _constants(graph, piece)[1:]
    numbers = ", ".join(f"{c[0]:g}" if c.size == 1 else f"{c.size} of {c.min():g} to {c.max():g}"
                        for c in constants)
    below = next((_below(c) for c in constants if (c < 0).any()), "")
    return refuse(
        f"the neurons at {piece.at} are not known", help=f"{CLAMP}; " * bool(below) + NEURONS,
        cause="no equation gives the same spikes and new states: inputs "
        f"{', '.join(piece.states)}, {len(piece.currents)} currents, constants {numbers}, "
        f"operations {' '.join(o.kind for o in piece.operations)}{below}")


def _below(constant: Array) -> str:
    """Why it is no threshold."""
    bad = np.flatnonzero(constant <= 0)
    return f"; a threshold must be positive, but a constant has {constant[bad[0]]:.6g} for " \
           f"neuron {bad[0]}, the first of {bad.size:,} in {constant.size:,}"

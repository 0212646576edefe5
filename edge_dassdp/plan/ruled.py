"""What learning adds to a plan: each rule of a plastic projection is asked; and what slices of a
lesson cannot cut, instructions of each piece, at most, on any core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, prod

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.ir.geometry import size
from edge_dassdp.plan.routes import Route
from edge_dassdp.qir import Offset, QNetwork, QPopulation, QProjection
from edge_dassdp.qir.packing import columns, row_bytes, words
from edge_dassdp.qir.stored import stored_words
from edge_dassdp.qir.tables import StateField, Table
from edge_dassdp.rules.declared import c_files, check_table
from edge_dassdp.rules.plugins import check_integers

_COLUMN = {16: 12, 8: 2, 7: 2}
"""Of a row summed, by the bits of its weights; 2 where there are fewer."""
SLICE_CALL = 2_000
"""Of a call of dassdp_learn_step beside its grains."""


def rule_state(network: QNetwork, q: QProjection) -> tuple[StateField, ...]:
    """What the rule of q carries from sample to sample, or leaves of one: <field>_<projection>."""
    fields = () if q.rule is None else q.rule.state(network.site(q))
    return tuple(replace(f, name=f"{f.name}_{q.name}") for f in fields)


def rule_scratch(network: QNetwork, q: QProjection) -> Mapping[str, int]:
    """Bytes of scratch parts while the rule of q runs."""
    return {} if q.rule is None else q.rule.scratch(network.site(q))


def rule_table(network: QNetwork, q: QProjection, place: Offset) -> Table | None:
    """dassdp_rule_t with the constants of the rule of q, None where it is frozen. place: of a field
    of the state, or of a part of the scratch."""
    rule = q.rule
    if rule is None:
        return None
    constants = rule.table(network.site(q), _offset(network, q, place))
    if rule.is_own():
        check_integers(type(rule))
        check_table(constants, c_files(type(rule))[rule.header], f"{rule.title} on '{q.name}'")
    return Table("dassdp_rule_t", f"rule_{q.name}", (
        ("stage", f"DASSDP_STAGE_{rule.stage.upper()}"), ("grain", rule.grain(network.site(q))),
        *rule.hooks.items(),
        ("constants", replace(constants, header=rule.header))))


def _offset(network: QNetwork, q: QProjection, place: Offset) -> Offset:
    """Where the rule of q finds what it declared.

    Raises EdgeError E203 for a name that neither its state nor its scratch declares.
    """
    carried = {f.name for f in rule_state(network, q)}
    parts = rule_scratch(network, q)

    def offset(name: str) -> int:
        if f"{name}_{q.name}" in carried:
            return place(f"{name}_{q.name}")
        if name in parts:
            return place(name)
        raise EdgeError("E203", f"the rule of '{q.name}' asks where '{name}' lies, which neither "
                        "its `state` nor its `scratch` declares")
    return offset


def grains(network: QNetwork, routes: Mapping[str, Route]) -> dict[str, int]:
    """The largest grains of a lesson, by what they do; {} where nothing learns. A slice takes its
    budget, the largest of them and SLICE_CALL at most. 0: a rule of one's own that says no grain.
    """
    if not network.plastic:
        return {}
    found = {"the error of a label": QUANTITIES["grain_class"] * network.n_classes}
    for q in network.plastic:
        assert q.rule is not None
        found[f"{q.rule.title} on {q.name}"] = q.rule.grain(network.site(q))
    for q in network.projections:
        if network.passes_error(q):
            found[f"an error back through {q.name}"] = _feedback(network, q)
    if network.reruns:
        found["a step of the plastic part"] = rerun_grain(network, routes)
        found["a fall-back to factory weights"] = 2 * sum(
            q.n_pre * row_bytes(q.n_post, q.weight_bits, network.is_packed(q))
            for q in network.plastic) + 200
    if network.class_means is not None:
        found["a class mean"] = network.class_means.grain
    if network.replay is not None:
        found["a neuron of a stored sample"] = QUANTITIES["grain_rebuild"] * (
            1 + network.n_steps) + network.n_steps * sum(words(p.size) * 4 for p in network.cut)
        found["a sample stored"] = 1000 + 8 * stored_words(network)
    return found


def _feedback(network: QNetwork, q: QProjection) -> int:
    """Of one neuron, `grain_of` in credit.c."""
    touched = network.population(q.pre).touch_width is not None
    return (QUANTITIES["grain_feedback"]
            + QUANTITIES["grain_feedback_column"] * columns(q.n_post)
            + QUANTITIES["grain_touch"] * network.n_steps * touched)


def rerun_grain(network: QNetwork, routes: Mapping[str, Route]) -> int:
    """A step in which every neuron fires, with what begins a run; 0 where nothing runs again."""
    if not network.reruns:
        return 0
    entering = sum(400 + 2 * words(p.size) for p in network.cut)
    return 600 + entering + sum(
        _of_population(network, network.population(name))
        + sum(_of_projection(network, q, routes[q.name]) for q in network.into(name))
        for name in network.plastic_part)


def _of_population(network: QNetwork, p: QPopulation) -> int:
    """Its neurons, what is cleared before a run, and what is recorded."""
    neuron = 150 if p.dynamics is not None else 30 if p.runs_in_pairs else 100
    neuron += 8 + 25 * (p.name == network.readout) + 20 * p.max_spikes * (p.max_spikes > 1)
    neuron += 40 * (p.touch_width is not None) + 50 * p.records_channels
    neuron += 30 * p.records_membrane
    planes = words(p.n_recorded) * network.field_bits
    return 500 + neuron * p.size + (70 * words(p.size) + 40 * planes) * p.counts


def _of_projection(network: QNetwork, q: QProjection, route: Route) -> int:
    """Rows of all neurons of its source, list by list; events one by one where they have a path."""
    width = columns(q.n_post)
    row = 20 + width * _COLUMN.get(q.weight_bits, 2)
    lists = 2 + q.n_pre // QUANTITIES["rows_full"]
    if not route.has_path:
        return 300 + 60 * words(q.n_pre) + q.n_pre * row + lists * 35 * width
    source = size(q.volume)
    windows = 1 if q.pool is None else prod(
        ceil(k / s) for k, s in zip(q.pool.kernel, q.pool.stride, strict=True))
    event = 500 + row + 35 * width
    if route.conv is not None:
        taps = prod(q.w.shape[2:]) if q.w.ndim == 4 else 1
        event += taps * (250 + 75 * width)
    if q.result_pool is not None:
        event += 150 * width * prod(q.result_pool.kernel)
    return 1000 + source * network.max_spikes(q.pre) * windows * event

"""What the rules of plastic projections add to a plan: each is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import Offset, QNetwork, QProjection
from edge_dassdp.qir.tables import StateField, Table


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
    return Table("dassdp_rule_t", f"rule_{q.name}", (
        ("stage", f"DASSDP_STAGE_{rule.stage.upper()}"), *rule.hooks.items(),
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

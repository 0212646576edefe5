"""What the rules of plastic projections add to a plan: each is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import Offset, QNetwork, QProjection
from edge_dassdp.qir.tables import StateField, Table, Value


class Places(Protocol):
    """Where the state's fields and the parts of its scratch lie (layout.py)."""

    def offset(self, name: str) -> int: ...
    def scratch_offset(self, name: str) -> int: ...


def rule_state(network: QNetwork, q: QProjection) -> tuple[StateField, ...]:
    """What the rule of q carries from sample to sample, or leaves of one: <field>_<projection>."""
    fields = () if q.rule is None else q.rule.state(network.site(q))
    return tuple(replace(f, name=f"{f.name}_{q.name}") for f in fields)


def rule_scratch(network: QNetwork, q: QProjection) -> Mapping[str, int]:
    """Bytes of scratch parts while the rule of q runs."""
    return {} if q.rule is None else q.rule.scratch(network.site(q))


def rule_table(network: QNetwork, q: QProjection, places: Places) -> Table | None:
    """The constants of the rule of q, None where it is frozen."""
    if q.rule is None:
        return None
    return q.rule.table(network.site(q), _offset(network, q, places))


def _offset(network: QNetwork, q: QProjection, places: Places) -> Offset:
    """Where the rule of q finds what it declared.

    Raises EdgeError E203 for a name that neither its state nor its scratch declares.
    """
    carried = {f.name for f in rule_state(network, q)}
    parts = rule_scratch(network, q)

    def offset(name: str) -> int:
        if f"{name}_{q.name}" in carried:
            return places.offset(f"{name}_{q.name}")
        if name in parts:
            return places.scratch_offset(name)
        raise EdgeError("E203", f"the rule of '{q.name}' asks where '{name}' lies, which neither "
                        "its `state` nor its `scratch` declares")
    return offset


def rule_fields(network: QNetwork, q: QProjection,
                places: Places) -> tuple[tuple[str, Value], ...]:
    """What its rule is and where its constants are; those of other kinds of rules are NULL."""
    constants: dict[str, Value] = dict.fromkeys(
        ("error_rule", "eihl_rule", "stdp_rule", "sync_rule"))
    table, rule = rule_table(network, q, places), q.rule
    if table is None or rule is None:
        return ("stage", "DASSDP_STAGE_NONE"), ("rule", None), *constants.items()
    fields = dict(table.fields)
    if any(name.startswith("factors.") for name in fields):
        constants["error_rule"] = _factors(q, fields)
    if rule.word == "eihl":
        constants["eihl_rule"] = Table("dassdp_eihl_rule_t", f"eihl_{q.name}", (
            *((n, fields[n]) for n in ("growth_q16", "most_q16", "period")),
            ("state_off", fields["phase_off"])))
    if rule.word == "stdp":
        constants["stdp_rule"] = Table(
            table.ctype, f"rule_{q.name}",
            tuple(f for f in table.fields if f[0] not in ("losses_off", "row_off")))
    if rule.word == "sync":
        constants["sync_rule"] = Table(table.ctype, f"rule_{q.name}", (
            *table.fields[:6], ("stats_off", fields["gate_off"]), ("gate", "&dassdp_gate")))
    function = {"delta": "error", "homeostasis": "error"}.get(rule.word, rule.word)
    return (("stage", f"DASSDP_STAGE_{rule.stage.upper()}"), ("rule", f"dassdp_rule_{function}"),
            *constants.items())


def _factors(q: QProjection, fields: Mapping[str, Value]) -> Table:
    return Table("dassdp_error_rule_t", f"rule_{q.name}", (
        *((n, fields[f"factors.{n}"]) for n in ("amplitude", "r_max", "k_max", "k_rshift")),
        ("row_rshift", fields["factors.update.row_rshift"]),
        ("g_q7", fields["factors.update.g_q7"]), ("touch_columns", fields.get("columns", 0)),
        ("targets_q7", fields.get("targets_q7"))))

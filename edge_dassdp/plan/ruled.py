"""What the rules of plastic projections add to a plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from edge_dassdp.qir import (
    QEIHL,
    QSTDP,
    QErrorRule,
    QHomeostasis,
    QNetwork,
    QProjection,
    QSyncRule,
)
from edge_dassdp.qir.packing import EIHL_DTYPE, GATE_DTYPE, columns, words
from edge_dassdp.qir.tables import Array, StateField, Table, Value


def rule_state(network: QNetwork, q: QProjection) -> tuple[StateField, ...]:
    """What the rule of q carries from sample to sample, or leaves of one."""
    if isinstance(q.rule, QSyncRule):
        return (StateField.record(f"gate_{q.name}", "dassdp_gate_t", GATE_DTYPE),)
    if isinstance(q.rule, QEIHL):
        return (StateField.record(f"eihl_{q.name}", "dassdp_eihl_t", EIHL_DTYPE),)
    if isinstance(q.rule, QSTDP):
        return (StateField.plain(f"stdp_{q.name}", "int16_t", q.n_pre + q.n_post, "learning"),)
    return ()


def rule_scratch(network: QNetwork, q: QProjection) -> Mapping[str, int]:
    """Bytes of scratch parts while the rule of q runs."""
    n = columns(q.n_post)
    if isinstance(q.rule, QSyncRule):
        return {"sums": 4 * n, "row": 2 * n, "bytes": n, "gates": 2 * network.n_batch}
    if isinstance(q.rule, QErrorRule) and q.rule.touch_columns:
        wide = q.rule.touch_columns
        return {"sums": 2 * n, "row": 2 * wide, "touches": 2 * wide,
                "steps": 128 * words(network.n_steps), "traces": network.n_steps * wide}
    if isinstance(q.rule, QSTDP):
        return {"sums": 2 * n, "row": 2 * n}
    return {"sums": 2 * n, "row": 2 * n, "bytes": n, "classes": 8 * words(q.n_pre)}


def rule_fields(q: QProjection, offset: Callable[[str], int]) -> tuple[tuple[str, Value], ...]:
    """What its rule is and where its constants are; those of other kinds of rules are NULL."""
    constants: dict[str, Value] = dict.fromkeys(
        ("error_rule", "eihl_rule", "stdp_rule", "sync_rule"))
    function = None
    if q.factors is not None:
        constants["error_rule"] = _error_rule(q, q.factors)
    if isinstance(q.rule, QErrorRule):
        function = "dassdp_rule_touch" if q.rule.touch_columns else "dassdp_rule_error"
    elif isinstance(q.rule, QHomeostasis):
        function = "dassdp_rule_error"
    elif isinstance(q.rule, QEIHL):
        function = "dassdp_rule_eihl"
        constants["eihl_rule"] = Table("dassdp_eihl_rule_t", f"eihl_{q.name}", (
            ("growth_q16", q.rule.growth_q16), ("most_q16", q.rule.most_q16),
            ("period", q.rule.period), ("state_off", offset(f"eihl_{q.name}"))))
    elif isinstance(q.rule, QSTDP):
        function = "dassdp_rule_stdp"
        names = [f.name for f in dataclasses.fields(QSTDP)]
        constants["stdp_rule"] = Table("dassdp_stdp_rule_t", f"rule_{q.name}", (
            *((name, getattr(q.rule, name)) for name in names),
            ("traces_off", offset(f"stdp_{q.name}"))))
    elif isinstance(q.rule, QSyncRule):
        function = "dassdp_rule_sync"
        constants["sync_rule"] = _sync_rule(q, q.rule, offset)
    stage = "NONE" if q.stage is None else q.stage.upper()
    return ("stage", f"DASSDP_STAGE_{stage}"), ("rule", function), *constants.items()


def _error_rule(q: QProjection, rule: QErrorRule) -> Table:
    targets = q.rule.targets_q7 if isinstance(q.rule, QHomeostasis) else None
    return Table("dassdp_error_rule_t", f"rule_{q.name}", (
        ("amplitude", rule.amplitude), ("r_max", rule.r_max), ("k_max", rule.k_max),
        ("k_rshift", rule.k_rshift), ("row_rshift", rule.row_rshift),
        ("g_q7", None if rule.g_q7 is None else Array("uint8_t", f"g_q7_{q.name}", rule.g_q7)),
        ("touch_columns", rule.touch_columns),
        ("targets_q7", None if targets is None else
         Array("int16_t", f"targets_q7_{q.name}", targets))))


def _sync_rule(q: QProjection, rule: QSyncRule, offset: Callable[[str], int]) -> Table:
    return Table("dassdp_sync_rule_t", f"rule_{q.name}", (
        ("delta", Array("int32_t", f"delta_{q.name}", rule.delta.ravel())),
        ("delta_rshift", rule.delta_rshift), ("is_gated", int(rule.is_gated)),
        ("silent_step", rule.silent_step), ("repeat_loss", int(rule.repeat_loss)),
        ("sync_rshift", rule.sync_rshift),
        ("stats_off", offset(f"gate_{q.name}")), ("gate", "&dassdp_gate")))

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
    QRule,
    QSyncRule,
)
from edge_dassdp.qir.packing import EIHL_DTYPE, GATE_DTYPE, columns, words
from edge_dassdp.qir.tables import Array, StateField, Table, Value

_HOOKS = {"sync": ("learn", "check", "record", "fit"), "eihl": ("learn", "check")}
"""What a rule does beside learning, by the word of its files; src/rules/rules.h."""


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


def rule_table(q: QProjection, offset: Callable[[str], int]) -> Table | None:
    """dassdp_rule_t with the constants of the rule of that word."""
    if q.rule is None:
        return None
    word, fields = _constants(q, q.rule, offset)
    assert q.stage is not None
    return Table("dassdp_rule_t", f"rule_{q.name}", (
        ("stage", f"DASSDP_STAGE_{q.stage.upper()}"),
        *((hook, f"dassdp_{word}_{hook}") for hook in _HOOKS.get(word, ("learn",))),
        ("constants", Table(f"dassdp_{word}_rule_t", f"constants_{q.name}", tuple(fields),
                            header=f"{word}.h"))))


def _constants(q: QProjection, rule: QRule,
               offset: Callable[[str], int]) -> tuple[str, list[tuple[str, Value]]]:
    """The word of a rule and the fields of its constants, as src/rules/<word>.h has them."""
    def at(**parts: str) -> list[tuple[str, Value]]:
        return [(f"{name}_off", offset(part)) for name, part in parts.items()]

    if isinstance(rule, QSTDP):
        names = [f.name for f in dataclasses.fields(QSTDP)]
        return "stdp", [*((name, getattr(rule, name)) for name in names),
                        ("traces_off", offset(f"stdp_{q.name}")),
                        *at(losses="sums", row="row")]
    if isinstance(rule, QSyncRule):
        return "sync", [
            ("delta", Array("int32_t", f"delta_{q.name}", rule.delta.ravel())),
            ("delta_rshift", rule.delta_rshift), ("is_gated", int(rule.is_gated)),
            ("silent_step", rule.silent_step), ("repeat_loss", int(rule.repeat_loss)),
            ("sync_rshift", rule.sync_rshift), ("gate_off", offset(f"gate_{q.name}")),
            *at(sums="sums", row="row", latencies="bytes", gates="gates")]
    assert q.factors is not None
    is_touch = isinstance(rule, QErrorRule) and rule.touch_columns > 0
    by_class = {} if is_touch else {"classes": "classes", "latencies": "bytes"}
    fields: list[tuple[str, Value]] = [(f"factors.{name}", value) for name, value in (
        *_factors(q, q.factors), *at(k="sums", row="row", **by_class))]
    if isinstance(rule, QHomeostasis):
        targets = Array("int16_t", f"targets_q7_{q.name}", rule.targets_q7)
        return "homeostasis", [*fields, ("targets_q7", targets)]
    if isinstance(rule, QEIHL):
        return "eihl", [*fields, ("growth_q16", rule.growth_q16), ("most_q16", rule.most_q16),
                        ("period", rule.period), ("phase_off", offset(f"eihl_{q.name}"))]
    if isinstance(rule, QErrorRule) and is_touch:
        return "touch", [*fields, ("columns", rule.touch_columns),
                         *at(touches="touches", steps="steps", traces="traces")]
    return "delta" if q.factors.g_q7 is None else "error", fields


def _factors(q: QProjection, rule: QErrorRule) -> list[tuple[str, Value]]:
    """dassdp_factors_t without its scratch."""
    return [
        ("amplitude", rule.amplitude), ("r_max", rule.r_max), ("k_max", rule.k_max),
        ("k_rshift", rule.k_rshift), ("update.row_rshift", rule.row_rshift),
        ("update.g_q7", None if rule.g_q7 is None else
         Array("uint8_t", f"g_q7_{q.name}", rule.g_q7))]

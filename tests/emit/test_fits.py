"""Every number that reaches C is listed with the line that bounds it, and held to it."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.emit import emit, fits
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.tables import Array, Table

NOT_EMITTED = {"dassdp_patch_t", "dassdp_run_t", "dassdp_cursor_t", "dassdp_fours_t",
               "dassdp_eihl_t", "dassdp_gate_t"}
"""Structs that the runtime fills."""
NO_NUMBERS = {("dassdp_rule_t", "constants"), ("dassdp_model_t", "hash[32]")}


def with_population(network: QNetwork, **values: Any) -> QNetwork:
    first, *rest = network.populations
    return replace(network, populations=(replace(first, **values), *rest))


def test_every_number_of_every_struct_is_listed() -> None:
    """A field that is added to a header must say what bounds it."""
    fields = {(ctype, name) for ctype, members in fits.structs().items()
              for name, kind in members.items()
              if kind.removeprefix("const ").removesuffix(" *").startswith(
                  ("int", "uint", "void")) and ctype not in NOT_EMITTED}
    listed = {(ctype, name) for ctype, members in fits.limits().items() for name in members}
    assert fields - NO_NUMBERS == listed


def test_every_bound_names_a_line_that_is_there() -> None:
    for members in fits.limits().values():
        for limit in members.values():
            module, _, name = limit.by.partition(":")
            found = importlib.import_module(f"edge_dassdp.{module}")
            for part in name.split("."):
                assert hasattr(found, part), limit.by
                found = getattr(found, part)


def test_the_document_has_the_table() -> None:
    docs = assets.folder("firmware").parent / "docs" / "arithmetic.md"
    assert fits.document() in docs.read_text("utf-8"), "python tools/constants_table.py --write"


def test_all_scenarios_keep_to_it_and_fill_no_struct_of_the_runtime() -> None:
    for case in SCENARIOS.values():
        structs = list(fits.filled(Plan.of(case.quantized).tables))
        assert structs and not {ctype for ctype, _, _ in structs} & NOT_EMITTED
        fits.check(structs)


@pytest.mark.parametrize(("field", "value", "said"), [
    ("acc_lshift", 31, "31, expected 0 to 30"), ("acc_lshift", -1, "-1, expected 0 to 30"),
    ("acc_rshift", 256, "256, expected 0 to 30"),
    ("fire_at", np.array([2**31]), "2,147,483,648, expected 1 to 2,147,483,647"),
    ("leak_q15", np.array([40000]), "40,000, expected 0 to 32,768"),
    ("reset_by", np.array([-1]), "-1, expected 0")])
def test_a_number_that_c_would_wrap_is_refused_before_it_is_emitted(
        field: str, value: Any, said: str) -> None:
    broken = with_population(SCENARIOS["graph"].quantized, membrane_bits=32, **{field: value})
    with pytest.raises(EdgeError) as caught:
        emit(Plan.of(broken))
    assert caught.value.code == "E204" and said in caught.value.message
    assert "edge_dassdp" not in caught.value.message and "qir.checks" in caught.value.cause


def test_wide_constants_in_narrow_membranes_are_refused() -> None:
    network = SCENARIOS["graph"].quantized
    with pytest.raises(EdgeError) as caught:
        emit(Plan.of(with_population(network, membrane_bits=16, fire_at=np.array([40000]))))
    assert caught.value.code == "E204" and "expected 1 to 32,767" in caught.value.message


@pytest.mark.parametrize(("fields", "said"), [
    ((("factors.k_rshift", 25),), "factors.k_rshift is 25, expected 0 to 24"),
    ((("factors.update.row_rshift", 32),), "row_rshift is 32, expected 12 to 16"),
    ((("factors.update.g_q7", Array("uint8_t", "g", np.array([129]))),), "g is 129"),
    ((("factors.k_off", -1),), "k_off is -1"), ((("columns", "65536u"),), "columns is 65,536")])
def test_constants_of_rules_are_held_to_the_innermost_struct(fields: Any, said: str) -> None:
    with pytest.raises(EdgeError) as caught:
        fits.check(fits.pointed_at([Table("dassdp_touch_rule_t", "constants_q", fields)]))
    assert caught.value.code == "E204" and said in caught.value.message


def test_a_struct_of_somebody_else_is_somebody_else_s() -> None:
    fits.check(fits.pointed_at([Table("my_rule_t", "constants_q", (("eta_q8", 10**9),))]))

"""A rule whose C stands outside the package: it includes rules.h alone and learns like ours.

Weights of 16 bits draw nothing, so the order of rows does not matter, and it gives the bits of the
rule that it repeats.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.scenarios import SCENARIOS
from support.where import built_alike

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.build.stack import stack_bound
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir.samples import input_x
from edge_dassdp.targets import emulator
from edge_dassdp.targets.emulator import Emulator

HERE = Path(__file__).parent
CASE = SCENARIOS["convolutions_16_bits"]


def with_own_rule() -> dict[str, str]:
    """The case with my_rule in place of the delta rule, and the files of both."""
    sources = emit(Plan.of(CASE.quantized))
    text = sources["dassdp_model.c"].replace('#include "delta.h"', '#include "my_rule.h"')
    text = text.replace("dassdp_delta_rule_t", "my_rule_t").replace("dassdp_delta_learn",
                                                                     "my_rule_learn")
    text = re.sub(r"    \.factors\.(update\.g_q7|longs|k_off|classes_off|latencies_off) = .*\n", "",
                  text)
    text = text.replace(".factors.update.", ".").replace(".factors.", ".")
    files = {name: (HERE / name).read_text("utf-8") for name in ("my_rule.c", "my_rule.h")}
    return sources | {"dassdp_model.c": text} | files


def learned(target: Emulator) -> list[tuple[object, ...]]:
    rng = np.random.default_rng(9)
    outcomes: list[tuple[object, ...]] = []
    for i in range(20):
        x = input_x(CASE.quantized, CASE.sample(rng)[None, :])[0]
        done = target.learn(x, i % CASE.quantized.n_classes, digest=True)
        outcomes.append((done.class_idx, done.loss_q8, done.is_updated, done.learned_digest))
    return outcomes


@pytest.mark.parametrize("checked", [False, True])
def test_a_rule_from_outside_learns_as_the_one_that_it_repeats(
        checked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = learned(Emulator(CASE.quantized, checked=checked))
    monkeypatch.setattr(emulator, "emit", lambda network, save_every: with_own_rule())
    found = learned(Emulator(CASE.quantized, checked=checked))
    assert found == expected and any(is_updated for _, _, is_updated, _ in found)


@pytest.mark.usefixtures("arm_toolchain")
@pytest.mark.parametrize("name", [b for b in built_alike() if b != "microbit"])
def test_its_stack_is_bounded_like_that_of_any_rule(name: str) -> None:
    board = load_board(name)
    bound = stack_bound(build_firmware(with_own_rule(), board))
    own = stack_bound(build_firmware(emit(Plan.of(CASE.quantized)), board))
    assert bound.bytes <= own.bytes + 64

"""What is called through pointers: found in the sources, all of it, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.devices import network
from support.scenarios import SCENARIOS

from edge_dassdp.base import assets
from edge_dassdp.build import stack
from edge_dassdp.build.board import load_board
from edge_dassdp.build.callees import callees
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan

TABLE = """\
const table_t table = {
    .run = &walk,
    .count = 3,
    .stop = halt, /* .run = never */
};
"""
CALLER = """\
#include "inline.h"
static void inner(const table_t *t)
{
    t->stop();
}
void outer(const table_t *t) {
    inner(t);
    in_header(t,
              1);
}
int direct(void)
{
    return outer_of(3);
}
"""
HEADER = """\
static inline void in_header(const table_t *t, int n)
{
    t->run(n);
}
"""


def test_a_caller_reaches_the_hooks_of_what_may_be_inlined_into_it(tmp_path: Path) -> None:
    for name, text in (("table.c", TABLE), ("caller.c", CALLER), ("inline.h", HEADER)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert callees(tmp_path) == {"inner": {"halt"}, "outer": {"walk", "halt"}}


def test_every_hook_that_the_runtime_calls_is_filled_by_some_model() -> None:
    sources = assets.folder("firmware") / "src"
    called = {hook for path in sources.rglob("*.[ch]")
              for hook in re.findall(r"->(\w+)\(", path.read_text("utf-8"))}
    models = [scenario.quantized for scenario in SCENARIOS.values()] + [network("classes")]
    filled = {hook for model in models
              for hook in re.findall(r"\.(\w+) = (?:dassdp|advance|currents)_\w+,",
                                     emit(Plan.of(model))["dassdp_model.c"])}
    filled |= {"encode"}  # in rows of a table
    assert called <= filled and len(called) > 20


@pytest.mark.usefixtures("arm_toolchain")
@pytest.mark.parametrize("name", ["guard_all", "eihl", "ssdp_described", "sinabs_narrow"])
def test_no_function_of_the_runtime_is_left_to_call_anything(name: str) -> None:
    built = build_firmware(emit(Plan.of(SCENARIOS[name].quantized)), load_board("stm32f405"))
    known = callees(built.directory)
    functions, *_ = stack._linked(built)
    linked = {f.name.partition(".")[0] for f in functions.values()}
    compiled = stack._compiler_frames(built.directory)
    indirect = {f.name.partition(".")[0] for f in functions.values()
                if f.is_indirect and f.name in compiled}
    assert indirect and indirect <= known.keys()
    assert {callee for caller in indirect for callee in known[caller]} <= linked

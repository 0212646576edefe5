"""What calls of a model cost: instructions by the prices of every core, and the deepest stack on
one core, as its compiler makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, Region, load_board
from edge_dassdp.build.compile import build_project
from edge_dassdp.build.project import Project, firmware_project
from edge_dassdp.build.stack import stack_depth
from edge_dassdp.emit import emit
from edge_dassdp.figures.lesson import learning_work
from edge_dassdp.figures.prices import price_all, priced_cpus
from edge_dassdp.figures.work import Work, inference_work
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import random_samples

BOARD = "stm32f405"
"""Whose core the stack is told of where nobody names one: a Cortex-M4."""
N_SAMPLES = 8
_ROOM = 16 * 1024 * 1024
_CALLS = {
    "dassdp_init": "dassdp_init(m, s)", "dassdp_begin": "dassdp_begin(m, s, x)",
    "dassdp_step": "dassdp_step(m, s)", "dassdp_end": "dassdp_end(m, s, &r)",
    "dassdp_infer": "dassdp_infer(m, s, x, &r)"}
_LEARNING = {
    "dassdp_learn": "(void)dassdp_learn(m, s, 0, DASSDP_OWN_LOSS, &r)",
    "dassdp_learn_begin": "(void)dassdp_learn_begin(m, s, 0, DASSDP_OWN_LOSS)",
    "dassdp_learn_step": "(void)dassdp_learn_step(m, s, 1, &r)",
    "dassdp_warm_up": "(void)dassdp_warm_up(m, s, 0, DASSDP_OWN_LOSS, &r)",
    "dassdp_idle": "(void)dassdp_idle(m, s, 1)",
    "dassdp_export": "(void)dassdp_export(m, s, 0, (uint8_t *)s, 1)",
    "dassdp_import": "(void)dassdp_import(m, s, (const uint8_t *)s, 1)"}
_SENSOR = {
    "dassdp_read": "(void)dassdp_read(m, s, (const int16_t *)s)",
    "dassdp_observe": "(void)dassdp_observe(m, s, 0)"}
_STREAM = {"dassdp_push": "(void)dassdp_push(m, s, s, 1, &r)"}
_LINK = {"dassdp_link_receive": "dassdp_link_receive(&link, 0)"}
_MAIN = """\
#include "dassdp_program.h"
#include "dassdp_sensor.h"
#include "dassdp_stream.h"
#include "link.h"
void *volatile given;
static dassdp_link_t link;
int main(void)
{
    const dassdp_model_t *m = &dassdp_program;
    void *s = given;
    const int8_t *x = given;
    dassdp_result_t r;
    %s;
    return 0;
}
"""


@dataclass(frozen=True)
class Stack:
    """Bytes of the deepest path of every call, its own frame included. why: what was in the way of
    them, "" where they are known."""

    cpu: str
    compiler: str
    calls: Mapping[str, int]
    why: str = ""


def calls_of(network: QNetwork) -> dict[str, str]:
    """What an application calls of a model, as C statements."""
    found = _CALLS | (_LEARNING if network.plastic else {})
    found |= (_SENSOR if network.sensor is not None else {}) | (_STREAM if network.hop else {})
    return found | _LINK


def stack_of(network: QNetwork, board: Board | None = None) -> Stack:
    """Of the calls of a model, built for a board's core; an interrupt comes on top."""
    chosen = board or load_board(BOARD)
    calls = calls_of(network)
    try:
        firmware = build_project(_program(network, chosen, list(calls.values())), _roomy(chosen))
        depths = {name: stack_depth(firmware, name) for name in calls}
    except EdgeError as problem:
        if problem.code not in ("E301", "E302"):
            raise
        return Stack(chosen.cpu, "", {}, problem.message)
    return Stack(chosen.cpu, firmware.compiler, depths)


def _roomy(board: Board) -> Board:
    """A library is no firmware of this board: whatever its size, it is linked."""
    return replace(board, flash=Region(board.flash.origin, _ROOM),
                   ram=Region(board.ram.origin, _ROOM))


def _program(network: QNetwork, board: Board, calls: Sequence[str]) -> Project:
    project = firmware_project(emit(Plan.of(network)), _roomy(board))
    files = {path: text for path, text in project.files.items()
             if path != "port/cortex_m/main.c"}
    files["application/calls.c"] = _MAIN % ";\n    ".join(calls)
    return replace(project, files=files)


@dataclass(frozen=True)
class Instructions:
    """Mean instructions of a call, predicted by the work of random samples; None: no price."""

    infer: float | None
    learn: float | None


def instructions_of(network: QNetwork) -> dict[str, Instructions]:
    """By core."""
    x = random_samples(network, N_SAMPLES)
    labels = np.arange(N_SAMPLES) % network.n_known
    inferred = inference_work(network, x)
    learned = learning_work(network, x, labels.tolist()) if network.plastic else []
    return {cpu: Instructions(_mean(inferred, cpu), _mean(learned, cpu) if learned else None)
            for cpu in sorted(priced_cpus(), key=lambda cpu: int(cpu.removeprefix("cortex-m")))}


def _mean(work: Sequence[Work], cpu: str) -> float | None:
    total = price_all(work, cpu)
    return None if total is None else total / len(work)

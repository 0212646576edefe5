"""Two states are strangers: a model learns while another runs in the middle of its calls."""

from __future__ import annotations

from threading import Event, Thread

import numpy as np
from support.scenarios import SCENARIOS

from edge_dassdp.qir.samples import input_x
from edge_dassdp.targets.emulator import Emulator


def lessons(name: str, emulator: Emulator, n: int) -> list[tuple[int, int | None]]:
    """Classes and digests of n labelled samples."""
    case, rng = SCENARIOS[name], np.random.default_rng(8)
    done = []
    for i in range(n):
        x = input_x(case.quantized, case.sample(rng)[None, :])[0]
        outcome = emulator.learn(x, i % case.quantized.n_classes, digest=True)
        done.append((outcome.class_idx, outcome.learned_digest))
    return done


def test_a_model_that_runs_in_the_middle_of_another_changes_no_bit_of_it() -> None:
    """Calls of the C hold no lock of Python, so the threads preempt each other anywhere in it."""
    first, second = SCENARIOS["guard_all"].quantized, SCENARIOS["graph"].quantized
    alone = lessons("guard_all", Emulator(first), 40)
    other_alone = lessons("graph", Emulator(second), 40)
    is_over, beside = Event(), []

    def run_beside() -> None:
        while not is_over.is_set() or not beside:
            beside.append(lessons("graph", Emulator(second), 40))

    thread = Thread(target=run_beside)
    thread.start()
    together = lessons("guard_all", Emulator(first), 40)
    is_over.set()
    thread.join()
    assert together == alone
    assert all(found == other_alone for found in beside)

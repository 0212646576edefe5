"""A refusal, wherever it is raised."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from edge_dassdp.base.errors import EdgeError


def refuse() -> None:
    raise EdgeError("E301", "no compiler", cause="cc is\nnot there", help="install one")


def test_a_refusal_of_another_process_arrives_as_itself() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool, \
            pytest.raises(EdgeError, match="no compiler") as caught:
        pool.submit(refuse).result(timeout=60)
    found = caught.value
    assert (found.code, found.exit_status) == ("E301", 3)
    assert str(found) == "error[E301]: no compiler\n  cause: cc is\nnot there\n  help:  install one"


def test_what_was_added_to_a_refusal_is_kept() -> None:
    problem = EdgeError("E510", "lost", help="--resume")
    problem.message += ": 3 of 4 runs are kept"
    for made in (copy.copy(problem), pickle.loads(pickle.dumps(problem))):
        assert type(made) is EdgeError and vars(made) == vars(problem)

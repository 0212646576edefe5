"""What neurons have beyond the plain step stands in one list."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from edge_dassdp.base import assets
from edge_dassdp.ir import Population
from edge_dassdp.qir import QDynamics
from edge_dassdp.quantize.populate import terms

ONE, EACH = np.full(1, 7, np.int64), np.arange(5)
DYNAMICS = QDynamics(leak_i_q15=EACH, i_frac_bits=8, v_bias=ONE, max_spikes=1, v_init=EACH,
                     v_min=None)


def test_every_array_of_the_dynamics_is_in_its_list() -> None:
    arrays = {f.name for f in fields(QDynamics) if "IntArray" in str(f.type)}
    listed = DYNAMICS.arrays(16)
    assert {term.name for term in listed} == arrays
    assert {term.name for term in listed if term.is_optional} == {
        f.name for f in fields(QDynamics) if "None" in str(f.type)}
    assert set(terms(Population("p", 5, 0.9, 1.0))) == arrays


@pytest.mark.parametrize(("bits", "n_bytes"), [(16, [10, 2, 10, 0]), (32, [10, 4, 20, 0])])
def test_membrane_constants_are_as_wide_as_membranes(bits: int, n_bytes: list[int]) -> None:
    listed = DYNAMICS.arrays(bits)
    assert [term.bytes for term in listed] == n_bytes
    assert [term.stride[1] for term in listed] == [1, 0, 1, 0]


def test_generated_code_has_a_field_and_a_stride_for_each() -> None:
    header = "".join(path.read_text("utf-8")
                     for path in sorted((assets.folder("firmware") / "include").glob("*.h")))
    for term in DYNAMICS.arrays(32):
        assert f" *{term.name};" in header and f" {term.stride[0]};" in header

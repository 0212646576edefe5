"""Every byte of the state has one owner, and names come back from bytes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from support.layered_networks import layers
from support.scenarios import SCENARIOS

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.demo.adaptation import learning_of
from edge_dassdp.plan import Plan
from edge_dassdp.plan.layout import Layout
from edge_dassdp.plan.ledger import constant_bytes, ram_ledger
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.packing import words
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import ErrorSSDP, Learning, ReadoutDelta
from edge_dassdp.targets.emulator import Emulator


@cache
def layout_of(name: str) -> Layout:
    return Plan.of(SCENARIOS[name].quantized).layout


@pytest.fixture(scope="module")
def digits() -> QNetwork:
    network = ir.load(assets.folder("examples") / "digits" / "digits_seed0.npz")
    return quantize(network, learning_of(network, ErrorSSDP())).network


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_fields_cover_the_state_once_and_aligned(name: str) -> None:
    layout, at = layout_of(name), 0
    for f in layout.fields:
        assert f.offset == at and f.offset % f.align == 0 and f.bytes > 0, f.name
        at += f.bytes
    assert at == layout.state_bytes and at % 8 == 0
    assert len({f.name for f in layout.fields}) == len(layout.fields)


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_the_snapshot_is_a_prefix_without_gaps_in_its_meaning(name: str) -> None:
    layout = layout_of(name)
    inside = [f.name for f in layout.fields
              if layout.persist_begin <= f.offset < layout.persist_end]
    order = [n.partition("_")[0] for n in inside if not n.startswith("padding")]
    wanted = ["gate", "eihl", "learning", "replay", "guard", "cusum", "sensor", "drift", "ring",
              "losses", "count", "latency"]
    assert [wanted.index(n) for n in order] == sorted(wanted.index(n) for n in order)
    assert ("losses" in order) == (layout.network.n_batch > 1)
    assert ("learning" in order) == bool(layout.network.plastic)


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_padding_is_small(name: str) -> None:
    assert layout_of(name).bytes_of("padding") < 16


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_scratch_holds_what_each_phase_needs(name: str) -> None:
    layout, network = layout_of(name), SCENARIOS[name].quantized
    scratch = layout.scratch
    at = {**scratch.offsets, "end": scratch.bytes}
    phases = (("rows", "sums", "part", "words", "end"),
              ("rows", "sums", "row", "classes", "bytes", "gates", "touches", "steps",
               "traces", "end"))
    for phase in phases:
        places = [at[part] for part in phase]
        assert all(place % 4 == 0 for place in places) and places == sorted(places)
    assert scratch.bytes >= scratch.inference_bytes
    for p in network.populations:
        assert at["part"] - at["sums"] >= p.size * p.acc_bits // 8
    for q in network.projections:
        if not q.is_analogue:
            assert min(at["sums"], *(at[r] for r in at if r.startswith("raster")), at["end"]) \
                >= 4 * min(96, q.n_pre)
    for q in network.plastic:
        assert at["classes"] - at["row"] >= 2 * min(q.n_post, _block(q))
    inference_end = at.get("x", scratch.inference_bytes)
    for part in at:
        if part.startswith("raster"):
            begin, end = at[part], at[part] + _raster_bytes(network, part)
            assert end <= at["end"]
            for phase in phases:
                limits = [at[name] for name in phase[:-1]]
                limits.append(inference_end if "part" in phase else _learning_end(network, at))
                assert all(high <= begin or end <= low or low == high
                           for low, high in pairwise(limits[1:])), f"{part} lies over {phase}"


def _learning_end(network: QNetwork, at: dict[str, int]) -> int:
    traces = [network.n_steps * _block(q) for q in network.plastic
              if getattr(q.rule, "touch_columns", 0)]
    return at["traces"] + max(traces, default=0)


def _block(q: QProjection) -> int:
    return getattr(q.rule, "touch_columns", 0) or q.n_post


def _raster_bytes(network: QNetwork, part: str) -> int:
    return 4 * words(network.population(part.removeprefix("raster_")).size) * network.n_steps


@pytest.mark.parametrize("name", ["described_4", "steps_7", "saturated"])
def test_bytes_decode_to_the_reference_s_names_and_values(name: str) -> None:
    reference = Reference(SCENARIOS[name].quantized)
    emulator = Emulator(SCENARIOS[name].quantized, checked=True)
    for call in SCENARIOS[name].calls():
        call.run(reference)
        call.run(emulator)
    raw = emulator._bytes(0, emulator.layout.state_bytes)
    named, expected = emulator.layout.decode(raw), reference.named_state()
    assert named.keys() == expected.keys()
    for key in named:
        np.testing.assert_array_equal(named[key], expected[key], key)


def test_a_state_of_another_size_is_refused() -> None:
    with pytest.raises(EdgeError) as caught:
        layout_of("graph").decode(b"\0" * 8)
    assert caught.value.code == "E104"


def test_learning_costs_the_digits_network_less_than_600_bytes(digits: QNetwork) -> None:
    layout = Plan.of(digits).layout
    named = {f.name: f.bytes for f in layout.fields if f.group == "learning"}
    extra = layout.scratch.bytes - layout.scratch.inference_bytes
    assert set(named) == {"learning", "count_lif1", "count_lif2", "latency_lif1", "latency_lif2",
                          "error_lif2", f"error_{digits.readout}"}
    assert sum(named.values()) + extra <= layout.learning_state_bytes < 600


def test_the_ledger_adds_up_and_a_budget_one_byte_short_is_refused(digits: QNetwork) -> None:
    board = load_board("stm32f405")
    ledger = ram_ledger(Plan.of(digits), board)
    assert ledger.ram_bytes == sum(line.bytes for line in ledger.lines)
    assert sum(ledger.by_symbol().values()) == ledger.ram_bytes - ledger.board.stack_bytes
    assert ledger.by_symbol()["dassdp_state"] == Plan.of(digits).layout.state_bytes
    ram_ledger(Plan.of(digits), board, ram_budget=ledger.ram_bytes)
    with pytest.raises(EdgeError, match="overflows by 1 B") as caught:
        ram_ledger(Plan.of(digits), board, ram_budget=ledger.ram_bytes - 1)
    assert caught.value.code == "E402" and "dassdp_state." in caught.value.cause


def test_4_bit_rows_take_half_the_bytes_in_flash_and_in_ram() -> None:
    """But for those of currents, fc1, and those that errors flow back through, fc3 and fc4."""
    network = layers((20, 40, 24, 18, 6))
    learning = Learning({"fc2": ErrorSSDP(), "fc3": ErrorSSDP(), "fc4": ReadoutDelta()})
    plans = [Plan.of(quantize(network, learning, Settings(weight_bits=bits)).network)
             for bits in (5, 4)]
    images = [{f.name: f.bytes for f in plan.layout.fields if f.group == "weights"}
              for plan in plans]
    assert images == [{"w_fc2": 40 * 24, "w_fc3": 24 * 24, "w_fc4": 18 * 8},
                      {"w_fc2": 20 * 24, "w_fc3": 24 * 24, "w_fc4": 18 * 8}]
    assert constant_bytes(plans[0]) - constant_bytes(plans[1]) == 20 * 24
    kernels = [route.kernel for route in plans[1].routes.values()]
    assert ["two weights to a byte" in kernel.reason for kernel in kernels] == [
        False, True, False, False]
    assert ["errors flow back" in kernel.reason for kernel in kernels] == [
        False, False, True, True]


def test_a_larger_batch_costs_slots_and_nothing_else() -> None:
    one = SCENARIOS["described"].quantized
    four = Plan.of(replace(one, n_batch=4)).layout
    single = Plan.of(one).layout
    slots = [f.bytes for f in single.fields if f.name.startswith(("count_", "latency_"))]
    grown = four.bytes_of("learning") - single.bytes_of("learning")
    assert grown == 3 * (sum(slots) + 2)

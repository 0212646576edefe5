"""The tables of figures in the README and the manual are those of benchmarks/results, and the RAM
that their text names is that of the demonstrations."""

from __future__ import annotations

from pathlib import Path

import pytest
import run
from support.commands import ROOT

import edge_dassdp as ed
from edge_dassdp.build.board import load_board
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import load_dataset
from edge_dassdp.demo import adaptation
from edge_dassdp.demo.watch_learning import fitting, learning, quantized
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger

MICROBIT = load_board("microbit")


@pytest.mark.parametrize("page", run.PAGES, ids=lambda page: page.name)
def test_a_page_shows_the_figures_that_were_counted(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert run.with_tables(text) == text, "benchmarks/run.py writes them"
    assert "Qualia-CodeGen-SNN" in text


def test_the_readme_has_the_ram_of_the_watch() -> None:
    folder = ROOT / "examples" / "watch"
    made = watch.scenario("Ap", 0, watch.load_watch(folder / "data.npz"))
    network = ed.load(folder / "watch_seed0.npz").with_sensor(made.scale.sensor)
    rule, replay = fitting(network, made.replay, MICROBIT)
    model = quantized(network, learning(network, rule, replay), made.replay)
    ledger = ram_ledger(Plan.of(model), MICROBIT)
    assert f"{ledger.ram_bytes:,} bytes of RAM" in (ROOT / "README.md").read_text("utf-8")


def test_the_page_on_learning_has_the_ram_of_the_digits() -> None:
    folder = ROOT / "examples" / "digits"
    network = ed.load(folder / "digits_seed0.npz")
    model = ed.quantize(network, adaptation.ours(network),
                        x=load_dataset(folder / "data.npz").train.x)
    ledger = ram_ledger(Plan.of(model), MICROBIT)
    told = (f"{ledger.ram_bytes:,} bytes of RAM on the micro:bit, {ledger.learning_state_bytes} of "
            "them for learning")
    assert told in (ROOT / "docs" / "learning.md").read_text("utf-8")

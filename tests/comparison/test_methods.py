"""The methods of a comparison, from their words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import tiny

import edge_dassdp as ed
from edge_dassdp.comparison.methods import parsed, split


@pytest.fixture
def network(tmp_path: Path) -> ed.Network:
    tiny.write(tmp_path)
    return ed.load(tmp_path / "model.npz")


def test_commas_stand_between_methods_and_between_settings() -> None:
    assert split("frozen,touch:mu=16,width=0.3,delta,ssdp:a_plus=0.01,a_base=0.02") == [
        "frozen", "touch:mu=16,width=0.3", "delta", "ssdp:a_plus=0.01,a_base=0.02"]


def test_the_frozen_network_is_always_there_and_first() -> None:
    assert [m.text for m in parsed(["delta", "touch"])] == ["frozen", "delta", "touch"]
    assert [m.text for m in parsed(["delta", "frozen"])] == ["frozen", "delta"]


def test_every_method_shares_the_memory_and_the_places(network: ed.Network) -> None:
    base = ed.Learning.default(network, 60)
    for method in parsed(["delta", "error", "touch", "eihl", "default"])[1:]:
        learning = method.learning(network, base)
        assert (learning.schedule, learning.replay) == (base.schedule, base.replay)
        assert set(learning.rules) == ({"fc3"} if method.text == "delta" else {"fc2", "fc3"})
    assert parsed(["default"])[1].learning(network, base) == base
    assert parsed(["touch"])[1].learning(network, base).rules == base.rules
    assert parsed(["frozen"])[0].learning(network, base) is None


def test_settings_reach_the_rule_and_the_readout(network: ed.Network) -> None:
    base = ed.Learning.default(network, 60)
    rules = parsed(["touch:mu=5,readout=0.7"])[1].learning(network, base).rules
    assert rules == {"fc2": ed.ErrorTouch(5.0), "fc3": ed.ReadoutDelta(0.7)}
    rules = parsed(["delta:mu=2.5"])[1].learning(network, base).rules
    assert rules == {"fc3": ed.ReadoutDelta(2.5)}


def test_what_tune_wrote_is_a_method(network: ed.Network, tmp_path: Path) -> None:
    made = ed.Learning({"fc3": ed.ReadoutDelta(1.25)})
    made.save(tmp_path / "mine.toml")
    method = parsed([str(tmp_path / "mine.toml")])[1]
    assert method.learning(network, ed.Learning.default(network, 60)) == made


def test_a_method_needs_its_place(tmp_path: Path) -> None:
    """A network without a hidden population that could learn."""
    rng = np.random.default_rng(0)
    network = ed.Network(
        (ed.ir.Input("x", 4),), (ed.ir.Population("h", 6, 0.9, 1.0),
                                 ed.ir.Population("o", 3, 0.0, 1.0, "none")),
        (ed.ir.Projection("a", "x", "h", rng.normal(size=(4, 6))),
         ed.ir.Projection("b", "h", "o", rng.normal(size=(6, 3)))),
        ed.ir.Readout("o", "membrane_sum"), 5)
    with pytest.raises(ed.EdgeError) as caught:
        parsed(["touch"])[1].learning(network, ed.Learning.default(network, 60))
    assert caught.value.code == "E203" and "delta" in caught.value.help


@pytest.mark.parametrize(("texts", "words"), [
    (["touhc"], "there is no method 'touhc'"), ([""], "a method has no name"),
    (["frozen:mu=1"], "takes no settings"), (["touch", "touch"], "given twice"),
    (["touch:speed=1"], "has no setting 'speed'"), (["touch:mu=-1"], "mu is -1"),
    (["delta:readout=1"], "has no setting 'readout'"), (["profile+nothing"], "no method 'nothing'"),
    (["backprop:width=1"], "has no setting 'width'"), (["touch:readout=-3"], "mu is -3"),
])
def test_what_is_none_is_refused(texts: list[str], words: str) -> None:
    with pytest.raises(ed.EdgeError) as caught:
        parsed(texts)
    assert caught.value.code in ("E105", "E203") and words in str(caught.value)

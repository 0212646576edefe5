"""Labels in Python may be the names that a model knows."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from support import tiny

import edge_dassdp as ed

NAMES = ("walk", "run", "sit", "ride")


@pytest.fixture
def network(tmp_path: Path) -> ed.Network:
    tiny.write(tmp_path)
    return ed.load(tmp_path / "model.npz")


def test_names_and_numbers_learn_the_same(network: ed.Network, tmp_path: Path) -> None:
    data = np.load(tmp_path / "data.npz")
    x, y = data["x"], data["y"]
    learning = ed.Learning.default(network)
    by_name = ed.quantize(network, learning, x=x, y=np.array(NAMES)[y], classes=NAMES)
    by_number = ed.quantize(network, learning, x=x, y=y, classes=NAMES)
    assert by_name.sha256 == by_number.sha256 and by_name.classes == NAMES
    made = []
    for labels in (y, [NAMES[k] for k in y], np.array(NAMES, object)[y]):
        with ed.open(by_name) as device:
            device.learn(x, labels)
            made.append((device.digest, device.accuracy(x, labels)))
    assert made[0] == made[1] == made[2]
    with ed.open(by_name) as device:
        device.learn(x[0], NAMES[y[0]])
        with pytest.raises(ed.EdgeError, match=r"swim.*, which is no class of the model"):
            device.learn(x[0], "swim")


def test_a_model_without_names_says_what_to_give(network: ed.Network, tmp_path: Path) -> None:
    data = np.load(tmp_path / "data.npz")
    device = ed.open(ed.quantize(network))
    with pytest.raises(ed.EdgeError, match="expected integers") as refused:
        device.accuracy(data["x"], np.array(NAMES)[data["y"]])
    assert "np.unique" in refused.value.help
    assert device.network.classes == ()


def test_numbers_of_names_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,label\n1,dog\n2,ant\n")
    with pytest.warns(UserWarning, match=r"d\.csv are numbered by the alphabet, 0 ant, 1 dog"):
        ed.samples(tmp_path / "d.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = ed.samples(tmp_path / "d.csv", classes=("dog", "ant"))
    assert given.y.tolist() == [0, 1] and given.classes == ("dog", "ant")
    with pytest.raises(ed.EdgeError, match=r"d\.csv: row 2, column 'label' holds 'dog'"):
        ed.samples(tmp_path / "d.csv", classes=("cat", "ant"))

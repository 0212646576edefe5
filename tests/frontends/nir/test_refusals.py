"""What of a NIR graph is refused, and that its node is named."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest
from support.nir_graphs import CNN, NIR, chain, graph, lif, values

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.nir import from_nir


class Unknown(nir.NIRNode):
    def __init__(self) -> None:
        self.input_type = self.output_type = {"input": np.array([3])}


REFUSED = {
    "unknown node": (chain((3,), Unknown()), "E102", "'n0' is a Unknown"),
    "dynamic shape": (chain((-1, 8), nir.Flatten(None, 0)), "E102", "'in' has shape"),
    "no shape": (graph({"in": nir.Input(None), "l": lif(3), "out": nir.Output(None)},
                       "in l, l out"), "E102", "'in' has no shape"),
    "four dimensions": (chain((1, 2, 3, 4), nir.Flatten(None, 0)), "E102", "'in' has shape"),
    "infinite weight": (chain((3,), nir.Linear(np.full((2, 3), np.inf))), "E101",
                        "'n0': weight"),
    "nan bias": (chain((3,), nir.Affine(values(2, 3), np.full(2, np.nan))), "E101",
                 "'n0': bias"),
    "infinite tau": (chain((3,), lif(3, tau=np.inf)), "E101", "'n0': tau"),
    "negative tau": (chain((3,), lif(3, tau=-1)), "E101", "'n0': tau"),
    "reset above": (chain((3,), lif(3, v_reset=0.6)), "E101", "'n0': v_reset must lie below"),
    "threshold": (chain((3,), lif(3, v_threshold=0)), "E101", "'n0': v_threshold"),
    "threshold node": (chain((3,), nir.Threshold(np.zeros(3))), "E101", r"'n0 \(Threshold\)'"),
    "loop": (graph({"in": nir.Input(np.array([2])), "a": nir.Linear(values(2, 2)),
                    "b": nir.Linear(values(2, 2)), "l": lif(2), "out": nir.Output(None)},
                   "in a, a b, b a, b l, l out"), "E102", "the loop"),
    "membranes": (chain((3,), nir.LI(np.ones(3), np.ones(3), np.zeros(3)),
                        nir.Linear(values(2, 3)), lif(2)), "E102", "'n0' is a LI.*'n1'"),
    "even same": (chain((2, 8, 8), nir.Conv2d(None, values(2, 2, 2, 2), 1, "same", 1, 1,
                                              values(2))), "E102", "'n0' has padding 'same'"),
    "sizes": (chain((3,), nir.Linear(values(2, 4)), lif(2)), "E101", "'n0'.* 4 inputs"),
    "neurons": (chain((3,), nir.Linear(values(2, 3)), lif(5)), "E101",
                r"'n1 .LIF.': its .* shape .5,., which does not fit"),
    "stacked": (chain((3,), nir.Linear(values(2, 2, 3))), "E102", "'n0' has a weight"),
    "edge": (graph({"in": nir.Input(np.array([3])), "l": lif(3)}, "in l, l gone"), "E101",
             "'gone'"),
    "no output": (graph({"in": nir.Input(np.array([3])), "l": lif(3)}, "in l"), "E102",
                  "has no output"),
    "open subgraph": (chain((3,), graph({"input": nir.Input(np.array([3])), "l": lif(3)},
                                        "input l")), "E102", "subgraph 'n0' has 0 nodes Output"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_node(name: str) -> None:
    model, code, text = REFUSED[name]
    with pytest.raises(EdgeError, match=text) as refused:
        from_nir(model, n_steps=4, profile=NIR)
    assert refused.value.code == code
    assert refused.value.help or code == "E101"


def test_a_reset_value_needs_a_reset_to_it() -> None:
    with pytest.raises(EdgeError, match="'n0' has a v_reset") as refused:
        from_nir(chain((3,), lif(3, v_reset=-0.5)), n_steps=1,
                 profile="nir,dt=0.001,reset=subtract")
    assert refused.value.code == "E102"


def test_files_that_are_none(tmp_path: Path) -> None:
    text, empty, other = (tmp_path / name for name in ("text", "empty", "other"))
    text.write_text("not a graph")
    with h5py.File(empty, "w"):
        pass
    with h5py.File(other, "w") as file:
        file.create_group("node").create_dataset("type", data="Quark")
    for source in (text, empty, other, tmp_path / "gone", tmp_path, 7):
        with pytest.raises(EdgeError) as refused:
            from_nir(source, n_steps=1, profile=NIR)
        assert refused.value.code == "E103"


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(EdgeError, match="needs nir") as refused:
        from_nir(CNN, n_steps=1, profile="sinabs")
    assert refused.value.code == "E303" and "[nir]" in refused.value.help

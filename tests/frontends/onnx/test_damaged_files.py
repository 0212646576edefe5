"""Files that are missing, cut, damaged or nothing of the kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lanes import often

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.onnx import from_onnx
from edge_dassdp.twin.model import FloatModel

FILES = Path(__file__).parent / "files"


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(EdgeError, match="does not exist"):
        from_onnx(tmp_path / "step.onnx", n_steps=4)


def test_nodes_out_of_order_and_weights_that_are_missing_are_no_other_file(tmp_path):
    path = FILES / "chain_subtract.dynamo.onnx"
    unsorted, away = onnx.load(path), onnx.load(path)
    nodes = list(unsorted.graph.node)
    del unsorted.graph.node[:]
    unsorted.graph.node.extend(reversed(nodes))
    onnx.save(unsorted, tmp_path / "unsorted.onnx")
    onnx.save(away, tmp_path / "away.onnx", save_as_external_data=True, location="away.data",
              size_threshold=0)
    assert from_onnx(tmp_path / "away.onnx", n_steps=4).n_steps == 4
    (tmp_path / "away.data").unlink()
    for name, word in (("unsorted", "topologically sorted"), ("away", "away.data")):
        with pytest.raises(EdgeError, match=f"{name}.onnx is no valid ONNX model") as caught:
            from_onnx(tmp_path / f"{name}.onnx", n_steps=4)
        assert caught.value.code == "E103" and word in caught.value.cause and caught.value.help


def test_files_that_are_cut(tmp_path):
    data = (FILES / "chain_subtract.dynamo.onnx").read_bytes()
    for end in range(0, len(data) - 1, 211):
        (tmp_path / "cut.onnx").write_bytes(data[:end])
        with pytest.raises(EdgeError):
            from_onnx(tmp_path / "cut.onnx", n_steps=4)


@settings(deadline=None, max_examples=often(40))
@given(st.data())
def test_files_that_are_damaged(tmp_path_factory, data):
    content = bytearray((FILES / "chain_none.dynamo.onnx").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.write_bytes(content)
    try:
        network = from_onnx(path, n_steps=4)
    except EdgeError:
        return
    assert np.isfinite(FloatModel(network).run(np.ones((1, network.n_inputs))).logits).all()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_files_of_random_bytes(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "random.onnx"
    path.write_bytes(content)
    with pytest.raises(EdgeError):
        from_onnx(path, n_steps=4)

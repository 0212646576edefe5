"""A few bytes of ONNX that stand for more than a computer holds, or for files elsewhere."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.onnx import bounds, from_onnx

FILES = Path(__file__).parent / "files"


def _graph(nodes: list[onnx.NodeProto], **constants: np.ndarray) -> onnx.GraphProto:
    return helper.make_graph(
        nodes, "step", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])


def _model(path: Path, graph: onnx.GraphProto, functions: list[onnx.FunctionProto] | None = None
           ) -> Path:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=functions or [])
    path.write_bytes(model.SerializeToString())
    return path


def _refused(path: Path, *words: str) -> None:
    with pytest.raises(EdgeError) as refused:
        from_onnx(path, n_steps=3)
    assert refused.value.exit_status != 101
    for word in words:
        assert word in str(refused.value), refused.value


def _beside(tmp_path: Path, location: str) -> Path:
    path = tmp_path / "n.onnx"
    onnx.save(onnx.load(FILES / "chain_none.dynamo.onnx"), path, save_as_external_data=True,
              size_threshold=0, location="weights.data")
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("location", ["../weights.data", "/etc/passwd", "a/../../b", "link.data"])
def test_weights_lie_in_the_folder_of_the_file(location: str, tmp_path: Path) -> None:
    (tmp_path / "link.data").symlink_to("/etc/passwd")
    _refused(_beside(tmp_path, location), "outside its folder")


def test_weights_lie_in_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.data")
    _refused(_beside(tmp_path, "pipe.data"), "not a regular file")


def test_weights_beside_it_are_bounded(tmp_path: Path) -> None:
    path = _beside(tmp_path, "hole.data")
    with (tmp_path / "hole.data").open("wb") as file:
        file.truncate(1 << 31)
    _refused(path, "2,147,483,648 bytes")


def _function(name: str, *calls: str) -> onnx.FunctionProto:
    nodes, value = [], "a"
    for i, call in enumerate(calls):
        domain = "local" if call.startswith("f") else ""
        nodes.append(helper.make_node(call, [value], [f"v{i}"], domain=domain))
        value = f"v{i}"
    return helper.make_function("local", name, ["a"], [value], nodes, [
        helper.make_opsetid("", 17), helper.make_opsetid("local", 1)])


def test_functions_that_call_each_other_twice(tmp_path: Path) -> None:
    """Forty lines that stand for 2^40 nodes."""
    functions = [_function("f0", "Neg"), *(_function(f"f{i}", f"f{i - 1}", f"f{i - 1}")
                                           for i in range(1, 41))]
    call = helper.make_node("f40", ["x"], ["y"], domain="local")
    _refused(_model(tmp_path / "n.onnx", _graph([call]), functions), "more than 100,000 nodes")


def test_a_function_that_calls_itself(tmp_path: Path) -> None:
    call = helper.make_node("f1", ["x"], ["y"], domain="local")
    functions = [_function("f1", "f2"), _function("f2", "f1")]
    _refused(_model(tmp_path / "n.onnx", _graph([call]), functions), "calls itself")


def test_constants_that_grow(tmp_path: Path) -> None:
    """10^5 by 10^5 sums of 2 x 10^5 numbers; and 40 that each double the one before."""
    nodes = [helper.make_node("Add", ["a", "b"], ["c"]), helper.make_node("Add", ["x", "c"], ["y"])]
    sides = np.zeros((100_000, 1), np.float32), np.zeros((1, 100_000), np.float32)
    _refused(_model(tmp_path / "n.onnx", _graph(nodes, a=sides[0], b=sides[1])), "67,108,864")
    nodes = [helper.make_node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0)
             for i in range(40)]
    nodes.append(helper.make_node("Add", ["x", "c40"], ["y"]))
    _refused(_model(tmp_path / "m.onnx", _graph(nodes, c0=np.zeros(3, np.float32))), "67,108,864")


def _doubling(n: int) -> list[onnx.NodeProto]:
    nodes = [helper.make_node("Shape", ["x"], ["s0"])]
    nodes += [helper.make_node("Concat", [f"s{k}", f"s{k}"], [f"s{k + 1}"], axis=0)
              for k in range(n)]
    return [*nodes, helper.make_node("Reshape", ["x", f"s{n}"], ["y"])]


@pytest.mark.parametrize("n", [21, 40, 200])
def test_shapes_that_double_are_not_followed(n: int, tmp_path: Path) -> None:
    """Shape inference would keep 2^n entries: it ended when the memory did."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _refused(_model(tmp_path / "n.onnx", _graph(_doubling(n))), "1,048,576 entries")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    function = helper.make_function("local", "grow", ["x"], ["y"], _doubling(n),
                                    [helper.make_opsetid("", 17)])
    call = helper.make_node("grow", ["x"], ["y"], domain="local")
    _refused(_model(tmp_path / "f.onnx", _graph([call]), [function]), "1,048,576 entries")


def test_ranks_that_grow_are_not_followed(tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "long"], ["r"]),
             helper.make_node("Shape", ["r"], ["s"]),
             helper.make_node("Concat", ["s"] * 40, ["t"], axis=0),
             helper.make_node("Reshape", ["x", "t"], ["y"])]
    _refused(_model(tmp_path / "n.onnx", _graph(nodes, long=np.ones(30_000, np.int64))),
             "1,048,576 entries")


def test_features_that_are_joined_again_and_again_are_no_shapes(tmp_path: Path) -> None:
    """As in a network whose layers see all before them."""
    nodes, last = [], "x"
    for k in range(40):
        nodes += [helper.make_node("Add", [last, "b"], [f"a{k}"]),
                  helper.make_node("Concat", [last, f"a{k}"], [f"c{k}"], axis=1),
                  helper.make_node("ReduceMean", [f"c{k}"], [f"m{k}"], axes=[1])]
        last = f"m{k}"
    path = _model(tmp_path / "n.onnx", _graph([*nodes, helper.make_node("Identity", [last], ["y"])],
                                              b=np.ones(1, np.float32)))
    bounds.check_shapes(onnx.load(path))

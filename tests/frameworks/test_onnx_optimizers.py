"""What onnxruntime's optimizers write of a file is the same network, or is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from support.onnx_graphs import MADE, assert_computes_the_same, imported

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.onnx import from_onnx

N_STEPS = 14
LEVELS = onnxruntime.GraphOptimizationLevel


def optimized(path: Path, level: Any, tmp_path: Path) -> Path:
    made = tmp_path / "optimized.onnx"
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(made)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return made


@pytest.mark.parametrize("level", [LEVELS.ORT_ENABLE_BASIC, LEVELS.ORT_ENABLE_EXTENDED],
                         ids=["basic", "extended"])
@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_the_same_network(path: Path, level: Any, tmp_path: Path) -> None:
    assert_computes_the_same(imported(optimized(path, level, tmp_path), path), imported(path, path))


def test_the_layout_of_one_machine_is_refused_by_name(tmp_path: Path) -> None:
    [path] = [p for p in MADE if p.stem == "volume_zero.older"]
    with pytest.raises(EdgeError, match=r"com\.microsoft\.nchwc") as refused:
        imported(optimized(path, LEVELS.ORT_ENABLE_ALL, tmp_path), path)
    assert refused.value.code == "E102" and "ORT_ENABLE_EXTENDED" in refused.value.help


NEURONS = """
    r1 = Greater(m, theta)  r = Cast<to=1>(r1)  d = Mul(beta, m)  a = Add(d, c)
    late = Mul(r, theta)  n = Sub(a, late)  s1 = Greater(n, theta)  s = Cast<to=1>(s1)
"""
FUSED = {
    "product with a number, transposed": "c = com.microsoft.FusedMatMul<alpha=0.5, transB=1>(x, t)",
    "product and a sum": "k = MatMul(x, w)  c = com.microsoft.FusedGemm<alpha=0.5, beta=2.0>"
                         "(x, w, k)",
    "product and a constant": "c = Gemm<beta=0.5, transB=1>(x, t, b)",
    "product and a value": "k = MatMul(x, w)  c = Gemm<alpha=2.0, beta=0.25>(x, w, k)",
}


def text(tmp_path: Path, nodes: str) -> Path:
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
        step (float[1,3] x, float[1,2] m) => (float[1,2] s, float[1,2] n)
        <float[3,2] w = {{1, 2, 3, 4, 5, 6}}, float[2,3] t = {{1, 3, 5, 2, 4, 6}},
         float[2] b = {{0.5, -1}}, float beta = {{0.5}}, float theta = {{0.75}}>
        {{ {nodes} {NEURONS} }}""")
    onnx.save(model, tmp_path / "step.onnx")
    return tmp_path / "step.onnx"


@pytest.mark.parametrize("how", FUSED)
def test_fused_operators_are_taken_apart(how: str, tmp_path: Path) -> None:
    """The import compares itself with onnxruntime, which has them."""
    network = from_onnx(text(tmp_path, FUSED[how]), n_steps=4)
    w = sum(q.weight for q in network.projections)
    scale = {"product with a number, transposed": 0.5, "product and a constant": 1.0,
             "product and a sum": 2.5, "product and a value": 2.25}[how]
    assert np.allclose(w, scale * np.arange(1, 7).reshape(3, 2))


@pytest.mark.parametrize(("nodes", "words"), [
    ('c = com.microsoft.FusedGemm<activation="Relu">(x, w, b)', "(FusedGemm) holds a Relu"),
    ("c = com.microsoft.FusedMatMul<transA=1>(x, t)", "(FusedMatMul) has transA = 1"),
    ("f = MatMul(x, w)  c = com.microsoft.FastGelu(f)", "(FastGelu) belongs to the operators"),
])
def test_other_fused_operators_are_refused_by_name(nodes: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(EdgeError) as refused:
        from_onnx(text(tmp_path, nodes), n_steps=4)
    assert refused.value.code == "E102" and words in str(refused.value) and refused.value.help

"""An import is compared with the file, run by onnxruntime or by onnx's own implementation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.onnx_graphs import MADE, described, feedback

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.onnx import check, from_onnx, importer
from edge_dassdp.ir import Network

RUNNERS = ("onnxruntime", "reference")


@pytest.fixture(params=RUNNERS)
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The package onnxruntime hidden, or not."""
    if request.param == "reference":
        monkeypatch.setattr(check, "find_spec", lambda name: None)
    return str(request.param)


def first(what: str, change: Callable[[Any], Any]) -> Callable[[Network], Network]:
    """The first population or projection changed."""

    def wrong(network: Network) -> Network:
        one, *rest = getattr(network, what)
        return replace(network, **{what: (change(one), *rest)})

    return wrong


CHANGES: dict[str, Callable[[Network], Network]] = {
    "a weight": first("projections", lambda q: replace(
        q, weight=q.weight + np.eye(len(q.weight)) / 64)),
    "a bias": first("projections", lambda q: replace(q, bias=q.bias + 0.01)),
    "a leak": first("populations", lambda p: replace(p, beta=p.beta * 0.98)),
    "a threshold": first("populations", lambda p: replace(p, threshold=p.threshold * 1.5)),
    "a reset": first("populations", lambda p: replace(p, reset="zero")),
    "an order": lambda n: replace(n, populations=n.populations[::-1]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_an_importer_got_wrong_is_named(name: str, runner: str,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = [p for p in MADE if p.stem == "chain_subtract.older"]
    made = importer.assembly

    def assembly(*arguments: Any, **settings: Any) -> Any:
        whole = made(*arguments, **settings)
        return replace(whole, network=CHANGES[name](whole.network))

    monkeypatch.setattr(importer, "assembly", assembly)
    with pytest.raises(EdgeError, match="is not what the neurons at") as refused:
        from_onnx(path, n_steps=4)
    assert refused.value.code == "E107"
    assert name == "an order" or "population 'lif1'" in refused.value.message
    assert from_onnx(path, n_steps=4, check=False).n_steps == 4


@pytest.mark.parametrize("path", [p for p in MADE if "older" in p.stem], ids=lambda p: p.stem)
def test_all_files_are_what_they_were_read_as(path: Path, runner: str) -> None:
    one, other = (from_onnx(path, n_steps=4, feedback=feedback(path), check=checked)
                  for checked in (True, False))
    assert described(one) == described(other)

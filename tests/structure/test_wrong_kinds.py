"""Whatever is given to `import edge_dassdp as ed`: one sentence with a code, never an exception of
Python, NumPy or PyTorch."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snntorch
import torch
from torch import nn

import edge_dassdp as ed
from edge_dassdp.ir import Input, Population, Projection, Readout


class Odd:
    """Of no kind that anything knows."""


RNG = np.random.default_rng(0)
NETWORK = ed.Network(
    (Input("x", 4),),
    (Population("h", 6, np.array(0.9), np.array(1.0)),
     Population("o", 3, np.array(0.9), np.array(1.0))),
    (Projection("in", "x", "h", RNG.normal(size=(4, 6))),
     Projection("out", "h", "o", RNG.normal(size=(6, 3)))),
    Readout("o", "spike_count"), 5)
MODEL = ed.quantize(NETWORK, ed.Learning.default(NETWORK))
X, Y = RNG.normal(size=(5, 4)).astype(np.float32), np.arange(5) % 3
WRONG: dict[str, Any] = {
    "None": None, "integer": 7, "negative": -1, "huge": 10**30, "real": 1.5, "nan": float("nan"),
    "infinity": float("inf"), "truth": True, "text": "what", "no text": "", "NUL": "a\0b",
    "surrogate": "\udcff\ud800", "long text": "x" * 5000, "folder": ".", "bytes": b"ab",
    "complex": 1j, "list": [1, 2], "no list": [], "ragged": [[1, 2], [3]], "tuple": (10**6, 10**6),
    "dict": {}, "set": {1}, "object": Odd(), "class": Odd, "function": len, "network": NETWORK,
    "model": MODEL, "array": np.zeros((2, 2)), "texts": np.array(["a"]),
    "objects": np.array([None, object()], object), "records": np.zeros(3, [("a", int)]),
    "dates": np.array(["2020-01-01"], "datetime64[s]"),
    "uint64": np.full(5, 2**63, np.uint64), "gradient": torch.zeros(5, 4, requires_grad=True),
    "sparse": torch.zeros(5, 4).to_sparse(), "bfloat16": torch.zeros(5, 4, dtype=torch.bfloat16)}


@dataclasses.dataclass(frozen=True)
class Call:
    """What is called, by its name, and arguments that it takes."""

    name: str
    function: Callable[..., Any]
    good: Mapping[str, Any]


def layers() -> list[nn.Module]:
    return [nn.Linear(4, 3), snntorch.Leaky(0.9)]


def calls_of(name: str, function: Callable[..., Any], **good: Any) -> Call:
    """Every parameter is in it, by its default."""
    defaults = {n: p.default for n, p in inspect.signature(function).parameters.items()
                if n != "self" and p.default is not p.empty}
    return Call(name, function, {**defaults, **good})


FACE = [
    calls_of("load", ed.load, path="network.npz"),
    calls_of("load_model", ed.load_model, path="model.npz"),
    calls_of("samples", ed.samples, path="data.npz"),
    calls_of("save", ed.save, network=NETWORK, path="saved.npz"),
    calls_of("quantize", ed.quantize, network=NETWORK, x=X, y=Y),
    calls_of("metrics", ed.metrics, model=NETWORK, x=X),
    calls_of("compare", ed.compare, networks=NETWORK, train=ed.Samples(X, Y),
             stream=ed.Samples(X + 1, Y), test=ed.Samples(X + 2, Y), methods=("frozen",), seeds=1,
             jobs=1),
    calls_of("open", ed.open, model=MODEL, target="reference"),
    calls_of("build", ed.build, model=MODEL, board="nothing"),
    calls_of("from_torch", ed.from_torch, model=layers(), n_steps=5, check=False),
    calls_of("from_nir", ed.from_nir, source="none.nir", n_steps=5),
    calls_of("from_onnx", ed.from_onnx, path="none.onnx", n_steps=5)]
PARTS: dict[str, dict[str, Any]] = {
    "Learning": {"rules": {"out": ed.ReadoutDelta()}}, "Encoder": {"kind": "delta"},
    "Network": {f.name: getattr(NETWORK, f.name) for f in dataclasses.fields(NETWORK)},
    "Guard": {"margin": 1}, "Sensor": {"n_channels": 3, "scale": (1.0,)},
    "Triad": {"kind": "polar", "channels": (0, 1, 2)}}
SETTINGS = [calls_of(name, getattr(ed, name), **PARTS.get(name, {})) for name in (
    "CUSUM", "DASSDP", "EIHL", "SSDP", "Encoder", "ErrorScaled", "ErrorSSDP", "ErrorTouch", "Guard",
    "Homeostasis", "Learning", "Network", "PairSTDP", "ReadoutDelta", "Replay", "Schedule",
    "Sensor", "Settings", "Triad")]
METHODS: dict[str, dict[str, Any]] = {
    "predict": {"x": X}, "errors": {"x": X, "y": Y},
    "classify": {"x": X}, "accuracy": {"x": X, "y": Y}, "learn": {"x": X, "y": Y},
    "warm_up": {"x": X, "y": Y}, "idle": {"n_steps": 0}, "save": {"path": "s.npz"},
    "load": {"path": "s.npz"}, "verify": {"x": X, "y": Y}, "reset": {"factory": False},
    "weights": {}, "stream": {"hop": 1},
    "store": {}, "statistics": {}, "observe": {"x": X, "y": Y}, "fit_profile": {"x": X, "y": Y},
    "select_profile": {"profile": "factory"}, "allow_profile": {"is_allowed": True},
    "new_class": {"name": "wave"}, "forget": {"name": "wave"}}
TARGETS: dict[str, dict[str, Any]] = {
    "infer": {"x": np.zeros(4, np.int8), "n_steps": None},
    "learn": {"x": np.zeros(4, np.int8), "label": 0, "loss_q8": -1},
    "warm_up": {"x": np.zeros(4, np.int8), "label": 0},
    "run": {"x": np.zeros((2, 4), np.int8), "labels": None, "losses_q8": None, "mode": 0},
    "classify": {"x": np.zeros((2, 4), np.int8)}, "idle": {"n_steps": 1},
    "read_weights": {"projection": "out"}, "write_weights": {"projection": "out", "w": None},
    "write_learning": {"data": b""}, "restore": {"weights": {}, "learning": b""}}


def raw(call: Call) -> list[str]:
    """What a wrong argument raises that is no EdgeError."""
    found = []
    for name in call.good:
        for what, value in WRONG.items():
            try:
                made = call.function(**{**call.good, name: value})
                if isinstance(made, ed.Device):
                    made.close()
            except ed.EdgeError as problem:
                assert str(problem).strip() and "\n\n" not in str(problem)
            except Exception as problem:
                found.append(f"{call.name}({name}={what}): {type(problem).__name__}: {problem}")
    return found


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ed.save(NETWORK, "network.npz")
    ed.save(MODEL, "model.npz")
    np.savez("data.npz", x=X, y=Y)
    warnings.simplefilter("ignore")


@pytest.mark.parametrize("call", FACE + SETTINGS, ids=lambda c: c.name)
def test_a_wrong_argument_is_one_sentence(call: Call) -> None:
    assert not raw(call)


@pytest.mark.parametrize("name", ["Learning", "Settings"])
def test_what_settings_let_through_is_refused_when_it_is_used(name: str) -> None:
    call = next(c for c in SETTINGS if c.name == name)

    def used(**how: Any) -> None:
        made = call.function(**how)
        ed.quantize(NETWORK, *((made,) if name == "Learning" else (None, made)), x=X, y=Y)

    assert not raw(Call(f"quantize with {name}", used, call.good))


@pytest.mark.parametrize("method", METHODS)
def test_so_is_one_of_a_device(method: str) -> None:
    with ed.open(MODEL, "reference") as device:
        device.save("s.npz")
        assert not raw(Call(method, getattr(device, method), METHODS[method]))


@pytest.mark.parametrize("spec", ["emulator", "reference"])
@pytest.mark.parametrize("method", TARGETS)
def test_and_of_its_target(spec: str, method: str) -> None:
    with ed.open(MODEL, spec) as device:
        assert not raw(Call(method, getattr(device.target, method), TARGETS[method]))


@pytest.mark.parametrize("spec", ["emulator", "reference"])
@pytest.mark.parametrize("method", METHODS)
def test_a_device_that_was_closed_says_so(spec: str, method: str) -> None:
    """As one on a line would have to: one word changes between them."""
    device = ed.open(MODEL, spec)
    device.save("s.npz")
    device.close()
    device.close()
    for call in (lambda: getattr(device, method)(**METHODS[method]), lambda: device.digest,
                 lambda: device.target):
        with pytest.raises(ed.EdgeError) as refused:
            call()
        assert refused.value.code == "E105" and "was closed" in refused.value.message
    assert device.name in repr(device)


def test_nothing_that_is_public_is_left_out() -> None:
    public = {n for n in ed.__all__ if callable(getattr(ed, n))} - {
        "Build", "Device", "EdgeError", "Metrics", "QNetwork", "Samples"}
    assert public == {c.name for c in FACE + SETTINGS}
    methods = {n for n, m in inspect.getmembers(ed.Device, callable) if not n.startswith("_")}
    assert methods - {"close"} <= set(METHODS)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: ed.open(MODEL, None), "target is None, expected a text"),
    (lambda: ed.open(NETWORK), "model is of type Network, expected a QNetwork"),
    (lambda: ed.quantize(MODEL), "network is of type QNetwork, expected a Network"),
    (lambda: ed.load(None), "path is None, expected a path or a text"),
    (lambda: ed.save(None, "x.npz"), "network is None, expected a Network or a QNetwork"),
    (lambda: ed.build(MODEL, "microbit", ram_budget="16K"), "ram_budget is '16K', expected an "
     "integer"),
    (lambda: ed.from_torch(layers(), n_steps="3"), "n_steps is '3', expected an integer"),
    (lambda: ed.Settings(leak=np.zeros(2)), "leak is of type ndarray, expected a text"),
    (lambda: ed.Learning({"out": ed.ReadoutDelta()}, guard=3), "guard is 3, expected a Guard"),
    (lambda: ed.from_torch([1, 2], n_steps=3), "module 0 (int) is of a kind that is not supported"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_the_sentence_says_what_was_given_and_what_is_wanted(call: Callable[[], object],
                                                             words: str) -> None:
    with pytest.raises(ed.EdgeError) as refused:
        call()
    assert words in refused.value.message


def test_tensors_are_samples_and_labels_as_they_are() -> None:
    with ed.open(MODEL, "reference") as device:
        classes = device.classify(torch.tensor(X, requires_grad=True))
        np.testing.assert_array_equal(classes, device.classify(X))
        assert device.accuracy(torch.tensor(X), torch.tensor(classes)) == 1


def test_sizes_that_no_memory_holds_are_refused_before_they_are_made() -> None:
    space = [nn.Conv2d(1, 2, 3), snntorch.Leaky(0.9), nn.Flatten(), nn.Linear(8, 3),
             snntorch.Leaky(0.9)]
    for shape in ((1, 10**6, 10**6), (1, 60_000, 60_000), (1, 10**30, 4), (1, 28.5, 28),
                  (1, "28", 28), (1, 0, 4), (1, -5, 4)):
        with pytest.raises(ed.EdgeError) as refused:
            ed.from_torch(space, n_steps=4, input_shape=shape)  # type: ignore[arg-type]
        assert refused.value.code == "E101"
        assert refused.value.help

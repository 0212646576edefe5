"""From training to the device's bits: snnTorch, the importer, the quantizer, the emulator."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

from edge_dassdp import harness, ir
from edge_dassdp.base import assets
from edge_dassdp.data.datasets import load_dataset
from edge_dassdp.figures.fidelity import measure_fidelity
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.rules import Learning
from edge_dassdp.targets.emulator import Emulator


def test_a_network_trained_now_runs_in_the_emulator(tmp_path):
    script = assets.folder("examples") / "train_digits.py"
    command = [sys.executable, str(script), "--seeds", "1", "--epochs", "4", "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    network = ir.load(tmp_path / "digits_seed0.npz")
    data = load_dataset(tmp_path / "data.npz")
    made = quantize(network, Learning.default(network), calibration=data.train.x)
    fidelity = measure_fidelity(network, made, data.test.x, data.test.y)
    assert fidelity.float_accuracy > 0.85
    assert abs(fidelity.integer_accuracy - fidelity.float_accuracy) <= 0.01
    emulator = Emulator(made.network)
    assert harness.accuracy(emulator, input_x(made.network, data.test.x), data.test.y) \
        == fidelity.integer_accuracy


def test_first_weights_are_normal_and_biases_none(monkeypatch):
    monkeypatch.syspath_prepend(str(assets.folder("examples")))
    chain = import_module("chain")
    model = chain.build((400, 300, 200, 7), 0.75)
    chain.initialize(model, (1.0, 1.2, 0.5))
    layers = [m for m in model if hasattr(m, "weight")]
    for layer, gain in zip(layers, (1.0, 1.2, 0.5), strict=True):
        weights = layer.weight.detach().numpy() * layer.in_features**0.5 / gain
        assert abs(weights.std() - 1) < 0.05 and abs(weights).max() > 2.5
        assert not layer.bias.detach().numpy().any()

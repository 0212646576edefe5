"""Exports the networks of tests/support/onnx_models.py to this directory, by both exporters of
PyTorch.

Run in the environment of the extra `frameworks`, with PYTHONPATH=tests.
Written with torch 2.13.0, snntorch 1.0.0, onnx 1.23.2, onnxscript 0.7.2. A reset within the step
(reset_delay=False) leaves by the older exporter alone.
"""

from __future__ import annotations

from pathlib import Path

import torch
from support.onnx_models import RESETS, Chain, Recurrent, Volume, export

if __name__ == "__main__":
    torch.set_num_threads(1)
    here = Path(__file__).parent
    for reset, delay in RESETS:
        for kind in (Volume, Chain, Recurrent):
            name = f"{kind.__name__.lower()}_{reset}{'' if delay else '_at_once'}"
            model = kind(reset, delay).eval()
            export(model, str(here / f"{name}.older.onnx"), dynamo=False)
            if delay:
                export(model, str(here / f"{name}.dynamo.onnx"), dynamo=True)

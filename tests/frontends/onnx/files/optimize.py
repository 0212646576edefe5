"""Writes what onnxsim and onnxslim make of the files here to `optimized`.

Run where both are installed; written with onnxsim 0.8.1, onnxslim 0.1.98 and onnx 1.23.2. What
onnxruntime makes of them is written by the tests themselves.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxsim
import onnxslim

if __name__ == "__main__":
    here = Path(__file__).parent
    for path in sorted(here.glob("*.onnx")):
        simplified, _ = onnxsim.simplify(onnx.load(path))
        for name, model in (("sim", simplified), ("slim", onnxslim.slim(onnx.load(path)))):
            onnx.save(model, here / "optimized" / f"{path.stem}.{name}.onnx")

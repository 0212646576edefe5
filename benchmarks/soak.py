"""100,000 learning steps: the NumPy reference against the emulator, every bit after every step.

    python benchmarks/soak.py [--steps 100000] [--seed 0]

Samples come from the digits stream under a new worn sensor every 500 steps, so that the network
never settles. Compared after every step: the digest over spikes, membranes and logits, and the
digest over learned weights, random generator and counters; the whole state by name at the end.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import load_dataset
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.demo import adaptation
from edge_dassdp.harness import verify
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.targets.emulator import Emulator

CHUNK = 500


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = assets.folder("examples") / "digits"
    data = load_dataset(folder / "data.npz")
    network = ir.load(folder / "digits_seed0.npz")
    model = quantize(network, adaptation.ours(network), Settings(), data.train.x).network
    reference, emulator = Reference(model), Emulator(model)
    rng = np.random.default_rng(arguments.seed)
    started, values = time.monotonic(), 0
    for done in range(0, arguments.steps, CHUNK):
        shift = WornSensor.draw(model.x_bytes, int(rng.integers(2**31)), dark=data.dark)
        chosen = rng.integers(len(data.stream), size=min(CHUNK, arguments.steps - done))
        x = input_x(model, shift.apply(data.stream.x[chosen]))
        checked = verify(reference, [emulator], model, x, data.stream.y[chosen])
        values += checked.values_compared
        if checked.divergence:
            raise EdgeError("E404", "two targets disagree", cause=f"step {done}: "
                            f"{checked.divergence}", help=f"--seed {arguments.seed}")
        if sys.stderr.isatty() or (done // CHUNK) % 20 == 0:
            seconds = time.monotonic() - started
            print(f"{done + len(x):>9,} steps, {seconds:6.0f} s, 0 differences", flush=True)
    print(f"PASS bit-exact: {arguments.steps:,} learning steps, {values:,} values, "
          f"{reference.statistics()}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeError as problem:
        print(problem, file=sys.stderr)
        sys.exit(problem.exit_status)

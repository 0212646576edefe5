"""What SSDP and DA-SSDP beside surrogate training do to the accuracy of the digits network.

    python benchmarks/training_effect.py [--seeds N] [--epochs N] [--json FILE]

64-96-64-10 of examples/train_digits.py, 8 steps, trained on its 897 rows and tested on its 400.
Every run of a seed has the same first weights, batches and noise, so that the difference to the
run without a hook is a paired one. The rule stands on the last hidden projection and on the one
into the readout, where the paper has it, with the paper code's constants times an amplitude; the
first 100/320 of the steps are the warm-up, the paper's share, for SSDP as well.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import snntorch
import torch

from edge_dassdp.base import assets
from edge_dassdp.data.datasets import Dataset, load_dataset
from edge_dassdp.rules import DASSDP, Variant
from edge_dassdp.twin.hook import DASSDPHook

sys.path.append(str(assets.folder("examples")))

from chain import BATCH, build, fit, summed_membrane

RESULTS = Path(__file__).parent / "results" / "training_effect.json"
N_STEPS, SIZES, BETA = 8, (64, 96, 64, 10), 0.9
"""Of examples/train_digits.py."""
A_PLUS, A_BASE, SIGMA, WARM_UP = 1.5e-3, 5e-4, 1.0, 100 / 320
AMPLITUDES = (0.03, 0.3, 1.0)
HIDDEN, READOUT = "2", "4"
KINDS: dict[str, tuple[bool, Variant]] = {
    "SSDP": (False, "described"),
    "DA-SSDP described": (True, "described"),
    "DA-SSDP published": (True, "published"),
}


def train(data: Dataset, seed: int, epochs: int,
          rule: DASSDP | None) -> tuple[float, dict[str, float]]:
    """Test accuracy, and k of every gated projection. Trains as the example does."""
    torch.manual_seed(seed)
    model = build(SIZES, BETA)
    x, y = torch.tensor(data.train.x)[:, None], torch.tensor(data.train.y)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
    n_batches = len(range(0, len(x), BATCH))
    hook = rule and DASSDPHook(
        {HIDDEN: rule, READOUT: rule}, model, n_steps=N_STEPS, readout=READOUT,
        warm_up_steps=round(WARM_UP * epochs * n_batches))
    fit(model, x, y, optimizer, n_steps=N_STEPS, epochs=epochs, noise=0.3,
        after=hook.step if hook else None)
    with torch.no_grad():
        test = torch.tensor(data.test.x)[:, None]
        predicted = summed_membrane(model, test, N_STEPS).argmax(1).numpy()
    gates = {name: gate.k or 0.0 for name, gate in hook.gates.items()} if hook else {}
    return float((predicted == data.test.y).mean()), gates


def runs() -> dict[str, DASSDP | None]:
    """Name of each run -> its rule."""
    found: dict[str, DASSDP | None] = {"no hook": None}
    for kind, (gated, variant) in KINDS.items():
        for a in AMPLITUDES:
            found[f"{kind}, x {a:g}"] = DASSDP(a * A_PLUS, a * A_BASE, SIGMA, gated=gated,
                                               variant=variant)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    begin = time.perf_counter()
    data = load_dataset(assets.folder("examples") / "digits" / "data.npz")
    print(f"{options.seeds} seeds, {options.epochs} epochs; test accuracy and its difference to "
          "the run without a hook, mean ± standard deviation over seeds; k of the two gates")
    table: dict[str, Any] = {}
    base = np.zeros(options.seeds)
    for name, rule in runs().items():
        done = [train(data, s, options.epochs, rule) for s in range(options.seeds)]
        accuracy = np.array([a for a, _ in done])
        base = accuracy if rule is None else base
        k = {p: float(np.mean([g[p] for _, g in done])) for p in (HIDDEN, READOUT)} \
            if rule and rule.gated else {}
        gain = accuracy - base
        spread = {"ddof": 1} if options.seeds > 1 else {}
        print(f"{name:26s} {accuracy.mean():.4f} ± {accuracy.std(**spread):.4f}   "
              f"{gain.mean():+.4f} ± {gain.std(**spread):.4f}   "
              + ", ".join(f"{v:+.3f}" for v in k.values()), flush=True)
        table[name] = {"accuracy": [round(a, 4) for a in accuracy.tolist()],
                       "mean": round(float(accuracy.mean()), 4),
                       "std": round(float(accuracy.std(**spread)), 4),
                       "gain_mean": round(float(gain.mean()), 4),
                       "gain_std": round(float(gain.std(**spread)), 4),
                       "k": {p: round(v, 4) for p, v in k.items()}}
    results = {"seeds": options.seeds, "epochs": options.epochs, "a_plus": A_PLUS,
               "a_base": A_BASE, "sigma": SIGMA, "warm_up_share": WARM_UP,
               "torch": torch.__version__, "snntorch": snntorch.__version__,
               "python": platform.python_version(),
               "seconds": round(time.perf_counter() - begin), "runs": table}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()

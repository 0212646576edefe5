"""What a training loss saw of the readout, as the temperature of the logits, which are sums over
the steps of a sample.

- sum: the sum over steps; temperature 1
- mean: the mean over steps, or each step for itself; temperature n_steps
- last, max: the last step or the largest; of membranes that a steady current fills, the sum is
  sum_t (1 - beta^(t+1)) / (1 - beta^n_steps) times that, beta the mean leak; of spikes, n_steps
- a number: the sum divided by it

By itself the mean of membranes, which the losses of the frameworks take step by step, and the sum
of spikes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast, get_args

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_real
from edge_dassdp.ir import Network

Seen = Literal["sum", "mean", "last", "max"]
Logits = Seen | float


def parse(text: str | None) -> Logits | None:
    """Of a command line: a number where it is one, else what `with_logits` knows, or not."""
    try:
        return text if text is None else float(text)
    except ValueError:
        return cast(Seen, text)


def with_logits(network: Network, logits: Logits | None) -> Network:
    """A network whose readout has the temperature of what its loss saw; None: by itself. Raises
    EdgeError E105 for what is neither a word nor a number from 1e-6 to 1e6."""
    readout = network.readout
    if logits is None:
        logits = "mean" if readout.kind == "membrane_sum" else "sum"
    is_number = is_real(logits) and 1e-6 <= float(logits) <= 1e6
    if not is_number and not (isinstance(logits, str) and logits in get_args(Seen)):
        raise EdgeError("E105", f"logits is {logits!r}, which no loss takes of a readout",
                        help="choose sum, mean, last or max of the steps, or the number from 1e-6 "
                        "to 1e6 that their sum is divided by")
    temperature = float(logits) if is_number else _temperature(network, cast(Seen, logits))
    return replace(network, readout=replace(readout, temperature=temperature))


def doubt(network: Network, logits: Logits | None) -> str:
    """What to warn of where the importer chose to count spikes, and this is rather what a loss sees
    of membranes; "" where nothing tells."""
    readout = network.readout
    if readout.kind != "spike_count" or logits not in ("mean", "last", "max"):
        return ""
    return (f"the loss saw the {logits} of the readout (logits={logits!r}), and its neurons "
            f"'{readout.population}' spike: the firmware reads a class by the count of its spikes. "
            "If the loss saw their membranes, train and import them without a reset, so that "
            "membranes are read; if it saw spikes, say so with readout='spike_count' (--readout "
            "spike_count)")


def _temperature(network: Network, seen: Seen) -> float:
    if seen == "sum":
        return 1.0
    if seen == "mean" or network.readout.kind == "spike_count":
        return float(network.n_steps)
    beta = float(network.population(network.readout.population).beta.mean())
    filled = np.cumsum(beta ** np.arange(network.n_steps))
    return float(filled.sum() / filled[-1])

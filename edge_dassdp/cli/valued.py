"""What verbs say of models whose outputs are values: errors, where others have accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edge_dassdp.cli.device import classify
from edge_dassdp.cli.output import Output

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_dassdp.cli import options
    from edge_dassdp.harness import Errors, Stream, ValueStream
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.targets.target import Target


def predict(out: Output, device: Target, network: QNetwork, packed: options.Packed,
            told: Callable[[int, Any], None] | None = None) -> NDArray[np.float64]:
    """Values of samples, (n, n_outputs), with progress as `classify`."""
    values = network.values
    assert values is not None

    def read(x: NDArray[np.int8]) -> Any:
        return values.of_logits(device.run(x).logits)

    found = classify(out, device, packed.x, told, read=read)
    return found.reshape(len(packed.x), values.n_outputs)


def errors(out: Output, device: Target, network: QNetwork, packed: options.Packed) -> Errors:
    """How far the values of samples are from their targets."""
    return of(network, predict(out, device, network, packed), packed.targets)


def of(network: QNetwork, found: NDArray[np.float64], targets: Any) -> Errors:
    from edge_dassdp.harness import Errors

    assert network.values is not None
    return Errors.of(found, targets, network.values.names)


def tell(out: Output, packed: options.Packed) -> Callable[[int, Any], None]:
    """A line for every sample: what its outputs were, and its targets."""
    assert packed.targets is not None
    targets = packed.targets

    def told(first: int, values: Any) -> None:
        for i, row in enumerate(values, first):
            out.line(sample=i, values=row.tolist(), targets=targets[i].tolist())

    return told


def stream_of(network: QNetwork, stream: Stream, learned: options.Packed,
              first: int) -> ValueStream | None:
    """A stream with its values, of the samples from `first` on; None where outputs are no values.
    """
    from edge_dassdp.harness import ValueStream

    if network.values is None or learned.targets is None:
        return None
    return ValueStream.of(network.values, stream,
                          learned.targets[first : first + len(stream.labels)])

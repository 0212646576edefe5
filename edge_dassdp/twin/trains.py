"""Trains beside training in PyTorch: what modules emit over one batch, as latencies and flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.rules.base import Code

try:
    import torch
except ImportError as problem:
    raise EdgeError("E303", "edge_dassdp.twin.hook needs torch", cause=str(problem),
                    help="pip install 'edge-dassdp[torch]'") from None

from torch import Tensor, nn

ONE_BATCH = (
    "call step() or clear() once per forward pass of n_steps; time is the first axis of (T, B, ...)"
    "; a container that folds time into the batch needs record()"
)


class Activity(NamedTuple):
    """What a rule reads of one side of a projection: latency (B, n) int64, flag (B, n) bool."""

    latency: Tensor
    flag: Tensor


class Site:
    """The train of one side of a projection, gathered over one batch.

    n: neurons, or channels of a convolution. n_axes: axes of positions behind them, 0 to 2; a
    channel fires where one of its positions does. real: the values are numbers that fire where they
    are above 0, else zeros and one positive value (a dropout layer scales spikes).
    """

    def __init__(self, what: str, weight: Tensor, n: int, n_axes: int, real: bool) -> None:
        self.what = what
        self._weight, self._n, self._n_axes, self._real = weight, n, n_axes, real
        self.clear()

    def clear(self) -> None:
        self._chunks: list[Tensor] = []
        self._is_given = False

    def give(self, values: object) -> None:
        """A whole train (T, B, n, ...) in place of any seen so far; real numbers, if they are."""
        self.clear()
        self.add(values)
        self._is_given = True

    def add(self, values: object) -> None:
        """One step (B, n, ...) or several (T, B, n, ...). Copies: the caller may overwrite it."""
        weight = self._weight
        if not isinstance(values, Tensor) or values.is_complex():
            kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
            raise EdgeError("E104", f"{self.what}: {kind} is no tensor of spikes")
        if values.device != weight.device:
            raise EdgeError("E104", f"{self.what}: the spikes are on {values.device}, the weight "
                            f"is on {weight.device}", help="move model and spikes to one device")
        steps = values[None] if values.dim() == 2 + self._n_axes else values
        if steps.dim() != 3 + self._n_axes or steps.shape[2] != self._n or steps.numel() == 0:
            rest = ", ".join([str(self._n), "height", "width"][: 1 + self._n_axes])
            raise EdgeError("E104", f"{self.what}: shape {tuple(values.shape)}, expected one step "
                            f"(B, {rest}) or several (T, B, {rest})",
                            help="reshape and pass the trains to record()")
        if self._chunks and self._chunks[0].shape[1:] != steps.shape[1:]:
            raise EdgeError("E104", f"{self.what}: a batch of {_size(steps)} follows one of "
                            f"{_size(self._chunks[0])}", help=ONE_BATCH)
        self._chunks.append(steps.detach().to(weight.dtype, copy=True))

    def activity(self, n_steps: int, code: Code) -> Activity:
        """Raises E104 unless exactly n_steps steps were recorded, E203 unless they are spikes.

        By mean, both flag and latency are of the mean over positions, as a pool before a classifier
        would have it.
        """
        train = self._train(n_steps)
        self._check_values(train)
        positions = train.flatten(3) if self._n_axes else train[..., None]
        heard = positions.sum(3) if code.by_mean else positions.amax(3)
        fired = heard > 0
        any_spike, raster = fired.any(0), fired.byte()
        step = n_steps - 1 - raster.flip(0).argmax(0) if code.last else raster.argmax(0)
        flag = heard.sum(0) > 0 if code.by_mean else any_spike
        return Activity(step.where(any_spike, code.silent), flag)

    def _train(self, n_steps: int) -> Tensor:
        if not self._chunks:
            raise EdgeError(
                "E104", f"{self.what}: nothing was recorded",
                cause="the model did not run in training mode with gradients since the last step, "
                "or no module is known to emit these spikes",
                help="name the module in neurons={projection: module}, or call record()")
        train = torch.cat(self._chunks)
        if len(train) != n_steps:
            raise EdgeError("E104", f"{self.what}: {len(train)} steps were recorded, "
                            f"n_steps is {n_steps}", help=ONE_BATCH)
        return train

    def _check_values(self, train: Tensor) -> None:
        if self._real or self._is_given:
            if not bool(train.isfinite().all()):
                raise EdgeError("E104", f"{self.what}: a value is NaN or infinite")
            return
        peak = train.max()
        if not bool((((train == 0) | (train == peak)).all()) & (peak >= 0)):
            raise EdgeError(
                "E203", f"{self.what}: the values are not spikes",
                cause="a spike train holds zeros and one positive value; these run from "
                f"{float(train.min()):g} to {float(peak):g}",
                help="name the module that emits the train in neurons=, the classifier in "
                "readout=, or pass the train to record(), which takes real numbers")


def _size(steps: Tensor) -> str:
    """Samples, and positions where there are some."""
    return " x ".join(map(str, (steps.shape[1], *steps.shape[3:])))


def watch_input(module: nn.Module, site: Site) -> Any:
    """Adds the first input of every forward pass in training; the handle that ends it."""
    def see(module: nn.Module, inputs: tuple[Any, ...], named: Mapping[str, Any], _: Any) -> None:
        if module.training and torch.is_grad_enabled():
            site.add(inputs[0] if inputs else next(iter(named.values()), None))

    return module.register_forward_hook(see, with_kwargs=True)


def watch_output(module: nn.Module, site: Site) -> Any:
    """The same of the output, the first one of several."""
    def see(module: nn.Module, _: Any, output: Any) -> None:
        if module.training and torch.is_grad_enabled():
            site.add(output[0] if isinstance(output, tuple) and output else output)

    return module.register_forward_hook(see)

"""DA-SSDP beside surrogate training in PyTorch: a hook that is called after `optimizer.step()`.

The use the rule was published for (arXiv 2512.07194, NeuroSyd/DA-SSDP): the optimizer trains the
whole network, then every chosen nn.Linear gets the change of `rules.DASSDP` (or `SSDP`) for the
same batch. `rule.batch` is the device's; the mean here runs over the training batch.

    hook = DASSDPHook({"fc2": DASSDP()}, model, n_steps=8, warm_up_steps=100 * len(loader),
                      neurons={"fc2": "lif2"})
    for x, y in loader:
        loss = cross_entropy(model(x), y, reduction="none")
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
        hook.step(loss)

The warm-up is counted in calls of `step`: the paper's 100 epochs are 100 * len(loader). Write
`hook.state_dict()` into the checkpoint: the gate is part of the training state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int
from edge_dassdp.rules import DASSDP, Variant
from edge_dassdp.rules.gate import Gate

try:
    import torch
except ImportError as problem:
    raise EdgeError("E303", "edge_dassdp.twin.hook needs torch", cause=str(problem),
                    help="pip install 'edge-dassdp[torch]'") from None

from torch import Tensor, nn


@dataclass(frozen=True)
class _Activity:
    """What the rule reads of one side of a projection: latency (B, n) int64, flag (B, n) bool."""

    latency: Tensor
    flag: Tensor


class _Site:
    """The spike train of one side of a projection, gathered over one batch.

    `real`: the values are numbers that fire where they are above 0, else zeros and one positive
    value (a dropout layer scales spikes).
    """

    def __init__(self, what: str, linear: nn.Linear, size: int, real: bool) -> None:
        self.what = what
        self._linear, self._size, self._real = linear, size, real
        self.clear()

    def clear(self) -> None:
        self._chunks: list[Tensor] = []

    def add(self, values: object) -> None:
        """One step (B, n) or several (T, B, n). Copies: the caller may overwrite its tensor."""
        weight = self._linear.weight
        if not isinstance(values, Tensor) or values.is_complex():
            kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
            raise EdgeError("E104", f"{self.what}: {kind} is no tensor of spikes")
        if values.device != weight.device:
            raise EdgeError("E104", f"{self.what}: the spikes are on {values.device}, the weight "
                            f"is on {weight.device}", help="move model and spikes to one device")
        steps = values[None] if values.dim() == 2 else values
        if steps.dim() != 3 or steps.shape[2] != self._size or steps.numel() == 0:
            raise EdgeError("E104", f"{self.what}: shape {tuple(values.shape)}, expected one step "
                            f"(B, {self._size}) or several (T, B, {self._size})",
                            help="reshape and pass the trains to record()")
        if self._chunks and self._chunks[0].shape[1] != steps.shape[1]:
            raise EdgeError("E104", f"{self.what}: a batch of {steps.shape[1]} follows one of "
                            f"{self._chunks[0].shape[1]}", help=_ONE_BATCH)
        self._chunks.append(steps.detach().to(weight.dtype, copy=True))

    def activity(self, variant: Variant, n_steps: int, silent: int) -> _Activity:
        """Raises E104 unless exactly n_steps steps were recorded, E203 unless they are spikes."""
        if not self._chunks:
            raise EdgeError(
                "E104", f"{self.what}: nothing was recorded",
                cause="the model did not run in training mode with gradients since the last step, "
                "or no module is known to emit these spikes",
                help="name the module in neurons={projection: module}, or call record()")
        train = torch.cat(self._chunks)
        if len(train) != n_steps:
            raise EdgeError("E104", f"{self.what}: {len(train)} steps were recorded, "
                            f"n_steps is {n_steps}", help=_ONE_BATCH)
        self._check_values(train)
        fired = train > 0
        any_spike, raster = fired.any(0), fired.byte()
        if variant == "described":
            return _Activity(raster.argmax(0).where(any_spike, n_steps), any_spike)
        last = n_steps - 1 - raster.flip(0).argmax(0)
        return _Activity(last.where(any_spike, silent), train.sum(0) > 0)

    def _check_values(self, train: Tensor) -> None:
        if self._real:
            if not bool(train.isfinite().all()):
                raise EdgeError("E104", f"{self.what}: a value is NaN or infinite")
            return
        peak = train.max()
        if not bool((((train == 0) | (train == peak)).all()) & (peak >= 0)):
            raise EdgeError(
                "E203", f"{self.what}: the values are not spikes",
                cause="a spike train holds zeros and one positive value; these run from "
                f"{float(train.min()):g} to {float(peak):g}",
                help="name the neuron behind the Linear in neurons=, the classifier in readout=, "
                "or pass spikes to record()")


_ONE_BATCH = (
    "call step() or clear() once per forward pass of n_steps; time is the first axis of (T, B, n); "
    "a container that folds time into the batch needs record()"
)


class _Projection:
    """One nn.Linear that learns: its rule, its gate and the trains of its two sides."""

    def __init__(self, name: str, linear: nn.Linear, rule: DASSDP, readout: bool) -> None:
        self.name, self.linear, self.rule = name, linear, rule
        self.gate = Gate()
        self._readout = readout
        published = rule.variant == "published"
        self.pre = _Site(f"input of '{name}'", linear, linear.in_features, readout and published)
        self.post = _Site(f"neurons behind '{name}'", linear, linear.out_features, readout)

    def activity(self, n_steps: int) -> tuple[_Activity, _Activity]:
        silent = n_steps if self._readout else 0
        pre, post = (site.activity(self.rule.variant, n_steps, silent)
                     for site in (self.pre, self.post))
        if len(pre.flag) != len(post.flag):
            raise EdgeError("E104", f"'{self.name}': {len(pre.flag)} samples before it and "
                            f"{len(post.flag)} behind it", help=_ONE_BATCH)
        return pre, post

    def losses(self, loss: Tensor | float | None, n_samples: int) -> list[float]:
        """L of each sample; 'published' gives all of them the mean."""
        if loss is None:
            raise EdgeError("E104", f"'{self.name}': its gate needs the loss during the warm-up",
                            help="pass the loss per sample to step()")
        values = torch.as_tensor(loss).detach().cpu().double()
        if not bool(values.isfinite().all()):
            raise EdgeError("E104", f"'{self.name}': a loss is NaN or infinite")
        published = self.rule.variant == "published"
        if tuple(values.shape) == (n_samples,):
            return [float(values.mean())] * n_samples if published else list(values.tolist())
        if values.numel() == 1 and (published or n_samples == 1):
            return [float(values)] * n_samples
        raise EdgeError("E104", f"'{self.name}': the loss has shape {tuple(values.shape)}, "
                        f"expected ({n_samples},)", help="call the loss with reduction='none'")

    def change(self, pre: _Activity, post: _Activity, n_steps: int) -> Tensor:
        """clamp(mean_b(G_b Delta), -1, 1): (n_post, n_pre), the layout of Linear.weight.

        Delta = (a_plus + a_base) sync g - a_base g, summed over presynaptic latencies: two matrix
        products for each, and no tensor of (B, n_post, n_pre).
        """
        rule, weight = self.rule, self.linear.weight
        gate = self.gate(_pairs(pre, post)) if rule.gated else [1.0] * len(pre.flag)
        steps = torch.arange(n_steps + 1, device=weight.device, dtype=weight.dtype)
        kernel = torch.exp(-(steps**2) / (2 * rule.sigma**2))
        g_b = torch.tensor(gate, device=weight.device, dtype=weight.dtype)[:, None]
        total = torch.zeros_like(weight)
        for t in range(n_steps + 1):
            at_t = pre.latency == t
            g = g_b * kernel[(post.latency - t).abs()]
            sync = (g * post.flag).T @ (at_t & pre.flag).to(weight.dtype)
            total += (rule.a_plus + rule.a_base) * sync
            total -= rule.a_base * (g.T @ at_t.to(weight.dtype))
        return (total / len(gate)).clamp(-1.0, 1.0)


def _pairs(pre: _Activity, post: _Activity) -> list[int]:
    """S of each sample, counted in pairs."""
    return list((pre.flag.sum(1) * post.flag.sum(1)).tolist())


class DASSDPHook:
    """Adds the change of a DASSDP rule to nn.Linear weights after every optimizer step.

    rules: name of an nn.Linear in `model.named_modules()` -> DASSDP or SSDP.
    n_steps: T, the time steps of one forward pass, from 1.
    warm_up_steps: the first calls of `step` only record (S, L), from 0; no weight changes in them.
    neurons: projection -> module whose output (its first item, if a tuple) is the postsynaptic
    spike train. Not needed inside nn.Sequential, where it is the next module, and for `readout`.
    readout: the projection into the classifier, whose postsynaptic side may be real-valued: it
    fires where it is above 0. Without an entry in `neurons` it is the output of the Linear itself.
    'published' also takes real values before it and gives its silent neurons the step T, not 0.

    Trains are recorded in forward passes in training mode with gradients, from modules that are
    called with (B, n) once a step (snnTorch) or with (T, B, n) (SpikingJelly, step_mode='m'), or
    are passed to `record`. `gates` maps projections to their `Gate`.

    Raises EdgeError E105 for a bad setting or an unknown module, E203 for a module or a rule that
    does not fit, and for trains that are no spikes, E104 for trains or losses of a wrong shape.
    """

    def __init__(
        self,
        rules: Mapping[str, DASSDP],
        model: nn.Module,
        *,
        n_steps: int,
        warm_up_steps: int,
        neurons: Mapping[str, str] | None = None,
        readout: str | None = None,
    ) -> None:
        neurons = neurons or {}
        _check_settings(rules, n_steps, warm_up_steps, [*neurons, *([readout] if readout else [])])
        modules = dict(model.named_modules())
        self.n_steps, self.warm_up_steps, self.steps = n_steps, warm_up_steps, 0
        self._projections = {
            name: _Projection(name, _linear(modules, name), rule, name == readout)
            for name, rule in rules.items()
        }
        sources: dict[str, str | None] = {
            name: neurons.get(name, name if name == readout else _next(modules, name))
            for name in rules
        }
        found = {name: _module(modules, source) for name, source in sources.items() if source}
        self._handles = []
        for name, module in found.items():
            p = self._projections[name]
            self._handles += [_watch_input(p.linear, p.pre), _watch(module, p.post)]

    @property
    def gates(self) -> dict[str, Gate]:
        return {name: p.gate for name, p in self._projections.items()}

    def record(self, name: str, pre: Tensor, post: Tensor) -> None:
        """The batch's trains of projection `name`, (T, B, n) each, in place of any seen so far."""
        if name not in self._projections:
            raise EdgeError("E105", f"'{name}' has no rule",
                            help=f"choose one of {', '.join(self._projections)}")
        projection = self._projections[name]
        for site, values in ((projection.pre, pre), (projection.post, post)):
            site.clear()
            site.add(values)

    def step(self, loss: Tensor | float | None = None) -> None:
        """Uses the recorded batch, once: a record during the warm-up, a weight change after it.

        loss: (B,), the loss of each sample, in any unit; 'published' also takes the mean over the
        batch, one number. Only gated rules in the warm-up need it. A refusal changes no weight.
        """
        try:
            with torch.no_grad():
                self._step(loss)
        finally:
            self.clear()

    def _step(self, loss: Tensor | float | None) -> None:
        trains = [(p, *p.activity(self.n_steps)) for p in self._projections.values()]
        if self.steps < self.warm_up_steps:
            records = [(p.gate, _pairs(pre, post), p.losses(loss, len(pre.flag)))
                       for p, pre, post in trains if p.rule.gated]
            for gate, pairs, losses in records:
                gate.record(pairs, losses)
        else:
            for p, pre, post in trains:
                if p.gate.k is None:
                    p.gate.fit()
                weight = p.linear.weight
                with torch.autocast(weight.device.type, enabled=False):
                    weight.add_(p.change(pre, post, self.n_steps))
        self.steps += 1

    def clear(self) -> None:
        """Forgets the recorded batch, for a forward pass that no `step` will follow."""
        for projection in self._projections.values():
            projection.pre.clear()
            projection.post.clear()

    def remove(self) -> None:
        """Takes the forward hooks off the model."""
        for handle in self._handles:
            handle.remove()

    def state_dict(self) -> dict[str, Any]:
        """Calls so far, warm-up statistics and gates: plain numbers, for torch.save."""
        return {"steps": self.steps, "gates": {n: asdict(g) for n, g in self.gates.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state_dict` was taken. Raises E103 if it is of other projections."""
        try:
            steps = int(state["steps"])
            gates = {name: Gate(**values) for name, values in state["gates"].items()}
            projections = {name: self._projections[name] for name in gates}
        except (AttributeError, KeyError, TypeError, ValueError):
            projections = {}
        if len(projections) != len(self._projections):
            raise EdgeError("E103", "this is no state of this hook",
                            help="give it the rules it had when the state was taken")
        self.steps = steps
        for name, projection in projections.items():
            projection.gate = gates[name]


def _check_settings(
    rules: Mapping[str, DASSDP], n_steps: int, warm_up_steps: int, names: list[str]
) -> None:
    for what, value, low in (("n_steps", n_steps, 1), ("warm_up_steps", warm_up_steps, 0)):
        if not is_int(value) or value < low:
            raise EdgeError("E105", f"{what} is {value}, expected an integer from {low}")
    if not rules:
        raise EdgeError("E105", "no projection has a rule")
    for name, rule in rules.items():
        if not isinstance(rule, DASSDP):
            raise EdgeError("E203", f"the rule of '{name}' is a {type(rule).__name__}",
                            help="choose DASSDP or SSDP; the optimizer does the rest")
    for name in names:
        if name not in rules:
            raise EdgeError("E105", f"'{name}' has no rule",
                            help=f"name one of {', '.join(rules)}")
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized() and (
        distributed.get_world_size() > 1
    ):
        raise EdgeError("E203", "the hook cannot run in several processes",
                        cause="each would add the change of its own part of the batch, and their "
                        "weights would part")


def _module(modules: Mapping[str, nn.Module], name: str) -> nn.Module:
    if name not in modules:
        linear = [n for n, m in modules.items() if isinstance(m, nn.Linear)]
        raise EdgeError("E105", f"the model has no module '{name}'",
                        help=f"its nn.Linear modules are {', '.join(linear)}")
    return modules[name]


def _linear(modules: Mapping[str, nn.Module], name: str) -> nn.Linear:
    module = _module(modules, name)
    if not isinstance(module, nn.Linear):
        raise EdgeError("E203", f"'{name}' is a {type(module).__name__}",
                        help="choose an nn.Linear")
    if not isinstance(module.weight, nn.Parameter):
        raise EdgeError("E203", f"the weight of '{name}' is computed from other parameters",
                        help="remove its parametrization")
    if module.weight.dtype not in (torch.float32, torch.float64):
        raise EdgeError("E203", f"the weight of '{name}' is {module.weight.dtype}",
                        cause="changes of this size would be rounded away",
                        help="keep the weights in float32 and run the model under autocast")
    return module


def _next(modules: Mapping[str, nn.Module], name: str) -> str | None:
    """The module that runs after `name`, where its container says so."""
    prefix, _, child = name.rpartition(".")
    parent = modules[prefix]
    if not isinstance(parent, nn.Sequential):
        return None
    for (here, _), (behind, _) in pairwise(parent.named_children()):
        if here == child:
            return f"{prefix}.{behind}" if prefix else behind
    return None


def _watch_input(linear: nn.Linear, site: _Site) -> Any:
    def see(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], _: Any) -> None:
        if module.training and torch.is_grad_enabled():
            site.add(inputs[0] if inputs else named["input"])

    return linear.register_forward_hook(see, with_kwargs=True)


def _watch(module: nn.Module, site: _Site) -> Any:
    def see(module: nn.Module, _: Any, output: Any) -> None:
        if module.training and torch.is_grad_enabled():
            site.add(output[0] if isinstance(output, tuple) else output)

    return module.register_forward_hook(see)

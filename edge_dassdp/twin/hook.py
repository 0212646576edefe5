"""DA-SSDP beside surrogate training in PyTorch: a hook that is called after `optimizer.step()`.

The use the rule was published for (arXiv 2512.07194, NeuroSyd/DA-SSDP): the optimizer trains the
whole network, then every chosen nn.Linear or 1 x 1 convolution gets the change of its rule for the
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
`hook.state_dict()` into the checkpoint: the gate is part of the training state. The paper's second
site is a block's 1 x 1 convolution between the block's input and its output, real numbers both:

    DASSDPHook({"attn.Wproj": DASSDP(variant="published")}, model, ...,
               inputs={"attn.Wproj": "attn"}, neurons={"attn.Wproj": "attn"})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.rules.base import Rule, SynchronyRule
from edge_dassdp.rules.gate import Gate

try:
    import torch
except ImportError as problem:
    raise EdgeError("E303", "edge_dassdp.twin.hook needs torch", cause=str(problem),
                    help="pip install 'edge-dassdp[torch]'") from None

from torch import Tensor, nn

from edge_dassdp.twin.trains import ONE_BATCH, Activity, Site, watch_input, watch_output

Layer = nn.Linear | nn.Conv1d | nn.Conv2d


class _Projection:
    """One layer that learns: its rule, its gate and the trains of its two sides.

    is_named: the module behind it was named, not guessed, so its train may be of real numbers where
    the layer is a convolution.
    """

    def __init__(self, name: str, layer: Layer, rule: SynchronyRule, readout: bool,
                 is_named: bool) -> None:
        self.name, self.layer, self.rule = name, layer, rule
        self.gate = Gate()
        self._readout = readout
        is_conv, n_axes = not isinstance(layer, nn.Linear), layer.weight.dim() - 2
        n_post, n_pre = layer.weight.shape[:2]
        self.pre = Site(f"input of '{name}'", layer.weight, n_pre, n_axes,
                        is_conv or rule.code(1, readout).by_mean)
        self.post = Site(f"neurons behind '{name}'", layer.weight, n_post, n_axes,
                         readout or (is_conv and is_named))

    def activity(self, n_steps: int) -> tuple[Activity, Activity]:
        code = self.rule.code(n_steps, self._readout)
        pre, post = (site.activity(n_steps, code) for site in (self.pre, self.post))
        if len(pre.flag) != len(post.flag):
            raise EdgeError("E104", f"'{self.name}': {len(pre.flag)} samples before it and "
                            f"{len(post.flag)} behind it", help=ONE_BATCH)
        return pre, post

    def losses(self, loss: object, n_samples: int) -> list[float]:
        """L of each sample; all of them the mean where the rule repeats it."""
        values, repeats = self._loss(loss), self.rule.repeats_loss
        if tuple(values.shape) == (n_samples,):
            return [float(values.mean())] * n_samples if repeats else list(values.tolist())
        if values.numel() == 1 and (repeats or n_samples == 1):
            return [float(values)] * n_samples
        raise EdgeError("E104", f"'{self.name}': the loss has shape {tuple(values.shape)}, "
                        f"expected ({n_samples},)", help="call the loss with reduction='none'")

    def _loss(self, loss: object) -> Tensor:
        if loss is None:
            raise EdgeError("E104", f"'{self.name}': its gate needs the loss during the warm-up",
                            help="pass the loss per sample to step()")
        try:
            values = torch.as_tensor(loss).detach().cpu().double()
        except (TypeError, ValueError, RuntimeError) as problem:
            raise EdgeError("E104", f"'{self.name}': the loss is a {type(loss).__name__}, no "
                            "number per sample", cause=str(problem)) from None
        if not bool(values.isfinite().all()):
            raise EdgeError("E104", f"'{self.name}': a loss is NaN or infinite")
        return values

    def change(self, pre: Activity, post: Activity, n_steps: int) -> Tensor:
        """clamp(mean_b(G_b Delta), -1, 1), of the shape of the weight.

        Delta = delta[0] + sync (delta[1] - delta[0]), summed over presynaptic latencies: two matrix
        products for each, and no tensor of (B, n_post, n_pre).
        """
        weight = self.layer.weight
        gate = self.gate(_pairs(pre, post)) if self.rule.gated else [1.0] * len(pre.flag)
        apart, together = torch.as_tensor(self.rule.delta(n_steps)).to(weight)
        g_b = torch.tensor(gate, dtype=torch.float64).to(weight)[:, None]
        total = torch.zeros(weight.shape[:2]).to(weight)
        for t in range(n_steps + 1):
            at_t, dt = pre.latency == t, (post.latency - t).abs()
            synchronous = g_b * (together - apart)[dt] * post.flag
            total += synchronous.T @ (at_t & pre.flag).to(weight.dtype)
            total += (g_b * apart[dt]).T @ at_t.to(weight.dtype)
        mean = total / len(gate)
        return mean.clamp(-1.0, 1.0).view_as(weight)


def _pairs(pre: Activity, post: Activity) -> list[int]:
    """S of each sample, counted in pairs."""
    return list((pre.flag.sum(1) * post.flag.sum(1)).tolist())


class DASSDPHook:
    """Adds the change of a synchrony rule to weights after every optimizer step.

    rules: name in `model.named_modules()` -> DASSDP or SSDP, of an nn.Linear or of an nn.Conv1d or
    nn.Conv2d with a kernel of 1, stride 1, one group and no padding.
    n_steps: T, the time steps of one forward pass, from 1.
    warm_up_steps: the first calls of `step` only record (S, L), from 0; no weight changes in them.
    neurons: projection -> module whose output (its first item, if a tuple) is the postsynaptic
    spike train. Not needed inside nn.Sequential, where it is the next module, and for `readout`.
    inputs: projection -> module whose input is the presynaptic train, else its own.
    readout: the projection into the classifier. Without an entry in `neurons` its postsynaptic side
    is its own output.

    The neurons of a convolution are its channels; one fires in a step where one of its positions
    does. Real numbers fire where they are above 0. They may come from `record`, from the classifier
    (as published from before it, too), from the input of a convolution, and from a module behind it
    that `neurons` names; elsewhere they are refused. As published the flags of the classifier are
    signs of means over all steps (and positions), so flag and time can disagree.

    Trains are recorded in forward passes in training mode with gradients, from modules that are
    called once a step (snnTorch) with (B, n), (B, n, length), (B, n, height, width), or with the
    time before (SpikingJelly, step_mode='m'), or are passed to `record`. `gates` maps projections
    to their `Gate`.

    Raises EdgeError E105 for a bad setting or an unknown module, E203 for a module or a rule that
    does not fit, and for trains that are no spikes, E104 for trains or losses of a wrong shape.
    """

    def __init__(
        self,
        rules: Mapping[str, Rule],
        model: nn.Module,
        *,
        n_steps: int,
        warm_up_steps: int,
        neurons: Mapping[str, str] | None = None,
        inputs: Mapping[str, str] | None = None,
        readout: str | None = None,
    ) -> None:
        neurons, inputs = neurons or {}, inputs or {}
        _check_settings(model, rules, n_steps, warm_up_steps)
        _check_names(rules, neurons, inputs, readout)
        modules = dict(model.named_modules())
        self.n_steps, self.warm_up_steps, self.steps = n_steps, warm_up_steps, 0
        self._projections = {
            name: _Projection(name, _layer(modules, name), _synchrony(name, rule), name == readout,
                              name in neurons)
            for name, rule in rules.items()
        }
        watched = []
        for name, p in self._projections.items():
            behind = neurons.get(name, name if name == readout else _next(modules, name))
            if behind is not None:
                watched += [(watch_input, _module(modules, inputs.get(name, name)), p.pre),
                            (watch_output, _module(modules, behind), p.post)]
        self._handles = [watch(module, site) for watch, module, site in watched]

    @property
    def gates(self) -> dict[str, Gate]:
        return {name: p.gate for name, p in self._projections.items()}

    def record(self, name: str, pre: Tensor, post: Tensor) -> None:
        """The batch's trains of projection `name`, in place of any seen so far: (T, B, n) each, or
        (T, B, channels, ...) of a convolution, spikes or real numbers."""
        if not isinstance(name, str) or name not in self._projections:
            raise EdgeError("E105", f"'{name}' has no rule",
                            help=f"choose one of {', '.join(self._projections)}")
        projection = self._projections[name]
        projection.pre.give(pre)
        projection.post.give(post)

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
                weight = p.layer.weight
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
            gates = {name: _gate(values) for name, values in state["gates"].items()}
            projections = {name: self._projections[name] for name in gates}
        except (AttributeError, KeyError, TypeError, ValueError):
            steps, projections = 0, {}
        if len(projections) != len(self._projections) or steps < 0:
            raise EdgeError("E103", "this is no state of this hook",
                            help="give it the rules it had when the state was taken")
        self.steps = steps
        for name, projection in projections.items():
            projection.gate = gates[name]


def _gate(values: Mapping[str, Any]) -> Gate:
    gate = Gate(**values)
    if not all(is_real(v) or (v is None and k == "k") for k, v in asdict(gate).items()):
        raise ValueError("a statistic is no number")
    return gate


def _check_settings(
    model: nn.Module, rules: Mapping[str, Rule], n_steps: int, warm_up_steps: int
) -> None:
    for what, value, low in (("n_steps", n_steps, 1), ("warm_up_steps", warm_up_steps, 0)):
        if not is_int(value) or value < low:
            raise EdgeError("E105", f"{what} is {value}, expected an integer from {low}")
    if not isinstance(model, nn.Module):
        raise EdgeError("E105", f"the model is a {type(model).__name__}, expected an nn.Module")
    if not isinstance(rules, Mapping) or not rules:
        raise EdgeError("E105", "no projection has a rule",
                        help="give a mapping of module names to rules")
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized() and (
        distributed.get_world_size() > 1
    ):
        raise EdgeError("E203", "the hook cannot run in several processes",
                        cause="each would add the change of its own part of the batch, and their "
                        "weights would part")


def _check_names(rules: Mapping[str, Rule], neurons: Mapping[str, str],
                 inputs: Mapping[str, str], readout: str | None) -> None:
    """Each projection that is spoken of has a rule."""
    for what, given in (("neurons", neurons), ("inputs", inputs)):
        if not isinstance(given, Mapping):
            raise EdgeError("E105", f"{what} is a {type(given).__name__}, expected a mapping of "
                            "projections to modules")
    for name in (*neurons, *inputs, *(() if readout is None else (readout,))):
        if not isinstance(name, str) or name not in rules:
            raise EdgeError("E105", f"'{name}' has no rule",
                            help=f"name one of {', '.join(map(str, rules))}")


def _synchrony(name: str, rule: Rule) -> SynchronyRule:
    if not isinstance(rule, SynchronyRule):
        raise EdgeError("E203", f"the rule of '{name}' is a {type(rule).__name__}",
                        help="choose DASSDP or SSDP; the optimizer does the rest")
    return rule


def _module(modules: Mapping[str, nn.Module], name: str) -> nn.Module:
    if not isinstance(name, str) or name not in modules:
        layers = [n for n, m in modules.items() if isinstance(m, Layer)]
        raise EdgeError("E105", f"the model has no module '{name}'",
                        help=f"its nn.Linear modules and convolutions are {', '.join(layers)}")
    return modules[name]


def _layer(modules: Mapping[str, nn.Module], name: str) -> Layer:
    module = _module(modules, name)
    if not isinstance(module, Layer):
        raise EdgeError("E203", f"'{name}' is a {type(module).__name__}",
                        help="choose an nn.Linear, or an nn.Conv1d or nn.Conv2d of 1 x 1")
    if isinstance(module.weight, nn.UninitializedParameter):
        raise EdgeError("E203", f"'{name}' has no weight yet", help="run the model once before")
    if not isinstance(module, nn.Linear):
        _check_pointwise(name, module)
    if not isinstance(module.weight, nn.Parameter):
        raise EdgeError("E203", f"the weight of '{name}' is computed from other parameters",
                        help="remove its parametrization")
    if module.weight.dtype not in (torch.float32, torch.float64):
        raise EdgeError("E203", f"the weight of '{name}' is {module.weight.dtype}",
                        cause="changes of this size would be rounded away",
                        help="keep the weights in float32 and run the model under autocast")
    return module


def _check_pointwise(name: str, conv: nn.Conv1d | nn.Conv2d) -> None:
    """Its weight is a matrix between channels, each position alike."""
    for what, values, only in (("kernel", conv.kernel_size, 1), ("stride", conv.stride, 1),
                               ("padding", conv.padding, 0), ("groups", (conv.groups,), 1)):
        if not isinstance(values, str) and any(v != only for v in values):
            shown = values[0] if len(set(values)) == 1 else values
            raise EdgeError("E203", f"'{name}' is a {type(conv).__name__} with a {what} of {shown}",
                            help="convolutions learn with a kernel of 1, stride 1, one group "
                            "and no padding")


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

"""What to do about a module that cannot be imported: for the help of refusals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_dassdp.frontends.framework import framework
from edge_dassdp.frontends.known import frameworks, listed
from edge_dassdp.frontends.torch.classes import is_known, is_layer, package
from edge_dassdp.frontends.torch.values import supported


def _in_order(module: Any, name: str) -> str:
    """What to do with a module that does not say in which order its layers run. name: of it."""
    called = {f"{name}[{child}]" if child.isdigit() else f"{name}.{child}": inner
              for child, inner in module._modules.items() if inner is not None}
    held = ", ".join(place for place, inner in called.items() if is_known(inner))
    rest = ", ".join(f"{place} ({type(inner).__name__})" for place, inner in called.items()
                     if not is_known(inner))
    text = f"pass its layers in the order they run: from_torch([{held}])" if name == "net" else \
        f"put its layers in its place, in the order they run: [..., {held}, ...]"
    text += f", without {rest}, which is not supported" * bool(rest)
    text += "; whatever else `forward` computes between them is not taken over: compare classes"
    return f"{text}; its children are " + ", ".join(
        f"{child} ({type(inner).__name__})" for child, inner in module._modules.items())


def given(model: Any) -> str:
    """What to do about a model that is no container."""
    from torch import jit, nn

    if isinstance(model, Mapping):
        return "weights alone do not say what runs: build the module, load them into it " \
               "(load_state_dict), and give the module"
    if isinstance(model, str | Path):
        return "build the module in Python, load its weights (load_state_dict), and give the " \
               "module; NIR and ONNX files are read by from_nir and from_onnx"
    if isinstance(model, jit.ScriptModule):
        return "give the module that was scripted or traced"
    if not isinstance(model, nn.Module):
        return supported()
    return "put it in a list: from_torch([module])" if is_layer(model) else instead(model, "net")


def instead(module: Any, name: str = "block") -> str:
    """What to use instead of a module of a kind that is not supported. name: what it is called."""
    for kind in type(module).__mro__:
        its, home = package(kind), kind.__module__.partition(".")[0]
        if f"{kind.__module__}.{kind.__qualname__}" in {*its.neurons, *its.layers}:
            return f"use {kind.__name__} itself, if the subclass computes the same"
        if home in frameworks():
            names = [full.rpartition(".")[2] for full in (*its.neurons, *its.layers)]
            return f"supported of {framework(home).title} are {listed(names, 'and')}"
    hint = next((text for start, text in _HINTS.items() if f"{type(module).__module__}."
                 f"{type(module).__name__}".startswith(f"torch.nn.modules.{start}")), "")
    if hint:
        return f"{hint}; {supported()}"
    return _in_order(module, name) if is_known(module) else supported()


_HINTS = {
    "activation.Multi": "use Linear and Conv2d layers, and neurons behind them",
    "activation.": "leave it out and train without it: the neurons are the nonlinearity",
    "rnn.": "use recurrent neurons of a framework",
    **dict.fromkeys(("normalization.", "instancenorm."),
                    "use BatchNorm1d or BatchNorm2d, which goes into the weights"),
    "flatten.Unflatten": "give volumes from the start, input_shape=(channels, height, width), and "
    "leave it out; flatten what has to be flat before its neurons (nn.Flatten)",
}
"""By the beginning of a name below torch.nn.modules."""

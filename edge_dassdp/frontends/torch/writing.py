"""Where a tensor of a module is written so that the next forward pass uses it."""

from __future__ import annotations

from typing import Any

from edge_dassdp.frontends.torch.forward import parametrized, weight_hooks
from edge_dassdp.frontends.torch.state import unchanged
from edge_dassdp.frontends.torch.values import numbers, unsupported
from edge_dassdp.ir import ROUNDING, FloatArray

Changes = list[tuple[Any, Any]]
"""Parameters, and the tensors that they shall hold."""


def write(changes: Changes) -> None:
    import torch

    with torch.no_grad():
        for parameter, values in changes:
            parameter.copy_(values)


def made_of(at: str, module: Any, name: str, wanted: Any) -> Changes:
    """The changes that make `wanted` of a module's tensor. Raises EdgeError E102 where hooks or
    parametrizations make it of others that do not tell it."""
    hook = weight_hooks(module).get(name)
    if hook is None and name not in parametrized(module):
        return [(getattr(module, name), wanted)]
    try:
        with unchanged(module):  # some write what they were asked for
            inverse = _inverse(module, name, hook, wanted)
            changes = [(held, value.clone()) for held, value in inverse]
    except Exception:  # parametrizations are code of others; most have no inverse
        changes = []
    if not changes or not _makes(module, name, hook, changes, numbers(wanted, at)):
        raise unsupported(at, f"makes its {name} by pruning, a norm or a parametrization that "
                          "cannot make the learned one", f"make its {name} permanent before the "
                          "import (prune.remove, remove_weight_norm, remove_parametrizations)")
    return changes


def _inverse(module: Any, name: str, hook: Any, wanted: Any) -> Changes:
    import torch

    if hook is None:
        return _right_inverse(module.parametrizations[name], wanted)
    if hasattr(module, f"{name}_mask"):
        mask, held = getattr(module, f"{name}_mask"), getattr(module, f"{name}_orig")
        return [(held, torch.where(mask != 0, wanted / mask, held.detach()))]
    if hasattr(module, f"{name}_g"):
        norm = torch.norm_except_dim(wanted, 2, hook.dim)
        return [(getattr(module, f"{name}_g"), norm), (getattr(module, f"{name}_v"), wanted)]
    return []


def _right_inverse(made: Any, wanted: Any) -> Changes:
    value = wanted
    for step in reversed(list(made)):
        value = step.right_inverse(value)
    if not isinstance(value, tuple | list):
        return [(made.original, value)]
    return [(getattr(made, f"original{n}"), part) for n, part in enumerate(value)]


def _makes(module: Any, name: str, hook: Any, changes: Changes, wanted: FloatArray) -> bool:
    """Whether a forward pass behind the changes uses what is wanted."""
    with unchanged(module):
        write(changes)
        if hook is not None:
            hook(module, None)
        found = getattr(module, name).double().numpy()
    return bool((abs(found - wanted) <= ROUNDING * abs(wanted)).all())

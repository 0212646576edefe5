"""What a module's forward pass does beside what its class does: it is resolved or refused by name.

- weights that hooks of torch.nn.utils (prune, weight_norm, spectral_norm) or parametrizations make
  are those that the next forward pass would use
- hooks, a forward or `__call__` of an instance's own, and functions that replace those of a class
  are refused; gradient hooks and hooks of the frameworks' monitors only look
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edge_dassdp.frontends.framework import framework
from edge_dassdp.frontends.known import frameworks
from edge_dassdp.frontends.torch.state import unchanged
from edge_dassdp.frontends.torch.values import refuse_unreadable, unsupported

_OWN_FORWARD = "_torchdynamo_orig_callable"
"""Of the forward that torch.compile gives its wrapper."""


def refuse_altered(at: str, module: Any, *, inner: bool = True) -> None:
    """E102 where calling a module does something else than its class says; `inner`: or one of those
    in it, which no one reads by themselves."""
    from torch import nn

    if not isinstance(module, nn.Module):
        return
    _refuse_replaced(at, module)
    _refuse_hooks(at, module)
    for name, held in module._modules.items() if inner else ():
        if held is not None and name != "parametrizations":
            refuse_altered(f"{at}: {name} ({type(held).__name__})", held)


def refuse_global_hooks() -> None:
    """E102 where torch runs a hook around every module."""
    from torch.nn.modules import module as torch_module

    for hooks, what in ((torch_module._global_forward_hooks, "forward hook"),
                        (torch_module._global_forward_pre_hooks, "forward pre-hook")):
        if hooks:
            raise unsupported("torch", f"has a {what} around all modules", _REMOVE)


_REMOVE = "remove the hook before the import (its handle has a remove method)"


def _refuse_replaced(at: str, module: Any) -> None:
    from torch.nn.parameter import is_lazy

    if any(is_lazy(p) for p in module._parameters.values()):
        raise unsupported(at, "has no weights before its first forward pass",
                          "run a batch through the model first")
    for name, tensor in (*module._parameters.items(), *module._buffers.items()):
        if tensor is not None:
            refuse_unreadable(f"{at}: {name}", tensor)
    own = vars(module).get("forward")
    if own is not None and not hasattr(own, _OWN_FORWARD):
        raise unsupported(at, "has a forward of its own, which is not that of its class",
                          "remove it, or make a module of what it does")
    for name in ("forward", "__call__"):
        if not _is_original(type(module), name):
            raise unsupported(at, f"is of a class whose {name} was replaced",
                              f"put the {name} of {type(module).__name__} back before the import")


def _is_original(kind: type, name: str) -> bool:
    """The function stands in the file of the class that it is of, and in that class."""
    from torch import nn

    owner = next((c for c in kind.__mro__ if name in vars(c)), None)
    if owner is None:
        return True
    code = getattr(vars(owner)[name], "__code__", None)
    file = getattr(sys.modules.get(owner.__module__), "__file__", None)
    return code is not None and code.co_filename == file and (
        owner is nn.Module or code.co_qualname.startswith(f"{owner.__qualname__}."))


def _refuse_hooks(at: str, module: Any) -> None:
    makers = weight_hooks(module).values()
    for hooks, what in ((module._forward_pre_hooks, "forward pre-hook"),
                        (module._forward_hooks, "forward hook")):
        for hook in hooks.values():
            if hook not in makers and not _only_looks(hook):
                raise unsupported(at, f"has a {what}, which may change what it computes", _REMOVE)


def _only_looks(hook: Any) -> bool:
    """It is of a framework's monitor."""
    home = str(getattr(hook, "__module__", ""))
    package = home.partition(".")[0]
    return package in frameworks() and home in framework(package).modules.watchers


def without_monitors(module: Any) -> None:
    """Takes the hooks away that `refuse_altered` lets pass, but for those that make weights."""
    module._forward_hooks.clear()
    makers = weight_hooks(module).values()
    for key, hook in list(module._forward_pre_hooks.items()):
        if hook not in makers:
            del module._forward_pre_hooks[key]


# ---- weights that are made -----------------------------------------------------------------------


def weight_hooks(module: Any) -> dict[str, Any]:
    """Pre-hooks of torch.nn.utils by the name of the tensor that they make in every forward pass
    (`unchanged` takes that back)."""
    from torch.nn.utils.prune import BasePruningMethod
    from torch.nn.utils.spectral_norm import SpectralNorm
    from torch.nn.utils.weight_norm import WeightNorm

    found = {}
    for hook in module._forward_pre_hooks.values():
        calls = type(hook).__call__
        if isinstance(hook, BasePruningMethod) and calls is BasePruningMethod.__call__:
            found[str(hook._tensor_name)] = hook
        elif type(hook) in (SpectralNorm, WeightNorm):
            found[str(hook.name)] = hook
    return found


def parametrized(module: Any) -> list[str]:
    """Names of tensors that torch.nn.utils.parametrize makes."""
    from torch.nn.utils.parametrize import is_parametrized

    return list(module.parametrizations) if is_parametrized(module) else []


@contextmanager
def as_it_runs(at: str, module: Any) -> Iterator[None]:
    """Within, a module's tensors are those that a forward pass would use. Raises EdgeError E102
    where every pass uses others."""
    from torch import nn

    if not isinstance(module, nn.Module) or not (weight_hooks(module) or parametrized(module)):
        yield
        return
    with unchanged(module):
        first, again = _made(module), _made(module)
        for name, value in first.items():
            if not bool(((value == again[name]) | (value != value)).all()):
                raise unsupported(at, f"makes another {name} in every forward pass while it trains",
                                  "call model.eval() first")
        yield


def _made(module: Any) -> dict[str, Any]:
    hooks = weight_hooks(module)
    for hook in hooks.values():
        hook(module, None)
    return {name: getattr(module, name).clone() for name in (*hooks, *parametrized(module))}

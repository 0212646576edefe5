"""What a module counts as: the full name of its class, and what its package computes."""

from __future__ import annotations

import sys
from typing import Any

from edge_dassdp.frontends.framework import Modules, framework
from edge_dassdp.frontends.known import frameworks
from edge_dassdp.frontends.torch.layers import NN


def known(module: Any) -> tuple[str, Modules]:
    """The full name of the class that a module counts as, and what its package computes."""
    kind = _plain(type(module))
    name = f"{kind.__module__}.{kind.__qualname__}"
    is_it = getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind
    return name if is_it else f"(another).{kind.__qualname__}", package(kind)


def _plain(kind: type) -> type:
    """The class that one counts as that a package or torch.nn.utils.parametrize made of it."""
    if kind.__module__ == "torch.nn.utils.parametrize":
        return _plain(kind.__bases__[0])
    other = package(kind).counts_as(kind)
    return kind if other is kind else _plain(other)


def package(kind: type) -> Modules:
    """Of the framework that a class is of, else of torch.nn."""
    name = kind.__module__.partition(".")[0]
    return framework(name).modules if name in frameworks() else NN


def is_container(module: Any) -> bool:
    """Of modules that run one after the other; a class with a forward pass of its own is none."""
    from torch import nn

    if isinstance(module, list | tuple):
        return True
    is_plain = isinstance(module, nn.Sequential) and all(
        getattr(type(module), name) is getattr(nn.Sequential, name)
        for name in ("forward", "__call__", "__iter__"))
    name, its = known(module)
    return is_plain or name in its.containers


def is_known(module: Any) -> bool:
    """It is a layer or neurons, or has some in it."""
    from torch import nn

    return isinstance(module, nn.Module) and any(map(is_layer, nn.Module.modules(module)))


def is_layer(module: Any) -> bool:
    name, its = known(module)
    return name in its.neurons or name in its.layers or name in its.ignored

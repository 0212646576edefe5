"""What modules hold, put back after they ran: states, running statistics, flags and records."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def unchanged(*modules: Any) -> Iterator[None]:
    """Runs without gradients; afterwards every attribute and tensor that can be reached from the
    modules by attributes, dicts and lists is as it was, and so is all randomness."""
    import torch

    kept = _Kept()
    for module in modules:
        kept.visit(module)
    drawn, drawn_numpy = random.getstate(), np.random.get_state()
    try:
        with torch.no_grad(), torch.random.fork_rng(range(torch.cuda.device_count())):
            yield
    finally:
        kept.put_back()
        random.setstate(drawn)
        np.random.set_state(drawn_numpy)


class _Kept:
    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._tensors: list[tuple[Any, Any]] = []

    def visit(self, value: Any) -> None:
        import torch

        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, torch.nn.Module):
            self.visit(vars(value))
        elif isinstance(value, dict):
            self._dicts.append((value, dict(value)))
            self._visit_all(value.values())
        elif isinstance(value, list):
            self._lists.append((value, list(value)))
            self._visit_all(value)
        elif isinstance(value, tuple):
            self._visit_all(value)
        elif isinstance(value, torch.Tensor) and not value.is_meta:
            self._tensors.append((value, value.detach().clone()))

    def _visit_all(self, values: Any) -> None:
        for value in values:
            self.visit(value)

    def put_back(self) -> None:
        """Tensors only where they differ, so that what is differentiated later may use them."""
        import torch

        for held, items in self._dicts:
            held.clear()
            held.update(items)
        for row, values in self._lists:
            row[:] = values
        with torch.no_grad():
            for tensor, before in self._tensors:
                if not torch.equal(tensor.detach(), before):
                    tensor.copy_(before)

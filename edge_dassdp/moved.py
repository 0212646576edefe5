"""Module paths of release 0.1: each hands on what is there now, with a DeprecationWarning.

They go with the next release, and this file with them.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "adaptation": "demo.adaptation", "assets": "base.assets", "board": "build.board",
    "bounds": "quantize.bounds", "calibration": "data.calibration", "datasets": "data.datasets",
    "errors": "base.errors", "fidelity": "figures.fidelity", "floatlearn": "twin.learner",
    "floatmodel": "twin.model", "frontends.back": "frontends.torch.back",
    "inspection": "figures.inspection", "messages": "wire.messages", "npz": "storage.npz",
    "protocol": "wire.frames", "qformat": "base.qformat", "samples": "qir.samples",
    "shifts": "data.shifts", "target": "targets.target", "training": "twin.hook",
    "watch": "data.watch", "wayback": "quantize.wayback", "wiring": "ir.geometry",
}
"""Old path -> new path, both below `edge_dassdp`. Where a folder took a module's name, its face
(`edge_dassdp.ir`, `.qir`, `.rules`, ...) hands on what the module had."""


class _HandOn:
    def __init__(self, new: str) -> None:
        self.new = new

    def create_module(self, spec: ModuleSpec) -> None:
        """As the import system makes them."""

    def exec_module(self, module: ModuleType) -> None:
        warnings.warn(f"{module.__name__} is {self.new} now", DeprecationWarning, stacklevel=2)
        found = vars(import_module(self.new))
        vars(module).update({name: value for name, value in found.items()
                             if not name.startswith("__")})


class _Finder:
    def find_spec(self, fullname: str, path: Sequence[str] | None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, old = fullname.partition(".")
        if package != __package__ or old not in MOVED:
            return None
        return ModuleSpec(fullname, _HandOn(f"{package}.{MOVED[old]}"))  # type: ignore[arg-type]


def install() -> None:
    """Have the import system look here last; once is enough."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())

"""Spiking networks from PyTorch to Cortex-M firmware that goes on learning, bit for bit.

`import edge_dassdp as ed` is the front door: `__all__` lists what a user needs, and nothing is
loaded before it is used. Behind it the folders stand in the order of their imports, from the
ground up: base, sensor, storage, wire, build, chips, ir, frontends, data, qir, rules, reference,
plan, quantize, emit, slots, targets, learned, flashing, twin, harness, figures, library, measured,
tuning, report, comparison, demo, cli.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from edge_dassdp import moved

TYPE_CHECKING = False  # `typing` is not loaded by what takes no time
if TYPE_CHECKING:
    from typing import Any

    from edge_dassdp.base.errors import EdgeError
    from edge_dassdp.data.datasets import Samples
    from edge_dassdp.emit.firmware import Build
    from edge_dassdp.face import build, load, load_model, open, quantize, samples, save
    from edge_dassdp.frontends.nir import from_nir
    from edge_dassdp.frontends.onnx import from_onnx
    from edge_dassdp.frontends.torch import from_torch
    from edge_dassdp.harness import Device
    from edge_dassdp.ir import Encoder, Network, Sensor, Triad
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.quantize.settings import Settings
    from edge_dassdp.rules import (
        CUSUM,
        DASSDP,
        EIHL,
        SSDP,
        ErrorScaled,
        ErrorSSDP,
        ErrorTouch,
        Guard,
        Homeostasis,
        Learning,
        PairSTDP,
        ReadoutDelta,
        Replay,
        Schedule,
    )

__version__ = "0.1.0"
__all__ = [
    "CUSUM",
    "DASSDP",
    "EIHL",
    "SSDP",
    "Build",
    "Device",
    "EdgeError",
    "Encoder",
    "ErrorSSDP",
    "ErrorScaled",
    "ErrorTouch",
    "Guard",
    "Homeostasis",
    "Learning",
    "Network",
    "PairSTDP",
    "QNetwork",
    "ReadoutDelta",
    "Replay",
    "Samples",
    "Schedule",
    "Sensor",
    "Settings",
    "Triad",
    "__version__",
    "build",
    "from_nir",
    "from_onnx",
    "from_torch",
    "load",
    "load_model",
    "open",
    "quantize",
    "samples",
    "save",
]

_HOMES = {
    "face": ("build", "load", "load_model", "open", "quantize", "samples", "save"),
    "base.errors": ("EdgeError",),
    "data.datasets": ("Samples",),
    "emit.firmware": ("Build",),
    "frontends.nir": ("from_nir",),
    "frontends.onnx": ("from_onnx",),
    "frontends.torch": ("from_torch",),
    "harness": ("Device",),
    "ir": ("Encoder", "Network", "Sensor", "Triad"),
    "qir": ("QNetwork",),
    "quantize.settings": ("Settings",),
    "rules": ("CUSUM", "DASSDP", "EIHL", "SSDP", "ErrorSSDP", "ErrorScaled", "ErrorTouch", "Guard",
              "Homeostasis", "Learning", "PairSTDP", "ReadoutDelta", "Replay", "Schedule"),
}
"""Module -> what the face hands on of it."""
_HOME = {name: module for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # a type checker sees the names above, and no others
    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Module(ModuleType):
    """A module that can be sent to another process, as what it is there."""

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (self.__name__,)


class _Verb(_Module):
    """A folder that bears the name of a verb of the face: it can be called, and is described so."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._verb(*given, **named)

    @property
    def _verb(self) -> Any:
        return getattr(import_module(f"{__package__}.face"), self.__name__.rpartition(".")[2])

    @property
    def __wrapped__(self) -> Any:
        """What `inspect.signature` asks for."""
        return self._verb

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return str(self._verb.__doc__)


class _Face(_Module):
    """The import system binds the folders `build` and `quantize` here: they stay the verbs."""

    def __setattr__(self, name: str, value: Any) -> None:
        if _HOME.get(name) == "face" and isinstance(value, ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
moved.install()

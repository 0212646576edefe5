"""From the float graph to integers that are proven to fit.

Names load when they are asked for, so that the reference may take its ranges from `bounds`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_dassdp.quantize.network import N_ACTIVITY, Quantized, quantize
    from edge_dassdp.quantize.settings import Settings

__all__ = ["N_ACTIVITY", "Quantized", "Settings", "quantize"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = "settings" if name == "Settings" else "network"
    return getattr(import_module(f"{__name__}.{place}"), name)

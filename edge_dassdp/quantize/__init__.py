"""From the float graph to integers that are proven to fit."""

from edge_dassdp.quantize.network import (
    N_ACTIVITY,
    Quantized,
    quantize,
)
from edge_dassdp.quantize.settings import (
    Settings,
)

__all__ = ["N_ACTIVITY", "Quantized", "Settings", "quantize"]

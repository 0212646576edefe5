"""The float graph: populations joined by projections."""

from edge_dassdp.ir.network import (
    Network,
    Readout,
    load,
    save,
)
from edge_dassdp.ir.nodes import (
    LARGEST,
    ROUNDING,
    Encoder,
    FloatArray,
    Form,
    Input,
    Population,
    Projection,
    ReadoutKind,
    Reset,
    check_size,
    malformed,
)

__all__ = [
    "LARGEST",
    "ROUNDING",
    "Encoder",
    "FloatArray",
    "Form",
    "Input",
    "Network",
    "Population",
    "Projection",
    "Readout",
    "ReadoutKind",
    "Reset",
    "check_size",
    "load",
    "malformed",
    "save",
]

"""The float graph: populations joined by projections."""

from edge_dassdp.ir.fields import (
    CLAMP,
    LARGEST,
    LEAST,
    ROUNDING,
    FloatArray,
    check_size,
    malformed,
    require_each,
)
from edge_dassdp.ir.network import (
    Network,
    Readout,
    load,
    save,
)
from edge_dassdp.ir.nodes import Encoder, Form, Input, Population, Projection, ReadoutKind, Reset
from edge_dassdp.ir.sensor import Sensor, Triad

__all__ = [
    "CLAMP",
    "LARGEST",
    "LEAST",
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
    "Sensor",
    "Triad",
    "check_size",
    "load",
    "malformed",
    "require_each",
    "save",
]

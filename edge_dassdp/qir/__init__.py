"""The quantized network: integers only, every array with its Q-format."""

from edge_dassdp.qir.checks import (
    validate,
)
from edge_dassdp.qir.file import (
    load,
    save,
)
from edge_dassdp.qir.network import (
    FORMAT,
    SCHEDULE_SHIFT,
    QClassMeans,
    QCusum,
    QErrorStep,
    QExamples,
    QGuard,
    QNetwork,
    QReplay,
    frame_bytes,
    input_bytes,
)
from edge_dassdp.qir.nodes import (
    DENSE_ROWS,
    Offset,
    QDynamics,
    QPopulation,
    QProjection,
    QRule,
    Records,
    ResetMode,
    Site,
    Stage,
)

__all__ = [
    "DENSE_ROWS",
    "FORMAT",
    "SCHEDULE_SHIFT",
    "Offset",
    "QClassMeans",
    "QCusum",
    "QDynamics",
    "QErrorStep",
    "QExamples",
    "QGuard",
    "QNetwork",
    "QPopulation",
    "QProjection",
    "QReplay",
    "QRule",
    "Records",
    "ResetMode",
    "Site",
    "Stage",
    "frame_bytes",
    "input_bytes",
    "load",
    "save",
    "validate",
]

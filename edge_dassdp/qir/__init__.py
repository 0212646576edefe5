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
    QNetwork,
    frame_bytes,
    input_bytes,
)
from edge_dassdp.qir.nodes import (
    DENSE_ROWS,
    QEIHL,
    QSTDP,
    QDynamics,
    QErrorRule,
    QGuard,
    QHomeostasis,
    QPopulation,
    QProjection,
    QReplay,
    QRule,
    QSyncRule,
    Records,
    ResetMode,
    Stage,
)

__all__ = [
    "DENSE_ROWS",
    "FORMAT",
    "QEIHL",
    "QSTDP",
    "SCHEDULE_SHIFT",
    "QDynamics",
    "QErrorRule",
    "QGuard",
    "QHomeostasis",
    "QNetwork",
    "QPopulation",
    "QProjection",
    "QReplay",
    "QRule",
    "QSyncRule",
    "Records",
    "ResetMode",
    "Stage",
    "frame_bytes",
    "input_bytes",
    "load",
    "save",
    "validate",
]

"""Drives a target: streams, snapshots, the comparison bit by bit."""

from edge_dassdp.harness.stream import (
    SNAPSHOT,
    Divergence,
    Stream,
    Verification,
    accuracy,
    learn_stream,
    load_snapshot,
    read_snapshot,
    rolling_accuracy,
    save_snapshot,
    verify,
)

__all__ = [
    "SNAPSHOT",
    "Divergence",
    "Stream",
    "Verification",
    "accuracy",
    "learn_stream",
    "load_snapshot",
    "read_snapshot",
    "rolling_accuracy",
    "save_snapshot",
    "verify",
]

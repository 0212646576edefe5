"""Drives a target: streams, snapshots, the comparison bit by bit."""

from edge_dassdp.harness.snapshot import SNAPSHOT, load_snapshot, read_snapshot, save_snapshot
from edge_dassdp.harness.stream import Stream, accuracy, learn_stream, rolling_accuracy
from edge_dassdp.harness.verify import Divergence, Verification, verify

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

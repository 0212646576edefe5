"""Drives a target: a device in float samples, streams, snapshots, the comparison bit by bit."""

from edge_dassdp.harness.course import Course
from edge_dassdp.harness.device import Device, label_row, lesson_rows, sample_rows
from edge_dassdp.harness.expected import digest_text, hold
from edge_dassdp.harness.frames import FrameStream
from edge_dassdp.harness.keep import Rescue, keeping
from edge_dassdp.harness.progress import Progress, progress_path
from edge_dassdp.harness.snapshot import (
    SNAPSHOT,
    learned_of,
    load_snapshot,
    read_learned,
    read_snapshot,
    save_snapshot,
)
from edge_dassdp.harness.stream import (
    UNKNOWN,
    Frozen,
    Stream,
    accuracy,
    learn_stream,
    lessons,
    rolling_accuracy,
)
from edge_dassdp.harness.values import Errors, ValueStream
from edge_dassdp.harness.verify import Divergence, Verification, verify
from edge_dassdp.harness.worn import (
    FOREIGN,
    NAMES,
    Fitted,
    drift_of,
    drift_text,
    drift_warning,
    fit_profile,
    profiles_of,
)

__all__ = [
    "FOREIGN",
    "NAMES",
    "SNAPSHOT",
    "UNKNOWN",
    "Course",
    "Device",
    "Divergence",
    "Errors",
    "Fitted",
    "FrameStream",
    "Frozen",
    "Progress",
    "Rescue",
    "Stream",
    "ValueStream",
    "Verification",
    "accuracy",
    "digest_text",
    "drift_of",
    "drift_text",
    "drift_warning",
    "fit_profile",
    "hold",
    "keeping",
    "label_row",
    "learn_stream",
    "learned_of",
    "lesson_rows",
    "lessons",
    "load_snapshot",
    "profiles_of",
    "progress_path",
    "read_learned",
    "read_snapshot",
    "rolling_accuracy",
    "sample_rows",
    "save_snapshot",
    "verify",
]

"""What data sets call their parts: light, so that help can name them without loading one."""

from __future__ import annotations

SPLITS = ("train", "stream", "test")
VALIDATION = "validation"
"""What a file of plain values may have beside them: constants are chosen on it."""
SCENARIOS = {
    "A": "left wrist of the wearers known from the right",
    "Ap": "left wrist of one wearer known from the right",
    "B": "right wrist of wearers never seen",
    "C": "gain and offset of every channel changed",
    "D": "some axes dead",
    "E": "watch mounted rotated",
    "N": "no shift",
}

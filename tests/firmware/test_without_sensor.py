"""A firmware whose model has no sensor carries nothing of sensors."""

from __future__ import annotations

import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.build.elf import opened, symbol_table
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan

pytestmark = pytest.mark.usefixtures("arm_toolchain")
ABSENT_BYTES = 12
"""Of a function that says that something is absent, at most."""
WORDS = ("observe", "drift", "profile", "reading", "orientation", "horn")


def of_sensors(scenario: str) -> dict[str, int]:
    """Bytes of the functions that sensors need, by name."""
    with opened(build_firmware(emit(Plan.of(SCENARIOS[scenario].quantized)),
                               load_board("microbit")).elf) as file:
        return {s.name: s["st_size"] for s in symbol_table(file).iter_symbols()
                if s["st_info"]["type"] == "STT_FUNC" and any(word in s.name for word in WORDS)}


@pytest.mark.parametrize("scenario", ["graph", "touch"])
def test_nothing_of_sensors_is_linked(scenario: str) -> None:
    assert all(size <= ABSENT_BYTES for size in of_sensors(scenario).values())
    assert max(of_sensors("sensor").values()) > 10 * ABSENT_BYTES

"""A firmware whose model has no sensor, or no values, carries nothing of these."""

from __future__ import annotations

import re

import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.base import assets
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.build.elf import opened, symbol_table
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan

pytestmark = pytest.mark.usefixtures("arm_toolchain")
ABSENT_BYTES = 12
"""Of a function that says that something is absent, at most."""
SOURCES = assets.folder("firmware") / "src"


def functions(*files: str) -> set[str]:
    """Functions that some sources give others."""
    texts = [path.read_text("utf-8") for file in files for path in SOURCES.glob(file)]
    return {name for text in texts for name in re.findall(r"^(?!static|\s)[\w ]+[ *](dassdp_\w+)\(",
                                                          text, re.MULTILINE)}


def linked(scenario: str) -> dict[str, int]:
    """Bytes of the functions of a firmware, by name."""
    with opened(build_firmware(emit(Plan.of(SCENARIOS[scenario].quantized)),
                               load_board("microbit")).elf) as file:
        return {s.name: s["st_size"] for s in symbol_table(file).iter_symbols()
                if s["st_info"]["type"] == "STT_FUNC"}


@pytest.mark.parametrize("scenario", ["graph", "touch"])
def test_nothing_of_sensors_is_linked(scenario: str) -> None:
    found, sensor = linked(scenario), functions("sensor/*.c")
    assert len(sensor) > 10 and not sensor & found.keys()
    asked = functions("core/sensing.c") & found.keys()
    assert all(found[name] <= ABSENT_BYTES for name in asked)
    assert len(sensor & linked("sensor_drift").keys()) > 10


@pytest.mark.parametrize("scenario", ["graph", "replay_ring"])
def test_nothing_of_values_is_linked(scenario: str) -> None:
    found, values = linked(scenario), functions("learn/values.c")
    assert len(values) == 5 and not values & found.keys()
    assert {"dassdp_values_evaluate", "dassdp_store_target"} < linked("values").keys()

"""A firmware that faults again and again does not restart for ever: it says so and runs nothing."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from support.devices import network, samples, target

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware, build_project
from edge_dassdp.build.project import firmware_project
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.targets.qemu import QemuProcess
from edge_dassdp.wire.messages import STATUSES
from edge_dassdp.wire.session import Session
from edge_dassdp.wire.start import Start

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")
BOARDS = ["microbit", "stm32f405", "mps2-an385"]
FAULT, FAULTING = QUANTITIES["cause_fault"], QUANTITIES["cause_faulting"]
INIT = "dassdp_init(&dassdp_program, &dassdp_state);"


def faulty(board: str, when: str) -> Firmware:
    """The firmware of a network with a fault behind its initialization."""
    project = firmware_project(emit(Plan.of(network("error"))), load_board(board))
    [name] = [path for path, text in project.files.items() if INIT in text]
    text = project.files[name].replace(
        INIT, f"{INIT}\n        if ({when}) {{ __asm volatile(\"udf #0\"); }}")
    return build_project(replace(project, files={**project.files, name: text}),
                         load_board(board))


@pytest.mark.parametrize("board", BOARDS)
def test_one_that_faults_at_each_start_tells_it_and_runs_nothing(board: str) -> None:
    firmware = faulty(board, "1")
    with QemuProcess(firmware.elf, firmware.board) as process:
        first = Start.of(Session(process.uart).look())
        process.reset()  # it tries again
        time.sleep(0.5)
        again = Start.of(Session(process.uart).look())
        assert first.is_faulting and again.is_faulting
        assert again.n_boots >= first.n_boots + FAULTING - FAULT
        with pytest.raises(EdgeError, match="faults at each start") as caught:
            target(process.uart)
        assert caught.value.code == "E504" and "reset button" in caught.value.help
        assert f"after {FAULTING - FAULT + 1} faults in a row" in caught.value.cause
        assert "Fault" in caught.value.cause


@pytest.mark.parametrize("board", BOARDS[:2])
def test_a_host_that_does_not_listen_is_refused(board: str) -> None:
    firmware = faulty(board, "1")
    with QemuProcess(firmware.elf, firmware.board) as process:
        session = Session(process.uart)
        start = Start.of(session.open())
        assert start.is_faulting and start.is_defect and start.n_boots > FAULTING - FAULT
        for name, fields in (("STATISTICS", {}), ("RESET", {"erases": 1}), ("STORE", {})):
            with pytest.raises(EdgeError) as refused:
                session.ask(name, **fields)
            assert refused.value.code == "E503"
            assert f"status {STATUSES['E_DAMAGED']}" in refused.value.cause
        assert session.look()["n_boots"] == start.n_boots, "it restarts no more"


@pytest.mark.parametrize("board", BOARDS[:2])
def test_faults_are_counted_anew_once_a_request_was_answered(board: str) -> None:
    firmware = faulty(board, f"dassdp_port_boot()->cause < {FAULTING - 1}U")
    with QemuProcess(firmware.elf, firmware.board) as process:
        device = target(process.uart)
        assert device.info.start.cause == "fault" and not device.info.start.is_faulting
        session = device._session
        assert session.look()["cause"] == FAULTING - 1, "one more and it gives up"
        x, labels = samples(1)
        device.learn(x[0], labels[0])
        assert session.look()["cause"] == FAULT
        assert device.statistics().n_labelled == 1

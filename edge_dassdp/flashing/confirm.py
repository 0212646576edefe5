"""A board is asked over its link what its flash holds: only what it says counts as flashed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.compile import Firmware
from edge_dassdp.flashing.finding import candidates, known_boards
from edge_dassdp.flashing.ways import Way
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.open import open_serial
from edge_dassdp.targets.serial import Port, ports
from edge_dassdp.wire.lock import Lock

_BACK_S, _POLL_S = 10.0, 0.2


def own_port(firmware: Firmware, way: Way, there: Callable[[], Sequence[Port]] = ports
             ) -> Port | None:
    """The one port that belongs to what `way` programs; None where there is none or several."""
    board = firmware.board
    boards = known_boards(board)
    able = [p for p in there() if p.usb_id and board in candidates(p, boards)]
    for key, wanted in (("usb_place", way.usb_place), ("unique_id", way.serial)):
        same = [p for p in able if wanted and _plain(getattr(p, key)) == _plain(wanted)]
        if same:
            able = same
    return able[0] if len(able) == 1 else None


def _plain(number: str) -> str:
    """pyOCD leaves out the zeros that the number of a J-Link begins with."""
    return number.lower().lstrip("0")


def confirm(network: QNetwork, firmware: Firmware, crc: int, port: str,
            lock: Lock | None = None) -> None:
    """Ask the board at PORT[@BAUD] what its flash holds. lock: what it was built with.

    Raises EdgeError E504 where it runs or holds something else, E501 or E502 where it cannot be
    asked or does not answer.
    """
    try:
        with open_serial(port, network, build_hash=firmware.build_hash, lock=lock) as device:
            if device.info.start.image_crc != crc:
                raise EdgeError(
                    "E504", f"the flash of {device.name} does not hold what was written",
                    cause=f"its CRC is {device.info.start.image_crc:08x}, that of the firmware "
                          f"{crc:08x}", help="flash it again")
            if device.memory:
                device.memory.forget()
    except EdgeError as problem:
        problem.message = f"written, and not confirmed: {problem.message}"
        raise


def wait_for(path: str) -> None:
    """Until a port is there again that went as its board was programmed."""
    end_s = time.monotonic() + _BACK_S
    while time.monotonic() < end_s and path not in {p.path for p in ports()}:
        time.sleep(_POLL_S)

"""One word names a target: reference, emulator, emulator-checked, qemu:BOARD, serial:PORT.

What a target needs is imported when it is opened.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from edge_dassdp.base.errors import EdgeError

if TYPE_CHECKING:
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.targets.link import LinkTarget
    from edge_dassdp.targets.serial import Port
    from edge_dassdp.targets.target import Target
    from edge_dassdp.wire.lock import Lock

SPECS = "reference, emulator, emulator-checked, qemu:BOARD or serial:PORT[@BAUD]"
BAUD, BAUD_MOST = 115_200, 2**31 - 1


def has_link(spec: str) -> bool:
    """Whether a target is spoken to over a link, which can be logged and locked."""
    return spec.partition(":")[0] in ("qemu", "serial")


def open_target(spec: str, network: QNetwork, *, count: bool = False, log: Path | None = None,
                n_threads: int = 1, save_every: int = 0,
                lock: Path | str | None = None) -> Target:
    """The target that `spec` names (see `SPECS`), with `network` at factory weights on it.

    A board on a serial port keeps what it has learned: only the handshake is made. qemu builds
    the firmware first. count: instructions as ticks, qemu only. log: a file for every byte sent
    and received, qemu and serial only. n_threads: for inference, 0 for all cores, emulator only.
    save_every: labelled samples after which it saves to flash by itself, qemu and emulator only.
    lock: the key file of a locked build, qemu and serial only; without it that of EDGE_DASSDP_LOCK.
    Raises EdgeError E105 for an unknown word, E301 without a tool, E302 where one fails, E401 for
    an unknown board, E402 for one that is too small, E501, E502, E504 or E509 where the link or the
    device refuses, E103 for a file that is no key.
    """
    kind, _, rest = spec.partition(":")
    if count and kind != "qemu":
        raise EdgeError("E105", f"target '{spec}' cannot count instructions",
                        help="choose qemu:BOARD")
    for given, option, does in ((log, "--log", "log"), (lock, "--lock", "lock")):
        if given and not has_link(spec):
            raise EdgeError("E105", f"target '{spec}' has no link to {does}",
                            help=f"choose qemu:BOARD or serial:PORT, or leave {option} out")
    if n_threads != 1 and kind not in ("emulator", "emulator-checked"):
        raise EdgeError("E105", f"target '{spec}' has no threads",
                        help="choose emulator, or leave --threads out")
    if save_every and kind not in ("qemu", "emulator", "emulator-checked"):
        raise EdgeError("E105", f"target '{spec}' is not built here, and saves by itself as it was "
                        "built to", help="give --save-every to build, generate or flash")
    if kind == "qemu" and rest:
        from edge_dassdp.build.board import load_board
        from edge_dassdp.emit.firmware import build_and_compare
        from edge_dassdp.targets.link import RECOVERIES
        from edge_dassdp.targets.qemu import Qemu
        from edge_dassdp.wire.lock import lock_of

        key = lock_of(lock)
        firmware = build_and_compare(network, load_board(rest), save_every=save_every,
                                     lock=key).firmware
        return Qemu.start(network, firmware, count=count, recoveries=RECOVERIES, log=log, lock=key)
    if kind == "serial" and rest:
        from edge_dassdp.wire.lock import lock_of

        return open_serial(rest, network, log=log, lock=lock_of(lock))
    if spec == "reference":
        from edge_dassdp.targets.reference import ReferenceTarget

        return ReferenceTarget(network)
    if spec in ("emulator", "emulator-checked"):
        from edge_dassdp.targets.emulator import Emulator

        return Emulator(network, checked=spec == "emulator-checked", n_threads=n_threads,
                        save_every=save_every)
    raise EdgeError("E105", f"there is no target '{spec}'", help=f"choose {SPECS}")


def open_serial(place: str, network: QNetwork, *, build_hash: int | None = None,
                log: Path | None = None, lock: Lock | None = None) -> LinkTarget:
    """The board at PORT[@BAUD], held to a build of `network` where its hash is given, with what
    this computer remembers of it. Raises EdgeError E105, E501, E502, E504 or E509 as `open_target`.
    """
    from edge_dassdp.storage.memory import Memory
    from edge_dassdp.targets.link import RECOVERIES, LinkTarget
    from edge_dassdp.targets.serial import also_used_by, open_port

    named = _named()
    path, baud = _port(place, named)
    port = named.get(path) or named.get(os.path.realpath(path))
    memory = Memory(f"{port.usb_id} {port.unique_id}") if port and port.unique_id \
        else Memory(path, Path(path))
    stream = open_port(port.path if port else path, baud)
    try:
        return LinkTarget.of(network, stream, build_hash=build_hash, recoveries=RECOVERIES,
                             log=log, memory=memory, lock=lock)
    except BaseException as problem:
        if isinstance(problem, EdgeError) and problem.code == "E502":
            problem.cause = "; ".join(filter(None, (problem.cause, also_used_by(path))))
        stream.close()
        raise


def require_port(place: str) -> None:
    """Raises EdgeError E501 where PORT[@BAUD] names no port that is there, E105 for no baud rate;
    nothing is opened."""
    from edge_dassdp.targets.serial import missing

    named = _named()
    path, baud = _port(place, named)
    if path not in named and "://" not in path and not os.path.exists(path):
        raise missing(path, baud)


def _named() -> dict[str, Port]:
    """The ports of this computer by unique id and by path."""
    from edge_dassdp.targets.serial import ports

    return {name: p for p in ports() for name in (p.unique_id, p.path) if name}


def _port(place: str, known: Collection[str]) -> tuple[str, int]:
    """Path or unique id, and baud rate, of PORT[@BAUD]. A port may have an @ in its own name."""
    path, at, baud = place.rpartition("@")
    if not at or place in known or os.path.exists(place):
        return place, BAUD
    is_rate = baud.isascii() and baud.isdecimal() and len(baud) <= len(str(BAUD_MOST))
    if not path or not is_rate or not 1 <= int(baud) <= BAUD_MOST:
        raise EdgeError("E105", f"'{baud}' is no baud rate, and there is no port '{place}'",
                        help=f"a baud rate is 1 to {BAUD_MOST}: serial:{path or 'PORT'}@{BAUD}")
    return path, int(baud)

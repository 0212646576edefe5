"""pyOCD in a process of its own, for it changes the folder of its process and talks on stdout.

Arguments: `probes TARGET`, or `program TARGET PROBE FILE.hex`. The last line of stdout is one JSON
object; an error is {"error": words}. Nothing of edge_dassdp is imported. It runs in a folder of
ours: pyOCD runs a pyocd_user.py that lies where it is started.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

_PIECE = 4096
_MOST_ID_WORDS = 80


def probes(target: str) -> dict[str, Any]:
    """The probes that are plugged in, and whether `target` is built in or of an installed pack."""
    from pyocd.core.helpers import ConnectHelper
    from pyocd.target import TARGET

    found = ConnectHelper.get_all_connected_probes(blocking=False) or []
    return {"knows_target": target in TARGET or target in _of_packs(),
            "probes": [{"id": probe.unique_id, "title": probe.description[:_MOST_ID_WORDS],
                        "board": _board_of(probe)} for probe in found]}


def _of_packs() -> set[str]:
    try:
        from pyocd.target.pack.pack_target import ManagedPacks

        return {device.part_number.lower() for device in ManagedPacks.get_installed_targets()}
    except ImportError:  # pyOCD without its pack manager
        return set()


def _board_of(probe: Any) -> str:
    """The four digits that name a board; "" where the probe tells none."""
    try:
        return str(getattr(probe, "board_id", None) or "")
    except Exception:  # of USB, where it may not be opened
        return ""


def program(target: str, probe: str, path: str) -> dict[str, Any]:
    """Program an Intel HEX file, read it back, and start it."""
    from pyocd.core.helpers import ConnectHelper
    from pyocd.flash.file_programmer import FileProgrammer

    session = ConnectHelper.session_with_chosen_probe(
        blocking=False, return_first=True, unique_id=probe,
        options={"target_override": target, "no_config": True, "project_dir": ".",
                 "hide_programming_progress": True})
    if session is None:
        return {"error": f"the probe {probe} is not plugged in any more"}
    with session:
        FileProgrammer(session, progress=lambda _: None).program(path)
        wrong = _differs(session.target, path)
        if wrong is None:
            session.target.reset()
    return {"differs_at": wrong}


def _differs(target: Any, path: str) -> int | None:
    """The first address that does not read as the file says: pyOCD leaves out what is not in the
    flash of its target, and only logs it."""
    from intelhex import IntelHex

    image = IntelHex(path)
    for begin, end in image.segments():
        for first in range(begin, end, _PIECE):
            n_bytes = min(_PIECE, end - first)
            read = target.read_memory_block8(first, n_bytes)
            for i, value in enumerate(image.tobinarray(start=first, size=n_bytes)):
                if read[i] != value:
                    return first + i
    return None


def main(verb: str, *words: str) -> dict[str, Any]:
    verbs: dict[str, Callable[..., dict[str, Any]]] = {"probes": probes, "program": program}
    try:
        return verbs[verb](*words)
    except Exception as problem:  # pyOCD's, libusb's, the operating system's
        return {"error": f"{type(problem).__name__}: {problem}"}


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    print(json.dumps(main(*sys.argv[1:])))

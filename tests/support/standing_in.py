"""A package that stands in for pyOCD where a probe is needed: a chip that is a table of bytes.

The real one runs in the tests that need no probe.
"""

from __future__ import annotations

import os
from pathlib import Path

_FILES = {
    "__init__.py": "",
    "core/__init__.py": "",
    "core/helpers.py": '''
import os

MEMORY = {}


class Probe:
    def __init__(self, text):
        self.unique_id, self.description, self.board_id = (text.split(",") + ["", ""])[:3]


class Target:
    def read_memory_block8(self, first, n):
        return [MEMORY.get(a, 0xFF) for a in range(first, first + n)]

    def reset(self):
        print("reset")


class Session:
    target = Target()

    def __enter__(self):
        if os.environ.get("CHIP") == "locked":
            raise RuntimeError("No ACK: the chip is locked")
        return self

    def __exit__(self, *problem):
        return False


class ConnectHelper:
    @staticmethod
    def get_all_connected_probes(blocking=True):
        assert blocking is False
        if os.environ.get("CHIP") == "no usb":
            raise OSError("No backend available")
        return [Probe(text) for text in os.environ.get("PROBES", "").split(";") if text]

    @staticmethod
    def session_with_chosen_probe(blocking, return_first, unique_id, options):
        assert options["target_override"] and options["no_config"]
        return None if os.environ.get("CHIP") == "gone" else Session()
''',
    "flash/__init__.py": "",
    "flash/file_programmer.py": '''
import os

from intelhex import IntelHex
from pyocd.core.helpers import MEMORY


class FileProgrammer:
    def __init__(self, session, progress):
        pass

    def program(self, path):
        print("noise of a library")
        MEMORY.update(IntelHex(path).todict())
        if os.environ.get("CHIP") == "forgets":
            del MEMORY[sorted(a for a in MEMORY if isinstance(a, int))[1000]]
        if os.environ.get("CHIP") == "dies":
            os._exit(3)
''',
    "target/__init__.py": "TARGET = {'nrf51': None, 'stm32f103rc': None}\n",
    "target/pack/__init__.py": "",
    "target/pack/pack_target.py": '''
class Device:
    part_number = "STM32F401RETx"


class ManagedPacks:
    @staticmethod
    def get_installed_targets():
        import os
        return [Device()] if os.environ.get("PACKS") else []
''',
}


def pyocd(folder: Path) -> str:
    """A PYTHONPATH on which it comes first."""
    for name, text in _FILES.items():
        path = folder / "pyocd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])

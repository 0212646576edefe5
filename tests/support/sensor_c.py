"""The fit of an orientation in C, compiled with the flags of the checked emulator."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import Project, emulator_project
from edge_dassdp.targets.emulator import prototypes

FIT = "orientation"


@cache
def fits_in_c() -> tuple[cffi.FFI, Any]:
    """Functions of its header; undefined behaviour is told on standard error."""
    whole = emulator_project({}, checked=True)
    kept = {path: text for path, text in whole.files.items()
            if path.endswith(".h") or Path(path).stem == FIT}
    project, ffi = Project(kept, whole.cflags, whole.ldflags), cffi.FFI()
    with tempfile.TemporaryDirectory() as folder:
        project.write(Path(folder))
        library = Path(folder) / "fits.so"
        subprocess.run([*host_compiler(), *project.compile_flags, *project.units, "-o", library,
                        *project.ldflags], cwd=folder, check=True)
        ffi.cdef(prototypes(Path(folder) / f"src/sensor/{FIT}.h"))
        return ffi, ffi.dlopen(str(library))


def pointer(ffi: cffi.FFI, kind: str, values: Any) -> Any:
    """An array of C, which Python keeps; every value must fit."""
    return ffi.new(f"{kind}[]", [int(v) for v in np.ravel(values)] or [0])

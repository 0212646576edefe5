"""Libraries of models, compiled for this computer and loaded."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from support.scenarios import SCENARIOS

from edge_dassdp.build.host import host_compiler
from edge_dassdp.library.sources import Sources
from edge_dassdp.library.write import library_files
from edge_dassdp.qir import QNetwork

NEEDED = ("-std=c11", "-fno-strict-aliasing", "-ffunction-sections", "-fdata-sections")


def put(files: Mapping[str, str], folder: Path) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


def written(kind: str, folder: Path, **networks: QNetwork) -> Path:
    """A library of models by their names."""
    return put(library_files(networks, kind), folder)


def compiled(compiler: Sequence[str], src: Path, objects: Path, *flags: str) -> list[Path]:
    """Objects of all units of a flat folder, one process for all."""
    objects.mkdir(parents=True, exist_ok=True)
    units = sorted(p for p in src.iterdir() if p.suffix in (".c", ".S"))
    subprocess.run([*compiler, *flags, f"-I{src}", "-c", *units], check=True, cwd=objects)
    return [objects / f"{unit.stem}.o" for unit in units]


@cache
def runtime_archive() -> Path:
    """The runtime with sensors, for shared objects of this computer."""
    folder = Path(mkdtemp())
    network = next(s for s in SCENARIOS.values() if s.quantized.sensor is not None).quantized
    put(Sources.of({"some": network}, "test").runtime, folder / "src")
    objects = compiled(host_compiler(), folder / "src", folder / "obj", *NEEDED, "-O1", "-fPIC")
    subprocess.run(["ar", "rcs", folder / "libdassdp.a", *objects], check=True)
    return folder / "libdassdp.a"


def loaded(network: QNetwork, name: str, folder: Path, wrapper: str) -> ctypes.CDLL:
    """A model and its contract as an application on this computer has them; wrapper: C text that
    makes functions of what is inline."""
    src = put(Sources.of({name: network}, "test").files, folder / "src")
    (folder / "wrapper.c").write_text(wrapper, "utf-8")
    own = [src / f"{name}.c", src / f"{name}_model.c", folder / "wrapper.c"]
    library = folder / "library.so"
    subprocess.run([*host_compiler(), *NEEDED, "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O1",
                    "-fPIC", "-shared", f"-I{src}", *own, runtime_archive(), "-o", library],
                   check=True)
    return ctypes.CDLL(str(library))

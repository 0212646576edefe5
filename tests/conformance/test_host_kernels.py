"""Kernels of the computer against the portable ones, for each of its instruction sets."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import Project, emulator_project

pytestmark = pytest.mark.xdist_group("host kernels")

MAIN = Path(__file__).with_name("kernels_main.c")
SANITIZERS = ("-fsanitize=address", "-fno-sanitize-recover=all")


@cache
def macros() -> frozenset[str]:
    """What the compiler predefines for this computer."""
    text = subprocess.run([*host_compiler(), "-march=native", "-dM", "-E", "-x", "c", "-"],
                          input="", capture_output=True, text=True, check=True).stdout
    return frozenset(line.split()[1] for line in text.splitlines())


def instruction_sets() -> list[str]:
    """Of this computer, the widest last."""
    if "__x86_64__" not in macros():
        return ["native"]
    levels = {"x86-64": "__x86_64__", "x86-64-v3": "__AVX2__"}
    return [*(name for name, macro in levels.items() if macro in macros()), "native"]


def output(project: Project, folder: Path, march: str) -> list[str]:
    """A line per kernel: its name and the checksum of its results."""
    project.write(folder)
    flags = [f"-march={march}" if f == "-march=native" else f for f in project.compile_flags]
    units = [u for u in project.units if u.startswith("kernels/")]
    subprocess.run([*host_compiler(), *flags, *SANITIZERS, *units, "src/core/digest.c", str(MAIN),
                    "-o", "print_all"], cwd=folder, check=True)
    return subprocess.run([folder / "print_all"], capture_output=True, text=True,
                          check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Of the portable kernels, which are the specification."""
    project = emulator_project({}, checked=True)
    assert {Path(u).parts[1] for u in project.units if u.startswith("kernels/")} == {"portable"}
    flags = tuple(f for f in project.cflags if "DASSDP_CHECKED" not in f)
    folder = tmp_path_factory.mktemp("portable")
    return output(Project(project.files, flags, ()), folder, "native")


@pytest.mark.parametrize("march", instruction_sets())
def test_host_kernels_give_the_bits_of_the_portable_ones(
        march: str, expected: list[str], tmp_path: Path) -> None:
    project = emulator_project({})
    assert "kernels/host/accumulate_s8.c" in project.files
    assert output(project, tmp_path, march) == expected
    assert len(expected) == 39

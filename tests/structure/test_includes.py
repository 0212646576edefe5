"""The runtime's folders stand in one order: each reaches only what stands below it."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.scenarios import SCENARIOS

from edge_dassdp.base import assets
from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.build.elf import symbol_table
from edge_dassdp.build.project import Project, emulator_project, firmware_project
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan

FLOORS = ("core", "paths", "rules", "sensor", "learn", "store", "link")
"""From the ground up; kernels stand beside core, whose headers declare them."""
SOURCES = sorted((assets.folder("firmware") / "src").glob("*/*.[chS]"))
FLOOR_OF = {path.name: path.parent.name for path in SOURCES}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def included(path: Path) -> list[str]:
    """Headers of the runtime that a file names."""
    return [name for name in INCLUDE.findall(path.read_text("utf-8")) if name in FLOOR_OF]


def test_every_folder_has_a_floor() -> None:
    assert {path.parent.name for path in SOURCES} == set(FLOORS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_includes_only_what_stands_below(path: Path) -> None:
    own = FLOORS.index(path.parent.name)
    above = [name for name in included(path) if FLOORS.index(FLOOR_OF[name]) > own]
    assert above == []


def test_no_headers_include_each_other_in_a_circle() -> None:
    headers = {path.name: set(included(path)) for path in SOURCES if path.suffix == ".h"}
    while free := [name for name, needs in headers.items() if not needs & headers.keys()]:
        for name in free:
            del headers[name]
    assert headers == {}


def test_no_rule_is_named_below_or_above_its_files() -> None:
    """Records and kernels may serve one rule; its constants, state and functions are its own."""
    rules = {path.stem for path in SOURCES if path.parent.name == "rules" and path.suffix == ".h"}
    words = "|".join(sorted(rules - {"rules"}))
    named = re.compile(rf"dassdp_({words})(_rule)?_(t|learn|check|record|fit)\b|\"({words})\.h\"")
    others = [path for path in SOURCES if path.parent.name != "rules"]
    for path in [*others, *(assets.folder("firmware") / "include").glob("*.h")]:
        assert not named.search(path.read_text("utf-8")), path


@cache
def symbols() -> tuple[dict[str, str], dict[str, set[str]]]:
    """Folder by defined symbol, and the undefined ones of each folder, of the portable build."""
    sources = emit(Plan.of(SCENARIOS["mixed_16"].quantized))
    objects = build_emulator(sources, checked=True).parent / "obj"
    defined: dict[str, str] = {}
    needed: dict[str, set[str]] = defaultdict(set)
    for path in sorted(objects.glob("src/*/*.o")) + sorted(objects.glob("kernels/*/*.o")):
        floor = path.parent.name if path.parent.name in FLOORS else FLOORS[0]
        with path.open("rb") as stream:
            for symbol in symbol_table(ELFFile(stream)).iter_symbols():
                if symbol["st_shndx"] == "SHN_UNDEF":
                    needed[floor].add(symbol.name)
                elif symbol["st_info"]["bind"] == "STB_GLOBAL":
                    defined[symbol.name] = floor
    return defined, needed


@pytest.mark.parametrize("floor", FLOORS)
def test_a_folder_calls_only_what_stands_below(floor: str) -> None:
    defined, needed = symbols()
    assert set(defined.values()) == set(FLOORS)
    own = FLOORS.index(floor)
    assert [name for name in sorted(needed[floor])
            if name in defined and FLOORS.index(defined[name]) > own] == []


def projects() -> list[Project]:
    """One of every board, and both emulators."""
    sources = emit(Plan.of(SCENARIOS["mixed_16"].quantized))
    return [*(firmware_project(sources, load_board(name)) for name in list_boards()),
            emulator_project(sources), emulator_project(sources, checked=True)]


def test_no_two_files_of_a_project_have_one_name() -> None:
    """Flat build systems put all objects, and case-blind ones all headers, side by side."""
    for project in projects():
        for kind in ((".c", ".S"), (".h",)):
            names = [Path(path).stem.lower() for path in project.files if path.endswith(kind)]
            assert sorted(names) == sorted(set(names))

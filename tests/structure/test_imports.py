"""The tree is the way of the data: a folder imports only from folders above it in this list."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import edge_dassdp

PACKAGE = Path(edge_dassdp.__file__).parent
FLOORS = ("base", "sensor", "storage", "wire", "build", "chips", "ir", "frontends", "data", "qir",
          "rules", "reference", "plan", "quantize", "emit", "slots", "targets", "learned",
          "flashing", "twin", "harness", "figures", "library", "measured", "tuning", "report",
          "comparison", "demo", "cli")
GROWING = {"rules", "frontends/torch"}
"""One file a rule or a framework: these may hold more than MOST modules."""
MOST = 12
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_assets" not in path.parts)
EXCEPTIONS: frozenset[tuple[str, str]] = frozenset()
"""(module, imported) that still look upwards: this list may only shrink."""


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path) for path in MODULES}


def imported(path: Path) -> Iterator[str]:
    """Modules of the package that a module imports: at the top, lazily, for type checkers."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.partition(".")[0] == "edge_dassdp")
        elif isinstance(node, ast.ImportFrom) and node.module and \
                node.module.partition(".")[0] == "edge_dassdp":
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                yield deeper if deeper in NAMES else node.module


def floor(module: str) -> str | None:
    """The folder of a module; None for the package's own files."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOORS else None


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_imports_only_what_stands_below(path: Path) -> None:
    own = floor(module_name(path))
    if own is None:
        return
    for name in imported(path):
        if (module_name(path), name) in EXCEPTIONS:
            continue
        below = floor(name)
        assert below is None or FLOORS.index(below) <= FLOORS.index(own), \
            f"{module_name(path)} imports {name}"


def test_every_exception_is_still_needed() -> None:
    upward = {(module_name(path), name) for path in MODULES for name in imported(path)
              if floor(module_name(path)) and floor(name)
              and FLOORS.index(str(floor(name))) > FLOORS.index(str(floor(module_name(path))))}
    assert upward == EXCEPTIONS


NESTED = [folder.name for folder in sorted((PACKAGE / "frontends").iterdir())
          if (folder / "__init__.py").exists()]
"""Folders in `frontends`: what they share stands beside them, and `files` over them."""


def test_the_folders_of_the_frontends_stand_beside_each_other() -> None:
    for path in (PACKAGE / "frontends").rglob("*.py"):
        own = module_name(path).split(".")[2:]
        for name in imported(path):
            below = name.split(".")[2:]
            if below and below[0] in NESTED and own != ["files"]:
                assert own[:1] == below[:1], f"{module_name(path)} imports {name}"


def test_the_frontends_import_in_no_circle() -> None:
    paths = {module_name(path): path for path in (PACKAGE / "frontends").rglob("*.py")}
    TopologicalSorter({name: paths.keys() & set(imported(path)) for name, path in paths.items()}
                      ).prepare()


def test_no_folder_holds_more_than_twelve_modules() -> None:
    for folder in {path.parent for path in MODULES}:
        held = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        name = folder.relative_to(PACKAGE).as_posix()
        assert len(held) <= MOST or name in GROWING, f"{name} holds {len(held)} modules"


def test_every_folder_has_a_floor() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(FLOORS)
def test_no_two_modules_import_each_other() -> None:
    """Round any number of modules, faces of folders included."""
    edges = {module_name(path): set(imported(path)) & NAMES for path in MODULES}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module):], module))
        if module not in done:
            for name in sorted(edges[module]):
                visit(name, (*trail, module))
            done.add(module)

    for module in sorted(edges):
        visit(module, ())



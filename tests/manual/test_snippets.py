"""What the manual says to type: every command is one that there is, every line of Python compiles
and names what there is; the README's commands are run as they stand there."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import typer
from support.commands import ROOT, as_typed

import edge_dassdp as ed
from edge_dassdp.cli.app import app

PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md")
                                     if p.name not in ("cli.md", "errors.md", "fields.md"))]
BLOCK = re.compile(r"^```(?P<kind>\S*)[^\n]*\n(?P<text>.*?)^```$", re.M | re.S)


def blocks(page: Path, *kinds: str) -> Iterator[str]:
    return (b["text"] for b in BLOCK.finditer(page.read_text("utf-8")) if b["kind"] in kinds)


def commands(page: Path) -> list[list[str]]:
    """Words behind edge-dassdp, of blocks of commands; lines that end in a backslash go on."""
    lines = [line for text in blocks(page, "", "bash", "sh", "console")
             for line in text.replace("\\\n", " ").splitlines()]
    found = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines
             if line.removeprefix("$ ").startswith("edge-dassdp ")]
    own = [[*takewhile(lambda word: word not in ("|", ">", "&", "&&", ";"), words[1:])]
           for words in found]
    return [[word for word in words if word != "..."] for words in own]


def parsed(words: list[str]) -> None:
    """Raises what the command line would say of options or words that it does not know."""
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="edge-dassdp")
    while hasattr(command, "list_commands"):
        name, *words = words
        _, found, _ = command.resolve_command(context, [name])
        command, context = found, found.context_class(found, info_name=name, parent=context)
    values, rest, _ = command.make_parser(context).parse_args(args=list(words))
    assert not rest, f"{command.name} does not take {rest}"
    assert values or not words


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)],
                         ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_command_is_one(page: Path) -> None:
    for words in commands(page):
        parsed(words)


@pytest.mark.parametrize("page", [p for p in PAGES if [*blocks(p, "python")]],
                         ids=lambda p: p.relative_to(ROOT).as_posix())
def test_python_names_what_there_is(page: Path) -> None:
    for text in blocks(page, "python"):
        tree = ast.parse(dedent(text))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("edge_dassdp"):
                module = import_module(str(node.module))
                assert all(hasattr(module, a.name) or import_module(f"{node.module}.{a.name}")
                           for a in node.names), ast.unparse(node)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) \
                    and node.value.id == "ed":
                assert node.attr in ed.__all__, f"ed.{node.attr}"


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.cross
def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "digits" / "digits_seed0.npz", tmp_path / "digits.npz")
    shutil.copy(ROOT / "examples" / "digits" / "data.npz", tmp_path / "data.npz")
    env, found = as_typed(tmp_path / "bin"), commands(ROOT / "README.md")
    assert [words[0] for words in found] == ["quantize", "build", "learn", "verify"]
    for words in found:
        done = subprocess.run(["edge-dassdp", *words], cwd=tmp_path, env=env, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stderr


STATES = ("day1.state", "day2.state", "a.state", "b.state")


@pytest.fixture(scope="module")
def somebody(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with what how-to pages take for given: digits under the names that they use."""
    folder = tmp_path_factory.mktemp("somebody")
    env, here = as_typed(folder / "bin"), folder / "here"
    here.mkdir()
    digits = ROOT / "examples" / "digits"
    for name in ("model.npz", "net.npz"):
        shutil.copy(digits / "digits_seed0.npz", here / name)
    for name, split in (("data", "train"), ("day1", "stream"), ("test", "test")):
        part = ed.samples(digits / "data.npz", split)
        np.savez(here / f"{name}.npz", x=part.x[:90], y=part.y[:90])
    network = ed.load(here / "model.npz")
    with np.load(here / "data.npz") as data:
        model = ed.quantize(network, ed.Learning.default(network, 90), x=data["x"], y=data["y"])
    ed.save(model, here / "model.q.npz")
    with np.load(here / "day1.npz") as day, ed.open(model, "emulator") as device:
        for name in STATES:
            device.learn(day["x"][:20], day["y"][:20])
            device.save(here / name)
    return here, env


@pytest.mark.parametrize("page", ["state.md", "neurobench.md", "learning.md"])
def test_the_commands_of_a_page_run(page: str, somebody: tuple[Path, dict[str, str]]) -> None:
    here, env = somebody
    found = commands(ROOT / "docs" / page)
    assert len(found) >= 2
    for words in found:
        done = subprocess.run(["edge-dassdp", *words], cwd=here, env=env, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, f"{words}\n{done.stderr}"

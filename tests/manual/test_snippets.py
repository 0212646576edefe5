"""What the manual says to type: every command is one that there is, every line of Python compiles
and names what there is; the README's commands are run as they stand there."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import typer
from support.commands import ROOT, as_typed
from support.manual import PAGES, blocks, commands

import edge_dassdp as ed
from edge_dassdp.cli.app import app


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


def test_who_installs_pytorch_is_told_of_its_build_without_cuda() -> None:
    """On Linux pip takes gigabytes that nothing here makes use of."""
    installing = [p for p in PAGES if re.search(r"pip install '[^']*\[[^]']*torch", p.read_text())]
    assert len(installing) > 4
    for page in installing:
        text = page.read_text("utf-8")
        assert "download.pytorch.org/whl/cpu" in text or "#pytorch-without-a-gpu" in text, page


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

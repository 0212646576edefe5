"""A framework is one file: what is not named elsewhere needs no change elsewhere."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import nir
import numpy as np
import pytest
import torch

import edge_dassdp
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.frontends.framework import framework
from edge_dassdp.frontends.known import frameworks, sources
from edge_dassdp.frontends.nir import from_nir
from edge_dassdp.frontends.torch import from_torch

PACKAGE = Path(edge_dassdp.__file__).parent
OF_OUR_OWN = {"snntorch": {
    "base/errors.py", "frontends/onnx/neurons.py",          # ONNX files hold its time steps
    "cli/options.py",                                       # the example of --source
    "cli/verbs/system.py",                                  # a package of the extra `torch`
    "demo/digits.py", "demo/watch.py", "frontends/chain.py",  # the examples are trained with it
}}
"""Files that name a framework for another reason than to read it."""

FILE = '''
import torch

from edge_dassdp.frontends.framework import Cells, Framework, Modules, Profile
from edge_dassdp.frontends.profile import firing, only
from edge_dassdp.frontends.torch.layers import matrix


def _cell(module, at, shape):
    return Cells({"beta": module.keep, "threshold": 2.0, "reset": "zero"})


def _dense(module, at, shape):
    return matrix(module.table.T, None, at, shape)


def _run(module, x):
    v, fired, membranes = torch.zeros_like(x[:, 0]), [], []
    for value in x.unbind(1):
        spikes, v = module(value, v)
        fired.append(spikes)
        membranes.append(v)
    return torch.stack(fired, 1), torch.stack(membranes, 1)


def _stored(profile, source):
    only(profile, source, "LIF")
    return {"beta": 0.25} | firing(profile, source, "zero", False, True)


FRAMEWORK = Framework(
    "ToySpike",
    Modules(neurons={"toyspike.Cell": _cell}, layers={"toyspike.Dense": _dense},
            containers={"toyspike.Row": lambda module: [("a", module.a), ("b", module.b)]},
            run=_run),
    Profile(_stored))
'''
LIBRARY = '''
import torch


class Cell(torch.nn.Module):
    keep = 0.5

    def forward(self, x, v):
        v = self.keep * v * (v <= 2) + x
        return (v > 2).float(), v


class Dense(torch.nn.Module):
    table = torch.ones(4, 3)

    def forward(self, x):
        return x @ self.table


class Row(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.b, self.a = Cell(), Dense()
'''


@pytest.fixture
def toyspike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A framework that nobody has heard of, with its file in the folder."""
    for name, folder, text in (("toyspike", tmp_path / "library", LIBRARY),
                               ("edge_dassdp.frontends.torch.toyspike", tmp_path / "file", FILE)):
        folder.mkdir()
        (folder / "toyspike.py").write_text(text, "utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path / "library")
    places = sys.modules["edge_dassdp.frontends.torch"].__path__
    places.append(str(tmp_path / "file"))
    yield "toyspike"
    places.remove(str(tmp_path / "file"))
    for name in ("toyspike", "edge_dassdp.frontends.torch.toyspike"):
        sys.modules.pop(name, None)


def test_its_modules_are_read(toyspike: str) -> None:
    library = __import__(toyspike)
    network = from_torch([library.Row(), torch.nn.Linear(3, 2), library.Cell()], n_steps=2)
    assert network.inputs[0].shape == (4,)
    assert [p.name for p in network.populations] == ["lif1", "lif2"]
    assert network.population("lif1").beta == pytest.approx(np.full(3, 0.5))
    assert network.projection("fc1").weight.shape == (4, 3)
    library.Cell.keep = property(lambda cell: 0.25 if cell.training else 0.5)
    with pytest.raises(EdgeError, match=r"E107.*'lif1' is not what module 0.b \(Cell\) computes"):
        from_torch([library.Row(), torch.nn.Linear(3, 2), library.Cell()], n_steps=2)


def test_its_files_are_read(toyspike: str) -> None:
    neurons = nir.LIF(*(np.full(2, v, np.float32) for v in (0.02, 1.0, 0.0, 1.0, 0.0)))
    graph = nir.NIRGraph.from_list(nir.Input(np.array([2])), nir.Linear(np.eye(2)), neurons,
                                   nir.Output(np.array([2])))
    network = from_nir(graph, n_steps=2, profile=toyspike)
    assert network.populations[0].beta == pytest.approx(np.full(2, 0.25))
    with pytest.raises(EdgeError) as open_:
        from_nir(graph, n_steps=2)
    assert f"{toyspike}: v = 0.25*v" in open_.value.help


def test_messages_list_it(toyspike: str) -> None:
    assert sources() == ("norse", "rockpool", "sinabs", "snntorch", "spikingjelly", toyspike, "nir")
    with pytest.raises(EdgeError) as refused:
        from_torch([torch.nn.Bilinear(2, 2, 2)], n_steps=2)
    assert "SpikingJelly and ToySpike" in refused.value.help
    with pytest.raises(EdgeError) as unknown:
        from_nir(nir.NIRGraph({}, []), n_steps=2, profile="brian")
    assert toyspike in unknown.value.help


def test_the_command_line_lists_all_that_there_are() -> None:
    [option] = get_type_hints(options.Source, include_extras=True)["source"].__metadata__
    assert "norse, rockpool, sinabs, snntorch, spikingjelly or nir" in option.help
    shown = subprocess.run([sys.executable, "-m", "edge_dassdp", "explain", "E102"], check=True,
                           capture_output=True, text=True).stdout
    assert "Norse, Rockpool, Sinabs, snnTorch or SpikingJelly" in " ".join(shown.split())


@pytest.mark.parametrize("name", frameworks())
def test_no_other_file_names_a_framework(name: str) -> None:
    naming = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")
              if any(name in word.lower() for word in _words(path))}
    own = f"frontends/torch/{name}.py"
    assert own in naming and naming - {own} <= OF_OUR_OWN.get(name, set())
    assert framework(name).title.lower() == name


def _words(path: Path) -> Iterator[str]:
    """Names and texts of a file, docstrings left out."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) not in docstrings:
            yield from (value for _, value in ast.iter_fields(node) if isinstance(value, str))


def test_a_face_loads_no_library() -> None:
    told = subprocess.run([sys.executable, "-c", (
        "import sys\n"
        "from edge_dassdp.frontends import framework, nir, onnx, torch\n"
        "framework.titles()\n"
        "print(*(name for name in sys.modules if '.' not in name))")], check=True,
        capture_output=True, text=True).stdout.split()
    assert "edge_dassdp" in told
    assert not {"torch", "nir", "onnx", *frameworks()} & set(told)

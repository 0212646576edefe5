"""`import edge_dassdp as ed`: what a user needs, at hand, and nothing loaded before it is used."""

from __future__ import annotations

import ast
import inspect
import pickle
import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import edge_dassdp as ed
from edge_dassdp.ir import Input, Network, Population, Projection, Readout

ISSUE = ("load", "from_torch", "from_nir", "from_onnx", "Network", "Learning", "Schedule", "Replay",
         "Guard", "Settings", "quantize", "open", "build", "EdgeError", "__version__")
IMPORT_S = 0.15


def tiny() -> Network:
    rng = np.random.default_rng(0)
    return Network(
        (Input("x", 4),),
        (Population("h", 6, np.array(0.9), np.array(1.0)),
         Population("o", 3, np.array(0.9), np.array(1.0))),
        (Projection("in", "x", "h", rng.normal(size=(4, 6))),
         Projection("out", "h", "o", rng.normal(size=(6, 3)))),
        Readout("o", "spike_count"), 5)


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                          text=True).stdout


def test_all_that_is_listed_is_there_and_described() -> None:
    assert set(ISSUE) <= set(ed.__all__) <= set(dir(ed))
    for name in ed.__all__:
        assert getattr(ed, name) is not None
        assert name == "__version__" or getattr(ed, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ed.nothing  # type: ignore[attr-defined]


def test_every_rule_is_listed() -> None:
    from edge_dassdp import rules

    public = {name for name in rules.__all__ if isinstance(getattr(rules, name), type)}
    assert public - set(ed.__all__) == {"Rule"}, "what writes rules"


def test_importing_it_loads_nothing_and_takes_no_time() -> None:
    code = "import sys; {}; print(*sorted(m.partition('.')[0] for m in sys.modules))"
    loaded = set(run(code.format("import edge_dassdp")).split())
    assert not loaded & {"numpy", "torch", "nir", "onnx", "typer", "rich", "jinja2", "elftools"}
    def children_s() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    took = []
    for _ in range(3):
        begin = children_s()
        run("import edge_dassdp")
        took.append(children_s() - begin)
    assert min(took) < IMPORT_S


def test_no_framework_is_loaded_by_the_way_to_a_device() -> None:
    loaded = set(run("import sys, edge_dassdp as ed; ed.quantize, ed.open, ed.load; "
                     "print(*{m.partition('.')[0] for m in sys.modules})").split())
    assert not loaded & {"torch", "nir", "onnx", "matplotlib", "typer"}


def test_no_folder_enters_by_the_front_door() -> None:
    """The face stands above all: through it every import would be an upward one."""
    package = Path(ed.__file__).parent
    folders = {path.name for path in package.iterdir() if path.is_dir()}
    for path in package.glob("*/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "edge_dassdp.face", path
                if node.module == "edge_dassdp":
                    assert {a.name for a in node.names} <= {"__version__", *folders}, path


def test_folders_named_like_verbs_stay_folders() -> None:
    out = run("import edge_dassdp.quantize.wayback as w, edge_dassdp as ed; "
              "from edge_dassdp.build.board import list_boards; "
              "import edge_dassdp.build.elf; edge_dassdp.build.elf.__doc__; "
              "print(callable(ed.quantize), callable(ed.build), w.dequantize.__name__)")
    assert out.split() == ["True", "True", "dequantize"]


def test_a_verb_is_described_as_what_it_does_when_called() -> None:
    assert list(inspect.signature(ed.quantize).parameters) == [
        "network", "learning", "settings", "x", "y", "classes", "spare_classes"]
    assert str(ed.quantize.__doc__).startswith("The integer model of a network")
    assert str(ed.build.__doc__).startswith("Firmware for a board")


def test_files_are_read_by_what_they_are(tmp_path: Path) -> None:
    network = tiny()
    model = ed.quantize(network, ed.Learning.default(network))
    ed.save(network, tmp_path / "n.npz")
    ed.save(model, tmp_path / "m.npz")
    assert str(ed.load(tmp_path / "n.npz")) == str(network)
    assert ed.load_model(tmp_path / "m.npz").sha256 == model.sha256
    assert model.proofs and not ed.load_model(tmp_path / "m.npz").proofs
    for read, name, words in ((ed.load, "m.npz", "load_model"), (ed.load_model, "n.npz", "load"),
                              (ed.load, "none.npz", "")):
        with pytest.raises(ed.EdgeError) as caught:
            read(tmp_path / name)
        assert caught.value.code == "E103" and words in caught.value.help


def test_calibration_takes_samples_as_a_device_does() -> None:
    network = tiny()
    x = 3 * np.random.default_rng(1).normal(size=(20, 4))
    assert ed.quantize(network, x=x).sha256 == ed.quantize(network, x=x.tolist()).sha256
    assert ed.quantize(network, x=x).x_frac_bits != ed.quantize(network, x=x / 8).x_frac_bits
    for wrong in ({"x": x[:, :3]}, {"x": x, "y": np.zeros(3, int)}):
        with pytest.raises(ed.EdgeError) as caught:
            ed.quantize(network, **wrong)
        assert caught.value.code == "E104"


def test_a_network_is_printed_as_a_table() -> None:
    assert str(tiny()).splitlines() == [
        "4 inputs, 3 classes by spike_count, 5 steps",
        "  input       x    4       currents",
        "  population  h    6       v = 0.9*v + i - 1*r; s = [v > 1]",
        "  population  o    3       v = 0.9*v + i - 1*r; s = [v > 1]",
        "  projection  in   x -> h  4x6",
        "  projection  out  h -> o  6x3"]
    assert repr(tiny()) == "<Network 4 inputs, 3 classes by spike_count, 5 steps>"


def test_types_travel_with_the_package() -> None:
    assert (Path(ed.__file__).parent / "py.typed").is_file()


def test_a_function_that_quantizes_runs_in_another_process(tmp_path: Path) -> None:
    """Verbs that are folders can be sent there, also by what sends a script's own functions."""
    for name in ("edge_dassdp", "edge_dassdp.quantize", "edge_dassdp.build"):
        module = import_module(name)
        assert pickle.loads(pickle.dumps(module)) is module
    script = tmp_path / "script.py"
    script.write_text("import joblib\nimport edge_dassdp as ed\nimport edge_dassdp.quantize\n"
                      "def name():\n    return ed.quantize.__name__\n"
                      "print(joblib.Parallel(n_jobs=2)([joblib.delayed(name)()] * 2))\n", "utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(["edge_dassdp.quantize"] * 2), done.stderr

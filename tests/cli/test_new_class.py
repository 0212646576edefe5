"""A class of a user's own CSV, taught by five samples: emulator, micro:bit in QEMU, reference."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import edge_dassdp as ed
from edge_dassdp.data.datasets import load_dataset

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
N_OLD, NEW = 9, "nine"


def cli(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "edge_dassdp", *words], cwd=cwd, text=True,
                          capture_output=True, check=False)


def written(path: Path, x: NDArray[np.float32], y: NDArray[np.int64]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([f"p{i}" for i in range(x.shape[1])] + ["label"])
        rows.writerows([*map("{:.4g}".format, row), NAMES[label]] for row, label in zip(
            x, y, strict=True))


def without_nines(network: ed.Network) -> ed.Network:
    out = network.readout.population
    per_neuron = ("beta", "threshold", "gain", "bias", "v_reset", "v_init")
    return ed.Network(
        network.inputs,
        tuple(replace(p, size=N_OLD, shape=(), **{
            name: getattr(p, name)[:N_OLD] for name in per_neuron
            if np.size(getattr(p, name)) > 1})
              if p.name == out else p for p in network.populations),
        tuple(replace(q, weight=q.weight[:, :N_OLD],
                      bias=None if q.bias is None else q.bias[:N_OLD])
              if q.post == out else q for q in network.projections),
        network.readout, network.n_steps)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    data = load_dataset(ROOT / "examples" / "digits" / "data.npz")
    ed.save(without_nines(ed.load(ROOT / "examples" / "digits" / "digits_seed0.npz")),
            folder / "net.npz")
    old, nines = data.train.y < N_OLD, np.flatnonzero(data.stream.y == N_OLD)[:5]
    written(folder / "train.csv", data.train.x[old], data.train.y[old])
    written(folder / "gesture.csv", data.stream.x[nines], data.stream.y[nines])
    written(folder / "test.csv", data.test.x, data.test.y)
    made = cli(folder, "quantize", "net.npz", "-o", "net.q.npz", "--data", "train.csv", "--classes",
               ",".join(NAMES[:N_OLD]), "--spare-classes", "2", "--class-means", "--replay",
               "40,1,2", "--board", "microbit")
    assert made.returncode == 0, made.stderr
    assert "class means are those of labelled samples" not in made.stdout
    return folder


def taught(work: Path, target: str) -> tuple[bytes, float]:
    """What it has learned, and its accuracy on all ten classes."""
    state = f"{target.replace(':', '_')}.state"
    done = cli(work, "learn", "net.q.npz", "--data", "gesture.csv", "--new-class", NEW, "--idle",
               "100", "--target", target, "--snapshot", state)
    assert done.returncode == 0, done.stderr
    with ed.open(ed.load_model(work / "net.q.npz"), "emulator") as device:
        device.load(work / state)
        data = load_dataset(ROOT / "examples" / "digits" / "data.npz").test
        return (work / state).read_bytes(), float((device.classify(data.x) == data.y).mean())


@pytest.mark.cross
@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_five_samples_teach_a_class_and_all_targets_end_in_the_same_bytes(work: Path) -> None:
    emulated, accuracy = taught(work, "emulator")
    assert accuracy > 0.95, "nine classes alone have 0.88"
    assert taught(work, "qemu:microbit")[0] == taught(work, "reference")[0] == emulated


def test_a_class_that_was_taught_is_known_by_its_name_and_can_be_forgotten(work: Path) -> None:
    taught(work, "emulator")
    known = cli(work, "run", "net.q.npz", "--data", "test.csv", "--restore", "emulator.state")
    assert known.returncode == 0 and "nine" in known.stdout
    gone = cli(work, "forget", "net.q.npz", NEW, "--restore", "emulator.state", "--snapshot",
               "without.state")
    assert gone.returncode == 0, gone.stderr
    unknown = cli(work, "run", "net.q.npz", "--data", "test.csv", "--restore", "without.state")
    assert unknown.returncode == 2 and "'nine', which is no class" in unknown.stderr


@pytest.mark.parametrize(("words", "said"), [
    ("learn net.q.npz --data gesture.csv", "no class of the model"),
    ("learn net.q.npz --data gesture.csv --new-class seven", "is a class that the model knows"),
    ("learn net.q.npz --data train.csv --new-class wave", "no sample to learn from is of class"),
    ("learn net.q.npz --data gesture.csv --new-class nine --rollback", "--rollback first"),
    ("forget net.q.npz seven", "was never taught"),
    ("quantize net.npz -o x.q.npz --spare-classes 17", "takes 1 to 16"),
    ("quantize net.npz -o x.q.npz --spare-classes 1 --frozen", "learns nothing"),
])
def test_what_cannot_be_taught_or_forgotten_is_refused(work: Path, words: str, said: str) -> None:
    done = cli(work, *words.split())
    assert done.returncode != 0 and said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr

"""Labels that are no class of the network: file, row, value, the range, and what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.commands import refused

from edge_dassdp import ir

BAD = {  # the class of the third sample, what is said of it, and what helps
    "4": ("holds 4, and the network has classes 0 to 3", "give each sample its class, 0 to 3"),
    "250": ("holds 250, and the network has classes 0 to 3", "give each sample its class, 0 to 3"),
    "-1": ("holds -1, and the network has classes 0 to 3", "give the others 0 to 3"),
    "-1.0": ("holds -1, and the network has classes 0 to 3", "give the others 0 to 3"),
    "1.5": ("holds 1.5, which is no class: they are whole numbers from 0 on", "'label'"),
    "1e300": ("holds 1e300, which is no class", "'label'"),
}
VERBS = [("run",), ("learn",), ("profile",), ("verify", "--target", "emulator"),
         ("measure", "--board", "microbit"), ("quantize", "-o", "out.q.npz"),
         ("tune", "-o", "out.toml")]


def given(work: Path, verb: tuple[str, ...]) -> Path:
    return work / ("model.npz" if verb[0] in ("quantize", "tune") else "model.q.npz")


@pytest.mark.parametrize("verb", VERBS, ids=lambda v: v[0])
def test_a_row_of_a_table_is_named(work: Path, tmp_path: Path, verb: tuple[str, ...]) -> None:
    x, y = (np.load(work / "data.npz")[k] for k in "xy")
    for value, (told, cure) in BAD.items():
        labels = [*map(str, y[:2]), value, *map(str, y[3:])]
        rows = ["# a comment", ",".join([*(f"f{k}" for k in range(12)), "label"]), *(
            ",".join([*map(repr, row.tolist()), label])
            for row, label in zip(x, labels, strict=True))]
        (tmp_path / "d.csv").write_text("\n".join(rows))
        said = refused("E104", verb[0], given(work, verb), *verb[1:], "--data", tmp_path / "d.csv",
                       cwd=tmp_path)
        assert f"d.csv: row 5, column 'label' {told}" in said and cure in said
        assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("verb", VERBS, ids=lambda v: v[0])
def test_a_place_of_an_array_is_named(work: Path, tmp_path: Path, verb: tuple[str, ...]) -> None:
    """Also behind splits, where it is that of the file."""
    x, y = (np.load(work / "data.npz")[k] for k in "xy")
    y[7] = 9
    parts = {} if verb[0] in ("quantize", "tune") else {
        "train": np.arange(5), "stream": np.arange(5, 30), "test": np.arange(30, 60)}
    np.savez(tmp_path / "d.npz", x=x, y=y, **parts)
    command = (verb[0], given(work, verb), *verb[1:], "--data", tmp_path / "d.npz")
    split = ("--split", "stream") if parts else ()
    said = refused("E104", *command, *split, cwd=tmp_path)
    assert "d.npz: y[7] is 9, and the network has classes 0 to 3" in said
    assert "1 of " in said


def test_classes_from_1_on_are_known(work: Path, tmp_path: Path) -> None:
    x, y = (np.load(work / "data.npz")[k] for k in "xy")
    np.savetxt(tmp_path / "d.csv", np.column_stack([x, y + 1]), delimiter=",")
    said = refused("E104", "run", work / "model.q.npz", "--data", tmp_path / "d.csv")
    assert "d.csv: row " in said and "classes count from 0: give y - 1" in said


def test_one_output_has_no_classes(tmp_path: Path) -> None:
    """Neither numbers, nor names, nor values to be met."""
    rng = np.random.default_rng(0)
    network = ir.Network(
        (ir.Input("x", 3),), (ir.Population("out", 1, 0.5, 1.0),),
        (ir.Projection("fc", "x", "out", rng.normal(size=(3, 1))),),
        ir.Readout("out", "spike_count"), 4)
    ir.save(network, tmp_path / "one.npz")
    x = rng.normal(size=(20, 3))
    for last, told in (("1", "row 2, column 'label' holds 1, and the network has classes 0 to 0"),
                       ("0.25", "row 2, column 'label' holds 0.25, which is no class"),
                       ("-3", "row 2, column 'label' holds -3"),
                       ("ant", "names 2 classes, the network has one output")):
        labels = [last, *["bee" if last == "ant" else "0"] * 19]
        rows = [f"{a},{b},{c},{label}" for (a, b, c), label in zip(x, labels, strict=True)]
        (tmp_path / "d.csv").write_text("\n".join(["a,b,c,label", *rows]))
        said = refused("E104", "quantize", tmp_path / "one.npz", "--frozen", "-o",
                       tmp_path / "q.npz", "--data", tmp_path / "d.csv")
        assert told in said and ("0 for each sample" in said or "add a label of 0" in said)

"""The verbs of models whose outputs are values: targets in files, errors in tables."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.commands import answer, ok, refused
from support.valued import fitted, samples

import edge_dassdp as ed

NAMES = ("angle", "speed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float network, its model, and targets in each kind of file."""
    made = tmp_path_factory.mktemp("values")
    ed.save(fitted(), made / "net.npz")
    x, y = samples(360, 1)
    rows = np.arange(360)
    np.savez(made / "data.npz", x=x, targets=y, target_names=np.array(NAMES), train=rows[:260],
             stream=rows[260:310], test=rows[310:])
    x, y = samples(40, 7, shift=1.2)
    np.savez(made / "stream.npz", x=x, targets=y)
    table(made / "stream.csv", x, y)
    table(made / "turned.csv", x, y[:, ::-1], NAMES[::-1])
    np.savez(made / "later.npz", x=samples(60, 8, shift=1.2)[0],
             targets=samples(60, 8, shift=1.2)[1])
    ok("quantize", made / "net.npz", "--values", "--bits", "fc3=16", "--data", made / "data.npz",
       "-o", made / "v.q.npz")
    return made


def table(path: Path, x: np.ndarray, y: np.ndarray, names: tuple[str, ...] = NAMES,
          more: str = "") -> None:
    """A .csv with targets in front and behind, columns of x between them."""
    head = [f"target:{names[0]}", *(f"x{k}" for k in range(x.shape[1])), f"target:{names[1]}"]
    rows = [",".join(map(repr, [float(b[0]), *map(float, a), float(b[1])]))
            for a, b in zip(x, y, strict=True)]
    path.write_text("\n".join([",".join(head) + more, *(row + more and row for row in rows)]))


def test_quantize_tells_errors_and_no_accuracy(folder: Path, tmp_path: Path) -> None:
    told = answer("quantize", folder / "net.npz", "--values", "--bits", "fc3=16", "--data",
                  folder / "data.npz", "-o", tmp_path / "v.q.npz")["data"]
    assert told["integer_accuracy"] is None and told["agreement"] is None
    assert told["integer_errors"]["outputs"] == list(NAMES)
    assert all(0 < e < 0.7 for e in told["integer_errors"]["nrmse"])
    assert np.allclose(told["integer_errors"]["nrmse"], told["float_errors"]["nrmse"], atol=0.1)
    assert "values: membranes summed" in ok("inspect", tmp_path / "v.q.npz")


def test_run_tells_nrmse_and_mae_in_the_unit_of_the_targets(folder: Path) -> None:
    text = ok("run", folder / "v.q.npz", "--data", folder / "data.npz")
    assert "NRMSE angle 0." in text and "speed 0." in text and "MAE" in text
    assert "accuracy" not in text and "classes" not in text
    told = answer("run", folder / "v.q.npz", "--data", folder / "data.npz")["data"]
    assert told["accuracy"] is None and len(told["errors"]["mae"]) == 2
    assert 1 < told["errors"]["mae"][0] < 30 and told["errors"]["mae"][1] < 0.02


def test_learn_follows_from_an_array_a_table_and_columns_in_another_order(folder: Path) -> None:
    found = [answer("learn", folder / "v.q.npz", "--data", folder / name, "--test",
                    folder / "later.npz")["data"]
             for name in ("stream.npz", "stream.csv", "turned.csv")]
    assert found[0]["digest"] == found[1]["digest"] == found[2]["digest"]
    assert found[0]["after_nrmse"] < found[0]["before_nrmse"]
    assert found[0]["accuracy"] is found[0]["before"] is found[0]["after"] is None
    assert found[0]["errors"]["nrmse"] == pytest.approx(found[1]["errors"]["nrmse"])
    text = ok("learn", folder / "v.q.npz", "--data", folder / "stream.npz", "--test",
              folder / "later.npz")
    assert "NRMSE(100)" in text and "NRMSE before" in text and "accuracy" not in text


def test_verify_and_prove_cover_the_targets(folder: Path, tmp_path: Path) -> None:
    model = folder / "v.q.npz"
    told = answer("verify", model, "--data", folder / "stream.csv", "--learn", "--target",
                  "emulator", "--target", "emulator-checked", "--limit", "12")["data"]
    assert told["bit_exact"] and told["learning_steps"] == 12
    state, log = tmp_path / "v.state", tmp_path / "l.jsonl"
    ok("learn", model, "--data", folder / "stream.npz", "--snapshot", state, "--lessons", log)
    assert answer("prove", model, log, state)["ok"]
    lines = log.read_text().splitlines()
    changed = lines[4].rstrip("}")
    at = changed.rindex('"digest"') - 4
    other = "0" if changed[at] != "0" else "1"
    lines[4] = changed[:at] + other + changed[at + 1:] + "}"
    log.write_text("\n".join(lines) + "\n")
    refused("E406", "prove", model, log, state)


def test_a_stream_of_one_target_is_told(folder: Path, tmp_path: Path) -> None:
    x, y = samples(20, 3)
    np.savez(tmp_path / "flat.npz", x=x, targets=np.tile(y[:1], (20, 1)))
    told = answer("learn", folder / "v.q.npz", "--data", tmp_path / "flat.npz",
                  warns="have the same target")["data"]
    assert told["errors"]["nrmse"] == [None, None]
    assert "no spread" in ok("run", folder / "v.q.npz", "--data", tmp_path / "flat.npz")


@pytest.mark.parametrize("where", [slice(3, 4), slice(None)])
def test_targets_of_1e30_are_refused_as_targets(folder: Path, tmp_path: Path, where: slice) -> None:
    """The threshold of the readout, or the unit of its logits, was blamed."""
    x, y = samples(80, 3)
    y[where] *= 1e30
    np.savez(tmp_path / "huge.npz", x=x, targets=y)
    text = refused("E104", "quantize", folder / "net.npz", "--values", "--data",
                   tmp_path / "huge.npz", "-o", tmp_path / "q.npz")
    assert "the target" in text and "is too large" in " ".join(text.split())
    assert "is out of range" in refused("E104", "learn", folder / "v.q.npz", "--data",
                                        tmp_path / "huge.npz")


def test_targets_to_judge_by_that_do_not_differ_are_refused(folder: Path, tmp_path: Path) -> None:
    """`learn` told nothing of them, before and after."""
    x, y = samples(20, 3)
    np.savez(tmp_path / "flat.npz", x=x, targets=np.tile(y[:1], (20, 1)))
    assert "the targets of 'angle' are all one value" in refused(
        "E104", "learn", folder / "v.q.npz", "--data", folder / "stream.npz", "--test",
        tmp_path / "flat.npz")


def test_the_page_of_a_run_tells_errors(folder: Path, tmp_path: Path) -> None:
    """It was no page, for lines without classes, and NRMSE would have been an accuracy."""
    for name, more in (("a", ()), ("b", ("--limit", "20"))):
        ok("learn", folder / "v.q.npz", "--data", folder / "stream.npz", "--test",
           folder / "later.npz", "--run", tmp_path / name, *more)
    ok("report", tmp_path / "a", "-o", tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "NRMSE" in page and "before and after learning" in page and "Accuracy" not in page
    assert "Values and their targets" in page and "taken for which" not in page
    ok("run", folder / "v.q.npz", "--data", folder / "later.npz", "--run", tmp_path / "r")
    ok("report", tmp_path / "r", "-o", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "NRMSE" in page and "of the samples given" in page and "Accuracy" not in page
    beside = ok("diff", tmp_path / "a", tmp_path / "b")
    assert "errors" in beside and "nrmse" in beside and "accuracy" not in beside


def test_targets_that_do_not_differ_are_no_scale(folder: Path, tmp_path: Path) -> None:
    x, y = samples(20, 3)
    np.savez(tmp_path / "flat.npz", x=x, targets=np.tile(y[:1], (20, 1)))
    assert "are all" in refused("E104", "quantize", folder / "net.npz", "--values", "--data",
                                tmp_path / "flat.npz", "-o", tmp_path / "q.npz")


@pytest.mark.parametrize(("arrays", "told"), [
    ({"y": np.zeros(5, int)}, "holds y and targets"),
    ({"targets": np.ones((5, 2), bool)}, "truth values are classes"),
    ({"targets": np.full((5, 2), np.nan)}, "targets\\[0, 0\\] is NaN"),
    ({"targets": np.zeros((5, 3))}, "3 targets a sample, and the network has 2 outputs"),
    ({"targets": np.full((5, 2), 1e6)}, "10 of 10 targets are; the model takes"),
    ({"target_names": np.array(["angle", "angel"])}, "targets of angle, angel"),
    ({"target_names": np.array(["angle"])}, "expected 2 different texts"),
])
def test_arrays_that_are_no_targets(folder: Path, tmp_path: Path, arrays: dict[str, np.ndarray],
                                    told: str) -> None:
    x, y = samples(5, 3)
    np.savez(tmp_path / "bad.npz", **{"x": x, "targets": y, **arrays})
    text = refused("E104", "learn", folder / "v.q.npz", "--data", tmp_path / "bad.npz")
    assert re.search(told, " ".join(text.split())), text


@pytest.mark.parametrize(("old", "new", "told"), [
    ("target:speed", "label", "'target:...' and 'label'"),
    ("target:speed", "target:", "is called 'target:' alone"),
    ("x0", "target:angle", "two columns are called 'target:angle'"),
])
def test_tables_that_have_no_targets(folder: Path, tmp_path: Path, old: str, new: str,
                                     told: str) -> None:
    text = (folder / "stream.csv").read_text()
    (tmp_path / "bad.csv").write_text(text.replace(old, new, 1))
    found = refused("E104", "run", folder / "v.q.npz", "--data", tmp_path / "bad.csv")
    assert told in " ".join(found.split()), found


def test_a_cell_that_is_no_target_is_named(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "stream.csv").read_text().splitlines()
    lines[3] = "nan," + lines[3].partition(",")[2]
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    assert "row 4, column 'target:angle' holds 'nan'" in " ".join(
        refused("E104", "run", folder / "v.q.npz", "--data", tmp_path / "bad.csv").split())


def test_a_target_out_of_range_is_told_by_its_row(folder: Path, tmp_path: Path) -> None:
    """It was "sample 2", without the file."""
    lines = (folder / "stream.csv").read_text().splitlines()
    lines[3] = "1e6," + lines[3].partition(",")[2]
    (tmp_path / "far.csv").write_text("\n".join(lines))
    assert "far.csv: row 4 holds 1e+06 for 'angle', which is out of range" in " ".join(
        refused("E104", "run", folder / "v.q.npz", "--data", tmp_path / "far.csv").split())
    x, y = samples(5, 3)
    y[2, 1] = 1e6
    np.savez(tmp_path / "far.npz", x=x, targets=y)
    assert "far.npz: targets[2] is 1e+06 for 'speed'" in " ".join(
        refused("E104", "run", folder / "v.q.npz", "--data", tmp_path / "far.npz").split())


def test_a_table_of_values_without_targets_is_told_what_to_call_them(folder: Path, tmp_path: Path
                                                                    ) -> None:
    text = (folder / "stream.csv").read_text()
    (tmp_path / "bare.csv").write_text(text.replace("target:", ""))
    assert "target:NAME" in refused("E104", "learn", folder / "v.q.npz", "--data",
                                    tmp_path / "bare.csv")


def test_values_are_taught_no_class(folder: Path) -> None:
    """"Quantize with --spare-classes 2" was the help, which is refused for values."""
    told = refused("E503", "learn", folder / "v.q.npz", "--data", folder / "stream.npz",
                   "--new-class", "wave")
    assert "its outputs are values" in told and "--spare-classes" not in told


def test_compare_says_that_it_takes_no_values(folder: Path, tmp_path: Path) -> None:
    told = refused("E104", "compare", folder / "net.npz", "--train", folder / "data.npz", "--out",
                   tmp_path / "out", "--seeds", "2")
    assert "compare and tune count classes" in " ".join(told.split())


def test_classes_and_values_are_told_apart(folder: Path, tmp_path: Path) -> None:
    x, _ = samples(30, 3)
    np.savez(tmp_path / "classes.npz", x=x, y=np.arange(30) % 2)
    assert "has classes" in refused("E104", "run", folder / "v.q.npz", "--data",
                                    tmp_path / "classes.npz")
    assert "--values" in refused("E104", "quantize", folder / "net.npz", "--data",
                                 folder / "data.npz", "-o", tmp_path / "q.npz")
    assert "has classes" in refused("E104", "quantize", folder / "net.npz", "--values",
                                    "--data", tmp_path / "classes.npz", "-o", tmp_path / "q.npz")
    assert "there are none" in refused("E105", "quantize", folder / "net.npz", "--values", "-o",
                                       tmp_path / "q.npz")
    assert "right classes" in refused("E105", "quantize", folder / "net.npz", "--values", "--data",
                                      folder / "data.npz", "--weight-bits", "auto", "-o",
                                      tmp_path / "q.npz")

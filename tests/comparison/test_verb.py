"""`compare` as a user meets it, on a data set that is not shipped."""

from __future__ import annotations

import csv
import json
import signal
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from support.commands import answer, begun, ok, refused, shown

import edge_dassdp as ed
from edge_dassdp.cli.options import load_part

METHODS = ("frozen", "delta", "error", "touch")
WRITTEN = {"rows.jsonl", "rows.csv", "table.csv", "metrics.csv", "confusion.csv",
           "comparison.json", "table.tex", "accuracy.svg", "differences.svg", "confusion.svg"}


def words(wine: Path, *more: str | Path) -> list[str | Path]:
    return ["compare", *(wine / f"net{k}.npz" for k in range(3)), "--train", wine / "train.csv",
            "--stream", wine / "stream.csv", "--test", wine / "test.csv", *more]


@pytest.fixture(scope="module")
def done(wine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a comparison over this computer's cores."""
    out = tmp_path_factory.mktemp("compare") / "out"
    ok(*words(wine, "--unshifted", wine / "unshifted.csv", "--seeds", "6", "--jobs", "2", "--out",
              out))
    return out


def test_everything_is_written_and_learning_helps(done: Path) -> None:
    assert {path.name for path in done.iterdir()} == WRITTEN
    found = json.loads((done / "comparison.json").read_text())
    lines = {line["method"]: line for line in found["methods"]}
    assert tuple(lines) == METHODS and found["baseline"] == "delta"
    assert found["samples"] == {"train": 89, "stream": 44, "learned": 44, "test": 45,
                                "unshifted": 45}
    for method in METHODS[1:]:
        against = lines[method]["against"]["frozen"]
        assert against["mean"] > 3 and against["n"] == 6, "it adapts to another instrument"
        assert against["interval"]["kind"] == (
            "bootstrap interval of only 3 networks, 6 seeds")
    assert set(lines["touch"]["against"]) == {"frozen", "delta"}
    assert len(set(found["networks"])) == 3


def test_the_files_agree_with_each_other(done: Path) -> None:
    found = json.loads((done / "comparison.json").read_text())
    rows = list(csv.DictReader((done / "rows.csv").open()))
    assert [(r["method"], int(r["seed"])) for r in rows] == [
        (m, s) for m in METHODS for s in range(6)]
    table = {r["method"]: r for r in csv.DictReader((done / "table.csv").open())}
    for line in found["methods"]:
        values = [float(r["shifted"]) for r in rows if r["method"] == line["method"]]
        assert line["shifted"]["mean"] == pytest.approx(np.mean(values))
        assert float(table[line["method"]]["shifted_mean"]) == pytest.approx(np.mean(values),
                                                                             abs=1e-3)
        assert np.sum(line["confusion"]) == 6 * 45
    metrics = list(csv.DictReader((done / "metrics.csv").open()))
    assert [m["network"] for m in metrics] == found["networks"]
    assert [int(m["ram_bytes"]) for m in metrics] == [m["ram_bytes"] for m in found["metrics"]]
    assert all(float(m["effective_macs"]) + float(m["effective_acs"]) > 0 for m in metrics)
    counts = list(csv.reader((done / "confusion.csv").open()))
    assert counts[0] == ["method", "class", "as class_0", "as class_1", "as class_2"]
    assert len(counts) == 1 + 3 * len(METHODS)
    text = (done / "table.tex").read_text()
    assert "\\toprule" in text and "\\bottomrule" in text and text.count(r" \\") == 5
    for path in done.glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
        assert "<dc:date>" not in path.read_text()


@pytest.mark.parametrize("jobs", ["1", "100000"])
def test_more_or_fewer_processes_give_the_same_bytes(done: Path, wine: Path, tmp_path: Path,
                                                     jobs: str) -> None:
    """One, or as many as there are runs for, and the computer has cores for twice."""
    ok(*words(wine, "--unshifted", wine / "unshifted.csv", "--seeds", "6", "--jobs", jobs, "--out",
              tmp_path / "again"))
    for name in WRITTEN:
        assert (tmp_path / "again" / name).read_bytes() == (done / name).read_bytes(), name


def test_python_gives_the_same_rows(done: Path, wine: Path) -> None:
    parts = {name: load_part(wine / f"{name}.csv", split).samples for name, split in (
        ("train", "train"), ("stream", "stream"), ("test", "test"), ("unshifted", "test"))}
    made = ed.compare([ed.load(wine / f"net{k}.npz") for k in range(3)], seeds=6, jobs=1,
                      methods=METHODS, **parts)
    found = json.loads((done / "comparison.json").read_text())
    assert [r.shifted for r in made.rows] == [r["shifted"] for r in found["rows"]]
    assert made.sentences == found["sentences"]
    assert any(s.startswith("touch: better than frozen") for s in made.sentences)


def test_what_does_not_help_is_said(wine: Path, tmp_path: Path) -> None:
    screen = ok(*words(wine, "--seeds", "4", "--methods",
                       "delta,touch:mu=0.01,readout=0.001,ssdp:a_plus=1e-9,a_base=1e-9",
                       "--no-plots", "--out", tmp_path / "o"))
    text = " ".join(screen.split())
    assert "delta: better than frozen" in text
    assert "touch:mu=0.01,readout=0.001: no difference shown from frozen" in text
    assert "worse than delta" in text
    assert "refused: projection 'fc2': updates of SSDP move no weight" in text
    assert "bootstrap interval of only 4 seeds" in text
    assert not list((tmp_path / "o").glob("*.svg"))


def test_two_networks_have_no_interval_and_no_verdict(wine: Path, tmp_path: Path) -> None:
    first, *_, third = words(wine)[1:4]
    screen = ok("compare", first, third, *words(wine)[4:], "--seeds", "6", "--methods", "delta",
                "--no-plots", "--out", tmp_path / "o")
    text = " ".join(screen.split())
    assert "2 networks: no interval is drawn" in text and "give 3 or more" in text
    assert "better than" not in text and "95 %" not in text and "of 6 seeds" in text


def test_few_seeds_have_no_interval(wine: Path, tmp_path: Path) -> None:
    found = answer(*words(wine, "--seeds", "2", "--methods", "delta", "--no-plots", "--out",
                          tmp_path / "o"), warns="3 networks, and seeds for 2 of them")["data"]
    line = found["methods"][1]
    assert line["against"]["frozen"]["interval"] is None
    assert any("fewer than 3 seeds" in s for s in found["sentences"])


def test_it_goes_on_where_it_was_left(done: Path, wine: Path, tmp_path: Path) -> None:
    """Rows that are there are not computed again; a torn last line is."""
    out = tmp_path / "o"
    out.mkdir()
    lines = (done / "rows.jsonl").read_text().splitlines(keepends=True)
    marked = lines[5].replace('"written": ', '"written": 1000')
    (out / "rows.jsonl").write_text("".join([*lines[:5], marked, lines[6][:40]]))
    command = words(wine, "--unshifted", wine / "unshifted.csv", "--seeds", "6", "--no-plots",
                    "--out", out)
    assert "--resume" in refused("E105", *command)
    assert "5 of 24 runs were there before" in ok(*command, "--resume")
    again = (out / "rows.jsonl").read_text().splitlines(keepends=True)
    assert [a for a, b in zip(again, lines, strict=True) if a != b] == [marked]


def test_other_samples_or_constants_are_another_comparison(wine: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    ok(*words(wine, "--seeds", "1", "--methods", "delta", "--no-plots", "--out", out))
    base = ["--seeds", "1", "--no-plots", "--out", out, "--resume"]
    assert "another comparison" in refused("E105", *words(wine, "--limit", "20", *base))
    assert "2 of 3 runs were there" in ok(*words(wine, "--methods", "delta,touch", *base))
    assert "1 of 2 runs were there" in ok(*words(wine, "--methods", "delta", "--replay", "20,1,1",
                                                 *base))
    assert '"touch"' in (out / "rows.jsonl").read_text(), "what was not asked for stays"
    (out / "rows.jsonl").write_text("nothing\n")
    assert "no rows" in refused("E103", *words(wine, *base))


def test_ctrl_c_keeps_what_was_computed(wine: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    command = words(wine, "--seeds", "500", "--jobs", "2", "--no-plots", "--out", out)
    process = begun(*command)
    try:
        deadline = time.monotonic() + 120
        while not (out / "rows.jsonl").exists() or (out / "rows.jsonl").stat().st_size < 3000:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        if process.poll() is None:
            process.kill()
    n = len((out / "rows.jsonl").read_text().splitlines()) - 1
    assert n > 3
    n_seeds = n // 4
    found = shown(*words(wine, "--seeds", str(n_seeds), "--no-plots", "--out", out, "--resume"))
    assert "runs were there before" in found.stdout


# ---- what compares nothing, or flatters ----------------------------------------------------------


def table(wine: Path, name: str) -> list[str]:
    return (wine / f"{name}.csv").read_text().splitlines()


def test_one_network_twice_is_refused(wine: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.npz").write_bytes((wine / "net0.npz").read_bytes())
    text = refused("E105", "compare", wine / "net0.npz", wine / "net1.npz", tmp_path / "copy.npz",
                   *words(wine)[4:], "--out", tmp_path / "o")
    assert "networks 1 and 3 are the same" in text and "SHA-256" in text
    assert not (tmp_path / "o").exists()


def test_a_stream_of_one_class_is_refused(wine: Path, tmp_path: Path) -> None:
    head, *rows = table(wine, "stream")
    one = [row for row in rows if row.endswith("class_1")]
    (tmp_path / "one.csv").write_text("\n".join([head, *one]))
    text = refused("E105", *words(wine, "--stream", tmp_path / "one.csv", "--out", tmp_path / "o"))
    assert "all samples to learn from are of class 1" in text


def test_shared_samples_are_counted(wine: Path, tmp_path: Path) -> None:
    head, *rows = table(wine, "test")
    (tmp_path / "mixed.csv").write_text("\n".join([head, *rows[:30], *table(wine, "stream")[1:6]]))
    done = shown(*words(wine, "--test", tmp_path / "mixed.csv", "--seeds", "1", "--methods",
                        "delta", "--no-plots", "--out", tmp_path / "o"))
    assert done.returncode == 0
    assert "5 of 35 test samples are among stream: accuracy after" in " ".join(done.stderr.split())
    assert "each test sample is one of stream" in refused(
        "E105", *words(wine, "--test", wine / "stream.csv", "--out", tmp_path / "p"))
    (tmp_path / "most.csv").write_text("\n".join([head, *rows[:5], *table(wine, "stream")[1:31]]))
    assert "30 of 35 test samples are among stream" in refused(
        "E105", *words(wine, "--test", tmp_path / "most.csv", "--out", tmp_path / "p"))


def test_other_units_are_told(wine: Path, tmp_path: Path) -> None:
    head, *rows = table(wine, "test")
    larger = [",".join([*(f"{1000 * float(v):g}" for v in row.split(",")[:-1]), row.split(",")[-1]])
              for row in rows]
    (tmp_path / "mm.csv").write_text("\n".join([head, *larger]))
    done = shown(*words(wine, "--test", tmp_path / "mm.csv", "--seeds", "1", "--methods", "delta",
                        "--no-plots", "--out", tmp_path / "o"))
    text = " ".join(done.stderr.split())
    assert "warning: test: " in text and "in other units" in text


def test_other_names_and_orders_of_classes_are_told(wine: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text((wine / "test.csv").read_text().replace("class_2", "rose"))
    assert "other classes" in refused("E104", *words(wine, "--test", tmp_path / "other.csv",
                                                     "--out", tmp_path / "o"))
    done = shown(*words(wine, "--classes", "class_2,class_0,class_1", "--seeds", "1", "--methods",
                        "delta", "--no-plots", "--out", tmp_path / "o"))
    assert "warning" in done.stderr and "order" in done.stderr


def test_limits_beyond_the_data_are_told(wine: Path, tmp_path: Path) -> None:
    done = shown(*words(wine, "--per-class", "14", "--limit", "100", "--seeds", "1", "--methods",
                        "delta", "--no-plots", "--out", tmp_path / "o"))
    text = " ".join(done.stderr.split())
    assert "fewer than 14 samples to learn from of a class" in text
    assert "100 samples to learn from were asked for, there are" in text


@pytest.mark.parametrize(("more", "words_said"), [
    (("--methods", "touch,touch"), "given twice"), (("--jobs", "0"), "--jobs 0"),
    (("--order", "random"), "order 'random'"), (("--replay", "auto"), "fills a board"),
    (("--methods", "nothing"), "there is no method"), (("--replay", "x"), "expected 2 to 3"),
])
def test_a_wrong_option_is_one_sentence(wine: Path, tmp_path: Path, more: tuple[str, ...],
                                        words_said: str) -> None:
    assert words_said in refused("E105", *words(wine, *more, "--out", tmp_path / "o"))
    assert not (tmp_path / "o").exists()


def test_a_file_without_splits_is_no_stream_by_itself(wine: Path, tmp_path: Path) -> None:
    text = refused("E105", "compare", wine / "net0.npz", "--train", wine / "train.csv", "--out",
                   tmp_path / "o")
    assert "has no splits" in text and "--stream FILE" in text

"""quantize --rules FILE.toml: what a file says learns, with the parts that options change."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import answer, ok, refused

import edge_dassdp as ed

LEARNING = ed.Learning({"fc2": ed.ErrorTouch(mu=20.0, width=0.3), "fc3": ed.ReadoutDelta(0.7)},
                       skip_below=0.1, schedule=ed.Schedule(100, 0.5))


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    LEARNING.save(tmp_path / "rules.toml")
    return tmp_path / "rules.toml"


def quantized(work: Path, folder: Path, *options: str | Path) -> str:
    ok("quantize", work / "model.npz", "-o", folder / "q.npz", *options)
    return ed.load_model(folder / "q.npz").sha256


def test_the_file_is_what_learns(work: Path, rules: Path, tmp_path: Path) -> None:
    found = quantized(work, tmp_path, "--rules", rules)
    assert found == ed.quantize(ed.load(work / "model.npz"), LEARNING).sha256
    assert found == quantized(
        work, tmp_path, "--rule", "fc2=touch:mu=20,width=0.3", "--rule", "fc3=delta:mu=0.7",
        "--schedule", "100,0.5", "--rules", rules)


def test_options_change_parts_of_it(work: Path, rules: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    network = ed.load(work / "model.npz")
    for options, changed in (
            (("--rule", "fc2=error:mu=3"),
             replace(LEARNING, rules={**LEARNING.rules, "fc2": ed.ErrorSSDP(mu=3)})),
            (("--schedule", "50"), replace(LEARNING, schedule=ed.Schedule(50))),
            (("--guard", "4,16"), replace(LEARNING, guard=ed.Guard(True, 4, 16))),
            (("--replay", "0,2"), replace(LEARNING, replay=ed.Replay(0, 2)))):
        assert quantized(work, tmp_path, "--rules", rules, *options) == \
            ed.quantize(network, changed).sha256, options


def test_what_learns_is_said(work: Path, rules: Path, tmp_path: Path) -> None:
    made = answer("quantize", work / "model.npz", "-o", tmp_path / "q.npz", "--rules", rules)
    assert made["data"]["plastic"] == ["fc2", "fc3"]


@pytest.mark.parametrize("options", [("--frozen",), ("--plastic", "fc3")])
def test_what_excludes_it(work: Path, rules: Path, tmp_path: Path,
                          options: tuple[str, ...]) -> None:
    text = refused("E105", "quantize", work / "model.npz", "-o", tmp_path / "q.npz", "--rules",
                   rules, *options)
    assert "excludes" in text and "--rules" in text and not (tmp_path / "q.npz").exists()


def test_what_is_wrong_in_it_is_named(work: Path, rules: Path, tmp_path: Path) -> None:
    text = rules.read_text()
    command = ("quantize", work / "model.npz", "-o", tmp_path / "q.npz", "--rules", rules)
    rules.write_text(text.replace("mu = 20", "mo = 20"))
    assert "[rules.fc2] has no key 'mo'" in refused("E105", *command)
    rules.write_text(text.replace("rules.fc2", "rules.fc9"))
    assert "there is no projection 'fc9'" in refused("E105", *command)
    rules.write_text(text.replace("mu = 20.0", "mu = 0.0"))
    assert "[rules.fc2] ErrorTouch: mu is 0" in refused("E203", *command)
    assert "does not exist" in refused("E103", *command[:-1], tmp_path / "none.toml")
    assert "a float network" in refused("E103", *command[:-1], work / "model.npz")
    assert not (tmp_path / "q.npz").exists()


@pytest.mark.parametrize(("option", "given", "words"), [
    ("--schedule", "errr", ("error", "none")),
    ("--replay", "70,10,1,reservior", ("auto", "none", "reservoir")),
    ("--replay", "auto,3,reservior", ("reservoir",))])
def test_a_word_that_is_none_is_answered_with_those_there_are(
        work: Path, tmp_path: Path, option: str, given: str, words: tuple[str, ...]) -> None:
    told = refused("E105", "quantize", work / "model.npz", option, given, "-o", tmp_path / "q.npz")
    help = told[told.index("help:"):]
    assert all(word in help for word in words), help

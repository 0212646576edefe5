"""Constants of learning as a file: what was written is read, what is no constant is named."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.own_rule import MY_RULE, registries
from support.rule_examples import EXAMPLES
from support.scenarios import SCENARIOS

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.quantize import quantize
from edge_dassdp.rules import document
from edge_dassdp.rules.plugins import load_rules

ROOT = Path(ed.__file__).parents[1]
WHOLE = ed.Learning(
    {name: rule for name, rule in EXAMPLES.items()}, 0.1, 7, ed.Schedule(99, 0.25),
    ed.Replay(5, 3, 2, 1, "reservoir"), ed.Guard(True, 4, 16))


def written(learning: ed.Learning, folder: Path) -> Path:
    learning.save(folder / "l.toml")
    return folder / "l.toml"


@pytest.mark.parametrize("learning", [
    WHOLE, ed.Learning({"fc": ed.ReadoutDelta()}), replace(WHOLE, replay=None, schedule=None),
    ed.Learning({"a": ed.SSDP(), "b": ed.DASSDP(variant="published", gated=False)}),
    ed.Learning({"a": ed.ErrorTouch(mu=np.float64(1) / 3, columns=8), "b": ed.ErrorTouch()}),
    ed.Learning({"a b.c\"d": ed.ErrorSSDP(mu=5, sigma=1e6)}),
])
def test_what_is_written_is_read(learning: ed.Learning, tmp_path: Path) -> None:
    path = written(learning, tmp_path)
    assert ed.Learning.load(path) == learning
    again = tmp_path / "again.toml"
    ed.Learning.load(path).save(again)
    assert again.read_bytes() == path.read_bytes()


@given(st.floats(1e-300, 1e300), st.floats(1e-3, 1e6), st.integers(1, 2**32 - 1))
def test_every_number_comes_back_to_the_last_bit(mu: float, sigma: float, seed: int) -> None:
    learning = ed.Learning({"fc": ed.ErrorSSDP(mu, sigma)}, seed=seed)
    text = document.text(learning, "f")
    assert f"mu = {mu!r}" in text and f"sigma = {sigma!r}" in text and f"seed = {seed}" in text


@pytest.mark.parametrize("name", sorted(n for n, s in SCENARIOS.items() if s.learning)[::4])
def test_the_same_integers_come_of_it(name: str, tmp_path: Path) -> None:
    """Of learning as scenarios have it, replay from flash left out."""
    scenario = SCENARIOS[name]
    assert scenario.learning is not None
    learning = replace(scenario.learning, replay=None)
    if any(rule.needs.mean_counts for rule in learning.rules.values()):
        return
    read = ed.Learning.load(written(learning, tmp_path))
    assert read == learning
    assert quantize(scenario.network, read).network.sha256 == \
        quantize(scenario.network, learning).network.sha256


def test_a_rule_from_outside_is_named_by_its_word(tmp_path: Path) -> None:
    with registries():
        [rule] = load_rules(MY_RULE)
        path = written(ed.Learning({"fc": rule()}), tmp_path)
        assert ed.Learning.load(path).rules == {"fc": rule()}
        word = rule.word
    with pytest.raises(EdgeError, match=f"names a rule '{word}'") as refused:
        ed.Learning.load(path)
    assert "--rules-from" in refused.value.help


GOOD = """format = "edge_dassdp/learning/1"
[rules.fc2]
rule = "touch"
mu = 32
[replay]
flash = 70
[schedule]
samples = 120
"""
BAD = {  # a change, the code, and what is said
    "an unknown key": ("mu = 32", "muu = 32", "E105", "[rules.fc2] has no key 'muu'",
                       "did you mean mu?"),
    "a key far from all": ("mu = 32", "velocity = 32", "E105", "has no key 'velocity'",
                           "choose mu, width, columns, rule"),
    "an unknown table": ("[replay]", "[repaly]", "E105", "the file has no key 'repaly'",
                         "did you mean replay?"),
    "an unknown key of a table": ("flash = 70", "flesh = 70", "E105",
                                  "[replay] has no key 'flesh'", "did you mean flash?"),
    "an unknown rule": ('"touch"', '"tuoch"', "E105", "[rules.fc2] names a rule 'tuoch'",
                        "did you mean touch?"),
    "no rule": ('rule = "touch"', "", "E105", "[rules.fc2] does not say 'rule'", 'rule = "touch"'),
    "text": ("mu = 32", 'mu = "32"', "E105", "[rules.fc2] mu is '32', expected a number", ""),
    "a fraction": ("flash = 70", "flash = 70.5", "E105",
                   "[replay] flash is 70.5, expected a whole number", ""),
    "a truth value": ("samples = 120", "samples = true", "E105", "[schedule] samples is True", ""),
    "out of range": ("mu = 32", "mu = -1", "E203",
                     "[rules.fc2] ErrorTouch: mu is -1, expected a number above 0", ""),
    "infinite": ("mu = 32", "mu = inf", "E105", "mu is inf, expected a number", ""),
    "no rules": ('[rules.fc2]\nrule = "touch"\nmu = 32', "", "E105", "does not say 'rules'", ""),
    "an empty list of rules": ('[rules.fc2]\nrule = "touch"\nmu = 32', "rules = {}", "E203",
                               "no projection has a rule", ""),
    "another format": ("learning/1", "learning/9", "E103", "of format 'edge_dassdp/learning/9', "
                       "expected constants of learning", 'format = "edge_dassdp/learning/1"'),
    "no format": ('format = "edge_dassdp/learning/1"', "", "E103", "that does not say its format",
                  'write this as its first line: format = "edge_dassdp/learning/1"'),
    "no TOML": ("mu = 32", "mu = = 32", "E103", "is no valid TOML", "mend that line"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_constant_is_named(kind: str, tmp_path: Path) -> None:
    before, after, code, words, help = BAD[kind]
    assert before in GOOD
    (tmp_path / "l.toml").write_text(GOOD.replace(before, after))
    with pytest.raises(EdgeError) as refused:
        ed.Learning.load(tmp_path / "l.toml")
    assert refused.value.code == code and words in refused.value.message, str(refused.value)
    assert "l.toml" in refused.value.message and help in refused.value.help, str(refused.value)


@pytest.mark.parametrize(("line", "words"), [
    ("schedule = 3\n", "schedule is 3, expected a table [schedule]"),
    ("rules = 3\n", "rules is 3, expected a table [rules]"),
    ("rules.fc2 = 3\n", "rules.fc2 is 3, expected a table [rules.fc2]")])
def test_a_number_is_no_table(line: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text(f'format = "edge_dassdp/learning/1"\n{line}')
    with pytest.raises(EdgeError) as refused:
        ed.Learning.load(tmp_path / "l.toml")
    assert refused.value.code == "E105" and words in refused.value.message


def test_a_whole_number_will_do_for_a_number(tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text(GOOD)
    assert ed.Learning.load(tmp_path / "l.toml") == ed.Learning(
        {"fc2": ed.ErrorTouch(mu=32)}, schedule=ed.Schedule(120), replay=ed.Replay(70))


def test_the_example_of_the_docs_can_be_copied(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "learning-file.md").read_text("utf-8")
    (tmp_path / "l.toml").write_text(text.partition("```toml\n")[2].partition("```")[0], "utf-8")
    assert ed.Learning.load(tmp_path / "l.toml") == ed.Learning(
        {"fc2": ed.ErrorTouch(32.0), "fc3": ed.ReadoutDelta(0.4)}, schedule=ed.Schedule(),
        replay=ed.Replay(), guard=ed.Guard(True, 4))


# ---- what may come: fields that nobody knows yet -------------------------------------------------


@dataclass(frozen=True)
class One:
    size: float = 1.0


@dataclass(frozen=True)
class Other:
    share: float = 0.5
    is_open: bool = False


@dataclass(frozen=True)
class Later:
    """steps: of a kind of two. gate: there unless it is taken away."""

    rules: dict[str, Any] = field(default_factory=dict)
    steps: One | Other | None = None
    gate: Other | None = Other()
    sizes: tuple[int, ...] = ()
    most: int | None = 4


@pytest.mark.parametrize("made", [
    Later(), Later(steps=One(3.0)), Later(steps=Other(0.25, True)), Later(gate=None, most=None),
    Later(gate=Other(0.1), sizes=(1, 2, 3))])
def test_new_fields_need_no_change(made: Later, tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text(document.text(made, "f/1", ("a comment",)))
    assert document.read(Later, tmp_path / "l.toml", "f/1", "learning") == made


def test_an_unknown_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text('format = "f/1"\n[steps]\nkind = "Othr"\nshare = 0.5\n')
    with pytest.raises(EdgeError, match=r"\[steps\] has the kind 'Othr'") as refused:
        document.read(Later, tmp_path / "l.toml", "f/1", "learning")
    assert refused.value.help == "did you mean Other?"

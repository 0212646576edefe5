"""A rule from outside the package: examples/own_rule as its page shows it, and broken."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.commands import answer, ok, refused
from support.own_rule import MY_RULE, changed, loaded, registries
from support.scenarios import layers

from edge_dassdp import ir, qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.figures.lesson import learning_work
from edge_dassdp.figures.prices import price_all
from edge_dassdp.harness import verify
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning, ReadoutDelta, Rule
from edge_dassdp.rules.declared import struct_members
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.open import open_target
from edge_dassdp.targets.reference import ReferenceTarget

NET = layers((12, 40, 21, 5), n_steps=25, frames=True, readout_beta=0.9)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    with registries():
        yield


def network(rule: type[Rule], bits: int = 8) -> QNetwork:
    rules = {"fc2": rule(2e-4, 4.0, 2), "fc3": ReadoutDelta()}  # type: ignore[call-arg]
    return quantize(NET, Learning(rules), Settings(bits_of={"fc2": bits})).network


def samples(model: QNetwork, n: int) -> NDArray[np.int8]:
    x = np.random.default_rng(3).normal(0, 1, (n, NET.n_inputs)).astype(np.float32)
    return input_x(model, x)


def compared(model: QNetwork, n: int = 30) -> str:
    """What verify says of the reference and the checked emulator: nothing where they agree."""
    found = verify(ReferenceTarget(model), [Emulator(model, checked=True)], model,
                   samples(model, n), np.arange(n) % 5)
    return str(found.divergence or "")


@pytest.mark.parametrize("bits", [5, 8, 16])
def test_it_learns_in_c_what_its_integers_say(bits: int) -> None:
    model = network(loaded(), bits)
    assert compared(model) == ""
    reference = ReferenceTarget(model)
    for x in samples(model, 10):
        reference.learn(x)
    assert (reference.w["fc2"] != model.projection("fc2").w).mean() > 0.2
    assert np.ptp(reference.carried["fc2"]["theta"]) > 500


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("board", ["microbit", "stm32f405", "mps3-an547"])
def test_it_learns_the_same_on_a_core(board: str) -> None:
    model = network(loaded())
    with open_target(f"qemu:{board}", model) as device:
        found = verify(ReferenceTarget(model), [device], model, samples(model, 10),
                       np.arange(10) % 5)
    assert found.differences == 0 and found.learning_steps == 10


def test_its_state_is_part_of_a_snapshot_and_is_checked() -> None:
    model = network(loaded())
    first, second, x = Emulator(model), ReferenceTarget(model), samples(model, 20)
    for sample in x[:10]:
        first.learn(sample)
    second.write_weights("fc2", first.read_weights("fc2"))
    second.write_learning(first.read_learning())
    for sample in x[10:]:
        assert first.learn(sample, digest=True).learned_digest \
            == second.learn(sample, digest=True).learned_digest
    data = bytearray(first.read_learning())
    at = Plan.of(model).layout.offset("theta_fc2")
    data[at : at + 4] = (-5000).to_bytes(4, "little", signed=True)
    for target in (first, second):
        before = target.read_learning()
        with pytest.raises(EdgeError, match="out of range"):
            target.write_learning(bytes(data))
        assert target.read_learning() == before
    with pytest.raises(EdgeError, match="out of range"):
        first._put_learning(bytes(data))  # as an application loads it
    assert not first.named_state()["theta_fc2"].any()


@dataclass(frozen=True)
class Counted:
    """The activity of a reference, as the twin reads it."""

    reference: ReferenceTarget

    def counts(self, population: str) -> NDArray[np.float64]:
        return self.reference.records[population][0].count.astype(float)


def test_its_float_twin_is_near() -> None:
    rule = loaded()(5e-5, 4.0, 2)  # type: ignore[call-arg]
    model = quantize(NET, Learning({"fc2": rule}), Settings(bits_of={"fc2": 16})).network
    q, reference = model.projection("fc2"), ReferenceTarget(model)
    twin, wanted = rule.twin(NET, NET.projection("fc2")), np.zeros(q.w.shape)
    for sample in samples(model, 12):
        reference.learn(sample)
        change = twin.change(Counted(reference), np.zeros(q.n_post))  # type: ignore[arg-type]
        wanted += np.asarray(change) / float(q.scale[0]) * 256
    assert np.abs(wanted).max() > 100
    np.testing.assert_allclose(reference.w["fc2"] - q.w, wanted, atol=12, rtol=0.05)


def test_it_has_a_price() -> None:
    model = network(loaded())
    assert price_all(learning_work(model, samples(model, 3), range(3)), "cortex-m4") is not None


# --- the command line --------------------------------------------------------------------------

@pytest.fixture
def files(tmp_path: Path) -> Path:
    ir.save(NET, tmp_path / "model.npz")
    x = np.random.default_rng(3).normal(0, 1, (12, NET.n_inputs)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(12) % 5)
    return tmp_path


def test_the_commands_of_its_page(files: Path) -> None:
    own = ("--rules-from", MY_RULE)
    model, data = files / "model.q.npz", ("--data", files / "data.npz")
    rule = "fc2=bcm:eta=2e-4,target=4"
    assert "fc2 by BCM" in ok("quantize", files / "model.npz", "--rule", rule, *own, *data, "-o",
                              model)
    assert "BCM" in ok("inspect", model, *own)
    ok("learn", model, *data, "--split", "stream", "--snapshot", files / "learned.npz", *own)
    assert answer("verify", model, *data, "--target", "emulator", "--learn", *own)["data"]
    ok("run", model, *data, "--restore", files / "learned.npz", *own)


def test_a_model_with_a_rule_that_is_not_known_is_refused(files: Path) -> None:
    model = files / "model.q.npz"
    with registries():
        qir.save(network(loaded()), model)
    said = refused("E103", "run", model, "--data", files / "data.npz")
    assert "QBCM" in said and "--rules-from" in said
    said = refused("E105", "quantize", files / "model.npz", "--rule", "fc2=bcm", "-o", model)
    assert "there is no rule 'bcm'" in said


def test_an_installed_package_brings_rules(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the entry point of its metadata, when a file or the command line names one."""
    with registries():
        qir.save(network(loaded()), files / "model.q.npz")
    site = files / "site"
    (site / "theirs-1.dist-info").mkdir(parents=True)
    (site / "theirs-1.dist-info" / "METADATA").write_text("Name: theirs\nVersion: 1\n")
    (site / "theirs-1.dist-info" / "entry_points.txt").write_text(
        "[edge_dassdp.rules]\ntheirs = their_rules\n")
    for source in MY_RULE.parent.glob("my_rule.*"):
        name = "their_rules.py" if source.suffix == ".py" else source.name
        (site / name).write_text(source.read_text("utf-8"), "utf-8")
    monkeypatch.syspath_prepend(site)
    assert qir.load(files / "model.q.npz").projection("fc2").rule.title == "BCM"  # type: ignore[union-attr]


# --- contracts broken --------------------------------------------------------------------------

def test_c_that_learns_something_else_is_named(tmp_path: Path) -> None:
    model = network(loaded(changed(tmp_path, "my_rule.c", "n * (256 * n", "n * (255 * n")))
    said = compared(model)
    assert "fc2" in said and "BCM on 'fc2' is another rule in C than in its `learn`" in said


@pytest.mark.parametrize(("file", "before", "after", "code", "words"), [
    ("my_rule.py", 'word = "bcm"\n    eta', 'word = "stdp"\n    eta', "E203", "two rules have"),
    ("my_rule.py", 'word = "bcm"\n    eta', 'word = "B C M"\n    eta', "E203", "small letters"),
    ("my_rule.py", "    def table(", "    def tables(", "E203", "QBCM does not define table"),
    ("my_rule.py", "    def twin(", "    def twins(", "E203", "no float twin"),
    ("my_rule.py", "@dataclass(frozen=True, eq=False)", "@dataclass(eq=False)", "E203",
     "no frozen dataclass"),
    ("my_rule.py", '"learn": "bcm_learn"', '"learn": "bcm_lern"', "E203", "defines bcm_lern"),
    ("my_rule.py", '"check": "bcm_check"', '"chek": "bcm_check"', "E203", "hook 'chek'"),
    ("my_rule.py", 'stage = "sample"', 'stage = "week"', "E203", "stage 'week'"),
    ("my_rule.py", '("my_rule.c", "my_rule.h")', '("our_rule.c",)', "E103", "there is no"),
    *(("my_rule.py", '("my_rule.c", "my_rule.h")', f'("{name}", "my_rule.h")', "E203",
       "cannot be called") for name in ("my rule.c", "../my_rule.c", "$(x).c", "-x.c", "my_rule.o",
                                        "a.c\\\\n", "a.c;b.c", "")),
    ("my_rule.py", 'header = "my_rule.h"', 'header = "../my_rule.h"', "E203", "cannot be called"),
    ("my_rule.py", "import numpy as np", "import nunpy as np", "E103", "nunpy"),
    ("my_rule.py", '    sources = ("my_rule.c", "my_rule.h")\n', "", "E203", "names no C files"),
    ("my_rule.py", "class BCM(Rule)", "class BCM(object)", "E203", "0 Rule and 1 QRule"),
])
def test_a_file_that_breaks_the_contract_is_refused_as_it_is_loaded(
        tmp_path: Path, file: str, before: str, after: str, code: str, words: str) -> None:
    with pytest.raises(EdgeError, match=words) as caught:
        loaded(changed(tmp_path, file, before, after))
    assert caught.value.code == code


@pytest.mark.parametrize(("file", "before", "after", "code", "words"), [
    ("my_rule.py", "Bound(f\"{name}: amplitude times phi\", amplitude * peak, 32)",
     "Bound(f\"{name}: amplitude times phi\", 2 * amplitude * peak, 32)", "E202", "times phi"),
    ("my_rule.py", "place.update(round_shift(made.k_max * n_steps, 4))",
     "place.update(made.k_max * n_steps)", "E202", "an update may reach"),
    ("my_rule.py", "return made, (", "return made, () and (", "E202", "proves nothing"),
    ("my_rule.py", "return made, (", "return None, (", "E203", "returns a NoneType"),
    ("my_rule.py", 'Needs(counts="both")', 'Needs(counts="none")', "E101", "keep no counts"),
])
def test_constants_without_a_proof_are_refused(tmp_path: Path, file: str, before: str, after: str,
                                               code: str, words: str) -> None:
    rule = loaded(changed(tmp_path, file, before, after))
    with pytest.raises(EdgeError, match=words) as caught:
        network(rule)
    assert caught.value.code == code


@pytest.mark.parametrize(("file", "before", "after", "code", "words"), [
    ("my_rule.h", "int16_t amplitude", "int8_t amplitude", "E201", "'amplitude' is .* int8_t"),
    ("my_rule.h", "int16_t k_max;", "int16_t k_max, k_min;", "E203", "gives no 'k_min'"),
    ("my_rule.py", '("memory", self.memory)', '("memories", self.memory)', "E203", "memor"),
    ("my_rule.h", "} bcm_rule_t;", "} other_t;", "E203", "no struct bcm_rule_t"),
    ("my_rule.py", 'StateField.plain("theta"', 'StateField.plain("tetha"', "E203",
     "'theta' lies, which neither"),
    ("my_rule.py", '{"k": 2 * site.n_post, ', "{", "E203", "'k' lies, which neither"),
])
def test_a_table_that_is_not_the_struct_is_refused(tmp_path: Path, file: str, before: str,
                                                   after: str, code: str, words: str) -> None:
    model = network(loaded(changed(tmp_path, file, before, after)))
    with pytest.raises(EdgeError, match=words) as caught:
        Plan.of(model)
    assert caught.value.code == code


@pytest.mark.parametrize(("before", "after", "code", "words"), [
    ('lesson.state["theta"]', 'lesson.state["teta"]', "E203", "'teta', which its `state` does not"),
    ("rows = np.flatnonzero(pre)", "rows = np.flatnonzero(pre) + 99", "E203", "its `learn` fails"),
    ("round_shift(k * pre[rows][:, None], 4)", "k * pre[rows][:, None]", "E202", "writes an up"),
    ("pre, post, theta = lesson.pre_record.count", "pre, post, theta = lesson.needed('error')",
     "E203", "nothing keeps"),
])
def test_a_reference_that_breaks_the_contract_is_refused(
        tmp_path: Path, before: str, after: str, code: str, words: str) -> None:
    model = network(loaded(changed(tmp_path, "my_rule.py", before, after)), 16)
    reference = ReferenceTarget(model)
    with pytest.raises(EdgeError, match=words) as caught:
        for x in samples(model, 30):
            reference.learn(x)
    assert caught.value.code == code


def test_members_of_a_struct() -> None:
    header = """typedef struct { int x; } other_t;
        typedef struct rule { /* int32_t no; */ int16_t a, b; // uint8_t no;
            const uint8_t *table; uint32_t c_off; } rule_t;"""
    assert struct_members(header, "rule_t") == {
        "a": "int16_t", "b": "int16_t", "table": "const uint8_t *", "c_off": "uint32_t"}
    assert struct_members(header, "none_t") == {}


# --- its page ----------------------------------------------------------------------------------

PAGE = (MY_RULE.parents[2] / "docs" / "own-rule.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("language", "file"), [("python", "my_rule.py"), ("c", "my_rule.h"),
                                                ("c", "my_rule.c")])
def test_the_page_shows_what_the_files_hold(language: str, file: str) -> None:
    text = (MY_RULE.parent / file).read_text("utf-8")
    shown = [block for block in blocks(language) if block in text]
    others = [p.read_text("utf-8") for p in MY_RULE.parent.glob("my_rule.*")]
    assert shown and all(any(block in other for other in others) for block in blocks(language))


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    [console] = blocks("console")
    where, *commands = console.splitlines()
    shutil.copytree(MY_RULE.parents[1], tmp_path / "examples",
                    ignore=shutil.ignore_patterns("watch", "nir", "__pycache__"))
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "edge-dassdp" and "--rules-from" in words
        with registries():
            ok(*words[1:], cwd=tmp_path / where.removeprefix("cd "))
    assert (tmp_path / "examples/own_rule/firmware/firmware.elf").is_file()

"""No verb writes over what it reads or twice to one place, and the place is tried first."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from support.commands import ok, refused, shown

from edge_dassdp.cli.app import VERBS
from edge_dassdp.cli.paths import Writes, read, written


@pytest.fixture
def files(work: Path, tmp_path: Path) -> Path:
    """A folder of one's own with the network, the model, data and a snapshot."""
    for name in ("model.npz", "model.q.npz", "data.npz", "test.npz"):
        shutil.copy(work / name, tmp_path / name)
    ok("learn", "model.q.npz", "--data", "data.npz", "--limit", "3", "--snapshot", "s.npz",
       cwd=tmp_path)
    (tmp_path / "link.npz").symlink_to("data.npz")
    (tmp_path / "rules.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(("kept", "command"), [
    ("model.npz", "quantize model.npz -o model.npz"),
    ("model.npz", "quantize model.npz -o ./model.npz"),
    ("data.npz", "quantize model.npz --data data.npz -o data.npz"),
    ("data.npz", "quantize model.npz --data data.npz -o link.npz"),
    ("rules.py", "quantize model.npz --rules-from rules.py -o rules.py"),
    ("model.q.npz", "learn model.q.npz --data data.npz --snapshot model.q.npz"),
    ("data.npz", "learn model.q.npz --data data.npz --snapshot data.npz"),
    ("s.npz", "learn model.q.npz --data data.npz --restore s.npz --snapshot s.npz"),
    ("test.npz", "learn model.q.npz --data data.npz --test test.npz --snapshot test.npz"),
    ("data.npz", "run model.q.npz --data data.npz --target qemu:microbit --log data.npz"),
    ("model.q.npz", "run model.q.npz --data data.npz --snapshot model.q.npz"),
    ("s.npz", "learn model.q.npz --data data.npz --restore s.npz --lessons s.npz"),
    ("s.npz", "forget model.q.npz wave --restore s.npz --snapshot s.npz"),
    ("data.npz", "compare model.npz --train data.npz --test test.npz --out data.npz"),
    ("s.npz", "state merge model.q.npz s.npz s.npz -o s.npz"),
    ("model.npz", "export model.q.npz s.npz --into model.npz -o model.npz"),
    ("model.q.npz", "export model.q.npz s.npz -o model.q.npz"),
    ("s.npz", "export model.q.npz s.npz -o s.npz"),
])
def test_an_input_is_kept(files: Path, kept: str, command: str) -> None:
    before = (files / kept).read_bytes()
    text = refused("E105", *command.split(), cwd=files)
    assert "would be overwritten" in text and "another file" in text
    assert (files / kept).read_bytes() == before


def test_two_outputs_in_one_place(files: Path) -> None:
    command = "run model.q.npz --data data.npz --target qemu:microbit --snapshot out --log out"
    text = refused("E105", *command.split(), cwd=files)
    assert "written twice" in text and not (files / "out").exists()


@pytest.mark.parametrize(("command", "words"), [
    ("quantize model.npz -o no/such/m.npz", "there is no folder"),
    ("quantize model.npz -o .", "is a folder"),
    ("learn model.q.npz --data data.npz --snapshot no/s.npz", "there is no folder"),
    ("learn model.q.npz --data data.npz --lessons no/l.jsonl", "there is no folder"),
    ("state merge model.q.npz s.npz s.npz -o no/s.npz", "there is no folder"),
    ("generate model.q.npz --board microbit -o data.npz", "is a file, expected a folder"),
])
def test_a_place_is_tried_before_the_work(files: Path, command: str, words: str) -> None:
    assert words in refused("E103", *command.split(), cwd=files)


def commands() -> list[Any]:
    """Of every verb, as its module registers it."""
    verbs = typer.Typer()
    for module in {module for module, _ in VERBS.values()}:
        import_module(f"edge_dassdp.cli.verbs.{module}").register(verbs)
    return verbs.registered_commands


def test_every_output_is_known_as_one() -> None:
    """A path that a verb writes is marked, also in a group of options, so that it is looked at."""
    found = {(command.name, name): kind for command in commands()
             for name, kind in written(command.callback.__annotations__).items()}
    assert found == {
        ("quantize", "output"): Writes.FILE, ("export", "output"): Writes.FILE,
        ("tune", "output"): Writes.FILE, ("compare", "output"): Writes.FOLDER,
        ("generate", "output"): Writes.FOLDER, ("build", "output"): Writes.FOLDER,
        ("demo", "output"): Writes.RUN, ("doctor", "to"): Writes.FILE,
        **{(verb, name): Writes.FILE for verb in ("run", "learn", "profile", "forget")
           for name in ("snapshot", "log")}, ("learn", "lessons"): Writes.FILE,
        **{(verb, "log"): Writes.FILE for verb in ("save", "reset", "trace", "monitor")},
        ("trace", "perfetto"): Writes.FILE,
        ("key", "output"): Writes.FILE, ("report", "output"): Writes.FILE,
        **{(verb, "run"): Writes.RUN for verb in (
            "inspect", "quantize", "tune", "build", "measure", "run", "profile", "verify", "trace",
            "learn", "prove")}}
    paths = {(command.name, name) for command in commands()
             for name, hint in command.callback.__annotations__.items() if "Path" in str(hint)}
    read = {name for _, name in paths - set(found)}
    assert read <= {"file", "model", "data", "test", "restore", "snapshot", "into", "models",
                    "rules", "rules_from", "sensor", "validation", "current", "lesson_log",
                    "start", "lock", "folder", "first", "second", "files", "train", "stream",
                    "unshifted"}, \
        "a new path is read, or marked as written"


MISSING = """\
inspect no.npz
inspect no.nir
inspect no.onnx
quantize no.npz
quantize no.nir
quantize no.onnx --n-steps 3
quantize no.npz --headroom x
quantize model.npz --data no.npz
quantize model.npz -o q.npz --data no.npz
quantize model.npz --rules-from no.npz
quantize model.npz --rules no.npz
tune no.npz
tune model.npz --data no.npz
tune model.npz --data data.npz --validation no.npz
tune model.npz --data data.npz --rules no.npz
compare no.npz
compare model.npz no.npz --train data.npz --out o
compare model.npz --train no.npz
compare model.npz --train data.npz --stream no.npz --test test.npz --out o
compare model.npz --train data.npz --stream data.npz --test no.npz --out o
compare model.npz --train data.npz --stream data.npz --test test.npz --unshifted no.npz --out o
generate no.npz
build no.npz
build model.q.npz --board microbit --lock no.npz
build no.npz --board pentium
measure no.npz
flash no.npz
run no.npz
run no.npz --data data.npz --target qemo:x
run model.q.npz --data no.npz
run model.q.npz --data no.npz --target qemo:x
run model.q.npz --restore no.npz
run model.q.npz --data data.npz --restore no.npz --target qemu:microbit
profile no.npz
learn no.npz
learn model.q.npz --data data.npz --test no.npz
learn model.q.npz --data data.npz --target serial:/dev/none --lock no.npz
verify no.npz
trace no.npz
monitor no.npz
verify model.q.npz --data no.npz --target emulator
prove no.npz l.jsonl s.npz
prove model.q.npz no.jsonl s.npz
prove model.q.npz data.npz s.npz --start no.npz
save no.npz
reset no.npz --factory
export no.npz
export no.npz s.npz
export model.q.npz no.npz
export model.q.npz s.npz --into no.npz
export model.q.npz s.npz -o e.npz --into no.npz
demo --models no.npz
boards --rules-from no.npz
rerun no.run
diff no.run no.run
report no.run
forget no.npz wave""".splitlines()


@pytest.mark.parametrize("command", MISSING)
def test_a_missing_file_is_said_before_a_missing_option(files: Path, command: str) -> None:
    text = refused("E103", *command.split(), cwd=files)
    assert "does not exist" in text and "no." in text
    before = {path.name for path in files.iterdir()}
    done = shown(*command.split(), "--json", cwd=files)
    assert json.loads(done.stdout)["diagnostics"][0]["code"] == "E103"
    assert {path.name for path in files.iterdir()} == before, "nothing is written"


def test_every_verb_that_reads_a_file_is_asked_for_one_that_is_missing() -> None:
    reading = {c.name for c in commands()
               if set(read(c.callback.__annotations__)) - {"rules_from"}}
    assert reading <= {command.split()[0] for command in MISSING}


def test_a_missing_option_is_asked_for_where_the_file_is_there(files: Path) -> None:
    done = shown("quantize", "model.npz", cwd=files)
    assert done.returncode == 2 and "Missing option" in done.stderr and "--output" in done.stderr


def test_the_nearest_name_is_told(files: Path) -> None:
    assert "did you mean model.q.npz?" in refused("E103", "run", "modle.q.npz", cwd=files)
    (files / "od\nd.q.npz").write_text("")
    assert "did you mean od\\nd.q.npz?" in refused("E103", "run", "od.q.npz", cwd=files)
    assert "there is no folder nowhere" in refused("E103", "run", "nowhere/m.npz", cwd=files)
    assert "does not exist" in refused("E103", "run", "x" * 200, cwd=files)
    refused("E103", "run", "x" * 5000, cwd=files)


@pytest.mark.parametrize(("missing", "said"), [
    ("model1.npz", "did you mean model.npz?"), ("modle.q.npz", "did you mean model.q.npz?"),
    ("model2.npz", "did you mean model.npz?"), ("data.csv", "check the path"),
    ("data.q.npz", "quantize it first: edge-dassdp quantize data.npz -o data.q.npz"),
    ("no.q.npz", "check the path"), ("", "check the path")])
def test_the_nearest_name_is_of_the_same_kind(files: Path, missing: str, said: str) -> None:
    """A float network is no near name of a quantized one, but what that is made of."""
    assert said in refused("E103", "run", missing, cwd=files)


@pytest.mark.parametrize("source", ["one.npz", "one.nir", "one.onnx"])
def test_what_a_missing_model_is_quantized_from_is_told(tmp_path: Path, source: str) -> None:
    for name in (source, "one1.q.npz"):
        (tmp_path / name).touch()
    assert f"quantize it first: edge-dassdp quantize {source} -o one.q.npz" in refused(
        "E103", "run", "one.q.npz", cwd=tmp_path)

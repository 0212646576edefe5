"""--lock KEYFILE: every verb with the right key, another one and none, on a port and in QEMU."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.boards import Board, plugged
from support.commands import ok, refused, shown

import edge_dassdp as ed
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.cli.paths import read
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.wire.lock import VARIABLE, Lock

NO_KEY, WRONG_KEY = "this board is locked: --lock KEYFILE", "the key is not that of this board"
WRITING = {
    "learn": "--data data.npz --limit 8 --expect any",
    "run --reset": "--data data.npz --limit 3 --reset",
    "run --restore": "--data data.npz --limit 3 --restore s.npz",
    "verify": "--random 3", "verify --learn": "--random 3 --learn",
    "measure": "--data data.npz --limit 3", "save": "--expect any", "reset": "",
    "reset --factory": "--factory"}
READING = {"run": "--data data.npz --limit 3 --expect any"}


@pytest.fixture(scope="module")
def place(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model, data, a snapshot, the key and another one."""
    folder = tmp_path_factory.mktemp("locked")
    for name in ("model.q.npz", "data.npz", "test.npz"):
        (folder / name).write_bytes((work / name).read_bytes())
    for name in ("key", "other"):
        ok("key", name, cwd=folder)
    ok("learn", "model.q.npz", "--data", "data.npz", "--limit", "3", "--snapshot", "s.npz",
       cwd=folder)
    return folder


@pytest.fixture
def board(place: Path) -> Iterator[Board]:
    model = ed.load_model(place / "model.q.npz")
    library = build_emulator(emit(Plan.of(model), lock=Lock.read(place / "key")))
    with plugged(LoopbackStream(library)) as found:
        yield found


def words(verb: str, options: str, target: str, *more: str) -> list[str]:
    return [verb.partition(" ")[0], "model.q.npz", "--target", target, *options.split(), *more]


@pytest.mark.parametrize("verb", WRITING)
def test_a_verb_that_writes_wants_the_key(board: Board, place: Path, verb: str) -> None:
    target = f"serial:{board.port}"

    def told(*more: str, **env: str) -> str:
        return refused("E509", *words(verb, WRITING[verb], target, *more), cwd=place, **env)

    before = digest(board)
    assert NO_KEY in told() and WRONG_KEY in told("--lock", "other")
    assert WRONG_KEY in told(**{VARIABLE: "other"}) and digest(board) == before
    ok(*words(verb, WRITING[verb], target, "--lock", "key"), cwd=place)
    ok(*words(verb, WRITING[verb], target), cwd=place, **{VARIABLE: "key"})
    ok(*words(verb, WRITING[verb], target, "--lock", "key"), cwd=place, **{VARIABLE: "other"})


@pytest.mark.parametrize("verb", READING)
def test_a_verb_that_reads_does_not(board: Board, place: Path, verb: str) -> None:
    target = f"serial:{board.port}"
    without, using = (ok(*words(verb, READING[verb], target, *more), cwd=place)
                      for more in ((), ("--lock", "key")))
    assert without.splitlines()[0].partition(";")[0] == using.splitlines()[0].partition(";")[0]
    assert WRONG_KEY in refused("E509", *words(verb, READING[verb], target, "--lock", "other"),
                                cwd=place)


def digest(board: Board) -> int:
    from edge_dassdp.wire.session import Session

    found: list[int] = []
    board.between(lambda device: found.append(Session(device).look()["learned_digest"]))
    return found[0]


def test_learn_is_refused_before_a_sample_is_classified(board: Board, place: Path) -> None:
    """Not after minutes of judging."""
    done = shown("learn", "model.q.npz", "--data", "data.npz", "--test", "test.npz", "--json",
                 "--target", f"serial:{board.port}", cwd=place)
    [line] = done.stdout.splitlines()
    found = json.loads(line)
    assert not found["ok"] and NO_KEY in str(found["diagnostics"]) and found["exit"] == 4


def test_a_board_that_is_not_locked_is_told(place: Path) -> None:
    library = build_emulator(emit(Plan.of(ed.load_model(place / "model.q.npz"))))
    with plugged(LoopbackStream(library)) as opened:
        text = refused("E509", *words("learn", WRITING["learn"], f"serial:{opened.port}", "--lock",
                                      "key"), cwd=place)
    assert "this board is not locked" in text


@pytest.mark.parametrize("target", ["emulator", "emulator-checked", "reference"])
def test_what_has_no_link_has_no_lock(place: Path, target: str) -> None:
    for verb, options in (("learn", WRITING["learn"]), ("run", READING["run"]),
                          ("verify", "--random 2")):
        text = refused("E105", *words(verb, options, target, "--lock", "key"), cwd=place)
        assert "has no link to lock" in text
        ok(*words(verb, options, target), cwd=place, **{VARIABLE: "key"})


def test_verify_locks_those_that_can_be(board: Board, place: Path) -> None:
    ok("verify", "model.q.npz", "--target", "emulator", "--target", f"serial:{board.port}",
       "--random", "3", "--lock", "key", cwd=place)


@pytest.mark.parametrize("command", [
    "build model.q.npz -b microbit -o out", "generate model.q.npz -b microbit -o out",
    "flash model.q.npz -b microbit --dry-run", "learn model.q.npz --data data.npz",
    "run model.q.npz --data data.npz --target qemu:microbit",
    "verify model.q.npz --random 2 --target qemu:microbit", "measure model.q.npz -b microbit"])
@pytest.mark.parametrize(("name", "sentence"), [
    ("none", "does not exist"), ("word", "is no key: it has 7 bytes"),
    ("shared", "others may read the key")])
def test_a_file_that_is_no_key_is_refused_before_anything_is_built(
        place: Path, tmp_path: Path, command: str, name: str, sentence: str) -> None:
    (tmp_path / "word").write_bytes(b"secret\n")
    (tmp_path / "word").chmod(0o600)
    (tmp_path / "shared").write_bytes((place / "key").read_bytes())
    (tmp_path / "shared").chmod(0o644)
    if command.startswith("learn"):
        command += " --target serial:/dev/none"
    text = refused("E103", *command.split(), "--lock", tmp_path / name, cwd=place)
    assert sentence in text and not (place / "out").exists()


def test_a_key_is_made_once(tmp_path: Path) -> None:
    assert "which only you may read" in ok("key", "k", cwd=tmp_path)
    made = (tmp_path / "k").read_bytes()
    assert "is there already" in refused("E103", "key", "k", cwd=tmp_path)
    assert (tmp_path / "k").read_bytes() == made


@pytest.mark.usefixtures("arm_toolchain")
def test_built_and_generated_files_are_for_their_owner(place: Path, tmp_path: Path) -> None:
    build = json.loads(ok("build", "model.q.npz", "-b", "microbit", "-o", tmp_path / "b", "--lock",
                          "key", "--json", cwd=place).splitlines()[-1])["data"]
    assert build["locked"] and build["linked"]["by_symbol"]["dassdp_pool"] == 32
    assert build["predicted"]["by_symbol"] == build["linked"]["by_symbol"]
    for path in (tmp_path / "b").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    ok("generate", "model.q.npz", "-b", "microbit", "-o", tmp_path / "g", "--lock", "key",
       cwd=place)
    key_file = tmp_path / "g" / "generated" / "dassdp_lock_key.c"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "g" / "Makefile").stat().st_mode) & 0o044 == 0o044 & ~umask()


def umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_every_verb_in_qemu(place: Path) -> None:
    """Each builds the locked firmware and speaks to it with its key."""
    target = "qemu:microbit"
    for verb, options in (WRITING | READING).items():
        if verb.partition(" ")[0] in ("save", "reset"):  # of boards alone
            continue
        ok(*words(verb, options, target, "--lock", "key"), cwd=place)


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_a_locked_core_from_python(place: Path) -> None:
    """The bits are those of a firmware without a lock."""
    from edge_dassdp.targets.qemu import Qemu

    model = ed.load_model(place / "model.q.npz")
    data = np.load(place / "data.npz")
    with ed.open(model, "qemu:microbit", lock=place / "key") as device, \
            ed.open(model, "reference") as reference:
        for one in (device, reference):
            one.learn(data["x"], data["y"])
        assert device.digest == reference.digest
    firmware = ed.build(model, "microbit", lock=place / "key").firmware
    with Qemu.start(model, firmware) as reader:
        assert reader.is_read_only and reader.info.locked
        with pytest.raises(ed.EdgeError, match=NO_KEY):
            reader.reset()
        assert reader.statistics().n_labelled == 0
    with pytest.raises(ed.EdgeError, match=WRONG_KEY):
        Qemu.start(model, firmware, lock=Lock.read(place / "other"))


def test_the_option_is_read_and_not_written() -> None:
    from edge_dassdp.cli import options

    assert read({"lock": options.Lock}) == ["lock"]

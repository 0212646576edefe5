"""save and reset: what a board keeps in flash, from command to command and over power cuts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.boards import Board, digest, on, plugged, told
from support.commands import refused, shown

from edge_dassdp import qir
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.harness.expected import digest_text, factory_digest
from edge_dassdp.plan import Plan
from edge_dassdp.targets.loopback import LoopbackStream


def plugged_in(work: Path, save_every: int = 0) -> LoopbackStream:
    model = qir.load(work / "model.q.npz")
    return LoopbackStream(build_emulator(emit(Plan.of(model), save_every=save_every)))


@pytest.fixture
def board(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board with slots, just switched on, at a computer that has met none."""
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    with plugged(plugged_in(work)) as made:
        yield made


def asked(board: Board, work: Path, verb: str, *more: str | Path) -> tuple[str | Path, ...]:
    return (verb, work / "model.q.npz", "--target", f"serial:{board.port}", *more)


def test_what_was_saved_is_there_after_a_power_cut(board: Board, work: Path) -> None:
    learned = shown(*on(board, work, "learn"))
    assert "lost with the power" in learned.stdout and "edge-dassdp save" in learned.stdout
    saved = told(shown(*asked(board, work, "save", "--json")))["data"]
    assert saved["n_saves"] == 1
    board.between(LoopbackStream.reboot)
    done = shown(*on(board, work, "run", "--json"))
    assert digest(done) == saved["digest"] and not told(done)["diagnostics"]
    assert told(shown(*asked(board, work, "save", "--json")))["data"]["n_saves"] == 2


def test_lessons_since_the_save_are_counted_when_they_are_lost(board: Board, work: Path) -> None:
    shown(*on(board, work, "learn"))
    saved = told(shown(*asked(board, work, "save", "--json")))["data"]
    shown(*on(board, work, "learn"))
    for happens in (LoopbackStream.reboot, LoopbackStream.press_reset):
        board.between(happens)
        text = refused("E507", *on(board, work, "run"))
        assert "is back at save 1: 20 lessons since are lost" in text and saved["digest"] in text
        assert "factory weights;" not in text
    assert digest(shown(*on(board, work, "run", "--json", "--expect", "any"))) == saved["digest"]


def test_a_board_that_lost_it_all_does_not_save_that(board: Board, work: Path) -> None:
    shown(*on(board, work, "learn"))
    board.between(LoopbackStream.reboot)
    assert "has lost what it had learned" in refused("E507", *asked(board, work, "save"))


def test_a_reset_leaves_flash_alone_and_says_so_and_factory_erases_it(board: Board,
                                                                      work: Path) -> None:
    factory = digest_text(factory_digest(qir.load(work / "model.q.npz")))
    shown(*on(board, work, "learn"))
    saved = told(shown(*asked(board, work, "save", "--json")))["data"]
    done = shown(*asked(board, work, "reset"))
    assert factory in done.stdout and "flash keeps save 1" in done.stdout
    assert digest(shown(*on(board, work, "run", "--json"))) == factory
    board.between(LoopbackStream.reboot)
    done = shown(*on(board, work, "run", "--json"))
    assert digest(done) == saved["digest"]
    assert "weights from flash, save 1" in told(done)["diagnostics"][0]["message"]
    done = shown(*asked(board, work, "reset", "--factory"))
    assert "its flash is erased" in done.stdout
    board.between(LoopbackStream.reboot)
    done = shown(*on(board, work, "run", "--json"))
    assert digest(done) == factory and not told(done)["diagnostics"]


def test_flash_that_does_not_take_it_is_told_with_what_counts(board: Board, work: Path) -> None:
    shown(*on(board, work, "learn"))
    shown(*asked(board, work, "save"))

    def wear_out(device: LoopbackStream) -> None:
        device.flash.wrong_at = device.flash.n_commands + 40

    board.between(wear_out)
    text = refused("E503", *asked(board, work, "save"))
    assert "did not take it: save 1 counts still" in text and "wears out" in text
    assert told(shown(*asked(board, work, "save", "--json")))["data"]["n_saves"] == 2


def test_power_that_goes_in_a_save_leaves_the_one_before(board: Board, work: Path) -> None:
    shown(*on(board, work, "learn"))
    saved = told(shown(*asked(board, work, "save", "--json")))["data"]
    shown(*on(board, work, "learn"))

    def cut(device: LoopbackStream) -> None:
        device.flash.cut_at = device.flash.n_commands + 50

    def power(device: LoopbackStream) -> None:
        device.flash.cut_at = 0
        device.reboot()

    board.between(cut)
    refused("E503", *asked(board, work, "save"))
    board.between(power)
    assert "back at save 1" in refused("E507", *on(board, work, "run"))
    assert digest(shown(*on(board, work, "run", "--json", "--expect", "any"))) == saved["digest"]


def test_a_comparison_leaves_flash_as_it_was(board: Board, work: Path) -> None:
    shown(*on(board, work, "learn"))
    saved = told(shown(*asked(board, work, "save", "--json")))["data"]
    done = shown("verify", work / "model.q.npz", "--data", work / "data.npz", "--target",
                 f"serial:{board.port}", "--limit", "5", "--learn", "--split", "stream")
    assert done.returncode == 0, done.stdout + done.stderr
    assert digest(shown(*on(board, work, "run", "--json"))) == saved["digest"]
    board.between(LoopbackStream.reboot)
    assert digest(shown(*on(board, work, "run", "--json"))) == saved["digest"]


def test_a_comparison_on_a_board_that_saves_by_itself_leaves_what_it_had(
        work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    with plugged(plugged_in(work, save_every=4)) as board:
        learned = told(shown(*on(board, work, "learn", "--json")))["data"]
        assert learned["n_saves"] == 5
        done = shown("verify", work / "model.q.npz", "--data", work / "data.npz", "--target",
                     f"serial:{board.port}", "--limit", "5", "--learn", "--split", "stream")
        assert done.returncode == 0, done.stdout + done.stderr
        board.between(LoopbackStream.reboot)
        assert digest(shown(*on(board, work, "run", "--json"))) == learned["digest"]


@pytest.mark.parametrize("verb", ["save", "reset"])
@pytest.mark.parametrize("target", ["emulator", "reference", "qemu:microbit"])
def test_only_boards_keep_anything(work: Path, verb: str, target: str) -> None:
    assert "is no board" in refused("E105", verb, work / "model.q.npz", "--target", target)


def test_saving_by_itself_is_built_in_and_only_where_there_are_slots(work: Path,
                                                                     tmp_path: Path) -> None:
    model = work / "model.q.npz"
    assert load_board("lm3s6965evb").store is None, "else take another board here"
    for verb in (("build",), ("flash", "--dry-run"), ("generate", "--output", tmp_path / "p")):
        name, *more = verb
        text = refused("E105", name, model, "--board", "lm3s6965evb", "--save-every", "10", *more)
        assert "no slots in flash" in text and "--save-every" in text
    for target in ("reference", "serial:/dev/null"):
        text = refused("E105", "learn", model, "--data", work / "data.npz", "--target", target,
                       "--save-every", "10")
        assert "--save-every" in text
    hashes = {told(shown("build", model, "--board", "microbit", "--json",
                         *more))["data"]["build_hash"]
              for more in ((), ("--save-every", "10"), ("--save-every", "11"))}
    assert len(hashes) == 3
    done = shown("generate", model, "--board", "microbit", "--save-every", "10", "--output",
                 tmp_path / "project")
    assert done.returncode == 0
    text = (tmp_path / "project" / "generated" / "dassdp_program.h").read_text()
    assert "DASSDP_PROGRAM_SAVE_EVERY 10U" in text

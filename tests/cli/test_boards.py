"""A board that keeps what it learned, from command to command: what a restart between two of them
does, and what others do to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from support.boards import Board, digest, on, plugged, told
from support.commands import begun, refused, shown
from support.served import served

import edge_dassdp as ed
from edge_dassdp import qir
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.harness.expected import digest_text, factory_digest
from edge_dassdp.plan import Plan
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.qemu import QemuProcess


@pytest.fixture
def board(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board just switched on, at a computer that has met none."""
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    library = build_emulator(emit(Plan.of(qir.load(work / "model.q.npz"))))
    with plugged(LoopbackStream(library)) as made:
        yield made


def test_what_was_learned_is_there_in_the_next_command(board: Board, work: Path) -> None:
    factory = digest(shown(*on(board, work, "run", "--json")))
    learned = digest(shown(*on(board, work, "learn", "--json")))
    again = shown(*on(board, work, "run", "--json"))
    assert factory == digest_text(factory_digest(qir.load(work / "model.q.npz"))) != learned
    assert digest(again) == learned and not told(again)["diagnostics"]
    assert digest(shown(*on(board, work, "learn", "--json"))) != learned


@pytest.mark.parametrize("verb", ["run", "learn"])
@pytest.mark.parametrize("happens", [LoopbackStream.reboot, LoopbackStream.press_reset])
def test_a_restart_between_two_commands_is_told_with_what_is_lost(
        board: Board, work: Path, verb: str, happens: Any) -> None:
    learned = digest(shown(*on(board, work, "learn", "--json")))
    board.between(happens)
    for _ in range(2):
        text = refused("E507", *on(board, work, verb))
        assert "lost what it had learned from 20 samples" in text and learned in text
        assert "factory weights" in text and "--restore" in text and "--reset" in text
    assert ("reset pin" in text) == (happens is LoopbackStream.press_reset)


@pytest.mark.parametrize("way_on", ["--reset", "--restore", "--expect=any", "--expect=factory"])
def test_after_a_restart_one_goes_on_by_saying_how(board: Board, work: Path, tmp_path: Path,
                                                   way_on: str) -> None:
    snapshot = tmp_path / "learned.npz"
    learned = digest(shown(*on(board, work, "learn", "--json", "--snapshot", snapshot)))
    board.between(LoopbackStream.press_reset)
    refused("E507", *on(board, work, "run"))
    options = [way_on, str(snapshot)] if way_on == "--restore" else [way_on]
    gone_on = digest(shown(*on(board, work, "run", "--json", *options)))
    assert (gone_on == learned) == (way_on == "--restore")
    assert digest(shown(*on(board, work, "run", "--json"))) == gone_on


def test_a_restart_that_loses_nothing_is_no_matter(board: Board, work: Path) -> None:
    digest(shown(*on(board, work, "run", "--json")))
    board.between(LoopbackStream.press_reset)
    assert not told(shown(*on(board, work, "run", "--json")))["diagnostics"]


def test_scripts_name_the_state_that_they_expect(board: Board, work: Path) -> None:
    refused("E507", *on(board, work, "run", "--expect", "last"))
    first = digest(shown(*on(board, work, "learn", "--json", "--expect", "factory")))
    second = digest(shown(*on(board, work, "learn", "--json", "--expect", first)))
    text = refused("E507", *on(board, work, "learn", "--expect", first))
    assert first in text and second in text
    assert digest(shown(*on(board, work, "run", "--json", "--expect", "last"))) == second
    refused("E507", *on(board, work, "run", "--expect", "factory"))
    assert "no state" in refused("E105", *on(board, work, "run", "--expect", "yesterday"))


def test_another_host_that_taught_it_is_told(board: Board, work: Path, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    ours = digest(shown(*on(board, work, "learn", "--json")))
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("EDGE_DASSDP_STATE", str(tmp_path / "another computer"))
        theirs = digest(shown(*on(board, work, "learn", "--json")))
    done = shown(*on(board, work, "run"))
    assert done.returncode == 0 and "taught by another host" in done.stderr
    assert ours in done.stderr and theirs in done.stderr
    assert not shown(*on(board, work, "run")).stderr, "told once"
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("EDGE_DASSDP_STATE", str(tmp_path / "another computer"))
        digest(shown(*on(board, work, "learn", "--json")))
    refused("E507", *on(board, work, "run", "--expect", "last"))


def test_another_terminal_of_the_same_name_is_warned_of_alone(board: Board, work: Path) -> None:
    """Its file is another one, so another board may be behind it."""
    digest(shown(*on(board, work, "learn", "--json")))
    [file] = state().glob("*.json")
    seen = json.loads(file.read_text())
    file.write_text(json.dumps(seen | {"port_s": seen["port_s"] - 60}))
    board.between(LoopbackStream.reboot)
    done = shown(*on(board, work, "run"))
    assert done.returncode == 0 and "or it is another board" in done.stderr


def state() -> Path:
    return Path(os.environ["EDGE_DASSDP_STATE"]) / "boards"


@pytest.mark.parametrize("damage", [
    b"", b"{", b"[]", b'{"format": "edge_dassdp/board/1"}', b"\xff", b"[" * 100_000,
    b'{"format": "edge_dassdp/board/1", "model": "", "build": "", "n_boots": Infinity}'])
def test_a_damaged_memory_is_met_like_none(board: Board, work: Path, damage: bytes) -> None:
    digest(shown(*on(board, work, "learn", "--json")))
    [file] = state().glob("*.json")
    file.write_bytes(damage)
    assert not told(shown(*on(board, work, "run", "--json")))["diagnostics"]


def test_where_nothing_can_be_noted_it_says_so_and_works(board: Board, work: Path, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "file"))
    done = shown(*on(board, work, "learn"))
    assert done.returncode == 0 and "cannot be noted" in done.stderr


@pytest.mark.parametrize("more", [(), ("--learn",)])
def test_verify_keeps_what_a_board_has_learned(board: Board, work: Path,
                                               more: tuple[str, ...]) -> None:
    learned = digest(shown(*on(board, work, "learn", "--json")))
    assert "PASS bit-exact" in shown(*on(board, work, "verify", *more)).stdout
    assert digest(shown(*on(board, work, "run", "--json", "--expect", "last"))) == learned
    assert not list(state().glob("*.state")), "the snapshot is gone with its need"
    assert "PASS bit-exact" in shown(*on(board, work, "verify", "--reset", *more)).stdout
    assert digest(shown(*on(board, work, "run", "--json", "--expect", "last"))) != learned


def comparison(board: Board, work: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """A long one that has begun, and the snapshot of what the board had learned."""
    verify = begun("verify", work / "model.q.npz", "--random", "400", "--learn",
                   "--target", f"serial:{board.port}")
    while not (kept := list(state().glob("[!.]*.state"))):
        assert verify.poll() is None
        time.sleep(0.005)
    time.sleep(0.2)
    assert verify.poll() is None
    return verify, kept[0]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_comparison_that_is_ended_puts_the_board_back(board: Board, work: Path,
                                                        how: signal.Signals) -> None:
    """A terminal that closes and a service that stops send their signal more than once."""
    learned = digest(shown(*on(board, work, "learn", "--json")))
    verify, kept = comparison(board, work)
    for _ in range(1 if how is signal.SIGINT else 3):
        verify.send_signal(how)
        time.sleep(0.01)
    assert verify.wait() == 128 + how
    assert not kept.exists()
    done = shown(*on(board, work, "run", "--json", "--expect", "last"))
    assert digest(done) == learned and not told(done)["diagnostics"]


def test_a_comparison_that_is_killed_loses_nothing(board: Board, work: Path) -> None:
    """What the board had learned is held, and every verb says where, until it is put back."""
    learned = digest(shown(*on(board, work, "learn", "--json")))
    verify, kept = comparison(board, work)
    verify.kill()
    verify.wait()
    for verb in ("run", "learn", "verify"):
        assert str(kept) in refused("E507", *on(board, work, verb))
    assert kept.is_file()
    done = shown(*on(board, work, "run", "--json", "--restore", kept))
    assert digest(done) == learned
    assert digest(shown(*on(board, work, "run", "--json", "--expect", "last"))) == learned
    assert len(list(state().glob("[!.]*.state"))) == 1, "set aside, not thrown away"


def test_a_comparison_that_begins_anew_says_what_it_sets_aside(board: Board, work: Path) -> None:
    digest(shown(*on(board, work, "learn", "--json")))
    verify, kept = comparison(board, work)
    verify.kill()
    verify.wait()
    before = kept.read_bytes()
    anew = shown(*on(board, work, "verify", "--reset"))
    [aside] = state().glob("[!.]*.state")
    assert anew.returncode == 0 and str(aside) in anew.stderr.replace("\n", "")
    assert aside != kept and aside.read_bytes() == before


def test_verify_keeps_the_copy_that_a_board_keeps(board: Board, work: Path) -> None:
    """Of a model with a guard: --save before, --rollback after."""
    model = work / "guarded.q.npz"
    assert shown("quantize", work / "model.npz", "-o", model, "--data", work / "data.npz",
                 "--guard", "0").returncode == 0
    library = build_emulator(emit(Plan.of(qir.load(model))))
    with plugged(LoopbackStream(library)) as guarded:
        def verb(name: str, *more: str) -> CompletedProcess[str]:
            return shown(name, model, "--data", work / "data.npz", "--target",
                         f"serial:{guarded.port}", "--limit", "15", *more)

        assert verb("learn", "--save").returncode == 0
        with ed.open(qir.load(model), f"serial:{guarded.port}") as device:
            saved = device.weights()
        digest(verb("learn", "--json"))
        assert "PASS bit-exact" in verb("verify", "--learn").stdout
        with ed.open(qir.load(model), f"serial:{guarded.port}", expect="last") as device:
            assert any((device.weights()[name] != w).any() for name, w in saved.items())
            device.target.rollback()
            for name, w in saved.items():
                np.testing.assert_array_equal(device.weights()[name], w)


def test_a_device_in_python_says_the_same(board: Board, work: Path) -> None:
    model = qir.load(work / "model.q.npz")
    data = np.load(work / "data.npz")
    with ed.open(model, f"serial:{board.port}", expect="factory") as device:
        device.learn(data["x"][:10], data["y"][:10])
        learned = device.digest
    with ed.open(model, f"serial:{board.port}", expect=learned) as device:
        assert device.digest == learned
    board.between(LoopbackStream.press_reset)
    with pytest.raises(ed.EdgeError) as caught:
        ed.open(model, f"serial:{board.port}")
    assert caught.value.code == "E507" and "10 samples" in caught.value.message
    with ed.open(model, f"serial:{board.port}", expect="any") as device:
        assert device.digest != learned


def test_a_command_that_died_while_it_taught_leaves_no_wrong_memory(board: Board,
                                                                    work: Path) -> None:
    """Its own next command goes on; after a restart what it taught is known to be gone."""
    model = qir.load(work / "model.q.npz")
    data = np.load(work / "data.npz")

    def die() -> None:
        device = ed.open(model, f"serial:{board.port}")
        device.learn(data["x"][:10], data["y"][:10])
        device.target._session.close()  # type: ignore[attr-defined]  # as when it is killed

    die()
    assert not told(shown(*on(board, work, "run", "--json")))["diagnostics"]
    die()
    board.between(LoopbackStream.reboot)
    assert "lost what the last command taught it" in refused("E507", *on(board, work, "run"))


@pytest.mark.parametrize("target", ["emulator", "reference"])
def test_targets_that_begin_anew_remember_nothing(work: Path, target: str) -> None:
    command = ("learn", work / "model.q.npz", "--data", work / "data.npz", "--target", target)
    found = digest(shown(*command, "--json", "--expect", "factory"))
    assert re.fullmatch("[0-9a-f]{8}", found)
    assert digest(shown(*command, "--json")) == found
    assert "nothing is remembered" in refused("E105", *command, "--expect", "last")
    refused("E507", *command, "--expect", found)


def test_a_firmware_that_restarts_between_two_commands_is_told(
        work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arm_toolchain: None,
        qemu: None) -> None:
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    made = ed.build(qir.load(work / "model.q.npz"), "microbit").firmware
    with QemuProcess(made.elf, made.board) as process, served(process.uart) as line:
        command = ("learn", work / "model.q.npz", "--data", work / "data.npz", "--limit", "10",
                   "--target", f"serial:{line}")
        digest(shown(*command, "--json"))
        digest(shown(*command, "--json", "--expect", "last"))
        process.reset()
        assert "start 2 since power came, 1" in refused("E507", *command)
        digest(shown(*command, "--json", "--reset"))
        digest(shown(*command, "--json", "--expect", "last"))

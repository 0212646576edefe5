"""Boards on QEMU's machines, others' models of their chips, in every version on PATH."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from shutil import which

import pytest
from support import lanes
from support.commands import refused, shown
from support.devices import firmware, learn_alike, network, samples
from support.failing_tools import fake, sh
from support.qemus import needs, number, versions

from edge_dassdp import qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, list_boards, load_board
from edge_dassdp.targets.qemu import QEMU, Qemu, find_qemu
from edge_dassdp.targets.reference import ReferenceTarget

cross = pytest.mark.usefixtures("arm_toolchain", "qemu")
KIND, N_SAMPLES = "error", 12
BOARDS = {name: board for name in list_boards() if (board := load_board(name)).qemu}
NEWER = [name for name, board in BOARDS.items() if board.qemu.version]
TREE = "b-l475e-iot01a"
"""The board whose machine models its clocks, and what its USART makes of them."""


def learns_as_the_reference(name: str) -> None:
    reference = ReferenceTarget(network(KIND))
    with Qemu.start(network(KIND), firmware(BOARDS[name], KIND)) as device:
        for x, label in zip(*samples(N_SAMPLES), strict=True):
            learn_alike(reference, device, x, label)
        assert device.statistics().rx_lost == 0


@cross
@pytest.mark.parametrize("name", NEWER)
def test_boards_of_a_newer_qemu_learn_as_the_reference(name: str) -> None:
    needs(BOARDS[name])
    learns_as_the_reference(name)


PAIRS = [(version, name) for version in versions() for name, board in BOARDS.items()
         if number(version) >= number(board.qemu.version)]
"""On a change one of each version."""


@cross
@pytest.mark.parametrize(("version", "name"), PAIRS if lanes.nightly else {
    version: (version, name) for version, name in PAIRS}.values())
def test_every_board_learns_in_every_qemu_that_has_it(version: str, name: str,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    first = os.path.dirname(versions()[version])
    monkeypatch.setenv("PATH", f"{first}:{os.environ['PATH']}")
    learns_as_the_reference(name)


RCC_CFGR, RCC_APB2ENR = 0x4002_1008, 0x4002_1060
RATES = [(None, 115_107), (RCC_CFGR, 28_776), (RCC_APB2ENR, 0)]
"""A register that is left alone, and what 139 makes of 16 MHz, of the 4 MHz that the chip starts
with, and of no clock."""


def baud_rates(board: Board, folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """What the model of the USART says that its line runs at, once for each change."""
    real, log = find_qemu(board.qemu.version), folder / "trace"
    script = sh(f'case "$*" in *--version*) exec {real} "$@";; esac',
                f'exec {real} "$@" -trace stm32l4x5_usart_update_params -D {log}')
    monkeypatch.setenv("PATH", f"{fake(folder, QEMU, script).parent}:{os.environ['PATH']}")
    with Qemu.start(network(KIND), firmware(board, KIND)):
        pass
    return {int(rate) for rate in re.findall(r"speed: (\d+)", log.read_text())}


@cross
@pytest.mark.parametrize("name", [TREE])
@pytest.mark.parametrize(("left_out", "rate"), RATES)
def test_the_clock_tree_gives_the_baud_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                            left_out: int | None, rate: int, name: str) -> None:
    board = BOARDS[name]
    needs(board)
    setup = tuple(store for store in board.setup if store.address != left_out)
    assert baud_rates(replace(board, setup=setup), tmp_path, monkeypatch) == {rate}


def says(words: str) -> str:
    return sh(f'echo "{words}"')


OLD, NEW = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)", "QEMU emulator version 10.0.2"


@pytest.mark.parametrize("words", [OLD, "QEMU emulator version 9.0.4", "somebody's script", ""])
def test_without_a_newer_qemu_it_says_which_is_needed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setenv("PATH", str(fake(tmp_path, QEMU, says(words)).parent))
    with pytest.raises(EdgeError) as caught:
        find_qemu("9.1")
    told = str(caught.value)
    assert caught.value.code == "E301"
    assert "9.1 or newer" in told and words in told and "bookworm-backports" in told


def test_a_newer_qemu_is_found_beside_an_older_one(tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    for name, words in (("old", OLD), ("new", NEW)):
        (tmp_path / name).mkdir()
        paths.append(fake(tmp_path / name, QEMU, says(words)))
    monkeypatch.setenv("PATH", ":".join(str(path.parent) for path in paths))
    assert find_qemu("") == str(paths[0])
    assert find_qemu("7.2") == str(paths[0])
    assert find_qemu("9.1") == str(paths[1])


@cross
def test_a_verb_says_which_qemu_a_board_needs(tmp_path: Path) -> None:
    folder = fake(tmp_path, QEMU, says(OLD)).parent
    for tool in ("gcc", "objcopy", "objdump"):
        (folder / f"arm-none-eabi-{tool}").symlink_to(str(which(f"arm-none-eabi-{tool}")))
    model = tmp_path / "model.q.npz"
    qir.save(network(KIND), model)
    told = refused("E301", "verify", model, "--random", "1", "--target", f"qemu:{TREE}",
                   PATH=str(folder))
    assert "9.1 or newer is not installed" in told and "7.2.22" in told


def test_doctor_names_the_boards_that_need_a_newer_qemu(tmp_path: Path) -> None:
    done = shown("doctor", "--json", PATH=str(fake(tmp_path, QEMU, says(OLD)).parent))
    [line] = [check for check in json.loads(done.stdout)["data"]["checks"]
              if check["what"] == f"{QEMU} 9.1"]
    assert line["optional"] and not line["ok"]
    assert all(f"qemu:{name}" in line["needed_for"] for name in NEWER)

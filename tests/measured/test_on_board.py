"""Column M as the command line shows it: boards that are plausible, that lie, and that go away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.board import Board as Plugged
from support.commands import answer, ok, refused, shown
from support.currents import Recording, ppk2
from support.devices import network, stream
from support.failing_tools import GCC, OBJCOPY, OBJDUMP
from support.liar import Liar, Lie, fields
from support.lies import LIES
from support.served import served

from edge_dassdp import qir
from edge_dassdp.build.board import load_board
from edge_dassdp.emit.firmware import build_and_compare
from edge_dassdp.targets.qemu import QemuProcess
from edge_dassdp.wire.session import Port

KIND = "error"
N = 4
TICKS = 1600
"""Of an inference: 0.1 ms at 16 MHz, in which no answer comes."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.q.npz and N samples of it."""
    made = tmp_path_factory.mktemp("on_board")
    qir.save(network(KIND), made / "model.q.npz")
    x = np.random.default_rng(5).normal(0, 1, (N, network(KIND).inputs[0].size))
    np.savez(made / "data.npz", x=x.astype(np.float32), y=np.arange(N) % network(KIND).n_classes)
    return made


def words(folder: Path, line: str, *more: str) -> list[str | Path]:
    return ["measure", folder / "model.q.npz", "--data", folder / "data.npz", "--target",
            f"serial:{line}", *more]


def a_board(*others: Lie, **hello: Any) -> Port:
    """The device's own C, which says what an STM32F405 would. others: lies on top."""
    told = {"board": b"stm32f405".ljust(16, b"\0"), "tick_bits": 32,
            "counter_idx": 0, "reading_ticks": 3} | hello
    device: Port = stream(KIND)
    for lie in (fields("HELLO", "", **told),
                fields("STATISTICS", "", stack_size=2048, stack_used=440, rx_lost=0),
                fields("INFER", "", forward_ticks=TICKS),
                fields("LEARN", "", forward_ticks=TICKS, learn_ticks=TICKS // 2), *others):
        device = Liar(device, lie)
    return device


@contextmanager
def on_line(*others: Lie, **hello: Any) -> Iterator[str]:
    with served(a_board(*others, **hello)) as line:
        yield line


def measured(folder: Path, line: str, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = answer(*words(folder, line, *more))["data"]
    return found


def test_a_board_s_cycles_stand_in_column_m_alone(folder: Path) -> None:
    with on_line() as line:
        screen = ok(*words(folder, line), COLUMNS="200")
    rows = {row.rsplit("  ", 1)[0].strip()[:60]: row.split() for row in screen.splitlines()
            if row.strip()}
    [cycles] = [row for name, row in rows.items() if name.startswith("cycles, inference: median")]
    assert cycles[-4:] == ["–", "–", "–", "1,600"]
    [ms] = [row for name, row in rows.items() if name.startswith("time, inference, ms: median")]
    assert ms[-4:] == ["–", "–", "–", "0.1"]
    [learn] = [row for name, row in rows.items() if name.startswith("cycles, learning, every")]
    assert learn[-1] == "800"
    screen = " ".join(screen.split())
    assert f"readings take 3 each, {3 * (network(KIND).n_steps + 2)} of an inference" in screen
    assert "16,000,000 Hz by board.toml" in screen
    assert f"{N} inferences, then {N} lessons from factory weights on" in screen


def test_json_has_the_same_and_what_is_not_measured(folder: Path) -> None:
    with on_line() as line:
        data = measured(folder, line)
    told = data["measured"]
    assert data["board"] == "stm32f405" and told["ticks"]["is_cycles"]
    assert told["inference"] == {"median": TICKS, "lower": TICKS, "upper": TICKS,
                                 "smallest": TICKS, "largest": TICKS, "n": N}
    assert told["learning"]["n"] == told["lesson_s"]["n"] == N
    assert told["stack"] == {"reserved": 2048, "before": 440, "inferred": 440, "learned": 440}
    assert data["instructions"] == {"inference": None, "lesson": None, "written": None}
    said = " ".join(data["not_measured"])
    assert "asleep" in said and "--target qemu:BOARD" in said and "--current" in said
    assert data["predicted"]["ram_bytes"] and data["instructions_predicted"]["inference"] > 0


def test_a_build_that_is_not_kept_is_named_by_the_command_that_makes_it(folder: Path) -> None:
    with on_line(build_hash=b"\1" * 8) as line:
        data = measured(folder, line)
    assert data["linked"] is None
    [text] = [text for text in data["not_measured"] if "as linked" in text]
    assert f"edge-dassdp build {folder / 'model.q.npz'} --board stm32f405" in text


def test_without_a_cross_compiler_a_board_is_measured_all_the_same(
        folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_line() as line:
        monkeypatch.setenv("PATH", str(tmp_path))
        data = measured(folder, line)
    assert data["linked"] is None and data["measured"]["inference"]["median"] == TICKS
    assert any("as linked" in text for text in data["not_measured"])


def test_the_elf_that_the_build_hash_names_is_found(folder: Path, arm_toolchain: None) -> None:
    build = build_and_compare(network(KIND), load_board("stm32f405"))
    told = {"build_hash": build.firmware.build_hash.to_bytes(8, "big")}
    crc = int.from_bytes((build.firmware.directory / "image.crc").read_bytes(), "little")
    with on_line(image_crc=crc, **told) as line:
        data = measured(folder, line)
    assert data["linked"]["ram_bytes"] == build.ram_bytes == data["predicted"]["ram_bytes"]
    assert data["stack"]["bytes"] == build.stack.bytes
    with on_line(image_crc=crc ^ 1, **told) as line:  # another compiler's, or a changed one
        assert measured(folder, line)["linked"] is None


def test_half_a_cross_compiler_is_told_before_a_board_is_touched(
        folder: Path, tmp_path: Path, arm_toolchain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in (GCC, OBJCOPY, OBJDUMP):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    with monkeypatch.context() as context:
        context.setenv("PATH", str(tmp_path))
        firmware = build_and_compare(network(KIND), load_board("stm32f405")).firmware
    crc = int.from_bytes((firmware.directory / "image.crc").read_bytes(), "little")
    (tmp_path / OBJDUMP).unlink()
    device = Liar(a_board(image_crc=crc, build_hash=firmware.build_hash.to_bytes(8, "big")),
                  fields("INFER", ""))
    with served(device) as line:
        said = refused("E301", *words(folder, line), PATH=str(tmp_path))
    assert f"{OBJDUMP} is not installed" in said
    assert device.n_told == 0


def test_a_board_of_nobody_s_is_measured_without_the_other_letters(folder: Path) -> None:
    with on_line(board=b"mine".ljust(16, b"\0")) as line:
        data = measured(folder, line)
    assert data["predicted"] is None and data["linked"] is None
    assert data["measured"]["inference"]["median"] == TICKS
    assert data["measured"]["ticks"]["hz"] is None
    assert any("give it with --board" in text for text in data["not_measured"])


def test_a_computer_has_no_cycles(folder: Path) -> None:
    with served(stream(KIND)) as line:
        data = measured(folder, line)
    told = data["measured"]
    assert told["inference"] is told["learning"] is told["stack"] is None
    assert told["inference_s"]["n"] == N
    said = " ".join(data["not_measured"])
    assert "it has no counter" in said and "its stack" in said


def test_paint_that_is_gone_is_said(folder: Path) -> None:
    with on_line(fields("STATISTICS", "", stack_used=2048)) as line:
        data = measured(folder, line)
    assert any("how deep its stack was" in text for text in data["not_measured"])


def test_what_a_board_had_learned_is_there_afterwards(folder: Path) -> None:
    device = stream(KIND)
    with served(device) as line:
        answer("learn", folder / "model.q.npz", "--data", folder / "data.npz", "--target",
               f"serial:{line}")
        before = answer("run", *words(folder, line)[1:])["data"]["digest"]
        measured(folder, line)
        assert answer("run", *words(folder, line)[1:])["data"]["digest"] == before
        measured(folder, line, "--reset", "--limit", "2")
        left = shown("run", *words(folder, line)[1:], "--expect", "any", "--json")
        assert json.loads(left.stdout.splitlines()[-1])["data"]["digest"] != before


@pytest.mark.parametrize("what", ["a state of 4 GiB", "class 65535", "another ABI",
                                  "more stack used than it has", "LEARN: its session is gone"])
def test_a_board_that_lies_is_refused(what: str, folder: Path) -> None:
    lie = LIES[what]
    with served(liar := Liar(stream(KIND), lie)) as line:
        said = refused(lie.code, *words(folder, line, "--reset"))
    assert liar.n_told and lie.says in said


def test_a_reading_that_takes_longer_than_the_counter_can_count_is_a_lie(folder: Path) -> None:
    with on_line(reading_ticks=60_000, tick_bits=12) as line:
        assert "reading_ticks is 60,000" in refused("E504", *words(folder, line, "--reset"))


def test_ticks_that_this_computer_s_clock_denies_are_no_cycles(folder: Path) -> None:
    with on_line(fields("INFER", "", forward_ticks=1 << 31)) as line:
        data = measured(folder, line)
    assert data["measured"]["ticks"]["hz"] is None and not data["measured"]["ticks"]["is_cycles"]
    assert any("the answer was here sooner" in text for text in data["not_measured"])


def test_a_board_that_vanishes_midway_says_how_far_it_came(folder: Path, tmp_path: Path) -> None:
    with Plugged(folder / "model.q.npz", tmp_path) as board:
        board.cut(20, is_answered=True)
        done = shown("measure", folder / "model.q.npz", "--target", board.target, "--reset")
        board.plug()
        assert done.returncode == 4 and "Traceback" not in done.stderr
        assert "error[E502]" in done.stderr and "were measured before" in done.stderr


@pytest.mark.parametrize(("more", "says"), [
    ((), "neither a board nor a target"),
    (("--target", "emulator"), "nothing can be measured on target 'emulator'"),
    (("--target", "serial:"), "nothing can be measured on target 'serial:'"),
    (("--target", "qemu:microbit", "--target", "qemu:stm32f405"), "two targets of one kind"),
    (("--board", "microbit", "--target", "qemu:stm32f405"), "are two boards"),
    (("--board", "microbit", "--volts", "3"), "--volts is about a log of current"),
])
def test_what_does_not_go_together_is_one_sentence(more: tuple[str, ...], says: str,
                                                   folder: Path) -> None:
    assert says in refused("E105", "measure", folder / "model.q.npz", *more)


def test_another_board_than_is_named_is_refused_before_it_is_touched(folder: Path) -> None:
    with on_line() as line:
        said = refused("E105", *words(folder, line, "--board", "microbit"))
    assert "board stm32f405 answers" in said and "microbit is named" in said


@pytest.mark.parametrize("name", ["microbit", "mps2-an385", "stm32f405"])
def test_a_board_of_qemu_behind_a_port_gives_no_cycles_of_a_chip(
        name: str, folder: Path, arm_toolchain: None, qemu: None) -> None:
    """The firmware itself over a line, as a board: L is found, E beside it, ticks are ticks."""
    firmware = build_and_compare(network(KIND), load_board(name)).firmware
    with QemuProcess(firmware.elf, firmware.board) as process, served(process.uart) as line:
        data = measured(folder, line, "--target", f"qemu:{name}")
    told = data["measured"]
    assert told["build_hash"] == data["build_hash"] and not told["ticks"]["is_cycles"]
    assert data["linked"]["ram_bytes"] == data["predicted"]["ram_bytes"]
    assert data["stack_painted_bytes"] and data["instructions"]["inference"]["n_samples"] == N
    stack = told["stack"]
    assert stack["before"] <= stack["inferred"] <= stack["learned"] <= data["stack"]["bytes"]
    assert any(text.startswith("cycles") for text in data["not_measured"])


def test_a_target_that_qemu_has_no_machine_of_is_refused(folder: Path) -> None:
    for more in ((), ("--board", "pico"), ("--target", "serial:/dev/null")):
        said = refused("E401", "measure", folder / "model.q.npz", "--target", "qemu:pico", *more)
        assert "board pico has no QEMU machine" in said


@pytest.mark.parametrize(("name", "is_priced"), [("microbit-v2", True), ("pico", False)])
def test_a_board_that_qemu_has_no_machine_of_is_predicted_and_says_so(
        name: str, is_priced: bool, folder: Path, arm_toolchain: None) -> None:
    given = ("measure", folder / "model.q.npz", "--data", folder / "data.npz", "--board", name)
    data = answer(*given)["data"]
    predicted = data["instructions_predicted"]
    assert bool(predicted["inference"] and predicted["learning"]) is is_priced
    assert predicted["synaptic_ops"] > 0 and data["linked"]["ram_bytes"]
    assert data["instructions"]["inference"] is None and data["stack_painted_bytes"] is None
    [told] = [text for text in data["not_measured"] if "(E)" in text]
    assert told.endswith(f"board {name} has no QEMU machine")
    assert any("(P)" in text for text in data["not_measured"]) is not is_priced
    screen = " ".join(ok(*given).split())
    assert told in screen and ("P of instructions" in screen) is is_priced


def test_a_board_without_a_machine_at_a_port_is_not_sent_to_qemu(folder: Path) -> None:
    with on_line(board=b"pico".ljust(16, b"\0")) as line:
        said = " ".join(measured(folder, line)["not_measured"])
    assert "board pico has no QEMU machine" in said and "--target qemu" not in said


def test_a_log_of_the_current_gives_joules_beside_the_rest(folder: Path, tmp_path: Path,
                                                           arm_toolchain: None,
                                                           qemu: None) -> None:
    recording = Recording([0.02] * (2 * N))
    log = ppk2(tmp_path / "log.csv", recording)
    given = ("measure", folder / "model.q.npz", "--data", folder / "data.npz", "--board",
             "microbit", "--current", log)
    data = answer(*given, "--volts", "3.0", "--format", "ppk2")["data"]
    assert data["energy"]["inference"]["median"] == pytest.approx(recording.joules(3.0), rel=0.02)
    assert data["energy"]["lesson"]["n"] == N and data["measured"] is None
    wrote = data["instructions"]["written"]
    assert (data["energy"]["written"] or {"n": 0})["n"] == (wrote or {"n_samples": 0})["n_samples"]
    screen = ok(*given, "--volts", "3.0")
    assert "energy, inference, µJ: median" in screen and "mean current, idle, mA" in screen
    assert "energy: record" not in screen
    assert "rises 8 times, expected 4" in refused("E104", *given, "--volts", "3", "--limit", "2")
    assert "--volts 3.0" in refused("E105", *given)


def test_a_log_is_of_a_measurement_that_was_made(folder: Path, tmp_path: Path) -> None:
    log = ppk2(tmp_path / "log.csv", Recording([0.02]))
    said = refused("E105", *words(folder, "/dev/null", "--current", str(log)))
    assert "that has been made" in said and "--board instead of --target" in said
    assert "does not exist" in refused("E103", "measure", folder / "model.q.npz", "--board",
                                       "microbit", "--current", tmp_path / "no.csv")

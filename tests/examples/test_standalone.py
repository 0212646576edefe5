"""examples/standalone says what its twin in Python says on the reference, word for word, decisions
and digests of what was learned, on this computer and on boards in QEMU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wrist
from conftest import require
from support import lanes
from support.lanes import often
from support.standalone import (
    FOLDER,
    Played,
    by_cmake,
    csv,
    followed,
    host_program,
    network,
    own_firmware,
    run_here,
    scripted,
    sketch,
    story,
)
from wrist_app import LONG, WINDOW, A, Application, B, Saved

from edge_dassdp.qir.samples import counts_x
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.reference import ReferenceTarget

REAL_TIME = {"microbit": 6, "mps2-an385": 5, "stm32f405": 3, "mps2-an500": 5, "mps2-an505": 6,
             "mps3-an547": 5}
"""An instruction takes 2^shift ns: 16, 31 or 125 million a second, no more than chips' clocks."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_program(tmp_path_factory.mktemp("standalone"))


def behind_gaps(script: np.ndarray, said: list[str], saved: Saved | None = None) -> Application:
    """The twin on readings with gaps where a board says that it lost some, all of which it read."""
    application = Application(network(), ReferenceTarget(network()), saved)
    lost = {int(at) - 1: int(what.removeprefix("lost ")) for at, what in
            (line.split(" ", 1) for line in said) if what.startswith("lost ")}
    for i, row in enumerate(script):
        counts, buttons = row[: wrist.N_CHANNELS], int(row[wrist.N_CHANNELS])
        if i in lost:
            application.read_after(lost[i] - application.n_lost, counts, buttons)
        else:
            application.read(counts, buttons)
    return application


def test_accuracy_comes_back_by_buttons_alone() -> None:
    """On the other wrist most is wrong until the buttons' labels were fitted to and learned."""
    shares = {phase: story().wearer.accuracy(phase) for phase, _ in story().wearer.hits}
    assert shares["as trained"] > 80
    assert shares["other wrist"] < 60
    assert shares["taught"] > 80 and shares["taught more"] > 85
    assert story().later.accuracy("after the power cut") > 80


def test_the_alarm_is_on_from_the_shift_until_a_profile_is_taken() -> None:
    said = [line.partition(" ") for line in story().lines]
    alarms = [(int(at), what) for at, _, what in said if "alarm" in what or "profile" in what]
    assert [what for _, what in alarms] == ["alarm on", "profile taken", "alarm off"]
    n_before = sum(len(counts) for _, counts in wrist.exercises(wrist.recordings(), wrist.RIGHT, 3))
    on, taken, off = (at for at, _ in alarms)
    assert n_before < on < taken == off


def test_a_computer_says_what_the_reference_says(program: Path) -> None:
    assert run_here(program, csv(story().script)) == story().lines


def test_what_was_saved_is_there_at_the_next_start(program: Path, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    assert run_here(program, csv(story().script), flash) == story().lines
    assert run_here(program, csv(story().later_script), flash) == story().later_lines


def test_the_save_before_counts_where_the_last_one_is_damaged(program: Path, tmp_path: Path
                                                              ) -> None:
    flash, holds_b = tmp_path / "flash", "0,0,512,2\n" * (LONG + 2) + "0,0,512,0\n"
    said = run_here(program, holds_b * 2, flash)
    assert [line for line in said if "saved" in line] == ["50 saved 1", "103 saved 2"]
    whole = flash.read_bytes()
    newest = max((0, len(whole) // 2), key=lambda at: whole[at + 4])
    for damaged, expected in (([newest + 100], "0 loaded 1"),
                              ([100, len(whole) // 2 + 100],
                               "0 factory: what was saved is damaged")):
        data = bytearray(whole)
        for at in damaged:
            data[at] ^= 1
        flash.write_bytes(data)
        assert run_here(program, "", flash) == [expected]


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_the_application_is_cplusplus(compiler: str, tmp_path: Path) -> None:
    require(compiler)
    built = host_program(tmp_path, compiler, "-std=c++11")
    assert run_here(built, csv(story().script)) == story().lines


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("name", REAL_TIME if lanes.nightly else ("microbit", "mps2-an385"))
def test_a_board_says_what_the_reference_says_and_loses_no_reading(
        name: str, record_property: Callable[[str, object], None]) -> None:
    """And knows what it learned when the power was cut, where QEMU has a model of its flash; slots
    that are RAM are empty then."""
    first, later = story().script, story().later_script
    n, n_all = len(first), len(first) + len(later)
    with Played(name, scripted(name, np.concatenate([first, later])), REAL_TIME[name]) as played:
        *said, end = played.play(0, n)
        assert said == story().lines
        assert end.startswith(f"end {n} lost 0 stack ")
        record_property(f"{name}, bytes of stack of the application", int(end.split()[-1]))
        if played.has_slots:
            played.cut_power()
            *said, end = played.play(n, n_all)
            assert said == story().later_lines if played.lasts else said[0] == "0 factory"
            assert end.startswith(f"end {n_all} lost 0 ")


@pytest.mark.parametrize("language", ["C", "CXX"] if lanes.nightly else ["CXX"])
def test_cmake_builds_it_for_this_computer(language: str, tmp_path: Path) -> None:
    require("cmake")
    built = by_cmake(FOLDER, tmp_path, f"-DAPP_CXX={'ON' if language == 'CXX' else 'OFF'}")
    assert run_here(built / "standalone", csv(story().script)) == story().lines


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("name", REAL_TIME if lanes.nightly else ["mps3-an547"])
def test_cmake_builds_it_for_a_core(name: str, tmp_path: Path) -> None:
    """As C++ inside somebody's own firmware, at -O3, which made wrong bits of MVE once."""
    require("cmake")
    script = story().script
    elf = own_firmware(name, script, tmp_path)
    with Played(name, elf, REAL_TIME[name]) as played:
        *said, end = played.play(0, len(script))
    assert said == story().lines
    assert end.startswith(f"end {len(script)} lost 0 ")


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("name", ("microbit", "mps2-an505") if lanes.nightly else ("microbit",))
def test_a_sketch_says_what_the_reference_says(
        name: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """It reads between the steps of a sample: few readings are lost, while it learns and saves."""
    first, later = story().script, story().later_script
    n, n_all = len(first), len(first) + len(later)
    flags = ("-DNRF51",) if name == "microbit" else ()
    elf = sketch(name, np.concatenate([first, later]), tmp_path, *flags)
    with Played(name, elf, REAL_TIME[name]) as played:
        *said, end = played.play(0, n)
        before = behind_gaps(first, said)
        assert said == [line if flags else line.replace("saved 1", "not saved")
                        for line in before.lines]
        assert end == "end dark" and before.n_lost < 20
        record_property("readings that the sketch lost", before.n_lost)
        if flags:
            played.cut_power()
            *said, end = played.play(n, n_all)
            assert said == behind_gaps(later, said, before.saved).lines


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_a_board_too_slow_says_what_it_lost_and_decides_on_whole_windows_alone() -> None:
    """At a million instructions a second, a reading each 8 ms: a lesson takes longer than those may
    wait."""
    script = story().script
    with Played("microbit", scripted("microbit", script, "-DAPP_PERIOD_MS=8"), 10) as played:
        *said, end = played.play(0, len(script))
    n_taken, begun = 0, 0
    for line in said:
        at, what = line.split(" ", 1)
        n_taken = int(at)
        if what.startswith("lost"):
            begun = n_taken - 1
        if what in network().classes:
            assert n_taken - begun >= WINDOW
            assert (n_taken - begun - WINDOW) % 50 == 0
    lost = int(end.split()[3])
    assert 0 < lost < len(script) // 2
    assert end.startswith(f"end {len(script)} lost {lost} ")
    assert len(script) - lost - n_taken < 50


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_a_host_looks_in_over_the_optional_link() -> None:
    """And finds what the buttons taught."""
    script = story().script
    with Played("microbit", scripted("microbit", script, "-DAPP_LINK=1"), 6) as played:
        *said, _ = played.play(0, len(script))
        assert said == story().lines
        reference = followed(script).target
        device = LinkTarget.of(network(), played.process.uart)
        assert device.statistics().learned_digest == reference.statistics().learned_digest
        for projection in network().plastic:
            assert np.array_equal(device.read_weights(projection.name),
                                  reference.read_weights(projection.name))
        x = counts_x(network(), script[None, :WINDOW, : wrist.N_CHANNELS].astype(np.int16))[0]
        assert device.infer(x).class_idx == reference.infer(x).class_idx


def test_readings_that_do_not_come_are_counted_and_windows_begin_anew(program: Path) -> None:
    script = story().script[:700]
    lines = csv(script).splitlines(keepends=True)
    gaps = [(150, 3), (400, 1), (401, 1), (520, 99)]
    with Emulator(network()) as emulator:
        application = Application(network(), emulator)
        missing = {at + i for at, n in gaps for i in range(n)}
        n_lost = 0
        for i, row in enumerate(script):
            if i in missing:
                n_lost += 1
                continue
            if n_lost:
                application.read_after(n_lost, row[:3], int(row[3]))
            else:
                application.read(row[:3], int(row[3]))
            n_lost = 0
    text = "".join("?\n" if i in missing else line for i, line in enumerate(lines))
    assert run_here(program, text) == application.lines
    assert f"{700 - 104 - 80} lost 104" in "\n".join(application.lines)


@pytest.mark.parametrize("seed", range(often(3)))
def test_whatever_is_pressed_it_says_what_the_reference_says(program: Path, seed: int) -> None:
    """Short and long presses, both at once, of windows that have their label, before the first."""
    rng = np.random.default_rng(seed)
    script = story().script[rng.integers(3000) :][:2000].copy()
    script[:, 3] = 0
    for button in (A, B):
        at = int(rng.integers(120))
        while at < len(script):
            n = LONG + 3 if rng.random() < 0.04 else int(rng.integers(1, 6))
            script[at : at + n, 3] |= button
            at += n + int(rng.integers(1, 90))
    assert run_here(program, csv(script)) == followed(script).lines

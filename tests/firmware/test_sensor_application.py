"""An application of a model with a sensor, in C and C++: raw counts, one reading at a time, give
what the emulator gives, on this computer and on a board."""

from __future__ import annotations

import subprocess
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import require
from support.scenarios import SCENARIOS
from support.sensed import OTHER_SIDE, SensedScenario

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_emulator, build_project
from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import Project, emulator_project, firmware_project
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir.samples import counts_x
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.sensor.drift import N_ALARM
from edge_dassdp.sensor.monitor import Event
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.profiles import read_profiles
from edge_dassdp.targets.qemu import QemuProcess
from edge_dassdp.targets.target import NO_LABEL

HERE = Path(__file__).parent
APPLICATION = HERE / "sensor_application.c"
PORT = HERE.parent / "support" / "stdio_port.c"
WARNINGS = ("-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
N_TRIED = 1 + 1 + 48 + 4 * (1 + 4)
"""Profiles of a search, before each of which the callback is called: none, one of channels, signed
permutations of axes, and the best of them, refined."""
LEARN, OBSERVE, FIT, SELECT, LOOK, ALLOW = range(6)
FITTED = [LEARN] * 2 + [OBSERVE] * 8 + [FIT] + [LEARN] * 3 + [SELECT, LEARN]
WORDS = [*FITTED, ALLOW, *[LOOK] * (N_ALARM + 1)]


@cache
def case() -> SensedScenario:
    found = SCENARIOS["sensor"]
    assert isinstance(found, SensedScenario)
    return replace(found, settings=Settings(drift="profile"), worn=OTHER_SIDE)


@cache
def sources() -> dict[str, str]:
    return emit(Plan.of(case().quantized), "worn")


@cache
def exchange() -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """What is sent, and what an emulator makes of it, turn by turn."""
    network, emulator = case().quantized, Emulator(case().quantized)
    rng, asked, answers = np.random.default_rng(9), [], []
    events: Counter[Event] = Counter()
    for i, word in enumerate(WORDS):
        label = {SELECT: 0, ALLOW: 1}.get(word, i % (network.n_classes - 1))
        x = counts_x(network, case().counts(rng, label, turned=i > 1)[None])[0]
        asked.append(x.tobytes() + bytes([label, word]))
        status, seen = 0, 0
        if word == LEARN:
            done = emulator.learn(x, label)
            seen = done.class_idx | done.loss_q8 << 16
        elif word in (OBSERVE, LOOK):
            event = emulator.observe(x, NO_LABEL if word == LOOK else label)
            status, events[event] = int(event), events[event] + 1
        elif word == ALLOW:
            emulator.allow_profile(bool(label))
        elif word == FIT:
            status = int(emulator.fit_profile().verdict)
        else:
            emulator.select_profile(label)
        profiles = read_profiles(network, emulator.read_learning())
        kinds = int(profiles.selected.kind) | int(profiles.stored.kind if profiles.stored else 0) \
            << 16
        digest = emulator.statistics().learned_digest
        drift = emulator.drift()
        told = events[Event.ALARM_ON] | events[Event.ALARM_OFF] << 8 \
            | events[Event.PROFILE_TAKEN] << 16 | drift.alarm << 24
        watch = drift.n_windows | int(256 * drift.median) << 16
        answers.append(b"".join(int(v).to_bytes(4, "little") for v in (
            1, status, seen, kinds, watch, told, digest,
            N_TRIED * events[Event.PROFILE_TAKEN])))
    return tuple(asked), tuple(answers)


def test_it_is_turned_and_turned_back() -> None:
    """Else the exchange would show little."""
    selected = [int.from_bytes(a[12:14], "little") for a in exchange()[1]]
    assert selected[:10] == [0] * 10 and selected[10:14] == [2] * 4
    assert selected[14:16] == [0] * 2


def test_the_callback_is_told_of_the_profile_that_is_taken() -> None:
    """In the window behind which it is in use."""
    taken = [a[22] for a in exchange()[1]]
    assert taken == [0] * (len(WORDS) - 2) + [1] * 2
    assert [int.from_bytes(a[12:14], "little") for a in exchange()[1]][-3:] == [0, 2, 2]


@pytest.mark.parametrize("compiler", ["c", "g++", "clang++"])
def test_readings_give_what_the_emulator_gives(compiler: str, tmp_path: Path) -> None:
    library = build_emulator(sources())
    project = emulator_project(sources())
    Project({f"headers/{Path(path).name}": text for path, text in project.files.items()
             if path in ("include/dassdp.h", "include/dassdp_learned.h", "include/dassdp_sensor.h",
                         "port/port.h", "generated/worn_model.h")}, (), ()).write(tmp_path)
    word, standard, language = ((host_compiler()[0], "-std=c11", "c") if compiler == "c" else
                                (compiler, "-std=c++11", "c++"))
    require(word)
    for unit, flags in ((APPLICATION, (standard, "-x", language)), (PORT, ("-std=c11", "-x", "c"))):
        subprocess.run([word, *WARNINGS, "-I", tmp_path / "headers", *flags, "-c", unit, "-o",
                        tmp_path / f"{unit.stem}.o"], check=True)
    program = tmp_path / "program"
    subprocess.run([word, tmp_path / "sensor_application.o", tmp_path / "stdio_port.o", library,
                    f"-Wl,-rpath,{library.parent}", "-o", program], check=True)
    asked, answers = exchange()
    done = subprocess.run([program], input=b"".join(asked), capture_output=True, check=True)
    assert done.stdout == b"R" + b"".join(answers)


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("name", ["microbit", "stm32f405"])
def test_readings_give_the_same_on_a_board(name: str) -> None:
    board = load_board(name)
    project = firmware_project(sources(), board)
    files = dict(project.files)
    del files["port/cortex_m/main.c"]
    files["application/application.c"] = APPLICATION.read_text("utf-8")
    built = build_project(Project(files, project.cflags, project.ldflags), board)
    with QemuProcess(built.elf, board) as process:
        port = process.uart
        port.timeout = 10.0
        assert port.read(1) == b"R"
        for turn, (asked, answer) in enumerate(zip(*exchange(), strict=True)):
            port.write(asked)
            assert port.read(len(answer)) == answer, f"turn {turn}"

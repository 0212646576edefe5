"""An application of two models, in C and C++: it needs public headers alone, and both models learn
bit-exactly by turns in one image."""

from __future__ import annotations

import re
import subprocess
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import require
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_emulator, build_project
from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import Project, emulator_project, firmware_project
from edge_dassdp.emit import emit
from edge_dassdp.emit.model import check_name
from edge_dassdp.plan import Plan
from edge_dassdp.qir.samples import input_x
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import QemuProcess

HERE = Path(__file__).parent
PORT = HERE.parent / "support" / "stdio_port.c"
MODELS = {"first": SCENARIOS["guard_all"], "second": SCENARIOS["graph_16"]}
WARNINGS = ("-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
COMPILERS = {f"{name}-{level}": (name, f"-std=c++{level}") for level in (11, 17, 20)
             for name in ("g++", "clang++", "arm-none-eabi-g++")}


@cache
def sources() -> dict[str, str]:
    """Both models; the program of the ports is that of the last one."""
    return {file: text for name, model in MODELS.items()
            for file, text in emit(Plan.of(model.quantized), name).items()}


def public_headers(folder: Path) -> Path:
    """What an application is given, and nothing else."""
    project = emulator_project(sources())
    files = {path: text for path, text in project.files.items()
             if path in ("include/dassdp.h", "include/dassdp_learned.h", "port/port.h")
             or path in (f"generated/{name}_model.h" for name in MODELS)}
    Project({f"headers/{Path(path).name}": text for path, text in files.items()}, (), ()).write(
        folder)
    return folder / "headers"


def exchange() -> tuple[bytes, bytes]:
    """Labelled samples of both models by turns, and the answers of two emulators to them."""
    emulators = [Emulator(model.quantized) for model in MODELS.values()]
    asked, answers, rng = bytearray(), bytearray(), np.random.default_rng(5)
    for i in range(12):
        for model, emulator in zip(MODELS.values(), emulators, strict=True):
            x = input_x(model.quantized, model.sample(rng)[None, :])[0]
            label = i % model.quantized.n_classes
            done = emulator.learn(x, label, digest=True)
            asked += x.tobytes() + bytes([label])
            logits = zlib.crc32(np.asarray(done.logits, "<i4").tobytes())
            for value in (done.class_idx | done.loss_q8 << 16, 0, logits, done.learned_digest):
                answers += int(value or 0).to_bytes(4, "little")
    return bytes(asked), bytes(answers)


def test_the_manual_is_short() -> None:
    header = emulator_project({}).files["include/dassdp.h"]
    assert len(header.splitlines()) <= 150
    assert set(re.findall(r'#include [<"](.*)[>"]', header)) == {
        "stdint.h", "dassdp_model.h", "dassdp_learned.h"}


@pytest.mark.parametrize("case", COMPILERS)
def test_the_public_headers_are_cplusplus(case: str, tmp_path: Path) -> None:
    compiler, standard = COMPILERS[case]
    require(compiler)
    subprocess.run([compiler, standard, *WARNINGS, "-I", public_headers(tmp_path), "-x", "c++",
                    "-c", HERE / "application.c", "-o", tmp_path / "application.o"], check=True)


@pytest.mark.parametrize("case", [c for c in COMPILERS if "arm" not in c] + ["c"])
def test_two_models_learn_by_turns_in_one_program(case: str, tmp_path: Path) -> None:
    library = build_emulator(sources())
    compiler, standard = COMPILERS.get(case, (host_compiler()[0], "-std=c11"))
    require(compiler)
    headers = public_headers(tmp_path)
    for unit, flags in ((HERE / "application.c", (standard, "-x", "c" if case == "c" else "c++")),
                        (PORT, ("-std=c11", "-x", "c"))):
        subprocess.run([compiler, *WARNINGS, "-I", headers, *flags, "-c", unit, "-o",
                        tmp_path / f"{unit.stem}.o"], check=True)
    program = tmp_path / "program"
    subprocess.run([compiler, tmp_path / "application.o", tmp_path / "stdio_port.o", library,
                    f"-Wl,-rpath,{library.parent}", "-o", program], check=True)
    asked, answers = exchange()
    done = subprocess.run([program], input=asked, capture_output=True, check=True)
    assert done.stdout == b"R" + answers


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("name", ["microbit", "stm32f405"])
def test_two_models_learn_by_turns_in_one_firmware(name: str) -> None:
    board = load_board(name)
    project = firmware_project(sources(), board)
    files = dict(project.files)
    del files["port/cortex_m/main.c"]
    files["application/application.c"] = (HERE / "application.c").read_text("utf-8")
    built = build_project(Project(files, project.cflags, project.ldflags), board)
    asked, answers = exchange()
    with QemuProcess(built.elf, board) as process:
        port = process.uart
        port.timeout = 10.0
        assert port.read(1) == b"R"
        at = 0
        for i in range(len(answers) // 16):
            n_bytes = [*MODELS.values()][i % 2].quantized.x_bytes + 1
            port.write(asked[at:at + n_bytes])
            at += n_bytes
            assert port.read(16) == answers[16 * i:16 * i + 16], f"turn {i}"


@pytest.mark.parametrize("name", ["a", "gestures", "two_words_9", "x" * 24])
def test_a_name_that_c_can_take_is_taken(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "Gestures", "9lives", "_x", "x_", "two__words", "my-model",
                                  "dassdp_k", "x" * 25, "ß", "a\n"])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(EdgeError) as caught:
        emit(Plan.of(MODELS["first"].quantized), name)
    assert caught.value.code == "E105" and repr(name) in caught.value.message

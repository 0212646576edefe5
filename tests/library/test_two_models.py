"""Two models and two states in one image of a library, by turns, in C and C++, here and on every
core in QEMU: each gives the bits of its reference."""

from __future__ import annotations

import subprocess
import zlib
from functools import cache
from itertools import cycle, product
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from conftest import require
from support import lanes
from support.library import CLANG_FOR_ARM, NEEDED, compiled, core_flags, linked, put, written
from support.scenarios import SCENARIOS
from support.where import BOARDS

from edge_dassdp.build.board import load_board
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference import Reference
from edge_dassdp.targets.qemu import QemuProcess

HERE = Path(__file__).parent
PORT = HERE.parent / "support" / "stdio_port.c"
MODELS = {"first": SCENARIOS["guard_all"].quantized, "second": SCENARIOS["graph_16"].quantized}
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror")
LANGUAGES = {"c": ("-std=c11",), "c++": ("-std=c++11", "-fno-exceptions", "-fno-rtti")}
COMPILERS = {"gcc": ("arm-none-eabi-gcc",), "clang": CLANG_FOR_ARM}
EVERYWHERE = [*product(BOARDS, COMPILERS, LANGUAGES)]
SAMPLE = [*zip(BOARDS, cycle(COMPILERS), ("c++", "c", "c", "c++", "c++", "c"), strict=False)]


@cache
def library() -> Path:
    return written("make", Path(mkdtemp()), **MODELS)


@cache
def exchange() -> tuple[bytes, bytes]:
    """Labelled samples of both models by turns, as floats, and what their references answer."""
    references = {name: Reference(network) for name, network in MODELS.items()}
    asked, answers, rng = bytearray(), bytearray(), np.random.default_rng(5)
    for i in range(8):
        for name, network in MODELS.items():
            values = rng.normal(0, 4, sum(s.n_values for s in network.inputs)).astype("<f4")
            label = i % network.n_classes
            done = references[name].learn(input_x(network, values)[0], label, digest=True)
            asked += values.tobytes() + bytes([label])
            logits = zlib.crc32(np.asarray(done.logits, "<i4").tobytes())
            for value in (done.class_idx | done.loss_q8 << 16, 0, logits, done.learned_digest):
                answers += int(value or 0).to_bytes(4, "little")
    return bytes(asked), bytes(answers)


def application(language: str, compiler: tuple[str, ...], objects: Path, *flags: str) -> list[Path]:
    """The library and the application, whose headers a strict compiler takes."""
    src = library() / "src"
    built = compiled(compiler, src, objects, *NEEDED, *flags)
    done = subprocess.run(
        [*compiler, *flags, *STRICT, *LANGUAGES[language], f"-I{src}", "-x", language, "-c",
         HERE / "two_models.c", "-o", objects / "two_models.o"], capture_output=True, text=True,
        check=False)
    assert done.returncode == 0, done.stderr
    return [*built, objects / "two_models.o"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_two_models_learn_by_turns_here(language: str, compiler: str, tmp_path: Path) -> None:
    require(compiler)
    kernels = "-DDASSDP_HOST_KERNELS" if language == "c" else "-DDASSDP_PORTABLE"
    objects = application(language, (compiler,), tmp_path / "obj", "-O1", kernels)
    put({"port.h": '#include "dassdp_port.h"\n'}, tmp_path)
    subprocess.run([compiler, f"-I{tmp_path}", f"-I{library() / 'src'}", *objects, PORT, "-o",
                    tmp_path / "program"], check=True)
    asked, answers = exchange()
    done = subprocess.run([tmp_path / "program"], input=asked, capture_output=True, check=True)
    assert done.stdout == b"R" + answers


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("board,compiler,language", EVERYWHERE if lanes.nightly else SAMPLE)
def test_two_models_learn_by_turns_on_a_core(board: str, compiler: str, language: str,
                                             tmp_path: Path) -> None:
    require(COMPILERS[compiler][0])
    objects = application(language, COMPILERS[compiler], tmp_path / "obj", *core_flags(board),
                          "-Os" if compiler == "gcc" else "-O2")
    elf = linked(board, objects, tmp_path / "two.elf", core_flags(board), renamed=False)
    asked, answers = exchange()
    with QemuProcess(elf, load_board(board)) as process:
        port, at = process.uart, 0
        port.timeout = 20.0
        assert port.read(1) == b"R"
        for i in range(len(answers) // 16):
            network = [*MODELS.values()][i % 2]
            n_bytes = 4 * sum(s.n_values for s in network.inputs) + 1
            port.write(asked[at:at + n_bytes])
            at += n_bytes
            assert port.read(16) == answers[16 * i:16 * i + 16], f"turn {i}"

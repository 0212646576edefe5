"""The Arduino library as Arduino's build compiles it, with a core of ours: its sketch learns behind
Serial in QEMU with the bits of the reference, on every core."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.library import ARDUINO, CXX, compiled, core_flags, linked, put, written
from support.scenarios import SCENARIOS
from support.where import BOARDS

from edge_dassdp.build.board import load_board
from edge_dassdp.qir.samples import random_samples
from edge_dassdp.reference import Reference
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.qemu import QemuProcess

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")
MODELS = {"first": SCENARIOS["guard_all"].quantized, "second": SCENARIOS["graph_16"].quantized}
AS_ARDUINO = ("-DARDUINO=10819", "-Os", "-ffunction-sections", "-fdata-sections", "-Wall",
              "-Wextra")
"""Without -fno-strict-aliasing, which no library can ask for."""


def sketch(folder: Path, name: str, model: str, *more: str) -> Path:
    """The sketch of a model as a program for a board."""
    flags = (*core_flags(name), *AS_ARDUINO, *more)
    objects = compiled(["arm-none-eabi-gcc"], folder / "src", folder / "obj", "-std=gnu11", *flags)
    objects += compiled(["arm-none-eabi-g++"], folder / "src", folder / "obj", *CXX, *flags,
                        f"-I{ARDUINO}", kinds=(".cpp",))
    text = (folder / "examples" / f"Link_{model}" / f"Link_{model}.ino").read_text("utf-8")
    put({"sketch.cpp": f"#include <Arduino.h>\n{text}",
         "core.cpp": (ARDUINO / "core.cpp").read_text("utf-8")}, folder / "sketch")
    objects += compiled(["arm-none-eabi-g++"], folder / "sketch", folder / "obj", *CXX, *flags,
                        f"-I{ARDUINO}", f"-I{folder / 'src'}", kinds=(".cpp",))
    return linked(name, objects, folder / "sketch.elf", flags)


@pytest.mark.parametrize("board", BOARDS)
def test_a_sketch_learns_with_the_bits_of_the_reference(board: str, tmp_path: Path) -> None:
    folder = written("arduino", tmp_path, **MODELS)
    network, reference = MODELS["first"], Reference(MODELS["first"])
    elf = sketch(folder, board, "first")
    with QemuProcess(elf, load_board(board)) as process:
        target = LinkTarget.of(network, process.uart)
        assert target.info.board == "arduino"
        for i, x in enumerate(random_samples(network, 8, 3)):
            label = i % network.n_classes
            done = target.learn(x, label, digest=True)
            expected = reference.learn(x, label, digest=True)
            assert np.array_equal(done.logits, expected.logits)
            assert done.forward_digest == expected.forward_digest
            assert done.learned_digest == expected.learned_digest
        for projection in network.plastic:
            assert np.array_equal(target.read_weights(projection.name),
                                  reference.read_weights(projection.name))

"""The libraries built by CMake and by make on this computer: their examples classify and learn from
lines of values with the bits of the reference, and a project of one's own finds the targets."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import require
from numpy.typing import NDArray
from support.library import written
from support.scenarios import SCENARIOS

from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference import Reference

MODELS = {"values": SCENARIOS["guard_all"].quantized, "spikes": SCENARIOS["graph_16"].quantized,
          "worn": next(s for s in SCENARIOS.values() if s.quantized.sensor is not None
                       and s.quantized.plastic).quantized}
OWN = """
cmake_minimum_required(VERSION 3.16)
project(own C CXX)
{}
add_executable(own own.{})
target_link_libraries(own PRIVATE dassdp::values_model dassdp::spikes_model)
"""
OWN_MAIN = """
#include "values.h"
#include "spikes.h"
static values_state_t first;
static spikes_state_t second;
int main(void) {
    dassdp_init(&values_model, &first);
    dassdp_init(&spikes_model, &second);
    return dassdp_n_saturated(&values_model, &first) == dassdp_n_saturated(&values_model, &first)
        && spikes_class_names[0][0] == '0' ? 0 : 1;
}
"""


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout + done.stderr


def lines(network: QNetwork, rng: np.random.Generator, n: int) -> Iterator[NDArray[np.float32]]:
    """Training samples; of a sensor raw counts."""
    for _ in range(n):
        if network.sensor is not None:
            yield rng.integers(-3000, 3000, network.code_bytes).astype(np.float32)
        else:
            yield np.concatenate([
                rng.random(i.n_values) < 0.2 if i.spikes else rng.normal(0, 3, i.n_values)
                for i in network.inputs]).astype(np.float32)


def expected(network: QNetwork, samples: list[NDArray[np.float32]]) -> str:
    """What the reference says of samples of which every other one is labelled."""
    reference, said = Reference(network), []
    for i, sample in enumerate(samples):
        x = input_x(network, sample[None])[0] if network.sensor is None else \
            sample.astype("<i2").view(np.int8)
        if i % 2 == 0:
            outcome = reference.learn(x, i // 2 % network.n_classes)
        else:
            outcome = reference.infer(x)
        said.append(f"{outcome.class_idx}" + ", learned" * bool(outcome.is_updated))
    return "\n".join([*said, f"learned state {reference.learned_digest():08x}", ""])


def told(program: Path, network: QNetwork, samples: list[NDArray[np.float32]]) -> str:
    text = "".join(", ".join(map(repr, map(float, sample)))
                   + (f"; {i // 2 % network.n_classes}" if i % 2 == 0 else "") + "\n"
                   for i, sample in enumerate(samples))
    return subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def by_cmake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("cmake")
    folder = written("cmake", tmp_path_factory.mktemp("cmake"), **MODELS)
    run("cmake", "-B", "build", "-DCMAKE_C_FLAGS=-Wall -Wextra", cwd=folder)
    run("cmake", "--build", "build", "-j2", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def by_make(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = written("make", tmp_path_factory.mktemp("make"), **MODELS)
    run("make", "-j2", "CFLAGS=-O1 -Wall -Wextra -DDASSDP_HOST_KERNELS", cwd=folder)
    return folder


@pytest.mark.parametrize("layout", ["by_cmake", "by_make"])
@pytest.mark.parametrize("name", MODELS)
def test_an_example_learns_with_the_bits_of_the_reference(
        layout: str, name: str, request: pytest.FixtureRequest) -> None:
    folder, network = request.getfixturevalue(layout), MODELS[name]
    samples = list(lines(network, np.random.default_rng(1), 20))
    assert told(folder / "build" / f"{name}_example", network, samples) == expected(
        network, samples)


@pytest.mark.parametrize("found", ["add_subdirectory(\"{}\" library)",
                                   "find_package(dassdp CONFIG REQUIRED PATHS \"{}\")"])
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_project_of_ones_own_finds_the_targets(found: str, language: str, by_cmake: Path,
                                                 tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(OWN.format(found.format(by_cmake), language))
    (tmp_path / f"own.{language}").write_text(OWN_MAIN)
    run("cmake", "-B", "build", cwd=tmp_path)
    run("cmake", "--build", "build", "-j2", cwd=tmp_path)
    run(tmp_path / "build" / "own", cwd=tmp_path)

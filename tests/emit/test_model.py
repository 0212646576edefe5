"""The generated C: the same bytes every time, tied to its runtime, nothing banned inside."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from support.raw_features import clusters, in_units, network
from support.scenarios import SCENARIOS

from edge_dassdp import qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import banned_symbols, build_emulator, build_firmware
from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import emulator_project
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize

NAMES = ("graph_16", "described_4", "frozen")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_model_gives_the_same_bytes(name: str, tmp_path) -> None:
    case = SCENARIOS[name]
    again = quantize(case.network, case.learning, case.settings).network
    assert again.sha256 == case.quantized.sha256
    assert emit(Plan.of(again)) == emit(Plan.of(case.quantized))
    qir.save(case.quantized, tmp_path / "model.npz")
    assert emit(Plan.of(qir.load(tmp_path / "model.npz"))) == emit(Plan.of(case.quantized))


def test_the_hash_follows_every_integer() -> None:
    network = SCENARIOS["graph_16"].quantized
    seen = {network.sha256, replace(network, seed=5).sha256,
            replace(network, skip_below_q8=14).sha256}
    p = network.projections[0]
    w = p.w.copy()
    w[0, 0] += 1
    seen.add(replace(network, projections=(replace(p, w=w), *network.projections[1:])).sha256)
    first = network.populations[0]
    moved = replace(first, fire_at=first.fire_at + 1)
    seen.add(replace(network, populations=(moved, *network.populations[1:])).sha256)
    assert len(seen) == 5
    assert replace(p, scale=p.scale * 2) and network.sha256 == replace(
        network, projections=(replace(p, scale=p.scale * 2), *network.projections[1:])).sha256


def test_a_model_for_another_abi_does_not_compile() -> None:
    sources = emit(Plan.of(SCENARIOS["graph_16"].quantized))
    header, n_found = re.subn(r"DASSDP_ABI != \d+", "DASSDP_ABI != 999", sources["dassdp_model.h"])
    assert n_found == 1
    with pytest.raises(EdgeError) as caught:
        build_emulator(sources | {"dassdp_model.h": header}, checked=True)
    assert caught.value.code == "E304" and "another version of the runtime" in caught.value.cause


@pytest.mark.parametrize("name", NAMES)
def test_generated_text_has_no_float_and_no_date(name: str) -> None:
    for file, text in emit(Plan.of(SCENARIOS[name].quantized)).items():
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
        assert not re.search(r"\b(float|double|malloc|free|printf)\b|\d\.\d|__(DATE|TIME)__", code)
        assert not re.search(r"20\d\d-\d\d|\d\d:\d\d:\d\d", text), file


@pytest.mark.usefixtures("arm_toolchain")
@pytest.mark.parametrize("board", ["stm32f405", "microbit"])
def test_no_heap_and_no_float_is_linked(board: str) -> None:
    built = build_firmware(emit(Plan.of(SCENARIOS["mixed_16"].quantized)), load_board(board))
    assert banned_symbols(built.elf) == []


READS_RAW = """
#include <math.h>
#include <stdio.h>
#include "raw_model.h"
int main(void)
{
    double v;
    for (unsigned i = 0; scanf("%lf", &v) == 1; i = (i + 1) % RAW_X_BYTES) {
        int32_t q = (int32_t)floor(ldexp(v, raw_x_frac_bits_x[i]) + 0.5) - raw_x_zero_x[i];
        printf("%d\\n", (int)(q > 127 ? 127 : q < -127 ? -127 : q));
    }
    return 0;
}
"""


@pytest.mark.parametrize("shape", [(8,), (2, 4)])
def test_an_application_makes_codes_of_raw_features(shape: tuple[int, ...], tmp_path) -> None:
    """With the line that the header gives, in the order of a sample."""
    x, y = clusters(300, 8, 3)
    unit, mean = np.geomspace(0.01, 1000, 8), np.geomspace(2, 5000, 8)
    net = in_units(network(x, y), unit, mean)
    net = replace(net, inputs=(replace(net.inputs[0], shape=shape),))
    raw = (x * unit + mean).astype(np.float32)
    model = quantize(net, None, None, raw).network
    sources = emit(Plan.of(model), "raw")
    assert "int32_t q = (int32_t)floor(ldexp(v, raw_x_frac_bits_x[i]) + 0.5) - raw_x_zero_x[i];" \
        in sources["raw_model.h"]
    for path, text in emulator_project(sources).files.items():
        if path.endswith(("dassdp.h", "dassdp_learned.h", "raw_model.h")):
            (tmp_path / path.rpartition("/")[2]).write_text(text)
    (tmp_path / "application.c").write_text(READS_RAW)
    library = build_emulator(sources)
    subprocess.run([*host_compiler(), "-std=c11", "-Wall", "-Werror", "application.c", library,
                    f"-Wl,-rpath,{library.parent}", "-lm", "-o", "application"], cwd=tmp_path,
                   check=True)
    in_order = (raw * 3 - 2 * mean.astype(np.float32))[:, model.input_order["x"]]
    lines = "\n".join(repr(float(v)) for v in in_order.ravel())
    done = subprocess.run([tmp_path / "application"], input=lines, capture_output=True, check=True,
                          text=True)
    expected = input_x(model, raw * 3 - 2 * mean.astype(np.float32))
    assert np.array_equal(np.array(done.stdout.split(), int).reshape(expected.shape), expected)

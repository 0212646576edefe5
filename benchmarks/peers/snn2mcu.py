"""snn2mcu (GPL-3.0), a checkout given by $SNN2MCU, on CMSIS-DSP and CMSIS-Core (Apache-2.0) of
$CMSIS_DSP and $CMSIS_CORE: NIR to C, event-driven, weights and membranes in q15."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
from counting.build import CORES, compile_objects
from counting.cases import Case
from counting.table import Record
from workload import BETA, SEED, SIZES

from edge_dassdp.base.errors import EdgeError
from peers import place, record, run, source

NAME = "snn2mcu"
FLAGS = ("-O3", "-DARM_MATH_LOOPUNROLL")
GENERATOR = "NIR-to-C_V2/nir_to_c_generator_V2.py"
DSP = ("BasicMathFunctions/arm_add_q15.c", "BasicMathFunctions/arm_sub_q15.c",
       "BasicMathFunctions/arm_mult_q15.c", "SupportFunctions/arm_fill_q15.c",
       "SupportFunctions/arm_fill_q7.c", "SupportFunctions/arm_float_to_q15.c")
DT = 1e-4
"""Its time step, built in."""
STUBS = {
    "stm32h7xx_hal.h": "#pragma once\n#include <stdint.h>\n#include <string.h>\n"
                       "typedef struct { int unused; } UART_HandleTypeDef;\n"
                       "static inline void HAL_UART_Transmit(UART_HandleTypeDef *u, uint8_t *t, "
                       "unsigned n, unsigned ms) { (void)u; (void)t; (void)n; (void)ms; }\n",
    "arm_nnfunctions.h": "#pragma once\n",
    "Inc/usart.h": "#pragma once\nstatic UART_HandleTypeDef huart1;\n",
}
"""Headers of a board that the generated file includes and the counted functions do not use."""


def counted(active: tuple[int, ...] = (51, 26, 13)) -> list[Record]:
    """A time step of the benchmark network on the M4, `active` of each layer's inputs a spike."""
    generated = _generated(source("SNN2MCU", GENERATOR))
    dsp, cmsis = source("CMSIS_DSP", "Source"), source("CMSIS_CORE", "Include/cmsis_compiler.h")
    core = CORES["M4"]
    objects = compile_objects(
        core, [generated / "Src" / "lif_neuron_gen.c", *(dsp / "Source" / name for name in DSP)],
        generated / core.name, FLAGS,
        [generated / "Src", generated, dsp / "Include", dsp / "PrivateInclude", cmsis / "Include"])
    rng, cases = np.random.default_rng(SEED), []
    for (n_in, n_out), n_active in zip(pairwise(SIZES), active, strict=True):
        spikes = np.zeros(n_in, np.int8)
        spikes[rng.choice(n_in, n_active, replace=False)] = 1
        neurons = np.zeros((n_out, 4), np.int16)       # threshold, reset, membrane, decay
        neurons[:, 0], neurons[:, 3] = 32_767, round(BETA * 2**15)
        weights = rng.integers(-60, 61, (n_in, n_out)).astype(np.int16)
        cases.append(Case(f"{n_in}x{n_out}", "LIFNeuron_Layer_Update_Vectorized_NoRecurrent", (
            neurons, spikes, weights, n_in, n_out, np.zeros(n_out, np.int8), 0)))
    outcomes, flash = run(core, objects, cases)
    for case, outcome in zip(cases, outcomes, strict=True):
        _, spikes, weights, *_ = case.args
        sums = weights[spikes != 0].sum(axis=0)        # of membranes that were 0
        if (outcome.arrays[0][:, 2] != sums).any():
            raise EdgeError("E404", f"snn2mcu did not compute the layer {case.name}")
    work = sum(n * n_out for n, n_out in zip(active, SIZES[1:], strict=True))
    return [record(NAME, core, f"{'-'.join(map(str, SIZES))} q15, one step, active "
                   f"{'-'.join(map(str, active))}", sum(o.instructions for o in outcomes), work,
                   per="synaptic operation", cycles=sum(o.cycles or 0 for o in outcomes),
                   flash=flash, flags=FLAGS, source="BlackAqualad/snn2mcu, NIR-to-C V2")]


def _generated(folder: Path) -> Path:
    """Folder of its C for the benchmark network: its own generator on a NIR file."""
    output = place("snn2mcu")
    shutil.rmtree(output, ignore_errors=True)
    for name, text in STUBS.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(text)
    (output / "Src").mkdir()
    rng, nodes = np.random.default_rng(SEED), {"input": nir.Input({"input": np.array([SIZES[0]])})}
    for k, (n_in, n_out) in enumerate(pairwise(SIZES)):
        nodes[f"fc{k}"] = nir.Linear(rng.normal(0, 1 / np.sqrt(n_in), (n_out, n_in)))
        each = np.ones(n_out)
        nodes[f"lif{k}"] = nir.LIF(each * DT / (1 - BETA), each, each * 0, each, each * 0)
    nodes["output"] = nir.Output({"output": np.array([SIZES[-1]])})
    nir.write(output / "network.nir", nir.NIRGraph(nodes, list(pairwise(nodes))))
    subprocess.run([sys.executable, folder / GENERATOR, output / "network.nir"], check=True,
                   cwd=output / "Src", capture_output=True, timeout=120)
    for header in (output / "Src").glob("*.h"):
        shutil.copy(header, output / "Inc")
    return output

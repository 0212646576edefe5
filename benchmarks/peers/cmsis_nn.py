"""CMSIS-NN (Apache-2.0), a checkout given by $CMSIS_NN: dense int8 layers without neurons."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from convolutions import LAYERS, SOURCE, Layer
from counting.build import CORES, Core, compile_objects
from counting.cases import Array, Case, Outcome, Struct
from counting.table import Record

from edge_dassdp.base.errors import EdgeError
from peers import place, record, run, source, with_fpu

NAME = "CMSIS-NN"
FLAGS = ("-O3",)
SIZES = ((256, 128), (24, 128))
"""Inputs and outputs of dense layers."""
MULTIPLIER, SHIFT = 1 << 30, -8
"""Of requantization: a sum / 2^9."""


def counted() -> list[Record]:
    """Dense layers on the M0 to M55, and convolutions of the benchmark on M4 and M55."""
    folder = source("CMSIS_NN", "Include/arm_nnfunctions.h")
    found = [_dense(core, folder, *size) for core in map(_built_for, CORES) for size in SIZES]
    return [*found, *(_layer(_built_for(core), folder, layer) for core in ("M4", "M55")
                      for layer in LAYERS)]


def _built_for(core: str) -> Core:
    """As its users build it: MVE on the M55."""
    return with_fpu(CORES[core]) if core == "M55" else CORES[core]


def _objects(core: Core, folder: Path, part: str, *names: str) -> list[Path]:
    sources = {path for name in names for path in (folder / "Source").glob(name)
               if "lstm" not in path.name}
    return compile_objects(core, sorted(sources), place(f"cmsis-nn-{core.name}-{part}"), FLAGS,
                           [folder / "Include"])


def _dense(core: Core, folder: Path, n_in: int, n_out: int) -> Record:
    objects = _objects(core, folder, "fc", "FullyConnectedFunctions/arm_fully_connected_s8.c",
                       "NNSupportFunctions/arm_nn_vec_mat_mult_t_s8.c")
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, n_in).astype(np.int8)
    w = rng.integers(-127, 128, (n_out, n_in)).astype(np.int8)
    bias, out = rng.integers(-1000, 1000, n_out).astype(np.int32), np.zeros(n_out, np.int8)
    # Row sums of the kernel times the input offset (0), as the M55 path takes them in its context.
    case = Case("fc", "arm_fully_connected_s8", (
        Struct((bias.copy(), n_out * 4)), Struct((0, 0, 0, -128, 127)),
        Struct((MULTIPLIER, SHIFT)), Struct((1, 1, 1, n_in)), x, Struct((n_in, 1, 1, n_out)), w,
        Struct((1, 1, 1, n_out)), bias, Struct((1, 1, 1, n_out)), out))
    outcome, flash = _ran(core, objects, case)
    _check(outcome.arrays[-1], w.astype(np.int64) @ x + bias)
    return record(NAME, core, f"arm_fully_connected_s8 {n_in}x{n_out}", outcome.instructions,
                  n_in * n_out, cycles=outcome.cycles, flash=flash, flags=FLAGS,
                  source=folder.name)


def _layer(core: Core, folder: Path, layer: Layer) -> Record:
    objects = _objects(core, folder, "conv", "ConvolutionFunctions/*_s8*.c",
                       "NNSupportFunctions/*_s8*.c", "NNSupportFunctions/arm_q7_to_q15*.c",
                       "TransposeFunctions/arm_transpose_s8.c")
    rng, (channels, high, wide) = np.random.default_rng(0), SOURCE
    c_out, c_in, k, _ = layer.weight_shape
    is_depthwise, (_, h_out, w_out) = layer.groups > 1, layer.out_shape
    x = rng.integers(-128, 128, (high, wide, channels)).astype(np.int8)
    w = rng.integers(-127, 128, layer.weight_shape).astype(np.int8)
    order = (1, 2, 3, 0) if is_depthwise else (0, 2, 3, 1)
    kernel = np.ascontiguousarray(w.transpose(order))
    bias, out = rng.integers(-1000, 1000, c_out).astype(np.int32), np.zeros(
        (h_out, w_out, c_out), np.int8)
    pad, scratch = k // 2, np.zeros(64 << 10, np.int8)
    shared = (layer.stride, layer.stride, pad, pad, 1, 1, -128, 127)
    scales = Struct((np.full(c_out, MULTIPLIER, np.int32), np.full(c_out, SHIFT, np.int32)))
    n_filter = (1, k, k, c_out) if is_depthwise else (c_out, k, k, c_in)
    case = Case("conv", "arm_depthwise_conv_wrapper_s8" if is_depthwise else
                "arm_convolve_wrapper_s8", (
        Struct((scratch, scratch.nbytes)), Struct((0, 0, *((1,) if is_depthwise else ()), *shared)),
        scales, Struct((1, high, wide, channels)), x, Struct(n_filter), kernel,
        Struct((1, 1, 1, c_out)), bias, Struct((1, h_out, w_out, c_out)), out))
    outcome, flash = _ran(core, objects, case)
    dense = layer.conv.apply(x.transpose(2, 0, 1).reshape(1, -1).astype(np.int64),
                             w.astype(np.int64), SOURCE).reshape(c_out, h_out, w_out)
    _check(outcome.arrays[-1], dense.transpose(1, 2, 0) + bias)
    return record(NAME, core, layer.what, outcome.instructions, layer.macs, cycles=outcome.cycles,
                  flash=flash, flags=FLAGS, source=folder.name)


def _ran(core: Core, objects: list[Path], case: Case) -> tuple[Outcome, int]:
    [outcome], flash = run(core, objects, [case])
    return outcome, flash


def _check(found: Array, sums: Array) -> None:
    """Raises EdgeError E404 where it did not compute the layer."""
    if np.abs(found - np.clip(sums / 2**9, -128, 127)).max() > 1:
        raise EdgeError("E404", "CMSIS-NN did not compute the layer")

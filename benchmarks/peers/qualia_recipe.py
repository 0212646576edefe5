"""Generate Qualia-CodeGen's C for a 256-128-64-10 LIF network: `python qualia_recipe.py FOLDER`.

Run by peers.py with the interpreter of the peer's own environment. Qualia-CodeGen-Plugin-SNN is
AGPL-3.0: neither it nor what it generates is part of this project or kept in its folder.
"""

import sys
from itertools import pairwise
from pathlib import Path

import torch
from qualia_codegen_core.graph.Quantization import Quantization
from qualia_codegen_plugin_snn import Converter
from qualia_codegen_plugin_snn.graph import TorchModelGraph
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

SIZES = (256, 128, 64, 10)
GAIN = 6


def main(folder: Path) -> None:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(SIZES):
        layers += [nn.Linear(n_in, n_out), LIFNode(tau=2.0, decay_input=False, v_reset=None)]
    for layer in layers[::2]:  # random weights so large that neurons fire
        layer.weight.data.mul_(GAIN)
    model = nn.Sequential(*layers)
    model.input_shape = (1, SIZES[0])
    model.is_snn = True
    graph = TorchModelGraph(model).convert()
    for node in graph.nodes:
        spiking = "Lif" in type(node.layer).__name__ or "Input" in type(node.layer).__name__
        node.q = Quantization(number_type=int, width=8, long_width=32, weights_scale_factor=5,
                              bias_scale_factor=5, output_scale_factor=0 if spiking else 5,
                              weights_round_mode="floor", output_round_mode="floor")
    if not Converter(output_path=folder).convert_model(graph):
        sys.exit("Qualia-CodeGen refused the network")


main(Path(sys.argv[1]))

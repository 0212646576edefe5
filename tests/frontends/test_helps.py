"""Every refusal of what importers share, and what its help says, done.

A refusal without an entry here fails the last test.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.helps import FRONTENDS, Help, unprovoked
from support.nir_graphs import chain as nir_chain
from support.nir_graphs import lif

import edge_dassdp as ed
from edge_dassdp import ir
from edge_dassdp.frontends import files
from edge_dassdp.frontends.assemble import EntrySettings, assemble, assembly
from edge_dassdp.frontends.compare import Did, compare
from edge_dassdp.frontends.files import SourceOptions
from edge_dassdp.frontends.framework import SourceProfile
from edge_dassdp.frontends.nir import from_nir
from edge_dassdp.frontends.nodes import (
    Convolution,
    Delay,
    Entry,
    Exit,
    Flatten,
    Linear,
    Neurons,
    Node,
    Pooling,
    Scale,
)
from edge_dassdp.ir import Encoder
from edge_dassdp.ir.geometry import Conv
from edge_dassdp.twin.model import FloatModel

FILES = Path(__file__).parent
LIF = Neurons({"beta": 0.5, "threshold": 1.0})
OUT = {"n": LIF, "out": Exit()}
TO_OUT = ("n", "out")


def eye(n_out: int, n_in: int | None = None) -> Linear:
    return Linear(np.ones((n_out, n_out if n_in is None else n_in)))


def conv(c: int = 2, k: int = 3, bias: bool = False, **how: Any) -> Convolution:
    return Convolution(np.ones((c, c, k, k)), np.ones(c) if bias else None, Conv(**how))


def pool(kind: Any = "max", **how: Any) -> Pooling:
    return Pooling(kind, (2, 2), (2, 2), **how)


def made(nodes: dict[str, Node], edges: str, **how: Any) -> ir.Network:
    """edges: "a b, b c"."""
    return assemble(nodes, [tuple(e.split()) for e in edges.split(", ")],  # type: ignore[misc]
                    n_steps=4, **how)


def line(shape: tuple[int, ...], *between: Node, **how: Any) -> Callable[[], ir.Network]:
    """An input, nodes one behind the other, neurons and an output."""
    nodes: dict[str, Node] = {"in": Entry(shape)} | {f"a{i}": n for i, n in enumerate(between)} \
        | {"n": LIF, "out": Exit()}
    edges = ", ".join(f"{a} {b}" for a, b in pairwise(nodes))
    return lambda: made(nodes, edges, **how)


def spiking(shape: tuple[int, ...], *between: Node) -> Callable[[], ir.Network]:
    return line(shape, *between, entries={"in": EntrySettings(spikes=True, frames=True)})


def branches(n: int) -> Callable[[], ir.Network]:
    """Two nodes side by side, one behind the other, n times."""
    nodes: dict[str, Node] = {"in": Entry((2,))}
    edges, last = [], ["in"]
    for i in range(n):
        here = [f"a{i}", f"b{i}"]
        nodes |= dict.fromkeys(here, eye(2))
        edges += [f"{a} {b}" for a in last for b in here]
        last = here
    return lambda: made(nodes | OUT, ", ".join([*edges, *(f"{a} n" for a in last), "n out"]))


WAYS = {"in": Entry((4,)), "a": eye(4), "b": eye(4)}
SPACE = {"in": Entry((2, 8, 8)), "a": conv(), "b": conv(), "p": pool()}
GRAPH: dict[str, Help] = {
    "order": Help(line((4,), eye(4), order=["b"]), "or give no order", line((4,), eye(4))),
    "order of all": Help(line((4,), eye(4), order=["n", "n"]), "name each of n once",
                         line((4,), eye(4), order=["n"])),
    "no input": Help(lambda: made({"in": Entry((4,)), "m": LIF, "a": eye(4), "b": eye(4), **OUT},
                                  "in a, a m, m out, n b, b n, n out"), "one node lead there",
                     line((4,), eye(4))),
    "loop alone": Help(lambda: made({"in": Entry((4,)), "m": LIF, "a": eye(4), "b": eye(4),
                                     "out": Exit(), "n": LIF},
                                    "in a, a m, m out, n b, b n"), "add an edge that leads there",
                       lambda: made({"in": Entry((4,)), "m": LIF, "a": eye(4), "b": eye(4),
                                     "out": Exit(), "n": LIF},
                                    "in a, a m, m out, n b, b n, a n")),
    "gone": Help(lambda: made({**WAYS, **OUT}, "in x, a n, n out"), "name one of its nodes: in, a",
                 line((4,), eye(4))),
    "into input": Help(lambda: made({"in": Entry((4,)), "a": eye(4), **OUT},
                                    "in a, a n, n out, n in"), "leave it out", line((4,), eye(4))),
    "twice": Help(lambda: made({"in": Entry((4,)), "a": eye(4), **OUT},
                               "in a, in a, a n, n out"), "double the weights",
                  line((4,), Linear(2 * np.ones((4, 4))))),
    "no output": Help(lambda: made({"in": Entry((4,)), "a": eye(4), "n": LIF}, "in a, a n"),
                      "add a node Output, and an edge to it", line((4,), eye(4))),
    "two outputs": Help(lambda: made({"in": Entry((4,)), "a": eye(4), **OUT, "out2": Exit()},
                                     "in a, a n, n out, n out2"), "keep the one that",
                        line((4,), eye(4))),
    "into output": Help(lambda: made({**WAYS, "out": Exit()}, "in a, in b, a out, b out"),
                        "let one node lead there: the neurons that are to be read",
                        lambda: made({**WAYS, **OUT}, "in a, in b, a n, b n, n out")),
    "into nothing": Help(lambda: made({**WAYS, **OUT}, "in a, a n, b n, n out"),
                         "add an edge that leads there",
                         lambda: made({**WAYS, **OUT}, "in a, a n, in b, b n, n out")),
    "out of nothing": Help(lambda: made({**WAYS, **OUT}, "in a, in b, a n, n out"),
                           "leave the node out", line((4,), eye(4))),
    "loop": Help(lambda: made({**WAYS, **OUT}, "in a, a b, b a, a n, n out"),
                 "put neurons into it",
                 lambda: made({**WAYS, "m": LIF, **OUT}, "in a, a m, m b, b m, m n, n out")),
    "paths": Help(branches(7), "put neurons between them", branches(6)),
    "paths in one": Help(branches(8), "multiply the weights of parallel ways",
                         line((2,), Linear(2.0**7 * np.ones((2, 2))))),
}
ASSEMBLE: dict[str, Help] = {
    "frames of an encoder": Help(
        line((4,), eye(4), entries={"in": EntrySettings(True, True, encoder=Encoder("rate"))}),
        "leave the setting of frames out",
        line((4,), eye(4), entries={"in": EntrySettings(True, encoder=Encoder("rate"))})),
    "frames of events": Help(
        line((4,), eye(4), entries={"in": EntrySettings(True, False, n_events=9)}),
        "leave the setting of frames out",
        line((4,), eye(4), entries={"in": EntrySettings(True, n_events=9)})),
    "readout": Help(line((4,), eye(4), readout="rates"), "choose spike_count",
                    line((4,), eye(4), readout="spike_count")),
    "logits": Help(line((4,), eye(4), logits="maen"), "choose sum, mean, last or max",
                   line((4,), eye(4), logits="mean")),
    "spikes of currents": Help(
        lambda: made({"in": Entry((4,)), "a": eye(4), "out": Exit()}, "in a, a out",
                     readout="spike_count"), "choose membrane_sum",
        lambda: made({"in": Entry((4,)), "a": eye(4), "out": Exit()}, "in a, a out",
                     readout="membrane_sum")),
    "settings of none": Help(line((4,), eye(4), entries={"x": EntrySettings()}),
                             "choose one of in", line((4,), eye(4), entries={
                                 "in": EntrySettings()})),
    "shape": Help(line((), conv()), "(channels, height, width)", line((2, 8, 8), conv())),
    "size": Help(lambda: made({"in": Entry((4,)), "a": eye(4), **OUT, "n": replace(LIF, size=5)},
                              "in a, a n, n out"), "make it of 4 neurons",
                 lambda: made({"in": Entry((4,)), "a": eye(4), **OUT, "n": replace(LIF, size=4)},
                              "in a, a n, n out")),
    "size of the layer": Help(
        lambda: made({"in": Entry((4,)), "a": eye(4), **OUT, "n": replace(LIF, size=5)},
                     "in a, a n, n out"), "have 5 outputs",
        lambda: made({"in": Entry((4,)), "a": eye(5, 4), **OUT, "n": replace(LIF, size=5)},
                     "in a, a n, n out")),
    "threshold": Help(lambda: made({"in": Entry((4,)), "a": eye(4), "n": Neurons(
        {"beta": 0.5, "threshold": np.array([1.0, -2.0, 1.0, 1.0])}), "out": Exit()},
        "in a, a n, n out"), "clamp thresholds",
        lambda: made({"in": Entry((4,)), "a": eye(4), "n": Neurons(
            {"beta": 0.5, "threshold": np.array([1.0, 0.01, 1.0, 1.0])}), "out": Exit()},
            "in a, a n, n out")),
    "sum of largest": Help(lambda: made({**SPACE, **OUT}, "in a, in b, a p, b p, p n, n out"),
                           "pool each term alone",
                           lambda: made({**SPACE, "q": pool(), **OUT},
                                        "in a, in b, a p, b q, p n, q n, n out")),
    "sizes that meet": Help(lambda: made({**WAYS, "b": eye(5, 4), **OUT},
                                         "in a, in b, a n, b n, n out"),
                            "change the sizes of the layers",
                            lambda: made({**WAYS, **OUT}, "in a, in b, a n, b n, n out")),
}


def learned(*between: Node, shape: tuple[int, ...] = (4,)) -> Callable[[], Any]:
    """The weight of the projection that was made, as the node has it."""
    nodes: dict[str, Node] = {"in": Entry(shape)} | {f"a{i}": n for i, n in enumerate(between)} \
        | dict(OUT)
    found = assembly(nodes, list(pairwise(nodes)), n_steps=4)
    last = found.network.projections[-1]
    return lambda: found.weight_of(last.name, last.weight)


def shaped(transposed: bool) -> Callable[[], Any]:
    found = assembly({"in": Entry((4,)), "a": eye(5, 4), **OUT},
                     [("in", "a"), ("a", "n"), TO_OUT], n_steps=4)
    weight = found.network.projection("a").weight
    return lambda: found.weight_of("a", weight.T if transposed else weight)


FOLDING: dict[str, Help] = {
    "shape of a weight": Help(shaped(True), ".weight of the network has it", shaped(False)),
    "folded": Help(learned(eye(4), eye(4)), "put neurons between",
                   learned(eye(4), LIF, eye(4))),
    "behind the largest": Help(line((2, 8, 8), conv(), pool(), conv()), "put neurons behind",
                               line((2, 8, 8), conv(), pool(), LIF, conv())),
    "behind the largest, average": Help(line((2, 8, 8), conv(), pool(), conv()),
                                        "use average pooling",
                                        line((2, 8, 8), conv(), pool("avg"), conv())),
    "no matrix": Help(line((4,), Linear(np.ones((2, 2, 4)))), "give it as a matrix",
                      line((4,), eye(4))),
    "columns": Help(line((4,), eye(5)), "give it 4 columns", line((4,), eye(5, 4))),
    "values": Help(line((4,), eye(5)), "or 5 values", line((5,), eye(5))),
    "kernel": Help(line((2, 8, 8), Convolution(np.ones((2, 2, 3)))), "of a kernel in one dimension",
                   line((2, 8), Convolution(np.ones((2, 2, 1, 3))))),
    "largest of spikes": Help(spiking((2, 8, 8), pool(dilation=(2, 2)), conv()), "dilation=1",
                              spiking((2, 8, 8), pool(), conv())),
    "largest of a matrix": Help(line((2, 8, 8), conv(), Scale(np.arange(72.0)), pool()),
                                "put neurons between",
                                line((2, 8, 8), conv(), LIF, pool())),
    "largest of constants": Help(
        line((2, 8, 8), Scale(np.ones(2), np.ones(2)), conv(padding=(1, 1)), pool()),
        "add constants behind the max pooling",
        line((2, 8, 8), conv(padding=(1, 1)), pool(), Scale(np.ones(2), np.ones(2)))),
    "largest below 0": Help(line((2, 8, 8), conv(), pool(), Scale(-np.ones(1))),
                            "put it before the max pooling",
                            line((2, 8, 8), conv(), Scale(-np.ones(1)), pool())),
    "largest by place": Help(line((2, 8, 8), conv(), pool(), Scale(np.arange(18.0))),
                             "put it before the max pooling",
                             line((2, 8, 8), conv(), Scale(np.arange(2.0) + 1), pool())),
    "part of a step": Help(spiking((4,), Delay(np.array([0.5])), eye(4)),  # type: ignore[arg-type]
                           "round the delays", spiking((4,), Delay(np.array([1])), eye(4))),
    "delayed values": Help(line((4,), Delay(np.array([2])), eye(4)), "put it behind neurons",
                           line((4,), eye(4), LIF, Delay(np.array([2])), eye(4))),
    "delayed bias": Help(
        spiking((4,), Linear(np.ones((4, 4)), np.ones(4)), Delay(np.array([2]))),
        "put the delay before",
        spiking((4,), Delay(np.array([2])), Linear(np.ones((4, 4)), np.ones(4)))),
    "delayed sums": Help(spiking((4,), eye(4), Delay(np.arange(4))), "one number of steps",
                         spiking((4,), eye(4), Delay(np.array([3])))),
    "delayed sums, before": Help(spiking((4,), eye(4), Delay(np.arange(4))),
                                 "put the delay directly behind neurons",
                                 spiking((4,), Delay(np.arange(4)), eye(4))),
    "too late": Help(spiking((4,), *[Delay(np.array([200]))] * 2, eye(4)), "255 steps in all",
                     spiking((4,), Delay(np.array([200])), Delay(np.array([55])), eye(4))),
    "factors": Help(line((2, 8, 8), Scale(np.ones(3)), conv()), "one for each of the 2 channels",
                    line((2, 8, 8), Scale(np.ones(2)), conv())),
    "a large matrix": Help(
        line((2, 64, 64), conv(), Scale(np.arange(2.0 * 62 * 62) + 1)), "put neurons between",
        line((2, 64, 64), conv(), LIF, Scale(np.arange(2.0)), conv())),
    "by place behind the largest": Help(
        line((2, 8, 8), conv(), pool(), Scale(np.ones(1), np.arange(18.0))),
        "one constant for each channel",
        line((2, 8, 8), conv(), pool(), Scale(np.ones(1), np.arange(2.0)))),
    "flattened": Help(line((2, 8, 8), Flatten(), conv()), "put the flattening behind",
                      line((2, 8, 8), conv(), Flatten())),
}


def profile(text: str) -> Callable[[], object]:
    return lambda: SourceProfile.parse(text)


def read(text: str | None, *shape: int, **changed: object) -> Callable[[], object]:
    return lambda: from_nir(nir_chain((3,), lif(*(shape or (3,)), **changed)), n_steps=4,
                            profile=text)


PROFILE: dict[str, Help] = {
    "source": Help(profile("brian"), "choose one of", profile("sinabs")),
    "reset": Help(profile("sinabs,reset=soft"), "reset=subtract", profile("sinabs,reset=subtract")),
    "other setting": Help(profile("snntorch,norm_input=true"), "it has reset, reset_delay",
                          profile("snntorch,reset_delay=true")),
    "dt": Help(profile("nir,dt=-1"), "dt=1e-3", profile("nir,dt=1e-3")),
    "field": Help(profile("nir,step=1"), "fields are reset", profile("nir,reset=zero")),
    "number": Help(profile("nir,dt=fast"), "dt=1e-3", profile("nir,dt=1e-3")),
    "integer": Help(profile("sinabs,max_spikes=many"), "max_spikes=0",
                    profile("sinabs,max_spikes=0")),
    "truth": Help(profile("nir,strict=maybe"), "strict=true", profile("nir,strict=true")),
    "unsaid": Help(read(None), "give a source profile, one of", read("nir,dt=0.0001")),
    "no dt": Help(read("nir"), "nir,dt=0.001", read("nir,dt=0.001")),
    "v_reset": Help(read("nir,dt=0.001,reset=subtract", v_reset=-0.5),
                    "give reset=zero,reset_delay=false",
                    read("nir,dt=0.001,reset=zero,reset_delay=false", v_reset=-0.5)),
    "v_reset in the file": Help(read("nir,dt=0.001,reset=subtract", v_reset=-0.5), "v_reset 0",
                                read("nir,dt=0.001,reset=subtract", v_reset=0)),
    "infinite": Help(read("nir,dt=0.001", r=np.inf), "finite numbers", read("nir,dt=0.001", r=1)),
    "tau": Help(read("nir,dt=0.001", tau=-1), "above 0", read("nir,dt=0.001", tau=1)),
    "threshold": Help(read("nir,dt=0.001", v_threshold=-1), "clamp thresholds",
                      read("nir,dt=0.001", v_threshold=0.01)),
    "reset above": Help(read("nir,dt=0.001", v_reset=2), "lower v_reset",
                        read("nir,dt=0.001", v_reset=0)),
    "kind": Help(read("rockpool", v_leak=0.1), "choose the framework that wrote the file",
                 read("nir,dt=0.001", v_leak=0.1)),
    "own definition": Help(read("rockpool", v_leak=0.1), "or 'nir' with a dt",
                           read("nir,dt=0.001", v_leak=0.1)),
    "other node": Help(lambda: from_nir(nir_chain((3,), nir_if()), n_steps=4, profile="snntorch"),
                       "or 'nir' with a dt",
                       lambda: from_nir(nir_chain((3,), nir_if()), n_steps=4,
                                        profile="nir,dt=1")),
}


def nir_if() -> Any:
    import nir

    return nir.IF(r=np.ones(3), v_threshold=np.ones(3), v_reset=np.zeros(3))


def network(weight: float = 1.0) -> ir.Network:
    return line((4,), Linear(weight * (np.eye(4) + 0.5)), LIF, eye(4))()


def source(other: ir.Network) -> Callable[[Any], Any]:
    def run(x: Any) -> dict[str, Did]:
        values = x[other.inputs[0].name]
        found = FloatModel(replace(other, n_steps=values.shape[1], inputs=(
            replace(other.inputs[0], n_frames=values.shape[1]),))).run(
                values.reshape(len(values), -1))
        return {p.name: Did(found.spikes[p.name], found.membranes[p.name])
                for p in other.populations}
    return run


COMPARE: dict[str, Help] = {
    "another": Help(lambda: compare(network(), source(network(1.5))),
                    "look for what changes the forward pass",
                    lambda: compare(network(), source(network()))),
}


def file(name: str, **options: Any) -> Callable[[], object]:
    return lambda: files.load_model(FILES / name, SourceOptions(**options))


NIR_FILE, ONNX_FILE = "../../examples/nir/cnn_sinabs.nir", "onnx/files/leaky-20-subtract.onnx"


@cache
def quantized() -> Path:
    folder = Path(tempfile.mkdtemp())
    ed.save(ed.quantize(network()), folder / "m.q.npz")
    ed.save(network(), folder / "m.npz")
    return folder / "m.q.npz"


FILE: dict[str, Help] = {
    "quantized": Help(lambda: files.load_model(quantized()), "edge-dassdp build",
                      lambda: ed.load_model(quantized())),
    "missing": Help(file("none.nir", n_steps=4), "check the path",
                    file(NIR_FILE, source="sinabs", n_steps=4)),
    "other options": Help(file(NIR_FILE, source="sinabs", n_steps=4, output="a"),
                          "leave them out", file(NIR_FILE, source="sinabs", n_steps=4)),
    "steps": Help(file(NIR_FILE, source="sinabs"), "give n_steps",
                  file(NIR_FILE, source="sinabs", n_steps=4)),
    "currents": Help(file(NIR_FILE, source="sinabs", n_steps=4, spikes=False, n_events=9),
                     "leave out that inputs are currents",
                     file(NIR_FILE, source="sinabs", n_steps=4, n_events=9)),
}
HELPS = {f"{group}: {name}": entry for group, helps in (
    ("graph", GRAPH), ("assemble", ASSEMBLE), ("folding", FOLDING), ("profile", PROFILE),
    ("compare", COMPARE), ("file", FILE)) for name, entry in helps.items()}


@pytest.mark.parametrize("name", HELPS)
def test_what_the_help_says_works(name: str) -> None:
    HELPS[name].check()


def test_every_refusal_has_an_entry() -> None:
    assert unprovoked(FRONTENDS.glob("*.py"), HELPS) == []

"""Every refusal of the NIR importer, and what its help says, done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import nir
import numpy as np
import pytest
from support.helps import FRONTENDS, Help, unprovoked, without
from support.nir_graphs import NIR, chain, graph, lif, values

from edge_dassdp.frontends.nir import from_nir, to_nir, tree
from edge_dassdp.frontends.nir.told import Profiles


class Unknown(nir.NIRNode):
    def __init__(self) -> None:
        self.input_type = self.output_type = {"input": np.array([3])}


def read(model: Any, profile: Profiles = NIR, **how: Any) -> Callable[[], object]:
    return lambda: from_nir(model, n_steps=4, profile=profile, **how)


def line(*between: nir.NIRNode, shape: tuple[int, ...] = (3,), **how: Any) -> Callable[[], object]:
    return read(chain(shape, *between), **how)


def conv(padding: Any = 1, k: int = 3, stride: Any = 1) -> nir.Conv2d:
    made = nir.Conv2d(None, values(2, 2, k, k), 1, 1, 1, 1, values(2))
    made.padding, made.stride = padding, stride
    return made


def flat() -> nir.Conv2d:
    made = conv()
    made.weight = values(2, 18)
    return made


def linear(n_out: int = 3, n_in: int = 3) -> nir.Linear:
    return nir.Linear(values(n_out, n_in))


def li(n: int = 3) -> nir.LI:
    return nir.LI(np.ones(n), np.ones(n), np.zeros(n))


def late(delay: float) -> tuple[nir.NIRNode, ...]:
    slow = lif(3, tau=10)
    return linear(), slow, nir.Delay(np.full(3, delay)), linear(), slow


def inside(edges: str, **nodes: nir.NIRNode) -> nir.NIRGraph:
    return chain((3,), graph({"input": nir.Input(np.array([3])), "l": lif(3)} | nodes, edges))


INNER = inside("input l, l output", output=nir.Output(np.array([3])))
BOTH = graph({"in": nir.Input(np.array([3])), "w": linear(), "a": lif(3), "b": lif(3),
              "s": lif(3), "out": nir.Output(None)}, "in a, in b, a w, b w, w s, s out")
ALONE = graph({"in": nir.Input(np.array([3])), "l": lif(3)}, "in l")
ENDS = graph({"in": nir.Input(np.array([3])), "l": lif(3), "out": nir.Output(np.array([3]))},
             "in l, l out")


def with_output() -> nir.NIRGraph:
    """What the help says, of a graph without one."""
    nodes, edges = dict(ALONE.nodes), list(ALONE.edges)
    nodes["out"] = nir.Output(np.array([3]))
    return nir.NIRGraph(nodes, [*edges, ("l", "out")], type_check=False)


def without_nir() -> None:
    with without("nir"):
        from_nir(ENDS, n_steps=4, profile=NIR)


def written(**weights: np.ndarray) -> Callable[[], object]:
    return lambda: to_nir(BOTH if "w_from_a" in weights else chain((3,), linear(), lif(3)), weights)


def half(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file.create_group("node/nodes/input")["type"] = b"Input"
    return path


def cut(path: Path) -> Path:
    nir.write(path, ENDS)
    path.write_bytes(path.read_bytes()[:600])
    return path


def other(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)
    return path


def endless(path: Path) -> Path:
    """One that HDF5 is given no time for."""
    nir.write(path, ENDS)
    return path


def single(path: Path) -> Path:
    nir.write(path, chain((3,), linear(), lif(3)))
    with h5py.File(path, "r+") as file:
        file.copy(file["node/nodes/n0"], file, "other")
        del file["node"]
        file.move("other", "node")
    return path


W = np.ones((3, 3))
HELPS: dict[str, Help] = {
    "no spikes": Help(line(linear(), li(), readout="spike_count"), "choose membrane_sum",
                      line(linear(), li(), readout="membrane_sum")),
    "learned nan": Help(written(n0=np.full((3, 3), np.nan)), "finite numbers", written(n0=W)),
    "disagree": Help(written(w_from_a=W, w_from_b=2 * W), "learn only one of them",
                     written(w_from_a=W, w_from_b=W)),
    "shares": Help(written(w_from_a=W), "give the weight of 'w_from_b', too",
                   written(w_from_a=W, w_from_b=W)),
    "no library": Help(without_nir, "pip install 'edge-dassdp[nir]'", read(ENDS)),
    "no graph": Help(read(7), "give a nir.NIRGraph", read(ENDS)),
    "edge": Help(read(graph({"in": nir.Input(np.array([3])), "l": lif(3),
                             "out": nir.Output(None)}, "in l, l gone")),
                 "name one of its nodes: in, l, out", read(ENDS)),
    "no output": Help(read(ALONE), "add a node Output, and an edge to it", read(with_output())),
    "open subgraph": Help(read(inside("input l")), "give it exactly one", read(INNER)),
    "unknown": Help(line(Unknown()), "Linear, Affine", line(linear(), lif(3))),
    "membranes": Help(line(li(), linear(), lif(3)), "only the last neurons",
                      line(lif(3), linear(), li())),
    "shape": Help(line(nir.Flatten(None, 0), shape=(-1, 8)), "without batch and time",
                  line(lif(8), shape=(8,))),
    "no shape": Help(read(graph({"in": nir.Input(None), "l": lif(3), "out": nir.Output(None)},
                                "in l, l out")), "fixed shapes", read(ENDS)),
    "stacked": Help(line(nir.Linear(values(2, 2, 3))), "one Linear per matrix",
                    line(nir.Linear(values(2, 3)), lif(2))),
    "same": Help(line(conv("same", 2), shape=(2, 8, 8)), "an odd kernel",
                 line(conv("same", 3), lif(2, 8, 8), shape=(2, 8, 8))),
    "same, numbers": Help(line(conv("same", 2), shape=(2, 8, 8)), "give numbers instead",
                          line(conv(1, 2), lif(2, 9, 9), shape=(2, 8, 8))),
    "delay": Help(line(*late(3.0), profile="snntorch,reset=zero,reset_delay=false"), "dt=1",
                  line(*late(3.0), profile="snntorch,reset=zero,reset_delay=false", dt=1)),
    "delay of parts": Help(line(*late(3.5), profile="snntorch,reset=none", dt=1), "a dt that",
                           line(*late(3.5), profile="snntorch,reset=none", dt=0.5)),
    "nan": Help(line(nir.Affine(values(2, 3), np.full(2, np.nan)), lif(2)), "finite numbers",
                line(nir.Affine(values(2, 3), np.ones(2)), lif(2))),
    "bias": Help(line(nir.Affine(values(2, 3), np.ones(3)), lif(2)), "one number for each output",
                 line(nir.Affine(values(2, 3), np.ones(2)), lif(2))),
    "stride": Help(line(conv(stride=(1, 1, 1)), shape=(2, 8, 8)), "as one integer",
                   line(conv(stride=1), lif(2, 8, 8), shape=(2, 8, 8))),
    "dt": Help(line(lif(3), dt=-1), "dt=1e-3", line(lif(3), profile="nir", dt=1e-3)),
    "a long step": Help(line(lif(3), profile="snntorch,reset=none,dt=1"), "a dt that is shorter",
                        line(lif(3), profile="snntorch,reset=none,dt=0.001")),
    "no numbers": Help(line(nir.Affine(values(2, 3), np.array(["a", "b"])), lif(2)),
                       "with real numbers", line(nir.Affine(values(2, 3), np.ones(2)), lif(2))),
    "no kernel": Help(line(flat(), shape=(2, 8, 8)), "give it 4 dimensions",
                      line(conv(), lif(2, 8, 8), shape=(2, 8, 8))),
    "no neurons": Help(line(lif(3), profile={"n1": NIR, "*": NIR}), "choose one of n0",
                       line(lif(3), profile={"n0": NIR})),
    "no effect": Help(line(lif(3), profile="snntorch,reset=none,reset_delay=true"),
                      "leave it out", line(lif(3), profile="snntorch,reset=none")),
}


@pytest.mark.parametrize("name", HELPS)
def test_what_the_help_says_works(name: str) -> None:
    HELPS[name].check()


def of_files(folder: Path) -> dict[str, Help]:
    def again() -> None:
        nir.write(folder / "half.nir", ENDS)
        read(folder / "half.nir")()

    gone = Help(read(folder / "gone.nir"), "check the path", again)
    node = Help(partial(_written, single, folder / "single.nir"), "write the graph that", again)
    return {"gone": gone, "node": node} | {
        write.__name__: Help(partial(_written, write, folder / f"{write.__name__}.nir"),
                             "export it again: nir.write(", again)
        for write in (half, cut, other, endless)}


def _written(write: Callable[[Path], Path], path: Path) -> None:
    with patch.object(tree, "MOST_SECONDS", 0 if write is endless else tree.MOST_SECONDS):
        read(write(path))()


def test_of_files(tmp_path: Path) -> None:
    for entry in of_files(tmp_path).values():
        entry.check()


def test_every_refusal_has_an_entry(tmp_path: Path) -> None:
    assert unprovoked((FRONTENDS / "nir").glob("*.py"), HELPS | of_files(tmp_path)) == []

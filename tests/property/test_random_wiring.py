"""Any supported combination of convolutions, pools, delays, recurrence, synapses, several spikes a
step, events and encoders runs the same in NumPy, in checked C, and, some of them, on two cores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from support.lanes import often
from support.scenario import Call

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.emit import emit
from edge_dassdp.ir import Encoder, Input, Network, Population, Projection, Readout
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool, Volume, identity, size, volume
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import DASSDP, SSDP, ErrorSSDP, Learning, ReadoutDelta, Rule
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.targets.target import Target

N_EXAMPLES, N_ON_BOARDS = often(60), often(4)
COMPARED = ("class_idx", "loss_q8", "is_skipped", "is_updated", "forward_digest", "learned_digest")
CHECKS: dict[str, Any] = {
    "derandomize": True, "deadline": None, "print_blob": True, "database": None,
    "suppress_health_check": list(HealthCheck), "phases": (Phase.explicit, Phase.generate)}


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def sources(draw: st.DrawFn, n_steps: int) -> Input:
    shape = draw(st.sampled_from([(11,), (2, 9), (1, 6, 5), (3, 5, 7), (4, 4, 4), (2, 8, 3)]))
    n, frames = size(shape), draw(st.sampled_from([1, n_steps]))
    kind = draw(st.sampled_from(["currents", "spikes", "events", "counts", "latency", "rate",
                                 "delta"]))
    if kind == "currents":
        return Input("x", n, frames, shape=shape)
    if kind == "spikes":
        return Input("x", n, frames, True, shape)
    if kind in ("events", "counts"):
        return Input("x", n, n_steps, True, shape, n * n_steps * 3, kind == "counts")
    encoder = Encoder(kind, frac_bits=5, seed=draw(st.integers(1, 2**32 - 1)),  # type: ignore[arg-type]
                      step=draw(st.integers(1, 40)))
    if kind == "delta":
        shape = (2 * shape[0], *shape[1:])
        return Input("x", size(shape), n_steps, True, shape, encoder=encoder)
    return Input("x", n, 1, True, shape, encoder=encoder)


@st.composite
def neurons(draw: st.DrawFn, n: int, rng: np.random.Generator) -> dict[str, Any]:
    """Settings of a population."""
    def each(low: float, high: float) -> Any:
        return rng.uniform(low, high, n if draw(st.booleans()) else 1)

    made: dict[str, Any] = {"beta": each(0.3, 1.0), "threshold": each(0.6, 1.4),
                            "strict": draw(st.booleans())}
    kind = draw(st.sampled_from(["none", "delayed", "at once", "once", "zero", "zero at once",
                                 "cancels", "multi"]))
    made |= {
        "none": {"reset": "none"}, "delayed": {}, "at once": {"reset_delay": False},
        "once": {"reset_delay": False, "looks_back": False}, "zero": {"reset": "zero"},
        "zero at once": {"reset": "zero", "reset_delay": False},
        "cancels": {"reset": "zero", "cancels_input": True},
        "multi": {"reset_delay": False, "looks_back": False, "strict": False,
                  "max_spikes": draw(st.sampled_from([0, 2, 7]))}}[kind]
    if draw(st.booleans()):
        made["alpha"] = each(0.1, 0.95)
    if draw(st.booleans()):
        made["gain"], made["bias"] = each(0.5, 1.5), each(-0.1, 0.2)
    if draw(st.booleans()):
        made["v_init"] = each(-0.2, 0.4)
    if kind == "zero at once" and draw(st.booleans()):
        made["v_reset"] = each(-0.3, 0.2)
    if draw(st.booleans()):
        made["v_min"] = -draw(st.sampled_from([0.5, 1.0]))
    return made


@st.composite
def geometry(draw: st.DrawFn, shape: Volume, rng: np.random.Generator
             ) -> tuple[Conv, Pool | None, MaxPool | None, Any, Volume]:
    """A convolution, perhaps behind a pool, perhaps with one of its result: geometry, weight and
    the volume that it makes."""
    pool = None
    if draw(st.booleans()):
        pool = Pool(draw(st.sampled_from(["sum", "max"])), draw(pairs(1, 3)), draw(pairs(1, 2)))
        shape = pool.out(shape)
    if draw(st.integers(0, 3)) == 0:
        conv, channels, kernel = Conv(), draw(st.integers(1, 9)), (1, 1)
    else:
        groups = draw(st.sampled_from([g for g in (1, 1, 2, 3, 4) if shape[0] % g == 0]))
        conv = Conv(draw(pairs(1, 2)), draw(pairs(0, 2)), draw(pairs(1, 2)), groups)
        channels, kernel = groups * draw(st.integers(1, 4)), draw(pairs(1, 3))
    weight_shape = (channels, shape[0] // conv.groups, *kernel)
    out, result = conv.out(shape, weight_shape), None
    if draw(st.booleans()):
        dilation = draw(pairs(1, 2))
        kernel = draw(pairs(1, 3))
        padding = tuple(draw(st.integers(0, ((k - 1) * d + 1) // 2))
                        for k, d in zip(kernel, dilation, strict=True))
        result = MaxPool(kernel, draw(pairs(1, 3)), padding,  # type: ignore[arg-type]
                         dilation, draw(st.booleans()))
        out = result.out(out)
    weight = rng.normal(0.1, 2.0 / np.sqrt(size(weight_shape[1:])), weight_shape)
    return conv, pool, result, weight, out


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Volumes first, then vectors; skips, recurrence and delays between."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="weights"))
    n_steps = draw(st.integers(1, 14))
    source = draw(sources(n_steps))
    populations: list[Population] = []
    projections: list[Projection] = []
    nodes: list[Input | Population] = [source]
    for k in range(draw(st.integers(0, 3))):
        shape = volume(nodes[-1].shape)
        try:
            conv, pool, result, weight, out = draw(geometry(shape, rng))
            if pool and pool.kind == "max" and isinstance(nodes[-1], Input) and not source.spikes:
                continue
        except EdgeError:  # a window larger than what is left
            continue
        name = f"c{k}"
        populations.append(Population(name, size(out), shape=out,
                                      **draw(neurons(size(out), rng))))
        projections.append(Projection(f"to_{name}", nodes[-1].name, name, weight,
                                      rng.normal(0, 0.1, len(weight)), conv, pool, None, result))
        nodes.append(populations[-1])
    for k in range(draw(st.integers(0, 2))):
        name, n = f"d{k}", draw(st.integers(1, 33))
        populations.append(Population(name, n, **draw(neurons(n, rng))))
        projections.append(dense(f"to_{name}", nodes[-1], n, rng))
        nodes.append(populations[-1])
    kind = draw(st.sampled_from(["spike_count", "membrane_sum"]))
    own = draw(neurons(4, rng)) | ({"reset": "none", "reset_delay": True, "max_spikes": 1,
                                    "cancels_input": False, "looks_back": True,
                                    "v_reset": 0.0} if kind == "membrane_sum" else {})
    populations.append(Population("out", 4, **own))
    projections.append(dense("to_out", nodes[-1], 4, rng))
    extra = draw(st.lists(st.tuples(st.sampled_from(populations), st.sampled_from(populations)),
                          max_size=3, unique_by=lambda pair: (pair[0].name, pair[1].name)))
    for pre, post in extra:
        projections.append(joined(draw, pre, post, rng))
    return Network((source,), tuple(populations), tuple(projections),
                   Readout("out", kind), n_steps)  # type: ignore[arg-type]


def dense(name: str, pre: Input | Population, n: int, rng: np.random.Generator) -> Projection:
    return Projection(name, pre.name, "out" if name == "to_out" else name[3:],
                      rng.normal(0, 2.5 / np.sqrt(pre.size), (pre.size, n)), rng.normal(0, 0.2, n))


def joined(draw: st.DrawFn, pre: Population, post: Population,
           rng: np.random.Generator) -> Projection:
    """One more projection between two populations, delayed or one to one where that fits."""
    name, delay = f"{pre.name}_{post.name}", None
    if not pre.is_multi_spike and draw(st.booleans()):
        delay = rng.integers(0, 4, pre.size if draw(st.booleans()) else 1)
    if pre.shape == post.shape and draw(st.booleans()):
        conv, weight = identity(volume(pre.shape)[0])
        return Projection(name, pre.name, post.name, 0.5 * weight, None, conv, None, delay)
    return Projection(name, pre.name, post.name,
                      rng.normal(0, 1.5 / np.sqrt(pre.size), (pre.size, post.size)), delay=delay)


@st.composite
def plans(draw: st.DrawFn, network: Network) -> tuple[Learning | None, Settings]:
    """A rule for every projection that may have one, or none, and settings."""
    sync: Rule = draw(st.sampled_from([DASSDP(0.02, 0.01, batch=2), SSDP(0.02, 0.01)]))
    use_sync = draw(st.booleans())
    rules: dict[str, Rule] = {}
    for p in network.projections:
        rule = sync if p.conv or use_sync else ReadoutDelta() if p.post == "out" else ErrorSSDP()
        try:
            Learning({**rules, p.name: rule}).validate(network)
        except EdgeError:
            continue
        if draw(st.integers(0, 3)):
            rules[p.name] = rule
    hears_currents = {p.name for p in network.projections
                      if p.pre == "x" and not network.inputs[0].spikes}
    bits = {p.name: draw(st.sampled_from([4, 5, 6, 7, 8] + [16] * (p.name not in hears_currents)))
            for p in network.projections}
    return (Learning(rules, skip_below=0.02) if rules else None,
            Settings(bits_of=bits, threshold_bits=draw(st.sampled_from([None, 6, 8, 11])),
                     leak=draw(st.sampled_from(["auto", "q15", "shift"])),
                     membrane_bits=draw(st.sampled_from([None, None, 32])),
                     per_neuron=draw(st.booleans())))


@st.composite
def quantized_networks(draw: st.DrawFn) -> tuple[Network, QNetwork] | None:
    network = draw(networks(), label="network")
    learning, chosen = draw(plans(network), label="plan")
    note(f"{[p.equation for p in network.populations]} {learning} {chosen}")
    try:
        return network, quantize(network, learning, chosen).network
    except EdgeError as refused:  # a refusal is an answer, but only these are honest here
        assert refused.code in ("E201", "E202"), refused
        return None


def calls(network: Network, quantized: QNetwork) -> list[Call]:
    rng = np.random.default_rng(0)
    learns = ["warm_up"] * 4 + ["fit_gate"] + ["learn"] * 6 if quantized.plastic else ["infer"] * 3
    made = []
    for op in [*learns, "infer"]:
        source = network.inputs[0]
        n = network.n_inputs
        x = rng.normal(0, 1, n) if not source.spikes or source.encoder else \
            np.minimum(rng.poisson(0.4, n), 255 if source.counts else 1)
        made.append(Call(op, input_x(quantized, x.astype(np.float32))[0],  # type: ignore[arg-type]
                         int(rng.integers(network.n_classes))))
    return made


def agree(network: Network, quantized: QNetwork, target: Target, *, state: bool) -> None:
    reference = Reference(quantized)
    for i, call in enumerate(calls(network, quantized)):
        expected, found = call.run(reference), call.run(target)
        for name in COMPARED if expected and found else ():
            assert getattr(expected, name) == getattr(found, name), (i, call.op, name)
        if expected and found:
            np.testing.assert_array_equal(found.logits, expected.logits)
    if state:
        wanted, seen = reference.named_state(), target.named_state()
        assert wanted.keys() == seen.keys()
        for name in wanted:
            np.testing.assert_array_equal(seen[name], wanted[name], name)


@settings(max_examples=N_EXAMPLES, **CHECKS)
@given(made=quantized_networks())
def test_reference_and_emulator_agree(made: tuple[Network, QNetwork] | None) -> None:
    if made is not None:
        agree(*made, Emulator(made[1], checked=True), state=True)


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("board", ["stm32f405", "mps2-an385"])
@settings(max_examples=N_ON_BOARDS, **CHECKS)
@given(made=quantized_networks())
def test_boards_agree(board: str, made: tuple[Network, QNetwork] | None) -> None:
    if made is None:
        return
    firmware = build_firmware(emit(Plan.of(made[1])), load_board(board))
    with Qemu.start(made[1], firmware) as device:
        agree(*made, device, state=False)


@settings(max_examples=often(40), **CHECKS)
@given(network=networks())
def test_a_network_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory,
                                             network: Network) -> None:
    path = tmp_path_factory.mktemp("network") / "n.npz"
    ir.save(network, path)
    read = ir.load(path)
    for a, b in zip((*network.populations, *network.projections),
                    (*read.populations, *read.projections), strict=True):
        assert a.__dict__.keys() == b.__dict__.keys()
        for key, value in a.__dict__.items():
            np.testing.assert_array_equal(value, b.__dict__[key], key)
    assert read.n_steps == network.n_steps and all(
        x.__dict__ == y.__dict__ for x, y in zip(network.inputs, read.inputs, strict=True))

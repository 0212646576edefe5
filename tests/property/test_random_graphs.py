"""Graphs nobody thought of: whatever quantizes runs the same in NumPy and in checked C."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from support.lanes import often
from support.scenario import Call
from support.scenarios import RESETS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import DASSDP, ErrorSSDP, Learning, ReadoutDelta, Rule
from edge_dassdp.targets.emulator import Emulator

N_EXAMPLES = often(30)
COMPARED = ("class_idx", "loss_q8", "is_skipped", "is_updated", "forward_digest", "learned_digest")


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """2 to 5 populations, each fed by one source at least, with extra edges in any direction."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="weights"))
    n_steps = draw(st.integers(1, 20))
    kind = draw(st.sampled_from(["spike_count", "membrane_sum"]))
    sizes = draw(st.lists(st.integers(1, 40), min_size=2, max_size=5))
    inputs = (Input("x", draw(st.integers(1, 16)), draw(st.sampled_from([1, n_steps]))),
              Input("z", draw(st.integers(1, 9))))
    names = [f"p{i}" for i in range(len(sizes))]
    populations, edges = [], [("x", "p0")]
    for i, (name, size) in enumerate(zip(names, sizes, strict=True)):
        is_sum = kind == "membrane_sum" and i == len(sizes) - 1
        reset, delay = RESETS["none" if is_sum else draw(st.sampled_from(sorted(RESETS)))]
        each = size if draw(st.booleans()) else 1
        populations.append(Population(
            name, size, rng.choice([0.0, 0.5, 0.75, 0.9, 1.0], each), rng.uniform(0.5, 1.5, each),
            reset, delay, draw(st.booleans())))
        edges += [(names[i - 1], name)] if i else []
    extra = st.tuples(st.sampled_from(["x", "z", *names]), st.sampled_from(names))
    edges += [e for e in draw(st.lists(extra, max_size=4, unique=True)) if e not in edges]
    n_of = {i.name: i.size for i in inputs} | dict(zip(names, sizes, strict=True))
    projections = tuple(
        Projection(f"e{k}", pre, post, rng.normal(0, 2.5 / np.sqrt(n_of[pre]),
                                                  (n_of[pre], n_of[post])),
                   rng.normal(0, 0.2, n_of[post]) if rng.random() < 0.5 else None)
        for k, (pre, post) in enumerate(edges))
    return Network(inputs, tuple(populations), projections, Readout(names[-1], kind), n_steps)


@st.composite
def plans(draw: st.DrawFn, network: Network) -> tuple[Learning, Settings]:
    """A rule for every other projection that may have one, and settings."""
    order = [p.name for p in network.populations]
    batch, variant = draw(st.integers(1, 3)), draw(st.sampled_from(["described", "published"]))
    sync = DASSDP(0.02, 0.01, variant=variant, batch=batch, gated=draw(st.booleans()))
    use_sync = draw(st.booleans())
    rules: dict[str, Rule] = {}
    for p in network.projections:
        if p.pre not in order:
            continue
        into_readout = p.post == order[-1]
        rule: Rule = ReadoutDelta() if into_readout else sync if use_sync else ErrorSSDP()
        try:
            Learning({**rules, p.name: rule}).validate(network)
        except EdgeError:
            continue
        if p.name == f"e{len(order) - 1}" or draw(st.booleans()):
            rules[p.name] = rule
    bits = {name: draw(st.sampled_from([4, 6, 8, 16])) for name in rules}
    return (Learning(rules, skip_below=0.02, seed=draw(st.integers(1, 2**32 - 1))),
            Settings(bits_of=bits, threshold_bits=draw(st.integers(6, 11)),
                     leak=draw(st.sampled_from(["auto", "q15", "shift"]))))


@settings(max_examples=N_EXAMPLES, derandomize=True, deadline=None, print_blob=True, database=None,
          suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_reference_and_emulator_agree(data: st.DataObject) -> None:
    network = data.draw(networks(), label="network")
    learning, chosen = data.draw(plans(network), label="plan")
    note(f"{[p.equation for p in network.populations]} {learning} {chosen}")
    try:
        quantized = quantize(network, learning, chosen).network
    except EdgeError as refused:  # a refusal is an answer, but only these two are honest here
        assert refused.code in ("E201", "E202")
        return
    reference, emulator = Reference(quantized), Emulator(quantized, checked=True)
    rng = np.random.default_rng(0)
    for i, op in enumerate(["warm_up"] * 4 + ["fit_gate"] + ["learn"] * 7 + ["infer"]):
        x = input_x(quantized, rng.normal(0, 1, network.n_inputs))[0]
        call = Call(op, x, int(rng.integers(network.n_classes)))
        expected, found = call.run(reference), call.run(emulator)
        for name in COMPARED if expected and found else ():
            assert getattr(expected, name) == getattr(found, name), (i, op, name)
    wanted, state = reference.named_state(), emulator.named_state()
    assert wanted.keys() == state.keys()
    for name in wanted:
        np.testing.assert_array_equal(state[name], wanted[name], name)

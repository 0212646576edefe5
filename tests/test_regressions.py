"""One test for each defect that was found once, named after it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.scenarios import layers

from edge_dassdp import harness, ir, qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import DASSDP, ErrorSSDP, Learning, ReadoutDelta, Rule
from edge_dassdp.rules.gate import GATE_DTYPE
from edge_dassdp.rules.sync import QSyncRule
from edge_dassdp.storage.npz import read_npz, write_npz
from edge_dassdp.targets.emulator import Emulator

DELTA = Learning({"ho": ReadoutDelta()})


def network(w_out: float = 1.0, beta: float = 0.9, threshold: float = 1.0, **changes) -> Network:
    """x(4) -> h(8) -> o(3); the readout's weights, leak and threshold vary."""
    rng = np.random.default_rng(1)
    parts = {
        "inputs": (Input("x", 4),),
        "populations": (Population("h", 8, 0.9, 1.0),
                        Population("o", 3, beta, threshold, reset="none")),
        "projections": (Projection("xh", "x", "h", rng.normal(0, 1, (4, 8))),
                        Projection("ho", "h", "o", rng.normal(0, 1, (8, 3)) * w_out)),
        "readout": Readout("o", "membrane_sum"), "n_steps": 5,
    }
    return Network(**{**parts, **changes})


def agree(net: Network, learning: Learning | None = None,
          settings: Settings | None = None) -> qir.QNetwork:
    """The checked emulator and the reference give the same bits."""
    q = quantize(net, learning, settings).network
    x = np.random.default_rng(2).integers(-128, 128, (4, q.x_bytes)).astype(np.int8)
    labels = np.array([0, 1, 1, 0]) if learning else None
    done = harness.verify(Reference(q), [Emulator(q, checked=True)], q, x, labels)
    assert done.divergence is None
    return q


def refused(code: str, call) -> str:
    with pytest.raises(EdgeError) as caught:
        call()
    assert caught.value.code == code
    return str(caught.value)


def test_softmax_of_a_coarse_logit_unit_divided_by_zero():
    learning = Learning({"ho": ReadoutDelta(mu=100.0)})
    assert agree(network(w_out=20000.0), learning).softmax_limit == 1


@pytest.mark.parametrize("shift", [30, 31, 32, 33, 40, 53])
def test_leak_shift_was_wider_than_an_int32(shift: int):
    q = agree(network(beta=1 - 2.0**-shift))
    assert q.population("o").leak_shift == (shift if shift <= 30 else 0)


def test_acc_lshift_was_wider_than_an_int32():
    spiking = Population("o", 3, 0.9, 1e-20)
    net = network(populations=(network().populations[0], spiking),
                  readout=Readout("o", "spike_count"))
    assert "too large for its threshold" in refused("E202", lambda: quantize(net))


def test_threshold_beyond_int64_wrapped_to_a_negative_one():
    said = refused("E201", lambda: quantize(network(threshold=1e29)))
    assert "the threshold of neuron 0, 1e+29" in said


@pytest.mark.parametrize("learning", [None, DELTA])
def test_weights_of_all_zeros_could_not_be_quantized(learning: Learning | None):
    q = agree(network(w_out=0.0), learning)
    assert not quantize(network(w_out=0.0)).network.projection("ho").w.any()
    assert q.population("o").fire_at[0] > 1


def test_inputs_of_all_zeros_beside_a_bias():
    zeros = Projection("xh", "x", "h", np.zeros((4, 8)), np.full(8, 0.7))
    q = agree(network(projections=(zeros, network().projections[1])))
    bias = q.population("h").analogue_bias * q.population("h").unit \
        / 2.0 ** q.population("h").analogue_rshift
    assert np.allclose(bias, 0.7, atol=0.01)


def test_error_flowed_back_through_weights_of_several_units():
    rng = np.random.default_rng(3)
    spread = rng.normal(0, 1, (6, 6)) * 10.0 ** np.linspace(-2, 0, 6)
    net = network(
        populations=(Population("h", 8, 0.9, 1.0), Population("a", 6, 0.9, 1.0),
                     Population("b", 6, 0.9, 1.0), Population("o", 3, 0.9, 1.0, reset="none")),
        projections=(Projection("xh", "x", "h", rng.normal(0, 1, (4, 8))),
                     Projection("ha", "h", "a", rng.normal(0, 1, (8, 6))),
                     Projection("ab", "a", "b", spread),
                     Projection("bo", "b", "o", rng.normal(0, 1, (6, 3)))))
    q = agree(net, Learning({"ha": ErrorSSDP()}), Settings(per_neuron=True))
    assert q.projection("ab").scale.shape == (1,)


@pytest.mark.parametrize("rule", [
    lambda: ErrorSSDP(sigma=1e-200), lambda: ErrorSSDP(sigma=1e200), lambda: ErrorSSDP(mu="8"),
    lambda: DASSDP(sigma=1e-200), lambda: DASSDP(batch=2.5), lambda: DASSDP(gated="no"),
    lambda: Learning(["ho"]), lambda: Learning({"ho": ReadoutDelta()}, seed=2.5),
    lambda: Learning({"ho": ReadoutDelta()}, skip_below="0"),
])
def test_rules_took_what_has_no_constants(rule):
    refused("E203", rule)


@pytest.mark.parametrize("mu", [1e308, 1e-320])
def test_amplitude_beyond_the_floats_escaped(mu: float):
    refused("E201", lambda: quantize(network(w_out=1e-3), Learning({"ho": ReadoutDelta(mu)})))


@pytest.mark.parametrize("a_plus", [1e-300, 1e-6])
def test_updates_below_the_tables_resolution_vanished_silently(a_plus: float):
    rule = DASSDP(a_plus=a_plus, a_base=0.0)
    assert "move no weight" in refused("E201", lambda: quantize(network(), Learning({"ho": rule})))


@pytest.mark.parametrize("fields", [
    {"weight_bits": 8.0}, {"threshold_bits": 10.5}, {"x_frac_bits": 2.5}, {"headroom": "2"},
    {"bits_of": ["ho"]},
])
def test_settings_took_what_is_no_integer(fields: dict):
    refused("E105", lambda: Settings(**fields))


@pytest.mark.parametrize("net", [
    lambda: network(n_steps=5.0), lambda: network(readout=Readout("o", "both")),
    lambda: Population("h", 0, 0.9, 1.0), lambda: Input("x", 70000), lambda: Input("x", 2.0),
    lambda: Projection("w", "x", "h", [["a"]]), lambda: Projection("w", "x", "h", [[1e300]]),
])
def test_networks_took_what_the_runtime_cannot_hold(net):
    refused("E101", net)


def test_text_as_samples_escaped():
    text = np.array([["a"] * 4])
    refused("E104", lambda: quantize(network(), calibration=text))
    refused("E104", lambda: input_x(quantize(network()).network, text))


def test_numpy_integers_broke_the_hash():
    net = network(inputs=(Input("x", np.int64(4)),))
    q = quantize(net, Learning({"ho": ReadoutDelta()}, seed=np.int64(7))).network
    assert q.sha256 == quantize(network(), Learning({"ho": ReadoutDelta()}, seed=7)).network.sha256


def test_weights_and_labels_that_are_no_integers_were_cut():
    q = quantize(network(), DELTA).network
    x = np.zeros(4, np.int8)
    for target in (Reference(q), Emulator(q)):
        refused("E104", lambda t=target: t.write_weights("ho", np.full((8, 3), 0.9)))
        refused("E104", lambda t=target: t.learn(x, 1.5))
        refused("E503", lambda t=target: t.learn(x, 2**32))


def test_snapshot_sums_that_no_records_have_overflowed_the_fit():
    q = quantize(network(), Learning({"ho": DASSDP()})).network
    emulator = Emulator(q, checked=True)
    gate = np.zeros((), GATE_DTYPE)
    gate["n_records"], gate["sum_ss"], gate["sum_ll"] = 32767, 1, 1
    gate["sum_sl"] = 32767**3
    state = gate.tobytes() + emulator.read_learning()[GATE_DTYPE.itemsize:]
    refused("E503", lambda: emulator.write_learning(state))
    emulator.fit_gate()


def test_damaged_snapshots_restored_half_of_the_weights(tmp_path):
    learning = Learning({"ho": ReadoutDelta(), "hh": ErrorSSDP()})
    loop = Projection("hh", "h", "h", np.random.default_rng(4).normal(0, 0.3, (8, 8)))
    q = quantize(network(projections=(*network().projections, loop)), learning).network
    emulator = Emulator(q)
    header = {"format": harness.SNAPSHOT, "model": q.sha256}
    arrays: dict[str, np.ndarray] = {
        "learning": np.frombuffer(emulator.read_learning(), np.uint8),
        **{f"w_{p.name}": emulator.read_weights(p.name) for p in q.plastic}}
    emulator.write_weights("hh", emulator.read_weights("hh") // 2)
    before = emulator.named_state()
    for damaged in ({k: v for k, v in arrays.items() if k != "w_ho"},
                    {**arrays, "w_ho": arrays["w_ho"][1:]}):
        write_npz(tmp_path / "s.npz", header, damaged)
        with pytest.raises(EdgeError):
            harness.load_snapshot(emulator, q, tmp_path / "s.npz")
        assert all(np.array_equal(v, before[k]) for k, v in emulator.named_state().items())


def test_arrays_and_damaged_zips_escaped_the_loaders(tmp_path):
    path = tmp_path / "n.npz"
    ir.save(network(), path)
    good = path.read_bytes()
    np.save(tmp_path / "a.npy", np.arange(3))
    refused("E103", lambda: ir.load(tmp_path / "a.npy"))
    rng = np.random.default_rng(0)
    for _ in range(200):
        data = bytearray(good)
        data[rng.integers(len(data))] = rng.integers(256)
        path.write_bytes(bytes(data))
        try:
            ir.load(path)
        except EdgeError as problem:
            assert problem.code in ("E101", "E103")


@pytest.mark.parametrize(("what", "name", "value"), [
    ("populations", "acc_lshift", 200), ("populations", "leak_shift", 40),
    ("populations", "membrane_bits", 24), ("projections", "weight_bits", 3),
    ("projections", "feedback_rshift", 77), ("projections", "is_analogue", True),
    ("projections", "pre", "nobody"), ("", "n_steps", 0), ("", "softmax_limit", 0),
    ("", "seed", 0), ("", "readout", "nobody"), ("", "n_batch", "two"),
])
def test_edited_models_were_generated(tmp_path, what: str, name: str, value: object):
    path = tmp_path / "q.npz"
    qir.save(quantize(network(), DELTA).network, path)
    header, arrays = read_npz(path, qir.FORMAT)
    (header[what][-1] if what else header)[name] = value
    write_npz(path, header, arrays)
    refused("E101", lambda: qir.load(path))


def test_edited_weights_and_tables_were_generated(tmp_path):
    path = tmp_path / "q.npz"
    q = quantize(network(), Learning({"ho": DASSDP()}), Settings(bits_of={"ho": 4})).network
    qir.save(q, path)
    header, read = read_npz(path, qir.FORMAT)
    arrays = dict(read)
    p = q.projection("ho")
    assert isinstance(p.rule, QSyncRule)
    for wrong in (replace(p, w=p.w + 9), replace(p, w=p.w[:, :2]),
                  replace(p, rule=replace(p.rule, delta=p.rule.delta[:, :-1])),
                  replace(p, rule=replace(p.rule, delta=p.rule.delta * 2**20)),
                  replace(p, rule=replace(p.rule, silent_step=6))):
        refused("E101", lambda w=wrong: qir.validate(
            replace(q, projections=(q.projections[0], w))))
    arrays["ho.w"] = np.clip(arrays["ho.w"] + 1, -8, 7)
    write_npz(path, header, arrays)
    assert "changed after" in refused("E103", lambda: qir.load(path))


@pytest.mark.parametrize("w_in", [0.3, 1.0, 5.0, 20.0])
def test_recurrence_beside_strong_inputs_was_refused(w_in: float):
    rng = np.random.default_rng(4)
    loop = Projection("hh", "h", "h", rng.normal(0, 0.3, (8, 8)))
    strong = Projection("xh", "x", "h", rng.normal(0, w_in, (4, 8)), rng.normal(0, 0.1, 8))
    h = agree(network(projections=(strong, network().projections[1], loop))).population("h")
    assert abs(h.reset_by[0] * h.unit[0] - 1.0) <= h.unit[0] / 2 and h.reset_by[0] >= 16


def test_an_error_could_not_pass_a_wide_hidden_population():
    """It was refused with E202 from 256 neurons on; now it keeps fewer bits there."""
    net = layers((6, 8, 20, 300, 12, 4))
    q = agree(net, Learning({"fc2": ErrorSSDP(), "fc5": ReadoutDelta()}))
    assert q.projection("fc4").feedback_rshift > q.projection("fc5").feedback_rshift


def test_a_file_of_two_error_rules_in_a_row_is_read_again(tmp_path: Path) -> None:
    """Their constants were checked against the largest int16 error, where the one between them is
    of fewer bits: the device's own file was refused."""
    rules: dict[str, Rule] = {"fc2": ErrorSSDP(), "fc3": ErrorSSDP()}
    made = quantize(layers((20, 24, 22, 18, 5), n_steps=9), Learning(rules),
                    Settings(bits_of={"fc3": 16})).network
    qir.save(made, tmp_path / "model.q.npz")
    assert qir.load(tmp_path / "model.q.npz").sha256 == made.sha256


def test_delayed_counts_of_an_input_lost_their_numbers_on_the_device() -> None:
    """Histories hold bits: what fires several times a step cannot come later, in a file neither."""
    source = Input("x", 4, 5, True, n_events=100, counts=True)
    late = Projection("xh", "x", "h", np.full((4, 8), 0.3), delay=2)
    net = network(inputs=(source,), n_steps=5, projections=(late, network().projections[1]))
    assert "several times" in refused("E201", lambda: quantize(net))
    prompt = quantize(replace(net, projections=(replace(late, delay=None), *net.projections[1:])))
    first, *others = prompt.network.projections
    assert "more than one spike" in refused("E101", lambda: qir.validate(replace(
        prompt.network, projections=(replace(first, delay=np.array([2])), *others))))

"""The reference against a vector that an earlier implementation computed (README.md here)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import Input
from edge_dassdp.qir import QNetwork, QPopulation, QProjection
from edge_dassdp.qir.lesson import Lesson, xorshift32
from edge_dassdp.reference import Reference
from edge_dassdp.reference.feedback import feed_back, softmax_error
from edge_dassdp.rules.delta import QDeltaRule
from edge_dassdp.rules.error import QErrorRule
from edge_dassdp.storage.npz import read_npz

CONST, DATA = read_npz(Path(__file__).parent / "watch.npz", "edge_dassdp/golden/1")
N_STEPS = 25


def one(value: int) -> IntArray:
    return np.array([value], np.int64)


def population(name: str, size: int, fire_at: int, **fields: Any) -> QPopulation:
    """No reset here: `run` resets as the prototype did."""
    base: dict[str, Any] = {
        "leak_q15": one(CONST["leak"]), "leak_shift": 0, "bias": np.zeros(size, np.int64),
        "analogue_bias": None, "acc_lshift": 0, "acc_rshift": 0, "analogue_rshift": 0,
        "membrane_bits": 16, "acc_bits": 16, "analogue_bits": 32, "current_fits": False,
        "saturates": True, "records": "first",
        "records_membrane": False, "counts": True, "has_error": True,
        "keeps_raster": False, "touch_width": None, "unit": np.ones(1)}
    return QPopulation(name=name, size=size, reset="none", fire_at=one(fire_at),
                       reset_by=one(fire_at), **base | fields)


def network() -> QNetwork:
    w = {name: DATA[name].astype(np.int16) for name in ("W1", "W2", "W3")}
    rules = (QErrorRule(CONST["A2"], CONST["cap2"], 32767, CONST["S2"], 12,
                        DATA["G"].astype(np.int64)),
             QDeltaRule(CONST["A1"], 1 << 22, 1 << 20, CONST["S1"], 19))  # k in Q20
    return QNetwork(
        inputs=(Input("x", 24, N_STEPS),),
        populations=(
            population("pre", 128, CONST["th1"], analogue_bias=DATA["b1"].astype(np.int64),
                       analogue_rshift=CONST["R1"], has_error=False),
            population("post", 64, CONST["th2"], bias=DATA["b2"].astype(np.int64),
                       acc_lshift=CONST["F2"]),
            population("out", 7, 32767, leak_q15=one(0), saturates=False, records="none",
                       counts=False)),
        projections=(QProjection("fc1", "x", "pre", True, 8, w["W1"], np.ones(1)),
                     QProjection("fc2", "pre", "post", False, 8, w["W2"], np.ones(1),
                                 rule=rules[0]),
                     QProjection("fc3", "post", "out", False, 8, w["W3"], np.ones(1),
                                 rule=rules[1])),
        readout="out", readout_kind="membrane_sum", n_steps=N_STEPS, x_frac_bits=(5,),
        softmax_scale=CONST["M3"], softmax_shift=8, softmax_limit=(4096 << 8) // CONST["M3"],
        skip_below_q8=CONST["skip"], seed=CONST["rng"], n_batch=1)


def run(reference: Reference, x: NDArray[np.int8]) -> int:
    """One sample; a spike takes its threshold off at once. The readout's bias comes last."""
    reference.begin(x.reshape(1, -1))
    for t_step in range(N_STEPS):
        reference.step(t_step)
        for name, th in (("pre", CONST["th1"]), ("post", CONST["th2"])):
            reference.v[name] = reference.v[name] - reference.spikes[name] * th
    reference.sums = reference.sums + DATA["b3"]
    return int(reference.end()[0])


class PrototypeLesson(Lesson):
    """Rows ascend; a word for every four columns: of those with k != 0 in fc2, of all in fc3;
    +-127."""

    def write_rows(self, rows: IntArray, dw_q8: IntArray, tried: Any = True,
                   block: slice = slice(None)) -> None:
        state, n_post = int(self.learning["rng"]), self.w.shape[1]
        drawing = np.flatnonzero(tried) if n_post == 64 else np.arange(n_post)
        for row in np.argsort(rows):
            pre_idx = rows[row]
            for n_drawn, post_idx in enumerate(drawing):
                if n_drawn % 4 == 0:
                    state = xorshift32(state)
                dither = (state >> (8 * (n_drawn % 4))) & 255
                wanted = self.w[pre_idx, post_idx] + ((dw_q8[row, post_idx] + dither) >> 8)
                self.w[pre_idx, post_idx] = min(127, max(-127, wanted))
        self.learning["rng"] = state


def weights_hash(*weights: IntArray) -> int:
    h = 0
    for byte in b"".join(w.astype(np.int8).tobytes() for w in weights):
        h = (h * 31 + byte) % 2**32
    return h


def learn(reference: Reference, label: int) -> bool:
    """Softmax error, feedback and both rules of the reference; whether they wrote."""
    net = reference.network
    reference.error["out"], _ = softmax_error(net, reference.sums[0], label)
    if reference.error["out"][label] < net.skip_below_q8:
        return False
    feed_back(net, reference.w, reference.error,
              {name: slots[0].count > 0 for name, slots in reference.records.items()})
    for p in net.plastic:
        made = reference._lesson(p)
        p.rule.learn(PrototypeLesson(**vars(made)), net.site(p))
    return True


def test_spikes_classes_and_learned_weights() -> None:
    reference, n_updates = Reference(network()), 0
    for sample, x in enumerate(DATA["x_q5"]):
        assert run(reference, x) == DATA["classes"][sample]
        for name in ("pre", "post"):
            record = reference.records[name][0]
            np.testing.assert_array_equal(record.count, DATA[f"count_{name}"][sample])
            np.testing.assert_array_equal(record.steps(N_STEPS),
                                          DATA[f"first_spike_step_{name}"][sample])
        n_updates += learn(reference, int(DATA["labels"][sample]))
    assert n_updates == 5
    np.testing.assert_array_equal(reference.w["fc2"], DATA["W2_after"])
    np.testing.assert_array_equal(reference.w["fc3"], DATA["W3_after"])
    assert weights_hash(reference.w["fc2"], reference.w["fc3"]) == CONST["weights_hash"]


def test_the_vector_is_the_one_described() -> None:
    assert DATA["classes"].tolist() == [4, 3, 1, 1, 1, 2, 3, 1]
    assert CONST["weights_hash"] == 3952302005

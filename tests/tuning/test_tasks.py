"""What constants are tried on: nothing is judged that was learned, or stored, or tested."""

from __future__ import annotations

import numpy as np
import pytest

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Encoder, Input, Network, Population, Projection, Readout
from edge_dassdp.tuning.tasks import MOST, tasks


def network(*inputs: Input, n_classes: int = 3) -> Network:
    given = inputs or (Input("x", 4),)
    return Network(given, (Population("o", n_classes, 0.9, 1.0),),
                   tuple(Projection(f"fc{k}", i.name, "o", np.ones((i.size, n_classes)))
                         for k, i in enumerate(given)), Readout("o", "spike_count"), 5)


def samples(n: int, n_inputs: int = 4, n_classes: int = 3, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    x = rng.normal(10.0 ** np.arange(n_inputs), 10.0 ** np.arange(n_inputs), (n, n_inputs))
    return Samples(x.astype(np.float32), np.arange(n) % n_classes)


def rows(*parts: Samples) -> list[bytes]:
    return [row.tobytes() for part in parts for row in part.x]


@pytest.mark.parametrize("n", [12, 13, 100, 5000])
def test_training_samples_are_dealt_out(n: int) -> None:
    given = samples(n)
    made = tasks(network(), given, None, n_shifts=2, is_worn=True)
    held = len(made.original)
    assert not set(rows(made.train)) & set(rows(made.original))
    assert set(rows(made.train, made.original)) <= set(rows(given))
    assert n / 2 - 3 <= len(made.train) <= n / 2 + 3
    assert 0 < held <= MOST and (n < 2 * MOST or held == MOST)
    for task in made.shifted:
        assert np.array_equal(task.judged.y, made.original.y)
        assert len(np.unique(task.stream.y)) == len(np.unique(made.train.y)) == 3
        assert not set(rows(task.stream)) & set(rows(task.judged))
    assert "training samples are held out" in made.told[0] and "2 worn sensors" in made.told[1]


def test_validation_samples_are_learned_and_judged_by_halves() -> None:
    given, others = samples(100), samples(30, seed=1)
    made = tasks(network(), given, others, n_shifts=3, is_worn=False)
    [task] = made.shifted
    assert sorted(rows(task.stream, task.judged)) == sorted(rows(others))
    assert task.stream.x.tolist() == others.x[:15].tolist(), "the first half, in its order"
    assert not set(rows(made.original)) & set(rows(made.train))
    assert len(made.train) + len(made.original) == 100
    assert "as they stand" in made.told[1]


def test_it_is_the_same_every_time_and_every_sensor_another() -> None:
    first, again = (tasks(network(), samples(60), None, n_shifts=3, is_worn=True)
                    for _ in range(2))
    assert [rows(t.stream, t.judged) for t in first.shifted] == \
        [rows(t.stream, t.judged) for t in again.shifted]
    assert len({tuple(rows(t.judged)) for t in first.shifted}) == 3


def test_a_worn_sensor_speaks_in_the_units_of_each_feature() -> None:
    """Features of 1 to 1000, and one that never moves."""
    given = samples(200)
    given.x[:, 2] = 7
    made = tasks(network(), given, None, n_shifts=20, is_worn=True)
    moved = np.array([np.abs(t.judged.x - made.original.x).mean(axis=0) for t in made.shifted])
    std = given.x.std(axis=0)
    assert (moved[:, 2] == 0).all()
    for k in (0, 1, 3):
        assert 0.3 < (moved[:, k] / std[k]).mean() < 3


def test_all_frames_have_one_sensor_and_spikes_lose_inputs() -> None:
    frames, spikes = Input("a", 4, n_frames=5), Input("b", 10, spikes=True)
    rng = np.random.default_rng(0)
    x = np.concatenate([np.tile(rng.normal(size=(60, 1, 4)), (1, 5, 1)).reshape(60, 20),
                        rng.integers(0, 2, (60, 10))], axis=1).astype(np.float32)
    made = tasks(network(frames, spikes), Samples(x, np.arange(60) % 3), None, n_shifts=2,
                 is_worn=True)
    for task in made.shifted:
        analogue = task.judged.x[:, :20].reshape(-1, 5, 4)
        assert np.allclose(analogue, analogue[:, :1], atol=1e-5)
        trains = task.judged.x[:, 20:]
        assert set(np.unique(trains)) == {0.0, 1.0}
        dead = (trains == 0).all(axis=0)
        assert dead.sum() == 2
        assert np.array_equal(trains[:, ~dead], made.original.x[:, 20:][:, ~dead])


@pytest.mark.parametrize(("y", "validation", "words"), [
    ([1] * 20, None, "all training samples are of class 1"),
    ([0, 1, 2] * 3, None, "class 0 has 3 training samples, fewer than 4"),
    ([0, 1, 2] * 10, [2] * 9, "all validation samples are of class 2"),
    ([0, 1, 2] * 10, [0, 0, 1], "class 1 has 1 validation samples, fewer than 2"),
])
def test_one_class_or_too_few_samples(y: list[int], validation: list[int] | None,
                                      words: str) -> None:
    given = Samples(samples(len(y)).x, np.array(y))
    others = None if validation is None else Samples(
        samples(len(validation), seed=1).x, np.array(validation))
    with pytest.raises(EdgeError) as refused:
        tasks(network(), given, others, n_shifts=1, is_worn=True)
    assert refused.value.code == "E105" and words in refused.value.message and refused.value.help


def test_one_output_has_no_classes() -> None:
    with pytest.raises(EdgeError, match="one output has no classes"):
        tasks(network(n_classes=1), samples(20, n_classes=1), None, n_shifts=1, is_worn=True)


@pytest.mark.parametrize("kind", ["currents", "frames", "spikes", "events", "counts", "encoder",
                                  "several"])
def test_every_kind_of_input_has_a_shift_that_its_device_takes(kind: str) -> None:
    """Values stay what the input takes: spikes 0 or 1, events no more than a list holds."""
    inputs = {
        "currents": (Input("x", 6),), "frames": (Input("x", 3, n_frames=5),),
        "spikes": (Input("x", 6, n_frames=5, spikes=True),),
        "events": (Input("x", 6, n_frames=5, spikes=True, n_events=12),),
        "counts": (Input("x", 6, n_frames=5, spikes=True, n_events=12, counts=True),),
        "encoder": (Input("x", 6, spikes=True, encoder=Encoder("rate")),),
        "several": (Input("x", 4), Input("z", 3, n_frames=5, spikes=True))}[kind]
    rng = np.random.default_rng(0)
    parts = [rng.random((40, i.n_values)) < 0.2 if i.spikes and not i.encoder
             else rng.normal(0, 0.5, (40, i.n_values)) for i in inputs]
    given = Samples(np.concatenate(parts, axis=1).astype(np.float32), np.arange(40) % 3)
    built = network(*inputs)
    made = tasks(built, given, None, n_shifts=2, is_worn=True)
    model = ed.quantize(built, x=made.train.x)
    with ed.open(model, "reference") as device:
        for task in made.shifted:
            assert len(device.classify(task.judged.x)) == len(task.judged)
    assert not np.array_equal(made.shifted[0].judged.x, made.original.x)

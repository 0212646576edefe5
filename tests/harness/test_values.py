"""A device whose outputs are values follows a shift, and says how far off it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.valued import SETTINGS, fitted, learning, samples

import edge_dassdp as ed
from edge_dassdp.harness import Errors, ValueStream

SHIFT = 1.2


@pytest.fixture(scope="module")
def model() -> ed.QNetwork:
    x, y = samples(300, 1)
    replay = ed.Replay(0, 16, n_ring=2, n_flash=0)
    return ed.quantize(fitted(), learning(replay=replay), SETTINGS, x=x, y=y)


def test_it_follows_a_shift_on_reference_and_emulator_alike(model: ed.QNetwork) -> None:
    x, y = samples(300, 5, SHIFT)
    later = samples(200, 6, SHIFT)
    found = []
    for target in ("reference", "emulator"):
        with ed.open(model, target) as device:
            before = device.errors(*later)
            stream = device.learn(x[:60] if target == "reference" else x,
                                  y[:60] if target == "reference" else y)
            assert isinstance(stream, ValueStream) and not stream.n_unanswered
            found.append(stream.predicted[:60])
            after = device.errors(*later)
    assert np.array_equal(*found)
    assert before.nrmse[1] is not None and after.nrmse[1] is not None
    assert after.nrmse[1] < 0.65 * before.nrmse[1], (before, after)
    assert after.nrmse[0] is not None and after.nrmse[0] < 0.6


def test_a_touch_below_the_readout_helps(model: ed.QNetwork) -> None:
    x, y = samples(300, 1)
    shifted, later = samples(400, 5, SHIFT), samples(200, 6, SHIFT)
    left = []
    for rules in ({"fc3": ed.ReadoutDelta(0.4)}, dict(learning().rules)):
        made = ed.quantize(fitted(), ed.Learning(rules, skip_below=0.0), SETTINGS, x=x, y=y)
        with ed.open(made) as device:
            device.learn(*shifted)
            left.append(device.errors(*later).nrmse[1])
    assert left[1] < left[0]  # type: ignore[operator]


def test_a_snapshot_goes_on_elsewhere_with_the_same_bits(model: ed.QNetwork,
                                                          tmp_path: Path) -> None:
    x, y = samples(40, 5, SHIFT)
    with ed.open(model) as device:
        device.learn(x[:20], y[:20])
        device.save(tmp_path / "s.state")
        device.learn(x[20:], y[20:])
        device.idle(5)
        wanted = device.digest
    with ed.open(model, "reference") as other:
        other.load(tmp_path / "s.state")
        other.learn(x[20:], y[20:])
        other.idle(5)
        assert other.digest == wanted
        assert other.verify(x[:5], y[:5]).differences == 0


def test_another_target_is_another_lesson(model: ed.QNetwork) -> None:
    """The digest of lessons covers what was asked for, where the weights do not tell it."""
    x, y = samples(1, 5)
    digests = set()
    for step in (0.0, 1e3):
        with ed.open(model) as device:
            device.learn(x, y * 0 + [1e2 + step / 1e2, -1.0])
            digests.add(device.statistics().lessons_digest)
    assert len(digests) == 2


def test_a_sample_that_is_right_is_skipped() -> None:
    x, y = samples(300, 1)
    made = ed.quantize(fitted(), ed.Learning({"fc3": ed.ReadoutDelta()}, skip_below=0.9),
                       SETTINGS, x=x, y=y)
    with ed.open(made) as device:
        told = device.learn(x[:50], device.predict(x[:50]))
        assert told.is_skipped.all() and device.statistics().n_skipped == 50


def test_values_have_no_classes_and_classes_no_values(model: ed.QNetwork) -> None:
    x, y = samples(5, 1)
    with ed.open(model) as device:
        for call in (lambda: device.classify(x), lambda: device.accuracy(x, y)):
            with pytest.raises(ed.EdgeError, match="are values"):
                call()
    with ed.open(ed.quantize(fitted(), learning())) as device, \
            pytest.raises(ed.EdgeError, match="are classes"):
        device.predict(x)


def test_errors_of_constant_targets_are_said_and_finite() -> None:
    found = Errors.of(np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([[5.0, 1.0], [5.0, 3.0]]))
    assert found.nrmse == (None, 1.0) and found.mae == (3.5, 1.0) and found.mean_nrmse is None
    assert "no spread" in str(found)

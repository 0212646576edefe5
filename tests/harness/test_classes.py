"""Classes that are taught on a device, and class means beside its readout, as a user meets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.gestures import N_KNOWN, RULES, Y, model, network, samples

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.harness import Device, keeping, learned_of, verify
from edge_dassdp.learned.compare import compare, merge
from edge_dassdp.plan import Plan
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference.classes import EIGHTHS, directions
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.reference import ReferenceTarget


@pytest.mark.parametrize("means", [True, False])
def test_a_spare_class_is_never_answered_before_it_is_taught_nor_once_it_is_forgotten(
        means: bool) -> None:
    with ed.open(model(means)) as device:
        assert "wave" not in device.classes and device.classify(samples([4] * 20, 8)).max() < 4
        assert device.new_class("wave") == 4
        device.learn(samples([4] * 5, 7), ["wave"] * 5)
        device.idle(60)
        assert device.classes == ("sit", "walk", "run", "jump", "wave", "")
        device.forget("wave")
        assert device.classify(samples([4] * 20, 8)).max() < 4



def teach(target: Any, q: ed.QNetwork) -> list[Any]:
    """The course of a device: known classes, a new one, idle time, a second one, one forgotten."""
    made = []
    for step in ("old", "wave", "nod", "old"):
        if step != "old":
            target.new_class(step)
        labels = [0, 1, 2, 3, 1] if step == "old" else [{"wave": 4, "nod": 5}[step]] * 4
        for x, label in zip(input_x(q, samples(labels, 11)), labels, strict=True):
            made.append(target.learn(x, label, digest=True))
    made.append(target.idle(13))
    target.forget_class("wave")
    made += [target.infer(x) for x in input_x(q, samples([4, 5, 0], 12))]
    return [(o.class_idx, o.logits.tolist(), o.learned_digest) if not isinstance(o, int) else o
            for o in made]


@pytest.mark.parametrize("target", ["reference", "emulator"])
def test_a_new_class_leaves_the_old_ones_standing(target: str) -> None:
    q, old = model(), samples(np.arange(400) % N_KNOWN, 9)
    with ed.open(q, target) as device:
        before = device.classify(old)
        weights = {p.name: device.target.read_weights(p.name) for p in q.plastic}
        device.new_class("wave")
        device.learn(samples([4] * 5, 7), ["wave"] * 5)
        after = device.classify(old)
        assert (device.classify(samples([4] * 100, 8)) == 4).mean() > 0.9
        assert all((device.target.read_weights(name) == w).all() for name, w in weights.items())
        assert (device.classify(samples(Y)) == 4).mean() <= 1 / 12, "its share of the examples"
    assert (after[after != 4] == before[after != 4]).all() and (after == 4).mean() < 0.1


def test_a_class_ends_where_it_would_take_more_than_its_share_of_the_examples() -> None:
    """Next to an old class that is its limit; far from all it is how far a class spreads."""
    q = model()
    assert q.class_means is not None and q.class_means.examples is not None
    examples = q.class_means.examples
    assert len(examples.away) == len(Y) and examples.directions.any(axis=1).all()
    found = {}
    for name, centre in (("walk again", 1), ("wave", 4)):
        target = ReferenceTarget(q)
        label = target.new_class(name)
        for x in input_x(q, samples([centre] * 6, 5)):
            target.learn(x, label)
        assert target.classes is not None
        away = ((examples.directions - target.classes.means[0, label]) ** 2).sum(axis=1)
        found[name] = int(target.classes.limits[0])
        taken = int((examples.away - away > found[name]).sum())
        assert taken == len(Y) // 12 - 1 if name == "walk again" else taken == 0
    assert found["wave"] == -(examples.spread + examples.spread // 6 >> 1) < found["walk again"]


@pytest.mark.parametrize("means", [True, False])
def test_reference_emulator_and_link_teach_the_same_bits(means: bool) -> None:
    q = model(means)
    wanted = teach(ReferenceTarget(q), q)
    assert teach(Emulator(q, checked=True), q) == wanted
    with LinkTarget.of(q, LoopbackStream(build_emulator(emit(Plan.of(q))))) as device:
        assert teach(device, q) == wanted


def test_names_travel_with_what_was_learned(tmp_path: Path) -> None:
    q = model()
    with ed.open(q) as device:
        device.new_class("thumbs up")
        device.learn(samples([4] * 3), [4] * 3)
        device.save(tmp_path / "s")
        taught = device.classes
    with ed.open(q, "reference") as other:
        other.load(tmp_path / "s")
        assert other.classes == taught
        assert other.verify(samples([4, 0, 1]), ["thumbs up", "sit", "walk"]).differences == 0
    emulator = Emulator(q)
    emulator.import_((tmp_path / "s").read_bytes())
    emulator.store()
    emulator.press_reset()
    assert Device(q, emulator).classes == taught, "a save in flash has them, too"


def test_a_copy_has_means_and_names() -> None:
    q = model(guard=ed.Guard(True))
    targets: list[Any] = [ReferenceTarget(q), Emulator(q, checked=True)]
    for target in targets:
        target.new_class("wave")
        target.save()
        target.new_class("nod")
    x = input_x(q, samples([5, 4, 0], 3))
    assert verify(targets[0], targets[1:], q, x, np.array([5, 4, 0])).differences == 0
    for target in targets:
        target.rollback()
        assert Device(q, target).classes[4:] == ("wave", "")
        with pytest.raises(EdgeError, match="label out of range"):
            target.learn(x[0], 5)
    assert verify(targets[0], targets[1:], q, x, np.array([4, 4, 0])).differences == 0


@pytest.mark.parametrize("has_copy", [True, False])
def test_rollback_leaves_no_samples_of_a_class_that_is_called_otherwise(has_copy: bool) -> None:
    """Replay taught "wave" again from samples of the "clap" that had its place meanwhile."""
    q = model(guard=ed.Guard(True))
    targets: list[Any] = [ReferenceTarget(q), Emulator(q, checked=True),
                          LinkTarget.of(q, LoopbackStream(build_emulator(emit(Plan.of(q)))))]
    x = input_x(q, samples([4, 5, 4, 5], 3))
    for target in targets:
        target.new_class("wave")
        target.new_class("nod")
        target.learn(x[1], 5)
        if has_copy:
            target.save()
        target.forget_class("wave")
        target.new_class("clap")
        target.learn(x[2], 4)
        target.rollback()
        assert target.named_state()["ring_seen"].tolist() == [0, 0, 0, 0, 0, int(has_copy)]
    assert len({learned_of(t, q).learning for t in targets}) == 1
    for target in targets:  # the copy is as it was made, however often it is put back
        if has_copy:
            target.learn(x[3], 5)
            target.rollback()
        target.idle(9)
    assert len({learned_of(t, q).learning for t in targets}) == 1
    targets[-1].close()


def test_a_copy_keeps_its_names_while_a_board_runs_something_else(tmp_path: Path) -> None:
    """`verify` and `prove` begin with factory weights and put back what a board had learned."""
    q = model(guard=ed.Guard(True))
    with LinkTarget.of(q, LoopbackStream(build_emulator(emit(Plan.of(q))))) as board:
        x = input_x(q, samples([4, 0], 3))
        board.new_class("wave")
        board.learn(x[0], 4)
        board.save()
        copied = learned_of(board, q)
        board.new_class("nod")
        with keeping(board, q, tmp_path / "kept"):
            board.reset()
            board.learn(x[1], 0)
        assert Device(q, board).classes[4:] == ("wave", "nod")
        board.rollback()
        assert Device(q, board).classes[4:] == ("wave", "")
        assert learned_of(board, q).learning == copied.learning


REFUSED = {
    "an old class": ("walk", "E105", "a class that the model knows"),
    "one that was taught": ("wave", "E105", "was taught before"),
    "no spare left": ("clap", "E503", "no spare class is left"),
    "nothing": ("", "E105", "cannot be called"), "too long": ("w" * 17, "E105", "cannot be called"),
    "no ASCII": ("wäve", "E105", "cannot be called"), "a space": (" w", "E105", "cannot be called")}


@pytest.mark.parametrize("target", ["reference", "emulator"])
@pytest.mark.parametrize("what", REFUSED)
def test_a_name_is_refused_with_a_sentence(what: str, target: str) -> None:
    name, code, words = REFUSED[what]
    with ed.open(model(), target) as device:
        device.new_class("wave")
        device.new_class("nod")
        before = device.digest
        with pytest.raises(EdgeError, match=words) as caught:
            device.new_class(name)  # type: ignore[arg-type]
        assert caught.value.code == code and caught.value.help and device.digest == before


@pytest.mark.parametrize("target", ["reference", "emulator"])
def test_what_was_never_taught_is_neither_forgotten_nor_learned(target: str) -> None:
    with ed.open(model(), target) as device:
        before = device.digest
        for name in ("wave", "sit"):
            with pytest.raises(EdgeError, match="was never taught"):
                device.forget(name)
        with pytest.raises(EdgeError, match=r"y\[1\] is 4, which is a spare class"):
            device.learn(samples([0, 4]), [0, 4])
        with pytest.raises(EdgeError, match="label out of range"):
            device.target.learn(input_x(device.network, samples([4]))[0], 4)
        assert device.digest == before
    with ed.open(model(spare=0), target) as device, pytest.raises(EdgeError, match="built without"):
        device.new_class("wave")


def test_without_replay_a_warning_comes_first() -> None:
    learning = ed.Learning(RULES)
    q = ed.quantize(network(), learning, x=samples(Y), y=Y, spare_classes=1)
    with ed.open(q) as device, pytest.warns(UserWarning, match="takes their place whole"):
        device.new_class("wave")
    with ed.open(model()) as device:
        device.new_class("wave")


@pytest.mark.parametrize(("how", "code", "words"), [
    ({"spare": 17}, "E105", "17 spare classes, a readout takes 1 to 16"),
    ({"guard": ed.Guard(margin=2)}, "E203", "falls back to factory weights"),
    ({"means": False, "guard": ed.Guard(margin=2)}, "E203", "falls back to factory weights")])
def test_what_cannot_be_quantized_says_why(how: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(EdgeError, match=words) as caught:
        model(**how)
    assert caught.value.code == code


def test_class_means_need_labelled_samples() -> None:
    with pytest.raises(EdgeError, match="there are none") as caught:
        ed.quantize(network(), ed.Learning(RULES, class_means=True))
    assert caught.value.code == "E105"


def test_damaged_names_and_means_are_refused_by_all() -> None:
    q = model()
    targets = [ReferenceTarget(q), Emulator(q)]
    for target in targets:
        target.new_class("wave")
    data, layout = targets[0].read_learning(), Plan.of(q).layout
    [names] = [f for f in layout.fields if f.name == "class_names"]
    end = names.offset + names.bytes - layout.persist_begin
    for at, byte in ((-32, 0x07), (-32, 0x20), (-16, 0x77), (-10, 0x41), (-44, 0x10)):
        bad = bytearray(data)
        bad[end + at] = byte
        if at == -16:
            bad[end - 16 : end] = bad[end - 32 : end - 16]  # two of one name
        for target in targets:
            with pytest.raises(EdgeError) as caught:
                target.write_learning(bytes(bad))
            assert caught.value.code == "E503" and target.read_learning() == data
        lib: Any = targets[1]
        status = lib._lib.dassdp_emulator_write_learning(
            lib._model, lib._state, lib._ffi.from_buffer("uint8_t[]", bytes(bad)))
        assert status != 0, "the device finds it, too"
        lib.write_learning(data)


def test_states_with_other_classes_are_not_merged() -> None:
    q = model()
    states = []
    for name in ("wave", "nod"):
        target = ReferenceTarget(q)
        target.new_class(name)
        states.append(learned_of(target, q))
    assert [f.name for f in compare(q, *states).learning] == ["class_names"]
    with pytest.raises(EdgeError, match="taught other classes"):
        merge(q, states)


def test_a_running_mean_loses_nothing_to_rounding() -> None:
    """In float a mean that follows by 1/8 comes to the mean of what it follows."""
    mean = 100
    for n in range(400):
        mean = (7 * mean + 103 + EIGHTHS[n % 8]) // 8
    assert mean == 103
    found = directions(np.array([[0, 3, 4], [1, 0, 0], [0, 0, 0]]))
    assert found.tolist() == [[0, 153, 204], [255, 0, 0], [0, 0, 0]]


def test_a_model_without_any_of_it_is_what_it_was() -> None:
    learning = ed.Learning(RULES, replay=ed.Replay(40, 3, 3))
    plain = ed.quantize(network(), learning, x=samples(Y), y=Y)
    assert plain.spare_classes == 0 and plain.class_means is None
    header, _ = ed.qir.network.describe(plain)
    assert header["format"] == "edge_dassdp/quantized/4" and "spare_classes" not in str(header)

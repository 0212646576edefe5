"""A log of lessons proves a snapshot, or names the first lesson that differs; whatever a log holds,
it is told in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.devices import network, samples, stream, target
from support.faults import Cable
from support.lanes import often

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness import learned_of
from edge_dassdp.learned.log import Event, ReadLog
from edge_dassdp.learned.portable import Learned
from edge_dassdp.learned.proof import Proof, prove
from edge_dassdp.learned.watched import watch, watch_on
from edge_dassdp.sensor.profile import Kind, QProfile
from edge_dassdp.targets.emulator import LEARN, WARM_UP, Emulator
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import Target

KIND = "memory"


def proof(path: Path, snapshot: Learned, kind: str = KIND, start: Learned | None = None) -> Proof:
    with ReadLog(network(kind), path) as log:
        return prove(network(kind), log, snapshot, start)


def teach(device: Target, n: int, kind: str = KIND, seed: int = 3) -> None:
    """Everything that a log may hold."""
    x, labels = samples(n, seed, kind)
    for i in range(n):
        if kind in ("sensor", "worn"):
            device.observe(x[i], labels[i] if i % 2 or kind == "worn" else -1)
        if kind == "gated" and i < n // 2:
            device.warm_up(x[i], labels[i])
        else:
            device.learn(x[i], -1 if i == 3 else labels[i], loss_q8=99 if i == 4 else -1)
        if i == n // 2:
            device.fit_gate()
            if network(kind).guard and network(kind).guard.keeps_copy:
                device.save()
        device.infer(x[0])
    if network(kind).replay:
        device.idle(11)
        if network(kind).guard and network(kind).guard.keeps_copy:
            device.rollback()
        device.run(x, np.array(labels), mode=LEARN)
        device.run(x[:2], np.array(labels[:2]), mode=WARM_UP)
    if network(kind).sensor and network(kind).sensor.fits:
        device.fit_profile()
        factory = QProfile.factory(network(kind).sensor.n_channels)
        device.write_profile(network(kind), replace(
            factory, kind=Kind.CHANNELS, gain_q12=(4000, *factory.gain_q12[1:])))
        device.learn(x[1], labels[1])
        device.select_profile(0)
        device.learn(x[0], labels[0])


def logged(folder: Path, kind: str = KIND, n: int = 12, made: Target | None = None,
           ) -> tuple[Path, Learned]:
    device = made or Emulator(network(kind))
    path = folder / "lessons.jsonl"
    with watch(device, network(kind), path):
        teach(device, n, kind)
    return path, learned_of(device, network(kind))


MADE: dict[str, Callable[[str], Target]] = {
    "emulator": lambda kind: Emulator(network(kind)),
    "reference": lambda kind: ReferenceTarget(network(kind)),
    "device": lambda kind: target(stream(kind), kind)}


@pytest.mark.parametrize("kind", ["error", "gated", "memory", "gate", "sensor", "worn", "wide"])
@pytest.mark.parametrize("made", MADE)
def test_what_was_logged_as_it_was_learned_proves_it(made: str, kind: str, tmp_path: Path) -> None:
    path, snapshot = logged(tmp_path, kind, made=MADE[made](kind))
    found = proof(path, snapshot, kind)
    assert found.is_proven and found.n_lessons == found.n_told > 11, found


def changed(path: Path, i: int, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same log, its i-th line changed."""
    lines = path.read_text("utf-8").splitlines()
    line = json.loads(lines[i])
    change(line)
    lines[i] = json.dumps(line)
    other = path.with_name("changed.jsonl")
    other.write_text("\n".join(lines) + "\n", "utf-8")
    return other


def flip(line: dict[str, Any]) -> None:
    line["x"] = f"{int(line['x'][0], 16) ^ 1:x}{line['x'][1:]}"


def relabel(line: dict[str, Any]) -> None:
    line["label"] = (line["label"] + 1) % 3


def lose(line: dict[str, Any]) -> None:
    line["loss_q8"] = 5


@pytest.mark.parametrize("change", [flip, relabel, lose])
def test_200_lessons_are_proven_and_one_that_was_changed_is_named(
        change: Callable[[dict[str, Any]], None], tmp_path: Path) -> None:
    device, path = Emulator(network(KIND)), tmp_path / "l.jsonl"
    x, labels = samples(200, 8, KIND)
    with watch(device, network(KIND), path):
        device.run(x, np.array(labels), mode=LEARN)
    snapshot = learned_of(device, network(KIND))
    assert proof(path, snapshot).is_proven
    for i in (1, 57, 200):
        found = proof(changed(path, i, change), snapshot)
        assert (found.verdict, found.number, found.line) == ("lesson", i, i + 1)
        given = f"label {labels[i - 1]}" if change is relabel else "another sample or loss"
        assert f"the device was given {given}" in found.why
        assert found.label == json.loads(changed(path, i, change).read_text().splitlines()[i])[
            "label"]


def test_a_log_without_digests_proves_as_much_but_names_no_lesson(tmp_path: Path) -> None:
    path, snapshot = logged(tmp_path)

    def bare(line: dict[str, Any]) -> None:
        line.pop("digest", None)

    for i in range(1, len(path.read_text().splitlines())):
        path = changed(path, i, bare)
    found = proof(path, snapshot)
    assert found.is_proven and found.n_told == 0
    assert proof(changed(path, 3, flip), snapshot).verdict == "lessons"


def test_a_snapshot_from_the_middle_is_proven_and_one_that_goes_on_is_told(tmp_path: Path) -> None:
    device, path = Emulator(network(KIND)), tmp_path / "l.jsonl"
    x, labels = samples(20, 4, KIND)
    with watch(device, network(KIND), path):
        states = [learned_of(device, network(KIND))]
        for sample, label in zip(x, labels, strict=True):
            device.learn(sample, label)
            states.append(learned_of(device, network(KIND)))
    for n in (0, 7, 20):
        found = proof(path, states[n])
        assert found.is_proven and (found.n_lessons, found.left) == (n, 20 - n)
    device.learn(x[0], labels[0])
    found = proof(path, learned_of(device, network(KIND)))
    assert found.verdict == "ends" and "ends with lesson 20" in found.why
    later = tmp_path / "later.jsonl"
    with watch(device, network(KIND), later):
        device.learn(x[1], labels[1])
    with pytest.raises(EdgeError, match="begins with something else") as refused:
        proof(later, states[20])
    assert refused.value.code == "E105" and "--start" in refused.value.help
    start = states[20]
    with pytest.raises(EdgeError, match="begins with something else"):
        proof(later, states[20], start=start)


def test_days_follow_each_other(tmp_path: Path) -> None:
    device = Emulator(network(KIND))
    _, evening = logged(tmp_path, made=device)
    path, night = logged(tmp_path, made=device)
    assert proof(path, night, start=evening).is_proven
    assert proof(path, evening, start=evening).is_proven
    first = learned_of(Emulator(network(KIND)), network(KIND))
    assert proof(path, first, start=evening).verdict == "beyond"


def test_weights_that_no_lesson_wrote_are_named(tmp_path: Path) -> None:
    path, snapshot = logged(tmp_path)
    w = snapshot.weights["fc3"].copy()
    w[2, 1] += 1 if w[2, 1] < 0 else -1
    found = proof(path, Learned({**snapshot.weights, "fc3": w}, snapshot.learning))
    assert found.verdict == "weights" and found.difference
    assert [(c.name, c.n_differ) for c in found.difference.weights] == [("fc2", 0), ("fc3", 1)]
    assert [(c.pre, c.post) for c in found.difference.weights[1].largest] == [(2, 1)]


def test_a_lost_answer_is_a_lesson_without_a_digest(tmp_path: Path) -> None:
    """The line is bad; the device carried it out, and the log says so."""
    cable = Cable(stream())
    device = target(cable, retries=1, recoveries=3)
    x, labels = samples(6)
    path = tmp_path / "l.jsonl"
    with watch(device, network("error"), path):
        for i, (sample, label) in enumerate(zip(x, labels, strict=True)):
            if i == 3:
                cable.lose("response", 2)
            try:
                device.learn(sample, label)
            except EdgeError as problem:
                assert problem.code == "E502" and device.lost_request_ran and i == 3
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert [("digest" in line) for line in lines] == [i != 3 for i in range(6)]
    assert proof(path, learned_of(device, network("error")), "error").is_proven


def test_a_log_goes_on_where_a_killed_host_left_it(tmp_path: Path) -> None:
    """Its last line was cut off, and the device has had that lesson."""
    device = Emulator(network(KIND))
    x, labels = samples(9, 6, KIND)
    path = tmp_path / "l.jsonl"
    with watch(device, network(KIND), path):
        for i in range(5):
            device.learn(x[i], labels[i])
    data = path.read_bytes()
    again = Emulator(network(KIND))
    snapshot = learned_of(device, network(KIND))
    for cut in range(len(data) - 1 - data.rstrip().rindex(b"\n"), 0, -9):
        path.write_bytes(data[:-cut])
        assert proof(path, snapshot).verdict == "ends" or cut == 1
        again.restore(snapshot.weights, snapshot.learning)
        with watch_on(again, network(KIND), path, Event("learn", x[4].tobytes(), labels[4])):
            for i in range(5, 9):
                again.learn(x[i], labels[i])
        assert proof(path, learned_of(again, network(KIND))).is_proven, cut
    path.write_bytes(data)
    with pytest.raises(EdgeError, match="does not lead to what the device has learned"):
        watch_on(again, network(KIND), path, None)


def test_a_log_of_as_many_other_lessons_is_not_gone_on_with(tmp_path: Path) -> None:
    x, labels = samples(4, 6, KIND)
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path, order in zip(paths, ([0, 1, 2], [2, 1, 0]), strict=True):
        device = Emulator(network(KIND))
        with watch(device, network(KIND), path):
            for i in order:
                device.learn(x[i], labels[i])
    before = paths[0].read_bytes()
    with pytest.raises(EdgeError, match="does not lead to") as refused:
        watch_on(device, network(KIND), paths[0], Event("learn", x[0].tobytes(), labels[0]))
    assert "behind lesson 3 its digest is" in refused.value.cause
    assert paths[0].read_bytes() == before
    with watch_on(device, network(KIND), paths[1], None):
        device.learn(x[3], labels[3])
    assert proof(paths[1], learned_of(device, network(KIND))).is_proven


def test_two_processes_do_not_write_to_one_log(tmp_path: Path) -> None:
    """Each of them: an open file of its own is what a lock belongs to."""
    device, path = Emulator(network(KIND)), tmp_path / "l.jsonl"
    x, labels = samples(1, 6, KIND)
    with watch(device, network(KIND), path):
        device.learn(x[0], labels[0])
        before = path.read_bytes()
        with pytest.raises(EdgeError, match="another run is writing to"):
            watch(Emulator(network(KIND)), network(KIND), path)
        with pytest.raises(EdgeError, match="another run is writing to"):
            watch_on(device, network(KIND), path, None)
        assert path.read_bytes() == before
    watch(Emulator(network(KIND)), network(KIND), path).close()


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "an empty file"),
    "noise": (bytes(range(256)) * 9, "is not a log of lessons"),
    "another file": (b"PK\3\4", "expected a log of lessons"),
    "other JSON": (b'{"format": "other/1"}\n', "the format 'other/1'"),
    "a list": (b"[1]\n", "line 1"),
    "no head": (b'{"do": "idle", "n": 1}\n', "is not a log of lessons"),
    "nested": (b"[" * 3000 + b"\n", "expected a log of lessons"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_log_is_named(what: str, tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    data, told = BAD[what]
    path.write_bytes(data)
    with pytest.raises(EdgeError) as refused:
        ReadLog(network(KIND), path)
    assert refused.value.code == "E103" and told in f"{refused.value}", refused.value


LINES: dict[str, tuple[Any, str]] = {
    "unknown": ({"do": "forget"}, "'do' is 'forget'"),
    "nothing": ({}, "'do' is None"),
    "short sample": ({"do": "learn", "x": "00"}, "in hexadecimal"),
    "no sample": ({"do": "learn"}, "in hexadecimal"),
    "no hexadecimal": ({"do": "learn", "x": "zz"}, "in hexadecimal"),
    "label": ({"do": "learn", "x": None, "label": 3}, "'label' is 3"),
    "text for a label": ({"do": "learn", "x": None, "label": "1"}, "'label' is '1'"),
    "bool": ({"do": "learn", "x": None, "label": True}, "'label' is True"),
    "loss": ({"do": "learn", "x": None, "loss_q8": 1 << 20}, "'loss_q8' is"),
    "digest": ({"do": "learn", "x": None, "digest": "123"}, "'digest' is '123'"),
    "no number": ({"do": "idle"}, "'n' is None"),
    "signed digest": ({"do": "learn", "x": None, "digest": "-1234567"}, "'digest' is"),
    "profile": ({"do": "write_profile", "n": 1, "profile": [1]}, "'profile' is not the"),
    "kind": ({"do": "write_profile", "n": 9, "profile": []}, "'n' is 9"),
    "list": ([1], "no object of JSON"),
    "text": ("learn", "no object of JSON"),
}


@pytest.mark.parametrize("what", LINES)
def test_a_damaged_line_is_named_by_its_number(what: str, tmp_path: Path) -> None:
    path, snapshot = logged(tmp_path)
    line, told = LINES[what]
    if isinstance(line, dict) and "x" in line and line["x"] is None:
        line = line | {"x": "00" * network(KIND).x_bytes}
    lines = path.read_text().splitlines()
    lines[2] = json.dumps(line)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(EdgeError) as refused:
        proof(path, snapshot)
    assert refused.value.code == "E103" and "line 3" in refused.value.message
    assert told in refused.value.cause


def test_a_line_without_an_end_is_refused_in_little_memory(tmp_path: Path) -> None:
    path, snapshot = logged(tmp_path)
    with path.open("ab") as file:
        file.truncate(1 << 33)  # 8 GiB of zeros that take no room
    device = Emulator(network(KIND))
    device.restore(snapshot.weights, snapshot.learning)
    device.learn(*(row[0] for row in samples(1, 1, KIND)))
    with pytest.raises(EdgeError, match=r"line \d+") as refused:
        proof(path, learned_of(device, network(KIND)))
    assert "longer than" in refused.value.cause


def test_a_log_of_another_model_is_refused(tmp_path: Path) -> None:
    path, _ = logged(tmp_path, "error")
    with pytest.raises(EdgeError, match="another model") as refused:
        ReadLog(network(KIND), path)
    assert refused.value.code == "E504"


def test_a_replay_that_the_model_cannot_do_is_told(tmp_path: Path) -> None:
    path, snapshot = logged(tmp_path, "error")

    def idle(line: dict[str, Any]) -> None:
        line.clear()
        line.update(do="idle", n=3)

    path = changed(path, 2, idle)
    with pytest.raises(EdgeError) as refused:
        proof(path, snapshot, "error")
    assert refused.value.code == "E103" and "line 3" in refused.value.message


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Learned]:
    path, snapshot = logged(tmp_path_factory.mktemp("fuzz"))
    return path, path.read_bytes(), snapshot


@settings(deadline=None, max_examples=often(60))
@given(st.data())
def test_no_log_does_anything_but_prove_or_tell(whole: tuple[Path, bytes, Learned],
                                                drawn: st.DataObject) -> None:
    """Bytes changed, cut, doubled, moved."""
    path, data, snapshot = whole
    changed = bytearray(data)
    for _ in range(drawn.draw(st.integers(1, 3))):
        at = drawn.draw(st.integers(0, max(len(changed) - 1, 0)))
        how = drawn.draw(st.sampled_from(["flip", "cut", "drop", "double"]))
        if how == "flip" and changed:
            changed[at] = drawn.draw(st.integers(0, 255))
        elif how == "cut":
            del changed[at:]
        elif how == "drop":
            del changed[at:at + drawn.draw(st.integers(1, 300))]
        else:
            changed[at:at] = changed[at:at + 200]
    other = path.with_name("fuzzed.jsonl")
    other.write_bytes(changed)
    try:
        found = proof(other, snapshot)
    except EdgeError as refused:
        assert refused.code in ("E103", "E104", "E105", "E503", "E504")
    else:
        is_harmless = proof(path, snapshot).is_proven
        assert is_harmless and found.verdict in (
            "proven", "lesson", "lessons", "weights", "ends", "beyond")

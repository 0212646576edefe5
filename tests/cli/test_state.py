"""state show, diff, merge and prove, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.commands import answer, ok, shown

from edge_dassdp import qir
from edge_dassdp.harness import SNAPSHOT, read_learned
from edge_dassdp.qir.packing import LEARNING_DTYPE
from edge_dassdp.storage.npz import write_npz


@pytest.fixture(scope="module")
def taught(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two snapshots, of 40 and of 20 lessons, and the log of the first."""
    folder = tmp_path_factory.mktemp("taught")
    learn = ("learn", work / "model.q.npz", "--data", work / "data.npz", "--limit")
    ok(*learn, "40", "--snapshot", folder / "a.state", "--lessons", folder / "a.jsonl")
    ok(*learn, "20", "--snapshot", folder / "b.state")
    return folder


def refused(*words: str | Path) -> tuple[int, str]:
    done = shown(*words)
    assert done.stdout == "" and "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_state_says_what_was_learned(work: Path, taught: Path) -> None:
    told = answer("state", "show", work / "model.q.npz", taught / "a.state")["data"]
    learned = json.loads(ok("run", work / "model.q.npz", "--data", work / "data.npz", "--restore",
                            taught / "a.state", "--json").splitlines()[-1])["data"]
    assert told["digest"] == learned["digest"] and told["n_lessons"] == 40
    network = qir.load(work / "model.q.npz")
    state = read_learned(network, taught / "a.state")
    for p, said in zip(network.plastic, told["weights"], strict=True):
        w = state.weights[p.name]
        assert (said["name"], said["n"], said["n_changed"], said["low"], said["high"]) == (
            p.name, w.size, int((w != p.w).sum()), w.min(), w.max())
    screen = ok("state", "show", work / "model.q.npz", taught / "a.state")
    assert "40 lessons" in screen and told["digest"] in screen and told["lessons"] in screen


def test_a_target_is_shown_as_it_stands(work: Path) -> None:
    told = answer("state", "show", work / "model.q.npz", "emulator")["data"]
    assert told["n_lessons"] == 0 and told["lessons"] == "00000000"
    assert not any(w["n_changed"] for w in told["weights"])


def test_two_states_differ_by_weights_and_fields(work: Path, taught: Path) -> None:
    here = ("state", "diff", work / "model.q.npz", taught / "a.state")
    told = answer(*here, taught / "b.state")["data"]
    network = qir.load(work / "model.q.npz")
    a, b = (read_learned(network, taught / f"{n}.state").weights for n in "ab")
    for said in told["weights"]:
        apart = np.abs(a[said["name"]].astype(int) - b[said["name"]])
        assert (said["n_differ"], said["most"]) == ((apart > 0).sum(), apart.max())
        for c in said["largest"]:
            assert (c["first"], c["second"]) == (
                a[said["name"]][c["pre"], c["post"]], b[said["name"]][c["pre"], c["post"]])
        assert not said["largest"] or said["most"] == abs(
            said["largest"][0]["first"] - said["largest"][0]["second"])
    fields = {f["name"]: (f["first"], f["second"]) for f in told["learning"]}
    assert fields["learning.n_lessons"] == (40, 20) and not told["is_same"]
    assert "learning.n_lessons" in ok(*here, taught / "b.state")
    assert answer(*here, taught / "a.state")["data"]["is_same"]
    assert "hold the same" in ok(*here, taught / "a.state")


def test_merged_weights_are_the_mean_by_lessons(work: Path, taught: Path, tmp_path: Path) -> None:
    merged = tmp_path / "c.state"
    told = answer("state", "merge", work / "model.q.npz", taught / "a.state", taught / "b.state",
                  "-o", merged)["data"]
    assert told["n_lessons"] == [40, 20]
    network = qir.load(work / "model.q.npz")
    a, b, c = (read_learned(network, path) for path in (
        taught / "a.state", taught / "b.state", merged))
    for name, w in c.weights.items():
        mean = (40 * a.weights[name].astype(int) + 20 * b.weights[name]) / 60
        assert np.array_equal(w, np.floor(mean + 0.5))
    assert c.learning == a.learning
    ok("run", work / "model.q.npz", "--data", work / "data.npz", "--restore", merged)
    status, told_ = refused("prove", work / "model.q.npz", taught / "a.jsonl", merged)
    assert status == 1 and "behind lesson 40" in told_ and "E406" in told_


def test_a_log_proves_and_a_changed_lesson_is_named(work: Path, taught: Path,
                                                    tmp_path: Path) -> None:
    prove = ("prove", work / "model.q.npz")
    told = answer(*prove, taught / "a.jsonl", taught / "a.state")["data"]
    assert told["proven"] and told["n_lessons"] == told["n_told"] == 40
    assert "proven: 40 lessons" in ok(*prove, taught / "a.jsonl", taught / "a.state")
    assert "20 lines of the log come behind it" in ok(*prove, taught / "a.jsonl",
                                                      taught / "b.state")
    lines = (taught / "a.jsonl").read_text().splitlines()
    event = json.loads(lines[17])
    event["x"] = ("0" if event["x"][0] != "0" else "1") + event["x"][1:]
    lines[17] = json.dumps(event)
    (tmp_path / "changed.jsonl").write_text("\n".join(lines))
    done = shown(*prove, tmp_path / "changed.jsonl", taught / "a.state", "--json")
    envelope = json.loads(done.stdout)
    assert done.returncode == envelope["exit"] == 1 and not envelope["ok"]
    assert (envelope["data"]["verdict"], envelope["data"]["number"]) == ("lesson", 17)
    assert envelope["diagnostics"][0]["code"] == "E406"
    assert f"lesson 17 differs, label {event['label']}, line 18" in done.stderr


def test_lessons_of_a_later_day_begin_where_the_first_ended(work: Path, taught: Path,
                                                            tmp_path: Path) -> None:
    ok("learn", work / "model.q.npz", "--data", work / "test.npz", "--limit", "9", "--restore",
       taught / "a.state", "--lessons", tmp_path / "l.jsonl", "--snapshot", tmp_path / "l.state")
    prove = ("prove", work / "model.q.npz", tmp_path / "l.jsonl", tmp_path / "l.state")
    status, told = refused(*prove)
    assert status == 2 and "--start FILE" in told
    assert answer(*prove, "--start", taught / "a.state")["data"]["n_lessons"] == 9
    assert refused(*prove, "--start", taught / "b.state")[0] == 2


@pytest.mark.parametrize("target", ["reference", "emulator-checked"])
def test_every_target_writes_the_same_log(target: str, work: Path, taught: Path,
                                          tmp_path: Path) -> None:
    ok("learn", work / "model.q.npz", "--data", work / "data.npz", "--limit", "40", "--target",
       target, "--lessons", tmp_path / "l.jsonl", "--snapshot", tmp_path / "l.state")
    assert (tmp_path / "l.jsonl").read_bytes() == (taught / "a.jsonl").read_bytes()
    assert (tmp_path / "l.state").read_bytes() == (taught / "a.state").read_bytes()


def version_1(work: Path, state: Path, path: Path) -> Path:
    """The same snapshot as it was written before lessons were counted."""
    network = qir.load(work / "model.q.npz")
    learned = read_learned(network, state)
    whole = np.frombuffer(learned.learning, np.uint8)
    at = LEARNING_DTYPE.itemsize
    write_npz(path, {"format": SNAPSHOT, "model": network.sha256}, {
        **{f"w_{n}": w for n, w in learned.weights.items()},
        "learning": np.concatenate([whole[:at - 8], whole[at:]])})
    return path


def test_a_snapshot_of_version_1_goes_back(work: Path, taught: Path, tmp_path: Path) -> None:
    old = version_1(work, taught / "a.state", tmp_path / "old.npz")
    told = answer("state", "diff", work / "model.q.npz", taught / "a.state", old)["data"]
    assert told["n_differ"] == 0
    assert {f["name"] for f in told["learning"]} == {"learning.n_lessons",
                                                     "learning.lessons_digest"}
    ok("run", work / "model.q.npz", "--data", work / "data.npz", "--restore", old)
    merged = answer("state", "merge", work / "model.q.npz", taught / "a.state", old, "-o",
                    tmp_path / "m.state")["data"]
    assert merged["n_lessons"] == [40, 40], "of labelled ones it had counted as many"


WRONG: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no snapshot": (("state", "show", "M", "none.state"), 2, "none.state does not exist"),
    "no target": (("state", "show", "M", "serial:/dev/none"), 4, "E501"),
    "samples": (("state", "show", "M", "W/data.npz"), 2, "expected a snapshot"),
    "a model": (("state", "diff", "M", "S/a.state", "W/model.q.npz"), 2, "expected a snapshot"),
    "another model": (("state", "show", "W/frozen.q.npz", "S/a.state"), 4, "of another model"),
    "one to merge": (("state", "merge", "M", "S/a.state", "-o", "T/c.state"), 2,
                     "give two states or more"),
    "over itself": (("state", "merge", "M", "S/a.state", "S/b.state", "-o", "S/b.state"), 2,
                    "would be overwritten"),
    "no log": (("prove", "M", "S/none.jsonl", "S/a.state"), 2, "does not exist"),
    "a snapshot as log": (("prove", "M", "S/a.state", "S/a.state"), 2, "expected a log"),
    "a log as snapshot": (("prove", "M", "S/a.jsonl", "S/a.jsonl"), 2, "expected a snapshot"),
    "another model's log": (("prove", "W/frozen.q.npz", "S/a.jsonl", "S/a.state"), 4, "E504"),
    "log over a snapshot": (("learn", "M", "--data", "W/data.npz", "--restore", "S/a.state",
                             "--lessons", "S/a.state"), 2, "would be overwritten"),
    "no folder": (("learn", "M", "--data", "W/data.npz", "--lessons", "T/no/l.jsonl"), 2,
                  "there is no folder"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(what: str, work: Path, taught: Path,
                                               tmp_path: Path) -> None:
    words, status, told = WRONG[what]
    places = {"M": str(work / "model.q.npz"), "W": str(work), "S": str(taught), "T": str(tmp_path)}
    given = [places.get(head, head) + (f"/{rest}" if rest else "")
             if head in places else word for word in words
             for head, _, rest in [word.partition("/")]]
    found, stderr = refused(*given)
    assert (found, told in stderr) == (status, True), stderr


def test_a_snapshot_cut_at_any_byte_is_refused(work: Path, taught: Path, tmp_path: Path) -> None:
    data = (taught / "a.state").read_bytes()
    for n in (*range(1, 60, 7), len(data) // 2, len(data) - 1):
        (tmp_path / "cut.state").write_bytes(data[:n])
        status, told = refused("state", "show", work / "model.q.npz", tmp_path / "cut.state")
        assert status == 2 and "E103" in told, n

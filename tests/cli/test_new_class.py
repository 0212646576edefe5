"""A gesture of a user's own CSV, taught by five windows: emulator, micro:bit in QEMU, reference."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import edge_dassdp as ed
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples

ROOT = Path(__file__).resolve().parents[2]
SIX = ROOT / "tests" / "golden" / "watch_six.npz"
NAMES = ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
N_OLD, NEW = 6, "ROW"
AXES = ("ax", "ay", "az", "gx", "gy", "gz")


def cli(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "edge_dassdp", *words], cwd=cwd, text=True,
                          capture_output=True, check=False)


def recorded(path: Path, given: Samples, rows: Iterable[int]) -> None:
    """A window a row: its readings one after another, and what was done."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([f"{AXES[i % 6]}_{i // 6}" for i in range(given.x.shape[1])] + ["label"])
        table.writerows([*map("{:.4g}".format, given.x[row]), NAMES[given.y[row]]] for row in rows)


def later_windows() -> Samples:
    return watch.scenario("N", 0, recordings()).test


def recordings() -> watch.WatchData:
    return watch.load_watch(ROOT / "examples" / "watch" / "data.npz")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six exercises on the right wrist, ROW of the same wearers later, and their test windows."""
    folder, data = tmp_path_factory.mktemp("classes"), recordings()
    training, stream = watch.training(0, data)[0], watch.scenario("N", 0, data).stream
    recorded(folder / "train.csv", training, np.flatnonzero(training.y < N_OLD))
    recorded(folder / "gesture.csv", stream, np.flatnonzero(stream.y == N_OLD)[:5])
    recorded(folder / "test.csv", later_windows(), range(len(later_windows())))
    made = cli(folder, "quantize", str(SIX), "-o", "net.q.npz", "--data", "train.csv", "--classes",
               ",".join(NAMES[:N_OLD]), "--spare-classes", "2", "--board", "microbit")
    assert made.returncode == 0, made.stderr
    (folder / "quantized.txt").write_text(made.stdout)
    return folder


def taught(work: Path, target: str) -> bytes:
    """What it has learned."""
    state = f"{target.replace(':', '_')}.state"
    done = cli(work, "learn", "net.q.npz", "--data", "gesture.csv", "--new-class", NEW, "--target",
               target, "--snapshot", state)
    assert done.returncode == 0, done.stderr
    return (work / state).read_bytes()


def right(work: Path, state: str | None) -> NDArray[np.bool_]:
    """Of the test windows, with what was learned."""
    test = later_windows()
    with ed.open(ed.load_model(work / "net.q.npz"), "emulator") as device:
        if state is not None:
            device.load(work / state)
        return np.asarray(device.classify(test.x) == test.y)


@pytest.mark.cross
@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_five_windows_teach_a_gesture_and_all_targets_end_in_the_same_bytes(work: Path) -> None:
    emulated = taught(work, "emulator")
    assert taught(work, "qemu:microbit") == taught(work, "reference") == emulated


def test_the_gesture_is_known_and_the_old_ones_are_kept(
        work: Path, record_property: Callable[[str, object], None]) -> None:
    taught(work, "emulator")
    is_new = later_windows().y == N_OLD
    before, after = right(work, None), right(work, "emulator.state")
    record_property("a gesture of five windows", "; ".join(
        f"{name}: {100 * hits.mean():.1f} % of all, {100 * hits[~is_new].mean():.1f} % of the old, "
        f"{100 * hits[is_new].mean():.1f} % of the new"
        for name, hits in (("before", before), ("after", after))))
    assert not before[is_new].any() and after[is_new].mean() > 0.7
    assert after[~is_new].mean() > before[~is_new].mean() - 0.03
    assert after.mean() > before.mean() + 0.06


def test_a_class_that_was_taught_is_known_by_its_name_and_can_be_forgotten(work: Path) -> None:
    taught(work, "emulator")
    known = cli(work, "run", "net.q.npz", "--data", "test.csv", "--restore", "emulator.state")
    assert known.returncode == 0 and NEW in known.stdout
    gone = cli(work, "forget", "net.q.npz", NEW, "--restore", "emulator.state", "--snapshot",
               "without.state")
    assert gone.returncode == 0, gone.stderr
    unknown = cli(work, "run", "net.q.npz", "--data", "test.csv", "--restore", "without.state")
    assert unknown.returncode == 2 and "'ROW', which is no class" in unknown.stderr


def test_class_means_come_with_spare_classes_unless_they_are_refused(work: Path) -> None:
    means = ed.load_model(work / "net.q.npz").class_means
    assert means is not None and means.examples is not None
    told = ("spare classes: 2, taught by learn --new-class; class means of "
            f"'{means.hidden}' decide beside the readout, with {len(means.examples.directions)} "
            "training samples as examples in flash")
    assert told in (work / "quantized.txt").read_text().splitlines()
    made = cli(work, "quantize", str(SIX), "-o", "plain.q.npz", "--data", "train.csv", "--classes",
               ",".join(NAMES[:N_OLD]), "--spare-classes", "1", "--no-class-means")
    assert made.returncode == 0, made.stderr
    assert "spare classes: 1, taught by learn --new-class; no class means" in \
        made.stdout.splitlines()
    assert ed.load_model(work / "plain.q.npz").class_means is None


@pytest.mark.parametrize(("words", "said"), [
    ("learn net.q.npz --data gesture.csv", "no class of the model"),
    ("learn net.q.npz --data gesture.csv --new-class PEN", "is a class that the model knows"),
    ("learn net.q.npz --data train.csv --new-class wave", "no sample to learn from is of class"),
    ("learn net.q.npz --data gesture.csv --new-class wave --rollback", "--rollback first"),
    ("forget net.q.npz PEN", "was never taught"),
    ("quantize {six} -o x.q.npz --spare-classes 17", "takes 1 to 16"),
    ("quantize {six} -o x.q.npz --spare-classes 1 --frozen", "learns nothing"),
])
def test_what_cannot_be_taught_or_forgotten_is_refused(work: Path, words: str, said: str) -> None:
    done = cli(work, *words.format(six=SIX).split())
    assert done.returncode != 0 and said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_a_class_is_taught_further_by_its_name_and_not_by_a_stray_number(work: Path) -> None:
    """A number that no class of the training has was learned as the class that was taught."""
    head, *rows = (work / "gesture.csv").read_text().splitlines()
    numbers = "\n".join([head, *(row.replace(NEW, str(N_OLD)) for row in rows)])
    (work / "numbers.csv").write_text(numbers)
    first = cli(work, "learn", "net.q.npz", "--data", "numbers.csv", "--new-class", NEW,
                "--snapshot", "first.state")
    assert first.returncode == 0, first.stderr
    more = ("--restore", "first.state", "--snapshot", "more.state")
    named = cli(work, "learn", "net.q.npz", "--data", "gesture.csv", *more)
    assert named.returncode == 0, named.stderr
    stray = cli(work, "learn", "net.q.npz", "--data", "numbers.csv", *more)
    told = " ".join(stray.stderr.split())
    assert stray.returncode == 2 and "the number of a spare class that was taught as 'ROW'" in told
    assert "write 'ROW' in place of the number" in told and "--new-class ROW" in told
    meant = cli(work, "learn", "net.q.npz", "--data", "numbers.csv", "--new-class", NEW, *more)
    assert meant.returncode == 0, meant.stderr

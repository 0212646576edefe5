"""`learn` while it runs: a panel on a terminal, a few lines in a file, nothing beside JSON."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.board import Board
from support.commands import answer, ok, shown
from support.terminals import on_terminal, piped

from edge_dassdp.cli import told
from edge_dassdp.report import live

PANEL = ("samples", "accuracy(100)", "frozen", "written", "skipped", "replayed", "saturated",
         "hits by class")


def learn(work: Path, *more: str) -> tuple[str, ...]:
    return ("learn", str(work / "model.q.npz"), "--data", str(work / "data.npz"), *more)


def plain(screen: bytes) -> str:
    """Without what moves the cursor, and colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.decode())


def test_a_terminal_gets_a_panel_and_then_the_answer(work: Path) -> None:
    done = on_terminal(TERM="xterm", COLUMNS="100")(learn(work), work)
    screen = plain(done.out)
    last = screen[screen.rindex("frozen"):screen.rindex("hits by class")]
    assert done.status == 0 and "60 of 60" in screen
    assert all(name in screen for name in PANEL) and "class 3" in screen
    counted = answer(*learn(work))["data"]
    rows = dict(re.findall(r"(?m)^(written|skipped|frozen|replayed)\s+(\S+)", last))
    assert rows["skipped"] == str(counted["statistics"]["n_skipped"])
    assert int(rows["written"]) + int(rows["skipped"]) == 60
    assert int(rows["replayed"]) == counted["statistics"]["n_replayed"]


def test_frozen_is_what_no_learning_gives(work: Path) -> None:
    done = on_terminal(TERM="xterm", COLUMNS="100")(learn(work), work)
    share = 100 * answer("run", *learn(work)[1:])["data"]["accuracy"]
    assert re.search(rf"frozen\s+{share:.1f} %", plain(done.out))


def test_no_colour_where_none_is_wanted(work: Path) -> None:
    done = on_terminal(TERM="xterm", COLUMNS="100", NO_COLOR="1")(learn(work), work)
    assert done.status == 0 and not re.search(rb"\x1b\[[0-9;]*3[0-9]m", done.out)


def test_json_on_a_terminal_is_json_alone(work: Path) -> None:
    done = on_terminal(TERM="xterm", COLUMNS="100")(learn(work, "--json"), work)
    *samples, last = map(json.loads, done.out.decode().splitlines())
    assert len(samples) == 60 and last["ok"]


def test_a_file_gets_lines_of_what_takes_long(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ok(*learn(work, "--limit", "5"))
    assert piped(learn(work, "--limit", "5"), work).err == b""
    monkeypatch.setattr(told, "_QUIET_S", 0.0)
    lines = shown(*learn(work, "--target", "reference")).stderr.splitlines()
    assert len(lines) == 10 and lines[-1].startswith("samples 60 of 60, accuracy(100) ")
    assert all("frozen" in line and "saturated" in line for line in lines)
    whole = shown(*learn(work)).stderr.splitlines()
    assert whole[-1] == lines[-1] and len(whole) < 10, "pieces of many samples, the same figures"
    assert shown(*learn(work, "--json")).stderr == ""


def test_values_have_errors_in_place_of_accuracy(work: Path, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    given = np.load(work / "data.npz")
    targets = (given["x"][:, :4] / 2).astype(np.float64)
    np.savez(tmp_path / "values.npz", x=given["x"], targets=targets)
    ok("quantize", work / "model.npz", "-o", tmp_path / "v.q.npz", "--data",
       tmp_path / "values.npz", "--values")
    monkeypatch.setattr(told, "_QUIET_S", 0.0)
    lines = shown("learn", tmp_path / "v.q.npz", "--data", tmp_path / "values.npz",
                  "--target", "reference").stderr.splitlines()
    stood = [line for line in lines if line.startswith("samples ")]
    assert len(stood) == 10 and re.search(r"NRMSE\(100\) \d\.\d{3}, frozen \d", stood[-1])


@pytest.mark.parametrize("n_frames", [12, 25])
def test_a_link_that_is_lost_below_a_panel(work: Path, tmp_path: Path, n_frames: int,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for what is shown costs frames, and no certainty."""
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    words = learn(work, "--snapshot", str(tmp_path / "after.state"))
    with Board(work / "model.q.npz", tmp_path) as board:
        board.cut(n_frames, is_answered=True)
        done = on_terminal(TERM="xterm", COLUMNS="100")((*words, "--target", board.target), work)
        screen = plain(done.out)
        assert done.status == 4 and "error[E502]" in screen and "frames" in screen
        assert done.out.rindex(b"\x1b[?25h") > done.out.rindex(b"\x1b[?25l"), "the cursor is back"
        board.plug()
        ok(*words, "--target", board.target, "--resume")
    ok(*learn(work, "--snapshot", str(tmp_path / "once.state")))
    assert (tmp_path / "after.state").read_bytes() == (tmp_path / "once.state").read_bytes()


def test_a_first_run_tells_that_it_compiles(work: Path, tmp_path: Path) -> None:
    """Which takes seconds; on a terminal and without, once, and not beside JSON."""
    line = "compiling the emulator; it is kept for the next time"
    words, cache = learn(work, "--limit", "5"), str(tmp_path)

    def forgets() -> None:
        for kept in tmp_path.glob("emulator-*"):
            shutil.rmtree(kept)

    assert piped((*words, "--json"), work, EDGE_DASSDP_CACHE=cache).err == b""
    forgets()
    assert piped(words, work, EDGE_DASSDP_CACHE=cache).err.decode().splitlines() == [line]
    assert piped(words, work, EDGE_DASSDP_CACHE=cache).err == b""
    forgets()
    screen = on_terminal(TERM="xterm", COLUMNS="100", EDGE_DASSDP_CACHE=cache)(words, work)
    assert plain(screen.out).count(line) == 1


# ---- bars ----------------------------------------------------------------------------------------


def quantize(work: Path, tmp_path: Path, *more: str) -> tuple[str, ...]:
    return ("quantize", str(work / "model.npz"), "--data", str(work / "data.npz"), "-o",
            str(tmp_path / "m.q.npz"), *more)


def test_quantize_counts_the_samples_that_it_calibrates_and_compares(work: Path,
                                                                     tmp_path: Path) -> None:
    done = on_terminal(TERM="xterm", COLUMNS="100")(quantize(work, tmp_path), work)
    n = 60 + 3 * (60 + 60) + 60
    counts = [int(a) for a in re.findall(rf"(\d+)/{n}", plain(done.out))]
    assert done.status == 0 and counts == sorted(counts) and counts[-1] == n
    auto = on_terminal(TERM="xterm", COLUMNS="100")(
        quantize(work, tmp_path, "--weight-bits", "auto", "--no-compare-bits"), work)
    assert "360/360" in plain(auto.out) and "120/120" in plain(auto.out)


def test_without_a_terminal_a_line_tells_how_far_it_is_now_and_then(
        work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verify = ("verify", str(work / "model.q.npz"), "--data", str(work / "data.npz"), "--limit", "9",
              "--target", "reference")
    assert shown(*verify).stderr == ""
    monkeypatch.setattr(live, "LINES_S", 0.0)
    assert shown(*verify).stderr.splitlines()[-1].startswith("comparing: 9 of 9")
    lines = shown(*quantize(work, tmp_path)).stderr.splitlines()
    told = [line for line in lines if line.startswith("calibrated and compared: ")]
    assert told[-1].endswith(" 480 of 480") and len(told) > 4
    for command in (verify, quantize(work, tmp_path)):
        assert not re.search(r"compar\w+: ", shown(*command, "--json").stderr)

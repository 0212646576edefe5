"""Every verb, wherever it is started from: on any encoding, in services, on streams that fail.

On each change every verb meets one encoding and every place two verbs; nightly all meet all.
"""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from pathlib import Path

import pytest
import typer
from support import lanes
from support.commands import ok
from support.failing_tools import sh, with_fake
from support.own_rule import FOLDER
from support.terminals import ENCODINGS, SERVICES, Done, piped
from typer.testing import CliRunner

from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.report.streams import PLAIN

Words = tuple[str, ...]
VERBS: dict[str, Words] = {
    "inspect": ("inspect", "model.npz"),
    "quantize": ("quantize", "model.npz", "-o", "again.q.npz", "--data", "data.npz"),
    "run": ("run", "model.q.npz", "--data", "data.npz", "--limit", "5"),
    "learn": ("learn", "model.q.npz", "--data", "data.npz", "--limit", "5"),
    "verify": ("verify", "model.q.npz", "--random", "3", "--target", "emulator"),
    "export": ("export", "model.q.npz", "s.npz", "-o", "e.q.npz"),
    "boards": ("boards",), "devices": ("devices",), "doctor": ("doctor",),
    "explain": ("explain", "E402"), "refused": ("demo", "tea"), "missing": ("run", "no/no.q.npz"),
    "help": ("learn", "--help"), "usage": ("learn",), "version": ("--version",),
}
FIRMWARE: dict[str, Words] = {
    "generate": ("generate", "model.q.npz", "--board", "microbit", "-o", "project"),
    "build": ("build", "model.q.npz", "--board", "microbit"),
    "measure": ("measure", "model.q.npz", "--board", "microbit"),
    "flash": ("flash", "model.q.npz", "--board", "microbit", "--dry-run"),
}
ALL = VERBS | FIRMWARE
SPEAKS = [name for name in VERBS if name not in ("refused", "missing", "help", "usage", "version")]


def sampled(places: list[str], verbs: list[str], each: int) -> list[tuple[str, str]]:
    """Pairs: nightly all, on each change `each` verbs a place, every verb in turn."""
    if lanes.nightly:
        return [(p, v) for p in places for v in verbs]
    n = max(each * len(places), len(verbs))
    return sorted({(places[i % len(places)], verbs[i % len(verbs)]) for i in range(n)})


@pytest.fixture(scope="module")
def folder(work: Path) -> Path:
    """With a snapshot as well, and a rule that prints what is no JSON."""
    shutil.copytree(FOLDER, work / "rule", ignore=shutil.ignore_patterns("__pycache__"))
    rule = work / "rule" / "my_rule.py"
    rule.write_text(rule.read_text("utf-8") + "\nprint('a rule → is loaded')\n", "utf-8")
    ok("learn", "model.q.npz", "--data", "data.npz", "--limit", "3", "--snapshot", "s.npz",
       cwd=work)
    return work


def calm(done: Done) -> None:
    """No defect of ours is told."""
    text = done.out + done.err
    for words in (b"Traceback", b"internal error", b"Exception ignored", b"UnicodeEncode"):
        assert words not in text, text.decode(errors="replace")
    assert done.status in (0, 2)


@cache
def usually(verb: str, folder: Path) -> Done:
    """What it says where nothing is odd, and nothing is to be compiled, which a first run tells."""
    if verb in FIRMWARE:
        piped(ALL[verb], folder)
    return piped(ALL[verb], folder, PYTHONIOENCODING="utf-8")


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9_]+", text)


def spoken(encoding: str, verb: str, folder: Path) -> None:
    """In an encoding it says what it says in UTF-8, letter by letter or by the plain ones."""
    usual = usually(verb, folder)
    done = piped(ALL[verb], folder, PYTHONIOENCODING=encoding)
    calm(done)
    assert done.status == usual.status
    for mine, theirs in ((done.out, usual.out), (done.err, usual.err)):
        text = mine.decode(encoding)
        assert words(text) == words(theirs.decode().translate(str.maketrans(
            {c: p for c, p in PLAIN.items() if p.isalnum() and c not in text})))
        assert "\\u" not in text and "\\x" not in text


@pytest.mark.parametrize(("encoding", "verb"), sampled([*ENCODINGS], [*VERBS], 2))
def test_an_encoding(folder: Path, encoding: str, verb: str) -> None:
    spoken(encoding, verb, folder)


@pytest.mark.parametrize(("encoding", "verb"), sampled([*ENCODINGS], [*FIRMWARE], 0))
def test_an_encoding_with_firmware(folder: Path, arm_toolchain: None, qemu: None, encoding: str,
                                   verb: str, tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", with_fake(tmp_path, "openocd", sh()))
    spoken(encoding, verb, folder)


@pytest.mark.parametrize(("place", "verb"), sampled([*SERVICES], [*VERBS], 2))
def test_a_place(folder: Path, place: str, verb: str) -> None:
    done, usual = SERVICES[place](ALL[verb], folder), usually(verb, folder)
    calm(done)
    is_lost = place in ("full", "read only", "unread") and bool(usual.out)
    wanted = 2 if is_lost and place != "unread" else usual.status
    assert done.status == wanted
    if is_lost and place != "unread":
        assert b"error[E103]: the standard output cannot be written" in done.err
    if place in ("bare", "no stdin", "stderr full", "no stderr"):
        assert words(done.out.decode()) == words(usual.out.decode())
    if place == "no colour":
        assert not re.search(rb"\x1b\[[0-9;]*3[0-9]", done.out)


@pytest.mark.parametrize(("place", "verb"), sampled(
    ["bare", "no stdin", "no stderr", "stderr full"], SPEAKS, 1))
def test_json_stays_pure(folder: Path, place: str, verb: str) -> None:
    done = SERVICES[place]((*ALL[verb], "--json", "--rules-from", "rule/my_rule.py"), folder)
    calm(done)
    for line in done.out.decode("ascii").splitlines():
        assert json.loads(line)["schema"] == f"edge_dassdp/{ALL[verb][0]}/1"
    assert done.out


def test_a_reader_that_goes_away_takes_nothing_from_what_is_done(folder: Path) -> None:
    for name in ("learn", "run"):
        kept = folder / f"{name}-kept.npz"
        done = SERVICES["unread"]((*VERBS[name], "--json", "--snapshot", kept.name), folder)
        assert done.status == 0 and kept.is_file()


def test_what_is_no_number_is_null_in_json() -> None:
    odd = typer.Typer()

    def tell(out: Output) -> Answer:
        print("not JSON")
        out.line(value=float("nan"), values=(1.5, float("inf")))
        return Answer({"deep": {"value": [float("-inf"), None, 2]}})

    verb(odd, "tell")(tell)
    line, envelope = CliRunner().invoke(odd, ["--json"]).stdout.splitlines()
    assert json.loads(line)["value"] is None and json.loads(line)["values"] == [1.5, None]
    assert json.loads(envelope)["data"] == {"deep": {"value": [None, None, 2]}}
    assert "NaN" not in line + envelope

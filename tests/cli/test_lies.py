"""A board that lies, as the command line meets it: one refusal, soon, and a clean screen."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo
from support import lanes
from support.commands import ok, refused, shown
from support.devices import network, stream
from support.liar import Liar, Lie, fields
from support.lies import ESCAPES, LIES
from support.served import served

from edge_dassdp import qir

KIND = "memory"
TOLD = {
    "run": ("a state of 4 GiB", "65,535 classes", "another ABI", "a class that its logits deny",
            "100 KB of logits", "half an outcome",
            "PUT_SAMPLE: an answer where none belongs"),
    "learn": ("class 65535", "a logit too few", "65,535 replayed", "flags that nobody knows",
              "more hits than samples", "statistics cut short", "READ_WEIGHTS: nothing",
              "READ_LEARNING: 60 KB", "weights beyond their bits",
              "LEARN: its session is gone"),
    "verify": ("READ_STATE: a byte too few", "RESET: an answer where none belongs", "class 65535"),
}
SLOW = ("garbage without an end", "strangers without an end", "a trickle",
        "answers of other sessions")
MOST_S = 120.0
"""A request may take 18 s, nine times two, and is asked again in three new sessions."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.q.npz and four samples of it."""
    made = tmp_path_factory.mktemp("lies")
    n = network(KIND)
    qir.save(n, made / "model.q.npz")
    x = np.random.default_rng(5).normal(0, 1, (4, n.n_steps * n.inputs[0].size))
    np.savez(made / "data.npz", x=x.astype(np.float32), y=np.arange(4) % n.n_classes)
    return made


def words(verb: str, folder: Path, line: str) -> list[str | Path]:
    more: dict[str, list[str | Path]] = {
        "run": [], "learn": ["--snapshot", folder / "taken.npz"], "verify": ["--learn"]}
    return [verb, folder / "model.q.npz", "--data", folder / "data.npz",
            "--target", f"serial:{line}", *more[verb]]


@pytest.mark.parametrize(("verb", "what"), [(v, what) for v in TOLD for what in TOLD[v]])
def test_a_lie_ends_the_verb(verb: str, what: str, folder: Path) -> None:
    lie = LIES[what]
    with served(liar := Liar(stream(KIND), lie)) as line:
        said = refused(lie.code, *words(verb, folder, line))
    assert liar.n_told and lie.says in said
    assert not (folder / "taken.npz").exists()


@pytest.mark.parametrize("what", SLOW if lanes.nightly else SLOW[:1])
def test_a_stream_that_never_ends_does(what: str, folder: Path) -> None:
    begin_s = time.monotonic()
    with served(Liar(stream(KIND), LIES[what])) as line:
        assert "does not answer" in refused("E502", *words("run", folder, line))
    assert time.monotonic() - begin_s < MOST_S


def escaping(letters: bytes) -> Lie:
    return fields("HELLO", says="", code="", board=letters.ljust(16, b"\0"))


@pytest.mark.parametrize("letters", [ESCAPES, b"\x9b2J\xff\x00a", b"\r\n\x07\x08\x7f"])
def test_a_name_from_the_line_steers_no_terminal(letters: bytes, folder: Path) -> None:
    with served(Liar(stream(KIND), escaping(letters))) as line:
        done = shown(*words("verify", folder, line), COLUMNS="200")
    assert done.returncode == 0, done.stderr
    assert "PASS bit-exact" in done.stdout
    assert all(c.isprintable() for c in done.stdout.replace("\n", ""))


def listed(line: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What `devices --ask` tells of one port, with a hostile adapter."""
    port = ListPortInfo(line)
    port.description, port.serial_number = "evil\x1b[2J\u202e", "\x1b]0;x\x07"
    monkeypatch.setattr(list_ports, "comports", lambda: [port])
    screen = ok("devices", "--ask", COLUMNS="300")
    assert all(c.isprintable() for c in screen.replace("\n", ""))
    found: list[dict[str, str]] = json.loads(ok("devices", "--ask", "--json"))["data"]["devices"]
    return found


@pytest.mark.parametrize("what", ["a state of 4 GiB", "65,535 classes", "another protocol",
                                  "a negative learning state", "a HELLO too long"])
def test_devices_tells_what_cannot_be(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Liar(stream(KIND), LIES[what])) as line:
        [device] = listed(line, monkeypatch)
    assert device["state"].startswith("E504: ") and LIES[what].says in device["state"]


def test_devices_shows_ports_that_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a USB adapter and what the device behind it say of themselves."""
    with served(Liar(stream(KIND), escaping(ESCAPES))) as line:
        [device] = listed(line, monkeypatch)
    assert network(KIND).sha256[:12] in device["state"] and "\\x1b[2J" in device["state"]

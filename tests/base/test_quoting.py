"""Words come out of a shell, of make and of Tcl as they went in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edge_dassdp.base.quoting import command, make, shell, tcl

WORDS = ["plain", "two words", "it's", 'a "b"', "$HOME $(touch x) `id`", "a;b|c&d>e<f", "#h", "!x",
         "*?[a-z]", "~", "{a,b}", "back\\slash", "tail\\", "-n", "", "é 中", "%s", "a=b", "\\$(x)"]
UNSEEN = ["new\nline", "esc\x1b[2J", "byte\udcff", "'\n\\", "tab\there", "\u202ex"]


def words_of(line: str, shell_: str) -> list[str]:
    """What a shell makes of a line."""
    text = f"for w in {line}; do printf '%s\\0' \"$w\"; done"
    done = subprocess.run([shell_, "-c", text], check=True, capture_output=True)
    return [w.decode("utf-8", "surrogateescape") for w in done.stdout.split(b"\0")[:-1]]


def test_words_for_a_shell() -> None:
    assert words_of(" ".join(map(shell, WORDS)), "sh") == WORDS


def test_words_that_cannot_be_seen_or_shown() -> None:
    line = " ".join(shell(w) for w in UNSEEN)
    assert line.isprintable() and words_of(line, "bash") == UNSEEN
    foreign = shell("é 中", "ascii")
    assert foreign.isascii() and words_of(foreign, "bash") == ["é 中"]


def test_a_command_is_one_when_it_is_pasted() -> None:
    assert command("edge-dassdp", "build", Path("my models/m.npz"), "--board", "microbit") \
        == "edge-dassdp build 'my models/m.npz' --board microbit"
    assert command("edge-dassdp", "run", Path("-m.npz"), "-d", Path("d")) \
        == "edge-dassdp run ./-m.npz -d d"


def test_lines_for_make(tmp_path: Path) -> None:
    words = [w for w in WORDS if w.isprintable()]
    line = make(" ".join(map(shell, words)))
    (tmp_path / "Makefile").write_text(
        f"all:\n\t@for w in {line}; do printf '%s\\n' \"$$w\"; done\n", encoding="utf-8")
    done = subprocess.run(["make", "-C", tmp_path, "--no-print-directory"], check=True,
                          capture_output=True, encoding="utf-8")
    assert done.stdout.split("\n")[:-1] == words
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("word", "wanted"), [
    ("/a/firmware.elf", "/a/firmware.elf"), ("/jane doe/f.elf", "{/jane doe/f.elf}"),
    ("/a[b]/f", "{/a[b]/f}"), ("/$HOME/f", "{/$HOME/f}"), ('/"a;b"/f', '{/"a;b"/f}'),
    ("/a#b", "{/a#b}"), ("/a{b/c d", "/a\\{b/c\\ d"), ("/a\\b", "/a\\\\b"),
    ("/a}[exec x]{b", "/a\\}\\[exec\\ x\\]\\{b"), ("/new\nline", "/new\\nline"),
])
def test_words_for_openocd(word: str, wanted: str) -> None:
    assert tcl(word) == wanted

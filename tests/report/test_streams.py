"""Streams of a process: every letter of the screens has a plain one, none of them fails."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import ROOT

import edge_dassdp
from edge_dassdp.report import streams


def says(work: str, stdout: Any = subprocess.PIPE, stderr: Any = subprocess.PIPE,
         **env: str) -> subprocess.CompletedProcess[bytes]:
    """A process that does `work` with guarded streams."""
    code = f"import os, sys\nfrom edge_dassdp.report import streams\ndef work():\n {work}\n" \
           "streams.run(work)"
    return subprocess.run([sys.executable, "-c", code], stdout=stdout, stderr=stderr, check=False,
                          env=os.environ | {"PYTHONPATH": str(ROOT)} | env)


def literals(path: Path) -> list[str]:
    """Strings of a module that are not docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [node.value for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            and id(node) not in told]


def test_every_letter_that_a_screen_shows_has_a_plain_one() -> None:
    package = Path(edge_dassdp.__file__).parent
    used = {c for path in package.rglob("*.py") if "_assets" not in path.parts
            for text in literals(path) for c in text if ord(c) > 126}
    allowed = {chr(c) for c in (*range(0x7F, 0xA0), 0xFEFF, *range(0x200B, 0x2070))}
    assert used - allowed <= set(streams.PLAIN), "a letter that ascii lacks needs a plain one"
    assert all(plain.isascii() and plain for plain in streams.PLAIN.values())


@pytest.mark.parametrize(("encoding", "wanted"), [
    ("ascii", b"a -> b, c ... - - +\n"), ("latin-1", b"a -> b, c ... - \xb7 +\n"),
    ("cp1252", b"a -> b, c \x85 \x96 \xb7 +\n"), ("cp437", b"a -> b, c ... - \xfa +\n"),
    ("shift_jis", "a → b, c … - - +\n".encode("shift_jis")),
    ("cp037", "a -> b, c ... - · +\n".encode("cp037")),
    ("utf-8", "a → b, c … – · ✓\n".encode()),
    ("utf-16-le", "a → b, c … – · ✓\n".encode("utf-16-le")),
])
def test_any_encoding(encoding: str, wanted: bytes) -> None:
    done = says("print('a → b, c … – · ✓'); print('→', file=sys.stderr)",
                PYTHONIOENCODING=encoding)
    assert done.returncode == 0 and done.stdout == wanted and done.stderr


def test_what_no_encoding_has_is_told_by_its_number() -> None:
    done = says(r"print('\udcff \ud800 中 é')", PYTHONIOENCODING="ascii")
    assert done.stdout == b"\\xff \\ud800 \\u4e2d \\xe9\n"
    assert says(r"print('\udcff')", PYTHONIOENCODING="utf-8").stdout == b"\\xff\n"


def test_a_reader_that_went_away_ends_it_quietly() -> None:
    gone, line = os.pipe()
    os.close(gone)
    done = says("print('x' * 10**6); print('never', file=sys.stderr)", stdout=line)
    assert (done.returncode, done.stderr) == (0, b"")
    assert says("print('a'); sys.exit(1)", stdout=line).returncode == 1, "a check that failed"
    assert says("print('a'); print('b', file=sys.stderr)", stdout=line).stderr == b"b\n", \
        "what fits into the buffer is lost at the end"
    os.close(line)


def test_a_full_disk_is_said() -> None:
    with open("/dev/full", "wb") as full:
        done = says("print('a')", stdout=full)
        assert done.returncode == 2 and b"error[E103]" in done.stderr
        assert b"No space left" in done.stderr and b"Traceback" not in done.stderr
        done = says("print('a', file=sys.stderr); print('b')", stderr=full)
        assert (done.returncode, done.stdout) == (0, b"b\n"), "what stderr lacks ends nothing"


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    code = "import sys\nfrom edge_dassdp.report import streams\ndef work():\n" \
           " with open('kept', 'w') as f:\n  print('lost'); print('too', file=sys.stderr)\n" \
           "  f.write('kept'); sys.exit(7 + (f.fileno() < 3) + bool(sys.stdin.read()))\n" \
           "streams.run(work)"
    done = subprocess.run(["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, code],
                          cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == 7 and (tmp_path / "kept").read_text() == "kept"


def test_programs_that_it_starts_have_streams_too(tmp_path: Path) -> None:
    code = "import subprocess\nfrom edge_dassdp.report import streams\nstreams.run(lambda: " \
           "subprocess.run(['sh', '-c', 'echo a > kept; echo lost; echo lost >&2'], check=True))"
    subprocess.run(["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, code],
                   cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    assert (tmp_path / "kept").read_text() == "a\n"


def test_a_line_that_does_not_wait_gets_everything() -> None:
    out, line = os.pipe()
    os.set_blocking(line, False)
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    code = "from edge_dassdp.report import streams\nstreams.run(lambda: print('x' * 10**6))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=line, env=env) as process:
        os.close(line)
        with open(out, "rb") as reader:
            assert len(reader.read()) == 10**6 + 1
        assert process.wait() == 0

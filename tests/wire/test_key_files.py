"""A key is 32 random bytes in a file of one's own: anything else is told in one sentence."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from random import Random

import pytest
from support.lanes import often

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.wire.lock import VARIABLE, Lock, lock_of, make_key


def written(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def refusal(path: Path) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        Lock.read(path)
    assert caught.value.code == "E103" and str(path) in caught.value.message
    return caught.value


def test_a_key_that_was_made_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    keys = set()
    for n in range(often(50)):
        path = tmp_path / f"key {n}"
        make_key(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_size == 32
        keys.add(Lock.read(path).key)
    assert len(keys) == often(50)


def test_a_key_of_another_tool_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path / "key", os.urandom(32))
    assert Lock.read(path).key == path.read_bytes()


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "key", b"what")
    with pytest.raises(EdgeError, match="is there already") as caught:
        make_key(path)
    assert caught.value.code == "E103" and path.read_bytes() == b"what"
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(EdgeError, match="is there already"):
        make_key(tmp_path / "dangling")
    assert not (tmp_path / "nowhere").exists()


NOISE = Random(5).randbytes
"""The same for each process of a run."""


@pytest.mark.parametrize(("data", "words"), [
    (b"", "it has 0 bytes"), (b"secret\n", "it has 7 bytes"), (NOISE(31), "it has 31 bytes"),
    (NOISE(33), "it has more than 32 bytes"), (NOISE(32).hex().encode(), "more than 32"),
    (b"correct horse battery staple 123", "it is text"), (NOISE(16).hex().encode(), "text"),
    ("çà et là, où l’on va:".encode().ljust(32, b"."), "it is text"),
    (bytes(32), "it is text"), (b"\xff" * 32, "its bytes repeat"),
    (bytes(range(150, 182)), "its bytes repeat"), (bytes(range(250, 186, -2)), "its bytes repeat"),
    (NOISE(4) * 7 + b"\xff\xfe\xfd\xfc", "its bytes repeat"),
])
def test_what_could_be_guessed_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    problem = refusal(written(tmp_path / "key", data))
    assert words in problem.message and "edge-dassdp key" in problem.help


def test_the_other_way_that_is_told_gives_a_key(tmp_path: Path) -> None:
    help = refusal(written(tmp_path / "weak", b"x")).help
    subprocess.run(["sh", "-c", help.partition("as does: ")[2].replace("KEYFILE", "key")],
                   cwd=tmp_path, check=True)
    assert len(Lock.read(tmp_path / "key").key) == 32


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    problem = refusal(written(tmp_path / "my key", os.urandom(32), mode))
    assert "others may read" in problem.message
    subprocess.run(["sh", "-c", problem.help.partition(";")[0]], check=True)
    Lock.read(tmp_path / "my key")


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        assert "no regular file" in refusal(path).message
    assert "cannot be read" in refusal(tmp_path / "none").message
    with pytest.raises(EdgeError, match="cannot be written") as caught:
        make_key(tmp_path / "no" / "key")
    assert caught.value.code == "E103"


def test_the_variable_stands_in_where_no_file_is_named(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        make_key(tmp_path / name)
    monkeypatch.delenv(VARIABLE, raising=False)
    assert lock_of(None) is None
    monkeypatch.setenv(VARIABLE, str(tmp_path / "a"))
    assert lock_of(None) == Lock.read(tmp_path / "a")
    assert lock_of(tmp_path / "b") == Lock.read(tmp_path / "b")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(EdgeError, match="none cannot be read"):
        lock_of(None)

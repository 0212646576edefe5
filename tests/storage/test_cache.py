"""What is kept: whole or made anew, whoever makes it and whatever happens to it, in a folder that
is ours alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage import cache
from edge_dassdp.storage.cache import SUMS, cache_folder, is_whole, kept

FILES = {"a.bin": b"a" * 5000, "deep/b.txt": b"b" * 300}
ENTRY = "some/entry"


def make(folder: Path) -> None:
    for name, data in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


def never(folder: Path) -> None:
    raise AssertionError("it was there")


def holds_all(entry: Path) -> bool:
    found = {p.relative_to(entry).as_posix(): p.read_bytes() for p in entry.rglob("*")
             if p.is_file() and p.name != SUMS}
    return found == FILES


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_bytes(b"x")


def become_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def become_nothing(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def lose_files(entry: Path) -> None:
    for path in entry.rglob("*"):
        if path.is_file():
            path.unlink()


def lose_last(entry: Path) -> None:
    """The last line of the sums, and what it tells of."""
    lines = (entry / SUMS).read_bytes().splitlines(keepends=True)
    (entry / SUMS).write_bytes(b"".join(lines[:-1]))
    shutil.rmtree(entry / "deep")


def become_link(path: Path) -> None:
    shutil.rmtree(path)
    path.symlink_to("nowhere")


HARMS: dict[str, Callable[[Path], object]] = {
    "a bit flipped": lambda e: flip(e / "a.bin"),
    "cut": lambda e: cut(e / "deep/b.txt"),
    "empty": lambda e: (e / "a.bin").write_bytes(b""),
    "missing": lambda e: (e / "a.bin").unlink(),
    "one more": lambda e: (e / "deep/c.txt").write_bytes(b""),
    "renamed": lambda e: (e / "a.bin").rename(e / "c.bin"),
    "swapped": lambda e: (e / "a.bin").write_bytes((e / "deep/b.txt").read_bytes()),
    "a folder instead of a file": lambda e: become_folder(e / "a.bin"),
    "a pipe instead of a file": lambda e: become_pipe(e / "a.bin"),
    "a file instead of a folder": lambda e: become_file(e / "deep"),
    "nothing left": become_nothing,
    "files gone": lose_files,
    "all files empty": lambda e: [p.write_bytes(b"") for p in e.rglob("*") if p.is_file()],
    "no sums": lambda e: (e / SUMS).unlink(),
    "sums flipped": lambda e: flip(e / SUMS),
    "sums cut": lambda e: cut(e / SUMS),
    "sums cut with what they told of": lose_last,
    "the entry a file": become_file,
    "the entry a link to nowhere": become_link,
    "sums a pipe": lambda e: become_pipe(e / SUMS),
    "the entry open to others": lambda e: e.chmod(0o777),
    "the folder above open to others": lambda e: e.parent.chmod(0o777),
    "the folder above a file": lambda e: become_file(e.parent),
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_what_is_damaged_is_made_anew(folder: Path, harm: Callable[[Path], object]) -> None:
    entry = kept(ENTRY, make)
    assert holds_all(entry) and kept(ENTRY, never) == entry
    harm(entry)
    assert not is_whole(entry)
    assert kept(ENTRY, make) == entry
    assert holds_all(entry) and kept(ENTRY, never) == entry
    assert not list(folder.glob("unfinished-*"))


def test_an_entry_is_believed_under_its_own_name_alone() -> None:
    one = kept("some/one", make)
    shutil.copytree(one, one.with_name("other"))
    assert is_whole(one) and not is_whole(one.with_name("other"))


def test_sums_are_those_that_sha256sum_checks() -> None:
    done = subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=kept(ENTRY, make),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.count("OK") == len(FILES)


def test_what_fails_leaves_nothing(folder: Path) -> None:
    def fail(directory: Path) -> None:
        make(directory)
        raise EdgeError("E302", "it failed")

    with pytest.raises(EdgeError, match="it failed"):
        kept(ENTRY, fail)
    assert not [p for p in folder.rglob("*") if p.is_file()]


BUILDER = """
import sys, time
from pathlib import Path
from edge_dassdp.storage.cache import kept, is_whole

def make(folder):
    for i in range(40):
        (folder / f"{i}.bin").write_bytes(bytes([i]) * 20_000)
        time.sleep(0.002)

for i in range(int(sys.argv[1])):
    entry = kept("some/entry", make)
    assert all((entry / f"{i}.bin").read_bytes() == bytes([i]) * 20_000 for i in range(40))
    if i % 2:
        (entry / f"{i % 40}.bin").write_bytes(b"damaged")
"""


def builder(n: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", BUILDER, str(n)], stderr=subprocess.PIPE,
                            text=True)


def test_many_make_the_same_at_once_and_none_sees_a_half() -> None:
    builders = [builder(1) for _ in range(4)]
    assert [(p.communicate()[1], p.returncode) for p in builders] == [("", 0)] * 4


@pytest.mark.parametrize("moment_s", [0.02, 0.08, 0.2])
def test_one_that_is_killed_leaves_no_half(folder: Path, moment_s: float) -> None:
    killed = builder(1)
    deadline_s = time.monotonic() + 30
    while not list(folder.glob("unfinished-*/*")) and time.monotonic() < deadline_s:
        time.sleep(0.001)
    time.sleep(moment_s)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    entry = folder / ENTRY
    assert not entry.exists() or is_whole(entry)
    after = builder(3)  # it damages what it found
    assert (after.communicate()[1], after.returncode) == ("", 0)


def test_what_the_killed_left_is_removed_after_a_day(folder: Path) -> None:
    kept("first", make)
    old, new = folder / "unfinished-old", folder / "unfinished-new"
    for left in (old, new):
        make_folder = left / "ready"
        make_folder.mkdir(parents=True)
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    kept("second", make)
    assert not old.exists() and new.exists()


def test_what_nobody_asked_for_in_30_days_is_removed(folder: Path) -> None:
    cache._forget.cache_clear()
    first = {name: kept(f"objects/{name}", make) for name in ("used", "left", "found")}
    for entry in first.values():
        os.utime(entry / SUMS, (time.time() - 31 * 24 * 3600,) * 2)
    cache._forget.cache_clear()  # another process
    assert kept("objects/used", never) == first["used"]
    assert cache.found("objects/found") == first["found"]
    new = kept("objects/new", make)
    assert sorted((folder / "objects").iterdir()) == sorted([first["used"], first["found"], new])
    assert holds_all(first["used"])


def refusal() -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        kept(ENTRY, make)
    assert caught.value.code == "E103" and cache.VARIABLE in caught.value.help
    return caught.value


def put(folder: Path) -> Path:
    """A cache that holds an entry."""
    kept(ENTRY, make)
    return folder


def belongs_to_another(folder: Path) -> None:
    os.chown(put(folder), 12345, -1)


def is_a_link_of_another(folder: Path) -> None:
    put(folder).rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")
    os.lchown(folder, 12345, -1)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives folders away")
@pytest.mark.parametrize("harm", [belongs_to_another, is_a_link_of_another])
def test_a_folder_of_somebody_else_is_not_trusted(folder: Path, harm: Callable[[Path], None],
                                                   ) -> None:
    harm(folder)
    told = refusal()
    assert str(folder) in told.message and "user 12345" in told.cause


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702, 0o757])
def test_a_folder_that_others_can_write_to_is_not_trusted(folder: Path, mode: int) -> None:
    put(folder).chmod(mode)
    told = refusal()
    assert "others can write" in told.cause and f"chmod go-w {folder}" in told.cause
    folder.chmod(0o755)
    assert holds_all(kept(ENTRY, never))


def test_a_group_that_may_write_must_be_the_users_own(folder: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder).chmod(0o775)
    os.chown(folder, -1, os.getegid())
    monkeypatch.setattr(cache, "_is_mine", lambda group: False)
    assert "others can write" in refusal().cause


def test_what_is_made_is_for_its_user_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        entry = kept(ENTRY, make)
    finally:
        os.umask(before)
    assert [p.stat().st_mode & 0o077 for p in (folder, entry.parent, entry)] == [0, 0, 0]


@pytest.mark.parametrize("variable", [cache.VARIABLE, "XDG_CACHE_HOME", "HOME"])
def test_a_relative_folder_is_one_of_the_working_folder(tmp_path: Path, variable: str,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (cache.VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "here")
    entry = kept(ENTRY, make)
    assert entry.is_absolute() and entry.is_relative_to(tmp_path / "here") and holds_all(entry)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(cache.VARIABLE, "~/mine")
    assert cache_folder() == tmp_path / "mine"


def without_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Neither a home nor a name for one; the folder that stands in for it."""
    for name in (cache.VARIABLE, "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int) -> None:
        raise KeyError(f"uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"edge-dassdp-{os.geteuid()}"


def test_without_a_home_it_lies_among_temporary_files(tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    folder = without_home(monkeypatch, tmp_path)
    assert kept(ENTRY, make) == folder / ENTRY
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives folders away")
def test_a_folder_laid_among_temporary_files_by_another_is_refused(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = without_home(monkeypatch, tmp_path)
    folder.mkdir()
    os.chown(folder, 12345, -1)
    assert "user 12345" in refusal().cause


@pytest.mark.parametrize("home", ["/proc/none", "/dev/null"])
def test_a_home_that_cannot_be_written_is_left_alone(tmp_path: Path, home: str,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    folder = without_home(monkeypatch, tmp_path)
    monkeypatch.setenv("HOME", home)
    assert kept(ENTRY, make) == folder / ENTRY


@pytest.mark.parametrize("place", ["/proc/none", "/dev/null", "/dev/null/deeper", "x" * 300])
def test_a_named_folder_that_cannot_be_written_is_refused_by_name(
        place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, place)
    told = refusal()
    assert place in told.message and told.cause


def test_a_working_folder_that_is_gone_is_told(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv(cache.VARIABLE, "here")
    assert "here" in refusal().message


def test_a_full_disk_is_told_and_leaves_nothing(folder: Path) -> None:
    def fill(directory: Path) -> None:
        make(directory)
        with Path("/dev/full").open("wb") as full:
            full.write(b"x")

    with pytest.raises(EdgeError) as caught:
        kept(ENTRY, fill)
    assert caught.value.code == "E103" and "No space left" in caught.value.cause
    assert str(folder) in caught.value.message and "room" in caught.value.help
    assert not [p for p in folder.rglob("*") if p.is_file()]

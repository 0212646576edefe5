"""A locked build has its lock and the RAM that is predicted, any other none of it; what holds the
key is for its owner alone, and what is told to all does not tell it."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
from support import lanes
from support.devices import LOCK, network

from edge_dassdp.build import compile
from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.build.project import LOCK_FILE, write_project
from edge_dassdp.emit import emit
from edge_dassdp.emit.firmware import Build, build_and_compare
from edge_dassdp.plan import Plan
from edge_dassdp.wire.lock import Lock
from edge_dassdp.wire.messages import POOL_BYTES

BOARDS = list_boards() if lanes.nightly else ["microbit", "pico", "stm32f405", "mps3-an547"]
OTHER = Lock(LOCK.key[::-1])
LOCK_SYMBOLS = {"dassdp_lock_key", "dassdp_pool", "dassdp_sha256_end", "dassdp_lock_admits"}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of builds."""
    monkeypatch.setenv("EDGE_DASSDP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def symbols(build: Build) -> set[str]:
    told = subprocess.run(["arm-none-eabi-nm", build.elf], check=True, capture_output=True,
                          text=True).stdout
    return {line.split()[-1] for line in told.splitlines()}


@pytest.mark.parametrize("name", BOARDS)
def test_the_ledger_of_a_locked_build_is_exact_and_another_pays_nothing(
        arm_toolchain: None, name: str) -> None:
    """`build_and_compare` raises where one symbol has another size than predicted."""
    board = load_board(name)
    opened, locked = (build_and_compare(network("error"), board, lock=lock)
                      for lock in (None, LOCK))
    assert locked.ram_bytes == opened.ram_bytes + POOL_BYTES
    assert 0 < locked.flash_bytes - opened.flash_bytes <= 2048
    assert symbols(locked) >= LOCK_SYMBOLS and not symbols(opened) & LOCK_SYMBOLS
    assert locked.predicted.flash_bound >= locked.flash_bytes
    assert LOCK.key in locked.elf.read_bytes() and LOCK.key not in opened.elf.read_bytes()
    print(f"{name}: {locked.flash_bytes - opened.flash_bytes} B of flash")


def test_what_holds_the_key_is_for_its_owner_alone(arm_toolchain: None, cache: Path) -> None:
    build = build_and_compare(network("error"), load_board("microbit"), lock=LOCK)
    build_emulator(emit(Plan.of(network("error")), lock=LOCK), checked=True)
    holding = [path for path in cache.rglob("*") if path.is_file() and holds_key(path)]
    names = {path.name for path in holding}
    assert {"firmware.elf", "firmware.hex", "firmware.bin", "emulator.so", LOCK_FILE,
            f"{LOCK_FILE}.o"} <= names
    for path in holding:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        entry = cache / path.relative_to(cache).parts[0]
        assert stat.S_IMODE(entry.stat().st_mode) == 0o700
    build.firmware.check()


def holds_key(path: Path) -> bool:
    """As bytes, or as a text may spell them."""
    data = path.read_bytes()
    return (LOCK.key in data or LOCK.key[:8].hex().encode() in data.lower()
            or ", ".join(f"0x{b:02X}" for b in LOCK.key[:16]).encode() in data)


def test_nothing_that_is_told_tells_the_key(arm_toolchain: None, cache: Path) -> None:
    """Names in the cache, the hash of the build, flags: they name it, and it has 256 bits."""
    build = build_and_compare(network("error"), load_board("microbit"), lock=LOCK)
    told = json.dumps([build.firmware.flags, f"{build.firmware.build_hash:016x}", repr(build),
                       [str(path) for path in cache.rglob("*")]])
    assert all(LOCK.key[i:i + 4].hex() not in told.lower() for i in range(29))
    other = build_and_compare(network("error"), load_board("microbit"), lock=OTHER)
    assert other.firmware.build_hash != build.firmware.build_hash
    assert compile.kept_firmware(build.firmware.board, build.firmware.build_hash) is not None


def test_an_exported_project_is_as_careful(arm_toolchain: None, tmp_path: Path) -> None:
    """Its own `make` makes files for this user alone, whatever the umask, and the same firmware."""
    board = load_board("microbit")
    for lock, is_private in ((LOCK, True), (None, False)):
        folder = tmp_path / ("locked" if lock else "open")
        folder.mkdir()
        if lock:  # one that was open before stays open to nobody
            (folder / "generated").mkdir()
            (folder / "generated" / LOCK_FILE).write_text("")
        write_project(emit(Plan.of(network("error")), lock=lock), board, folder)
        assert (folder / "generated" / LOCK_FILE).exists() is is_private
        subprocess.run(["sh", "-c", "umask 022; make -s -j2"], cwd=folder, check=True,
                       capture_output=True)
        built = build_and_compare(network("error"), board, lock=lock)
        assert (folder / "firmware.bin").read_bytes() == (
            built.firmware.files["bin"].read_bytes())
        holding = {p for p in folder.rglob("*") if p.is_file() and lock and holds_key(p)}
        assert bool(holding) is is_private
        assert all(stat.S_IMODE(p.stat().st_mode) & 0o077 == 0 for p in holding), holding
        text = (folder / "Makefile").read_text("utf-8")
        assert ("umask" in text) is is_private and ("DASSDP_LOCKED" in text) is is_private


def test_a_model_whose_build_is_locked_is_the_same_model() -> None:
    opened, locked = (emit(Plan.of(network("error")), lock=lock) for lock in (None, LOCK))
    assert locked.keys() - opened.keys() == {LOCK_FILE}
    assert all(locked[name] == text for name, text in opened.items())

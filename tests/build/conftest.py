"""A model to build, and a cache that is empty."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import tiny
from support.commands import ok
from support.failing_tools import GCC, PASSES_ON, fake, with_fake

from edge_dassdp.storage.cache import VARIABLE


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny.write(folder)
    ok("quantize", folder / "model.npz", "-o", folder / "model.q.npz")
    return folder / "model.q.npz"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no CC."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def cross_workshop(arm_toolchain: None, qemu: None, model: Path,
                   tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cross compiler of its own, bin/, and cache/, where another model was built by
    it: the objects that are not of one model alone."""
    return workshop(model, tmp_path_factory.mktemp("cross"), GCC, "build", "--board", "microbit")


@pytest.fixture(scope="session")
def host_workshop(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the compiler of this computer."""
    return workshop(model, tmp_path_factory.mktemp("host"), "cc", "verify", "--random", "1",
                    "--target", "emulator")


def workshop(model: Path, folder: Path, compiler: str, verb: str, *words: str) -> Path:
    other = folder / "other.q.npz"
    ok("quantize", model.with_name("model.npz"), "--frozen", "-o", other)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CC", raising=False)
        ok(verb, other, *words, PATH=with_fake(folder, compiler, PASSES_ON),
           **{VARIABLE: str(folder / "cache")})
    return folder


def enter(workshop: Path, compiler: str, folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """The workshop, whose compiler works and whose objects are there, in a cache of one test."""
    shutil.copytree(workshop / "cache", folder)
    for built in (*folder.glob("firmware-*"), *folder.glob("emulator-*")):
        shutil.rmtree(built)
    patch.setenv(VARIABLE, str(folder))
    patch.delenv("CC", raising=False)
    patch.setenv("PATH", str(fake(workshop, compiler, PASSES_ON).parent), prepend=":")
    return workshop


@pytest.fixture
def cross(cross_workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workshop whose cross compiler, bin/arm-none-eabi-gcc, may be made to fail: only what is of
    the model itself is still to be compiled."""
    return enter(cross_workshop, GCC, tmp_path / "cache", monkeypatch)


@pytest.fixture
def host(host_workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same of this computer's compiler, bin/cc."""
    return enter(host_workshop, "cc", tmp_path / "cache", monkeypatch)

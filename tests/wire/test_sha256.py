"""SHA-256 and HMAC of the device beside hashlib and hmac, and the vectors of NIST and RFC 4231."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import cffi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lanes import often

from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import Project, emulator_project
from edge_dassdp.targets.emulator import prototypes
from edge_dassdp.wire.lock import Lock
from edge_dassdp.wire.messages import TAG_BYTES

HERE = "src/link/sha256"
BLOCK = 64
KEYS = st.binary(max_size=BLOCK)
DATA = st.one_of(st.binary(max_size=300), st.integers(0, 200).map(bytes))


class Hashing:
    """The C functions, in pieces of any size."""

    def __init__(self, library: Path, header: Path) -> None:
        self._ffi = cffi.FFI()
        self._ffi.cdef(prototypes(header))
        self._lib: Any = self._ffi.dlopen(str(library))

    def sha256(self, data: bytes, *cuts: int) -> bytes:
        sha, out = self._ffi.new("dassdp_sha256_t *"), self._ffi.new("uint8_t[32]")
        self._lib.dassdp_sha256_begin(sha)
        self._add(sha, data, cuts)
        self._lib.dassdp_sha256_end(sha, out)
        return bytes(out)

    def hmac(self, key: bytes, data: bytes, *cuts: int) -> bytes:
        sha, out = self._ffi.new("dassdp_sha256_t *"), self._ffi.new("uint8_t[32]")
        self._lib.dassdp_hmac_begin(sha, key, len(key))
        self._add(sha, data, cuts)
        self._lib.dassdp_hmac_end(sha, key, len(key), out)
        return bytes(out)

    def _add(self, sha: Any, data: bytes, cuts: tuple[int, ...]) -> None:
        places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
        for begin, end in pairwise(places):
            self._lib.dassdp_sha256_add(sha, data[begin:end], end - begin)


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> Hashing:
    whole = emulator_project({}, checked=True)
    project = Project({path: whole.files[path] for path in (f"{HERE}.c", f"{HERE}.h")},
                      whole.cflags, whole.ldflags)
    folder = tmp_path_factory.mktemp("sha256")
    project.write(folder)
    subprocess.run([*host_compiler(), *project.compile_flags, *project.units, "-o", "sha256.so",
                    *project.ldflags], cwd=folder, check=True)
    return Hashing(folder / "sha256.so", folder / f"{HERE}.h")


@pytest.mark.parametrize(("data", "expected"), [
    (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    (b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmn"
     b"opqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
    (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
])
def test_the_examples_of_nist(c: Hashing, data: bytes, expected: str) -> None:
    assert c.sha256(data).hex() == expected


@pytest.mark.parametrize(("key", "data", "expected"), [
    (b"\x0b" * 20, b"Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
])
def test_the_vectors_of_rfc_4231(c: Hashing, key: bytes, data: bytes, expected: str) -> None:
    assert c.hmac(key, data).hex() == expected
    assert Lock(key).tag(data).hex() == expected[:2 * TAG_BYTES], "the host's"


@given(DATA, st.lists(st.integers(0, 300), max_size=5))
@settings(max_examples=often(300), deadline=None)
def test_any_data_in_any_pieces(c: Hashing, data: bytes, cuts: list[int]) -> None:
    assert c.sha256(data, *cuts) == hashlib.sha256(data).digest()


@given(KEYS, DATA, st.lists(st.integers(0, 300), max_size=5))
@settings(max_examples=often(300), deadline=None)
def test_any_key(c: Hashing, key: bytes, data: bytes, cuts: list[int]) -> None:
    assert c.hmac(key, data, *cuts) == hmac.digest(key, data, "sha256")


def test_every_length_around_a_block(c: Hashing) -> None:
    data = bytes(i % 251 for i in range(3 * BLOCK))
    for n in range(len(data)):
        assert c.sha256(data[:n]) == hashlib.sha256(data[:n]).digest()

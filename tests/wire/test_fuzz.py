"""No bytes make the device leave its memory, compute something undefined, or fall silent."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.devices import RawDevice, network
from support.lanes import often

from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import Project, emulator_project
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.wire.frames import FrameDecoder, encode_frame, encode_request, parse_response
from edge_dassdp.wire.messages import CHUNK_BYTES, MESSAGES, Message

HOST = 9
N_FRAMES = often(20_000)
MAIN = Path(__file__).with_name("fuzz_main.c")
SANITIZERS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
              "-DDASSDP_CHECKED=1"]


@given(st.lists(st.one_of(
    st.binary(max_size=300),
    st.binary(min_size=7, max_size=200).map(encode_frame),
    st.tuples(st.integers(0, 20), st.integers(-1, 2), st.integers(0, 4), st.binary(max_size=80)),
    st.just((MESSAGES["HELLO"].kind, 0, 0, b""))), max_size=12))
@settings(max_examples=often(300), deadline=None)
def test_after_any_bytes_the_device_opens_a_session(
        pieces: list[bytes | tuple[int, int, int, bytes]]) -> None:
    device = RawDevice("gated")
    for piece in pieces:
        if not isinstance(piece, bytes):
            kind, later, sequence, payload = piece
            piece = encode_request(kind, device.session + later, sequence, payload)
        device.wire.write(piece)
    device.wire.write(b"\0")
    device.wire.read(1 << 19)
    device.greet(HOST)
    assert device.ask("STATISTICS").status == 0


def fuzzed(message: Message, x_bytes: int, rng: Random) -> bytes:
    """A payload of likely and unlikely contents."""
    fields: dict[str, object] = {}
    for name, code in zip(message.request.names, message.request.codes, strict=True):
        bits = {"B": 8, "h": 15, "H": 16, "i": 31, "I": 32}[code]
        likely = {"offset": 256, "first": 400, "label": 4, "projection": 4,
                  "n_steps": 13}.get(name, 1 << bits)
        limit = likely if rng.random() < 0.95 else 1 << bits
        fields[name] = rng.randrange(limit)
        if code in "hi" and rng.random() < 0.3:
            fields[name] = -rng.randrange(1, 3)
    if message.request.open_name:
        inline = x_bytes if x_bytes <= CHUNK_BYTES else 0
        n_bytes = inline if message.request.open_kind == "sample" else rng.randrange(
            1, CHUNK_BYTES + 1)
        fields[message.request.open_name] = rng.randbytes(
            n_bytes if rng.random() < 0.9 else rng.randrange(70))
    return message.request.pack(**fields)


def pieces(x_bytes: int, rng: Random) -> Iterator[bytes]:
    """Payloads that bring a sample, cut anywhere, now and then with a gap or an end too far."""
    at = 0
    while at < x_bytes:
        size = min(rng.randrange(1, CHUNK_BYTES + 1), x_bytes - at + (rng.random() < 0.02))
        offset = at + (rng.random() < 0.02)
        yield MESSAGES["PUT_SAMPLE"].request.pack(offset=offset, data=rng.randbytes(size))
        at += size


def greeting(message: str, **fields: int) -> bytes:
    return encode_request(MESSAGES[message].kind, HOST, 0, MESSAGES[message].request.pack(**fields))


def conversation(offer: int, x_bytes: int, rng: Random) -> bytes:
    """Frames with a right CRC and the next sequence number, in sessions of 20,000 and more."""
    messages = [m for m in MESSAGES.values() if not m.opens and m.name != "RESET"]
    messages = 5 * messages + [MESSAGES["RESET"]] + 20 * [MESSAGES["LEARN"]]
    wire = bytearray(greeting("HELLO"))
    n_frames, sequence, session = 0, N_FRAMES, offer - 1
    while n_frames < N_FRAMES:
        if sequence >= 20_000:
            sequence, session = 0, session + 1
            wire += greeting("OPEN", session=session, resumes=session - 1)
        message = rng.choice(messages)
        requests = [(message.kind, fuzzed(message, x_bytes, rng))]
        if message.request.open_kind == "sample" and x_bytes > CHUNK_BYTES:
            kind = MESSAGES["PUT_SAMPLE"].kind
            requests = [(kind, piece) for piece in pieces(x_bytes, rng)] + requests
        for kind, payload in requests:
            n_frames, sequence = n_frames + 1, sequence + 1
            wire += encode_request(kind, session, sequence, payload)
    return bytes(wire)


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what was compiled under sanitizers lies, by what it was compiled of."""
    return tmp_path_factory.mktemp("objects")


def compiled(project: Project, unit: str, objects: Path) -> str:
    """The object of a unit of a written project; the runtime's is the same for every network."""
    reads = "\0".join((unit, *project.reads(unit)))
    path = objects / f"{hashlib.sha256(reads.encode()).hexdigest()}.o"
    if not path.exists():
        subprocess.run([*host_compiler(), *project.compile_flags, *SANITIZERS, "-c", unit, "-o",
                        str(path)], cwd=objects, check=True)
    return str(path)


@pytest.mark.xdist_group("fuzz")
@pytest.mark.parametrize("kind", ["error", "gated", "frames", "memory"])
def test_a_long_hostile_conversation_under_sanitizers(kind: str, objects: Path) -> None:
    project = emulator_project(emit(Plan.of(network(kind))))
    project = replace(project, files={**project.files, "fuzz_main.c": MAIN.read_text()})
    project.write(objects)
    units = [compiled(project, unit, objects) for unit in project.units]
    subprocess.run([*host_compiler(), *SANITIZERS, *units, "-o", kind], cwd=objects, check=True)

    def sent(talk: bytes) -> bytes:
        run = subprocess.run([objects / kind], input=talk, capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()[:2000]
        return run.stdout

    [hello] = FrameDecoder().feed(sent(greeting("HELLO")))
    offer = MESSAGES["HELLO"].response.unpack(parse_response(hello).payload)["offer"]
    answers = sent(conversation(offer, network(kind).x_bytes, Random(kind)))
    assert sum(1 for _ in FrameDecoder().feed(answers)) > 0.99 * N_FRAMES, "it fell silent"

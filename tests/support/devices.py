"""Devices for the tests of the link: small plastic networks on the loopback."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.build.board import Board
from edge_dassdp.build.compile import Firmware, build_emulator, build_firmware
from edge_dassdp.demo.adaptation import learning_of
from edge_dassdp.emit import emit
from edge_dassdp.ir import Input, Network, Population, Projection, Readout, Sensor, Triad
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import CUSUM, DASSDP, ErrorScaled, ErrorSSDP, Guard, Learning, Replay
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.target import Outcome, Target
from edge_dassdp.wire.frames import FrameDecoder, Response, encode_request, parse_response
from edge_dassdp.wire.lock import Lock
from edge_dassdp.wire.messages import CHUNK_BYTES, MESSAGES
from edge_dassdp.wire.session import Port

LOCK = Lock(bytes((7 * i * i + 41 * i + 193) % 251 for i in range(32)))
"""The key of devices that are locked."""
LOCKED = "locked "
"""What the kinds of such devices begin with."""
N_INPUTS, N_CLASSES = 12, 3
N_CHANNELS, N_FRAMES = 24, 25


@cache
def network(kind: str) -> QNetwork:
    """'error': error rules, 4-bit weights into the hidden layer. 'gated': DA-SSDP in batches of 5,
    so that the learning state takes several chunks. 'frames': 'error' with samples of 600 bytes,
    one frame a step. 'memory': 'frames' with replay and a guard. 'gate': 'memory' with steps by the
    share of misses and a gate. 'sensor': 'frames' behind a sensor of two triads that compares its
    windows; 'worn': 'error' behind one. 'streamed': 'frames' that arrive while it runs. 'wide':
    'error' with 16-bit weights. 'large': 'error' that learns 6,700 weights. 'values': 'error' whose
    outputs are such, 'values frames': 'frames' likewise. 'classes': 'error' with class means, two
    spare classes and replay. A number: 'error' with as many constant inputs. 'locked ' before a
    kind changes nothing of the network."""
    if kind.startswith(LOCKED):
        return network(kind.removeprefix(LOCKED))
    rng = np.random.default_rng(7)
    is_frames = kind in ("frames", "memory", "gate", "sensor", "streamed", "values frames")
    n_inputs = int(kind) if kind.isdecimal() else N_CHANNELS if is_frames else N_INPUTS
    n_steps = N_FRAMES if is_frames else 12
    n_h1, n_h2 = (64, 100) if kind == "large" else (20, 16)
    gain = 2.0 / n_inputs ** 0.5
    net = Network(
        inputs=(Input("x", n_inputs, N_FRAMES if is_frames else 1),),
        populations=(Population("h1", n_h1, 0.9, 1.0), Population("h2", n_h2, 0.9, 1.0),
                     Population("out", N_CLASSES, 0.9, 1.0, reset="none")),
        projections=(Projection("fc1", "x", "h1", rng.normal(0, gain, (n_inputs, n_h1))),
                     Projection("fc2", "h1", "h2", rng.normal(0, 0.5, (n_h1, n_h2))),
                     Projection("fc3", "h2", "out", rng.normal(0, 0.5, (n_h2, N_CLASSES)))),
        readout=Readout("out", "membrane_sum"), n_steps=n_steps)
    if kind in ("sensor", "worn"):
        net = net.with_sensor(Sensor(6, 1 / 512, 0.1, (  # type: ignore[arg-type]
            Triad("polar", (0, 1, 2)), Triad("axial", (3, 4, 5))), 512))
        x = rng.normal(0, 1, (30, net.n_inputs)).astype(np.float32)
        return quantize(net, Learning.default(net), Settings(
            drift="alarm" if kind == "sensor" else "off"), x, np.arange(30) % N_CLASSES).network
    if kind.startswith("values"):
        x = rng.normal(0, 1, (20, net.n_inputs)).astype(np.float32)
        return quantize(net, learning_of(net, ErrorSSDP()), Settings(values=True), x,
                        x[:, :N_CLASSES].astype(np.float64)).network
    if kind == "gated":
        rule = DASSDP(a_plus=0.05, a_base=0.02, batch=5)
        return quantize(net, Learning({"fc2": rule, "fc3": rule})).network
    learning = learning_of(net, ErrorSSDP())
    if kind == "classes":
        x = rng.normal(0, 1, (20, net.n_inputs)).astype(np.float32)
        return quantize(net.with_spare_classes(2), replace(
            learning, class_means=True, replay=Replay(6, 2), guard=Guard(keeps_copy=True)),
            None, x, np.arange(20) % N_CLASSES).network
    bits = Settings(bits_of={"fc2": 16 if kind == "wide" else 4},
                    hop=5 if kind == "streamed" else 0)
    if kind in ("memory", "gate"):
        learning = replace(learning, replay=Replay(10, 2), guard=Guard(True, margin=1, window=8))
        if kind == "gate":
            learning = replace(learning, schedule=ErrorScaled(), gate=CUSUM(4.0, 0.2))
        x = rng.normal(0, 1, (10, N_FRAMES * N_CHANNELS)).astype(np.float32)
        return quantize(net, learning, bits, x, np.arange(10) % N_CLASSES).network
    return quantize(net, learning, bits).network


@cache
def library(kind: str) -> Path:
    """The checked emulator of a network, with the device's side of the link in it."""
    return build_emulator(emit(Plan.of(network(kind)), lock=lock_of(kind)), checked=True)


def lock_of(kind: str) -> Lock | None:
    """The key of a device, None where it has none."""
    return LOCK if kind.startswith(LOCKED) else None


@cache
def firmware(board: Board, kind: str) -> Firmware:
    """What a board runs of a network."""
    return build_firmware(emit(Plan.of(network(kind)), lock=lock_of(kind)), board)


def stream(kind: str = "error") -> LoopbackStream:
    """A device that was just switched on."""
    return LoopbackStream(library(kind))


def target(over: Port, kind: str = "error", **options: Any) -> LinkTarget:
    return LinkTarget.of(network(kind), over, **{"lock": lock_of(kind)} | options)


def samples(n: int, seed: int = 3, kind: str = "error") -> tuple[NDArray[np.int8], list[int]]:
    """x, int8 (n, x_bytes), and labels."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-100, 101, (n, network(kind).x_bytes)).astype(np.int8)
    return x, [int(label) for label in rng.integers(0, N_CLASSES, n)]


def learn_alike(model: Target, device: Target, x: NDArray[np.int8], label: int) -> Outcome:
    """Both learn from a sample, and have the same bits before and after. What the device says."""
    here, there = (t.learn(x, label, digest=True) for t in (model, device))
    assert there.logits.tolist() == here.logits.tolist()
    assert there.forward_digest == here.forward_digest
    assert there.learned_digest == here.learned_digest
    return there


def learned(device: LinkTarget | Emulator) -> tuple[bytes, ...]:
    """Everything a device has learned: all weights, random state, counters, gates, batch."""
    weights = [device.read_weights(f"fc{i}").tobytes() for i in (1, 2, 3)]
    return (*weights, device.read_learning())


class RawDevice:
    """Frames made by hand, past everything that the host checks."""

    def __init__(self, kind: str = "error", host: int = 5) -> None:
        self.wire = stream(kind)
        self.x_bytes = network(kind).x_bytes
        self.greet(host)

    def greet(self, host: int) -> None:
        """Begin a session."""
        self.host, self.sequence = host, 0
        self.session = self.hello()["offer"]
        assert self.open(self.session).status == 0

    def hello(self) -> dict[str, Any]:
        """What the device says of itself."""
        answer = self.exchange(encode_request(MESSAGES["HELLO"].kind, self.host, 0, b""))[0]
        return MESSAGES["HELLO"].response.unpack(answer.payload)

    def open(self, session: int, resumes: int = 0) -> Response:
        """Begin a session that was offered, or confirm it."""
        payload = MESSAGES["OPEN"].request.pack(session=session, resumes=resumes)
        return self.exchange(encode_request(MESSAGES["OPEN"].kind, self.host, 0, payload))[0]

    def exchange(self, data: bytes) -> list[Response]:
        self.wire.write(data)
        return [parse_response(body) for body in FrameDecoder().feed(self.wire.read(1 << 19))]

    def ask(self, name: str, payload: bytes = b"") -> Response:
        self.sequence += 1
        kind = MESSAGES[name].kind
        return self.exchange(encode_request(kind, self.session, self.sequence, payload))[0]

    def put(self, offset: int, data: bytes) -> int:
        """The status of one piece of a sample."""
        return self.ask(*pack("PUT_SAMPLE", offset=offset, data=data)).status

    def state(self) -> bytes:
        """All of it, by requests that change none of it."""
        n_bytes = self.hello()["state_bytes"]
        return b"".join(
            self.ask(*pack("READ_STATE", offset=at, n_bytes=min(CHUNK_BYTES, n_bytes - at))).payload
            for at in range(0, n_bytes, CHUNK_BYTES))


def pack(name: str, **fields: Any) -> tuple[str, bytes]:
    """A request's name and payload."""
    return name, MESSAGES[name].request.pack(**fields)

"""No session that is over comes back, whatever the line still holds of it, however late it comes.

Simulated time: hosts that die and come back, restarts, frames that are seconds late, in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from random import Random

import pytest
from support import lanes
from support.delays import DelayedLine, LoopbackDevice, QemuDevice
from support.devices import RawDevice, firmware, learned, samples, stream, target
from support.faults import Cable
from support.mortal import Mortal
from support.succession import Succession

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.wire.messages import STATUSES

CORES = ("microbit", "stm32f405", "mps3-an547")
N_LOOPBACK = 300_000 if lanes.nightly else 3000
N_QEMU = 1_000_000 // len(CORES) + 1 if lanes.nightly else 400


class Tap(Mortal):
    """Remembers every frame that a host writes."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.sent: list[bytes] = []

    def write(self, data: bytes, /) -> int | None:
        self.sent.append(data)
        return super().write(data)


def conversation(wire: object, n_lessons: int) -> list[bytes]:
    """All that a host sends that learns and dies."""
    tap = Tap(wire)
    x, labels = samples(n_lessons)
    host = target(tap)
    for i in range(n_lessons):
        host.learn(x[i], labels[i])
    return tap.sent


def test_late_copies_of_a_dead_host_change_nothing_for_the_living_one() -> None:
    """A late HELLO made the device forget the living session, and a lesson ran twice."""
    wire = stream()
    dead = conversation(wire, 2)
    x, labels = samples(100)
    host = target(wire)
    for n, late in enumerate(permutations(dead)):
        for frame in late:
            wire.write(frame)
        host.learn(x[n % 100], labels[n % 100])
        assert host.statistics().n_labelled == 3 + n
    assert n == 23 and host.link_retries == 0


@pytest.mark.parametrize("n_restarts", [1, 2, 5])
def test_late_copies_from_before_a_restart_run_nothing(n_restarts: int) -> None:
    wire = stream()
    dead = conversation(wire, 2)
    factory = None
    for _ in range(n_restarts):
        wire.reboot()
        for frame in dead * 2:
            wire.write(frame)
        wire.read(1 << 16)
        found = learned(target(wire))
        factory = factory or found
        assert found == factory and target(wire).statistics().n_labelled == 0


def test_no_session_is_offered_twice() -> None:
    offers = []
    for _ in range(4):
        device = RawDevice()
        for host in range(1, 50):
            device.greet(host)
            offers.append(device.session)
    assert len(set(offers)) == len(offers)


def test_an_offer_is_taken_once_and_only_by_who_asked_for_it() -> None:
    device = RawDevice()
    first = device.hello()["offer"]
    assert [device.hello()["offer"] for _ in range(3)] == [first] * 3, "HELLO changes something"
    assert device.open(first + 1).status == STATUSES["E_SESSION"], "it was not offered"
    assert device.ask("FIT_GATE").status == 0, "a refused OPEN ended the session"
    device.host = 6
    assert device.open(first).status == device.open(first).status == 0
    device.host = 7
    assert device.open(first).status == STATUSES["E_SESSION"], "another host confirmed it"
    assert device.ask("FIT_GATE").status == STATUSES["E_SESSION"], "the old session lives"


def test_nothing_runs_before_a_session_was_opened() -> None:
    device = RawDevice()
    device.wire.reboot()
    device.session = device.hello()["offer"] - 1
    for session in (device.session, device.session + 1, 0):
        device.session, device.sequence = session, 0
        assert device.ask("FIT_GATE").status == STATUSES["E_SESSION"]


@pytest.mark.parametrize("n_lost", range(5))
@pytest.mark.parametrize("lost", ["request", "response"])
def test_a_host_is_told_of_its_request_however_many_openings_were_lost(lost: str, n_lost: int,
                                                                       ) -> None:
    """The first request of a session too, before which the device has nothing to tell."""
    x, labels = samples(1)
    for n_before in (0, 1):
        wire = Cable(stream())
        host = target(wire, retries=0)
        for _ in range(n_before):
            host.learn(x[0], labels[0])
        wire.loses = lost
        with pytest.raises(EdgeError, match="does not answer"):
            host.learn(x[0], labels[0])
        for _ in range(n_lost):
            assert host.lost_request_ran is None
            wire.loses, wire.n_passing = "response", 2  # HELLO is answered, OPEN is not
            with pytest.raises(EdgeError, match="does not answer"):
                host.statistics()
        wire.loses = ""
        n = n_before + (lost == "response")
        assert host.statistics().n_labelled == n and host.lost_request_ran is (lost == "response")


@pytest.mark.parametrize("n_before", [0, 1])
def test_a_host_whose_device_learned_from_another_one_is_told(n_before: int) -> None:
    x, labels = samples(1)
    wire = Cable(stream())
    for _ in range(n_before):
        conversation(wire.stream, 1)
    host = target(wire, retries=0)
    wire.loses = "response"
    with pytest.raises(EdgeError, match="does not answer"):
        host.learn(x[0], labels[0])
    wire.loses = ""
    target(wire.stream).learn(x[0], labels[0])
    with pytest.raises(EdgeError, match="another host") as caught:
        host.statistics()
    assert caught.value.code == "E505"


def test_a_request_that_waited_for_a_session_in_vain_did_not_run() -> None:
    """It was never sent, and whoever waited to be told waited for ever."""
    x, labels = samples(1)
    wire = Cable(stream())
    host = target(wire, retries=0)
    wire.stream.reboot()  # type: ignore[attr-defined]
    with pytest.raises(EdgeError, match="restarted"):
        host.learn(x[0], labels[0])
    wire.loses = "request"
    for _ in range(2):
        with pytest.raises(EdgeError, match="does not answer"):
            host.learn(x[0], labels[0])
        assert host.lost_request_ran is False
    wire.loses = ""
    assert host.statistics().n_labelled == 0


def test_a_host_goes_on_when_another_one_asked_nothing() -> None:
    x, labels = samples(1)
    wire = Cable(stream())
    host = target(wire, retries=0)
    wire.loses = "request"
    with pytest.raises(EdgeError, match="does not answer"):
        host.learn(x[0], labels[0])
    wire.loses = ""
    assert host.statistics().n_labelled == 0 and host.lost_request_ran is False


@pytest.mark.parametrize("kind", ["error", "frames", "locked error"])
def test_a_succession_of_hosts_over_a_line_that_delays(kind: str) -> None:
    rng = Random(f"delays {kind}")
    wire = stream(kind)
    hosts = lived(DelayedLine(LoopbackDevice(wire), rng), kind, rng, N_LOOPBACK)
    with target(wire, kind) as last:
        hosts.take_stock(last)
        assert learned(last) == learned(hosts.twin)


@pytest.fixture(params=[*((core, "error") for core in CORES), (CORES[0], "locked error")],
                ids=" ".join)
def core(request: pytest.FixtureRequest) -> Iterator[tuple[QemuDevice, str]]:
    name, kind = request.param
    device = QemuDevice(firmware(load_board(name), kind))
    yield device, kind
    device.close()


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_a_succession_of_hosts_on_a_core(core: tuple[QemuDevice, str]) -> None:
    device, kind = core
    rng = Random(f"delays {device.process.machine.machine}")
    hosts = lived(DelayedLine(device, rng), kind, rng, N_QEMU)
    with target(device.port, kind) as last:
        hosts.take_stock(last)
        assert learned(last) == learned(hosts.twin)


def lived(line: DelayedLine, kind: str, rng: Random, n_requests: int) -> Succession:
    """Hosts until so many requests were asked, and until nothing is under way any more."""
    hosts = Succession(line, kind, rng)
    hosts.run(n_requests)
    line.wait(60.0)
    counts = hosts.counts
    print(f"{counts}, {line.n_late:,} frames up to 8 s late, {line.now_s:,.0f} s")
    assert min(counts.dead, counts.lost, counts.lost_and_run, line.n_late) > 0, "it shows nothing"
    return hosts

"""A save to flash, and a reset that erases, happen once, whatever the line does to frames."""

from __future__ import annotations

from random import Random

import pytest
from support.devices import LOCK, RawDevice, learned, pack, samples, stream, target
from support.faults import Cable, FaultyStream
from support.mortal import Mortal

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.wire.messages import STATUSES
from edge_dassdp.wire.saved import Saved, Slots

FAULTS = ("drop", "flip", "duplicate", "reorder", "truncate")
KINDS = ("error", "frames", "locked error")


def lived(device: LinkTarget, kind: str) -> tuple[object, ...]:
    """Lessons, saves and resets of both kinds; what it has learned and what its flash counts."""
    x, y = samples(24, kind=kind)
    told: list[object] = []
    device.reset(factory=True)
    for i in range(24):
        device.learn(x[i], y[i])
        if i % 3 == 0:
            told.append(device.store())
        if i == 10:
            device.reset()
            told.append(device.in_flash)
        if i == 16:
            device.reset(factory=True)
            told.append(device.in_flash)
    return (*told, learned(device), target(device._session._port, kind).in_flash)


@pytest.mark.parametrize("fault", [*FAULTS, "all"])
@pytest.mark.parametrize("kind", KINDS)
def test_faults_save_nothing_twice(kind: str, fault: str) -> None:
    expected = lived(target(stream(kind), kind), kind)
    assert expected[-1] == Saved(Slots.SAVED, 2)
    odds = dict.fromkeys(FAULTS if fault == "all" else [fault], 0.1)
    faulty = FaultyStream(stream(kind), Random(f"{kind} {fault}"), **odds)
    found = lived(target(faulty, kind, retries=100), kind)
    assert found == expected and faulty.n_faults > 0


@pytest.mark.parametrize("lost", ["request", "response"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_save_whose_answer_is_lost_is_made_once(kind: str, lost: str) -> None:
    """A second one would wear flash, and put the save before the first out of reach."""
    wire = Cable(stream(kind))
    x, y = samples(2, kind=kind)
    device = target(wire, kind, retries=1, recoveries=3)
    device.reset(factory=True)
    for n in (1, 2, 3):
        device.learn(x[0], y[0])
        wire.lose(lost, 2)
        assert device.store() == Saved(Slots.SAVED, n)
        assert target(wire.stream, kind).in_flash == Saved(Slots.SAVED, n)
        device = target(wire, kind, retries=1, recoveries=3)


@pytest.mark.parametrize("lost", ["request", "response"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_reset_that_erases_is_asked_again_until_it_is_done(kind: str, lost: str) -> None:
    wire = Cable(stream(kind))
    x, y = samples(1, kind=kind)
    device = target(wire, kind, retries=1, recoveries=3)
    device.reset(factory=True)
    factory = learned(device)
    device.learn(x[0], y[0])
    device.store()
    wire.lose(lost, 2)
    device.reset(factory=True)
    assert device.in_flash == target(wire.stream, kind).in_flash == Saved(Slots.EMPTY, 0)
    wire.stream.reboot()  # type: ignore[attr-defined]
    assert learned(target(wire.stream, kind)) == factory


@pytest.mark.parametrize("kind", KINDS)
def test_late_copies_of_saves_and_resets_do_nothing(kind: str) -> None:
    """Of sessions that are over, before and behind a restart that found a save."""
    class Tap(Mortal):
        def write(self, data: bytes, /) -> int | None:
            sent.append(data)
            return super().write(data)

    sent: list[bytes] = []
    wire = stream(kind)
    lived(target(Tap(wire), kind), kind)
    x, y = samples(1, kind=kind)
    host = target(wire, kind)
    for n in range(3, 6):
        host.learn(x[0], y[0])
        assert host.store() == Saved(Slots.SAVED, n)
        before = learned(host)
        wire.reboot()
        for frame in sent * 2:
            wire.write(frame)
        wire.read(1 << 19)
        host = target(wire, kind)
        assert host.in_flash == Saved(Slots.SAVED, n) and learned(host) == before


def test_a_lesson_that_was_saved_before_power_went_is_counted() -> None:
    """Its answer was lost with the session: the count of the device tells that it is not to be
    taught again."""
    wire = stream()
    x, y = samples(2)
    device = target(wire)
    device.reset(factory=True)
    for n_saved in (1, 2):
        device.learn(x[0], y[0])
        device.store()
        wire.reboot()
        with pytest.raises(EdgeError, match="restarted") as caught:
            device.learn(x[1], y[1])
        assert caught.value.code == "E505" and f"save {n_saved}" in caught.value.help
        assert device.statistics().n_labelled == n_saved


def test_half_written_is_never_saved_and_a_restart_has_the_save_before() -> None:
    """A restore whose host died: nothing runs, nothing is saved of it; power brings the save back.
    """
    x, y = samples(4)
    wire = stream()
    host = target(wire)
    host.reset(factory=True)
    host.learn(x[0], y[0])
    host.store()
    saved = learned(host)
    raw = RawDevice.__new__(RawDevice)
    raw.wire, raw.x_bytes = wire, x.shape[1]
    raw.greet(5)
    assert raw.ask("HOLD").status == 0
    assert raw.ask(*pack("WRITE_LEARNING", offset=0, data=bytes(8))).status == 0
    for name, payload in (("STORE", b""), pack("LEARN", flags=0, label=1, loss_q8=-1,
                                               x=x[1].tobytes())):
        assert raw.ask(name, payload).status == STATUSES["E_HELD"]
    wire.reboot()
    assert learned(target(wire)) == saved
    assert target(wire).in_flash == Saved(Slots.SAVED, 1)


def test_without_the_key_flash_stays_as_it_is() -> None:
    wire = stream("locked error")
    host = target(wire, "locked error")
    host.reset(factory=True)
    host.store()
    reader = target(wire, "locked error", lock=None)
    for act in (reader.store, reader.reset, lambda: reader.reset(factory=True)):
        with pytest.raises(EdgeError, match="this board is locked"):
            act()
    assert target(wire, "locked error", lock=LOCK).in_flash == Saved(Slots.SAVED, 1)

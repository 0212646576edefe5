"""A save over the link: made once, whatever the line does, and told where nobody can know."""

from __future__ import annotations

from random import Random

import pytest
from support.devices import RawDevice, library, network, samples, stream, target
from support.faults import FaultyStream

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.plan import Plan
from edge_dassdp.slots import boards
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.wire.messages import MESSAGES, STATUSES
from edge_dassdp.wire.saved import Saved, Slots

ERASES = b"\1"


def numbered(n: int) -> Saved:
    return Saved(Slots.SAVED, n)


@pytest.mark.parametrize("seed", range(6))
def test_a_noisy_line_makes_each_save_once(seed: int) -> None:
    device = target(FaultyStream(stream(), Random(seed), drop=0.2, truncate=0.1), retries=30,
                    timeout_s=0.01)
    x, labels = samples(4)
    for n in range(1, 5):
        device.learn(x[n - 1], labels[n - 1])
        assert device.store() == device.in_flash == numbered(n)


class Deaf(LoopbackStream):
    """The answers to the next `n` requests are lost."""

    n = 0

    def read(self, size: int = 1, /) -> bytes:
        if self.n and self.in_waiting:
            self._received.clear()
            self.n -= 1
        return super().read(size)


def test_a_save_whose_answers_are_all_lost_is_told_by_the_next_greeting() -> None:
    wire = Deaf(library("error"))
    device = target(wire, retries=2, recoveries=3, timeout_s=0.01)
    assert device.store() == numbered(1)
    wire.n = 3
    n_before = wire.flash.n_commands
    assert device.store() == numbered(2)
    n_made = wire.flash.n_commands - n_before
    assert device.store() == numbered(3)
    assert wire.flash.n_commands - n_before == 2 * n_made, "no save was made twice"


class Vanishing(LoopbackStream):
    """The port goes as a save is asked for."""

    goes = False

    def write(self, data: bytes, /) -> int:
        if self.goes:
            raise OSError("Input/output error")
        return super().write(data)


def test_a_port_that_vanishes_in_a_save_is_told_with_what_counts() -> None:
    wire = Vanishing(library("error"))
    device = target(wire)
    device.store()
    wire.goes = True
    with pytest.raises(EdgeError) as caught:
        device.store()
    problem = caught.value
    assert problem.code == "E502" and problem.message.endswith("in a save")
    assert "before, save 1 counts" in problem.cause and "devices --ask" in problem.help


def test_a_device_that_restarts_after_a_save_is_back_at_it() -> None:
    wire = stream()
    device = target(wire)
    x, labels = samples(2)
    device.learn(x[0], labels[0])
    device.store()
    learned = device.statistics().learned_digest
    device.learn(x[1], labels[1])
    for happens in (wire.reboot, wire.press_reset):
        happens()
        with pytest.raises(EdgeError) as caught:
            device.statistics()
        assert caught.value.code == "E505"
        assert "weights from flash, save 1" in caught.value.cause
        assert "back at save 1" in caught.value.help
        assert device.statistics().learned_digest == learned


def test_what_is_half_written_is_not_saved() -> None:
    device = RawDevice()
    assert device.ask("STORE").status == 0
    device.ask("HOLD")
    assert device.ask("STORE").status == STATUSES["E_HELD"]
    assert device.hello()["n_saves"] == 1
    assert device.ask("RESET", ERASES).status == device.ask("STORE").status == 0


def test_a_reset_erases_only_when_it_is_asked_to() -> None:
    device = RawDevice()
    device.ask("STORE")
    for payload, status, n_saves in ((b"\0", "OK", 1), (b"\2", "E_VALUE", 1),
                                     (b"\xff", "E_VALUE", 1),
                                     (b"\0\0", "E_SIZE", 1), (ERASES, "OK", 0)):
        assert device.ask("RESET", payload).status == STATUSES[status]
        hello = device.hello()
        assert hello["n_saves"] == n_saves
        assert hello["store"] == (Slots.SAVED if n_saves else Slots.EMPTY)


def test_flash_that_takes_nothing_is_refused_and_the_device_goes_on() -> None:
    device = RawDevice()
    device.ask("STORE")
    flash = device.wire.flash
    for name in ("fails_at", "wrong_at"):
        setattr(flash, name, flash.n_commands + 3)
        assert device.ask("STORE").status == STATUSES["E_FLASH"]
        assert device.hello()["n_saves"] == 1
        flash.fails_at = flash.wrong_at = 0
    answer = device.ask("STORE")
    assert MESSAGES["STORE"].response.unpack(answer.payload)["n_saves"] == 2


def test_a_host_waits_as_long_as_the_flash_of_the_board_takes() -> None:
    model, board = network("error"), load_board("microbit")
    assert board.store is not None
    n_units = -(-(32 + Plan.of(model).layout.export_bytes) // board.store.erase_bytes)
    asked = board.name, model
    assert boards.extra_s(*asked, "STORE", {}) == n_units * board.store.erase_ms / 1000
    whole = board.store.slot_bytes // board.store.erase_bytes * board.store.erase_ms / 1000
    assert boards.extra_s(board.name, None, "STORE", {}) == whole
    assert boards.extra_s(*asked, "RESET", {"erases": 1}) == 2 * whole
    assert boards.extra_s(*asked, "RESET", {"erases": 0}) == boards.extra_s(*asked, "SAVE", {}) == 0
    for name in ("mine", "../boards/microbit", "host"):
        assert boards.extra_s(name, model, "STORE", {}) == boards.LONGEST_S


def test_endurance_is_told_where_it_is_known() -> None:
    assert "17 of about 40,000 saves" in boards.endurance("microbit", numbered(17))
    assert "gone with the power" in boards.endurance("mps2-an385", numbered(17))
    assert boards.endurance("mine", numbered(17)) == ""


def test_a_device_without_slots_is_refused_with_what_else_keeps_it() -> None:
    device = target(stream())
    device._in_flash = Saved(Slots.ABSENT, 0)
    for call in (device.store, lambda: device.reset(factory=True)):
        with pytest.raises(EdgeError) as caught:
            call()
        assert caught.value.code == "E503" and "no slots in flash" in caught.value.message
        assert "--snapshot" in caught.value.help

"""Slots that are not what the firmware saved: what counts is the newest that is whole and its own,
else factory weights; the device says which, learns and saves on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from support.lanes import often
from support.power_cuts import Machine
from support.slots import HEADER_BYTES, Slot
from support.worn_digits import firmware, learn, network

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.qemu import QemuProcess
from edge_dassdp.wire.saved import Saved, Slots

pytestmark = [pytest.mark.usefixtures("arm_toolchain", "qemu"), pytest.mark.xdist_group("cuts")]
U32 = 0xFFFF_FFFF


@dataclass(frozen=True)
class Saves:
    """What a machine saved one after the other, and learned before: digests."""

    machine: Machine
    slot_bytes: int
    factory: int
    slots: tuple[Slot, Slot]
    digests: tuple[int, int]

    def boot(self, first: bytes, second: bytes, seed: int = 0) -> LinkTarget:
        """The device with these slots."""
        self.machine.boot_with(first + second, seed)
        return self.machine.greet()

    def is_at(self, device: LinkTarget, save: int | None, in_flash: Saved) -> None:
        """It has what `save` of them holds, or factory weights, and says so; it learns, saves, and
        has that after a cut."""
        expected = self.factory if save is None else self.digests[save]
        assert (device.info.learned_digest, device.in_flash) == (expected, in_flash)
        assert device.statistics().learned_digest == expected
        learn(device, 100, 1)
        learned = device.statistics().learned_digest
        saved = device.store()
        assert saved.slots == Slots.SAVED
        assert saved.n_saves == (in_flash.n_saves % U32) + 1
        self.machine.process.cut_power(1)
        device = self.machine.greet()
        assert (device.info.learned_digest, device.in_flash) == (learned, saved)

    def whole(self, save: int) -> bytes:
        return self.slots[save].flash(self.slot_bytes)

    @property
    def blank(self) -> bytes:
        return b"\xff" * self.slot_bytes


def made(seed: int = 0) -> Saves:
    with QemuProcess(firmware(seed).elf, firmware(seed).board) as process:
        return _saves(Machine(process, network(seed)))


def _saves(machine: Machine) -> Saves:
    slot_bytes = machine.n_bytes // 2
    machine.boot_with(b"\xff" * machine.n_bytes, 0)
    device = machine.greet()
    factory, digests = device.info.learned_digest, []
    for first in (0, 5):
        learn(device, first, 5)
        digests.append(device.statistics().learned_digest)
        device.store()
    flash = machine.flash()
    slots = sorted((Slot.of(flash[:slot_bytes]), Slot.of(flash[slot_bytes:])),
                   key=lambda slot: slot.sequence)
    assert [slot.sequence for slot in slots] == [1, 2]
    return Saves(machine, slot_bytes, factory, (slots[0], slots[1]), (digests[0], digests[1]))


@pytest.fixture(scope="module")
def saves(arm_toolchain: None, qemu: None) -> Iterator[Saves]:
    with QemuProcess(firmware().elf, firmware().board) as process:
        yield _saves(Machine(process, network()))


def test_the_newer_of_two_counts_wherever_it_lies(saves: Saves) -> None:
    for first, second in ((0, 1), (1, 0)):
        device = saves.boot(saves.whole(first), saves.whole(second))
        saves.is_at(device, 1, Saved(Slots.SAVED, 2))


@pytest.mark.parametrize(("older", "newer"), [(U32, 1), (U32 - 1, U32), (1, 1 << 31)])
def test_numbers_of_saves_begin_anew_behind_the_last(saves: Saves, older: int, newer: int) -> None:
    device = saves.boot(saves.slots[1].but(sequence=newer).flash(saves.slot_bytes),
                        saves.slots[0].but(sequence=older).flash(saves.slot_bytes))
    saves.is_at(device, 1, Saved(Slots.SAVED, newer))


def test_flash_that_holds_nothing_gives_factory_weights(saves: Saves) -> None:
    """All ones as chips come, all zeros as QEMU comes, or what another program left."""
    for held in (saves.blank, b"\0" * saves.slot_bytes,
                 random.Random(1).randbytes(saves.slot_bytes)):
        saves.is_at(saves.boot(held, held), None, Saved(Slots.EMPTY, 0))


def test_a_flipped_bit_at_any_byte_makes_the_save_before_count(saves: Saves) -> None:
    rng, n_bytes = random.Random(2), HEADER_BYTES + len(saves.slots[1].data)
    places = [*range(HEADER_BYTES), HEADER_BYTES, n_bytes - 1,
              *(rng.randrange(HEADER_BYTES, n_bytes) for _ in range(often(10)))]
    for at in places:
        damaged = bytearray(saves.whole(1))
        damaged[at] ^= 1 << rng.randrange(8)
        device = saves.boot(bytes(damaged), saves.whole(0))
        saves.is_at(device, 0, Saved(Slots.SAVED, 1))
        device = saves.boot(saves.blank, bytes(damaged))
        assert (device.info.learned_digest, device.in_flash.is_there) == (saves.factory, False)


def test_what_lies_behind_the_save_does_not_matter(saves: Saves) -> None:
    damaged = bytearray(saves.whole(1))
    damaged[HEADER_BYTES + len(saves.slots[1].data)] = 0
    saves.is_at(saves.boot(bytes(damaged), saves.blank), 1, Saved(Slots.SAVED, 2))


def test_the_save_of_another_build_of_the_model_is_taken_and_told(saves: Saves) -> None:
    low, high = saves.slots[1].build
    other = saves.slots[1].but(build=(low ^ 1, high)).flash(saves.slot_bytes)
    device = saves.boot(saves.whole(0), other)
    assert "another build" in str(device.in_flash)
    saves.is_at(device, 1, Saved(Slots.BUILD, 2))


@pytest.mark.parametrize("how", ["network", "version", "first bytes of the hash", "whole hash"])
def test_the_save_of_another_model_or_version_is_left_alone(saves: Saves, how: str) -> None:
    slot = saves.slots[1]
    if how == "network":
        slot = made(1).slots[1]
    elif how == "version":
        slot = slot.but(magic=slot.magic + (1 << 24))
    elif how == "first bytes of the hash":
        slot = slot.but(model=slot.model ^ 1)
    other = slot.but(sequence=9).flash(saves.slot_bytes)
    if how == "whole hash":
        other = slot.but(sequence=9, data=made(1).slots[1].data).flash(saves.slot_bytes)
    device = saves.boot(saves.blank, other)
    assert "another model" in str(device.in_flash)
    saves.is_at(device, None, Saved(Slots.FOREIGN, 9))
    device = saves.boot(other, saves.whole(0))
    assert (device.info.learned_digest, device.in_flash) == (
        saves.digests[0], Saved(Slots.SAVED, 1)), "its own older save counts"


@pytest.mark.parametrize("n_bytes", [0, 1, 7223, 16_384, U32 - 31, U32])
def test_a_header_that_states_another_length_is_not_believed(saves: Saves, n_bytes: int) -> None:
    bad = saves.slots[1].flash(saves.slot_bytes, n_bytes)
    saves.is_at(saves.boot(bad, saves.whole(0)), 0, Saved(Slots.SAVED, 1))


def test_a_whole_slot_with_an_export_that_is_none_is_passed_over(saves: Saves) -> None:
    """Its sums are right, what it holds is not: cut short, longer, another version, another sum.
    A save goes there, not where the one lies that counts: a cut in it would leave neither."""
    data = saves.slots[1].data
    for bad in (b"", data[:-1], data[:40], data + b"\0", data[:4] + b"\x7f" + data[5:],
                data[:-1] + bytes([data[-1] ^ 1])):
        other = saves.slots[1].but(data=bad).flash(saves.slot_bytes)
        device = saves.boot(other, saves.whole(0))
        assert (device.info.learned_digest, device.in_flash) == (
            saves.digests[0], Saved(Slots.SAVED, 1))
        device.store()
        assert saves.machine.flash()[saves.slot_bytes:] == saves.whole(0)
        device = saves.boot(other, saves.blank)
        assert device.info.learned_digest == saves.factory and not device.in_flash.is_there


def test_what_a_dead_host_left_half_restored_is_never_saved(saves: Saves) -> None:
    """Whatever it had written when it died; the save that counts stands, and is there again."""
    machine, n_stopped = saves.machine, 0
    for n_writes in (0, 100, 120, 140, 160, 180, 200):
        device = saves.boot(saves.blank, saves.whole(1))
        weights = {p.name: -device.read_weights(p.name) for p in machine.network.plastic}
        learning = device.read_learning()
        machine.dies_after(n_writes, lambda: device.restore(weights, learning))  # noqa: B023
        device = machine.greet()
        if device.info.learned_digest == saves.digests[1]:
            continue
        n_stopped += 1
        with pytest.raises(EdgeError, match="half written"):
            device.store()
        machine.process.cut_power(n_writes)
        device = machine.greet()
        assert (device.info.learned_digest, device.in_flash) == (
            saves.digests[1], Saved(Slots.SAVED, 2))
    assert n_stopped > 2

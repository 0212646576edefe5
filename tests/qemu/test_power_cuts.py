"""The power of the micro:bit is cut at any store to flash: what it knows then is the save before
or the new one, never neither, never mixed, and it can save again. The unit under way is torn, RAM
comes up with random bytes. Each store of a save nightly, some of each kind on each change."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from support import lanes
from support.lanes import often
from support.power_cuts import WORD_BYTES, FlashStore, Machine
from support.worn_digits import firmware, learn, network

from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.qemu import QemuProcess
from edge_dassdp.wire.saved import Slots

pytestmark = [pytest.mark.usefixtures("arm_toolchain", "qemu"), pytest.mark.xdist_group("cuts")]
HEADER_WORDS = 8
N_WORDS = 8
"""Of the data of a save, that are tried on each change."""
N_PAIRS = often(6)
ASKS: dict[str, Callable[[LinkTarget], object]] = {
    "save": LinkTarget.store, "factory": lambda device: device.reset(factory=True)}


@dataclass(frozen=True)
class Held:
    """What a device has: number of its save, digest, weights and learning state."""

    slots: Slots
    n_saves: int
    digest: int
    learned: bytes

    @classmethod
    def by(cls, machine: Machine) -> Held:
        """As it says after its power came back."""
        device = machine.greet()
        return cls(*cls._told(device), machine.learned())

    @staticmethod
    def _told(device: LinkTarget) -> tuple[Slots, int, int]:
        return device.in_flash.slots, device.in_flash.n_saves, device.info.learned_digest


@dataclass(frozen=True)
class Story:
    """A machine that has saved twice. factory: before it learned. old: the newest save; new: what
    the next save, after three lessons more, will hold. flash: both slots before it. stores: by
    request, what it does to flash."""

    machine: Machine
    factory: Held
    old: Held
    new: Held
    flash: bytes
    stores: dict[str, list[FlashStore]]

    def up_to_the_save(self, seed: int, flash: bytes | None = None) -> LinkTarget:
        """The device as it was just before the next save."""
        self.machine.boot_with(self.flash if flash is None else flash, seed)
        device = self.machine.greet()
        learn(device, 60, 3)
        return device

    def cut(self, what: str, n: int, rng: random.Random, flash: bytes | None = None) -> Held:
        """Cut at store n of a request; what the device has then."""
        device = self.up_to_the_save(rng.getrandbits(32), flash)
        self.machine.cut_at(self.stores[what], n, lambda: ASKS[what](device), rng)
        return Held.by(self.machine)

    def goes_on(self, seed: int) -> None:
        """The next save, after a lesson, is whole: it lasts another cut."""
        device = self.machine.greet()
        before = device.in_flash.n_saves
        learn(device, 70, 1)
        digest, learned = device.statistics().learned_digest, self.machine.learned()
        assert device.store().n_saves == before + 1
        self.machine.process.cut_power(seed)
        assert Held.by(self.machine) == Held(Slots.SAVED, before + 1, digest, learned)


@pytest.fixture(scope="module")
def story(arm_toolchain: None, qemu: None) -> Iterator[Story]:
    with QemuProcess(firmware().elf, firmware().board) as process:
        machine = Machine(process, network())
        machine.boot_with(b"\xff" * machine.n_bytes, 0)
        factory = Held.by(machine)
        device = machine.greet()
        for first in (0, 30):
            learn(device, first, 30)
            device.store()
        flash = machine.flash()
        process.cut_power(1)
        told = Story(machine, factory, Held.by(machine), factory, flash, {})
        stores = {}
        for what, ask in ASKS.items():
            device = told.up_to_the_save(2)
            digest, learned = device.statistics().learned_digest, machine.learned()
            stores[what] = machine.recorded(lambda: ask(device))  # noqa: B023 - run at once
        new = Held(Slots.SAVED, told.old.n_saves + 1, digest, learned)
        yield Story(machine, factory, told.old, new, flash, stores)


def chosen(stores: list[FlashStore], rng: random.Random) -> list[int]:
    """Of a save: each erase, each word of the header and some of the others, nightly all; and the
    place behind the last."""
    if lanes.nightly:
        return list(range(len(stores) + 1))
    n_erases = sum(store.is_erase for store in stores)
    words = range(n_erases, len(stores) - HEADER_WORDS)
    return [*range(n_erases), *sorted(rng.sample(words, N_WORDS)),
            *range(words.stop, len(stores) + 1)]


def told(points: list[int], stores: list[FlashStore], begun_s: float) -> str:
    spent_s = time.monotonic() - begun_s
    return f"{len(points)} of {len(stores) + 1} places in {spent_s:.0f} s"


def test_a_save_erases_then_writes_its_data_and_its_header_last(story: Story) -> None:
    assert len({story.factory.learned, story.old.learned, story.new.learned}) == 3
    stores, machine = story.stores["save"], story.machine
    n_erases = sum(store.is_erase for store in stores)
    assert all(store.is_erase for store in stores[:n_erases])
    slot, = {s.address for s in stores} & {machine.origin, machine.origin + machine.n_bytes // 2}
    assert [s.address for s in stores[-HEADER_WORDS:]] == [
        slot + WORD_BYTES * i for i in range(HEADER_WORDS)]
    assert len({s.address for s in stores[n_erases:]}) == len(stores) - n_erases


def test_a_cut_in_a_save_leaves_the_old_one_or_the_new(
        story: Story, record_property: Callable[[str, object], None]) -> None:
    rng, stores = random.Random(15), story.stores["save"]
    points, n_old, begun_s = chosen(stores, rng), 0, time.monotonic()
    for n in points:
        held = story.cut("save", n, rng)
        assert held == (story.new if n == len(stores) else story.old), f"store {n}"
        n_old += held == story.old
        story.goes_on(n)
    record_property("power cuts in a save", told(points, stores, begun_s) +
                    f": {n_old} old, {len(points) - n_old} new, 0 neither")


def test_a_cut_in_the_save_after_a_cut_leaves_the_old_one(
        story: Story, record_property: Callable[[str, object], None]) -> None:
    """Nothing else was saved between: the slot that was torn is torn again."""
    rng, stores, begun_s = random.Random(16), story.stores["save"], time.monotonic()
    pairs = [(rng.choice(points), rng.choice(points)) for points in [
        chosen(stores, rng)[:-1]] for _ in range(N_PAIRS)]
    for first, second in pairs:
        assert story.cut("save", first, rng) == story.old, f"store {first}"
        assert story.cut("save", second, rng, story.machine.flash()) == story.old, \
            f"store {first}, then {second}"
        story.goes_on(second)
    record_property("power cuts in two saves in a row", f"{len(pairs)} pairs: old every time; "
                    f"{time.monotonic() - begun_s:.0f} s")


def test_a_cut_while_the_slots_are_erased_leaves_the_newest_save_or_none(
        story: Story, record_property: Callable[[str, object], None]) -> None:
    rng, stores, begun_s = random.Random(17), story.stores["factory"], time.monotonic()
    assert all(store.is_erase for store in stores)
    points, is_kept = list(range(0, len(stores) + 1, 1 if lanes.nightly else 4)), []
    for n in points:
        held = story.cut("factory", n, rng)
        is_kept.append(held == story.old)
        assert is_kept[-1] or (held.n_saves, held.learned) == (0, story.factory.learned), f"{n}"
        story.goes_on(n)
    assert held == story.factory
    assert is_kept == sorted(is_kept, reverse=True), "once it is gone it stays so"
    record_property("power cuts in reset --factory", told(points, stores, begun_s) +
                    f": {sum(is_kept)} the newest save, {len(points) - sum(is_kept)} none")


def test_a_cut_in_the_first_save_leaves_factory_weights(story: Story) -> None:
    """Of erased flash, and of one that holds zeros."""
    rng, machine = random.Random(18), story.machine
    machine.boot_with(b"\xff" * machine.n_bytes, 1)
    device = machine.greet()
    stores = machine.recorded(device.store)
    for blank in (b"\xff", b"\0"):
        for n in rng.sample(chosen(stores, rng), often(6)):
            machine.boot_with(blank * machine.n_bytes, n)
            device = machine.greet()
            learn(device, 0, 2)
            machine.cut_at(stores, n, device.store, rng)
            held = Held.by(machine)
            assert (held.n_saves, held.learned == story.factory.learned) == (
                (1, False) if n == len(stores) else (0, True)), f"store {n}"
            story.goes_on(n)


def test_a_start_writes_nothing(story: Story) -> None:
    """Neither from a whole slot nor from a torn one: a cut in a start cannot harm."""
    rng, stores = random.Random(19), story.stores["save"]
    for n in (0, len(stores) // 2, len(stores) - 1):
        assert story.cut("save", n, rng) == story.old
        flash = story.machine.flash()
        story.machine.boot_with(flash, n)
        device = story.machine.greet()
        assert story.machine.recorded(device.statistics) == []
        assert story.machine.flash() == flash

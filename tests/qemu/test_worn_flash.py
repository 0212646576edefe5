"""Flash that does not take what it is given: an erase that does nothing, a word that reads back
otherwise than it was written. The save fails and says so; the one before counts, nothing learned is
lost, and the device goes on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from support.lanes import often
from support.power_cuts import ERASEPAGE, WORD_BYTES, FlashStore, Machine, Stores
from support.worn_digits import firmware, learn, network

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.qemu import QemuProcess
from edge_dassdp.wire.saved import Saved, Slots

pytestmark = [pytest.mark.usefixtures("arm_toolchain", "qemu"), pytest.mark.xdist_group("cuts")]
HEADER_WORDS = 8


@pytest.fixture(scope="module")
def machine(arm_toolchain: None, qemu: None) -> Iterator[Machine]:
    with QemuProcess(firmware().elf, firmware().board) as process:
        yield Machine(process, network())


@pytest.fixture
def saved(machine: Machine) -> Saved:
    """It has saved once."""
    machine.boot_with(b"\xff" * machine.n_bytes, 0)
    device = machine.greet()
    learn(device, 0, 5)
    return device.store()


@pytest.fixture(scope="module")
def stores(machine: Machine) -> list[FlashStore]:
    """Those of the second save."""
    machine.boot_with(b"\xff" * machine.n_bytes, 0)
    device = machine.greet()
    device.store()
    return machine.recorded(device.store)


def fails_to_erase(machine: Machine, n: int, _: FlashStore) -> None:
    """The erase of page n does nothing."""
    found = Stores(machine.process, [(ERASEPAGE, WORD_BYTES)])
    for _ in range(n):
        assert found.reach()
        found.carry_out()
    assert found.reach()
    found.skip()


def sticks(machine: Machine, bit: int, store: FlashStore) -> None:
    """A bit of a word is not as it was written."""
    debugger = machine.process.debugger
    found = Stores(machine.process, [(store.address, WORD_BYTES)])
    assert found.reach()
    found.carry_out()
    word = int.from_bytes(debugger.read(store.address, WORD_BYTES), "little") ^ 1 << bit
    debugger.write(store.address, word.to_bytes(WORD_BYTES, "little"))


def is_refused_and_goes_on(machine: Machine, saved: Saved, happens: Callable[[], None]) -> None:
    device = machine.greet()
    digest = device.info.learned_digest
    learn(device, 10, 3)
    learned = device.statistics().learned_digest
    device = machine.greet(happens)
    with pytest.raises(EdgeError, match=f"save {saved.n_saves} counts still") as caught:
        device.store()
    assert caught.value.code == "E503" and "flash wears out" in caught.value.cause
    assert device.in_flash == saved and device.statistics().learned_digest == learned
    learn(device, 20, 1)
    assert machine.greet().in_flash == saved
    machine.process.cut_power(7)
    device = machine.greet()
    assert (device.in_flash, device.info.learned_digest) == (saved, digest)
    learn(device, 30, 2)
    learned = device.statistics().learned_digest
    assert device.store() == Saved(Slots.SAVED, saved.n_saves + 1), "that place is well again"
    machine.process.cut_power(8)
    device = machine.greet()
    assert device.info.learned_digest == learned
    device.store()  # so that the next one goes to this slot again


def test_an_erase_that_does_nothing(machine: Machine, saved: Saved,
                                    stores: list[FlashStore]) -> None:
    """Where the slot held another save before."""
    machine.greet().store()
    saved = machine.greet().store()
    for n in range(sum(store.is_erase for store in stores)):
        is_refused_and_goes_on(machine, saved, lambda: fails_to_erase(machine, n, stores[n]))  # noqa: B023
        saved = machine.greet().in_flash


def test_a_word_that_reads_back_otherwise(machine: Machine, saved: Saved,
                                          stores: list[FlashStore]) -> None:
    rng, n_erases = random.Random(4), sum(store.is_erase for store in stores)
    words = [n_erases, len(stores) - HEADER_WORDS - 1, len(stores) - 1,
             *rng.sample(range(n_erases, len(stores)), often(8))]
    for n in words:
        found = stores[n]
        is_refused_and_goes_on(machine, saved, lambda: sticks(machine, rng.randrange(32), found))  # noqa: B023
        saved = machine.greet().in_flash


def test_a_place_that_is_worn_out_for_good(machine: Machine, saved: Saved,
                                           stores: list[FlashStore]) -> None:
    """Each save goes there again, and is refused; learning goes on."""
    device = machine.greet()
    digest = device.info.learned_digest
    for n in range(3):
        learn(device, 10 + n, 1)
        device = machine.greet(lambda: sticks(machine, 3, stores[100]))
        with pytest.raises(EdgeError, match=f"save {saved.n_saves} counts still"):
            device.store()
    assert device.statistics().n_labelled == 8
    machine.process.cut_power(9)
    device = machine.greet()
    assert (device.in_flash, device.info.learned_digest) == (saved, digest)

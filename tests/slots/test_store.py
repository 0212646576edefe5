"""Two slots: whatever happens to flash while it is saved, what counts then is old or new, whole."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from support import lanes
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.learned.portable import n_bytes
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.target import LEARN
from edge_dassdp.wire.saved import EMPTY, Saved, Slots

NETWORK = SCENARIOS["mixed_16"].quantized
OTHER = SCENARIOS["two_hops"].quantized
HEAD = 32
ERASE, WRITE = 1024, 8
MAGIC, SEQUENCE, MODEL, BUILD, N_BYTES, DATA_CRC = 0, 4, 8, 12, 20, 24


class Bench:
    """An emulator whose flash is in our hands."""

    def __init__(self, network: QNetwork = NETWORK) -> None:
        self.device = Emulator(network)
        self.rng = Random(3)
        self.flash = self.device.slots.flash
        self.slot_bytes = self.device.slots.slots.slot_bytes
        self._x = np.random.default_rng(7).integers(-100, 101, (64, network.x_bytes), np.int8)

    @property
    def image(self) -> bytearray:
        """The bytes of both slots; writing to them writes to flash."""
        return self.device._ffi.buffer(self.flash.bytes, 2 * self.slot_bytes)  # type: ignore

    def learn(self) -> int:
        """Something new; its digest."""
        at = self.rng.randrange(60)
        labels = np.array([self.rng.randrange(self.device.n_classes) for _ in range(3)])
        self.device.run(self._x[at:at + 3], labels, mode=LEARN)
        return self.digest()

    def digest(self) -> int:
        return self.device.statistics().learned_digest

    def start(self) -> tuple[int, Saved]:
        """After a cut: RAM holds anything, flash what it holds."""
        self.flash.cut_at = self.flash.fails_at = self.flash.wrong_at = 0
        n_bytes = self.device.layout.state_bytes
        self.device._ffi.buffer(self.device._state)[:n_bytes] = self.rng.randbytes(n_bytes)
        self.device.press_reset()
        return self.digest(), self.device.in_flash

    def commands(self) -> int:
        """Erases and writes that a save makes."""
        before = self.flash.n_commands
        self.device.store()
        return int(self.flash.n_commands - before)

    def fail(self, name: str, n: int) -> None:
        """The n-th command of the next save, from 1."""
        setattr(self.flash, name, self.flash.n_commands + n)


@dataclass(frozen=True)
class Known:
    """Two saves in flash; old: the digest of the newer one."""

    bench: Bench
    image: bytes
    old: int
    n_commands: int


@pytest.fixture(scope="module")
def known() -> Known:
    bench = Bench()
    bench.learn()
    bench.device.store()
    old = bench.learn()
    n_commands = bench.commands()
    return Known(bench, bytes(bench.image), old, n_commands)


def again(known: Known) -> Bench:
    """With two saves in flash."""
    known.bench.image[:] = known.image
    return known.bench


def cut(known: Known, n: int, torn_bytes: int, torn_mask: int) -> int:
    """The number of the save that counts after a cut at the n-th command of a save."""
    bench = known.bench
    bench.image[:] = known.image
    digest, saved = bench.start()
    assert (digest, saved) == (known.old, Saved(Slots.SAVED, 2))
    bench.learn()
    new = bench.digest()
    bench.flash.torn_bytes, bench.flash.torn_mask = torn_bytes, torn_mask
    bench.fail("cut_at", n)
    with pytest.raises(EdgeError, match="flash did not take it"):
        bench.device.store()
    assert bench.device.in_flash == Saved(Slots.SAVED, 2)
    digest, saved = bench.start()
    assert (digest, saved) in ((known.old, Saved(Slots.SAVED, 2)), (new, Saved(Slots.SAVED, 3)))
    later = bench.learn()
    bench.device.store()
    digest, after = bench.start()
    assert digest == later and after.n_saves > 2, "the next save is whole"
    return saved.n_saves


def some(known: Known, rng: Random, n: int) -> list[int]:
    """Erases, the header's writes and n of the writes between; nightly all of them."""
    if lanes.nightly:
        return list(range(1, known.n_commands + 1))
    n_erases = -(-known.bench.device.layout.export_bytes // ERASE)
    ends = {*range(1, n_erases + 3), *range(known.n_commands - HEAD // WRITE, known.n_commands + 1)}
    return sorted(ends | set(rng.sample(range(1, known.n_commands + 1), n)))


def test_a_cut_at_a_command_leaves_old_or_new(known: Known) -> None:
    rng = Random(15)
    counts = {cut(known, n, rng.randrange(ERASE if n < 4 else WRITE), rng.randrange(256))
              for n in some(known, rng, 30)}
    assert counts == {2}, "before its last byte no save counts"


@pytest.mark.parametrize("torn_bytes", range(WRITE))
def test_a_cut_in_any_byte_of_the_last_write_leaves_old_or_new(known: Known,
                                                               torn_bytes: int) -> None:
    for mask in (0, 0x55, 0xFE, 0xFF):
        assert cut(known, known.n_commands, torn_bytes, mask) in (2, 3)


@pytest.mark.parametrize("how", ["fails_at", "wrong_at"])
def test_flash_that_does_not_take_it_is_told_and_the_old_save_counts(known: Known,
                                                                     how: str) -> None:
    rng = Random(how)
    for n in some(known, rng, 10):
        bench = known.bench
        bench.image[:] = known.image
        bench.start()
        bench.learn()
        bench.fail(how, n)
        try:
            bench.device.store()
        except EdgeError as problem:
            assert problem.code == "E503" and "its flash did not take it" in problem.message
            assert bench.start() == (known.old, Saved(Slots.SAVED, 2))
        else:  # a bit that nobody needs, of what was erased
            assert how == "wrong_at" and bench.start()[1] == Saved(Slots.SAVED, 3)
        bench.learn()
        assert bench.device.store().n_saves >= 3, "in time it may take one"


@pytest.mark.parametrize("is_torn", [False, True])
def test_a_worn_slot_stops_no_save_where_the_other_has_none(is_torn: bool) -> None:
    """Both empty, or both damaged; the one that a save takes first does not take it."""
    bench = Bench()
    if is_torn:
        bench.device.store()
        bench.device.store()
        image = bench.image
        for slot in (0, 1):
            image[slot * bench.slot_bytes + DATA_CRC] = b"\x00"
    assert not bench.start()[1].is_there
    learned = bench.learn()
    bench.fail("fails_at", 1)
    assert bench.device.store().is_there
    assert bench.start()[0] == learned


def test_a_cut_while_the_slots_are_erased_leaves_the_newest_or_none(known: Known) -> None:
    bench = known.bench
    factory = Emulator(NETWORK).statistics().learned_digest
    found = set()
    for n in range(1, 2 * bench.slot_bytes // ERASE + 1):
        bench.image[:] = known.image
        bench.start()
        bench.flash.torn_bytes, bench.flash.torn_mask = bench.rng.randrange(ERASE), 0xA5
        bench.fail("cut_at", n)
        with pytest.raises(EdgeError):
            bench.device.reset(factory=True)
        digest, saved = bench.start()
        assert (digest == known.old) == saved.is_there and digest in (known.old, factory)
        found.add(saved.is_there)
    assert found == {True, False}


def header(bench: Bench, slot: int) -> slice:
    at = slot * bench.slot_bytes
    return slice(at, at + HEAD)


def newest(known: Known) -> int:
    """Which slot has save 2."""
    image = known.image
    at = known.bench.slot_bytes + SEQUENCE
    return int(int.from_bytes(image[at:at + 4], "little") == 2)


@pytest.mark.parametrize("at", [MAGIC, SEQUENCE, MODEL, BUILD, N_BYTES, N_BYTES + 3, DATA_CRC,
                                HEAD - 1, HEAD, HEAD + 60, -1])
def test_a_damaged_slot_does_not_count_and_the_other_one_does(known: Known, at: int) -> None:
    bench = again(known)
    if at < 0:
        at = HEAD + bench.device.layout.export_bytes - 1
    bench.image[newest(known) * bench.slot_bytes + at] = bytes(
        [known.image[newest(known) * bench.slot_bytes + at] ^ 16])
    digest, saved = bench.start()
    assert digest != known.old and saved == Saved(Slots.SAVED, 1)
    later = bench.learn()
    assert bench.device.store() == Saved(Slots.SAVED, 2)
    assert bench.start() == (later, Saved(Slots.SAVED, 2))


def test_where_both_are_damaged_it_begins_with_factory_weights_and_says_so(known: Known) -> None:
    bench = again(known)
    for slot in range(2):
        at = slot * bench.slot_bytes + HEAD + 50
        bench.image[at] = bytes([known.image[at] ^ 1])
    digest, saved = bench.start()
    assert digest == Emulator(NETWORK).statistics().learned_digest
    assert saved == Saved(Slots.DAMAGED, 0) and "nothing that was saved" in str(saved)
    assert bench.device.store() == Saved(Slots.SAVED, 1)


def signed(head: bytearray) -> bytes:
    """A header with its CRC."""
    return bytes(head[:HEAD - 4]) + zlib.crc32(head[:HEAD - 4]).to_bytes(4, "little")


def rewrite(known: Known, slot: int, at: int, value: int, n_bytes: int = 4) -> Bench:
    """A slot whose header says something else, and is whole."""
    bench = again(known)
    head = bytearray(known.image[header(bench, slot)])
    head[at:at + n_bytes] = value.to_bytes(n_bytes, "little")
    bench.image[header(bench, slot)] = signed(head)
    return bench


def test_numbers_of_saves_wrap_and_the_newer_one_counts(known: Known) -> None:
    bench = rewrite(known, newest(known), SEQUENCE, 2**32 - 1)
    head = bytearray(known.image[header(bench, 1 - newest(known))])
    head[SEQUENCE:SEQUENCE + 4] = (2**32 - 2).to_bytes(4, "little")
    bench.image[header(bench, 1 - newest(known))] = signed(head)
    assert bench.start() == (known.old, Saved(Slots.SAVED, 2**32 - 1))
    for n in (1, 2, 3):
        learned = bench.learn()
        assert bench.device.store() == Saved(Slots.SAVED, n), "0 stands for none"
        assert bench.start() == (learned, Saved(Slots.SAVED, n))


def test_a_save_of_another_build_is_taken_and_told(known: Known) -> None:
    bench = rewrite(known, newest(known), BUILD, 12345)
    digest, saved = bench.start()
    assert (digest, saved) == (known.old, Saved(Slots.BUILD, 2)) and "another build" in str(saved)
    assert bench.device.store() == Saved(Slots.SAVED, 3)


@pytest.mark.parametrize(("at", "value", "n_bytes"), [(MAGIC + 3, 9, 1), (MODEL, 1, 4)])
def test_a_slot_of_another_version_or_model_never_counts(known: Known, at: int, value: int,
                                                         n_bytes: int) -> None:
    bench = rewrite(known, newest(known), at, value, n_bytes)
    assert bench.start()[1] == Saved(Slots.SAVED, 1), "the other one is this model's"
    learned = bench.learn()
    assert bench.device.store() == Saved(Slots.SAVED, 3), "numbers go on"
    assert bench.start() == (learned, Saved(Slots.SAVED, 3))


def test_slots_of_another_model_are_left_alone_until_this_one_saves() -> None:
    theirs, ours = Bench(OTHER), Bench()
    theirs.learn()
    theirs.device.store()
    n_bytes = min(theirs.slot_bytes, ours.slot_bytes)
    before = bytes(theirs.image[:n_bytes])
    slot = 1 if before[:3] != b"EDS" else 0
    ours.image[:n_bytes] = bytes(
        theirs.image[slot * theirs.slot_bytes:slot * theirs.slot_bytes + n_bytes])
    digest, saved = ours.start()
    assert saved == Saved(Slots.FOREIGN, 1) and "another model's" in str(saved)
    assert digest == Emulator(NETWORK).statistics().learned_digest
    learned = ours.learn()
    assert ours.device.store() == Saved(Slots.SAVED, 2)
    assert ours.start() == (learned, Saved(Slots.SAVED, 2))


@pytest.mark.parametrize("n_bytes", [0, 1, 2**31, 2**32 - 1, "slot"])
def test_a_length_that_cannot_be_is_refused(known: Known, n_bytes: int | str) -> None:
    most = known.bench.slot_bytes - HEAD
    value = most + 1 if isinstance(n_bytes, str) else n_bytes
    bench = rewrite(known, newest(known), N_BYTES, value)
    assert bench.start()[1] == Saved(Slots.SAVED, 1)


def test_noise_in_flash_is_no_save() -> None:
    bench = Bench()
    for fill in (b"\x00", b"\xff", None):
        n = 2 * bench.slot_bytes
        bench.image[:] = bench.rng.randbytes(n) if fill is None else fill * n
        assert bench.start()[1] == EMPTY
        learned = bench.learn()
        assert bench.device.store() == Saved(Slots.SAVED, 1)
        assert bench.start() == (learned, Saved(Slots.SAVED, 1))


def test_slots_too_small_are_refused_before_anything_is_erased() -> None:
    bench = Bench()
    bench.device.store()
    ffi, lib = bench.device._ffi, bench.device._lib
    small = ffi.new("dassdp_slots_t *", bench.device.slots.slots[0])
    small.slot_bytes = ERASE
    n_before = bench.flash.n_commands
    assert bench.device.layout.export_bytes > ERASE
    saved = ffi.new("dassdp_saved_t *")
    assert lib.dassdp_store_save(small, bench.device._state, saved) == -3  # DASSDP_E_VALUE
    assert bench.flash.n_commands == n_before


def test_two_states_of_a_model_have_slots_of_their_own() -> None:
    bench = Bench()
    ffi, lib = bench.device._ffi, bench.device._lib
    n = 2 * bench.slot_bytes
    memory = ffi.new("uint64_t[]", [2**64 - 1] * (2 * n // 8))
    flash = ffi.new("dassdp_host_flash_t *", {"bytes": ffi.cast("uint8_t *", memory)})
    lib.dassdp_host_flash_use(flash)
    first = ffi.new("dassdp_slots_t *", bench.device.slots.slots[0])
    second = ffi.new("dassdp_slots_t *", bench.device.slots.slots[0])
    second.address = n
    saved = ffi.new("dassdp_saved_t *")
    digests = []
    for slots in (first, second):
        digests.append(bench.learn())
        lib.dassdp_host_flash_use(flash)
        assert lib.dassdp_store_save(slots, bench.device._state, saved) == 0
    for slots, expected in zip((first, second), digests, strict=True):
        assert lib.dassdp_store_load(slots, bench.device._state, saved) == 0
        assert bench.digest() == expected and saved.n_saves == 1


def test_what_the_plan_says_of_an_export_is_what_it_is() -> None:
    for scenario in SCENARIOS.values():
        if scenario.quantized.remembers:
            export_bytes = Plan.of(scenario.quantized).layout.export_bytes
            assert export_bytes == n_bytes(scenario.quantized)

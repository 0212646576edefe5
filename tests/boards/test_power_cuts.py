"""The power goes in a save, at any command of the flash, and leaves a torn unit behind: a board
that starts again has what was saved before or all that was to be saved, and its next save is whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from support import lanes
from support.chip_flashes import Flash
from support.chips import CHIPS, CONTROLLERS
from support.cut_saves import Saver, cuts
from support.pico_emulator import PicoEmulator
from support.unicorn_board import UnicornBoard

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware
from edge_dassdp.build.description import FLASH_BEGIN

pytestmark = pytest.mark.usefixtures("arm_toolchain")
ONE_OF_A_KIND = {controller.kind: name for name, controller in sorted(CONTROLLERS.items())}
"""A board for each flash controller."""
Record = Callable[[str, object], None]


class InUnicorn:
    """On the model of its controller."""

    def __init__(self, made: Firmware, flash: Flash | None, seed: int) -> None:
        name = made.board.name
        self.port = UnicornBoard(made.elf, CHIPS[name], deepcopy(flash), seed)
        assert self.port.flash is not None
        self._flash, self._seed = self.port.flash, seed

    @property
    def n_commands(self) -> int:
        return len(self._flash.commands)

    def cut(self, at: int) -> None:
        self._flash.commands.clear()
        self._flash.cut_at = at
        self._flash.rng.seed(1000 * self._seed + at)

    def flash(self) -> Flash:
        self._flash.cut_at = 0
        return self._flash


class InRp2040py:
    """With the chip's own boot ROM."""

    def __init__(self, made: Firmware, slots: bytes | None, seed: int) -> None:
        assert made.board.store is not None
        self.port = PicoEmulator(made.files["uf2"], made.board.store.origin - FLASH_BEGIN,
                                 slots or b"", seed)
        self._seed = seed

    @property
    def n_commands(self) -> int:
        return len(self.port.flash.commands)

    def cut(self, at: int) -> None:
        self.port.flash.commands.clear()
        self.port.flash.cut_at = at
        self.port.flash.rng.seed(1000 * self._seed + at)

    def flash(self) -> bytes:
        return self.port.slots


@cache
def saver(name: str, kind: str = "error") -> Saver:
    return Saver(name, InRp2040py if name == "pico" else InUnicorn, kind)


def all_of(name: str, at: Any, record: Record, seed: int = 0, kind: str = "error") -> Counter[str]:
    """What is found after each of some cuts."""
    on = saver(name, kind)
    found = Counter(on.outcome(n, seed) for n in at)
    record("power cuts in a save", f"{name}: {len(at)} of {on.n_commands} commands, "
           f"{found['old']} old, {found['new']} new")
    return found


@pytest.mark.parametrize("name", sorted(CONTROLLERS))
def test_what_was_saved_is_there_after_the_power_was_gone(name: str) -> None:
    """Twice, in either slot, RAM full of noise at each start."""
    on = saver(name)
    assert on.new.saved.n_saves == 3 and on.n_commands > 2
    assert load_board(name).store is not None


@pytest.mark.parametrize("name", ["pico", *sorted(ONE_OF_A_KIND.values())])
def test_a_cut_leaves_the_old_or_the_new_save(name: str, record_property: Record) -> None:
    """Of a save some commands on a change, the header's among them, and each one nightly."""
    on = saver(name)
    some = range(1, on.n_commands + 1) if lanes.nightly else cuts(on.n_commands, 2)
    found = all_of(name, some, record_property)
    units = -(-32 // load_board(name).store.write_bytes)  # type: ignore[union-attr]
    assert found["old"] >= len(some) - units, "the header's last unit makes the save"


ECC = [ONE_OF_A_KIND[kind] for kind in ("l4", "g0", "g4", "wb", "u5", "h7")]


@pytest.mark.parametrize("name", ECC)
def test_a_unit_that_cannot_be_read_costs_that_save_alone(name: str) -> None:
    """Of the newer save one unit's check bits do not fit, be it the header's or another one's: NMI
    or bus fault, the save before it counts, and the next save is whole."""
    on, board = saver(name), load_board(name)
    assert board.store is not None
    exception = 5 if board.bus_fault else 2
    flash: Flash = deepcopy(on.held)
    writes = [at for what, at in flash.commands if what == "write"]
    units = writes[-on.n_commands + 1:]  # of the newer one, its header last
    for unit in (units[0], units[len(units) // 2], units[-1]):
        torn = deepcopy(flash)
        torn.unreadable = {unit - unit % torn.controller.write}
        powered = InUnicorn(on.made, torn, 8)
        found, following = on.saved_again(powered)
        assert powered.port.n_exceptions[exception] > 0
        assert found.saved.n_saves == 1 and following.saved.n_saves == 2
        assert not powered.flash().unreadable, "it was erased with its slot"
        assert on.start(powered.flash(), 9) == following


@pytest.mark.parametrize("seed", range(2 if lanes.nightly else 1))
def test_a_large_save_of_the_pico_is_cut_at_every_command(seed: int,
                                                          record_property: Record) -> None:
    """About 7 KB, in two sectors, torn otherwise each time; on a change the erase of the second
    one, and the header."""
    on = saver("pico", "large")
    assert on.n_commands > 25
    some = range(1, on.n_commands + 1) if lanes.nightly else (2, on.n_commands)
    all_of("pico", some, record_property, 10 * seed, "large")

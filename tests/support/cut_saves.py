"""Power that goes in a save: what a board finds at its next start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from support.chip_flashes import CutError
from support.devices import firmware, network, samples

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.wire.saved import EMPTY, Saved, Slots
from edge_dassdp.wire.session import Port


@dataclass(frozen=True)
class Start:
    """What a device says after a start: its slots, and a digest of all that it learned."""

    saved: Saved
    digest: int


class Powered(Protocol):
    """A board from the moment on that its power came."""

    @property
    def port(self) -> Port:
        """Of its link."""

    @property
    def n_commands(self) -> int:
        """Erases and writes of its flash since `cut` was called."""

    def cut(self, at: int) -> None:
        """The power goes at that command from now on; 0: at none."""

    def flash(self) -> Any:
        """What it holds, torn or not."""


Power = Callable[[Firmware, Any, int], Powered]
"""Gives power to a firmware: with what flash holds, None from the factory, and noise in RAM by a
seed."""


class Saver:
    """One board and one network, through saves that are cut. held, old: flash with two saves, so
    that both slots are used, and the start from the second one. new: that from the third.
    n_commands: of the third save."""

    def __init__(self, name: str, power: Power, kind: str = "error") -> None:
        self.name, self.power, self.kind = name, power, kind
        self.made = firmware(load_board(name), kind)
        self.samples = list(zip(*samples(6, kind=kind), strict=True))
        self.held, self.old = self._first_saves()
        self.new, self.n_commands = self._whole_save()

    def _connected(self, board: Powered) -> LinkTarget:
        return LinkTarget.of(network(self.kind), board.port, build_hash=self.made.build_hash,
                             timeout_s=30.0)

    def _learn(self, device: LinkTarget, *which: int) -> int:
        """From some samples; the digest after them."""
        for i in which:
            device.learn(*self.samples[i])
        return device.statistics().learned_digest

    def start(self, held: Any, seed: int) -> Start:
        with self._connected(self.power(self.made, held, seed)) as device:
            return started(device)

    def _first_saves(self) -> tuple[Any, Start]:
        board = self.power(self.made, None, 1)
        with self._connected(board) as device:
            assert device.in_flash == EMPTY
            self._learn(device, 0)
            assert device.store() == Saved(Slots.SAVED, 1)
            digest = self._learn(device, 1)
            second = Start(device.store(), digest)
        return board.flash(), second

    def _whole_save(self) -> tuple[Start, int]:
        board = self.power(self.made, self.held, 2)
        with self._connected(board) as device:
            assert started(device) == self.old, "RAM held noise, flash all of it"
            digest = self._learn(device, 2)
            board.cut(0)
            new = Start(device.store(), digest)
        assert self.start(board.flash(), 3) == new
        return new, board.n_commands

    def saved_again(self, board: Powered) -> tuple[Start, Start]:
        """What a board that has just started has, and its next save."""
        with self._connected(board) as device:
            found = started(device)
            digest = self._learn(device, 3)
            return found, Start(device.store(), digest)

    def outcome(self, at: int, seed: int = 0) -> str:
        """Of power that goes at a command of the third save: "old" or "new", as the next start
        finds it. Raises AssertionError if it is neither, or if what follows is no whole save."""
        board = self.power(self.made, self.held, 4 + seed)
        device = self._connected(board)
        assert started(device) == self.old and self._learn(device, 2) == self.new.digest
        board.cut(at)
        with pytest.raises(CutError):
            device.store()
        board = self.power(self.made, board.flash(), 5 + seed)
        found, following = self.saved_again(board)
        assert found in (self.old, self.new), f"{found}: neither {self.old} nor {self.new}"
        assert following.saved.n_saves == found.saved.n_saves + 1
        assert self.start(board.flash(), 6 + seed) == following, "the next save is whole"
        return "new" if found == self.new else "old"


def started(device: LinkTarget) -> Start:
    return Start(device.in_flash, device.statistics().learned_digest)


def cuts(n_commands: int, n_some: int) -> Sequence[int]:
    """Some of them: the first ones, the last ones, and a few between."""
    ends = {1, 2, n_commands - 8, n_commands - 1, n_commands}
    between = range(3, n_commands, max(1, n_commands // max(1, n_some)))
    return sorted(n for n in {*ends, *between} if 1 <= n <= n_commands)

"""What is saved to flash counts at the next start, bit for bit, wherever the model runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.emit.firmware import build_and_compare
from edge_dassdp.plan import Plan
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import LEARN, Target
from edge_dassdp.wire.saved import EMPTY, Saved, Slots

SCENARIO = SCENARIOS["mixed_16"]
NETWORK = SCENARIO.quantized
EMULATED = ("nvmc", "ram")
"""Drivers whose controllers QEMU models; the others' stand in tests/boards."""
BOARDS = [board.name for board in map(load_board, list_boards())
          if board.qemu and board.store and board.store.driver in EMULATED]
HERE = ("reference", "emulator", "emulator-checked", "loopback")
TARGETS = (*HERE, *(f"qemu:{name}" for name in BOARDS))
SAVED = Slots.SAVED
RNG = np.random.default_rng(15)
X: NDArray[np.int8] = RNG.integers(-100, 101, (40, NETWORK.x_bytes)).astype(np.int8)
Y = RNG.integers(0, NETWORK.n_classes, 40)


def opened(spec: str, save_every: int = 0) -> Target:
    if spec == "reference":
        return ReferenceTarget(NETWORK)
    if spec.startswith("emulator"):
        return Emulator(NETWORK, checked=spec == "emulator-checked", save_every=save_every)
    if spec == "loopback":
        library = build_emulator(emit(Plan.of(NETWORK), save_every=save_every))
        return LinkTarget.of(NETWORK, LoopbackStream(library))
    board = load_board(spec.partition(":")[2])
    build = build_and_compare(NETWORK, board, save_every=save_every)
    return Qemu.start(NETWORK, build.firmware)


def restart(target: Target) -> None:
    """The power goes and comes, as far as a target has it."""
    if isinstance(target, ReferenceTarget | Emulator | Qemu):
        target.press_reset()
    else:
        target._session._port.reboot()  # type: ignore[attr-defined]
    if isinstance(target, LinkTarget):
        end_s = time.monotonic() + 10
        while time.monotonic() < end_s:
            try:
                target.statistics()
            except EdgeError as problem:
                assert problem.code == "E505", problem
                break
        else:
            raise AssertionError("it did not restart")


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    with opened(request.param) as made:
        yield made


def digest(target: Target) -> int:
    return target.statistics().learned_digest


def test_a_save_counts_at_the_next_start_and_what_came_after_it_is_gone(target: Target) -> None:
    factory = digest(target)
    assert target.in_flash == EMPTY
    target.run(X[:6], Y[:6], mode=LEARN)
    learned = digest(target)
    assert target.store() == target.in_flash == Saved(SAVED, 1)
    target.run(X[6:9], Y[6:9], mode=LEARN)
    assert digest(target) != learned
    restart(target)
    assert digest(target) == learned and target.in_flash == Saved(SAVED, 1)
    target.run(X[6:12], Y[6:12], mode=LEARN)
    further = digest(target)
    for n in (2, 3, 4):
        assert target.store() == Saved(SAVED, n)
    restart(target)
    assert digest(target) == further and target.in_flash == Saved(SAVED, 4)
    target.reset()
    assert digest(target) == factory and target.in_flash == Saved(SAVED, 4)
    restart(target)
    assert digest(target) == further, "a reset leaves flash alone"
    target.reset(factory=True)
    assert digest(target) == factory and target.in_flash == EMPTY
    restart(target)
    assert digest(target) == factory and target.in_flash == EMPTY


def test_all_learn_on_from_a_save_with_the_same_bits() -> None:
    """The learning state is part of it: generator, batch, counters, ring."""
    digests = []
    for spec in HERE:
        with opened(spec) as target:
            target.run(X[:11], Y[:11], mode=LEARN)
            target.store()
            restart(target)
            target.run(X[11:], Y[11:], mode=LEARN)
            digests.append(digest(target))
    with opened("reference") as never_off:
        never_off.run(X, Y, mode=LEARN)
        assert {*digests} == {digest(never_off)}


@pytest.mark.parametrize("spec", [s for s in TARGETS if s != "reference"])
def test_it_saves_by_itself_where_the_build_says_so(spec: str) -> None:
    with opened(spec, save_every=5) as target:
        done = target.run(X[:13], Y[:13], mode=LEARN)
        assert np.flatnonzero(done.is_saved).tolist() == [4, 9] and not done.is_unsaved.any()
        assert target.in_flash == Saved(SAVED, 2)
        assert not target.run(X[:3], None, mode=LEARN).is_saved.any(), "these have no label"
        restart(target)
        assert target.statistics().n_labelled == 10
        assert target.in_flash == Saved(SAVED, 2)


@pytest.mark.parametrize("spec", HERE)
def test_it_never_saves_by_itself_otherwise(spec: str) -> None:
    with opened(spec) as target:
        assert not target.run(X, Y, mode=LEARN).is_saved.any()
        assert target.in_flash == EMPTY

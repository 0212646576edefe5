"""What learns where nobody says it: the best that stands, with what a board has room for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support import valued
from support.chains import chain, samples

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, load_board
from edge_dassdp.data.datasets import Samples, load_dataset
from edge_dassdp.figures.proposal import proposed
from edge_dassdp.ir import Network
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import ErrorSSDP, ErrorTouch, Guard, Learning, ReadoutDelta, Replay

FOLDER = assets.folder("examples") / "digits"


@pytest.fixture(scope="module")
def digits() -> tuple[Network, Samples]:
    return ir.load(FOLDER / "digits_seed0.npz"), load_dataset(FOLDER / "data.npz").train


def with_ram(n_bytes: int) -> Board:
    board = load_board("microbit")
    return dataclasses.replace(board, ram=dataclasses.replace(board.ram, bytes=n_bytes))


def test_where_there_is_room_all_is_replayed(digits: tuple[Network, Samples]) -> None:
    made = proposed(digits[0], Settings(), None, digits[1])
    assert made.learning == Learning.default(digits[0], len(digits[1])) and made.notes == ()
    assert made.learning.replay == Replay(70, 3, n_ring=3)


def test_a_smaller_board_keeps_fewer_and_it_is_said(digits: tuple[Network, Samples]) -> None:
    network, training = digits
    seen = []
    for n_bytes in (16384, 13000, 12000, 11100):
        board = with_ram(n_bytes)
        made = proposed(network, Settings(), board, training)
        assert made.learning is not None
        replay = made.learning.replay
        seen.append(replay.ring_per_class if replay else 0)
        assert ("of 3 of each class in RAM" in " ".join(made.notes)) == (seen[-1] < 3)
        quantized = quantize(network, made.learning, Settings(), training.x, training.y).network
        assert ram_ledger(Plan.of(quantized), board).ram_bytes <= n_bytes
    assert seen[0] == 3 and seen == sorted(seen, reverse=True) and seen[-1] == 0


def test_values_are_learned_by_steps_of_their_own_from_one_ring() -> None:
    """Their errors do not end at 1: the steps of classes may lead away from what is to be learned.
    """
    network, (x, y) = valued.fitted(), valued.samples(120, 1)
    made = proposed(network, valued.SETTINGS, None, Samples(x, y)).learning
    assert made == Learning.default(network, 120, values=True)
    assert made.rules == {"fc2": ErrorTouch(2.0), "fc3": ReadoutDelta(0.3)}
    assert made.replay == Replay(70, 24, n_ring=3)
    with pytest.raises(EdgeError, match="values is 1, expected True or False"):
        Learning.default(network, 120, values=1)  # type: ignore[arg-type]


def test_a_readout_of_values_alone_learns_by_the_steps_of_values() -> None:
    bare = valued.network()
    shallow = dataclasses.replace(
        bare, populations=(bare.populations[0], bare.populations[-1]), projections=(
            bare.projection("fc1"), dataclasses.replace(bare.projection("fc3"), pre="h1")))
    assert Learning.default(shallow, values=True).rules == {"fc3": ReadoutDelta(0.3)}
    assert Learning.default(shallow).rules == {"fc3": ReadoutDelta(1.6)}


def test_without_samples_nothing_is_in_flash_and_it_is_said(
        digits: tuple[Network, Samples]) -> None:
    made = proposed(digits[0], Settings())
    assert made.learning is not None and made.learning.replay == Replay(0, 3, 1, 0)
    assert "flash" in made.notes[0] and "--data" in made.notes[0]


def test_what_has_no_form_makes_way_for_what_has() -> None:
    """Feedback through weights of 0.0001 is a step of touch that no integer holds."""
    net = chain(3)
    tiny = dataclasses.replace(net, projections=tuple(
        dataclasses.replace(q, weight=1e-4 * q.weight) if q.name == "bo" else q
        for q in net.projections))
    made = proposed(tiny, Settings(temperature=1e-4))
    assert made.learning is not None
    quantize(made.network, made.learning, Settings(temperature=1e-4))
    assert isinstance(made.learning.rules["bo"], ReadoutDelta)


def test_what_is_asked_for_beside_the_rules_stays(digits: tuple[Network, Samples]) -> None:
    asked = Replay(5, 1)

    def change(made: Learning) -> Learning:
        return dataclasses.replace(made, replay=asked, guard=Guard(True), schedule=None)

    made = proposed(*(digits[0], Settings(), None, digits[1]), change, plastic_biases=True)
    assert made.learning is not None and made.learning.replay == asked
    assert made.learning.guard == Guard(True) and made.learning.schedule is None
    assert {"fc2_bias", "fc3_bias"} <= set(made.learning.rules)
    assert made.network.population("always").size == 1


def test_a_board_that_was_named_and_is_too_small_is_refused(
        digits: tuple[Network, Samples]) -> None:
    alone = proposed(digits[0], Settings(), with_ram(6000), digits[1])
    assert alone.learning is not None and set(alone.learning.rules) == {"fc3"}
    assert "RAM overflows" in alone.notes[0]
    with pytest.raises(EdgeError) as caught:
        proposed(digits[0], Settings(), with_ram(2500), digits[1])
    assert caught.value.code == "E402"


def test_where_nothing_can_learn_it_is_refused() -> None:
    net = chain(3)
    deaf = dataclasses.replace(net, projections=tuple(
        dataclasses.replace(q, delay=np.array([1])) if q.name != "xa" else q
        for q in net.projections))
    with pytest.raises(EdgeError) as caught:
        proposed(deaf, Settings(), None, Samples(samples(20), np.arange(20) % 4))
    assert caught.value.code == "E203"


def test_latency_synchrony_learns_where_touch_cannot() -> None:
    net = chain(3)
    at_once = dataclasses.replace(net, populations=tuple(
        dataclasses.replace(p, reset_delay=False) if p.name == "b" else p
        for p in net.populations))
    made = proposed(at_once, Settings(), None, Samples(samples(40), np.arange(40) % 4))
    assert made.learning is not None and isinstance(made.learning.rules["ab"], ErrorSSDP)
    assert made.learning.replay is not None and "resets at once" in made.notes[0]
    best = proposed(net, Settings()).learning
    assert best is not None and isinstance(best.rules["ab"], ErrorTouch)

"""What the watch learns by, and how much of it a board's RAM holds."""

from __future__ import annotations

from dataclasses import replace

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.data.datasets import Samples
from edge_dassdp.demo.adaptation import learning_of
from edge_dassdp.plan.budget import held
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import (
    CUSUM,
    ErrorScaled,
    ErrorSSDP,
    ErrorTouch,
    Learning,
    ReadoutDelta,
    Replay,
    Rule,
)

REPLAY = Replay(flash=70, ring_per_class=3, n_ring=3)
"""The most that is stored; a smaller board stores what it holds of it."""
DELTA, TOUCH, SYNCHRONY = ReadoutDelta(0.8), ErrorTouch(32.0), ErrorSSDP(64.0)
"""Chosen on the validation wearers, as docs/evidence.md says."""
WIDE = 64
"""Columns of touch traces where RAM allows: all of the hidden layer's, the faster way."""


def learning(network: ir.Network, hidden: Rule, replay: Replay) -> Learning:
    """`hidden` below the readout's delta rule, and replay; steps follow the share of errors, and
    none is made until errors pile up."""
    made = learning_of(network, hidden)
    readout = network.readout.population
    rules = {name: DELTA if network.projection(name).post == readout else rule
             for name, rule in made.rules.items()}
    return replace(made, rules=rules, schedule=ErrorScaled(), gate=CUSUM(),
                   replay=replay)


def fitting(network: ir.Network, training: Samples, board: Board) -> tuple[ErrorTouch, Replay]:
    """Touch with its traces all at once if the board's RAM holds REPLAY as well, else as much of
    REPLAY as it holds beside narrow ones."""
    wide = replace(TOUCH, columns=WIDE)
    most = _replay_held(network, wide, training, board)
    if most == REPLAY:
        return wide, REPLAY
    return TOUCH, _replay_held(network, TOUCH, training, board)


def _replay_held(network: ir.Network, touch: ErrorTouch, training: Samples, board: Board) -> Replay:
    trial = quantized(network, learning(network, touch, REPLAY), training)
    most = held(trial, REPLAY, board)
    if most is None:
        raise EdgeError("E402", f"board {board.name} has no room for a stored sample")
    return most


def quantized(network: ir.Network, how: Learning, training: Samples) -> QNetwork:
    return quantize(network, how, Settings(), training.x, training.y).network

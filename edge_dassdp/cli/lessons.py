"""The options that say what learns, as `quantize` and `tune` take them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.words import pairs
from edge_dassdp.cli.learning import Memory, learning_from, learning_of, memory_of

if TYPE_CHECKING:
    from edge_dassdp import ir
    from edge_dassdp.data.datasets import Samples
    from edge_dassdp.figures.proposal import Proposal
    from edge_dassdp.quantize.settings import Settings
    from edge_dassdp.rules import Learning

Names = Annotated[list[str] | None, typer.Option(
    "--plastic", help="A projection that learns, by the delta rule into the readout and by "
    "error-modulated SSDP elsewhere; repeat it. Without it and --rule: the readout and what leads "
    "into the last hidden population by touch, with a schedule and replay.", show_default=False)]
Rules = Annotated[list[str] | None, typer.Option(
    "--rule", metavar="PROJECTION=WORD[:SETTING=VALUE,...]", help="How a projection learns: "
    "fc2=touch, fc2=dassdp:a_plus=0.001,batch=4. An unknown word is answered with all that there "
    "are, your own with --rules-from among them. Repeat it.",
    show_default=False)]
Schedule = Annotated[str | None, typer.Option(
    metavar="SAMPLES[,FLOOR]|error[:GAIN[,FLOOR]]|none", show_default=False, help=(
        "Error-driven steps shrink with the labelled samples, down to a share: 120,0.3. error: "
        "they are GAIN times the device's own share of wrong classes: error:2,0.05."))]
Replay = Annotated[str | None, typer.Option(
    metavar="FLASH,RING[,K]|auto[,K]|none", show_default=False, help=(
        "Learn again from stored samples: so many of --data in flash, so many of each class in "
        "RAM, K of these after each labelled sample: 70,3,1. auto: as many as --board holds. With "
        ",reservoir behind it RAM keeps random samples of a class in place of the last; for "
        "streams that come class by class 70,10,1,reservoir, and learn --idle 600."))]
Gate = Annotated[str | None, typer.Option(
    metavar="cusum[:OPENS_AT[,ALLOWED]][,stays]", show_default=False, help=(
        "Nothing is learned until wrong classes pile up: OPENS_AT more than a share ALLOWED of the "
        "samples: cusum:2.7,0.08. It closes where they do no more, unless ,stays is behind it."))]
Guard = Annotated[str | None, typer.Option(metavar="MARGIN[,WINDOW]", show_default=False, help=(
    "Keep a copy of the weights; fall back to the factory's if they have MARGIN hits more in "
    "WINDOW samples, 0 for never: 4,32."))]


@dataclasses.dataclass(frozen=True)
class Lessons:
    """Options that say what learns, and how."""

    plastic: Names = None
    frozen: Annotated[bool, typer.Option("--frozen", help="Nothing learns.")] = False
    rule: Rules = None
    schedule: Schedule = None
    replay: Replay = None
    guard: Guard = None
    gate: Gate = None
    class_means: Annotated[bool | None, typer.Option("--class-means/--no-class-means", help=(
        "Means of what the last hidden layer fires, of --data and then of every sample learned, "
        "decide beside the readout: more from few labels. By itself with --spare-classes and "
        "--data, for only so a new class leaves the others as they are."))] = None
    plastic_biases: Annotated[bool, typer.Option("--plastic-biases", help=(
        "Biases beside error-driven rules learn, too: one more neuron fires in every step."))
    ] = False
    board: Annotated[str | None, typer.Option(show_default=False, help=(
        "The board whose room decides how much is replayed by itself, else that of an stm32f405, "
        "that --replay auto fills, and that holds all that tune tries."))] = None
    rules: Annotated[Path | None, typer.Option(metavar="FILE.toml", show_default=False, help=(
        "What learns, and how, from a file of `tune` or of your own (docs/learning-file.md); "
        "--rule, --schedule, --replay, --guard and --gate change parts of it."))] = None

    @property
    def is_default(self) -> bool:
        """Nothing is said of what learns, and how."""
        return not (self.plastic or self.rule or self.rules) and self._memory == Memory()

    @property
    def _memory(self) -> Memory:
        return memory_of(self.schedule, self.replay, self.guard, self.gate, self.class_means)

    def of(self, source: ir.Network, settings: Settings, train: Samples | None) -> Proposal:
        """The network that learns, with biases as weights where these do, and what learns in it.
        Raises EdgeError E105, E203, those of `proposed`."""
        from edge_dassdp.figures.proposal import Proposal

        memory = self._memory
        if not self.frozen:
            if self.class_means is None and source.readout.spare_classes and train:
                memory = dataclasses.replace(memory, class_means=True)
            return self._chosen(source, memory) if self.plastic or self.rule or self.rules \
                else self._default(source, settings, train, memory)
        if self.plastic or self.rule or memory != Memory() or self.plastic_biases \
                or self.rules:
            raise EdgeError("E105", "--frozen excludes --plastic, --rule, --rules, --schedule, "
                            "--replay, --guard, --gate, --class-means and --plastic-biases")
        return Proposal(source, None)

    def _chosen(self, source: ir.Network, memory: Memory) -> Proposal:
        from edge_dassdp.figures.proposal import Proposal

        rules = pairs(self.rule or [], "--rule")
        if self.rules is None:
            learning = learning_of(source, self.plastic or [], rules, memory)
        elif self.plastic:
            raise EdgeError("E105", "--rules excludes --plastic: the file says what learns",
                            help="leave one of them out, or change a rule with --rule")
        else:
            learning = learning_from(self.rules, rules, memory)
        if not self.plastic_biases:
            return Proposal(source, learning)
        from edge_dassdp.quantize.biases import with_plastic_biases

        return Proposal(*with_plastic_biases(source, learning))

    def _default(self, source: ir.Network, settings: Settings, train: Samples | None,
                 memory: Memory) -> Proposal:
        from edge_dassdp.build.board import load_board
        from edge_dassdp.figures.proposal import proposed

        board = None if self.board is None else load_board(self.board)
        return proposed(source, settings, board, train, memory.onto,
                        plastic_biases=self.plastic_biases)


def filling(source: ir.Network, learning: Learning, settings: Settings, train: Samples | None,
            board: str | None) -> Learning:
    """With as many stored samples as a board holds."""
    if train is None or board is None:
        raise EdgeError("E105", "--replay auto stores as many samples as a board holds",
                        help="give samples with --data and a board with --board")
    assert learning.replay is not None
    from edge_dassdp.build.board import load_board
    from edge_dassdp.plan.budget import propose
    from edge_dassdp.quantize import quantize

    least = dataclasses.replace(learning, replay=dataclasses.replace(learning.replay, flash=0))
    made = quantize(source, least, settings, train.x, train.y).network
    replay = propose(made, learning.replay, load_board(board), n_available=len(train))
    return dataclasses.replace(learning, replay=replay)

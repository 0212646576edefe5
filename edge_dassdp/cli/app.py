"""The verbs of the command line, loaded when they are called."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from edge_dassdp import __version__

VERBS = {
    "inspect": ("inspect", "Show a network, build nothing."),
    "quantize": ("quantize", "Quantize a network and prove its ranges."),
    "tune": ("tune", "Choose constants of learning."),
    "compare": ("compare", "Compare methods of learning on your own samples."),
    "generate": ("firmware", "Write the C project of a firmware, or a library."),
    "build": ("firmware", "Build firmware, compare with prediction."),
    "key": ("firmware", "Make the key of a locked build."),
    "measure": ("measure", "Measure RAM, flash, stack, instructions, cycles, energy."),
    "flash": ("flash", "Build the firmware and program a board."),
    "learn": ("learn", "Learn from labelled samples on a target."),
    "run": ("stream", "Classify samples on a target, or read its values."),
    "profile": ("stream", "Find out how a sensor is worn."),
    "verify": ("stream", "Compare targets with the reference."),
    "trace": ("trace", "Write down the spikes of samples, step by step."),
    "monitor": ("monitor", "Watch a board that runs, without changing it."),
    "save": ("devices", "Save to the board's flash what it has learned."),
    "reset": ("devices", "Return a board to factory weights."),
    "forget": ("devices", "Forget a class that was taught on a device."),
    "prove": ("state", "Prove from a log what was learned from what."),
    "export": ("state", "Write learned weights into a network."),
    "state": ("state", "Show, compare and merge what devices have learned."),
    "board": ("board", "Write a board file of your own, and check it."),
    "boards": ("system", "List the boards of the package."),
    "devices": ("system", "List boards: serial ports, drives, what runs."),
    "doctor": ("system", "Check which tools are installed and work."),
    "explain": ("system", "Explain an error code."),
    "ci": ("system", "Keep a model bit-exact in your own CI."),
    "demo": ("demo", "Adapt on a device to what changed after training."),
    "rerun": ("runs", "Repeat a run, and say whether its bits are the same."),
    "diff": ("runs", "Say in what two runs or two builds differ."),
    "report": ("runs", "Write a page of one or several runs."),
}
"""As they are listed: the module of `verbs` that registers one, and its line, which is how the text
of the verb itself begins."""


class _Verbs(TyperGroup):
    """Of a verb its line is known; it is loaded when it is called, and loads by itself what it
    needs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {name: TyperCommand(name, help=line) for name, (_, line) in VERBS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and _loaded(str(name)), rest


def _loaded(name: str) -> Any:
    verbs = typer.Typer(rich_markup_mode=None)
    import_module(f"{__package__}.verbs.{VERBS[name][0]}").register(verbs)
    return typer.main.get_group(verbs).commands[name]


app = typer.Typer(
    name="edge-dassdp", cls=_Verbs, no_args_is_help=True,
    rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Spiking networks from PyTorch to Cortex-M firmware that goes on learning, bit for bit.",
    epilog="Exit status: 0 ok, 1 a check failed, 2 usage, 3 a tool is missing, 4 device or link, "
           "5 unsupported model, 101 internal, 130 Ctrl-C, 128 + n ended by signal n.")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edge-dassdp {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version,
                                          help="Print the version.")] = False,
) -> None:
    pass


"""The verbs of the command line, loaded when they are asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from edge_dassdp import __version__

_MODULES = ("inspect", "quantize", "tune", "compare", "firmware", "measure", "flash", "learn",
            "stream", "trace", "monitor", "devices", "state", "board", "system", "demo", "runs")
"""Where the verbs stand, in the order in which they are listed."""


class _Verbs(TyperGroup):
    """Verbs are loaded when one is asked for; they load what they need when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        self._load()
        return super().get_command(ctx, cmd_name)

    def _load(self) -> None:
        for module in () if self.commands else _MODULES:
            verbs = typer.Typer(rich_markup_mode=None)
            import_module(f"{__package__}.verbs.{module}").register(verbs)
            self.commands.update(typer.main.get_group(verbs).commands)


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


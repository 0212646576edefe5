"""The command line: `main()` is the entry point of `edge-dassdp` and of `python -m edge_dassdp`."""

from __future__ import annotations

from typing import Annotated

import typer

from edge_dassdp import __version__
from edge_dassdp.cli import demo, export, firmware, model, stream, system

app = typer.Typer(
    name="edge-dassdp", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    help="Spiking networks from PyTorch to Cortex-M firmware that goes on learning, bit for bit.",
    epilog="Exit status: 0 ok, 1 a check failed, 2 usage, 3 a tool is missing, 4 device or link, "
           "5 unsupported model, 101 internal, 130 interrupted.")
for group in (model, firmware, stream, export, system, demo):
    group.register(app)


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


def main() -> None:
    """Run the command line and exit with its status."""
    app()

"""The command line: `main()` is the entry point of `edge-dassdp` and of `python -m edge_dassdp`."""

import os
from functools import partial

from edge_dassdp.interrupts import install


def main() -> None:
    """Run the command line and exit with its status. Ctrl-C is looked after before all imports."""
    install()
    from edge_dassdp.cli.app import app
    from edge_dassdp.report import streams

    if os.environ.get("_EDGE_DASSDP_COMPLETE") == "complete_bash":
        from edge_dassdp.cli.shell.completion import join_at_colons

        join_at_colons(os.environ)
    streams.run(partial(app, prog_name="edge-dassdp"))  # so a shell is told, however it was called

"""monitor: what a board that runs counts, while it goes on."""

from __future__ import annotations

import dataclasses
import signal
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.cli.device import drift, is_board, link
from edge_dassdp.cli.output import Answer, Interrupted, Output, verb
from edge_dassdp.interrupts import Ended
from edge_dassdp.targets.open import open_target

if TYPE_CHECKING:
    from edge_dassdp.report.monitor import Reading, Watch
    from edge_dassdp.targets.target import Target

_TARGET = ("A board that runs: serial:PORT[@BAUD]; one in QEMU or elsewhere behind a socket: "
           "serial:socket://HOST:PORT.")


def register(app: typer.Typer) -> None:
    verb(app, "monitor")(_monitor)


def _monitor(
    out: Output,
    model: options.Model,
    target: Annotated[str, typer.Option("--target", "-t", show_default=False, help=_TARGET)],
    every: Annotated[float, typer.Option(min=0.05, max=3600, metavar="SECONDS", help=(
        "How often it is asked."))] = 1.0,
    readings: Annotated[int, typer.Option(min=0, metavar="N", help=(
        "End after so many answers; 0: at Ctrl-C."))] = 0,
    log: options.Log = None,
    lock: options.Lock = None,
) -> Answer:
    """Watch a board that runs, without changing it.

    What it and its link count: lessons, gate, guard, saturated weights, how its sensor is worn,
    frames repeated. Ctrl-C ends it, with status 0. With --json every answer is a line.
    """
    from rich.text import Text

    from edge_dassdp import harness
    from edge_dassdp.report.console import Screen
    from edge_dassdp.report.monitor import Counters, Watch

    if not is_board(target):
        raise EdgeError("E105", f"nothing runs on '{target}' before a command begins it",
                        help=_TARGET)
    network = options.load_model(model)
    failed: EdgeError | None = None
    with open_target(target, network, log=out.link_log(target, log), lock=lock) as device, \
            out.alone(), \
            Watch(Screen(), Counters(device, network), is_shown=not out.as_json) as watch:
        try:
            _read(out, device, watch, every, readings)
        except EdgeError as problem:
            failed = problem
        except KeyboardInterrupt as problem:
            if Ended.of(problem).number != signal.SIGINT:
                raise Interrupted(problem, _told(target, watch), _data(target, watch),
                                  network.sha256) from None
    data = _data(target, watch)
    digest = watch.last and harness.digest_text(watch.last.statistics.learned_digest)
    return Answer({**data, "digest": digest}, [Text(_told(target, watch))], network.sha256,
                  failed=failed)


def _read(out: Output, device: Target, watch: Watch, every: float, readings: int) -> None:
    """Until Ctrl-C, or so many times."""
    while True:
        found = watch.read()
        out.line(reading=watch.n, **_reading(found), link=link(device))
        if watch.n == readings:
            return
        time.sleep(every)


def _reading(found: Reading) -> dict[str, Any]:
    return {"statistics": dataclasses.asdict(found.statistics), "drift": drift(found.drift),
            "profile": found.profile}


def _data(target: str, watch: Watch) -> dict[str, Any]:
    return {"target": target, "n_readings": watch.n, "n_learned": watch.n_learned,
            **(_reading(watch.last) if watch.last else {})}


def _told(target: str, watch: Watch) -> str:
    """The last line."""
    text = f"{target}: {watch.n:,} answers, {watch.n_learned:,} lessons in the meantime"
    return text if watch.last is None else \
        f"{text}; digest {watch.last.statistics.learned_digest:08x}, as it was left"

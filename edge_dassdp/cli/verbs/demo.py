"""demo: the main jobs, end to end, with what ships."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.data.names import SCENARIOS

_SEEDS = 5


def register(app: typer.Typer) -> None:
    verb(app, "demo")(_demo)


def _demo(
    out: Output,
    name: Annotated[str, typer.Argument(help="Which demonstration: digits or watch.")] = "digits",
    output: Annotated[Path | None, typer.Option("--out", "--run", show_default=False, help=(
        "Run folder, of figures and results; else runs/ and the name.")), Writes.RUN] = None,
    scenario: Annotated[str | None, typer.Option("--scenario", show_default=False, help=(
        "watch: " + "; ".join(f"{k} {v}" for k, v in SCENARIOS.items()) + ". Ap if not given."
    ))] = None,
    board: Annotated[str | None, typer.Option("--board", "-b", show_default=False, help=(
        "watch: stm32f405 (if not given), microbit, or another of `boards`."))] = None,
    seed: Annotated[int | None, typer.Option("--seed", show_default=False, help=(
        "watch: which network, wearers and shift; 0 if not given."))] = None,
    seeds: Annotated[int | None, typer.Option(min=1, max=_SEEDS, show_default=False, help=(
        f"digits: networks and sensors to try, {_SEEDS} if not given."))] = None,
    models: Annotated[Path | None, typer.Option(show_default=False, help=(
        "Folder of digits_seed0.npz or watch_seed0.npz and so on, instead of those shipped."))
    ] = None,
    no_firmware: Annotated[bool, typer.Option("--no-firmware", help=(
        "Leave out what needs arm-none-eabi-gcc and QEMU."))] = False,
) -> Answer:
    """Adapt on a device to what changed after training, and measure it.

    digits: a sensor has worn. watch: it moved to the other wrist, or --scenario. Quantizes, builds,
    learns in QEMU and in the emulator, compares methods, and leaves a run folder with
    results.json, figures, C projects and link logs.
    """
    console = out.stderr if out.as_json else out.stdout
    folder = output or Path("runs") / name
    of_digits = {"seeds": seeds}
    of_watch = {"scenario": scenario, "board": board, "seed": seed}
    if name == "digits":
        from edge_dassdp.demo import digits

        _refuse(name, of_watch)
        with out.alone():
            return Answer(digits.run_demo(digits.Options(
                folder, models, firmware=not no_firmware, **_given(n_seeds=seeds)), console,
                out.record(), out.progress))
    if name == "watch":
        from edge_dassdp.demo import watch

        _refuse(name, of_digits)
        with out.alone():
            results = watch.run_watch(watch.Options(
                folder, models=models, firmware=not no_firmware, **_given(**of_watch)), console,
                out.record(), out.progress)
        return Answer(results, next=() if of_watch["board"] else (
            "edge-dassdp", "demo", "watch", "--board", "microbit", "--out", "runs/watch-microbit"))
    raise EdgeError("E105", f"there is no demonstration '{name}'", help="choose digits or watch")


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _refuse(name: str, others: dict[str, Any]) -> None:
    """An option of another demonstration is no option of this one."""
    for option in _given(**others):
        raise EdgeError("E105", f"demo {name} has no --{option}",
                        help="edge-dassdp demo --help says which option belongs to which")

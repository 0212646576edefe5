"""boards, doctor, explain, demo: what comes with the package; devices stands beside."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_dassdp.base.errors import CODES, EXIT_OK, EXIT_TOOL_MISSING, EdgeError, refuse_unless
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.cli.verbs import devices
from edge_dassdp.data.names import SCENARIOS

_SEEDS = 5


def register(app: typer.Typer) -> None:
    for function in (_boards, devices.devices, _doctor, _explain, _demo):
        verb(app, function.__name__.strip("_"))(function)


def _boards(out: Output) -> Answer:
    """List the boards of the package, and what has executed their firmware."""
    from rich.text import Text

    from edge_dassdp.build.board import list_boards, load_board
    from edge_dassdp.figures.evidence import ASKED, KINDS, evidence, on_silicon
    from edge_dassdp.report import screens

    boards = [load_board(name) for name in list_boards()]
    rows = [(b.name, b.title, f"{b.ram.bytes:,}", f"{b.flash.bytes:,}", str(evidence(b.name)[0]))
            for b in boards]
    return Answer(
        {"boards": [{"name": b.name, "title": b.title, "cpu": b.cpu, "ram_bytes": b.ram.bytes,
                     "flash_bytes": b.flash.bytes, "qemu": b.qemu.machine if b.qemu else None,
                     "evidence": [{"kind": run.kind, "what": KINDS[run.kind], "by": run.by,
                                   "test": run.test} for run in evidence(b.name)],
                     "on_silicon": b.name in on_silicon()}
                    for b in boards]},
        [screens.listing(("board", "what it is", "RAM B", "flash B", "has executed its firmware"),
                         rows),
         Text(f"On silicon: {', '.join(on_silicon()) or 'none'}. If you have one of them, flash it "
              f"and send us what this says:\n  {ASKED}"),
         Text("Another board: `board new` begins its board.toml; give its path to --board.")])


@dataclasses.dataclass(frozen=True)
class _Check:
    """One line of `doctor`."""

    what: str
    ok: bool
    needed_for: str
    fix: str
    optional: bool = False


def _doctor(
    out: Output,
    fix: Annotated[bool, typer.Option("--fix", help=(
        "Write the udev rule by which you may use the boards of the package, as root to "
        "/etc/udev/rules.d, and show it. Linux."))] = False,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", show_default=False, help=(
        "Write the rule to this file instead.")), Writes.FILE] = None,
) -> Answer:
    """Check which tools are installed and work.

    Exit status 3 if a tool is missing or fails that emulator, build or QEMU need.
    """
    from rich.text import Text

    from edge_dassdp.report import screens

    if fix or to:
        return _fix(fix, to)
    checks = [*_tools(), *_packages(), *_ports()]
    rows = [("✓" if c.ok else "–" if c.optional else "✗", c.what, c.needed_for,
             "" if c.ok else c.fix) for c in checks]
    missing = [c for c in checks if not c.ok and not c.optional]
    return Answer(
        {"checks": [dataclasses.asdict(c) for c in checks],
         "python": sys.version.split()[0]},
        [screens.listing(("", "what", "needed for", "fix"), rows),
         Text("all there" if not missing else f"{len(missing)} missing")],
        exit=EXIT_TOOL_MISSING if missing else EXIT_OK)


def _fix(fix: bool, to: Path | None) -> Answer:
    """The udev rule, written, or what to do that it is."""
    from rich.text import Text

    from edge_dassdp.flashing import udev
    from edge_dassdp.flashing.finding import known_boards

    refuse_unless("E105", fix, "--to says where --fix writes", help="add --fix")
    refuse_unless("E105", sys.platform == "linux", "there is nothing to fix on this system",
                  cause="udev is Linux's; elsewhere everybody may use serial ports")
    place = to or udev.PLACE
    text = udev.rules(known_boards())
    failed = None
    try:
        udev.install(text, place)
    except EdgeError as problem:
        failed = problem
    rest = (f"for boards that are plugged in, as root: {udev.RELOAD}" if place == udev.PLACE
            else f"as root copy it to {udev.PLACE}, then: {udev.RELOAD}")
    done = f"not written to {place}" if failed else f"written to {place}; {rest}"
    return Answer({"rule": text, "file": str(place), "written": failed is None},
                  [Text(text), Text(done)], failed=failed)


def _tools() -> list[_Check]:
    from edge_dassdp.build.compile import try_newlib
    from edge_dassdp.build.host import try_compiler
    from edge_dassdp.build.tools import ARM_HELP, ARM_PREFIX, find_tool, version
    from edge_dassdp.storage.cache import cache_folder
    from edge_dassdp.targets.qemu import QEMU, boards_by_version, check_machines

    def answers(tool: str) -> Callable[[], object]:
        return lambda: version((find_tool(tool, ARM_HELP),), ARM_HELP)

    openocd = "On Debian: apt install openocd"
    return [
        _tried("cc", "emulator", try_compiler),
        *(_tried(ARM_PREFIX + tool, "firmware", answers(ARM_PREFIX + tool))
          for tool in ("gcc", "objcopy", "objdump")),
        _tried("newlib", "firmware", try_newlib),
        _tried(QEMU, "qemu targets, measure", check_machines),
        *(_tried(f"{QEMU} {needed}", f"qemu:{', qemu:'.join(b.name for b in boards)}",
                 partial(check_machines, needed), optional=True)
          for needed, boards in sorted(boards_by_version().items()) if needed),
        _tried("cache folder", "builds", cache_folder),
        _tried("openocd", "flash", lambda: find_tool("openocd", openocd), optional=True),
    ]


def _tried(what: str, needed_for: str, attempt: Callable[[], object], *,
           optional: bool = False) -> _Check:
    """Whether an attempt succeeds; what to do, and why if a tool is there and fails."""
    try:
        attempt()
    except OSError as problem:
        return _Check(what, False, needed_for, f"{problem.filename}: {problem.strerror}", optional)
    except EdgeError as problem:
        why = "" if problem.code == "E301" else f"{problem.message}: {problem.cause}\n"
        return _Check(what, False, needed_for, f"{why}{problem.help}", optional)
    return _Check(what, True, needed_for, "", optional)


def _packages() -> list[_Check]:
    """Packages of the extras; those of the core are there, or this would not run."""
    extras = {"matplotlib": "plot", "torch": "torch", "snntorch": "torch", "nir": "nir",
              "onnx": "onnx", "scikit-learn": "examples", "pyocd": "flash",
              "joblib": "compare", "distributed": "dask"}
    checks = []
    for package, extra in extras.items():
        try:
            what, ok = f"{package} {importlib.metadata.version(package)}", True
        except importlib.metadata.PackageNotFoundError:
            what, ok = package, False
        checks.append(_Check(what, ok, f"the extra '{extra}'",
                             f"pip install 'edge-dassdp[{extra}]'", optional=True))
    return checks


def _ports() -> list[_Check]:
    """The ports that are there and may not be used."""
    from edge_dassdp.targets.serial import ports

    return [_Check(port.path, False, "the board at this port",
                   "you may not use it: edge-dassdp doctor --fix, then plug it in again",
                   optional=True)
            for port in ports() if os.path.exists(port.path)
            and not os.access(port.path, os.R_OK | os.W_OK)]


def _explain(
    out: Output,
    code: Annotated[str, typer.Argument(help="For instance E402.", show_default=False)],
) -> Answer:
    """Explain an error code."""
    from rich.text import Text

    from edge_dassdp.frontends.framework import titles
    from edge_dassdp.frontends.known import listed

    found = CODES.get(code.upper())
    if found is None:
        raise EdgeError("E105", f"there is no error code '{code}'",
                        help=f"Codes: {', '.join(sorted(CODES))}")
    explain = found.explain.replace("{frameworks}", listed(titles(), "or"))
    text = Text(f"{code.upper()}: {found.title} (exit status {found.exit})\n\n{explain}")
    return Answer({"code": code.upper(), "title": found.title, "exit_status": found.exit,
                   "explain": explain}, [text])


def _demo(
    out: Output,
    name: Annotated[str, typer.Argument(help="Which demonstration: digits or watch.")] = "digits",
    output: Annotated[Path | None, typer.Option("--out", show_default=False, help=(
        "Folder for figures and results; else runs/ and the name.")), Writes.FOLDER] = None,
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
        return Answer(digits.run_demo(digits.Options(
            folder, models, firmware=not no_firmware, **_given(n_seeds=seeds)), console))
    if name == "watch":
        from edge_dassdp.demo import watch

        _refuse(name, of_digits)
        results = watch.run_watch(watch.Options(
            folder, models=models, firmware=not no_firmware, **_given(**of_watch)), console)
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

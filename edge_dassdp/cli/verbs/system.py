"""boards, doctor, explain, ci init; devices stands beside."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edge_dassdp.base.errors import CODES, EXIT_OK, EXIT_TOOL_MISSING, EdgeError, refuse_unless
from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.cli.verbs import devices


def register(app: typer.Typer) -> None:
    for function in (_boards, devices.devices, _doctor, _explain):
        verb(app, function.__name__.strip("_"))(function)
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True,
                        help="Keep a model bit-exact in your own CI (docs/ci.md).")
    verb(group, "init", "ci")(_ci_init)
    app.add_typer(group, name="ci")


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
    from importlib.metadata import PackageNotFoundError, version

    extras = {"matplotlib": "plot", "torch": "torch", "snntorch": "torch", "nir": "nir",
              "onnx": "onnx", "scikit-learn": "examples", "pyocd": "flash",
              "joblib": "compare", "distributed": "dask"}
    checks = []
    for package, extra in extras.items():
        try:
            what, ok = f"{package} {version(package)}", True
        except PackageNotFoundError:
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
    code: Annotated[str | None, typer.Argument(help="For instance E402; none lists all.",
                                               show_default=False)] = None,
) -> Answer:
    """Explain an error code."""
    from rich.text import Text

    from edge_dassdp.frontends.framework import titles
    from edge_dassdp.frontends.known import listed

    if code is None:
        return Answer({"codes": {c: found.title for c, found in sorted(CODES.items())}},
                      [Text(f"{c}  {found.title}") for c, found in sorted(CODES.items())])
    found = CODES.get(code.upper())
    if found is None:
        raise EdgeError("E105", f"there is no error code '{code}'",
                        help=f"Codes: {', '.join(sorted(CODES))}")
    explain = found.explain.replace("{frameworks}", listed(titles(), "or"))
    text = Text(f"{code.upper()}: {found.title} (exit status {found.exit})\n\n{explain}")
    return Answer({"code": code.upper(), "title": found.title, "exit_status": found.exit,
                   "explain": explain}, [text])


def _ci_init(
    out: Output,
    model: options.Model,
    data: options.Data,
    project: Annotated[Path, typer.Option(metavar="FOLDER", help="The project."),
                       Writes.FOLDER] = Path(),
    recipe: Annotated[list[str] | None, typer.Option("--for", metavar="github|gitlab",
                                                     show_default=False, help=(
        "Whose CI, repeat it; by itself both."))] = None,
    board: Annotated[str | None, typer.Option("--board", "-b", show_default=False, help=(
        "Hold memory to this board, and run its firmware in QEMU where there is a machine."))]
    = None,
    split: options.Split = "test",
    package: Annotated[str | None, typer.Option(metavar="SPEC", show_default=False, help=(
        "What pip installs in CI: a wheel in the project, an address (https://….whl, "
        "git+https://…), or a requirement; by itself this version of edge-dassdp from pip's "
        "index."))] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over recipes that are there.")]
    = False,
) -> Answer:
    """Write a CI recipe and a test into a project.

    The test compares every bit with the reference and a golden file, accuracy with that of now, and
    memory with that of a board. Model and data lie in the project.
    """
    from rich.text import Text

    from edge_dassdp.ci import recipes, start
    from edge_dassdp.harness.classes import agreed

    network = options.load_model(model)
    part = agreed(network, options.load_part(data, split))[0]
    facts = start.facts_of(network, options.taken(network, part.samples), model, data, project,
                           board or "", package or "")
    written, notes = start.write(facts, project, recipe or recipes.PROVIDERS, force=force)
    return Answer({"written": [str(p) for p in written], "notes": notes,
                   **dataclasses.asdict(facts) | {"model": str(facts.model),
                                                  "data": str(facts.data)},
                   "command": facts.pytest},
                  [Text("\n".join([*(f"wrote {project / p}" for p in written), *notes,
                                   f"in {project}, once, for the golden file:  {facts.pytest}"]))],
                  network.sha256)

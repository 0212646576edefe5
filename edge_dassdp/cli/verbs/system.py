"""boards, devices, doctor, explain."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from edge_dassdp.base.errors import CODES, EXIT_OK, EXIT_TOOL_MISSING, EdgeError
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.targets.open import BAUD, BAUD_MOST

if TYPE_CHECKING:
    from edge_dassdp.targets.serial import Port


def register(app: typer.Typer) -> None:
    for function in (_boards, _devices, _doctor, _explain):
        verb(app, function.__name__.strip("_"))(function)


def _boards(out: Output) -> Answer:
    """List the boards of the package, and what has executed their firmware."""
    from rich.text import Text

    from edge_dassdp.build.board import list_boards, load_board
    from edge_dassdp.figures.evidence import ASKED, KINDS, evidence
    from edge_dassdp.report import screens

    boards = [load_board(name) for name in list_boards()]
    rows = [(b.name, b.title, f"{b.ram.bytes:,}", f"{b.flash.bytes:,}", str(evidence(b.name)[0]))
            for b in boards]
    return Answer(
        {"boards": [{"name": b.name, "title": b.title, "cpu": b.cpu, "ram_bytes": b.ram.bytes,
                     "flash_bytes": b.flash.bytes, "qemu": b.qemu.machine if b.qemu else None,
                     "evidence": [{"kind": run.kind, "what": KINDS[run.kind], "by": run.by,
                                   "test": run.test} for run in evidence(b.name)],
                     "on_silicon": any(run.kind == "silicon" for run in evidence(b.name))}
                    for b in boards]},
        [screens.listing(("board", "what it is", "RAM B", "flash B", "has executed its firmware"),
                         rows),
         Text(f"On silicon: none. If you have one of them, flash it and send us what this says:\n"
              f"  {ASKED}"),
         Text("Another board: copy its board.toml, edit it, and give its path to --board.")])


def _devices(
    out: Output,
    ask: Annotated[bool, typer.Option("--ask", help=(
        "Open every port and ask what runs there."))] = False,
    baud: Annotated[int, typer.Option(min=1, max=BAUD_MOST, help="Bits per second.")] = BAUD,
) -> Answer:
    """List serial ports and what runs there.

    --target serial:PORT takes a port or a unique id; ids stay when a board is plugged in anew.
    """
    from rich.text import Text

    from edge_dassdp.build.board import list_boards, load_board
    from edge_dassdp.report import screens
    from edge_dassdp.targets.serial import ports

    known = {usb: name for name in list_boards() for usb in load_board(name).program.usb}
    found = []
    for port in ports():
        state = _ask(port, baud) if ask else "not asked"
        found.append({**dataclasses.asdict(port), "state": state,
                      "board": known.get(port.usb_id, "")})
    rows = [(p["board"] or "–", p["unique_id"] or "–", p["path"], p["description"], p["state"])
            for p in found]
    screen = screens.listing(("board", "unique id", "port", "description", "state"), rows) \
        if rows else Text("no serial port; run on --target emulator, it gives the same bits")
    return Answer({"devices": found}, [screen])


def _ask(port: Port, baud: int) -> str:
    """What runs behind a port, in a few words."""
    from edge_dassdp.targets.link import LinkTarget
    from edge_dassdp.targets.serial import open_port

    try:
        with LinkTarget(open_port(port.path, baud), timeout_s=0.5, retries=2) as device:
            info = device.info
            return (f"{info.board}, model {info.model_hash[:12]}, build {info.build_hash}, flash "
                    f"{info.start.image_crc:08x}, learned {info.learned_digest:08x}, started "
                    f"{info.start}")
    except EdgeError as problem:
        return ": ".join(filter(None, (problem.code, problem.message, problem.cause)))


@dataclasses.dataclass(frozen=True)
class _Check:
    """One line of `doctor`."""

    what: str
    ok: bool
    needed_for: str
    fix: str
    optional: bool = False


def _doctor(out: Output) -> Answer:
    """Check which tools are installed and work.

    Exit status 3 if a tool is missing or fails that emulator, build or QEMU need.
    """
    from rich.text import Text

    from edge_dassdp.report import screens

    checks = [*_tools(), *_packages()]
    rows = [("✓" if c.ok else "–" if c.optional else "✗", c.what, c.needed_for,
             "" if c.ok else c.fix) for c in checks]
    missing = [c for c in checks if not c.ok and not c.optional]
    return Answer(
        {"checks": [dataclasses.asdict(c) for c in checks],
         "python": sys.version.split()[0]},
        [screens.listing(("", "what", "needed for", "fix"), rows),
         Text("all there" if not missing else f"{len(missing)} missing")],
        exit=EXIT_TOOL_MISSING if missing else EXIT_OK)


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
              "onnx": "onnx", "scikit-learn": "examples"}
    checks = []
    for package, extra in extras.items():
        try:
            what, ok = f"{package} {importlib.metadata.version(package)}", True
        except importlib.metadata.PackageNotFoundError:
            what, ok = package, False
        checks.append(_Check(what, ok, f"the extra '{extra}'",
                             f"pip install 'edge-dassdp[{extra}]'", optional=True))
    return checks


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

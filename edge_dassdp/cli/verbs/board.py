"""board new, board check: for people who write a board file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes

if TYPE_CHECKING:
    from edge_dassdp.build.board import Board
    from edge_dassdp.chips.chip import Chip
    from edge_dassdp.chips.clocks.registers import Running
    from edge_dassdp.chips.pack import Device

Svd = Annotated[Path | None, typer.Option(metavar="FILE.svd", show_default=False, help=(
    "The vendor's description of the chip (CMSIS-SVD)."))]


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True,
                        help="Write a board file of your own, and check it.")
    verb(group, "new", "board")(_new)
    verb(group, "check", "board")(_check)
    app.add_typer(group, name="board")


def _new(
    out: Output,
    name: Annotated[str, typer.Argument(show_default=False, help=(
        "Of the board: up to 16 of a-z, 0-9, _ and -."))],
    svd: Svd = None,
    pack: Annotated[Path | None, typer.Option(metavar="FILE.pack", show_default=False, help=(
        "The vendor's CMSIS pack: memory, core, and an SVD file if --svd gives none."))] = None,
    device: Annotated[str, typer.Option(metavar="NAME", show_default=False, help=(
        "Of the pack, as STM32F405RG."))] = "",
    uart: Annotated[str, typer.Option(metavar="NAME", show_default=False, help=(
        "The chip's UART that the board's serial line is wired to, as USART2."))] = "",
    output: Annotated[Path | None, typer.Option(
        "--output", "-o", metavar="FILE", show_default=False, help=(
            "Where to write. Without it NAME.toml.")), Writes.FILE] = None,
) -> Answer:
    """Begin a board.toml with what the chip's vendor tells.

    What is left to fill in says so; `board check` says when it is right.
    """
    from rich.text import Text

    from edge_dassdp.build.board_checks import check_name
    from edge_dassdp.chips.skeleton import skeleton
    from edge_dassdp.storage.files import write_bytes

    check_name(name)
    path = output or Path(f"{name}.toml")
    if path.exists():
        raise EdgeError("E103", f"{path} exists already", help="write to another file (-o)")
    chip, found = _described(svd, pack, device)
    text = skeleton(name, chip, found, uart)
    write_bytes(path, text.encode())
    n_left = text.count("FILL IN") - 1
    after: list[str | Path] = ["edge-dassdp", "board", "check", path]
    return Answer({"output": str(path), "chip": chip.name, "n_left": n_left},
                  [Text(f"{path}: of {chip.name}; {n_left} places say FILL IN")],
                  next=[*after, "--svd", svd] if svd else after)


def _described(svd: Path | None, pack: Path | None, device: str) -> tuple[Chip, Device | None]:
    """The chip, and its device in the pack. Raises EdgeError E105 where nothing describes it."""
    from edge_dassdp.chips.pack import read_pack
    from edge_dassdp.chips.svd import read_svd

    if pack is None:
        if svd is None:
            raise EdgeError("E105", "nothing describes the chip", help="give --svd or --pack")
        return read_svd(svd), None
    opened = read_pack(pack)
    found = opened.device(device)
    chip = read_svd(svd) if svd else opened.chip(found)
    if chip is None:
        raise EdgeError("E105", f"{pack} has no SVD file of {found.name}",
                        help="give one with --svd")
    return chip, found


def _check(
    out: Output,
    board: Annotated[str, typer.Argument(metavar="FILE", show_default=False, help=(
        "A board.toml, or the name of a board."))],
    svd: Svd = None,
    output: Annotated[Path | None, typer.Option(
        "--output", "-o", metavar="FILE", show_default=False, help=(
            "Write there what each store does, to be kept beside the board.toml and reviewed.")),
        Writes.FILE] = None,
) -> Answer:
    """Say what each store of a board.toml does by name, and what is wrong with it.

    With --svd: registers, fields and meanings, interrupt, clock, baud rate and pins, these where
    the chip's family is known. Exit status 1 if something is wrong.
    """
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.storage.files import are_one, write_bytes

    if output and are_one(output, Path(board)):
        raise EdgeError("E105", f"{output} is read by this command and would be overwritten",
                        help="write to another file")
    loaded = load_board(board)
    if svd is None:
        return Answer({"board": loaded.name, "objections": [], "notes": []}, [Text(
            f"{loaded.name}: every field is well formed; --svd FILE says what the stores do. "
            "Sizes of flash and RAM were not checked against the chip's.")])
    from edge_dassdp.chips.clocks.model import running
    from edge_dassdp.chips.registers import notes, objections, registers_text, unlike_chip
    from edge_dassdp.chips.svd import read_svd

    chip = read_svd(svd)
    text = registers_text(loaded, chip, svd.name)
    if output:
        write_bytes(output, text.encode())
    found = running(loaded, chip)
    wrong = [*dict.fromkeys(objections(loaded, chip) + (found.objections if found else []))]
    if told := unlike_chip(loaded, chip):
        wrong.insert(0, told)
    odd = notes(loaded, chip) + (found.notes if found else ["clocks and pins are not followed: "
                                                           f"{chip.name} has no rules here"])
    return Answer(
        {"board": loaded.name, "chip": chip.name, "objections": wrong, "notes": odd,
         "core_hz": found.core_hz if found else None, "baud": found.baud if found else None},
        [Text(text.rstrip()), Text("\n".join(_summary(loaded, chip, found, wrong)))],
        failed=_failed(loaded, wrong), warnings=odd)


def _summary(board: Board, chip: Chip, found: Running | None, wrong: list[str]) -> list[str]:
    lines = [f"wrong: {why}" for why in wrong]
    if found and found.core_hz:
        lines.append(f"core: {found.core_hz:,.0f} Hz")
    if found and found.baud:
        off = found.baud / board.uart.baud - 1
        lines.append(f"UART: {found.uart_hz:,.0f} Hz, {found.baud:,.0f} baud ({off:+.2%})")
    if not wrong:
        lines.append(f"nothing is wrong by {chip.name}'s description")
    return lines


def _failed(board: Board, wrong: list[str]) -> EdgeError | None:
    if not wrong:
        return None
    count = f"{len(wrong)} things are" if len(wrong) > 1 else "one thing is"
    return EdgeError("E405", f"{board.name}: {count} wrong by the chip's description",
                     cause=wrong[0],
                     help="compare with the chip's reference manual; SVD files err at times, too")

"""inspect: what a network is, before anything is built of it."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb

if TYPE_CHECKING:
    from edge_dassdp.figures.inspection import Inspection
    from edge_dassdp.ir import Network
    from edge_dassdp.neurobench import Metrics
    from edge_dassdp.qir import QNetwork


def register(app: typer.Typer) -> None:
    verb(app, "inspect", runs=True)(_inspect)


def _inspect(
    out: Output,
    file: options.ModelFile,
    board: Annotated[str | None, typer.Option("--board", "-b", show_default=False, help=(
        "Compare with this board alone, by name or path; exit status 1 if it is too small."))]
    = None,
    data: options.OptionalData = None,
    split: options.Split = "test",
    limit: options.Limit = None,
    *,
    origin: options.Source,
) -> Answer:
    """Show a network, build nothing.

    Its graph, the equation of each population, parameters, synaptic operations, what learns by
    default, and which boards hold it. It is quantized with default settings to predict memory;
    a quantized network is shown as it is. With --data NeuroBench's metrics, counted on samples
    (docs/neurobench.md).
    """
    from rich.text import Text

    from edge_dassdp.build.board import list_boards, load_board
    from edge_dassdp.figures.inspection import inspect_network, inspect_quantized
    from edge_dassdp.figures.proposal import COMMON
    from edge_dassdp.frontends import files
    from edge_dassdp.report import screens

    boards = [load_board(name) for name in ([board] if board else list_boards())]
    kind, lacking = files.kind_of(file), None
    model: Network | QNetwork
    if kind == "quantized":
        if origin.words:
            raise EdgeError("E105", f"{file} says itself how it runs, {origin.words[0]} does not "
                            "belong to it", help="leave it out")
        model = options.load_model(file)
        found, sha256 = inspect_quantized(model, boards), model.sha256
        after: options.Words = ["build", file, "--board", board or COMMON]
    else:
        model, lacking = _without_steps(origin, file)
        found = inspect_network(model, boards)
        if lacking:
            lacking = _waiting(lacking, model, data, split) if data else lacking
            found = dataclasses.replace(found, n_steps=0, boards=(), refused=lacking)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        after = ["quantize", file, *origin.words, *options.words(data=data, board=board), "-o",
                 Path(f"{file.stem}.q.npz"), *["--frozen"] * bool(found.frozen_because)]
    failed = found.refused
    counted = _counted(model, data, split, limit) if data and not lacking else None
    if board and not failed and found.boards[0].problem:
        b = found.boards[0]
        failed = EdgeError("E402", f"{b.name}: {b.problem}",
                           cause=f"RAM {b.ram_needed:,} B of {b.ram_bytes:,}, constants in flash "
                                 f"{b.flash_constants:,} B of {b.flash_bytes:,}",
                           help="quantize it with --frozen, or use a larger board"
                           if b.fits_frozen else "use a larger board")
    return Answer(
        {"kind": kind, "source": origin.source, **_inspected(found),
         "metrics": counted.row() if counted else None},
        [screens.inspect_head(found, file.name, files.TITLES[kind], sha256, origin.source),
         screens.inspect_screen(found), *([screens.metrics_screen(counted)] if counted else []),
         Text(screens.LETTERS, "dim")],
        sha256, [] if lacking else ["edge-dassdp", *after], failed)


def _inspected(found: Inspection) -> dict[str, Any]:
    """As JSON values."""
    values = dataclasses.asdict(dataclasses.replace(found, refused=None))
    del values["refused"]
    for made, population in zip(values["populations"], found.populations, strict=True):
        made["size"] = population.size
    for made, b in zip(values["boards"], found.boards, strict=True):
        made |= {"fits": not b.problem, "problem": b.problem, "fits_frozen": b.fits_frozen}
    values["n_steps"] = found.n_steps or None
    return values | {"n_parameters": found.n_parameters, "weight_bits": found.weight_bits,
                     "operations": found.operations}


def _without_steps(origin: options.Source, file: Path) -> tuple[Network, EdgeError | None]:
    """The float network, and, where nobody said how many steps a sample has, what to do about it:
    then it is read with one."""
    try:
        return origin.load(file), None
    except EdgeError as problem:
        if problem.code != "E106" or origin.n_steps is not None:
            raise
        lacking = problem
    try:
        return dataclasses.replace(origin, n_steps=1).load(file), lacking
    except EdgeError as other:
        if other.code != "E106":
            raise lacking from None
        other.help += "\n  and, with --n-steps, how many steps a sample has"
        raise


def _waiting(lacking: EdgeError, model: Network, data: Path, split: str) -> EdgeError:
    """What lacks, with what becomes of samples of a file until it is said. Raises EdgeError E104
    for those that no number of steps makes fit."""
    samples = options.load_part(data, split).samples
    if samples.x.shape[1] % sum(i.n_values for i in model.inputs):
        options.require_width(model, samples)
    lacking.help += f"; NeuroBench's metrics of {data.name} are counted then"
    return lacking


def _counted(model: Network | QNetwork, data: Path, split: str, limit: int | None) -> Metrics:
    """NeuroBench's metrics on samples of a file. Raises EdgeError E104 for those that do not fit.
    """
    from edge_dassdp.neurobench import metrics

    part = options.load_part(data, split)
    return metrics(model, options.taken(model, options.shifted(part, limit=limit)).x)

"""What `inspect` reads beside a file: a network whose steps nobody said, and samples."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options

if TYPE_CHECKING:
    from edge_dassdp.ir import Network
    from edge_dassdp.neurobench import Metrics
    from edge_dassdp.qir import QNetwork


def without_steps(origin: options.Source, file: Path) -> tuple[Network, EdgeError | None]:
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
    except EdgeError:
        raise lacking from None


def waiting(lacking: EdgeError, model: Network, data: Path, split: str) -> EdgeError:
    """What lacks, with what becomes of samples of a file until it is said. Raises EdgeError E104
    for those that no number of steps makes fit."""
    samples = options.load_part(data, split).samples
    if samples.x.shape[1] % sum(i.n_values for i in model.inputs):
        options.require_width(model, samples)
    lacking.help += f"; NeuroBench's metrics of {data.name} are counted then"
    return lacking


def counted(model: Network | QNetwork, data: Path, split: str, limit: int | None) -> Metrics:
    """NeuroBench's metrics on samples of a file. Raises EdgeError E104 for those that do not fit.
    """
    from edge_dassdp.neurobench import metrics

    part = options.load_part(data, split)
    return metrics(model, options.taken(model, options.shifted(part, limit=limit)).x)

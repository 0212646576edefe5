"""Golden files: what a model gave on samples when somebody looked at it, bit for bit.

They hold classes (none of a model of values), logits and digests over every spike, membrane and
weight, of any target: all targets agree. A file that is missing is written and the test fails, so
that somebody looks; it is replaced where that is asked for; neither where CI is set.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import sample_array
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.outcome import Outcome
from edge_dassdp.storage.files import write_text

SCHEMA = "edge_dassdp/golden/1"
_SAMPLE = ("class", "logits", "forward_digest", "learned_digest")


def in_ci(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment says that this is CI."""
    return environment.get("CI", "").lower() not in ("", "0", "false", "no")


def values_of(network: QNetwork, x: ArrayLike, y: ArrayLike | None,
              outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    """What a golden file holds, JSON values. x, y: as `Device` takes them; y None: none learned."""
    learns, has_classes = y is not None, network.values is None
    rows = [(o.class_idx if has_classes else None, o.logits.tolist(), o.forward_digest,
             o.learned_digest if learns else None) for o in outcomes]
    taught = json.dumps(np.asarray(y).tolist()).encode() if learns else b""
    crc = zlib.crc32(taught, zlib.crc32(sample_array(x).astype("<f4").tobytes()))
    return {"schema": SCHEMA, "model_sha256": network.sha256, "samples_crc": crc, "learns": learns,
            "samples": [dict(zip(_SAMPLE, row, strict=True)) for row in rows]}


def compare(path: Path, found: dict[str, Any], *, update: bool) -> str:
    """"" where a file holds these values, or was asked to; else a sentence or two for people.
    Raises EdgeError E103 for a file that is no golden one, or cannot be written."""
    if update or not path.exists():
        if in_ci():
            return (f"golden file {path} is missing, and CI makes none: run the test where you "
                    "work, look at the file, and commit it")
        _write(path, found)
        return "" if update else (
            f"golden file {path} was missing and holds what was found now: look at it, commit it, "
            "and run again")
    return _difference(path, _read(path), found)


def _write(path: Path, values: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise EdgeError("E103", f"golden file {path} cannot be written: {path.parent} is no folder "
                        "and cannot become one", cause=str(problem),
                        help="make room for the folder") from None
    write_text(path, _text(values))


def _text(values: dict[str, Any]) -> str:
    """A sample a line, so that a difference is one."""
    head = {name: value for name, value in values.items() if name != "samples"}
    lines = ",\n".join(f"  {json.dumps(sample)}" for sample in values["samples"])
    return f'{json.dumps(head)[:-1]}, "samples": [\n{lines}\n]}}\n'


def _read(path: Path) -> dict[str, Any]:
    help = "take it from version control, or write it anew with --ed-update"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise EdgeError("E103", f"golden file {path} is torn or cannot be read",
                        cause=str(problem), help=help) from None
    is_one = isinstance(values, dict) and values.get("schema") == SCHEMA
    samples = values.get("samples") if is_one else None
    if not isinstance(samples, list) or not all(
            isinstance(s, dict) and s.keys() == set(_SAMPLE) for s in samples) \
            or not {"model_sha256", "samples_crc", "learns"} <= values.keys():
        raise EdgeError("E103", f"{path} is no golden file of this version", help=help)
    found: dict[str, Any] = values
    return found


def _difference(path: Path, expected: dict[str, Any], found: dict[str, Any]) -> str:
    """The first difference, and why."""
    if expected == found:
        return ""
    where = "no sample differs"
    n, n_found = len(expected["samples"]), len(found["samples"])
    if n != n_found:
        where = f"it holds {n:,} samples, there are {n_found:,}"
    for index, pair in enumerate(zip(expected["samples"], found["samples"], strict=False)):
        names = [name for name in _SAMPLE if pair[0][name] != pair[1][name]]
        if names:
            where = f"sample {index}: " + "; ".join(
                f"{name} is {pair[1][name]}, the file has {pair[0][name]}" for name in names)
            break
    other = {name for name in ("model_sha256", "samples_crc", "learns")
             if expected[name] != found[name]}
    if "learns" in other:
        other.discard("samples_crc")  # it covers what they are taught
    why = [what for name, what in (
        ("model_sha256", "the model is another"), ("samples_crc", "the samples are others"),
        ("learns", "one of them learns, the other does not")) if name in other]
    cause = " and ".join(why) or "model and samples are the same, so code of edge-dassdp is not"
    return (f"golden file {path} differs: {where}. {cause[0].upper()}{cause[1:]}; where that is "
            "meant, run with --ed-update, look at the difference, and commit it")

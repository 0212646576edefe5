"""Two runs side by side: what results and files of them differ, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.runs.folder import LEARNED, MODEL, RESULTS, results_of
from edge_dassdp.runs.record import RECORD
from edge_dassdp.storage.files import sha256_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_dassdp.learned.compare import Changes

_NO_BITS = {".log", ".png", ".svg", ".html"}
"""Files that tell of times, or are drawn of others."""
_NO_RESULTS = ("tool", "link")
"""Parts of results that tell of versions and of times: a frame may be repeated."""


@dataclass(frozen=True)
class Differing:
    """A place in results.json, or a file, that two runs have otherwise; None: not at all."""

    where: str
    first: Any
    second: Any


def flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of JSON values, each with its place: accuracy.methods.touch, path[2]."""
    if isinstance(value, dict):
        for name, v in value.items():
            yield from flat(v, f"{place}.{name}" if place else name)
    elif isinstance(value, list | tuple):
        for i, v in enumerate(value):
            yield from flat(v, f"{place}[{i}]")
    else:
        yield place, value


def results_differ(first: Path, second: Path,
                   renamed: Mapping[str, str] | None = None) -> list[Differing]:
    """Leaves of results.json that differ, links and versions apart. renamed: paths of the second
    run by those of the first."""
    names = {str(first): str(second), **(renamed or {})}
    a, b = (dict(_leaves(results_of(folder), names)) for folder, names in (
        (first, names), (second, {})))
    return [Differing(place, a.get(place), b.get(place)) for place in {**a, **b}
            if a.get(place) != b.get(place)]


def _leaves(results: dict[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for place, value in flat(results):
        if not any(part in _NO_RESULTS for part in place.split(".")):
            yield place, _named(value, names) if isinstance(value, str) else value


def _named(text: str, names: Mapping[str, str]) -> str:
    """A path that is another in the other run, under one name."""
    for path, name in names.items():
        if text == path or text.startswith(path + "/"):
            return name + text[len(path):]
    return text


def files_of(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a run whose bits matter."""
    return {path.relative_to(folder).as_posix(): sha256_of(path)
            for path in sorted(folder.rglob("*")) if path.is_file()
            and path.name not in (RECORD, RESULTS) and path.suffix not in _NO_BITS}


def files_differ(first: Mapping[str, str], second: Mapping[str, str]) -> list[Differing]:
    return [Differing(name, first.get(name), second.get(name)) for name in {**first, **second}
            if first.get(name) != second.get(name)]


@dataclass(frozen=True)
class Numbers:
    """A quantity of two runs, None where one has not measured it. kind: of KINDS."""

    kind: str
    where: str
    first: float | None
    second: float | None


def numbers_differ(first: Path, second: Path) -> list[Numbers]:
    """Numbers of results.json that differ, digests apart, by kind. Raises EdgeError E105 where the
    runs are of two verbs."""
    a, b = results_of(first), results_of(second)
    if a.get("schema") != b.get("schema"):
        raise EdgeError("E105", f"{first} holds {a.get('schema')}, {second} {b.get('schema')}",
                        help="give two runs of one verb")
    found = [_numbers(d) for d in results_differ(first, second)
             if _is_number(d.first, d.second) and "digest" not in d.where]
    return sorted(found, key=lambda n: KINDS.index(n.kind))


def _numbers(d: Differing) -> Numbers:
    """Bytes that are not there are 0."""
    kind = _kind(d.where)
    first, second = (0 if v is None and kind in ("RAM", "flash") else v
                     for v in (d.first, d.second))
    return Numbers(kind, d.where.removeprefix("data."), first, second)


KINDS = ("accuracy", "errors", "RAM", "flash", "counts", "other")
_WORDS = {"errors": ("nrmse", ".mae"),
          "accuracy": ("accuracy", "before", "after", "agreement", "shifted", "original", "hits"),
          "flash": ("flash", "constant", "text"),
          "RAM": ("ram", "by_symbol", "by_field", "by_owner", "bss", "stack", "data",
                  "learning_state", "save"),
          "counts": ("instructions", "operations", "ticks", "n_", "samples", "steps", "values",
                     "statistics", "inference", "lesson", "written")}


def _kind(where: str) -> str:
    """What a place in the results is about."""
    words = where.removeprefix("data.").lower()
    return next((kind for kind, parts in _WORDS.items() if any(part in words for part in parts)),
                "other")


def _is_number(*values: Any) -> bool:
    return all(v is None or (isinstance(v, int | float) and not isinstance(v, bool))
               for v in values) and values != (None, None)


def weights_differ(first: Path, second: Path) -> tuple[Changes, ...] | None:
    """In what the weights of two runs differ, learned ones where both have such; None where there
    is no model, or the two are of other shapes."""
    from edge_dassdp import qir
    from edge_dassdp.learned.compare import changes

    if not all((folder / MODEL).is_file() for folder in (first, second)):
        return None
    a, b = (qir.load(folder / MODEL) for folder in (first, second))
    weights: list[dict[str, NDArray[Any]]] = [
        {p.name: p.w for p in network.projections} for network in (a, b)]
    for network, folder, held in zip((a, b), (first, second), weights, strict=True):
        if (folder / LEARNED).is_file():
            from edge_dassdp.harness import read_snapshot

            held.update(read_snapshot(network, folder / LEARNED))
    if {n: w.shape for n, w in weights[0].items()} != {n: w.shape for n, w in weights[1].items()}:
        return None
    return tuple(changes(name, w.reshape(-1, w.shape[-1]),
                         weights[1][name].reshape(-1, w.shape[-1]))
                 for name, w in weights[0].items())

"""The command of a run folder once more, and whether the bits are the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.runs.compare import Differing, files_differ, files_of, results_differ
from edge_dassdp.runs.record import Record, Used, used_by
from edge_dassdp.storage.files import sha256_of

_PACKAGE = Path(__file__).resolve().parents[2]
_UNREPEATED = (4, 101, 130)
"""Statuses of runs that a device, a defect or somebody ended."""


@dataclass(frozen=True)
class Again:
    """compared: files, results.json among them. differences: none where the bits are the same.
    versions: what is another one now, (before, now)."""

    compared: tuple[str, ...]
    differences: tuple[Differing, ...]
    versions: Mapping[str, tuple[str, str]]


def rerun(folder: Path, into: Path) -> Again:
    """Repeat the run of `folder` in the new folder `into`; what it wrote elsewhere goes there, too.

    Raises EdgeError E103 for no run folder, or where an input is not there, E105 for an input that
    is another one now and for a run that cannot be repeated: one that did not end by itself, or
    taught a board, E302 where the command does not end either.
    """
    record = Record.read(folder)
    _refuse(folder, record)
    (into / "outputs").mkdir(parents=True)
    places = {one.option: into / "outputs" / f"{i}{Path(one.path).suffix}"
              for i, one in enumerate(record.outputs)}
    status = subprocess.run(
        [sys.executable, "-P", "-m", "edge_dassdp", *_words(record, into / "run", places)],
        cwd=record.directory, env=_environment(), stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL).returncode
    if status != record.exit:
        return Again(("exit",), (Differing("exit", record.exit, status),), {})
    second = Record.read(into / "run")
    renamed = {one.path: str(places[one.option]) for one in record.outputs}
    renamed |= dict.fromkeys(_own_names(folder, record), str(into / "run"))
    before = files_of(folder) | {one.option: one.sha256 for one in record.outputs if one.sha256}
    now = files_of(into / "run") | {name: sha256_of(path) for name, path in places.items()
                                    if path.exists()}
    differences = [*results_differ(folder, into / "run", renamed),
                   *files_differ(before, now)]
    versions = {name: (v, second.versions.get(name, "")) for name, v in record.versions.items()
                if second.versions.get(name) != v}
    return Again(("results.json", *before), tuple(differences), versions)


def _own_names(folder: Path, record: Record) -> Iterator[str]:
    """The folder as its own results may name it."""
    yield str(folder)
    for word, value in zip(record.words, [*record.words[1:], ""], strict=True):
        option, is_one, rest = word.partition("=")
        if option in ("--run", "--out"):
            yield rest if is_one else value


def _refuse(folder: Path, record: Record) -> None:
    if not record.words:
        raise EdgeError("E105", f"{folder} was written by no command, and cannot be repeated",
                        help="run it by the command line, with --run")
    if record.exit is None or record.exit in _UNREPEATED:
        raise EdgeError("E105", f"{folder} holds a run that did not end by itself",
                        cause="what came of it cannot be compared", help="run the command again")
    if any(word.removeprefix("--target=").startswith("serial:") for word in record.words):
        raise EdgeError("E105", f"{folder} is of a board, which has gone on since",
                        help="give the command again with --target emulator: the same bits")
    for used in record.inputs:
        _refuse_other(folder, record, used)


def _refuse_other(folder: Path, record: Record, used: Used) -> None:
    now = used_by(used.option, used.path, record.directory)[0]
    if used.sha256 and not now.sha256:
        raise EdgeError("E103", f"{used.path} does not exist, which {folder} was run on",
                        help=f"put it back into {record.directory}")
    if used.sha256 != now.sha256:
        raise EdgeError("E105", f"{used.path} is another one than {folder} was run on",
                        cause=f"its SHA-256 was {used.sha256[:12]}… and is {now.sha256[:12]}…",
                        help="put the old one back, or run the command again")


def _words(record: Record, run: Path, places: Mapping[str, Path]) -> list[str]:
    """With the outputs of this time: of an option that is given twice the last one counts."""
    more = ["--run", str(run), *(word for option, path in places.items()
                                 for word in (option, str(path)))]
    at = record.words.index("--") if "--" in record.words else len(record.words)
    return [*record.words[:at], *more, *record.words[at:]]


def _environment() -> dict[str, str]:
    """This package in the other process, wherever it is called."""
    path = os.pathsep.join(filter(None, [str(_PACKAGE), os.environ.get("PYTHONPATH", "")]))
    return os.environ | {"PYTHONPATH": path}

"""run.toml: which command a run was, of what, on what, and how it ended."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_dassdp import __version__
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.files import sha256_of
from edge_dassdp.storage.toml import read_toml

RECORD = "run.toml"
FORMAT = "edge_dassdp/run/1"
_SECRET = "lock"
"""The option whose file is a key: nothing of it is written down, not even a hash."""


@dataclass(frozen=True)
class Used:
    """A file or folder that an option names. sha256: "" for a key, and for what is not there."""

    option: str
    path: str
    sha256: str


@dataclass
class Record:
    """words: of the command, behind edge-dassdp. directory: where it was called. seeds: by option.
    inputs: by option, as given. outputs: likewise, but for the run folder. exit: the status, None
    where it never ended."""

    verb: str
    words: tuple[str, ...] = ()
    directory: Path = field(default_factory=Path.cwd)
    seeds: Mapping[str, int] = field(default_factory=dict)
    inputs: tuple[Used, ...] = ()
    outputs: tuple[Used, ...] = ()
    versions: Mapping[str, str] = field(default_factory=lambda: _versions())
    begun: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    exit: int | None = None

    @classmethod
    def read(cls, folder: Path) -> Record:
        """That of a run folder. Raises EdgeError E103 where there is none."""
        path = folder / RECORD
        if not path.is_file():
            raise EdgeError("E103", f"{folder} is no run folder", cause=f"it has no {RECORD}",
                            help="give a folder that --run or `demo` wrote")
        made = read_toml(path, "run", "run the command again: it writes this file")
        try:
            if made["format"] != FORMAT:
                raise EdgeError("E103", f"{path} is of format {made['format']}, expected {FORMAT}")
            inputs, outputs = (tuple(Used(**used) for used in made.get(name, ()))
                               for name in ("inputs", "outputs"))
            return cls(made["verb"], tuple(made["command"]), _called_in(folder, made),
                       made["seeds"], inputs, outputs, made["versions"], made["begun"],
                       made.get("exit"))
        except (KeyError, TypeError) as problem:
            raise EdgeError("E103", f"{path} is no record of a run", cause=f"no {problem}",
                            help="run the command again: it writes this file") from None

    def text(self, folder: Path) -> str:
        """As TOML, with paths of the folder's own place."""
        exit = [] if self.exit is None else [f"exit = {self.exit}"]
        parts = [f"format = {_text(FORMAT)}", f"verb = {_text(self.verb)}", "command = [",
                 *(f"    {_text(word)}," for word in self.words), "]",
                 "# from this folder, where it was called; and this folder from there",
                 f"directory = {_text(_relative(self.directory, folder))}",
                 f"folder = {_text(_relative(folder, self.directory))}",
                 "# where that was, should this folder be moved alone",
                 f"called_in = {_text(str(self.directory.resolve()))}",
                 f"begun = {_text(self.begun)}", *exit,
                 "", "[versions]", *(f"{k} = {_text(v)}" for k, v in self.versions.items()),
                 "", "[seeds]", *(f"{k} = {v}" for k, v in self.seeds.items())]
        for name, used in (("inputs", self.inputs), ("outputs", self.outputs)):
            for one in used:
                parts += ["", f"[[{name}]]", *(f"{k} = {_text(v)}" for k, v in vars(one).items())]
        return "\n".join(parts) + "\n"

    def ended(self, exit: int) -> Record:
        """Hash what was written."""
        self.exit = exit
        self.outputs = tuple(used_by(one.option, [one.path], self.directory)[0]
                             for one in self.outputs)
        return self


def used_by(option: str, given: Any, directory: Path | None = None) -> list[Used]:
    """The files that the value of an option names, with their hashes."""
    paths: Sequence[Any] = given if isinstance(given, list | tuple) else \
        [] if given is None else [given]
    found = []
    for path in paths:
        place = (directory or Path.cwd()) / path
        is_told = place.exists() and option.lstrip("-") != _SECRET
        found.append(Used(option, str(path), sha256_of(place) if is_told else ""))
    return found


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"edge_dassdp": __version__, "python": platform.python_version(),
            "numpy": version("numpy"), "platform": platform.platform()}


def _called_in(folder: Path, made: Mapping[str, Any]) -> Path:
    """Where the run of a folder was called, also after that folder, or all around it, was moved."""
    directory = folder / made["directory"]
    is_there = (directory / made.get("folder", folder.resolve())).resolve() == folder.resolve()
    return directory if is_there else Path(made["called_in"])


def _relative(directory: Path, folder: Path) -> str:
    try:
        return os.path.relpath(directory.resolve(), folder.resolve())
    except ValueError:  # another drive of Windows
        return str(directory.resolve())


def _text(text: str) -> str:
    """A string of TOML: what is no text in it, as a name of a file may be, is replaced."""
    whole = os.fsencode(text).decode("utf-8", "replace")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")

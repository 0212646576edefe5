"""Programs of this computer under the sanitizers, and which of their lines ran."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.fleet import SANITIZERS

from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import Project

Lines = dict[tuple[str, int], bool]
"""By file and line that holds code, whether it ran."""


@dataclass(frozen=True)
class Sanitized:
    """Links programs in a folder; an object that several have in common is compiled once.
    counted: folder of the units whose lines are counted."""

    folder: Path
    counted: str

    def program(self, project: Project, name: str) -> Path:
        project.write(self.folder)
        objects = [self._compiled(project, unit) for unit in project.units]
        self._cc(*objects, "--coverage", "-o", name)
        return self.folder / name

    def _compiled(self, project: Project, unit: str) -> str:
        reads = "\0".join((unit, *project.reads(unit)))
        path = self.folder / f"{hashlib.sha256(reads.encode()).hexdigest()}.o"
        if not path.exists():
            count = ["--coverage"] if unit.startswith(self.counted) else []
            self._cc(*project.compile_flags, "-O1", "-g", *count, "-DDASSDP_CHECKED=1", "-c", unit,
                     "-o", str(path))
        return str(path)

    def _cc(self, *arguments: str) -> None:
        subprocess.run([*host_compiler(), *SANITIZERS, *arguments], cwd=self.folder, check=True)

    def lines(self) -> Lines:
        """Of all programs that ran so far."""
        found: Lines = {}
        for file, line, n_runs in self._counts():
            if file.startswith(self.counted):
                found[file, line] = found.get((file, line), False) or n_runs > 0
        return found

    def _counts(self) -> Iterator[tuple[str, int, int]]:
        for data in sorted(self.folder.glob("*.gcda")):
            text = subprocess.run(["gcov", "--json-format", "--stdout", data.name], cwd=self.folder,
                                  capture_output=True, text=True, check=True).stdout
            for part in map(json.loads, text.splitlines()):
                for file in part["files"]:
                    yield from ((file["file"], line["line_number"], line["count"])
                                for line in file["lines"])


def share_text(lines: Lines) -> str:
    """The share of lines that ran, by file."""
    texts = []
    for file in sorted({file for file, _ in lines}):
        ran = [ran for (name, _), ran in lines.items() if name == file]
        texts.append(f"{Path(file).name} {sum(ran)} of {len(ran)} lines")
    return f"{100 * sum(lines.values()) / len(lines):.1f} %: {', '.join(texts)}"

"""One run of a command in a folder: run.toml, results.json, and what else it leaves there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.text import json_text
from edge_dassdp.interrupts import Ended
from edge_dassdp.runs.record import RECORD, Record
from edge_dassdp.storage.files import alone_in, copy, write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESULTS, LINES, MODEL, LEARNED = "results.json", "samples.jsonl", "model.q.npz", "learned.npz"
"""What a verb found out; a line of each sample; the quantized network; what was learned."""
CURVES, JUDGED, RASTER = "curves.json", "judged.json", "raster.json"
"""Hits over a stream by method, classes of the samples judged, spikes: what figures show."""
LINK = "link-{place}.log"
_OURS = (RECORD, RESULTS, LINES, MODEL, LEARNED, CURVES, JUDGED, RASTER, LINK.format(place="*"),
         "report.html")


class Folder:
    """A run of a verb, or of a demonstration, in `directory`. record: of its command."""

    def __init__(self, directory: Path, name: str, record: Record | None = None) -> None:
        self.directory = directory
        self.name = name
        self.record = record or Record(name)
        self._lines: IO[str] | None = None
        self._judged: dict[str, Any] = {}

    @contextmanager
    def begun(self, *, resumes: bool = False) -> Iterator[None]:
        """The folder is this run's, and what it holds then: that of an earlier one goes first, but
        the lines of samples where it `resumes`.

        Raises EdgeError E103 where another run is writing to it, E105 where it holds a run of
        something else, results that are no run's, or what this command reads.
        """
        with alone_in(self.directory):
            self._refuse_foreign()
            for pattern in _OURS:
                for path in self.directory.glob(pattern):
                    if not (resumes and path.name == LINES):
                        path.unlink()
            self.record.verb = self.name
            self._write_record()
            try:
                yield
            except BaseException as problem:
                self.end(_status(problem))
                raise
            finally:
                if self._lines:
                    self._lines.close()
            if self.record.exit is None:
                self.end(0)

    def _refuse_foreign(self) -> None:
        folder = self.directory
        if (folder / RECORD).exists():
            held = Record.read(folder).verb
            if held != self.name:
                raise EdgeError("E105", f"{folder} holds a run of {held}",
                                help="name another folder, or remove this one")
        elif (folder / RESULTS).exists():
            raise EdgeError("E105", f"{folder} holds a {RESULTS} that is no run's",
                            help="name another folder")
        for used in self.record.inputs:
            if folder.resolve() in (self.record.directory / used.path).resolve().parents:
                raise EdgeError("E105", f"{used.path} is read by this command and would be removed",
                                help="name another folder for this run")

    def place(self, name: str) -> Path:
        return self.directory / name

    def link_log(self, spec: str) -> Path:
        """Where the bytes on the link of a target or board go; a log of before is removed."""
        kind, _, rest = spec.rpartition(":")
        plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in rest).strip("-.")
        path = self.place(LINK.format(place="serial" if kind.endswith("serial") else plain))
        path.unlink(missing_ok=True)
        return path

    def keep_model(self, path: Path) -> None:
        """A copy of the quantized network."""
        if path.is_file():
            copy(path, self.place(MODEL))

    def line(self, values: dict[str, Any]) -> None:
        """One more sample; it is there when the process ends here."""
        if self._lines is None:
            self._lines = self.place(LINES).open("a", encoding="utf-8", newline="\n")
        self._lines.write(json_text(values) + "\n")
        self._lines.flush()

    def curves(self, hits: Mapping[str, NDArray[Any]], emphasis: str, window: int = 50) -> None:
        """hits: by method, (n_runs, n_samples) or (n_samples,), 1 where a sample was right before
        it was learned."""
        self._write(CURVES, {
            "window": window, "emphasis": emphasis, "hits": {
                name: [[int(hit) for hit in run] for run in ([h] if h.ndim == 1 else h)]
                for name, h in hits.items()}})

    def judged(self, when: str, found: NDArray[Any], labels: NDArray[Any]) -> None:
        """Classes of the samples to judge by. when: before or after."""
        self._judged[when] = {"found": found.tolist(), "labels": labels.tolist()}
        self._write(JUDGED, self._judged)

    def raster(self, spikes: dict[str, Any]) -> None:
        """The spikes of samples, as `raster.rasters` reads them."""
        self._write(RASTER, spikes)

    def _write(self, name: str, values: dict[str, Any]) -> None:
        write_text(self.place(name), json_text(values) + "\n")

    def finish(self, results: dict[str, Any], exit: int = 0) -> None:
        """Write results.json, and how the run ended."""
        write_text(self.place(RESULTS), json_text(results, indent=2) + "\n")
        self.end(exit)

    def end(self, exit: int) -> None:
        self.record.ended(exit)
        self._write_record()

    def _write_record(self) -> None:
        write_text(self.place(RECORD), self.record.text(self.directory))


def _status(problem: BaseException) -> int:
    """Exit status of a command that ends with it."""
    from edge_dassdp.base.errors import EXIT_INTERNAL

    if isinstance(problem, EdgeError):
        return problem.exit_status
    return Ended.of(problem).status if isinstance(problem, KeyboardInterrupt) else EXIT_INTERNAL


def results_of(folder: Path) -> dict[str, Any]:
    """What results.json of a run holds. Raises EdgeError E103 where it is not there, or is none."""
    path = folder / RESULTS
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError:
        raise EdgeError("E103", f"{folder} holds no {RESULTS}", cause="that run did not end",
                        help="run it again, or name another folder") from None
    except ValueError as problem:
        raise EdgeError("E103", f"{path} is no JSON", cause=str(problem)) from None
    if not isinstance(found, dict):
        raise EdgeError("E103", f"{path} holds no results", cause="it is no object")
    return found


def kept(folder: Path, name: str) -> dict[str, Any] | None:
    """What a run keeps for a figure; None where it kept nothing. Raises EdgeError E103."""
    path = folder / name
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as problem:
        raise EdgeError("E103", f"{path} is no JSON", cause=str(problem)) from None
    return found


def samples_of(folder: Path) -> list[dict[str, Any]]:
    """The lines of samples, or of a stream's decisions, the last of each; [] where a run left none.
    """
    path = folder / LINES
    if not path.is_file():
        return []
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    except ValueError as problem:
        raise EdgeError("E103", f"{path} holds what is no JSON", cause=str(problem)) from None
    return list({line.get("sample", line.get("frame")): line for line in lines}.values())

"""The command: choose constants, run the jobs in parallel, write JSON, tables and the figure."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import joblib
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evidence import goals, plan, report
from evidence.figure import draw
from evidence.measure import Job, Row
from evidence.methods import METHODS
from evidence.results import Results
from evidence.tasks import SETS

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "benchmarks" / "results" / "evidence.json"
DOCUMENT, FIGURE = ROOT / "docs" / "evidence.md", ROOT / "docs" / "evidence.png"
QUICK_PARTS = ("main", "blocked", "sources", "redrawn", "vowels", "sets")
KEPT_EVERY = 10
"""Jobs after which the rows are written."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--quick", action="store_true",
                      help="the parts that the first tables need, with the committed constants, "
                           "written to --out (default)")
    kind.add_argument("--full", action="store_true",
                      help="everything; writes the committed JSON, docs/evidence.md and its figure")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="PART,...",
                        help=f"of {', '.join(plan.PARTS)}; all, or those of a quick run")
    parser.add_argument("--resume", action="store_true",
                        help="keep the rows and constants of a run before, measure what is missing")
    parser.add_argument("--methods", nargs="+", choices=["frozen", *METHODS], help="only these")
    parser.add_argument("--seeds", type=int, nargs="+", help="only these")
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for one per core")
    parser.add_argument("--dask", metavar="ADDRESS",
                        help="run on this Dask scheduler; its workers have edge_dassdp installed")
    parser.add_argument("--out", type=Path, default=Path("runs/evidence"),
                        help="folder of a quick run")
    parser.add_argument("--report", action="store_true", help="write the tables again, run nothing")
    parser.add_argument("--publish", action="store_true",
                        help="of a quick run, too, write what --full writes")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.only or ()) - set(plan.PARTS)):
        parser.error(f"--only: {', '.join(unknown)}: choose of {', '.join(plan.PARTS)}")
    return asked


@contextmanager
def backend(address: str | None, n_jobs: int) -> Iterator[None]:
    """Where joblib runs: processes here, or the workers of a Dask scheduler."""
    if address is None:
        with joblib.parallel_config(backend="loky", n_jobs=n_jobs, inner_max_num_threads=1):
            yield
        return
    from distributed import Client
    from distributed.diagnostics.plugin import UploadDirectory

    with Client(address) as client:
        client.register_plugin(UploadDirectory(str(Path(__file__).parent), update_path=True))
        with joblib.parallel_config(backend="dask", wait_for_workers_timeout=60):
            yield


def execute(jobs: Sequence[Job], title: str = "") -> Iterable[list[Row]]:
    """The rows of each job, in order; a bar on stderr where that is a terminal."""
    bars = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())
    with Progress(*columns, console=bars, disable=not bars.is_terminal) as progress:
        made = joblib.Parallel(return_as="generator")(joblib.delayed(plan.attempt)(job)
                                                      for job in jobs)
        yield from progress.track(made, total=len(jobs), description=title)


def run_parts(results: Results, parts: Sequence[str], asked: argparse.Namespace,
              path: Path) -> None:
    """Adds to the results and keeps them after every part of it."""
    if "tune" in parts:
        begin = time.perf_counter()
        wanted = [m for m in METHODS.values() if (asked.methods is None or m.key in asked.methods)
                  and not (asked.resume and m.key in results.constants)]
        results.constants |= plan.tune(partial(execute, title="constants"), wanted,
                                       results.constants)
        results.took("tune", time.perf_counter() - begin)
        results.save(path)
    only: dict[str, Any] = {name: getattr(asked, name) for name in ("methods", "seeds")
                            if getattr(asked, name) is not None}
    for part in [p for p in parts if p != "tune"]:
        begin = time.perf_counter()
        jobs = plan.jobs([part], results.constants, quick=not asked.full,
                         best=goals.best(results), only=only)
        try:
            for count, rows in enumerate(execute(plan.missing(jobs, results), part), 1):
                results.add(rows)
                if count % KEPT_EVERY == 0:
                    results.save(path)
        finally:
            results.took(part, time.perf_counter() - begin)
            results.save(path)


def main() -> None:
    asked, console = options(), Console(width=150)
    path = COMMITTED if asked.full else asked.out / "evidence.json"
    if asked.resume or asked.report:
        results = Results.load(path)
    else:
        results = Results(constants={} if asked.full else Results.load(COMMITTED).constants)
    for name, made in SETS.items():
        if made.missing:
            console.print(f"{made.title} ({name}) is left out: {' and '.join(made.missing)} "
                          "not found")
    if not asked.report:
        parts = asked.only or (plan.PARTS if asked.full else QUICK_PARTS)
        with backend(asked.dask, asked.jobs):
            run_parts(results, parts, asked, path)
    report.show(results, console)
    published = asked.full or asked.publish
    figure = FIGURE if published else asked.out / FIGURE.name
    draw(results).savefig(figure)
    if published:
        results.save(COMMITTED)
        report.write(results, DOCUMENT)
    console.print(f"written: {path}, {figure}" + f", {COMMITTED}, {DOCUMENT}" * published)



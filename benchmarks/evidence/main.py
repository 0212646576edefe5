"""The command: part by part, in parallel, and what each took; then tables and the figure."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evidence import documents, goals, orientation, plan, unlabelled
from evidence.figure import draw
from evidence.methods import METHODS
from evidence.results import Results
from evidence.tasks import SETS

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "benchmarks" / "results" / "evidence.json"
FIGURE = ROOT / "docs" / "evidence.png"
BY_THEMSELVES = {"orientation": orientation, "unlabelled": unlabelled}
"""Parts whose rows are of their own kind: each has SEEDS, `run`, `keep` and a file of its own."""
PARTS = (*BY_THEMSELVES, *plan.JOBS)
QUICK_PARTS = ("watch",)
KEPT_EVERY = 10
"""Jobs after which the rows are written."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--quick", action="store_true",
                      help=f"{', '.join(QUICK_PARTS)} with {plan.QUICK_SEEDS} networks and the "
                           "committed constants, written to --out (default)")
    kind.add_argument("--full", action="store_true",
                      help="everything; writes the committed JSON, the documents and the figure")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="PART,...",
                        help=f"of {', '.join(PARTS)}; all, or those of a quick run")
    parser.add_argument("--resume", action="store_true",
                        help="keep what a run before measured, measure what is missing")
    parser.add_argument("--methods", nargs="+", choices=["frozen", *METHODS], help="only these")
    parser.add_argument("--seeds", type=int, nargs="+", help="only these")
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for one per core")
    parser.add_argument("--dask", metavar="ADDRESS",
                        help="run on this Dask scheduler; its workers have edge_dassdp installed")
    parser.add_argument("--out", type=Path, default=Path("runs/evidence"),
                        help="folder of a quick run")
    parser.add_argument("--report", action="store_true", help="write the tables again, run nothing")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.only or ()) - set(PARTS)):
        parser.error(f"--only: {', '.join(unknown)}: choose of {', '.join(PARTS)}")
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


def measured(call: Callable[..., Any], one: Any) -> tuple[Any, float]:
    """What it gives, and the processor's seconds that it took, with those of compilers."""
    begin = sum(os.times()[:4])
    return call(one), sum(os.times()[:4]) - begin


def execute(results: Results, part: str, call: Callable[..., Any], given: Sequence[Any]
            ) -> Iterator[Any]:
    """What each gives, in order; a bar on stderr where that is a terminal."""
    bars = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())
    with Progress(*columns, console=bars, disable=not bars.is_terminal) as progress:
        made = joblib.Parallel(return_as="generator")(
            joblib.delayed(measured)(call, one) for one in given)
        for found, seconds in progress.track(made, total=len(given), description=part):
            results.worked(part, seconds)
            yield found


def run_part(part: str, results: Results, asked: argparse.Namespace, path: Path) -> None:
    """Constants that nobody chose, networks that are not there, then the jobs; what is measured is
    kept now and then."""
    best = goals.best(results)
    only: dict[str, Any] = {name: getattr(asked, name) for name in ("methods", "seeds")
                            if getattr(asked, name) is not None}
    if asked.full:
        for method in plan.untuned(part, best, results.constants):
            jobs = plan.tuning_jobs(method)
            found = list(execute(results, part, plan.attempt, jobs))
            results.constants[method.key] = plan.choose(method, jobs, found)
            results.save(path)
    else:
        only.setdefault("methods", ["frozen", *plan.SHOWN])
    jobs = plan.missing(plan.jobs(part, results.constants, best=best, quick=not asked.full,
                                  only=only), results)
    list(execute(results, part, plan.train, plan.networks(jobs)))
    for count, rows in enumerate(execute(results, part, plan.attempt, jobs), 1):
        results.add(rows)
        if count % KEPT_EVERY == 0:
            results.save(path)


def run_by_itself(part: str, results: Results, folder: Path) -> None:
    module = BY_THEMSELVES[part]
    found = execute(results, part, module.run, module.SEEDS)
    module.keep([row for rows in found for row in rows], folder)


def run_parts(results: Results, parts: Sequence[str], asked: argparse.Namespace,
              path: Path, console: Console) -> None:
    """One after another, each with the seconds that it took."""
    for part in [p for p in PARTS if p in parts]:
        begin = time.perf_counter()
        try:
            if part not in BY_THEMSELVES:
                run_part(part, results, asked, path)
            elif not (asked.resume and part in results.finished):
                run_by_itself(part, results, path.parent)
            results.finished = sorted({*results.finished, part}, key=PARTS.index)
        finally:
            results.took(part, time.perf_counter() - begin)
            results.save(path)
        console.print(f"{time.strftime('%H:%M:%S')} {part}: {results.seconds[part]} s, "
                      f"{results.cpu_seconds.get(part, 0)} s of a processor")


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
        with backend(asked.dask, asked.jobs):
            run_parts(results, asked.only or (PARTS if asked.full else QUICK_PARTS), asked, path,
                      console)
    documents.show(results, console)
    figure = FIGURE if asked.full else asked.out / FIGURE.name
    draw(results).savefig(figure)
    if asked.full:
        documents.write_all(results)
    console.print(f"written: {path}, {figure}" + f", {' and '.join(map(str, documents.DOCUMENTS))}"
                  * asked.full)

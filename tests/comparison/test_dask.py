"""Over a local Dask cluster of two workers: the same bytes, and what is left when it goes away."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster
from support import tiny
from support.commands import environment, ok, refused

FILES = ("rows.jsonl", "rows.csv", "table.csv", "metrics.csv", "confusion.csv", "comparison.json",
         "table.tex", "accuracy.svg", "differences.svg", "confusion.svg")


@contextmanager
def cluster(n_workers: int = 2, n_threads: int = 1) -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=n_workers, threads_per_worker=n_threads, processes=True,
                      dashboard_address=None) as made:
        yield made


def words(wine: Path, out: Path, *more: str) -> list[str | Path]:
    return ["compare", *(wine / f"net{k}.npz" for k in range(3)), "--train", wine / "train.csv",
            "--stream", wine / "stream.csv", "--test", wine / "test.csv", "--out", out, *more]


@pytest.mark.parametrize(("n_workers", "n_threads"), [(2, 1), (1, 4)])
def test_workers_and_their_threads_give_the_same_bytes(wine: Path, tmp_path: Path, n_workers: int,
                                                       n_threads: int) -> None:
    few = ("--seeds", "3", "--methods", "delta,touch,backprop")
    ok(*words(wine, tmp_path / "here", *few, "--jobs", "2"))
    with cluster(n_workers, n_threads) as made:
        ok(*words(wine, tmp_path / "there", *few, "--dask", made.scheduler_address))
    for name in FILES:
        assert (tmp_path / "there" / name).read_bytes() == \
            (tmp_path / "here" / name).read_bytes(), name
    assert len(json.loads((tmp_path / "there" / "comparison.json").read_text())["rows"]) == 12


def said_when(end: Callable[[], None], command: list[str | Path], out: Path) -> str:
    """What a comparison says that is lost in the middle, when `end` was called."""
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_dassdp", *map(str, command)], stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True, env=environment({}))
    try:
        deadline = time.monotonic() + 180
        while not (out / "rows.jsonl").exists() or (out / "rows.jsonl").stat().st_size < 3000:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        end()
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 4 and "Traceback" not in said
    return said


def test_a_cluster_that_goes_away_leaves_what_was_computed(wine: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    with cluster() as made:
        said = said_when(made.close, words(wine, out, "--seeds", "400", "--no-plots", "--dask",
                                           made.scheduler_address), out)
    n = len((out / "rows.jsonl").read_text().splitlines()) - 1
    assert f"is lost: {n} of 1,600 runs are kept in {out / 'rows.jsonl'}: --resume goes on" in said
    n_seeds = max(1, n // 8)
    screen = ok(*words(wine, out, "--seeds", str(n_seeds), "--no-plots", "--resume"))
    assert "runs were there before" in screen


@contextmanager
def processes(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A scheduler, with a worker, as `dask` begins them, and its address."""
    file = folder / "scheduler.json"
    begin = {
        "scheduler": ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        "worker": ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--death-timeout", "60"]}
    running = {word: subprocess.Popen(
        [sys.executable, "-m", "dask", word, *more, "--scheduler-file", str(file)], cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment({}))
        for word, more in begin.items()}
    try:
        deadline = time.monotonic() + 120
        while not file.exists() or not file.read_text().endswith("}"):
            assert time.monotonic() < deadline and running["scheduler"].poll() is None
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        with Client(address, timeout=60) as client:
            client.wait_for_workers(1, timeout=120)
        yield running["scheduler"], address
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def test_a_scheduler_that_is_killed_is_one_sentence(tmp_path: Path) -> None:
    """With why in it, and nothing of what the library logs."""
    tiny.write(tmp_path)
    given, out = dict(np.load(tmp_path / "test.npz")), tmp_path / "o"
    for name, rows in (("stream", slice(0, 30)), ("later", slice(30, 60))):
        np.savez(tmp_path / f"{name}.npz", x=given["x"][rows], y=given["y"][rows])
    with processes(tmp_path) as (scheduler, address):
        said = said_when(scheduler.kill, [
            "compare", tmp_path / "model.npz", "--train", tmp_path / "data.npz", "--stream",
            tmp_path / "stream.npz", "--test", tmp_path / "later.npz", "--methods", "frozen",
            "--seeds", "1000", "--no-plots", "--out", out, "--dask", address], out)
    assert f"the Dask cluster at {address} is lost" in said
    assert " - ERROR" not in said and " - WARNING" not in said
    assert re.search(r"cause: .*[^:\n]\n", said), said


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:1", "tcp://127.0.0.1:1"])
def test_a_wrong_address_is_one_sentence(wine: Path, tmp_path: Path, address: str,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_dassdp.comparison.execute.ANSWERS_S", 1.0)
    text = refused("E510", *words(wine, tmp_path / "o", "--seeds", "3", "--dask", address))
    assert f"no Dask scheduler at {address}" in text and "dask worker" in text


def test_a_wrong_address_leaves_nothing_open(wine: Path, tmp_path: Path) -> None:
    """Asked again and again in one process, as in a notebook, until nothing answers any more."""
    n_threads = threading.active_count()
    for n in range(3):
        refused("E510", *words(wine, tmp_path / str(n), "--seeds", "3", "--dask", "nonsense"))
    assert threading.active_count() == n_threads


def test_an_address_where_something_else_answers_is_one_sentence(wine: Path,
                                                                 tmp_path: Path) -> None:
    """In a process of its own, whose end shows whatever is left running."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "edge_dassdp", *map(str, words(
                wine, tmp_path / "o", "--seeds", "3", "--dask",
                f"tcp://127.0.0.1:{web.server_port}"))],
            capture_output=True, text=True, env=environment({}), timeout=240)
    finally:
        web.shutdown()
    assert done.returncode == 4 and "no Dask scheduler at tcp" in done.stderr
    assert "Traceback" not in done.stderr and done.stderr.count("error[") == 1


def test_a_scheduler_without_workers_is_one_sentence(wine: Path, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_dassdp.comparison.execute.ANSWERS_S", 2.0)
    with LocalCluster(n_workers=0, dashboard_address=None) as made:
        text = refused("E510", *words(wine, tmp_path / "o", "--seeds", "3", "--dask",
                                      made.scheduler_address))
    assert "no worker that can run this" in text

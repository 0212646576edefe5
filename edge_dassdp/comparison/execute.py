"""Where runs are computed: in this process, on the cores of this computer, on a Dask cluster."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.comparison.study import Row, Run, Runner, Study
from edge_dassdp.version import __version__

MOST_WORKERS = 2 * (os.cpu_count() or 1)
"""More processes than that make nothing faster, and each takes memory."""
ANSWERS_S = 10.0
"""Seconds until a scheduler has answered, and until it has workers."""
LOST_S = 20.0
"""Seconds without any worker, after which a cluster is lost."""
_LONGEST = 160
_runner: tuple[str, Runner] | None = None
"""Of this process, and which study it is of."""
_alone = threading.Lock()
"""Over it: a worker of Dask may have many threads, and a device learns one stream at a time."""


def execute(study: Study, runs: Sequence[Run], *, n_jobs: int = -1, dask: str | None = None
            ) -> Iterator[Row]:
    """The rows of the runs, as they are done. n_jobs: processes, -1 for one per core. dask: address
    of a scheduler, whose workers compute them in their place.

    Raises EdgeError E303 where joblib or distributed is missing, E510 where a cluster does not
    answer or is lost; the rows before are whole.
    """
    if dask is not None:
        yield from _over_dask(study, runs, dask)
    elif n_jobs == 1 or len(runs) < 2:
        runner = Runner(study)
        yield from (runner.row(run) for run in runs)
    else:
        yield from _over_joblib(study, runs, n_jobs)


class _Packed:
    """A study as bytes, which are the same object for all runs."""

    def __init__(self, study: Study) -> None:
        self.data: NDArray[np.uint8] = np.frombuffer(pickle.dumps(study), np.uint8)
        self.key = hashlib.sha256(self.data.tobytes()).hexdigest()
        self.rules_from = study.rules_from


def _row(run: Run, data: NDArray[np.uint8], key: str, rules_from: tuple[str, ...]) -> Row:
    """A run in another process. What Ctrl-C ends is the process that waits for it."""
    global _runner
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _alone:
        if _runner is None or _runner[0] != key:
            if rules_from:
                from edge_dassdp.rules.plugins import load_rules

                for path in rules_from:
                    load_rules(path)
            _runner = key, Runner(pickle.loads(np.asarray(data).tobytes()))
        return _runner[1].row(run)


def _over_joblib(study: Study, runs: Sequence[Run], n_jobs: int) -> Iterator[Row]:
    try:
        import joblib
    except ImportError as problem:
        raise EdgeError("E303", "several processes need joblib", cause=str(problem),
                        help="pip install 'edge-dassdp[compare]', or give --jobs 1") from None
    packed = _Packed(study)
    n_workers = n_jobs if n_jobs < 0 else min(n_jobs, len(runs), MOST_WORKERS)
    with joblib.parallel_config(backend="loky", n_jobs=n_workers, inner_max_num_threads=1):
        yield from joblib.Parallel(return_as="generator_unordered")(
            joblib.delayed(_row)(run, packed.data, packed.key, packed.rules_from) for run in runs)


# ---- Dask ----------------------------------------------------------------------------------------


def _over_dask(study: Study, runs: Sequence[Run], address: str) -> Iterator[Row]:
    try:
        from distributed import Client, wait
    except ImportError as problem:
        raise EdgeError("E303", "--dask needs distributed", cause=str(problem),
                        help="pip install 'edge-dassdp[dask]'") from None
    packed, await_any = _Packed(study), cast("Any", wait)
    with _quiet(), _connected(Client, address) as client:
        try:
            data = client.scatter(packed.data, broadcast=True, hash=False, timeout=ANSWERS_S)
            waiting = {client.submit(_row, run, data, packed.key, packed.rules_from, pure=False)
                       for run in runs}
            seen_s = time.monotonic()
            while waiting:
                done: set[Any] = set()
                with suppress(TimeoutError):
                    done = await_any(waiting, timeout=1, return_when="FIRST_COMPLETED").done
                for future in done:
                    waiting.discard(future)
                    yield future.result(timeout=ANSWERS_S)
                if done or (client.status == "running" and _n_workers(client)):
                    seen_s = time.monotonic()
                elif client.status != "running" or time.monotonic() - seen_s > LOST_S:
                    raise _lost(address, "it has no workers any more" if client.status == "running"
                                else f"the connection is {client.status}")
        except EdgeError:
            raise
        except Exception as problem:
            if not _is_of_the_cluster(problem):
                raise
            raise _lost(address, _told(problem)) from None


def _is_of_the_cluster(problem: Exception) -> bool:
    """Not of the run itself."""
    return isinstance(problem, OSError | TimeoutError) or \
        type(problem).__module__.partition(".")[0] in ("distributed", "dask", "asyncio",
                                                       "concurrent", "tornado")


def _told(problem: Exception) -> str:
    """The first line that is no heading; some name every run that is lost."""
    lines = str(problem).splitlines()
    first = next((line for line in lines if line and not line.endswith(":")), "")
    return f"{type(problem).__name__}: {first[:_LONGEST]}".removesuffix(": ")


def _lost(address: str, cause: str) -> EdgeError:
    return EdgeError("E510", f"the Dask cluster at {address} is lost", cause=cause,
                     help="go on with --resume, over another cluster, or without --dask on this "
                     "computer: the numbers are the same")


@contextmanager
def _connected(make: Any, address: str) -> Iterator[Any]:
    """A client of a scheduler whose workers have this version. Raises EdgeError E510."""
    try:
        client = _answered(make, address)
    except Exception as problem:  # one kind for each thing that may be wrong with an address
        raise EdgeError("E510", f"there is no Dask scheduler at {address}",
                        cause=_told(problem), help="start one with `dask scheduler`, and `dask "
                        "worker ADDRESS` on each computer; an address is tcp://HOST:8786") from None
    try:
        _require_workers(client, address)
        yield client
    finally:
        _close(client)


def _answered(make: Any, address: str) -> Any:
    """A client, which by itself waits without end where something else answers than a scheduler.
    One that is not returned is closed as soon as it waits no more: the garbage collector may close
    it in a thread that holds the lock which closing waits for.

    Raises what it raises, or TimeoutError.
    """
    found: SimpleQueue[Any] = SimpleQueue()
    is_late = threading.Event()

    def connect() -> None:
        client = make.__new__(make)
        try:
            client.__init__(address, timeout=ANSWERS_S)
        except Exception as problem:
            _close(client)
            found.put((None, problem))
            return
        found.put((client, None))
        if is_late.is_set():
            _close(client)

    threading.Thread(target=connect, daemon=True).start()
    try:
        client, problem = found.get(timeout=2 * ANSWERS_S)
    except Empty:
        is_late.set()
        with suppress(Empty):  # it was ready in between
            _close(found.get_nowait()[0])
        raise TimeoutError("what answers there is no scheduler") from None
    if problem is not None:
        raise problem
    return client


def _close(client: Any) -> None:
    with suppress(Exception):
        client.close(timeout=2)


def _require_workers(client: Any, address: str) -> None:
    """E510 without any, and where one has another version."""
    try:
        client.wait_for_workers(1, timeout=ANSWERS_S)
        versions = client.run(_version)
    except Exception as problem:
        raise EdgeError("E510", f"the Dask scheduler at {address} has no worker that can run this",
                        cause=_told(problem),
                        help=f"install edge-dassdp {__version__} beside each worker, and start "
                        "them with `dask worker ADDRESS`") from None
    other = next((f"{at} has {v}" for at, v in sorted(versions.items()) if v != __version__), "")
    if other:
        raise EdgeError("E510", "the workers of a Dask cluster have another version",
                        cause=f"{other}, this computer {__version__}",
                        help="install the same everywhere: numbers are compared to the last bit")


def _version() -> str:
    return __version__


def _n_workers(client: Any) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


@contextmanager
def _quiet() -> Iterator[None]:
    """What distributed logs of a lost connection is told in one sentence instead. Some of its
    loggers have a level of their own, which counts before their parent's."""
    names = [name for name in logging.root.manager.loggerDict
             if name.partition(".")[0] == "distributed"]
    before = {logger: logger.level for logger in map(logging.getLogger, names)}
    for logger in before:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)

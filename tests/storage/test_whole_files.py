"""What is written for a user is there whole or as it was, wherever the disk or the power ends."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import nir
import numpy as np
import pytest
from support.nir_graphs import BRAILLE
from support.scenarios import SCENARIOS

from edge_dassdp import harness, ir, qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.calibration import Profile
from edge_dassdp.frontends.nir import write_graph
from edge_dassdp.report.plots import learning_curve
from edge_dassdp.storage.files import copy, replacing, write_text
from edge_dassdp.targets.reference import ReferenceTarget

SCENARIO = SCENARIOS["graph"]


def _figure(path: Path) -> None:
    with replacing(path) as part:
        learning_curve({"a": np.ones(60)}).savefig(part)


def _graph(path: Path) -> None:
    write_graph(nir.read(BRAILLE), path)


def _snapshot(path: Path) -> None:
    harness.save_snapshot(ReferenceTarget(SCENARIO.quantized), SCENARIO.quantized, path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "lines.txt": lambda path: write_text(path, "a line\n" * 900),
    "copy.py": lambda path: copy(Path(__file__), path),
    "network.npz": lambda path: ir.save(SCENARIO.network, path),
    "model.q.npz": lambda path: qir.save(SCENARIO.quantized, path),
    "profile.json": Profile.factory(6).save,
    "snapshot.npz": _snapshot, "figure.png": _figure, "graph.nir": _graph}


def in_child(act: Callable[[], object]) -> None:
    """What ends with its process, whatever it raises."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_is_full_leaves_what_was_there(name: str, tmp_path: Path) -> None:
    path, write = tmp_path / name, WRITERS[name]
    write(path)
    size, (path_before, before) = path.stat().st_size, (path, path.read_bytes())
    for room in np.linspace(0, size - 1, 8).astype(int):

        def cut(room: int = int(room)) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            write(path)

        in_child(cut)
        assert path_before.read_bytes() == before, f"cut at {room} of {size}"
        assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_process_that_ends_while_it_writes_leaves_what_was_there(name: str,
                                                                   tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("good")
    in_child(lambda: _end_within(path))
    assert path.read_text() == "good"
    WRITERS[name](path)
    assert path.read_bytes() != b"good"


def _end_within(path: Path) -> None:
    with replacing(path) as part:
        part.write_text("half of")
        os._exit(1)


def test_a_device_that_is_full_is_told() -> None:
    with pytest.raises(EdgeError, match="/dev/full cannot be written") as refused:
        write_text("/dev/full", "gone")
    assert refused.value.code == "E103" and "No space left" in refused.value.cause


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "private.npz"
    ir.save(SCENARIO.network, path)
    path.chmod(0o600)
    ir.save(SCENARIO.network, path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_threads_of_one_process_do_not_write_into_each_other(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as first, replacing(tmp_path / "a.txt") as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a.txt").read_text() == "first"


def test_a_path_within_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgeError, match="cannot be written"):
        write_text(tmp_path / "file" / "x.txt", "")

"""HDF5 runs in a process of its own: whatever it does to a damaged file, the reader goes on."""

from __future__ import annotations

import time
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest
from support.nir_graphs import BRAILLE, CNN

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.nir import from_nir, tree


def _refused(path: Path, *words: str) -> EdgeError:
    with pytest.raises(EdgeError) as refused:
        from_nir(path, n_steps=3, profile="nir", dt=1e-4)
    assert refused.value.code == "E103" and refused.value.help
    for word in words:
        assert word in str(refused.value), refused.value
    return refused.value


def _children() -> set[str]:
    """Processes that this one started and that are still there, ended ones too."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


@pytest.mark.parametrize("path", [BRAILLE, CNN], ids=lambda path: path.stem)
def test_a_file_is_what_nir_reads(path: Path) -> None:
    wanted, found = nir.read(path, type_check=False), tree.read_graph(path)
    assert wanted.edges == found.edges and list(wanted.nodes) == list(found.nodes)
    for name, node in wanted.nodes.items():
        assert type(node) is type(found.nodes[name])
        for key, value in vars(node).items():
            other = getattr(found.nodes[name], key)
            assert type(other) is type(value)
            if isinstance(value, np.ndarray | np.generic):
                assert other.dtype == value.dtype and np.array_equal(other, value)


def test_a_file_that_takes_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_SECONDS", 0.001)
    begin, children = time.monotonic(), _children()
    _refused(CNN, "did not come to an end")
    assert time.monotonic() - begin < 10
    assert _children() <= children, "something is left running"


def _changed(tmp_path: Path, name: str = "n.nir") -> Path:
    path = tmp_path / name
    path.write_bytes(BRAILLE.read_bytes())
    return path


def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    path = _changed(tmp_path)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["w"] = np.ones(3)
    with h5py.File(path, "r+") as file:
        file["node/metadata_w"] = h5py.ExternalLink("secret.h5", "w")
    _refused(path, "lies in another file")


def test_data_in_other_files_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(64))
    path = _changed(tmp_path)
    with h5py.File(path, "r+") as file:
        file.create_dataset("node/raw", (8,), "f8", external=[(str(tmp_path / "secret"), 0, 64)])
    _refused(path, "lies in another file")


def test_groups_that_hold_themselves(tmp_path: Path) -> None:
    path = _changed(tmp_path)
    with h5py.File(path, "r+") as file:
        file["node/again"] = h5py.SoftLink("/node")
    _refused(path)


@pytest.mark.parametrize("shape", [(1 << 40,), (1 << 20, 1 << 12)])
def test_a_shape_is_not_believed(shape: tuple[int, ...], tmp_path: Path) -> None:
    """A dataset that was never written takes no room in the file."""
    path = _changed(tmp_path)
    with h5py.File(path, "r+") as file:
        file.create_dataset("node/big", shape, "f8", chunks=True)
    _refused(path, "too large")


def test_a_graph_that_was_half_written_says_what_it_lacks(tmp_path: Path) -> None:
    path = _changed(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["node/edges"]
    _refused(path, "not complete", "lacks edges")
    with h5py.File(path, "r+") as file:
        del file["node"]
    _refused(path, "not complete", "holds version")


def test_a_file_cut_at_any_place_is_refused(tmp_path: Path) -> None:
    data = BRAILLE.read_bytes()
    for end in np.linspace(0, len(data) - 1, 6).astype(int):
        path = tmp_path / "cut.nir"
        path.write_bytes(data[:end])
        _refused(path)


def test_values_that_are_no_numbers(tmp_path: Path) -> None:
    path = _changed(tmp_path)
    with h5py.File(path, "r+") as file:
        name = next(n for n, node in file["node/nodes"].items() if "weight" in node)
        del file[f"node/nodes/{name}/weight"]
        file[f"node/nodes/{name}/weight"] = b"heavy"
    with pytest.raises(EdgeError) as refused:
        from_nir(path, n_steps=3, profile="nir", dt=1e-4)
    assert refused.value.code in ("E101", "E103")

"""The notebooks of the manual, run by a kernel from the first cell to the last, in an empty
folder."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from support.commands import ROOT, as_typed

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
MOST_S = 600
"""A cell; all of a notebook takes a minute on a computer that does nothing else."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in as_typed(tmp_path / "bin").items():
        monkeypatch.setenv(name, value)
    here = tmp_path / "here"
    here.mkdir()
    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, timeout=MOST_S, kernel_name="python3",
                   resources={"metadata": {"path": str(here)}}).execute()
    if path.stem == "from-training-to-board":
        assert (here / "report.html").stat().st_size > 10_000
        told = "".join(piece.text for piece in notebook.cells[-2].outputs)
        assert "edge-dassdp build digits.q.npz --board microbit" in told


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")


def test_each_is_in_the_manual() -> None:
    page = (ROOT / "docs" / "notebooks.md").read_text("utf-8")
    assert len(NOTEBOOKS) == 2 and all(f"notebooks/{p.name}" in page for p in NOTEBOOKS)

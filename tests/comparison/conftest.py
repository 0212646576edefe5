"""A data set that is not shipped, and networks for it: scikit-learn's wines, by the example."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ROOT, environment


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net0.npz to net2.npz, train.csv, stream.csv, test.csv, unshifted.csv."""
    folder = tmp_path_factory.mktemp("wine")
    subprocess.run([sys.executable, ROOT / "examples" / "train_table.py", "wine", folder,
                    "--networks", "3"], check=True, env=environment({}))
    return folder

"""The command line as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import edge_dassdp

ROOT = Path(edge_dassdp.__file__).parents[1]


def run(*arguments: str | Path, cwd: Path | None = None, **env: str,
        ) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run([sys.executable, "-m", "edge_dassdp", *map(str, arguments)], text=True,
                          capture_output=True, cwd=cwd, timeout=300,
                          env=os.environ | {"PYTHONPATH": path} | env, check=False)

"""The command line as a user meets it: in this process, which is quick, or in one of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from typer.testing import CliRunner

import edge_dassdp
from edge_dassdp.base.errors import CODES
from edge_dassdp.cli.app import app

ROOT = Path(edge_dassdp.__file__).parents[1]


def run(*arguments: str | Path, cwd: Path | None = None, **env: str) -> CompletedProcess[str]:
    """A verb in a process of its own."""
    done = subprocess.run(_command(*arguments), text=True, capture_output=True, cwd=cwd,
                          timeout=300, env=environment(env), check=False)
    done.stderr = _uncompiled(done.stderr)
    return done


def begun(*arguments: str | Path, **env: str) -> subprocess.Popen[bytes]:
    """The same, while it runs."""
    return subprocess.Popen(_command(*arguments), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env=environment(env))


def _command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "edge_dassdp", *map(str, arguments)]


def environment(env: dict[str, str]) -> dict[str, str]:
    """Of a process that imports this package; with more."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return os.environ | {"PYTHONPATH": path} | env


def shown(*arguments: str | Path, cwd: Path | None = None, **env: str) -> CompletedProcess[str]:
    """Exit status, stdout and stderr of a verb in this process."""
    with contextlib.chdir(cwd or Path.cwd()):
        done = CliRunner().invoke(app, [str(a) for a in arguments], env=env)
    return CompletedProcess(arguments, done.exit_code, done.stdout, _uncompiled(done.stderr))


def _uncompiled(stderr: str) -> str:
    """Without lines of what was compiled, which depends on the tests before."""
    return re.sub(r"^compiling the .*\n", "", stderr, flags=re.MULTILINE)


def ok(*arguments: str | Path, cwd: Path | None = None, **env: str) -> str:
    """The screen of a verb that succeeds."""
    done = shown(*arguments, cwd=cwd, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answer(*arguments: str | Path, warns: str = "") -> dict[str, Any]:
    """The envelope of a verb that succeeds. warns: what it warns of, and of nothing else."""
    found: dict[str, Any] = json.loads(ok(*arguments, "--json").splitlines()[-1])
    assert found["ok"] and found["exit"] == 0
    assert bool(found["diagnostics"]) is bool(warns)
    assert all(warns in str(d) for d in found["diagnostics"])
    verbs = ("-".join(map(str, arguments[:n])) for n in (1, 2))  # of a group both words
    assert found["schema"] in [f"edge_dassdp/{verb}/1" for verb in verbs]
    return found


def refused(code: str, *arguments: str | Path, cwd: Path | None = None, **env: str) -> str:
    """What a verb says that must fail with `code`: no traceback, one line that says what."""
    done = shown(*arguments, cwd=cwd, **env)
    assert done.returncode == CODES[code].exit, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"error[{code}]: "), done.stderr
    assert f"more:  edge-dassdp explain {code}" in done.stderr
    return done.stderr


def as_typed(folder: Path) -> dict[str, str]:
    """The environment of somebody who types commands: `edge-dassdp` and `python`, made in a folder,
    are those of this environment, and this checkout's."""
    folder.mkdir()
    for name, words in (("edge-dassdp", "-m edge_dassdp "), ("python", "")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        script.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

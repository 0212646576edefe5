"""What may stand at the cursor, in bash, zsh, fish and PowerShell: models, samples, boards,
targets.

`edge-dassdp --install-completion` writes it into the shell's own files, `--show-completion` shows
it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, get_args

from typer.models import ParameterInfo

Completer = Callable[[str], list[str]]
ASKED = "_EDGE_DASSDP_COMPLETE"
"""In the environment where a shell asks; typer looks at every completer otherwise, too."""
_BEHIND = "_EDGE_DASSDP_BEHIND"
"""What of the word at the cursor bash keeps by itself: all up to a colon."""


def complete(hints: Mapping[str, Any]) -> None:
    """Parameters of a verb, by name with their annotations, know what may stand there."""
    for name, hint in hints.items():
        for mark in get_args(hint):
            if isinstance(mark, ParameterInfo) and name in _COMPLETERS:
                mark.autocompletion = _COMPLETERS[name]


def join_at_colons(environ: MutableMapping[str, str]) -> None:
    """Where bash asks: it takes words apart at each colon, as in qemu:microbit, and completes what
    is behind the last. Put them together again, and keep what stands before the cursor apart."""
    words, n_joined = re.subn(r"\s:|(?<=:)\s", lambda found: found[0].strip(),
                              environ.get("COMP_WORDS", ""))
    behind = re.search(r"[^\s=]+:(?=[^\s:]*$)", words)
    environ[_BEHIND] = behind[0] if behind else ""
    environ["COMP_WORDS"] = words[:behind.start()] + words[behind.end():] if behind else words
    environ["COMP_CWORD"] = str(int(environ.get("COMP_CWORD", "0")) - n_joined)


def _boards(incomplete: str) -> list[str]:
    from edge_dassdp.build.board import list_boards

    return _begun(incomplete, list_boards())


def _targets(incomplete: str) -> list[str]:
    from edge_dassdp.build.board import list_boards, load_board

    behind = os.environ.get(_BEHIND, "")
    kind, colon, _ = (behind + incomplete).partition(":")
    if not colon:
        return _begun(incomplete, ["emulator", "emulator-checked", "reference", "qemu:", "serial:"])
    if kind == "qemu":
        found = [f"qemu:{name}" for name in list_boards() if load_board(name).qemu]
    elif kind == "serial":
        from edge_dassdp.targets.serial import ports

        found = [f"serial:{port.path}" for port in ports()]
    else:
        found = []
    return [word.removeprefix(behind) for word in _begun(behind + incomplete, found)]


def _files(*endings: str) -> Completer:
    """Files with one of these endings, and the folders beside them; none where there is no such
    file, and the shell shows what it finds."""

    def found(incomplete: str) -> list[str]:
        folder, _, begin = incomplete.rpartition("/")
        before = incomplete[:len(incomplete) - len(begin)]
        try:
            names = [p for p in Path(folder or before or ".").iterdir() if p.name.startswith(begin)]
        except OSError:
            return []
        files = [before + p.name for p in names if p.name.endswith(endings) and p.is_file()]
        folders = [f"{before}{p.name}/" for p in names
                   if p.is_dir() and (begin or not p.name.startswith("."))]
        return sorted(files + folders) if files else []

    return found


def _begun(incomplete: str, words: list[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


_MODELS, _SAMPLES = _files(".q.npz"), _files(".csv", ".npz", ".npy")
_COMPLETERS: dict[str, Completer] = {
    "board": _boards, "target": _targets, "model": _MODELS, "models": _MODELS,
    "file": _files(".npz", ".nir", ".onnx"), "data": _SAMPLES, "test": _SAMPLES,
    "validation": _SAMPLES, "rules": _files(".toml"), "rules_from": _files(".py")}
"""By the name of a parameter."""

"""What a function may call through a pointer, read from the sources that it was linked from.

A call through a pointer is written `table->hook(...)`, and tables are filled with `.hook =
function`: by the model for what it needs, so that only this counts. A function reaches the hooks of
its own text and of the functions of its file and of headers, which the compiler may put in its
place. So nobody keeps a list, and a rule from outside is bounded like ours.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

_LEFT_OUT = re.compile(r"/\*.*?\*/|//[^\n]*|__attribute__\(\(\w+\)\) ?", re.DOTALL)
_DEFINITION = re.compile(r"^[A-Za-z_][\w *]*?[ *](\w+)\(([^;{}]*)\)\s*\{$(.*?)^\}",
                         re.MULTILINE | re.DOTALL)
_HOOK = re.compile(r"->(\w+)\(")
_CALL = re.compile(r"(?<![>.\w])(\w+)\(")
_FILLED = re.compile(r"\.(\w+) = &?([A-Za-z_]\w*)\b(?!->|\()")
Bodies = Mapping[str, str]


def callees(directory: Path) -> dict[str, frozenset[str]]:
    """Names that each function whose text calls through pointers may reach, by its name.

    directory: of a firmware's sources. Where functions of several files share a name they share
    what they reach.
    """
    texts = {path: _LEFT_OUT.sub("", path.read_text("utf-8"))
             for path in sorted(directory.rglob("*.[ch]"))}
    filled: dict[str, set[str]] = defaultdict(set)
    for text in texts.values():
        for hook, function in _FILLED.findall(text):
            filled[hook].add(function)
    headers = _definitions(t for path, t in texts.items() if path.suffix == ".h")
    reached: dict[str, set[str]] = defaultdict(set)
    for path, text in texts.items():
        own = _definitions([text])
        for name in own if path.suffix == ".c" else ():
            for hook in _hooks(name, headers | own):
                reached[name] |= filled[hook]
    return {name: frozenset(names) for name, names in reached.items()}


def _definitions(texts: Iterable[str]) -> dict[str, str]:
    """Bodies of functions by name."""
    return {name: body for text in texts for name, _, body in _DEFINITION.findall(text)}


def _hooks(name: str, bodies: Bodies) -> set[str]:
    """Hooks that a function calls, itself or by functions that may be inlined into it."""
    waiting, seen, found = [name], {name}, set[str]()
    while waiting:
        body = bodies[waiting.pop()]
        found |= set(_HOOK.findall(body))
        inlined = set(_CALL.findall(body)) & bodies.keys() - seen
        seen |= inlined
        waiting += inlined
    return found

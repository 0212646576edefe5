"""The runtime as one flat folder: every file has a name of its own that begins with dassdp_, and
every kernel of every core is there, behind conditions on the compiler's macros.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quantities import quantities_header

KERNELS = ("mve", "dsp", "armv7m", "armv6m", "host")
"""Folders of kernels in the order in which they are searched, before `portable`: a core that has
one of the first three has those behind it among them, too."""
ARCH = "dassdp_arch.h"
_TEXTS = ("include/*.h", "src/*/*.[chS]", "kernels/*/*.[chS]", "port/*.h", "port/flash/*.h",
          "library/*.[ch]")
_STACK = """\
#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
"""
"""Assembly that does not say so asks Linux for a stack that can be executed."""
_INCLUDE = re.compile(r'^(\s*#\s*include\s*)"([^"]+)"', re.MULTILINE)


def flat_runtime(*, sensors: bool, values: bool = False, streams: bool = False,
                 classes: bool = False) -> dict[str, str]:
    """The runtime's texts by file name. sensors, values, streams, classes: False leaves out what
    no model needs then."""
    root = assets.folder("firmware")
    texts = {path.relative_to(root).as_posix(): path.read_text("utf-8")
             for pattern in _TEXTS for path in sorted(root.glob(pattern))}
    texts["library/dassdp_quantities.h"] = quantities_header()
    return {ARCH: assets.render("library/dassdp_arch.h.j2", sensors=sensors, values=values,
                                streams=streams, classes=classes),
            **flattened(texts)}


def flattened(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts by path, relative to firmware/, as texts by file name that include each other so.

    Raises EdgeError E203 where two would have one name.
    """
    public = {PurePosixPath(path).stem for path in texts if path.startswith("include/")}
    names = {path: _flat_name(path, public) for path in texts}
    taken: dict[str, str] = {}
    for path, name in names.items():
        if taken.setdefault(name.lower(), path) != path:
            raise EdgeError("E203", f"{path} and {taken[name.lower()]} would both be {name}",
                            help="rename one of them")
    conditions = _conditions(texts)
    return {names[path]: _guarded(_renamed(path, text, names), path, conditions.get(path, ""))
            for path, text in texts.items()}


def with_names(text: str, runtime: Iterable[str]) -> str:
    """A text of a model, which includes headers of the runtime as the tree names them."""
    known = {name: name for name in runtime if name.endswith(".h")}
    root = assets.folder("firmware")
    public = {path.stem for path in root.glob("include/*.h")}
    known |= {path.name: _flat_name(path.relative_to(root).as_posix(), public)
              for path in sorted(root.glob("src/*/*.h"))}
    return _INCLUDE.sub(lambda found: f'{found[1]}"{known.get(found[2], found[2])}"', text)


def _flat_name(path: str, public: Iterable[str]) -> str:
    """dassdp_<folder>_<file>, or dassdp_<file> where folder and file have one name that no public
    header has."""
    file = PurePosixPath(path)
    if file.name.startswith("dassdp_") or file.name == "dassdp.h":
        return file.name
    folder = file.parent.name
    if folder == file.stem and f"dassdp_{folder}" not in public:
        return f"dassdp_{file.name}"
    return f"dassdp_{folder}_{file.name}"


def _renamed(path: str, text: str, names: Mapping[str, str]) -> str:
    """Headers of the own folder come first, as where each folder is a folder."""
    folder = PurePosixPath(path).parent
    by_name = {PurePosixPath(other).name: name for other, name in names.items()}
    by_name |= {PurePosixPath(other).name: name for other, name in names.items()
                if PurePosixPath(other).parent == folder}
    return _INCLUDE.sub(lambda found: f'{found[1]}"{by_name.get(found[2], found[2])}"', text)


def _conditions(texts: Iterable[str]) -> dict[str, str]:
    """When each unit of a kernel is compiled: where its folder is one of the core's and no folder
    before it has the kernel."""
    folders: dict[str, dict[str, str]] = {}
    for path in texts:
        file = PurePosixPath(path)
        if path.startswith("kernels/") and file.suffix != ".h":
            folders.setdefault(file.stem, {})[file.parent.name] = path
    found = {}
    for variants in folders.values():
        before: list[str] = []
        for folder in (*KERNELS, "portable"):
            if folder in variants:
                terms = [f"DASSDP_HAS_{folder.upper()}"] * (folder != "portable")
                found[variants[folder]] = " && ".join(terms + [f"!{b}" for b in before])
                before.append(f"DASSDP_HAS_{folder.upper()}")
    return found


def _guarded(text: str, path: str, condition: str) -> str:
    """A unit as it stands in the library; headers are what they were."""
    if path.endswith(".h"):
        return text
    tail = _STACK if path.endswith(".S") else ""
    body = f"#if {condition}\n{text}#endif\n" if condition else text
    return f'#include "{ARCH}"\n{body}{tail}'

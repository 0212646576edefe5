"""What a model in a library may be called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.emit.model import check_name

_HEADERS = (
    "algorithm any array assert atomic bit bitset charconv chrono codecvt compare complex "
    "concepts coroutine ctype deque errno exception execution fenv filesystem float forward_list "
    "fstream functional future initializer_list inttypes iomanip ios iosfwd iostream istream "
    "iterator latch limits link list locale malloc map math memory mutex new numbers numeric "
    "optional ostream queue random ranges ratio regex scoped_allocator semaphore set setjmp "
    "shared_mutex signal source_location span spawn sstream stack stdalign stdarg stdatomic "
    "stdbool stddef stdexcept stdint stdio stdlib stdnoreturn streambuf string string_view "
    "strings syncstream system_error tgmath thread threads time tuple typeindex typeinfo uchar "
    "unistd unordered_map unordered_set utility valarray variant vector version wchar wctype "
    "alloca endian fcntl features ieeefp newlib picolibc pthread sched strings "
    "arduino eeprom main print sd servo spi stream wire dassdp ")
HEADERS = frozenset(_HEADERS.split())
"""Headers of C, C++ and what these include, of Arduino, and main.h of ST's projects, that <name>.h
would hide, for file systems blind to case, too."""


def library_names(given: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """A name for every model: those given, or what their files are called. Raises EdgeError E105
    for another number of names, one that cannot be, or one twice."""
    if given and len(given) != len(paths):
        raise EdgeError("E105", f"{len(given)} names are given for {len(paths)} models",
                        help="give --name once for each model, in their order, or not at all")
    names = list(given) or [_from_file(path) for path in paths]
    for name in names:
        check_name(name)
        if name in HEADERS:
            raise EdgeError("E105", f"a model in a library cannot be called {name!r}",
                            cause=f"its {name}.h would stand in for another header of that name",
                            help="give another --name")
        if names.count(name) > 1:
            raise EdgeError("E105", f"two models would be called {name!r}",
                            help="give --name once for each model, in their order")
    return names


def _from_file(path: Path) -> str:
    """gestures of gestures.q.npz, as far as C takes it."""
    stem = re.sub("[^a-z0-9]+", "_", path.name.lower().removesuffix(".npz").removesuffix(".q"))
    name = stem.strip("_").lstrip("0123456789_")[:24].rstrip("_")
    return name if name and name not in HEADERS and not name.startswith("dassdp_") else "model"

"""Whatever a library makes of a damaged file, as a refusal."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.foreign import damaged, unread


@contextmanager
def reading(path: Path | str, wanted: str, help: str = "", *, is_known: bool = False
            ) -> Iterator[None]:
    """A block that decodes a file which anybody may have written: libraries each raise what they
    like of a damaged one, and all of it becomes EdgeError E103 with what was `wanted`, as `unread`
    has it, and with what the file is instead unless it is known to be of the kind. Their warnings
    are not shown."""
    try:
        if not Path(path).exists():
            raise unread(path, wanted)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except EdgeError:
        raise
    except Exception as problem:
        make = damaged if is_known else unread
        raise make(path, wanted, told(problem), help) from None


def told(problem: BaseException) -> str:
    """One line of what an exception says, of a length to be shown."""
    said = " ".join(str(problem).split()) or type(problem).__name__
    if isinstance(problem, KeyError):
        said = f"{said} is missing"
    return said if len(said) <= 200 else f"{said[:200]} ..."

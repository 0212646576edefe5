"""What counts as a number where a setting wants one: NumPy's integers do, bool and text do not."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError


def is_int(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """A finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def spread_rows(n: int, most: int) -> NDArray[np.int64]:
    """At most `most` of n rows, evenly spread over all of them, in their order."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.int64))


def array_of(value: object, what: str) -> NDArray[Any]:
    """An array, or whatever NumPy takes as one; of a PyTorch tensor its values. Raises EdgeError
    E104 with what NumPy or PyTorch says."""
    try:
        detach = getattr(value, "detach", None)
        return np.asarray(value if detach is None else detach().cpu())
    except Exception as problem:  # each library raises its own
        raise EdgeError("E104", f"{what} are no array of numbers",
                        cause=(str(problem).splitlines() or [type(problem).__name__])[0]) from None


def sample_array(value: object) -> NDArray[np.float64]:
    """Samples as float64 of any shape. Raises EdgeError E104 for anything but finite numbers."""
    given = array_of(value, "samples")
    try:
        if given.dtype.kind not in "biufO":
            raise TypeError("text, or complex numbers")
        samples = given.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise EdgeError("E104", "samples are no array of numbers") from None
    return finite(samples, "samples")


def finite(given: NDArray[Any], what: str) -> NDArray[np.float64]:
    """Numbers of any kind and shape as float64. Raises EdgeError E104, with the place of the first,
    for one that is not finite."""
    made = given.astype(np.float64, copy=False)
    bad = np.argwhere(~np.isfinite(made))
    if len(bad):
        first = tuple(bad[0].tolist())
        place = f"[{', '.join(map(str, first))}]" * bool(first)
        raise EdgeError("E104", f"{what}{place} is {'NaN' if np.isnan(made[first]) else 'infinite'}"
                        ", expected finite numbers", cause=f"{len(bad):,} of {made.size:,} are not",
                        help="leave such samples out, or fill them in as was done for training")
    return made


def n_among(x: NDArray[Any], others: NDArray[Any]) -> int:
    """How many of samples x, (n, values), are among others, (m, values), bit for bit."""
    known = {row.tobytes() for row in others}
    return sum(row.tobytes() in known for row in x)

"""What counts as a number where a setting wants one: NumPy's integers do, bool and text do not."""

from __future__ import annotations

import math
from numbers import Integral, Real


def is_int(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """A finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)

"""How much of a random test is run: a share on each change, ten times as much nightly."""

from __future__ import annotations

nightly = False
"""Set by the option --nightly before a test module is imported."""


def often(n_examples: int) -> int:
    """Examples of a random test, n_examples of them on each change."""
    return 10 * n_examples if nightly else n_examples

"""The integer model in NumPy: the definition of right."""

from edge_dassdp.reference.learner import (
    Reference,
)

__all__ = ["Reference"]

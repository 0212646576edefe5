"""The quantized network as C text."""

from edge_dassdp.emit.model import (
    emit,
)

__all__ = ["emit"]

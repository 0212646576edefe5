"""Live PyTorch modules, a module of this folder for each framework."""

from edge_dassdp.frontends.torch.importer import (
    from_torch,
)

__all__ = ["from_torch"]

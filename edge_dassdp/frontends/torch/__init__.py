"""Live PyTorch modules: a file for each framework, and `importer`, `layers`, `values` and `back`,
which they share. A framework's file lists the modules that it reads, and states their equations."""

from edge_dassdp.frontends.torch.importer import from_torch

__all__ = ["from_torch"]

"""Live PyTorch modules: a file for each framework, and what they share (`known` lists it). A
framework's file lists the modules that it reads, and states their equations."""

from edge_dassdp.frontends.torch.importer import from_torch

__all__ = ["from_torch"]

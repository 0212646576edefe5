"""ONNX models of one time step."""

from edge_dassdp.frontends.onnx.importer import from_onnx

__all__ = ["from_onnx"]

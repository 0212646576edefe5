"""Spiking networks from PyTorch to Cortex-M firmware that goes on learning, bit for bit."""

__version__ = "0.1.0"

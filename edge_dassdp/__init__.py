"""Spiking networks from PyTorch to Cortex-M firmware that goes on learning, bit for bit.

The folders in the order of their imports, from the ground up: base, wire, build, ir, frontends,
data, qir, rules, reference, plan, quantize, emit, targets, twin, harness, figures, report, demo,
cli.
"""

from edge_dassdp import moved

__version__ = "0.1.0"

moved.install()

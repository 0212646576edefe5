"""Importers: a trained model of another library in, an `edge_dassdp.ir.Network` out.

Each module imports its library only when it is called, so the core installs without it.
"""

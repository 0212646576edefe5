"""The plan of a network: one value that says every byte before anything is built.

Emit prints it, the ledger sums it, targets decode states by it, the cost model counts its routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from edge_dassdp.plan.constants import Tables, tables
from edge_dassdp.plan.layout import Layout
from edge_dassdp.plan.routes import Route
from edge_dassdp.qir import QNetwork


@dataclass(frozen=True, eq=False)
class Plan:
    """layout: RAM, state and scratch. tables: flash, every constant with its C type."""

    layout: Layout
    tables: Tables

    @classmethod
    def of(cls, network: QNetwork) -> Plan:
        """The plan of a network, made once: the same value for the same network."""
        return _made(network)

    @property
    def network(self) -> QNetwork:
        return self.layout.network

    @property
    def routes(self) -> Mapping[str, Route]:
        """Of every projection, by name."""
        return self.layout.routes


@lru_cache(maxsize=8)
def _made(network: QNetwork) -> Plan:
    layout = Layout.of(network)
    return Plan(layout, tables(layout))

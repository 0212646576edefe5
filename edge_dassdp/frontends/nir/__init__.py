"""NIR files, and what each framework means by them."""

from edge_dassdp.frontends.nir.importer import (
    from_nir,
    node_of,
    to_nir,
)

__all__ = ["from_nir", "node_of", "to_nir"]

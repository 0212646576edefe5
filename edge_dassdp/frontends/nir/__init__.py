"""NIR files; what their neurons compute, `frontends.profile` and the frameworks' files say."""

from edge_dassdp.frontends.framework import SourceProfile
from edge_dassdp.frontends.nir.importer import from_nir, node_of, to_nir
from edge_dassdp.frontends.nir.tree import write_graph

__all__ = ["SourceProfile", "from_nir", "node_of", "to_nir", "write_graph"]

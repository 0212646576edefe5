"""Where every byte lies, before anything is built."""

from edge_dassdp.plan.plan import Plan

__all__ = ["Plan"]

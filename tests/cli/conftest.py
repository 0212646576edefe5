"""The folder that verbs are run in."""

from support.work import work

__all__ = ["work"]

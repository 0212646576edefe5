"""The whole space of scenarios is walked in the nightly lane; on each change, random ones of it."""

from support.lanes import nightly

collect_ignore = [] if nightly else ["test_space.py"]

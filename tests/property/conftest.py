"""Where fleets of networks are built."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.fleet import Yard
from support.random_networks import yards


@pytest.fixture(scope="session")
def here() -> Iterator[list[Yard]]:
    """On this computer under AddressSanitizer and UBSan, with both sets of kernels."""
    with yards("emulator") as places:
        yield places

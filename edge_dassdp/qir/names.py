"""Names of classes that are taught on a device, as its learning state holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.data.labels import listed
from edge_dassdp.qir.network import QNetwork

NAME_BYTES = QUANTITIES["class_name_bytes"]


def name_bytes(name: Any) -> bytes:
    """Zero padded. Raises EdgeError E105 for what is no name: 1 to 16 letters of printable ASCII,
    no space at an end."""
    fits = isinstance(name, str) and name.isascii() and name.isprintable() and name == name.strip()
    refuse_unless("E105", fits and 0 < len(name) <= NAME_BYTES,
                  f"a class cannot be called {name!r:.60}", cause="its name travels in "
                  f"{NAME_BYTES} bytes of the learning state",
                  help=f"use 1 to {NAME_BYTES} letters, digits and signs of ASCII, and no space at "
                  "an end")
    return str(name).encode("ascii").ljust(NAME_BYTES, b"\0")


def name_of(row: NDArray[Any]) -> str:
    """The reverse, of bytes (16,)."""
    return row.astype(np.uint8).tobytes().rstrip(b"\0").decode("ascii", "replace")


def taught_of(network: QNetwork, names: NDArray[Any]) -> dict[str, int]:
    """Index by name of the classes that were taught. names: (16 n_spare,), of a learning state."""
    rows = names.reshape(network.spare_classes, NAME_BYTES)
    return {name_of(row): network.n_known + k for k, row in enumerate(rows) if row[0]}


def require_spares(network: QNetwork) -> None:
    """EdgeError E503 unless a device of this model can be taught classes."""
    refuse_unless("E503", network.spare_classes > 0, "the model was built without it",
                  cause="it has no spare classes",
                  help="quantize the network with --spare-classes 2")


def class_idx_of(network: QNetwork, taught: Mapping[str, int], name: Any) -> int:
    """The spare class that a new name takes. Raises EdgeError E105 for what is no name, for the
    name of a class that there is, E503 where none is spare."""
    require_spares(network)
    name_bytes(name)
    refuse_unless("E105", name not in network.classes and not (
        not network.classes and name.isdecimal() and int(name) < network.n_known),
        f"'{name}' is a class that the model knows", cause=f"its classes are "
        f"{listed(network.classes) or f'0 to {network.n_known - 1}'}",
        help="give a class that is new another name; samples of one that it knows are learned "
        "without --new-class")
    refuse_unless("E105", name not in taught, f"'{name}' was taught before",
                  help="its samples are learned like those of any class; forget it to begin anew")
    free = sorted(set(range(network.n_known, network.n_classes)) - set(taught.values()))
    if not free:
        raise EdgeError("E503", f"no spare class is left for '{name}'",
                        cause=f"{listed([*taught])} took all {network.spare_classes}",
                        help="forget one of them, or quantize with more --spare-classes")
    return free[0]


def taught_idx(network: QNetwork, taught: Mapping[str, int], name: Any) -> int:
    """The class of a name that was taught. Raises EdgeError E105 for another."""
    require_spares(network)
    if name not in taught:
        told = f"taught are {listed([*taught])}" if taught else "none was taught"
        was_known = isinstance(name, str) and name in network.classes
        raise EdgeError("E105", f"'{name}' was never taught", cause=told,
                        help="classes that the network was trained on stay: only those taught on "
                        "the device can be forgotten" if was_known else
                        "name one of them" if taught else "teach it first: learn --new-class")
    return taught[name]

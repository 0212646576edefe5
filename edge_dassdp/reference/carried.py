"""What rules carry from sample to sample, as the device lays it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.lesson import Carried
from edge_dassdp.qir.tables import StateField

_WORD = 4


def fields_of(network: QNetwork, q: QProjection) -> tuple[StateField, ...]:
    """The fields of the state that the rule of a projection declares, by its own names."""
    return () if q.rule is None else q.rule.state(network.site(q))


def carried_state(network: QNetwork, q: QProjection) -> Carried:
    """As after a reset: structs () of their dtype, integers (count,) int64."""
    return Carried({f.name: np.zeros((), f.dtype) if f.dtype.fields
                    else np.zeros(f.count, np.int64) for f in fields_of(network, q)})


def named(name: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """As a named state has them: a struct by member."""
    members = values.dtype.names
    if members is None:
        return {name: values}
    return {f"{name}.{n}": np.atleast_1d(values[n]) for n in members if n != "reserved"}


def restore(name: str, values: NDArray[Any], state: Mapping[str, NDArray[Any]]) -> None:
    """The reverse of `named`: values, in place, from a named state."""
    if values.dtype.names is None:
        values[:] = state[name]
    for member in set(values.dtype.names or ()) - {"reserved"}:
        values[member] = state[f"{name}.{member}"][0]


def carried_bytes(network: QNetwork, carried: Mapping[str, Mapping[str, NDArray[Any]]]) -> bytes:
    """What a snapshot holds of it: persistent fields by falling alignment, up to a whole word.

    Raises EdgeError E202 where a rule left a value that its field does not hold.
    """
    fields = [(f, q) for q in network.plastic for f in fields_of(network, q) if f.is_persistent]
    data = b""
    for f, q in sorted(fields, key=lambda pair: -pair[0].align):
        values = carried[q.name][f.name]
        kept = values.astype(f.dtype)
        if not (kept == values).all():
            raise EdgeError("E202", f"the rule of '{q.name}' leaves values in '{f.name}' that "
                            f"{f.ctype} does not hold", help="prove smaller constants")
        data += bytes(-len(data) % f.align) + kept.tobytes()
    return data + bytes(-len(data) % _WORD)

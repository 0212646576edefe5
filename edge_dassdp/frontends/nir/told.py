"""What the user says of a NIR file: the profile of each node of neurons, and the step.

A setting that changes nothing in a file is refused: whoever gives it believes that it does. It is
one if the file means the same without it and with every other value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.framework import NeuronSource, SourceProfile
from edge_dassdp.frontends.nir.nodes import delay
from edge_dassdp.frontends.nodes import Node
from edge_dassdp.frontends.profile import resolve
from edge_dassdp.ir import Reset

Profiles = SourceProfile | str | Mapping[str, SourceProfile | str] | None
ALL = "*"
"""Nodes of which nothing else is said."""


@dataclass(frozen=True)
class Told:
    """profiles: by node of neurons, or `ALL`. dt: a step in the unit of the file's times, instead
    of the profiles'."""

    profiles: Mapping[str, SourceProfile]
    dt: float | None = None

    @classmethod
    def of(cls, profile: Profiles, dt: float | None) -> Told:
        """Raises EdgeError E105."""
        given = {ALL: profile} if isinstance(profile, SourceProfile | str) else profile or {}
        if dt is not None and not (np.isfinite(dt) and dt > 0):
            raise EdgeError("E105", f"dt is {dt!r}, expected a positive number",
                            help="give a step in the unit of the file's times: dt=1e-3")
        return cls({name: SourceProfile.parse(p) if isinstance(p, str) else p
                    for name, p in given.items()}, dt)

    def neurons(self, source: NeuronSource) -> dict[str, Any]:
        """Fields of `ir.Population`, as `profile.resolve`."""
        profile = self.profiles.get(source.name, self.profiles.get(ALL))
        if profile and self.dt is not None and profile.takes("dt"):
            profile = replace(profile, dt=self.dt)
        return resolve(profile, source)

    def delay(self, name: str, node: Any) -> Node:
        of_all = self.profiles.get(ALL)
        return delay(name, node, self.dt if self.dt or of_all is None else of_all.dt)

    def check(self, sources: Mapping[str, NeuronSource], delays: Mapping[str, Any]) -> None:
        """Raises EdgeError E105 for a setting that has no effect on the file's nodes of neurons and
        delays, and for a node that is none of neurons."""
        for name in self.profiles:
            if name != ALL and name not in sources:
                raise EdgeError("E105", f"a profile is given for '{name}', which is no node of "
                                "neurons", help=f"choose one of {', '.join((*sources, ALL))}")
        made = self._made(sources, delays)
        for what, others in self._changed():
            if all(_same(made, other._made(sources, delays)) for other in others):
                kinds = ", ".join(sorted({source.kind for source in sources.values()})) or "none"
                raise EdgeError("E105", f"{what} changes nothing in this file",
                                cause=f"neither its neurons ({kinds}) nor delays depend on it",
                                help="leave it out")

    def _changed(self) -> Iterator[tuple[str, list[Told]]]:
        """Each setting that is given, and what else could be told instead."""
        for at, profile in self.profiles.items():
            for f in fields(profile)[1:]:
                if (value := getattr(profile, f.name)) is not None:
                    yield f"{f.name} of '{profile}'", [
                        replace(self, profiles={**self.profiles, at: replace(
                            profile, **{f.name: other})}) for other in _others(f.name, value)]
        if self.dt is not None:
            yield "dt", [replace(self, dt=other) for other in _others("dt", self.dt)]

    def _made(self, sources: Mapping[str, NeuronSource], delays: Mapping[str, Any]
              ) -> list[dict[str, Any]] | None:
        """Of all nodes; None where one is refused."""
        try:
            return [*(self.neurons(source) for source in sources.values()),
                    *(vars(self.delay(name, node)) for name, node in delays.items())]
        except EdgeError:
            return None


def _others(name: str, value: Any) -> tuple[Any, ...]:
    """What a setting could be instead; None where it is left out."""
    if name == "reset":
        return (None, *(r for r in get_args(Reset) if r != value))
    if isinstance(value, bool):
        return None, not value
    if name == "floor":
        return None, -1.0 if np.isnan(value) else value - 1.0
    return None, value + 1 if name == "max_spikes" else 2 * value


def _same(made: list[dict[str, Any]] | None, other: list[dict[str, Any]] | None) -> bool:
    return made is not None and other is not None and all(
        a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)
        for a, b in zip(made, other, strict=True))

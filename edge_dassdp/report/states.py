"""Screens of what was learned: a state, and two beside each other."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from edge_dassdp.learned.compare import Change, Difference, State
from edge_dassdp.qir import QNetwork
from edge_dassdp.report.tables import apart, table
from edge_dassdp.sensor.profile import Kind

MOST_ROWS = 20
"""Fields of a learning state that are listed."""


def state_screen(network: QNetwork, name: str, state: State) -> list[RenderableType]:
    """Lessons, digests, weights beside the factory's, and what else there is."""
    s = state.statistics
    parts: list[str] = [
        f"{name}: {s.n_lessons:,} lessons, of them {s.n_labelled:,} learned with a label and "
        f"{s.n_skipped:,} skipped; digest {s.learned_digest:08x}, of the lessons "
        f"{s.lessons_digest:08x}"]
    if network.cusum is not None:
        parts.append(f"the gate is {'open' if s.is_open else 'closed'}, {s.n_held:,} samples were "
                     "held back")
    if network.guard is not None and network.guard.margin:
        parts.append(f"guard: {s.hits} of the last {network.guard.window} labelled samples right, "
                     f"{s.factory_hits} by factory weights; fell back {s.n_fallbacks:,} times")
    if network.replay is not None:
        parts.append(f"{s.n_replayed:,} stored samples learned again, {s.n_replay_skipped:,} "
                     "skipped")
    if state.profile is not None:
        parts.append(f"profile of the sensor: {Kind(state.profile).name.lower()}")
    if state.taught:
        parts.append(f"taught classes: {', '.join(state.taught)}")
    made = table("weights", "n", "not the factory's", "from", "to", "at an end")
    for w in state.weights:
        made.add_row(w.name, f"{w.n:,}", f"{w.n_changed:,}", str(w.low), str(w.high),
                     f"{w.n_saturated:,}")
    return [*([made] if state.weights else []), Text("\n".join(parts))]


def difference_screen(network: QNetwork, first: str, second: str,
                      found: Difference) -> list[RenderableType]:
    """Weights that differ, the largest of them, and fields of the learning state."""
    if found.is_same:
        return [Text(f"{first} and {second} hold the same: every weight and all of the learning "
                     "state")]
    weights = table("weights", "n", "differ", "by at most", "largest", left=("largest",))
    for w in found.weights:
        weights.add_row(w.name, f"{w.n:,}", f"{w.n_differ:,}", str(w.most),
                        "; ".join(_change(network, w.name, c) for c in w.largest))
    parts: list[RenderableType] = [weights] if found.weights else []
    if found.learning:
        fields = table("learning state", "differ", first, second)
        for f in found.learning[:MOST_ROWS]:
            of = "" if f.n == 1 else f"{f.n_differ:,} of {f.n:,}"
            fields.add_row(f.name, of, *(_value(f.name, v) for v in (f.first, f.second)))
        parts.append(fields)
    return [apart(*parts)]


def _value(name: str, value: int) -> str:
    return f"{value:08x}" if name.endswith(("digest", "rng")) else f"{value:,}"


def _change(network: QNetwork, projection: str, change: Change) -> str:
    """A weight by the indices of its neurons, of the readout by the class."""
    is_read = network.projection(projection).post == network.readout
    named = is_read and network.class_names is not None and change.post < network.n_known
    post = network.classes[change.post] if named else change.post
    return f"{change.pre}→{post}: {change.first} {change.second}"

"""What learns, by which rules, and what it has beside them: step sizes, replay, guard, gate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.kinds import hold_fields
from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.ir import Input, Network, Projection, geometry
from edge_dassdp.ir.credit import forward_projections, has_error, plastic_part
from edge_dassdp.ir.pools import with_pools_apart
from edge_dassdp.qir.order import CHANNEL_ALIGN
from edge_dassdp.qir.ranges import RECORDED_MAX
from edge_dassdp.rules import document
from edge_dassdp.rules.base import LatencyKind, Rule, require
from edge_dassdp.rules.classes import check_classes
from edge_dassdp.rules.delta import ReadoutDelta
from edge_dassdp.rules.error import ErrorSSDP
from edge_dassdp.rules.misses import CUSUM, ErrorScaled
from edge_dassdp.rules.needs import with_error
from edge_dassdp.rules.touch import ErrorTouch
from edge_dassdp.storage.files import write_text

FORMAT = "edge_dassdp/learning/1"
Policy = Literal["fifo", "reservoir"]
TOUCH, SYNCHRONY, READOUT = ErrorTouch(32.0), ErrorSSDP(32.0), ReadoutDelta(0.4)
"""What learns by default: the best of all sets of docs/evidence.md together, with schedule and
replay."""
ALONE = ReadoutDelta(1.6)
"""The readout where nothing learns before it."""
OF_VALUES: Mapping[Rule, Rule] = {TOUCH: ErrorTouch(2.0), SYNCHRONY: ErrorSSDP(2.0),
                                  READOUT: ReadoutDelta(0.3), ALONE: ReadoutDelta(0.3)}
"""In their place where outputs are values, whose errors do not end at 1 as those of probabilities
do: the steps of docs/regression.md."""
VALUES_RING = 24
"""Places of the ring where outputs are values, which is one: there are no classes with their own.
"""


@dataclass(frozen=True)
class Schedule:
    """Step sizes of the error-driven rules shrink: times max(floor, 1 / (1 + n / samples)).

    n: labelled samples learned so far, in steps of 16. samples: 1 to 4096; floor: 0.05 to 1.
    """

    samples: int = 120
    floor: float = 0.3

    def __post_init__(self) -> None:
        require(is_int(self.samples) and 1 <= self.samples <= 4096,
                f"Schedule: samples is {self.samples}, expected 1 to 4,096")
        require(is_real(self.floor) and 0.05 <= self.floor <= 1,
                f"Schedule: floor is {self.floor}, expected 0.05 to 1")

    def factor(self, n_labelled: int) -> float:
        """What multiplies the step size after n labelled samples."""
        return max(self.floor, 1.0 / (1.0 + (n_labelled // 16 * 16) / self.samples))

    @property
    def ends_at(self) -> int:
        """Labelled samples after which the factor is the floor."""
        return math.ceil(round(self.samples * (1.0 / self.floor - 1.0) / 16, 6)) * 16


@dataclass(frozen=True)
class Replay:
    """Latent replay: stored samples, packed at the input of the plastic part, learned again.

    A stored sample is a first-spike latency and a spike count per neuron, and its label. flash:
    samples of the training set, constants of the firmware, 0 to 65,535. ring_per_class: recent
    labelled samples kept in RAM, 0 to 255 of each class; `policy` fifo replaces the oldest,
    reservoir a random one. After each labelled sample n_ring samples of the ring and then n_flash
    of flash are learned again (0 to 16 each); more on request (`idle`). A spike train is rebuilt as
    t + (k (T - t)) // n, k = 0 .. n - 1.
    """

    flash: int = 70
    ring_per_class: int = 3
    n_ring: int = 1
    n_flash: int = 1
    policy: Policy = "fifo"

    def __post_init__(self) -> None:
        hold_fields(self, where="Replay: ")
        for name, most in (("flash", 65535), ("ring_per_class", 255), ("n_ring", 16),
                           ("n_flash", 16)):
            value = getattr(self, name)
            require(is_int(value) and 0 <= value <= most,
                    f"Replay: {name} is {value}, expected 0 to {most:,}")
        require(self.flash > 0 or self.ring_per_class > 0, "Replay: it stores no sample",
                help="give flash or ring_per_class, or no Replay")
        require(self.policy in ("fifo", "reservoir"),
                f"Replay: policy '{self.policy}' is not fifo or reservoir")


@dataclass(frozen=True)
class Guard:
    """What protects a device from its own learning. Factory weights always stay in flash.

    keeps_copy: `save` copies the plastic weights in RAM, `rollback` puts them back (factory weights
    before the first copy). margin: after each labelled sample the factory weights classify it,
    too; once `window` samples (1 to 32) were judged and the factory's hits among them exceed the
    own by `margin` (1 to 32), the weights fall back to the factory's. 0: never.
    """

    keeps_copy: bool = False
    margin: int = 0
    window: int = 32

    def __post_init__(self) -> None:
        require(isinstance(self.keeps_copy, bool), "Guard: keeps_copy is no truth value")
        require(is_int(self.margin) and 0 <= self.margin <= 32,
                f"Guard: margin is {self.margin}, expected 0 to 32")
        require(is_int(self.window) and 1 <= self.window <= 32,
                f"Guard: window is {self.window}, expected 1 to 32")
        require(self.keeps_copy or self.margin > 0, "Guard: it neither copies nor falls back")


@dataclass(frozen=True)
class Learning:
    """What learns, and how.

    rules: projection name -> rule. skip_below: no error-driven rule writes for a sample with
    1 - p_y < skip_below, 0 (never skip) to below 1. seed: xorshift32 seed of the device's
    stochastic rounding, 1 to 2^32 - 1; float learning draws no random numbers. schedule: of step
    sizes, by labelled samples or by errors. gate: of CUSUM, whether it learns at all. class_means:
    means of what the last hidden population fires decide beside the readout (docs/classes.md).
    """

    rules: Mapping[str, Rule]
    skip_below: float = 0.05
    seed: int = 2463534242
    schedule: Schedule | ErrorScaled | None = None
    replay: Replay | None = None
    guard: Guard | None = None
    gate: CUSUM | None = None
    class_means: bool = False

    def __post_init__(self) -> None:
        require(isinstance(self.rules, Mapping) and bool(self.rules), "no projection has a rule",
                help="give a mapping of projections to rules")
        for name, rule in self.rules.items():
            require(isinstance(rule, Rule), f"the rule of '{name}' is a {type(rule).__name__}",
                    help=f"choose {', '.join(r.__name__ for r in Rule.known.values())}")
        hold_fields(self)
        require(is_real(self.skip_below) and 0 <= self.skip_below < 1,
                f"skip_below is {self.skip_below}, expected 0 to below 1")
        require(is_int(self.seed) and 1 <= self.seed < 2**32,
                f"seed is {self.seed}, expected 1 to 2^32 - 1")

    @classmethod
    def load(cls, path: Path | str) -> Learning:
        """What `save` or `edge-dassdp tune` wrote, or you (docs/learning-file.md).

        Raises EdgeError E103 for another or a damaged file, E105 for an unknown key, with the
        nearest that there is, or a value of another kind, E203 for one out of range.
        """
        return document.read(cls, path, FORMAT, "learning")

    def save(self, path: Path | str, comments: Sequence[str] = ()) -> None:
        """Write it as TOML, which `load` reads back to the same constants. comments: lines above
        them. Raises EdgeError E103 where the file cannot be written."""
        write_text(path, self.toml(comments))

    def toml(self, comments: Sequence[str] = ()) -> str:
        """What `save` writes."""
        return document.text(self, FORMAT, comments)

    @classmethod
    def default(cls, network: Network, samples: int = 0, *, values: bool = False) -> Learning:
        """What measured best on all sets of docs/evidence.md with one set of constants: TOUCH into
        the last hidden population, READOUT into the readout, a Schedule, and replay.

        samples: labelled training samples at hand, of which up to 70 go to flash; without any the
        ring is replayed alone. SYNCHRONY learns where touch cannot stand, the readout alone, by
        ALONE, where neither can; nothing is replayed where samples cannot be stored. Only
        projections from spiking populations learn; those into the readout must be forward. Matrices
        behind a pool learn where no other can. values: outputs are values in place of
        classes, which OF_VALUES learn, with one ring of VALUES_RING places. Raises E203 if there is
        none, or none can stand.
        """
        return next(cls.defaults(network, samples, values=values))

    @classmethod
    def defaults(cls, network: Network, samples: int = 0,
                 refused: list[str] | None = None, *, values: bool = False
                 ) -> Iterator[Learning]:
        """`default`, and after it what is next best where its numbers have no form or no room.
        refused: told why what would be better cannot stand."""
        require(is_int(samples) and samples >= 0,
                f"Learning.default: samples is {samples}, expected a number of samples from 0")
        require(isinstance(values, bool),
                f"Learning.default: values is {values!r}, expected True or False")
        _require_recorded(network)
        why = refused if refused is not None else []
        problem: EdgeError | None = None
        tried: list[Mapping[str, Rule]] = []
        for hidden in (TOUCH, SYNCHRONY, None):
            try:
                rules = _default_rules(network, hidden)
                made = cls({name: OF_VALUES[rule] for name, rule in rules.items()} if values
                           else rules, schedule=Schedule())
                made.validate(network)
            except EdgeError as found:
                problem = problem or found
                why.append(found.message)
                continue
            if made.rules not in tried:
                tried.append(made.rules)
                yield made._with_default_replay(
                    network, samples, VALUES_RING if values else Replay.ring_per_class, why)
        if problem is not None and not tried:
            problem.help = "leave the network frozen, --frozen, or name what learns with " \
                "--plastic or --rule (Learning({...}) in Python)"
            raise problem

    def _with_default_replay(self, network: Network, samples: int, ring: int, why: list[str]
                             ) -> Learning:
        stored = Replay(min(Replay.flash, samples), ring, n_ring=3) if samples else \
            Replay(0, ring, n_ring=1, n_flash=0)
        made = replace(self, replay=stored)
        try:
            made.validate(network)
        except EdgeError as problem:
            why.append(f"nothing is replayed: {problem.message}")
            return self
        return made

    def validate(self, network: Network) -> None:
        """Raises E203 where a rule cannot stand, E105 for an unknown projection."""
        _require_recorded(network)
        network = with_pools_apart(network, self.rules)
        for name, rule in self.rules.items():
            _check_wiring(network, network.projection(name), rule)
            rule.check(network, network.projection(name))
        self._check_masks(network)
        self._check_records(network)
        self._check_numbers(network)
        self._check_rerun(network)
        check_classes(network, self.rules, class_means=self.class_means,
                      falls_back=self.guard is not None and self.guard.margin > 0)
        kinds: dict[str, tuple[LatencyKind, str]] = {}
        for name, rule in self.rules.items():
            kind = rule.needs.latency
            if kind is None:
                continue
            projection = network.projection(name)
            for population in (projection.pre, projection.post):
                known, other = kinds.setdefault(population, (kind, name))
                require(
                    known == kind,
                    f"'{other}' needs the {known} and '{name}' the {kind} spike of '{population}'",
                    help="give both rules the same variant",
                )

    def _check_masks(self, network: Network) -> None:
        """One eligibility a population: it decides which neurons have an error."""
        by_touch: dict[str, tuple[bool, str]] = {}
        for name, rule in self.rules.items():
            post, needs = network.projection(name).post, rule.needs
            if not needs.error or post == network.readout.population:
                continue
            touch, other = by_touch.setdefault(post, (needs.touch is not None, name))
            by = type(rule if needs.touch is not None else self.rules[other]).__name__
            require(touch == (needs.touch is not None), f"'{post}' learns by {by} and by spikes",
                    help="give all projections into it the same rule")

    def _check_records(self, network: Network) -> None:
        """Records are of neurons, or of channels."""
        of_channels: dict[str, tuple[bool, str]] = {}
        for name in self.rules:
            q = network.projection(name)
            for population in (q.pre, q.post):
                known, other = of_channels.setdefault(population, (q.conv is not None, name))
                require(known == (q.conv is not None), f"'{other}' and '{name}' learn from "
                        f"'{population}', one from its channels, one from its neurons",
                        help="let one of them learn")
        for population, (conv, name) in of_channels.items():
            if conv:
                self._check_channel_records(
                    network, population, f"'{name}' learns from the channels of '{population}'")

    def _check_channel_records(self, network: Network, population: str, where: str) -> None:
        """Nothing else asks for the records of its neurons."""
        readout = network.readout
        require(population != readout.population or readout.kind == "spike_count"
                or math.prod(geometry.volume(network.population(population).shape)[1:]) == 1,
                f"{where}, which is read by the membranes of its positions",
                help="read its spikes, or give it one position")
        require(population == readout.population
                or population not in with_error(network, self.rules),
                f"{where}, and errors come back through its neurons",
                help="let no error-driven rule learn before it")
        part = plastic_part(network, self.rules)
        enters = any(p.pre == population and p.post in part for p in network.projections)
        require(self.replay is None or population in part or not enters,
                f"{where}, and stored samples hold neurons", help="leave out replay")

    def _check_numbers(self, network: Network) -> None:
        """Records hold all spikes of neurons that fire up to a stated number of times a step."""
        for name, rule in self.rules.items():
            for population in (network.projection(name).pre, network.projection(name).post):
                most = network.n_steps * max(network.population(population).max_spikes, 1)
                require(rule.takes_numbers or most == network.n_steps,
                        f"{type(rule).__name__} on '{name}': '{population}' fires several times a "
                        "step, and its proof is for one", help="prove its update for "
                        "`Site.count_peak` spikes and set takes_numbers, or choose another rule")
                require(most <= RECORDED_MAX, f"'{population}' may fire {most:,} times in a "
                        f"sample, and what learns remembers up to {RECORDED_MAX:,} spikes",
                        help="use fewer steps, or let another projection learn")

    def _check_rerun(self, network: Network) -> None:
        """Replay and fall-back run the plastic part alone, from the spikes that enter it."""
        if self.replay is None and (self.guard is None or self.guard.margin == 0):
            return
        part = plastic_part(network, self.rules)
        inputs = {i.name for i in network.inputs}
        for p in network.projections:
            require(p.post not in part or p.pre not in inputs,
                    f"'{p.pre}' projects into '{p.post}', which changes as the network learns: "
                     "samples cannot be stored behind it",
                     help="leave out replay and the guard's fall-back")
        has_errors = any(r.needs.error for r in self.rules.values())
        require(self.replay is None or has_errors,
                "replay needs a rule that learns from labels",
                 help="add ReadoutDelta, ErrorSSDP or ErrorTouch, or leave out replay")
        for p in network.projections:
            source = [s for s in network.populations if s.name == p.pre and s.name not in part]
            require(p.post not in part or not any(s.is_multi_spike for s in source),
                    f"'{p.pre}' fires several times a step, which stored samples do not hold",
                    help="leave out replay and the guard's fall-back")
        published = any(r.needs.latency == "last" for r in self.rules.values())
        require(self.replay is None or not published,
                "replay stores first-spike latencies, and the published rule needs the last",
                 help="use variant 'described', or leave out replay")


def _require_recorded(network: Network) -> None:
    """E203 where a sample has more steps than what learns remembers, whatever its rules."""
    require(network.n_steps <= RECORDED_MAX, f"samples of {network.n_steps:,} steps, and what "
            f"learns remembers steps up to {RECORDED_MAX:,}",
            help="use fewer steps, each of a longer time, or leave the network frozen")


def _default_rules(network: Network, hidden: Rule | None) -> dict[str, Rule]:
    """`hidden` into the last hidden population and the delta rule into the readout."""
    found = _default_places(network, hidden, pooled=False) or {
        name: rule for name, rule in _default_places(network, hidden, pooled=True).items()
        if _stands(network, name, rule)}
    is_alone = all(isinstance(rule, ReadoutDelta) for rule in found.values())
    return dict.fromkeys(found, ALONE) if is_alone else found


def _default_places(network: Network, hidden: Rule | None, *, pooled: bool) -> dict[str, Rule]:
    spiking = {p.name for p in network.populations}
    readout = network.readout.population
    before = [p.name for p in network.populations
              if p.name != readout and has_error(network, p.name)]
    rules: dict[str, Rule] = {}
    for p in network.projections:
        if p.conv is not None or p.delay is not None or (p.pool is not None) != pooled:
            continue
        if hidden is not None and p.pre in spiking and before and p.post == before[-1]:
            rules[p.name] = hidden
        elif p.post == readout and p.pre in before:
            rules[p.name] = READOUT
    return rules


def _stands(network: Network, name: str, rule: Rule) -> bool:
    try:
        Learning({name: rule}).validate(network)
    except EdgeError:
        return False
    return True


def _check_wiring(network: Network, q: Projection, rule: Rule) -> None:
    """E203 unless the projection is of a kind that the rule can write."""
    where = f"{type(rule).__name__} on '{q.name}'"
    if q.conv is not None:
        require(q.result_pool is None, f"{where}: of its sums the largest alone reach '{q.post}'",
                help="choose a projection behind the last max pooling of currents")
        require(q.is_pointwise and q.pool is None and q.delay is None and rule.learns_channels,
                f"{where}: it is a convolution", help="convolutions learn where they are 1 x 1, by "
                "SSDP or DASSDP; choose a projection behind the last convolution")
    else:
        require(q.is_plain, f"{where}: it has a "
                + ("pool of an input" if q.pool and q.delay is None else "delay"),
                help="choose a projection without")
        _check_channels(network, q, where)
        if rule.needs.error:
            _check_way_back(network, q.post, where)
    require(q.pre not in {i.name for i in network.inputs},
            f"{where}: its presynaptic side '{q.pre}' is an input and does not spike",
            help="choose a projection between populations")


def _check_channels(network: Network, q: Projection, where: str) -> None:
    for name in (q.pre, q.post):
        node = network.node(name)
        c, height, width = geometry.volume(node.shape)
        require(height * width == 1 or c % CHANNEL_ALIGN == 0 or isinstance(node, Input),
                f"{where}: '{name}' has {c} channels, which are padded on the device",
                help=f"give it a multiple of {CHANNEL_ALIGN} channels")


def _check_way_back(network: Network, population: str, where: str) -> None:
    """Errors flow back through matrices."""
    for q in forward_projections(network, population):
        require(q.conv is None and q.pool is None, f"{where}: its error would have to come back "
                f"through '{q.name}', a {'convolution' if q.conv else 'pool'}",
                help="choose a projection behind the last convolution or pool")
        _check_way_back(network, q.post, where)

"""The methods that are compared, and the small grid that the constants of each are chosen from.

Every grid has N_POINTS points, so that no method is tuned with more effort than another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

from edge_dassdp.comparison.comparators import BackpropLearner
from edge_dassdp.ir import Network
from edge_dassdp.rules import (
    CUSUM,
    DASSDP,
    EIHL,
    ErrorScaled,
    ErrorSSDP,
    ErrorTouch,
    Homeostasis,
    Learning,
    PairSTDP,
    ReadoutDelta,
    Replay,
    Rule,
    Schedule,
)
from edge_dassdp.twin.learner import FloatLearner

Constants = Mapping[str, float]
Fits = Literal["labels", "stream"]
N_POINTS = 9
REPLAY = Replay(flash=70, ring_per_class=3, n_ring=1, n_flash=1)
K3 = replace(REPLAY, n_ring=3)
RESERVOIR = replace(K3, ring_per_class=10, policy="reservoir")
RESERVOIR_K6 = replace(RESERVOIR, n_ring=6, n_flash=2)
REPLAYS: dict[str, Replay | None] = {
    "off": None, "flash": Replay(flash=70, ring_per_class=0, n_ring=0), "flash + ring": REPLAY}
"""Replay by name; a method that stores otherwise does so in place of the last."""
STANDARD = "flash + ring"
N_IDLE = 200
IDLE = f"{STANDARD}, idle steps"
"""Rows after idle steps, N_IDLE of them where the method does not say otherwise."""
A_PLUS, A_BASE = 1.5e-3, 5e-4
"""The paper code's amplitudes of DA-SSDP; a method multiplies both."""


def grid(**choices: tuple[float, ...]) -> tuple[Constants, ...]:
    """All combinations of the choices."""
    points = tuple(dict(zip(choices, values, strict=True)) for values in product(*choices.values()))
    assert len(points) == N_POINTS, choices
    return points


@dataclass(frozen=True)
class Method:
    """hidden: the rule before the readout for some constants, None if it stays; the readout has
    ReadoutDelta with mu1. simpler: the method it is compared with. twin: constants are those of
    this method, which was tuned. given: constants that were not
    chosen here. learner: in float on the host, None on the device. stored: how much is stored and
    replayed. n_idle: steps of its idle rows. schedule: of step sizes, gate: whether it learns at
    all. profile: what the device fits first, 'labels' from labels, 'stream' without. learns: or
    else only the profile changes. class_means: beside the readout. whole: all that learns, of the
    product's choosing. warms_up: a gate of DA-SSDP is fitted on unshifted samples first. replay: by
    name, of all its runs.
    """

    key: str
    title: str
    simpler: str
    grid: tuple[Constants, ...] = ()
    hidden: Callable[[Constants], Rule] | None = None
    schedule: Schedule | ErrorScaled | None = None
    stored: Replay = REPLAY
    n_idle: int = N_IDLE
    gate: CUSUM | None = None
    twin: str | None = None
    given: Constants = field(default_factory=dict)
    learner: Callable[..., FloatLearner] | None = None
    profile: Fits | None = None
    learns: bool = True
    class_means: bool = False
    whole: Callable[[Network, int], Learning] | None = None
    warms_up: bool = False
    replay: str = STANDARD

    def learning(self, network: Network, constants: Constants, replay: str,
                 n_training: int) -> Learning:
        """Where it learns, by which rules; replay from flash has no more than n_training samples.
        """
        if self.whole is not None:
            return self.whole(network, n_training)
        rules: dict[str, Rule] = {}
        for name in Learning.default(network).rules:
            if network.projection(name).post == network.readout.population:
                rules[name] = ReadoutDelta(constants["mu1"])
            elif self.hidden is not None:
                rules[name] = self.hidden(constants)
        stored = self.stored if replay == STANDARD else REPLAYS[replay]
        if stored is not None:
            stored = replace(stored, flash=min(stored.flash, n_training))
        return Learning(rules, schedule=self.schedule, replay=stored, gate=self.gate,
                        class_means=self.class_means)


def _sync(c: Constants) -> Rule:
    return ErrorSSDP(mu=c["mu2"])


def _touch(c: Constants) -> Rule:
    return ErrorTouch(mu=c["mu2"])


def _ssdp(c: Constants) -> Rule:
    return DASSDP(c["a"] * A_PLUS, c["a"] * A_BASE, gated=False)


def _dassdp(c: Constants) -> Rule:
    return DASSDP(c["a"] * A_PLUS, c["a"] * A_BASE)


def _pair(c: Constants) -> Rule:
    return PairSTDP(c["a"] * 1e-4, c["a"] * 2e-4)


def _homeostasis(c: Constants) -> Rule:
    return Homeostasis(c["eta"])


def _eihl(c: Constants) -> Rule:
    return EIHL(mu=c["mu2"], growth=c["growth"])


READOUT_GRID = grid(mu1=(0.2, 0.4, 0.8, 1.2, 1.6, 2.4, 3.2, 4.8, 6.4))
LOCAL_GRID = grid(mu1=(2.4, 3.2, 4.8), a=(0.01, 0.03, 0.1))
PAIR_GRID = grid(mu1=(1.6, 2.4, 4.8), a=(0.5, 1.5, 4.5))
HOME_GRID = grid(mu1=(2.4, 3.2, 4.8), eta=(0.01, 0.03, 0.1))
ERROR_GRID = grid(mu1=(0.2, 0.4, 0.8), mu2=(16.0, 32.0, 64.0))
EIHL_GRID = grid(mu1=(0.4,), mu2=(16.0, 32.0, 64.0), growth=(5e-6, 2e-5, 1e-4))
TOUCHED = {"mu1": 0.8, "mu2": 32.0}
"""Where nothing learns, it does not matter which."""

RULES: tuple[Method, ...] = (
    Method("delta", "readout delta", "frozen", READOUT_GRID),
    Method("delta_k3", "readout delta + schedule, K = 3", "delta", READOUT_GRID,
           schedule=Schedule(), stored=K3),
    Method("ssdp", "delta + SSDP", "delta", LOCAL_GRID, _ssdp),
    Method("dassdp", "delta + DA-SSDP", "ssdp", LOCAL_GRID, _dassdp, warms_up=True),
    Method("pair", "delta + pair STDP", "delta", PAIR_GRID, _pair),
    Method("homeostasis", "delta + homeostasis", "delta", HOME_GRID, _homeostasis),
    Method("eihl", "EIHL (reconstruction)", "sync", EIHL_GRID, _eihl),
    Method("sync", "latency synchrony", "delta", ERROR_GRID, _sync),
    Method("sync_k3", "latency synchrony + schedule, K = 3", "sync", ERROR_GRID, _sync, Schedule(),
           K3),
    Method("touch", "touch", "sync", ERROR_GRID, _touch),
    Method("touch_k3", "touch + schedule, K = 3", "touch", ERROR_GRID, _touch, Schedule(), K3),
)
"""Rules among themselves."""
AROUND: tuple[Method, ...] = (
    Method("default", "what quantize chooses", "frozen", given=TOUCHED, whole=Learning.default),
    Method("touch_error", "touch, steps by error, K = 3", "touch_k3", (), _touch, ErrorScaled(), K3,
           twin="touch_k3"),
    Method("touch_gate", "touch + schedule behind a gate, K = 3", "touch_k3", (), _touch,
           Schedule(), K3, gate=CUSUM(), twin="touch_k3"),
    Method("touch_gate_error", "touch, steps by error behind a gate, K = 3", "touch_error", (),
           _touch, ErrorScaled(), K3, gate=CUSUM(), twin="touch_k3"),
    Method("reservoir", "touch + schedule, K = 3, reservoir of 10", "touch_k3", (), _touch,
           Schedule(), RESERVOIR, 600, twin="touch_k3"),
    Method("oriented_frozen", "profile from labels, frozen", "frozen", given=TOUCHED, hidden=_touch,
           profile="labels", learns=False),
    Method("oriented", "profile from labels + touch + schedule, K = 3", "touch_k3", (), _touch,
           Schedule(), K3, twin="touch_k3", profile="labels"),
    Method("oriented_error", "profile from labels + touch, steps by error, K = 3", "oriented", (),
           _touch, ErrorScaled(), K3, twin="touch_k3", profile="labels"),
    Method("oriented_gate", "profile from labels + touch, steps by error behind a gate, K = 3",
           "oriented_error", (), _touch, ErrorScaled(), K3, gate=CUSUM(), twin="touch_k3",
           profile="labels"),
    Method("oriented_reservoir", "profile from labels + touch + schedule, reservoir of 10",
           "oriented", (), _touch, Schedule(), RESERVOIR, 600, twin="touch_k3", profile="labels"),
    Method("unlabelled_frozen", "profile without labels, frozen", "frozen", given=TOUCHED,
           hidden=_touch, profile="stream", learns=False),
    Method("unlabelled", "profile without labels + touch, steps by error behind a gate, K = 3",
           "touch_gate_error", (), _touch, ErrorScaled(), K3, gate=CUSUM(), twin="touch_k3",
           profile="stream"),
)
"""What stands around a rule: step sizes, gate, store, profile."""
DEVICE = (*RULES, *AROUND)
HOST: tuple[Method, ...] = (
    Method("delta_float", "readout delta in float", "delta", twin="delta", learner=FloatLearner),
    Method("sync_float", "latency synchrony in float", "sync", (), _sync, twin="sync",
           learner=FloatLearner),
    Method("touch_float", "touch + schedule, K = 3, in float", "touch_k3", (), _touch, Schedule(),
           K3, twin="touch_k3", learner=FloatLearner),
    Method("backprop", "backprop of two layers, schedule, K = 3, float", "touch_float", ERROR_GRID,
           _touch, Schedule(), K3, learner=BackpropLearner),
)
PROFILED = "profile, "


def _tried() -> Iterator[Method]:
    """A profile from labels and touch: what is stored and replayed, with how large steps."""
    stores = {"reservoir of 10": RESERVOIR, "reservoir of 10, K = 6": RESERVOIR_K6}
    steps = {"schedule": (Schedule(), None), "steps by error": (ErrorScaled(), None),
             "steps by error behind a gate": (ErrorScaled(), CUSUM())}
    sizes = {"0.8/32": (0.8, 32.0), "0.4/32": (0.4, 32.0)}
    for (store, stored), (step, (schedule, gate)), (size, (mu1, mu2)), means in product(
            stores.items(), steps.items(), sizes.items(), (False, True)):
        if (gate and mu1 != 0.4) or (means and (gate or stored is RESERVOIR)):
            continue
        name = f"touch {size}, {step}, {store}{', class means' * means}"
        for profile in ("labels", None):
            yield Method(f"{PROFILED if profile else ''}{name}",
                         f"profile from labels + {name}" if profile else name, "oriented",
                         hidden=_touch, schedule=schedule, stored=stored, gate=gate,
                         n_idle=3 * N_IDLE, given={"mu1": mu1, "mu2": mu2},
                         profile="labels" if profile else None, class_means=means)


TRIED = tuple(_tried())
"""What might be better on the validation wearers, each behind a profile and without one."""
POINTS = tuple(Method(f"touch_k3 {c['mu1']:g}/{c['mu2']:g}",
                      f"touch {c['mu1']:g}/{c['mu2']:g} + schedule, K = 3", "touch",
                      hidden=_touch, schedule=Schedule(), stored=K3, given=c) for c in ERROR_GRID)
"""touch_k3 with every point of its grid; a fold chooses by its own validation wearers."""
EQUAL = (("sync", "delta"), ("touch", "sync"), ("sync_k3", "delta_k3"), ("touch_k3", "sync_k3"))
"""Pairs of methods that differ in the eligibility alone."""
METHODS = {m.key: m for m in (*DEVICE, *HOST, *TRIED, *POINTS)}
FROZEN, MIRRORED = "frozen", "mirrored"
TITLES = {FROZEN: "frozen", MIRRORED: "frozen, mirrored axes",
          **{m.key: m.title for m in METHODS.values()}}


def replay_of(key: str) -> str:
    """The replay of a method's usual runs."""
    return METHODS[key].replay if key in METHODS else "off"

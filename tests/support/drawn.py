"""A scenario from a recipe of the space: a small network with all that the recipe asks for.

x -> a -> b -> c -> out, a and b perhaps volumes, c a vector that learns; a second input, a skip and
a loop beside them. What no axis decides is drawn by the recipe's seed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from support.scenario import Phase, Scenario
from support.space import CURRENTS, Recipe, learns

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import (
    Encoder,
    Form,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    Sensor,
    Triad,
)
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool, Volume, identity, size, volume
from edge_dassdp.quantize.biases import with_plastic_biases
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import (
    CUSUM,
    DASSDP,
    EIHL,
    ErrorScaled,
    ErrorSSDP,
    ErrorTouch,
    Guard,
    Homeostasis,
    Learning,
    PairSTDP,
    ReadoutDelta,
    Replay,
    Rule,
    Schedule,
)

SHAPES: dict[str, tuple[int, ...]] = {
    "image": (3, 5, 7), "vector": (11,), "long": (210,), "line": (2, 9), "deep": (8, 4, 3)}
RESET_FIELDS: dict[str, dict[str, Any]] = {
    "none": {"reset": "none"}, "delayed": {}, "now": {"reset_delay": False},
    "once": {"reset_delay": False, "looks_back": False}, "zero": {"reset": "zero"},
    "zero now": {"reset": "zero", "reset_delay": False},
    "zero to": {"reset": "zero", "reset_delay": False, "v_reset": -0.2},
    "zero all": {"reset": "zero", "cancels_input": True},
    "few": {"reset_delay": False, "looks_back": False, "strict": False, "max_spikes": 3},
    "many": {"reset_delay": False, "looks_back": False, "strict": False, "max_spikes": 0}}
DENSITY = {"unknown": 0.3, "sparse": 0.15, "busy": 0.85}


def scenario(recipe: Recipe) -> Scenario:
    """EdgeError as the product refuses what the recipe asks for."""
    drawn = _Drawn(recipe)
    network = drawn.network()
    learning = drawn.learning()
    if recipe.choice["plastic biases"] and learning is not None:
        network, learning = with_plastic_biases(network, learning)
    return Scenario(f"space_{recipe.seed}", network, learning, drawn.settings(),
                    tuple(drawn.phases(learning)), DENSITY[recipe.choice["activity"]],
                    recipe.choice["activity"] != "unknown")


class _Drawn:
    def __init__(self, recipe: Recipe) -> None:
        self.c = recipe.choice
        self.rng = np.random.default_rng(recipe.seed)
        self.n_steps: int = self.c["steps"]
        self.populations: dict[str, Population] = {}
        self.projections: list[Projection] = []

    # ---- the network ---------------------------------------------------------------------------

    def network(self) -> Network:
        x, c = self.source(), self.c
        inputs = [x]
        self.layer("a", x)
        self.layer("b", self.populations["a"])
        self.vector("c", self.populations["b"], c["size c"], "bc")
        self.vector("out", self.populations["c"], c["classes"], "co")
        if c["second input"] != "none":
            inputs.append(self.second(*c["second input"].split()))
        self.loop()
        self.skip()
        order = "abc" if c["order"] == "forward" else "bac"
        made = Network(tuple(inputs), tuple(self.populations[n] for n in (*order, "out")),
                       tuple(self.projections),
                       Readout("out", "membrane_sum" if c["readout"] == "sum" else "spike_count",
                               c["stated"]),
                       self.n_steps)
        return made.with_spare_classes(c["spare"]) if c["spare"] else made

    def source(self) -> Input:
        made = self.bare_source()
        if self.c["sensor"] == "none":
            return made
        n = made.raw_shape[0] if made.n_raw < 200 else 7
        triads = (Triad("polar", (1, 2, 0)), *[Triad("axial", (3, 5, 4))] * (n > 5)) \
            if self.c["sensor"] == "triads" else ()
        scale = self.rng.choice([-1.0, 1.0], n) * self.rng.uniform(0.5, 2, n) / 4096
        return replace(made, sensor=Sensor(n, tuple(scale), tuple(self.rng.normal(0, 0.2, n)),
                                           triads, 4096 if triads else None,
                                           str(self.rng.choice(["values", "counts"]))))

    def bare_source(self) -> Input:
        kind, shape, n_steps = self.c["input"], SHAPES[self.c["shape"]], self.n_steps
        n, rng = size(shape), self.rng
        if kind in CURRENTS:
            return Input("x", n, 1 if kind == "currents" else n_steps, shape=shape)
        if kind in ("spikes", "spike frames"):
            return Input("x", n, 1 if kind == "spikes" else n_steps, True, shape)
        if kind in ("events", "counts"):
            return Input("x", n, n_steps, True, shape, 6 * n * n_steps, kind == "counts")
        encoder = Encoder(kind, int(rng.integers(3, 7)), int(rng.integers(1, 2**32)),
                          int(rng.integers(1, 40)))
        if kind == "delta":
            shape = (2 * shape[0], *shape[1:])
        return Input("x", size(shape), n_steps if kind == "delta" else 1, True, shape,
                     encoder=encoder)

    def weight(self, shape: tuple[int, ...], fan_in: int, gain: float = 2.5
               ) -> NDArray[np.float64]:
        return self.rng.normal(0.3 * gain / fan_in, gain / np.sqrt(fan_in), shape)

    def bias(self, n: int) -> NDArray[np.float64] | None:
        return self.rng.normal(0, 0.15, n) if self.c["bias"] else None

    def delay(self, kind: str, pre: Input | Population) -> Any:
        return {"none": None, "one": int(self.rng.integers(1, 4)),
                "each": self.rng.integers(0, 4, pre.size)}[kind]

    def layer(self, name: str, pre: Input | Population) -> None:
        """a or b, behind its path."""
        path, delay = self.c[f"path {name}"], self.delay(self.c[f"delay {name}"], pre)
        shape, pool, largest = volume(pre.shape), None, None
        if path.split()[0] in ("sum", "max"):
            pool = self.pool(path.split()[0], shape)
            shape = pool.out(shape)
        n_pre = size(shape)
        if path in ("matrix", "sum", "max"):
            out: tuple[int, ...] = (int(self.rng.integers(2, 40)),)
            conv, weight = None, self.weight((n_pre, out[0]), n_pre)
        else:
            kind = path.split()[-1]
            if kind == "largest":
                kind = str(self.rng.choice(["conv", "strided", "groups", "pointwise"]))
            conv, weight, out = self.conv(kind, shape, self.channels(name))
            if path == "largest":
                largest, out = self.largest(out)
        self.add(name, out)
        self.projections.append(Projection(
            {"a": "xa", "b": "ab"}[name], pre.name, name, weight,
            self.bias(weight.shape[0] if conv else out[0]), conv, pool, delay, largest))

    def channels(self, name: str) -> int:
        """Of a convolution: padded on the device, unless what learns begins or ends here."""
        is_learned = self.c["rule b"] != "none" or (name == "b" and self.c["rule c"] != "none")
        return int(self.rng.integers(1, 3)) * 4 if is_learned else int(self.rng.integers(1, 10))

    def pool(self, kind: Any, shape: Volume) -> Pool:
        """One whose windows fit."""
        least = 2 if self.c["rule b"] != "none" else 1  # what learns does not behind a pool of one
        kernel = tuple(int(self.rng.integers(min(least, n), min(3, n) + 1)) for n in shape[1:])
        padding = tuple(int(self.rng.integers(0, k // 2 + 1)) for k in kernel)
        stride = tuple(int(self.rng.integers(1, 3)) for _ in kernel)
        return Pool(kind, kernel, stride, padding)  # type: ignore[arg-type]

    def largest(self, shape: Volume) -> tuple[MaxPool, Volume]:
        """A pool of what a convolution makes."""
        while True:
            low_high: Any = self.rng.integers(1, 4, (3, 2)).tolist()
            kernel, stride, dilation = map(tuple, low_high)
            padding = tuple(int(self.rng.integers(0, k // 2 + 1)) for k in kernel)
            pool = MaxPool(kernel, stride, padding,  # type: ignore[arg-type]
                           dilation, bool(self.rng.integers(2)))
            try:
                return pool, pool.out(shape)
            except EdgeError:  # larger than what is left
                continue

    def conv(self, path: str, shape: Volume, channels: int
             ) -> tuple[Conv, NDArray[np.float64], Volume]:
        def two(low: int, high: int) -> Any:
            return int(self.rng.integers(low, high)), int(self.rng.integers(low, high))

        while True:
            conv, kernel = Conv(), two(1, 4)
            if path == "strided":
                conv = Conv(two(1, 4), two(0, 3), two(1, 3))
            elif path == "groups":
                channels = shape[0] * (4 if channels % 4 == 0 else int(self.rng.integers(1, 3)))
                conv = Conv(two(1, 3), two(0, 2), groups=shape[0])
            elif path == "pointwise":
                kernel = (1, 1)
            made = (channels, shape[0] // conv.groups, *kernel)
            try:
                out = conv.out(shape, made)
            except EdgeError:  # a kernel larger than what is left
                continue
            return conv, self.weight(made, size(made[1:])), out

    def vector(self, name: str, pre: Population, n: int, projection: str) -> None:
        self.add(name, (n,))
        self.projections.append(Projection(projection, pre.name, name,
                                           self.weight((pre.size, n), pre.size), self.bias(n)))

    def add(self, name: str, shape: tuple[int, ...]) -> None:
        n, c = size(shape), self.c
        reset = c["readout"].replace("sum", "none") if name == "out" else c[f"reset {name}"]
        each = c.get(f"constants {name}", "one") == "each"

        def some(low: float, high: float, for_each: bool = each) -> Any:
            return self.rng.uniform(low, high, n if for_each else 1)

        fields: dict[str, Any] = {
            "beta": self.beta(c.get(f"leak {name}", "any"), n), "threshold": some(0.7, 1.3),
            "strict": c.get(f"strict {name}", True), "form": self.rng.choice(get_args(Form)),
            **RESET_FIELDS[reset]}
        synapse = c.get(f"synapse {name}", "none")
        if synapse != "none":
            fields["alpha"] = some(0.1, 0.95, synapse == "each")
        if c.get(f"gain {name}"):
            fields |= {"gain": some(0.5, 1.5), "bias": some(-0.1, 0.2)}
        if c.get(f"start {name}"):
            fields["v_init"] = some(0.0, 0.4)
        if c.get(f"least {name}"):
            fields["v_min"] = some(-1.0, -0.3)
        self.populations[name] = Population(name, n, shape=shape, **fields)

    def beta(self, leak: str, n: int) -> Any:
        return {"any": 0.9, "none": 1.0, "shift": 0.75, "one": 0.0,
                "each": self.rng.uniform(0.3, 1.0, n)}[leak]

    def second(self, kind: str, post: str) -> Input:
        z = Input("z", 5, self.n_steps if kind == "frames" else 1, kind == "spikes")
        n = self.populations[post].size
        self.projections.append(Projection(f"z{post}", "z", post, self.weight((5, n), 5, 0.4)))
        return z

    def loop(self) -> None:
        kind, _, late = self.c["loop"].partition(" ")
        if kind == "none":
            return
        c, post = self.populations["c"], self.populations["b" if kind == "back" else "c"]
        delay = self.delay({"": "none", "delayed": "one"}.get(late, late), c)
        conv, weight = None, self.weight((c.size, post.size), c.size, 1.0)
        if kind == "straight":
            conv, weight = identity(c.size)
        self.projections.append(Projection("loop", "c", post.name, weight, None, conv, None, delay))

    def skip(self) -> None:
        if self.c["skip"] == "none":
            return
        pre, post, *late = self.c["skip"].split()
        source, target = self.populations[pre], self.populations[post]
        self.projections.append(Projection(
            "skip", pre, post, self.weight((source.size, target.size), source.size, 1.0),
            delay=self.delay(late[0] if late else "none", source)))

    # ---- what is made of it --------------------------------------------------------------------

    def settings(self) -> Settings:
        c, names = self.c, [p.name for p in self.projections]
        bits = {"xa": c["bits a"], "ab": c["bits b"], "bc": c["bits c"], "co": c["bits out"]}
        default = int(self.rng.integers(4, 9))
        return Settings(
            default, {n: b for n, b in bits.items() if n in names}, c["per neuron"], c["headroom"],
            c["threshold bits"], c["leak"], c["membranes"], c["input bits"], c["input scale"],
            c["input range"], drift=c["drift"], temperature=c["temperature"],
            values=c["values"],
            hop={"none": 0, "one": 1, "some": -(-self.n_steps // 2), "all": self.n_steps}[c["hop"]])

    def learning(self) -> Learning | None:
        c = self.c
        rules = {name: self.rule(c[axis]) for name, axis in
                 (("ab", "rule b"), ("bc", "rule c"), ("co", "rule out")) if c[axis] != "none"}
        guard = {"none": None, "copy": Guard(True), "margin": Guard(margin=1, window=4),
                 "both": Guard(True, 2, 3)}[c["guard"]]
        replay = {"none": None, "flash": Replay(5, 0, n_flash=2), "ring": Replay(0, 2),
                  "both": Replay(4, 1), "reservoir": Replay(0, 1, 2, policy="reservoir")}
        samples, floor = int(self.rng.integers(1, 50)), float(self.rng.uniform(0.05, 1))
        steps = {"none": None, "samples": Schedule(samples, floor),
                 "error": ErrorScaled(samples % 15 + 0.5, floor, 0.9 * floor)}[c["schedule"]]
        gate = None if c["gate at"] is None else \
            CUSUM(c["gate at"], 0.8 * floor + 0.05, c["gate closes"])
        beside = (steps, replay[c["replay"]], guard, gate)
        if not rules and not any(beside) and not c["class means"]:
            return None
        return Learning(rules, c["skip below"], int(self.rng.integers(1, 2**32)), *beside,
                        c["class means"])

    def rule(self, name: str) -> Rule:
        rng = self.rng
        strong = float(10 ** rng.uniform(0, 2.5))
        if name == "sync":
            a_plus, a_base = rng.uniform(-0.02, 0.03, 2)
            return DASSDP(float(a_plus), float(a_base), float(rng.uniform(0.5, 4)), self.c["gate"],
                          self.c["sync"], self.c["batch"])
        rules: dict[str, Any] = {
            "delta": lambda: ReadoutDelta(strong / 50),
            "error": lambda: ErrorSSDP(strong, float(rng.uniform(0.5, 8))),
            "touch": lambda: ErrorTouch(strong, float(rng.uniform(0.05, 1)),
                                        [None, 8, 17][int(rng.integers(3))]),
            "eihl": lambda: EIHL(strong, 2.0 + strong / 100, float(rng.uniform(0.002, 0.3)),
                                 float(rng.uniform(0.1, 0.9)), int(rng.integers(1, 4))),
            "stdp": lambda: PairSTDP(*map(float, rng.uniform(-0.02, 0.03, 2)),
                                     *map(float, rng.uniform(0.2, 30, 2))),
            "homeostasis": lambda: Homeostasis(strong / 20, float(rng.uniform(0, 6))),
            "homeostasis mean": lambda: Homeostasis(strong / 20)}
        made: Rule = rules[name]()
        return made

    def phases(self, learning: Learning | None) -> list[Phase]:
        """Few calls, of every kind that the scenario has."""
        if learning is None or not learns(self.c):
            return [Phase("infer", 3), *self.worn(learning)]
        warms = any(r.needs.warm_up for r in learning.rules.values())
        made = [Phase("warm_up", 3), Phase("warm_up", 1, False, 700), Phase("fit_gate")] \
            if warms else []
        copies = learning.guard is not None and learning.guard.keeps_copy
        teach = [Phase("new_class")] * bool(self.c["spare"])
        made += [Phase("learn", 3), *teach, Phase("learn", 1, False), *[Phase("save")] * copies,
                 *[Phase("idle")] * (learning.replay is not None), Phase("learn", 2, True, 90),
                 *[Phase("rollback")] * copies, Phase("learn", 1),
                 *(Phase(op) for op in ("new_class", "learn", "forget_class", "learn") if teach)]
        return [*made, *self.worn(learning), Phase("infer")]

    def worn(self, learning: Learning | None) -> list[Phase]:
        """What a sensor is asked for."""
        has_samples = self.c["activity"] != "unknown" or bool(learning and learning.replay)
        fits = self.c["sensor"] == "triads" and has_samples
        fit = [Phase("observe", 4), Phase("fit_profile")] if fits else []
        selects = self.c["sensor"] != "none"
        if selects and has_samples and self.c["drift"] != "off":
            allowed = [Phase("allow_profile")] * (self.c["drift"] == "profile")
            fit = [Phase("observe", 2, labelled=False), *allowed,
                   Phase("observe", 3, labelled=False), *fit]
        return [*fit, *[Phase("infer"), Phase("select_profile", loss_q8=0)] * selects,
                *[Phase("infer")] * selects]

"""THE list of scenarios: small networks, what they learn with, and what is done to them.

Every target must give the same bits as the reference in each of them. `test_targets.py` runs
them, `test_coverage.py` checks that together they reach every feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from support import wired_networks as wired
from support.gated import gated
from support.layered_networks import RESETS, graph, layers
from support.scenario import Phase, Scenario
from support.sensed import OTHER_SIDE, SensedScenario, sensor

from edge_dassdp.demo.adaptation import learning_of
from edge_dassdp.ir import Network, Population
from edge_dassdp.quantize.biases import with_plastic_biases
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import (
    DASSDP,
    EIHL,
    SSDP,
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

DEEP = {"ab": ErrorSSDP(), "ac": ErrorSSDP(), "bc": ErrorSSDP(), "bb": ErrorSSDP(),
        "co": ReadoutDelta(), "bo": ReadoutDelta()}
GATED = (Phase("warm_up", 8), Phase("fit_gate"), Phase("learn", 10))


def _resets() -> Iterator[Scenario]:
    """Every reset in the hidden populations before every readout."""
    sizes, hidden = (20, 19, 18, 17, 16, 24, 6), tuple(RESETS)
    rules = Learning({"fc6": ReadoutDelta(), "fc5": ErrorSSDP()})
    net = layers(sizes, hidden=hidden, gain=2.5)
    yield Scenario("resets_membrane_sum", net, rules)
    for reset in RESETS:
        net = layers(sizes, hidden=hidden, gain=2.5, readout=reset, readout_beta=0.8,
                     kind="spike_count", strict=reset != "zero_now")
        yield Scenario(f"resets_count_{reset}", net, rules)


def _widths() -> Iterator[Scenario]:
    """Weight bits, frozen and plastic, wide and saturating membranes, leaks, per-neuron values."""
    net = layers()
    both = learning_of(net, ErrorSSDP())
    yield Scenario("bits_4_5_6", net, both, Settings(bits_of={"fc1": 4, "fc2": 5, "fc3": 6}))
    yield Scenario("bits_8_7_4", net, both, Settings(bits_of={"fc1": 8, "fc2": 7, "fc3": 4}),
                   (Phase("learn", 40),))
    yield Scenario("bits_5_16_8", net, both, Settings(bits_of={"fc1": 5, "fc2": 16, "fc3": 8}))
    yield Scenario("clipped_weights", net, Learning({"fc2": ErrorSSDP(mu=4000.0),
                                                     "fc3": ReadoutDelta(mu=8.0)}, seed=1),
                   Settings(headroom=1.0, bits_of={"fc2": 4, "fc3": 8}),
                   (Phase("learn", 20),))
    yield Scenario("saturated", layers((20, 19, 18, 17, 16, 24, 6), beta=1.0, gain=8.0,
                                       n_steps=25, hidden=tuple(RESETS), readout="none",
                                       readout_beta=1.0, kind="spike_count", seed=5),
                   Learning({"fc6": ReadoutDelta(), "fc5": ErrorSSDP()}),
                   Settings(threshold_bits=9, membrane_bits=16))
    yield Scenario("wide_membranes", layers(beta=1.0, n_steps=25, hidden=("none", "zero_delayed"),
                                            readout_beta=1.0),
                   Learning({"fc2": ErrorSSDP(), "fc3": ReadoutDelta(mu=8.0)}, skip_below=0.0),
                   Settings(threshold_bits=14))
    yield Scenario("wide_resets", layers((20, 19, 18, 17, 16, 24, 6), hidden=tuple(RESETS),
                                         gain=2.5, readout="subtract_now", readout_beta=0.8,
                                         kind="spike_count"),
                   Learning({"fc6": ReadoutDelta()}), Settings(membrane_bits=32))
    rng = np.random.default_rng(8)
    pops = tuple(Population(p.name, p.size, rng.uniform(0.4, 1.0, p.size),
                            rng.uniform(0.7, 1.3, p.size), p.reset, p.reset_delay, False)
                 for p in layers().populations)
    varied = Network(net.inputs, pops, net.projections, net.readout, net.n_steps)
    yield Scenario("per_neuron", varied, Learning({"fc3": ReadoutDelta()}),
                   Settings(per_neuron=True, weight_bits=5))
    yield Scenario("leak_shift", layers(beta=0.75, readout_beta=0.5), both)
    yield Scenario("leak_nearest_shift", layers(beta=0.9, gain=4.0), both, Settings(leak="shift"))
    leaks = tuple(replace(p, beta=rng.uniform(0.4, 1.0, p.size)) for p in layers().populations)
    yield Scenario("leak_each", replace(net, populations=leaks), both,
                   Settings(bits_of={"fc2": 16}))
    yield Scenario("frozen", layers((20, 70, 33, 6), beta=0.75), None, Settings(leak="q15"),
                   (Phase("infer", 6),))
    for n_steps in (1, 7, 25, 255):
        yield Scenario(f"steps_{n_steps}", layers((12, 22, 13, 5), n_steps=n_steps), both)
    yield Scenario("never_skip", layers(gain=6.0), Learning(both.rules, skip_below=0.0))
    yield Scenario("often_skip", layers(gain=6.0), Learning(both.rules, skip_below=0.9))


def _kernels() -> Iterator[Scenario]:
    """What SIMD kernels take: int16 membranes in pairs, narrow weights, lists of many rows, dense
    projections, small analogue sums; inputs of spikes."""
    sizes, narrow = (70, 45, 33, 24, 6), Settings(membrane_bits=16, threshold_bits=7)
    for reset in RESETS:
        net = layers(sizes, hidden=(reset,), gain=2.5, spikes=True, frames=reset != "none",
                     readout=reset, readout_beta=0.9, kind="spike_count")
        yield Scenario(f"pairs_{reset}", net, learning_of(net, ErrorSSDP()), narrow)
    for bits in (4, 5, 6, 7):
        net = layers((150, 70, 24, 6), gain=2.5, spikes=True, frames=True, seed=bits)
        yield Scenario(f"spikes_{bits}", net, learning_of(net, ErrorSSDP()),
                       replace(narrow, weight_bits=bits), density=0.2)
    wide = layers((1100, 40, 6), n_steps=5, spikes=True, frames=True)
    even = np.random.default_rng(1).uniform(-0.08, 0.08, (1100, 40))  # larger sums than a normal's
    wide = replace(wide, projections=(replace(wide.projections[0], weight=even),
                                      wide.projections[1]))
    yield Scenario("wide_sums", wide, Learning({"fc2": ReadoutDelta()}), density=0.4)
    yield Scenario("dense_wide", wide, Learning({"fc2": ReadoutDelta()}), density=0.9,
                   calibrates=True)
    dense = layers((90, 40, 24, 6), spikes=True, frames=True)
    yield Scenario("dense", dense, Learning({"fc3": ReadoutDelta()}), narrow, density=0.8,
                   calibrates=True)
    yield Scenario("dense_16", dense, Learning({"fc3": ReadoutDelta()}),
                   Settings(bits_of={"fc1": 16}), density=0.8, calibrates=True)
    few = layers((3, 40, 6), spikes=False)
    yield Scenario("small_analogue", few, Learning({"fc2": ReadoutDelta()}),
                   Settings(bits_of={"fc1": 6}))


def _graphs() -> Iterator[Scenario]:
    early = {"ab": ErrorSSDP(), "co": ReadoutDelta()}
    yield Scenario("graph", graph(frames=False, kind="membrane_sum"), Learning(DEEP))
    yield Scenario("graph_frames_count", graph(frames=True, kind="spike_count"), Learning(DEEP))
    yield Scenario("graph_16", graph(frames=True, kind="membrane_sum"),
                   Learning({n: DEEP[n] for n in ("ac", "bc", "co", "bo")}),
                   Settings(bits_of={"ac": 16, "bc": 16}))
    yield Scenario("two_hops", graph(frames=False, kind="membrane_sum"), Learning(early))
    yield Scenario("three_hops", layers((20, 24, 22, 18, 13, 4), gain=3.5),
                   Learning({"fc2": ErrorSSDP(), "fc4": ErrorSSDP(sigma=0.5),
                             "fc5": ReadoutDelta(mu=0.8)}))


def _sync(name: str, hidden: Any, readout: Any = None, network: Network | None = None,
          phases: tuple[Phase, ...] = GATED, **settings: Any) -> Scenario:
    rules = {"fc2": hidden} | ({"fc3": readout} if readout else {})
    return Scenario(name, network or layers((20, 33, 22, 6)), Learning(rules),
                    Settings(**settings), phases)


def _synchrony() -> Iterator[Scenario]:
    strong: dict[str, Any] = {"a_plus": 0.01, "a_base": 0.004}
    described, described_4 = DASSDP(**strong), DASSDP(batch=4, **strong)
    published = DASSDP(variant="published", **strong)
    published_4 = DASSDP(variant="published", batch=4, **strong)
    count = layers((20, 33, 22, 6), readout="subtract_delayed", readout_beta=0.8,
                   kind="spike_count")
    yield _sync("described", described, described)
    yield _sync("described_4", described_4, described_4)
    yield _sync("published", published, published)
    yield _sync("published_4", published_4, published_4)
    yield _sync("published_4_count", published_4, published_4, count)
    yield _sync("ssdp_described", SSDP(a_plus=0.01, a_base=0.004), phases=(Phase("learn", 8),))
    yield _sync("ssdp_published_4", SSDP(0.01, 0.004, variant="published", batch=4),
                SSDP(-0.004, -0.01, variant="published", batch=4), phases=(Phase("learn", 9),))
    yield _sync("mixed_16", DASSDP(batch=3, **strong), ReadoutDelta(), bits_of={"fc2": 16},
                membrane_bits=16, threshold_bits=8)
    yield Scenario("mixed_error_hidden", layers((20, 33, 22, 6)),
                   Learning({"fc2": ErrorSSDP(), "fc3": described_4}), Settings(), GATED)
    yield _sync("discards", described_4, ReadoutDelta(), phases=(
        Phase("warm_up", 6), Phase("learn", 3), Phase("infer"), Phase("warm_up", 5),
        Phase("fit_gate"), Phase("learn", 7), Phase("warm_up", 1), Phase("learn", 5)))
    yield _sync("host_losses", described, ReadoutDelta(), phases=(
        Phase("warm_up", 6, loss_q8=100), Phase("warm_up", 3, labelled=False, loss_q8=700),
        Phase("fit_gate"), Phase("learn", 4, labelled=False), Phase("learn", 4, loss_q8=0),
        Phase("learn", 2, labelled=False, loss_q8=32600)))


def _latent() -> Iterator[Scenario]:
    """Touch, schedules, replay from flash and ring, guards: alone and together."""
    net = layers((12, 40, 21, 5), n_steps=25, frames=True, readout_beta=0.9)
    touch: dict[str, Rule] = {"fc2": ErrorTouch(), "fc3": ReadoutDelta()}
    latency: dict[str, Rule] = {"fc2": ErrorSSDP(), "fc3": ReadoutDelta()}
    long = (Phase("learn", 20), Phase("idle"), Phase("infer"), Phase("learn", 12), Phase("idle"))
    yield Scenario("touch", net, Learning(touch))
    yield Scenario("touch_columns", layers((12, 40, 21, 5), n_steps=40, readout_beta=0.9),
                   Learning({"fc2": ErrorTouch(columns=24), "fc3": ReadoutDelta()}))
    yield Scenario("touch_schedule", net, Learning(touch, schedule=Schedule(20, 0.5)),
                   phases=(Phase("learn", 60),))
    for bits in (4, 5, 16):
        yield Scenario(f"touch_{bits}", net, Learning(touch), Settings(bits_of={"fc2": bits}))
    per_neuron = layers((12, 40, 21, 5), n_steps=33, beta=0.8, hidden=("zero_delayed", "none"))
    yield Scenario("touch_wide", replace(per_neuron, populations=tuple(
        replace(p, threshold=p.threshold * np.linspace(0.8, 1.2, p.size))
        for p in per_neuron.populations)), Learning(touch), Settings(membrane_bits=32))
    yield Scenario("touch_deep", layers((20, 24, 22, 18, 13, 4), gain=3.5, n_steps=9),
                   Learning({"fc2": ErrorTouch(), "fc3": ErrorSSDP(), "fc4": ErrorTouch(width=0.5),
                             "fc5": ReadoutDelta()}, replay=Replay(8, 1)), phases=long)
    yield Scenario("replay", net, Learning(latency, replay=Replay(10, 2)), phases=long)
    yield Scenario("replay_touch", net, Learning(touch, schedule=Schedule(),
                                                 replay=Replay(10, 2, n_ring=3)), phases=long)
    yield Scenario("replay_flash", layers(), Learning({"fc3": ReadoutDelta()},
                                                      replay=Replay(7, 0, n_flash=2)), phases=long)
    yield Scenario("replay_ring", layers((20, 40, 24, 3)), Learning(
        {"fc2": ErrorSSDP(), "fc3": ReadoutDelta()},
        replay=Replay(0, 3, policy="reservoir")), phases=(Phase("idle"), *long))
    yield Scenario("replay_batch", layers((20, 33, 22, 6)), Learning(
        {"fc2": DASSDP(0.01, 0.004, batch=4), "fc3": ReadoutDelta()}, replay=Replay(6, 1)),
        phases=(Phase("warm_up", 6), Phase("fit_gate"), *long))
    for name, rules in (("biases", latency), ("biases_touch", touch)):
        grown, learning = with_plastic_biases(net, Learning(rules))
        yield Scenario(name, grown, replace(learning, replay=Replay(6, 1)), phases=long)
    behind = replace(layers((20, 30, 19, 6), readout_beta=0.9), populations=tuple(
        layers((20, 30, 19, 6), readout_beta=0.9).populations[i] for i in (1, 0, 2)))
    yield Scenario("replay_behind", behind, Learning(latency, replay=Replay(6, 2),
                                                     guard=Guard(margin=1, window=8)), phases=long)
    yield Scenario("guard", net, Learning({"fc2": ErrorSSDP(mu=400.0), "fc3": ReadoutDelta(4.0)},
                                          guard=Guard(True, margin=1, window=6)),
                   phases=(Phase("save"), Phase("learn", 12), Phase("rollback"), Phase("learn", 9),
                           Phase("save"), Phase("learn", 20), Phase("rollback"), Phase("learn")))
    yield from gated(net, layers((20, 33, 22, 6)), touch, latency)
    yield Scenario("guard_all", net, Learning(
        {"fc2": ErrorTouch(mu=200.0), "fc3": ReadoutDelta(2.0)}, schedule=Schedule(),
        replay=Replay(10, 2), guard=Guard(margin=1, window=8)), phases=long)


def _local() -> Iterator[Scenario]:
    """Rules that need no label, and EIHL, alone and beside the others."""
    net = layers((12, 40, 21, 5), n_steps=25, frames=True, readout_beta=0.9)
    some = (Phase("learn", 8), Phase("learn", 6, labelled=False), Phase("infer"), Phase("learn", 3))
    stdp = PairSTDP(0.004, 0.006)
    yield Scenario("stdp", net, Learning({"fc2": stdp, "fc3": ReadoutDelta()}), phases=some)
    yield Scenario("stdp_graph", graph(frames=True, kind="spike_count"), Learning(
        {"bb": PairSTDP(-0.02, 0.01, 0.1, 1e6), "ac": PairSTDP(0.02, 0.01, 30.0, 2.0),
         "ab": ErrorSSDP(), "co": PairSTDP(0.01, 0.0), "bo": ReadoutDelta()}),
        Settings(bits_of={"ac": 16, "co": 5}), some)
    yield Scenario("stdp_batch", layers((20, 33, 22, 6), n_steps=40), Learning(
        {"fc2": stdp, "fc3": DASSDP(0.01, 0.004, batch=3)}), phases=GATED)
    yield Scenario("homeostasis", net, Learning({"fc2": Homeostasis(2.0), "fc3": ReadoutDelta()}),
                   phases=some, calibrates=True)
    yield Scenario("homeostasis_only", layers((20, 33, 22, 6), readout="subtract_now",
                                              readout_beta=0.8, kind="spike_count"),
                   Learning({"fc2": Homeostasis(4.0, 1.5), "fc3": Homeostasis(4.0, 0)}),
                   Settings(bits_of={"fc2": 6, "fc3": 16}), (Phase("learn", 12, labelled=False),))
    yield Scenario("homeostasis_batch", layers((20, 33, 22, 6)), Learning(
        {"fc2": Homeostasis(2.0, 3), "fc3": DASSDP(0.01, 0.004, batch=4)},
        guard=Guard(True)), phases=(Phase("warm_up", 9), Phase("fit_gate"), Phase("save"), *some,
                                    Phase("rollback"), *some))
    eihl = EIHL(growth=2e-3, most=0.03, period=4)
    yield Scenario("eihl", net, Learning({"fc2": eihl, "fc3": ReadoutDelta()}),
                   phases=(Phase("learn", 40), *some))
    for bits in (4, 16):
        yield Scenario(f"eihl_{bits}", layers(), Learning(
            {"fc2": EIHL(growth=0.5, most=0.9, period=2), "fc3": ReadoutDelta()}),
            Settings(bits_of={"fc2": bits}), (Phase("learn", 30),))
    yield Scenario("eihl_replay", net, Learning(
        {"fc2": eihl, "fc3": ReadoutDelta()}, schedule=Schedule(20, 0.5), replay=Replay(10, 2),
        guard=Guard(margin=1, window=6)), Settings(bits_of={"fc2": 5}),
        (Phase("learn", 20), Phase("idle"), Phase("learn", 8)))


def _long() -> Iterator[Scenario]:
    """Samples of more steps than a byte counts, sums of touches that an int16 does not hold."""
    net = layers((6, 14, 11, 4), n_steps=300, gain=3.0, readout_beta=0.9)
    rules: dict[str, Rule] = {"fc2": ErrorTouch(mu=100.0), "fc3": ReadoutDelta(2.0)}
    some = (Phase("learn", 4), Phase("learn", 2, labelled=False), Phase("infer"))
    yield Scenario("long_touch", net, Learning(rules, skip_below=0.0, replay=Replay(4, 1),
                                               guard=Guard(margin=1, window=4)),
                   phases=(*some, Phase("idle")))
    yield Scenario("long_error", layers((6, 14, 11, 4), n_steps=256), Learning(
        {"fc2": ErrorSSDP(sigma=40.0), "fc3": ReadoutDelta(2.0)}, skip_below=0.0),
        Settings(bits_of={"fc2": 16}), some)
    yield Scenario("long_sync", layers((6, 14, 11, 9, 4), n_steps=520), Learning(
        {"fc2": DASSDP(0.01, 0.004, sigma=9.0), "fc3": Homeostasis(2.0, 300.0)}), phases=GATED)


def _values() -> Iterator[Scenario]:
    """Outputs that are values: targets in messages and in pieces, in flash and in the ring."""
    settings = Settings(values=True)
    hidden: dict[str, Rule] = {"fc2": ErrorTouch(4.0), "fc3": ReadoutDelta()}
    yield Scenario("values", layers((10, 20, 16, 3), readout_beta=0.9), Learning(
        hidden, skip_below=0.2, schedule=Schedule(60, 0.3), replay=Replay(5, 4, n_ring=2),
        guard=Guard(keeps_copy=True)), settings,
        (Phase("infer", 2), Phase("learn", 12), Phase("save"), Phase("learn", 3, labelled=False),
         Phase("idle"), Phase("rollback"), Phase("learn", 2)))
    yield Scenario("values_in_pieces", layers((9, 18, 14, 12, 1), frames=True), Learning(
        {"fc3": ErrorSSDP(), "fc4": ReadoutDelta()}, skip_below=0.0,
        replay=Replay(0, 3, n_ring=1, n_flash=0, policy="reservoir")), settings,
        (Phase("learn", 9), Phase("idle"), Phase("infer")))
    yield Scenario("values_frozen", layers((9, 18, 2), readout_beta=0.9), None, settings,
                   (Phase("infer", 6),))


def _wired() -> Iterator[Scenario]:
    """What other frameworks build: convolutions, pools, delays, synapses, several spikes a step,
    events and encoders."""
    last, only = Learning({"h_out": ReadoutDelta()}), (Phase("infer", 4),)
    yield Scenario("convolutions", wired.convolutions(), last)
    yield Scenario("convolutions_6_bits", wired.convolutions(), None, Settings(weight_bits=6),
                   only, density=0.5)
    yield Scenario("convolutions_16_bits", wired.convolutions(), last, Settings(weight_bits=16))
    yield Scenario("sinabs", wired.sinabs_like(), Learning({"h_out": ReadoutDelta()}), density=0.2)
    yield Scenario("sinabs_narrow", wired.sinabs_like(), None,
                   Settings(membrane_bits=16, threshold_bits=7), only, density=0.4)
    yield Scenario("long", wired.sinabs_like(300, 20000), None, phases=(Phase("infer", 2),),
                   density=0.1)
    yield Scenario("line", wired.line(), Learning({"c2_out": ReadoutDelta()}))
    for frames in (False, True):
        yield Scenario(f"images_{'frames' if frames else 'constant'}", wired.images(frames),
                       Learning({"c1_to_c2": ErrorSSDP(), "c2_out": ReadoutDelta()}))
    yield Scenario("largest", wired.largest(), Learning({"h_out": ReadoutDelta()}))
    yield Scenario("largest_frames", wired.largest(frames=True), None, Settings(weight_bits=4),
                   phases=(Phase("infer", 3),))
    for bits in (8, 16):
        yield Scenario(f"largest_of_spikes_{bits}_bits", wired.largest_of_spikes(), Learning(
            {"g_h": ErrorSSDP(), "h_out": ReadoutDelta()}), Settings(weight_bits=bits))
    yield Scenario("largest_sinabs", wired.largest_of_spikes(sinabs=True), None,
                   phases=(Phase("infer", 3),), density=0.1)
    yield Scenario("delays", wired.delayed(), Learning({"b_out": ReadoutDelta()}))
    rules = {"f_g": ErrorSSDP(), "g_out": ReadoutDelta()}
    yield Scenario("synapses", wired.synapses(), Learning(rules))
    yield Scenario("synapses_count", wired.synapses(reads="spike_count"), Learning(
        {"d_e": ErrorSSDP(), "e_f": ErrorSSDP(), **rules}, replay=Replay(6, 1),
        guard=Guard(margin=1, window=6)), phases=(Phase("learn", 12), Phase("idle")))
    yield Scenario("synapses_narrow", wired.synapses(25), Learning({"g_out": ReadoutDelta()}),
                   Settings(membrane_bits=16, threshold_bits=8))
    yield Scenario("synapses_per_neuron", wired.synapses(), None, Settings(per_neuron=True),
                   only)
    yield Scenario("runaway", wired.runaway(), Learning({"c_out": ReadoutDelta()}))
    for kind in ("latency", "rate", "delta"):
        net = wired.encoded(kind)
        yield Scenario(f"encoded_{kind}", net, learning_of(net, ErrorSSDP()))
    yield Scenario("pooled_max", wired.pooled("max"), Learning(
        {"c_h": ErrorTouch(), "h_out": ReadoutDelta()}, replay=Replay(5, 1),
        guard=Guard(margin=1, window=6)), phases=(Phase("learn", 9), Phase("idle")), density=0.2)
    yield Scenario("pooled_sum", wired.pooled("sum"), Learning(
        {"c_h": ErrorSSDP(), "h_out": ReadoutDelta()}), density=0.2)
    strong = {"a_plus": 0.01, "a_base": 0.004}
    yield Scenario("pointwise", wired.pointwise(), Learning(
        {"c1_c2": DASSDP(**strong), "h_out": ReadoutDelta()}), phases=GATED)
    yield Scenario("pointwise_batch", wired.pointwise((8, 5, 9)), Learning(
        {"c1_c2": DASSDP(batch=4, **strong), "c2_c3": DASSDP(batch=4, **strong),
         "h_out": ReadoutDelta()}), Settings(bits_of={"c2_c3": 16}), phases=GATED)
    yield Scenario("pointwise_ssdp", wired.pointwise((4, 12, 7)), Learning(
        {"c1_c2": SSDP(0.01, 0.004)}, replay=None), Settings(weight_bits=5),
        (Phase("learn", 8, labelled=False),))


def _sensed() -> Iterator[Scenario]:
    """A sensor before frames, one constant frame, a volume and an encoder: fitted, written,
    selected."""
    fit = (Phase("observe", 10), Phase("fit_profile"))
    net = layers((14, 40, 24, 5), frames=True).with_sensor(sensor())
    memory = {"replay": Replay(8, 1), "guard": Guard(margin=2, window=6)}
    yield SensedScenario("sensor", net, Learning(
        {"fc2": ErrorTouch(), "fc3": ReadoutDelta()}, **memory),  # type: ignore[arg-type]
        phases=(Phase("infer", 2), Phase("learn", 3), Phase("observe", 4), Phase("fit_profile"),
                *fit, Phase("learn", 8), Phase("idle"), Phase("select_profile", loss_q8=0),
                Phase("infer"), Phase("select_profile", loss_q8=2), Phase("infer")))
    yield SensedScenario("sensor_frozen", layers((28, 40, 5)).with_sensor(sensor()), None, phases=(
        Phase("infer"), *fit, Phase("infer", 3), Phase("write_profile"), Phase("infer", 2)))
    yield SensedScenario("sensor_drift", net, Learning(
        {"fc3": ReadoutDelta()}), Settings(drift="profile"), phases=(
        Phase("observe", 40, labelled=False), Phase("allow_profile"),
        Phase("observe", 75, labelled=False), Phase("infer", 2), Phase("learn", 3),
        Phase("observe", 20, labelled=False), Phase("select_profile", loss_q8=0),
        Phase("observe", 15, labelled=False)), worn=OTHER_SIDE)
    yield SensedScenario("sensor_line", wired.line().with_sensor(sensor(3)), Learning(
        {"c2_out": ReadoutDelta()}), phases=(
        Phase("learn", 2), *fit, Phase("learn", 4)))
    net = wired.encoded("rate")
    net = net.with_sensor(sensor(2, triads=False))
    yield SensedScenario("sensor_encoded", net, Learning.default(net), phases=(
        Phase("learn", 2), Phase("write_profile"), Phase("learn", 4)))


def _all() -> tuple[Scenario, ...]:
    groups: tuple[Callable[[], Iterator[Scenario]], ...] = (
        _resets, _widths, _kernels, _graphs, _synchrony, _latent, _local, _long, _values, _wired,
        _sensed)
    return tuple(scenario for group in groups for scenario in group())


SCENARIOS: dict[str, Scenario] = {s.name: s for s in _all()}

"""A setting of a profile changes what the neurons are, or is refused: none is given in vain."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import nir
import numpy as np
import pytest
from support.nir_graphs import chain, graph, lif, values

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.framework import SourceProfile, framework
from edge_dassdp.frontends.known import NIR, sources
from edge_dassdp.frontends.nir import from_nir
from edge_dassdp.ir import Encoder, Network

ONES = np.ones(3, np.float32)
NODES: dict[str, nir.NIRNode] = {
    "IF": nir.IF(ONES, ONES, 0 * ONES),
    "IF of r 1e4": nir.IF(1e4 * ONES, ONES, 0 * ONES),
    "LIF": lif(3, tau=2.0, r=1.0),
    "LIF of tau 1e-3": lif(3, tau=1e-3, r=10.0),
    "CubaLIF": nir.CubaLIF(5 * ONES, 4 * ONES, ONES, 0 * ONES, ONES, 0 * ONES, ONES),
    "LI": nir.LI(2 * ONES, ONES, 0 * ONES),
    "Threshold": nir.Threshold(ONES),
}
SETTINGS: dict[str, tuple[Any, ...]] = {
    "reset": ("subtract", "zero", "none"), "reset_delay": (True, False), "strict": (True, False),
    "dt": (1e-4, 0.25), "norm_input": (True, False), "max_spikes": (0, 1, 3), "floor": (-1.0, 0.0)}
BASES = ({}, {"reset": "subtract", "reset_delay": True}, {"reset": "zero", "reset_delay": False},
         {"reset": "none"}, {"dt": 1e-3}, {"norm_input": True})


def read(node: nir.NIRNode, source: str, **settings: Any) -> list[bytes] | None:
    """The neurons as arrays; None where they are refused."""
    try:
        network = from_nir(chain((3,), node), n_steps=2, profile=SourceProfile(source, **settings))
    except EdgeError as problem:
        assert problem.code in ("E101", "E102", "E105", "E106")
        return None
    return _numbers(network)


def _numbers(network: Network) -> list[bytes]:
    return [repr(value).encode() if not isinstance(value, np.ndarray) else value.tobytes()
            for value in vars(network.populations[0]).values()]


def test_all_settings_are_tried() -> None:
    assert set(SETTINGS) == {f.name for f in fields(SourceProfile)} - {"framework"}


@pytest.mark.parametrize("source", sources())
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_does_something_or_is_refused(source: str, setting: str) -> None:
    """On whatever it is given with: an accepted value means something else than another one, or
    cannot be left out."""
    for node in NODES.values():
        for base in BASES:
            rest = {name: value for name, value in base.items() if name != setting}
            made = [read(node, source, **rest, **{setting: v}) for v in SETTINGS[setting]]
            accepted = [m for m in made if m is not None]
            if not accepted:
                continue
            left_out = read(node, source, **rest)
            assert left_out is None or len({tuple(m) for m in [*accepted, left_out]}) > 1 \
                or len(accepted) < len(made)


@pytest.mark.parametrize("source", sources())
def test_a_setting_that_a_source_does_not_have(source: str) -> None:
    own = {"dt"} if source == NIR else {*framework(source).profile.settings}
    for name in {"dt", "norm_input", "max_spikes", "floor"} - own:
        with pytest.raises(EdgeError, match=f"{name} is no setting of {source}") as refused:
            SourceProfile(source, **{name: SETTINGS[name][0]})
        assert refused.value.code == "E105"
        assert refused.value.help.startswith("it has reset, reset_delay, strict")


VAIN = {
    "dt of sinabs": (lif(3, tau=2.0, r=1.0), "sinabs,norm_input=true", {"dt": 1e-4}, "dt"),
    "a delay of no reset": (lif(3, tau=1e-3, r=10.0), "snntorch,reset=none,reset_delay=true", {},
                            "reset_delay"),
    "dt of a threshold": (NODES["Threshold"], "nir,dt=0.001", {}, "dt"),
    "dt of nothing": (nir.Linear(values(2, 3)), None, {"dt": 1e-3}, "dt"),
    "a dt beside another": (lif(3), "nir,dt=0.001", {"dt": 2e-3}, "dt of 'nir,dt=0.001'"),
    "a comparison of membranes": (NODES["LI"], "nir,dt=0.25,strict=true", {}, "strict"),
}


@pytest.mark.parametrize("case", VAIN)
def test_what_changes_nothing_is_refused_by_name(case: str) -> None:
    node, profile, how, name = VAIN[case]
    with pytest.raises(EdgeError, match=f"^{name}.*changes nothing|{name} .*changes nothing"
                       ) as refused:
        from_nir(chain((3,), node), n_steps=2, profile=profile, **how)
    assert refused.value.code == "E105" and refused.value.help == "leave it out"


def test_a_profile_of_a_node_that_is_none() -> None:
    with pytest.raises(EdgeError, match="'n7', which is no node of neurons") as refused:
        from_nir(chain((3,), lif(3)), n_steps=2, profile={"*": "nir,dt=0.001", "n7": "sinabs"})
    assert refused.value.code == "E105" and "n0" in refused.value.help


def test_dt_is_that_of_delays_whatever_the_source() -> None:
    model = graph({"in": nir.Input(np.array([3])), "d": nir.Delay(2 * ONES),
                   "l": lif(3, tau=2.0, r=1.0), "out": nir.Output(None)}, "in d, d l, l out")
    network = from_nir(model, n_steps=5, profile="sinabs,norm_input=true", dt=1.0)
    assert (network.projections[0].delay == 2).all()


def test_membranes_and_currents_are_not_counted_as_spikes() -> None:
    for node, profile, words in ((NODES["LI"], "nir,dt=0.25", "a LI does not spike"),
                                 (nir.Linear(values(2, 3)), None, "ends in currents")):
        with pytest.raises(EdgeError, match=words) as refused:
            from_nir(chain((3,), node), n_steps=2, profile=profile, readout="spike_count")
        assert refused.value.code == "E105"


def test_frames_that_an_encoder_does_not_take() -> None:
    for how, frames in (({"encoder": Encoder("rate")}, True), ({"n_events": 5}, False)):
        with pytest.raises(EdgeError, match="leave the setting of frames out") as refused:
            from_nir(chain((3,), lif(3)), n_steps=4, profile="nir,dt=0.001", frames=frames, **how)
        assert refused.value.code == "E105"

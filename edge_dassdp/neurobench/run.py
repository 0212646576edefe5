"""What networks do on samples: spikes and membranes of every step, by our own reference.
Rasters stand in the order of the float network, (n_samples, n_frames, size); what is the same in
all steps has one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir import Network
from edge_dassdp.neurobench.layers import shapes_of
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.order import device_order, device_volume, natural_order
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference.model import IntegerModel
from edge_dassdp.twin.model import FloatModel


@dataclass(frozen=True, eq=False)
class Run:
    """inputs: of each what it gives: spikes, or currents in units of the samples (of a quantized
    network what their codes count above code 0). spikes, membranes: of each population."""

    inputs: dict[str, NDArray[Any]]
    spikes: dict[str, NDArray[Any]]
    membranes: dict[str, NDArray[Any]]


def run(network: Network | QNetwork, x: NDArray[np.float32]) -> Run:
    """x: (n_samples, n_inputs). Raises EdgeError E104 for samples that do not fit."""
    if isinstance(network, QNetwork):
        return _Recorded(network).run(x)
    model = FloatModel(network)
    trace = model.run(x)
    return Run(model.frames(x), trace.spikes, trace.membranes)


class _Recorded(IntegerModel):
    """An integer model that remembers all of a run."""

    def run(self, x: NDArray[np.float32]) -> Run:
        net, shapes = self.network, shapes_of(self.network)
        self.begin(input_x(net, x))
        inputs: dict[str, list[NDArray[Any]]] = {i.name: [] for i in net.inputs}
        spikes: dict[str, list[NDArray[Any]]] = {p.name: [] for p in net.populations}
        membranes: dict[str, list[NDArray[Any]]] = {p.name: [] for p in net.populations}
        for t_step in range(net.n_steps):
            for i in net.inputs:
                if t_step == 0 or i.n_frames > 1 or i.encoder:
                    inputs[i.name].append(self.spikes_from(i.name, t_step) if i.spikes
                                          else self._frame(i.name, t_step))
            self.step(t_step)
            for p in net.populations:
                spikes[p.name].append(self.spikes[p.name])
                membranes[p.name].append(self.v[p.name])
        orders = {name: device_order(natural_order(
            shape, device_volume(shape, pads=name in spikes))) for name, shape in shapes.items()}
        made = [{name: np.stack(steps, axis=1)[:, :, orders[name]] for name, steps in of.items()}
                for of in (inputs, spikes, membranes)]
        for i, scale in zip(net.inputs, net.x_scales, strict=True):
            if not i.spikes:
                made[0][i.name] = made[0][i.name] * 2.0**-scale.frac_bits
        return Run(*made)

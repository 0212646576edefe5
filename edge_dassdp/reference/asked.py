"""What a sample, a label, a loss or a number of steps may be, and what a model can be asked for.

Every target refuses the same, before anything of a call is carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.numbers import array_of, is_int
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.outcome import NO_LABEL, OWN_LOSS
from edge_dassdp.sensor.front import QSensor

MAX_LOSS_Q8 = QUANTITIES["loss_max_q8"]
MAX_STEPS = 2**31 - 1


def checked_sample(x: NDArray[Any], x_bytes: int) -> NDArray[np.int8]:
    """x as int8 (x_bytes,), or EdgeError E104."""
    sample = array_of(x, "samples")
    if sample.dtype != np.int8 or sample.shape != (x_bytes,):
        raise EdgeError("E104", "a sample has the wrong shape or type",
                        cause=f"{sample.dtype} of shape {sample.shape}, expected int8 of shape "
                        f"({x_bytes},)", help="qir.samples.input_x makes samples of real numbers")
    return sample


def checked_samples(x: NDArray[Any], x_bytes: int) -> NDArray[np.int8]:
    """x as int8 (n, x_bytes), contiguous, or EdgeError E104."""
    samples = array_of(x, "samples")
    if samples.dtype != np.int8 or samples.ndim != 2 or samples.shape[1] != x_bytes:
        raise EdgeError("E104", "samples have the wrong shape or type",
                        cause=f"{samples.dtype} of shape {samples.shape}, expected int8 of shape "
                        f"(n, {x_bytes})", help="qir.samples.input_x makes samples of real numbers")
    return np.ascontiguousarray(samples)


def check_lesson(n_classes: int, label: Any, loss_q8: Any, *, records: bool = False) -> None:
    """EdgeError E104 unless label and loss are integers, E503 unless these are a class or NO_LABEL,
    and 0 to MAX_LOSS_Q8 or OWN_LOSS. records: a warm-up, which needs one of both."""
    refuse_unless("E104", is_int(label), f"label {label!r} is no integer",
                  help=f"give a class from 0 to {n_classes - 1}, or NO_LABEL")
    refuse_unless("E104", is_int(loss_q8), f"loss {loss_q8!r} is no integer",
                  help=f"give a loss in Q8 from 0 to {MAX_LOSS_Q8:,}, or OWN_LOSS")
    refuse_unless("E503", label == NO_LABEL or 0 <= label < n_classes, "label out of range",
                  cause=f"label {label}, classes 0 to {n_classes - 1}",
                  help=f"give a class from 0 to {n_classes - 1}, or NO_LABEL")
    refuse_unless("E503", loss_q8 == OWN_LOSS or 0 <= loss_q8 <= MAX_LOSS_Q8, "value out of range",
                  cause=f"loss {loss_q8}, 0 to {MAX_LOSS_Q8}",
                  help=f"give a loss in Q8 from 0 to {MAX_LOSS_Q8:,}, or OWN_LOSS")
    refuse_unless("E503", not records or label != NO_LABEL or loss_q8 != OWN_LOSS,
                  "a warm-up record without a label needs a loss", help="give a label or a loss")


def check_kind(kind: Any) -> None:
    """EdgeError E105 unless it is a kind of profile."""
    refuse_unless("E105", is_int(kind) and 0 <= kind <= 3, f"{kind!r} is no kind of profile",
                  help="0 is the factory's, 1 channels, 2 an orientation, 3 both")


def checked_lessons(n: int, n_classes: int, labels: Any, losses_q8: Any, *,
                    records: bool = False) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Labels and losses of n samples, int32 (n,), all of them held to `check_lesson` before the
    first is learned; None for NO_LABEL and OWN_LOSS."""
    given = tuple(_row(values, n, none, what) for values, none, what in (
        (labels, NO_LABEL, "labels"), (losses_q8, OWN_LOSS, "losses")))
    for pair in dict.fromkeys(zip(*(g.tolist() for g in given), strict=True)):
        check_lesson(n_classes, *pair, records=records)
    return given[0].astype(np.int32), given[1].astype(np.int32)


def _row(values: Any, n: int, none: int, what: str) -> NDArray[Any]:
    if values is None:
        return np.full(n, none)
    row = array_of(values, what)
    hides_others = isinstance(values, list | tuple) and not all(map(is_int, values))
    if row.shape != (n,) or (row.dtype.kind not in "iu" and n) or hides_others:
        raise EdgeError("E104", f"{what} are {row.dtype} of shape {row.shape}, expected integers "
                        f"alone, of shape ({n},)")
    return row


def check_infer_steps(n_steps: Any, most: int) -> None:
    """EdgeError E105 unless so many steps of a sample can be run; None for all."""
    refuse_unless("E105", n_steps is None or (is_int(n_steps) and n_steps >= 1),
                  f"{n_steps!r} steps cannot be run", help=f"give 1 to {most}")


def check_mode(mode: Any, n_modes: int) -> None:
    """EdgeError E105 unless it is one of so many."""
    refuse_unless("E105", is_int(mode) and 0 <= mode < n_modes, f"there is no mode {mode!r}",
                  help="give INFER, LEARN or WARM_UP of edge_dassdp.targets.target")


def check_snapshot(weights: Any, learning: Any) -> None:
    """EdgeError E104 unless these are a mapping and bytes."""
    refuse_unless("E104", isinstance(weights, Mapping), "the weights are no mapping of "
                  "projections to arrays")
    refuse_unless("E104", isinstance(learning, bytes | bytearray | memoryview),
                  "the learning state is no bytes", help="give what read_learning gave")


def check_steps(n_steps: Any) -> None:
    """EdgeError E105 unless a target can be asked for so many replay steps."""
    refuse_unless("E105", is_int(n_steps) and 0 <= n_steps <= MAX_STEPS,
                  f"{n_steps!r} steps cannot be run", help="give 0 or more")


# ---- what a model may be built without -----------------------------------------------------------


def require_sensor(network: QNetwork) -> QSensor:
    """That of the model, or EdgeError E503."""
    if network.sensor is None:
        raise _absent("it has no sensor", "describe the sensor in a file (docs/sensor.md), and "
                      "quantize the network with --sensor FILE.toml and --data")
    return network.sensor


def require_triads(network: QNetwork) -> None:
    """EdgeError E503 unless the sensor of this model has an orientation."""
    sensor = require_sensor(network)
    if not sensor.triads:
        raise _absent(f"the sensor declares no triads among its {sensor.n_channels} channels, so "
                      "it has no orientation", f"{DECLARE_TRIADS}; then quantize the network with "
                      "that file and --data")


def require_fits(network: QNetwork) -> None:
    """EdgeError E503 unless a device of this model fits profiles."""
    require_triads(network)
    if not require_sensor(network).fits:
        raise _absent("it was quantized without labelled samples, so it does not know how classes "
                      "looked to the sensor", "quantize it with the same --sensor and with --data")


DECLARE_TRIADS = ("declare one in its file: unit = 512 (counts of 1 g), and below it [[triad]] "
                  'with kind = "polar" and channels = [0, 1, 2] (docs/sensor.md)')


def require_drift(network: QNetwork) -> None:
    """EdgeError E503 unless a device of this model compares windows."""
    if require_sensor(network).drift is None:
        raise _absent("its sensor is compared with nothing",
                      "quantize it with --sensor and --data, and without --drift off")


def require_search(network: QNetwork) -> None:
    """EdgeError E503 unless a device of this model takes a profile by itself."""
    require_drift(network)
    drift = require_sensor(network).drift
    if drift is None or not drift.n_rows:
        raise _absent("it keeps no windows in which a profile is found",
                      "quantize it with --drift profile")


def require_observes(network: QNetwork, label: int) -> None:
    """EdgeError E503 unless a device of this model makes something of such a sample."""
    compares = network.sensor is not None and network.sensor.drift is not None
    if label == NO_LABEL:
        require_drift(network)
    elif not compares:
        require_fits(network)


def require_copy(network: QNetwork) -> None:
    """EdgeError E503 unless a device of this model keeps a copy of its weights."""
    if network.guard is None or not network.guard.keeps_copy:
        raise _absent("a device of this model keeps no copy of its weights, to save or to roll "
                      "back to", "quantize it with --guard 4,32, or --guard 0 for the copy alone; "
                      "--snapshot and --restore keep what is learned on this computer")


def require_learns(network: QNetwork) -> None:
    """EdgeError E503 unless a device of this model has anything to save."""
    if not network.remembers:
        raise _absent("nothing in this network learns, so there is nothing to save",
                      "quantize it without --frozen")


def require_replay(network: QNetwork) -> None:
    """EdgeError E503 unless a device of this model stores samples."""
    if network.replay is None:
        raise _absent("it has no replay: no samples are stored to learn again from",
                      "quantize it with --replay 70,3,1, and --data for those in flash")


def _absent(cause: str, help: str) -> EdgeError:
    return EdgeError("E503", "the model was built without it", cause=cause, help=help)

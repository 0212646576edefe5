"""How a network is quantized."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.kinds import hold_fields
from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.base.qformat import MOST_FRAC_BITS


@dataclass(frozen=True)
class Settings:
    """How to quantize.

    weight_bits: bits of every projection's weights, 4 to 8, or 16 where no current enters.
    bits_of: other bits for projections by name. per_neuron: one scale per postsynaptic neuron
    where nothing plastic and not the readout stands. headroom: how far plastic weights may
    grow, as a multiple of the largest. threshold_bits: bits given to the smallest threshold; None:
    10, or as many (7 at least) as leave room for int16 membranes.
    leak: 'auto' takes a shift where it is exact, 'q15' never, 'shift' the nearest.
    membrane_bits: 16 forces saturating int16 membranes, 32 wide ones; None: 16 where they are
    proven not to overflow, or where a spiking population's current of one step is proven to fit,
    so that only its membrane may saturate; else 32.
    x_frac_bits: fraction bits of int8 inputs, -24 to 24; None to take them from the calibration
    samples. input_scale: 'uniform', one step for all values of an input; 'feature', a step and a
    zero for each; 'auto', by feature where rounding to one step would change currents, or weights.
    input_range: what of the calibration samples it holds, 'robust', all but glitches, or 'all'.
    drift: of a network with a sensor and labelled calibration samples, 'alarm', the device tells
    without labels when the sensor has drifted; 'profile', it keeps windows as well, and takes
    another profile by itself where that is allowed; 'off', neither.
    temperature: what the softmax divides logits by, 1e-6 to 1e6: 'fit', fitted to labelled samples
    where these refute that of the readout; 'stated', that of the readout; or a number.
    values: outputs are values in place of classes, logits over the readout's temperature in the
    unit of the training's targets, which calibration needs then in place of labels.
    hop: frames from decision to decision of a stream, 1 to n_steps; its memory is for this one, and
    larger ones fit. 0: no streams.
    """

    weight_bits: int = 8
    bits_of: Mapping[str, int] = field(default_factory=dict)
    per_neuron: bool = False
    headroom: float = 2.0
    threshold_bits: int | None = None
    leak: str = "auto"
    membrane_bits: int | None = None
    x_frac_bits: int | None = None
    input_scale: str = "auto"
    input_range: str = "robust"
    drift: str = "alarm"
    temperature: float | str = "fit"
    values: bool = False
    hop: int = 0

    def __post_init__(self) -> None:
        hold_fields(self)
        if not isinstance(self.bits_of, Mapping):
            raise EdgeError("E105", "bits_of is no mapping of projections to bits")
        bits: int | None
        for name, bits in {"weight_bits": self.weight_bits, **self.bits_of}.items():
            if not is_int(bits) or bits not in (4, 5, 6, 7, 8, 16):
                raise EdgeError("E105", f"{name}: {bits} weight bits", help="choose 4 to 8, or 16")
        if not is_real(self.headroom) or not 1.0 <= self.headroom <= 64.0:
            raise EdgeError("E105", f"headroom is {self.headroom}, expected 1 to 64")
        bits = self.threshold_bits
        if bits is not None and (not is_int(bits) or not 4 <= bits <= 14):
            raise EdgeError("E105", f"threshold_bits is {bits}, expected 4 to 14")
        if self.leak not in ("auto", "q15", "shift"):
            raise EdgeError("E105", f"leak is '{self.leak}', expected auto, q15 or shift")
        if self.membrane_bits is not None and (
                not is_int(self.membrane_bits) or self.membrane_bits not in (16, 32)):
            raise EdgeError("E105", f"membrane_bits is {self.membrane_bits}, expected 16 or 32")
        bits = self.x_frac_bits
        if bits is not None and (not is_int(bits) or not -MOST_FRAC_BITS <= bits <= MOST_FRAC_BITS):
            raise EdgeError("E105", f"x_frac_bits is {bits}, expected -24 to 24")
        if self.input_scale not in ("auto", "uniform", "feature"):
            raise EdgeError("E105", f"input_scale is '{self.input_scale}', expected auto, uniform "
                            "or feature")
        if self.input_range not in ("robust", "all"):
            raise EdgeError("E105", f"input_range is '{self.input_range}', expected robust or all")
        if self.drift not in ("off", "alarm", "profile"):
            raise EdgeError("E105", f"drift is {self.drift!r}, expected off, alarm or profile")
        is_word = isinstance(self.temperature, str) and self.temperature in ("fit", "stated")
        if not is_word and not (
                is_real(self.temperature) and 1e-6 <= float(self.temperature) <= 1e6):
            raise EdgeError("E105", f"temperature is '{self.temperature}', expected fit, stated or "
                            "a number from 1e-6 to 1e6")
        if not isinstance(self.values, bool):
            raise EdgeError("E105", f"values is {self.values!r}, expected True or False")
        if self.values and not is_word:
            raise EdgeError("E105", f"temperature {self.temperature} is of the softmax of classes, "
                            "and the outputs are values", help="say what the training loss saw of "
                            "the steps: logits (--logits)")
        if not is_int(self.hop) or not 0 <= self.hop <= 65535:
            raise EdgeError("E105", f"hop is {self.hop!r}, expected 1 to the number of steps, or 0")
        if bits is not None and self.input_scale == "feature":
            raise EdgeError("E105", "x_frac_bits gives all features one step, input_scale one each",
                            help="leave one of them out")


def alternatives(settings: Settings) -> Iterator[tuple[str, Settings]]:
    """Other settings that may make room where these are refused, what costs least first, each with
    its option on the command line."""
    if not settings.per_neuron:
        yield "--per-neuron", replace(settings, per_neuron=True)
    if settings.input_scale != "feature" and settings.x_frac_bits is None:
        yield "--input-scale feature", replace(settings, input_scale="feature")
    for bits in (16, 32):
        if settings.membrane_bits != bits:
            yield f"--membrane-bits {bits}", replace(settings, membrane_bits=bits)
    for bits in (7, 4):
        if settings.threshold_bits is None or settings.threshold_bits > bits:
            yield f"--threshold-bits {bits}", replace(settings, threshold_bits=bits)

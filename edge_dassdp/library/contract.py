"""What goes into a model and what comes out, in C: <name>.h and <name>.c beside <name>_model.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edge_dassdp.base import assets
from edge_dassdp.base.qformat import QInputScale
from edge_dassdp.data.labels import spare_name
from edge_dassdp.ir import Input
from edge_dassdp.learned.portable import n_bytes
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.network import input_bytes
from edge_dassdp.qir.order import device_volume


def contract_files(network: QNetwork, name: str) -> dict[str, str]:
    """<name>.h, which an application includes, and <name>.c: classes, scales, quantizing."""
    values: dict[str, Any] = {
        "name": name, "upper": name.upper(), "sha256": network.sha256,
        "named": has_names(network), "class_names": map(c_string, labels(network)),
        "values": network.values is not None, "plastic": bool(network.plastic),
        "sensor": network.inputs[0].sensor if network.sensor is not None else None,
        "n_readings": network.n_readings, "inputs": _inputs(network, name),
        "contract": list(_defines(network, name.upper())), "refused": _refused(network),
        "export_bytes": n_bytes(network), "keeps_frame": network.keeps_frame}
    return {f"{name}.h": assets.render("library/face.h.j2", **values),
            f"{name}.c": assets.render("library/face.c.j2", **values)}


def labels(network: QNetwork) -> tuple[str, ...]:
    """Names of the classes, or of outputs that are values, by index: their numbers where the model
    knows none."""
    if network.values is not None:
        return network.values.names or tuple(map(str, range(network.n_classes)))
    spare = tuple(map(spare_name, range(network.n_known, network.n_classes)))
    return (network.classes or tuple(map(str, range(network.n_known)))) + spare


def has_names(network: QNetwork) -> bool:
    """Whether somebody gave classes, or outputs, names."""
    return bool(network.values.names) if network.values is not None \
        else network.class_names is not None


def c_string(text: str) -> str:
    """A C string literal of any text, in ASCII: what is not is escaped as UTF-8, in octal."""
    plain = {ord(c) for c in map(chr, range(32, 127)) if c not in '"\\?'}
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def is_coded(source: Input) -> bool:
    """Its values become int8 codes."""
    return not source.spikes or source.encoder is not None


def _inputs(network: QNetwork, name: str) -> list[dict[str, Any]]:
    return [_input(source, scale, network.x_offsets[source.name], name)
            for source, scale in zip(_given(network), network.x_scales, strict=True)]


def _given(network: QNetwork) -> tuple[Input, ...]:
    """Inputs as an application gives them at once: a frame where these arrive while it runs."""
    return tuple(replace(i, n_frames=1) if network.keeps_frame else i for i in network.inputs)


def _input(source: Input, scale: QInputScale, at: int, name: str) -> dict[str, Any]:
    """Fields of its dassdp_quantizer_t; frac_bits: of the one step of all values, or None."""
    channels, height, width = device_volume(source.raw_shape, pads=False)
    kind = "CODES" if is_coded(source) else "EVENTS" if source.n_events else "SPIKES"
    fields: list[tuple[str, object]] = [
        ("kind", f"DASSDP_QUANTIZER_{kind}"), ("n_frames", source.n_frames),
        ("n_channels", channels), ("n_places", height * width), ("x_off", at),
        ("x_bytes", input_bytes(source))]
    if kind != "CODES":
        fields += [("most", 255 if source.counts else 1), ("n_events", source.n_events)]
        return {"name": source.name, "fields": fields, "frac_bits": None}
    if scale.is_uniform:
        fields += [("frac_bits", f"frac_bits_{source.name}"), ("zero", f"zero_{source.name}")]
        return {"name": source.name, "fields": fields, "frac_bits": int(scale.frac_bits[0])}
    fields += [("stride", 1), ("frac_bits", f"{name}_x_frac_bits_{source.name}"),
               ("zero", f"{name}_x_zero_{source.name}")]
    return {"name": source.name, "fields": fields, "frac_bits": None}


def _defines(network: QNetwork, upper: str) -> Sequence[str]:
    """Numbers of values, and the scale of every input that has one."""
    if network.sensor is not None:
        return [f"#define {upper}_N_VALUES {network.code_bytes} /* counts of a sample, in all */"]
    what = "a frame of a training sample" if network.keeps_frame else \
        "a training sample, its inputs one behind the other"
    lines = [f"#define {upper}_N_VALUES {sum(i.n_values for i in _given(network))} /* of {what} */"]
    for source, scale in zip(_given(network), network.x_scales, strict=True):
        own = f"{upper}_{source.name.upper()}"
        lines.append(f"#define {own}_N_FRAMES {source.n_frames} "
                     f"/* of {source.n_raw} values, {_meaning(source)} */")
        if is_coded(source) and scale.is_uniform:
            lines += [f"#define {own}_FRAC_BITS {int(scale.frac_bits[0])} "
                      "/* value = (code + zero) / 2^frac_bits, codes -127 to 127 */",
                      f"#define {own}_ZERO 0"]
        elif is_coded(source):
            lines.append(f"/* Steps and zeros of its values: {upper.lower()}_x_frac_bits_"
                         f"{source.name}, {upper.lower()}_x_zero_{source.name}. */")
    return lines


def _meaning(source: Input) -> str:
    if source.encoder is not None:
        return f"raw, the device makes spikes of them ({source.encoder.kind})"
    if not source.spikes:
        return "currents"
    listed = f", {source.n_events} a sample at most" if source.n_events else ""
    return ("numbers of spikes, 0 to 255" if source.counts else "spikes, each 0 or 1") + listed


def _refused(network: QNetwork) -> str:
    """What quantizing refuses."""
    spikes = [i for i in network.inputs if not is_coded(i)]
    words = ["a NaN or an infinity"]
    if spikes:
        words.append("a spike that is none")
    if any(i.n_events for i in spikes):
        words.append("more events than fit")
    return ", ".join(words[:-1]) + " or " * bool(words[1:]) + words[-1]

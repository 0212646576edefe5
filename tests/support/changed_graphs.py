"""ONNX and NIR files of which one value is another: well-formed bytes, so that what is damaged is
the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from support.mutations import NUMBERS, WORDS, Rng, change_array

NAMES = (*WORDS, "../../weights.data", "/etc/hostname", "Loop", "Gemm", "Reshape", "LIF", "Flatten",
         "Input", "NIRGraph")


def changed_onnx(data: bytes, rng: Rng) -> bytes:
    """Of a model."""
    model = onnx.load_from_string(data)
    message: Any = model
    while True:  # down to a message at random
        below = [part for field, value in message.ListFields() if field.type == field.TYPE_MESSAGE
                 for part in (value if field.is_repeated else [value])]
        below = [part for part in below if part.ListFields()]
        if not below or (message is not model and rng.random() < 0.3):
            break
        message = below[rng.integers(len(below))]
    found = [(field, value) for field, value in message.ListFields()
             if field.type != field.TYPE_MESSAGE]
    if found and rng.random() < 0.8:
        _change_field(message, *found[rng.integers(len(found))], rng)
    else:
        fields = [field for field, _ in message.ListFields()]
        field = fields[rng.integers(len(fields))]
        repeated = getattr(message, field.name)
        if not field.is_repeated or rng.random() < 0.3:
            message.ClearField(field.name)
        elif rng.random() < 0.5:
            del repeated[int(rng.integers(len(repeated)))]
        elif field.type == field.TYPE_MESSAGE:
            repeated.add().CopyFrom(repeated[0])
        else:
            repeated.append(repeated[0])
    return bytes(model.SerializeToString())


def _change_field(message: Any, field: Any, value: Any, rng: Rng) -> None:
    def another(one: Any) -> Any:
        if isinstance(one, str):
            return NAMES[rng.integers(len(NAMES))]
        if isinstance(one, bytes):
            return bytes(change_array(np.frombuffer(one or b"0", np.uint8), rng).astype(np.uint8))
        if isinstance(one, float):
            return float(rng.choice([0.0, -1.0, 2.0, 1e30, np.nan]))
        return int(rng.choice([*(n for n in NUMBERS if n < 2**31), one + 1, one - 1]))

    try:
        if field.is_repeated:
            value[int(rng.integers(len(value)))] = another(value[0])
        else:
            setattr(message, field.name, another(value))
    except ValueError:  # not in the range of its type
        message.ClearField(field.name)


def changed_nir(path: Path, rng: Rng) -> None:
    """Of a file, in place."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = names[rng.integers(len(names))]
        if isinstance(file[name], h5py.Group) or rng.random() < 0.3:
            _change_node(file, name, names, rng)
        else:
            value = file[name][()]
            del file[name]
            file[name] = _another(value, rng)


def _another(value: Any, rng: Rng) -> Any:
    if rng.random() < 0.1:
        return [0, 1.5, "x", np.zeros((0, 3)), np.array([b"a", b"b"]), np.nan][rng.integers(6)]
    if isinstance(value, bytes):
        return NAMES[rng.integers(len(NAMES))].encode() or b"?"
    array = np.asarray(value)
    if array.dtype.kind == "O":
        made = array.astype("S64")
        made.flat[rng.integers(made.size)] = NAMES[rng.integers(len(NAMES))].encode()
        return [made, made[:-1], made.ravel(), made[:, :1]][rng.integers(4)]
    return change_array(array, rng)


def _change_node(file: Any, name: str, names: list[str], rng: Rng) -> None:
    """It is gone, called otherwise, there twice, a link to another file, or within itself."""
    how = int(rng.integers(5))
    if how == 0:
        del file[name]
    elif how == 1:
        file.move(name, f"{name}_")
    elif how == 2:
        file.copy(name, f"{name}_copy")
    elif how == 3:
        del file[name]
        file[name] = h5py.ExternalLink("other.nir", "/node")
    else:
        file[f"{name}_link"] = h5py.SoftLink(f"/{names[rng.integers(len(names))]}")

"""Names of classes in the file of a model: whoever writes it, they are one text a class, or it is
refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.scenarios import SCENARIOS

from edge_dassdp import qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.labels import ClassNames
from edge_dassdp.emit import proven
from edge_dassdp.qir.network import FORMATS
from edge_dassdp.storage.npz import read_npz, write_npz

MODEL = SCENARIOS["graph"].quantized
N = MODEL.n_classes
NAMES = tuple(f"class {k}, of Köln" for k in range(N))
CHANGES: dict[str, Any] = {
    "too few": NAMES[1:], "one twice": (*NAMES[1:], NAMES[1]), "a number": (*NAMES[1:], 3),
    "nothing": (), "empty": (*NAMES[1:], ""), "an escape": (*NAMES[1:], "\x1b[31mred"),
    "a line": (*NAMES[1:], "a\nb"), "long": (*NAMES[1:], "n" * 101), "a list": (*NAMES[1:], ["a"]),
    "a table": (*NAMES[1:], {"a": 1}), "no list": "abc", "none": None, "true": True,
    "blanks around": (*NAMES[1:], " ant"), "an array": {"array": "network.softmax_scale"}}


def test_they_are_kept_and_no_other_file_knows_of_them(tmp_path: Path) -> None:
    for is_stated in (False, True):
        named = replace(MODEL, class_names=ClassNames(NAMES, is_stated))
        qir.save(named, tmp_path / "m.q.npz")
        read = proven.load(tmp_path / "m.q.npz")
        assert read.class_names == named.class_names and read.sha256 == named.sha256
        assert read.classes == NAMES and named.sha256 != MODEL.sha256
        assert read_npz(tmp_path / "m.q.npz", *FORMATS)[0]["format"] == "edge_dassdp/quantized/7"
    qir.save(MODEL, tmp_path / "m.q.npz")
    header, _ = read_npz(tmp_path / "m.q.npz", *FORMATS)
    assert "class_names" not in header and not header["format"].endswith("7")
    assert proven.load(tmp_path / "m.q.npz").classes == ()


@pytest.mark.parametrize("kind", CHANGES)
def test_what_is_no_name_is_refused(kind: str, tmp_path: Path) -> None:
    """As a file and as an object, with the SHA-256 that it should have."""
    qir.save(replace(MODEL, class_names=ClassNames(NAMES)), tmp_path / "m.q.npz")
    header, arrays = read_npz(tmp_path / "m.q.npz", *FORMATS)
    bad = replace(MODEL, class_names=ClassNames(CHANGES[kind]))
    header["class_names"]["names"] = CHANGES[kind]
    try:
        header["sha256"] = bad.sha256
    except Exception:  # what is no JSON has none
        header["sha256"] = ""
    write_npz(tmp_path / "bad.q.npz", header, arrays)
    with pytest.raises(EdgeError) as refused:
        proven.load(tmp_path / "bad.q.npz")
    assert refused.value.code == "E103" and "bad.q.npz" in refused.value.message
    with pytest.raises(EdgeError, match=r"class names|class_names"):
        qir.validate(bad)

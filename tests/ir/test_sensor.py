"""A sensor is declared in one sentence, or refused in one; files keep it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.scenarios import layers

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Encoder, Input, Sensor, Triad

POLAR, AXIAL = Triad("polar", (0, 1, 2)), Triad("axial", (3, 4, 5))
GOOD: dict[str, Any] = {"n_channels": 6, "scale": 0.001, "triads": (AXIAL, POLAR), "unit": 512}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no channels": ({"n_channels": 0}, "n_channels is 0"),
    "many channels": ({"n_channels": 33}, "n_channels is 33"),
    "channels in words": ({"n_channels": "six"}, "n_channels is 'six'"),
    "another number of scales": ({"scale": (1.0, 2.0)}, "scale has 2 numbers for 6 channels"),
    "no scale": ({"scale": 0}, "a scale is 0"),
    "NaN": ({"offset": float("nan")}, "offset of channel 0 is nan, expected a finite number"),
    "text": ({"scale": "1"}, "scale of channel 0 is '1', expected a finite number"),
    "a channel that is not there": ({"triads": (Triad("polar", (0, 1, 6)),)},
                                    "a triad names channel 6"),
    "a channel twice": ({"triads": (POLAR, Triad("axial", (2, 3, 4)))}, "channel 2 is named twice"),
    "two accelerations": ({"triads": (POLAR, Triad("polar", (3, 4, 5)))}, "2 triads are polar"),
    "an axial one alone": ({"triads": (AXIAL,)}, "no triad is polar"),
    "two channels": ({"triads": ({"kind": "polar", "channels": [0, 1]},)}, "expected three"),
    "another kind": ({"triads": ({"kind": "scalar", "channels": [0, 1, 2]},)}, "'scalar'"),
    "no unit": ({"unit": None}, "unit is None"),
    "a unit of half a count": ({"unit": 0.5}, "unit is 0.5"),
    "data of no kind": ({"data": "volts"}, "data is 'volts'"),
    "a unit of nothing": ({"triads": ()}, "unit belongs to a polar triad"),
}


@pytest.mark.parametrize("case", WRONG)
def test_nonsense_is_refused_in_one_sentence(case: str) -> None:
    given, words = WRONG[case]
    with pytest.raises(EdgeError) as caught:
        Sensor(**{**GOOD, **given})
    assert caught.value.code == "E101" and words in caught.value.message, caught.value
    assert "docs/sensor.md" in caught.value.help and "\n" not in caught.value.message


@pytest.mark.parametrize("source", [
    Input("x", 14, 8), Input("x", 6, shape=(3, 2)), Input("x", 12, spikes=True),
    Input("x", 6, shape=(6,), spikes=True, n_events=40, n_frames=8)], ids=str)
def test_an_input_that_is_no_readings_is_refused(source: Input) -> None:
    net = layers((source.size, 9, 3), frames=source.n_frames > 1)
    with pytest.raises(EdgeError) as caught:
        ir.Network((source,), net.populations, net.projections, net.readout,
                   net.n_steps).with_sensor(Sensor(**GOOD))
    assert caught.value.code == "E101" and "input 'x'" in caught.value.message


def test_a_second_input_is_refused() -> None:
    net = layers((12, 9, 3))
    with pytest.raises(EdgeError) as caught:
        ir.Network((*net.inputs, Input("y", 4)), net.populations, net.projections, net.readout,
                   net.n_steps).with_sensor(Sensor(**GOOD))
    assert "several inputs" in caught.value.message


def test_files_keep_it(tmp_path: Path) -> None:
    net = layers((12, 9, 3)).with_sensor(Sensor(**GOOD))
    ir.save(net, tmp_path / "net.npz")
    assert ir.load(tmp_path / "net.npz").inputs[0].sensor == net.inputs[0].sensor
    ir.save(net.with_sensor(None), tmp_path / "bare.npz")
    ir.save(layers((12, 9, 3)), tmp_path / "other.npz")
    assert (tmp_path / "bare.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_counts_and_values_are_inverse_within_int16() -> None:
    sensor = Sensor(2, (0.25, -3.0), (1.0, -7.0))
    counts = np.array([[0, 1], [-32768, 32767], [77, -5]])
    np.testing.assert_array_equal(sensor.counts(sensor.values(counts)), counts)
    assert sensor.counts([1e9, 1e9]).tolist() == [32767, -32768]
    channels = Input("x", 6, shape=(2, 3), sensor=sensor).sensor_channels
    assert channels.tolist() == [0, 0, 0, 1, 1, 1]
    encoded = Input("x", 8, 4, True, (4, 2), encoder=Encoder("delta"), sensor=sensor)
    assert encoded.sensor_channels.tolist() == [0, 0, 1, 1]


TOML = """
n_channels = 6
scale = [0.1, 0.1, 0.1, 0.2, 0.2, 0.2]
unit = 512
[[triad]]
kind = "polar"
channels = [0, 1, 2]
[[triad]]
kind = "axial"
channels = [3, 4, 5]
"""
WRONG_TOML = {
    "unknown": ("n_chanels = 6\nscale = 1", "E105", "'n_chanels' is unknown"),
    "missing": ("unit = 3", "E105", "n_channels and scale must be given"),
    "nonsense": (TOML.replace("[3, 4, 5]", "[3, 4, 6]"), "E105", "a triad names channel 6"),
    "a triad that is none": ("n_channels = 1\nscale = 1\ntriad = 3", "E105", "[[triad]]"),
    "no TOML": ("n_channels: 6", "E103", "expected the description of a sensor (.toml)"),
    "cut off": ("n_channels = 6\nscale = [1,", "E103", "is no valid TOML, expected"),
    "bytes": ("\x00\xff", "E103", "is not the description of a sensor (.toml)"),
    "nothing": ("", "E103", "an empty file"),
    "a book": ("# a\n" * 20_000, "E103", "65,536 bytes"),
    "a key of many parts": ("a" + ".a" * 30_000 + " = 1", "E103", "1,000 in a line"),
    "deep": ("a = " + "[" * 900, "E103", "too deep within each other"),
    "samples": ("1,2,3\n4,5,6\n", "E103", "a text file of values (CSV)"),
}


def test_a_description_is_read(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(TOML)
    found = Sensor.load(tmp_path / "s.toml")
    assert found == Sensor(6, (0.1,) * 3 + (0.2,) * 3, 0.0, (POLAR, AXIAL), 512)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", WRONG_TOML)
def test_a_wrong_description_is_refused_by_its_name(case: str, tmp_path: Path) -> None:
    text, code, words = WRONG_TOML[case]
    (tmp_path / "s.toml").write_text(text, "utf-8")
    with pytest.raises(EdgeError) as caught:
        Sensor.load(tmp_path / "s.toml")
    assert caught.value.code == code and words in caught.value.message
    assert "s.toml" in caught.value.message and caught.value.help


def test_what_is_no_file_of_a_description_is_named_for_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ir.save(layers((12, 9, 3)), tmp_path / "net.npz")
    np.savez(tmp_path / "data.npz", x=np.zeros((2, 12)), y=np.zeros(2))
    for path, said, help in (
            (tmp_path / "none.toml", "does not exist", "check the path"),
            (tmp_path, "is a folder", "name a file in it"),
            (tmp_path / "pipe", "is not a regular file", "give the path of a file"),
            (tmp_path / "net.npz", "is a float network", "docs/sensor.md"),
            (tmp_path / "data.npz", "with the arrays x, y", "samples go to --data")):
        with pytest.raises(EdgeError) as caught:
            Sensor.load(path)
        assert caught.value.code == "E103" and said in caught.value.message, caught.value
        assert help in caught.value.help, caught.value

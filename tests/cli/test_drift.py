"""A drifted sensor is told on the screen and in JSON, and mended where that was allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import ok, refused
from support.scenarios import layers
from support.windows import (
    MIRROR,
    N_CHANNELS,
    N_READINGS,
    UNIT,
    Counts,
    dead,
    labels,
    turned,
    worn,
)

from edge_dassdp import ir, qir

SENSOR = f"""
n_channels = {N_CHANNELS}
scale = {1 / UNIT}
unit = {UNIT}
[[triad]]
kind = "polar"
channels = [0, 1, 2]
[[triad]]
kind = "axial"
channels = [3, 4, 5]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network, its sensor, training data, and streams worn as ever and otherwise."""
    made = tmp_path_factory.mktemp("drift")
    ir.save(layers((N_READINGS * N_CHANNELS, 24, 5)), made / "net.npz")
    (made / "sensor.toml").write_text(SENSOR, "utf-8")
    y = labels(150)
    counts: dict[str, Counts] = {"train": worn(0, y), "as_ever": worn(1, y),
                                 "mirrored": turned(worn(2, y), MIRROR), "dead": dead(worn(3, y))}
    for name, c in counts.items():
        np.savez(made / f"{name}.npz", x=(c / UNIT).reshape(len(c), -1).astype(np.float32), y=y)
    for drift in ("alarm", "profile", "off"):
        quantize(made, drift)
    return made


def quantize(folder: Path, drift: str) -> None:
    ok("quantize", folder / "net.npz", "-o", folder / f"{drift}.q.npz", "--sensor",
       folder / "sensor.toml", "--data", folder / "train.npz", "--drift", drift,
       "--no-compare-bits")


def on(folder: Path, verb: str, model: str, data: str, *more: str) -> dict[str, Any]:
    """The envelope, with the messages of its warnings."""
    told = json.loads(ok(verb, folder / f"{model}.q.npz", "--data", folder / f"{data}.npz",
                         "--split", "train", *more, "--json").splitlines()[-1])
    told["warnings"] = [d["message"] for d in told["diagnostics"]]
    assert all(d["severity"] == "warning" for d in told["diagnostics"])
    return dict(told)


@pytest.mark.parametrize("verb", ["run", "learn"])
def test_a_sensor_worn_as_ever_is_no_warning(folder: Path, verb: str) -> None:
    told = on(folder, verb, "alarm", "as_ever")
    assert told["warnings"] == []
    assert told["data"]["drift"]["alarm"] is False
    assert 0 < told["data"]["drift"]["median"] < 1.4
    assert "150 samples compared" in ok(
        verb, folder / "alarm.q.npz", "--data", folder / "as_ever.npz", "--split", "train")


@pytest.mark.parametrize("verb", ["run", "learn"])
@pytest.mark.parametrize("data", ["mirrored", "dead"])
def test_a_drifted_one_is_warned_of_with_what_to_do(folder: Path, verb: str, data: str) -> None:
    told = on(folder, verb, "alarm", data)
    assert told["data"]["drift"]["alarm"] is True
    (warning,) = told["warnings"]
    assert "the sensor has drifted" in warning and "--fit-profile" in warning


def test_a_profile_is_taken_where_it_is_allowed_and_the_alarm_is_over(folder: Path) -> None:
    for verb in ("run", "learn"):
        told = on(folder, verb, "profile", "mirrored", "--allow-profile")
        assert told["data"]["drift"]["n_profiles"] == 1
        assert told["data"]["drift"]["alarm"] is False and told["warnings"] == []
        kept = on(folder, verb, "profile", "mirrored")
        assert kept["data"]["drift"]["n_profiles"] == 0
    assert "1 profile taken without labels" in ok(
        "run", folder / "profile.q.npz", "--data", folder / "mirrored.npz", "--split", "train",
        "--allow-profile")


def test_looking_changes_no_weight_and_no_digest(folder: Path) -> None:
    digests = {on(folder, "run", model, data)["data"]["digest"]
               for model in ("alarm", "profile") for data in ("as_ever", "mirrored")}
    assert len(digests) == 1


def test_what_was_not_built_in_is_refused_with_the_way_to_it(folder: Path) -> None:
    for model, way in (("alarm", "--drift profile"), ("off", "--drift off")):
        problem = refused("E503", "run", folder / f"{model}.q.npz", "--data",
                          folder / "as_ever.npz", "--split", "train", "--allow-profile")
        assert way in problem
    assert on(folder, "run", "off", "mirrored")["data"]["drift"] is None
    for drift, says in (("maybe", "off, alarm or profile"), ("profile", "there is no sensor")):
        assert says in refused("E105", "quantize", folder / "net.npz", "-o", folder / "x.q.npz",
                               "--drift", drift)


@pytest.mark.parametrize("drift", ["alarm", "profile"])
@pytest.mark.parametrize("verb", ["quantize", "tune"])
def test_drift_of_what_nothing_is_compared_with_is_refused(folder: Path, verb: str, drift: str
                                                           ) -> None:
    output = folder / ("x.q.npz" if verb == "quantize" else "x.toml")
    data = ("--data", folder / "train.npz")
    said = refused("E105", verb, folder / "net.npz", *data, "-o", output, "--drift", drift)
    assert f"--drift {drift}" in said and "there is no sensor" in said
    assert not output.exists()
    if verb == "quantize":
        said = refused("E105", verb, folder / "net.npz", "-o", output, "--drift", drift,
                       "--sensor", folder / "sensor.toml")
        assert "no labelled sample" in said and "give --data" in said
        assert "drift is told without labels" in ok(
            verb, folder / "net.npz", *data, "-o", output, "--drift", drift, "--sensor",
            folder / "sensor.toml", "--no-compare-bits")
        output.unlink()


def test_too_few_classes_for_a_profile_are_refused(folder: Path) -> None:
    y = labels(150) % 3
    with np.load(folder / "train.npz") as data:
        np.savez(folder / "three.npz", x=data["x"], y=y)
    problem = refused("E105", "quantize", folder / "net.npz", "-o", folder / "x.q.npz", "--sensor",
                      folder / "sensor.toml", "--data", folder / "three.npz", "--drift", "profile",
                      "--no-compare-bits")
    assert "among 4 classes or more, and the training samples are of classes 0, 1, 2 alone" \
        in problem


def test_the_statistics_are_part_of_the_model_and_of_its_identity(folder: Path) -> None:
    models = [qir.load(folder / f"{drift}.q.npz") for drift in ("off", "alarm", "profile")]
    assert len({m.sha256 for m in models}) == 3
    assert [m.watches for m in models] == [False, True, True]

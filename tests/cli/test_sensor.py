"""A sensor from the command line: described in TOML, its wearing fitted before a stream."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from support.commands import answer, ok, refused, shown
from support.scenarios import SCENARIOS
from support.sensed import SensedScenario

from edge_dassdp import ir


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network, its sensor, samples of a sensor that is worn straight, and others turned about."""
    case, made = SCENARIOS["sensor"], tmp_path_factory.mktemp("sensor")
    assert isinstance(case, SensedScenario)
    declared, rng = case.declared, np.random.default_rng(3)
    ir.save(case.network.with_sensor(None), made / "net.npz")
    (made / "sensor.toml").write_text(
        f"n_channels = {declared.n_channels}\nscale = {list(declared.scale)}\n"
        f"offset = {list(declared.offset)}\nunit = {declared.unit}\n" + "".join(
            f"[[triad]]\nkind = \"{t.kind}\"\nchannels = {list(t.channels)}\n"
            for t in declared.triads))
    for name, turned in (("straight", False), ("turned", True)):
        y = np.arange(60) % 5
        x = np.stack([case.natural(case.counts(rng, int(c), turned)) for c in y])
        np.savez(made / f"{name}.npz", x=x, y=y)
    ok("quantize", made / "net.npz", "--data", made / "straight.npz", "--sensor",
       made / "sensor.toml", "--drift", "off", "--plastic", "fc3", "-o", made / "net.q.npz")
    return made


def test_the_first_samples_tell_how_it_is_worn(folder: Path) -> None:
    command = ("learn", folder / "net.q.npz", "--data", folder / "turned.npz", "--fit-profile",
               "20", "--snapshot", folder / "worn.npz")
    found = answer(*command)["data"]["profile"]
    assert found["n_samples"] == 20 and found["tried"][0]["profile"] == "factory"
    assert found["chosen"] in [t["profile"] for t in found["tried"]]
    how = f" ({found['how']})" if found["how"] else ""
    assert f"{found['chosen']} profile{how}; of 20 samples right: factory" in ok(*command)
    assert answer("learn", folder / "net.q.npz", "--data", folder / "turned.npz")["data"][
        "profile"] is None


def test_weights_of_another_profile_are_warned_of(folder: Path, tmp_path: Path) -> None:
    plain = ("learn", folder / "net.q.npz", "--data", folder / "turned.npz")
    ok(*plain, "--snapshot", tmp_path / "factory.npz")
    done = shown(*plain, "--restore", tmp_path / "factory.npz", "--fit-profile", "20", "--json")
    said = json.loads(done.stdout.splitlines()[-1])
    is_other = said["data"]["profile"]["chosen"] != "factory"
    assert is_other == any("learned under another profile" in d["message"]
                           for d in said["diagnostics"])
    assert is_other, "this network's orientation has more hits"


def test_what_cannot_be_fitted_is_refused_before_anything_runs(folder: Path) -> None:
    for words, code in ((("--fit-profile", "61"), "E105"), (("--fit-profile", "1"), "E105")):
        done = shown("learn", folder / "net.q.npz", "--data", folder / "turned.npz", *words)
        assert done.returncode and code in done.stderr, done.stderr
    ok("quantize", folder / "net.npz", "-o", folder / "bare.q.npz")
    done = shown("learn", folder / "bare.q.npz", "--data", folder / "turned.npz", "--fit-profile",
                 "4")
    assert done.returncode and "with --sensor FILE.toml and --data" in done.stderr


def test_a_description_of_another_sensor_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "five.toml").write_text("n_channels = 5\nscale = 1.0\n")
    done = shown("quantize", folder / "net.npz", "--sensor", tmp_path / "five.toml", "-o",
                 tmp_path / "q.npz")
    assert done.returncode == 2 and "no readings of 5 channels" in done.stderr
    assert not (tmp_path / "q.npz").exists()


def test_counts_where_the_description_says_values_are_refused(folder: Path, tmp_path: Path
                                                              ) -> None:
    """And the word that they lack is named; with it they are taken."""
    sensor, text = ir.Sensor.load(folder / "sensor.toml"), (folder / "sensor.toml").read_text()
    source = ir.load(folder / "net.npz").with_sensor(sensor).inputs[0]
    with np.load(folder / "straight.npz") as given:
        at = np.tile(source.sensor_channels, source.n_frames)
        raw = np.round((given["x"] - np.array(sensor.offset)[at]) / np.array(sensor.scale)[at])
        np.savez(tmp_path / "raw.npz", x=raw, y=given["y"])
    command = ("quantize", folder / "net.npz", "--data", tmp_path / "raw.npz", "--frozen", "-o",
               tmp_path / "q.npz", "--sensor")
    told = refused("E104", *command, folder / "sensor.toml")
    assert "values become counts up to" in told and 'did you mean data = "counts"?' in told
    (tmp_path / "counts.toml").write_text('data = "counts"\n' + text)
    ok(*command, tmp_path / "counts.toml")


def test_a_scale_that_leaves_hardly_any_counts_is_told(folder: Path, tmp_path: Path) -> None:
    sensor = ir.Sensor.load(folder / "sensor.toml")
    for factor, is_told in ((1, False), (1e5, True)):
        text = (f"n_channels = {sensor.n_channels}\n"
                f"scale = {[factor * s for s in sensor.scale]}\noffset = {list(sensor.offset)}\n")
        (tmp_path / "s.toml").write_text(text)
        told = shown("quantize", folder / "net.npz", "--data", folder / "straight.npz", "--frozen",
                     "--sensor", tmp_path / "s.toml", "--drift", "off", "-o", tmp_path / "q.npz")
        assert ("counts are 0, 1 or -1" in told.stderr) is is_told, told.stderr
        assert not is_told or "scale is the value of one count, and too large" in told.stderr


def test_a_frozen_network_takes_a_profile_that_run_uses(folder: Path, tmp_path: Path) -> None:
    ok("quantize", folder / "net.npz", "--data", folder / "straight.npz", "--sensor",
       folder / "sensor.toml", "--drift", "off", "--frozen", "-o", tmp_path / "frozen.q.npz")
    here = ("profile", tmp_path / "frozen.q.npz")
    assert "factory profile in use; none is stored" in ok(*here)
    fitted = answer(*here, "--data", folder / "turned.npz", "--limit", "20", "--snapshot",
                    tmp_path / "worn.npz")["data"]
    assert fitted["in_use"] == fitted["fitted"]["chosen"] and sum(fitted["n_seen"]) == 20
    ran = [answer("run", tmp_path / "frozen.q.npz", "--data", folder / "turned.npz", *words)["data"]
           for words in ((), ("--restore", tmp_path / "worn.npz"))]
    assert ran[0]["digest"] != ran[1]["digest"] == fitted["digest"]
    assert ran[0]["accuracy"] != ran[1]["accuracy"]
    back = answer(*here, "--restore", tmp_path / "worn.npz", "--select", "factory")["data"]
    assert back["in_use"] == "factory" and back["stored"] == fitted["stored"]


def test_what_cannot_be_selected_is_refused(folder: Path) -> None:
    for words, said in ((("--select", "left"), "no profile 'left'"),
                        (("--select", "both"), "no profile 'both' is stored"),
                        (("--select", "factory", "--data", folder / "turned.npz"), "exclude"),
                        (("--data", folder / "turned.npz", "--limit", "1"), "2 classes or more")):
        done = shown("profile", folder / "net.q.npz", *words)
        assert done.returncode and said in done.stderr, done.stderr


def test_a_sensor_without_triads_is_told_how_to_declare_them(folder: Path, tmp_path: Path) -> None:
    """Whatever asks for an orientation."""
    text = (folder / "sensor.toml").read_text()
    (tmp_path / "plain.toml").write_text(text[: text.index("unit")])
    model = tmp_path / "plain.q.npz"
    said = ok("quantize", folder / "net.npz", "--data", folder / "straight.npz", "--sensor",
              tmp_path / "plain.toml", "--plastic", "fc3", "-o", model)
    assert "no orientation is fitted, no triads are declared" in said
    turned = ("--data", folder / "turned.npz")
    for words in (("profile", model, *turned), ("learn", model, *turned, "--fit-profile", "20"),
                  ("profile", model, "--select", "orientation"),
                  ("profile", model, "--select", "both")):
        problem = refused("E503", *words)
        assert "the sensor declares no triads among its 7 channels" in problem
        assert '[[triad]] with kind = "polar"' in problem and "unit" in problem
        assert "with --sensor again" not in problem
    ok("quantize", folder / "net.npz", "--sensor", folder / "sensor.toml", "-o", model)
    assert "without labelled samples" in refused("E503", "profile", model, *turned)


@pytest.mark.parametrize("shift", [(), ("--shift-seed", "4")], ids=["as it is", "shifted"])
def test_the_next_commands_keep_the_profile_and_run_under_it(
        folder: Path, tmp_path: Path, shift: tuple[str, ...]) -> None:
    """As printed, from where they were printed."""
    command = ["profile", str(folder / "net.q.npz"), "--data", str(folder / "turned.npz"),
               "--limit", "20", *shift]
    first = ok(*command, cwd=tmp_path)
    assert "forgets it as this command ends: --snapshot" in first
    second = ok(*_next(first), cwd=tmp_path)
    assert second.splitlines()[0] == first.splitlines()[0] and "forgets" not in second
    run = _next(second)
    assert run[0] == "run"
    under = json.loads(ok(*run, "--json", cwd=tmp_path).splitlines()[-1])["data"]
    fitted = json.loads(ok(*_next(first), "--json", cwd=tmp_path).splitlines()[-1])["data"]
    assert under["digest"] == fitted["digest"] != answer(*command[:2])["data"]["digest"]
    assert "next:" not in ok(*command[:2]), "nothing is known to run"


def _next(screen: str) -> list[str]:
    """The words of the command printed last."""
    line = screen.splitlines()[-1]
    assert line.startswith("next: edge-dassdp ")
    return shlex.split(line.removeprefix("next: edge-dassdp "))


@pytest.mark.parametrize("n_classes", [2, 5])
def test_what_was_tried_is_named_apart(folder: Path, tmp_path: Path, n_classes: int) -> None:
    """Rotation and mirror image, channels with and without gains."""
    with np.load(folder / "turned.npz") as data:
        few = data["y"] < n_classes
        np.savez(tmp_path / "few.npz", x=data["x"][few], y=data["y"][few])
    command = ("profile", folder / "net.q.npz", "--data", tmp_path / "few.npz", "--limit", "20")
    fitted = answer(*command)["data"]["fitted"]
    titles = [f"{t['profile']} {t['how']}".strip() for t in fitted["tried"]]
    assert titles == ["factory", *(["orientation as a rotation", "orientation as a mirror image"]
                                   if n_classes == 2 else ["orientation"]),
                      "channels without gains", "channels with gains"]
    screen, hits = ok(*command), [t["hits"] for t in fitted["tried"]]
    assert ", ".join(f"{t} {n}" for t, n in zip(titles, hits, strict=True)) in screen
    assert f"{fitted['chosen']} {fitted['how']}".strip() in titles


def test_what_only_a_board_keeps_and_what_no_device_has_is_said(folder: Path,
                                                                tmp_path: Path) -> None:
    model, turned = tmp_path / "guarded.q.npz", ("--data", folder / "turned.npz", "--limit", "6")
    ok("quantize", folder / "net.npz", "--plastic", "fc3", "--guard", "0", "-o", model)
    for option, said in (("--rollback", "keeps no copy yet"), ("--save", "forgets its copy")):
        assert f"{option}: the emulator" in shown("learn", model, *turned, option).stderr
        assert said in shown("learn", model, *turned, option).stderr
        problem = refused("E503", "learn", folder / "net.q.npz", *turned, option)
        assert "keeps no copy of its weights" in problem and "--guard" in problem
        assert "were learned" not in problem, "it is known before"
    problem = refused("E503", "learn", folder / "net.q.npz", *turned, "--idle", "3")
    assert "--replay" in problem and "were learned" not in problem


def test_files_of_counts_are_those_of_values(folder: Path, tmp_path: Path) -> None:
    """A logger writes raw counts: the description says so, and nothing else differs."""
    case = SCENARIOS["sensor"]
    assert isinstance(case, SensedScenario)
    text = (folder / "sensor.toml").read_text()
    (tmp_path / "sensor.toml").write_text('data = "counts"\n' + text)
    for name in ("straight", "turned"):
        with np.load(folder / f"{name}.npz") as values:
            counts = case.declared.counts(values["x"].reshape(60, -1, case.declared.n_channels))
            np.savez(tmp_path / f"{name}.npz", x=counts.reshape(60, -1), y=values["y"])
    found = []
    for place in (folder, tmp_path):
        quantized = tmp_path / f"{place.name}.q.npz"
        ok("quantize", folder / "net.npz", "--data", place / "straight.npz", "--sensor",
           place / "sensor.toml", "--drift", "off", "--plastic", "fc3", "-o", quantized)
        found.append(answer("learn", quantized, "--data", place / "turned.npz", "--fit-profile",
                            "20")["data"])
    assert found[0]["profile"] == found[1]["profile"]
    assert found[0]["accuracy"] == found[1]["accuracy"]
    assert found[0]["statistics"] == found[1]["statistics"]

"""What the command line says of a file of another library reaches its importer, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import onnx_models
from support.commands import ROOT, answer, ok, refused

from edge_dassdp.base.errors import CODES

BRAILLE = ROOT / "examples" / "nir" / "braille_noDelay_bias_zero.nir"
CNN = ROOT / "examples" / "nir" / "cnn_sinabs.nir"
DIGITS = ROOT / "examples" / "digits" / "digits_seed0.npz"
FED = ("--feedback", "spk1=spk1_new")


@pytest.fixture(scope="module")
def rleaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A step of a recurrent layer, whose spikes come back."""
    path = tmp_path_factory.mktemp("onnx") / "rleaky.onnx"
    onnx_models.export(onnx_models.Feedback("RLeaky", True, "subtract", True), str(path),
                       dynamo=False, names=["x", "spk1", "mem1", "mem2"])
    return path


def test_the_recurrence_of_an_onnx_file(rleaky: Path, tmp_path: Path) -> None:
    said = refused("E106", "inspect", rleaky, "--n-steps", "8")
    assert "'spk1' (perhaps by spk1_new" in said and "--feedback spk1=spk1_new" in said
    data = answer("inspect", rleaky, "--n-steps", "8", *FED)["data"]
    assert [q["name"] for q in data["projections"] if q["is_recurrent"]] == ["fc2"]
    screen = ok("inspect", rleaky, "--n-steps", "8", *FED, "--no-check")
    next_ = screen.splitlines()[-1]
    assert "--feedback spk1=spk1_new" in next_ and "--no-check" in next_
    ok("quantize", rleaky, "--n-steps", "8", *FED, "-o", tmp_path / "r.q.npz", "--frozen")


def test_inputs_and_the_output_that_is_read(rleaky: Path) -> None:
    both = ("--entry", "x", "--entry", "spk1")
    data = answer("inspect", rleaky, "--n-steps", "8", *both)["data"]
    assert not any(q["is_recurrent"] for q in data["projections"])
    assert "there is no output 'z'" in refused(
        "E105", "inspect", rleaky, "--n-steps", "8", *FED, "--read", "z")
    assert "no input 'z'" in refused("E105", "inspect", rleaky, "--n-steps", "8", "--entry", "z")


@pytest.mark.parametrize(("file", "options", "word"), [
    (BRAILLE, ("--feedback", "a=b"), "feedback"), (BRAILLE, ("--entry", "x"), "entries"),
    (BRAILLE, ("--read", "y"), "output"), (BRAILLE, ("--no-check",), "check"),
    (DIGITS, ("--read", "y"), "output"), (DIGITS, ("--no-check",), "check"),
    (DIGITS, ("--dt", "1"), "dt")])
def test_options_of_other_kinds_of_files(file: Path, options: tuple[str, ...], word: str) -> None:
    assert word in refused("E105", "inspect", file, *options)


@pytest.mark.parametrize(("file", "options", "words"), [
    (CNN, ("--source", "sinabs,dt=1e-4"), "dt is no setting of sinabs"),
    (CNN, ("--source", "sinabs", "--dt", "1e-4"), "dt changes nothing in this file"),
    (BRAILLE, ("--source", "snntorch,reset=none,reset_delay=true"), "changes nothing"),
    (CNN, ("--source", "sinabs", "--frames", "--encoder", "rate"), "leave the setting of frames"),
    (CNN, ("--source", "sinabs", "--no-frames", "--events", "9"), "leave the setting of frames")])
def test_settings_without_effect(file: Path, options: tuple[str, ...], words: str) -> None:
    assert words in refused("E105", "inspect", file, "--n-steps", "8", *options)


@pytest.mark.parametrize("verb", ["inspect", "quantize"])
@pytest.mark.parametrize("name", ["no.nir", "no.onnx", "no.npz"])
def test_a_file_that_is_not_there_is_said_first(verb: str, name: str, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "q.npz") if verb == "quantize" else ()
    assert f"{name} does not exist" in refused("E103", verb, tmp_path / name, *output)


def test_the_code_of_a_difference_is_explained() -> None:
    assert "E107" in CODES and "differs" in " ".join(ok("explain", "E107").split())

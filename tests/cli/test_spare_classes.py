"""A model that was taught a class, as a user meets it who goes on with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.commands import answer, ok, refused
from support.gestures import RULES, Y, model, network, samples

import edge_dassdp as ed
from edge_dassdp import ir, qir
from edge_dassdp.build.board import load_board
from edge_dassdp.emit.firmware import build_and_compare
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.quantize.wayback import dequantize, requantize

NAMES = np.array(["sit", "walk", "run", "jump", "wave"])
OLD, NEW = [0, 1, 2, 3, 1, 2], [4] * 5
ON = "--target", "reference"


def recorded(path: Path, labels: list[int]) -> Path:
    """Samples of these classes, by name."""
    np.savez(path, x=samples(labels), y=NAMES[labels])
    return path


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float network, its model with two spare classes, and one of them taught."""
    folder = tmp_path_factory.mktemp("spare")
    ed.save(network(), folder / "net.npz")
    ed.save(model(), folder / "net.q.npz")
    recorded(folder / "old.npz", OLD)
    recorded(folder / "both.npz", OLD + NEW)
    ok("learn", folder / "net.q.npz", "--data", folder / "both.npz", "--new-class", "wave",
       "--snapshot", folder / "wave.state", *ON)
    ok("forget", folder / "net.q.npz", "wave", "--restore", folder / "wave.state", "--snapshot",
       folder / "without.state", *ON)
    return folder


def test_a_network_is_judged_by_the_classes_that_it_was_trained_on() -> None:
    """Its spare ones were counted with them."""
    with pytest.warns(UserWarning, match="of these samples of 4 classes"):
        model()


@pytest.mark.usefixtures("arm_toolchain")
def test_4_bits_and_spare_classes_keep_within_the_flash_predicted() -> None:
    """Their kernels came on top of all that class means link, and the build was refused."""
    learning = ed.Learning(RULES, replay=ed.Replay(40, 3, 3), class_means=True)
    with pytest.warns(UserWarning, match="are they scaled as in training"):
        narrow = ed.quantize(network(), learning, Settings(weight_bits=4), x=samples(Y), y=Y,
                             spare_classes=1)
    build = build_and_compare(narrow, load_board("microbit"))
    assert build.flash_bytes <= build.predicted.flash_bound


@pytest.mark.parametrize("into", [(), ("--into", "net.npz")])
def test_export_keeps_no_class_that_was_taught_and_says_so(
        work: Path, tmp_path: Path, into: tuple[str, ...]) -> None:
    """It dropped them, and said that the integers are those of the snapshot."""
    words = *into, "-o", tmp_path / "exported.npz"
    told = " ".join(refused("E105", "export", "net.q.npz", "wave.state", *words, cwd=work).split())
    assert "classes that were taught, wave, and a network does not" in told
    assert "edge-dassdp forget net.q.npz wave --restore wave.state" in told
    assert not (tmp_path / "exported.npz").exists()
    ok("export", "net.q.npz", "without.state", *words, cwd=work)


def test_a_snapshot_goes_into_the_network_that_was_quantized_with_spare_classes(work: Path) -> None:
    """That network was called another one, for it has fewer outputs than the model."""
    out = work / "learned.npz"
    told = answer("export", work / "net.q.npz", work / "without.state", "--into",
                  work / "net.npz", "-o", out, warns="the device's own means of 4 classes")["data"]
    learned, quantized = ir.load(out), qir.load(work / "net.q.npz")
    assert learned.n_classes == network().n_classes == 4
    assert requantize(learned, quantized).sha256 == told["learned_sha256"] != quantized.sha256
    again = ed.quantize(learned, ed.Learning(RULES), x=samples(Y), y=Y, spare_classes=2)
    assert again.n_known == 4 and again.spare_classes == 2


def test_weights_that_know_a_taught_class_are_no_network(work: Path) -> None:
    """Without class means they do; a file of them could not be read."""
    plain = model(means=False)
    with ed.open(plain, "reference") as device:
        device.new_class("wave")
        device.learn(samples(NEW), NEW)
        learned = {p.name: device.target.read_weights(p.name) for p in plain.plastic}
    with pytest.raises(ed.EdgeError, match="know a class that was taught"):
        dequantize(network(), plain, learned)


@pytest.mark.parametrize("words", [("learn",), ("run",)])
def test_a_class_that_is_not_known_is_told_how_to_be_taught_or_put_back(
        work: Path, words: tuple[str, ...]) -> None:
    """"Quantize anew with samples of all classes" was all that was said."""
    told = " ".join(refused("E104", *words, "net.q.npz", "--data", "both.npz", *ON,
                            cwd=work).split())
    assert "'wave', which is no class of the model" in told
    assert "learn --new-class wave" in told and "--restore SNAPSHOT" in told


def test_who_forgets_a_class_without_its_snapshot_is_told_to_put_that_back(work: Path) -> None:
    told = " ".join(refused("E105", "forget", "net.q.npz", "wave", *ON, cwd=work).split())
    assert "'wave' was never taught" in told and "--restore SNAPSHOT" in told


def test_what_begins_with_the_classes_of_the_training_offers_no_restore(work: Path) -> None:
    told = refused("E104", "verify", "net.q.npz", "--data", "both.npz", *ON, cwd=work)
    assert "leave such samples out" in " ".join(told.split()) and "--restore" not in told


def test_the_next_command_works(work: Path) -> None:
    """`verify`, which begins with the classes of the training, refused those that were taught."""
    words = "run", "net.q.npz", *ON, "--data"
    assert "next: edge-dassdp verify" in ok(*words, "old.npz", cwd=work)
    assert "next:" not in ok(*words, "both.npz", "--restore", "wave.state", cwd=work)


def test_the_number_of_a_class_is_offered_where_it_is_taken(work: Path, tmp_path: Path) -> None:
    words = "--data", work / "old.npz", "--new-class", "clap", *ON
    assert "or its number, 4" in refused("E105", "learn", work / "net.q.npz", *words)
    ok("quantize", work / "net.npz", "--rule", "fc3=delta", "--data", recorded(
        tmp_path / "train.npz", OLD), "--spare-classes", "1", "-o", tmp_path / "named.q.npz")
    told = " ".join(refused("E105", "learn", tmp_path / "named.q.npz", *words).split())
    assert "write 'clap' in the column" in told and "its number" not in told


def test_no_class_is_called_as_those_are_shown_that_were_not_taught(work: Path, tmp_path: Path
                                                                   ) -> None:
    words = "--data", work / "both.npz", *ON
    assert "cannot be called '(spare 4)'" in refused(
        "E105", "learn", work / "net.q.npz", *words, "--new-class", "(spare 4)")
    assert "cannot be called '(spare 1)'" in refused(
        "E105", "quantize", work / "net.npz", "--classes", "a,b,(spare 1),c", "-o",
        tmp_path / "x.q.npz")


@pytest.mark.parametrize(("words", "what", "help"), [
    (("--spare-classes", "2", "--guard", "4,32"), "a guard that falls back", "--guard 0"),
    (("--values", "--gate", "cusum"), "the outputs are values", "leave out --gate"),
    (("--values", "--class-means"), "the outputs are values", "leave out --class-means"),
    (("--values", "--spare-classes", "2"), "values take no spare classes",
     "leave out --spare-classes"),
])
def test_what_does_not_go_together_is_refused_by_the_option_to_leave_out(
        work: Path, tmp_path: Path, words: tuple[str, ...], what: str, help: str) -> None:
    """"Give --frozen, or name projections with --plastic" was the help of all of them."""
    np.savez(tmp_path / "values.npz", x=samples(Y), targets=samples(Y)[:, :4])
    data = tmp_path / "values.npz" if "--values" in words else work / "old.npz"
    told = " ".join(refused("E203", "quantize", work / "net.npz", "--data", data, *words, "-o",
                            tmp_path / "x.q.npz").split())
    assert what in told and help in told and "--plastic" not in told

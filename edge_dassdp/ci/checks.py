"""What a test asserts of a model. Each raises AssertionError with the figure, the limit and what
takes most of it; EdgeError where the question cannot be asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from numpy.typing import ArrayLike

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.ci import golden as files
from edge_dassdp.data.datasets import Samples, load_part
from edge_dassdp.emit.firmware import build_and_compare, predict_memory
from edge_dassdp.figures.device import Instructions, measure_on_device
from edge_dassdp.harness import Device, Verification, lesson_rows, sample_rows
from edge_dassdp.harness.classes import agreed
from edge_dassdp.qir import QNetwork

MOST_NAMED = 3


def samples_of(model: QNetwork, path: Path, split: str) -> Samples:
    """Samples of a file as `Device` takes them, with the model's classes or targets of its outputs.
    Raises EdgeError E103, E104, E105 as `load_part` and `agreed`."""
    part = load_part(path, split)
    samples = agreed(model, part)[0].samples
    first, *others = model.inputs
    return samples if others else replace(samples, x=first.from_file(samples.x))


def assert_bit_exact(device: Device, x: ArrayLike, y: ArrayLike | None = None, *,
                     golden: Path | str | None = None, update: bool = False) -> None:
    """A device and the reference agree in every bit on samples, from the weights of now; with
    classes or targets y both learn, and what was learned stays. golden: a file that they agree
    with, too (`ci.golden`); update: it is written anew.

    x, y: as `Device` takes them. Raises AssertionError that names the first value that differs, its
    operands and cause; EdgeError E103 for a golden file that is none, E104 for samples.
    """
    __tracebackhide__ = True
    done = device.verify(x, y)
    if done.divergence:
        raise AssertionError("\n  ".join((str(done.divergence), *done.divergence.operands)))
    if not done.samples:
        raise EdgeError("E104", "there is no sample to compare on", help="give one or more")
    if golden is not None:
        _assert_golden(device, x, y, done, Path(golden), update)


def _assert_golden(device: Device, x: ArrayLike, y: ArrayLike | None, done: Verification,
                   path: Path, update: bool) -> None:
    __tracebackhide__ = True
    found = files.values_of(device.network, x, y, done.outcomes)
    told = files.compare(path, found, update=update)
    if told:
        raise AssertionError(told)


def assert_accuracy(device: Device, x: ArrayLike, y: ArrayLike, at_least: float) -> None:
    """Of samples x a share of `at_least`, 0 to 1, or more is classified as y."""
    __tracebackhide__ = True
    if not 0 <= at_least <= 1:
        raise EdgeError("E105", f"at_least is {at_least}, expected a share from 0 to 1",
                        help="90 % is 0.9")
    found = device.accuracy(x, y)
    if found < at_least:
        raise AssertionError(f"accuracy on {device.name} is {found:.4f}, expected {at_least:.4f} "
                             "or more")


def assert_nrmse_below(device: Device, x: ArrayLike, y: ArrayLike, most: float) -> None:
    """The values of samples x are nearer to the targets y, (n, n_outputs), than a normalized root
    mean square error of `most`, over all outputs: 1 is what the mean of the targets would give.

    Raises AssertionError where they are not; EdgeError E104 for samples, or targets that do not
    differ, E105 for a model of classes and for a `most` that is not above 0.
    """
    __tracebackhide__ = True
    if not most > 0:
        raise EdgeError("E105", f"most is {most}, expected an error above 0",
                        help="1 is what the mean of the targets would give")
    errors = device.errors(x, y)
    found = errors.required_nrmse
    if not found < most:
        raise AssertionError(f"NRMSE on {device.name} is {found:.4f}, expected below {most:.4f}; "
                             f"by output: {errors}")


def assert_ram_below(model: QNetwork, board: str | Path, n_bytes: int, *,
                     linked: bool = False) -> None:
    """Static RAM of its firmware on a board, stack included, is below n_bytes. linked: of a build,
    which needs a cross compiler; without it by the ledger, which every build is held to."""
    __tracebackhide__ = True
    chosen = load_board(str(board))
    ledger = build_and_compare(model, chosen).predicted if linked else predict_memory(model, chosen)
    if ledger.ram_bytes >= n_bytes:
        largest = sorted(ledger.lines, key=lambda line: -line.bytes)[:MOST_NAMED]
        raise AssertionError(f"RAM on {chosen.name} is {ledger.ram_bytes:,} B, expected below "
                             f"{n_bytes:,} B; most of it: "
                             + ", ".join(f"{line.what} {line.bytes:,} B" for line in largest))


def assert_instructions_below(model: QNetwork, board: str | Path, x: ArrayLike, most: int, *,
                              y: ArrayLike | None = None, most_learning: int | None = None) -> None:
    """No inference of samples x takes `most` instructions on a board in QEMU, and with y the
    learning part of none `most_learning`. Needs a cross compiler and QEMU."""
    __tracebackhide__ = True
    from edge_dassdp.qir.samples import input_x

    chosen = load_board(str(board))
    if chosen.qemu is None:
        raise EdgeError("E105", f"QEMU has no machine of {chosen.name}", help="choose another "
                        "board of the same core: edge-dassdp boards lists them")
    rows = input_x(model, sample_rows(model.inputs, x))
    labels = None
    if y is not None:
        rows, labels = lesson_rows(model, rows, y)
    if not len(rows):
        raise EdgeError("E104", "there is no sample to count on", help="give one or more")
    found = measure_on_device(model, chosen, rows, labels)
    for what, counted, limit in (("an inference", found.inference, most),
                                 ("a learning step", found.learning, most_learning)):
        _assert_count(what, chosen.name, counted, limit)


def _assert_count(what: str, board: str, counted: Instructions | None, limit: int | None) -> None:
    __tracebackhide__ = True
    if limit is None:
        return
    if counted is None:
        raise EdgeError("E105", f"there is no count of {what}: nothing learned",
                        help="give classes or targets y, and a model in which something learns")
    if counted.max >= limit:
        raise AssertionError(f"{what} takes {counted.max:,} instructions on {board} at most (mean "
                             f"{counted.mean:,.0f} of {counted.n_samples:,}), expected below "
                             f"{limit:,}")

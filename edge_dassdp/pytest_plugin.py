"""A pytest plugin: a model's emulator, QEMU board or serial board as fixtures, and what a test
asserts of them (docs/ci.md). pytest loads it by itself where edge-dassdp is installed.

    from edge_dassdp.pytest_plugin import assert_accuracy

    def test_bits(ed_device, ed_samples, ed_golden):
        ed_golden(ed_device, ed_samples.x, ed_samples.y)

    pytest --ed-model model.q.npz --ed-data data.npz --ed-target emulator --ed-target qemu:microbit

Fixtures: `ed_model`, `ed_samples`, `ed_device` (once for each --ed-target), `ed_emulator`,
`ed_qemu`, `ed_serial`, `ed_board` (its name), `ed_golden`; each can be defined anew in a conftest.
A refusal is a sentence, never a traceback.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import pytest

if TYPE_CHECKING:
    from edge_dassdp.data.datasets import Samples
    from edge_dassdp.harness import Device
    from edge_dassdp.qir import QNetwork

__all__ = ["assert_accuracy", "assert_bit_exact", "assert_instructions_below", "assert_nrmse_below",
           "assert_ram_below"]
P = ParamSpec("P")

_OPTIONS = {
    "model": ("FILE", "Model of ed_model, written by `edge-dassdp quantize`."),
    "data": ("FILE", "Samples of ed_samples (docs/data.md)."),
    "split": ("SPLIT", "Their part: train, stream, test or validation. By itself test; a file "
              "without splits is taken whole."),
    "board": ("BOARD", "Board of ed_board and ed_qemu, by name or by the path of a board.toml."),
    "serial": ("PORT[@BAUD]", "Port of ed_serial; without it tests that ask for it are skipped.")}
_TARGETS = ("Target of ed_device: reference, emulator, emulator-checked, qemu:BOARD or "
            "serial:PORT. Repeat it; by itself emulator.")
_KINDS = ("reference", "emulator", "emulator-checked", "qemu", "serial")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("edge-dassdp", "edge-dassdp: models on emulator and boards")
    for name, (metavar, help) in _OPTIONS.items():
        group.addoption(f"--ed-{name}", metavar=metavar, help=f"{help} In the ini: ed_{name}.")
        parser.addini(f"ed_{name}", help)
    group.addoption("--ed-target", action="append", metavar="TARGET",
                    help=f"{_TARGETS} In the ini: ed_targets, a line each.")
    parser.addini("ed_targets", _TARGETS, "linelist")
    group.addoption("--ed-update", action="store_true",
                    help="Write golden files anew; refused where CI is set.")


def pytest_configure(config: pytest.Config) -> None:
    """What can be refused before a test runs. Raises UsageError."""
    if config.getoption("--ed-update"):
        from edge_dassdp.ci.golden import in_ci

        if in_ci():
            raise pytest.UsageError(f"--ed-update where CI={os.environ['CI']} would accept what "
                                    "nobody looked at: update golden files where you work, and "
                                    "commit them")
    for target in _targets(config):
        kind, _, place = target.partition(":")
        if kind not in _KINDS or bool(place) != (kind in ("qemu", "serial")):
            raise pytest.UsageError(f"--ed-target {target} is no target: choose reference, "
                                    "emulator, emulator-checked, qemu:BOARD or serial:PORT")
    for name in ("model", "data"):
        path = _option(config, name)
        if path and not os.path.exists(found := _from_root(config, name, path)):
            raise pytest.UsageError(f"--ed-{name} {path} does not exist")
        if path and found.is_dir():
            raise pytest.UsageError(f"--ed-{name} {path} is a folder, expected a file")
    from edge_dassdp.data.names import SPLITS, VALIDATION

    split = _option(config, "split")
    if split and split not in (*SPLITS, VALIDATION):
        raise pytest.UsageError(f"--ed-split {split} is no split: choose "
                                f"{', '.join((*SPLITS, VALIDATION))}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "_ed_target" in metafunc.fixturenames:
        metafunc.parametrize("_ed_target", _targets(metafunc.config), scope="session")


def _option(config: pytest.Config, name: str) -> str:
    """Of the command line, else of the ini, else nothing."""
    return str(config.getoption(f"--ed-{name}") or config.getini(f"ed_{name}") or "")


def _targets(config: pytest.Config) -> list[str]:
    return config.getoption("--ed-target") or config.getini("ed_targets") or ["emulator"]


def _from_root(config: pytest.Config, name: str, path: str) -> Path:
    """A path of the command line begins where pytest was started, one of the ini at the ini."""
    given = config.getoption(f"--ed-{name}")
    return (config.invocation_params.dir if given else config.rootpath) / path


def _needed(config: pytest.Config, name: str, fixture: str) -> str:
    found = _option(config, name)
    if not found:
        pytest.fail(f"{fixture} needs --ed-{name} {_OPTIONS[name][0]}, or ed_{name} in the ini, or "
                    "a fixture of that name in a conftest.py", pytrace=False)
    return found


@contextmanager
def _told() -> Iterator[None]:
    """A refusal ends the test with its sentences."""
    __tracebackhide__ = True
    from edge_dassdp.base.errors import EdgeError

    try:
        yield
    except EdgeError as problem:
        raise pytest.fail.Exception(str(problem), pytrace=False) from None


def _open(model: QNetwork, target: str) -> Iterator[Device]:
    """At factory weights, also a board that had learned."""
    from edge_dassdp import face

    is_board = target.startswith("serial:")
    with _told():
        device = face.open(model, target, expect="any" if is_board else None)
    with device:
        if is_board:
            with _told():
                device.reset()
        yield device


@pytest.fixture(scope="session")
def ed_model(request: pytest.FixtureRequest) -> QNetwork:
    """The quantized network of --ed-model, proven again."""
    from edge_dassdp import face

    path = _needed(request.config, "model", "ed_model")
    with _told():
        return face.load_model(_from_root(request.config, "model", path))


@pytest.fixture(scope="session")
def ed_samples(request: pytest.FixtureRequest, ed_model: QNetwork) -> Samples:
    """Samples of --ed-data: x float32 (n, n_inputs), y int64 (n,), the model's classes, or of a
    model of values targets, float64 (n, n_outputs)."""
    path = _needed(request.config, "data", "ed_samples")
    with _told():
        samples: Samples = _checks().samples_of(ed_model, _from_root(request.config, "data", path),
                                                _option(request.config, "split") or "test")
    return samples


@pytest.fixture(scope="session")
def ed_board(request: pytest.FixtureRequest) -> str:
    """The board of --ed-board."""
    return _needed(request.config, "board", "ed_board")


@pytest.fixture
def ed_device(ed_model: QNetwork, _ed_target: str) -> Iterator[Device]:
    """The model at factory weights on each --ed-target in turn."""
    yield from _open(ed_model, _ed_target)


@pytest.fixture
def ed_emulator(ed_model: QNetwork) -> Iterator[Device]:
    """The model at factory weights in the emulator."""
    yield from _open(ed_model, "emulator")


@pytest.fixture
def ed_qemu(ed_model: QNetwork, ed_board: str) -> Iterator[Device]:
    """The firmware of the model for --ed-board, in QEMU."""
    yield from _open(ed_model, f"qemu:{ed_board}")


@pytest.fixture
def ed_serial(ed_model: QNetwork, request: pytest.FixtureRequest) -> Iterator[Device]:
    """The board at --ed-serial, at factory weights; skipped without one."""
    port = _option(request.config, "serial")
    if not port:
        pytest.skip("no board: give --ed-serial PORT")
    yield from _open(ed_model, f"serial:{port}")


@pytest.fixture
def ed_golden(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`ed_golden(device, x, y=None, name=...)`: `assert_bit_exact` with a golden file, which lies
    in the folder `golden` beside the test, called after the test, or as `name` says. All targets
    share it."""
    node = request.node
    called = getattr(node, "originalname", None) or node.name

    def check(device: Device, x: Any, y: Any = None, name: str = "") -> None:
        __tracebackhide__ = True
        stem = re.sub(r"[^\w.-]+", "_", name or called)
        assert_bit_exact(device, x, y, golden=node.path.parent / "golden" / f"{stem}.json",
                         update=request.config.getoption("--ed-update"))

    return check


# ---- what tests assert ---------------------------------------------------------------------------


def _refusing(function: Callable[P, None]) -> Callable[P, None]:
    """An assertion that ends the test with the sentences of what it cannot ask."""

    @wraps(function)
    def asserting(*args: P.args, **kwargs: P.kwargs) -> None:
        __tracebackhide__ = True
        with _told():
            getattr(_checks(), function.__name__)(*args, **kwargs)

    return asserting


def _checks() -> Any:
    from edge_dassdp.ci import checks

    return checks


@_refusing
def assert_bit_exact(device: Device, x: Any, y: Any = None, *, golden: Path | str | None = None,
                     update: bool = False) -> None:
    """A device and the reference agree in every bit on samples, and with a golden file where one is
    named; with classes or targets y both learn. The first difference is told with its operands and
    cause."""


@_refusing
def assert_accuracy(device: Device, x: Any, y: Any, at_least: float) -> None:
    """A share of `at_least`, 0 to 1, or more of samples x is classified as y."""


@_refusing
def assert_nrmse_below(device: Device, x: Any, y: Any, most: float) -> None:
    """The values of samples x are nearer to the targets y than an NRMSE of `most`, over all
    outputs; 1 is what the mean of the targets would give."""


@_refusing
def assert_ram_below(model: QNetwork, board: str | Path, n_bytes: int, *,
                     linked: bool = False) -> None:
    """Static RAM of the model's firmware on a board, stack included, is below n_bytes; linked: of a
    build, which needs a cross compiler."""


@_refusing
def assert_instructions_below(model: QNetwork, board: str | Path, x: Any, most: int, *,
                              y: Any = None, most_learning: int | None = None) -> None:
    """No inference of samples x takes `most` instructions on a board in QEMU, and with y no
    learning step `most_learning`."""

"""Lanes, and tools that a test may need: missing, they are a visible skip here, a failure in CI."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import signal
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support import lanes

HERE = Path(__file__).parent
NEWER_QEMU = HERE.parent / ".tools" / "qemu"
"""Where tools/newer_qemu.sh puts it, for the boards that need it: last on PATH."""
LONG = (
    "property/test_space", "property/test_random_networks", "conformance/test_targets",
    "build/test_stack", "cli/test_terminal", "cli/test_resume", "library/test_matrix",
    "library/test_two_models", "ci/test_plugin", "manual/test_pages", "qemu/test_prediction",
    "library/test_arduino", "build/test_endless_tools", "examples/test_standalone",
    "conformance/test_core_kernels", "demo/test_watch", "boards/test_power_cuts",
    "boards/test_own_model", "manual/test_tutorials", "conformance/test_slices",
    "wire/test_hostile_host", "cli/test_lies", "cli/test_cli", "structure/test_wrong_kinds",
    "qemu/test_target", "build/test_failing_tools", "build/test_quoted_paths", "library/test_page",
)
"""Files that take a minute or more, the longest first: begun first, no worker is left with one when
the other has nothing more to do."""


FILES = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="what is exhaustive, too: hours")


def pytest_configure(config: pytest.Config) -> None:
    lanes.nightly = config.getoption("nightly")
    os.environ["PATH"] += f"{os.pathsep}{NEWER_QEMU}"
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):  # ignored in the background
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A group of tests is one worker's, and else a file: what its tests share is made once."""
    from xdist.scheduler import LoadGroupScheduling

    scheduler = LoadGroupScheduling(config, log)
    group_of = scheduler._split_scope  # the test itself where there is none
    scheduler._split_scope = lambda nodeid: group_of(nodeid).partition("::")[0]
    return scheduler


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make check` leaves out, before `-m` is asked."""
    ranks = {HERE / f"{name}.py": rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
    for item in items:
        if {"arm_toolchain", "qemu"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("cross")


def pytest_collection_finish() -> None:
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None
                            ) -> Generator[None, None, None]:
    """What is left of a file's tests stays, and so does what was collected. Looked through again
    and again it took a third of the time, and full collections came so rarely that emulated chips,
    which are in cycles, took gigabytes. What was in use at the end of a file, and is not any more,
    goes once in fifty files."""
    yield
    if nextitem is None or nextitem.path != item.path:
        if next(FILES) % 50 == 0:
            gc.unfreeze()
        gc.collect()
        gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures that tests recorded."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


def require(tool: str) -> None:
    """Skip the test without `tool` on PATH; fail it where the environment says CI=true."""
    if shutil.which(tool) is None:
        missing(tool)


def missing(tool: str) -> None:
    """Skip, or fail, for want of a tool."""
    act = pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip
    act(f"{tool} is not installed")


@pytest.fixture(scope="session")
def chromium() -> str:
    """A browser without a window, by its path, and what drives it."""
    require("chromium")
    if find_spec("playwright") is None:
        missing("playwright")
    return str(shutil.which("chromium"))


@pytest.fixture(scope="session")
def gcov() -> None:
    """The counter of lines that belongs to GCC."""
    require("gcov")


@pytest.fixture(scope="session")
def arm_toolchain() -> None:
    """arm-none-eabi-gcc and its binutils."""
    require("arm-none-eabi-gcc")
    require("arm-none-eabi-objcopy")


@pytest.fixture(scope="session")
def qemu() -> None:
    """qemu-system-arm."""
    require("qemu-system-arm")


@pytest.fixture(scope="session", autouse=True)
def met_boards(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests do to boards is not noted where the user's boards are."""
    os.environ["EDGE_DASSDP_STATE"] = str(tmp_path_factory.mktemp("state"))

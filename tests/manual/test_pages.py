"""The manual's pages, read from top to bottom by somebody who does what stands there: every command
and every line of Python is run, here or by the test that ELSEWHERE names."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import torch
from distributed import LocalCluster
from support import board_drives, tiny, usb_ports, valued
from support.board_drives import daplink, debugger, remounts, st_link
from support.commands import ROOT, ok
from support.currents import Recording, ppk2
from support.manual import PAGES, SHELL, commands_of, name_of, pieces
from support.served import served

import edge_dassdp as ed
from edge_dassdp import ir
from edge_dassdp.build.board import load_board
from edge_dassdp.flashing import copying, volumes
from edge_dassdp.flashing.copying import Patience
from edge_dassdp.targets.qemu import QemuProcess

ELSEWHERE = {
    "README.md": "manual/test_snippets.py",
    "docs/own-network.md": "frameworks/test_own_network_page.py",
    "docs/own-rule.md": "rules/test_own_rule.py",
    "docs/own-firmware.md": "library/test_page.py",
    **{name_of(p): "manual/test_tutorials.py" for p in PAGES if p.parent.name == "tutorials"},
}
"""Pages that another test runs."""
NOT_RUN = {
    ("docs/ci.md", "python"): "tests of models of two kinds: ci/test_plugin.py has each assertion",
}
"""Blocks that nobody runs, and why."""
PORT, CLUSTER, BOARD = ("/dev/ttyACM0", "PORT"), "tcp://127.0.0.1:8786", "microbit"
"""What a reader puts another in the place of, and the board that is at hand."""
FEW = 30
"""Samples of a file."""


# ---- what pages take for given -------------------------------------------------------------------


def table(path: Path, x: Any, labels: Any) -> None:
    """A .csv of samples."""
    head = [f"x{k}" for k in range(x.shape[1])]
    rows = [",".join([*map(repr, map(float, row)), str(label)])
            for row, label in zip(x, labels, strict=True)]
    path.write_text("\n".join([",".join([*head, "label"]), *rows, ""]), "utf-8")


def small(here: Path) -> dict[str, Any]:
    """A small network and its samples, under every name that pages give them."""
    tiny.write(here)
    given: dict[str, Any] = {"ed": ed, "np": np, "network_or_model": ed.load(here / "model.npz")}
    for name, also in (("data", "train"), ("test", "test")):
        part = ed.samples(here / f"{name}.npz")
        given |= {f"{also}_x": part.x[:FEW], f"{also}_y": part.y[:FEW]}
        np.savez(here / f"{name}.npz", x=part.x[:FEW], y=part.y[:FEW])
    given |= {"stream_x": given["test_x"], "stream_y": given["test_y"], "x": given["train_x"],
              "y": given["train_y"], "train": range(15), "stream": range(15, 20),
              "test": range(20, FEW)}
    for name, others in {"model.npz": ("net.npz", "digits.npz"), "data.npz": ("day1.npz",)}.items():
        for other in others:
            shutil.copy(here / name, here / other)
    for name in ("lessons", "mine", "train", "stream"):
        table(here / f"{name}.csv", given["train_x"], given["train_y"])
    for name in ("other", "test", "unshifted"):
        table(here / f"{name}.csv", given["test_x"], given["test_y"])
    ok("quantize", "model.npz", "-o", "model.q.npz", "--data", "data.npz", cwd=here)
    for other in ("MODEL.q.npz", "net.q.npz"):
        shutil.copy(here / "model.q.npz", here / other)
    return given


def of_states(here: Path) -> dict[str, Any]:
    given = small(here)
    with ed.open(ed.load_model(here / "model.q.npz"), "emulator") as device:
        for name in ("day1", "day2", "a", "b"):
            device.learn(given["x"][:20], given["y"][:20])
            device.save(here / f"{name}.state")
    return given


def of_classes(here: Path) -> dict[str, Any]:
    given = small(here)
    words = np.array(["rest", "walk", "run", "wave"])[given["y"]]
    old = words != "wave"
    table(here / "train.csv", given["x"][old], words[old])
    table(here / "gesture.csv", given["x"][~old][:5], words[~old][:5])
    table(here / "test.csv", given["test_x"], words)
    network = ed.load(here / "model.npz")
    three = [p if p.name != "out" else ir.Population("out", 3, 0.0, 1.0, "none")
             for p in network.populations]
    last = network.projections[-1]
    ed.save(ir.Network(network.inputs, tuple(three), (
        *network.projections[:-1], ir.Projection(last.name, last.pre, last.post,
                                                 np.asarray(last.weight)[:, :3])),
        network.readout, network.n_steps), here / "net.npz")
    return given


def of_networks(here: Path) -> dict[str, Any]:
    """Three, and a folder of them."""
    given = small(here)
    network = ed.load(here / "model.npz")
    for k in range(3):
        last = network.projections[-1]
        other = ir.Projection(last.name, last.pre, last.post, np.asarray(last.weight) * (1 + k / 8))
        ed.save(ir.Network(network.inputs, network.populations, (*network.projections[:-1], other),
                           network.readout, network.n_steps), here / f"net{k}.npz")
    for name, kind, part in (("train", "train", slice(0, 15)), ("stream", "train", slice(15, 30)),
                             ("test", "test", slice(0, 15)), ("unshifted", "test", slice(15, 30))):
        table(here / f"{name}.csv", given[f"{kind}_x"][part], given[f"{kind}_y"][part])
    (here / "runs" / "wine").mkdir(parents=True)
    for path in [*here.glob("net?.npz"), *here.glob("*.csv")]:
        shutil.copy(path, here / "runs" / "wine")
    return given


def of_currents(here: Path) -> dict[str, Any]:
    """An hour with an instrument: a pulse for each sample that is measured."""
    given = small(here)
    np.savez(here / "data.npz", x=given["x"][:4], y=given["y"][:4])
    ppk2(here / "log.csv", Recording([0.02] * 8))
    return given


def of_a_run(here: Path) -> dict[str, Any]:
    given = small(here)
    ok("learn", "model.q.npz", "--data", "data.npz", "--run", "runs/learn", cwd=here)
    return given


def of_values(here: Path) -> dict[str, Any]:
    network = valued.fitted()
    ed.save(network, here / "net.npz")
    for name, n, seed, shift in (("train", 100, 1, 0.0), ("stream", 10, 7, 1.2),
                                 ("later", 10, 8, 1.2)):
        x, y = valued.samples(n, seed, shift)
        head = [*(f"x{k}" for k in range(x.shape[1])), "target:angle", "target:speed"]
        rows = np.concatenate([x, y], axis=1)
        lines = [",".join(head), *(",".join(map(repr, map(float, row))) for row in rows)]
        (here / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    x, targets = valued.samples(FEW, 1)
    return {"ed": ed, "network": network, "x": x, "targets": targets, "y": targets}


def of_a_sensor(here: Path) -> dict[str, Any]:
    """Eight readings of six channels, and the sensor that the page declares."""
    n_channels, n_readings, n_classes, rng = 6, 8, 4, np.random.default_rng(3)
    net = layered(n_channels * n_readings, n_classes)
    ed.save(net, here / "net.npz")
    gravity = rng.normal(0, 1, (n_classes, n_channels))
    y = np.arange(FEW) % n_classes
    x = (np.repeat(gravity[y][:, None], n_readings, 1) + rng.normal(
        0, 0.2, (FEW, n_readings, n_channels))).reshape(FEW, -1).astype(np.float32)
    for name in ("train", "new"):
        np.savez(here / f"{name}.npz", x=x, y=y)
    [declared] = [text for kind, text in pieces(ROOT / "docs/sensor.md") if kind == "toml"]
    (here / "wrist.toml").write_text(declared, "utf-8")
    return {"ed": ed, "net": net, "x": x, "y": y, "x_new": x, "y_new": y,
            "scale": (0.0016,) * n_channels, "offset": (0.0,) * n_channels}


def of_a_stream(here: Path) -> dict[str, Any]:
    network = layered(5, 2, n_steps=6, frames=True)
    ed.save(network, here / "net.npz")
    rng = np.random.default_rng(4)
    x, y = rng.normal(0, 1, (20, 30)).astype(np.float32), np.repeat([0, 1], 10)
    for name in ("train", "test"):
        np.savez(here / f"{name}.npz", x=x, y=y)
    return {"ed": ed, "network": network, "x": x, "y": y, "sensor": rng.normal(0, 1, (12, 5))}


def layered(n_inputs: int, n_classes: int, *, n_steps: int = 6, frames: bool = False) -> ir.Network:
    rng = np.random.default_rng(7)

    def weight(n_pre: int, n_post: int) -> Any:
        return rng.normal(0, 2 / np.sqrt(n_pre), (n_pre, n_post))

    return ir.Network(
        (ir.Input("x", n_inputs, n_steps) if frames else ir.Input("x", n_inputs),),
        (ir.Population("h1", 16, 0.9, 1.0), ir.Population("h2", 10, 0.9, 1.0),
         ir.Population("out", n_classes, 0.0, 1.0, "none")),
        (ir.Projection("fc1", "x", "h1", weight(n_inputs, 16)),
         ir.Projection("fc2", "h1", "h2", weight(16, 10)),
         ir.Projection("fc3", "h2", "out", weight(10, n_classes))),
        ir.Readout("out", "membrane_sum"), n_steps)


def of_training(here: Path) -> dict[str, Any]:
    """A training loop of PyTorch beside the files."""
    from support.spiking_models import StepByStep

    model = StepByStep(n_steps=8)
    x, y = torch.randn(8, 8), torch.randint(0, 3, (8,))
    return {**small(here), "model": model, "loader": [(x, y)] * 2,
            "cross_entropy": torch.nn.functional.cross_entropy,
            "optimizer": torch.optim.SGD(model.parameters(), 0.1)}


GIVEN: dict[str, Callable[[Path], dict[str, Any]]] = {
    "docs/classes.md": of_classes, "docs/compare.md": of_networks, "docs/formats.md": of_a_run,
    "docs/learning.md": of_training, "docs/measuring.md": of_currents,
    "docs/regression.md": of_values, "docs/sensor.md": of_a_sensor, "docs/state.md": of_states,
    "docs/streams.md": of_a_stream}
"""For other pages: `small`."""
MORE = {("compare", "--dask"): ("--out", "runs/cluster"), ("monitor",): ("--readings", "2")}
"""What a command has beside, that would run for ever, or into the folder of the one before."""


# ---- a reader ------------------------------------------------------------------------------------


class Reader:
    """Somebody in a folder, with a board at hand: the micro:bit in QEMU, behind a line."""

    def __init__(self, here: Path, stack: contextlib.ExitStack,
                 monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self._stack, self._monkeypatch = here, stack, monkeypatch
        self._boards: dict[str, str] = {}
        self._compared: list[str] = []

    def types(self, words: list[str]) -> None:
        if words[:2] == ["compare", "--dask"]:
            words = [*self._compared, *words[1:]]
        elif words[0] == "compare":
            self._compared = words
        for begin, more in MORE.items():
            if set(begin) <= set(words):
                words = [*words, *more]
        with self._drive(words) if words[0] == "flash" else contextlib.nullcontext():
            ok(*self._own(words), cwd=self.here)

    def runs(self, code: str, given: dict[str, Any]) -> None:
        """A board is one that runs the model of the lines before."""
        for port in PORT:
            code = code.replace(f'"serial:{port}"', "flashed(model)")
        with contextlib.chdir(self.here):
            exec(code, given)

    def _own(self, words: list[str]) -> Iterator[str | Path]:
        """With what the reader has in place of what the page names."""
        model = next((self.here / w for w in words if w.endswith(".q.npz")), None)
        for word in words:
            if word == CLUSTER:
                yield self._stack.enter_context(LocalCluster(
                    n_workers=2, threads_per_worker=1, dashboard_address=None)).scheduler_address
            elif word in [f"serial:{port}" for port in PORT]:
                assert model is not None
                yield self.flashed(ed.load_model(model))
            else:
                yield from sorted(self.here.glob(word)) if "*" in word else [self._named(word)]

    def _named(self, word: str) -> str:
        return BOARD if word == "BOARD" else word

    def flashed(self, model: ed.QNetwork) -> str:
        """The board as a target; it runs the model from when it is first asked for."""
        if model.sha256 not in self._boards:
            built = ed.build(model, BOARD)
            process = self._stack.enter_context(QemuProcess(built.elf, load_board(BOARD)))
            line = self._stack.enter_context(served(process.uart))
            self._boards[model.sha256] = f"serial:{line}"
        return self._boards[model.sha256]

    @contextlib.contextmanager
    def _drive(self, words: list[str]) -> Iterator[None]:
        """Of the board that is to be flashed, mounted, with its debugger behind."""
        name = next(self._named(b) for a, b in pairwise(words)
                    if a == "--board")
        board, made = (("NODE_F401RE", st_link) if name.startswith("nucleo") else
                       ("MICROBIT", daplink))
        built = ed.build(ed.load_model(self.here / words[1]), name)
        root = made(self.here / "media" / board)
        self._monkeypatch.setattr(volumes, "SYSTEM", board_drives.system(self.here, root))
        drive = load_board(name).program.drive
        assert drive is not None
        n_bytes = built.firmware.files[drive.file].stat().st_size
        with debugger(root, n_bytes, remounts(made)) as got:
            yield
        assert len(got) == ("--dry-run" not in words)
        shutil.rmtree(self.here / "media")


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "remembered"))
    monkeypatch.setattr(copying, "PATIENCE", Patience(0.5, 1.0))
    monkeypatch.setattr(volumes, "SYSTEM", board_drives.system(tmp_path))
    usb_ports.listed(monkeypatch)
    here = tmp_path / "here"
    here.mkdir()
    with contextlib.ExitStack() as stack:
        yield Reader(here, stack, monkeypatch)


def to_do(page: Path) -> list[tuple[str, str]]:
    """Blocks of commands and of Python."""
    return [(kind, text) for kind, text in pieces(page)
            if (kind in SHELL and commands_of(text)) or kind == "python"]


HERE = [page for page in PAGES if to_do(page) and name_of(page) not in ELSEWHERE]


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("page", HERE, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, reader: Reader) -> None:
    given = GIVEN.get(name_of(page), small)(reader.here) | {"flashed": reader.flashed}
    for kind, text in to_do(page):
        if (name_of(page), kind) in NOT_RUN:
            continue
        if kind == "python":
            reader.runs(dedent(text), given)
        else:
            for words in commands_of(text):
                reader.types(words)


def test_pages_that_are_not_run_here_are_run_by_a_test_that_names_them() -> None:
    assert len(NOT_RUN) <= 1
    for name, kind in NOT_RUN:
        assert kind in [k for k, _ in to_do(ROOT / name)], "it is gone from the page"
    for page in PAGES:
        test = ELSEWHERE.get(name_of(page))
        if test:
            code = (ROOT / "tests" / test).read_text("utf-8")
            assert page.name in code or page.parent.name in code, page

"""What demonstrations share: a folder of results, a screen, and how both tell of network, memory
and verification.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from edge_dassdp import harness
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.build.project import write_project
from edge_dassdp.build.tools import ARM_PREFIX
from edge_dassdp.comparison.results import spread
from edge_dassdp.comparison.statistics import mean_std
from edge_dassdp.emit import emit
from edge_dassdp.emit.firmware import Build, predict_memory
from edge_dassdp.figures.device import DeviceFigures
from edge_dassdp.ir import Network
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import Ledger
from edge_dassdp.qir import QNetwork
from edge_dassdp.report import screens
from edge_dassdp.report.screens import LETTERS
from edge_dassdp.runs.folder import Folder
from edge_dassdp.runs.record import Record
from edge_dassdp.storage.files import replacing
from edge_dassdp.targets.qemu import QEMU
from edge_dassdp.targets.target import Progress, Target

Shown = Callable[[str, int], AbstractContextManager[Progress | None]]


def not_shown(title: str, total: int) -> AbstractContextManager[Progress | None]:
    """Nothing is, of a part and of how many steps it has."""
    return nullcontext()


class RunFolder(Folder):
    """One run of a demonstration, `name`, in `directory`. console: where people read along.
    progress: of a title and a total, shows how far a part is."""

    def __init__(self, directory: Path, name: str, console: Console, record: Record | None = None,
                 progress: Shown = not_shown) -> None:
        super().__init__(directory, f"demo {name}", record)
        self.console = console
        self.progress = progress

    def say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style))

    def head(self, number: int, title: str) -> None:
        """Of a part; before the first it is told what the letters of figures mean."""
        if number == 1:
            self.say(LETTERS, "dim")
        self.console.print()
        self.console.rule(f"{number}. {title}", align="left")

    def can_run_firmware(self, wanted: bool) -> bool:
        """Whether it is wanted and cross compiler and QEMU are there; says so if not."""
        missing = [tool for tool in (f"{ARM_PREFIX}gcc", QEMU) if shutil.which(tool) is None]
        if not wanted:
            self.say("Firmware left out, as asked: the emulator runs the same bits.")
        elif missing:
            self.say(f"{' and '.join(missing)} not found: no firmware is built or run; the "
                     "emulator runs the same bits.", "bold yellow")
        return wanted and not missing

    def write_project(self, network: QNetwork, board: Board,
                      ram_budget: int | None = None) -> Ledger:
        """Leave the C project of a board and say what memory is predicted for it.

        Raises EdgeError E402 if memory does not suffice.
        """
        ledger = predict_memory(network, board, ram_budget=ram_budget)
        write_project(emit(Plan.of(network)), board, self.directory / f"project-{board.name}")
        budget = board.ram.bytes if ram_budget is None else ram_budget
        self.say(f"{board.title}: {ledger.ram_bytes:,} B of RAM predicted, budget "
                 f"{budget:,} B kept; at most {ledger.flash_bound:,} B of flash, of "
                 f"{board.flash.bytes:,} B", "bold")
        return ledger

    def say_learning_state(self, network: QNetwork) -> None:
        state = Plan.of(network).layout
        parts = ", ".join(f"{name} {size}" for name, size in learning_state(network).items())
        self.say(f"Learning state, byte by byte: {parts}; in all {state.learning_state_bytes} B")

    def judge(self, done: harness.Verification) -> None:
        """Show a verification. Raises EdgeError E404 if two targets disagree."""
        self.console.print(screens.verify_screen(
            done, "spikes, membranes, logits, statistics and weights"))
        if done.divergence:
            raise EdgeError("E404", "two targets disagree", cause=str(done.divergence))

    def save(self, draw: Callable[[], Any], name: str) -> None:
        """Write the figure that `draw` gives; without matplotlib, say that it was not drawn."""
        try:
            with replacing(self.directory / name) as part:
                draw().savefig(part)
        except EdgeError as problem:
            self.say(f"{name} was not drawn: {problem.message}. {problem.help}")

    def finish(self, results: dict[str, Any], exit: int = 0) -> None:
        """Write results.json and name what the folder holds."""
        super().finish(results, exit)
        left = ", ".join(sorted(p.name for p in self.directory.iterdir()))
        self.say(f"\nrun folder {self.directory}: {left}")


def sizes(network: Network) -> str:
    """For instance '64-96-64-10, 8 steps'."""
    parts = [i.size for i in network.inputs] + [p.size for p in network.populations]
    return f"{'-'.join(map(str, parts))}, {network.n_steps} steps"


def learning_state(network: QNetwork) -> dict[str, int]:
    """Bytes of each field of the state that only learning needs, and of scratch that is larger for
    it."""
    layout = Plan.of(network).layout
    return {**{f.name: f.bytes for f in layout.fields if f.group == "learning"},
            "scratch": layout.scratch.bytes - layout.scratch.inference_bytes}


def model_results(network: QNetwork) -> dict[str, Any]:
    return {"sha256": network.sha256, "n_steps": network.n_steps,
            "plastic": [p.name for p in network.plastic]}


def verification_results(done: harness.Verification) -> dict[str, Any]:
    return {"compared_targets": list(done.targets), "values_compared": done.values_compared,
            "samples": done.samples, "learning_steps": done.learning_steps,
            "differences": done.differences}


def link_results(targets: Iterable[Target]) -> dict[str, Any]:
    """Frames and retries of every target that has a link."""
    links = {t.name: {"frames": t.link_frames, "retries": t.link_retries or 0}
             for t in targets if t.link_frames is not None}
    return {"frames": sum(n["frames"] for n in links.values()),
            "retries": sum(n["retries"] for n in links.values()), "targets": links}


def device_results(made: DeviceFigures) -> dict[str, Any]:
    """ram, flash, stack and instructions of one board, predicted, linked and executed."""
    return {
        **_memory(made.build),
        "stack": {"bound": made.build.stack.bytes, "painted": made.stack_painted,
                  "path": list(made.build.stack.path)},
        "instructions": _instructions(made),
    }


def _memory(made: Build) -> dict[str, Any]:
    """ram and flash, predicted and linked."""
    predicted, linked = made.predicted, made.linked
    return {
        "ram": {
            "predicted": {"ram_bytes": predicted.ram_bytes,
                          "stack_reserved": predicted.board.stack_bytes,
                          "by_symbol": predicted.by_symbol(), "by_field": predicted.by_field()},
            "measured": {"ram_bytes": linked.ram_bytes, "data": linked.data, "bss": linked.bss,
                         "stack_reserved": linked.stack, "by_symbol": linked.ram},
            "learning_state_bytes": predicted.learning_state_bytes,
        },
        "flash": {"constants_predicted": predicted.constant_bytes,
                  "bound_predicted": predicted.flash_bound, "linked": linked.flash_bytes},
    }


def _instructions(made: DeviceFigures) -> dict[str, Any]:
    """Of an inference, a lesson and those lessons that wrote weights, predicted and executed."""
    counts = {"inference": (made.predicted.inference, made.inference),
              "lesson": (made.predicted.learning, made.learning),
              "written": (made.predicted.written, made.written)}
    return {"unit": "instructions, executed in QEMU",
            "target": f"qemu:{made.build.predicted.board.name}",
            "synaptic_ops_of_an_inference": made.predicted.synaptic_ops,
            **{name: {"predicted": before, **asdict(counted)} if counted else None
               for name, (before, counted) in counts.items()}}


def summary(shares: Sequence[float | None]) -> dict[str, Any]:
    """Percent: mean, sample standard deviation, None of one seed alone, and each seed's value."""
    values = 100 * np.array(shares, np.float64)
    made = mean_std(values)
    return {"mean": round(made.mean, 3), "std": round(made.spread, 3) if made.n > 1 else None,
            "seeds": [round(float(v), 3) for v in values]}


def percents(shares: Sequence[float]) -> str:
    """mean ± std."""
    return spread(mean_std(100 * np.array(shares)))

"""The main job, end to end: quantize, prove, build, run in QEMU, shift, learn, verify, measure,
save, cut the power.

Leaves a run folder: results.json, learning_curve.png, ram.png, the C project of each board and
the raw log of each link.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from edge_dassdp import __version__, harness, ir, qir
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.data.datasets import load_dataset
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.demo import adaptation
from edge_dassdp.demo.adaptation import METHODS, Task, Trial
from edge_dassdp.demo.power import PowerCuts, cut_power
from edge_dassdp.demo.run_folder import (
    RunFolder,
    Shown,
    device_results,
    learning_state,
    link_results,
    model_results,
    not_shown,
    percents,
    sizes,
    summary,
    verification_results,
)
from edge_dassdp.emit.firmware import build_and_compare
from edge_dassdp.figures.device import DeviceFigures, measure_on_device
from edge_dassdp.figures.fidelity import Fidelity, measure_fidelity
from edge_dassdp.measured.known import Known
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import Quantized, quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.report import plots, screens
from edge_dassdp.report.measured import measure_screen, not_measured
from edge_dassdp.runs.folder import LEARNED
from edge_dassdp.runs.raster import rasters
from edge_dassdp.runs.record import Record
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.open import open_target
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import Target

BOARDS = ("stm32f405", "microbit")
RAM_BUDGETS = {"stm32f405": 16 * 1024, "microbit": 16 * 1024}
"""Bytes of static RAM with stack that the demo allows itself: the micro:bit's, on both boards."""
POWER_BOARD = "microbit"
"""Of the boards that one whose flash QEMU models: what was saved is there after a power cut."""
N_MEASURED = 40
MODEL_FILE = "digits_seed{seed}.npz"


@dataclass(frozen=True)
class Options:
    """directory: the run folder. models: folder of digits_seed<k>.npz, None for those shipped.
    n_seeds: 1 to 5 networks, shifts and orders. firmware False leaves ARM and QEMU out."""

    directory: Path
    models: Path | None = None
    n_seeds: int = 5
    firmware: bool = True


def run_demo(options: Options, console: Console, record: Record | None = None,
             progress: Shown = not_shown) -> dict[str, Any]:
    """Run the main job and return what results.json holds. record: of its command.
    progress: shows how far a part is.

    Raises EdgeError E402, E403 or E404 if a budget or a proof of it fails, E103 where another run
    writes to the folder, E105 where it holds another demonstration.
    """
    if not 1 <= options.n_seeds <= 5:
        raise EdgeError("E105", f"{options.n_seeds} seeds", help="choose 1 to 5")
    run = RunFolder(options.directory, "digits", console, record, progress)
    with run.begun():
        results = _Demo(options, run).results()
        run.finish(results)
    return results


class _Demo:
    """The steps share the first task and its quantized network."""

    def __init__(self, options: Options, run: RunFolder) -> None:
        self.run = run
        folder = assets.folder("examples") / "digits"
        self.data = load_dataset(folder / "data.npz")
        models = options.models or folder
        self.tasks = [
            Task(ir.load(models / MODEL_FILE.format(seed=seed)), self.data,
                 WornSensor.draw(self.data.train.x.shape[1], seed, dark=self.data.dark), seed)
            for seed in range(options.n_seeds)
        ]
        task = self.tasks[0]
        self.quantized: Quantized = quantize(task.network, adaptation.ours(task.network),
                                             Settings(), self.data.train.x)
        self.boards = [load_board(name) for name in BOARDS]
        self.built = self.boards if run.can_run_firmware(options.firmware) else []

    def results(self) -> dict[str, Any]:
        """Take all steps; what results.json holds."""
        fidelities = self._quantize()
        self._build()
        trials = self._adapt()
        verification, links = self._verify()
        figures = self._measure()
        power = self._cut_power()
        return self._results(fidelities, trials, verification, links, figures) | (
            {"power_cut": power.results()} if power else {})

    def _quantize(self) -> list[Fidelity]:
        self.run.head(1, "A trained network, quantized and proven")
        network = self.tasks[0].network
        self.run.say(f"digits {sizes(network)}, {len(self.tasks)} networks trained with snnTorch; "
                     "tables: the first")
        for population in network.populations:
            self.run.say(f"  {population.name}: {population.equation}")
        fidelities = []
        for task in self.tasks:
            made = quantize(task.network, adaptation.ours(task.network), Settings(),
                            self.data.train.x)
            fidelities.append(measure_fidelity(task.network, made, self.data.test.x,
                                               self.data.test.y))
        qir.save(self.quantized.network, self.run.directory / "model.q.npz")
        self.run.console.print(screens.quantize_screen(fidelities[0]))
        return fidelities

    def _build(self) -> None:
        self.run.head(2, "C project and memory, predicted before the build")
        for board in self.boards:
            ledger = self.run.write_project(self.quantized.network, board,
                                            RAM_BUDGETS[board.name])
            if board is self.boards[0]:
                self.run.console.print(screens.ledger_screen(ledger))
        self.run.say_learning_state(self.quantized.network)

    def _adapt(self) -> dict[str, list[Trial]]:
        self.run.head(3, "The sensor wears, the device learns")
        for task in self.tasks:
            self.run.say(f"seed {task.seed}: {task.shift.description}")
        n_stream = len(self.data.stream)
        self.run.say(f"{n_stream} labelled samples stream in once, in the emulator (the device's "
                     "bits):")
        trials: dict[str, list[Trial]] = {}
        total = len(METHODS) * len(self.tasks)
        with self.run.progress("learning", total) as progress:
            for method in METHODS:
                for task in self.tasks:
                    trials.setdefault(method.key, []).append(method.run(task))
                    if progress:
                        progress(sum(len(t) for t in trials.values()))
        rows = []
        for method in METHODS:
            made = trials[method.key]
            rows.append((method.title, *(percents([getattr(t, name) for t in made])
                                         for name in ("before", "online", "after", "original"))))
        self.run.console.print(screens.listing(
            ("method", "before", "in the stream", "after", "unshifted, after"), rows))
        n_seeds = f"{len(self.tasks)} seed" + "s" * (len(self.tasks) > 1)
        self.run.say(f"% of {len(self.data.test)} test samples, mean ± std of {n_seeds} (network, "
                     "shift, order of the stream).")
        self._plot_curve(trials)
        return trials

    def _plot_curve(self, trials: dict[str, list[Trial]]) -> None:
        titles = {m.key: m.title for m in METHODS}
        hits = {titles[key]: np.stack([t.hits for t in made]) for key, made in trials.items()}
        self.run.curves(hits, titles["ours"])
        self.run.save(lambda: plots.learning_curve(
            hits, emphasis=titles["ours"], title="Digits on a worn sensor: accuracy while learning"
        ), "learning_curve.png")

    def _verify(self) -> tuple[harness.Verification, dict[str, Any]]:
        self.run.head(4, "The same bits everywhere")
        task, network = self.tasks[0], self.quantized.network
        stream, reference = task.stream, ReferenceTarget(network)
        with ExitStack() as stack:
            targets = [stack.enter_context(open_target(spec, network))
                       for spec in ("emulator", "emulator-checked")]
            targets += [stack.enter_context(open_target(f"qemu:{b.name}", network,
                                                        log=self.run.link_log(b.name)))
                        for b in self.built]
            with self.run.progress("verifying", len(stream)) as progress:
                done = harness.verify(reference, targets, network,
                                      input_x(network, stream.x), stream.y, progress)
            links = link_results(targets)
            self.run.raster(rasters([reference, *targets], network,
                                    input_x(network, stream.x[:4])))
            self._keep_learned(targets[0])
        self.run.judge(done)
        return done, links

    def _keep_learned(self, learned: Target) -> None:
        """Weights after the stream, and classes of the test samples before and after it."""
        network, test = self.quantized.network, self.tasks[0].test
        harness.save_snapshot(learned, network, self.run.place(LEARNED))
        for when, device in (("before", Emulator(network)), ("after", learned)):
            self.run.judged(when, device.classify(input_x(network, test.x)), test.y)

    def _measure(self) -> dict[str, DeviceFigures]:
        if not self.built:
            return {}
        self.run.head(5, "Measured on the firmware, beside the prediction")
        network, stream = self.quantized.network, self.tasks[0].stream
        x = input_x(network, stream.x[:N_MEASURED])
        figures = {}
        for board in self.built:
            found = measure_on_device(network, board, x, stream.y[:N_MEASURED])
            figures[board.name] = found
            self.run.say(board.title, "bold")
            self.run.console.print(measure_screen(
                known := Known.of(found), found, untold=not_measured(known, found)))
        bars = {}
        for name, made in figures.items():
            bars[f"{name}, predicted"] = screens.ram_by_owner(made.build.predicted)
            bars[f"{name}, linked"] = screens.linked_by_owner(made.build.predicted,
                                                             made.build.linked)
        self.run.save(lambda: plots.ram_bars(bars, budget=RAM_BUDGETS["microbit"],
                                             budget_name="budget: RAM of the micro:bit",
                                             title="Static RAM, predicted and linked"), "ram.png")
        return figures

    def _cut_power(self) -> PowerCuts | None:
        board = next((b for b in self.built if b.name == POWER_BOARD), None)
        if board is None:
            return None
        self.run.head(6, "The power goes")
        network, task = self.quantized.network, self.tasks[0]
        self.run.say(f"{board.title}: in QEMU its RAM comes up with random bytes, its flash stays.")
        with Qemu.start(network, build_and_compare(network, board).firmware) as device:
            done = cut_power(device, network, task.stream, task.test)
        self.run.console.print(done.screen())
        self.run.say(f"What {len(task.stream)} lessons taught it is there again, bit for bit; "
                     f"without a save it is at {100 * done.cut_unsaved.accuracy:.1f} % again.")
        return done

    def _results(self, fidelities: list[Fidelity], trials: dict[str, list[Trial]],
                 done: harness.Verification, links: dict[str, Any],
                 figures: dict[str, DeviceFigures]) -> dict[str, Any]:
        network = self.quantized.network
        after = {key: summary([t.after for t in made]) for key, made in trials.items()}
        main = next(iter(figures), None)
        return {
            "schema": "edge_dassdp/demo/1",
            "tool": __version__,
            "model": model_results(network),
            "shift": [task.shift.description for task in self.tasks],
            "accuracy": {
                "unit": "percent of the test samples",
                "float": summary([f.float_accuracy for f in fidelities]),
                "integer": summary([f.integer_accuracy for f in fidelities]),
                "shifted_frozen": after.pop("frozen"),
                "shifted_learned": after.pop("ours"),
                "shifted_learned_float": after.pop("ours_float"),
                "shifted_baselines": after,
                "in_the_stream": {k: summary([t.online for t in made])
                                  for k, made in trials.items()},
                "unshifted_after": {k: summary([t.original for t in made])
                                    for k, made in trials.items()},
            },
            "bit_exact": verification_results(done),
            **(device_results(figures[main]) if main else {}),
            "boards": {name: device_results(figures[name]) for name in figures},
            "ram_learning_state": learning_state(network),
            "link": links,
        }

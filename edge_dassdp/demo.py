"""The main job, end to end: quantize, prove, build, run in QEMU, shift, learn, verify, measure.

Leaves a run folder: results.json, learning_curve.png, ram.png, the C project of each board and
the raw log of each link.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from edge_dassdp import __version__, adaptation, assets, harness, ir, plots, qir, report
from edge_dassdp.adaptation import METHODS, Task, Trial
from edge_dassdp.board import load_board
from edge_dassdp.build import ARM_PREFIX
from edge_dassdp.datasets import load_dataset
from edge_dassdp.device_figures import DeviceFigures, measure_on_device
from edge_dassdp.emit import emit
from edge_dassdp.errors import EdgeError
from edge_dassdp.fidelity import Fidelity, measure_fidelity
from edge_dassdp.plan import Layout, ram_ledger
from edge_dassdp.project import write_project
from edge_dassdp.quantize import Quantized, Settings, quantize
from edge_dassdp.reference import Reference
from edge_dassdp.samples import input_x
from edge_dassdp.shifts import WornSensor
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.open import open_target
from edge_dassdp.targets.qemu import QEMU

BOARDS = ("stm32f405", "microbit")
RAM_BUDGETS = {"stm32f405": 16 * 1024, "microbit": 16 * 1024}
"""Bytes of static RAM with stack that the demo allows itself: the micro:bit's, on both boards."""
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


def run_demo(options: Options, console: Console) -> dict[str, Any]:
    """Run the main job and return what results.json holds.

    Raises EdgeError E402, E403 or E404 if a budget or a proof of it fails.
    """
    if not 1 <= options.n_seeds <= 5:
        raise EdgeError("E105", f"{options.n_seeds} seeds", help="choose 1 to 5")
    demo = _Demo(options, console)
    results = demo.run()
    path = options.directory / "results.json"
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    left = ", ".join(sorted(p.name for p in options.directory.iterdir()))
    console.print(Text(f"\nrun folder {options.directory}: {left}"))
    return results


class _Demo:
    """The steps share the first task and its quantized network."""

    def __init__(self, options: Options, console: Console) -> None:
        self.options = options
        self.console = console
        self.directory = options.directory
        self.directory.mkdir(parents=True, exist_ok=True)
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
        self.built = self.boards if self._can_run_firmware() else []

    def _can_run_firmware(self) -> bool:
        missing = [tool for tool in (f"{ARM_PREFIX}gcc", QEMU) if shutil.which(tool) is None]
        if not self.options.firmware:
            self._say("Firmware left out, as asked: the emulator runs the same bits.")
        elif missing:
            self._say(f"{' and '.join(missing)} not found: no firmware is built or run; the "
                      "emulator runs the same bits.", "bold yellow")
        return self.options.firmware and not missing

    def run(self) -> dict[str, Any]:
        fidelities = self._quantize()
        self._build()
        trials = self._adapt()
        verification, links = self._verify()
        figures = self._measure()
        return self._results(fidelities, trials, verification, links, figures)

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style))

    def _head(self, number: int, title: str) -> None:
        self.console.print()
        self.console.rule(f"{number}. {title}", align="left")

    @contextmanager
    def _progress(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar on stderr, only where that is a terminal."""
        bars = Console(stderr=True)
        with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                      console=bars, disable=not bars.is_terminal, transient=True) as progress:
            bar = progress.add_task(title, total=total)
            yield lambda done: progress.update(bar, completed=done)

    def _quantize(self) -> list[Fidelity]:
        self._head(1, "A trained network, quantized and proven")
        network = self.tasks[0].network
        sizes = "-".join(map(str, [i.size for i in network.inputs]
                             + [p.size for p in network.populations]))
        self._say(f"digits {sizes}, {network.n_steps} steps, {len(self.tasks)} networks trained "
                  "with snnTorch; tables: the first")
        for population in network.populations:
            self._say(f"  {population.name}: {population.equation}")
        fidelities = []
        for task in self.tasks:
            made = quantize(task.network, adaptation.ours(task.network), Settings(),
                            self.data.train.x)
            fidelities.append(measure_fidelity(task.network, made, self.data.test.x,
                                               self.data.test.y))
        qir.save(self.quantized.network, self.directory / "model.q.npz")
        self.console.print(report.quantize_screen(fidelities[0]))
        return fidelities

    def _build(self) -> None:
        self._head(2, "C project and memory, predicted before the build")
        for board in self.boards:
            ledger = ram_ledger(self.quantized.network, board,
                                ram_budget=RAM_BUDGETS[board.name])
            write_project(emit(self.quantized.network), board,
                          self.directory / f"project-{board.name}")
            self._say(f"{board.title}: {ledger.ram_bytes:,} B of RAM predicted, budget "
                      f"{RAM_BUDGETS[board.name]:,} B kept; at most {ledger.flash_bound:,} B of "
                      f"flash, of {board.flash.bytes:,} B", "bold")
            if board is self.boards[0]:
                self.console.print(report.ledger_screen(ledger))
        state = Layout(self.quantized.network)
        self._say("Learning state, byte by byte: " + ", ".join(
            f"{f.name} {f.bytes}" for f in state.fields if f.group == "learning")
            + f"; in all {state.learning_state_bytes} B")

    def _adapt(self) -> dict[str, list[Trial]]:
        self._head(3, "The sensor wears, the device learns")
        for task in self.tasks:
            self._say(f"seed {task.seed}: {task.shift.description}")
        n_stream = len(self.data.stream)
        self._say(f"{n_stream} labelled samples stream in once, in the emulator (the device's "
                  "bits):")
        trials: dict[str, list[Trial]] = {}
        total = len(METHODS) * len(self.tasks)
        with self._progress("learning", total) as progress:
            for method in METHODS:
                for task in self.tasks:
                    trials.setdefault(method.key, []).append(method.run(task))
                    progress(sum(len(t) for t in trials.values()))
        rows = []
        for method in METHODS:
            made = trials[method.key]
            rows.append((method.title, *(_mean_std([getattr(t, name) for t in made])
                                         for name in ("before", "online", "after", "original"))))
        self.console.print(report.listing(
            ("method", "before", "in the stream", "after", "unshifted, after"), rows))
        n_seeds = f"{len(self.tasks)} seed" + "s" * (len(self.tasks) > 1)
        self._say(f"% of {len(self.data.test)} test samples, mean ± std of {n_seeds} (network, "
                  "shift, order of the stream).")
        cost = adaptation.pair_stdp_cost(self.tasks[0])
        self._say(f"Pair STDP would keep {cost.trace_bytes} B of traces and touch "
                  f"{cost.weight_updates:,} weights a sample, ours "
                  f"{adaptation.updates_a_sample(self.tasks[0]):,.0f} on average.")
        self._plot_curve(trials)
        return trials

    def _plot_curve(self, trials: dict[str, list[Trial]]) -> None:
        titles = {m.key: m.title for m in METHODS}
        hits = {titles[key]: np.stack([t.hits for t in made]) for key, made in trials.items()}
        self._save(lambda: plots.learning_curve(
            hits, emphasis=titles["ours"], title="Digits on a worn sensor: accuracy while learning"
        ), "learning_curve.png")

    def _save(self, draw: Callable[[], Any], name: str) -> None:
        try:
            draw().savefig(self.directory / name)
        except EdgeError as problem:
            self._say(f"{name} was not drawn: {problem.message}. {problem.help}")

    def _verify(self) -> tuple[harness.Verification, dict[str, dict[str, int]]]:
        self._head(4, "The same bits everywhere")
        task, network = self.tasks[0], self.quantized.network
        stream = task.stream
        specs = ["emulator", "emulator-checked", *(f"qemu:{b.name}" for b in self.built)]
        with ExitStack() as stack:
            targets = []
            for spec in specs:
                log = self.directory / f"link-{spec[5:]}.log" if spec.startswith("qemu:") else None
                if log:
                    log.unlink(missing_ok=True)
                targets.append(stack.enter_context(open_target(spec, network, log=log)))
            with self._progress("verifying", len(stream)) as progress:
                done = harness.verify(Reference(network), targets, network,
                                      input_x(network, stream.x), stream.y, progress)
            links = {t.name: {"frames": t.link_frames, "retries": t.link_retries}
                     for t in targets if isinstance(t, LinkTarget)}
        self.console.print(report.verify_screen(
            done, "spikes, membranes, logits, statistics and weights"))
        if done.divergence:
            raise EdgeError("E404", "two targets disagree", cause=str(done.divergence))
        return done, links

    def _measure(self) -> dict[str, DeviceFigures]:
        if not self.built:
            return {}
        self._head(5, "Measured on the firmware, beside the prediction")
        network, stream = self.quantized.network, self.tasks[0].stream
        x = input_x(network, stream.x[:N_MEASURED])
        figures = {}
        for board in self.built:
            figures[board.name] = measure_on_device(network, board, x, stream.y[:N_MEASURED])
            self._say(board.title, "bold")
            self.console.print(report.measure_screen(figures[board.name]))
        bars = {}
        for name, made in figures.items():
            bars[f"{name}, predicted"] = report.ram_by_owner(made.build.predicted)
            bars[f"{name}, linked"] = report.linked_by_owner(made.build.predicted,
                                                             made.build.linked)
        self._save(lambda: plots.ram_bars(bars, budget=RAM_BUDGETS["microbit"],
                                          budget_name="budget: RAM of the micro:bit",
                                          title="Static RAM, predicted and linked"), "ram.png")
        return figures

    def _results(self, fidelities: list[Fidelity], trials: dict[str, list[Trial]],
                 done: harness.Verification, links: dict[str, dict[str, int]],
                 figures: dict[str, DeviceFigures]) -> dict[str, Any]:
        network = self.quantized.network
        after = {key: _summary([t.after for t in made]) for key, made in trials.items()}
        main = next(iter(figures), None)
        return {
            "schema": "edge_dassdp/demo/1",
            "tool": __version__,
            "model": {"sha256": network.sha256, "n_steps": network.n_steps,
                      "plastic": [p.name for p in network.plastic]},
            "shift": [task.shift.description for task in self.tasks],
            "accuracy": {
                "unit": "percent of the test samples",
                "float": _summary([f.float_accuracy for f in fidelities]),
                "integer": _summary([f.integer_accuracy for f in fidelities]),
                "shifted_frozen": after.pop("frozen"),
                "shifted_learned": after.pop("ours"),
                "shifted_learned_float": after.pop("ours_float"),
                "shifted_baselines": after,
                "in_the_stream": {k: _summary([t.online for t in made])
                                  for k, made in trials.items()},
                "unshifted_after": {k: _summary([t.original for t in made])
                                    for k, made in trials.items()},
            },
            "bit_exact": {
                "compared_targets": list(done.targets), "values_compared": done.values_compared,
                "samples": done.samples, "learning_steps": done.learning_steps,
                "differences": done.differences,
            },
            **(_device_results(figures[main]) if main else {}),
            "boards": {name: _device_results(figures[name]) for name in figures},
            "ram_learning_state": {f.name: f.bytes for f in Layout(network).fields
                                   if f.group == "learning"},
            "link": {"frames": sum(n["frames"] for n in links.values()),
                     "retries": sum(n["retries"] for n in links.values()), "targets": links},
        }


def _device_results(made: DeviceFigures) -> dict[str, Any]:
    """ram, stack and insns of one board."""
    predicted, linked = made.build.predicted, made.build.linked
    counts = {"inference": (made.predicted.inference, made.inference),
              "learning_step": (made.predicted.learning, made.learning),
              "learning_step_that_wrote": (made.predicted.written, made.written)}
    return {
        "ram": {
            "predicted": {".data": 0, ".bss": predicted.static_bytes,
                          ".stack": predicted.board.stack_bytes,
                          "static_bytes": predicted.static_bytes,
                          "by_symbol": predicted.by_symbol()},
            "measured": {".data": linked.data, ".bss": linked.bss, ".stack": linked.stack,
                         "static_bytes": linked.data + linked.bss, "by_symbol": linked.ram},
            "learning_state_bytes": predicted.learning_state_bytes,
        },
        "flash": {"constants_predicted": predicted.constant_bytes,
                  "bound_predicted": predicted.flash_bound, "linked": linked.flash_bytes},
        "stack": {"bound": made.build.stack.bytes, "painted": made.stack_painted,
                  "path": list(made.build.stack.path)},
        "insns": {"unit": "instructions, executed in QEMU",
                  "target": f"qemu:{predicted.board.name}",
                  "synaptic_ops_of_an_inference": made.predicted.synaptic_ops,
                  **{name: {"predicted": before, **asdict(c)} if c else None
                     for name, (before, c) in counts.items()}},
    }


def _summary(shares: list[float] | list[float | None]) -> dict[str, Any]:
    """Percent: mean, population standard deviation, and each seed's value."""
    values = 100 * np.array(shares, np.float64)
    return {"mean": round(float(values.mean()), 3), "std": round(float(values.std()), 3),
            "seeds": [round(float(v), 3) for v in values]}


def _mean_std(shares: list[float]) -> str:
    made = _summary(shares)
    return f"{made['mean']:.1f} ± {made['std']:.1f}"

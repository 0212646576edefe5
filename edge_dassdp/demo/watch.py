"""The watch that moves to another wrist, or whatever else `watch.SCENARIOS` lists.

A network trained on right wrists is given a stream of labelled windows on the firmware in QEMU,
bit for bit in step with reference and emulator: from the first it finds out how the watch is worn,
from all it learns. Then the same device has wearers whom nothing shifted, and keeps what it knows.
Leaves a run folder: results.json, learning_curve.png, the quantized network, the C project of the
board and the raw log of the link.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from edge_dassdp import __version__, harness, ir, qir
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, load_board
from edge_dassdp.data import watch
from edge_dassdp.demo.adaptation import Trial
from edge_dassdp.demo.run_folder import (
    RunFolder,
    Shown,
    device_results,
    learning_state,
    link_results,
    model_results,
    not_shown,
    sizes,
    verification_results,
)
from edge_dassdp.demo.watch_learning import REPLAY, SYNCHRONY, fitting, learning, quantized
from edge_dassdp.demo.watch_stream import N_FIT, InStep, Streamed, worn
from edge_dassdp.demo.watch_trials import Trials
from edge_dassdp.emit.firmware import Build, build_and_compare
from edge_dassdp.figures.device import DeviceFigures, measure_on_device
from edge_dassdp.measured.known import Known
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger, replay_bytes
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.report import plots, screens
from edge_dassdp.report.measured import measure_screen, not_measured
from edge_dassdp.report.monitor import Accuracy, Counters, Monitor
from edge_dassdp.rules import Rule
from edge_dassdp.runs.folder import LEARNED
from edge_dassdp.runs.record import Record
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.targets.target import Statistics
from edge_dassdp.twin.model import FloatModel

SCHEMA = "edge_dassdp/demo_watch/1"
WINDOW = 20
"""Samples of the rolling accuracy: the shortest streams have about 70."""
N_MEASURED = 12
"""Windows whose instructions are counted."""
MODEL_FILE = "watch_seed{seed}.npz"
TITLES = {
    "touch": "orientation, then delta + touch",
    "unoriented": "delta + touch",
    "synchrony": "delta + latency synchrony",
    "oriented": "orientation, frozen",
    "frozen": "frozen",
    "mirrored": "frozen, axes mirrored",
}
UNSHIFTED = "N"
MIRRORS = ("A", "Ap")
"""Scenarios that a left/right setting would help in."""


@dataclass(frozen=True)
class Options:
    """directory: the run folder. scenario: of `watch.SCENARIOS`. board: name or path of a board.
    seed: which network, wearers and shift. models: folder of watch_seed<k>.npz, None for those
    shipped. firmware False leaves ARM and QEMU out."""

    directory: Path
    scenario: str = "Ap"
    board: str = "stm32f405"
    seed: int = 0
    models: Path | None = None
    firmware: bool = True


def run_watch(options: Options, console: Console, record: Record | None = None,
              progress: Shown = not_shown) -> dict[str, Any]:
    """Run the demonstration and return what results.json holds. record: of its command.
    progress: shows how far a part is.

    Raises EdgeError E105 for an unknown scenario or seed or a folder of another demonstration, E103
    where another run writes to it, E401 for an unknown board, E402, E403 or E404 if a budget or a
    proof fails.
    """
    board = load_board(options.board)
    folder = assets.folder("examples") / "watch"
    models = options.models or folder
    path = models / MODEL_FILE.format(seed=options.seed)
    if not path.is_file():
        n = len(list(models.glob(MODEL_FILE.format(seed="*"))))
        raise EdgeError("E105", f"there is no network of seed {options.seed}",
                        help=f"choose 0 to {n - 1}" if n else f"{models} holds no {path.name}")
    data = watch.load_watch(folder / "data.npz")
    scenario = watch.scenario(options.scenario, options.seed, data)
    run = RunFolder(options.directory, "watch", console, record, progress)
    with run.begun():
        results = _Demo(options, run, board, ir.load(path), data, scenario).results()
        run.finish(results)
    return results


class _Demo:
    """The steps share one network, one scenario and one board."""

    def __init__(self, options: Options, run: RunFolder, board: Board, network: ir.Network,
                 data: watch.WatchData, scenario: watch.Scenario) -> None:
        self.options = options
        self.run = run
        self.board = board
        self.network = network.with_sensor(scenario.scale.sensor)
        self.data = data
        self.scenario = scenario
        self.trials = Trials(scenario, options.seed)
        self.touch, self.replay = fitting(self.network, scenario.replay, board)
        self.quantized = self._learner(self.touch)
        self.has_firmware = run.can_run_firmware(options.firmware)

    def _learner(self, hidden: Rule) -> QNetwork:
        return quantized(self.network, learning(self.network, hidden, self.replay),
                          self.scenario.replay)

    def results(self) -> dict[str, Any]:
        """Take all steps; what results.json holds."""
        self._introduce()
        build = self._build()
        with ExitStack() as stack:
            steps = InStep(self.quantized, self._start(build, stack) if build else None)
            touch, streamed = self._adapt(steps)
            statistics = steps.device.statistics()
            unshifted = self._leave_alone(steps) if self.scenario.name != UNSHIFTED else None
            links = link_results(steps.targets)
        trials = self._compare(touch)
        figures = self._measure(build)
        return self._results(streamed, statistics, trials) | {
            "unshifted": unshifted, "link": links} | (device_results(figures) if figures else {})

    def _introduce(self) -> None:
        scenario, run = self.scenario, self.run
        run.head(1, f"The watch, scenario {scenario.name}: {watch.SCENARIOS[scenario.name]}")
        run.say(f"watch {sizes(self.network)}, trained with snnTorch on right wrists, seed "
                f"{self.options.seed}")
        run.say(scenario.description)
        qir.save(self.quantized, run.directory / "model.q.npz")

    def _build(self) -> Build | None:
        self.run.head(2, "Firmware, with replay")
        network, replay = self.quantized, self.replay
        self.run.write_project(network, self.board)
        ring = sum(self._ring().values())
        self.run.say(
            f"Replay: {replay.flash} samples of the training set in flash, "
            f"{replay_bytes(network, replay.flash):,} B; a ring of {replay.ring_per_class} for "
            f"each of {network.n_classes} exercises in RAM, {ring:,} B. After each labelled "
            f"sample {replay.n_ring} of the ring and {replay.n_flash} of flash are learned again.")
        if replay.ring_per_class < REPLAY.ring_per_class:
            self.run.say(f"{self.board.name} has no room for the {REPLAY.ring_per_class} of larger "
                         "boards.")
        self.run.say_learning_state(network)
        return build_and_compare(network, self.board) if self.has_firmware else None

    def _ring(self) -> dict[str, int]:
        return {name: size for name, size in learning_state(self.quantized).items()
                if name in ("ring", "ring_seen")}

    def _adapt(self, steps: InStep) -> tuple[Trial, Streamed]:
        """The shifted stream: orientation first, then the rest."""
        where = f"the firmware in QEMU ({self.board.name})" if steps.link else "the emulator"
        self.run.head(3, f"{len(self.scenario.stream)} labelled windows stream in once, on {where}")
        before, _ = self.trials.shares(steps.device, self.quantized)
        streamed = self._stream(steps, self.scenario)
        after = self.trials.shares(steps.device, self.quantized)
        harness.save_snapshot(steps.device, self.quantized, self.run.place(LEARNED))
        return Trial("touch", self.options.seed, before, *after, streamed.hits), streamed

    def _leave_alone(self, steps: InStep) -> dict[str, Any]:
        """The same device on a wearer whom nothing has shifted."""
        scenario = watch.scenario(UNSHIFTED, self.options.seed, self.data)
        trials = Trials(scenario, self.options.seed)
        self.run.head(4, f"The same device on known wearers, nothing shifted: "
                      f"{len(scenario.stream)} labelled windows")
        steps.reset()
        before, _ = trials.shares(steps.device, self.quantized)
        streamed = self._stream(steps, scenario)
        after, _ = trials.shares(steps.device, self.quantized)
        self.run.say(f"Nothing is learned until errors pile up, and then in steps of their share: "
                     f"{streamed.n_written} of {len(scenario.stream)} windows changed weights. Of "
                     f"{len(scenario.test)} later windows {100 * before:.1f} % were right before "
                     f"and {100 * after:.1f} % are now.")
        return {"stream": len(scenario.stream), "test": len(scenario.test),
                "profile": streamed.fitted.chosen.name, "before": _percent(before),
                "after": _percent(after), "n_written": streamed.n_written,
                "bit_exact": verification_results(streamed.verification)}

    def _stream(self, steps: InStep, scenario: watch.Scenario) -> Streamed:
        """One stream on all targets, from factory weights and profile."""
        samples = scenario.stream
        steps.reset()
        fitted = steps.take_orientation(samples)
        self.run.say(f"From the first {fitted.n_samples} windows the device fits a profile of its "
                     f"sensor: {fitted}. It is worn {worn(fitted.chosen.profile)}.")
        with Monitor(self.run.console, lambda: steps.learned(samples), len(samples),
                     Accuracy(WINDOW), frozen=steps.frozen(samples),
                     counters=Counters(steps.link or steps.device, self.quantized),
                     names=self.data.exercises) as monitor:
            done = steps.learn(samples, monitor)
        self.run.judge(done)
        return steps.streamed(fitted, done, samples)

    def _start(self, build: Build, stack: ExitStack) -> Qemu | None:
        if self.board.qemu is None:
            self.run.say(f"QEMU has no machine for {self.board.name}: the firmware was built, the "
                         "emulator runs the same bits.", "bold yellow")
            return None
        return stack.enter_context(Qemu.start(self.quantized, build.firmware,
                                              log=self.run.link_log(self.board.name)))

    @cached_property
    def float_original(self) -> float:
        """Percent of the original windows, before quantization."""
        original = self.scenario.original
        return _percent((FloatModel(self.network).run(original.x).classes == original.y).mean())

    def _compare(self, touch: Trial) -> list[Trial]:
        """What stands beside the device's learning, in the emulator; a table and a curve."""
        self.run.head(5, "What it came to, and what stands beside it")
        trials = [touch, self.trials.learning("unoriented", self.quantized),
                  self.trials.learning("synchrony", self._learner(SYNCHRONY)),
                  self.trials.oriented("oriented", self.quantized),
                  self.trials.frozen("frozen", self.quantized)]
        if self.scenario.name in MIRRORS:
            trials.append(self.trials.frozen("mirrored", self.quantized, self.scenario.mirrored))
        self.run.console.print(screens.listing(
            ("method, %", "before", "while learning", "shifted, after", "original, after"),
            [(TITLES[t.method], *(f"{100 * share:.1f}" for share in (
                t.before, t.online, t.after, t.original))) for t in trials]))
        self.run.say(f"shifted: {len(self.scenario.test)} later windows of the stream's "
                     f"recordings; original: {len(self.scenario.original)} windows as in training "
                     f"(the float network: {self.float_original:.1f}). One network and one draw; "
                     "--seed gives others.")
        self._say_mirror(trials)
        hits = {TITLES[t.method]: t.hits for t in trials}
        self.run.curves(hits, TITLES["touch"], WINDOW)
        self.run.save(lambda: plots.learning_curve(
            hits, window=WINDOW, emphasis=TITLES["touch"],
            title=f"{self.scenario.name}, {watch.SCENARIOS[self.scenario.name]}"),
            "learning_curve.png")
        return trials

    def _say_mirror(self, trials: list[Trial]) -> None:
        after = {t.method: 100 * t.after for t in trials}
        if "mirrored" in after:
            self.run.say(
                f"The other wrist is mostly a mirror: a left/right setting, three signs, takes the "
                f"frozen network from {after['frozen']:.1f} to {after['mirrored']:.1f} % without "
                "a label, as long as it is set for the wrist it is on; the orientation that the "
                f"device finds from {N_FIT} labels, to {after['oriented']:.1f} %. What neither "
                "solves is left to learning: --scenario B or D.")

    def _measure(self, build: Build | None) -> DeviceFigures | None:
        """Memory, and where the board runs instructions of windows with the factory's weights."""
        self.run.head(6, "Measured on the firmware, beside the prediction" if build else
                      "Memory, predicted")
        if build is None:
            ledger = ram_ledger(Plan.of(self.quantized), self.board)
            self.run.console.print(screens.ledger_screen(ledger, build))
            return None
        samples = self.scenario.stream
        x = input_x(self.quantized, samples.x[:N_MEASURED])
        found = measure_on_device(self.quantized, self.board, x, samples.y[:N_MEASURED])
        known = Known.of(found)
        self.run.console.print(measure_screen(known, found, untold=not_measured(known, found)))
        return found

    def _results(self, streamed: Streamed, statistics: Statistics,
                 trials: list[Trial]) -> dict[str, Any]:
        network, scenario, replay = self.quantized, self.scenario, self.replay
        frozen = next(t for t in trials if t.method == "frozen")
        return {
            "schema": SCHEMA,
            "tool": __version__,
            "model": model_results(network),
            "board": self.board.name,
            "scenario": {"name": scenario.name, "seed": self.options.seed,
                         "description": scenario.description, "wearers": list(scenario.wearers),
                         "stream": len(scenario.stream), "test": len(scenario.test),
                         "original": len(scenario.original)},
            "accuracy": {
                "unit": "percent of the test windows",
                "original_float": self.float_original,
                "original_integer": _percent(frozen.original),
                "methods": {t.method: {
                    "title": TITLES[t.method], "shifted_before": _percent(t.before),
                    "in_the_stream": _percent(t.online), "shifted_after": _percent(t.after),
                    "original_after": _percent(t.original)} for t in trials},
            },
            "orientation": _profile_results(streamed.fitted),
            "learning": asdict(statistics) | {"n_written": streamed.n_written},
            "bit_exact": verification_results(streamed.verification),
            "replay": asdict(replay) | {"flash_bytes": replay_bytes(network, replay.flash),
                                        "ring_bytes": sum(self._ring().values())},
            "ram_learning_state": learning_state(network),
        }


def _profile_results(fitted: harness.Fitted) -> dict[str, Any]:
    profile = fitted.chosen.profile
    return {"windows": fitted.n_samples, "profile": fitted.chosen.name,
            "worn": worn(profile), "q_q14": profile.q_q14, "determinant": profile.det,
            "gain_q12": profile.gain_q12, "offset": profile.offset,
            "tried": fitted.report["tried"]}


def _percent(share: float) -> float:
    return round(100 * float(share), 3)

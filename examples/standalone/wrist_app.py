"""app.c in Python, on any target: what the application says to readings and buttons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import counts_x
from edge_dassdp.sensor.orientation import Verdict
from edge_dassdp.targets.target import NO_LABEL, Target

WINDOW, HOP, LONG, N_FIT = 100, 50, 50, 14
A, B = 1, 2


@dataclass(frozen=True, eq=False)
class Saved:
    """What was learned as flash holds it, and the number of the save."""

    number: int
    weights: Mapping[str, NDArray[np.int16]]
    learning: bytes


class Application:
    """lines: what was said so far. fresh: the window that was decided and has no label yet, int16
    (WINDOW, n_channels). class_idx: what it was decided to be. label: chosen. saved: what flash
    holds."""

    def __init__(self, network: QNetwork, target: Target, saved: Saved | None = None) -> None:
        self.network, self.target, self.saved = network, target, saved
        self.lines = ["0 factory" if saved is None else f"0 loaded {saved.number}"]
        if saved is not None:
            target.restore(saved.weights, saved.learning)
        self.readings: list[NDArray[np.int16]] = []
        self.fresh: NDArray[np.int8] | None = None
        self.class_idx = self.label = self.n_shown = self.n_taken = self.n_lost = 0
        self.is_alarm = False
        self.n_down = {A: 0, B: 0}

    def read(self, counts: NDArray[np.int16], buttons: int = 0) -> None:
        """One reading, int16 (n_channels,), and the buttons that are down."""
        self.n_taken += 1
        self.readings.append(counts)
        n_beyond = len(self.readings) - WINDOW
        if n_beyond >= 0 and n_beyond % HOP == 0:
            self._decide(np.array(self.readings[-WINDOW:]))
        self._listen(buttons)

    def read_after(self, n_lost: int, counts: NDArray[np.int16], buttons: int = 0) -> None:
        """One reading behind others that did not come."""
        self.n_lost += n_lost
        self.readings.clear()
        self.n_taken += 1
        self._say(f"lost {self.n_lost}")
        self.n_taken -= 1
        self.read(counts, buttons)

    def _say(self, what: str) -> None:
        self.lines.append(f"{self.n_taken} {what}")

    def _show_alarm(self) -> None:
        is_alarm = self.target.drift().alarm
        if is_alarm != self.is_alarm:
            self.is_alarm = is_alarm
            self._say("alarm on" if is_alarm else "alarm off")

    def _observe(self, x: NDArray[np.int8], label: int = NO_LABEL) -> None:
        self.target.observe(x, label)
        self.fresh = None
        self._show_alarm()

    def _decide(self, window: NDArray[np.int16]) -> None:
        if self.fresh is not None:
            self._observe(self.fresh)
        self.fresh = counts_x(self.network, window[None])[0]
        self.class_idx = self.target.infer(self.fresh).class_idx
        self._say(self.network.classes[self.class_idx])

    def _teach(self) -> None:
        x, name = self.fresh, self.network.classes[self.label]
        if x is None:
            self._say("nothing to label")
        elif self.is_alarm:
            self._observe(x, self.label)
            self.n_shown += 1
            self._say(f"shown {name} {self.n_shown}")
            if self.n_shown % N_FIT == 0:
                taken = self.target.fit_profile().verdict == Verdict.TAKEN
                self._say("profile taken" if taken else "no profile fits, show more")
                self._show_alarm()
        else:
            self._observe(x)
            self.target.learn(x, self.label)
            self._say(f"learned {name} {self.target.statistics().learned_digest:x}")

    def _forget(self) -> None:
        self.target.reset()
        self.n_shown, self.fresh = 0, None
        self._show_alarm()
        self._say("forgotten")

    def _save(self) -> None:
        self.saved = Saved(
            self.saved.number + 1 if self.saved else 1,
            {p.name: self.target.read_weights(p.name) for p in self.network.plastic},
            self.target.read_learning())
        self._say(f"saved {self.saved.number}")

    def _press(self, button: int, is_down: bool) -> str:
        n_down, self.n_down[button] = self.n_down[button], self.n_down[button] + 1 if is_down else 0
        if is_down:
            return "long" if n_down + 1 == LONG else ""
        return "short" if 0 < n_down < LONG else ""

    def _listen(self, buttons: int) -> None:
        a, b = (self._press(button, bool(buttons & button)) for button in (A, B))
        if a == "short":
            self.label = (self.label + 1) % self.network.n_classes
            self._say(f"label {self.network.classes[self.label]}")
        elif a == "long":
            self._forget()
        if b == "short":
            self._teach()
        elif b == "long":
            self._save()

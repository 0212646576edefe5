"""Hosts, one after another, that teach one device over a bad line, lose it, die and come back,
while the device restarts now and then; a twin says what the device must have learned."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from support.delays import Dead, DelayedLine, Mortal
from support.devices import network, samples, target

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget

N_SAMPLES = 64


@dataclass
class Counts:
    """Of a succession; a request is what a host asks, however often it repeats it."""

    requests: int = 0
    hosts: int = 0
    dead: int = 0
    lost: int = 0
    lost_and_run: int = 0
    restarts: int = 0


class Succession:
    """Whoever finds what the twin does not have fails at once: a lesson that ran twice or not at
    all, a host that is told of a restart that was none, or is not told of one."""

    def __init__(self, line: DelayedLine, kind: str, rng: Random) -> None:
        self.counts = Counts()
        self.twin = Emulator(network(kind), checked=True)
        self._line, self._kind, self._rng = line, kind, rng
        self._x, self._labels = samples(N_SAMPLES, kind=kind)
        self._n_learned = 0
        self._may_have_run: int | None = None
        self._n_restarts_seen = self._n_restarts_forgotten = 0

    def run(self, n_requests: int) -> None:
        while self.counts.requests < n_requests:
            self.counts.hosts += 1
            if self._rng.random() < 0.05:
                self._line.restart_after(self._rng.uniform(0, 3))
            try:
                self._live(self._rng.randrange(1, 15))
            except Dead:
                self.counts.dead += 1
            self._line.wait(self._rng.choice((0.0, 0.0, 0.5, 5.0)))

    def _live(self, n_lessons: int) -> None:
        line = Mortal(self._line)
        line.dies_waiting = self._rng.random() < 0.5
        dies_at = self._rng.randrange(n_lessons) if self._rng.random() < 0.5 else None
        host = self._connected(line)
        self.take_stock(host)
        for i in range(n_lessons):
            if i == dies_at:
                line.n_writes = self._rng.randrange(3)
            self._teach(host, self._rng.randrange(N_SAMPLES))
            line.n_writes = None
        self.take_stock(host)

    def _connected(self, line: Mortal) -> LinkTarget:
        self._n_restarts_seen = self._line.n_restarts
        while True:
            try:
                self.counts.requests += 1
                return target(line, self._kind, timeout_s=0.4, retries=1)
            except EdgeError as problem:
                assert problem.code == "E502", problem

    def _teach(self, host: LinkTarget, i: int) -> None:
        self.counts.requests += 1
        self._may_have_run = i
        try:
            outcome = host.learn(self._x[i], self._labels[i], digest=True)
        except EdgeError as problem:
            if not self._is_restart(problem):
                self._settle(host)
            return
        assert outcome.learned_digest == self._learned(), "a lesson ran twice, or did not run"

    def _learned(self) -> int | None:
        """The twin learns what the device may have."""
        assert self._may_have_run is not None
        i, self._may_have_run = self._may_have_run, None
        self._n_learned += 1
        return self.twin.learn(self._x[i], self._labels[i], digest=True).learned_digest

    def _settle(self, host: LinkTarget) -> None:
        """After E502 the host finds out, however long it takes."""
        self.counts.lost += 1
        while host.lost_request_ran is None:
            try:
                self.counts.requests += 1
                host._session.settle()
            except EdgeError as problem:
                if self._is_restart(problem):
                    return
        if host.lost_request_ran:
            self.counts.lost_and_run += 1
            self._learned()
        self._may_have_run = None

    def _is_restart(self, problem: EdgeError) -> bool:
        """E505 is true, and the twin starts again; else it is the line."""
        if problem.code == "E502":
            return False
        assert problem.code == "E505", problem
        assert self._line.n_restarts > self._n_restarts_seen, "told of a restart that was none"
        self._forget()
        return True

    def _forget(self) -> None:
        self.counts.restarts += 1
        self._n_restarts_seen = self._n_restarts_forgotten = self._line.n_restarts
        self.twin.reset()
        self._n_learned, self._may_have_run = 0, None

    def take_stock(self, host: LinkTarget) -> None:
        """What the device has learned is what the twin has, and the lesson of a host that died may
        be among it."""
        while True:
            try:
                self.counts.requests += 1
                n_labelled = host.statistics().n_labelled
                break
            except EdgeError as problem:
                self._is_restart(problem)
        expected = self._n_learned
        if n_labelled == expected + 1 and self._may_have_run is not None:
            self._learned()
        elif n_labelled != expected:
            assert n_labelled == 0, f"{n_labelled} lessons were learned, not {expected}"
            assert self._line.n_restarts > self._n_restarts_forgotten, "it forgot without a restart"
            self._forget()
        self._may_have_run = None

"""What run folders say, under one name whichever verb found it: for tiles and tables of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.runs.folder import MODEL, results_of
from edge_dassdp.runs.record import Record
from edge_dassdp.storage.files import sha256_of

PREDICTED, LINKED, EXECUTED, MEASURED = "PLEM"


@dataclass(frozen=True)
class Run:
    """A run folder, read."""

    folder: Path
    record: Record
    results: dict[str, Any]

    @property
    def data(self) -> Any:
        """What the verb found out; of a demonstration its results are that."""
        return self.results.get("data", self.results)

    def at(self, place: str) -> Any:
        """A value of `data` by its dotted place; None where there is none."""
        found = self.data
        for part in place.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found


def read(folders: Sequence[Path]) -> tuple[Run, ...]:
    """Runs that belong together. Raises EdgeError E103 for what is no run folder, E105 for runs of
    different models."""
    runs = tuple(Run(f, Record.read(f), results_of(f)) for f in folders)
    models = {sha256_of(r.folder / MODEL): r.folder for r in runs if (r.folder / MODEL).is_file()}
    if len(models) > 1:
        first, second, *_ = models.values()
        raise EdgeError("E105", f"{first} and {second} are runs of two models",
                        help="give the runs of one: a report is of one network")
    return runs


@dataclass(frozen=True)
class Fact:
    """A value of results.json and where it stands. letter: P, L, E or M."""

    value: Any
    place: str
    run: Run
    letter: str


def first(runs: Sequence[Run], *places: tuple[str, str]) -> Fact | None:
    """Of places in order, each with its letter, the first that a run has. A letter * is E, or M
    where the run was on a board."""
    for place, letter in places:
        for run in runs:
            value = run.at(place)
            if value is not None:
                is_board = str(run.at("target") or "").startswith("serial:")
                found = (MEASURED if is_board else EXECUTED) if letter == "*" else letter
                return Fact(value, place, run, found)
    return None


@dataclass(frozen=True)
class Tile:
    """A verdict: title, text for people, and the facts behind it. is_good: None where it is no
    verdict but a figure. note: what it is of."""

    title: str
    text: str
    facts: tuple[Fact, ...]
    note: str = ""
    is_good: bool | None = None

    @property
    def letter(self) -> str:
        return self.facts[-1].letter


_BEFORE = (("before", "*"), ("accuracy.shifted_frozen.mean", "E"),
           ("accuracy.methods.touch.shifted_before", "E"))
_AFTER = (("after", "*"), ("accuracy.shifted_learned.mean", "E"),
          ("accuracy.methods.touch.shifted_after", "E"))
_ALONE = (("accuracy", "*"), ("integer_accuracy", "E"))
RAM = (("linked.ram_bytes", "L"), ("ram.measured.ram_bytes", "L"), ("predicted.ram_bytes", "P"))
BY_SYMBOL = {PREDICTED: ("predicted.by_symbol", "ram.predicted.by_symbol"),
             LINKED: ("linked.by_symbol", "ram.measured.by_symbol")}
FLASH = (("linked.flash_bytes", "L"), ("flash.linked", "L"), ("predicted.flash_bound", "P"))
STACK = (("stack.bytes", "L"), ("stack.bound", "L"))
COST = (("instructions.inference.mean", "E"),)
LESSON = (("instructions.lesson.mean", "E"),)


def tiles(runs: Sequence[Run]) -> list[Tile]:
    """The verdicts at the head of a page; only of what is known."""
    made = [_accuracy(runs), _errors(runs), _bits(runs),
            _figure(runs, "Decisions", (("n_decisions", "*"),), _thousands,
                    "of a stream without end"),
            _figure(runs, "RAM", RAM, _bytes, "static, with the stack reserved"),
            _figure(runs, "Flash", FLASH, _bytes, "program, weights and constants"),
            _figure(runs, "Stack", STACK, _bytes, "deepest path of calls, interrupts included"),
            _figure(runs, "Inference", COST, _thousands, "instructions a sample"),
            _figure(runs, "Learning", LESSON, _thousands, "instructions a lesson")]
    return [tile for tile in made if tile is not None]


def _figure(runs: Sequence[Run], title: str, places: Sequence[tuple[str, str]],
            text: Callable[[Any], str], note: str) -> Tile | None:
    fact = first(runs, *places)
    return None if fact is None else Tile(title, text(fact.value), (fact,), note)


def _accuracy(runs: Sequence[Run]) -> Tile | None:
    before, after = first(runs, *_BEFORE), first(runs, *_AFTER)
    if before and after:
        return Tile("Accuracy", f"{_percent(before)} → {_percent(after)}", (before, after),
                    "before and after learning, samples not learned from",
                    after.value >= before.value)
    alone = first(runs, *_ALONE)
    if alone is None or isinstance(alone.value, dict):
        return None
    return Tile("Accuracy", _percent(alone), (alone,), figure_of(alone.run))


def _errors(runs: Sequence[Run]) -> Tile | None:
    """Of a model of values."""
    before, after = first(runs, ("before_nrmse", "*")), first(runs, ("after_nrmse", "*"))
    if before and after:
        return Tile("NRMSE", f"{before.value:.3f} → {after.value:.3f}", (before, after),
                    "before and after learning, samples not learned from",
                    after.value <= before.value)
    alone = first(runs, ("errors.mean_nrmse", "*"))
    if alone is None:
        return None
    return Tile("NRMSE", f"{alone.value:.3f}", (alone,), figure_of(alone.run))


def figure_of(run: Run) -> str:
    """What a figure of samples is of."""
    if run.at("n_windows_of_one_class") is not None:
        return "of decisions whose window is of one class"
    return "over the stream, each sample before it was learned" \
        if run.at("n_learned") is not None else "of the samples given"


def _bits(runs: Sequence[Run]) -> Tile | None:
    exact = first(runs, ("bit_exact", "E"))
    if exact is None:
        return None
    of_demo = isinstance(exact.value, dict)
    values = first([exact.run], ("bit_exact.values_compared" if of_demo else "values_compared",
                                 "E"))
    good = exact.value["differences"] == 0 if of_demo else bool(exact.value)
    return None if values is None else Tile(
        "Bits", "all the same" if good else "they differ", (values,),
        f"{values.value:,} values compared", good)


def _percent(fact: Fact) -> str:
    """Shares of 0 to 1; the demonstrations' own are percent."""
    in_percent = fact.place.startswith("accuracy.")
    return f"{fact.value * (1 if in_percent else 100):.1f} %"


def _bytes(value: float) -> str:
    return f"{value:,} B"


def _thousands(value: float) -> str:
    return f"{value:,.0f}"


@dataclass(frozen=True)
class Node:
    """Bytes of RAM, where their number comes from, and what they consist of, the largest first."""

    name: str
    bytes: int
    letter: str
    parts: tuple[Node, ...] = ()


def symbols(runs: Sequence[Run]) -> tuple[Node, ...]:
    """RAM by symbol: as linked, where it was, and the fields of structs as predicted."""
    fact = _held(runs, LINKED) or _held(runs, PREDICTED)
    if fact is None:
        return ()
    fields = first([fact.run], ("predicted.by_field", PREDICTED),
                   ("ram.predicted.by_field", PREDICTED))
    within = fields.value if fields else {}
    return _largest_first(Node(name, size, fact.letter, _parts(within.get(name, {})))
                          for name, size in _with_stack(fact).items())


def _held(runs: Sequence[Run], letter: str) -> Fact | None:
    """Bytes of RAM by symbol, predicted or linked."""
    return first(runs, *((place, letter) for place in BY_SYMBOL[letter]))


def _with_stack(held: Fact) -> dict[str, int]:
    """And of the stack, which is no symbol: all of RAM. A run of before does not tell it."""
    stack = held.run.at(held.place.replace("by_symbol", "stack_reserved"))
    return held.value if stack is None else {**held.value, "stack, reserved": stack}


def owners(runs: Sequence[Run]) -> tuple[Node, ...]:
    """RAM by what it is for, before the build."""
    fact = first(runs, ("predicted.by_owner", PREDICTED))
    return _parts(fact.value) if fact else ()


def _parts(sizes: dict[str, Any]) -> tuple[Node, ...]:
    """Of bytes by name, or by group and name."""
    made = []
    for name, size in sizes.items():
        parts = _parts(size) if isinstance(size, dict) else ()
        made.append(Node(name, sum(p.bytes for p in parts) if parts else size, PREDICTED, parts))
    return _largest_first(made)


def _largest_first(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(sorted(nodes, key=lambda node: -node.bytes))


def memory(runs: Sequence[Run]) -> dict[str, dict[str, int]]:
    """Bytes of RAM by symbol, predicted and linked: bars."""
    return {f"{what} {letter}": _with_stack(held)
            for what, letter in (("predicted", PREDICTED), ("linked", LINKED))
            if (held := _held(runs, letter))}

"""How a verb answers: tables for people or one JSON envelope, errors with what, why, what to do."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from edge_dassdp import __version__
from edge_dassdp.base import interrupts
from edge_dassdp.base.errors import EXIT_INTERNAL, EXIT_OK, EdgeError
from edge_dassdp.cli.paths import refuse_unwritable, written

if TYPE_CHECKING:
    from rich.console import RenderableType

_WIDTH = 110
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of tables.",
                                    rich_help_panel="Common options")]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.",
                                     rich_help_panel="Common options")]
RulesFrom = Annotated[list[Path] | None, typer.Option(
    "--rules-from", metavar="FILE.py", show_default=False, rich_help_panel="Common options", help=(
        "Know the rules that this file defines (docs/own-rule.md). Repeat it."))]


@dataclass
class Answer:
    """What a verb found out. data: JSON values. failed: the check that did not pass. warnings: what
    stands in the way of a good result, and what to do about it, a sentence or two each."""

    data: dict[str, Any] = field(default_factory=dict)
    screen: Iterable[RenderableType] = ()
    model_sha256: str = ""
    next: str = ""
    failed: EdgeError | None = None
    exit: int = EXIT_OK
    warnings: Sequence[str] = ()


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, and what a verb had done by then: a sentence, and JSON values."""

    def __init__(self, text: str, data: dict[str, Any], model_sha256: str) -> None:
        super().__init__(text)
        self.data = data
        self.model_sha256 = model_sha256


class Output:
    """Handed to every verb: where lines of a stream and progress go."""

    def __init__(self, verb: str, as_json: bool) -> None:
        from rich.console import Console

        self.verb = verb
        self.as_json = as_json
        self.rules_from: list[str] = []
        """Options that a command of the same rules needs."""
        self.stdout = Console(soft_wrap=False, highlight=False,
                              width=None if sys.stdout.isatty() else _WIDTH)
        self.stderr = Console(stderr=True, highlight=False, soft_wrap=True)

    def line(self, **values: Any) -> None:
        """One object of a stream, under --json alone."""
        if self.as_json:
            print(json.dumps({"schema": f"edge_dassdp/{self.verb}/1", **values}), flush=True)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None] | None]:
        """A function that takes the number done, or None when nobody looks at a terminal."""
        if not sys.stderr.isatty():
            yield None
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                   TimeRemainingColumn())
        with Progress(*columns, console=self.stderr, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)

    def finish(self, answer: Answer) -> int:
        """Print an answer; returns the exit status."""
        from rich.text import Text

        exit = answer.failed.exit_status if answer.failed else answer.exit
        if self.as_json:
            self._envelope(exit, answer.data, answer.model_sha256,
                           [answer.failed] if answer.failed else [], answer.warnings)
        else:
            for i, part in enumerate(answer.screen):
                if i:
                    self.stdout.print()
                self.stdout.print(part, soft_wrap=isinstance(part, Text))
            if answer.next and not answer.failed:
                self.stdout.print(f"next: {answer.next}", soft_wrap=True, markup=False)
        for warning in answer.warnings:
            self.stderr.print(f"warning: {warning}", style="bold yellow", markup=False)
        if answer.failed:
            self._print_error(answer.failed)
        return exit

    def refuse(self, problem: EdgeError) -> int:
        """Print a refusal; returns the exit status."""
        if self.as_json:
            self._envelope(problem.exit_status, {}, "", [problem])
        self._print_error(problem)
        return problem.exit_status

    def interrupted(self, problem: KeyboardInterrupt) -> int:
        """Print one line; returns the exit status."""
        if self.as_json:
            done = problem if isinstance(problem, Interrupted) else Interrupted("", {}, "")
            self._envelope(interrupts.STATUS, done.data, done.model_sha256, [])
        told = f"{interrupts.LINE}: {problem}" if str(problem) else interrupts.LINE
        self.stderr.print(told, markup=False)
        return interrupts.STATUS

    def _print_error(self, problem: EdgeError) -> None:
        head, *rest = str(problem).splitlines()
        self.stderr.print(head, style="bold red", markup=False)
        for line in (*rest, f"  more:  edge-dassdp explain {problem.code}"):
            self.stderr.print(line, markup=False)

    def _envelope(self, exit: int, data: dict[str, Any], model_sha256: str,
                  problems: list[EdgeError], warnings: Sequence[str] = ()) -> None:
        diagnostics = [{"code": p.code, "severity": "error", "message": p.message,
                        "causes": [p.cause] if p.cause else [], "help": p.help, "fix_cmd": None}
                       for p in problems]
        diagnostics += [{"code": None, "severity": "warning", "message": text, "causes": [],
                         "help": "", "fix_cmd": None} for text in warnings]
        print(json.dumps({
            "schema": f"edge_dassdp/{self.verb}/1", "ok": exit == EXIT_OK, "exit": exit,
            "tool": {"name": "edge-dassdp", "version": __version__},
            "inputs": {"model_sha256": model_sha256 or None}, "data": data,
            "diagnostics": diagnostics}), flush=True)


Verb = Callable[..., Answer]


def verb(app: typer.Typer, name: str = "") -> Callable[[Verb], Verb]:
    """Register a function `f(out, ...) -> Answer` as a verb with --json and --debug.

    A parameter whose type is a dataclass stands for its fields, an option each. It raises EdgeError
    to refuse; the status of the process is that of the error.
    """

    def register(function: Verb) -> Verb:
        title = name or function.__name__
        hints = get_type_hints(function, include_extras=True)
        groups = {n: kind for n, kind in hints.items()
                  if isinstance(kind, type) and is_dataclass(kind) and n != "return"}

        def command(rules_from: list[Path] | None = None, json: bool = False,
                    debug: bool = False, **values: Any) -> None:
            def work(out: Output) -> Answer:
                refuse_unwritable(outputs, {**values, "rules_from": rules_from or []})
                _know(out, rules_from or [])
                for group, kind in groups.items():
                    values[group] = kind(**{f.name: values.pop(f.name) for f in fields(kind)})
                return function(out=out, **values)

            raise typer.Exit(_run(Output(title, json), debug, work))

        own = [q for p in inspect.signature(function).parameters.values() if p.name != "out"
               for q in (_options(groups[p.name]) if p.name in groups
                         else [p.replace(annotation=hints[p.name], kind=p.KEYWORD_ONLY)])]
        common = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=d, annotation=t)
                  for n, t, d in (("rules_from", RulesFrom, None), ("json", Json, False),
                                  ("debug", Debug, False))]
        parameters = [*own, *common]
        outputs = written({p.name: p.annotation for p in own})
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        command.__doc__ = function.__doc__
        app.command(title)(command)
        return function

    return register


def _options(group: type) -> list[inspect.Parameter]:
    """Fields of a dataclass, with their annotations and defaults."""
    hints = get_type_hints(group, include_extras=True)
    return [p.replace(annotation=hints[p.name], kind=p.KEYWORD_ONLY)
            for p in inspect.signature(group).parameters.values()]


def _know(out: Output, rules_from: list[Path]) -> None:
    """Load files of rules, and keep the options that name them."""
    if rules_from:
        from edge_dassdp.rules.plugins import load_rules

        for path in rules_from:
            load_rules(path)
    out.rules_from = [part for path in rules_from for part in ("--rules-from", str(path))]


def _run(out: Output, debug: bool, work: Callable[[Output], Answer]) -> int:
    try:
        with interrupts.interruptible():
            answer = work(out)
        if answer.next and out.rules_from:
            answer.next = f"{answer.next} {shlex.join(out.rules_from)}"
        return out.finish(answer)
    except EdgeError as problem:
        found: BaseException = problem
        status = out.refuse(problem)
    except BrokenPipeError:
        raise
    except OSError as problem:
        found = problem
        status = out.refuse(EdgeError(
            "E103", f"{problem.filename or 'a file'} cannot be read or written",
            cause=problem.strerror or str(problem)))
    except KeyboardInterrupt as problem:
        found, status = problem, out.interrupted(problem)
    except Exception as problem:  # whatever else escapes is our defect
        found, status = problem, EXIT_INTERNAL
        out.stderr.print(f"internal error: {type(problem).__name__}: {problem}. This is a defect "
                         "of edge-dassdp; run again with --debug and report it.", markup=False)
    if debug:
        traceback.print_exception(found)
    return status

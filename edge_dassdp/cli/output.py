"""How a verb answers: tables for people or one JSON envelope, errors with what, why, what to do."""

from __future__ import annotations

import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand

from edge_dassdp import __version__
from edge_dassdp.base.errors import EXIT_INTERNAL, EXIT_OK, EdgeError
from edge_dassdp.base.notices import told_by
from edge_dassdp.base.quoting import command
from edge_dassdp.base.text import finite_json
from edge_dassdp.cli.paths import (
    Writes,
    option_of,
    read,
    refuse_missing,
    refuse_unwritable,
    written,
)
from edge_dassdp.cli.shell.completion import ASKED, complete
from edge_dassdp.interrupts import Ended, interruptible
from edge_dassdp.report.streams import StdoutLostError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edge_dassdp.report.live import Pulse
    from edge_dassdp.runs.folder import Folder
    from edge_dassdp.runs.record import Record, Used

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of tables.",
                                    rich_help_panel="Common options")]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.",
                                     rich_help_panel="Common options")]
RulesFrom = Annotated[list[Path] | None, typer.Option(
    "--rules-from", metavar="FILE.py", show_default=False, rich_help_panel="Common options", help=(
        "Know the rules that this file defines (docs/own-rule.md). Repeat it."))]

Run = Annotated[Path | None, typer.Option(
    "--run", metavar="DIR", show_default=False, rich_help_panel="Common options", help=(
        "Leave all of this run in a folder, for `report`, `rerun` and `diff` (docs/report.md).")),
    Writes.RUN]
_WORDS = "edge_dassdp.words"
"""Where a command keeps its words, as they were given."""


@dataclass
class Answer:
    """What a verb found out. data: JSON values. failed: the check that did not pass. warnings: what
    stands in the way of a good result, and what to do about it, a sentence or two each. next: words
    of the next useful command."""

    data: dict[str, Any] = field(default_factory=dict)
    screen: Iterable[RenderableType] = ()
    model_sha256: str = ""
    next: Sequence[str | Path] = ()
    failed: EdgeError | None = None
    exit: int = EXIT_OK
    warnings: Sequence[str] = ()


class Interrupted(Ended):
    """Ctrl-C or another signal, and what a verb had done by then: a sentence, and JSON values."""

    def __init__(self, problem: KeyboardInterrupt, text: str = "",
                 data: dict[str, Any] | None = None, model_sha256: str = "") -> None:
        super().__init__(Ended.of(problem).number, text)
        self.data = data or {}
        self.model_sha256 = model_sha256


class Output:
    """Handed to every verb: where lines of a stream and progress go."""

    def __init__(self, verb: str, as_json: bool) -> None:
        from edge_dassdp.report.console import Screen

        self._lines = sys.stdout
        self._lost: StdoutLostError | None = None
        self._warned: list[str] = []
        self._begun: set[str] = set()
        self._pulse: Pulse | None = None
        self.verb = verb
        self.as_json = as_json
        self.rules_from: list[str | Path] = []
        """Options that a command of the same rules needs."""
        self.run: Folder | None = None
        """The folder of this run, begun."""
        self.record: Callable[[], Record] = _no_record
        """Of this command, for run.toml."""
        self.stdout = Screen()
        self.stderr = Screen(stderr=True, soft_wrap=True)

    def line(self, **values: Any) -> None:
        """One object of a stream, under --json and with --run alone. Where nobody reads on, the
        work goes on."""
        if self.run is not None:
            self.run.line(values)
        if self.as_json and self._lost is None:
            with self._noting_loss():
                self._print(self._named(values))

    def warn(self, *texts: str) -> None:
        """At once, before what takes long; the envelope has it, too."""
        self._warned += texts
        for text in texts:
            self.stderr.print(f"warning: {text}", style="bold yellow")

    def begun(self, text: str) -> None:
        """What takes seconds and shows nothing, said once, but under --json."""
        if not self.as_json and text not in self._begun:
            self.stderr.print(text, style="dim")
        self._begun.add(text)

    def place(self, name: str) -> Path | None:
        """A file of the run folder; None without one."""
        return None if self.run is None else self.run.place(name)

    def link_log(self, spec: str, given: Path | None = None) -> Path | None:
        """Where the bytes on the link of a target go: as given, or in the run folder."""
        from edge_dassdp.targets.open import has_link

        if given is not None or self.run is None or not has_link(spec):
            return given
        return self.run.link_log(spec)

    def _print(self, values: dict[str, Any]) -> None:
        """A line of JSON."""
        print(json.dumps(values, allow_nan=False), file=self._lines, flush=True)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None] | None]:
        """A function that takes the number done, None under --json. A bar on a terminal, elsewhere
        a line now and then. total: 0 where it is not known."""
        if self.as_json:
            yield None
            return
        from edge_dassdp.report.live import bar

        with self.alone(), bar(self.stderr, what, total) as progress:
            yield progress

    @property
    def moves(self) -> bool:
        """Whether anybody sees what moves on stderr."""
        return not self.as_json and sys.stderr.isatty()

    @contextmanager
    def alive(self) -> Iterator[None]:
        """What takes long in the block shows a sign of life, but where it is `alone`."""
        if not self.moves:
            yield
            return
        from edge_dassdp.report.live import Pulse

        self._pulse = pulse = Pulse(self.stderr, self.verb)
        pulse.start()
        try:
            yield
        finally:
            pulse.stop()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The block shows by itself what it does."""
        pulse, self._pulse = self._pulse, None
        if pulse is None:
            yield
            return
        pulse.stop()
        try:
            yield
        finally:
            self._pulse = pulse
            pulse.start()

    def finish(self, answer: Answer) -> int:
        """Print an answer; returns the exit status."""
        exit = answer.failed.exit_status if answer.failed else answer.exit
        exit = self._envelope(exit, answer.data, answer.model_sha256,
                              [answer.failed] if answer.failed else [], answer.warnings)
        if not self.as_json:
            with self._noting_loss():
                self._show(answer)
        self.warn(*answer.warnings)
        if answer.failed:
            self._print_error(answer.failed)
        return self._ended(exit)

    def _show(self, answer: Answer) -> None:
        from rich.text import Text

        for i, part in enumerate(answer.screen):
            if i:
                self.stdout.print()
            self.stdout.print(part, soft_wrap=isinstance(part, Text))
        if answer.next and not answer.failed:
            self.stdout.print(f"next: {self._command(answer.next)}", soft_wrap=True)

    @contextmanager
    def _noting_loss(self) -> Iterator[None]:
        """Where stdout is lost the rest of the block is left out."""
        try:
            yield
        except StdoutLostError as lost:
            self._lost = lost

    def _ended(self, exit: int) -> int:
        """The exit status, unless stdout was lost, which is raised with it."""
        if self._lost:
            self._lost.done = exit
            raise self._lost
        return exit

    def _command(self, words: Sequence[str | Path]) -> str:
        """With the rules that are known here, as this terminal shows it."""
        known = self.rules_from if words[0] == "edge-dassdp" else []
        return command(*words, *known, encoding=self.stdout.encoding)

    def refuse(self, problem: EdgeError) -> int:
        """Print a refusal; returns the exit status."""
        exit = self._envelope(problem.exit_status, {}, "", [problem])
        self._print_error(problem)
        return self._ended(exit)

    def interrupted(self, problem: KeyboardInterrupt) -> int:
        """Print one line; returns the exit status, also where nobody reads any more."""
        done = problem if isinstance(problem, Interrupted) else Interrupted(problem)
        self._envelope(done.status, done.data, done.model_sha256, [])
        self.stderr.print(f"{done.line}: {done}" if str(done) else done.line)
        return done.status

    def _print_error(self, problem: EdgeError) -> None:
        head, *rest = str(problem).splitlines()
        self.stderr.print(head, style="bold red")
        for line in (*rest, f"  more:  edge-dassdp explain {problem.code}"):
            self.stderr.print(line)

    def _envelope(self, exit: int, data: dict[str, Any], model_sha256: str,
                  problems: list[EdgeError], warnings: Sequence[str] = ()) -> int:
        """On stdout under --json, and in the run folder. Gives the exit status, which is another
        one where that does not take it."""
        if self.run is not None:
            try:
                self.run.finish(self._whole(exit, data, model_sha256, problems, warnings), exit)
            except EdgeError as unkept:
                self._print_error(unkept)
                problems, exit = [*problems, unkept], exit or unkept.exit_status
        if self.as_json and self._lost is None:
            with self._noting_loss():
                self._print(self._whole(exit, data, model_sha256, problems, warnings))
        return exit

    def _whole(self, exit: int, data: dict[str, Any], model_sha256: str,
               problems: list[EdgeError], warnings: Sequence[str]) -> dict[str, Any]:
        diagnostics = [{"code": p.code, "severity": "error", "message": p.message,
                        "causes": [p.cause] if p.cause else [], "help": p.help, "fix_cmd": None}
                       for p in problems]
        diagnostics += [{"code": None, "severity": "warning", "message": text, "causes": [],
                         "help": "", "fix_cmd": None} for text in (*self._warned, *warnings)]
        return self._named({"ok": exit == EXIT_OK, "exit": exit,
                            "tool": {"name": "edge-dassdp", "version": __version__},
                            "inputs": {"model_sha256": model_sha256 or None}, "data": data,
                            "diagnostics": diagnostics})

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        """With its schema first; what is no number there is null."""
        return {"schema": f"edge_dassdp/{self.verb}/1", **finite_json(values)}


def _no_record() -> Record:
    raise NotImplementedError("this is no command")


Verb = Callable[..., Answer]


def verb(app: typer.Typer, name: str = "", group: str = "", *,
         runs: bool = False) -> Callable[[Verb], Verb]:
    """Register a function `f(out, ...) -> Answer` as a verb with --json and --debug. group: the
    word before the verb's, where there is one. runs: it computes, so it has --run.

    A parameter whose type is a dataclass stands for its fields, an option each. It raises EdgeError
    to refuse; the status of the process is that of the error.
    """

    def register(function: Verb) -> Verb:
        title = name or function.__name__
        own_hints = get_type_hints(function, include_extras=True)
        groups = {n: kind for n, kind in own_hints.items()
                  if isinstance(kind, type) and is_dataclass(kind) and n != "return"}

        def call(ctx: typer.Context, rules_from: list[Path] | None = None, json: bool = False,
                 debug: bool = False, run: Path | None = None, **values: Any) -> None:
            given = {**values, "rules_from": rules_from, "run": run}

            def work(out: Output, stack: ExitStack) -> Answer:
                refuse_missing(inputs, given)
                refuse_unwritable(outputs, {**given, "rules_from": rules_from or []})
                out.record = lambda: _record(schema,
                                             [*filter(None, (group, title)), *ctx.meta[_WORDS]],
                                             hints, inputs, outputs, given)
                if run is not None:
                    _begin(out, stack, run, given)
                _know(out, rules_from or [])
                for one, kind in groups.items():
                    values[one] = kind(**{f.name: values.pop(f.name) for f in fields(kind)})
                return function(out=out, **values)

            schema = f"{group}-{title}" if group else title
            raise typer.Exit(_run(Output(schema, json), debug, work))

        own = [q for p in inspect.signature(function).parameters.values() if p.name != "out"
               for q in (_options(groups[p.name]) if p.name in groups
                         else [p.replace(annotation=own_hints[p.name], kind=p.KEYWORD_ONLY)])]
        common = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=d, annotation=t)
                  for n, t, d in ((("run", Run, None),) * runs + (
                      ("rules_from", RulesFrom, None), ("json", Json, False),
                      ("debug", Debug, False)))]
        parameters = [*own, *common]
        hints = {p.name: p.annotation for p in parameters}
        if ASKED in os.environ:
            complete(hints)
        outputs, inputs = written(hints), read(hints)
        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY,
                                    annotation=typer.Context)
        call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [context, *parameters])
        call.__annotations__ = hints
        call.__doc__ = function.__doc__
        app.command(title, cls=_asking(inputs))(call)
        return function

    return register


def _asking(inputs: Sequence[str]) -> type[TyperCommand]:
    """A command that says that a file is missing before it asks for an option, and refuses a value
    that is out of range as whatever else is."""

    class Asking(TyperCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            given = list(args)
            ctx.meta[_WORDS] = given
            try:
                return super().parse_args(ctx, args)
            except typer.BadParameter as found:
                words, _, _ = self.make_parser(ctx).parse_args(args=given)
                try:
                    refuse_missing(inputs, words)
                    if type(found) is typer.BadParameter:  # what is missing is a kind of its own
                        raise EdgeError("E105", found.format_message().removesuffix("."),
                                        help=" ".join(ctx.get_usage().split()))
                except EdgeError as problem:
                    out = Output(str(self.name), words.get("json") is True)
                    raise typer.Exit(out.refuse(problem)) from None
                raise

    return Asking


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
    out.rules_from = [part for path in rules_from for part in ("--rules-from", path)]


def _record(verb: str, words: list[str], hints: dict[str, Any], inputs: list[str],
            outputs: dict[str, Writes], values: dict[str, Any]) -> Record:
    """What run.toml says of a command. values: of its parameters."""
    from edge_dassdp.runs.record import Record, used_by

    def used(names: Iterable[str]) -> tuple[Used, ...]:
        return tuple(one for name in names
                     for one in used_by(option_of(name, hints[name]), values.get(name)))

    board = values.get("board")
    boards = ["board"] if isinstance(board, str) and Path(board).is_file() else []
    seeds = {name: value for name, value in values.items()
             if ("seed" in name or name == "random") and isinstance(value, int)}
    return Record(verb, tuple(words), seeds=seeds, inputs=used([*inputs, *boards]), outputs=used(
        name for name, kind in outputs.items() if kind is not Writes.RUN))


def _begin(out: Output, stack: ExitStack, folder: Path, values: dict[str, Any]) -> None:
    """The run folder is this command's until the stack is closed."""
    from edge_dassdp.runs.folder import Folder

    run = Folder(folder, out.verb, out.record())
    stack.enter_context(run.begun(resumes=bool(values.get("resume"))))
    out.run = run
    if isinstance(values.get("model"), Path):
        run.keep_model(values["model"])


def _run(out: Output, debug: bool, work: Callable[[Output, ExitStack], Answer]) -> int:
    """The status of a verb, which its run folder keeps."""
    with ExitStack() as stack:
        status = _worked(out, debug, lambda out: work(out, stack))
        if out.run is not None and out.run.record.exit is None:
            with suppress(EdgeError):  # it was told, where the folder does not take it
                out.run.end(status)
    return status


def _worked(out: Output, debug: bool, work: Callable[[Output], Answer]) -> int:
    try:
        with interruptible(), told_by(out.warn, out.begun), \
                redirect_stdout(sys.stderr if out.as_json else sys.stdout), out.alive():
            answer = work(out)
        return out.finish(answer)
    except EdgeError as problem:
        found: BaseException = problem
        status = out.refuse(problem)
    except StdoutLostError:
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
                         "of edge-dassdp; run again with --debug and report it.")
    if debug:
        out.stderr.print("".join(traceback.format_exception(found)), end="")
    return status

"""state, prove, export: what a device has learned, looked at, proven, and back into the file that
the network came from."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quoting import command
from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes

if TYPE_CHECKING:
    from edge_dassdp.ir import Network
    from edge_dassdp.learned.portable import Learned as LearnedState
    from edge_dassdp.learned.proof import Proof
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.quantize.wayback import Learned

Snapshot = Annotated[Path, typer.Argument(metavar="SNAPSHOT", show_default=False, help=(
    "What `learn` wrote with --snapshot."))]
Into = Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
    "The float network that was quantized, .npz or .nir, which stays as it is; for .nir repeat the "
    "options of `quantize`. Without it the quantized network itself gets the learned weights."))]


States = Annotated[list[str], typer.Argument(metavar="STATE...", show_default=False, help=(
    "Snapshots, that --snapshot, a device's export or `state merge` wrote, or targets: "
    "serial:PORT."))]
State = Annotated[str, typer.Argument(metavar="STATE", show_default=False, help=(
    "A snapshot, that --snapshot or a device's export wrote, or a target: serial:PORT."))]


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True,
                        help="Show, compare and merge what devices have learned.")
    verb(group, "show", "state")(_show)
    verb(group, "diff", "state")(_diff)
    verb(group, "merge", "state")(_merge)
    app.add_typer(group, name="state")
    verb(app, "prove", runs=True)(_prove)
    verb(app, "export")(_export)


def _learned(network: QNetwork, state: str) -> LearnedState:
    """Of a snapshot or, where no file has the name, of a target. Raises EdgeError E103, E504, and
    what opening a target does."""
    from edge_dassdp import harness
    from edge_dassdp.targets.open import open_target

    if os.path.exists(state) or not state.startswith(_TARGETS):
        return harness.read_learned(network, state)
    with open_target(state, network) as target:
        return harness.learned_of(target, network)


_TARGETS = ("serial:", "qemu:", "emulator", "reference")


def _show(out: Output, model: options.Model, state: State) -> Answer:
    """Show what was learned: lessons, digests, weights beside the factory's, counters."""
    from edge_dassdp.learned.compare import look
    from edge_dassdp.report.states import state_screen

    network = options.load_model(model)
    found = look(network, _learned(network, state))
    statistics = found.statistics
    return Answer(
        {"state": state, "digest": f"{statistics.learned_digest:08x}",
         "n_lessons": statistics.n_lessons, "lessons": f"{statistics.lessons_digest:08x}",
         "weights": [asdict(w) for w in found.weights], "statistics": asdict(statistics),
         "profile": found.profile, "taught": list(found.taught)},
        state_screen(network, state, found), network.sha256)


def _diff(out: Output, model: options.Model, first: State, second: State) -> Answer:
    """Say in what two states differ: between boards, between days."""
    from edge_dassdp.learned.compare import compare
    from edge_dassdp.report.states import difference_screen

    network = options.load_model(model)
    found = compare(network, _learned(network, first), _learned(network, second))
    return Answer(
        {"first": first, "second": second, "is_same": found.is_same,
         "n_weights": sum(w.n for w in found.weights), "n_differ": found.n_differ,
         **asdict(found)},
        difference_screen(network, first, second, found), network.sha256)


def _merge(
    out: Output,
    model: options.Model,
    states: States,
    output: Annotated[Path, typer.Option("--output", "-o", show_default=False, help=(
        "Where to write the snapshot.")), Writes.FILE],
) -> Answer:
    """Average what several devices have learned, each by its number of lessons.

    Weights are rounded to the nearest, halves upwards. Counters, gates, profile and the digest of
    lessons are those of the first: the proof from a log ends here.
    """
    from rich.text import Text

    from edge_dassdp.learned.compare import merge, n_lessons
    from edge_dassdp.learned.portable import encode
    from edge_dassdp.storage.files import are_one, write_bytes

    if len(states) < 2:
        raise EdgeError("E105", "there is nothing to merge", help="give two states or more")
    for state in states:
        if are_one(output, Path(state)):
            raise EdgeError("E105", f"{output} is read by this command and would be overwritten",
                            help="write to another file")
    network = options.load_model(model)
    found = [_learned(network, state) for state in states]
    merged = merge(network, found)
    write_bytes(output, encode(network, merged))
    lessons = [n_lessons(network, learned) for learned in found]
    shares = ", ".join(f"{state} {n:,}" for state, n in zip(states, lessons, strict=True))
    return Answer(
        {"output": str(output), "states": list(states), "n_lessons": lessons},
        [Text(f"{output}: the mean of {len(states)} states by their lessons ({shares}); learning "
              f"state of {states[0]}, whose log proves it no more")],
        network.sha256, ["edge-dassdp", "state", "diff", model, states[0], output])


def _prove(
    out: Output,
    model: options.Model,
    lesson_log: Annotated[Path, typer.Argument(metavar="LOG", show_default=False, help=(
        "Lessons, written by `learn --lessons` or by a device itself."))],
    state: State,
    start: Annotated[Path | None, typer.Option(metavar="SNAPSHOT", show_default=False, help=(
        "What had been learned when the log began; without it the factory weights."))] = None,
) -> Answer:
    """Prove from a log what was learned from what.

    Its lessons are replayed in the emulator: they, and nothing else, must leave every bit of the
    state. Exit status 1 where they do not, with the first lesson that differs.
    """
    from rich.text import Text

    from edge_dassdp.harness import read_learned
    from edge_dassdp.learned.log import ReadLog
    from edge_dassdp.learned.proof import prove

    network = options.load_model(model)
    wanted = _learned(network, state)
    begun = read_learned(network, start) if start else None
    with ReadLog(network, lesson_log) as lessons, out.progress("replaying", 0) as progress:
        proof = prove(network, lessons, wanted, begun, progress)
    problem = None if proof.is_proven else EdgeError(
        "E406", f"{lesson_log} does not prove {state}: {_first(proof, network)}", cause=proof.why,
        help=_HELP.get(proof.verdict, ""))
    return Answer(
        {"log": str(lesson_log), "state": state, "proven": proof.is_proven, **asdict(proof)},
        [Text(f"proven: {proof.n_lessons:,} lessons of {lesson_log} make {state}, every weight and "
              "all of the learning state" + _rest(proof))] * proof.is_proven,
        network.sha256, failed=problem)


def _rest(proof: Proof) -> str:
    untold = proof.n_lessons - proof.n_told
    text = f"; of {untold:,} the log has no digest" if untold else ""
    return text + (f"; {proof.left:,} lines of the log come behind it" if proof.left else "")


def _first(proof: Proof, network: QNetwork) -> str:
    """What differs, in words."""
    if proof.verdict == "lesson" and proof.number is not None:
        label = proof.label
        named = "without a label" if label is None or label < 0 else f"label {label}"
        if network.class_names and label is not None and label >= 0:
            named += f" ({network.classes[label]})"
        return f"lesson {proof.number:,} differs, {named}, line {proof.line} of the log"
    if proof.verdict == "weights" and proof.difference is not None:
        parts = [f"{w.n_differ:,} weights of '{w.name}'" for w in proof.difference.weights
                 if w.n_differ] + [f.name for f in proof.difference.learning]
        return f"behind lesson {proof.n_lessons:,} {', '.join(parts)} differ"
    return {"ends": "the log ends before it", "beyond": "the log begins behind it"}.get(
        proof.verdict, f"of its {proof.n_lessons:,} lessons some differ")


_HELP = {
    "lesson": "the log was changed there, or the device was given another sample",
    "lessons": "a log with a digest behind every lesson says which",
    "weights": "weights or learning state were written, merged or restored since the log began",
    "ends": "the device learned more than the log tells: find the rest of it, or take the snapshot "
            "that belongs to its end",
    "beyond": "give the snapshot that was taken after these lessons, or an older log"}


def _export(
    out: Output,
    model: options.Model,
    snapshot: Snapshot,
    output: Annotated[Path, typer.Option("--output", "-o", show_default=False, help=(
        "Where to write the network with learned weights, a file of the same kind.")),
        Writes.FILE],
    into: Into = None,
    *,
    origin: options.Source,
) -> Answer:
    """Write learned weights into a network.

    Weights come back de-quantized with their scales. What was written is read again and must
    quantize to the integers of the snapshot, else exit status 1. Classes that were taught stay in
    the snapshot: a network holds those that it was trained on.
    """
    from rich.text import Text

    from edge_dassdp import qir
    from edge_dassdp.harness import read_learned
    from edge_dassdp.quantize.wayback import requantize, with_learned

    network = options.load_model(model)
    kept = read_learned(network, snapshot)
    _require_untaught(network, kept, model, snapshot)
    learned = kept.weights
    wanted, failed = with_learned(network, learned), None
    if into is None:
        qir.save(wanted, output)
        found = qir.load(output)
        after: list[str | Path] = ["build", output, "--board", "stm32f405"]
    else:
        _into_file(network, learned, into, output, origin)
        found = requantize(origin.load(output), network)
        after = ["inspect", output, *origin.words]
    if found.sha256 != wanted.sha256:
        failed = EdgeError("E404", f"{output} quantizes to other integers than {snapshot} holds",
                           help="report this with both files; it is our defect")
    n_weights = sum(w.size for w in learned.values())
    n_changed = sum(int((w != network.projection(name).w).sum()) for name, w in learned.items())
    text = f"{output}: {', '.join(learned)}, {n_changed:,} of {n_weights:,} weights changed; " \
        "read again, they are the integers of the snapshot"
    return Answer(
        {"output": str(output), "into": str(into) if into else None, "projections": [*learned],
         "n_weights": n_weights, "n_changed": n_changed, "learned_sha256": wanted.sha256},
        [Text(text)] if failed is None else [], network.sha256,
        ["edge-dassdp", *after], failed, warnings=_left_behind(network, kept))


def _require_untaught(network: QNetwork, kept: LearnedState, model: Path, snapshot: Path) -> None:
    """EdgeError E105 where classes were taught."""
    from edge_dassdp.data.labels import listed
    from edge_dassdp.targets.learning import taught_in

    taught = [*taught_in(network, kept.learning)]
    if taught:
        raise EdgeError(
            "E105", f"{snapshot} holds classes that were taught, {listed(taught)}, and a network "
            "does not", cause="their names, means and limits are learning state, not weights: "
            "they would be lost",
            help="keep the snapshot, which every target takes back with --restore; or export "
            "without them, of what this leaves, once for each: " + command(
                "edge-dassdp", "forget", model, taught[0], "--restore", snapshot, "--snapshot",
                f"without-{taught[0]}.state"))


def _left_behind(network: QNetwork, kept: LearnedState) -> list[str]:
    """What else decides on the device, and is in no network."""
    from edge_dassdp.targets.learning import means_in

    n = means_in(network, kept.learning)
    return [f"the device's own means of {n} class{'es' * (n > 1)} are learning state: the network "
            "decides by its weights and the factory's means, and may answer otherwise than the "
            "device did"] if n else []


def _into_file(network: QNetwork, learned: Learned, into: Path, output: Path,
               origin: options.Source) -> None:
    """Write a file of the kind of `into` with learned weights."""
    from edge_dassdp import ir
    from edge_dassdp.frontends import files
    from edge_dassdp.quantize.wayback import dequantize

    kind = files.kind_of(into)
    if kind not in ("float", "nir") or output.suffix != into.suffix:
        raise EdgeError("E105", f"learned weights do not go from {into.name} into {output.name}",
                        help="give two .npz or two .nir files; into a PyTorch module they go by "
                             "edge_dassdp.frontends.torch.back.load_into")
    source = origin.load(into)
    back = dequantize(source, network, learned)
    if kind == "float":
        ir.save(back, output)
        return
    from edge_dassdp.frontends.nir import node_of, to_nir, write_graph

    nodes = node_of(into)
    written = {nodes.get(name) for name in learned}
    shown = {p.name: p.weight for p in back.projections
             if p.name in learned or (p.name in nodes and nodes[p.name] in written)}
    _require_biases(source, back)
    write_graph(to_nir(into, shown), output)


def _require_biases(source: Network, back: Network) -> None:
    """E102 where one was learned."""
    import numpy as np

    for p in back.projections:
        before = source.projection(p.name).bias
        now = p.bias if p.bias is not None else np.zeros(p.n_columns)
        if not np.array_equal(np.zeros(p.n_columns) if before is None else before, now):
            raise EdgeError("E102", f"'{p.name}' learned its biases, which do not go into .nir",
                            help="export into .npz, or quantize without --plastic-biases")

"""export: what a device has learned, back into the file that the network came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes

if TYPE_CHECKING:
    from edge_dassdp.ir import Network
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.quantize.wayback import Learned

Snapshot = Annotated[Path, typer.Argument(metavar="SNAPSHOT.npz", show_default=False, help=(
    "What `learn` wrote with --snapshot."))]
Into = Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
    "The float network that was quantized, .npz or .nir, which stays as it is; for .nir repeat the "
    "options of `quantize`. Without it the quantized network itself gets the learned weights."))]


def register(app: typer.Typer) -> None:
    verb(app, "export")(_export)


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
    quantize to the integers of the snapshot, else exit status 1.
    """
    from rich.text import Text

    from edge_dassdp import qir
    from edge_dassdp.harness import read_snapshot
    from edge_dassdp.quantize.wayback import requantize, with_learned

    network = options.load_model(model)
    learned = read_snapshot(network, snapshot)
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
        ["edge-dassdp", *after], failed)


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

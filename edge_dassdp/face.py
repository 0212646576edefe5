"""The verbs of `import edge_dassdp as ed`: from a file to a model, to a device, to a firmware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike, NDArray

from edge_dassdp import ir, qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.kinds import held_to_kinds
from edge_dassdp.base.notices import warn
from edge_dassdp.base.values import checked_targets
from edge_dassdp.build.board import load_board
from edge_dassdp.comparison import asked
from edge_dassdp.comparison.course import Course
from edge_dassdp.comparison.methods import parsed
from edge_dassdp.comparison.results import Comparison
from edge_dassdp.comparison.study import Order
from edge_dassdp.comparison.trial import Given
from edge_dassdp.comparison.written import write
from edge_dassdp.data import datasets
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.labels import numbered, stated
from edge_dassdp.emit import proven
from edge_dassdp.emit.firmware import Build, build_and_compare
from edge_dassdp.figures.fidelity import measure_fidelity
from edge_dassdp.figures.losses import attempt, losses
from edge_dassdp.frontends.logits import Logits, with_logits
from edge_dassdp.harness import Device, hold, label_row, sample_rows
from edge_dassdp.ir import Network
from edge_dassdp.neurobench import Metrics
from edge_dassdp.neurobench import metrics as _metrics
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize.network import Quantized, with_spare_classes
from edge_dassdp.quantize.network import quantize as _quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning
from edge_dassdp.storage import foreign
from edge_dassdp.targets.open import open_target
from edge_dassdp.wire.lock import lock_of

_READERS = {"quantized": "edge_dassdp.load_model", "nir": "edge_dassdp.from_nir",
            "onnx": "edge_dassdp.from_onnx", "network": "edge_dassdp.load"}


@held_to_kinds()
def load(path: Path | str, *, logits: Logits | None = None) -> Network:
    """The float network in an .npz of `save`. Raises EdgeError E103 for any other file.

    logits: what the training loss saw of the readout's steps, "sum", "mean", "last", "max", or the
    number that it divided the sum by; None for what the file says, the sum in files from before it
    did.
    """
    _expect("network", path)
    network = ir.load(path)
    return network if logits is None else with_logits(network, logits)


@held_to_kinds()
def load_model(path: Path | str) -> QNetwork:
    """The model in an .npz of `save` or of `edge-dassdp quantize`, proven again; `model.proofs` is
    empty, for bounds are not in the file.

    Raises EdgeError E103 for any other file or one that was changed.
    """
    _expect("quantized", path)
    return proven.load(path)


def _expect(kind: str, path: Path | str) -> None:
    """E103 where a file is one that another function reads."""
    found = foreign.what_is(path)
    if found and found.kind in _READERS and found.kind != kind:
        raise EdgeError("E103", f"{path} is {found.title}, expected {foreign.WANTED[kind]}",
                        help=f"read it with {_READERS[found.kind]}")


_NETWORK = "from_torch, from_nir, from_onnx or load gives one"
_MODEL = "quantize makes one of a network, load_model reads one"


@held_to_kinds(network=f"{_NETWORK}; {_MODEL}")
def save(network: Network | QNetwork, path: Path | str) -> None:
    """Write a float network or a model as an .npz, the same bytes every time."""
    if isinstance(network, QNetwork):
        qir.save(network, path)
    else:
        ir.save(network, path)


@held_to_kinds()
def samples(path: Path | str, split: str = "", *,
            classes: Sequence[str] | NDArray[Any] = ()) -> Samples:
    """The samples in a .csv, .npy or .npz, laid out as docs/data.md says: `x` float32 (n,
    n_inputs), `y` int64 (n,) from 0 on, and `classes`, the names of the classes where the file has
    names.

    split: "train", "stream", "test" or "validation"; a file without splits is taken whole, one with
    splits wants it named. classes: the names of the classes 0, 1 and so on, `QNetwork.classes` of a
    model; without it names are numbered by the alphabet, in each file by itself, and a warning says
    so. That a data set of raw bytes is standardized by what it states is a warning. Raises
    EdgeError E103 for another file, E104 for values that are no samples, with their row and column,
    and for a name that is not in `classes`, E105 for a split that does not exist, or classes that
    are no names.
    """
    if not split:
        parts = datasets.load_parts(path)
        if datasets.WHOLE not in parts:
            raise EdgeError("E105", f"{path} has splits", help=f"name one of {', '.join(parts)}")
    part = datasets.load_part(path, split or "train")
    if part.scaling:
        warn(part.scaling)
    if len(classes):
        return part.samples.known_as(stated(list(classes)))
    if part.samples.classes:
        warn(f"names in {Path(path).name} are numbered by the alphabet, "
             f"{numbered(part.samples.classes)}: let the model keep them, quantize(..., "
             "classes=samples.classes), and read other files with classes=model.classes")
    return part.samples


@held_to_kinds(network=_NETWORK)
def quantize(network: Network, learning: Learning | None = None, settings: Settings | None = None,
             *, x: ArrayLike | None = None, y: ArrayLike | None = None,
             classes: Sequence[str] | NDArray[Any] = (), spare_classes: int = 0) -> QNetwork:
    """The integer model of a network, proven to fit; `model.proofs` says how closely.

    learning: what goes on learning on the device, and by which rules; None for inference alone.
    x: finite float training samples as `Device` takes them, for the scale of inputs, the activity
    that picks kernels, and homeostasis; without them inputs are taken to be standardized. y: their
    classes, (n,) integers from 0 to n_classes - 1, or names out of `classes`, for replay from
    flash, the temperature and the sensor; with `values` of settings their targets, finite numbers
    (n, n_outputs). classes: a name for each output in order, which the model keeps
    (`QNetwork.classes`). spare_classes: outputs more, 0 to 16, for classes that are taught on
    the device (`Device.new_class`). What is lost, as weights that became 0, is a warning that names
    the option that helps; so are classes that no sample is of. Raises EdgeError E104 for samples of
    another shape and for labels that are no class, E105 for a bad setting, missing samples or
    names that are none, E201 where a constant has no representation, E202 where a proof fails, E203
    where a rule cannot stand.
    """
    chosen = settings or Settings()
    network = with_spare_classes(network, spare_classes, chosen)
    names = stated(list(classes), network.n_known) if len(classes) else None
    samples = None if x is None else sample_rows(network.inputs, x)
    labels = None if y is None or samples is None else \
        checked_targets(y, len(samples), network.n_classes) if chosen.values else \
        label_row(y, len(samples), network.n_known, names)

    def anew(other: Settings) -> Quantized:
        return _quantize(network, learning, other, samples, labels, names)

    made = attempt(chosen, anew)
    for text in losses(network, made.network, measure_fidelity(network, made), chosen, anew,
                       samples, made.confidence, labels):
        warn(text)
    return made.network


@held_to_kinds(model=_MODEL)
def open(model: QNetwork, target: str = "emulator", *, threads: int = 1,
         log: Path | str | None = None, expect: str | None = None,
         save_every: int = 0, lock: Path | str | None = None) -> Device:
    """A device that runs the model: "emulator", "emulator-checked", "reference",
    "qemu:microbit" or another board with a QEMU machine, "serial:/dev/ttyACM0[@BAUD]".

    qemu builds the firmware first. A board on a serial port keeps what it has learned until it
    restarts, and what was saved to its flash beyond (`Device.store`). save_every: labelled samples
    after which the emulator or QEMU saves by itself, 0 for never. expect: what that must be:
    `Device.digest`, "factory", "last" for how this computer left it, or "any"; without it a board
    that lost what it had learned is refused, and that another host taught it is a warning. threads:
    for inference on the emulator, 0 for all cores. log: a file for every byte on the link. lock:
    the key file of a locked build, of qemu and serial; without it that which EDGE_DASSDP_LOCK
    names; a locked board without its key can only be read. Raises EdgeError E103 for a file that is
    no key, E105 for an unknown target, E301 without a tool, E302 where one fails, E401 for an
    unknown board, E402 for one that is too small, E501, E502 or E504 where the link or the board
    refuses, E507 where it has learned something else, E509 where it is locked with another key or,
    with one given, not at all.
    """
    made = open_target(target, model, n_threads=threads, log=None if log is None else Path(log),
                       save_every=save_every, lock=lock)
    try:
        for text in hold(made, model, expect):
            warn(text)
    except BaseException:
        made.close()
        raise
    return Device(model, made)


@held_to_kinds(model=_MODEL)
def build(model: QNetwork, board: str | Path, *, ram_budget: int | None = None,
          flash_budget: int | None = None, save_every: int = 0,
          lock: Path | str | None = None) -> Build:
    """Firmware for a board, by name or by the path of its board.toml; its linked RAM is the
    predicted one. Has `elf`, `hex`, `ram_bytes`, `flash_bytes`, `predicted`, `linked`, `stack`.

    ram_budget, flash_budget: bytes. save_every: labelled samples after which it saves to flash by
    itself, 0 for never. lock: a key file: only who has it can change what the board learns; without
    it that which EDGE_DASSDP_LOCK names, if any. Raises EdgeError E103 for a file that is no key,
    E105 for a board that cannot save, E301 without a cross compiler, E302 if it fails, E401 for an
    unknown board, E402 if RAM, flash or stack exceed the board or a budget, E403 if a symbol
    differs from its prediction.
    """
    return build_and_compare(model, load_board(str(board)), ram_budget=ram_budget,
                             flash_budget=flash_budget, save_every=save_every, lock=lock_of(lock))


@held_to_kinds(networks=_NETWORK)
def compare(networks: Network | Sequence[Network], *, train: Samples, stream: Samples,
            test: Samples, unshifted: Samples | None = None,
            methods: Sequence[str] = ("frozen", "delta", "error", "touch"), seeds: int = 10,
            learning: Learning | None = None, settings: Settings | None = None,
            order: Order = "shuffled", per_class: int | None = None, limit: int | None = None,
            jobs: int = -1, dask: str | None = None, out: Path | str | None = None,
            resume: bool = False) -> Comparison:
    """Methods of learning side by side, each from the same float weights, over the same streams, in
    the bits of the device. Has `lines`, a method each with means and differences, `sentences` that
    say what helps and what does not, and `rows`, a method and seed each.

    networks: of one task, trained from other seeds; seed k takes the k-th, in turn. train: what
    they were trained on; stream: to learn from; test: to judge by, under the same shift; unshifted:
    without it. methods: "frozen", "default", a rule's word with settings ("touch:mu=16"),
    "backprop", "tess", a file of `edge-dassdp tune`, "profile+..." and "unlabelled+..."
    (docs/compare.md). seeds: orders of the stream and of stochastic rounding. learning: whose
    schedule, replay, guard and gate all methods have, by itself `Learning.default`. order:
    "shuffled", or "kept" as in the stream. per_class, limit: samples of it to learn. jobs:
    processes, -1 for one per core; dask: address of a scheduler in their place. out: a folder for
    rows as they are computed, tables and plots; resume: go on with those there.

    Raises EdgeError E104 for samples that do not fit, E105 for a comparison that compares nothing
    or a folder that holds another, E203 where nothing can learn, E303 without an optional package,
    E510 where a cluster does not answer or is lost.
    """
    several = [networks] if isinstance(networks, Network) else list(networks)
    for network in several:
        if not isinstance(network, Network):
            raise EdgeError("E105", f"networks hold a {type(network).__name__}", help=_NETWORK)
    if not several:
        raise EdgeError("E105", "there is no network to compare with", help=_NETWORK)
    if not all(isinstance(text, str) for text in methods):
        raise EdgeError("E105", "methods are no texts", help="name them, for instance 'touch'")
    given = Given(*(None if part is None else asked.checked(part, several[0], name)
                    for name, part in (("train", train), ("stream", stream), ("test", test),
                                       ("unshifted", unshifted))))  # type: ignore[arg-type]
    study = asked.study(several, given, parsed(methods), settings=settings or Settings(),
                        memory=lambda base: base if learning is None else
                        replace(learning, rules=base.rules), order=order, per_class=per_class,
                        limit=limit)
    course = Course(study, seeds, None if out is None else Path(out), resume=resume)
    for text in course.warnings:
        warn(text)
    made = course.run(n_jobs=jobs, dask=dask)
    if out is not None:
        write(made, Path(out))
    return made


@held_to_kinds(model=f"{_NETWORK}; {_MODEL}")
def metrics(model: Network | QNetwork, x: ArrayLike) -> Metrics:
    """NeuroBench's metrics on samples: footprint, connection and activation sparsity, synaptic
    operations (dense, effective MACs and ACs) and membrane updates, as its package counts them on
    the network's source (docs/neurobench.md); `row()` has them by name.

    model: a float network, or a quantized one as it runs on the device. x: samples as `Device`
    takes them. Raises EdgeError E104 where there is none and for samples that do not fit.
    """
    return _metrics(model, x)

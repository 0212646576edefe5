"""What verbs share that run samples on a target: its state before and after, its link, what is said
of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli.output import Interrupted, Output
from edge_dassdp.cli.paths import Writes
from edge_dassdp.interrupts import held

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    import numpy as np
    from numpy.typing import NDArray
    from rich.text import Text

    from edge_dassdp.data.datasets import Part
    from edge_dassdp.harness import Rescue
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.sensor.monitor import DriftReport
    from edge_dassdp.targets.target import Target

_PIECE = 4096
"""Samples of one call where threads share them."""

EXPECT_HELP = (
    "What the target must have learned as it is opened, before --reset and --restore: the digest "
    "that --json told, factory, last for how this computer left it, or any. Without it a board "
    "that has lost what it learned is refused.")


@dataclasses.dataclass(frozen=True)
class Learned:
    """What a target has learned: put back before, written down after."""

    snapshot: Annotated[Path | None, typer.Option(show_default=False, help=(
        "Afterwards write learned weights and learning state to this file.")), Writes.FILE] = None
    restore: Annotated[Path | None, typer.Option(show_default=False, help=(
        "Before, put back what --snapshot wrote."))] = None
    reset: Annotated[bool, typer.Option("--reset", help=(
        "Before, return to factory weights (a board keeps what it learned)."))] = False
    expect: Annotated[str | None, typer.Option(metavar="STATE", show_default=False,
                                               help=EXPECT_HELP)] = None

    def hold(self, device: Target, network: QNetwork) -> list[str]:
        """Warnings of what the device has learned in the meantime."""
        from edge_dassdp import harness

        return harness.hold(device, network, self.expect,
                            replaced=self.reset or self.restore is not None)

    def put_back(self, device: Target, network: QNetwork) -> None:
        """After `hold`."""
        if self.reset:
            device.reset()
        if self.restore:
            from edge_dassdp import harness

            harness.load_snapshot(device, network, self.restore)
        memory = getattr(device, "memory", None)
        if memory and (self.reset or self.restore):
            memory.set_aside()

    def rescue(self, network: QNetwork) -> Rescue:
        """Room for the snapshot, before anything begins. Raises EdgeError E103 without."""
        from edge_dassdp import harness

        return harness.Rescue(network, self.snapshot)


def named(network: QNetwork, class_idx: int, label: int,
          taught: Mapping[str, int] = MappingProxyType({})) -> dict[str, str | None]:
    """Names of a sample's classes, for its line; nothing where the model knows none. class_idx
    below 0: there is no answer. taught: index by name of classes that were taught."""
    if network.class_names is None and not taught:
        return {}
    from edge_dassdp.harness.classes import named_classes

    names = named_classes(network, taught)
    return {"class_name": names[class_idx] if class_idx >= 0 else None, "label_name": names[label]}


def taught_on(network: QNetwork, target: str, learned: Learned, lock: Path | None
              ) -> dict[str, int]:
    """Classes, index by name, that a target will have been taught when a command begins: those of
    the snapshot that is put back, or of the board; others begin anew."""
    if not network.spare_classes:
        return {}
    from edge_dassdp.harness import read_learned
    from edge_dassdp.targets.learning import taught_in
    from edge_dassdp.targets.open import open_target

    if learned.restore is not None:
        return taught_in(network, read_learned(network, learned.restore).learning)
    if learned.reset or not is_board(target):
        return {}
    with open_target(target, network, lock=lock) as device:
        return taught_in(network, device.read_learning())


def from_factory(stack: ExitStack, device: Target, network: QNetwork, is_final: bool) -> list[str]:
    """Factory weights; until the stack ends, unless that is final, on a board that keeps what it
    learned. Gives warnings."""
    from edge_dassdp import harness
    from edge_dassdp.targets.link import LinkTarget

    warnings: list[str] = []
    device.require_key("a comparison, which begins with factory weights,")
    if isinstance(device, LinkTarget) and device.memory is not None:
        if is_final:
            warnings = harness.hold(device, network, "any")
        else:
            stack.enter_context(harness.keeping(device, network, device.memory.snapshot))
    device.reset()
    return warnings


def allow_profile(device: Target, network: QNetwork, is_allowed: bool) -> None:
    """--allow-profile. Raises EdgeError E503 where the model takes none by itself."""
    from edge_dassdp.reference.asked import require_search

    if is_allowed:
        require_search(network)
        device.allow_profile()


def drift(report: DriftReport | None) -> dict[str, Any] | None:
    """What the device says of its sensor, as JSON values."""
    return None if report is None else dataclasses.asdict(report)


def require_plastic(network: QNetwork) -> None:
    if not network.plastic:
        raise EdgeError("E105", "this model is frozen, nothing in it learns",
                        help="quantize it without --frozen")


def classify(out: Output, device: Target, x: NDArray[np.int8],
             told: Callable[[int, NDArray[np.int64]], None] | None = None, *,
             looks: bool = False,
             read: Callable[[NDArray[np.int8]], NDArray[Any]] | None = None) -> NDArray[Any]:
    """Classes of x, or what `read` gives of samples, with progress. told: the place of samples and
    their classes, as soon as they are known. looks: the device observes each before. An error, or
    Ctrl-C, says how many were."""
    import numpy as np

    found: list[NDArray[Any]] = []
    read = read or device.classify
    n_done, n_piece = 0, 1 if device.at_once == 1 or looks else _PIECE
    try:
        with out.progress("classifying", len(x)) as progress:
            while n_done < len(x):
                if looks:
                    device.observe(x[n_done])
                found.append(read(x[n_done:n_done + n_piece]))
                with held():  # no line is torn, or written twice
                    if told:
                        told(n_done, found[-1])
                    n_done += len(found[-1])
                if progress:
                    progress(n_done)
    except EdgeError as problem:
        if n_done:
            problem.message += f": {_classified(n_done, x)}"
        raise
    except KeyboardInterrupt as problem:
        raise Interrupted(problem, _classified(n_done, x), {
            "n_classified": n_done, "n_samples": len(x)}) from None
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _classified(n: int, x: NDArray[np.int8]) -> str:
    return f"{n:,} of {len(x):,} samples were classified"


def link(device: Target) -> dict[str, int] | None:
    frames, repeated, recovered = device.link_frames, device.link_retries, device.link_recovered
    return None if frames is None else {"frames": frames, "repeated": repeated or 0,
                                        "recovered": recovered or 0}


def link_text(link: dict[str, int] | None) -> str:
    if not link:
        return ""
    text = f"; link: {link['frames']:,} frames, {link['repeated']:,} repeated"
    return text + f", {link['recovered']:,} sessions lost and renewed" * (link["recovered"] > 0)


def is_board(target: str) -> bool:
    """Whether it keeps what it learned when this process ends."""
    return target.startswith("serial:")


def letter(target: str) -> str:
    """Where a figure of this target comes from."""
    return "M" if is_board(target) else "E"


def notes(target: str, part: Part) -> list[Text]:
    """Where figures come from; what was made of a file's values is told."""
    from rich.text import Text

    place = "QEMU" if target.startswith("qemu:") else f"the {target}"
    meaning = "M measured on this board" if is_board(target) else \
        f"E executed by {place}, the same bits as a board"
    return [Text(note, "dim") for note in (meaning, *part.notes)]

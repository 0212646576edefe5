"""How far a stream got on a device that keeps what it learned, and where to take it up again.

The device knows it best: its counter of labelled samples says how many of the stream it learned.
What the host keeps says where the counter began, and between which counts it may stand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.files import write_text
from edge_dassdp.storage.state import state_folder
from edge_dassdp.targets.target import Statistics

PROGRESS = "edge_dassdp/progress/1"
_COUNTS = 1 << 32


@dataclass(frozen=True)
class Progress:
    """A stream on its way.

    n_labelled, n_replayed: the device's counters, of labelled samples learned or held back by its
    CUSUM gate, and of stored ones learned again, when the first sample was learned, and when the
    first stored one was replayed; None before. n_warm: samples shown to the dopamine gates,
    n_learned those learned: so many for certain. in_doubt: one more may have been. digest: of what
    the device had learned when it was left, None if nobody could ask. n_taught: commands that had
    taught the board from this computer, the stream's own the last; None where nobody counts.
    before: accuracy on the samples to judge by, before the stream.
    """

    n_samples: int
    n_warm: int = 0
    n_labelled: int | None = None
    n_learned: int = 0
    n_replayed: int | None = None
    in_doubt: bool = True
    digest: int | None = None
    n_taught: int | None = None
    before: float | None = None

    def write(self, path: Path) -> None:
        """Once a sample, so it does not wait for the medium: an older file is refused, no more.
        Raises EdgeError E103 where it cannot."""
        write_text(path, json.dumps({"format": PROGRESS, **asdict(self)}) + "\n", sync=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises EdgeError E105 where there is none, E103 where it is damaged."""
        try:
            found = json.loads(path.read_text("utf-8"))
            if found.pop("format") != PROGRESS or set(found) != {f.name for f in fields(cls)}:
                raise ValueError
            if not all(isinstance(v, int | float | None) for v in found.values()):
                raise TypeError
            return cls(**found)
        except FileNotFoundError:
            raise EdgeError(
                "E105", "there is no stream of these samples to take up",
                cause="none was interrupted on this target, or it has been learned to its end",
                help="give model, data, split, --shift-seed, --limit, --warm-up and --target as "
                "then; without --resume the stream begins anew") from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            raise EdgeError("E103", f"{path} is damaged: nobody knows how far the stream was",
                            help="begin anew from a known state, with --reset or --restore"
                            ) from None

    def require_last(self, n_taught: int | None) -> None:
        """EdgeError E505 where other commands taught the board since. n_taught: how many did."""
        if n_taught is not None and self.n_taught is not None and n_taught != self.n_taught:
            raise _elsewhere("it learned others: another command from here taught it since")

    def learned_by(self, statistics: Statistics) -> int:
        """How many samples of the stream a device has learned, by its own count.

        Raises EdgeError E505 where that is not where this stream left it.
        """
        if self.n_labelled is None:
            raise EdgeError(
                "E505", "the stream was lost before its first sample was learned",
                cause=f"{self.n_warm:,} samples of the warm-up were shown for certain, and none "
                "counts them on the device",
                help="begin anew from a known state, with --reset or --restore")
        n = (statistics.n_taken - self.n_labelled) % _COUNTS
        most = min(self.n_learned + self.in_doubt, self.n_samples)
        if not self.n_learned <= n <= most:
            left = f"{self.n_labelled + self.n_learned:,}"
            left += f" or {self.n_labelled + most:,}" if most > self.n_learned else ""
            raise _elsewhere(f"it counts {statistics.n_taken:,} samples learned and should "
                             f"count {left}: it restarted, was reset, or learned others")
        if self.digest not in (None, statistics.learned_digest):
            raise _elsewhere("it counts as many samples, but learned others: digest "
                             f"{statistics.learned_digest:08x}, then {self.digest:08x}")
        return n


def _elsewhere(cause: str) -> EdgeError:
    return EdgeError("E505", "the device is not in the state in which this stream left it",
                     cause=cause, help="put a snapshot of that moment back with --restore and "
                     "--resume, or begin anew from a known state, with --reset or --restore")


def progress_path(parts: Iterable[bytes]) -> Path:
    """Where the progress of the stream that `parts` make up is kept. Raises EdgeError E103 as
    `state_folder`."""
    key = hashlib.sha256()
    for part in parts:
        key.update(len(part).to_bytes(8, "little") + part)
    return state_folder() / "streams" / f"{key.hexdigest()[:32]}.json"

"""How far a stream got on a device that keeps what it learned, and where to take it up again.

The device knows it best: its counter of labelled samples says how many of the stream it learned.
What the host keeps says where the counter began, and between which counts it may stand.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.files import write_text
from edge_dassdp.targets.target import Statistics

PROGRESS = "edge_dassdp/progress/1"
_COUNTS = 1 << 32


@dataclass(frozen=True)
class Progress:
    """A stream on its way.

    n_labelled, n_replayed: the device's counters when the first sample was learned, and when the
    first stored one was replayed; None before. n_warm: samples shown to the gates, n_learned those
    learned: so many for certain. in_doubt: one more may have been. before: accuracy on the samples
    to judge by, before the stream.
    """

    n_samples: int
    n_warm: int = 0
    n_labelled: int | None = None
    n_learned: int = 0
    n_replayed: int | None = None
    in_doubt: bool = True
    before: float | None = None

    def write(self, path: Path) -> None:
        """Raises EdgeError E103 where it cannot."""
        write_text(path, json.dumps({"format": PROGRESS, **asdict(self)}) + "\n")

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
        n = (statistics.n_labelled - self.n_labelled) % _COUNTS
        most = min(self.n_learned + self.in_doubt, self.n_samples)
        if not self.n_learned <= n <= most:
            left = f"{self.n_labelled + self.n_learned:,}"
            left += f" or {self.n_labelled + most:,}" if most > self.n_learned else ""
            raise EdgeError(
                "E505", "the device is not in the state in which this stream left it",
                cause=f"it counts {statistics.n_labelled:,} samples learned and should count "
                f"{left}: it restarted, was reset, or learned others",
                help="put a snapshot of that moment back with --restore and --resume, or begin "
                "anew from a known state, with --reset or --restore")
        return n


def progress_path(parts: Iterable[bytes]) -> Path | None:
    """Where the progress of the stream that `parts` make up is kept; None without a home folder.

    $EDGE_DASSDP_STATE, or edge-dassdp in $XDG_STATE_HOME or ~/.local/state.
    """
    key = hashlib.sha256()
    for part in parts:
        key.update(len(part).to_bytes(8, "little") + part)
    folder = state_folder()
    return folder / f"learn-{key.hexdigest()[:32]}.json" if folder else None


def state_folder() -> Path | None:
    own, home = os.environ.get("EDGE_DASSDP_STATE"), os.environ.get("XDG_STATE_HOME", "")
    if own:
        return Path(own)
    try:
        base = Path(home) if os.path.isabs(home) else Path.home() / ".local" / "state"
    except RuntimeError:  # nobody's home is known
        return None
    return base / "edge-dassdp"

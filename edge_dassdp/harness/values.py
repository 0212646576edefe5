"""How far values are from their targets, in the measures of regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.values import QValues, Targets, nrmse
from edge_dassdp.harness.stream import UNKNOWN, Stream

_MOST_TOLD = 8
"""Outputs that a line lists."""


@dataclass(frozen=True)
class Errors:
    """By output: nrmse, root mean square error over the standard deviation of the targets, 1 is
    what their mean would give, None of targets that do not differ; mae, mean absolute error in
    their unit. names: of the outputs, empty where they have none."""

    nrmse: tuple[float | None, ...]
    mae: tuple[float, ...]
    n_samples: int
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Targets, targets: Targets, names: Sequence[str] = ()) -> Errors:
        """Both (n, n_outputs). Raises EdgeError E104 without samples."""
        if not len(targets):
            raise EdgeError("E104", "no samples to judge by")
        error = values - targets
        found: list[float | None] = []
        for c in range(targets.shape[1]):
            try:
                found.append(float(nrmse(error[:, [c]], targets[:, [c]])[0]))
            except EdgeError:
                found.append(None)
        return cls(tuple(found), tuple(np.abs(error).mean(axis=0).tolist()), len(targets),
                   tuple(names))

    @property
    def mean_nrmse(self) -> float | None:
        """Root of its mean square over the outputs, None where any has none."""
        known = [e for e in self.nrmse if e is not None]
        return float(np.sqrt(np.mean(np.square(known)))) if len(known) == len(self.nrmse) else None

    @property
    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return {"mean_nrmse": self.mean_nrmse, "nrmse": list(self.nrmse), "mae": list(self.mae),
                "outputs": list(self.names)}

    def __str__(self) -> str:
        told = [f"{self.names[c] + ' ' if self.names else ''}{_said(self.nrmse[c])}, MAE "
                f"{self.mae[c]:.4g}" for c in range(min(len(self.mae), _MOST_TOLD))]
        flat = "; targets of one value alone have no spread, so no NRMSE" * (None in self.nrmse)
        return "NRMSE " + "; ".join(told) + "; ..." * (len(self.mae) > _MOST_TOLD) + flat


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


@dataclass(frozen=True, eq=False)
class ValueStream:
    """A stream of targets that was learned from, once. predicted: (n, n_outputs) what each output
    was before the sample was learned, NaN where the link lost it. targets: likewise. is_skipped:
    (n,) bool, as good as right already, so that nothing was written."""

    predicted: Targets
    targets: Targets
    is_skipped: NDArray[np.bool_]
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: QValues, stream: Stream, targets: Targets) -> ValueStream:
        """targets: those of the samples of the stream, (n, n_outputs)."""
        found = np.full(targets.shape, np.nan)
        if stream.logits is not None and len(targets):
            found = values.of_logits(stream.logits)
            found[stream.predicted == UNKNOWN] = np.nan
        return cls(found, targets, stream.is_skipped, values.names)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def n_unanswered(self) -> int:
        """Samples whose values the link lost; they are in no error."""
        return int(np.isnan(self.predicted).any(axis=1).sum())

    @property
    def errors(self) -> Errors:
        """Over the samples that were answered. Raises EdgeError E104 without any."""
        return self.last(len(self))

    def last(self, n: int, end: int | None = None) -> Errors:
        """The same of the n samples before `end`, in the spread of all targets' mean square."""
        rows = slice(max(0, (len(self) if end is None else end) - n), end)
        known = ~np.isnan(self.predicted[rows]).any(axis=1)
        return Errors.of(self.predicted[rows][known], self.targets[rows][known], self.names)

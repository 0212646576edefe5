"""Domain shifts to test adaptation with: what a fielded sensor does to its readings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError


@dataclass(frozen=True, eq=False)
class WornSensor:
    """Gains and offsets that drifted apart, and some inputs that died.

    x' = dark + gain * (x - dark) + offset; a dead input reads `dark` for ever.
    gain, offset: float32 (n_inputs,); dead: bool (n_inputs,); offset and dark in units of x.
    dark: the reading without light, or None for the lowest value of the x given to `apply`.
    """

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    dead: NDArray[np.bool_]
    dark: float | None = None

    @classmethod
    def draw(
        cls,
        n_inputs: int,
        seed: int,
        *,
        gain_spread: float = 0.6,
        offset_std: float = 1.2,
        dead_share: float = 0.2,
        dark: float | None = None,
    ) -> WornSensor:
        """A sensor drawn from `seed`, the same for the same arguments.

        gain: uniform in 1 +- gain_spread (0 to 1). offset: normal with offset_std >= 0.
        dead: exactly round(dead_share * n_inputs) inputs, dead_share 0 to 1.
        Raises EdgeError E105 for a value out of range.
        """
        if not (0 <= gain_spread <= 1 and 0 <= dead_share <= 1 and 0 <= offset_std < np.inf):
            raise EdgeError("E105", f"worn sensor: gain_spread {gain_spread} and dead_share "
                            f"{dead_share} must lie in [0, 1], offset_std {offset_std} in [0, inf)")
        rng = np.random.default_rng(seed)
        gain = rng.uniform(1 - gain_spread, 1 + gain_spread, n_inputs)
        offset = rng.normal(0.0, offset_std, n_inputs)
        dead = np.zeros(n_inputs, np.bool_)
        dead[rng.permutation(n_inputs)[: round(dead_share * n_inputs)]] = True
        return cls(gain.astype(np.float32), offset.astype(np.float32), dead, dark)

    def apply(self, x: ArrayLike) -> NDArray[np.float32]:
        """x: (..., n_inputs), float32 out of the same shape. E104 for another last axis."""
        samples = np.asarray(x, dtype=np.float32)
        if samples.shape[-1:] != self.gain.shape:
            raise EdgeError("E104", f"samples have shape {samples.shape}, expected "
                            f"(..., {len(self.gain)})")
        dark = np.float32(samples.min() if self.dark is None else self.dark)
        return np.where(self.dead, dark, dark + self.gain * (samples - dark) + self.offset)

    @property
    def description(self) -> str:
        """One sentence with the numbers."""
        return (
            f"worn sensor: {int(self.dead.sum())} of {len(self.dead)} inputs dead, gains "
            f"{self.gain.min():.2f} to {self.gain.max():.2f}, offsets of standard deviation "
            f"{self.offset.std():.2f}"
        )

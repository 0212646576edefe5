"""How the modules of a model take its steps: they share one call, so all must take the same.

A neuron of one step that is given all of them at once has no memory between them; one of all steps
that is given one takes samples for steps. Neither fails, and neither shows where every module runs
alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.framework import FLAT, NO_STEPS, ONE_STEP, ROWS, Call, Modules
from edge_dassdp.frontends.torch.values import unsupported


@dataclass(frozen=True)
class Steps:
    """Of modules that share a call. n_steps: of a sample, 0 where that is not asked. told: who told
    what it takes, or gives to those within, for messages, that, and its package."""

    n_steps: int = 0
    told: list[tuple[str, Call, Modules]] = field(default_factory=list)

    def meet(self, at: str, module: Any, its: Modules) -> Steps:
        """What the modules within one share, where it stands beside the others. Raises EdgeError
        E102 where it does not take what they take, E101 where its steps are not `n_steps`."""
        call = its.call(module)
        if call is None:
            return self
        if call.n_steps and self.n_steps and call.n_steps != self.n_steps:
            cause = "starts anew within a sample" if call.n_steps < self.n_steps else \
                "takes several samples for one"
            raise EdgeError("E101", f"{at} takes samples of {call.n_steps} steps ({call.setting}), "
                            f"but n_steps is {self.n_steps}", cause=f"it {cause}", help="import it "
                            f"with n_steps={call.n_steps}, or build it for {self.n_steps} steps")
        for who, other, whose in self.told:
            if not _agree(call, other):
                how = its.same_steps if whose is its else "use neurons of one framework"
                raise unsupported(at, f"takes {_said(call)}, but {who} {_said(other)}",
                                  f"let all take the same: {how}")
        self.told.append((f"{at} takes", call, its))
        if not call.within:
            return self
        return replace(self, told=[(f"{at} gives it", Call(call.within), its)])


def _agree(one: Call, other: Call) -> bool:
    if one.n_samples and other.n_samples and one.n_samples != other.n_samples:
        return False
    return one.takes == other.takes or any(
        {one.takes, other.takes} == {NO_STEPS, takes} for takes in (ONE_STEP, FLAT, ROWS))


def _said(call: Call) -> str:
    return call.takes + f" ({call.setting})" * bool(call.setting)

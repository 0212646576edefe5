"""What a framework is to the importers: one file of frontends/torch, which states its `FRAMEWORK`.

The file is called as the package whose classes it reads, imports that package in no line that runs
before a module of it is read, and is found where it stands: the importers, the refusals and the
command line ask `known.frameworks` and name none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.known import FOLDER, NIR, frameworks, sources
from edge_dassdp.frontends.nodes import Node
from edge_dassdp.ir import FloatArray, Reset

Numbers = NDArray[Any]
Shape = tuple[int, ...]
"""Of values without batch and time; () where it is not known yet."""


# ---- live modules --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cells:
    """Neurons of a module. settings: as in `nodes.Neurons`. fires: its output are spikes, not
    membranes. recurrent: modules or nodes between its output and its own input, in order. keeps:
    the module itself holds the state, so that it cannot stand twice in a model."""

    settings: dict[str, Any]
    fires: bool = True
    recurrent: tuple[Any | Node, ...] = ()
    keeps: bool = True


Reader = Callable[[Any, str, Shape], Cells]
"""(module, what messages call it, its shape) -> its neurons."""
Layer = Callable[[Any, str, Shape], Node]
"""(module, what messages call it, shape of its input) -> what it computes."""
Children = Callable[[Any], Sequence[tuple[str, Any]]]
"""A module -> (name, module) in the order they run."""
Run = Callable[[Any, Any], tuple[Any, Any]]
"""(module of neurons, inputs) -> outputs and membranes as stored after each step, tensors (n,
n_steps, *shape), from the module's start; it may change the module, which is put back."""
Apply = Callable[[Any, Any], Any]
"""(layer, rows (n, *shape)) -> what it makes of them, one after the other, of any shape."""

ONE_STEP = "one step a call"
TIME_FIRST = "all steps in a call, time first"
TIME_SECOND = "all steps in a call, samples first"
FLAT = "all steps in a call, samples and steps in one dimension"
ROWS = "rows that know no steps"
NO_STEPS = "values without a dimension of time"


@dataclass(frozen=True)
class Call:
    """What a call of a module holds. takes: one of the above; what keeps no state may take
    `NO_STEPS`. setting: of the module, that says so. within: what the modules in it take where it
    gives them something else. n_steps, n_samples: where they are fixed, else 0."""

    takes: str
    setting: str = ""
    within: str = ""
    n_steps: int = 0
    n_samples: int = 0


@dataclass(frozen=True, eq=False)
class Modules:
    """What the classes of a package compute, each by its full name: a subclass may compute
    something else and is refused.

    - neurons, layers: readers of them
    - ignored: classes that pass their input on
    - containers: of modules that run one after the other
    - wrappers: the attribute with the only module of classes that run it as it is, or take time for
      a part of the batch
    - transposed: layers whose weight is (n_in, n_out)
    - counts_as: the class that one counts as, where a package patches those of others
    - run, apply: how neurons and layers are called, where an import is compared with its source
    - watchers: Python modules whose forward hooks only record
    - call: what a call of a module holds, None where that is all the same to it
    - same_steps: for messages, how all come to take the same, where some do not
    """

    neurons: Mapping[str, Reader] = field(default_factory=dict)
    layers: Mapping[str, Layer] = field(default_factory=dict)
    ignored: Collection[str] = ()
    containers: Mapping[str, Children] = field(default_factory=dict)
    wrappers: Mapping[str, str] = field(default_factory=dict)
    transposed: Collection[str] = ()
    counts_as: Callable[[type], type] = lambda kind: kind
    run: Run | None = None
    apply: Apply = lambda module, rows: module(rows)
    watchers: Collection[str] = ()
    call: Callable[[Any], Call | None] = lambda module: None
    same_steps: str = ""


# ---- NIR files -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class SourceProfile:
    """Where a NIR file comes from. framework: one of `known.sources`. None leaves a field as the
    framework writes it, if that is one way only.

    - reset, reset_delay: as in `ir.Population`
    - strict: > against >=
    - dt: a step in the unit of the file's time constants
    - norm_input: whether inputs are scaled by 1 - a
    - max_spikes: most of a neuron in a step, 0 for no limit
    - floor: least membrane as a multiple of the threshold; nan stands for none

    Raises EdgeError E105.
    """

    framework: str
    reset: Reset | None = None
    reset_delay: bool | None = None
    strict: bool | None = None
    dt: float | None = None
    norm_input: bool | None = None
    max_spikes: int | None = None
    floor: float | None = None

    def __post_init__(self) -> None:
        if self.framework not in sources():
            raise EdgeError("E105", f"'{self.framework}' is no known source of NIR files",
                            help=f"choose one of {', '.join(sources())}")
        if self.reset not in (None, *get_args(Reset)):
            raise EdgeError("E105", f"reset '{self.reset}' is not subtract, zero or none",
                            help="choose one of them: reset=subtract")
        for f in fields(self)[1:]:
            if getattr(self, f.name) is not None and not self.takes(f.name):
                raise EdgeError("E105", f"{f.name} is no setting of {self.framework}",
                                help=f"it has {', '.join(self._own)}")
        if self.dt is not None and not (np.isfinite(self.dt) and self.dt > 0):
            raise EdgeError("E105", f"dt is {self.dt!r}, expected a positive number",
                            help="give a step in the unit of the file's time constants: dt=1e-3")

    @property
    def _own(self) -> tuple[str, ...]:
        return (*_OF_ALL, *(("dt",) if self.framework == NIR
                            else framework(self.framework).profile.settings))

    def takes(self, name: str) -> bool:
        """Whether its framework has a setting."""
        return name in self._own

    @classmethod
    def parse(cls, text: str) -> SourceProfile:
        """Of "framework,field=value,...", as `str` writes it. Raises EdgeError E105."""
        source, *rest = (part.strip() for part in text.split(","))
        values: dict[str, Any] = {}
        for part in rest:
            name, _, value = part.partition("=")
            if name not in {f.name for f in fields(cls)} - {"framework"}:
                raise EdgeError("E105", f"'{part}' is no setting of a source profile",
                                help="fields are " + ", ".join(f.name for f in fields(cls)[1:]))
            values[name] = _parsed(name, value)
        return cls(source, **values)

    def __str__(self) -> str:
        given = {f.name: getattr(self, f.name) for f in fields(self)[1:]}
        return ",".join([self.framework, *(f"{name}={str(value).lower()}"
                                           for name, value in given.items() if value is not None)])


_OF_ALL = ("reset", "reset_delay", "strict")
"""Fields of a profile that every framework has; others it has where `Profile.settings` names them.
"""


def _parsed(name: str, value: str) -> Any:
    if name == "reset":
        return value
    try:
        if name in ("dt", "floor"):
            return float(value)
        return int(value) if name == "max_spikes" else {"true": True, "false": False}[value.lower()]
    except (ValueError, KeyError):
        raise EdgeError("E105", f"'{value}' is no value of {name}", help={
            "dt": "give a number: dt=1e-3", "floor": "give a number or nan: floor=-1",
            "max_spikes": "give an integer: max_spikes=0"}.get(
                name, f"choose true or false: {name}=true")) from None


@dataclass(frozen=True, eq=False)
class NeuronSource:
    """A neuron node as it is stored. kind: the name of its NIR type. values: its parameters.
    is_recurrent: it leads back to itself without other neurons."""

    name: str
    kind: str
    values: Mapping[str, Numbers]
    is_recurrent: bool = False

    @property
    def fires(self) -> bool:
        """Its output is spikes, not its membrane."""
        return self.kind not in ("LI", "CubaLI", "I")

    @property
    def is_current(self) -> bool:
        return self.kind in ("CubaLIF", "CubaLI")

    @property
    def tau(self) -> Numbers:
        tau = self.values["tau_mem" if self.is_current else "tau"]
        return tau if tau.dtype.kind == "f" else tau.astype(np.float64)

    def number(self, name: str, default: float = 0.0) -> FloatArray:
        return np.asarray(self.values.get(name, default), np.float64)


@dataclass(frozen=True, eq=False)
class Profile:
    """What a framework means by the neurons of a NIR file.

    - read: fields of `ir.Population` but for name, size and shape; raises EdgeError as
      `profile.resolve`
    - choices: fields of a `SourceProfile` that together leave nothing open, one way or another
    - settings: of `dt`, `norm_input`, `max_spikes` and `floor` those that `read` looks at
    """

    read: Callable[[SourceProfile, NeuronSource], dict[str, Any]]
    choices: Sequence[Mapping[str, Any]] = ({},)
    settings: Collection[str] = ()


# ---- frameworks ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Framework:
    """title: as its authors write it."""

    title: str
    modules: Modules
    profile: Profile


def framework(name: str) -> Framework:
    """One of `known.frameworks`."""
    found: Framework = import_module(f"{FOLDER}.{name}").FRAMEWORK
    return found


def titles() -> tuple[str, ...]:
    """Of all frameworks."""
    return tuple(framework(name).title for name in frameworks())

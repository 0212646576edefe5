"""Many models in one program: for this computer under the sanitizers, or for a board in QEMU.

The runtime is compiled once for all, each model adds its tables. A program is told the same calls
as the reference made, and all that comes back must be what it gave. On this computer a gap that the
sanitizer watches lies behind each field of a state and each part of its scratch.
"""

from __future__ import annotations

import struct
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from support.scenario import IDLE_STEPS, Call, Scenario

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import Project, emulator_project, firmware_project
from edge_dassdp.build.tools import ARM_PREFIX
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan, scratch
from edge_dassdp.plan.constants import tables
from edge_dassdp.plan.layout import Layout
from edge_dassdp.qir.tables import StateField
from edge_dassdp.reference import Reference
from edge_dassdp.targets.qemu import QemuProcess

HERE = Path(__file__).parent
GAP_BYTES = 64
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all",
              "-fno-omit-frame-pointer")
OPERATIONS = {"infer": b"i", "learn": b"l", "warm_up": b"w", "fit_gate": b"f", "idle": b"n",
              "save": b"s", "rollback": b"r", "observe": b"o", "fit_profile": b"p",
              "select_profile": b"c", "allow_profile": b"a", "new_class": b"t",
              "forget_class": b"g"}
RESULT = ("class_idx", "loss_q8", "is_skipped", "is_updated", "n_replayed", "is_fallen_back",
          "is_held")


class DivergenceError(Exception):
    """A model that did not give the bits of the reference, or a program that ended."""


Gap = tuple[int, int]
"""Begin and size in bytes, from the start of the state."""


def spaced(layout: Layout) -> tuple[Plan, list[Gap]]:
    """The plan of a layout with a gap behind each field, but those of a snapshot, which C reads as
    one, and behind each part of the scratch, none of which shares bytes with others."""
    places, inner, end = dict[str, int](), list[Gap](), 0
    for name, n_bytes in _parts(layout).items():
        places[name] = end
        inner.append((end + n_bytes, GAP_BYTES + -n_bytes % 8))
        end = sum(inner[-1])
    fields = [f for f in layout.fields if f.offset < layout.persist_end]
    at, gaps = layout.persist_end, []

    def gap() -> None:
        nonlocal at
        n_bytes = GAP_BYTES + -at % 8
        fields.append(StateField(f"gap_{at}", "uint8_t", n_bytes, "padding", np.dtype(np.uint8), 1,
                                 offset=at))
        gaps.append((at, n_bytes))
        at += n_bytes

    for field in layout.fields[len(fields) :]:
        if field.group != "padding":
            gap()
            if field.name == "scratch":
                field = replace(field, count=end // 4)
                gaps += [(at + begin, n_bytes) for begin, n_bytes in inner]
            fields.append(replace(field, offset=at))
            at += field.bytes
    gap()
    made: Layout = replace(layout, fields=tuple(fields),
                           scratch=replace(layout.scratch, offsets=places, bytes=end))
    return Plan(made, tables(made)), gaps


def _parts(layout: Layout) -> dict[str, int]:
    """Bytes of each part of the scratch, by words."""
    network, offsets = layout.network, layout.scratch.offsets
    sizes = {"rows": min((at for name, at in offsets.items() if name != "rows"),
                         default=layout.scratch.bytes)}
    for parts in (scratch._raster_parts(network), scratch._inference_parts(network, layout.routes),
                  scratch._learning_parts(network), scratch._lesson_parts(network),
                  {"x": network.code_bytes}):
        for name, n_bytes in parts.items():
            sizes[name] = max(sizes.get(name, 0), -(-n_bytes // 4) * 4)
    return {name: sizes[name] for name in offsets}


@dataclass(frozen=True, eq=False)
class Model:
    """A quantized scenario of a fleet, with the calls that are made of it. title: how to have it
    again. gaps: of its state, where nothing may be read or written."""

    title: str
    scenario: Scenario
    plan: Plan
    gaps: Sequence[Gap] = ()

    @cached_property
    def calls(self) -> list[Call]:
        return list(self.scenario.calls())

    @cached_property
    def expected(self) -> tuple[list[bytes], dict[str, Any]]:
        """What each call answers, and the state at the end."""
        reference = Reference(self.plan.network)
        return [self._answer(reference, call) for call in self.calls], reference.named_state()

    def _answer(self, reference: Reference, call: Call) -> bytes:
        """As fleet.c sends it; -1 where the reference does not say."""
        if call.op == "idle":
            return struct.pack("<i", reference.idle(IDLE_STEPS))
        if call.op == "new_class":
            return struct.pack("<i", reference.new_class(f"c{call.label}"))
        done = call.run(reference)  # type: ignore[arg-type]
        if done is None:
            return struct.pack("<i", 0)
        learned = zlib.crc32(b"") if done.learned_digest is None else done.learned_digest
        return (np.asarray(done.logits, "<i4").tobytes() + struct.pack("<i", 0)
                + struct.pack(f"<{len(RESULT)}H", *(int(getattr(done, name)) for name in RESULT))
                + struct.pack("<II", done.forward_digest or 0, learned))

    def request(self, call: Call) -> bytes:
        op = OPERATIONS[call.op]
        if call.op == "idle":
            return op + struct.pack("<I", IDLE_STEPS)
        if call.op in ("select_profile", "new_class", "forget_class"):
            return op + struct.pack("<I", call.label)
        if call.op in ("infer", "learn", "warm_up", "observe"):
            return op + struct.pack("<ii", call.label, call.loss_q8) + call.x.tobytes()
        return op

    def check(self, i: int, found: bytes) -> None:
        """Raises DivergenceError where the answer to call i is another."""
        call, wanted = self.calls[i], self.expected[0][i]
        if call.op == "infer":  # nothing was learned: no digest of it is asked for
            found, wanted = found[:-4], wanted[:-4]
        if found != wanted:
            raise DivergenceError(f"{self.title}\n{_called(self, i)}: {found.hex()}, expected "
                                  f"{wanted.hex()}")

    def check_state(self, found: bytes) -> None:
        """Raises DivergenceError for the first field of the state that is another."""
        named = self.plan.layout.decode(found)
        for name, wanted in self.expected[1].items():
            if not np.array_equal(named[name], wanted):
                raise DivergenceError(f"{self.title}\nat the end {name} is "
                                      f"{named[name].tolist()}, expected "
                                      f"{np.asarray(wanted).tolist()}")


@dataclass(frozen=True)
class Yard:
    """Builds fleets. folder: of the compiled runtime, and of what is built. board: None for this
    computer, with the kernels of the specification, or those of the host where is_fast."""

    folder: Path
    board: Board | None = None
    is_fast: bool = False

    @cached_property
    def project(self) -> Project:
        """Runtime and port without any model."""
        own = {f"fleet/{p.name}": p.read_text("utf-8") for p in HERE.glob("fleet.[ch]")}
        if self.board is not None:
            made = firmware_project({}, self.board)
            return Project(_without_link(made) | own, made.cflags, made.ldflags)
        own |= {f"fleet/{name}": (HERE / name).read_text("utf-8")
                for name in ("fleet_host.c", "stdio_port.c")}
        made = emulator_project({}, checked=not self.is_fast)
        flags = (*(f for f in made.cflags if f not in ("-fsanitize=undefined", "-fPIC")), "-O1")
        return Project(_without_link(made) | own, (*flags, *SANITIZERS), SANITIZERS)

    @property
    def compiler(self) -> str:
        return host_compiler()[0] if self.board is None else f"{ARM_PREFIX}gcc"

    @property
    def flags(self) -> list[str]:
        return [*self.project.cflags, "-DDASSDP_BUILD_HASH=0ULL", *self.project.include_flags]

    def model(self, title: str, scenario: Scenario) -> Model:
        """One that runs here."""
        plan = Plan.of(scenario.quantized)
        return Model(title, scenario, *(spaced(plan.layout) if self.board is None else (plan,)))

    def prepare(self) -> None:
        """Compiles the runtime."""
        self.project.write(self.folder)
        objects = self.folder / "objects"
        objects.mkdir()
        for unit in self.project.units:
            self._run(*self.flags, "-c", unit, "-o", f"objects/{Path(unit).stem}.o")

    def _run(self, *arguments: str, folder: Path | None = None) -> None:
        done = subprocess.run([self.compiler, *arguments], cwd=folder or self.folder,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise DivergenceError(f"{self.compiler} refuses: {done.stderr}")

    def compile(self, models: Sequence[Model], place: Path) -> list[Path]:
        """The tables and steps of these models, and which they are; objects for any yard of this
        computer, where nothing is optimized, or for the board, as firmware is."""
        quick = [f for f in self.flags if not f.startswith("-W")]
        quick += ["-O0"] * (self.board is None)
        flags = [f"-I{self.folder / f[2:]}" if f.startswith("-I") else
                 str(self.folder / f) if f in self.project.files else f for f in quick]
        for k, model in enumerate(models):
            try:
                texts = emit(model.plan, f"m{k}")
                for file in (f"m{k}_model.h", f"m{k}_model.c"):
                    (place / file).write_text(texts[file], "utf-8")
                self._run(*flags, "-c", f"m{k}_model.c", folder=place)
            except (EdgeError, DivergenceError) as refused:
                raise DivergenceError(f"{model.title}\nis not compiled: {refused}") from refused
        (place / "fleet_models.c").write_text(self._list(models), "utf-8")
        self._run(*flags, "-c", "fleet_models.c", folder=place)
        return sorted(place.glob("*.o"))

    def link(self, objects: Sequence[Path], output: Path) -> Path:
        """The program of compiled models."""
        runtime = (f"objects/{Path(unit).stem}.o" for unit in self.project.units)
        self._run(*self.project.cflags, *self.project.ldflags, *map(str, objects), *runtime, "-o",
                  str(output))
        return output

    def _list(self, models: Sequence[Model]) -> str:
        """fleet[]: on this computer each has memory of exactly its size, on a board all share."""
        names = [f"m{k}" for k in range(len(models))]
        lines = ['#include "fleet.h"', *(f'#include "{n}_model.h"' for n in names)]
        lines += [f"#define {n.upper()}_X_BYTES {model.plan.network.code_bytes}"
                  for n, model in zip(names, models, strict=True) if model.plan.network.keeps_frame]
        if self.board is None:
            lines += [f"static {n}_state_t {n}_state; static int8_t {n}_x[{n.upper()}_X_BYTES];"
                      for n in names]
        else:
            lines += ["static union { uint64_t all;",
                      *(f"{n}_state_t {n};" for n in names), "} shared_state;",
                      "static union {", *(f"int8_t {n}[{n.upper()}_X_BYTES];" for n in names),
                      "} shared_x;"]
        for n, model in zip(names, models, strict=True):
            numbers = ", ".join(f"{begin}, {size}" for begin, size in (*model.gaps, (0, 0)))
            lines.append(f"static const uint32_t {n}_gaps[] = {{{numbers}}};")
        lines.append("const fleet_model_t fleet[] = {")
        for n, model in zip(names, models, strict=True):
            sensor = model.plan.network.sensor
            state, x = (f"&{n}_state", f"{n}_x") if self.board is None else \
                (f"&shared_state.{n}", f"shared_x.{n}")
            lines.append(f"{{&{n}_model, {state}, {x}, {n}_gaps, " + ", ".join(
                f"{n.upper()}_{what}" for what in
                ("STATE_BYTES", "X_BYTES", "N_STEPS", "N_CLASSES")) + (
                    f", {sensor.n_channels if sensor else 0}, "
                    f"{model.plan.network.target_bytes // 2}}},"))
        return "\n".join([*lines, "};", ""])

    def run(self, elf: Path, models: Sequence[Model]) -> None:
        """Raises DivergenceError for the first model that differs from the reference."""
        if self.board is None:
            self._run_here(elf, models)
        else:
            self._run_in_qemu(elf, models)

    def _run_here(self, elf: Path, models: Sequence[Model]) -> None:
        asked = b"".join(request for _, _, request in _requests(models))
        done = subprocess.run([elf], input=asked, capture_output=True, check=False,
                              env={"ASAN_OPTIONS": "detect_leaks=0"})
        answers = memoryview(done.stdout)[1:]
        for model, i, _ in _requests(models):
            n_bytes = _answer_bytes(model, i)
            found, answers = bytes(answers[:n_bytes]), answers[n_bytes:]
            if len(found) < n_bytes:
                raise DivergenceError(f"{model.title}\n{_called(model, i)}: the program ended with "
                                      f"{done.returncode}\n{done.stderr.decode()[-4000:]}")
            _check(model, i, found)

    def _run_in_qemu(self, elf: Path, models: Sequence[Model]) -> None:
        assert self.board is not None
        with QemuProcess(elf, self.board) as process:
            port = process.uart
            port.timeout = 20.0
            if port.read(1) != b"R":
                raise DivergenceError(f"{models[0].title}\nand others: the firmware does not start")
            for model, i, request in _requests(models):
                port.write(request)
                found = port.read(_answer_bytes(model, i))
                if len(found) < _answer_bytes(model, i):
                    raise DivergenceError(
                        f"{model.title}\n{_called(model, i)}: the firmware does not answer")
                _check(model, i, found)


def _requests(models: Sequence[Model]) -> Iterator[tuple[Model, int, bytes]]:
    """Each with its model and the index of its call; -1 where a model begins, -2 for its state."""
    for k, model in enumerate(models):
        yield model, -1, b"m" + struct.pack("<I", k)
        for i, call in enumerate(model.calls):
            yield model, i, model.request(call)
        yield model, -2, b"d"


def _called(model: Model, i: int) -> str:
    return f"call {i}, {model.calls[i].op}" if i >= 0 else "its state"


def _answer_bytes(model: Model, i: int) -> int:
    return len(model.expected[0][i]) if i >= 0 else {-1: 0, -2: model.plan.layout.state_bytes}[i]


def _check(model: Model, i: int, found: bytes) -> None:
    if i >= 0:
        model.check(i, found)
    elif i == -2:
        model.check_state(found)


def _without_link(project: Project) -> dict[str, str]:
    """Its files but those that answer requests of a host, or save to flash."""
    parts = ("src/link/", "src/store/", "port/host/emulator", "port/host/host_",
             "port/host/loopback", "port/cortex_m/main.c")
    return {path: text for path, text in project.files.items() if not path.startswith(parts)}

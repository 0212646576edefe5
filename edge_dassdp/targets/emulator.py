"""The emulator: the device's own C on this computer, bit for bit, whole data sets in one call."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.build.host import host_compiler, host_help, load_here
from edge_dassdp.build.tools import run
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.checks import checked_weights, known_projection
from edge_dassdp.qir.samples import require_streams
from edge_dassdp.reference.asked import (
    check_infer_steps,
    check_kind,
    check_lesson,
    check_mode,
    check_snapshot,
    check_steps,
    checked_lessons,
    checked_sample,
    checked_samples,
    require_copy,
    require_drift,
    require_fits,
    require_learns,
    require_observes,
    require_replay,
    require_search,
    require_sensor,
)
from edge_dassdp.reference.classes import class_idx_of, taught_idx
from edge_dassdp.reference.outcome import BatchOutcome, learned_statistics
from edge_dassdp.sensor.monitor import DriftReport, Event
from edge_dassdp.sensor.orientation import Orientation
from edge_dassdp.slots.host import HostSlots
from edge_dassdp.targets.learning import checked_learning, taught_in
from edge_dassdp.targets.profiles import found_orientation
from edge_dassdp.targets.streamed import check_hop, checked_push, waits_for_streams
from edge_dassdp.targets.target import (
    INFER,
    LEARN,
    MODES,
    NO_LABEL,
    OWN_LOSS,
    WARM_UP,
    Decision,
    Outcome,
    Progress,
    Statistics,
    Target,
)
from edge_dassdp.wire.messages import STATUS_TEXTS
from edge_dassdp.wire.saved import Saved

__all__ = ["INFER", "LEARN", "WARM_UP", "BatchOutcome", "Emulator", "declared", "n_cores",
           "prototypes"]


def prototypes(header: Path, *includes: Path) -> str:
    """The declarations of a C header, preprocessed for cffi.cdef; no prototype is typed twice."""
    return run([*host_compiler(), "-E", "-P", "-nostdinc", *[f"-I{i}" for i in includes], "-I",
                str(assets.folder("codegen") / "cffi"), str(header)], host_help())


@cache
def declared(port: str) -> cffi.FFI:
    """The functions of a header of the host's port, read once for all that load them."""
    firmware, ffi = assets.folder("firmware"), cffi.FFI()
    ffi.cdef(prototypes(firmware / "port" / "host" / port, firmware / "include"))
    return ffi


def n_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@waits_for_streams
class Emulator(Target):
    """The generated C as a Target. Raises E301 without a C compiler, E302 if it fails or
    what it made cannot be loaded here.

    checked: the build that reports every overflow the proof excluded (EdgeError E506); it runs the
    portable kernels, the fast one those of firmware/kernels/host.
    save_every: labelled samples after which it saves by itself, 0 for never. Its flash is of its
    own: what is saved lasts a `press_reset`, and ends with the object.
    n_threads: how many share the samples of an inference, each on its own copy of the state; 0
    stands for all cores. No bit depends on it. Learning is sequential by nature, for each sample
    meets the weights that the one before left: it takes one thread.
    """

    at_once = 256
    is_streaming = False

    def __init__(self, network: QNetwork, *, checked: bool = False, n_threads: int = 1,
                 save_every: int = 0) -> None:
        if n_threads < 0:
            raise EdgeError("E105", f"{n_threads} threads", help="0 stands for all cores")
        self.n_threads = n_threads or n_cores()
        self.name = "emulator-checked" if checked else "emulator"
        self.network = network
        plan = Plan.of(network)
        self.layout = plan.layout
        library = build_emulator(emit(plan, save_every=save_every), checked=checked)
        self._ffi = declared("emulator.h")
        load_here(library, "dassdp_emulator_model", host_compiler())
        self._lib: Any = self._ffi.dlopen(str(library))
        self._model = self._lib.dassdp_emulator_model()
        self._state = self._ffi.new("uint64_t[]", -(-self.layout.state_bytes // 8))
        self.slots = HostSlots(self._ffi, self._lib)
        self.press_reset()

    @property
    def n_classes(self) -> int:
        return self.network.n_classes

    def reset(self, *, factory: bool = False) -> None:
        if factory:
            self._check(self.slots.erase())
        self._lib.dassdp_init(self._model, self._state)
        self.is_streaming = False
        self._n_x_elsewhere = 0  # counted in states of threads that are gone

    @property
    def in_flash(self) -> Saved:
        return self.slots.saved

    def store(self) -> Saved:
        require_learns(self.network)
        self._check(self.slots.save(self._state))
        return self.in_flash

    def press_reset(self) -> None:
        """A new start: what was saved, or factory weights."""
        self.reset()
        self.slots.load(self._state)

    def run(self, x: NDArray[np.int8], labels: NDArray[Any] | None = None,
            losses_q8: NDArray[Any] | None = None, *, mode: int = INFER, digest: bool = False,
            progress: Progress | None = None) -> BatchOutcome:
        """All samples in one call of the C: progress is told at the end. INFER uses `n_threads`.

        Raises E104 for a wrong shape, E503 as a device would, E506 for an overflow.
        """
        check_mode(mode, len(MODES))
        samples = checked_samples(x, self.network.x_bytes)
        n = len(samples)
        given = checked_lessons(n, self.n_classes, labels, losses_q8, records=mode == WARM_UP)
        arrays: dict[str, NDArray[Any]] = {
            "class_idx": np.zeros(n, np.uint16),
            "logits": np.zeros((n, self.network.n_classes), np.int32),
            **{name: np.zeros(n, np.uint16) for name in (
                "loss_q8", "is_skipped", "is_updated", "n_replayed", "is_fallen_back", "is_held")},
        }
        digests = [] if mode == INFER else ["lessons_digest"]
        digests += ["forward_digest", "learned_digest"] if digest else []
        arrays |= {k: np.zeros(n, np.uint32) for k in digests}
        if mode == LEARN:
            arrays["saves"] = np.zeros(n, np.int16)
        if mode == INFER and min(self.n_threads, n) > 1:
            self._infer_in_threads(samples, arrays)
        else:
            labels, losses_q8 = (self._ffi.from_buffer("int32_t[]", row) for row in given)
            self._run_in_order(self._state, mode, samples, labels, losses_q8, arrays)
        if progress:
            progress(n)
        saves = arrays.get("saves", np.zeros(n))
        return BatchOutcome(
            arrays["class_idx"].astype(np.int64), arrays["logits"],
            arrays["loss_q8"].astype(np.int64), arrays["is_skipped"].astype(bool),
            arrays["is_updated"].astype(bool), arrays["n_replayed"].astype(np.int64),
            arrays["is_fallen_back"].astype(bool), arrays["is_held"].astype(bool),
            saves > 0, saves < 0, arrays.get("forward_digest"), arrays.get("learned_digest"),
            arrays.get("lessons_digest"))

    def _infer_in_threads(self, samples: NDArray[np.int8],
                          arrays: dict[str, NDArray[Any]]) -> None:
        """Slices of the samples side by side. The last slice ends as all samples in order would."""
        n = len(samples)
        n_slices = min(self.n_threads, n)
        states = [self._ffi.new("uint64_t[]", len(self._state)) for _ in range(n_slices)]
        for state in states:
            self._ffi.memmove(state, self._state, self.layout.state_bytes)
        bounds = pairwise(i * n // n_slices for i in range(n_slices + 1))

        def infer(state: Any, bound: tuple[int, int]) -> None:
            part = slice(*bound)
            self._run_in_order(state, INFER, samples[part], self._ffi.NULL, self._ffi.NULL,
                               {name: array[part] for name, array in arrays.items()})

        with ThreadPoolExecutor(n_slices) as pool:
            list(pool.map(infer, states, bounds))
        n_before = self._n_x_saturated(self._state)
        self._n_x_elsewhere += sum(self._n_x_saturated(s) - n_before for s in states[:-1])
        self._state = states[-1]

    def _run_in_order(self, state: Any, mode: int, samples: NDArray[np.int8], labels: Any,
                      losses_q8: Any, arrays: dict[str, NDArray[Any]]) -> None:
        """One call of the C, which holds no lock of Python; results go into `arrays`."""
        out = self._ffi.new("dassdp_emulator_out_t *")
        for name, array in arrays.items():
            setattr(out, name, self._ffi.from_buffer(self._pointer_type(array), array))
        if mode == LEARN:
            self.slots.use()
            out.saved = self.slots.last
        n_done = self._ffi.new("uint32_t *")
        status = self._lib.dassdp_emulator_run(
            self._model, state, mode, len(samples), self._ffi.from_buffer("int8_t[]", samples),
            labels, losses_q8, out, n_done)
        self._check(status, f"sample {n_done[0]}")

    def _pointer_type(self, array: NDArray[Any]) -> str:
        return f"{array.dtype.name}_t[]"

    def _check(self, status: int, where: str = "") -> None:
        fault = self._ffi.string(self._lib.dassdp_emulator_fault()).decode()
        if fault:
            raise EdgeError("E506", "the emulator detected an overflow", cause=fault)
        if status:
            raise EdgeError("E503", STATUS_TEXTS[status], cause=where)

    def _one(self, x: NDArray[np.int8], label: int, loss_q8: int, mode: int,
             digest: bool) -> Outcome:
        check_lesson(self.n_classes, label, loss_q8, records=mode == WARM_UP)
        sample = checked_sample(x, self.network.x_bytes)
        done = self.run(sample[None, :], np.array([label]), np.array([loss_q8]), mode=mode,
                        digest=digest)
        forward = None if done.forward_digest is None else int(done.forward_digest[0])
        learned = None if done.learned_digest is None else int(done.learned_digest[0])
        lessons = None if done.lessons_digest is None else int(done.lessons_digest[0])
        return Outcome(int(done.class_idx[0]), done.logits[0], int(done.loss_q8[0]),
                       bool(done.is_skipped[0]), bool(done.is_updated[0]), forward,
                       None if mode == INFER else learned, n_replayed=int(done.n_replayed[0]),
                       is_fallen_back=bool(done.is_fallen_back[0]), is_held=bool(done.is_held[0]),
                       is_saved=bool(done.is_saved[0]), is_unsaved=bool(done.is_unsaved[0]),
                       lessons_digest=lessons)

    def infer(self, x: NDArray[np.int8], *, digest: bool = False,
              n_steps: int | None = None) -> Outcome:
        check_infer_steps(n_steps, self.network.n_steps)
        if n_steps is None or n_steps >= self.network.n_steps:
            return self._one(x, NO_LABEL, OWN_LOSS, INFER, digest)
        sample = np.ascontiguousarray(checked_sample(x, self.network.x_bytes))
        crc = self._lib.dassdp_emulator_steps(self._model, self._state, self._ffi.from_buffer(
            "int8_t[]", sample), n_steps)
        self._check(0)
        zeros = np.zeros(self.network.n_classes, np.int32)
        return Outcome(0, zeros, forward_digest=crc if digest else None)

    def learn(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
              digest: bool = False) -> Outcome:
        return self._one(x, label, loss_q8, LEARN, digest)

    def warm_up(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
                digest: bool = False) -> Outcome:
        return self._one(x, label, loss_q8, WARM_UP, digest)

    def fit_gate(self) -> None:
        self._check(self._lib.dassdp_fit_gate(self._model, self._state))

    def idle(self, n_steps: int) -> int:
        check_steps(n_steps)
        require_replay(self.network)
        n_done = int(self._lib.dassdp_idle(self._model, self._state, n_steps))
        self._check(min(n_done, 0))
        return n_done

    def open_stream(self, hop: int) -> None:
        check_hop(self.network, hop)
        self._check(self._lib.dassdp_stream_begin(self._model, self._state, int(hop)))
        self.is_streaming = True

    def push(self, frame: NDArray[np.int8]) -> Decision | None:
        require_streams(self.network)
        piece = checked_push(self.network, frame)
        result = self._ffi.new("dassdp_result_t *")
        status = self._lib.dassdp_push(self._model, self._state, self._ffi.from_buffer(piece),
                                       len(piece), result)
        self._check(min(status, 0))
        if not status:
            return None
        logits = self._lib.dassdp_logits(self._model, self._state)
        data = bytes(self._ffi.buffer(logits, 4 * self.n_classes))
        return Decision(int(result.class_idx), np.frombuffer(data, np.int32))

    def close_stream(self) -> None:
        require_streams(self.network)
        self._lib.dassdp_stream_end(self._model, self._state)
        self.is_streaming = False

    def observe(self, x: NDArray[np.int8], label: int = NO_LABEL) -> Event:
        check_lesson(self.n_classes, label, OWN_LOSS)
        sample = np.ascontiguousarray(checked_sample(x, self.network.x_bytes))
        require_observes(self.network, label)
        event = self._lib.dassdp_emulator_observe(
            self._model, self._state, self._ffi.from_buffer("int8_t[]", sample), int(label))
        self._check(min(event, 0))
        return Event(event)

    def drift(self) -> DriftReport:
        require_drift(self.network)
        made = self._ffi.new("dassdp_drift_report_t *")
        self._check(self._lib.dassdp_drift(self._model, self._state, made))
        return DriftReport(made.n_windows, bool(made.is_alarm), made.median_q8 / 256,
                           made.n_alarms, made.n_profiles, bool(made.is_allowed))

    def allow_profile(self, is_allowed: bool = True) -> None:
        require_search(self.network)
        self._check(self._lib.dassdp_allow_profile(self._model, self._state, bool(is_allowed)))

    def fit_profile(self) -> Orientation:
        require_fits(self.network)
        fit = self._ffi.new("dassdp_fit_t *")
        self._check(self._lib.dassdp_fit_profile(self._model, self._state, fit))
        return found_orientation(self.read_learning, self.network, fit.verdict, fit.n_classes,
                                 fit.residual, fit.residual_factory)

    def select_profile(self, kind: int) -> None:
        check_kind(kind)
        require_sensor(self.network)
        self._check(self._lib.dassdp_select_profile(self._model, self._state, int(kind)))

    def new_class(self, name: str) -> int:
        class_idx_of(self.network, taught_in(self.network, self.read_learning()), name)
        found = int(self._lib.dassdp_new_class(self._model, self._state, name.encode("ascii")))
        self._check(min(found, 0))
        return found

    def forget_class(self, name: str) -> None:
        taught = taught_in(self.network, self.read_learning())
        class_idx = taught_idx(self.network, taught, name)
        self._check(self._lib.dassdp_forget_class(self._model, self._state, class_idx))

    def save(self) -> None:
        require_copy(self.network)
        self._check(self._lib.dassdp_save(self._model, self._state))

    def rollback(self) -> None:
        require_copy(self.network)
        self._check(self._lib.dassdp_rollback(self._model, self._state))

    def named_state(self) -> dict[str, NDArray[Any]]:
        return self.layout.decode(self._bytes(0, self.layout.state_bytes))

    def _bytes(self, begin: int, end: int) -> bytes:
        return bytes(self._ffi.buffer(self._state)[begin:end])

    def read_weights(self, projection: str) -> NDArray[np.int16]:
        p = known_projection(self.network, projection)
        return self.named_state()[f"w_{p.name}"].astype(np.int16) if p.is_plastic else p.w

    def write_weights(self, projection: str, w: NDArray[np.int16]) -> None:
        with self._all_or_nothing():
            self._put_weights(projection, w)

    def restore(self, weights: Mapping[str, NDArray[np.int16]], learning: bytes) -> None:
        check_snapshot(weights, learning)
        checked_learning(self.network, bytes(learning))
        with self._all_or_nothing():
            for name, w in weights.items():
                self._put_weights(name, w)
            self._put_learning(learning)

    def exported(self, offset: int = 0, n_bytes: int | None = None) -> bytes:
        """What dassdp_export gives: a piece, or all from `offset` on. E503 behind the end."""
        size = int(self._lib.dassdp_export_bytes(self._model))
        made = bytearray(size - offset if n_bytes is None else n_bytes)
        self._check(self._lib.dassdp_export(self._model, self._state, offset,
                                            self._ffi.from_buffer("uint8_t[]", made), len(made)))
        return bytes(made)

    def import_(self, data: bytes) -> None:
        """dassdp_import of what `exported` gave: all of it or nothing. E503 as the C refuses it."""
        room = self._ffi.new("uint64_t[]", max(-(-len(data) // 8), 1))
        self._ffi.memmove(room, data, len(data))
        self._check(self._lib.dassdp_import(self._model, self._state,
                                            self._ffi.cast("uint8_t *", room), len(data)))

    def read_learning(self) -> bytes:
        return self._bytes(self.layout.persist_begin, self.layout.persist_end)

    def write_learning(self, data: bytes) -> None:
        check_snapshot({}, data)
        checked_learning(self.network, bytes(data))
        with self._all_or_nothing():
            self._put_learning(data)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Whatever is raised inside leaves the state as it was."""
        before = bytes(self._ffi.buffer(self._state))
        try:
            yield
        except BaseException:
            self._ffi.buffer(self._state)[:] = before
            raise

    def _put_weights(self, projection: str, w: NDArray[np.int16]) -> None:
        values = checked_weights(self.network, projection, w)
        index = [p.name for p in self.network.projections].index(projection)
        for (j, i), value in np.ndenumerate(values):
            self._check(self._lib.dassdp_weight_set(self._model, self._state, index, j, i,
                                                    int(value)))

    def _put_learning(self, data: bytes) -> None:
        begin, end = self.layout.persist_begin, self.layout.persist_end
        if len(data) != end - begin:
            raise EdgeError("E104", f"a learning state of {len(data)} bytes, expected "
                            f"{end - begin}")
        self._check(self._lib.dassdp_emulator_write_learning(
            self._model, self._state, self._ffi.from_buffer("uint8_t[]", data)))

    def statistics(self) -> Statistics:
        n_x_saturated = self._n_x_saturated(self._state) + self._n_x_elsewhere
        digest = int(self._lib.dassdp_digest_learned(self._model, self._state, 0))
        return learned_statistics(self.network, self.named_state(), n_x_saturated, digest)

    def _n_x_saturated(self, state: Any) -> int:
        return int(self._lib.dassdp_n_x_saturated(self._model, state))

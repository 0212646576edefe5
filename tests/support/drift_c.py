"""Windows without labels in C, compiled for this computer with the flags of the checked build."""

from __future__ import annotations

import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from support.sensor_c import pointer

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import Project, emulator_project
from edge_dassdp.sensor.drift import N_ALARM, QDrift
from edge_dassdp.sensor.monitor import Event
from edge_dassdp.sensor.profile import Kind, QProfile
from edge_dassdp.sensor.window import Windows
from edge_dassdp.targets.emulator import prototypes

_INLINE = re.compile(r"^static inline .*?^}", re.MULTILINE | re.DOTALL)
UNITS = ("window", "drift", "search", "orientation")


@cache
def drift_in_c() -> tuple[cffi.FFI, Any]:
    """Functions of drift.h; undefined behaviour is told on standard error."""
    whole = emulator_project({}, checked=True)
    kept = {path: text for path, text in whole.files.items()
            if path.endswith(".h") or Path(path).stem in UNITS}
    kept["overflow.c"] = ("#include <stdio.h>\nvoid dassdp_overflow(const char *file, int line);\n"
                          "void dassdp_overflow(const char *file, int line)\n"
                          '{\n    fprintf(stderr, "%s:%d overflows\\n", file, line);\n}\n')
    project, ffi = Project(kept, whole.cflags, whole.ldflags), cffi.FFI()
    with tempfile.TemporaryDirectory() as folder:
        project.write(Path(folder))
        library = Path(folder) / "drift.so"
        subprocess.run([*host_compiler(), *project.compile_flags, *project.units, "-o", library,
                        *project.ldflags], cwd=folder, check=True)
        within = map(Path(folder).joinpath, ("include", "generated", "src/core", ""))
        text = prototypes(Path(folder) / "src/sensor/drift.h", *within)
        ffi.cdef(_INLINE.sub("", text))
        return ffi, ffi.dlopen(str(library))


class DriftC:
    """The constants of a `QDrift` as C has them, and its memory."""

    def __init__(self, drift: QDrift) -> None:
        self.drift, (self.ffi, self.lib) = drift, drift_in_c()
        self.n_sums = 2 * drift.n_channels + 3 * len(drift.triads)
        self.length = 2 + 2 * drift.n_channels + 7 * len(drift.triads)
        self._kept = [pointer(self.ffi, kind, values) for kind, values in (
            ("int16_t", drift.codes.centre), ("int8_t", drift.codes.shift),
            ("int16_t", drift.eps_q3), ("int16_t", drift.level_q3), ("int16_t", drift.spread_q3),
            ("int16_t", drift.mean), ("int16_t", drift.inverse))]
        triads = self.ffi.new("dassdp_triad_t[]", [
            (*t.channels, int(t.axial)) for t in drift.triads] or 1)
        search = (self.ffi.addressof(self.lib, "dassdp_search_profile") if drift.n_rows
                  else self.ffi.NULL)
        self._kept.append(triads)
        self.table = self.ffi.new("dassdp_drift_t *", {
            "n_channels": drift.n_channels, "n_triads": len(drift.triads),
            "n_rows": drift.n_rows, "n_classes": len(drift.mean),
            "n_readings": drift.codes.n_readings, "limit": drift.codes.limit,
            "ridge": drift.ridge, "search": search,
            **dict(zip(("centre", "shift", "eps_q3", "level_q3", "spread_q3",
                        "class_features", "inverse_q17", "triads"), self._kept, strict=True))})
        self.state = self.ffi.new("dassdp_drift_state_t *")
        self.kept = self.ffi.new("dassdp_drift_kept_t *")
        self.sums = self.ffi.new(f"int32_t[{self.n_sums + drift.n_channels}]")
        self.fresh = self.ffi.new(f"int16_t[{self.length}]")
        self.ring = self.ffi.new(f"uint16_t[{N_ALARM}]")
        self.rows = self.ffi.new(f"int16_t[{max(1, drift.n_rows * self.length)}]")
        self.memory = self.ffi.new("dassdp_drift_memory_t *", (
            self.state, self.ring, self.kept, self.sums, self.fresh,
            self.rows))

    def read(self, counts: np.ndarray) -> None:
        """A window (n_readings, n_channels) into the sums."""
        self.ffi.memmove(self.sums, bytes(4 * self.n_sums), 4 * self.n_sums)
        for reading in counts:
            self.lib.dassdp_add_reading(self.table, self.sums,
                                        pointer(self.ffi, "int16_t", reading))

    def row(self) -> Windows:
        """Of the window in the sums."""
        row = self.ffi.new("int16_t[400]")
        self.lib.dassdp_window_row(self.table, self.sums, row)
        return self._windows(np.array([row[i] for i in range(self.length)], np.int64)[None])

    def _windows(self, rows: IntArray) -> Windows:
        n = self.drift.n_channels
        return Windows(rows[:, 2 : 2 + n], rows[:, 2 + n : 2 + 2 * n],
                       rows[:, 2 + 2 * n :].reshape(len(rows), -1, 7))

    def pack(self, windows: Windows) -> Any:
        """Rows of windows."""
        n = len(windows)
        return pointer(self.ffi, "int16_t", np.hstack([
            np.zeros((n, 2), np.int64), windows.mean_q3, windows.std_q3,
            windows.block.reshape(n, -1)]))

    def distance(self, windows: Windows, change: Any = None) -> list[tuple[int, int]]:
        """D and the nearest class of each."""
        rows, made = self.pack(windows), []
        features = self.ffi.new("int16_t[64]")
        for i in range(len(windows)):
            self.lib.dassdp_features(self.table, rows + i * self.length,
                                     change or self.ffi.NULL, features)
            nearest = self.ffi.new("uint16_t *")
            d_q8 = self.lib.dassdp_distance(self.table, features, nearest)
            made.append((d_q8, nearest[0]))
        return made

    def search(self, windows: Windows) -> tuple[int, QProfile | None]:
        """What C returns, and the profile where that is a kind."""
        profile = self.ffi.new("int16_t[74]")
        scratch = self.ffi.new(f"int32_t[{self.n_sums + self.drift.n_channels}]")
        kind = self.lib.dassdp_search_profile(self.table, scratch, self.pack(windows),
                                              len(windows), profile)
        return kind, self._profile(kind, profile) if kind > 0 else None

    def window(self, counts: np.ndarray, *, is_factory: bool = True
               ) -> tuple[Event, QProfile | None]:
        """As `Monitor.window`."""
        self.read(counts)
        profile, kind = self.ffi.new("int16_t[74]"), self.ffi.new("uint32_t *")
        event = Event(self.lib.dassdp_drift_window(
            self.table, self.memory, bool(self.state.is_allowed and is_factory), profile, kind))
        taken = event is Event.PROFILE_TAKEN
        return event, self._profile(kind[0], profile) if taken else None

    def _profile(self, kind: int, profile: Any) -> QProfile:
        n = self.drift.n_channels
        values = [profile[i] for i in range(10 + 2 * n)]
        rows = tuple(tuple(values[1 + 3 * i : 4 + 3 * i]) for i in range(3))
        return QProfile(Kind(kind), rows, values[0], tuple(values[10 : 10 + n]),
                        tuple(values[10 + n :]))

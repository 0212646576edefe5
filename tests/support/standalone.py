"""examples/standalone, built: for this computer, and for boards with a scripted sensor."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import wrist
import wrist_app
from numpy.typing import NDArray
from support.library import ARDUINO, CXX, compiled, core_flags, linked, put

from edge_dassdp.build.board import Board, load_board
from edge_dassdp.build.compile import build_emulator, build_project
from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import with_port
from edge_dassdp.emit import emit
from edge_dassdp.library.write import library_files
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import QemuProcess
from edge_dassdp.targets.reference import ReferenceTarget

FOLDER = Path(wrist.__file__).parent
SENSOR = Path(__file__).parent / "arduino_sensor"
APPLICATION = ("app.h", "app.c", "app_text.c")
WARNINGS = ("-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
APPLICATION_IRQ = {"microbit": 9}
"""Of the timer that reads the sensor, where it is not SysTick."""
SYSTICK_HZ = {"mps2-an385": 12_500_000, "mps2-an500": 12_500_000, "mps2-an505": 10_000_000,
              "mps3-an547": 16_000_000, "stm32f405": 84_000_000}
"""As QEMU has it: half the clock of the machine, held against the board's other counter."""
IN_QEMU = ("nvmc", "ram")
"""Drivers of flash that QEMU has a model of; without one a save lasts until the power goes."""
BLANK = b"\xFF" * 1024
Script = NDArray[np.int16]


@cache
def network() -> QNetwork:
    return wrist.model()


@cache
def library() -> dict[str, str]:
    """What `generate --for cmake` writes, by path."""
    return library_files({"wrist": network()}, "cmake")


@dataclass(frozen=True, eq=False)
class Story:
    """Two days of a wearer, and the application's words to each in the reference."""

    wearer: wrist.Wearer
    script: Script
    lines: list[str]
    later: wrist.Wearer
    later_script: Script
    later_lines: list[str]


@cache
def story() -> Story:
    with Emulator(network()) as emulator:
        wearer = wrist.day(wrist_app.Application(network(), emulator), wrist.recordings())
    with Emulator(network()) as emulator:
        later = wrist.day_after(wrist_app.Application(network(), emulator,
                                                      wearer.application.saved), wrist.recordings())
    script, later_script = np.array(wearer.readings), np.array(later.readings)
    first = followed(script)
    return Story(wearer, script, first.lines, later, later_script,
                 followed(later_script, first.saved).lines)


def followed(script: Script, saved: wrist_app.Saved | None = None) -> wrist_app.Application:
    """The twin behind readings, (n, 4) as in `wrist`, on the reference."""
    application = wrist_app.Application(network(), ReferenceTarget(network()), saved)
    for row in script:
        application.read(row[: wrist.N_CHANNELS], int(row[wrist.N_CHANNELS]))
    return application


def _texts(*names: str) -> dict[str, str]:
    return {f"application/{name}": (FOLDER / name).read_text("utf-8") for name in names}


def host_program(folder: Path, compiler: str = "", standard: str = "-std=c11") -> Path:
    """host.c beside the emulator's library, whose kernels trap what leaves its range. compiler: of
    the application, which may be C++; the runtime is C."""
    emulator = build_emulator(emit(Plan.of(network()), "wrist"), checked=True)
    command, language = (compiler, "c++") if compiler else (host_compiler()[0], "c")
    put(library(), folder)
    units = [FOLDER / name for name in (*APPLICATION, "ports/host.c") if name.endswith(".c")]
    subprocess.run([*host_compiler(), *WARNINGS, "-c", "src/wrist.c"], cwd=folder, check=True)
    subprocess.run([command, standard, *WARNINGS, "-Isrc", f"-I{FOLDER}", "-x", language, *units,
                    "-x", "none", "wrist.o", emulator, f"-Wl,-rpath,{emulator.parent}", "-o",
                    "standalone"], cwd=folder, check=True)
    return folder / "standalone"


def run_here(program: Path, text: str, flash: Path | None = None) -> list[str]:
    """What the program says to lines of readings."""
    done = subprocess.run([program, *([flash] if flash else [])], input=text, capture_output=True,
                          text=True, check=True)
    return done.stdout.splitlines()


def csv(script: Script) -> str:
    return "".join(f"{','.join(map(str, row))}\n" for row in script.tolist())


def scripted(name: str, script: Script, *more: str) -> Path:
    """scripted.c on a board, with all readings. more: flags."""
    board = in_qemu(name)
    texts = _texts(*APPLICATION, "ports/scripted.c", "ports/script.h") | {
        "application/ports/script.c": rows_in_c(script)}
    flags = ["-include", "generated/dassdp_board.h",  # not the library's of that name
             *(f"-D{definition}" for definition in definitions(board))]
    sources = {path: text for path, text in library().items() if path.startswith("src/")}
    made = with_port(sources | texts, board)
    return build_project(replace(made, cflags=(*made.cflags, *flags, *more)), board).elf


def sketch(name: str, script: Script, folder: Path, *flags: str) -> Path:
    """standalone.ino with a core of Arduino whose sensor and buttons are scripted."""
    board = load_board(name)
    assert board.qemu is not None
    put(library_files({"wrist": network()}, "arduino"), folder)
    made = folder / "sketch"
    put({name: (FOLDER / name).read_text("utf-8") for name in APPLICATION}, made)
    put({"sketch.cpp": "#include <Arduino.h>\n" + (FOLDER / "standalone.ino").read_text("utf-8"),
         "core.cpp": (SENSOR / "core.cpp").read_text("utf-8"), "script.c": rows_in_c(script),
         "script.h": (FOLDER / "ports" / "script.h").read_text("utf-8")}, made)
    own = (*core_flags(name), "-DARDUINO=10819", "-Os", "-ffunction-sections", "-fdata-sections",
           "-Wall", "-Wextra", "-Werror", *flags)
    include = [f"-I{at}" for at in (folder / "src", made, ARDUINO, SENSOR)]
    ticks = f"-DTICKS_PER_MS={round(1e6 / board.qemu.tick_ns)}U"
    objects = []
    for at in (folder / "src", made):
        objects += compiled(["arm-none-eabi-gcc"], at, folder / "obj", "-std=gnu11", *own,
                            *include)
        objects += compiled(["arm-none-eabi-g++"], at, folder / "obj", *CXX, *own, ticks, *include,
                            kinds=(".cpp",))
    return linked(name, objects, folder / "sketch.elf", own, own_flash=True)


def by_cmake(project: Path, folder: Path, *options: str) -> Path:
    """The build folder of a CMake project that is given the library."""
    put(library(), folder / "library")
    built = folder / "build"
    for command in (["cmake", "-S", project, "-B", built, f"-DDASSDP_LIBRARY={folder / 'library'}",
                     "-DCMAKE_BUILD_TYPE=Release", *options],
                    ["cmake", "--build", built, "-j2"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning" not in done.stderr, done.stderr
    return built


def own_firmware(name: str, script: Script, folder: Path) -> Path:
    """A firmware of cmake_app for a board."""
    board = in_qemu(name)
    port = with_port({}, board)
    port.write(folder / "board")
    put({"script.c": rows_in_c(script)}, folder / "script")
    core = " ".join(core_flags(name))
    link = [flag for flag in port.ldflags if not flag.startswith("-T")]
    built = by_cmake(
        Path(__file__).parent / "cmake_app", folder, "-DCMAKE_SYSTEM_NAME=Generic", "-DAPP_CXX=ON",
        "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY", f"-DSTANDALONE={FOLDER}",
        f"-DSCRIPT={folder / 'script'}", f"-DBOARD={folder / 'board'}",
        *(f"-DCMAKE_{language}_COMPILER=arm-none-eabi-{word}" for language, word in
          (("C", "gcc"), ("CXX", "g++"), ("ASM", "gcc"))),
        *(f"-DCMAKE_{language}_FLAGS={core}" for language in ("C", "ASM")),
        f"-DCMAKE_CXX_FLAGS={core} -fno-exceptions -fno-rtti",
        f"-DDEFINITIONS={';'.join(definitions(board))}",
        f"-DLINK_OPTIONS={';'.join([*link, f'-T{folder}/board/generated/link.ld'])}")
    return built / "own.elf"


def in_qemu(name: str) -> Board:
    """A board, without slots in flash that QEMU has no model of."""
    board = load_board(name)
    is_there = board.store is not None and board.store.driver in IN_QEMU
    return board if is_there else replace(board, store=None)


def definitions(board: Board) -> list[str]:
    """What scripted.c and start-up are told of a board and of QEMU's clocks."""
    assert board.qemu is not None
    return [f"DASSDP_APPLICATION_IRQ={APPLICATION_IRQ.get(board.name, -1)}",
            f"TICKS_PER_MS={round(1e6 / board.qemu.tick_ns)}U",
            f"SYSTICK_HZ={SYSTICK_HZ.get(board.name, 0)}UL"]


def rows_in_c(script: Script) -> str:
    rows = "".join(f"{{{', '.join(map(str, row))}}},\n" for row in script.tolist())
    return f'#include "script.h"\n\nconst int16_t script_rows[][4] = {{\n{rows}}};\n'


class Played:
    """A scripted board in QEMU that executes an instruction in 2^shift ns of its time."""

    def __init__(self, name: str, elf: Path, shift: int) -> None:
        self.board = load_board(name)
        assert self.board.qemu is not None
        board = replace(self.board, qemu=replace(self.board.qemu, icount_shift=shift))
        self.process = QemuProcess(elf, board, count=True)
        self.process.uart.timeout = 60.0
        self.started = self._line()
        if self.has_slots:
            self.process.debugger.stop()
            for slot in range(2):
                self.process.debugger.write(
                    board.store.origin + slot * board.store.slot_bytes, BLANK)
            self.cut_power()

    @property
    def has_slots(self) -> bool:
        """In flash of which QEMU has a model."""
        return in_qemu(self.board.name).store is not None

    @property
    def lasts(self) -> bool:
        """Whether they are flash, which a cut of the power leaves alone."""
        store = in_qemu(self.board.name).store
        return store is not None and store.lasts

    def cut_power(self) -> None:
        self.process.cut_power()
        self.started = self._line()

    def play(self, begin: int, end: int) -> list[str]:
        """Rows of the script; what the board says, without its last line, and that."""
        self.process.uart.write(b"".join(row.to_bytes(4, "little") for row in (begin, end)))
        said = [self.started]
        while not said[-1].startswith("end "):
            said.append(self._line())
        return said

    def _line(self) -> str:
        said = bytearray()
        while not said.endswith(b"\n"):
            byte = self.process.uart.read(1)
            assert byte, f"it falls silent behind {bytes(said)!r}"
            said += byte
        return said.decode().rstrip("\n")

    def __enter__(self) -> Played:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.close()

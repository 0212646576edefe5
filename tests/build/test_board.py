"""Boards: what is shipped is sound, and a wrong board.toml is refused by the name of its field."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from support import lanes

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import (
    CFLAGS,
    CPUS,
    Board,
    Programming,
    board_files,
    list_boards,
    load_board,
)
from edge_dassdp.build.project import with_port, write_makefile

PYOCD = '{ target = "stm32f405rgtx", pack = true }'


def edited(tmp_path: Path, old: str, new: str, name: str = "stm32f405") -> Path:
    """The board.toml of `name` with one passage replaced."""
    text = (assets.folder("boards") / name / "board.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path = tmp_path / "board.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_shipped_boards_load_under_their_folder_name():
    assert list_boards() == sorted([
        "b-l475e-iot01a", "bluepill-f103c8", "lm3s6965evb", "microbit", "microbit-v2", "nrf52-dk",
        "nrf52840-dk", "pico", "pico2", "stm32f405", "stm32f407-disco", "mps2-an385", "mps2-an500",
        "mps2-an505", "mps3-an547", *(f"nucleo-{chip}" for chip in (
            "f103rb", "f303re", "f401re", "f411re", "f446re", "f767zi", "g071rb", "g474re",
            "h743zi", "l476rg", "u575zi-q", "wb55rg"))])
    for name in list_boards():
        board = load_board(name)
        assert board.name == name
        assert board.stack_bytes + sum(board.port_ram.values()) < board.ram.bytes


def test_every_core_has_a_board():
    cores = {load_board(name).cpu for name in list_boards()}
    assert cores == {f"cortex-m{n}" for n in (0, "0plus", 3, 4, 7, 33, 55)}


def test_every_store_of_a_board_is_listed_by_the_name_of_its_field():
    stores = load_board("nucleo-h743zi").stores
    assert list(stores) == ["setup", "counter.dwt.setup", "counter.systick.setup",
                            "reset_cause.clear", "marker.setup", "marker.set", "marker.clear",
                            "store.option", "bus_fault.clear"]
    text = (assets.folder("boards") / "nucleo-h743zi" / "board.toml").read_text("utf-8")
    assert sum(map(len, stores.values())) == text.count("{ address = ")


def test_an_exception_stacks_fp_context_only_where_the_board_turns_it_on():
    frames = {load_board(name).cpu: load_board(name).exception_frame for name in list_boards()}
    assert frames.pop("cortex-m55") == 4 * (26 + 1)
    assert set(frames.values()) == {4 * (8 + 1)}


def test_a_board_loads_by_path(tmp_path):
    path = edited(tmp_path, "stack_bytes = 2048", "stack_bytes = 4096")
    assert load_board(path).stack_bytes == 4096
    assert load_board(tmp_path).stack_bytes == 4096


def test_an_unknown_board_is_refused_with_the_boards_there_are():
    with pytest.raises(EdgeError) as caught:
        load_board("arduino")
    assert caught.value.code == "E401"
    assert "microbit, microbit-v2, mps2-an385" in caught.value.help


@pytest.mark.parametrize(("old", "new", "field"), [
    ('pin = "PA1"', 'pin = ""', "marker.pin"),
    ('pin = "PA1"', 'pin = "PA1\\u001b[2J"', "marker.pin"),
    ("set = { address = 0x4002_0018", "set = { address = 0x4002_0019", "marker.set.address"),
    ("set = { address", "set = { wait = true, address", "marker.set.wait"),
    ("clear = { address = 0x4002_0018, value = 0x0002_0000 }", "", "marker.clear"),
    ("clear = { address = 0x4002_0018, value = 0x0002_0000",
     "clear = { address = 0x4002_0018, value = 0x0000_0002", "marker.clear"),
    ("clear = { address = 0x4002_0018, value = 0x0002_0000",
     "clear = { address = 0x4002_0018, value = 0x1_0000_0000", "marker.clear.value"),
    ('name = "stm32f405"', 'name = "STM 32"', "name"),
    ('cpu = "cortex-m4"', "", "cpu"),
    ('cpu = "cortex-m4"', "cpu = 4", "cpu"),
    ('cpu = "cortex-m4"', 'cpu = "cortex-m4"\ncolour = "green"', "colour"),
    ('cflags = ["-mfloat-abi=soft"]', 'cflags = ["-mfloat-abi=hard"]', "cflags[0]"),
    ('kernels = ["dsp", "armv7m"]', 'kernels = ["../src"]', "kernels[0]"),
    ("stack_bytes = 2048", "stack_bytes = 2044", "stack_bytes"),
    ("stack_bytes = 2048", "stack_bytes = true", "stack_bytes"),
    ("stack_bytes = 2048", "stack_bytes = 131_072", "stack_bytes"),
    ("rx_ring_bytes = 256", "rx_ring_bytes = 200", "rx_ring_bytes"),
    ("origin = 0x2000_0000", "origin = 0x0800_0000", "ram.origin"),
    ("bytes = 786_432", "bytes = 0", "flash.bytes"),
    ('driver = "stm32_usart_v1"', 'driver = "abacus"', "uart.driver"),
    ("irq = 37", "irq = 240", "uart.irq"),
    ("irq = 37", "irq = 37\nparity = 1", "uart.parity"),
    ("mask = 0x0000_0010, value = 0x0000_0010", "mask = 0x10, value = 0x30", "setup.value"),
    ("address = 0x4002_3844", "address = 0x4002_3845", "setup.address"),
    ("count = 0x4000_0024", "count = 0x4000_0025", "counter.tim2.count"),
    ('name = "tim2"', 'name = "dwt"', "counter.name"),
    ('name = "tim2"', 'name = "tim2"\ndown = 1', "counter[1].down"),
    ("icount_shift = 0", "icount_shift = 11", "qemu.icount_shift"),
    ("register = 0x4002_3874", "register = 0x4002_3875", "reset_cause.register"),
    ("register = 0x4002_3874", "register = 0x1_0000_0000", "reset_cause.register"),
    ("pin = 0x0400_0000", "pin = -1", "reset_cause.pin"),
    ("pin = 0x0400_0000", "button = 1", "reset_cause.button"),
    ("address = 0x4002_3874, mask", "address = 0x4002_3875, mask", "reset_cause.clear.address"),
    ("[program]", "[watchdog]\nsetup = []\nfeed = []\nin_sleep = true\n[program]",
     "watchdog.feed"),
    ("[program]", "[watchdog]\nsetup = []\nfeed = [{ address = 1, value = 1 }]\n"
     "in_sleep = true\n[program]", "watchdog.feed.address"),
    ("[program]", "[watchdog]\nsetup = []\nfeed = [{ address = 4, value = 1 }]\n[program]",
     "watchdog.in_sleep"),
    ('machine = "netduinoplus2"', 'machine = "netduinoplus2"\nserial = 8', "qemu.serial"),
    ('machine = "netduinoplus2"', 'machine = "netduinoplus2"\nserial = -1', "qemu.serial"),
    ('machine = "netduinoplus2"', 'machine = "netduinoplus2"\nserial = "1"', "qemu.serial"),
    *(('machine = "netduinoplus2"', f'machine = "netduinoplus2"\nversion = {version}',
       "qemu.version") for version in ('"10"', '"v9.1"', '"9.1.2"', '" 9.1"', '"-9.1"', "9.1")),
    ("[program]", "[image]\n[program]", "image.kind"),
    ("[program]", '[image]\nkind = "rp2040"\n[program]', "flash.origin"),
    ("[program]", "[nmi]\nclear = []\n[program]", "nmi.clear"),
    ("[program]", "[nmi]\nclear = [{ address = 2, value = 1 }]\n[program]", "nmi.clear.address"),
    ("[program]", "[bus_fault]\nclear = [{ address = 4, value = 3, mask = 1 }]\n[program]",
     "bus_fault.clear.value"),
    ('cpu = "cortex-m4"\ncflags = ["-mfloat-abi=soft"]        # no FPU code, so exceptions stack '
     'no FPU context\nkernels = ["dsp", "armv7m"]', 'cpu = "cortex-m0"\nbus_fault = { clear = [] }'
     '\ncflags = ["-mfloat-abi=soft"]\nkernels = []', "bus_fault"),
    ("usb = []", "usb = []\ndrive = {}", "program.drive.labels"),
    ("usb = []", 'usb = []\ndrive = { labels = [], file = "hex" }', "program.drive.labels"),
    ("usb = []", 'usb = []\ndrive = { labels = ["A"], file = "elf" }', "program.drive.file"),
    ("usb = []", 'usb = []\ndrive = { labels = ["A"], file = "uf2" }', "program.drive.file"),
    (f"pyocd = {PYOCD}", "pyocd = { pack = true }", "program.pyocd.target"),
    (f"pyocd = {PYOCD}", 'pyocd = { target = "nrf52", pack = 1 }', "program.pyocd.pack"),
    ("usb = []", "usb = []\nserials = 9900", "program.serials"),
])
def test_a_wrong_field_is_named(tmp_path, old, new, field):
    with pytest.raises(EdgeError) as caught:
        load_board(edited(tmp_path, old, new))
    assert caught.value.code == "E401"
    assert f"field {field} of the board" in caught.value.message


HOSTILE = {
    "cpu": ["$(shell touch x)", "cortex-m4 -wrapper sh", "cortex-m4+nofp", "native", "", "@flags",
            "cortex-m4\\nall: ; touch x"],
    "cflags[1]": [
        "-wrapper", "sh,-c,touch x", "-fplugin=./x.so", "@flags", "-B.", "-specs=x.specs",
        "--specs=x", "-T../evil.ld", "-Wl,-T,evil.ld", "-Xlinker", "-include", "/etc/passwd",
        "-I..", "-D_X=$(shell touch x)", "-o/tmp/x", "-save-temps", "-dumpdir", "-x",
        "-fdump-tree-all", "`touch x`", "$(touch x)", "-mthumb\\n\\ttouch x", "", " ", "-g -B.",
        "-ffast-math", "-mfloat-abi=hard"],
    "kernels[0]": ["../src", "/etc", "host", "portable", "mve", "", ".", "armv6m"],
    "title": ["a\\nall:\\n\\ttouch x", "*/ evil", "/* evil", "ends \\\\", "esc \\u001b[2J",
              "bidi \\u202e"],
    "name": ["../up", "a\\nb", "$(x)", "", "-x", "a b"],
    "qemu.machine": ["virt,dumpdtb=x", "microbit -monitor tcp::1", "", "-x", "../m", "a,b", "m\\n"],
    "program.note": ["a\\n$(shell touch x)", "b\\r", "ends \\\\", "{0}", "{elf.__class__}",
                     "{elf!r}", "{elf:>99999999999}", "{", "}", "{}", "{bin}"],
    "program.command[1]": ["{0}", "{elf.__class__.__mro__}", "{elf:>9999999999}", "{", "a\\nb",
                           "{{elf}}", "{}", "\\u001b[2J"],
    "program.command[0]": ["{elf}", "{hex}"],
    "program.serials[0]": ["0", "../0700", "07 00", "07a0", "0700\\n", "", "0" * 33, "*"],
    "program.drive.labels[0]": ["", "..", ".", "A/B", "/", "NODE F401", "node", "A\\n", "$(x)",
                                "*", "A" * 12, "-A", "{hex}"],
    "program.drive.file": ["", "elf", "HEX", "hex\\n", "../hex", "{hex}"],
    "program.pyocd.target": ["", "nRF52", "-t", "nrf52 --x", "a/b", "nrf52\\n", "a" * 33, "$(x)",
                             "{elf}"],
    "image.kind": ["", "../rp2040", "rp2040.S", "RP2040", "rp2040\\n", "esp32"],
    "program.usb[0]": ["0d28", "0D28:0204", "x", "0d28:0204\\n"],
    "counter.name": ["dwt;", "dwt\\n", "board", "run", "Int", "", "a" * 25],
    "uart.driver": ["../../main", "", "pl011.c", "pl011\\n"],
}
FLASHES = '["openocd", "-f", "interface/stlink.cfg"'
LINES = {  # what stands in board.toml, and what takes its place
    "cpu": ('cpu = "cortex-m4"', 'cpu = "{}"'), "name": ('name = "stm32f405"', 'name = "{}"'),
    "counter.name": ('name = "tim2"', 'name = "{}"'),
    "qemu.machine": ('machine = "netduinoplus2"', 'machine = "{}"'),
    "uart.driver": ('driver = "stm32_usart_v1"', 'driver = "{}"'),
    "title": ('title = "STM32F405, Cortex-M4F at 16 MHz (internal oscillator)"', 'title = "{}"'),
    "program.note": ('note = "Connect a USB serial adapter to PA9 (TX) and PA10 (RX)."',
                     'note = "{}"'),
    "cflags[1]": ('cflags = ["-mfloat-abi=soft"]', 'cflags = ["-mfloat-abi=soft", "{}"]'),
    "kernels[0]": ('kernels = ["dsp", "armv7m"]', 'kernels = ["{}"]'),
    "program.usb[0]": ("usb = []", 'usb = ["{}"]'),
    "program.serials[0]": ("usb = []", 'usb = []\nserials = ["{}"]'),
    "program.drive.labels[0]": ("usb = []",
                                'usb = []\ndrive = { labels = ["{}"], file = "hex" }'),
    "program.drive.file": ("usb = []", 'usb = []\ndrive = { labels = ["A"], file = "{}" }'),
    "program.pyocd.target": (f"pyocd = {PYOCD}", 'pyocd = { target = "{}" }'),
    "image.kind": ("[program]", '[image]\nkind = "{}"\n\n[program]'),
    "program.command[1]": (FLASHES, '["openocd", "{}"'), "program.command[0]": (FLASHES, '["{}"')}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in HOSTILE.items() for v in vs])
def test_what_would_reach_a_tool_as_something_else_is_refused_by_name(
        tmp_path: Path, field: str, value: str) -> None:
    old, shape = LINES[field]
    with pytest.raises(EdgeError) as caught:
        load_board(edited(tmp_path, old, shape.replace("{}", value, 1)))
    assert caught.value.code == "E401" and caught.value.cause
    assert f"field {field} of the board" in caught.value.message


@pytest.mark.parametrize(("old", "new", "field"), [
    ("origin = 0x2000_0000", "origin = 0x4000_0000", "ram.origin"),
    ("origin = 0x2000_0000", "origin = 0xE000_0000", "ram.origin"),
    ("\nbytes = 131_072", "\nbytes = 0x3000_0000", "ram.origin"),
    ("\nbytes = 131_072", "\nbytes = 0x1_0000_0000", "ram.bytes"),
    ("\nbytes = 131_072", "\nbytes = -8", "ram.bytes"),
    ("bytes = 786_432", f"bytes = {10**400}", "flash.bytes"),
    ("endurance = 10_000", "endurance = 10_000\nbank_bytes = 1000", "store.bank_bytes"),
    ("endurance = 10_000", "endurance = 10_000\noption = { address = 3, mask = 1, value = 1 }",
     "store.option.address"),
    ("endurance = 10_000", "endurance = 10_000\noption = { address = 4, mask = 1, value = 1, "
     "wait = true }", "store.option.wait"),
    ("origin = 0x0800_0000", "origin = 0x0800_0008", "flash.origin"),
    ("origin = 0x0800_0000", "origin = 0x0800_0080", "flash.origin"),
    ("irq = 37", f"irq = {10**400}", "uart.irq"),
    ("irq = 37", "irq = -40", "uart.irq"),
    ("origin = 0x0800_0000", "origin = -128", "flash.bytes"),
    ("clock_hz = 16_000_000 ", "clock_hz = -1 ", "clock_hz"),
    ("clock_hz = 16_000_000 ", "clock_hz = 0x1_0000_0000 ", "clock_hz"),
    ("baud = 115_200", "baud = 0x1_0000_0000", "uart.baud"),
    ("baud_register = 0x8B", "baud_register = 0", "uart.baud_register"),
    ("base = 0x4001_1000", "base = 0x1_0000_0000", "uart.base"),
    ("tick_ns = 1.0", "tick_ns = nan", "qemu.tick_ns"),
    ("tick_ns = 1.0", "tick_ns = inf", "qemu.tick_ns"),
    ("tick_ns = 1.0", "tick_ns = 0.0", "qemu.tick_ns"),
    ('command = ["openocd", "-f", "interface/stlink.cfg", "-f", "target/stm32f4x.cfg",\n'
     '           "-c", "program {elf} verify reset exit"]', "command = []", "program.command"),
])
def test_numbers_beyond_sense_are_refused_by_name(tmp_path: Path, old: str, new: str,
                                                  field: str) -> None:
    with pytest.raises(EdgeError) as caught:
        load_board(edited(tmp_path, old, new))
    assert caught.value.code == "E401"
    assert f"field {field} of the board" in caught.value.message


def test_a_text_editor_s_mark_and_line_ends_are_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    for name in list_boards():
        text = (assets.folder("boards") / name / "board.toml").read_bytes()
        path.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
        assert load_board(path) == load_board(name)


NO_BOARDS = {
    "utf-16": b"\xff\xfen\0a\0m\0e\0", "zeros": b"\x00" * 99, "two marks": b"\xef\xbb\xbf" * 2,
    "deep": b"a = " + b"[" * 900, "deeper": b"a = " + b"[" * 100_000, "large": b"a = 1\n" * 10**6,
    "a long number": b"a = " + b"9" * 5000, "a long key": b"a" + b".a" * 100_000 + b" = 1",
    "a key of many parts": b"a" + b".a" * 490 + b" = 1", "a return": b"a = 1\r"}


@pytest.mark.parametrize("kind", NO_BOARDS)
def test_what_is_no_board_is_refused(tmp_path: Path, kind: str) -> None:
    text = NO_BOARDS[kind]
    path = tmp_path / "board.toml"
    path.write_bytes(text)
    with pytest.raises(EdgeError) as caught:
        load_board(path)
    assert caught.value.code == "E401" and len(str(caught.value)) < 1000


def test_a_folder_in_its_place_and_a_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "board.toml").mkdir()
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "board.toml", tmp_path / "file" / "board.toml", tmp_path / "no",
                  "x" * 5000, "", "a\0b", "../..", "/", "."):
        with pytest.raises(EdgeError) as caught:
            load_board(place)
        assert caught.value.code == "E401"


def test_the_page_on_security_names_what_a_board_may_say() -> None:
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
    told = page[page.index("`cflags` ("):].partition(")")[0]
    assert told.count("`-") == len(CFLAGS) and all(f"`{flag}`" in told for flag in CFLAGS)


def test_every_core_and_flag_is_one_of_the_compiler(arm_toolchain: None) -> None:
    for cpu in CPUS:
        done = subprocess.run(
            ["arm-none-eabi-gcc", f"-mcpu={cpu}", *CFLAGS, "-Werror", "-S", "-o", "-", "-x", "c",
             "-"], input="int x;", text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("program", "elf", "wanted"), [
    ("openocd", "/a b/f.elf", ("openocd", "-c", "program {/a b/f.elf} verify", "/a b/f.elf")),
    ("/opt/x/openocd.exe", "/a[b]/f", ("/opt/x/openocd.exe", "-c", "program {/a[b]/f} verify",
                                       "/a[b]/f")),
    ("gdb-multiarch", "/it's/f", ("gdb-multiarch", "-c", "program '/it'\"'\"'s/f' verify",
                                  "/it's/f")),
    ("openocd", "/plain/f.elf", ("openocd", "-c", "program /plain/f.elf verify", "/plain/f.elf")),
])
def test_a_file_is_one_word_wherever_it_stands(program: str, elf: str,
                                               wanted: tuple[str, ...]) -> None:
    made = Programming((program, "-c", "program {elf} verify", "{elf}"), "copy {hex} and {elf}")
    filled = made.of(elf, "{elf}")
    assert filled.command == wanted
    assert filled.note == f"copy {{elf}} and {elf}", "names are filled in once"


def test_text_that_is_not_toml_is_refused(tmp_path):
    with pytest.raises(EdgeError) as caught:
        load_board(edited(tmp_path, "[uart]", "[uart"))
    assert caught.value.code == "E401"


def test_generated_texts_are_the_same_twice_and_name_the_numbers_of_the_board():
    board: Board = load_board("microbit")
    files = board_files(board)
    assert files == board_files(load_board("microbit"))
    assert "ORIGIN = 0x20000000, LENGTH = 16384" in files["link.ld"]
    assert "#define DASSDP_RX_RAM_BYTES 136U" in files["dassdp_board.h"]


def test_a_counter_says_its_direction():
    up, down = (board_files(load_board(n))["dassdp_board.h"] for n in ("stm32f405", "lm3s6965evb"))
    assert "0x40000024UL, 32U, 0U)" in up
    assert "0xE000E018UL, 24U, 1U)" in down


def test_a_mutated_board_is_refused_or_stays_within_its_words() -> None:
    """Of texts changed at random what is taken leaves the shape of generated files as it is."""
    rng = np.random.default_rng(12)
    texts = [(assets.folder("boards") / name / "board.toml").read_bytes() for name in list_boards()]
    words = [b'"', b"'", b"\\n", b"\\u0000", b"$(x)", b"{elf}", b"{0}", b"-", b"9" * 30, b"nan",
             b"*/", b"\\", b"\n", b"\xff", b"[", b"]", b"=", b"inf", b"true", b" ", b".", b"#"]
    shapes = {board.image: lines_of(board) for board in map(load_board, list_boards())}
    n_taken = 0
    for _ in range(lanes.often(300)):
        text = bytearray(texts[rng.integers(len(texts))])
        for _ in range(rng.integers(1, 4)):
            start = int(rng.integers(len(text)))
            text[start : start + int(rng.integers(0, 4))] = words[rng.integers(len(words))]
        try:
            board = parse_board(bytes(text))
        except EdgeError as problem:
            assert problem.code == "E401", problem
            continue
        n_taken += 1
        assert lines_of(board) == shapes[board.image]
    assert n_taken > 20, "comments and numbers may change"


def parse_board(text: bytes) -> Board:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "board.toml"
        path.write_bytes(text)
        return load_board(path)


def lines_of(board: Board) -> tuple[int, list[str]]:
    """How many lines the linker script has, and what make is told beside names and flags."""
    with tempfile.TemporaryDirectory() as folder:
        project = with_port({"main.c": "int main(void) { return 0; }"}, board)
        write_makefile(project, board, Path(folder))
        made = (Path(folder) / "Makefile").read_text("utf-8").splitlines()
    assert all(line.replace("\t", "").isprintable() for line in made)
    kept = [line for line in made if not line.startswith(("#", "    ", "CFLAGS", "LDFLAGS",
                                                          "UNITS"))]
    recipe = kept.index("program: firmware.elf firmware.hex") + 1
    return board_files(board)["link.ld"].count("\n"), kept[:recipe] + kept[recipe + 1:]

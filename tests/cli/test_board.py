"""board new and board check: a board file of one's own, from what the chip's vendor gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.chip_facts import FACTS
from support.chip_files import pack, peripheral, register, svd
from support.commands import ok, refused, shown

from edge_dassdp.base import assets
from edge_dassdp.build.board import list_boards, load_board

F4 = FACTS / "stm32f4.svd"
FILLED = {
    "cpu = \"\"": "cpu = \"cortex-m4\"", "kernels = []": "kernels = [\"dsp\", \"armv7m\"]",
    "clock_hz = 0 ": "clock_hz = 16_000_000 ", "baud_register = 0 ": "baud_register = 0x8B ",
    "origin = 0x00000000 ": "origin = 0x0800_0000 ", "bytes = 0 ": "bytes = 131_072 ",
    "# { address = 0x40023830, mask = 0x00000001": "{ address = 0x40023830, mask = 0x00000001",
    "# { address = 0x40023840, mask = 0x00020000": "{ address = 0x40023840, mask = 0x00020000",
    "    # FILL IN: the clock": "    { address = 0x4002_0020, mask = 0xFF00, value = 0x7700 },\n"
    "    { address = 0x4002_0000, mask = 0xF0, value = 0xA0 },\n    # the clock"}


def begun(tmp_path: Path, *more: str | Path) -> Path:
    path = tmp_path / "mine.toml"
    ok("board", "new", "mine", *more, "-o", path)
    return path


def filled(path: Path) -> Path:
    text = path.read_text("utf-8")
    for before, after in FILLED.items():
        assert before in text or before.startswith(("cpu", "kernels", "origin", "bytes")), before
        text = text.replace(before, after)
    path.write_text(text, "utf-8")
    return path


def test_a_board_is_begun_filled_in_and_right(tmp_path: Path) -> None:
    path = begun(tmp_path, "--svd", F4, "--uart", "usart2")
    text = path.read_text("utf-8")
    assert "# USART2 at 0x40004400, interrupts 38: stm32_usart_v1" in text
    assert "base = 0x40004400\nirq = 38" in text and "RCC.APB1ENR: USART2EN" in text
    assert "watchdog = 0x60000000" in text and "clear = { address = 0x40023874" in text
    told = refused("E401", "board", "check", path, "--svd", F4)
    assert "FILL IN: cpu, kernels, clock_hz, flash.bytes, ram.bytes, uart.baud_register\n" in told
    screen = ok("board", "check", filled(path), "--svd", F4)
    assert "RCC.APB1ENR: USART2EN = 1" in screen and "GPIOA.AFRL: AFRL2 = 7, AFRL3 = 7" in screen
    assert "core: 16,000,000 Hz" in screen and "115,108 baud (-0.08%)" in screen
    assert "nothing is wrong" in screen
    assert load_board(path).uart.irq == 38


def test_a_pack_brings_core_and_memory(tmp_path: Path) -> None:
    toy = svd(peripheral("UART0", 0x4000_C000, "".join(
        register(name, offset) for name, offset in (("DR", 0), ("IBRD", 36), ("FBRD", 40))),
        "<interrupt><name>UART0</name><value>5</value></interrupt>"))
    archive = pack(tmp_path / "toy.pack", toy)
    text = begun(tmp_path, "--pack", archive, "--device", "TOY100A").read_text("utf-8")
    for line in ('cpu = "cortex-m4"', 'kernels = ["dsp", "armv7m"]', "origin = 0x08000000",
                 "bytes = 524_288", "bytes = 65_536", 'driver = "pl011"', "irq = 5",
                 'name = "dwt"', "# memory of the chip: CCM at 0x10000000, 131_072 bytes (rw)"):
        assert line in text, line


@pytest.mark.parametrize(("core", "cpu"), [
    ("CM0PLUS", "cortex-m0plus"), ("CM0+", "cortex-m0plus"), ("CM4", "cortex-m4"),
    ("CM35P", "cortex-m35p"), ("CA9", "")])
def test_a_description_brings_the_core(tmp_path: Path, core: str, cpu: str) -> None:
    toy = tmp_path / "toy.svd"
    toy.write_bytes(svd(peripheral("UART0", 0x4000_C000, register("DR", 0)),
                        f"<cpu><name>{core}</name></cpu>"))
    lines = begun(tmp_path, "--svd", toy).read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith(f'cpu = "{cpu}"')]


MISTAKES = {
    ("mask = 0x00020000, value = 0x00020000", "mask = 0x00040000, value = 0x00040000"):
        "the clock of the UART is off",
    ("value = 0x7700", "value = 0x1100"): "PA2 has function 1",
    ("irq = 38", "irq = 39"): "interrupt 39 is not its own",
    ("baud_register = 0x8B", "baud_register = 0x45"): "the divider makes 231,884",
    ("clock_hz = 16_000_000", "clock_hz = 8_000_000"): "the core runs at 16,000,000 Hz",
    ("address = 0x4002_0020", "address = 0x4002_0040"): "no register of STM32F4",
    ("mask = 0xF0, value = 0xA0", "mask = 0x70, value = 0x20"): "only a part of MODER3",
    ("watchdog = 0x60000000", "watchdog = 0x64000000"): "PINRSTF tells of pin"}


@pytest.mark.parametrize("mistake", MISTAKES, ids=MISTAKES.values())
def test_a_mistake_is_told_and_exits_1(tmp_path: Path, mistake: tuple[str, str]) -> None:
    path = filled(begun(tmp_path, "--svd", F4, "--uart", "USART2"))
    text = path.read_text("utf-8")
    assert mistake[0] in text
    path.write_text(text.replace(*mistake), "utf-8")
    done = shown("board", "check", path, "--svd", F4)
    assert done.returncode == 1 and done.stderr.startswith("error[E405]: ")
    assert MISTAKES[mistake] in done.stdout
    found = json.loads(shown("board", "check", path, "--svd", F4, "--json").stdout)
    assert found["schema"] == "edge_dassdp/board-check/1" and found["exit"] == 1
    assert any(MISTAKES[mistake] in why for why in found["data"]["objections"])


def test_a_fresh_board_says_all_that_is_to_be_filled_in(tmp_path: Path) -> None:
    toy = tmp_path / "toy.svd"
    toy.write_bytes(svd(peripheral("UART0", 0x4000_C000, register("DR", 0))))
    told = refused("E401", "board", "check", begun(tmp_path, "--svd", toy))
    assert "FILL IN: cpu, kernels, clock_hz, flash.bytes, ram.bytes, uart" in told


def test_each_mistake_is_told_once_and_in_words(tmp_path: Path) -> None:
    path = filled(begun(tmp_path, "--svd", F4, "--uart", "USART2"))
    path.write_text(path.read_text("utf-8").replace("irq = 38", "irq = 39"), "utf-8")
    lines = shown("board", "check", path, "--svd", F4).stdout.splitlines()
    wrong = [line for line in lines if line.startswith("wrong: ")]
    assert "its interrupts are 38 (USART2)" in wrong[0] and "{" not in wrong[0]
    assert len(wrong) == len({*wrong})


def test_the_description_of_another_chip_is_told_first() -> None:
    done = shown("board", "check", "pico", "--svd", F4)
    assert done.returncode == 1 and "seems to be another chip than that of pico" in done.stderr


def test_a_folder_without_a_board_says_so(tmp_path: Path) -> None:
    assert "has no board.toml" in refused("E401", "board", "check", tmp_path)


def test_a_flag_that_is_not_known_is_named_first(tmp_path: Path) -> None:
    path = filled(begun(tmp_path, "--svd", F4, "--uart", "USART2"))
    path.write_text(path.read_text("utf-8").replace("-mfloat-abi=soft", "-mfloat-abi=hard"))
    assert "'-mfloat-abi=hard': known are" in refused("E401", "board", "check", path)


def test_what_stores_do_is_written_for_reviewers(tmp_path: Path) -> None:
    path = tmp_path / "registers.txt"
    ok("board", "check", "stm32f405", "--svd", F4, "-o", path)
    lines = path.read_text("utf-8").splitlines()
    ours = assets.folder("boards") / "stm32f405" / "registers.txt"
    assert lines[3:] == ours.read_text("utf-8").splitlines()[3:], "but for the file's name"


def test_a_chip_of_no_family_is_named_and_said_to_be_none(tmp_path: Path) -> None:
    toy = tmp_path / "toy.svd"
    toy.write_bytes(F4.read_bytes().replace(b"<name>STM32F4</name>", b"<name>TOY</name>"))
    done = shown("board", "check", "stm32f405", "--svd", toy)
    assert done.returncode == 0 and "TOY has no rules here" in done.stderr


def test_without_a_description_fields_are_checked_alone() -> None:
    screen = ok("board", "check", "stm32f405")
    assert "--svd FILE" in screen and "Sizes of flash and RAM were not checked" in screen


@pytest.mark.parametrize("name", list_boards())
def test_every_board_of_the_package_passes(name: str) -> None:
    from support.chip_facts import WIRED

    ok("board", "check", name, "--svd", FACTS / f"{WIRED[name].facts}.svd")


def test_bad_input_is_refused_in_one_sentence(tmp_path: Path) -> None:
    kept = tmp_path / "kept.toml"
    kept.write_text("mine", "utf-8")
    other = tmp_path / "other.svd"
    other.write_text("<!DOCTYPE a><device/>", "utf-8")
    for code, words, arguments in (
            ("E105", "nothing describes the chip", ("new", "mine")),
            ("E401", "field name", ("new", "No Name", "--svd", F4)),
            ("E103", "exists already", ("new", "mine", "--svd", F4, "-o", kept)),
            ("E105", "has no UART 'LPUART9'", ("new", "mine", "--svd", F4, "--uart", "LPUART9",
                                               "-o", tmp_path / "n.toml")),
            ("E103", "does not exist", ("new", "mine", "--svd", tmp_path / "none.svd")),
            ("E103", "expected a description of a chip", ("new", "mine", "--svd", kept)),
            ("E103", "CMSIS-SVD", ("check", "stm32f405", "--svd", other)),
            ("E103", "expected a CMSIS pack", ("new", "mine", "--pack", F4)),
            ("E401", "there is no board", ("check", "nonesuch", "--svd", F4)),
            ("E105", "is read by this command", ("check", kept, "--svd", F4, "-o", F4)),
            ("E105", "is read by this command", ("check", kept, "--svd", F4, "-o", kept))):
        assert words in refused(code, "board", *arguments, cwd=tmp_path), words
    assert kept.read_text("utf-8") == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept.toml", "other.svd"]


def test_names_of_a_chip_steer_nothing(tmp_path: Path) -> None:
    """They stand in comments and strings of TOML, and on a terminal."""
    evil = tmp_path / "evil.svd"
    toy = svd(peripheral("UART&#10;base = 1 #\"", 0x4000_0000, register("SR", 0)))
    evil.write_bytes(toy.replace(b"TOY", b"x&#10;cpu = \"y\"\\"))
    text = begun(tmp_path, "--svd", evil).read_text("utf-8")
    assert not any(line.startswith(("cpu = \"y", "base = 1 ")) for line in text.splitlines())

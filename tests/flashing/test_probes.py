"""pyOCD: the real one without a probe, and a chip that stands in for one behind a probe."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support import standing_in
from support.described import MICROBIT, NUCLEO, board

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.flashing import probes

MICRO, NUCLEUS = board(**MICROBIT), board(**NUCLEO)


def refused(code: str, act: object) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        act()
    assert caught.value.code == code and caught.value.help
    return caught.value


def test_pyocd_without_a_probe_says_so_in_a_sentence() -> None:
    told = refused("E508", lambda: probes.choose(MICRO))
    assert told.message == "no debug probe is plugged in" and "doctor --fix" in told.help


def test_without_pyocd_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyocd", None)
    told = refused("E303", lambda: probes.choose(MICRO))
    assert told.help == "pip install 'edge-dassdp[flash]'"


def test_a_board_that_pyocd_is_not_told_of() -> None:
    assert "program.pyocd" in refused("E508", lambda: probes.choose(board(pyocd=None))).cause


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("PYTHONPATH", standing_in.pyocd(tmp_path / "standing in"))
    return monkeypatch


@pytest.fixture
def image(tmp_path: Path) -> Path:
    data = bytes(range(256)) * 20
    lines = []
    for at in range(0, len(data), 16):
        body = bytes([16, at >> 8, at & 0xFF, 0, *data[at:at + 16]])
        lines.append(f":{body.hex()}{-sum(body) & 0xFF:02x}")
    (tmp_path / "firmware.hex").write_text("\n".join([*lines, ":00000001FF", ""]))
    return tmp_path / "firmware.hex"


def test_a_probe_programs_and_what_it_wrote_is_read_back(chip: pytest.MonkeyPatch,
                                                         image: Path) -> None:
    chip.setenv("PROBES", "9900360258,micro:bit,9900")
    probe = probes.choose(MICRO)
    assert (probe.id, probe.title) == ("9900360258", "micro:bit")
    assert probes.program(MICRO, probe, image).is_sure


@pytest.mark.parametrize(("happens", "code", "words"), [
    ("forgets", "E508", "otherwise from 0x000003E8 on"), ("locked", "E508", "the chip is locked"),
    ("gone", "E508", "not plugged in any more"), ("dies", "E508", "ended with status 3")])
def test_what_is_not_programmed_whole_is_told(chip: pytest.MonkeyPatch, image: Path, happens: str,
                                              code: str, words: str) -> None:
    chip.setenv("CHIP", happens)
    told = refused(code, lambda: probes.program(MICRO, probes.Probe("1", "a probe", ""), image))
    assert words in told.cause


def test_a_computer_whose_usb_cannot_be_used(chip: pytest.MonkeyPatch) -> None:
    chip.setenv("CHIP", "no usb")
    assert "No backend available" in refused("E508", lambda: probes.choose(MICRO)).cause


def test_a_chip_without_its_pack_is_told_with_the_command(chip: pytest.MonkeyPatch) -> None:
    chip.setenv("PROBES", "066AFF,STLink-V2-1,0720")
    told = refused("E508", lambda: probes.choose(NUCLEUS))
    assert told.help == "pyocd pack install stm32f401retx"
    chip.setenv("PACKS", "1")
    assert probes.choose(NUCLEUS).id == "066AFF"


def test_several_probes_are_told_apart_by_board_or_by_name(chip: pytest.MonkeyPatch) -> None:
    chip.setenv("PROBES", "9904AA,micro:bit,9904;9900BB,micro:bit,9900")
    assert probes.choose(MICRO).id == "9900BB"
    assert "9904AA" in refused("E508", lambda: probes.choose(MICRO, "9904aa")).cause
    chip.setenv("PROBES", "9900AA,micro:bit,9900;682123,J-Link,;9901BB,micro:bit,9901")
    told = refused("E105", lambda: probes.choose(MICRO))
    assert all(word in told.cause for word in ("9900AA", "682123", "9901BB"))
    assert "--probe ID" in told.help
    assert probes.choose(MICRO, "682").id == "682123"
    assert "682123" in refused("E508", lambda: probes.choose(MICRO, "nobody")).help


def test_nothing_that_lies_where_one_works_is_run(chip: pytest.MonkeyPatch, tmp_path: Path,
                                                  image: Path) -> None:
    (tmp_path / "pyocd_user.py").write_text("raise SystemExit('run')\n")
    (tmp_path / "json.py").write_text("raise SystemExit('run')\n")
    chip.chdir(tmp_path)
    assert probes.program(MICRO, probes.Probe("1", "a probe", ""), image).is_sure
    assert Path.cwd() == tmp_path

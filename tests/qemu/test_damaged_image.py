"""Flash that is not what was linked: the device says so and runs nothing, wherever the bit."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.devices import network, samples, target
from support.lanes import often
from support.where import in_qemu

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware, build_firmware
from edge_dassdp.build.elf import symbol_table
from edge_dassdp.build.image import check_image, read_image
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.qemu import Qemu, QemuProcess

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")


def built(board: str) -> Firmware:
    return build_firmware(emit(Plan.of(network("error"))), load_board(board))


def places(elf: Path) -> tuple[int, int, dict[str, int]]:
    """Offset in the file and size of .text, and offsets of constants."""
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        text = file.get_section_by_name(".text")
        assert text is not None
        found = {s.name: s["st_value"] - text["sh_addr"] + text["sh_offset"]
                 for s in symbol_table(file).iter_symbols()
                 if s["st_info"]["type"] == "STT_OBJECT" and s["st_size"] > 8
                 and text["sh_addr"] <= s["st_value"] < text["sh_addr"] + text["sh_size"]}
        return text["sh_offset"], text["sh_size"], found


def flipped(elf: Path, offset: int, bit: int, to: Path) -> Path:
    data = bytearray(elf.read_bytes())
    data[offset] ^= 1 << bit
    to.write_bytes(data)
    return to


@pytest.mark.parametrize("board", in_qemu())
def test_a_whole_image_is_told_with_its_crc(board: str) -> None:
    firmware = built(board)
    image = check_image(firmware.elf)
    with Qemu.start(network("error"), firmware) as device:
        assert device.info.start.image_crc == image.crc == image.stated
        x, labels = samples(1)
        device.learn(x[0], labels[0])


@pytest.mark.parametrize("board", in_qemu())
def test_a_flipped_bit_of_a_constant_is_told_and_nothing_runs(board: str, tmp_path: Path) -> None:
    firmware = built(board)
    _, _, constants = places(firmware.elf)
    weights = next(at for name, at in constants.items() if name.startswith("w_fc1"))
    elf = flipped(firmware.elf, weights + 3, 5, tmp_path / "flipped.elf")
    with pytest.raises(EdgeError) as caught:
        check_image(elf)
    assert caught.value.code == "E403"
    with QemuProcess(elf, firmware.board) as process:
        port = process.uart
        with pytest.raises(EdgeError, match=r"flash of board .* is damaged") as caught:
            LinkTarget.of(network("error"), port)
        assert caught.value.code == "E504"
        assert f"{read_image(elf).crc:08x}" in caught.value.cause
        assert "Flash it again" in caught.value.help


def test_a_flipped_bit_anywhere_never_gives_an_answer(tmp_path: Path) -> None:
    """The device says that it is damaged, or it is silent."""
    firmware, rng = built("microbit"), random.Random(12)
    begin, size, _ = places(firmware.elf)
    x, labels = samples(1)
    told = 0
    for _ in range(often(12)):
        elf = flipped(firmware.elf, begin + rng.randrange(size), rng.randrange(8),
                      tmp_path / "flipped.elf")
        with QemuProcess(elf, firmware.board) as process:
            try:
                port = process.uart
                with target(port, timeout_s=0.5, retries=2) as device:
                    device.learn(x[0], labels[0])
                raise AssertionError("a damaged firmware learned")
            except EdgeError as problem:
                assert problem.code in ("E502", "E503", "E504")
                told += "damaged" in problem.message
    assert told > 0

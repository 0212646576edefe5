"""What the boot ROMs of RP2040 and RP2350 ask of the beginning of flash, and the UF2 file that
their drives take."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support import tiny
from support.commands import ok

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware, build_project
from edge_dassdp.build.image import check_boot2, crc32_mpeg2, read_image, uf2
from edge_dassdp.build.project import Project, with_port

FAMILIES = {"pico": 0xE48BFF56, "pico2": 0xE48BFF59}
"""As Microsoft's list of UF2 families names rp2040 and rp2350-arm-s."""
MAIN = {"src/main.c": "int main(void);\nint main(void) { return 0; }\n"}


def built(name: str) -> Firmware:
    board = load_board(name)
    return build_project(with_port(MAIN, board), board)


def pages(data: bytes, family: int) -> dict[int, bytes]:
    """What a UF2 file writes where; every block is as the format has it."""
    found = {}
    blocks = [data[i:i + 512] for i in range(0, len(data), 512)]
    for i, block in enumerate(blocks):
        magic, second, flags, address, size, number, count, kind = struct.unpack_from("<8I", block)
        assert (magic, second, flags) == (0x0A324655, 0x9E5D5157, 0x2000)
        assert (size, number, count, kind) == (256, i, len(blocks), family)
        assert len(block) == 512 and block[288:] == bytes(220) + struct.pack("<I", 0x0AB16F30)
        found[address] = block[32:288]
    assert list(found) == list(range(0x10000000, 0x10000000 + 256 * len(blocks), 256))
    return found


def test_the_crc_is_the_one_of_the_catalogue() -> None:
    assert crc32_mpeg2(b"123456789") == 0x0376E6E7
    assert crc32_mpeg2(b"") == 0xFFFFFFFF


@pytest.mark.parametrize("n_bytes", [0, 1, 255, 256, 257, 5000])
def test_a_uf2_file_holds_what_it_was_given_and_zeros(n_bytes: int) -> None:
    data = bytes(i * 7 % 251 for i in range(n_bytes))
    whole = b"".join(pages(uf2(data, 0x10000000, 1), 1).values())
    assert whole == data + bytes(-n_bytes % 256)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_uf2_of_a_board_is_its_elf(arm_toolchain: None, name: str) -> None:
    firmware = built(name)
    image = read_image(firmware.elf)
    written = b"".join(pages(firmware.files["uf2"].read_bytes(), FAMILIES[name]).values())
    whole = firmware.files["bin"].read_bytes()
    assert written.startswith(whole) and not any(written[len(whole):])
    before = load_board(name).flash.origin - 0x10000000
    assert whole[before:] == image.bytes + image.stated.to_bytes(4, "little")


def test_the_boot_rom_of_an_rp2040_takes_its_first_256_bytes(arm_toolchain: None) -> None:
    data = built("pico").files["bin"].read_bytes()
    assert crc32_mpeg2(data[:252]) == int.from_bytes(data[252:256], "little")
    stack, reset = struct.unpack_from("<2I", data, 256)
    assert 0x20000000 < stack <= 0x20042000 and 0x10000100 < reset < 0x10000000 + len(data)


def test_an_assembler_that_encodes_it_otherwise_is_found_out(arm_toolchain: None,
                                                             tmp_path: Path) -> None:
    board = load_board("pico")
    project = with_port(MAIN, board)
    path = "port/image/rp2040.S"
    text = project.files[path].replace("movs r1, #4", "movs r1, #5")
    with pytest.raises(EdgeError, match="boot code of an RP2040") as caught:
        build_project(Project(dict(project.files) | {path: text}, project.cflags,
                              project.ldflags), board)
    assert caught.value.code == "E302"
    with pytest.raises(EdgeError):
        check_boot2(built("microbit").elf)


def test_the_boot_rom_of_an_rp2350_finds_one_block_that_ends_its_loop(arm_toolchain: None) -> None:
    data = built("pico2").files["bin"].read_bytes()
    words = struct.unpack_from("<1024I", data.ljust(4096, b"\0"))
    [begin] = [i for i, word in enumerate(words) if word == 0xFFFFDED3]
    image_type, last, next_block, end = words[begin + 1:begin + 5]
    assert image_type & 0xFFFF == 0x0142, "one word: IMAGE_TYPE"
    flags = image_type >> 16
    assert (flags & 15, flags >> 4 & 3, flags >> 8 & 7, flags >> 12 & 7) == (1, 2, 0, 1), (
        "executable, secure, Arm, RP2350")
    assert last == 0xFF | 1 << 8 and next_block == 0 and end == 0xAB123579
    stack, reset = words[:2]
    assert 0x20000000 < stack <= 0x20082000 and 0x10000000 < reset < 0x10000000 + len(data)


def test_a_board_of_another_chip_has_no_uf2(arm_toolchain: None) -> None:
    assert list(built("microbit").files) == ["elf", "hex", "bin"]
    folder = assets.folder("firmware") / "port" / "image"
    assert {path.stem for path in folder.iterdir()} == {"rp2040", "rp2350"}


def test_build_hands_out_what_the_drive_takes(arm_toolchain: None, tmp_path: Path) -> None:
    tiny.write(tmp_path)
    ok("quantize", tmp_path / "model.npz", "-o", tmp_path / "model.q.npz")
    for name, kinds in {"pico": ["bin", "elf", "hex", "uf2"],
                        "nucleo-g071rb": ["bin", "elf", "hex"]}.items():
        ok("build", tmp_path / "model.q.npz", "--board", name, "-o", tmp_path / name)
        assert sorted(p.suffix[1:] for p in (tmp_path / name).glob("firmware.*")) == kinds

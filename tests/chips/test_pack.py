"""What a CMSIS pack tells of a chip; packs that are none."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.chip_files import PDSC, pack, peripheral, register, svd
from support.lanes import often

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.chips.pack import read_pack

TOY = svd(peripheral("USART1", 0x4000_0000, register("SR", 0)))


def test_devices_with_what_their_families_say(tmp_path: Path) -> None:
    opened = read_pack(pack(tmp_path / "toy.pack", TOY))
    assert sorted(opened.devices) == ["TOY100A", "TOY100BX", "TOY100BY", "TOY200"]
    first, second = opened.device("toy100a"), opened.device("TOY100BX")
    assert (first.core, second.core, opened.device("TOY200").core) == (
        "Cortex-M4", "Cortex-M4", "Cortex-M0+")
    flash, ram = first.largest(is_written=False), first.largest(is_written=True)
    assert flash is not None and (flash.origin, flash.bytes) == (0x0800_0000, 0x8_0000)
    assert ram is not None and (ram.name, ram.bytes) == ("IRAM1", 0x1_0000), "CCM is no default"
    wider = second.largest(is_written=True)
    assert wider is not None and wider.bytes == 0x1_8000
    chip = opened.chip(first)
    assert chip is not None and chip.name == "TOY"
    assert opened.chip(opened.device("TOY200")) is None


@pytest.mark.parametrize(("name", "words"), [
    ("", "many devices"), ("TOY100B", "holds 2 devices"), ("STM32", "holds 0 devices")])
def test_a_device_is_named(tmp_path: Path, name: str, words: str) -> None:
    opened = read_pack(pack(tmp_path / "toy.pack", TOY))
    with pytest.raises(EdgeError, match=words) as caught:
        opened.device(name)
    assert caught.value.code == "E105" and "TOY100B" in caught.value.help


def bomb(path: Path) -> None:
    pack(path, b"<?xml version='1.0'?>" + b" " * (30 << 20))


def without_svd(path: Path) -> None:
    pack(path)


def without_description(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")


def without_devices(path: Path) -> None:
    pack(path, TOY, "<?xml version='1.0'?><package><name>CMSIS</name></package>")


def odd_memory(path: Path) -> None:
    pack(path, TOY, PDSC.replace("0x80000", "half"))


def entities(path: Path) -> None:
    pack(path, TOY, PDSC.replace("<package", "<!DOCTYPE p [<!ENTITY a 'b'>]><package", 1))


def no_zip(path: Path) -> None:
    path.write_bytes(TOY)


BAD: dict[Callable[[Path], None], str] = {
       bomb: "unpacks to", without_svd: "is missing", without_description: "E103",
       without_devices: "describes no devices", odd_memory: "'half' is no number",
       entities: "document type", no_zip: "(CMSIS-SVD), expected a CMSIS pack"}


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_what_is_no_pack_is_refused_in_one_sentence(
        tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "toy.pack"
    make(path)
    with pytest.raises(EdgeError) as caught:
        opened = read_pack(path)
        opened.chip(opened.device("TOY100A"))
    assert caught.value.code == "E103" and caught.value.help
    assert BAD[make].lower() in str(caught.value).lower()


def test_damaged_packs_are_read_or_refused(tmp_path: Path) -> None:
    rng, path = random.Random(15), tmp_path / "toy.pack"
    whole = pack(path, TOY).read_bytes()
    for _ in range(often(100)):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data[:rng.choice([len(data), rng.randrange(len(data))])])
        try:
            opened = read_pack(path)
            opened.chip(opened.device("TOY100A"))
        except EdgeError as problem:
            assert problem.code in ("E103", "E105")

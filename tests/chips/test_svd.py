"""A reader of chips: what the format allows is understood, what nobody can mean is refused in one
sentence, and no file, however damaged, does more."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from support.chip_facts import FACTS
from support.chip_files import FIELD, peripheral, register, svd
from support.lanes import often

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.chips.chip import Chip
from edge_dassdp.chips.svd import chip_of, read_svd


def addresses(chip: Chip) -> dict[str, int]:
    return {f"{p.name}.{r.name}": r.address for p in chip.peripherals for r in p.registers}


def test_peripherals_are_derived_and_keep_their_own() -> None:
    chip = chip_of(svd(
        peripheral("A", 0x1000, register("CR", 4, f"<fields>{FIELD}</fields>"),
                   "<interrupt><name>A</name><value>3</value></interrupt>")
        + peripheral("B", 0x2000, given=' derivedFrom="A"',
                     inner="<interrupt><name>B</name><value>0x4</value></interrupt>")))
    assert addresses(chip) == {"A.CR": 0x1004, "B.CR": 0x2004}
    assert [p.interrupts for p in chip.peripherals] == [{"A": 3}, {"B": 4}]
    assert chip.by_address[0x2004][0][1].fields[0].name == "EN"


def test_registers_and_fields_are_derived_by_name_and_by_path() -> None:
    chip = chip_of(svd(
        peripheral("A", 0x1000, register("CR", 0, f"<resetValue>7</resetValue><fields>{FIELD}"
                                         "</fields>")
                   + register("CR2", 4, given=' derivedFrom="CR"'))
        + peripheral("B", 0x2000, register("CR", 8, "<resetValue>1</resetValue>",
                                           ' derivedFrom="A.CR"'))))
    assert addresses(chip) == {"A.CR": 0x1000, "A.CR2": 0x1004, "B.CR": 0x2008}
    assert [chip.reset[a] for a in (0x1000, 0x1004, 0x2008)] == [7, 7, 1]
    assert all(found[0][1].fields for found in chip.by_address.values())


@pytest.mark.parametrize(("index", "names"), [
    ("", ["R0", "R1", "R2"]), ("<dimIndex>3-5</dimIndex>", ["R3", "R4", "R5"]),
    ("<dimIndex>A-C</dimIndex>", ["RA", "RB", "RC"]),
    ("<dimIndex>X,Y,Z</dimIndex>", ["RX", "RY", "RZ"])])
def test_arrays_of_registers(index: str, names: list[str]) -> None:
    array = f"<dim>3</dim><dimIncrement>0x10</dimIncrement>{index}"
    for name in ("R%s", "R[%s]"):
        chip = chip_of(svd(peripheral("A", 0x1000, register(name, 0, array))))
        assert [r.name for r in chip.peripherals[0].registers] == names
        assert [r.address for r in chip.peripherals[0].registers] == [0x1000, 0x1010, 0x1020]


def test_clusters_within_clusters_and_their_arrays() -> None:
    inner = ("<cluster><name>IN[%s]</name><dim>2</dim><dimIncrement>4</dimIncrement>"
             f"<addressOffset>0x10</addressOffset>{register('V', 0)}</cluster>")
    outer = ("<cluster><name>CH%s</name><dim>2</dim><dimIncrement>0x100</dimIncrement>"
             f"<addressOffset>0x20</addressOffset>{inner}{register('C', 4)}</cluster>")
    chip = chip_of(svd(peripheral("A", 0x1000, outer)))
    assert addresses(chip) == {
        "A.CH0.IN0.V": 0x1030, "A.CH0.IN1.V": 0x1034, "A.CH0.C": 0x1024,
        "A.CH1.IN0.V": 0x1130, "A.CH1.IN1.V": 0x1134, "A.CH1.C": 0x1124}


@pytest.mark.parametrize("bits", [
    "<bitOffset>4</bitOffset><bitWidth>3</bitWidth>", "<lsb>4</lsb><msb>6</msb>",
    "<bitRange>[6:4]</bitRange>"])
def test_fields_in_three_ways(bits: str) -> None:
    chip = chip_of(svd(peripheral("A", 0, register(
        "R", 0, f"<fields><field><name>F</name>{bits}</field></fields>"))))
    field = chip.by_address[0][0][1].fields[0]
    assert (field.lsb, field.width, field.mask, field.of(0x50)) == (4, 3, 0x70, 5)


def test_values_that_may_be_written() -> None:
    def meanings(values: str) -> dict[int, str]:
        field = ("<field><name>F</name><bitOffset>0</bitOffset><bitWidth>3</bitWidth>"
                 f"{values}</field>")
        chip = chip_of(svd(peripheral("A", 0, register("R", 0, f"<fields>{field}</fields>"))))
        return dict(chip.by_address[0][0][1].fields[0].meanings)

    def one(name: str, value: str) -> str:
        return f"<enumeratedValue><name>{name}</name><value>{value}</value></enumeratedValue>"

    def told(inner: str, usage: str = "") -> str:
        return f"<enumeratedValues>{usage}{inner}</enumeratedValues>"

    assert meanings(told(one("a", "0b01") + one("b", "#1x0"))) == {1: "a", 4: "b", 6: "b"}
    assert meanings(told(one("r", "0"), "<usage>read</usage>")
                    + told(one("w", "1"), "<usage>write</usage>")) == {1: "w"}
    assert meanings(told(one("a", "1") + "<enumeratedValue><name>else</name><isDefault>true"
                         "</isDefault></enumeratedValue>")) == {}


def test_properties_are_handed_down() -> None:
    chip = chip_of(svd(
        peripheral("A", 0, register("R", 0) + register("W", 4, "<access>write-only</access>"),
                   "<access>read-only</access>"), "<resetValue>0x55</resetValue>"))
    found = {r.name: r for r in chip.peripherals[0].registers}
    assert found["R"].access == "read-only" and not found["R"].is_written
    assert found["W"].is_written and not found["W"].is_read
    assert chip.reset == {0: 0x55, 4: 0x55}


@pytest.mark.parametrize("path", sorted(FACTS.glob("*.svd")), ids=lambda path: path.stem)
def test_every_file_of_facts_says_where_it_comes_from(path: Path) -> None:
    chip = read_svd(path)
    assert chip.peripherals and ("SHA-256" in chip.origin or "Written for" in chip.origin)
    assert "Copyright" in chip.origin or "Apache-2.0" in chip.origin


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE device [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<device><name>&b;</name></device>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE device SYSTEM "http://localhost/none.dtd">
<device><name>x</name></device>"""
CIRCLE = svd(peripheral("A", 0, given=' derivedFrom="B"')
             + peripheral("B", 0, given=' derivedFrom="A"'))
BAD = {
    "entities": (LAUGHS, "document type"), "a file elsewhere": (OUTSIDE, "document type"),
    "empty": (b"", "empty file"), "no XML": (b"<?xml version='1.0'?><device", "no XML"),
    "another root": (b"<?xml version='1.0'?><package><device/></package>",
                     "root is 'package'"),
    "nothing": (b"<?xml version='1.0'?><device><name>x</name></device>", "no peripheral"),
    "deep": (b"<?xml version='1.0'?><device>" + b"<cluster>" * 99, "within each other"),
    "circle": (CIRCLE, "leads back"),
    "derived from nothing": (svd(peripheral("A", 0, given=' derivedFrom="C"')), "not there"),
    "huge array": (svd(peripheral("A", 0, register("R%s", 0, "<dim>99999999</dim><dimIncrement>4"
                                                   "</dimIncrement>"))), "array of 99999999"),
    "no base": (svd("<peripheral><name>A</name></peripheral>"), "A has no baseAddress"),
    "no number": (svd(peripheral("A", 0, register("R", 0, "<dim>many</dim>"))), "'many' is no"),
    "NUL": (b"<?xml version='1.0'?><device>\0</device>", "no XML"),
    "unknown encoding": (b"<?xml version='1.0' encoding='klingon'?><device></device>", ""),
    "UTF-16": ("<?xml version='1.0' encoding='UTF-16'?><device></device>".encode("utf-16"), ""),
    "escape": (svd(peripheral("A", 0)).replace(b"TOY", b""), "has no name"),
    "firmware": (b"\x7fELF" + bytes(100), "program (ELF)"),
    "web page": (b"<html></html>", "web page")}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_description_of_a_chip_is_refused_in_one_sentence(
        name: str, tmp_path: Path) -> None:
    path = tmp_path / "chip.svd"
    path.write_bytes(BAD[name][0])
    with pytest.raises(EdgeError) as caught:
        read_svd(path)
    assert caught.value.code == "E103" and BAD[name][1] in str(caught.value)
    assert caught.value.help and str(path) in caught.value.message


def test_arrays_of_arrays_end_soon() -> None:
    """Seven lines of XML that stand for 65,536 ^ 3 registers."""
    wide = "<dim>65536</dim><dimIncrement>4</dimIncrement><addressOffset>0</addressOffset>"
    nested = (f"<cluster><name>A%s</name>{wide}<cluster><name>B%s</name>{wide}"
              f"{register('R%s', 0, '<dim>65536</dim><dimIncrement>4</dimIncrement>')}"
              "</cluster></cluster>")
    begin = time.process_time()
    with pytest.raises(ValueError, match="more than 400,000 registers"):
        chip_of(svd(peripheral("A", 0, nested)))
    assert time.process_time() - begin < 10


def test_mistakes_of_vendors_cost_what_is_wrong_alone() -> None:
    """As in files of Arm, Maxim and Nordic: a field without bits, an empty value, a far address."""
    chip = chip_of(svd(
        peripheral("A", 0x4_0000_0000, register("R", 0))
        + peripheral("B", 0, register("R", 0, "<fields><field><name>X</name>"
                                      "<bitRange>[3]</bitRange>"
                                      "</field>" + FIELD + "</fields>"))))
    assert [f.name for f in chip.by_address[0][0][1].fields] == ["EN"]


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    rng, path = random.Random(14), tmp_path / "chip.svd"
    whole = [FACTS / f"{name}.svd" for name in ("stm32g0", "lm3s6965", "mps2-an505")]
    texts = [file.read_bytes() for file in whole]
    n_read = 0
    for _ in range(often(60)):
        data = bytearray(rng.choice(texts))
        for _ in range(rng.randint(1, 8)):
            at, kind = rng.randrange(len(data)), rng.randrange(4)
            if kind == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif kind == 1:
                del data[at:at + rng.randint(1, 200)]
            elif kind == 2:
                data[at:at] = data[(begin := rng.randrange(len(data))):begin + rng.randint(1, 300)]
            else:
                data[at:at + 1] = rng.choice([b"-1", b"0x", b"9" * 30, b"&lt;", b"%s"])
        path.write_bytes(data)
        try:
            n_read += bool(read_svd(path).reset is not None)
        except EdgeError as problem:
            assert problem.code == "E103" and problem.help
    assert n_read

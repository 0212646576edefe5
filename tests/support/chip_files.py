"""Small files of chips, as vendors and others write them."""

from __future__ import annotations

import zipfile
from pathlib import Path

FIELD = "<field><name>EN</name><bitOffset>0</bitOffset></field>"


def register(name: str, offset: int, inner: str = "", given: str = "") -> str:
    return (f"<register{given}><name>{name}</name><addressOffset>{offset:#x}</addressOffset>{inner}"
            "</register>")


def peripheral(name: str, base: int, registers: str = "", inner: str = "", given: str = "") -> str:
    held = f"<registers>{registers}</registers>" if registers else ""
    return (f"<peripheral{given}><name>{name}</name><baseAddress>{base:#x}</baseAddress>{inner}"
            f"{held}</peripheral>")


def svd(peripherals: str, inner: str = "") -> bytes:
    return (f"<?xml version='1.0'?><device><name>TOY</name><version>1</version>{inner}"
            f"<peripherals>{peripherals}</peripherals></device>").encode()


PDSC = """<?xml version="1.0" encoding="UTF-8"?>
<package schemaVersion="1.7"><name>Toy_DFP</name><vendor>Toy</vendor><devices>
<family Dfamily="TOY Series" Dvendor="Toy:1">
  <processor Dcore="Cortex-M4" DcoreVersion="r0p1"/>
  <subFamily DsubFamily="TOY1">
    <debug svd="SVD/toy.svd"/>
    <memory id="IROM1" start="0x08000000" size="0x80000" startup="1" default="1"/>
    <device Dname="TOY100A"><memory id="IRAM1" start="0x20000000" size="0x10000" default="1"/>
      <memory name="CCM" access="rw" start="0x10000000" size="0x20000"/></device>
    <device Dname="TOY100B"><memory id="IRAM1" start="0x20000000" size="0x18000" default="1"/>
      <variant Dvariant="TOY100BX"/><variant Dvariant="TOY100BY"/></device>
  </subFamily>
  <device Dname="TOY200"><processor Dcore="Cortex-M0+"/></device>
</family></devices></package>
"""


def pack(path: Path, svd_file: bytes | None = None, pdsc: str = PDSC) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Toy.Toy_DFP.pdsc", pdsc)
        if svd_file is not None:
            archive.writestr("SVD/toy.svd", svd_file)
    return path

"""What each build system wants around the sources."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from edge_dassdp import __version__
from edge_dassdp.base import assets
from edge_dassdp.library.sources import Sources

Texts = dict[str, str]


def laid_out(kind: str, sources: Sources) -> Texts:
    """Texts by path of a library for a build system of `LAYOUTS`, without its README."""
    return LAYOUTS[kind](sources)


def in_src(sources: Sources) -> Texts:
    return {f"src/{file}": text for file, text in sources.files.items()}


def _rendered(template: str, sources: Sources) -> str:
    return assets.render(f"library/{template}.j2", runtime=sources.units(sources.runtime),
                         units=sources.units(sources.files),
                         models=_models(sources), version=__version__,
                         targets=[f"{name}_model" for name in sources.models])


def _models(sources: Sources) -> list[dict[str, Any]]:
    """own: files of its rules from outside the package."""
    seen: set[str] = set()
    found = []
    for name, own in sources.models.items():
        usual = {f"{name}.c", f"{name}_model.c"}
        extra = [f for f in sources.units(own) if f not in usual | seen]
        seen |= set(extra)
        found.append({"name": name, "own": extra})
    return found


def _examples(sources: Sources) -> Texts:
    """A program for this computer for every model: lines of values in, classes or values out."""
    return {f"examples/{name}.c": assets.render(
        "library/example.c.j2", name=name, upper=name.upper(), learns=bool(network.plastic),
        values=network.values is not None, sensor=network.sensor is not None,
        keeps_frame=network.keeps_frame,
        n_line=f"{network.code_bytes} raw counts" if network.sensor is not None else str(
            sum(i.n_raw if network.keeps_frame else i.n_values for i in network.inputs)))
        for name, network in sources.networks.items()}


def _cmake(sources: Sources) -> Texts:
    return {**in_src(sources), **_examples(sources),
            "CMakeLists.txt": _rendered("CMakeLists.txt", sources),
            "dassdp-config.cmake": _rendered("dassdp-config.cmake", sources)}


def _make(sources: Sources) -> Texts:
    return {**in_src(sources), **_examples(sources), "Makefile": _rendered("library.mk", sources)}


def _of_arduino() -> Texts:
    """The link over a Stream."""
    folder = assets.folder("firmware") / "library" / "arduino"
    return {f"src/{path.name}": path.read_text("utf-8") for path in sorted(folder.iterdir())}


def _sketches(sources: Sources) -> Texts:
    """A sketch for every model: the link over Serial."""
    return {f"examples/Link_{name}/Link_{name}.ino": assets.render(
        "library/Link.ino.j2", name=name, upper=name.upper()) for name in sources.networks}


def _arduino(sources: Sources) -> Texts:
    return {**in_src(sources), **_of_arduino(), **_sketches(sources),
            "library.properties": _rendered("library.properties", sources)}


def _platformio(sources: Sources) -> Texts:
    names = list(sources.networks)
    about = {
        "name": "dassdp_" + "_".join(names), "version": __version__, "license": "Apache-2.0",
        "description": "Spiking networks that go on learning: " + ", ".join(names),
        "keywords": ["spiking", "neural network", "learning"], "frameworks": "*", "platforms": "*",
        "headers": [f"{name}.h" for name in names],
        "build": {"srcDir": "src", "includeDir": "src", "flags": ["-fno-strict-aliasing"]}}
    examples: Texts = {}
    for path, text in _sketches(sources).items():
        folder = path.split("/")[1].lower()
        examples[f"examples/{folder}/src/main.cpp"] = f"#include <Arduino.h>\n{text}"
        examples[f"examples/{folder}/platformio.ini"] = _rendered("platformio.ini", sources)
    return {**in_src(sources), **_of_arduino(), **examples,
            "library.json": json.dumps(about, indent=2) + "\n"}


def _zephyr(sources: Sources) -> Texts:
    samples: Texts = {}
    for name in sources.networks:
        folder = f"samples/link_{name}"
        samples |= {f"{folder}/CMakeLists.txt": _rendered("zephyr_sample.cmake", sources),
                    f"{folder}/prj.conf": "CONFIG_DASSDP=y\nCONFIG_SERIAL=y\n",
                    f"{folder}/src/main.c": assets.render("library/zephyr_main.c.j2", name=name,
                                                          upper=name.upper())}
    return {**in_src(sources), **samples, "zephyr/module.yml": _rendered("module.yml", sources),
            "zephyr/Kconfig": _rendered("Kconfig", sources),
            "zephyr/CMakeLists.txt": _rendered("zephyr.cmake", sources)}


LAYOUTS: Mapping[str, Callable[[Sources], Texts]] = {
    "arduino": _arduino, "cmake": _cmake, "make": _make, "platformio": _platformio,
    "zephyr": _zephyr}

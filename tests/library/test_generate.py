"""`generate --for`: what it writes for each build system, what it says, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from support.commands import answer, shown
from support.library import written
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.library.known import KINDS
from edge_dassdp.library.names import HEADERS, library_names
from edge_dassdp.qir import save

MODELS = {"gestures": SCENARIOS["guard_all"].quantized,
          "Other-Net": SCENARIOS["graph_16"].quantized}
HEADS = {"arduino": "library.properties", "cmake": "CMakeLists.txt", "make": "Makefile",
         "platformio": "library.json", "zephyr": "zephyr/module.yml"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    for name, network in MODELS.items():
        save(network, made / f"{name}.q.npz")
    return made


def models(folder: Path) -> list[Path]:
    return [folder / f"{name}.q.npz" for name in MODELS]


@pytest.mark.parametrize("kind", KINDS)
def test_a_library_of_several_models_shares_one_runtime(kind: str, folder: Path, tmp_path: Path
                                                        ) -> None:
    data = answer("generate", *models(folder), "--for", kind, "-o", tmp_path)["data"]
    assert list(data["models"]) == ["gestures", "other_net"] and data["for"] == kind
    names = [p.name for p in (tmp_path / "src").iterdir()]
    assert {"gestures.h", "gestures.c", "other_net.h", "other_net_model.c", "dassdp.h"} <= {*names}
    assert len({name.lower() for name in names}) == len(names) and names.count("dassdp_link.c") == 1
    for path in (tmp_path / "src").iterdir():
        assert path.is_file() and path.name.startswith(
            ("dassdp", "gestures", "other_net", "DassdpStream"))
    assert (tmp_path / HEADS[kind]).is_file()
    told = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert told == {key: value for key, value in data.items() if key != "output"}
    page = (tmp_path / "README.md").read_text("utf-8")
    assert ("UNTESTED" in page) == (kind == "zephyr")
    for name, network in zip(data["models"], MODELS.values(), strict=True):
        found = told["models"][name]
        assert found["sha256"] == network.sha256
        assert f"{found['state_bytes']:,} B" in page
        for call, n_bytes in found["figures"]["stack"]["calls"].items():
            assert call in page and str(n_bytes) in page


def test_every_generated_file_for_zephyr_says_that_it_is_untested(tmp_path: Path) -> None:
    made = written("zephyr", tmp_path, gestures=MODELS["gestures"])
    for path in made.rglob("*"):
        if path.is_file() and path.parent.name != "src" and path.name != "prj.conf":
            assert "UNTESTED" in path.read_text("utf-8").splitlines()[0], path


def test_the_same_library_comes_out_twice(tmp_path: Path) -> None:
    for kind in KINDS:
        one, two = (written(kind, tmp_path / kind / n, gestures=MODELS["gestures"]) for n in "12")
        assert {p.relative_to(one): p.read_bytes() for p in one.rglob("*") if p.is_file()} == {
            p.relative_to(two): p.read_bytes() for p in two.rglob("*") if p.is_file()}


@pytest.mark.parametrize("words,said", [
    (("--for", "bazel"), "choose arduino, cmake, make, platformio, zephyr"),
    (("--for", "cmake", "--name", "one"), "1 names are given for 2 models"),
    (("--for", "cmake", "--name", "one", "--name", "one"), "two models would be called 'one'"),
    (("--for", "cmake", "--name", "string", "--name", "one"), "string.h would stand in"),
    (("--for", "make", "--name", "dassdp", "--name", "one"), "dassdp.h would stand in"),
    (("--name", "No", "--name", "one"), "a model cannot be called 'No'"),
    (("--board", "microbit"), "the firmware of a board runs one model, 2 are given"),
    (("--for", "cmake", "--board", "nowhere"), "there is no board nowhere"),
])
def test_what_cannot_be_is_refused(words: tuple[str, ...], said: str, folder: Path, tmp_path: Path
                                   ) -> None:
    done = shown("generate", *models(folder), *words, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("file,name", [
    ("gestures.q.npz", "gestures"), ("My Net-2.q.npz", "my_net_2"), ("2nd.npz", "nd"),
    ("ß.q.npz", "model"), ("string.q.npz", "model"), ("dassdp_x.q.npz", "model"),
    ("a" * 40 + ".q.npz", "a" * 24)])
def test_a_model_is_called_what_its_file_is(file: str, name: str) -> None:
    assert library_names((), [Path(file)]) == [name]


def test_two_files_of_one_name_ask_for_names() -> None:
    with pytest.raises(EdgeError, match="two models would be called 'a'"):
        library_names((), [Path("x/a.q.npz"), Path("y/a.npz")])


@pytest.mark.usefixtures("arm_toolchain")
@pytest.mark.parametrize("compiler", [
    ("gcc",), ("arm-none-eabi-gcc", "--specs=nano.specs"),
    ("arm-none-eabi-gcc", "--specs=picolibc.specs")], ids=" ".join)
def test_no_model_hides_a_header_that_headers_include(compiler: tuple[str, ...]) -> None:
    asked = "".join(f"#include <{name}.h>\n" for name in (
        "errno", "fcntl", "math", "stdint", "stdio", "stdlib", "string", "time", "unistd", "wchar"))
    told = subprocess.run([*compiler, "-M", "-xc", "-"], input=asked, text=True,
                          capture_output=True, check=True).stdout
    names = {*re.findall(r"/(?:include|newlib)/([a-z][a-z0-9_]*)\.h(?=\s)", told)}
    assert "stdint" in names and names <= HEADERS

"""Places of any name: builds, projects and programmers take them as they are."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from support import tiny
from support.commands import answer, ok, run

from edge_dassdp.base import assets
from edge_dassdp.base.quoting import tcl

NAMES = {"space": "jane doe", "brackets": "a[b]{c}(d)", "quotes": "it's \"q\"", "dash": "-M",
         "shell": "$(touch hacked);`touch hacked`&#h", "comma": "a,b=c:%s", "letters": "mödell 中"}


@pytest.fixture(params=NAMES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return filled(tmp_path / NAMES[request.param])


def filled(folder: Path) -> Path:
    """With model.npz, model.q.npz and data.npz."""
    folder.mkdir()
    tiny.write(folder)
    ok("quantize", "model.npz", "-o", "model.q.npz", cwd=folder)
    return folder


def next_command(screen: str) -> list[str]:
    [line] = [line for line in screen.splitlines() if line.startswith("next: ")]
    return shlex.split(line.removeprefix("next: "))


def test_a_next_command_names_the_files_that_were_given(place: Path) -> None:
    model, data = place / "model.q.npz", place / "data.npz"
    for given in (("quantize", place / "model.npz", "-o", model),
                  ("run", model, "--data", data, "--limit", "2"),
                  ("learn", model, "--data", data, "--limit", "2"), ("inspect", model)):
        words = next_command(ok(*given))
        assert words[0] == "edge-dassdp" and str(model) in words, words
    words = next_command(ok("run", "model.q.npz", "--data", "data.npz", "--limit", "2", cwd=place))
    assert words[words.index("--data") + 1] == "data.npz" and words[-2:] == ["--limit", "2"]
    done = run(*words[1:], cwd=place)
    assert done.returncode == 0, done.stderr


def test_a_path_that_begins_with_a_dash_stays_one(tmp_path: Path) -> None:
    tiny.write(tmp_path)
    (tmp_path / "model.npz").rename(tmp_path / "-m.npz")
    words = next_command(ok("quantize", "./-m.npz", "-o", "-q.npz", cwd=tmp_path))
    assert words[2] == "./-q.npz"
    assert run("inspect", *words[2:3], cwd=tmp_path).returncode == 0


def test_help_that_is_a_command_is_quoted_too(place: Path) -> None:
    done = run("build", place / "model.npz", "--board", "microbit")
    [line] = [line for line in done.stderr.splitlines() if "quantize it first: " in line]
    assert str(place / "model.npz") in shlex.split(line.partition("first: ")[2])


def test_builds_projects_and_programmers(tmp_path: Path, arm_toolchain: None, qemu: None) -> None:
    """With the cache, the project and the model in a place of all these names."""
    place = filled(tmp_path / " ".join(NAMES.values()))
    tools = tmp_path / "bin"
    tools.mkdir()
    fake = tools / "openocd"
    fake.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$SEEN\"\n")
    fake.chmod(0o755)
    env = {"EDGE_DASSDP_CACHE": str(place / "cache"), "SEEN": str(place / "seen"),
           "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    done = run("flash", "model.q.npz", "--board", "microbit", "--via", "command", "--json",
               cwd=place, **env)
    assert done.returncode == 0, done.stderr
    [elf] = place.glob("cache/firmware-microbit-*/firmware.elf")
    assert f"program {tcl(str(elf))} verify reset exit" in (place / "seen").read_text()
    done = run("run", "model.q.npz", "--data", "data.npz", "--limit", "2", "--target",
               "qemu:microbit", cwd=place, **env)
    assert done.returncode == 0, done.stderr
    done = run("generate", "model.q.npz", "--board", "microbit", "-o", place / "project", **env,
               cwd=place)
    words = next_command(done.stdout)
    for more in ([], ["program"]):
        made = subprocess.run([*words, *more], capture_output=True, text=True, cwd=place,
                              env=os.environ | env, check=False)
        assert made.returncode == 0, made.stderr
    assert "program firmware.elf verify reset exit" in (place / "seen").read_text()
    assert (place / "project" / "firmware.elf").read_bytes() == elf.read_bytes()
    assert not list(place.rglob("hacked")) and not Path("hacked").exists()


def test_a_board_of_somebody_else_runs_nothing(tmp_path: Path, arm_toolchain: None) -> None:
    """What make and the compiler see of a board that is taken is text."""
    tiny.write(tmp_path)
    ok("quantize", "model.npz", "-o", "m.q.npz", cwd=tmp_path)
    text = (assets.folder("boards") / "microbit" / "board.toml").read_text("utf-8")
    note = "$(shell touch hacked) `touch hacked` $x #define x 'a' \\\"b\\\" ??/ %s"
    title = note + " ${x} {{ 7 * 7 }}"
    command = '["sh", "-c", "echo $(shell touch hacked) $$x \'q\' `echo y` > seen # {elf}"]'
    start, end = text.index("[program]"), text.index("usb = ")
    text = (text[:start] + f"[program]\ncommand = {command}\nnote = \"{note}\"\n" + text[end:])
    text = text.replace("BBC micro:bit v1, nRF51822, Cortex-M0 at 16 MHz", title)
    (tmp_path / "board.toml").write_text(text, "utf-8")
    answer("build", tmp_path / "m.q.npz", "--board", tmp_path / "board.toml")
    answer("generate", tmp_path / "m.q.npz", "--board", tmp_path, "-o", tmp_path / "p")
    subprocess.run(["make", "-C", tmp_path / "p"], check=True, capture_output=True)
    assert "{{ 7 * 7 }}" in (tmp_path / "p" / "Makefile").read_text("utf-8")
    assert not list(tmp_path.rglob("hacked"))
    subprocess.run(["make", "-C", tmp_path / "p", "program"], check=True, capture_output=True)
    assert (tmp_path / "p" / "seen").exists(), "its command alone is run, when it is asked for"

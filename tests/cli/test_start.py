"""A command starts fast: it loads what it needs when it is called."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from support.commands import ok, shown

MOST_S = 0.25
"""CPU seconds of `--help` and `--version`, the interpreter included."""
VERBS = ("inspect", "quantize", "tune", "compare", "generate", "build", "key", "measure", "flash",
         "learn", "run", "profile", "verify", "trace", "monitor", "save", "reset", "forget",
         "prove", "export", "state", "board", "boards", "devices", "doctor", "explain", "ci",
         "demo", "rerun", "diff", "report")
HEAVY = {"numpy", "jinja2", "cffi", "serial", "elftools", "torch", "nir", "onnx", "matplotlib"}


def cpu_s(*arguments: str) -> float:
    """User and system time of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "edge_dassdp", *arguments], check=True,
                   capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def loaded(*arguments: str) -> set[str]:
    """Modules that a command has loaded when it ends."""
    code = ("import sys\nfrom edge_dassdp.cli import main\n"
            f"sys.argv = ['edge-dassdp', *{list(arguments)!r}]\n"
            "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)")
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                              text=True).stderr.split())


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_are_there_at_once(argument: str) -> None:
    assert min(cpu_s(argument) for _ in range(3)) < MOST_S


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_no_verb_is_loaded_where_none_is_called(argument: str) -> None:
    modules = loaded(argument)
    assert "edge_dassdp.cli" in modules
    assert {m for m in modules if m.startswith("edge_dassdp.cli.")} == {"edge_dassdp.cli.app"}


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_loads_nothing_that_only_the_verb_needs(verb: str) -> None:
    modules = loaded(*filter(None, [verb]), "--help")
    assert not {m.partition(".")[0] for m in modules} & HEAVY


def test_a_verb_loads_no_framework() -> None:
    found = {m.partition(".")[0] for m in loaded("boards")}
    assert not found & {"torch", "nir", "onnx", "matplotlib", "cffi"}


def test_these_are_the_verbs_and_each_begins_as_its_line_says() -> None:
    lines = ok("--help").splitlines()
    listed = [line.split(maxsplit=1) for line in lines[lines.index("Commands:") + 1:]]
    assert [words[0] for words in listed[:len(VERBS)]] == list(VERBS)
    for verb, line in listed[:len(VERBS)]:
        assert line.removesuffix(".") in " ".join(ok(verb, "--help").split()), verb


def test_the_nearest_verb_is_named() -> None:
    done = shown("lern")
    assert done.returncode == 2 and "Did you mean 'learn'" in done.stderr

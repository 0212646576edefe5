"""A compiler for this computer as it fails, or is another one than gcc."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.commands import ok, refused, shown
from support.failing_tools import (
    COMPILER,
    GCC,
    Failure,
    fake,
    leaves_nothing,
    says,
    sh,
    with_fake,
)

from edge_dassdp.build.host import flags_taken, host_compiler
from edge_dassdp.build.project import SPEED
from edge_dassdp.build.tools import proves_defect

HOST = {
    name: failure for name, failure in COMPILER.items() if failure.code == "E302"
} | {
    "leaves nothing": Failure(says("all well", 0), "E302", ("left no none.so", "all well")),
    "header missing": Failure(says("trial.c:1:1: fatal error: no.h: No such file"), "E302",
                              ("no.h",)),
    "too old": Failure(says("cc: error: unrecognized option -std=c11"), "E302", ("-std=c11",)),
    "leaves no library": Failure(
        sh('case "$*" in *--version*) exec {real} "$@";; esac',
           'for last; do :; done; echo no library > "$last"'),
        "E302", ("cannot be loaded here",)),
}
del HOST["without its library"]


@pytest.mark.parametrize("failure", HOST.values(), ids=HOST)
def test_a_compiler_for_this_computer(model: Path, folder: Path, tmp_path: Path,
                                      failure: Failure) -> None:
    told = refused("E302", "verify", model, "--random", "1", "--target", "emulator",
                   PATH=with_fake(tmp_path, "cc", failure.script))
    assert all(words in told for words in failure.words)
    assert "defect" not in told and "cc" in told
    assert ("set CC" in told) != ("Make room" in told)
    assert leaves_nothing(folder)


def test_generated_code_that_a_good_compiler_refuses_is_our_defect(
        model: Path, folder: Path, tmp_path: Path) -> None:
    script = sh('case "$*" in *dassdp_model.c*) ;; *) exec {real} "$@";; esac',
                "echo 'generated/dassdp_model.c:9:1: error: no such thing' >&2", "exit 1")
    told = refused("E304", "verify", model, "--random", "1", "--target", "emulator",
                   PATH=with_fake(tmp_path, "cc", script))
    assert "no such thing" in told and "report it" in told and leaves_nothing(folder)


TEXTS = {"src/core/step.c": "/* ours */", "generated/dassdp_model.c": "/* Generated: x. */"}
RULE = {"generated/my_rule.c": "/* A rule of somebody's own. */"}


@pytest.mark.parametrize(("said", "command", "texts", "is_ours"), [
    ("generated/dassdp_model.c:3:1: error: no", ["cc"], TEXTS, True),
    ("./src/core/step.c:3:1: error: no [-Werror]", ["cc"], TEXTS, True),
    ("In file included from x:\nsrc/core/step.c:3: error: no", ["cc"], TEXTS, True),
    ("src/core/step.c:3:1: fatal error: string.h: No such file", ["cc"], TEXTS, False),
    ("src/core/step.c:3:1: internal compiler error: x", ["cc"], TEXTS, False),
    ("src/core/step.c:3:1: warning: x", ["cc"], TEXTS, False),
    ("/usr/include/stdint.h:3:1: error: no", ["cc"], TEXTS, False),
    ("cc: error: unrecognized option", ["cc"], TEXTS, False),
    ("src/core/step.c:3:1: error: no", ["cc", "-std=c89"], TEXTS, False),
    ("generated/my_rule.c:3:1: error: no", ["cc"], TEXTS | RULE, False),
    ("generated/dassdp_model.c:3:1: error: no", ["cc"], TEXTS | RULE, False),
])
def test_our_defect_is_what_the_compiler_proves(said: str, command: list[str],
                                                texts: dict[str, str], is_ours: bool) -> None:
    assert proves_defect(command, said, texts) is is_ours


@pytest.mark.parametrize(("cc", "code", "words"), [
    ("no-such-compiler -m64", "E301", "no-such-compiler is not installed"),
    ('gcc "', "E301", "No closing quotation"),
    ("/etc", "E301", "/etc is not installed"),
    ("/bin/false", "E302", "false failed"),
    ("/bin/true", "E302", "left no none.so"),
    ("cat", "E302", "cat failed"),
    ("echo", "E302", "left no none.so"),
    ("cc --no-such-option", "E302", "--no-such-option"),
    ("cc -Dint=none", "E302", "none"),
    ("cc -fvisibility=hidden", "E302", "undefined symbol: dassdp_trial"),
])
def test_a_cc_that_is_none_is_named(model: Path, folder: Path, cc: str, code: str,
                                    words: str) -> None:
    done = shown("verify", model, "--random", "1", "--target", "emulator", CC=cc)
    assert done.returncode == 3 and done.stderr.startswith(f"error[{code}]: ")
    assert words in done.stderr and f"CC is {cc}: unset it" in done.stderr
    assert "defect" not in done.stderr and leaves_nothing(folder)


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_a_cc_of_a_cross_build_is_named(model: Path, folder: Path) -> None:
    told = refused("E302", "verify", model, "--random", "1", "--target", "emulator", CC=GCC)
    assert f"CC is {GCC}: unset it" in told and "cannot be loaded here" in told


@pytest.mark.parametrize("kind", ["with options", "behind a launcher", "at a path with a space",
                                  "quoted"])
def test_a_cc_of_more_than_a_word_compiles(folder: Path, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    spaced = fake(tmp_path, "my cc", sh(f'exec {shutil.which("cc")} "$@"'))
    launcher = fake(tmp_path, "ccache", sh('exec "$@"'))
    monkeypatch.setenv("CC", {
        "with options": "cc -g0 -pipe", "behind a launcher": f"{launcher} cc",
        "at a path with a space": str(spaced), "quoted": f"'{spaced}' -pipe"}[kind])
    assert flags_taken(host_compiler(), SPEED)


@pytest.mark.parametrize("n_blocks", [0, 8, 60])
def test_a_disk_that_fills_up_leaves_no_half(model: Path, folder: Path, n_blocks: int) -> None:
    """No file may grow beyond a size: tools are killed for it, Python is told."""
    limited = fake(folder.parent, "limited", sh(f"ulimit -f {n_blocks}", 'exec "$@"'))
    cc = f"{limited} cc"
    told = shown("verify", model, "--random", "1", "--target", "emulator", CC=cc)
    assert told.returncode == 3 and "defect" not in told.stderr, told.stderr
    assert leaves_nothing(folder)
    if n_blocks == 8:
        fake(folder.parent, "limited", sh('exec "$@"'))
        ok("verify", model, "--random", "1", "--target", "emulator", CC=cc)


def clang_or_its_likeness(folder: Path) -> str:
    """Clang, or gcc behind what refuses as Clang does the flags that are gcc's alone."""
    refusals = "\n".join(f"  {flag}) echo \"clang: error: unknown argument: '$a'\" >&2; exit 1;;"
                         for flag in ("-fvect-cost-model=*", "-funswitch-loops"))
    return shutil.which("clang") or str(fake(folder, "clang", sh(
        'for a in "$@"; do case $a in', refusals, "esac; done", 'exec gcc "$@"')))


@pytest.mark.parametrize("target", ["emulator", "emulator-checked"])
def test_clang_builds_the_emulator_and_learns_the_same_bits(model: Path, folder: Path,
                                                            tmp_path: Path, target: str) -> None:
    clang = clang_or_its_likeness(tmp_path)
    said = ok("verify", model, "--data", model.parent / "data.npz", "--target", target, CC=clang)
    assert "PASS bit-exact" in said and target in said

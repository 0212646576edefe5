"""Tools as they fail: scripts in the place of each, that fail in every way they are known to.

A person reads the tool's own words and what to do; our defect is only what the words prove.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support import tiny
from support.commands import answer, ok, refused, run, shown

from edge_dassdp import ir
from edge_dassdp.base.errors import CODES
from edge_dassdp.build.host import flags_taken, host_compiler
from edge_dassdp.build.project import SPEED
from edge_dassdp.build.tools import proves_defect
from edge_dassdp.storage.cache import VARIABLE

ARM = "arm-none-eabi-"
GCC, OBJCOPY, OBJDUMP, QEMU = (f"{ARM}gcc", f"{ARM}objcopy", f"{ARM}objdump", "qemu-system-arm")
cross = pytest.mark.usefixtures("arm_toolchain", "qemu")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny.write(folder)
    ok("quantize", folder / "model.npz", "-o", folder / "model.q.npz")
    return folder / "model.q.npz"


@pytest.fixture(scope="module")
def built(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the firmware."""
    folder = tmp_path_factory.mktemp("objects") / "cache"
    ok("build", model, "--board", "microbit", **{VARIABLE: str(folder)})
    return folder


@pytest.fixture
def objects(built: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache in use holds the objects of the firmware, and not the firmware."""
    for firmware in built.glob("firmware-*"):
        shutil.rmtree(firmware)
    monkeypatch.setenv(VARIABLE, str(built))
    return built


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no CC."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    return tmp_path / "cache"


def fake(folder: Path, name: str, script: str) -> Path:
    """A tool before all others on PATH; {real} stands for the one that it hides."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(script.replace("{real}", shutil.which(name) or ""))
    path.chmod(0o755)
    return path


def with_fake(folder: Path, name: str, script: str) -> str:
    """The PATH with it."""
    return f"{fake(folder, name, script).parent}:{os.environ['PATH']}"


@dataclass(frozen=True)
class Failure:
    """How a tool fails, the code it is refused with and words that a person then reads."""

    script: str
    code: str
    words: tuple[str, ...]


def sh(*lines: str) -> str:
    return "\n".join(["#!/bin/sh", *lines, ""])


def says(words: str, status: int = 1) -> str:
    """A compiler that knows its version, and no more."""
    return sh('case "$*" in *--version*) exec {real} "$@";; esac', f"echo '{words}' >&2",
              f"exit {status}")


ANY = {
    "says nothing": Failure(sh("exit 3"), "E302", ("it said nothing, exit status 3",)),
    "speaks on stdout": Failure(sh("echo out of order; exit 1"), "E302", ("out of order",)),
    "no text": Failure(sh(r"printf '\377\376 broken\n' >&2; exit 1"), "E302", ("broken",)),
    "killed": Failure(sh("kill -9 $$"), "E302", ("signal 9",)),
    "crashes": Failure(sh("kill -11 $$"), "E302", ("signal 11",)),
    "a library is missing": Failure(
        sh("echo 'error while loading shared libraries: libmpc.so.3' >&2; exit 127"), "E302",
        ("libmpc.so.3",)),
    "of another machine": Failure("\x7fELF of another machine", "E302", ("cannot be started",)),
    "of no interpreter": Failure("#!/nowhere/python\n", "E302", ("cannot be started",)),
}
COMPILER = ANY | {
    "leaves nothing": Failure(says("all well", 0), "E302", ("left no obj/", "all well")),
    "without its library": Failure(sh('exec {real} -nostdinc "$@"'), "E302", ("stdint.h",)),
    "header missing": Failure(
        says("src/core/step.c:3:10: fatal error: string.h: No such file or directory"), "E302",
        ("string.h", "libnewlib-arm-none-eabi")),
    "too old": Failure(says("gcc: error: unrecognized command line option -fcallgraph-info=su"),
                       "E302", ("-fcallgraph-info", "GCC 10")),
    "breaks down": Failure(
        says("src/core/step.c:9:1: internal compiler error: Segmentation fault"), "E302",
        ("internal compiler error",)),
    "no room": Failure(
        says("src/core/step.c:9:1: fatal error: error writing to x.s: No space left on device"),
        "E302", ("No space left", "Make room", VARIABLE)),
    "an error of ours": Failure(says("generated/dassdp_model.c:9:1: error: no such thing"), "E304",
                                ("no such thing", "report it")),
}


def check(failure: Failure, told: str, tool: str) -> None:
    for words in failure.words:
        assert words in told
    assert ("defect" in told) == (failure.code == "E304")
    assert CODES[failure.code].exit == (101 if failure.code == "E304" else 3)
    assert "The command was: " in told and tool in told


def leaves_nothing(folder: Path) -> bool:
    """Nothing of a build that failed is there, half or whole."""
    return not [*folder.glob("firmware-*"), *folder.glob("emulator-*"),
                *folder.glob("unfinished-*")]


@cross
@pytest.mark.parametrize("failure", COMPILER.values(), ids=COMPILER)
def test_a_cross_compiler(model: Path, folder: Path, tmp_path: Path, failure: Failure) -> None:
    told = refused(failure.code, "build", model, "--board", "microbit",
                   PATH=with_fake(tmp_path, GCC, failure.script))
    check(failure, told, GCC)
    assert leaves_nothing(folder)


LINKER = {
    "no C library": Failure("ld: cannot find -lc: No such file or directory", "E302",
                            ("cannot find -lc", "newlib")),
    "no room in flash": Failure("ld: region `FLASH'\"'\"' overflowed by 1234 bytes", "E402",
                                ("flash overflows by 1,234 B", "263,378 B")),
    "no room in RAM": Failure("ld: region `RAM'\"'\"' overflowed by 8 bytes", "E402",
                              ("RAM overflows by 8 B", "budget 16,384 B (microbit)")),
}


@cross
@pytest.mark.parametrize("failure", LINKER.values(), ids=LINKER)
def test_a_linker(model: Path, folder: Path, tmp_path: Path, failure: Failure) -> None:
    script = sh('case "$*" in *"-c "*|*--version*) exec {real} "$@";; esac',
                f"echo '{failure.script}' >&2", "exit 1")
    told = refused(failure.code, "build", model, "--board", "microbit",
                   PATH=with_fake(tmp_path, GCC, script))
    assert all(words in told for words in failure.words) and "defect" not in told
    assert leaves_nothing(folder)


@cross
@pytest.mark.parametrize("failure", ANY.values(), ids=ANY)
@pytest.mark.parametrize("tool", [OBJCOPY, OBJDUMP])
def test_a_binutil(model: Path, objects: Path, tmp_path: Path, tool: str,
                   failure: Failure) -> None:
    told = refused(failure.code, "build", model, "--board", "microbit",
                   PATH=with_fake(tmp_path, tool, failure.script))
    check(failure, told, tool)


@cross
@pytest.mark.parametrize(("tool", "script", "words"), [
    (OBJCOPY, sh("exit 0"), "left no firmware.hex"),
    (OBJDUMP, sh("exit 0"), "lacks functions of firmware.elf"),
    (OBJDUMP, sh("echo garbage"), "lacks functions of firmware.elf"),
    (OBJDUMP, sh('{real} "$@" | head -n 50'), "lacks functions of firmware.elf"),
])
def test_a_binutil_that_believes_it_did_well(model: Path, objects: Path, tmp_path: Path, tool: str,
                                             script: str, words: str) -> None:
    told = refused("E302", "build", model, "--board", "microbit",
                   PATH=with_fake(tmp_path, tool, script))
    assert words in told


@cross
@pytest.mark.parametrize("tool", [GCC, OBJCOPY, OBJDUMP, QEMU])
def test_one_that_is_missing(model: Path, objects: Path, tmp_path: Path, tool: str) -> None:
    for name in {GCC, OBJCOPY, OBJDUMP, QEMU} - {tool}:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    told = refused("E301", "verify", model, "--random", "1", "--target", "qemu:microbit",
                   PATH=str(tmp_path))
    assert f"{tool} is not installed" in told and "apt install" in told


MACHINES = ANY | {
    "too old": Failure(sh("echo 'qemu-system-arm: unsupported machine type' >&2; exit 1"), "E302",
                       ("unsupported machine type", "-M help` must list microbit")),
    "no display": Failure(sh("echo 'qemu-system-arm: -display: none?' >&2; exit 1"), "E302",
                          ("-display",)),
}
del MACHINES["killed"], MACHINES["speaks on stdout"], MACHINES["says nothing"]


@cross
@pytest.mark.parametrize("failure", MACHINES.values(), ids=MACHINES)
def test_qemu(model: Path, objects: Path, tmp_path: Path, failure: Failure) -> None:
    told = refused(failure.code, "verify", model, "--random", "1", "--target", "qemu:microbit",
                   PATH=with_fake(tmp_path, QEMU, failure.script))
    words = failure.words if "signal" not in failure.words[0] else ("it said nothing",)
    check(Failure(failure.script, failure.code, words), told, QEMU)


@cross
def test_qemu_without_room_for_temporary_files(model: Path, objects: Path) -> None:
    done = run("verify", model, "--random", "1", "--target", "qemu:microbit", cwd=Path("/proc"),
               TMPDIR="/proc", TEMP="/proc", TMP="/proc")
    assert done.returncode == 0 and "PASS bit-exact" in done.stdout


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


@cross
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


def test_search_paths_for_this_computer_do_not_reach_the_cross_compiler(
        arm_toolchain: None, model: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "stdint.h").write_text("#error this is for another computer\n")
    (tmp_path / "string.h").write_text("#error this is for another computer\n")
    ok("build", model, "--board", "microbit", CPATH=str(tmp_path), C_INCLUDE_PATH=str(tmp_path))


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


def test_doctor_tries_what_is_there(arm_toolchain: None, qemu: None, folder: Path,
                                    tmp_path: Path) -> None:
    def found(**env: str) -> dict[str, dict[str, object]]:
        done = shown("doctor", "--json", **env)
        checks = json.loads(done.stdout)["data"]["checks"]
        assert done.returncode == (3 if any(not c["ok"] and not c["optional"] for c in checks)
                                   else 0)
        return {c["what"]: c for c in checks}

    assert all(c["ok"] or c["optional"] for c in found().values())
    for name, script, what, words in [
            (GCC, sh('exec {real} -nostdinc "$@"'), "newlib", "stdint.h"),
            (OBJCOPY, sh("exit 3"), OBJCOPY, "exit status 3"),
            ("cc", sh("echo no licence >&2; exit 1"), "cc", "no licence"),
            (QEMU, sh("echo 'microbit BBC micro:bit'"), QEMU, "mps3-an547")]:
        (tmp_path / what).mkdir()
        check = found(PATH=with_fake(tmp_path / what, name, script))[what]
        assert not check["ok"] and words in str(check["fix"])
    assert "CC is /bin/false: unset it" in str(found(CC="/bin/false")["cc"]["fix"])
    folder.chmod(0o777)
    assert "others can write" in str(found()["cache folder"]["fix"])


@cross
def test_what_does_not_fit_is_refused_alike_by_build_and_by_every_verb_on_qemu(
        tmp_path: Path, folder: Path) -> None:
    rng = np.random.default_rng(0)
    network = ir.Network(
        (ir.Input("x", 300),),
        (ir.Population("h", 900, 0.9, 1.0), ir.Population("out", 300, 0.0, 1.0, "none")),
        tuple(ir.Projection(f"w{n}", pre, post, rng.normal(0, 0.1, shape))
              for n, (pre, post, shape) in enumerate(
                  (("x", "h", (300, 900)), ("h", "out", (900, 300))))),
        ir.Readout("out", "membrane_sum"), 4)
    ir.save(network, tmp_path / "m.npz")
    np.savez(tmp_path / "d.npz", x=rng.normal(size=(4, 300)).astype("f4"),
             y=np.zeros(4, np.int64))
    for learns, what in (([], "RAM"), (["--frozen"], "flash")):
        ok("quantize", tmp_path / "m.npz", "-o", tmp_path / "m.q.npz", *learns)
        told = refused("E402", "build", tmp_path / "m.q.npz", "--board", "microbit")
        assert f"{what} overflows by" in told
        for verb in (["verify", "--random", "1"], ["run", "--data", tmp_path / "d.npz"],
                     ["generate", "-o", tmp_path / "project"]):
            where = ["--board", "microbit"] if verb[0] == "generate" else ["--target",
                                                                           "qemu:microbit"]
            assert refused("E402", verb[0], tmp_path / "m.q.npz", *verb[1:], *where) == told


@cross
def test_a_damaged_build_is_never_copied_nor_run(model: Path, folder: Path, tmp_path: Path) -> None:
    ok("build", model, "--board", "microbit", "-o", tmp_path / "good")
    good = {p.name: p.read_bytes() for p in (tmp_path / "good").iterdir()}
    for suffix in ("elf", "hex"):
        for harm in (b"", good[f"firmware.{suffix}"][:2000], good[f"firmware.{suffix}"][:-9]
                     + b"\x01" + good[f"firmware.{suffix}"][-8:]):
            [kept] = folder.glob(f"firmware-*/firmware.{suffix}")
            kept.write_bytes(harm)
            ok("build", model, "--board", "microbit", "-o", tmp_path / "again")
            assert {p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()} == good
            kept.write_bytes(harm)
            ok("verify", model, "--random", "1", "--target", "qemu:microbit")
            kept.write_bytes(harm)
            data = answer("flash", model, "--board", "microbit", "--dry-run")["data"]
            assert Path(data[suffix]).read_bytes() == good[f"firmware.{suffix}"]

"""Tools of a cross build as they fail: compiler, linker, binutils, QEMU.

A person reads the tool's own words and what to do; our defect is only what the words prove.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.commands import answer, ok, refused, run, shown
from support.failing_tools import (
    ANY,
    COMPILER,
    GCC,
    OBJCOPY,
    OBJDUMP,
    QEMU,
    Failure,
    check,
    leaves_nothing,
    sh,
    with_fake,
)

from edge_dassdp import ir


@pytest.mark.usefixtures("arm_toolchain", "qemu")
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
                                ("flash overflows by 1,234 B", "230,610 B")),
    "no room in RAM": Failure("ld: region `RAM'\"'\"' overflowed by 8 bytes", "E402",
                              ("RAM overflows by 8 B", "budget 16,384 B (microbit)")),
}


@pytest.mark.parametrize("failure", LINKER.values(), ids=LINKER)
def test_a_linker(model: Path, cross: Path, tmp_path: Path, failure: Failure) -> None:
    script = sh('case "$*" in *"-c "*|*--version*) exec {real} "$@";; esac',
                f"echo '{failure.script}' >&2", "exit 1")
    told = refused(failure.code, "build", model, "--board", "microbit",
                   PATH=with_fake(cross, GCC, script))
    assert all(words in told for words in failure.words) and "defect" not in told
    assert leaves_nothing(tmp_path / "cache")


@pytest.mark.parametrize("failure", ANY.values(), ids=ANY)
@pytest.mark.parametrize("tool", [OBJCOPY, OBJDUMP])
def test_a_binutil(model: Path, cross: Path, tmp_path: Path, tool: str,
                   failure: Failure) -> None:
    told = refused(failure.code, "build", model, "--board", "microbit",
                   PATH=with_fake(tmp_path, tool, failure.script))
    check(failure, told, tool)


@pytest.mark.parametrize(("tool", "script", "words"), [
    (OBJCOPY, sh("exit 0"), "left no firmware.hex"),
    (OBJDUMP, sh("exit 0"), "lacks functions of firmware.elf"),
    (OBJDUMP, sh("echo garbage"), "lacks functions of firmware.elf"),
    (OBJDUMP, sh('{real} "$@" | head -n 50'), "lacks functions of firmware.elf"),
])
def test_a_binutil_that_believes_it_did_well(model: Path, cross: Path, tmp_path: Path, tool: str,
                                             script: str, words: str) -> None:
    told = refused("E302", "build", model, "--board", "microbit",
                   PATH=with_fake(tmp_path, tool, script))
    assert words in told


@pytest.mark.parametrize("tool", [GCC, OBJCOPY, OBJDUMP, QEMU])
def test_one_that_is_missing(model: Path, cross: Path, tmp_path: Path, tool: str) -> None:
    (tmp_path / "only").mkdir()
    for name in {OBJCOPY, OBJDUMP, QEMU} - {tool}:
        (tmp_path / "only" / name).symlink_to(str(shutil.which(name)))
    there = tmp_path / "only" if tool == GCC else f"{cross / 'bin'}:{tmp_path / 'only'}"
    told = refused("E301", "verify", model, "--random", "1", "--target", "qemu:microbit",
                   PATH=str(there))
    assert f"{tool} is not installed" in told and "apt install" in told


MACHINES = ANY | {
    "too old": Failure(sh("echo 'qemu-system-arm: unsupported machine type' >&2; exit 1"), "E302",
                       ("unsupported machine type", "-M help` must list microbit")),
    "no display": Failure(sh("echo 'qemu-system-arm: -display: none?' >&2; exit 1"), "E302",
                          ("-display",)),
}
del MACHINES["killed"], MACHINES["speaks on stdout"], MACHINES["says nothing"]


@pytest.mark.parametrize("failure", MACHINES.values(), ids=MACHINES)
def test_qemu(model: Path, cross: Path, tmp_path: Path, failure: Failure) -> None:
    told = refused(failure.code, "verify", model, "--random", "1", "--target", "qemu:microbit",
                   PATH=with_fake(tmp_path, QEMU, failure.script))
    words = failure.words if "signal" not in failure.words[0] else ("it said nothing",)
    check(Failure(failure.script, failure.code, words), told, QEMU)


def test_qemu_without_room_for_temporary_files(model: Path, cross: Path) -> None:
    done = run("verify", model, "--random", "1", "--target", "qemu:microbit", cwd=Path("/proc"),
               TMPDIR="/proc", TEMP="/proc", TMP="/proc")
    assert done.returncode == 0 and "PASS bit-exact" in done.stdout


def test_search_paths_for_this_computer_do_not_reach_the_cross_compiler(
        model: Path, cross: Path, tmp_path: Path) -> None:
    (tmp_path / "stdint.h").write_text("#error this is for another computer\n")
    (tmp_path / "string.h").write_text("#error this is for another computer\n")
    ok("build", model, "--board", "microbit", CPATH=str(tmp_path), C_INCLUDE_PATH=str(tmp_path))


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


def test_what_does_not_fit_is_refused_alike_by_build_and_by_every_verb_on_qemu(
        tmp_path: Path, cross: Path) -> None:
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


def test_a_damaged_build_is_never_copied_nor_run(model: Path, cross: Path, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", with_fake(tmp_path, "openocd", sh()))
    ok("build", model, "--board", "microbit", "-o", tmp_path / "good")
    good = {p.name: p.read_bytes() for p in (tmp_path / "good").iterdir()}
    for suffix in ("elf", "hex"):
        for harm in (b"", good[f"firmware.{suffix}"][:2000], good[f"firmware.{suffix}"][:-9]
                     + b"\x01" + good[f"firmware.{suffix}"][-8:]):
            [kept] = tmp_path.glob(f"cache/firmware-*/firmware.{suffix}")
            kept.write_bytes(harm)
            ok("build", model, "--board", "microbit", "-o", tmp_path / "again")
            assert {p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()} == good
            kept.write_bytes(harm)
            ok("verify", model, "--random", "1", "--target", "qemu:microbit")
            kept.write_bytes(harm)
            data = answer("flash", model, "--board", "microbit", "--dry-run")["data"]
            assert Path(data[suffix]).read_bytes() == good[f"firmware.{suffix}"]

"""`edge-dassdp ci init`, and what it writes: run as written, in order, in a clean folder."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import sysconfig
import venv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from support.commands import ROOT, ok, refused

import edge_dassdp as ed

GITHUB, GITLAB = Path(".github/workflows/edge-dassdp.yml"), Path(".gitlab-ci.yml")
TEST = Path("tests/test_edge_dassdp.py")
INIT = ("ci", "init", "model.q.npz", "--data", "data.npz")


def commands(project: Path, provider: str) -> list[str]:
    """What a runner gives its shell."""
    if provider == "gitlab":
        return list(yaml.safe_load((project / GITLAB).read_text())["edge-dassdp"]["script"])
    recipe = yaml.safe_load((project / GITHUB).read_text())
    (job,) = recipe["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "build", "--quiet", "--wheel", "--no-isolation",
                    "--outdir", str(out), str(ROOT)], check=True, capture_output=True)
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin of an environment without edge-dassdp, that has what it asks for."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "there.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_the_recipe_as_it_is_written(provider: str, project: Path, wheel: Path, python: Path,
                                     tmp_path_factory: pytest.TempPathFactory,
                                     arm_toolchain: None, qemu: None) -> None:
    """A user's repository: init, the golden file looked at and committed, then a runner."""
    (project / "vendor").mkdir()
    (project / "vendor" / wheel.name).write_bytes(wheel.read_bytes())
    ok(*INIT, "--board", "microbit", "--package", f"vendor/{wheel.name}", cwd=project)
    lines = commands(project, provider)
    assert "apt-get install" in lines[0] and "pip install" in lines[1] and len(lines) == 3
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "CI")} | {
        "PATH": f"{python}{os.pathsep}{os.environ['PATH']}", "PYTEST_ADDOPTS": ""}

    def shell(line: str, where: Path, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-e", "-c", line], cwd=where, env=environment | env,
                              text=True, capture_output=True, timeout=600, check=False)

    for line in lines[:2]:
        assert shell(line, project).returncode == 0
    first = shell(lines[2], project)
    assert first.returncode == 1 and "look at it, commit it" in first.stdout, first.stdout
    for words in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm all"):
        assert shell(f"git {words}", project).returncode == 0
    clean = tmp_path_factory.mktemp("runner") / "checkout"
    assert shell(f"git clone -q {project} {clean}", project).returncode == 0
    for line in lines:
        done = shell(line, clean, CI="true")
        assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout

    model = ed.load_model(clean / "model.q.npz")
    q, *others = model.projections
    ed.save(replace(model, projections=(replace(q, w=-q.w), *others)), clean / "model.q.npz")
    broken = shell(lines[2], clean, CI="true")
    assert broken.returncode == 1 and "The model is another" in broken.stdout


@pytest.mark.parametrize("package", [
    "https://example.org/edge_dassdp-0.1.0-py3-none-any.whl",
    "git+https://example.org/somebody/edge_dassdp@5f3c2a1", "edge-dassdp[ci,plot]==0.1.0", ""])
def test_where_the_package_comes_from(package: str, project: Path) -> None:
    told = ok(*INIT, *(["--package", package] if package else []), cwd=project)
    assert ("from its index" in told) is not bool(package)
    for provider in ("github", "gitlab"):
        *words, given = shlex.split(commands(project, provider)[-2])
        assert words == ["python", "-m", "pip", "install"]
        wanted = Requirement(given)
        assert wanted.name == "edge-dassdp" and "ci" in wanted.extras
        assert (wanted.url or "") == (package if "://" in package else "")
    if not package:
        assert str(wanted.specifier) == f"=={ed.__version__}"


def test_what_is_there_is_not_overwritten(project: Path) -> None:
    told = ok(*INIT, "--for", "github", cwd=project)
    assert "wrote .github/workflows/edge-dassdp.yml" in told and str(TEST) in told
    assert not (project / GITLAB).exists()
    ok(*INIT, "--for", "github", cwd=project)
    (project / TEST).write_text("mine\n")
    (project / GITHUB).write_text("mine\n")
    assert "--force" in refused("E105", *INIT, cwd=project)
    assert not (project / GITLAB).exists(), "nothing is written where something is refused"
    (project / GITLAB).write_text("stages: [mine]\n")
    told = ok(*INIT, "--force", cwd=project)
    assert f"{TEST} is there and stays" in told and "include:" in told
    assert (project / TEST).read_text() == "mine\n"
    assert (project / GITLAB).read_text() == "stages: [mine]\n"
    part = yaml.safe_load((project / ".gitlab/edge-dassdp.yml").read_text())
    assert part["edge-dassdp"]["script"] == commands(project, "github")


def test_names_that_a_shell_would_take_apart(project: Path) -> None:
    odd = project / "my model; touch $(owned) 'x'.npz"
    (project / "model.q.npz").rename(odd)
    ok("ci", "init", odd.name, "--data", "data.npz", cwd=project)
    for provider in ("github", "gitlab"):
        line = commands(project, provider)[-1].replace("python -m pytest", "printf '%s\\n'")
        shown = subprocess.run(["bash", "-e", "-c", line], cwd=project, text=True,
                               capture_output=True, check=True).stdout.splitlines()
        assert f"--ed-model={odd.name}" in shown
    assert not (project / "owned").exists()


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("--for", "jenkins"), "E105", "there is no recipe for 'jenkins'"),
    (("--board", "toaster"), "E401", "toaster"),
    (("--project", "elsewhere"), "E105", "is not in the project elsewhere"),
    (("--project", "file"), "E103", "expected a folder"),
    (("--package", "/tmp/edge_dassdp-0.1.0-py3-none-any.whl"), "E105", "is not in the project")])
def test_refusals(arguments: tuple[str, ...], code: str, words: str, project: Path) -> None:
    (project / "file").touch()
    before = sorted(project.rglob("*"))
    assert words in refused(code, *INIT, *arguments, cwd=project)
    assert sorted(project.rglob("*")) == before


def test_samples_that_are_none_of_the_model(project: Path) -> None:
    np.savez(project / "data.npz", x=np.zeros((3, 7)), y=np.zeros(3, int))
    assert "expected (n, 4)" in refused("E104", *INIT, cwd=project)


def test_a_model_of_values_is_held_to_its_error(valued: Path) -> None:
    """`ci init` compared values with targets as classes, and wrote an accuracy of 0."""
    told = json.loads(ok(*INIT, "--json", cwd=valued).splitlines()[-1])["data"]
    assert told["accuracy"] is None and 0 < told["nrmse"] < 1
    text = (valued / TEST).read_text()
    limit = float(text.partition("ed_samples.y, ")[2].partition(")")[0])
    assert told["nrmse"] < limit < told["nrmse"] + 0.02 and "accuracy" not in text
    data = dict(np.load(valued / "data.npz"))
    np.savez(valued / "data.npz", **data | {"targets": np.zeros_like(data["targets"])})
    assert "are all one value" in refused("E104", *INIT, "--force", cwd=valued)


def test_a_model_with_spare_classes(spare: Path) -> None:
    assert "wrote tests/test_edge_dassdp.py" in ok(*INIT, cwd=spare)

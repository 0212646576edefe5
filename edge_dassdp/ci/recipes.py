"""Recipes that keep a model bit-exact in its user's own CI: a workflow of GitHub Actions, a job of
GitLab, and the test that both run. What a user names is quoted for the shell that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_dassdp import __version__
from edge_dassdp.base.quoting import command

GITHUB, GITLAB = "github", "gitlab"
PROVIDERS = (GITHUB, GITLAB)
WORKFLOW = Path(".github/workflows/edge-dassdp.yml")
GITLAB_CI = Path(".gitlab-ci.yml")
GITLAB_PART = Path(".gitlab/edge-dassdp.yml")
"""For a project that has a .gitlab-ci.yml, to include."""
TEST = Path("tests/test_edge_dassdp.py")
N_SAMPLES = 20
"""Compared bit for bit by the test as it is written."""


@dataclass(frozen=True)
class Facts:
    """Of a project. model, data: paths in it. board: as --board takes it, "" for none; has_qemu:
    QEMU runs its firmware. learns: the model does. accuracy: on the samples, 0 to 1, None where
    outputs are values; nrmse: on the samples, over all outputs, None where they are classes.
    ram_bytes: of its firmware, 0 without a board. package: what pip installs."""

    model: Path
    data: Path
    board: str = ""
    has_qemu: bool = False
    learns: bool = False
    accuracy: float | None = None
    nrmse: float | None = None
    ram_bytes: int = 0
    package: str = f"edge-dassdp[ci]=={__version__}"

    @property
    def pytest(self) -> str:
        """The command that runs the test."""
        words: list[str | Path] = ["python", "-m", "pytest", TEST, f"--ed-model={self.model}",
                                   f"--ed-data={self.data}", "--ed-target=emulator"]
        if self.board:
            words.append(f"--ed-board={self.board}")
        if self.has_qemu:
            words.append(f"--ed-target=qemu:{self.board}")
        return command(*words)

    def commands(self, sudo: str) -> list[tuple[str, str]]:
        """(title, lines of a shell) in order. sudo: what makes apt-get run as root."""
        tools = ("command -v arm-none-eabi-gcc && command -v qemu-system-arm || {\n"
                 f"  {sudo}apt-get update\n"
                 f"  {sudo}apt-get install -y gcc-arm-none-eabi libnewlib-arm-none-eabi "
                 "qemu-system-arm\n}")
        return [*[("Cross compiler and QEMU", tools)] * self.has_qemu,
                ("edge-dassdp", command("python", "-m", "pip", "install", self.package)),
                ("Every bit", self.pytest)]


def workflow(facts: Facts) -> str:
    """Of GitHub Actions."""
    steps = "".join(f"      - name: {title}\n        run: |\n{_indented(lines, 10)}"
                    for title, lines in facts.commands("sudo "))
    return f"""\
# Written by `edge-dassdp ci init`: the model's bits on the emulator{_and_qemu(facts)}.
name: edge-dassdp
on: [push, pull_request]
permissions:
  contents: read
jobs:
  bit-exact:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
{steps}"""


def job(facts: Facts) -> str:
    """Of GitLab."""
    script = "".join(f"    - |  # {title}\n{_indented(lines, 6)}"
                     for title, lines in facts.commands(""))
    return f"""\
# Written by `edge-dassdp ci init`: the model's bits on the emulator{_and_qemu(facts)}.
edge-dassdp:
  image: python:3.12-bookworm
  script:
{script}"""


def test(facts: Facts) -> str:
    """What both run."""
    labels = ", ed_samples.y[:N_SAMPLES]" if facts.learns else ""
    judged, quality = _quality(facts)
    names = [judged, *["assert_ram_below"] * bool(facts.board)]
    memory = f"""

def test_memory(ed_model, ed_board):
    assert_ram_below(ed_model, ed_board, {facts.ram_bytes + 1})
""" if facts.board else ""
    return f'''\
"""The model is the one that was committed, bit for bit, wherever it runs.

Written by `edge-dassdp ci init`; yours to change. The first run writes golden/test_every_bit.json
and fails: look at it and commit it. A model that is meant to be another: --ed-update.
"""

from edge_dassdp.pytest_plugin import {", ".join(names)}

N_SAMPLES = {N_SAMPLES}


def test_every_bit(ed_device, ed_samples, ed_golden):
    ed_golden(ed_device, ed_samples.x[:N_SAMPLES]{labels})


{quality}
{memory}'''


def _quality(facts: Facts) -> tuple[str, str]:
    """The assertion of how good a model is, not worse than now, and the test that makes it."""
    if facts.accuracy is not None:
        return "assert_accuracy", f"""\
def test_accuracy(ed_emulator, ed_samples):
    assert_accuracy(ed_emulator, ed_samples.x, ed_samples.y, {int(facts.accuracy * 100) / 100})"""
    return "assert_nrmse_below", f"""\
def test_nrmse(ed_emulator, ed_samples):
    assert_nrmse_below(ed_emulator, ed_samples.x, ed_samples.y, {_above(facts.nrmse or 0.0)})"""


def _above(nrmse: float) -> float:
    """Of two decimals."""
    return (int(nrmse * 100) + 1) / 100


def _and_qemu(facts: Facts) -> str:
    return " and in QEMU" if facts.has_qemu else ""


def _indented(lines: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in lines.splitlines())

"""The README's story in Python, run as it is written, on the emulator and in QEMU."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from edge_dassdp.data.datasets import load_dataset

ROOT = Path(__file__).resolve().parents[2]
N_TEST, N_STREAM = 60, 30


def story() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text[text.index("## In Python"):]
    found = re.search(r"^```python\n(.*?)^```$", section, re.M | re.S)
    assert found
    return found.group(1)


def test_it_is_ten_lines() -> None:
    assert len([line for line in story().splitlines() if line.strip()]) <= 11


@pytest.mark.usefixtures("arm_toolchain")
@pytest.mark.parametrize("target", ["emulator", "qemu:microbit"])
def test_the_story_runs(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                        capsys: pytest.CaptureFixture[str],
                        request: pytest.FixtureRequest) -> None:
    if target.startswith("qemu"):
        request.getfixturevalue("qemu")
    shutil.copy(ROOT / "examples" / "digits" / "digits_seed0.npz", tmp_path / "digits.npz")
    data = load_dataset(ROOT / "examples" / "digits" / "data.npz")
    monkeypatch.chdir(tmp_path)
    code = story()
    assert code.count('"emulator"') == 1
    exec(code.replace('"emulator"', f'"{target}"'), {
        "train_x": data.train.x, "train_y": data.train.y,
        "test_x": data.test.x[:N_TEST], "test_y": data.test.y[:N_TEST],
        "stream_x": data.stream.x[:N_STREAM], "stream_y": data.stream.y[:N_STREAM]})
    before, after, ram = map(float, capsys.readouterr().out.split())
    assert before > 0.9 and after > 0.9 and ram == 14_240
    assert (tmp_path / "learned.npz").stat().st_size > 0

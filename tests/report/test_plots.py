"""Figures show the numbers given, name their axes, and come out as PNG."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.report import plots

PNG = b"\x89PNG\r\n\x1a\n"


def as_png(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def test_rolling_accuracy_is_the_mean_of_the_last_samples() -> None:
    hits = np.array([1, 0, 1, 1, 0, 0])
    assert plots.rolling_accuracy(hits, 3) == pytest.approx([1, 1 / 2, 2 / 3, 2 / 3, 2 / 3, 1 / 3])
    assert plots.rolling_accuracy(hits, 100)[-1] == pytest.approx(0.5)
    both = plots.rolling_accuracy(np.stack([hits, 1 - hits]), 3)
    assert both.sum(axis=0) == pytest.approx(np.ones(6))


def test_learning_curve_draws_a_line_per_method() -> None:
    pytest.importorskip("matplotlib")
    hits = {"frozen": np.zeros((3, 200)), "ours": np.ones((3, 200))}
    figure = plots.learning_curve(hits, emphasis="ours")
    [axes] = figure.axes
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert (lines["frozen"] == 0).all() and (lines["ours"] == 100).all()
    assert "%" in axes.get_ylabel() and "Samples" in axes.get_xlabel()
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["ours", "frozen"]
    assert as_png(figure).startswith(PNG)


def test_ram_bars_add_up_and_show_the_budget() -> None:
    pytest.importorskip("matplotlib")
    parts = {"weights": 6000, "learning state": 400, "stack": 2048}
    figure = plots.ram_bars({"predicted": parts, "linked": parts}, budget=16_000)
    [axes] = figure.axes
    assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(2 * sum(parts.values()))
    assert [line.get_xdata()[0] for line in axes.get_lines()] == [16_000]
    words = [text.get_text() for text in axes.texts]
    assert words.count("8,448 B") == 2 and "RAM of the board: 16,000 B" in words
    assert axes.get_xlabel() == "Bytes"
    assert as_png(figure).startswith(PNG)


def test_a_budget_far_away_is_written_not_drawn() -> None:
    pytest.importorskip("matplotlib")
    [axes] = plots.ram_bars({"linked": {"weights": 1000}}, budget=100_000).axes
    assert not axes.get_lines()
    assert any("1.0 % used" in text.get_text() for text in axes.texts)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(EdgeError) as refusal:
        plots.ram_bars({"linked": {"weights": 1}})
    assert refusal.value.code == "E303" and "edge-dassdp[plot]" in refusal.value.help


def test_dollars_in_names_are_dollars() -> None:
    pytest.importorskip("matplotlib")
    name = "a $\\bad{ $ b [c]"
    for figure in (plots.learning_curve({name: np.ones(9)}, title=name, emphasis=name),
                   plots.ram_bars({name: {name: 9}}, title=name, budget=9, budget_name=name)):
        assert as_png(figure).startswith(PNG)

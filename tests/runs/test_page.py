"""The page of a run: whole in one file, the figures of results.json, at home on phone and desk."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import ROOT, answer, ok, refused
from support.valued import fitted, samples

from edge_dassdp import ir, qir
from edge_dassdp.harness import read_snapshot
from edge_dassdp.runs.compare import flat
from edge_dassdp.runs.folder import results_of, samples_of

pytest.importorskip("matplotlib")
SCREENS = ROOT / "build" / "screens"
"""Where screenshots are kept, to be looked at."""
SECTIONS = ["graph", "quantization", "memory", "stack", "curve", "gate", "raster", "changes",
            "confusion", "verification", "provenance"]


@pytest.fixture(scope="module")
def runs(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A story in run folders, without a board; names in it that a page must not take for its own.
    """
    folder = tmp_path_factory.mktemp("story <b>&amp;")
    shutil.copy(work / "model.npz", folder)
    for name in ("data", "test"):
        given = np.load(work / f"{name}.npz")
        names = np.array(["</script>", "<b>b", "c&amp;", "d\"'"])[given["y"]]
        np.savez(folder / f"{name}.npz", x=given["x"], y=names)
    ok("quantize", "model.npz", "-o", "m.q.npz", "--data", "data.npz", "--run", "runs/q",
       cwd=folder)
    ok("learn", "m.q.npz", "--data", "data.npz", "--test", "test.npz", "--run", "runs/l",
       cwd=folder)
    ok("verify", "m.q.npz", "--data", "data.npz", "--limit", "6", "-t", "emulator", "--learn",
       "--run", "runs/v", cwd=folder)
    return folder / "runs"


@contextmanager
def shown(chromium: str, path: Path, width: int, scheme: str = "light") -> Iterator[Any]:
    """A page in a browser; nothing was asked for and nothing went wrong when the block ends."""
    from playwright.sync_api import sync_playwright

    told: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
        page.on("console", lambda m: told.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda e: told.append(str(e)))
        page.on("request", lambda r: told.append(r.url) if r.url != path.as_uri() else None)
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=true]")
        yield page
        browser.close()
    assert not told


@pytest.fixture(scope="module")
def report(runs: Path) -> Path:
    ok("report", runs / "q", runs / "l", runs / "v", "-o", runs / "all.html")
    return runs / "all.html"


def test_what_there_is_and_what_not(runs: Path, tmp_path: Path) -> None:
    found = answer("report", runs / "q", runs / "l", runs / "v", "-o", tmp_path / "r.html")["data"]
    assert found["missing"] == ["memory", "stack"]
    assert found["sections"] == [s for s in SECTIONS if s not in found["missing"]]
    alone = answer("report", runs / "q", "-o", tmp_path / "r.html")["data"]
    assert alone["sections"] == ["graph", "quantization", "provenance"]
    page = (tmp_path / "r.html").read_text("utf-8")
    assert page.count("Not there: ") == len(alone["missing"])


def test_it_asks_for_nothing(report: Path) -> None:
    text = report.read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", text)
    assert "<b>b" not in text and text.count("<script") == text.count("</script>") == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_phone_and_desk(chromium: str, report: Path, width: int, scheme: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with shown(chromium, report, width, scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width, "nothing sticks out"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", dark))) < 64) is (scheme == "dark")
        page.eval_on_selector_all("details", "all => all.forEach(d => { d.open = true; })")
        assert page.eval_on_selector_all("#provenance pre", "all => all.length > 0 && all.every("
                                         "p => p.scrollWidth <= p.clientWidth)"), "whole commands"
        for canvas in page.query_selector_all("canvas"):
            drawn = canvas.evaluate("""c => new Set(c.getContext("2d").getImageData(
                0, 0, c.width, c.height).data).size""")
            assert drawn > 8, "something is drawn"
        page.screenshot(path=SCREENS / f"report-{width}-{scheme}.png", full_page=True)


def test_the_figures_are_those_of_the_results(chromium: str, runs: Path, report: Path) -> None:
    with shown(chromium, report, 1280) as page:
        held = json.loads(page.text_content("#results"))
        facts = page.eval_on_selector_all("data", "all => all.map(d => [d.dataset.run, "
                                          "d.dataset.place, d.getAttribute('value')])")
        assert {"before", "after", "values_compared"} <= {place for _, place, _ in facts}
        for run, place, value in facts:
            assert json.loads(value) == dict(flat(results_of(Path(run))))[f"data.{place}"]
        assert held == {str(runs / r): results_of(runs / r) for r in "qlv"}
        learned = results_of(runs / "l")["data"]
        tile = page.text_content(".tile .figure")
        assert tile == f"{100 * learned['before']:.1f} % → {100 * learned['after']:.1f} %"
        cells = page.eval_on_selector_all("#curve tbody td", "all => all.map(d => d.textContent)")
        assert cells[1] == f"{100 * learned['accuracy']:.1f} %"
        network = qir.load(runs / "l" / "model.q.npz")
        weights = read_snapshot(network, runs / "l" / "learned.npz")
        for q in network.plastic:
            n = int((weights[q.name] != q.w).sum())
            assert f"{n:,} of {q.w.size:,} weights changed" in page.text_content("#changes")
        right = [s["class_idx"] == s["label"] for s in samples_of(runs / "l")]
        curve = json.loads(page.text_content("#data"))["curve"]["lines"][0]
        assert curve["mean"][-1] == round(100 * float(np.mean(right[-50:])), 1)


def test_what_is_touched_answers(chromium: str, report: Path) -> None:
    with shown(chromium, report, 390) as page:
        for name in ("h1", "fc2", "out"):
            page.click(f".node:has(b:text-is('{name}'))")
            detail = page.locator(".detail:visible")
            assert detail.count() == 1 and detail.locator("h3").text_content().startswith(name)
            assert f"/* {name} */" in detail.locator("pre").text_content()
        assert "weights" in page.locator("#node-3").text_content()
        page.click("#curve-keys button:nth-child(2)")
        assert page.get_attribute("#curve-keys button:nth-child(2)", "aria-pressed") == "false"
        box = page.locator("#curve-canvas")
        box.scroll_into_view_if_needed()
        box.hover()
        told = page.text_content("#curve-readout")
        assert re.match(r"sample \d+: learning on emulator [\d.]+ %$", told), told
        assert page.get_attribute("#raster-canvas", "data-missing") == "0"
        assert "the same" in page.text_content("#raster-readout")


def test_a_spike_that_is_not_there_is_shown(chromium: str, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "v", tmp_path / "v")
    path = tmp_path / "v" / "raster.json"
    raster = json.loads(path.read_text())
    del raster["spikes"]["emulator"][3]
    path.write_text(json.dumps(raster))
    ok("report", tmp_path / "v", "-o", tmp_path / "r.html")
    with shown(chromium, tmp_path / "r.html", 390) as page:
        assert page.get_attribute("#raster-canvas", "data-missing") == "1"
        assert "1 only on the first, 0 only on the second" in page.text_content("#raster-readout")


def rows(page: Any, tree: str) -> dict[str, str]:
    """What a tree shows at its first level: names and bytes, each with its letter."""
    names, sizes = (page.eval_on_selector_all(
        f"{tree} > li > .bar > {tag}, {tree} > li > details > .bar > {tag}",
        "all => all.map(d => d.textContent)") for tag in ("span", "b"))
    return dict(zip(names, sizes, strict=True))


def test_memory_of_a_build(arm_toolchain: None, chromium: str, runs: Path) -> None:
    ok("build", "m.q.npz", "--board", "microbit", "--run", "runs/b", cwd=runs.parent)
    ok("report", runs / "b", "-o", runs / "b.html")
    data = results_of(runs / "b")["data"]
    with shown(chromium, runs / "b.html", 1280) as page:
        symbols = "#memory details.root:first-of-type > .tree"
        held = data["linked"]["by_symbol"] | {"stack, reserved": data["linked"]["stack_reserved"]}
        assert rows(page, symbols) == {name: f"{n:,} B L" for name, n in held.items()}
        assert page.text_content(".tile:has-text('RAM') .figure") == f"{sum(held.values()):,} B"
        assert "stack, reserved" in page.text_content("#memory .plot")
        fields = data["predicted"]["by_field"]["dassdp_state"]
        assert page.locator(f"{symbols} .tree:visible").count() == 0
        page.click(f"{symbols} summary:has-text('dassdp_state')")
        state = f"{symbols} > li:has-text('dassdp_state') > details > .tree"
        assert rows(page, state) == {
            name: f"{sum(sizes.values()):,} B P" for name, sizes in fields.items()}
        page.click(f"{state} summary:has-text('weights')")
        assert rows(page, f"{state} > li:has(summary:has-text('weights')) .tree") == {
            name: f"{n:,} B P" for name, n in fields["weights"].items()}
        assert sum(sum(sizes.values()) for sizes in fields.values()) \
            == data["linked"]["by_symbol"]["dassdp_state"], "a tree leaves nothing out"
        page.screenshot(path=SCREENS / "memory-1280.png", full_page=True)
        path = page.eval_on_selector_all("#stack li code", "all => all.map(d => d.textContent)")
        assert path == data["stack"]["path"]
    results = json.loads((runs / "b" / "results.json").read_text("utf-8"))
    for held in results["data"]["predicted"], results["data"]["linked"]:
        del held["stack_reserved"]
    (runs / "b" / "results.json").write_text(json.dumps(results), "utf-8")
    ok("report", runs / "b", "-o", runs / "before.html")
    assert "stack, reserved" not in (runs / "before.html").read_text("utf-8")
    with shown(chromium, runs / "b.html", 390) as page:
        assert page.locator("#memory .tree:visible").count() == 0, "collapsed on a phone"
        page.click("#memory summary:has-text('RAM by symbol')")
        page.click("#memory summary:has-text('dassdp_state')")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.screenshot(path=SCREENS / "memory-390.png", full_page=True)


def test_a_gate_is_told_of(chromium: str, work: Path, tmp_path: Path) -> None:
    model, data = tmp_path / "g.q.npz", work / "data.npz"
    ok("quantize", work / "model.npz", "-o", model, "--data", data, "--gate", "cusum")
    ok("learn", model, "--data", data, "--run", tmp_path / "g")
    ok("report", tmp_path / "g", "-o", tmp_path / "g.html")
    gate = results_of(tmp_path / "g")["data"]["gate"]
    with shown(chromium, tmp_path / "g.html", 390) as page:
        assert page.text_content("#gate dd") == (
            f"{'open' if gate['is_open'] else 'closed'} at the end, {gate['n_held']:,} samples "
            "held back")


def test_one_page_is_of_one_network(work: Path, runs: Path, tmp_path: Path) -> None:
    ok("inspect", work / "model.npz", "--run", tmp_path / "i")
    ok("report", tmp_path / "i", "-o", tmp_path / "i.html")
    ok("run", work / "frozen.q.npz", "--data", work / "data.npz", "--run", tmp_path / "f")
    assert "two models" in refused("E105", "report", runs / "l", tmp_path / "f", "-o",
                                   tmp_path / "x.html")
    assert "no run folder" in refused("E103", "report", work, "-o", tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()


@pytest.fixture(scope="module")
def of_values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders of a model of values: quantize, run, learn twice."""
    folder = tmp_path_factory.mktemp("values")
    ir.save(fitted(), folder / "net.npz")
    for name, shift in (("data", 0.0), ("stream", 1.2), ("later", 1.2)):
        x, y = samples(60, len(name), shift=shift)
        np.savez(folder / f"{name}.npz", x=x, targets=y, target_names=np.array(["angle", "speed"]))
    ok("quantize", "net.npz", "--values", "--data", "data.npz", "-o", "v.q.npz", "--run", "q",
       cwd=folder)
    ok("run", "v.q.npz", "--data", "stream.npz", "--run", "r", cwd=folder)
    for run, limit in (("l", "60"), ("m", "20")):
        ok("learn", "v.q.npz", "--data", "stream.npz", "--test", "later.npz", "--limit", limit,
           "--run", run, cwd=folder)
    return folder


def test_values_have_errors_in_place_of_accuracy(of_values: Path, tmp_path: Path) -> None:
    found = answer("report", of_values / "q", of_values / "l", "-o", tmp_path / "r.html")["data"]
    assert "values" in found["sections"]
    assert not {"confusion", "curve"} & {*found["sections"], *found["missing"]}
    text = (tmp_path / "r.html").read_text("utf-8")
    learned = results_of(of_values / "l")["data"]
    assert f"{learned['before_nrmse']:.3f} → {learned['after_nrmse']:.3f}" in text
    assert "<h3>NRMSE" in text and "<h3>Accuracy" not in text
    alone = results_of(of_values / "r")["data"]["errors"]
    ok("report", of_values / "r", "-o", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text("utf-8")
    assert f"NRMSE {alone['nrmse'][0]:.3f}, MAE {alone['mae'][0]:.4g}" in text and "angle" in text


def test_errors_of_two_runs_are_told_apart(of_values: Path) -> None:
    numbers = answer("diff", of_values / "l", of_values / "m")["data"]["numbers"]
    kinds = {n["where"]: n["kind"] for n in numbers}
    assert kinds["after_nrmse"] == kinds["errors.mae[0]"] == "errors"


def test_a_stream_without_end_is_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    ir.save(ir.Network(
        (ir.Input("x", 3, 6),),
        (ir.Population("h", 8, 0.9, 1.0), ir.Population("out", 2, 0.9, 1.0, "none")),
        (ir.Projection("xh", "x", "h", rng.normal(0, 1, (3, 8))),
         ir.Projection("ho", "h", "out", rng.normal(0, 1, (8, 2)))),
        ir.Readout("out", "membrane_sum"), 6), tmp_path / "net.npz")
    np.savez(tmp_path / "data.npz", x=rng.normal(0, 1, (20, 18)).astype(np.float32),
             y=np.repeat([0, 1], 10))
    ok("quantize", "net.npz", "-o", "net.q.npz", "--hop", "2", "--data", "data.npz", cwd=tmp_path)
    ok("run", "net.q.npz", "--data", "data.npz", "--hop", "3", "--run", "r", cwd=tmp_path)
    found = answer("report", tmp_path / "r", "-o", tmp_path / "r.html")["data"]
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "confusion" in found["sections"] and len(samples_of(tmp_path / "r")) == 39
    assert "of decisions whose window is of one class" in text
    assert "<h3>Decisions" in text and ">39<" in text

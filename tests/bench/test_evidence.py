"""The evidence: a smallest run for real, and the arithmetic of its tables."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evidence import documents, goals, main, plan, report, sets, speakers, watches
from evidence.figure import SHOWN as SHOWN_IN_FIGURE
from evidence.figure import draw
from evidence.measure import Job, Row, mean_score, run
from evidence.methods import (
    FROZEN,
    HOST,
    IDLE,
    METHODS,
    MIRRORED,
    N_POINTS,
    POINTS,
    STANDARD,
    TRIED,
    replay_of,
)
from evidence.results import Results
from evidence.tasks import (
    FOLDS,
    FOLDS_VALIDATION,
    REDRAWN,
    VALIDATION,
    WATCH,
    Setting,
    scenarios,
    task,
)

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.comparison.statistics import mean_std, paired

pytestmark = pytest.mark.xdist_group("evidence")

LEFT = Setting(WATCH, "Ap")
CHOSEN = {m.key: {"grid": [{"mu1": 0.4}], "scores": [1.0], "chosen": {"mu1": 0.4}}
          for m in METHODS.values() if m.grid}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Frozen and the delta rule, one network, the left wrist of one wearer."""
    jobs = [Job(FROZEN, (LEFT,), 0, {}, "off"), Job("delta", (LEFT,), 0, {"mu1": 1.6})]
    return [row for job in jobs for row in run(job)]


def test_a_smallest_run_has_every_row(rows: list[Row]) -> None:
    assert [(r.method, r.replay) for r in rows] == [
        (FROZEN, "off"), (MIRRORED, "off"), ("delta", STANDARD), ("delta", IDLE)]
    frozen, mirrored, learned, idle = rows
    n = len(task(LEFT, 0).stream)
    assert frozen.shifted == frozen.before and frozen.replayed == 0
    assert mirrored.shifted > frozen.shifted + 20
    assert learned.written + learned.skipped == n
    assert (learned.replayed, idle.replayed) == (2 * n, 2 * n + 200)
    assert all(0 <= value <= 100 for r in rows for value in (r.online, r.shifted, r.original))


def test_the_same_job_gives_the_same_rows(rows: list[Row]) -> None:
    assert run(Job("delta", (LEFT,), 0, {"mu1": 1.6})) == rows[2:]


def test_standard_errors_are_paired() -> None:
    # differences 1, 2, 3, 6: mean 3, variance 14/3 over n - 1 = 3
    made = paired([11, 22, 33, 46], [10, 20, 30, 40])
    assert (made.mean, made.n) == (3.0, 4)
    assert made.spread == pytest.approx(np.sqrt(14 / 3) / 2)
    assert paired([1.0], [0.5]).mean == 0.5 and np.isnan(paired([1.0], [0.5]).spread)
    assert mean_std([1, 3]).spread == pytest.approx(np.sqrt(2))


def row(method: str, scenario: str, seed: int, shifted: float, replay: str = STANDARD) -> Row:
    return Row(Setting(WATCH, scenario), method, replay, seed, 10.0, 20.0, shifted, 90.0)


def test_differences_use_the_seeds_that_both_methods_have() -> None:
    results = Results()
    results.add(row("sync", s, seed, v) for s, seed, v in (
        ("B", 0, 80), ("B", 1, 90), ("B", 2, 70), ("E", 0, 60), ("E", 1, 50)))
    results.add(row("delta", s, seed, v) for s, seed, v in (
        ("B", 0, 78), ("B", 1, 84), ("B", 3, 0), ("E", 0, 50), ("E", 1, 44)))
    both = report.settings(("B", "E"))
    assert results.mean_by_seed("sync", both, "shifted") == {0: 70.0, 1: 70.0}
    made = results.difference("sync", "delta", both, "shifted")
    assert made is not None and (made.mean, made.n) == (6.0, 2)
    assert made.spread == pytest.approx(0.0)
    alone = results.difference("sync", "delta", both[:1], "shifted")
    assert alone is not None and report.signed(alone) == "+4.0 ± 2.0"
    assert results.difference("touch", "sync", both, "shifted") is None


def test_results_come_back_and_a_new_run_replaces_the_old(tmp_path: Path, rows: list[Row]) -> None:
    results = Results(constants=dict(CHOSEN), seconds={"main": 3.0})
    results.add(rows)
    results.save(tmp_path / "evidence.json")
    found = Results.load(tmp_path / "evidence.json")
    assert found == results
    found.add([row("delta", "Ap", 0, 12.5)])
    assert found.by_seed("delta", LEFT, "shifted") == {0: 12.5}
    assert Results.load(tmp_path / "nothing.json") == Results()


def test_a_document_keeps_what_is_written_around_the_tables(rows: list[Row]) -> None:
    results = Results(constants=dict(CHOSEN))
    results.add(rows)
    sections = documents.further_sections(results)
    text = documents.with_tables(f"before\n{documents.BEGIN}\nold\n{documents.END}\nafter\n",
                                 sections)
    assert documents.with_tables(text, sections) == text
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert text.count("### All methods\n") == 1
    learned = rows[2]
    assert f"| readout delta | 1 | {learned.shifted:.1f} / {learned.original:.1f} |" in text
    assert f"| readout delta | 1 | {learned.online:.1f} |" in text


@pytest.mark.parametrize("path", documents.DOCUMENTS, ids=lambda path: path.name)
def test_documents_show_the_tables_of_the_committed_results(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    made = documents.DOCUMENTS[path](Results.load(main.COMMITTED))
    assert documents.with_tables(text, made) == text, "run.py --full --report writes them"


def test_what_the_prose_says_in_percent_stands_in_a_table() -> None:
    """Every number with a decimal of docs/evidence.md and of the README's first part."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in documents.DOCUMENTS}
    tables = " ".join(text.partition(documents.BEGIN)[2].partition(documents.END)[0]
                      for text in texts.values())
    measured = set(re.findall(r"\d+\.\d", tables))
    prose = texts["evidence.md"].partition(documents.BEGIN)[0]
    assert sorted(set(re.findall(r"\d+\.\d", prose)) - measured) == []


def test_the_figure_names_every_method(rows: list[Row], tmp_path: Path) -> None:
    results = Results()
    results.add(replace(rows[2], setting=Setting(FOLDS, "Ap"), method=key, replay=replay_of(key))
                for key in SHOWN_IN_FIGURE)
    figure = draw(results)
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(told) == len(SHOWN_IN_FIGURE) and "touch + schedule, K = 3" in told
    figure.savefig(tmp_path / "evidence.png")
    assert (tmp_path / "evidence.png").stat().st_size > 10_000


def test_every_method_is_tuned_with_the_same_effort_on_validation_wearers() -> None:
    for method in METHODS.values():
        assert len(method.grid) == N_POINTS or (
            (method.twin or method.given) and not method.grid), method.key
        assert method.simpler in (FROZEN, *METHODS)
    jobs = plan.tuning_jobs(METHODS["sync"])
    assert len(jobs) == N_POINTS * len(plan.TUNING_SEEDS)
    assert all(s.dataset == VALIDATION for job in jobs for s in job.settings)


def test_a_part_chooses_the_constants_that_it_needs_and_nobody_chose() -> None:
    best = goals.best(Results())
    assert [m.key for m in plan.untuned("watch", best, {})] == ["delta_k3", "sync_k3", "touch_k3"]
    assert [m.key for m in plan.untuned("labels", best, {"touch_k3": {}})] == ["delta_k3"]
    assert plan.untuned("tried", best, {}) == []


def test_the_best_point_is_chosen_and_one_without_a_fixed_point_form_never() -> None:
    method = METHODS["delta"]
    jobs = plan.tuning_jobs(method)
    found = [[] if job.constants["mu1"] == 6.4 else
             [row("delta", "B", job.seed, 90 - abs(job.constants["mu1"] - 1.6))] for job in jobs]
    made = plan.choose(method, jobs, found)
    assert made["chosen"] == {"mu1": 1.6} and made["scores"][-1] is None
    assert mean_score(found[0]) == pytest.approx((2 * (90 - 1.4) + 90) / 3)


def test_the_full_plan_has_every_method_scenario_and_seed(monkeypatch) -> None:
    monkeypatch.setattr(plan, "_vowels", lambda: [plan.VOWELS])  # there or not
    best = goals.best(Results())
    jobs = [job for part in plan.JOBS for job in plan.jobs(part, CHOSEN, best=best)]
    done = {(j.method, s.dataset, s.scenario, s.order, s.wrong_labels, j.seed)
            for j in jobs for s in j.settings}
    for key, scenario, seed in (("touch_k3", "E", 9), ("dassdp", "N", 0), (FROZEN, "Ap", 9),
                                *((m.key, "A", 2) for m in HOST)):
        assert (key, WATCH, scenario, "shuffled", 0.0, seed) in done
    assert {m for m, *_ in done} == {FROZEN, *(m.key for m in METHODS.values() if m.profile or
                                               m not in TRIED), best[1]}
    assert ("oriented", WATCH, "C", "blocked", 0.0, 9) in done
    assert ("touch_k3", WATCH, "D", "shuffled", 0.2, 4) in done
    assert ("touch_k3", "digits", "gain", "shuffled", 0.0, 2) in done
    assert {(j.method, j.replay) for j in jobs} >= {("sync_k3", "off"), ("sync_k3", "flash")}
    assert all(j.settings[0].dataset in (s.dataset, WATCH, FOLDS_VALIDATION)
               for j in jobs for s in j.settings)  # streams of a job have a network in common


def test_a_quick_run_has_the_constants_of_all_its_methods() -> None:
    constants = Results.load(main.COMMITTED).constants
    jobs = [job for part in main.QUICK_PARTS for job in plan.jobs(
        part, constants, quick=True, only={"methods": (FROZEN, *plan.SHOWN)})]
    assert {j.method for j in jobs} == {FROZEN, *plan.SHOWN}
    assert {s.dataset for j in jobs for s in j.settings} == {WATCH, REDRAWN}
    assert {j.seed for j in jobs} == set(range(plan.QUICK_SEEDS))


def test_every_wearer_is_new_to_two_networks_and_validates_apart_from_those() -> None:
    folds = [watches.fold(k, watches.recordings()) for k in range(10)]
    assert sorted(w for f in folds for w in f.new) == sorted([*range(1, 11)] * 2)
    for validation in ("known_validation", "new_validation"):
        assert sorted(w for f in folds for w in getattr(f, validation)) == [*range(1, 11)]
    for f in folds:
        groups = (f.known, f.new, f.known_validation, f.new_validation)
        assert sorted(w for group in groups for w in group) == [*range(1, 11)]
        assert not set(f.trained) & {*f.new, *f.new_validation}


def test_what_is_measured_is_not_measured_again() -> None:
    results = Results()
    results.add([row("touch_k3", "B", 0, 90.0)])
    jobs = [Job("touch_k3", (LEFT, Setting(WATCH, "B")), seed, {}) for seed in (0, 1, 1)]
    assert [(j.seed, [s.scenario for s in j.settings]) for j in plan.missing(jobs, results)] == [
        (0, ["Ap"]), (1, ["Ap", "B"])]


def test_a_goal_is_reached_in_both_numbers_on_all_networks_or_not_measured() -> None:
    results = Results()
    key = goals.best(results)[0]
    for scenario, shifted in (("Ap", 94.0), ("A", 88.0)):
        results.add([row(key, scenario, seed, shifted) for seed in range(10)])
    results.add([row(key, "E", 0, 99.0)])
    told = {line[0].split(",")[0]: line[4] for line in goals.table(results)[1:]}
    assert told["Ap"] == told["A"] == "no"  # 90 without the shift
    assert told["E"] == "not measured on all networks"
    assert told["D"] == told["vowels of new speakers"] == "not measured"
    results.add([Row(Setting(WATCH, "Ap"), key, STANDARD, seed, 1, 1, 95.0, 93.0)
                 for seed in range(10)])
    assert goals.table(results)[1][4] == "yes"


def test_for_new_wearers_each_fold_is_judged_by_what_its_own_validation_wearers_choose() -> None:
    results, own = Results(), {0: POINTS[2].key, 1: POINTS[0].key}
    for m in POINTS:
        for replay in (STANDARD, IDLE):
            for k in own:
                liked = (m.key, replay) == (own[k], IDLE)
                results.add(Row(Setting(dataset, s), m.key, replay, k, 1, 1, shifted, 94.0)
                            for s in scenarios(FOLDS) for dataset, shifted in (
                                (FOLDS_VALIDATION, 90.0 + liked), (FOLDS, 96.0 - 5 * liked)))
    made = goals.judged(results)
    assert made.own == {k: (key, IDLE) for k, key in own.items()}
    told = {line[0].split(",")[0]: line for line in goals.table(results)[1:]}
    assert told["B"][2:5] == ["91.0 ± 0.0 / 94.0", "2", "not measured on all networks"]
    lines = {line[0]: line for line in goals.folds_table(results)[1:]}
    assert lines["chosen in each fold by its own validation wearers"][2] == "91.0 / 94.0"
    assert lines["the best in hindsight for B, which nobody can choose"][2] == "96.0 / 94.0"
    assert [line[4] for line in lines.values()].count("1") == 2


def test_methods_without_constants_are_refused() -> None:
    with pytest.raises(EdgeError) as problem:
        plan.jobs("watch", {})
    assert problem.value.code == "E105"


def test_a_new_speaker_was_never_heard_and_no_repetition_is_in_two_parts(monkeypatch) -> None:
    """Recordings of their own number stand for those of mlbench, which may not be there."""
    shape = (speakers.N_SPEAKERS, 6, speakers.N_CLASSES, speakers.N_FEATURES)
    numbered = np.arange(np.prod(shape[:-1]), dtype=np.float32).reshape(shape[:-1])
    x = np.repeat(numbered[..., None], speakers.N_FEATURES, axis=-1)
    monkeypatch.setattr(speakers, "recordings", lambda: (x, np.arange(speakers.N_CLASSES)))
    for name in (*speakers.NEW, speakers.KNOWN):
        made = speakers.shifted(name, 0)
        parts = [{bytes(row) for row in samples.x}
                 for samples in (made.training, made.stream, made.test)]
        assert [len(p) for p in parts] == [440, *((110, 110) if name == speakers.KNOWN
                                                  else (33, 33))]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
        assert {bytes(row) for row in made.original.x}.isdisjoint(parts[0] | parts[1])
        assert set(made.stream.y) == set(made.test.y) == set(range(speakers.N_CLASSES))
    heard = {bytes(row) for s in speakers.NEW for row in speakers.shifted(s, 0).stream.x}
    assert len(heard) == 5 * 33 == len(set(speakers.new_speakers(0))) * 33


def test_a_set_says_what_it_lacks() -> None:
    lacking = sets.Set("t", ("numpy", "no_such_module", Path("/no/such/folder")), (), *2 * (print,))
    assert lacking.missing == ["no_such_module", "/no/such/folder"]

"""Where the tables stand: the terminal, two documents, and the README."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge_dassdp.comparison.statistics import mean_std
from evidence import goals, orientation, unlabelled
from evidence.methods import DEVICE, EQUAL, FROZEN, HOST, IDLE, METHODS, replay_of
from evidence.plan import VOWELS
from evidence.report import (
    Lines,
    constants_table,
    differences,
    in_folds,
    labels_table,
    main_table,
    online_table,
    replay_table,
    rivals_table,
    seconds_table,
    sets_table,
    shown,
    simpler,
    work_table,
)
from evidence.results import Results
from evidence.rows import spread
from evidence.tasks import FOLDS, REDRAWN, SETS, Setting, is_watch

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- evidence: written by benchmarks/evidence -->", "<!-- end of evidence -->"
README_METHODS = {
    FROZEN: "frozen", "delta_k3": "readout delta rule", "sync_k3": "latency synchrony below it",
    "touch_k3": "touch below it", "touch_gate_error": "touch, steps by error, behind a gate",
    "oriented_frozen": "profile from 14 labels, frozen",
    "oriented_gate": "**profile from 14 labels, then touch behind a gate**",
    "unlabelled": "profile without labels, then touch behind a gate"}
README_SCENARIOS = {"B": "new wearer", "E": "rotated", "D": "dead axes", "C": "gain, offset",
                    "Ap": "other wrist, one wearer", "N": "no shift"}


def first_sections(results: Results) -> dict[str, Lines]:
    """Title -> table of docs/evidence.md."""
    return {
        "Goals": goals.table(results),
        "What was tried for them": goals.tried_table(results),
        "Constants judged over all ten wearers": goals.folds_table(results),
        "Every wearer new in turn": main_table(
            results, FOLDS, keys=[in_folds(results, key) for key in shown(results)]),
        "The watch": main_table(results, keys=shown(results)),
        "One exercise after another, then idle steps":
            main_table(results, order="blocked", replay=IDLE, keys=shown(results)),
        "Training on turned or mirrored windows instead": rivals_table(results),
        "A profile from labels": orientation.lines(orientation.kept()),
        f"{SETS[VOWELS].title}": sets_table(results, VOWELS),
    }


def further_sections(results: Results) -> dict[str, Lines]:
    """Title -> table of docs/evidence-tables.md."""
    return {
        "All methods": main_table(results),
        "Each method against the next simpler one": differences(results, simpler(DEVICE)),
        "Eligibilities at equal replay and schedule": differences(results, EQUAL),
        "Float beside the device": differences(results, simpler(HOST)),
        "Accuracy during the stream": online_table(results),
        "One exercise after another, before idle steps":
            main_table(results, order="blocked", keys=shown(results)),
        "Shifts, orders and wearers that nothing was chosen on":
            main_table(results, REDRAWN, keys=shown(results)),
        "A profile without labels, and an alarm": unlabelled.lines(unlabelled.kept()),
        "Wrong labels": labels_table(results),
        "Replay": replay_table(results),
        "What is written": work_table(results),
        **{f"Further set: {SETS[name].title}": sets_table(results, name)
           for name in results.datasets() if not is_watch(name) and name != VOWELS},
        "Constants, chosen on the validation wearers": constants_table(results),
        "What each part took": seconds_table(results),
    }


def readme_sections(results: Results) -> dict[str, Lines]:
    """The README's table, without a title: every wearer new in turn."""
    lines = [["", *README_SCENARIOS.values()]]
    for key, title in README_METHODS.items():
        cells = []
        for scenario in README_SCENARIOS:
            shifted, original = (list(results.by_seed(
                in_folds(results, key), Setting(FOLDS, scenario), column,
                replay_of(key)).values()) for column in ("shifted", "original"))
            learns = key in METHODS and METHODS[key].learns and scenario != "N"
            cells.append((spread(shifted) + f" / {mean_std(original).mean:.1f}" * learns)
                         if shifted else "–")
        lines.append([title, *cells])
    return {"": lines}


DOCUMENTS = {ROOT / "docs" / "evidence.md": first_sections,
             ROOT / "docs" / "evidence-tables.md": further_sections,
             ROOT / "README.md": readme_sections}


def filled(sections: dict[str, Lines]) -> dict[str, Lines]:
    """Those with a line below their head."""
    return {title: lines for title, lines in sections.items() if len(lines) > 1}


def show(results: Results, console: Console) -> None:
    for sections in DOCUMENTS.values():
        for title, lines in filled(sections(results)).items():
            table = Table(*lines[0], title=title, title_justify="left")
            for line in lines[1:]:
                table.add_row(*line)
            console.print(table)


def markdown(sections: dict[str, Lines]) -> str:
    made = []
    for title, lines in filled(sections).items():
        head, *body = (f"| {' | '.join(line)} |" for line in lines)
        made += [f"### {title}", ""] if title else []
        made += [head, "|---" * len(lines[0]) + "|", *body, ""]
    return "\n".join(made)


def with_tables(text: str, sections: dict[str, Lines]) -> str:
    """A document with the tables between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown(sections)}\n{END}{after}"


def write_all(results: Results) -> None:
    for path, sections in DOCUMENTS.items():
        text = path.read_text(encoding="utf-8")
        path.write_text(with_tables(text, sections(results)), encoding="utf-8")

"""Tables of the results, for the terminal and for the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge_dassdp.comparison.statistics import Estimate, mean_std
from evidence import goals, orientation, unlabelled
from evidence.methods import (
    DEVICE,
    EQUAL,
    FROZEN,
    HOST,
    IDLE,
    METHODS,
    MIRRORED,
    REPLAYS,
    STANDARD,
    TITLES,
    Method,
    replay_of,
)
from evidence.plan import MISLED, REPLAYED, RIVALS, SHOWN, VOWELS, WRONG_LABELS, point_of
from evidence.results import Results
from evidence.rows import spread
from evidence.tasks import (
    FOLDS,
    MIRROR,
    REDRAWN,
    SETS,
    TURNED,
    WATCH,
    Setting,
    is_watch,
    scenarios,
)

BEGIN, END = "<!-- evidence: written by benchmarks/evidence -->", "<!-- end of evidence -->"
SHIFTED = ("Ap", "A", "B", "C", "D", "E")
"""Scenarios of the watch that have a shift; their mean stands in the tables."""
PAIR = "shifted ± std / original"
ALL = (FROZEN, MIRRORED, *METHODS)
ROOT = Path(__file__).resolve().parents[2]
Lines = list[list[str]]


def settings(names: Sequence[str] = SHIFTED, dataset: str = WATCH, order: str = "shuffled",
             wrong_labels: float = 0.0) -> list[Setting]:
    return [Setting(dataset, s, order, wrong_labels) for s in names]  # type: ignore[arg-type]


def cell(results: Results, method: str, where: Sequence[Setting], replay: str | None = None,
         with_std: bool = True) -> str:
    """shifted ± std over seeds / original; – where it was not run."""
    name = replay_of(method) if replay is None else replay
    shifted = list(results.mean_by_seed(method, where, "shifted", name).values())
    original = list(results.mean_by_seed(method, where, "original", name).values())
    if not shifted:
        return "–"
    made = mean_std(shifted)
    spread = f" ± {made.spread:.1f}" if with_std and made.n > 1 else ""
    return f"{made.mean:.1f}{spread} / {mean_std(original).mean:.1f}"


def signed(estimate: Estimate | None) -> str:
    """Difference ± standard error."""
    if estimate is None:
        return "–"
    return f"{estimate.mean:+.1f} ± {estimate.spread:.1f}"


def main_table(results: Results, dataset: str = WATCH, *, order: str = "shuffled",
               replay: str | None = None, keys: Sequence[str] = ALL) -> Lines:
    """Methods and scenarios of the watch; replay: in place of the standard one."""
    return _by_scenario(results, f"{PAIR}, %", (dataset, order), lambda method, where: cell(
        results, method, where, _replay(method, replay)), keys)


def online_table(results: Results) -> Lines:
    """While the stream was learned, mean ± std over seeds."""
    def entry(method: str, where: Sequence[Setting]) -> str:
        values = results.mean_by_seed(method, where, "online", replay_of(method)).values()
        return spread(list(values)) if values else "–"

    return _by_scenario(results, "during the stream, %", (WATCH, "shuffled"), entry)


def _by_scenario(results: Results, title: str, of: tuple[str, str],
                 entry: Callable[[str, Sequence[Setting]], str],
                 keys: Sequence[str] = ALL) -> Lines:
    names = (*SHIFTED, "N")
    lines = [[title, "networks", *names, f"mean of {' '.join(SHIFTED)}"]]
    for method in keys:
        cells = [entry(method, settings(some, *of)) for some in (*([s] for s in names), SHIFTED)]
        if any(c != "–" for c in cells):
            n = len(results.by_seed(method, settings(names[:1], *of)[0], "shifted",
                                    replay_of(method)))
            lines.append([TITLES[method], str(n), *cells])
    return lines


def _replay(method: str, other: str | None) -> str:
    """`other` in place of a method's usual replay, where that is the standard one."""
    usual = replay_of(method)
    return other if other and usual == STANDARD else usual


def differences(results: Results, pairs: Iterable[tuple[str, str]]) -> Lines:
    """Each method against another, on the same seeds."""
    names = (*SHIFTED, "N")
    lines = [["shifted, difference ± standard error", "against", *names, "mean", "original"]]
    for key, other in pairs:
        def entry(where: Sequence[Setting], column: str = "shifted", key: str = key,
                  other: str = other) -> str:
            return signed(results.difference(key, other, where, column, replay_of(key),
                                             replay_of(other)))
        cells = [*(entry(settings([s])) for s in names), entry(settings()),
                 entry(settings(), "original")]
        if any(c != "–" for c in cells):
            lines.append([TITLES[key], TITLES[other], *cells])
    return lines


def simpler(methods: Iterable[Method]) -> list[tuple[str, str]]:
    """Each with the next simpler one."""
    return [(m.key, m.simpler) for m in methods]


def labels_table(results: Results) -> Lines:
    """Means over the shifts with a share of the stream's labels wrong."""
    lines = [[f"mean of the shifts, {PAIR}, %", "no label wrong",
              *(f"{100 * w:.0f} % wrong" for w in WRONG_LABELS)]]
    for key in MISLED:
        cells = [cell(results, key, settings(wrong_labels=w)) for w in (0, *WRONG_LABELS)]
        if cells[1] != "–":
            lines.append([TITLES[key], *cells])
    return lines


def replay_table(results: Results) -> Lines:
    names = (*REPLAYS, IDLE)
    lines = [[f"mean of the shifts, {PAIR}, %", *names]]
    for key in REPLAYED:
        cells = [cell(results, key, settings(), name) for name in names]
        if cells[0] != "–":
            lines.append([TITLES[key], *cells])
    return lines


def rivals_table(results: Results) -> Lines:
    """The same methods from networks that were trained on turned or on mirrored windows, too."""
    return _by_network(results, (FROZEN, *RIVALS), {
        WATCH: "as shipped", TURNED: "trained on turned windows, too",
        MIRROR: "trained on mirrored windows, too"})


def _by_network(results: Results, methods: Sequence[str], networks: dict[str, str]) -> Lines:
    """Nothing where only the last or the first was run."""
    names = (*SHIFTED, "N")
    lines = [[f"{PAIR}, %", "networks", *names, f"mean of {' '.join(SHIFTED)}"]]
    for method in methods:
        for dataset, title in networks.items():
            cells = [cell(results, method, settings(some, dataset))
                     for some in (*([s] for s in names), SHIFTED)]
            if any(c != "–" for c in cells):
                lines.append([TITLES[method], title, *cells])
    return lines if len({line[1] for line in lines[1:]}) > 1 else lines[:1]


def sets_table(results: Results, name: str) -> Lines:
    """The last scenario of a set has no shift; the others' mean stands in the last column."""
    names = scenarios(name)
    columns = {**{s: [s] for s in names}, "mean of the shifts": list(names[:-1])}
    lines = [[SETS[name].title, *columns]]
    for method in (FROZEN, *METHODS):
        cells = [cell(results, method, settings(some, name)) for some in columns.values()]
        if any(c != "–" for c in cells):
            lines.append([TITLES[method], *cells])
    return lines


def work_table(results: Results) -> Lines:
    """What becomes of the samples of a stream, mean over seeds."""
    lines = [["samples of the stream written / skipped; replayed", *SHIFTED, "N"]]
    for method in DEVICE:
        cells = []
        for s in (*SHIFTED, "N"):
            found = [results.by_seed(method.key, settings([s])[0], c, method.replay)
                     for c in ("written", "skipped", "replayed")]
            cells.append("{:.0f} / {:.0f}; {:.0f}".format(
                *(mean_std(list(f.values())).mean for f in found)) if found[0] else "–")
        if any(c != "–" for c in cells):
            lines.append([method.title, *cells])
    return lines


def constants_table(results: Results) -> Lines:
    lines = [["method", "grid", "chosen", "score", "lowest"]]
    for key in (k for k in METHODS if k in results.constants):
        made = results.constants[key]
        scores = [s for s in made["scores"] if s is not None]
        varied = {name: sorted({p[name] for p in made["grid"]}) for name in made["grid"][0]}
        lines.append([TITLES[key],
                      "; ".join(f"{n} {', '.join(f'{v:g}' for v in vs)}"
                                for n, vs in varied.items() if len(vs) > 1),
                      ", ".join(f"{n} = {v:g}" for n, v in made["chosen"].items()),
                      f"{max(scores):.1f}", f"{min(scores):.1f}"])
    return lines


def seconds_table(results: Results) -> Lines:
    """What each part took; the last line is all of them."""
    lines = [["part", "minutes by the clock", "minutes of a processor"]]
    for part in (*results.seconds, "all"):
        lines.append([part, *(f"{sum(took.values()) if part == 'all' else took.get(part, 0):.1f}"
                              for took in ({p: s / 60 for p, s in found.items()} for found in (
                                  results.seconds, results.cpu_seconds)))])
    return lines


def first_sections(results: Results) -> dict[str, Lines]:
    """Title -> table of docs/evidence.md."""
    return {
        "Goals": goals.table(results),
        "What was tried for them": goals.tried_table(results),
        "Constants judged over all ten wearers": goals.folds_table(results),
        "Every wearer new in turn": main_table(results, FOLDS, keys=in_folds(results)),
        "The watch": main_table(results, keys=shown(results)),
        "Shifts, orders and wearers that nothing was chosen on":
            main_table(results, REDRAWN, keys=shown(results)),
        "One exercise after another": main_table(results, order="blocked", keys=shown(results)),
        "One exercise after another, then idle steps":
            main_table(results, order="blocked", replay=IDLE, keys=shown(results)),
        "Training on turned or mirrored windows instead": rivals_table(results),
        "A profile from labels": orientation.lines(orientation.kept()),
        "A profile without labels, and an alarm": unlabelled.lines(unlabelled.kept()),
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
        "All methods, one exercise after another": main_table(results, order="blocked"),
        "All methods, one exercise after another, then idle steps":
            main_table(results, order="blocked", replay=IDLE),
        "Wrong labels": labels_table(results),
        "Replay": replay_table(results),
        "What is written": work_table(results),
        **{f"Further set: {SETS[name].title}": sets_table(results, name)
           for name in results.datasets() if not is_watch(name) and name != VOWELS},
        "Constants, chosen on the validation wearers": constants_table(results),
        "What each part took": seconds_table(results),
    }


DOCUMENTS = {ROOT / "docs" / "evidence.md": first_sections,
             ROOT / "docs" / "evidence-tables.md": further_sections}


def shown(results: Results) -> list[str]:
    """Of the first tables."""
    return [FROZEN, MIRRORED, *SHOWN, *goals.best(results)]


def in_folds(results: Results) -> list[str]:
    """The same where every wearer is new in turn; touch_k3 is the point of its constants there."""
    return [point_of(results.constants) if key == "touch_k3" else key for key in shown(results)]


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
        made += [f"### {title}", "", f"| {' | '.join(lines[0])} |", "|---" * len(lines[0]) + "|",
                 *(f"| {' | '.join(line)} |" for line in lines[1:]), ""]
    return "\n".join(made)


def write(sections: dict[str, Lines], document: Path) -> None:
    """The tables between the markers of the document."""
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{markdown(sections)}\n{END}{after}", encoding="utf-8")


def write_all(results: Results) -> None:
    for document, sections in DOCUMENTS.items():
        write(sections(results), document)

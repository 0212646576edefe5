"""Tables of the results, for the terminal and for docs/evidence.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge_dassdp.comparison.statistics import Estimate, mean_std
from evidence import goals
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
from evidence.plan import REPLAYED, RIVALS, SOURCES, WRONG_LABELS
from evidence.results import Results
from evidence.tasks import (
    DRAWN_BEYOND,
    FOLDS,
    FOLDS_VALIDATION,
    MIRROR,
    REDRAWN,
    SETS,
    TURNED,
    UNIFORM,
    VALIDATION,
    WATCH,
    Setting,
    is_watch,
    scenarios,
)

BEGIN, END = "<!-- evidence: written by benchmarks/evidence -->", "<!-- end of evidence -->"
SHIFTED = ("Ap", "A", "B", "C", "D", "E")
"""Scenarios of the watch that have a shift; their mean stands in the tables."""
PAIR = "shifted ± std / original"
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


def main_table(results: Results, order: str = "shuffled", replay: str | None = None,
               dataset: str = WATCH) -> Lines:
    """Every method and scenario of the watch; replay: in place of the standard one."""
    return _by_scenario(results, f"{PAIR}, %", (dataset, order), lambda method, where: cell(
        results, method, where, _replay(method, replay)))


def online_table(results: Results) -> Lines:
    """While the stream was learned, mean ± std over seeds."""
    def entry(method: str, where: Sequence[Setting]) -> str:
        return estimate(list(results.mean_by_seed(method, where, "online",
                                                  replay_of(method)).values()))

    return _by_scenario(results, "during the stream, %", (WATCH, "shuffled"), entry)


def _by_scenario(results: Results, title: str, of: tuple[str, str],
                 entry: Callable[[str, Sequence[Setting]], str]) -> Lines:
    names = (*SHIFTED, "N")
    lines = [[title, "seeds", *names, f"mean of {' '.join(SHIFTED)}"]]
    for method in (FROZEN, MIRRORED, *METHODS):
        cells = [entry(method, settings(some, *of)) for some in (*([s] for s in names), SHIFTED)]
        if any(c != "–" for c in cells):
            lines.append([TITLES[method], str(results.n_seeds(of[0], method)), *cells])
    return lines


def _replay(method: str, other: str | None) -> str:
    """`other` in place of a method's usual replay, where that is the standard one."""
    usual = replay_of(method)
    return other if other and usual == STANDARD else usual


def estimate(values: Sequence[float]) -> str:
    """mean ± std; – without values."""
    if not values:
        return "–"
    made = mean_std(values)
    return f"{made.mean:.1f}" + (f" ± {made.spread:.1f}" if made.n > 1 else "")


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
    for method in DEVICE:
        cells = [cell(results, method.key, settings(wrong_labels=w)) for w in (0, *WRONG_LABELS)]
        if cells[1] != "–":
            lines.append([method.title, *cells])
    return lines


def replay_table(results: Results) -> Lines:
    names = (*REPLAYS, IDLE)
    lines = [[f"mean of the shifts, {PAIR}, %", *names]]
    for key in REPLAYED:
        cells = [cell(results, key, settings(), name) for name in names]
        if cells[0] != "–":
            lines.append([TITLES[key], *cells])
    return lines


def sources_table(results: Results) -> Lines:
    """The same methods from the networks before."""
    return _by_network(results, (FROZEN, *SOURCES), {UNIFORM: "before", WATCH: "now"})


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


def sections(results: Results) -> dict[str, Lines]:
    """Title -> table."""
    made = {
        "Goals": goals.table(results),
        "What was tried for them": goals.tried_table(results),
        "Constants judged over all ten wearers": goals.folds_table(results),
        "Every wearer new in turn": main_table(results, dataset=FOLDS),
        "Training on turned or mirrored windows instead": rivals_table(results),
        "The watch, shuffled streams": main_table(results),
        "The watch, shuffled streams: accuracy during the stream": online_table(results),
        "Each method against the next simpler one": differences(results, simpler(DEVICE)),
        "Eligibilities at equal replay and schedule": differences(results, EQUAL),
        "Float beside the device": differences(results, simpler(HOST)),
        "One exercise after another": main_table(results, "blocked"),
        "One exercise after another, then idle steps": main_table(results, "blocked", IDLE),
        "Wrong labels": labels_table(results),
        "Replay": replay_table(results),
        "What is written": work_table(results),
        **{f"Further set: {SETS[name].title}": sets_table(results, name)
           for name in results.datasets() if not is_watch(name)},
        "The watch, shifts, orders and wearers that nothing was chosen on":
            main_table(results, dataset=REDRAWN),
        "Source networks: first weights uniform (before) or normal (now)": sources_table(results),
        "Constants, chosen on the validation wearers": constants_table(results),
    }
    return {title: lines for title, lines in made.items() if len(lines) > 1}


def show(results: Results, console: Console) -> None:
    for title, lines in sections(results).items():
        table = Table(*lines[0], title=title, title_justify="left")
        for line in lines[1:]:
            table.add_row(*line)
        console.print(table)


def seeds_sentence(results: Results) -> str:
    """Which seeds stand in the tables, by data set."""
    named = {WATCH: "the watch", UNIFORM: "the watch's networks before",
             REDRAWN: f"with other draws (their seeds {DRAWN_BEYOND} more)",
             FOLDS: "every wearer new in turn", VALIDATION: "validation wearers",
             FOLDS_VALIDATION: "validation wearers of the folds",
             TURNED: "trained on turned windows", MIRROR: "trained on mirrored windows",
             **{name: made.title for name, made in SETS.items()}}
    parts = [f"{named[name]} {', '.join(map(str, results.seeds(name)))}"
             for name in results.datasets()]
    return f"Seeds: {'; '.join(parts)}."


def markdown(results: Results) -> str:
    made = [seeds_sentence(results), ""]
    for title, lines in sections(results).items():
        made += [f"### {title}", "", f"| {' | '.join(lines[0])} |", "|---" * len(lines[0]) + "|",
                 *(f"| {' | '.join(line)} |" for line in lines[1:]), ""]
    return "\n".join(made)


def write(results: Results, document: Path) -> None:
    """The tables between the markers of the document."""
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{markdown(results)}\n{END}{after}", encoding="utf-8")

"""Tables of the results, as lines of cells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import product

from edge_dassdp.comparison.statistics import Estimate, mean_std
from evidence import goals
from evidence.methods import (
    DEVICE,
    FROZEN,
    IDLE,
    METHODS,
    MIRRORED,
    REPLAYS,
    STANDARD,
    TITLES,
    Method,
    replay_of,
)
from evidence.plan import MISLED, REPLAYED, RIVALS, SHOWN, WRONG_LABELS, point_of
from evidence.results import Results
from evidence.rows import spread
from evidence.tasks import (
    MIRROR,
    SETS,
    TURNED,
    WATCH,
    Setting,
    scenarios,
)

SHIFTED = ("Ap", "A", "B", "C", "D", "E")
"""Scenarios of the watch that have a shift; their mean stands in the tables."""
PAIR = "shifted ± std / original"
ALL = (FROZEN, MIRRORED, *METHODS)
Lines = list[list[str]]


def shown(results: Results) -> list[str]:
    """Of the first tables."""
    return [FROZEN, MIRRORED, *SHOWN, *goals.best(results)]


def in_folds(results: Results, key: str) -> str:
    """The same method where every wearer is new in turn: touch_k3 is the point of its constants."""
    return point_of(results.constants) if key == "touch_k3" else key


def settings(names: Sequence[str] = SHIFTED, dataset: str = WATCH, order: str = "shuffled",
             wrong_labels: float = 0.0) -> list[Setting]:
    return [Setting(dataset, s, order, wrong_labels) for s in names]  # type: ignore[arg-type]


def cell(results: Results, method: str, where: Sequence[Setting], replay: str | None = None,
         seeds: Collection[int] | None = None) -> str:
    """shifted ± std over seeds / original; – where it was not run. seeds: of these alone."""
    name = replay_of(method) if replay is None else replay
    shifted, original = ([value for seed, value in results.mean_by_seed(
        method, where, column, name).items() if seeds is None or seed in seeds]
        for column in ("shifted", "original"))
    return f"{spread(shifted)} / {mean_std(original).mean:.1f}" if shifted else "–"


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
    """The same methods from networks that were trained on turned or on mirrored windows, too, on
    the seeds that all have."""
    names = (*SHIFTED, "N")
    lines = [[f"{PAIR}, %", "trained", "networks", *names, f"mean of {' '.join(SHIFTED)}"]]
    trained = {WATCH: "as shipped", TURNED: "on turned windows, too",
               MIRROR: "on mirrored windows, too"}
    seeds = set.intersection(*(set(results.seeds(dataset)) for dataset in trained))
    for method, dataset in product((FROZEN, *RIVALS), trained if seeds else ()):
        cells = [cell(results, method, settings(some, dataset), seeds=seeds)
                 for some in (*([s] for s in names), SHIFTED)]
        lines.append([TITLES[method], trained[dataset], str(len(seeds)), *cells])
    return lines


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

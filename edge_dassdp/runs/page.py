"""One page of runs: a file that asks for nothing, made for a phone and a desk, light and dark."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

from edge_dassdp import __version__, qir
from edge_dassdp.base.quoting import command
from edge_dassdp.harness import read_snapshot, rolling_accuracy
from edge_dassdp.qir import QNetwork
from edge_dassdp.report.screens import LETTERS
from edge_dassdp.runs import draw, facts
from edge_dassdp.runs.folder import CURVES, JUDGED, LEARNED, MODEL, RASTER, kept, samples_of
from edge_dassdp.runs.graph import nodes
from edge_dassdp.storage.files import write_text

_HERE = Path(__file__).parent
_WINDOW = 50
_MOST_CHANGED = 256
"""Rows and columns of a heat map; larger ones show the largest change of each square."""


def write_page(folders: Sequence[Path], output: Path) -> tuple[list[str], list[str]]:
    """Write the report of runs; the sections that it has, and those that it lacks. Raises EdgeError
    E103 and E105 as `facts.read`, E303 without matplotlib."""
    runs = facts.read(folders)
    values = _Page(runs).values()
    write_text(output, _render(values))
    has = {name: bool(content) for name, (_, content) in values["sections"].items()}
    return [name for name in has if has[name]], [name for name in has if not has[name]]


def _render(values: dict[str, Any]) -> str:
    script, style = ((_HERE / name).read_text("utf-8") for name in ("page.js", "page.css"))
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(_HERE), autoescape=True,
                                   undefined=jinja2.StrictUndefined, trim_blocks=True,
                                   lstrip_blocks=True)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return templates.get_template("page.html.j2").render(
        **values, script=script, style=style, script_sha256=digest)


def _json(value: Any) -> str:
    """JSON that stands in a page as it is: nothing of it ends a script."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


class _Page:
    """What the template shows. Of each section: title, and content or None where no run has it."""

    def __init__(self, runs: Sequence[facts.Run]) -> None:
        self.runs = runs
        self.model_run = next((r for r in runs if (r.folder / MODEL).is_file()), None)
        self.network: QNetwork | None = None
        if self.model_run is not None:
            self.network = qir.load(self.model_run.folder / MODEL)

    @property
    def _are_values(self) -> bool:
        """Whether the outputs are, and no classes."""
        return self.network is not None and self.network.values is not None

    def values(self) -> dict[str, Any]:
        sections = {
            "graph": ("Network", nodes(self.network) if self.network else None),
            "quantization": ("Quantization", self._quantization()),
            "memory": ("Memory", self._memory()),
            "stack": ("Stack", self._stack()),
            **({} if self._are_values else {"curve": ("Learning", self._curve())}),
            "gate": ("Gate and profile", self._gate()),
            "raster": ("Spikes, reference against device", self._kept(RASTER)),
            "changes": ("What learning changed", self._changes()),
            **({"values": ("Values and their targets", self._values())} if self._are_values else
               {"confusion": ("Which classes are taken for which", self._confusion())}),
            "verification": ("Verification", self._verification()),
            "provenance": ("Provenance", self._provenance()),
        }
        data = {"curve": sections["curve"][1] if "curve" in sections else None,
                "raster": sections["raster"][1]}
        return {"title": ", ".join(r.folder.resolve().name for r in self.runs),
                "verbs": ", ".join(dict.fromkeys(r.record.verb for r in self.runs)),
                "tiles": facts.tiles(self.runs), "letters": LETTERS, "version": __version__,
                "sections": sections, "missing": _MISSING, "data": _json(data),
                "results": _json({str(r.folder): r.results for r in self.runs}),
                "sha256": self.network.sha256 if self.network else ""}

    def _quantization(self) -> dict[str, Any] | None:
        if self.network is None:
            return None
        found = facts.first(self.runs, ("populations", "E"))
        flipped = {p["name"]: 100 * p["flipped"] for p in found.value
                   if p.get("flipped") is not None} if found else {}
        rows = [(p["name"], "never" if p["diverges_at"] is None else f"step {p['diverges_at']}",
                 "–" if p["saturated"] is None else f"{100 * p['saturated']:.2f} %",
                 f"{max(b['peak'] / b['limit'] for b in p['proofs']):.3f}")
                for p in found.value if "proofs" in p] if found else []
        return {"weights": draw.weights(self.network), "rows": rows,
                "flipped": draw.bars(flipped, "% of neuron-steps whose spike is not "
                                     "the float network's", "spikes flipped") if flipped else ""}

    def _memory(self) -> dict[str, Any] | None:
        bars = facts.memory(self.runs)
        if not bars:
            return None
        return {"bars": draw.memory(bars), "trees": [
            ("RAM by symbol", facts.symbols(self.runs)),
            ("RAM by what it is for", facts.owners(self.runs))]}

    def _stack(self) -> dict[str, Any] | None:
        found = facts.first(self.runs, ("stack", "L"))
        if found is None:
            return None
        painted = facts.first(self.runs, ("stack_painted_bytes", "E"), ("stack.painted", "E"))
        return {"path": found.value["path"], "isr": found.value.get("isr_path") or [],
                "bytes": found.value.get("bytes", found.value.get("bound")),
                "painted": painted.value if painted else None}

    def _curve(self) -> dict[str, Any] | None:
        found = self._kept(CURVES)
        if found is not None:
            hits = {name: np.array(h) for name, h in found["hits"].items()}
            return self._letter() | _curves(hits, found["emphasis"], int(found["window"]))
        for run in self.runs:
            lines = samples_of(run.folder)
            if lines and run.at("n_learned") is not None and "class_idx" in lines[0]:
                hit = np.array([[line["class_idx"] == line["label"] for line in lines]])
                return self._letter() | _curves({"learning": hit}, "learning", _WINDOW)
        return None

    def _letter(self) -> dict[str, Any]:
        """Where a curve comes from."""
        learned = facts.first(self.runs, ("n_learned", "*"))
        return {"letter": learned.letter if learned else facts.EXECUTED}

    def _gate(self) -> list[tuple[str, str]] | None:
        """Rows; None where nothing was learned."""
        found = facts.first(self.runs, ("statistics", "*"), ("learning", "*"))
        if found is None or "n_labelled" not in found.value:
            return None
        counts = found.value
        has_gate = self.network is not None and self.network.cusum is not None
        has_guard = self.network is not None and self.network.guard is not None
        left_out = {"is_open", "n_held"} | (set() if has_guard else {"hits", "factory_hits"})
        rows = [("gate", f"{'open' if counts['is_open'] else 'closed'} at the end, "
                 f"{counts['n_held']:,} samples held back" if has_gate else
                 "none: every sample may be learned from")]
        for name, *places in (("profile of the sensor", "profile", "orientation"),
                              ("drift of the sensor", "drift")):
            fact = facts.first(self.runs, *((place, "*") for place in places))
            rows.append((name, "none here" if fact is None else _plain(fact.value)))
        return rows + [(name.removeprefix("n_").replace("_", " "),
                        str(value).lower() if isinstance(value, bool) else f"{value:,}")
                       for name, value in found.value.items()
                       if isinstance(value, int | float) and "digest" not in name
                       and name not in left_out]

    def _kept(self, name: str) -> dict[str, Any] | None:
        return next((found for r in self.runs if (found := kept(r.folder, name))), None)

    def _changes(self) -> list[dict[str, Any]] | None:
        run = next((r for r in self.runs if (r.folder / LEARNED).is_file()), None)
        if run is None or self.network is None:
            return None
        learned = read_snapshot(self.network, run.folder / LEARNED)
        made = []
        for q in self.network.plastic:
            apart = (learned[q.name] - q.w.astype(np.int64)).reshape(-1, q.w.shape[-1])
            n = int((apart != 0).sum())
            made.append({"name": q.name, "text": f"{n:,} of {apart.size:,} weights changed, by at "
                         f"most {int(np.abs(apart).max(initial=0)):,} steps",
                         "svg": draw.changes(q.name, _shrunk(apart))})
        return made

    def _confusion(self) -> list[tuple[str, str]] | None:
        classes = facts.first(self.runs, ("classes", "E"))
        names = classes.value if classes else []
        judged = self._kept(JUDGED)
        if judged:
            return [(f"{when} learning", draw.confusion(
                *_counts(j["labels"], j["found"], names), f"confusion {when}"))
                for when, j in judged.items()]
        for run in self.runs:
            lines = [line for line in samples_of(run.folder) if line.get("label") is not None
                     and line["class_idx"] is not None and line["class_idx"] >= 0]
            if lines:
                return [(facts.figure_of(run), draw.confusion(*_counts(
                    [line["label"] for line in lines], [line["class_idx"] for line in lines],
                    names), "confusion"))]
        return None

    def _values(self) -> list[tuple[str, str]] | None:
        """Errors of each output; None where no run has targets."""
        found = facts.first(self.runs, ("errors", "*"), ("integer_errors", "E"))
        if found is None:
            return None
        errors = found.value
        names = errors["outputs"] or [f"output {c}" for c in range(len(errors["mae"]))]
        return [("of", facts.figure_of(found.run)), *(
            (name, f"NRMSE {'–' if nrmse is None else f'{nrmse:.3f}'}, MAE {mae:.4g} "
             f"{found.letter}") for name, nrmse, mae in
            zip(names, errors["nrmse"], errors["mae"], strict=True))]

    def _verification(self) -> list[tuple[str, str]] | None:
        run = next((r for r in self.runs if r.at("bit_exact") is not None), None)
        if run is None:
            return None
        found = run.at("bit_exact")
        found = found if isinstance(found, dict) else run.data
        divergence = found.get("divergence")
        same = found.get("differences", 0) == 0 and divergence is None
        targets = found.get("compared_targets") or found["targets"]
        rows = [("result", "bit-exact" if same else "they differ"),
                ("compared", ", ".join(targets)), ("samples", f"{found['samples']:,}"),
                ("learned from", f"{found['learning_steps']:,}"),
                ("values compared", f"{found['values_compared']:,}")]
        return rows + ([("first difference", json.dumps(divergence))] if divergence else [])

    def _provenance(self) -> list[dict[str, Any]]:
        return [{"folder": str(r.folder), "verb": r.record.verb,
                 "command": command("edge-dassdp", *r.record.words) if r.record.words else "",
                 "rows": [("begun", r.record.begun), ("exit", str(r.record.exit)),
                          *r.record.versions.items(),
                          *((f"seed: {k}", str(v)) for k, v in r.record.seeds.items()),
                          *((f"{u.option} {u.path}", u.sha256 or "not told") for u in
                            (*r.record.inputs, *r.record.outputs))]} for r in self.runs]


def _plain(values: dict[str, Any]) -> str:
    """Words and numbers of a table, as text."""
    return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items()
                     if value is not None and not isinstance(value, dict | list))


def _curves(hits: dict[str, NDArray[Any]], emphasis: str, window: int) -> dict[str, Any]:
    """Rolling accuracy in percent, mean and standard deviation over runs, one decimal."""
    made = []
    for name, h in hits.items():
        rolling = 100 * rolling_accuracy(np.atleast_2d(h), window)
        made.append({"name": name, "mean": np.round(rolling.mean(axis=0), 1).tolist(),
                     "std": np.round(rolling.std(axis=0, ddof=1), 1).tolist()
                     if len(rolling) > 1 else [],
                     "overall": round(100 * float(np.mean(h)), 1), "is_main": name == emphasis})
    return {"window": window, "lines": made, "n_runs": max(len(np.atleast_2d(h))
                                                           for h in hits.values())}


def _counts(labels: Sequence[int], found: Sequence[int],
            names: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Counts (true, answered), and the names of classes."""
    n = max(len(names), 1 + max(*labels, *found))
    counts = np.zeros((n, n), np.int64)
    np.add.at(counts, (np.array(labels), np.array(found)), 1)
    return counts, [*names, *map(str, range(len(names), n))]


def _shrunk(apart: NDArray[np.int64]) -> NDArray[np.int64]:
    """With at most _MOST_CHANGED rows and columns: of each square the largest change."""
    for axis in (0, 1):
        by = -(-apart.shape[axis] // _MOST_CHANGED)
        if by > 1:
            parts = np.array_split(apart, -(-apart.shape[axis] // by), axis=axis)
            apart = np.stack([np.where(p.max(axis) > -p.min(axis), p.max(axis), p.min(axis))
                              for p in parts], axis=axis)
    return apart


_MISSING = {
    "graph": "no run here has a quantized network: quantize, build, learn or verify with --run.",
    "quantization": "no run here has a quantized network: quantize --data … --run DIR.",
    "memory": "nothing was built: build --board … --run DIR.",
    "stack": "nothing was built: build --board … --run DIR.",
    "curve": "nothing was learned: learn --data … --run DIR.",
    "gate": "no run here kept what a device counts while it learns: learn --data … --run DIR.",
    "raster": "no targets were compared: verify --target … --run DIR.",
    "changes": "no learned weights were kept: learn --data … --run DIR.",
    "confusion": "no samples were judged: learn --test … or run --data … with --run DIR.",
    "values": "no samples with targets were judged: run --data … or learn --data … --run DIR.",
    "verification": "no targets were compared: verify --target … --run DIR.",
    "provenance": "",
}
"""What a page says where no run has a section."""

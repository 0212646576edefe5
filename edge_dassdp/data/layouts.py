"""Plain files of samples: which of their values are samples, classes and splits (docs/data.md)."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.labels import MOST_LETTERS, Origin, are_names
from edge_dassdp.data.names import SPLITS, VALIDATION
from edge_dassdp.data.targets import TARGET, both, names_of, of_array
from edge_dassdp.storage.foreign import reading, unread
from edge_dassdp.storage.npz import Arrays, read_npy
from edge_dassdp.storage.tables import Row, rows

CLASS_COLUMNS = ("label", "class", "target", "y")
"""The first of these that a header has holds the classes; else its last column does."""
SPLIT_COLUMN = "split"
NAMES = (*SPLITS, VALIDATION)
_EMPTY = ("", "?", "na", "n/a", "nan", "null")
"""What stands where there is no class."""
_MOST = float(np.finfo(np.float32).max)
_NPY_OF_X = re.compile(r"(.*[._-])?([xX])([._-].*)?")


@dataclass(frozen=True, eq=False)
class Plain:
    """x: finite float32 (n, n_inputs). y: as it stands in the file, or numbers of names, or targets
    (n, n_outputs), finite float64. rows: of splits, by name, as they stand. classes: their names,
    or those of the outputs, where the file has names, in order.
    guess: how it was read where it does not say it. origin: where classes stand, None: in y.
    are_targets: y are such."""

    x: NDArray[np.float32]
    y: NDArray[Any]
    rows: dict[str, NDArray[Any]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    guess: str = ""
    origin: Origin | None = None
    are_targets: bool = False


def read_plain(path: Path) -> Plain | None:
    """What a .csv, .npy or plain .npz holds, by its suffix; None for an .npz with a header.

    Raises EdgeError E103 for another file, E104 for values that are no samples.
    """
    read: Callable[[Path], Plain | None] = {".csv": _of_csv, ".npy": _of_npy}.get(
        path.suffix.lower(), _of_npz)
    return read(path)


# ---- arrays --------------------------------------------------------------------------------------


def _of_npz(path: Path) -> Plain | None:
    arrays = Arrays(path, "dataset")
    if arrays.has_header:
        return None
    if "x" not in arrays:
        raise unread(path, "dataset", "it holds no x")
    with reading(path, "dataset"):
        x, y = arrays["x"], arrays.get("y")
        targets, names = arrays.get("targets"), arrays.get("target_names")
        found = {name: arrays[name] for name in NAMES if name in arrays}
    checked = _numbers(path, x)
    if targets is not None:
        if y is not None:
            raise both(path, "y and targets")
        rows = targets[:, None] if targets.ndim == 1 else targets
        return Plain(checked, of_array(path, rows, len(x)), found,
                     names_of(path, names, rows.shape[-1]), are_targets=True)
    if y is None:
        raise EdgeError("E104", f"{path} holds x and no y",
                        help="add y, (n,) integers: the class of each sample; 0 for all where "
                        "there is one output, or nothing is to be judged; or targets, (n, "
                        "n_outputs) numbers, of a model of values")
    return _with_names(path, Plain(checked, y, found))


def _with_names(path: Path, plain: Plain) -> Plain:
    """With numbers of names in the order of the alphabet, where y are texts (n,). Raises EdgeError
    E104 for a text that names no class."""
    if plain.y.dtype.kind != "U" or plain.y.shape != (len(plain.x),):
        return plain
    names, first, place = np.unique(np.char.strip(plain.y), return_index=True, return_inverse=True)
    for name, row in zip(names.tolist(), first.tolist(), strict=True):
        if name.lower() in _EMPTY or not are_names([name]):
            raise EdgeError("E104", f"{path}: y[{row}] is {name[:40]!r}, which names no class",
                            help="leave the sample out, or give its class")
    return replace(plain, y=place, classes=tuple(names.tolist()))


def _of_npy(path: Path) -> Plain:
    """x of a file named for it, with y in the file named for that; else the last column is y."""
    given = read_npy(path)
    named = _NPY_OF_X.fullmatch(path.stem)
    if named is None:
        return _last_column(path, given)
    before, _, behind = (part or "" for part in named.groups())
    beside = [path.with_name(f"{before}{y}{behind}{path.suffix}") for y in "yY"]
    for other in beside:
        if other.exists():
            return _with_names(path, Plain(_numbers(path, given), read_npy(other)))
    raise EdgeError("E104", f"{path} holds x and no y", cause=f"there is no {beside[0]} beside it",
                    help=f"add the classes: np.savez('data.npz', x=np.load({str(path)!r}), y=y)")


def _last_column(path: Path, given: NDArray[Any]) -> Plain:
    values = _numbers(path, given, "(n, n_inputs + 1), the class in the last column")
    if values.shape[1] < 2:
        raise EdgeError("E104", f"{path} has {values.shape[1]} columns, expected samples and, in "
                        "the last one, their classes")
    y = given[:, -1]
    off = np.flatnonzero(y % 1 != 0)
    if off.size:
        raise EdgeError("E104", f"{path}: row {off[0]} has {y[off[0]]:.6g} in the last column, "
                        "where its class is expected", help="call the file x.npy and put the "
                        "classes into y.npy beside it, or append them as a column of integers")
    return Plain(values[:, :-1], y.astype(np.int64), guess=_guess(path, values.shape[1]))


def _guess(path: Path, n_columns: int) -> str:
    return (f"{path.name} names no columns: the last of {n_columns} is taken for the class, as "
            f"{path.suffix.lower()} files are (docs/data.md)")


def _numbers(path: Path, x: NDArray[Any], expected: str = "(n, n_inputs)") -> NDArray[np.float32]:
    if x.dtype.kind not in "fiub":
        raise EdgeError("E104", f"{path}: x is of {x.dtype}, expected real numbers")
    if x.ndim != 2:
        raise EdgeError("E104", f"{path}: x has shape {x.shape}, expected {expected}")
    with np.errstate(over="ignore"):
        made = x.astype(np.float32)
    if not np.isfinite(made).all():
        i, j = np.argwhere(~np.isfinite(made))[0]
        is_large = bool(np.isfinite(x[i, j]))
        raise EdgeError("E104", f"{path}: x[{i}, {j}] is {_said(float(x[i, j]))}, expected "
                        + ("numbers that float32 holds" if is_large else "finite numbers"),
                        help="leave such samples out, or scale them as was done for training"
                        if is_large else
                        "leave such samples out, or fill them in as was done for training")
    return made


def _said(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value:.4g}"


# ---- text ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """Of a table: names of its columns, as messages call them, and the places of features, classes
    and splits. targets: places of these, where it has such, by the names of their outputs."""

    titles: tuple[str, ...]
    features: tuple[int, ...]
    label: int
    split: int | None = None
    targets: Mapping[str, int] = field(default_factory=dict)


def _of_csv(path: Path) -> Plain:
    with reading(path, "csv"):
        table = rows(path)
        first = next(((n, [cell.strip() for cell in cells]) for n, cells in table), None)
        if first is None:
            raise EdgeError("E104", f"{path} holds no samples")
        layout = _laid_out(path, first)
        body = table if _is_header(first[1]) else _with(first, table)
        values, labels, splits = array("f"), array("q"), []
        targets = array("d")
        names: dict[str, tuple[int, int]] = {}
        lines = array("q")
        for row in body:
            values.extend(_features(path, layout, row))
            lines.append(row[0])
            for place in layout.targets.values():
                targets.append(_target(path, layout, row, place))
            text = "" if layout.targets else row[1][layout.label].strip()
            labels.append(names.setdefault(text, (len(names), row[0]))[0])
            if layout.split is not None:
                splits.append(_split(path, row[0], row[1][layout.split].strip()))
        splits_of = np.array(splits)
        of_splits = {name: np.flatnonzero(splits_of == name) for name in NAMES if name in splits}
        if layout.targets:
            return Plain(np.asarray(values).reshape(-1, len(layout.features)),
                         np.asarray(targets).reshape(-1, len(layout.targets)), of_splits,
                         tuple(layout.targets), origin=Origin(
                             str(path), "row ", " holds", np.asarray(lines), ""),
                         are_targets=True)
        numbers, classes = _classes(path, layout, names)
        title = layout.titles[layout.label]
        return Plain(np.asarray(values).reshape(-1, len(layout.features)),
                     numbers[np.asarray(labels)],
                     of_splits, classes, "" if classes or _is_header(first[1]) else
                     _guess(path, len(layout.titles)),
                     Origin(str(path), "row ", f", {title} holds", np.asarray(lines),
                            _how(layout)))


def _how(layout: _Layout) -> str:
    """Which column was taken for the class, and which of the others may be meant for one."""
    titles = {name: f"column '{name}'" for name in CLASS_COLUMNS}
    others = [layout.titles[i] for i in layout.features
              if layout.titles[i].lower() in titles.values()]
    told = f"{layout.titles[layout.label]} is taken for the class"
    return told + (f", and {' and '.join(others)} for a value: leave one of them out"
                   if others else "")


def _with(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _is_header(cells: Sequence[str]) -> bool:
    """Words alone, or, as pandas numbers columns that have no names, 0, 1, 2 and so on."""
    numbers = [i for i, cell in enumerate(cells) if _number(cell) is not None]
    words = {cell.lower() for i, cell in enumerate(cells) if i not in numbers}
    counted = len(numbers) > 2 and all(cells[i] == str(i) for i in numbers)
    return not numbers or (counted and words <= {*CLASS_COLUMNS, SPLIT_COLUMN})


def _laid_out(path: Path, first: Row) -> _Layout:
    cells = first[1]
    lower = [cell.lower() for cell in cells] if _is_header(cells) else []
    if "" in lower:
        raise EdgeError("E104", f"{path}: column {lower.index('') + 1} has no name in row "
                        f"{first[0]}", help="name it, or leave it out: pandas writes numbers of "
                        "rows unless it is told index=False")
    doubled = [name for i, name in enumerate(lower) if name in lower[:i]]
    if doubled:
        raise EdgeError("E104", f"{path}: two columns are called '{doubled[0]}'",
                        help="give each a name of its own")
    split = lower.index(SPLIT_COLUMN) if SPLIT_COLUMN in lower else None
    targets = {cells[i][len(TARGET):].strip(): i for i, name in enumerate(lower)
               if name.startswith(TARGET)}
    if targets:
        return _with_targets(path, first, lower, split, targets)
    others = [i for i in range(len(cells)) if i != split]
    label = next((lower.index(name) for name in CLASS_COLUMNS if name in lower), others[-1]) \
        if others else 0
    features = tuple(i for i in others if i != label)
    if not features:
        raise EdgeError("E104", f"{path}: row {first[0]} has {len(cells)} values, expected those "
                        "of a sample and its class", help="separate values by commas")
    titles = tuple(f"column '{cell}'" if lower else f"column {i}"
                   for i, cell in enumerate(cells, 1))
    return _Layout(titles, features, label, split)


def _with_targets(path: Path, first: Row, lower: list[str], split: int | None,
                  targets: dict[str, int]) -> _Layout:
    """Of a table whose header names columns of targets."""
    classes = [name for name in CLASS_COLUMNS if name in lower]
    if classes:
        raise both(path, f"columns '{TARGET}...' and '{classes[0]}'")
    if not are_names([*targets]):
        raise EdgeError("E104", f"{path}: a column is called '{TARGET}' alone",
                        help=f"name the output behind it: {TARGET}angle")
    features = tuple(i for i in range(len(lower)) if i != split and i not in targets.values())
    if not features:
        raise EdgeError("E104", f"{path} has targets, and no values of samples")
    return _Layout(tuple(f"column '{cell.strip()}'" for cell in first[1]), features, -1, split,
                   targets)


def _target(path: Path, layout: _Layout, row: Row, place: int) -> float:
    found = _number(row[1][place])
    if found is None or not math.isfinite(found):
        raise _no_number(path, row[0], layout.titles[place], row[1][place])
    return found


def _features(path: Path, layout: _Layout, row: Row) -> list[float]:
    """Raises EdgeError E104 for the first cell that is no finite number."""
    line, cells = row
    if len(cells) != len(layout.titles):
        raise EdgeError("E104", f"{path}: row {line} has {len(cells)} values, the first row has "
                        f"{len(layout.titles)}", help="give every row as many; numbers have "
                        "decimal points, not commas")
    with suppress(ValueError):
        found = [*map(float, map(cells.__getitem__, layout.features))]
        if math.isfinite(sum(found)) and -_MOST <= min(found) <= max(found) <= _MOST:
            return found
    bad = next(i for i in layout.features if not abs(_number(cells[i]) or 0.0) <= _MOST
               or _number(cells[i]) is None)
    raise _no_number(path, line, layout.titles[bad], cells[bad])


def _no_number(path: Path, line: int, title: str, cell: str) -> EdgeError:
    cell = cell.strip()
    told = f"holds '{cell[:40]}', expected a finite number" if cell else "is empty"
    help = "write decimal points" if _number(cell.replace(",", ".")) is not None and "," in cell \
        else "leave the row out, or fill it in as was done for training"
    return EdgeError("E104", f"{path}: row {line}, {title} {told}", help=help)


def _number(cell: str) -> float | None:
    with suppress(ValueError):
        return float(cell)
    return None


def _split(path: Path, line: int, cell: str) -> str:
    name = cell.lower()
    if name not in NAMES:
        near = get_close_matches(name, NAMES, 1)
        raise EdgeError("E104", f"{path}: row {line}, column 'split' holds '{cell[:40]}', which is "
                        "no split", help=(f"did you mean {near[0]}? " if near else "")
                        + f"Choose {', '.join(NAMES)}")
    return name


def _classes(path: Path, layout: _Layout, names: dict[str, tuple[int, int]]
             ) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The class of each text, (n texts,), and the names of the classes, if they have names: numbers
    in the order of the names. names: place and first row of each text."""
    title = layout.titles[layout.label]
    kinds = {text: _number(text) is not None for text in names}
    for text, (_, line) in names.items():
        if text.lower() in _EMPTY:
            raise EdgeError("E104", f"{path}: row {line}, {title} holds no class",
                            help="leave the row out, or give its class")
        if not kinds[text] and not are_names([text]):
            raise EdgeError("E104", f"{path}: row {line}, {title} holds {text[:40]!r}, which is no "
                            f"name of a class: expected 1 to {MOST_LETTERS} printable letters",
                            help="write a short name, or the number of the class")
        if kinds[text] != next(iter(kinds.values())):
            raise EdgeError("E104", f"{path}: row {line}, {title} holds '{text[:40]}', and others "
                            f"{'names' if kinds[text] else 'numbers'}", cause="classes are taken "
                            "from there", help="write all as numbers from 0 on, or all as names")
    if names and not any(kinds.values()):
        classes = tuple(sorted(names))
        place = {name: number for number, name in enumerate(classes)}
        return np.array([place[text] for text in names]), classes
    for text, (_, line) in names.items():
        if not float(text).is_integer() or abs(float(text)) > 2**31:
            raise EdgeError("E104", f"{path}: row {line}, {title} holds {text[:40]}, which is no "
                            "class: they are whole numbers from 0 on, one for each output",
                            cause="classes are taken from there: the column 'label', 'class', "
                            "'target' or 'y', else the last", help="call the column of the "
                            "classes 'label', and one of values, which a network of --values "
                            f"gives, {TARGET}NAME; where there are neither, add a label of 0")
    return np.array([int(float(text)) for text in names], np.int64), ()

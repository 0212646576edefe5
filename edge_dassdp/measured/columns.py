"""Which columns of a log of current hold what, by the names that its exporter gives them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from edge_dassdp.base.errors import EdgeError, refuse_unless

SECONDS = MappingProxyType({"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9})
AMPERES = MappingProxyType({"a": 1.0, "ma": 1e-3, "ua": 1e-6, "µa": 1e-6, "μa": 1e-6, "na": 1e-9})
VOLTS = MappingProxyType({"v": 1.0, "mv": 1e-3, "uv": 1e-6, "µv": 1e-6, "μv": 1e-6})
FORMATS = MappingProxyType({"ppk2": ("ms", "ua"), "otii": ("s", "a"), "joulescope": ("s", "a")})
"""Units of time and current where a header names none, by who wrote it."""
_UNIT = re.compile(r"[\s_]*[(\[]\s*([^)\]]*?)\s*[)\]]\s*$|_([nuµμm]?[asv])\s*$", re.IGNORECASE)
_DIGITAL = re.compile(r"d\d(-d7)?|.*\bgpio? ?\d+|in\d|.*_lsb|.*(digital|logic|marker|trigger).*")
_ALL_OF_PPK2 = "d0-d7"
_OF_PPK2 = (("timestamp", "ms"), ("current", "uA"))


@dataclass(frozen=True)
class Digital:
    """A digital channel: its name, its column, and the letter of its cells that is its own, None
    where a cell is one channel's."""

    name: str
    column: int
    letter: int | None = None


@dataclass(frozen=True)
class Columns:
    """time, current, voltage: columns, and what one unit of each is in s, A and V; voltage is None
    where the log has none. digital: the channels, in the order of the file. read: how time and
    current are, half a sentence each."""

    time: int
    seconds: float
    current: int
    amperes: float
    voltage: int | None
    volts: float
    digital: tuple[Digital, ...]
    read: tuple[str, str]

    def channel(self, path: object, wanted: str | None) -> Digital:
        """The channel of that name, or the first. Raises EdgeError E104 where there is none."""
        names = ", ".join(channel.name for channel in self.digital)
        if not self.digital:
            raise EdgeError(
                "E104", f"{path} has no digital channel", cause="its columns hold time and "
                "analogue values alone, which do not say where a sample begins",
                help="connect the board's marker pin to a digital input of the instrument, and "
                     "export that channel, too")
        for channel in self.digital:
            if wanted is None or channel.name.lower() == wanted.strip().lower():
                return channel
        raise EdgeError("E105", f"{path} has no digital channel '{wanted}'",
                        help=f"choose {names}")


def is_header(cells: Sequence[str]) -> bool:
    """Whether these are names, of a time and a current among them."""
    return _places([_parts(cell)[0] for cell in cells]) is not None


def columns_of(path: object, cells: Sequence[str], format: str | None) -> Columns:
    """What the names in a header say. Raises EdgeError E104 where a unit is missing or unknown,
    E105 where they are those of another writer than `format`."""
    parts = [_parts(cell) for cell in cells]
    writer = _writer(cells, parts)
    refuse_unless("E105", format is None or writer in (None, format),
                  f"{path} has the header of {writer}, --format says {format}",
                  help="leave --format out: its header tells who wrote it")
    format = format or writer
    places = _places([name for name, _ in parts])
    assert places is not None  # it is a header
    time, current = places
    voltage = next((i for i, (name, _) in enumerate(parts) if "voltage" in name
                    and i not in places and not _DIGITAL.fullmatch(name)), None)
    by_time, by_current = FORMATS[format] if format else ("", "")

    def unit_of(column: int, default: str) -> str:
        return parts[column][1] or default

    def read(column: int, default: str) -> str:
        return f"column '{cells[column].strip()}' is read in {unit_of(column, default)}"

    def factor(column: int, known: MappingProxyType[str, float], default: str) -> float:
        unit = unit_of(column, default)
        if unit.lower() not in known:
            raise EdgeError(
                "E104", f"{path}: column '{cells[column].strip()}' "
                + (f"is in '{unit}'" if unit else "names no unit"),
                help=f"write one of {', '.join(list(known)[:3])} behind its name, as in "
                     f"Current(mA), or say with --format who wrote it: {', '.join(FORMATS)}")
        return known[unit.lower()]

    return Columns(time, factor(time, SECONDS, by_time), current,
                   factor(current, AMPERES, by_current), voltage,
                   1.0 if voltage is None else factor(voltage, VOLTS, "v"),
                   tuple(_digital(cells, parts, {time, current, voltage})),
                   (read(time, by_time), read(current, by_current)))


def _writer(cells: Sequence[str], parts: Sequence[tuple[str, str]]) -> str | None:
    """Who writes such names: Joulescope '#time,current,voltage', Otii those of its Arc or Ace,
    PPK2 'Timestamp(ms),Current(uA)'."""
    if cells[0].lstrip().startswith("#time"):
        return "joulescope"
    if tuple(parts[:2]) == _OF_PPK2:
        return "ppk2"
    return "otii" if any(name.startswith(("arc ", "ace ")) for name, _ in parts) else None


def _places(names: Sequence[str]) -> tuple[int, int] | None:
    """The first columns of a time and of a current, two; None where they are not there."""
    time = next((i for i, name in enumerate(names) if "time" in name), None)
    current = next((i for i, name in enumerate(names) if i != time and "current" in name
                    and not _DIGITAL.fullmatch(name)), None)
    return None if time is None or current is None else (time, current)


def _digital(cells: Sequence[str], parts: Sequence[tuple[str, str]],
             taken: Collection[int | None]) -> list[Digital]:
    found = []
    for column, (name, _) in enumerate(parts):
        if column in taken:
            continue
        if name == _ALL_OF_PPK2:
            found += [Digital(f"D{bit}", column, bit) for bit in range(8)]
        elif _DIGITAL.fullmatch(name):
            found.append(Digital(_UNIT.sub("", cells[column].strip(" #\"'")), column))
    return found


def _parts(cell: str) -> tuple[str, str]:
    """Name in small letters, and unit, "" without."""
    text = cell.strip(" \t\r\n\"'#\ufeff")
    unit = _UNIT.search(text)
    name = text[:unit.start()] if unit else text
    return " ".join(name.lower().split()), (unit[1] or unit[2] or "") if unit else ""

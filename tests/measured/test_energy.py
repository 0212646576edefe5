"""Joules from logs of current: those of a board that is known, and refusals of what is wrong."""

from __future__ import annotations

import resource
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support import lanes
from support.currents import WRITERS, Recording, ppk2, write

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, load_board
from edge_dassdp.measured.energy import Energy, energy_of

BOARD = load_board("microbit")
N, WROTE = 4, (True, False, True)
RECORDING = Recording([0.02] * (N + len(WROTE)))
VOLTS = 3.0


def energy(path: Path, board: Board = BOARD, *, n: int = N, wrote: tuple[bool, ...] = WROTE,
           volts: float | None = VOLTS, **options: str) -> Energy:
    return energy_of(path, board, n, wrote, volts=volts, **options)  # type: ignore[arg-type]


def refusal(path: Path, code: str = "E104", **options: object) -> str:
    with pytest.raises(EdgeError) as caught:
        energy(path, **options)  # type: ignore[arg-type]
    assert caught.value.code == code and caught.value.help
    assert len(caught.value.message.splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("who", WRITERS)
@pytest.mark.parametrize("rate_hz", [1_000.0, 4_000.0, 100_000.0])
def test_energy_is_that_of_the_board_whoever_writes_and_however_fast(
        who: str, rate_hz: float, tmp_path: Path) -> None:
    recording = replace(RECORDING, rate_hz=rate_hz)
    found = energy(WRITERS[who](tmp_path / "log.csv", recording))
    expected = recording.joules(VOLTS)
    assert found.inference.median == pytest.approx(expected, rel=0.02)
    assert found.lesson and found.lesson.median == pytest.approx(expected, rel=0.02)
    assert (found.inference.n, found.lesson.n) == (N, len(WROTE))
    assert found.written and found.written.n == sum(WROTE)
    assert found.inference_a == pytest.approx(recording.high_a, rel=0.02)
    assert found.idle_a == pytest.approx(recording.idle_a, rel=0.02)
    above = expected * (1 - recording.idle_a / recording.high_a)
    assert found.inference_above and found.inference_above.median == pytest.approx(above, rel=0.05)
    assert found.period_s == pytest.approx(1 / rate_hz)
    assert found.inference_s.median == pytest.approx(0.02)
    assert found.warnings == ()


@pytest.mark.parametrize("who", ["otii", "joulescope"])
def test_a_log_s_own_voltage_counts_and_another_is_refused(who: str, tmp_path: Path) -> None:
    path = WRITERS[who](tmp_path / "log.csv", RECORDING)
    own = energy(path, volts=None)
    assert own.volts is None and own.inference.median == pytest.approx(
        RECORDING.joules(3.0), rel=0.02)
    assert energy(path, volts=3.02) == own == energy(path, volts=2.98)
    for volts in (2.96, 3.04, 6.0):
        said = refusal(path, "E105", volts=volts)
        assert f"has 3 V in its column of voltage, --volts says {volts:g}" in said


@pytest.mark.parametrize(("who", "writer"), [("ppk2", "ppk2"), ("ppk2, bits apart", "ppk2"),
                                             ("otii", "otii"), ("joulescope", "joulescope")])
def test_a_format_of_another_writer_is_refused(who: str, writer: str, tmp_path: Path) -> None:
    path = WRITERS[who](tmp_path / "log.csv", RECORDING)
    assert energy(path, format=writer) == energy(path)
    for other in {"ppk2", "otii", "joulescope"} - {writer}:
        said = refusal(path, "E105", format=other)
        assert f"has the header of {writer}, --format says {other}" in said


def test_a_header_behind_a_hash_names_no_writer(tmp_path: Path) -> None:
    """As numpy.savetxt writes it: Joulescope has no space there."""
    t, i, high = RECORDING.rows
    path = write(tmp_path / "log.csv", "# time,current,D0", [
        f"{1e3 * a:.9g},{1e6 * b:.9g},{int(c)}" for a, b, c in zip(t, i, high, strict=True)])
    assert "names no unit" in refusal(path)
    assert energy(path, format="ppk2").inference.median == pytest.approx(
        RECORDING.joules(VOLTS), rel=0.02)


@pytest.mark.parametrize(("high_a", "shown"), [(-8e-3, "is -8 mA"), (0.0, "is 0 mA")])
def test_a_current_that_is_none_or_flows_backwards_is_refused(high_a: float, shown: str,
                                                              tmp_path: Path) -> None:
    recording = RECORDING.with_(high_a=high_a, noise_a=0.0)
    said = refusal(ppk2(tmp_path / "log.csv", recording))
    assert shown in said and "leads are swapped" in said


def test_lessons_alone_that_flow_backwards_are_refused(tmp_path: Path) -> None:
    path, lines = edited(tmp_path)
    high = [k for k, line in enumerate(lines) if line.endswith("10000000")]
    lines[high[-1] - 1200:] = [line.replace(",", ",-", 1) for line in lines[high[-1] - 1200:]]
    assert "is -" in refusal(rewritten(path, lines))


@pytest.mark.parametrize(("high_a", "unit", "shown"), [(8e-3, "A", "8e+03 A"),
                                                       (8e-6, "nA", "8e-09 A")])
def test_a_current_that_no_board_takes_is_doubted_with_its_unit(
        high_a: float, unit: str, shown: str, tmp_path: Path) -> None:
    recording = RECORDING.with_(high_a=high_a, idle_a=high_a / 2, noise_a=0.0)
    path = ppk2(tmp_path / "log.csv", recording)
    assert energy(path).warnings == ()
    head, *rows = path.read_text("utf-8").splitlines()
    [doubt] = energy(rewritten(path, [head.replace("uA", unit), *rows])).warnings
    assert shown in doubt and f"column 'Current({unit})' is read in {unit}" in doubt


@pytest.mark.parametrize("seconds", ["s", "ms", "us", "µs", "ns"])
@pytest.mark.parametrize("amperes", ["A", "mA", "uA", "µA", "nA"])
def test_units_are_those_of_the_header(seconds: str, amperes: str, tmp_path: Path) -> None:
    scale = {"s": 1, "ms": 1e3, "us": 1e6, "µs": 1e6, "ns": 1e9,
             "A": 1, "mA": 1e3, "uA": 1e6, "µA": 1e6, "nA": 1e9}
    t, i, high = RECORDING.rows
    rows = [f"{scale[seconds] * a:.9g},{scale[amperes] * b:.9g},{int(c)}"
            for a, b, c in zip(t, i, high, strict=True)]
    path = write(tmp_path / "log.csv", f"Time ({seconds}),Current ({amperes}),D0", rows)
    assert energy(path).inference.median == pytest.approx(RECORDING.joules(VOLTS), rel=0.02)


@pytest.mark.parametrize("format", ["ppk2", "otii", "joulescope"])
def test_a_format_says_the_units_of_a_header_without(format: str, tmp_path: Path) -> None:
    scale_t, scale_i = (1e3, 1e6) if format == "ppk2" else (1, 1)
    t, i, high = RECORDING.rows
    rows = [f"{scale_t * a:.9g},{scale_i * b:.9g},{int(c)}"
            for a, b, c in zip(t, i, high, strict=True)]
    path = write(tmp_path / "log.csv", "time,current,D0", rows)
    assert "names no unit" in refusal(path)
    assert energy(path, format=format).inference.median == pytest.approx(
        RECORDING.joules(VOLTS), rel=0.02)


def test_cells_that_are_empty_leave_a_channel_as_it_was(tmp_path: Path) -> None:
    """Channels of another rate have a value now and then."""
    t, i, high = RECORDING.rows
    moved = np.flatnonzero(np.diff(high, prepend=~high[0]))
    cells = ["" if k not in moved else str(int(h)) for k, h in enumerate(high)]
    path = write(tmp_path / "log.csv", "Time (s),Current (A),GPI 1", [
        f"{a:.6f},{b:.9f},{c}" for a, b, c in zip(t, i, cells, strict=True)])
    assert energy(path).inference.n == N


def edited(tmp_path: Path, **changes: float) -> tuple[Path, list[str]]:
    """A log of PPK2, and its lines."""
    path = ppk2(tmp_path / "log.csv", RECORDING.with_(**changes))
    return path, path.read_text("utf-8").splitlines()


def rewritten(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join([*lines, ""]), "utf-8")
    return path


@pytest.mark.parametrize("n", [N - 1, N + 1])
def test_another_number_of_pulses_is_told_with_both(n: int, tmp_path: Path) -> None:
    said = refusal(ppk2(tmp_path / "log.csv", RECORDING), n=n)
    assert f"D0 rises 7 times, expected {n + 3}" in said and f"{n} inferences, then 3" in said


def test_pulses_that_rows_are_too_far_apart_for_are_missing(tmp_path: Path) -> None:
    recording = Recording([0.0004] * 7, rate_hz=1_000.0)
    assert "log faster" in refusal(ppk2(tmp_path / "log.csv", recording))


def test_short_pulses_are_doubted(tmp_path: Path) -> None:
    [doubt] = energy(ppk2(tmp_path / "log.csv", Recording([0.005] * 7, rate_hz=1_000.0))).warnings
    assert "5 rows" in doubt and "20 %" in doubt


def test_a_row_as_long_as_a_pulse_is_doubted_with_the_unit_of_time(tmp_path: Path) -> None:
    path = ppk2(tmp_path / "log.csv", Recording([0.001] * 7, rate_hz=1_000.0))
    [doubt] = energy(path).warnings
    assert "A row of the log takes 0.001 s" in doubt
    assert "column 'Timestamp(ms)' is read in ms" in doubt


def test_time_that_stands_still_in_a_sample_is_refused(tmp_path: Path) -> None:
    path, lines = edited(tmp_path)
    begin = lines[-1].split(",")[0]
    still = [f"{begin},8000,{bit}0000000" for bit in "0101010101010100"]
    assert "time stands still" in refusal(rewritten(path, [lines[0], "0,8000,00000000", *still]))


def test_a_channel_that_never_moves_names_the_one_that_does(tmp_path: Path) -> None:
    path, lines = edited(tmp_path)
    lines[1:] = [line.replace("10000000", "00010000") for line in lines[1:]]
    rewritten(path, lines)
    assert "D0 never rises" in refusal(path) and "D3 does" in refusal(path)
    assert energy(path, channel="D3").channel == "D3" == energy(path, channel="d3 ").channel
    assert "choose D0, D1" in refusal(path, "E105", channel="D9")


def test_a_log_without_digital_channels_says_where_to_connect(tmp_path: Path) -> None:
    path, lines = edited(tmp_path)
    rewritten(path, [line.rsplit(",", 1)[0] for line in lines])
    assert "no digital channel" in refusal(path)


def test_a_marker_that_never_rises_names_its_pin(tmp_path: Path) -> None:
    path, lines = edited(tmp_path)
    rewritten(path, [line.replace("10000000", "00000000") for line in lines])
    assert "P0.03" in refusal(path)


def test_a_log_that_begins_or_ends_within_a_sample_is_refused(tmp_path: Path) -> None:
    path, lines = edited(tmp_path)
    first = next(k for k, line in enumerate(lines) if line.endswith("10000000"))
    assert "begins while D0 is high" in refusal(rewritten(path, [lines[0], *lines[first + 5:]]))
    last = max(k for k, line in enumerate(lines) if line.endswith("10000000"))
    assert "ends while D0 is high" in refusal(rewritten(path, lines[:last - 5]))


@pytest.mark.parametrize("kind", ["rows missing", "no number"])
def test_a_gap_in_a_sample_is_refused_and_one_between_doubted(kind: str, tmp_path: Path) -> None:
    def holed(begin: int) -> Path:
        some = lines[begin:begin + 50]
        left = [] if kind == "rows missing" else [
            ",".join([line.split(",")[0], "NaN", line.split(",")[2]]) for line in some]
        return rewritten(path, [*lines[:begin], *left, *lines[begin + 50:]])

    path, lines = edited(tmp_path)
    high = [k for k, line in enumerate(lines) if line.endswith("10000000")]
    said = refusal(holed(high[0] + 100))
    assert "gap of 0.0025" in said and "in inference 1" in said
    last = high[-1] - 300
    assert "in lesson 3" in refusal(holed(last))
    between = next(k for k, (a, b) in enumerate(pairwise(high)) if b > a + 1)
    [doubt] = energy(holed(high[between] + 60)).warnings
    assert "gaps of 0.0025" in doubt
    assert energy(path).idle_a == pytest.approx(RECORDING.idle_a, rel=0.02)


def test_a_log_that_is_clipped_is_doubted(tmp_path: Path) -> None:
    path, lines = edited(tmp_path, noise_a=2e-3)
    cells = [line.split(",") for line in lines[1:]]
    lines[1:] = [",".join([t, f"{min(float(i), 9000):.3f}", d]) for t, i, d in cells]
    [doubt] = energy(rewritten(path, lines)).warnings
    assert "9 mA" in doubt and "clipped" in doubt
    assert energy(ppk2(tmp_path / "flat.csv", RECORDING.with_(noise_a=0.0))).warnings == ()


@pytest.mark.parametrize(("change", "says"), [
    (lambda lines: [*lines[:100], lines[50], *lines[100:]], "time runs backwards"),
    (lambda lines: [*lines[:100], "4,5", *lines[100:]], "row 101 has 2 values, its header 3"),
    (lambda lines: [*lines[:100], "4,many,00000000", *lines[100:]], "row 101 holds 'many'"),
    (lambda lines: [*lines[:100], ",,", *lines[100:]], "row 101 holds ''"),
    (lambda lines: [*lines[:-1], lines[-1][:5]], "its header 3"),
    (lambda lines: lines[:1], "holds no rows"),
    (lambda lines: lines[1:], "names no columns of time and current"),
    (lambda lines: [*lines[:9], "7" * 20_000, *lines[9:]], "row 10 has 1 values, its header 3"),
    (lambda lines: [lines[0].replace("(uA)", "(furlongs)"), *lines[1:]], "in 'furlongs'"),
    (lambda lines: [lines[0].replace("(ms)", ""), *lines[1:]], "names no unit"),
    (lambda lines: [lines[0], "inf,5,00000000", *lines[1:]], "time is no number"),
])
def test_nonsense_is_one_sentence(change, says: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path, lines = edited(tmp_path)
    assert says in refusal(rewritten(path, change(lines)))


@pytest.mark.parametrize(("content", "says"), [
    (b"", "an empty file"), (b"\x7fELF" + bytes(99), "a program (ELF)"),
    (b"PK\3\4" + bytes(99), "zip archive"), (b"<html><body>not found", "a web page"),
    (bytes(range(256)) * 20, "not a log of current"), (b'{"a": 1}\n' * 9, "a JSON file")])
def test_another_file_is_named_for_what_it_is(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(EdgeError) as caught:
        energy(path)
    assert caught.value.code == "E103" and says in str(caught.value)


@pytest.mark.parametrize(("options", "says"), [
    ({"volts": None}, "no column of voltage"), ({"volts": 0.0}, "a supply of 0.0 V"),
    ({"volts": float("nan")}, "a supply of nan V"), ({"volts": 1e9}, "at most 60"),
    ({"format": "saleae"}, "choose ppk2, otii, joulescope"),
    ({"board": load_board("mps2-an385")}, "mps2-an385 has no marker")])
def test_options_that_cannot_be_are_refused(options: dict[str, object], says: str,
                                            tmp_path: Path) -> None:
    assert says in refusal(ppk2(tmp_path / "log.csv", RECORDING), "E105", **options)


def test_a_log_of_any_length_is_read_in_little_memory(tmp_path: Path) -> None:
    """100 MB nightly."""
    path = tmp_path / "long.csv"
    period = "".join(f"{{}}{k:04d},5000.123,{int(2000 <= k < 6000)}0000000\n"
                     for k in range(10_000))
    n = 400 if lanes.nightly else 20
    with path.open("w") as file:
        file.write("Timestamp(us),Current(uA),D0-D7\n")
        for k in range(n):
            file.write(period.replace("{}", str(100 + k)))
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = energy(path, n=n, wrote=())
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    assert found.inference.n == n and found.lesson is None
    assert found.inference.median == pytest.approx(3 * 5000.123e-6 * 4000e-6, rel=1e-3)
    assert grown_mb < 120


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed, dropped, doubled, or put in between."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        at, n = int(rng.integers(len(found) + 1)), int(rng.integers(1, 40))
        piece = [b"", bytes(found[at:at + n]) * 2, rng.bytes(n), b"\r", b"\0", b"\"", b";" * n,
                 b"-nan", b"1e999", b"\n\n", "٣µ".encode()][int(rng.integers(11))]
        found[at:at + n] = piece
    return bytes(found)


@pytest.mark.parametrize("who", WRITERS)
def test_a_damaged_log_is_read_or_refused(who: str, tmp_path: Path) -> None:
    recording = Recording([0.02] * 7, rate_hz=2_000.0)
    data = WRITERS[who](tmp_path / "log.csv", recording).read_bytes()
    rng = np.random.default_rng(3)
    head = data.index(b"\n")
    for k in range(lanes.often(40)):
        text = damaged(data[:head], rng) + data[head:] if k % 3 == 0 else damaged(data, rng)
        (tmp_path / "log.csv").write_bytes(text)
        try:
            found = energy(tmp_path / "log.csv")
        except EdgeError as problem:
            assert problem.code in ("E103", "E104", "E105")
        else:
            assert np.isfinite(found.inference.median)

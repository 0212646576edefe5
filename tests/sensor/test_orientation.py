"""How a sensor is mounted is found from class means, right or not at all; C finds the same bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.lanes import often
from support.sensor_c import fits_in_c, pointer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.sensor.orientation import Orientation, Verdict, candidates, fit, horn
from edge_dassdp.sensor.profile import ONE_Q14, UNTURNED, Kind, QProfile, QTriad, as_matrix

UNIT = 512
SPREAD = np.array([[UNIT, 0, 0], [0, UNIT, 0], [0, 0, UNIT], [300, 300, -300]], np.int64)
counts = st.one_of(st.integers(-32768, 32767), st.integers(-600, 600),
                   st.sampled_from([-32768, 32767, 0]))
windows = st.one_of(st.integers(0, 4), st.sampled_from([0, 65535]))


@pytest.fixture(autouse=True)
def _nothing_is_undefined(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr().err == ""


def in_c(then: IntArray, sums: IntArray, n_seen: IntArray, unit: int) -> Orientation:
    ffi, lib = fits_in_c()
    made, kept = ffi.new("dassdp_orientation_t *"), (
        pointer(ffi, "int16_t", then), pointer(ffi, "int32_t", sums),
        pointer(ffi, "uint16_t", n_seen))
    lib.dassdp_fit_orientation(ffi.new("dassdp_observed_t *", (*kept, len(n_seen), unit)), made)
    q_q14 = as_matrix(np.array(list(made.turn.q_q14)).reshape(3, 3))
    return Orientation(Verdict(made.verdict), q_q14, made.turn.det,
                       made.n_classes, made.residual, made.residual_factory)


def same(then: IntArray, sums: IntArray, n_seen: IntArray, unit: int) -> Orientation:
    made = fit(then, sums, n_seen, unit)
    assert in_c(then, sums, n_seen, unit) == made
    return made


def rotation(rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def worn(then: IntArray, turn: np.ndarray, n_seen: IntArray) -> IntArray:
    """Sums of window means of a sensor behind which `turn` gives the factory's."""
    return np.round(then @ turn * n_seen[:, None]).astype(np.int64)


@st.composite
def anything(draw: st.DrawFn) -> tuple[IntArray, IntArray, IntArray, int]:
    n = draw(st.integers(1, 9))
    many = st.lists(counts, min_size=3 * n, max_size=3 * n)
    n_seen = np.array(draw(st.lists(windows, min_size=n, max_size=n)))
    now = np.array(draw(many)).reshape(n, 3)
    rest = np.array(draw(st.lists(st.integers(0, 65534), min_size=3 * n, max_size=3 * n)))
    towards_0 = np.sign(-now) * (rest.reshape(n, 3) % np.maximum(n_seen, 1)[:, None])
    sums = now * n_seen[:, None] + towards_0
    return np.array(draw(many)).reshape(n, 3), sums, n_seen, draw(
        st.one_of(st.just(UNIT), st.integers(1, 32767), st.sampled_from([1, 32767])))


@settings(max_examples=often(300), deadline=None)
@given(anything())
@example((np.full((9, 3), -32768), np.full((9, 3), -32768 * 65535), np.full(9, 65535), 32767))
@example((np.full((9, 3), 32767), np.full((9, 3), -32768 * 65535), np.full(9, 65535), 1))
@example((np.zeros((3, 3), int), np.zeros((3, 3), int), np.ones(3, int), 1))
@example((np.eye(3, dtype=int) * 32767, -np.eye(3, dtype=int) * 32768, np.ones(3, int), 512))
@example((SPREAD, SPREAD * 0, np.zeros(4, int), UNIT))
def test_python_and_c_agree_on_whatever_is_observed(case: tuple) -> None:
    made = same(*case)
    assert max(made.residual, made.residual_factory) < 2**31
    if made.verdict in (Verdict.TAKEN, Verdict.FACTORY):
        made.profile(6)
    if made.verdict != Verdict.TAKEN:
        assert made.q_q14 == UNTURNED


def test_many_saturated_classes_stay_within_int32() -> None:
    rng = np.random.default_rng(0)
    for n in (10, 40, 255, 1000, 65535):
        then = rng.choice([-32768, 32767], (n, 3))
        assert same(then, -then, np.ones(n, int), 512).n_classes == n


@settings(max_examples=often(300), deadline=None)
@given(st.lists(st.one_of(st.integers(1 - 2**30, 2**30 - 1), st.integers(-9, 9)), min_size=9,
                max_size=9))
@example([0] * 9)
@example([2**30 - 1] * 9)
@example([0, 0, 0, 0, 1, 0, 0, 0, 0])
def test_horn_is_a_rotation_and_the_same_in_c(h: list[int]) -> None:
    ffi, lib = fits_in_c()
    made, turn = horn(np.array(h).reshape(3, 3)), ffi.new("int16_t[9]")
    lib.dassdp_horn(pointer(ffi, "int32_t", h), turn)
    assert list(turn) == made.ravel().tolist()
    assert np.abs(made @ made.T / ONE_Q14**2 - np.eye(3)).max() < 0.01
    assert np.linalg.det(made / ONE_Q14) > 0.9


@pytest.mark.parametrize("seed", range(40))
def test_horn_maximizes_what_an_svd_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    h = np.round(rng.normal(size=(3, 3)) * 10.0 ** rng.integers(2, 8)).astype(np.int64)
    u, s, v = np.linalg.svd(h)
    best = s[0] + s[1] + s[2] * np.sign(np.linalg.det(u @ v))
    assert (horn(h) / ONE_Q14 * h).sum() > 0.999 * best - 0.001 * s[0]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("det", [1, -1])
def test_a_mounting_is_undone(seed: int, det: int) -> None:
    """Within what the ridge holds back; then all axes are where the factory had them."""
    rng = np.random.default_rng(seed)
    n_seen = rng.integers(1, 5, 7)
    then = rng.normal(size=(7, 3))
    then = np.round(UNIT * then / np.linalg.norm(then, axis=1)[:, None]).astype(np.int64)
    turn = det * rotation(rng)
    made = same(then, worn(then, turn, n_seen), n_seen, UNIT)
    if made.verdict == Verdict.FACTORY:
        assert np.abs(turn - np.eye(3)).max() < 0.7
        return
    assert (made.verdict, made.det) == (Verdict.TAKEN, det)
    assert np.linalg.norm(np.array(made.q_q14) / ONE_Q14 - turn) < 0.2
    assert made.residual < made.residual_factory / 8


def test_what_is_not_turned_is_left_alone() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        n_seen = rng.integers(1, 5, 4)
        sums = SPREAD * n_seen[:, None] + rng.integers(-40, 41, (4, 3)) * n_seen[:, None]
        assert same(SPREAD, sums, n_seen, UNIT).profile(6) == QProfile.factory(6)


def test_sums_and_scales_do_not_matter() -> None:
    turn = rotation(np.random.default_rng(5))
    made = [same(SPREAD * k, worn(SPREAD * k, turn, n), n, UNIT * k)
            for k in (1, 4, 60) for n in (np.ones(4, int), np.full(4, 900))]
    assert {m.verdict for m in made} == {Verdict.TAKEN}
    for m in made:
        assert np.abs(np.array(m.q_q14) - np.array(made[0].q_q14)).max() < 100


def test_classes_not_seen_are_left_out() -> None:
    turn, n_seen = rotation(np.random.default_rng(2)), np.array([1, 2, 1, 3])
    sums = worn(SPREAD, turn, n_seen)
    wider = same(np.vstack([SPREAD[:2], [[9, 9, 9]], SPREAD[2:]]),
                 np.vstack([sums[:2], [[7000, 0, 0]], sums[2:]]), np.insert(n_seen, 2, 0), UNIT)
    assert wider == same(SPREAD, sums, n_seen, UNIT)


@pytest.mark.parametrize(("n_seen", "number"), [([0, 0, 0, 0], "none"), ([0, 5, 0, 0], "1")])
def test_one_class_is_refused_with_a_sentence(n_seen: list[int], number: str) -> None:
    made = same(SPREAD, -SPREAD * np.array(n_seen)[:, None], np.array(n_seen), UNIT)
    assert made.verdict == Verdict.FEW
    with pytest.raises(EdgeError, match=f"2 classes or more, and {number} was observed") as caught:
        made.profile(6)
    assert caught.value.code == "E105" and caught.value.help


def test_two_classes_tell_no_rotation_from_its_mirror_image() -> None:
    for n_seen in ([1, 1, 0, 0], [0, 3, 1, 0]):
        for turn in (np.diag([-1, -1, 1]), -np.eye(3), rotation(np.random.default_rng(3))):
            made = same(SPREAD, worn(SPREAD, turn, np.array(n_seen)), np.array(n_seen), UNIT)
            assert made.verdict == Verdict.UNDECIDED
            with pytest.raises(EdgeError, match=r"the 2 classes observed .* mirror image"):
                made.profile(6)
        kept = same(SPREAD, worn(SPREAD, np.eye(3), np.array(n_seen)), np.array(n_seen), UNIT)
        assert kept.verdict == Verdict.FACTORY


def test_whoever_can_classify_chooses_between_a_rotation_and_its_mirror_image() -> None:
    turn, n_seen = rotation(np.random.default_rng(3)), np.array([1, 1, 0, 0])
    for det in (1, -1):
        sums = worn(SPREAD, det * turn, n_seen)
        both = candidates(SPREAD, sums, n_seen, UNIT, 6)
        assert [p.det for p in both] == [1, -1]
        for profile in both:
            q = np.array(profile.q_q14) / ONE_Q14
            assert np.abs(sums[:2] @ q.T - SPREAD[:2]).max() < 40
    every = np.ones(4, np.int64)
    decided = fit(SPREAD, worn(SPREAD, turn, every), every, UNIT)
    assert candidates(SPREAD, worn(SPREAD, turn, every), every, UNIT, 6) == [decided.profile(6)]
    for sums, seen in ((SPREAD, every), (SPREAD, np.array([1, 0, 0, 0]))):
        assert candidates(SPREAD, sums, seen, UNIT, 6) == []


@pytest.mark.parametrize("then", [
    np.array([[512, 0, 0], [500, 0, 0], [-512, 0, 0], [300, 0, 0]]),
    np.array([[512, 0, 0], [0, 512, 0], [-512, 0, 0], [360, 360, 0]])], ids=["line", "plane"])
def test_gravity_on_a_line_or_in_a_plane_decides_nothing(then: IntArray) -> None:
    rng, n_seen = np.random.default_rng(0), np.ones(4, int)
    for _ in range(20):
        turn = rotation(rng) * rng.choice([-1, 1])
        assert same(then, worn(then, turn, n_seen), n_seen, UNIT).verdict != Verdict.TAKEN


def test_a_fitted_profile_turns_readings_as_the_factory_had_them() -> None:
    turn, n_seen = np.diag([-1.0, 1.0, 1.0]), np.ones(4, int)
    profile = same(SPREAD, worn(SPREAD, turn, n_seen), n_seen, UNIT).profile(6)
    assert profile.kind == Kind.ORIENTATION and profile.det == -1
    made = profile.apply(np.array([-100, 200, 300, 40, -50, -60]),
                         (QTriad((0, 1, 2)), QTriad((3, 4, 5), axial=True)))
    assert np.abs(made - [100, 200, 300, 40, 50, 60]).max() <= 40

"""A point: its projections, and what rounding does there."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients.function import EPS
from layerwise.gradients.point import STAIR, _projections, along
from tests.gradients.points import normal, numbers, point_of

X = [0.5, -1.5, 2.0]


def test_three_projections_are_plain_of_equal_entries_and_of_few() -> None:
    F = np.exp(3 * normal(4000))
    F[:400] = 0
    F[400:800] = 1e-9 * F.max()
    C = _projections(F, np.random.default_rng(0))
    assert C.shape == (3, 4000)
    assert np.std(C[0]) == pytest.approx(1, rel=0.1)
    weighted = C[1] * F
    assert np.std(weighted[800:]) == pytest.approx(1, rel=0.1)
    assert np.std(C[1, :400] * F.max()) == pytest.approx(1, rel=0.15)
    assert np.std(C[1, 400:800] * F.max() * 1e-6) == pytest.approx(1, rel=0.15)
    assert np.mean(C[2] != 0) == pytest.approx(0.3, abs=0.03)
    assert np.sum(C[2] == 1) == 1


def test_projections_of_zeros_and_of_one_number() -> None:
    drawn = np.random.default_rng(0).standard_normal((3, 5))
    np.testing.assert_array_equal(
        _projections(np.zeros(5), np.random.default_rng(0))[:2], drawn[:2]
    )
    assert _projections(np.zeros(1), np.random.default_rng(0)).tolist() == [[1]]


def test_the_answer_and_its_gradients() -> None:
    point = point_of(np.sin, X, np.cos)
    np.testing.assert_array_equal(point.F, np.sin(X))
    np.testing.assert_allclose([g["X"][0] for g in point.G], point.C * np.cos(X))
    d = {"X": np.array([[1.0, 2.0, 3.0]])}
    terms = point.C * np.cos(X) * d["X"]
    np.testing.assert_allclose(point.analytic(d), terms.sum(axis=1))
    np.testing.assert_allclose(point.sizes(d), np.sqrt((terms**2).sum(axis=1)))
    np.testing.assert_allclose(point.size, np.sqrt(((point.C * np.sin(X)) ** 2).sum(axis=1)))
    assert along({"X": numbers([1, 2]), "W": numbers([9])}, {"X": numbers([3, 4])}) == 11


def test_a_stair_is_as_high_as_float32_rounds_or_ten_times_the_error_of_forward() -> None:
    assert point_of(np.copy, X).stair == 2 * 2.0**-22
    inexact = point_of(np.copy, X, forward_error=1e-3)
    assert inexact.error == 2e-3
    assert inexact.stair == 2e-2
    assert point_of(np.copy, X, forward_error=1e-9).stair == STAIR * 2
    assert inexact.no_jump(numbers([0.02, -0.02, 0.021, -0.021])).tolist() == [0.02, -0.02, 0, 0]


@pytest.mark.parametrize("error", [0.0, 1e-9])
def test_noise_is_what_ulps_of_the_input_change(error: float) -> None:
    # Of an ulp of x or two, one to three times, f = 1e6 (x - 1) changes by up to six at 1e6.
    def f(X: Array) -> Array:
        return 1e6 * (X - 1)

    point = point_of(f, np.linspace(1.5, 1.9, 50), np.ones_like, forward_error=error)
    largest = point.F.max()
    floor = EPS * point.F + error * largest
    ulps = (point.noise.F - floor) / (1e6 * EPS * np.linspace(1.5, 1.9, 50))
    assert 1.8 < ulps.min() < 2.2
    assert 5.5 < ulps.max() < 6.6
    changes = (point.noise.projections - EPS * point.size) / (1e6 * EPS)
    c = np.sqrt((point.C**2).sum(axis=1))
    if error:
        changes -= error * largest * c / (1e6 * EPS)
        np.testing.assert_allclose(point.noise.projections, error * largest * c, rtol=1)
    assert (changes < 60 * c).all()
    assert (changes > 0.05 * c).all()


def test_exact_functions_round_their_answer_only() -> None:
    point = point_of(np.sign, X, forward_error=1e-9)
    np.testing.assert_allclose(point.noise.F, EPS + 1e-9, rtol=1e-12)
    c = np.sqrt((point.C**2).sum(axis=1))
    np.testing.assert_allclose(point.noise.projections, EPS * point.size + 1e-9 * c, rtol=1e-12)


def _jump(side: int, x: Array) -> Array:
    return np.where(side * x > side, 1.0 + side, 1.0)


def test_a_jump_by_an_ulp_is_noise_up_to_a_stair() -> None:
    for side in (1, -1):
        point = point_of(partial(_jump, side), np.ones(3))
        np.testing.assert_allclose(point.noise.F, STAIR, rtol=1e-6)


def test_gradients_at_ulps_above_and_below() -> None:
    point = point_of(np.copy, X, np.copy)
    for c, samples in zip(point.C[:2], point.noise.gradients[:2], strict=True):
        ulps = [(g["X"][0] / c / X - 1) / EPS for g in samples]
        for moved, (least, most) in zip(ulps, ((1, 3), (-3, -1), (2, 6), (-6, -2)), strict=True):
            assert (moved >= least - 1.1).all()
            assert (moved <= most + 1.1).all()


def test_the_reach_is_that_of_other_inputs_of_this_size() -> None:
    def size_of(f: Callable[[Array], Array]) -> Array:
        point = point_of(f, [3.0, -3.0, 3.0, 3.0])
        found: Array = point.noise.reach / np.sqrt((point.C**2).sum(axis=1))
        return found

    at_turned = size_of(lambda x: 1.0 * (x == [-3, 3, -3, -3]))
    np.testing.assert_allclose(at_turned, 1)
    given = size_of(lambda x: 1.0 * (x == [3, -3, 3, 3]))
    np.testing.assert_allclose(given, 1)
    other = size_of(lambda x: 1.0 * (np.abs(x) != 3))
    np.testing.assert_allclose(other, 1)
    drawn = 3 * np.random.default_rng(0).standard_normal(4)
    np.testing.assert_allclose(size_of(lambda x: 1.0 * np.isclose(x, drawn)), 1)

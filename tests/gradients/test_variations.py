"""Where a layer is checked beside the given X."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layerwise.arrays import Array
from layerwise.gradients.function import Function, rms
from layerwise.gradients.point import Point
from layerwise.gradients.variations import (
    Variations,
    _half,
    _is_smooth,
    _masks,
    _moved,
    _rounded,
    _thinned,
    _words,
    beside,
)
from layerwise.layers.base import Layer
from layerwise.layers.dense import Dense
from layerwise.parameter import Parameter
from tests.gradients.points import Way, normal, point_of


class Any_(Layer[Any, Any]):  # what is taken, and what is not, a test says
    """Y = f(X), of an array or of a tuple of them, and a gradient of ones."""

    def __init__(self, f: Callable[[Any], Any], w: Array | None = None) -> None:
        self.f = f
        if w is not None:
            self.w = Parameter(w)

    def forward(self, X: Any, /) -> tuple[Any, Callable[[Any], Any]]:
        ones = tuple(map(np.ones_like, X)) if isinstance(X, tuple) else np.ones_like(X)
        return self.f(X), lambda grad: ones


def _of(layer: Layer[Any, Any], X: Any) -> Variations:
    return Variations(Function(layer, X), np.random.default_rng(0))


def _points(layer: Layer[Any, Any], X: Any) -> dict[str, Point]:
    """Every point by its label."""
    return {point.label: point for point in _of(layer, X) if isinstance(point, Point)}


def _X(point: Point, i: int = 0) -> NDArray[Any]:
    return point.function.inputs[i]


def test_the_points_of_a_dense_layer() -> None:
    layer = Dense(3, 2, rng=0)
    X = normal(4, 3)
    points = _points(layer, X)
    assert [(label, _X(point).shape) for label, point in points.items()] == [
        ("N(0, 1) inputs and moved parameters", (4, 3)),
        ("one row", (1, 3)),
        ("6 rows", (6, 3)),
        ("70 rows and thinned masks", (70, 3)),
        ("rounded inputs", (4, 3)),
        ("ten times larger inputs", (4, 3)),
        ("parameters of the other sign", (4, 3)),
        ("parameters at zero", (4, 3)),
    ]
    moved = points["one row"].function.base["W"]
    ratio = moved / layer.W.value
    assert 0.7 <= ratio.min() < ratio.max() <= 1.4
    assert 5 < rms(_X(points["ten times larger inputs"])) < 15
    assert 0.6 < rms(_X(points["70 rows and thinned masks"])) < 1.4


def test_parameters_are_turned_by_halves() -> None:
    for what, factor in ("of the other sign", -1), ("at zero", 0):
        moved, *turned = (
            point.function.base["W"]
            for point in _of(Dense(3, 2, rng=0), normal(4, 3))
            if isinstance(point, Point) and point.label in ("one row", f"parameters {what}")
        )
        one, other = (W / moved for W in turned)
        assert set(one.ravel().tolist()) == {factor, 1}
        np.testing.assert_array_equal(one + other, factor + 1)


def test_numbers_alone_are_rows_too() -> None:
    points = _points(Any_(np.copy), normal(4))
    assert [_X(points[label]).shape for label in ("one row", "6 rows")] == [(1,), (6,)]


def test_without_parameters_none_are_moved() -> None:
    labels = list(_points(Any_(np.copy), normal(4, 1)))
    assert "parameters at zero" not in labels
    assert "rounded inputs" in labels


def test_of_an_iteration_no_parameters_are_moved() -> None:
    function = Function(Dense(3, 2, rng=0), normal(4, 3))
    points = list(Variations(function, np.random.default_rng(0), iterates=True))
    labels = [point.label for point in points if isinstance(point, Point)]
    assert labels[0] == "N(0, 1) inputs"
    assert not any("parameters" in label for label in labels)
    for point in points:
        assert isinstance(point, Point)
        np.testing.assert_array_equal(point.function.base["W"], function.base["W"])


def test_many_rows_are_run_only_where_they_are_not_too_much() -> None:
    # 2¹⁷ numbers at the most, in 70 rows.
    for columns, label in ((1872, "70 rows and thinned masks"), (1873, "thinned masks")):
        labels = list(_points(Any_(lambda X: X[:, :1]), normal(2, columns)))
        assert label in labels
        assert len([name for name in labels if "thinned" in name]) == 1
    given = normal(2, 1850), np.ones((2, 30))
    points = _points(Any_(lambda X: X[0][:, :1] * X[1]), given)
    assert 0.3 < _X(points["thinned masks"], 1).mean() < 0.7


def test_inputs_that_a_layer_refuses_are_the_given_ones_moved() -> None:
    def positive(X: Array) -> Array:
        if (X <= 0).any():
            raise ValueError("not positive")
        return np.sqrt(X)

    X = np.arange(1.0, 9.0).reshape(4, 2)
    points = _points(Any_(positive), X)
    assert next(iter(points)) == "moved inputs and moved parameters"
    ratio = _X(points["moved inputs and moved parameters"]) / X
    assert 0.7 <= ratio.min() < ratio.max() <= 1.4
    np.testing.assert_array_equal((_X(points["6 rows"])[4:] / X[:2]).round() < 2, True)


def test_or_at_other_rows_those_themselves() -> None:
    X = np.arange(1.0, 9.0).reshape(4, 2)

    def known(given: Array) -> Array:
        if not np.isin(given, X).all():
            raise ValueError("only what is known")
        return 2 * given

    points = _points(Any_(known), X)
    assert list(points) == ["one row", "6 rows"]
    np.testing.assert_array_equal(_X(points["one row"]), X[:1])
    np.testing.assert_array_equal(_X(points["6 rows"]), X[[0, 1, 2, 3, 0, 1]])


def test_of_the_given_rows_every_gradient_is_finite() -> None:
    X = np.arange(1.0, 9.0).reshape(4, 2)

    class Infinite(Layer[Array, Array]):
        def forward(self, given: Array, /) -> Way:
            if not np.isin(given, X).all():
                raise ValueError("only what is known")
            slope = np.inf if len(given) == 1 else 2
            return 2 * given, lambda grad: np.full_like(grad, slope)

    found = list(_of(Infinite(), X))
    assert found[0] == "with one row, of the given ones, a gradient is not finite"
    assert isinstance(found[1], Point)


class Counts(Layer[Array, Array]):
    """Y = 2 X, and how often forward has run."""

    def __init__(self) -> None:
        self.calls = np.zeros(1)

    def forward(self, X: Array, /) -> Way:
        self.calls += 1
        return 2 * X, lambda grad: 2 * grad


def _calls(point: Point) -> float:
    """How often forward had run in the state from which the point starts."""
    ((_, _, calls),) = point.function._arrays
    return float(calls[0])


def test_before_each_of_the_first_points_forward_runs_once_more() -> None:
    points = _points(Counts(), normal(4, 5))
    assert [_calls(point) for point in list(points.values())[:3]] == [2, 3, 4]
    # At other sizes once, after the layer is put back to where it was.
    assert [_calls(points[f"size {n} for 5"]) for n in (6, 7)] == [1, 1]
    function = Function(Counts(), normal(4, 5))
    near = beside(Point("", function, np.random.default_rng(0)))
    assert near is not None
    assert _calls(near) == 0


def test_masks_are_kept_and_thinned() -> None:
    mask = np.ones((4, 3), bool)
    counts = np.full((4, 3), 5)
    layer = Any_(lambda X: X[0] * X[1] + X[2])
    points = _points(layer, (normal(4, 3), mask, counts))
    plain, thinned = (
        points["N(0, 1) inputs and moved parameters"],
        points["70 rows and thinned masks"],
    )
    assert _X(plain, 1).all()
    assert (_X(plain, 2) == 5).all()
    assert 0.35 < _X(thinned, 1).mean() < 0.75
    assert set(_X(thinned, 2).ravel().tolist()) == {1, 2, 3, 4, 5}
    assert _X(thinned, 2).dtype == counts.dtype


def test_thin_integers_start_at_the_least_given_or_at_one() -> None:
    layer = Any_(lambda X: X[0] + X[1])
    for low, expected in ((-1, -1), (0, 0), (2, 1)):
        given = np.array([[low, 4]] * 4)
        points = _points(layer, (normal(4, 2), given))
        assert _X(points["70 rows and thinned masks"], 1).min() == expected


def test_a_layer_for_no_batch_at_all() -> None:
    points = _points(Any_(lambda x: 2 * x), np.array(3.0))
    assert next(iter(points)) == "N(0, 1) inputs and moved parameters"
    assert "rounded inputs" in points
    # As many numbers as one row may have.
    for size, label in ((1871, "70 rows and thinned masks"), (1872, "thinned masks")):
        given = np.array(3.0), np.ones(size)
        assert label in _points(Any_(lambda X: X[0] * X[1][:1]), given)


# Other sizes --------------------------------------------------------------------------------------


def _sizes(layer: Layer[Any, Any], X: Any) -> list[dict[Any, int]]:
    return list(_of(layer, X)._sizes())


def test_sizes_grow_by_an_odd_and_an_even_step_in_turn() -> None:
    layer = Any_(lambda X: 2 * X)
    assert _sizes(layer, normal(4, 5)) == [{(1, 5): 1}, {(1, 5): 2}]
    assert _sizes(layer, normal(4, 5, 6)) == [
        {(1, 5): 1, (2, 6): 2}, {(1, 5): 2, (2, 6): 1}
    ]  # fmt: skip


def test_a_square_is_opened_axis_by_axis_where_the_layer_takes_that() -> None:
    assert _sizes(Any_(lambda X: 2 * X), normal(4, 5, 5))[0].keys() == {(1, 5), (2, 5)}

    def square(X: Array) -> Array:
        if X.shape[1] != X.shape[2]:
            raise ValueError("no square")
        return 2 * X

    assert _sizes(Any_(square), normal(4, 5, 5)) == [{(None, 5): 1}, {(None, 5): 2}]
    points = _points(Any_(square), normal(4, 5, 5))
    assert _X(points["size 6 for 5"]).shape == (4, 6, 6)
    assert _X(points["size 7 for 5"]).shape == (4, 7, 7)


def test_an_axis_of_one_and_two_for_three_are_left_alone() -> None:
    assert _sizes(Any_(lambda X: 2 * X), normal(4, 1)) == []
    assert _sizes(Any_(lambda X: 2 * X), normal(4, 2)) == [{(1, 2): 2}, {(1, 2): 2}]


@pytest.mark.parametrize(("size", "most"), [(6, 6), (8, 8), (9, 8), (40, 8)])
def test_a_size_doubles_or_grows_by_eight_where_nothing_less_is_taken(size: int, most: int) -> None:
    def whole(X: Array) -> Array:
        if (X.shape[1] - size) % most:
            raise ValueError("no whole number")
        return 2 * X

    assert _sizes(Any_(whole), normal(4, size)) == [{(1, size): most}] * 2


def test_sizes_that_are_not_taken_together_are_run_one_by_one() -> None:
    def one(X: Array) -> Array:
        if X.shape[1] != 5 and X.shape[2] != 6:
            raise ValueError("one at a time")
        return 2 * X

    assert _sizes(Any_(one), normal(4, 5, 6)) == [
        {(1, 5): 1}, {(2, 6): 2}, {(1, 5): 2}, {(2, 6): 1}
    ]  # fmt: skip


def test_an_axis_that_is_not_taken_stays() -> None:
    def fixed(X: Array) -> Array:
        return X @ np.ones((5, 2))

    assert _sizes(Any_(fixed), normal(4, 5)) == []
    assert _sizes(Any_(fixed), normal(4, 3, 5)) == [{(1, 3): 1}, {(1, 3): 2}]


def test_a_point_at_other_sizes_repeats_or_draws_numbers() -> None:
    points = _points(Any_(lambda X: 2 * X), normal(4, 5))
    assert [_X(points[f"size {n} for 5"]).shape for n in (6, 7)] == [(4, 6), (4, 7)]
    both = Any_(lambda X: 2 * X)
    either = Fails(lambda X: X.shape[1] != 5 and X.shape[2] != 6)  # in backward alone
    for layer, expected in (
        (both, ["size 6 for 5, 8 for 6", "size 7 for 5, 7 for 6"]),
        (either, ["size 6 for 5", "size 8 for 6", "size 7 for 5", "size 7 for 6"]),
    ):
        assert [name for name in _points(layer, normal(4, 5, 6)) if "size" in name] == expected
    variations = _of(Any_(lambda X: 2 * X), X := np.arange(20.0).reshape(4, 5))
    np.testing.assert_array_equal(
        variations._resized(X, 4, {(1, 5): 2}), X[:, [0, 1, 2, 3, 4, 0, 1]]
    )
    np.testing.assert_array_equal(variations._resized(X, 6, {}), X[[0, 1, 2, 3, 0, 1]])
    np.testing.assert_array_equal(variations._resized(X[:3], 6, {(0, 3): 1}), X[[0, 1, 2, 0]])
    assert _words({(1, 5): 2, (None, 3): 1}) == "size 7 for 5, 4 for 3"


def test_an_answer_without_rows_or_with_other_numbers_fits_not() -> None:
    finite = _of(Any_(lambda X: 2 * X), normal(4, 5))
    assert finite._fits(np.zeros((6, 5)), 6, exactly=True)
    assert not finite._fits(np.zeros((6, 4)), 6, exactly=True)
    assert finite._fits(np.zeros((6, 4)), 6, exactly=False)
    assert not finite._fits(np.zeros((4, 5)), 6, exactly=False)
    assert not finite._fits(np.full((6, 5), np.nan), 6, exactly=True)
    whole = _of(Any_(lambda X: X.sum(axis=0)), normal(4, 5))
    assert whole._fits(np.zeros(5), 6, exactly=True)


def test_what_has_other_rows_than_its_input_is_left_out() -> None:
    points = _points(Any_(lambda X: X[:4] if len(X) > 4 else X), normal(4, 1))
    assert "6 rows" not in points
    assert "one row" in points


# What is wrong there ------------------------------------------------------------------------------


class Fails(Layer[Array, Array]):
    """Y = 2 X, whose backward raises an error where a test says."""

    def __init__(self, fails: Callable[[Array], bool]) -> None:
        self.fails = fails

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            if self.fails(X):
                raise ValueError("fails")
            return 2 * grad

        return 2 * X, backward


def _faults(layer: Layer[Any, Any], X: Any) -> list[str]:
    return [found.partition(" (")[0] for found in _of(layer, X) if isinstance(found, str)]


def test_what_backward_raises_is_a_fault() -> None:
    words = "with one row, backward raised ValueError: fails"
    assert _faults(Fails(lambda X: len(X) == 1), normal(4, 5)) == [words]
    # At sizes other than of the last axis too; of that, the layer may be for so many columns.
    assert _faults(Fails(lambda X: X.shape[2] == 6), normal(4, 5, 6)) != []
    assert _faults(Fails(lambda X: X.shape[1] == 6), normal(4, 5, 1)) == [
        "with size 6 for 5, backward raised ValueError: fails"
    ]
    assert _faults(Fails(lambda X: X.shape[1] == 6), normal(4, 5)) == []
    # And at rounded numbers a matrix may be singular.
    assert _faults(Fails(lambda X: bool((X == 0).any())), normal(4, 5)) == []


def test_a_gradient_of_another_form_is_a_fault() -> None:
    class Shape(Layer[Array, Array]):
        def forward(self, X: Array, /) -> Way:
            return 2 * X, lambda grad: 2 * grad[0] if len(X) == 1 else 2 * grad

    (words,) = _faults(Shape(), normal(4, 1))
    assert words == "with one row, the gradient of X has shape"


def test_a_gradient_that_is_not_finite_is_a_fault_where_Y_is_smooth() -> None:
    class Slope(Layer[Array, Array]):
        def __init__(self, smooth: bool) -> None:
            self.smooth = smooth

        def forward(self, X: Array, /) -> Way:
            def backward(grad: Array) -> Array:
                return np.where(X == 0, np.nan, grad)

            return X if self.smooth else np.cbrt(X), backward

    X = normal(4, 5)
    words = "with rounded inputs, the gradient of X is not finite, where Y is smooth"
    assert _faults(Slope(smooth=True), X) == [words]
    assert _faults(Slope(smooth=False), X) == []
    assert "rounded inputs" not in _points(Slope(smooth=False), X)


def test_smooth_is_what_has_a_bound_of_a_millionth_and_no_kink() -> None:
    def smooth(f: Callable[[Array], Array], noise: float = 1e-15) -> bool:
        def slope(X: Array) -> Array:
            return np.where(X == 0, np.nan, 1.0)

        return _is_smooth(point_of(f, [0.0, 2.0], slope, noise=noise), "X")

    assert smooth(np.sin)
    assert not smooth(np.abs)
    assert not smooth(lambda x: x + np.abs(x))
    assert smooth(np.sin, 1e-10)  # a bound of 0.7e-6
    assert not smooth(np.sin, 3e-10)  # and of 2e-6
    # Only where it is not finite: the kink at 2 is not looked at.
    assert smooth(lambda x: x + np.abs(x - 2) / 2)


def test_close_by_is_a_hundredth_away() -> None:
    function = Function(Any_(lambda X: 2 * X, np.full(900, 7.0)), np.full((1, 900), 3.0))
    near = beside(Point("", function, np.random.default_rng(0)))
    assert near is not None
    assert near.label == "close by"
    assert np.std(near.function.base["X"] - 3) == pytest.approx(0.03, rel=0.1)
    assert np.std(near.function.base["w"] - 7) == pytest.approx(0.07, rel=0.1)


def test_where_nothing_is_close_by() -> None:
    def only(X: Array) -> Array:
        if (X != 3).any():
            raise ValueError("only 3")
        return X

    for f in (only, lambda X: np.where(X == 3, X, np.nan)):
        function = Function(Any_(f), np.full((1, 2), 3.0))
        assert beside(Point("", function, np.random.default_rng(0))) is None
    infinite = point_of(np.copy, [3.0], lambda X: np.where(X == 3, 1, np.inf))
    assert beside(infinite) is None


# Numbers ------------------------------------------------------------------------------------------


def test_masks_are_inputs_of_zeros_and_ones_among_others() -> None:
    X, mask, count = normal(2, 2), np.eye(2), np.array([[0, 2]])
    assert _masks([X, mask, mask > 0, count]) == [False, True, True, False]
    assert _masks([mask]) == [False]
    assert _masks([mask, mask]) == [False, False]
    assert _masks([mask, mask > 0]) == [False, False]
    assert _masks([X, 1 - mask]) == [False, True]


def test_a_thinned_mask_keeps_half_and_some_in_each_row() -> None:
    mask = np.ones((5000, 3))
    mask[0] = 0
    thin = _thinned(mask, np.random.default_rng(0))
    # Half of three, and all where none was kept: (0 + 3 · 1 + 3 · 2 + 3 + 3) / 8 / 3 = 0.625.
    assert thin[1:].mean() == pytest.approx(0.625, abs=0.02)
    assert not thin[0].any()
    assert thin[1:].any(axis=1).all()
    assert _thinned(np.array(1.0), np.random.default_rng(0)) in (0, 1)


def test_rounded_numbers_are_multiples_of_a_power_of_two() -> None:
    x = np.array([3.0, -3.0, 0.4, -5.1, 5.9, 2.1])  # of size 3.6, so near 4
    np.testing.assert_array_equal(_rounded(x, x), [4, -4, 0, -4, 4, 4])
    np.testing.assert_array_equal(_rounded(x, np.abs(x)), [4, -4, 4, -8, 8, 4])
    np.testing.assert_array_equal(_rounded(x, -np.abs(x)), [4, -4, 4, -8, 8, 4])
    for given in ([0, 1], [-1, 0]):
        np.testing.assert_array_equal(_rounded(x, np.array(given)), [4, -4, 0, -4, 4, 4])


def test_moved_numbers_keep_their_sign_and_size() -> None:
    value = np.concatenate([np.full(1000, 2.0), np.full(1000, -2.0), np.zeros(1000)])
    moved = _moved(value, np.random.default_rng(0))
    ratio = moved[:2000] / value[:2000]
    assert 0.7 <= ratio.min() < 0.71
    assert 1.39 < ratio.max() <= 1.4
    assert np.std(moved[2000:]) == pytest.approx(0.3 * rms(value), rel=0.1)


def test_half_of_the_parameters_are_half_or_all_of_one() -> None:
    half = _half(np.ones(1000), np.random.default_rng(0))
    assert 0.45 < half.mean() < 0.55
    assert _half(np.ones(1), np.random.default_rng(0))
    two = {tuple(_half(np.ones(2), np.random.default_rng(i)).tolist()) for i in range(20)}
    assert len(two) == 4

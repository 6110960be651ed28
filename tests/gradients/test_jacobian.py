"""The way from each answer to each element."""

from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients.function import EPS, Function
from layerwise.gradients.jacobian import STEP, Jacobian, Jacobians, large
from layerwise.gradients.point import Point
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter
from tests.gradients.matrices import jacobian
from tests.gradients.points import Scale, Watched, Way, normal, point_of

# One matrix ---------------------------------------------------------------------------------------


def test_large_is_above_the_tolerance_of_each_answer() -> None:
    M = np.array([[1.0, -3], [2, 3], [-1.5, 1]])
    assert large(M, np.array([1.5, 2])).tolist() == [[False, True], [True, True], [False, False]]


def _tolerance(A: Any, J: Any, noise: float = 0.0) -> Any:
    J = np.array(J)
    zeros = np.zeros(J.shape)
    like = np.arange(len(J)), np.arange(J.shape[1])
    found = Jacobian("W", zeros, zeros, np.array(A), J, *like, np.full(J.shape[1], noise))
    return found.tolerance


def test_five_digits_of_the_largest_of_each_answer() -> None:
    J = [[1.0, -200.0], [-3.0, 100.0]]
    expected = np.array([3e-5, 200e-5]) + 1e-9 * 200
    np.testing.assert_allclose(_tolerance([[2.0, 0], [0, 0]], J), expected, rtol=1e-9)
    np.testing.assert_allclose(_tolerance([[2.0, 0], [0, 0]], J, 0.5), 0.5 + expected, rtol=1e-9)


def test_a_hundredth_of_a_smaller_error() -> None:
    J = np.array([[1.0, 200.0], [4.0, 100.0]])
    A = J + np.array([[0, 0.004], [4e-5, 0.1]])
    expected = 1e-2 * (0.1 / 200) * np.array([4, 200.0]) + 1e-9 * 200
    np.testing.assert_allclose(_tolerance(A, J), np.minimum(expected, [4e-5, 2e-3]) + 0, rtol=1e-3)
    A = J + np.array([[0, 0.004], [4e-5, 0.02]])
    expected = 1e-2 * (0.02 / 200) * np.array([4, 200.0]) + 1e-9 * 200
    np.testing.assert_allclose(_tolerance(A, J), expected, rtol=1e-9)


def test_the_share_of_an_error_where_nothing_belongs_is_huge_and_finite() -> None:
    assert 1e299 < jacobian([[1.0], [0]], [[0.0], [0]]).share < np.inf
    assert jacobian([[3.0], [1]], [[2.0], [4]]).share == 0.75
    assert jacobian(np.zeros((0, 2)), np.zeros((0, 2)), (0,), (2,)).share == 0


def test_an_error_is_clear_from_twenty_tolerances() -> None:
    for error, clear in ((9.5, False), (10.0, False), (10.5, True)):
        assert jacobian([[1.0, 2 - error]], [[1.0, 2]], tolerance=0.5).clear == clear


def test_where_they_differ_and_where_that_would_be_seen() -> None:
    found = jacobian([[10.0, 5, 9, 3]], [[5.0, 5, 9, 4.5]], tolerance=1.0)
    assert found.wrong.tolist() == [[True, False, False, True]]
    assert found.share == 1
    found.tolerance = np.full(4, 2.4)
    assert found.wrong.tolist() == [[True, False, False, False]]
    assert found.seen.tolist() == [[True, True, True, False]]  # 4.5 is less than twice 2.4
    found.share = 0.5
    assert found.seen.tolist() == [[True, False, False, False]]
    found.tolerance = np.full(4, 2.2)
    assert found.seen.tolist() == [[True, False, True, False]]
    found.share = 7.0  # no more than all of it may be missing
    assert found.seen.tolist() == [[True, True, True, True]]
    assert found.same(found.J + 2.1, found.J)
    assert not found.same(found.J + np.array([0, 0, 2.3, 0]), found.J)


def test_some_elements_or_answers_of_it() -> None:
    whole = Jacobian(
        "W", normal(2, 2), normal(3), normal(4, 3), normal(4, 3, seed=1),
        np.arange(4), np.arange(3), np.array([1.0, 2, 3]),
    )  # fmt: skip
    assert whole.whole_x
    assert whole.whole_y
    like = normal(2, 1)
    part = whole.at(0, np.array([False, True, False, True]), like)
    assert (part.name, part.x, part.Y) == ("W", like, whole.Y)
    assert (part.A.tolist(), part.J.tolist()) == (whole.A[1::2].tolist(), whole.J[1::2].tolist())
    assert (part.x_at.tolist(), part.y_at.tolist()) == ([0, 1], [0, 1, 2])
    assert part.noise.tolist() == [1, 2, 3]
    like = normal(2)
    part = whole.at(1, np.array([True, False, True]), like)
    assert (part.x, part.Y) == (whole.x, like)
    assert (part.A.tolist(), part.J.tolist()) == (
        whole.A[:, ::2].tolist(),
        whole.J[:, ::2].tolist(),
    )
    assert (part.x_at.tolist(), part.y_at.tolist()) == ([0, 1, 2, 3], [0, 1])
    assert part.noise.tolist() == [1, 3]
    assert not jacobian(np.ones((2, 2)), np.ones((2, 2)), (3,), (2,)).whole_x
    assert not jacobian(np.ones((2, 2)), np.ones((2, 2)), (2,), (3,)).whole_y


# By runs ------------------------------------------------------------------------------------------


class Affine(Layer[Array, Array]):
    """Y = X W, whose way back gives twice dW."""

    def __init__(self, W: Array) -> None:
        self.W, self.backs = Parameter(W), 0

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            self.backs += 1
            self.W.add_grad(2 * X.T @ grad)
            return grad @ self.W.value.T

        return X @ self.W.value, backward


def _affine(n: int, inputs: int, outputs: int) -> tuple[Jacobians, Array, Array]:
    X, W = normal(n, inputs), normal(inputs, outputs, seed=1)
    return (
        Jacobians(Point("here", Function(Affine(W), X), np.random.default_rng(0))),
        X,
        W,
    )


def test_both_ways_of_a_product() -> None:
    jacobians, X, W = _affine(2, 3, 4)
    found = jacobians.of("X")
    right = np.kron(np.eye(2), W)
    np.testing.assert_allclose(found.J, right, atol=1e-8)
    np.testing.assert_allclose(found.A, right)
    assert (found.name, found.x.shape, found.Y.shape) == ("X", (2, 3), (2, 4))
    assert found.whole_x
    assert found.whole_y
    assert jacobians.of("X") is found
    found = jacobians.of("W")
    right = np.einsum("ni,jk->ijnk", X, np.eye(4)).reshape(12, 8)
    np.testing.assert_allclose(found.J, right, atol=1e-8)
    np.testing.assert_allclose(found.A, 2 * right)


def test_one_run_of_backward_for_each_answer_serves_all_tensors() -> None:
    jacobians, _, _ = _affine(2, 3, 4)
    layer = jacobians.point.function.layer
    assert isinstance(layer, Affine)
    layer.backs = 0
    jacobians.of("X")
    jacobians.of("W")
    assert layer.backs == 8


def test_the_noise_is_that_of_a_difference() -> None:
    jacobians, X, _ = _affine(2, 3, 4)
    F = np.abs(jacobians.point.F)
    expected = 4 * EPS * F / (STEP * np.sqrt(np.mean(X * X)))
    np.testing.assert_allclose(jacobians.of("X").noise, expected)


def test_only_where_something_was_measured() -> None:
    jacobians, X, W = _affine(2, 3, 4)
    numeric = np.full(X.shape, np.nan)
    numeric[0, 1] = numeric[1, 2] = 1.0
    found = jacobians.of("X", numeric)
    assert found.x_at.tolist() == [1, 5]
    np.testing.assert_allclose(found.J, np.kron(np.eye(2), W)[[1, 5]], atol=1e-8)
    np.testing.assert_allclose(found.A, np.kron(np.eye(2), W)[[1, 5]])


def test_of_more_than_1024_answers_a_sample_is_taken() -> None:
    jacobians, _, _ = _affine(32, 1, 32)
    assert jacobians.y_at.tolist() == list(range(1024))
    jacobians, _, W = _affine(25, 1, 41)
    assert len(jacobians.y_at) == 128
    found = jacobians.of("X")
    assert not found.whole_y
    assert found.A.shape == found.J.shape == (25, 128)
    assert len(found.noise) == 128
    np.testing.assert_allclose(found.J, np.kron(np.eye(25), W)[:, found.y_at], atol=1e-8)
    np.testing.assert_allclose(found.A, np.kron(np.eye(25), W)[:, found.y_at])


def test_what_the_worst_element_moves_is_in_the_sample() -> None:
    point = point_of(lambda x: x * 2, normal(1030))
    alone = set(Jacobians(point).y_at.tolist())
    worst = next(i for i in range(1030) if i not in alone)
    assert set(Jacobians(point, {"X": worst}).y_at.tolist()) == alone | {worst}
    # Of all that one element moves, some are enough.
    point = point_of(lambda x: x.sum() + 0 * x, normal(1030))
    for i in (0, 5):
        found = set(Jacobians(point, {"X": i}).y_at.tolist())
        assert found == alone | set(range(0, 1030, 1 + 1030 // 128))
    point = Point("here", Function(Scale(1030), np.ones((1, 1030))), np.random.default_rng(0))
    both = set(Jacobians(point, {"X": worst, "a": worst}).y_at.tolist())
    assert both == alone | {worst}


def test_at_a_kink_an_element_has_no_derivative() -> None:
    for slope, at in ((0.9e-2, [0, 1, 2]), (1.1e-2, [0, 2])):

        def f(X: Array, slope: float = slope) -> Array:
            largest = 0.03
            return largest * (X * [[1.0, 0, -0.5]] + slope * np.maximum(X, 0) * [[0, 1, 0]])

        point = point_of(f, [1.0, 0, -2])
        assert Jacobians(point).of("X").x_at.tolist() == at


def test_numbers_without_axes_have_one() -> None:
    point = point_of(lambda x: x[0, 0] * 2, [[3.0]])
    found = Jacobians(point).of("X")
    assert found.Y.shape == (1,)
    np.testing.assert_allclose(found.J, [[2]], rtol=1e-8)


class Two(Layer[Array, Any]):
    """Two answers, X and 2X."""

    def forward(self, X: Array, /) -> Any:
        def backward(grad: Any) -> Array:
            one, two = grad
            return np.array(one + 2 * two)

        return (X, 2 * X), backward


def test_several_answers_are_one_vector() -> None:
    point = Point("here", Function(Two(), normal(2, 2)), np.random.default_rng(0))
    found = Jacobians(point).of("X")
    assert found.Y.shape == (8,)
    np.testing.assert_allclose(found.A, found.J, atol=1e-8)


# Steps --------------------------------------------------------------------------------------------


def _moves(f: Watched, x: Any, numeric: Any = None) -> Array:
    """Where the derivative by the first element of x is taken, from there."""
    point = point_of(f, x)
    jacobians = Jacobians(point)
    f.at.clear()
    jacobians._row("X", 0, None if numeric is None else np.array([numeric(point)]))
    moves: Array = np.array(f.at) - x[0]
    return moves


def test_a_step_is_a_hundred_thousandth_of_the_tensor_or_of_the_element() -> None:
    f = Watched(lambda x: x[:, :1] * np.ones((1, 2)))
    usual = STEP * np.sqrt((0.01**2 + 9) / 2)
    np.testing.assert_allclose(_moves(f, [0.01, 3.0]), [usual, -usual])

    def no_fit(point: Point) -> list[float]:
        return [np.pi, np.pi]

    np.testing.assert_allclose(
        _moves(f, [0.01, 3.0], no_fit), [usual, -usual, 1e-7, -1e-7], rtol=1e-6
    )
    assert len(_moves(f, [0.0, 3.0], no_fit)) == 2  # no size of its own


def _curved(x: Array) -> Array:
    """Near its first element's 1e-4, a step of a hundred thousandth of 100 is too long."""
    return np.array(np.log(np.abs(x[:, :1]))) * np.ones((1, 2))


def test_the_step_that_fits_what_was_found_is_taken() -> None:
    point = point_of(_curved, [1e-4, 100.0])
    c = float(point.C[0].sum())
    row, jump = Jacobians(point)._row("X", 0, np.array([[c * 1e4, 0]]))
    np.testing.assert_allclose(row, 1e4, rtol=1e-8)
    assert np.all(jump < 1)
    # If what was found is the long step's, that is taken.
    long = STEP * np.sqrt((1e-8 + 1e4) / 2)
    coarse = (np.log(long + 1e-4) - np.log(long - 1e-4)) / (2 * long)
    row, _ = Jacobians(point)._row("X", 0, np.array([[c * coarse, 0]]))
    np.testing.assert_allclose(row, coarse, rtol=1e-6)
    row, _ = Jacobians(point)._row("X", 0, None)
    np.testing.assert_allclose(row, 1e4, rtol=1e-8)


def test_a_step_out_of_the_domain_is_not_taken() -> None:
    point = point_of(lambda x: np.sqrt(np.where(x < 0, np.nan, x)), [1e-4, 100.0])
    row, jump = Jacobians(point)._row("X", 0, None)
    assert np.isfinite(row).all()
    assert row[0] == pytest.approx(50, rel=1e-6)
    assert jump.max() < 1


@pytest.mark.parametrize(("jump", "steps"), [(0.9e-3, 2), (1.1e-3, 4)])
def test_sides_that_differ_by_a_thousandth_are_looked_at_again(jump: float, steps: int) -> None:
    f = Watched(lambda x: x[:, :1] + jump * np.maximum(x[:, :1] - 0.01, 0))
    assert len(_moves(f, [0.01, 3.0])) == steps


@pytest.mark.parametrize(("off", "steps"), [(0.9e-6, 2), (1.1e-6, 4)])
def test_a_derivative_is_as_found_to_a_millionth(off: float, steps: int) -> None:
    f = Watched(lambda x: x[:, :1] * 1024.0)
    found = _moves(f, [0.5, 0.25], lambda p: [1024 * float(p.C[0].sum()) * (1 + off), 0])
    assert len(found) == steps

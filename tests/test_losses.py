"""Losses: values and gradients by hand, exact at the extremes, and every refusal."""

from collections.abc import Callable
from math import exp, inf, log, log1p, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from layerwise import (
    Array,
    Hinge,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)
from tests.raising import raises

Loss = Callable[[Array, NDArray[Any]], tuple[float, Array]]

mse, sigmoid_loss, softmax_loss = MeanSquaredError(), SigmoidCrossEntropy(), SoftmaxCrossEntropy()
mae = MeanAbsoluteError()
LN2, LN3 = log(2), log(3)
ALL = pytest.mark.parametrize("loss", [mse, sigmoid_loss, softmax_loss])
SAME_SHAPE = pytest.mark.parametrize(
    ("loss", "name"), [(mse, "MeanSquaredError"), (sigmoid_loss, "SigmoidCrossEntropy")]
)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def one_hot(classes: NDArray[Any], k: int) -> Array:
    return np.array(np.eye(k)[classes])


class TestMeanSquaredError:
    def test_by_hand(self) -> None:
        Y, T = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 8.0]])
        value, grad = mse(Y, T)
        assert value == (0 + 4 + 9 + 16) / 4
        assert grad.tolist() == [[0.0, 1.0], [1.5, -2.0]]

    def test_the_mean_is_over_entries_not_rows(self) -> None:
        value, grad = mse(np.full((2, 1, 5), 3.0), np.zeros((2, 1, 5)))
        assert value == 9.0
        np.testing.assert_allclose(grad, np.full((2, 1, 5), 0.6), rtol=1e-15)

    def test_exact_for_large_answers(self) -> None:
        value, grad = mse(np.array([1000.0, -1000.0]), np.array([-1000.0, -1000.0]))
        assert value == 2_000_000.0
        assert grad.tolist() == [2000.0, 0.0]


class TestSigmoidCrossEntropy:
    def test_by_hand(self) -> None:
        """σ(0) = 1/2, σ(ln 3) = 3/4, σ(−ln 3) = 1/4."""
        Y, T = np.array([[0.0, LN3], [LN3, -LN3]]), np.array([[1.0, 1.0], [0.0, 0.0]])
        value, grad = sigmoid_loss(Y, T)
        # -log of 1/2, 3/4, 1/4 and 3/4
        assert value == pytest.approx((log(2) + log(4 / 3) + log(4) + log(4 / 3)) / 4, rel=1e-15)
        np.testing.assert_allclose(grad, np.array([[-0.5, -0.25], [0.75, 0.25]]) / 4, rtol=1e-15)

    def test_probabilities_as_target(self) -> None:
        value, grad = sigmoid_loss(np.array([LN3]), np.array([0.25]))
        assert value == pytest.approx(0.25 * log(4 / 3) + 0.75 * log(4), rel=1e-15)
        assert grad[0] == pytest.approx(0.5, rel=1e-15)

    @DTYPES
    @pytest.mark.parametrize(
        ("logit", "target", "value", "grad"),
        [
            (1000, 1, 0.0, 0.0),
            (1000, 0, 1000.0, 1.0),
            (-1000, 1, 1000.0, -1.0),
            (-1000, 0, 0.0, 0.0),
            (1000, 0.5, 500.0, 0.5),
            (-1000, 0.5, 500.0, -0.5),
        ],
    )
    def test_exact_at_the_extremes(
        self, logit: float, target: float, value: float, grad: float, dtype: Any
    ) -> None:
        """No warning either: it would fail the test."""
        got = sigmoid_loss(np.array([logit], dtype), np.array([target], dtype))
        assert (got[0], got[1].tolist()) == (value, [grad])

    @pytest.mark.parametrize("logit", [20.0, 40.0, 200.0, 700.0])
    def test_a_small_loss_is_exact_too(self, logit: float) -> None:
        """log(1 + e⁻⁴⁰) is 4e-18: as log of 1 minus something it would be 0."""
        small = log1p(exp(-logit))
        for sign, target in (1, 1.0), (-1, 0.0):
            value, grad = sigmoid_loss(np.array([sign * logit]), np.array([target]))
            np.testing.assert_allclose(value, small, rtol=1e-14)
            np.testing.assert_allclose(grad, -sign * exp(-logit) / (1 + exp(-logit)), rtol=1e-14)

    @pytest.mark.parametrize("target", [[0, 1], [False, True], [0.0, 1.0]])
    def test_integers_and_booleans_are_targets(self, target: Any) -> None:
        value, grad = sigmoid_loss(np.array([-LN3, LN3]), np.array(target))
        assert value == pytest.approx(log(4 / 3), rel=1e-15)
        np.testing.assert_allclose(grad, [0.125, -0.125], rtol=1e-15)

    @pytest.mark.parametrize(
        ("target", "low", "high"),
        [([-1.0, 1.0], -1.0, 1.0), ([0.0, 1.5], 0.0, 1.5), ([0.0, np.nan], np.nan, np.nan)],
    )
    def test_targets_beyond_0_and_1_are_refused(
        self, target: list[float], low: float, high: float
    ) -> None:
        with raises(
            ValueError,
            f"SigmoidCrossEntropy: target has numbers from {low} to {high}, expected 0 to 1: "
            "1 for yes and 0 for no, or a probability",
        ):
            sigmoid_loss(np.zeros(2), np.array(target))


class TestSoftmaxCrossEntropy:
    Y = np.array([[0.0, LN3], [LN2, LN2]])  # probabilities 1/4, 3/4 and 1/2, 1/2

    def test_classes_by_hand(self) -> None:
        value, grad = softmax_loss(self.Y, np.array([0, 1]))
        assert value == pytest.approx((log(4) + log(2)) / 2, rel=1e-15)
        np.testing.assert_allclose(grad, [[-0.375, 0.375], [0.25, -0.25]], rtol=1e-15)

    def test_probabilities_by_hand(self) -> None:
        value, grad = softmax_loss(self.Y, np.array([[0.5, 0.5], [0.25, 0.75]]))
        first = 0.5 * log(4) + 0.5 * log(4 / 3)
        assert value == pytest.approx((first + log(2)) / 2, rel=1e-15)
        np.testing.assert_allclose(grad, [[-0.125, 0.125], [0.125, -0.125]], rtol=1e-15)

    @given(data=st.data())
    def test_one_hot_rows_are_classes(self, data: st.DataObject) -> None:
        n, k = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
        rng = np.random.default_rng(data.draw(st.integers(0, 99)))
        Y, classes = rng.normal(size=(n, k)), rng.integers(0, k, n)
        value, grad = softmax_loss(Y, classes)
        again = softmax_loss(Y, one_hot(classes, k))
        assert value == again[0]
        np.testing.assert_array_equal(grad, again[1])

    @given(st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30), st.booleans()), min_size=1))
    def test_two_classes_are_the_sigmoid_of_their_difference(
        self, rows: list[tuple[float, float, bool]]
    ) -> None:
        """softmax(a, b) = (σ(a − b), σ(b − a)): two independent ways to one loss."""
        Y, yes = np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])
        value, grad = softmax_loss(Y, yes.astype(int))
        expected, slope = sigmoid_loss(Y[:, 1] - Y[:, 0], yes.astype(float))
        assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)
        np.testing.assert_allclose(grad, np.stack([-slope, slope], axis=1), rtol=0, atol=1e-15)

    def test_any_number_of_leading_axes(self) -> None:
        rng = np.random.default_rng(0)
        Y, classes = rng.normal(size=(2, 3, 4)), rng.integers(0, 4, (2, 3))
        value, grad = softmax_loss(Y, classes)
        flat, flat_grad = softmax_loss(Y.reshape(6, 4), classes.reshape(6))
        assert value == pytest.approx(flat, rel=1e-15)
        np.testing.assert_allclose(grad, flat_grad.reshape(2, 3, 4), rtol=1e-15)
        assert softmax_loss(Y, one_hot(classes, 4))[0] == value

    def test_the_layout_of_logits_and_classes_changes_nothing(self) -> None:
        rng = np.random.default_rng(0)
        Y, classes = rng.normal(size=(2, 3, 4)), rng.integers(0, 4, (2, 3))
        value, grad = softmax_loss(Y, classes)
        Y = np.asfortranarray(Y)
        for got in (
            softmax_loss(Y, np.asfortranarray(classes)),
            softmax_loss(Y, np.asfortranarray(one_hot(classes, 4))),
        ):
            assert got[0] == pytest.approx(value, rel=1e-15)
            np.testing.assert_allclose(got[1], grad, rtol=1e-15)

    def test_a_logit_of_minus_infinity_rules_a_class_out(self) -> None:
        Y = np.array([[0.0, -np.inf, LN3], [-np.inf, 5.0, -np.inf]])
        expected = np.array([[-0.375, 0.0, 0.375], [0.0, 0.0, 0.0]])
        classes = np.array([0, 1])
        for value, grad in softmax_loss(Y, classes), softmax_loss(Y, one_hot(classes, 3)):
            assert value == pytest.approx(log(4) / 2, rel=1e-15)
            np.testing.assert_allclose(grad, expected, rtol=1e-15, atol=0)
        assert softmax_loss(Y, np.array([1, 1]))[0] == np.inf

    def test_one_row_without_a_batch(self) -> None:
        value, grad = softmax_loss(self.Y[0], np.array(0))
        assert value == pytest.approx(log(4), rel=1e-15)
        np.testing.assert_allclose(grad, [-0.75, 0.75], rtol=1e-15)

    @pytest.mark.parametrize("k", [2, 10])
    def test_untrained_is_the_logarithm_of_the_number_of_classes(self, k: int) -> None:
        value, grad = softmax_loss(np.zeros((3, k)), np.array([0, 1, 0]))
        assert value == pytest.approx(log(k), rel=1e-15)
        np.testing.assert_allclose(3 * grad, 1 / k - np.eye(k)[[0, 1, 0]], rtol=1e-15)

    @DTYPES
    @pytest.mark.parametrize(
        ("right", "value", "grad"),
        [
            (0, 0.0, [0.0, 0.0, 0.0]),
            (1, 2000.0, [1.0, -1.0, 0.0]),
            (2, 1000.0, [1.0, 0.0, -1.0]),
        ],
    )
    def test_exact_at_the_extremes(
        self, right: int, value: float, grad: list[float], dtype: Any
    ) -> None:
        """As classes and as one-hot rows, and without a warning: that would fail the test."""
        Y = np.array([[1000, -1000, 0]], dtype)
        for target in np.array([right]), one_hot(np.array([right]), 3):
            got = softmax_loss(Y, target)
            assert (got[0], got[1].tolist()) == (value, [grad])

    @pytest.mark.parametrize("size", [1000.0, -1000.0])
    def test_equal_large_logits(self, size: float) -> None:
        value, grad = softmax_loss(np.full((1, 2), size), np.array([0]))
        assert value == pytest.approx(log(2), rel=1e-15)
        assert grad.tolist() == [[-0.5, 0.5]]

    def test_rows_of_very_different_sizes(self) -> None:
        """Each row has a largest logit of its own."""
        Y = np.array([[1000.0, 1000.0 - LN3], [-1000.0, -1000.0 - LN3]])
        value, grad = softmax_loss(Y, np.array([0, 1]))
        assert value == pytest.approx((log(4 / 3) + log(4)) / 2, rel=1e-12)
        np.testing.assert_allclose(grad, [[-0.125, 0.125], [0.375, -0.375]], rtol=1e-12)

    @pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "uint64"])
    def test_classes_of_any_integer_dtype(self, dtype: str) -> None:
        value, _ = softmax_loss(self.Y, np.array([0, 1], dtype))
        assert value == pytest.approx((log(4) + log(2)) / 2, rel=1e-15)

    def test_many_classes_in_a_small_integer_dtype(self) -> None:
        """The place of the last row's class, 3·200 − 1, is beyond what uint8 holds."""
        classes = np.array([0, 100, 199], np.uint8)
        value, grad = softmax_loss(np.zeros((3, 200)), classes)
        assert value == pytest.approx(log(200), rel=1e-15)
        assert np.array_equal(grad.argmin(axis=1), classes)

    @pytest.mark.parametrize("dtype", ["int64", "bool", "float32"])
    def test_one_hot_of_any_dtype(self, dtype: str) -> None:
        target = np.array([[1, 0], [0, 1]], dtype)
        value, grad = softmax_loss(self.Y, target)
        assert value == pytest.approx((log(4) + log(2)) / 2, rel=1e-15)
        assert grad.dtype == np.float64

    def test_rows_that_sum_to_1_but_for_rounding_are_made_to(self) -> None:
        """Only then is the gradient, which sums to 0 in each row, that of the value."""
        T = np.array([[0.3, 0.7 + 5e-6], [0.5, 0.5 - 5e-6]])
        value, grad = softmax_loss(self.Y, T)
        exact = softmax_loss(self.Y, T / T.sum(axis=1, keepdims=True))
        np.testing.assert_allclose(grad.sum(axis=1), 0, atol=1e-16)
        assert value == pytest.approx(exact[0], rel=1e-15)

    @pytest.mark.parametrize("classes", [[-1, 0], [0, 2], [5, -3]])
    def test_classes_out_of_range_are_refused(self, classes: list[int]) -> None:
        low = min(classes)
        remedy = f": where {low} is padding, leave it out, from a loss by ignore={low}"
        with raises(
            ValueError,
            f"SoftmaxCrossEntropy: target has classes from {low} to {max(classes)}, "
            f"expected 0 to 1, because Y has 2 columns{remedy if low < 0 else ''}",
        ):
            softmax_loss(self.Y, np.array(classes))

    @pytest.mark.parametrize(
        ("target", "smallest", "low", "high"),
        [
            ([[0.5, 0.5], [0.5, 0.25]], 0.25, 0.75, 1.0),
            ([[1.0, 1.0], [0.0, 1.0]], 0.0, 1.0, 2.0),
            ([[1.5, -0.5], [0.0, 1.0]], -0.5, 1.0, 1.0),
            ([[0.0, 0.0], [0.0, 1.0]], 0.0, 0.0, 1.0),
            ([[np.nan, 1.0], [0.0, 1.0]], np.nan, np.nan, np.nan),
            ([[0.0, 1.0001], [0.0, 1.0]], 0.0, 1.0, 1.0001),
        ],
    )
    def test_rows_that_are_no_probabilities_are_refused(
        self, target: list[list[float]], smallest: float, low: float, high: float
    ) -> None:
        with raises(
            ValueError,
            "SoftmaxCrossEntropy: target has the shape of Y, so each row must hold probabilities, "
            f"at least 0 and summing to 1; its smallest entry is {smallest} and its rows sum to "
            f"{low} to {high}",
        ):
            softmax_loss(self.Y, np.array(target))

    @pytest.mark.parametrize("shape", [(), (3,), (2, 1), (1, 2), (2, 3), (2, 2, 2), (1,)])
    def test_another_shape_is_refused(self, shape: tuple[int, ...]) -> None:
        two = np.zeros(shape).size == 2
        with raises(
            ValueError,
            f"SoftmaxCrossEntropy: target {shape} and Y (2, 2) do not fit: expected classes of "
            "shape (2,) or probabilities of shape (2, 2)"
            f"{': target.reshape((2,)) if they are classes' if two else ''}",
        ):
            softmax_loss(self.Y, np.zeros(shape, int))

    def test_two_classes_by_one_logit(self) -> None:
        with raises(
            ValueError,
            "SoftmaxCrossEntropy: target has classes from 0 to 1, expected 0 to 0, because Y has 1 "
            "columns: for a yes or no by one logit take SigmoidCrossEntropy",
        ):
            softmax_loss(self.Y[:, :1], np.array([0, 1]))

    @pytest.mark.parametrize(
        ("dtype", "remedy"),
        [
            ("float64", "convert it with target.astype(int)"),
            ("bool", "convert it with target.astype(int)"),
            ("<U1", "np.unique(y, return_inverse=True) gives the names and these"),
            ("|S1", "np.unique(y, return_inverse=True) gives the names and these"),
            ("object", "np.unique(y, return_inverse=True) gives the names and these"),
        ],
    )
    def test_classes_that_are_not_integers_are_refused(self, dtype: str, remedy: str) -> None:
        with raises(
            TypeError,
            f"SoftmaxCrossEntropy: target has dtype {dtype}, expected integer classes 0 to k - 1: "
            f"{remedy}",
        ):
            softmax_loss(self.Y, np.array([0, 1]).astype(dtype))

    def test_complex_probabilities_are_refused(self) -> None:
        with raises(
            TypeError,
            "SoftmaxCrossEntropy: target has dtype complex128, expected real numbers: "
            "convert it first",
        ):
            softmax_loss(self.Y, np.eye(2, dtype=complex))

    def test_complex_logits_are_refused(self) -> None:
        Y: Any = np.zeros((1, 2), complex)
        with raises(
            TypeError,
            "SoftmaxCrossEntropy: Y has dtype complex128, expected real numbers: convert it first",
        ):
            softmax_loss(Y, np.array([0]))

    @pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
    def test_an_empty_batch_is_refused(self, shape: tuple[int, int]) -> None:
        with raises(
            ValueError,
            f"SoftmaxCrossEntropy: Y has shape {shape} and no entries, expected at least one row",
        ):
            softmax_loss(np.zeros(shape), np.zeros(shape[0], int))


@SAME_SHAPE
class TestOfOneShape:
    """What MeanSquaredError and SigmoidCrossEntropy have in common."""

    @pytest.mark.parametrize(
        ("target", "Y", "remedy"),
        [
            ((3,), (3, 1), ": target.reshape((3, 1)) if the order is right"),
            ((3, 1), (3,), ": target.reshape((3,)) if the order is right"),
            ((2, 3), (3, 2), ": target.reshape((3, 2)) if the order is right"),
            ((1,), (3, 1), ""),
            ((), (3,), ""),
            ((3, 2), (3, 1), ""),
            ((1, 3), (2, 3), ""),
        ],
    )
    def test_another_shape_is_refused(
        self, loss: Loss, name: str, target: tuple[int, ...], Y: tuple[int, ...], remedy: str
    ) -> None:
        """(3,) against (3, 1) would broadcast to (3, 3)."""
        with raises(
            ValueError,
            f"{name}: target {target} and Y {Y} must have the same shape, "
            f"nothing is broadcast{remedy}",
        ):
            loss(np.zeros(Y), np.zeros(target))

    @pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0,)])
    def test_an_empty_batch_is_refused(self, loss: Loss, name: str, shape: tuple[int, ...]) -> None:
        with raises(
            ValueError, f"{name}: Y has shape {shape} and no entries, expected at least one row"
        ):
            loss(np.zeros(shape), np.zeros(shape))

    @pytest.mark.parametrize("which", ["Y", "target"])
    @pytest.mark.parametrize("dtype", ["complex128", "object", "<U3"])
    def test_other_numbers_are_refused(self, loss: Loss, name: str, which: str, dtype: str) -> None:
        arrays: dict[str, Any] = {"Y": np.zeros(2), "target": np.zeros(2)}
        arrays[which] = arrays[which].astype(dtype)
        with raises(
            TypeError, f"{name}: {which} has dtype {dtype}, expected real numbers: convert it first"
        ):
            loss(arrays["Y"], arrays["target"])


def targets(loss: Loss, Y: Array) -> NDArray[Any]:
    """The first class, or zeros."""
    return np.zeros(Y.shape[:-1], int) if loss is softmax_loss else np.zeros_like(Y)


@ALL
class TestAll:
    @DTYPES
    def test_dtype_is_kept_and_the_value_is_a_number(self, loss: Loss, dtype: Any) -> None:
        """A float64 target does not make a float32 gradient float64."""
        Y = np.ones((2, 3), dtype)
        target = np.array([0, 1]) if loss is softmax_loss else np.ones((2, 3))
        value, grad = loss(Y, target)
        assert type(value) is float
        assert grad.dtype == dtype
        if loss is softmax_loss:
            assert loss(Y, one_hot(target, 3))[1].dtype == dtype

    def test_arguments_are_untouched_and_the_gradient_is_new(self, loss: Loss) -> None:
        Y = np.array([[0.5, -0.5]])
        for target in targets(loss, Y), np.array([[0.0, 1.0]]):
            before = Y.copy(), target.copy()
            Y.flags.writeable = target.flags.writeable = False
            _, grad = loss(Y, target)
            assert grad.flags.writeable
            assert not np.shares_memory(grad, target)
            np.testing.assert_array_equal(Y, before[0])
            np.testing.assert_array_equal(target, before[1])

    def test_lists_and_integers_are_numbers(self, loss: Loss) -> None:
        Y: Any = [[1, 0], [0, 1]]
        as_list = targets(loss, np.array(Y)).tolist()
        value, grad = loss(Y, as_list)
        expected = loss(np.array(Y, float), np.array(as_list))
        assert value == expected[0]
        np.testing.assert_array_equal(grad, expected[1])
        assert grad.dtype == np.float64

    def test_a_later_call_does_not_change_an_earlier_gradient(self, loss: Loss) -> None:
        Y = np.array([[0.5, -0.5]])
        _, grad = loss(Y, targets(loss, Y))
        before = grad.copy()
        loss(Y + 1, targets(loss, Y))
        np.testing.assert_array_equal(grad, before)

    @given(data=st.data())
    def test_the_gradient_is_the_slope_of_the_value(self, loss: Loss, data: st.DataObject) -> None:
        """Along a random direction, by central differences."""
        rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
        n, k = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
        Y, T = rng.normal(size=(n, k)), rng.dirichlet(np.ones(k), n)
        direction = rng.normal(size=(n, k))
        h = 1e-5
        slope = (loss(Y + h * direction, T)[0] - loss(Y - h * direction, T)[0]) / (2 * h)
        assert (loss(Y, T)[1] * direction).sum() == pytest.approx(slope, rel=1e-7, abs=1e-9)


def test_a_single_logit_is_refused() -> None:
    Y: Any = np.float64(3)
    with raises(
        ValueError,
        "SoftmaxCrossEntropy: Y has shape () and no entries, expected at least one row",
    ):
        SoftmaxCrossEntropy()(Y, np.array(0))


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("loss", [MeanSquaredError(), SigmoidCrossEntropy(), SoftmaxCrossEntropy()])
def test_a_matrix_is_refused(loss: Any) -> None:
    """Its * is another product: the mean of squares of these numbers was 13.5, not 7.5."""
    A, M = np.array([[0.5, 0.5], [1.0, 0.0]]), np.asmatrix([[0.5, 0.5], [1.0, 0.0]])
    name = type(loss).__name__
    ending = "is a matrix, expected a plain array: np.asarray(...) makes it one"
    with raises(TypeError, f"{name}: Y {ending}"):
        loss(M, A)
    with raises(TypeError, f"{name}: target {ending}"):
        loss(A, M)


class TestMeanAbsoluteError:
    def test_by_hand(self) -> None:
        Y, T = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 8.0]])
        value, grad = mae(Y, T)
        assert value == (0 + 2 + 3 + 4) / 4
        assert grad.tolist() == [[0.0, 0.25], [0.25, -0.25]]


class TestHuber:
    def test_by_hand(self) -> None:
        """Errors 1, −2, 3 and −4 against δ = 2: squares up to it, then 2 |E| − 2."""
        Y = np.array([1.0, -2.0, 3.0, -4.0])
        value, grad = Huber(delta=2)(Y, np.zeros(4))
        assert value == (0.5 + 2 + 4 + 6) / 4
        assert grad.tolist() == [0.25, -0.5, 0.5, -0.5]

    def test_delta_is_1_by_default(self) -> None:
        assert Huber().delta == 1
        assert Huber()(np.array([3.0]), np.array([0.0])) == (2.5, np.array([1.0]))

    @pytest.mark.parametrize("delta", [0, -1, inf, nan])
    def test_a_delta_that_is_not_positive_is_refused(self, delta: float) -> None:
        with raises(ValueError, f"Huber: delta={delta} came, expected a positive number"):
            Huber(delta)


class TestPoisson:
    def test_by_hand(self) -> None:
        """Rates 1, 3 and 1/3 for the counts 2, 3 and 0."""
        value, grad = Poisson()(np.array([0.0, LN3, -LN3]), np.array([2, 3, 0]))
        assert value == pytest.approx((1 + (3 - 3 * LN3) + 1 / 3) / 3, rel=1e-15)
        np.testing.assert_allclose(grad, np.array([-1, 0, 1 / 3]) / 3, atol=1e-15)

    def test_the_best_constant_answer_is_the_logarithm_of_the_mean(self) -> None:
        counts = np.array([0.0, 1.0, 5.0])
        np.testing.assert_allclose(Poisson()(np.full(3, log(2)), counts)[1].sum(), 0, atol=1e-15)

    def test_a_negative_count_is_refused(self) -> None:
        with raises(
            ValueError,
            "Poisson: target has numbers from -1.0 to 2.0, expected counts, at least 0",
        ):
            Poisson()(np.zeros(2), np.array([2, -1]))


class TestHinge:
    def test_by_hand(self) -> None:
        """Beyond the margin, on it, short of it, and on the wrong side."""
        Y, T = np.array([3.0, -1.0, 0.5, 2.0]), np.array([1.0, -1.0, 1.0, -1.0])
        value, grad = Hinge()(Y, T)
        assert value == (0 + 0 + 0.5 + 3) / 4
        assert grad.tolist() == [0.0, 0.0, -0.25, 0.25]

    def test_other_targets_are_refused(self) -> None:
        with raises(
            ValueError,
            "Hinge: target has numbers from 0.0 to 1.0 that are not all -1 or 1: "
            "2 * target - 1 makes them of 0 and 1",
        ):
            Hinge()(np.zeros(2), np.array([0, 1]))


class TestPositiveWeight:
    def test_by_hand(self) -> None:
        """A yes costs three times −log σ(0) = ln 2; the mean is over both entries all the same."""
        value, grad = SigmoidCrossEntropy(positive_weight=3)(np.zeros(2), np.array([1.0, 0.0]))
        assert value == pytest.approx((3 * LN2 + LN2) / 2, rel=1e-15)
        assert grad.tolist() == [-0.75, 0.25]

    def test_one_changes_nothing(self) -> None:
        Y, T = np.array([LN3, -2.0]), np.array([0.25, 1.0])
        one, plain = SigmoidCrossEntropy(positive_weight=1)(Y, T), sigmoid_loss(Y, T)
        assert one[0] == plain[0]
        assert np.array_equal(one[1], plain[1])

    def test_zero_is_refused(self) -> None:
        with raises(
            ValueError,
            "SigmoidCrossEntropy: positive_weight=0 came, expected a positive number",
        ):
            SigmoidCrossEntropy(positive_weight=0)


class TestLabelSmoothing:
    def test_by_hand(self) -> None:
        """ε = 1/2 of two classes makes (3/4, 1/4) of the first; −log of 1/4 and of 3/4."""
        loss, Y = SoftmaxCrossEntropy(label_smoothing=0.5), np.array([[0.0, LN3]])
        value, grad = loss(Y, np.array([0]))
        assert value == pytest.approx(0.75 * log(4) + 0.25 * log(4 / 3), rel=1e-15)
        np.testing.assert_allclose(grad, [[0.25 - 0.75, 0.75 - 0.25]], rtol=1e-15)

    def test_it_is_the_loss_of_smoothed_targets(self) -> None:
        Y, T = np.random.default_rng(0).normal(size=(4, 3)), np.eye(3)[[0, 2, 1, 1]]
        expected = softmax_loss(Y, 0.9 * T + 0.1 / 3)
        for target in T, T.argmax(axis=1):
            value, grad = SoftmaxCrossEntropy(label_smoothing=0.1)(Y, target)
            assert value == pytest.approx(expected[0], rel=1e-14)
            np.testing.assert_allclose(grad, expected[1], rtol=1e-13)

    @pytest.mark.parametrize("smoothing", [1, -0.1])
    def test_beyond_a_fraction_it_is_refused(self, smoothing: float) -> None:
        with raises(
            ValueError,
            f"SoftmaxCrossEntropy: label_smoothing={smoothing} came, expected at least 0 and "
            "below 1",
        ):
            SoftmaxCrossEntropy(label_smoothing=smoothing)


class TestClassWeight:
    Y = np.array([[0.0, LN3], [LN3, 0.0], [0.0, 0.0]])  # P: (1/4, 3/4), (3/4, 1/4), (1/2, 1/2)

    def test_by_hand(self) -> None:
        """Weights 3 and 1 of the classes 0, 1, 1: divided by their sum 5, not by 3 rows."""
        loss = SoftmaxCrossEntropy(class_weight=[3, 1])
        value, grad = loss(self.Y, np.array([0, 1, 1]))
        assert value == pytest.approx((3 * log(4) + log(4) + LN2) / 5, rel=1e-15)
        expected = np.array([[-2.25, 2.25], [0.75, -0.75], [0.5, -0.5]]) / 5
        np.testing.assert_allclose(grad, expected, rtol=1e-15)

    def test_one_hot_is_the_same(self) -> None:
        loss, classes = SoftmaxCrossEntropy(class_weight=[3, 1]), np.array([0, 1, 1])
        value, grad = loss(self.Y, one_hot(classes, 2))
        expected = loss(self.Y, classes)
        assert value == pytest.approx(expected[0], rel=1e-14)
        np.testing.assert_allclose(grad, expected[1], rtol=1e-14)

    def test_probabilities_by_hand(self) -> None:
        """Half and half with weights 3 and 1: v T is (1.5, .5), and its sum 2 what is divided by.

        3/2 log 4 + 1/2 log 4/3, and 3/2 ln 2 + 1/2 ln 2, by 4.
        """
        loss = SoftmaxCrossEntropy(class_weight=[3, 1])
        value, grad = loss(self.Y[::2], np.full((2, 2), 0.5))
        assert value == pytest.approx((1.5 * log(4) + 0.5 * log(4 / 3) + 2 * LN2) / 4, rel=1e-15)
        expected = np.array([[2 / 4 - 1.5, 2 * 3 / 4 - 0.5], [1 - 1.5, 1 - 0.5]]) / 4
        np.testing.assert_allclose(grad, expected, rtol=1e-15)

    def test_with_smoothing_by_hand(self) -> None:
        """ε = 1/2: T is (3/4, 1/4), v T (9/4, 1/4); divided by v of the class, 3. As in PyTorch."""
        loss = SoftmaxCrossEntropy(class_weight=[3, 1], label_smoothing=0.5)
        value, grad = loss(self.Y[:1], np.array([0]))
        assert value == pytest.approx((2.25 * log(4) + 0.25 * log(4 / 3)) / 3, rel=1e-15)
        np.testing.assert_allclose(grad, [[(2.5 / 4 - 2.25) / 3, (7.5 / 4 - 0.25) / 3]], rtol=1e-14)

    @pytest.mark.parametrize("smoothing", [0.0, 0.3])
    def test_a_class_of_weight_0_is_left_out(self, smoothing: float) -> None:
        loss = SoftmaxCrossEntropy(class_weight=[2, 0], label_smoothing=smoothing)
        value, grad = loss(self.Y, np.array([0, 1, 0]))
        rest = loss(self.Y[::2], np.array([0, 0]))
        assert value == pytest.approx(rest[0], rel=1e-14)
        assert not grad[1].any()
        np.testing.assert_allclose(grad[::2], rest[1], rtol=1e-14)

    def test_another_number_of_classes_is_refused(self) -> None:
        with raises(
            ValueError,
            "SoftmaxCrossEntropy: class_weight has shape (3,), expected (2,), a weight for each "
            "class, because Y has 2 columns",
        ):
            SoftmaxCrossEntropy(class_weight=[1, 2, 3])(self.Y, np.array([0, 1, 1]))

    def test_negative_weights_are_refused(self) -> None:
        with raises(
            ValueError,
            "SoftmaxCrossEntropy: class_weight has numbers from -1.0 to 2.0, expected finite "
            "numbers from 0 up",
        ):
            SoftmaxCrossEntropy(class_weight=[2, -1])


class TestIgnore:
    def test_padding_is_left_out(self) -> None:
        """Whatever its logits are: nan too."""
        Y = np.random.default_rng(0).normal(size=(2, 3, 4))
        target = np.array([[1, 0, -1], [3, -1, -1]])
        kept = target >= 0
        expected = softmax_loss(Y[kept], target[kept])
        Y[1, 2] = nan
        value, grad = SoftmaxCrossEntropy(ignore=-1)(Y, target)
        assert value == pytest.approx(expected[0], rel=1e-14)
        np.testing.assert_allclose(grad[kept], expected[1], rtol=1e-14)
        assert not grad[~kept].any()

    def test_with_weights_of_rows_and_classes(self) -> None:
        Y = np.random.default_rng(0).normal(size=(4, 3))
        loss = SoftmaxCrossEntropy(ignore=1, class_weight=[1, 5, 2])
        value, _ = loss(Y, np.array([0, 1, 2, 2]), np.array([2, 7, 1, 3]))
        assert value == pytest.approx(
            softmax_loss(Y[[0, 2, 3]], np.array([0, 2, 2]), np.array([2, 2, 6]))[0], rel=1e-14
        )

    def test_probabilities_have_nothing_to_ignore(self) -> None:
        Y, T = np.array([[0.0, LN3]]), np.array([[0.5, 0.5]])
        assert SoftmaxCrossEntropy(ignore=-1)(Y, T)[0] == softmax_loss(Y, T)[0]

    def test_a_batch_of_which_nothing_is_left_is_nothing(self) -> None:
        """As it happens by the luck of the shuffle: training goes on."""
        for loss in SoftmaxCrossEntropy(ignore=-1), SoftmaxCrossEntropy(class_weight=[0, 1, 1]):
            target = np.array([-1, -1]) if loss.ignore == -1 else np.array([0, 0])
            value, grad = loss(np.ones((2, 3)), target)
            assert value == 0.0
            assert grad.tolist() == [[0.0] * 3] * 2

    def test_other_numbers_beyond_the_classes_are_refused(self) -> None:
        with raises(
            ValueError,
            "SoftmaxCrossEntropy: target has classes from -2 to 1, expected 0 to 2, because Y has "
            "3 columns",
        ):
            SoftmaxCrossEntropy(ignore=-1)(np.zeros((3, 3)), np.array([-1, -2, 1]))


EVERY = pytest.mark.parametrize(
    "loss",
    [
        mse,
        mae,
        Huber(),
        Poisson(),
        Hinge(),
        sigmoid_loss,
        SigmoidCrossEntropy(positive_weight=3),
        softmax_loss,
        SoftmaxCrossEntropy(label_smoothing=0.2),
        SoftmaxCrossEntropy(class_weight=[1, 2, 5]),
        SoftmaxCrossEntropy(class_weight=[1, 2, 5], label_smoothing=0.2, ignore=-1),
    ],
    ids=lambda loss: type(loss).__name__,
)


def for_each(loss: Any, *shape: int) -> NDArray[Any]:
    """A target that every loss takes: classes, or 1 for each entry."""
    if isinstance(loss, SoftmaxCrossEntropy):
        return np.random.default_rng(1).integers(shape[-1], size=shape[:-1])
    return np.ones(shape)


@EVERY
class TestWeights:
    @given(data=st.data())
    def test_whole_numbers_are_repeated_rows(self, loss: Any, data: st.DataObject) -> None:
        n = data.draw(st.integers(1, 5))
        times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
        times[0] += 1
        Y, target = np.random.default_rng(n).normal(size=(n, 3)), for_each(loss, n, 3)
        value, grad = loss(Y, target, times)
        rows = np.repeat(np.arange(n), times)
        expected, of_rows = loss(Y[rows], target[rows])
        summed = np.zeros_like(grad)
        np.add.at(summed, rows, of_rows)
        assert value == pytest.approx(expected, rel=1e-13)
        np.testing.assert_allclose(grad, summed, rtol=1e-12, atol=1e-16)

    def test_all_alike_they_change_nothing(self, loss: Any) -> None:
        Y, target = np.random.default_rng(0).normal(size=(4, 3)), for_each(loss, 4, 3)
        value, grad = loss(Y, target, np.full(4, 0.3))
        expected = loss(Y, target)
        assert value == pytest.approx(expected[0], rel=1e-14)
        np.testing.assert_allclose(grad, expected[1], rtol=1e-13)

    def test_a_row_of_weight_0_may_be_infinite(self, loss: Any) -> None:
        Y, target = np.random.default_rng(0).normal(size=(3, 3)), for_each(loss, 3, 3)
        rest = loss(Y[:2], target[:2])
        Y[2] = nan
        with np.errstate(invalid="ignore"):
            value, grad = loss(Y, target, np.array([1, 1, 0]))
        assert value == pytest.approx(rest[0], rel=1e-14)
        np.testing.assert_allclose(grad[:2], rest[1], rtol=1e-13)
        assert grad[2].tolist() == [0, 0, 0]

    def test_of_positions(self, loss: Any) -> None:
        """Those of sequences are those of their rows in a row."""
        Y, target = np.random.default_rng(0).normal(size=(2, 4, 3)), for_each(loss, 2, 4, 3)
        weight = np.arange(8.0).reshape(2, 4)
        value, grad = loss(Y, target, weight)
        flat = target.reshape(8, *target.shape[2:])
        expected = loss(Y.reshape(8, 3), flat, weight.ravel())
        assert value == pytest.approx(expected[0], rel=1e-14)
        np.testing.assert_allclose(grad, expected[1].reshape(2, 4, 3), rtol=1e-13)
        by_row = loss(Y, target, np.array([1, 2]))
        repeated = loss(Y, target, np.repeat([[1], [2]], 4, axis=1))
        assert by_row[0] == pytest.approx(repeated[0], rel=1e-14)

    @DTYPES
    def test_dtype_is_kept_and_arguments_are_untouched(self, loss: Any, dtype: Any) -> None:
        Y, target, weight = np.ones((3, 3), dtype), for_each(loss, 3, 3), np.array([1.0, 0.0, 2.0])
        for array in Y, target, weight:
            array.flags.writeable = False
        value, grad = loss(Y, target, weight)
        assert type(value) is float
        assert grad.dtype == dtype
        assert grad.shape == Y.shape

    @pytest.mark.parametrize("shape", [(), (2,), (3, 1), (3, 4), (1, 3), (3, 3, 1)])
    def test_another_shape_is_refused(self, loss: Any, shape: tuple[int, ...]) -> None:
        of = (3,) if isinstance(loss, SoftmaxCrossEntropy) else (3, 3)
        with raises(
            ValueError,
            f"{type(loss).__name__}: weight has shape {shape}, expected the first axes of {of}: "
            "one weight for each row, or one for each position",
        ):
            loss(np.zeros((3, 3)), for_each(loss, 3, 3), np.ones(shape))

    @pytest.mark.parametrize(
        ("weight", "low", "high"),
        [([1, -1], -1.0, 1.0), ([1, inf], 1.0, inf), ([nan, 1], nan, nan)],
    )
    def test_other_numbers_are_refused(
        self, loss: Any, weight: list[float], low: float, high: float
    ) -> None:
        with raises(
            ValueError,
            f"{type(loss).__name__}: weight has numbers from {low} to {high}, expected finite "
            "numbers from 0 up",
        ):
            loss(np.zeros((2, 3)), for_each(loss, 2, 3), np.array(weight))

    def test_all_zero_is_refused(self, loss: Any) -> None:
        with raises(
            ValueError,
            f"{type(loss).__name__}: weight is 0 everywhere, so nothing is left to take a mean of",
        ):
            loss(np.zeros((2, 3)), for_each(loss, 2, 3), np.zeros(2))

    def test_no_numbers_are_refused(self, loss: Any) -> None:
        with raises(
            TypeError,
            f"{type(loss).__name__}: weight has dtype <U1, expected real numbers: convert it first",
        ):
            loss(np.zeros((2, 3)), for_each(loss, 2, 3), np.array(["a", "b"]))


def test_entries_of_one_row_may_have_weights() -> None:
    """An error of 1 with weight 3 and one of 2 with weight 1: (3 + 4) / 4."""
    value, grad = mse(np.array([[1.0, 2.0]]), np.zeros((1, 2)), np.array([[3.0, 1.0]]))
    assert value == 1.75
    assert grad.tolist() == [[1.5, 1.0]]

"""Functions that are no layer, and losses, through the same check; what is raised on the way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from layerwise import (
    Layer,
    MeanSquaredError,
    Parameter,
    check_gradient,
    check_layer,
    check_loss,
)
from layerwise.arrays import Array
from tests.raising import raises


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


A = normal(5, 3, seed=1)
x = np.array([1.3, 0.7, 0.8, 1.9])


# Three forms --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["fast", "full"])
def test_a_value_with_its_gradient(mode: Any) -> None:
    report = check_gradient(lambda x: (rosen(x), rosen_der(x)), x, mode=mode)
    assert report.passed
    assert report.mode == mode
    assert [tensor.name for tensor in report.tensors] == ["x"]


def test_a_gradient_apart() -> None:
    report = check_gradient(rosen, x, jac=rosen_der)
    assert (report.subject, report.verdict) == ("rosen", "proven")
    assert str(report).splitlines()[1].startswith("  x (4,), at the given x: ")


def test_a_vector_jacobian_product() -> None:
    def vjp(x: Array, grad: Array) -> Array:
        found: Array = A.T @ (grad * (1 - np.tanh(A @ x) ** 2))
        return found

    report = check_gradient(lambda x: np.tanh(A @ x), normal(3), vjp=vjp)
    assert report.passed
    report = check_gradient(lambda x: np.tanh(A @ x), normal(3), vjp=lambda x, grad: A.T @ grad)
    assert report.verdict == "wrong"


def test_arguments_go_to_all_three() -> None:
    args = (2.5, normal(3, seed=2))

    def f(x: Array, scale: float, y: Array) -> float:
        return float(scale * ((x - y) ** 2).sum())

    def jac(x: Array, scale: float, y: Array) -> Array:
        return 2 * scale * (x - y)

    assert check_gradient(f, normal(3), jac=jac, args=args).passed
    assert check_gradient(lambda x, *a: (f(x, *a), jac(x, *a)), normal(3), args=args).passed
    assert check_gradient(lambda x, *a: np.asarray(f(x, *a)), normal(3), args=args,
                          vjp=lambda x, grad, *a: grad * jac(x, *a)).passed  # fmt: skip


def test_a_tuple_of_arrays() -> None:
    def f(x: tuple[Array, Array]) -> tuple[float, tuple[Array, Array]]:
        W, b = x
        Y = A @ W + b
        return float((Y**2).sum()), (2 * A.T @ Y, 2 * Y.sum(axis=0))

    given = normal(3, 4), normal(4)
    assert check_gradient(f, given).passed
    report = check_gradient(lambda x: (f(x)[0], [f(x)[1][0], f(x)[1][1] / 5]), given)
    assert report.hint == "x[1]: factor 0.2: the gradient is 0.2 times the right one"
    assert [tensor.name for tensor in report.tensors] == ["x[0]", "x[1]"]
    assert check_gradient(lambda x: A @ x[0] + x[1], given,
                          vjp=lambda x, grad: (A.T @ grad, grad.sum(axis=0))).passed  # fmt: skip


def test_lists_integers_and_single_precision_are_taken() -> None:
    assert check_gradient(lambda x: (x @ x, [2 * x[0], 2 * x[1]]), [1, 2]).passed
    assert check_gradient(lambda x: (int(x[0]) * 0 + 3, [0, 0]), [1.5, 2.5]).verdict != "wrong"
    single = np.array([1.5, 2.5], np.float32)
    assert check_gradient(lambda x: (x @ x, 2 * x), single).passed


def test_an_x_of_another_shape_is_not_asked_about() -> None:
    """A gradient of two numbers, which an f of more would not refuse."""

    def f(x: Array) -> tuple[float, Array]:
        assert x.shape == (2,)
        return float(x[0] * x[1]), np.array([x[1], x[0]])

    report = check_gradient(f, normal(2))
    assert report.passed
    assert "rows" not in report.notes[-1]


def test_the_accuracy_of_f_may_be_stated() -> None:
    def rough(x: Array) -> tuple[float, Array]:
        return float(np.round(x @ x, 3)), 2 * x

    assert not check_gradient(rough, x).passed
    assert check_gradient(rough, x, forward_error=1e-3).passed


# Reports ------------------------------------------------------------------------------------------


def test_the_report_speaks_of_f_and_x() -> None:
    def wrong(x: Array) -> Array:
        found: Array = rosen_der(x)
        found[1] *= 2
        return found

    report = check_gradient(rosen, x, jac=wrong)
    assert report.hint == "x: wrong only at one element: (1,)"
    worst = report.tensors[0].worst
    assert worst is not None
    assert worst.where == "x[1]"
    assert report.tensors[0].point == "at the given x"


def test_the_report_says_vjp_and_axis_0() -> None:
    slow = check_gradient(np.sin, normal(4, 3), vjp=lambda x, grad: grad * x)
    assert slow.verdict == "wrong"
    report = check_gradient(np.sin, normal(4, 3), vjp=lambda x, grad: grad)
    assert report.hint == "x: vjp leaves out cos(x): times it, the gradient is right"
    report = check_gradient(np.sort, normal(4, 3), vjp=lambda x, grad: grad)
    assert report.hint == "x: vjp gives grad as it came: what f does to x is missing"
    report = check_gradient(np.sin, normal(4, 3), vjp=lambda x, g: g * np.cos(x) / len(x))
    assert report.hint == (
        "x: factor 1/n, one over the length of axis 0 (4), as by a mean for a sum: the gradient is "
        "0.25 times the right one"
    )


def test_a_vjp_has_to_be_linear() -> None:
    report = check_gradient(np.sin, normal(3), vjp=lambda x, grad: np.clip(grad, -1, 1) * np.cos(x))
    assert report.faults[0].startswith("vjp is not linear in grad: ")


def test_a_jac_that_raises_or_has_another_form_is_a_fault() -> None:
    def raising(x: Array) -> Array:
        raise ArithmeticError("no gradient")

    (fault,) = check_gradient(rosen, x, jac=raising).faults
    assert fault.startswith("jac raised ArithmeticError: no gradient (test_adapters.py, line ")
    assert check_gradient(rosen, x, jac=lambda x: rosen_der(x)[:2]).faults == [
        "the gradient of x has shape (2,), expected (4,)"
    ]
    report = check_gradient(
        lambda x: ((A @ x).sum(), np.outer(np.ones(2), A.sum(axis=0))), normal(3, 2)
    )
    assert report.hint == "transpose: the gradient has shape (2, 3), and the value (3, 2)"


def test_an_f_that_writes_into_x_is_a_fault() -> None:
    def f(x: Array) -> tuple[float, Array]:
        x *= 2
        return float(x @ x), 4 * x

    report = check_gradient(f, x.copy())
    assert report.faults == ["f changed its argument x"]


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "how", "error", "text"),
    [
        (lambda x: 1.0, {}, TypeError,
         "check_gradient: f(x) returned float, expected the pair (value, gradient): a gradient "
         "apart is given as jac=..."),
        (lambda x: (x, x), {}, TypeError,
         "check_gradient: f(x) has shape (4,), expected a number: for an array of values give the "
         "vector-Jacobian product, vjp=..."),
        (np.sin, {"jac": np.cos}, TypeError,
         "check_gradient: f(x) has shape (4,), expected a number: for an array of values give the "
         "vector-Jacobian product, vjp=..."),
    ],
)  # fmt: skip
def test_another_form_of_f_is_refused(
    f: Callable[..., Any], how: dict[str, Any], error: type[Exception], text: str
) -> None:
    with raises(error, text):
        check_gradient(f, x, **how)


def test_an_x_that_is_empty_or_not_finite_is_refused() -> None:
    with raises(ValueError, "check_gradient: x has no entries, expected at least one"):
        check_gradient(rosen, np.zeros(0), jac=rosen_der)
    with raises(
        ValueError,
        "check_gradient: x[1] has numbers that are not finite, expected finite ones: the first is "
        "nan at [0]",
    ):
        check_gradient(rosen, (x, np.array([np.nan])), jac=rosen_der)
    with raises(
        ValueError,
        "check_gradient: x has numbers that are not finite, expected finite ones: the first is "
        "inf at [0]",
    ):
        check_gradient(rosen, np.array([np.inf]), jac=rosen_der)


# Losses -------------------------------------------------------------------------------------------


def test_a_loss_is_spoken_of_as_Y() -> None:
    def halved(Y: Array, target: Array) -> tuple[float, Array]:
        return float(((Y - target) ** 2).mean()), (Y - target) / Y.size

    report = check_loss(halved, normal(4, 3), normal(4, 3, seed=1))
    assert report.hint == "Y: factor 1/2: the gradient is 0.5 times the right one"
    assert "X" not in str(report)
    worst = report.tensors[0].worst
    assert worst is not None
    assert worst.where.startswith("Y[")


def _scaled(change: Callable[[Array, float], float]) -> Callable[..., tuple[float, Array]]:
    """A mean of squares, weighted or not, times a number that its rows and weights change."""

    def loss(Y: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        value, dY = MeanSquaredError()(Y, target, weight)
        scale = change(Y, 0.0 if weight is None else float(weight.sum()))
        return scale * value, scale * dY

    return loss


Y, T = np.array([[1e-3, 2e-3], [0.0, -1e-3]]), np.zeros((2, 2))


def test_a_loss_is_a_mean_over_the_rows() -> None:
    assert check_loss(_scaled(lambda Y, weights: float(len(Y))), Y, T).faults == [
        "the value is not a mean over rows: 3e-06, and with every row twice 6e-06"
    ]

    def faults(off: float) -> int:
        return len(check_loss(_scaled(lambda Y, weights: 1 + off * (len(Y) > 2)), Y, T).faults)

    assert (faults(0.95e-4), faults(1.05e-4)) == (0, 1)


def test_a_loss_is_divided_by_the_sum_of_its_weights() -> None:
    weight = np.array([1.0, 3.0])

    def faults(off: float) -> int:
        twice = _scaled(lambda Y, weights: 1 + off * (len(Y) == 2 and weights == 8))
        return len(check_loss(twice, Y, T, weight).faults)

    assert (faults(0.95e-4), faults(1.05e-4)) == (0, 1)


def test_a_loss_at_Y_that_is_not_finite_is_refused() -> None:
    text = (
        "check_loss: Y has numbers that are not finite, expected finite ones: the first is nan at "
        "[0]"
    )
    with raises(ValueError, text):
        check_loss(MeanSquaredError(), np.array([np.nan]), np.zeros(1))


def test_what_is_no_loss_is_refused() -> None:
    def nothing(Y: Array, T: Array) -> Any:
        """A loss whose return was forgotten."""

    text = (
        "check_loss: loss is the class MeanSquaredError, expected one to be called with "
        "(Y, target), such as MeanSquaredError()"
    )
    the_class: Any = MeanSquaredError
    with raises(TypeError, text):
        check_loss(the_class, normal(4, 3), normal(4, 3))
    with raises(TypeError, "nothing returned None, expected a pair: (value, gradient)"):
        check_loss(nothing, normal(4, 3), normal(4, 3))


def test_unless_it_is_said_both_draw_alike_and_show_no_bar(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def of_f(**how: Any) -> float:
        report = check_gradient(np.sin, x, vjp=lambda x, grad: grad * np.cos(x), **how)
        return report.tensors[0].comparisons[0].analytic

    def of_loss(**how: Any) -> float:
        report = check_loss(MeanSquaredError(), normal(4, 3), np.zeros((4, 3)), **how)
        return report.tensors[0].comparisons[0].analytic

    for analytic in (of_f, of_loss):
        assert analytic() == analytic(rng=0) != analytic(rng=1)
        analytic(mode="full")
        assert capsys.readouterr().err == ""
        analytic(mode="full", progress=True)
        assert capsys.readouterr().err != ""


# What a layer raises ------------------------------------------------------------------------------


class Planted(Layer[Array, Array]):
    """Y = X W, with a backward that adds or returns something else."""

    def __init__(self, add: Callable[[Parameter, Array, Array], Any], back: Any = None) -> None:
        self.inner = {"W": Parameter(normal(4, 3))}
        self.add, self.back = add, back

    def forward(self, X: Array, /) -> Any:
        W = self.inner["W"].value

        def backward(grad: Array) -> Array:
            self.add(self.inner["W"], X, grad)
            dX: Array = grad @ W.T
            return dX if self.back is None else self.back(dX)

        return X @ W, backward


HERE = Path(__file__).name


def test_a_gradient_of_the_transposed_shape() -> None:
    report = check_layer(Planted(lambda W, X, grad: W.add_grad(grad.T @ X)), normal(5, 4))
    (fault,) = report.faults
    assert fault.startswith(
        "backward raised ValueError: Parameter: a gradient of shape (3, 4) came"
    )
    assert f" ({HERE}, line " in fault
    assert fault.endswith(", for inner.W)")
    assert report.hint == "transpose: the gradient has shape (3, 4), and the value (4, 3)"
    report = check_layer(
        Planted(lambda W, X, grad: W.add_grad(X.T @ grad), np.transpose), normal(5, 4)
    )
    assert report.faults == ["the gradient of X has shape (4, 5), expected (5, 4)"]
    assert report.hint == "transpose: the gradient has shape (4, 5), and the value (5, 4)"


def test_a_gradient_of_another_shape_or_dtype() -> None:
    report = check_layer(Planted(lambda W, X, grad: W.add_grad(grad.sum(axis=0))), normal(5, 4))
    assert report.faults[0].endswith(", for inner.W)")
    assert report.hint is None
    line = Planted.forward.__code__.co_firstlineno
    report = check_layer(Planted(lambda W, X, grad: X @ grad), normal(5, 4))
    assert report.faults[0].startswith("backward raised ValueError: matmul")
    assert f" ({HERE}, line " in report.faults[0]
    assert line > 0
    assert report.hint is None


def test_an_attribute_that_is_not_there_is_shown() -> None:
    def assign(W: Any, X: Array, grad: Array) -> None:
        W.grad = X.T @ grad

    (fault,) = check_layer(Planted(assign), normal(5, 4)).faults
    assert fault.startswith("backward raised AttributeError: ")
    assert f" ({HERE}, line {assign.__code__.co_firstlineno + 1}" in fault


def test_an_error_only_with_another_X_has_its_line_too() -> None:
    def late(W: Parameter, X: Array, grad: Array) -> None:
        W.add_grad(X.T @ grad)
        if len(X) != 5:
            raise ArithmeticError("five rows")

    (fault,) = check_layer(Planted(late), normal(5, 4)).faults
    assert "backward raised ArithmeticError: five rows (" in fault
    assert f"{HERE}, line {late.__code__.co_firstlineno + 3})" in fault


@pytest.mark.parametrize(
    ("returned", "what"),
    [
        (lambda Y: Y, "ndarray"),
        (lambda Y: (Y, Y), "a tuple of ndarray, ndarray"),
        (lambda Y: (Y,), "a tuple of ndarray"),
        (lambda Y: None, "NoneType"),
    ],
)
def test_a_forward_that_returns_no_pair(returned: Callable[[Array], Any], what: str) -> None:
    class NoPair(Layer[Array, Array]):
        def forward(self, X: Array, /) -> Any:
            return returned(2 * X)

    assert check_layer(NoPair(), normal(3, 2)).faults == [
        f"forward returned {what}, expected the pair Y, backward: the answer, and the function "
        "that takes dL/dY and returns dL/dX"
    ]


def test_what_is_added_wrongly_is_assigned_only_where_it_is() -> None:
    def lost(W: Parameter, X: Array, grad: Array) -> None:
        if not np.any(W.grad):
            W.add_grad(X.T @ grad)

    report = check_layer(Planted(lost), normal(5, 4))
    assert report.faults == ["the gradient of inner.W was not added to the one before"]
    assert report.hint is None


class TestCheckLossWithWeights:
    Y, T, W = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[0.0, 1.0], [1.0, 1.0]]), [1.0, 3.0]

    def test_a_weighted_mean_is_proven(self) -> None:
        assert check_loss(MeanSquaredError(), self.Y, self.T, np.array(self.W)).passed

    def test_a_weight_left_out_of_the_gradient_is_wrong(self) -> None:
        def loss(Y: Array, target: Array, weight: Array) -> tuple[float, Array]:
            return MeanSquaredError()(Y, target, weight)[0], MeanSquaredError()(Y, target)[1]

        assert check_loss(loss, self.Y, self.T, np.array(self.W)).verdict == "wrong"

    def test_a_sum_of_weights_that_is_left_out(self) -> None:
        def loss(Y: Array, target: Array, weight: Array) -> tuple[float, Array]:
            error, w = Y - target, weight[:, np.newaxis]
            return float((w * error * error).mean()), 2 * w * error / Y.size

        report = check_loss(loss, self.Y, self.T, np.array(self.W))
        assert report.faults == [
            "the value is not divided by the sum of the weights: 3.6875, and with twice "
            "the weights 7.375"
        ]

    def test_a_weight_that_it_changes(self) -> None:
        def loss(Y: Array, target: Array, weight: Array) -> tuple[float, Array]:
            weight /= weight.sum()
            return MeanSquaredError()(Y, target, weight)

        report = check_loss(loss, self.Y, self.T, np.array(self.W))
        assert report.faults == ["the loss changed its argument weight"]


def test_numbers_are_arrays_without_axes() -> None:
    assert check_gradient(lambda x: (x**2, 2 * x), 3.0).passed
    assert check_gradient(
        lambda x: ((x[0] @ x[0]) * x[1], (2 * x[0] * x[1], x[0] @ x[0])), (np.ones(3), 2.0)
    ).passed


def test_two_ways_to_give_the_gradient_are_refused() -> None:
    with raises(ValueError, "check_gradient: jac and vjp came, expected one of the two"):
        check_gradient(np.sin, np.ones(2), jac=np.cos, vjp=lambda x, grad: grad * np.cos(x))

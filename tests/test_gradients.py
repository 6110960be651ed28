"""The checker as an instrument: what it must prove, refuse and say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layerwise import (
    Dense,
    Layer,
    MeanSquaredError,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    check_layer,
    check_loss,
    numerical_gradient,
)
from layerwise.arrays import Array, Indices, Matrix
from layerwise.gradients.check import Mode
from layerwise.gradients.differences import extrapolate
from layerwise.layers.base import walk
from layerwise.testing import assert_layer
from tests.gradient_cases import CASES, LOSS_CASES, Case, LossCase
from tests.gradients.points import Elementwise, Scale, normal

MODES: list[Mode] = ["fast", "full"]
each_mode = pytest.mark.parametrize("mode", MODES)
Way = tuple[Array, Callable[[Array], Array]]


# The body of cases --------------------------------------------------------------------------------


@each_mode
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict_on_layer(case: Case, mode: Mode) -> None:
    report = check_layer(*case.make(np.random.default_rng(0)), mode=mode)
    assert report.passed == (case.expected == "right"), report
    if case.hint is not None:
        assert report.hint is not None, report
        assert case.hint in report.hint, report


@each_mode
@pytest.mark.parametrize("case", LOSS_CASES, ids=lambda case: case.name)
def test_verdict_on_loss(case: LossCase, mode: Mode) -> None:
    report = check_loss(*case.make(np.random.default_rng(0)), mode=mode)
    assert report.passed == (case.expected == "right"), report
    if case.hint is not None:
        assert report.hint is not None, report
        assert case.hint in report.hint, report


# numerical_gradient -------------------------------------------------------------------------------


def test_numerical_gradient_of_the_course() -> None:
    # Part 2.4: x = 1..4, y = 2x + 1, W = 1, b = .5. The text prints -5 and -1.5.
    x = np.arange(1.0, 5.0)

    def loss(parameters: Array) -> float:
        W, b = parameters
        return float(np.mean((W * x + b - (2 * x + 1)) ** 2))

    found = numerical_gradient(loss, np.array([1.0, 0.5]))
    np.testing.assert_allclose(found, [-17.5, -6.0], rtol=1e-9)


def test_numerical_gradient_keeps_x_and_shape() -> None:
    x = normal(2, 3, 2).astype(np.float32)
    before = x.copy()
    found = numerical_gradient(lambda x: float((x**3).sum()), x)
    assert np.array_equal(x, before)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, 3 * x.astype(np.float64) ** 2, rtol=1e-7, atol=1e-9)


def test_numerical_gradient_takes_its_step() -> None:
    x = np.array([1.0])
    found = numerical_gradient(lambda x: float(x[0] ** 3), x, h=0.5)
    assert found[0] == pytest.approx(3 + 0.25)  # 3 x² + h²


# Differences and their bound ----------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 300.0])
@pytest.mark.parametrize("name", ["sin", "tanh", "exp", "arctan"])
def test_bound_holds(name: str, scale: float) -> None:
    functions: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
        "sin": (np.sin, np.cos),
        "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
        "exp": (np.exp, np.exp),
        "arctan": (np.arctan, lambda x: 1 / (1 + x * x)),
    }
    f, slope = functions[name]
    for x in np.linspace(-1.5, 1.5, 23):
        h = 4.0 ** -np.arange(3, 15)
        D = np.array([(f(scale * (x + s)) - f(scale * (x - s))) / (2 * s) for s in h])
        noise = 1e-15 * max(1, abs(f(scale * x))) * max(1, scale)
        value, bound, _ = extrapolate(h, D, noise)
        true = scale * slope(scale * x)
        assert abs(value - true) <= bound
        assert bound <= 1e-6 * max(scale, abs(true))


def test_differences_that_do_not_approach_anything_bound_nothing() -> None:
    h = 4.0 ** -np.arange(3, 7)
    _, bound, _ = extrapolate(h, np.array([1.0, 4.0, 16.0, 64.0]), 1e-16)
    assert bound == np.inf


@pytest.mark.parametrize(("last", "bound"), [(1.4, 0.8), (1.6, np.inf)])
def test_what_changes_by_less_than_half_as_much_approaches_a_limit(
    last: float, bound: float
) -> None:
    h = 4.0 ** -np.arange(3, 6)
    assert extrapolate(h, np.array([0.0, 1.0, last]), 0.0)[1] <= bound
    assert np.isinf(extrapolate(h, np.array([0.0, 1.0, last]), 0.0)[1]) == np.isinf(bound)


def test_the_smallest_steps_have_the_last_word() -> None:
    h, D = 4.0 ** -np.arange(3, 7), np.ones(4)
    tiny = np.array([4.0**-14])
    value, bound, at = extrapolate(h, D, 1e-16)
    assert (value, at) == (1.0, 1)
    assert bound == pytest.approx(6e-16 / h[1], abs=0)
    assert extrapolate(h, D, 1e-16, (tiny, np.zeros(1)))[1] == np.inf
    # What rounding explains is no objection.
    assert extrapolate(h, D, 1e-16, (tiny, 1 + 2e-16 / tiny))[0] == 1
    assert extrapolate(h, D, 1e-16, (tiny, 1 + 8e-16 / tiny))[1] == np.inf


@pytest.mark.parametrize(("height", "verdict"), [(0.02, "wrong"), (0.005, "inconclusive")])
def test_a_stair_is_a_choice_from_a_hundredth_of_the_answer_on(height: float, verdict: str) -> None:
    def f(X: Array) -> Array:
        Y: Array = np.floor(X / height) * height
        return Y

    X = np.array([[0.9871, 0.5432], [0.3217, 0.7654]])
    report = check_layer(Elementwise(f, np.ones_like), X)
    assert report.tensors[-1].verdict == verdict
    assert not report.passed


@pytest.mark.parametrize(("many", "measured"), [(1024, 1024), (1025, 256)])
def test_so_many_elements_are_measured_to_find_a_mistake(many: int, measured: int) -> None:
    report = check_layer(Scale(many, lambda right, grad: 2 * right), normal(2, many))
    (wrong,) = [tensor for tensor in report.tensors if tensor.verdict == "wrong"]
    assert measured <= len(wrong.comparisons) <= measured + 32 * (many > 1024)


def test_some_elements_are_measured_at_kinks() -> None:
    X = np.where(np.arange(300).reshape(10, 30) % 9 == 0, 0, normal(10, 30))
    report = check_layer(ReLU(), X)
    assert len(report.tensors[0].comparisons) == 48
    assert report.tensors[0].verdict == "proven"


# What the check leaves alone ----------------------------------------------------------------------


@each_mode
def test_the_layer_and_X_are_untouched(mode: Mode) -> None:
    network = Sequential(Dense(3, 4, rng=0), ReLU(), Dense(4, 2, rng=1))
    X = normal(5, 3)
    X.flags.writeable = False
    network.forward(X)[1](np.ones((5, 2)))
    before = [(p.value.copy(), p.grad.copy()) for p in network.parameters()]
    assert check_layer(network, X, mode=mode).passed
    for parameter, (value, grad) in zip(network.parameters(), before, strict=True):
        assert np.array_equal(parameter.value, value)
        assert np.array_equal(parameter.grad, grad)


def test_a_generator_of_the_layer_is_untouched() -> None:
    class Noise(Layer[Array, Array]):
        def __init__(self) -> None:
            self.rng = np.random.default_rng(3)

        def __call__(self, X: Array, /) -> Array:
            return X

        def forward(self, X: Array, /) -> Way:
            factor = self.rng.random(X.shape)

            def backward(grad: Array) -> Array:
                return grad * factor

            return X * factor, backward

    layer = Noise()
    assert_layer(layer, normal(4, 3))
    assert layer.rng.random() == np.random.default_rng(3).random()


def test_the_same_rng_gives_the_same_report() -> None:
    layer, X = Dense(3, 2, rng=0), normal(4, 3)
    assert str(check_layer(layer, X)) == str(check_layer(layer, X, rng=0))
    assert str(check_layer(layer, X, rng=0)) != str(check_layer(layer, X, rng=1))


def test_an_error_of_forward_is_the_caller_s() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        check_layer(Dense(3, 2), np.ones((4, 5)))


# Cost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(3, 4, 2), (10, 20, 5), (30, 20, 10)])
def test_full_mode_costs_eight_forwards_an_element(sizes: tuple[int, int, int]) -> None:
    inputs, hidden, outputs = sizes
    network = Sequential(Dense(inputs, hidden, rng=0), ReLU(), Dense(hidden, outputs, rng=1))
    X = normal(8, inputs)
    report = check_layer(network, X, mode="full")
    elements = X.size + sum(p.value.size for p in network.parameters())
    assert report.passed
    assert sum(len(tensor.comparisons) for tensor in report.tensors) == elements
    assert report.forwards <= 8 * elements + 1500


def test_fast_mode_costs_the_same_for_any_size() -> None:
    small, large = (check_layer(Dense(n, n, rng=0), normal(4, n)) for n in (5, 200))
    assert large.forwards <= small.forwards + 100


def test_a_mistake_in_a_large_tensor_is_found() -> None:
    def bend(right: Array, grad: Array) -> Array:
        changed = right.copy()
        changed[3456] *= 1.001
        return changed

    report = check_layer(Scale(5000, bend), normal(3, 5000))
    assert report.verdict == "wrong"
    worst = next(t for t in report.tensors if t.verdict == "wrong").worst
    assert worst is not None
    assert worst.where == "a[3456]"
    assert worst.analytic == pytest.approx(1.001 * worst.numeric, rel=1e-6)
    assert report.hint == "a: 1.001 times what is right only at one element: (3456,)"


@each_mode
@pytest.mark.parametrize(
    ("count", "words"),
    [
        (lambda X, Y: len(X), "1/n, one over the rows of the batch (5), as by a mean for a sum"),
        (lambda X, Y: Y.size, "1/20, one over axes 0 and 1 of Y (5 x 4), as by a mean for a sum"),
        # Of lengths that the layer does not let vary it may be chance.
        (lambda X, Y: Y.shape[1], "0.25, which is 1/4, one over axis 1 of Y (4)"),
        (lambda X, Y: X.shape[1], "0.333333, which is 1/3, one over axis 1 of X (3)"),
    ],
)
def test_a_factor_is_named_by_what_it_counts(
    count: Callable[[Array, Array], int], words: str, mode: Mode
) -> None:
    class Divided(Layer[Matrix, Matrix]):
        def __init__(self) -> None:
            self.W = Parameter(normal(3, 4, seed=1))

        def forward(self, X: Matrix, /) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
            W: Array = self.W.value
            Y: Matrix = X @ W

            def backward(grad: Matrix) -> Matrix:
                self.W.add_grad(X.T @ grad / count(X, Y))
                dX: Matrix = grad @ W.T
                return dX

            return Y, backward

    X = normal(5, 3)
    report = check_layer(Divided(), X, mode=mode)
    assert report.hint == (
        f"W: factor {words}: the gradient is "
        f"{1 / count(X, np.zeros((5, 4))):.6g} times the right one"
    )


@each_mode
def test_the_gradient_of_another_is_recognized_where_that_one_is_right(mode: Mode) -> None:
    """The other is proven along directions and is measured for the sake of the hint."""

    class Line(Layer[Array, Array]):
        def __init__(self) -> None:
            self.a, self.b = Parameter(normal(3, seed=1)), Parameter(normal(3, seed=2))

        def forward(self, X: Array, /) -> Way:
            a, b = self.a.value, self.b.value

            def backward(grad: Array) -> Array:
                self.a.add_grad((grad * X).sum(axis=0))
                self.b.add_grad((grad * X).sum(axis=0))
                return grad * a

            return a * X + b, backward

    report = check_layer(Line(), normal(5, 3), mode=mode)
    assert report.hint == "b: swapped: this is the gradient of a"


def test_an_element_is_measured_against_the_largest_of_its_tensor() -> None:
    """Else the report would call an error large because the element it is in is small."""
    report = check_layer(Scale(3), np.array([[1.0, 1e-3, 1e-6]]), mode="full")
    (tensor,) = [t for t in report.tensors if t.name == "a"]
    sizes = [comparison.size for comparison in tensor.comparisons]
    assert sizes == pytest.approx([sizes[0]] * 3, rel=1e-9)


# The report ---------------------------------------------------------------------------------------


def test_report_of_a_right_layer() -> None:
    lines = str(check_layer(Dense(3, 2, rng=0), normal(4, 3), mode="full")).splitlines()
    assert lines[0] == "Dense: gradient proven (full mode)"
    assert lines[1].startswith(
        "  X (4, 3), at the given X: 12 proven of 12 elements; a relative error of "
    )
    assert lines[3].startswith(
        "  W (3, 2), at the given X: 6 proven of 6 elements; a relative error of "
    )
    assert lines[-1] == (
        "  also run: N(0, 1) inputs and moved parameters, one row, 6 rows, 70 rows and thinned "
        "masks, rounded inputs, ten times larger inputs, parameters of the other sign, parameters "
        "at zero"
    )
    assert len(lines) == 8


def test_report_of_a_wrong_layer() -> None:
    report = check_layer(Scale(3, lambda right, grad: 2 * right), normal(4, 3))
    lines = str(report).splitlines()
    assert (report.verdict, report.passed) == ("wrong", False)
    assert lines[0] == "Scale: gradient wrong (fast mode)"
    assert lines[1] == "  likely cause: a: factor 2: the gradient is 2 times the right one"
    assert lines[2] == "  a (3,), at the given X: 3 wrong of 3 elements"
    assert lines[3].startswith("    worst: a[")
    worst = next(t for t in report.tensors if t.name == "a").worst
    assert worst is not None
    assert worst.analytic == pytest.approx(2 * worst.numeric)
    assert f"analytic {worst.analytic:.10g}, numeric {worst.numeric:.10g} ± " in lines[3]


def test_report_of_a_broken_promise() -> None:
    class Overwrites(Layer[Array, Array]):
        def forward(self, X: Array, /) -> Way:
            X *= 2

            def backward(grad: Array) -> Array:
                return 2 * grad

            return X, backward

    report = check_layer(Overwrites(), normal(4, 3))
    assert str(report) == (
        "Overwrites: gradient wrong (fast mode)\n"
        "  broken: forward changed its argument X\n"
        "  likely cause: argument overwritten: make a new array instead of writing into one you "
        "were given"
    )


def test_report_is_at_most_a_page() -> None:
    network = Sequential(*(layer for i in range(30) for layer in (Dense(3, 3, rng=i), Tanh())))
    report = check_layer(network, normal(4, 3))
    assert report.passed
    assert len(str(report).splitlines()) <= 60
    assert "  ... and 41 more, none of them worse" in str(report)


def test_a_kink_is_neither_proven_nor_wrong() -> None:
    X = np.array([[0.0, 1.0, -1.0]])
    report = check_layer(ReLU(), X, mode="full")
    given = report.tensors[0]
    assert (given.count("kink"), given.count("proven")) == (1, 2)
    assert report.passed
    all_kinks = check_layer(ReLU(), np.zeros((2, 3)), mode="full")
    assert all_kinks.tensors[0].count("kink") == 6
    assert all_kinks.tensors[0].verdict == "inconclusive"
    assert all_kinks.passed  # at N(0, 1) inputs
    assert "X (2, 3), at the given X: 6 at a kink of 6 elements\n" in str(all_kinks)


@pytest.mark.parametrize("offset", [1e6, 1e9])
def test_digits_that_cancel_are_noise(offset: float) -> None:
    class Offset(Layer[Array, Array]):
        """Y = X, with a few digits only."""

        def forward(self, X: Array, /) -> Way:
            def backward(grad: Array) -> Array:
                return grad

            return (X + offset) - offset, backward

    assert_layer(Offset(), normal(4, 3))
    assert_layer(Offset(), normal(4, 3), mode="full")


def test_inconclusive_is_not_a_pass() -> None:
    class Noisy(Layer[Array, Array]):
        """Right, but with an answer that is mostly rounded away."""

        def forward(self, X: Array, /) -> Way:
            def backward(grad: Array) -> Array:
                return grad * np.cos(X)

            return np.sin((X + 1e13) - 1e13), backward

    report = check_layer(Noisy(), normal(4, 3))
    assert report.verdict == "inconclusive"
    assert not report.passed
    assert "too noisy" in str(report)
    with pytest.raises(AssertionError, match="Noisy: gradient inconclusive"):
        assert_layer(Noisy(), normal(4, 3))


def test_assert_layer_shows_the_report() -> None:
    wrong = Scale(3, lambda right, grad: -right)
    with pytest.raises(AssertionError) as raised:
        assert_layer(wrong, normal(4, 3))
    assert str(raised.value) == str(check_layer(wrong, normal(4, 3)))
    assert "sign: the gradient has the wrong sign" in str(raised.value)


@each_mode
def test_plot(tmp_path: Path, mode: Mode) -> None:
    report = check_layer(Scale(3, lambda right, grad: 2 * right), normal(4, 3), mode=mode)
    figure = report.plot(tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0] == "a (3,), at the given X"
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["wrong"]
    assert len(titles) == 4


def test_plot_of_a_broken_promise_is_empty() -> None:
    class NotFinite(Scale):
        def forward(self, X: Array, /) -> Way:
            Y, backward = super().forward(X)
            return Y * np.inf, backward

    assert check_layer(NotFinite(3), normal(4, 3)).plot().axes == []


def test_full_mode_shows_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    check_layer(Dense(3, 2, rng=0), normal(4, 3), mode="full", progress=True)
    assert "12/12" in capsys.readouterr().err


# Forms of input -----------------------------------------------------------------------------------


def test_tuples_and_integers() -> None:
    class Picked(Layer[tuple[Array, Indices], Array]):
        """Y = X[i], one number of each row."""

        def forward(
            self, X: tuple[Array, Indices], /
        ) -> tuple[Array, Callable[[Array], tuple[Array, Indices]]]:
            values, columns = X
            rows = np.arange(len(values))

            def backward(grad: Array) -> tuple[Array, Indices]:
                dX = np.zeros_like(values)
                dX[rows, columns] = grad
                return dX, columns

            return values[rows, columns], backward

    report = check_layer(Picked(), (normal(4, 3), np.array([0, 2, 1, 2])))
    assert report.passed
    assert [tensor.name for tensor in report.tensors] == ["X[0]"]


def test_parameters_go_by_their_paths() -> None:
    network = Sequential(Dense(3, 2, rng=0), Sequential(Dense(2, 2, rng=1)))
    report = check_layer(network, normal(4, 3))
    paths = [path for path, item in walk(network) if isinstance(item, Parameter)]
    assert [tensor.name for tensor in report.tensors] == ["X", *paths]


# Stairs, jumps and iterations ---------------------------------------------------------------------


def quantized(X: Array) -> Array:
    return np.floor(255 * X) / 255


@each_mode
@pytest.mark.parametrize(
    ("f", "X"),
    [
        (quantized, np.random.default_rng(0).random((4, 3))),
        (np.floor, 100 + normal(4, 3)),
        (np.floor, np.round(3 * normal(4, 3))),
        (lambda X: np.floor(65535 * X) / 65535, np.random.default_rng(0).random((4, 3))),
        (lambda X: np.floor(65535 * X) / 65535, np.eye(3)),
    ],
)
def test_stairs_have_no_slope(f: Callable[[Array], Array], X: Array, mode: Mode) -> None:
    assert check_layer(Elementwise(f, np.zeros_like), X, mode=mode).passed
    assert not check_layer(Elementwise(f, np.ones_like), X, mode=mode).passed


class Equilibrium(Layer[Array, Array]):
    """Z = tanh(Z W + X), iterated until it changes by less than a tolerance."""

    def __init__(self, tolerance: float, factor: float = 1.0) -> None:
        self.W = Parameter(0.25 * normal(4, 4, seed=1))
        self.tolerance, self.factor = tolerance, factor

    def forward(self, X: Array, /) -> Way:
        W, Z = self.W.value, np.zeros_like(X)
        for _ in range(200):
            last, Z = Z, np.tanh(Z @ W + X)
            if np.abs(Z - last).max() < self.tolerance:
                break

        def backward(grad: Array) -> Array:
            D = 1 - Z * Z
            A = np.eye(4) - D[:, :, np.newaxis] * W
            dX: Array = self.factor * np.linalg.solve(A, (D * grad)[:, :, np.newaxis])[:, :, 0]
            self.W.add_grad(Z.T @ dX)
            return dX

        return Z, backward


@pytest.mark.parametrize("tolerance", [1e-5, 1e-6, 1e-8])
def test_an_iteration_that_stops_is_inconclusive_unless_its_error_is_known(
    tolerance: float,
) -> None:
    report = check_layer(Equilibrium(tolerance), normal(5, 4))
    assert report.verdict == "inconclusive"
    assert report.hint is not None
    assert report.hint.startswith(
        "forward seems to iterate until a tolerance, or to round: Y jumps by "
    )
    assert report.hint.endswith("check_layer(..., forward_error=...) checks to what accuracy Y has")
    assert check_layer(Equilibrium(tolerance), normal(5, 4), forward_error=10 * tolerance).passed
    wrong = check_layer(Equilibrium(tolerance, 1.02), normal(5, 4))
    assert wrong.verdict == "wrong"
    given = check_layer(Equilibrium(tolerance, 1.1), normal(5, 4), forward_error=10 * tolerance)
    assert given.verdict == "wrong"


@each_mode
def test_a_large_offset_is_no_mistake(mode: Mode) -> None:
    class Standardized(Layer[Array, Array]):
        def forward(self, X: Array, /) -> Way:
            C = X - X.mean(axis=0)
            s = np.sqrt((C * C).mean(axis=0))
            Y = C / s

            def backward(grad: Array) -> Array:
                dX: Array = (grad - grad.mean(axis=0) - Y * (grad * Y).mean(axis=0)) / s
                return dX

            return Y, backward

    for seed in range(4):
        for offset in (1e9, 1e9 * np.array([1.0, 2.0, -3.0])):
            assert_layer(Standardized(), offset + normal(8, 3, seed=seed), mode=mode)


def test_a_layer_in_float32_may_pass_on_the_dtype_of_X() -> None:
    network = Sequential(Sigmoid(), Dense(2, 1, rng=0, dtype=np.float32))
    assert_layer(network, normal(4, 2))


def test_digits_that_cancel_far_below_one_are_no_mistake() -> None:
    layer = Elementwise(
        lambda X: X * 1e-3 - np.sin(X * 1e-3), lambda X: 1e-3 * (1 - np.cos(X * 1e-3))
    )
    for seed in range(4):
        assert_layer(layer, 1 + 0.1 * normal(4, 3, seed=seed))


def test_elements_below_the_resolution_are_named_first() -> None:
    report = check_layer(
        Elementwise(lambda X: np.sin((X + 1e13) - 1e13), np.cos), normal(2, 2), mode="full"
    )
    noisy = report.tensors[0].count("noisy")
    assert noisy > 0
    assert f"  {noisy} elements of X were below the resolution" in str(report).splitlines()[:3]


@pytest.mark.parametrize("grad", [lambda T: None, lambda T: np.zeros(2)])
def test_an_input_without_a_gradient_gets_zeros(grad: Callable[[Indices], Any]) -> None:
    class Table(Layer[Indices, Array]):
        def __init__(self) -> None:
            self.E = Parameter(normal(5, 3))

        def forward(self, T: Indices, /) -> tuple[Array, Callable[[Array], Indices]]:
            E = self.E.value

            def backward(g: Array) -> Indices:
                dE = np.zeros_like(E)
                np.add.at(dE, T, g)
                self.E.add_grad(dE)
                found: Indices = grad(T)
                return found

            return E[T], backward

    assert check_layer(Table(), np.array([0, 1, 2])).faults == [
        "backward returned nothing like X, which has no gradient: return zeros of its shape, "
        "np.zeros_like(X)"
    ]


# Elsewhere ----------------------------------------------------------------------------------------


def test_a_gradient_that_is_not_finite_where_Y_is_smooth_is_a_fault() -> None:
    layer = Elementwise(lambda X: X * X + X, lambda X: (2 * X * X + X) / X)
    assert check_layer(layer, normal(4, 3)).faults == [
        "with rounded inputs, the gradient of X is not finite, where Y is smooth"
    ]
    assert check_layer(layer, np.abs(normal(4, 3))).passed  # zero may be no number for it


@pytest.mark.parametrize(("wrong", "fault"), [(True, "raised"), (False, None)])
def test_what_backward_raises_at_another_size_is_a_fault(wrong: bool, fault: str | None) -> None:
    class Cropped(Layer[Array, Array]):
        """The first four steps of each row."""

        def forward(self, X: Array, /) -> Way:
            shape = (len(X), 4, 2) if wrong else X.shape

            def backward(grad: Array) -> Array:
                dX = np.zeros(shape)
                if wrong and X.shape != shape:
                    raise ArithmeticError("four steps")
                dX[:, :4] = grad
                return dX

            return X[:, :4].copy(), backward

    report = check_layer(Cropped(), normal(3, 4, 2))
    expected = ["with size 5 for 4, backward raised ArithmeticError: four steps"] if fault else []
    assert [text.partition(" (test_gradients.py, line ")[0] for text in report.faults] == expected


def test_inputs_that_share_an_axis_grow_together() -> None:
    seen = set()

    class Weighted(Layer[tuple[Array, Array], Array]):
        """Y = M X for square M beside X."""

        def forward(
            self, X: tuple[Array, Array], /
        ) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
            A, M = X
            seen.add((A.shape[1:], M.shape[1:]))
            Y: Array = M @ A

            def backward(grad: Array) -> tuple[Array, Array]:
                return M.swapaxes(1, 2) @ grad, grad @ A.swapaxes(1, 2)

            return Y, backward

    assert check_layer(Weighted(), (normal(3, 4, 2), normal(3, 4, 4))).passed
    assert ((5, 4), (5, 5)) in seen


def test_other_sizes_leave_two_columns_alone() -> None:
    class Pair(Layer[Array, Array]):
        def forward(self, X: Array, /) -> Way:
            a, b = X[:, :1], X[:, 1:]

            def backward(grad: Array) -> Array:
                dX: Array = np.concatenate([grad * b, grad * a], axis=1)
                return dX

            return a * b, backward

    assert_layer(Pair(), normal(4, 2))


def test_no_mask_is_emptied() -> None:
    masks = []

    class Masked(Layer[tuple[Array, NDArray[np.bool_]], Array]):
        def forward(
            self, X: tuple[Array, NDArray[np.bool_]], /
        ) -> tuple[Array, Callable[[Array], tuple[Array, NDArray[np.bool_]]]]:
            A, mask = X
            masks.append(mask)

            def backward(grad: Array) -> tuple[Array, NDArray[np.bool_]]:
                return grad * mask, np.zeros_like(mask)

            return A * mask, backward

    assert check_layer(Masked(), (normal(4, 3), np.ones((4, 3), bool))).passed
    assert any(not mask.all() for mask in masks)
    assert all(mask.any(axis=1).all() for mask in masks)


# Losses -------------------------------------------------------------------------------------------


def test_a_sum_over_rows_is_refused() -> None:
    def summed(Y: Array, target: Array) -> tuple[float, Array]:
        return float(((Y - target) ** 2).sum()), 2 * (Y - target)

    report = check_loss(summed, normal(4, 3), normal(4, 3, seed=1))
    assert not report.passed
    assert report.subject == "summed"
    assert len(report.faults) == 1
    assert report.faults[0].startswith("the value is not a mean over rows: ")


def test_a_loss_for_one_number_of_rows_is_no_fault() -> None:
    def fixed(Y: Array, target: Array) -> tuple[float, Array]:
        if Y.shape != (4, 3):
            raise ValueError("four rows")
        return MeanSquaredError()(Y, target)

    assert check_loss(fixed, normal(4, 3), normal(4, 3, seed=1)).passed


def test_a_loss_that_changes_its_target_is_refused() -> None:
    def overwrites(Y: Array, target: Array) -> tuple[float, Array]:
        target -= Y
        return float((target**2).mean()), -2 * target / Y.size

    target = normal(4, 3, seed=1)
    before = target.copy()
    report = check_loss(overwrites, normal(4, 3), target)
    assert report.verdict == "wrong"
    assert report.hint is not None
    assert report.hint.startswith("argument overwritten")
    assert np.array_equal(target, before)


# Corners ------------------------------------------------------------------------------------------


def test_a_tuple_as_the_answer() -> None:
    class Both(Layer[Array, tuple[Array, Array]]):
        """Y = (X², 3 X), the second with a factor that is right or wrong."""

        def __init__(self, factor: float) -> None:
            self.factor = factor

        def forward(
            self, X: Array, /
        ) -> tuple[tuple[Array, Array], Callable[[tuple[Array, Array]], Array]]:
            def backward(grad: tuple[Array, Array]) -> Array:
                dX: Array = 2 * X * grad[0] + self.factor * grad[1]
                return dX

            return (X * X, 3 * X), backward

    assert check_layer(Both(3.0), normal(4, 2)).passed
    assert check_layer(Both(3.001), normal(4, 2)).verdict == "wrong"


def test_the_edge_of_a_domain_is_kept_to() -> None:
    def log(X: Array) -> Array:
        if np.any(X <= 0):
            raise ArithmeticError("not positive")
        Y: Array = np.log(X)
        return Y

    layer = Elementwise(log, lambda X: 1 / X)
    for mode in MODES:
        assert_layer(layer, np.array([[0.01, 0.5], [1.0, 0.7]]), mode=mode)


def test_an_error_at_the_same_X_is_a_fault() -> None:
    class Tired(Scale):
        def __init__(self) -> None:
            super().__init__(3)
            self.calls = np.zeros(1)

        def forward(self, X: Array, /) -> Way:
            self.calls += 1
            if self.calls[0] > 1:
                raise ArithmeticError("tired")
            return super().forward(X)

        def __call__(self, X: Array, /) -> Array:
            return X * self.a.value

    report = check_layer(Tired(), normal(4, 3))
    (fault,) = report.faults
    assert fault.startswith("forward raised ArithmeticError: tired (test_gradients.py, line ")


def test_digits_that_cancel_inside_are_no_mistake() -> None:
    layer = Elementwise(
        lambda X: 0.5 * X * (1 + np.tanh(X)),
        lambda X: 0.5 * (1 + np.tanh(X)) + 0.5 * X * (1 - np.tanh(X) ** 2),
    )
    for x in (-6.0, -12.0, -18.0, -19.0):
        for seed in range(5):
            assert check_layer(layer, np.array([[x]]), rng=seed).passed


def test_an_array_put_in_the_place_of_another_is_a_fault() -> None:
    class Replaces(Scale):
        def __init__(self) -> None:
            super().__init__(3)
            self.mean = np.zeros(3)

        def forward(self, X: Array, /) -> Way:
            self.mean = 0.9 * self.mean + 0.1 * X.mean(axis=0)
            return super().forward(X)

    report = check_layer(Replaces(), normal(4, 3))
    assert report.faults == [
        "forward or backward put something new in place of mean: what backward needs is a local "
        "variable of forward, and what stays, such as a running mean, is written into"
    ]


def test_a_gradient_written_past_add_grad_is_a_fault() -> None:
    class Written(Scale):
        def forward(self, X: Array, /) -> Way:
            a = self.a.value

            def backward(grad: Array) -> Array:
                self.a.grad[...] += (grad * X).sum(axis=0)
                return grad * a

            return X * a, backward

    report = check_layer(Written(3), normal(4, 3))
    assert report.faults == ["the gradient of a was not added with add_grad"]


def test_two_inputs_of_ones_are_no_masks() -> None:
    class Product(Layer[tuple[Array, Array], Array]):
        def forward(
            self, X: tuple[Array, Array], /
        ) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
            a, b = X

            def backward(grad: Array) -> tuple[Array, Array]:
                return grad * a, grad * b  # exchanged

            return a * b, backward

    assert check_layer(Product(), (np.ones((3, 4)), np.ones((3, 4)))).verdict == "wrong"


@pytest.mark.parametrize("raises", [False, True])
def test_where_nothing_smooth_is_near_it_is_inconclusive(raises: bool) -> None:
    def f(X: Array) -> Array:
        if raises and np.any(np.abs(X - 1) > 1e-3):
            raise ArithmeticError("too far")
        return np.abs(X - 1) if np.all(np.abs(X - 1) < 1e-3) else X * np.nan

    def slope(X: Array) -> Array:
        return np.where(np.abs(X - 1) < 1e-3, np.sign(X - 1), np.nan)

    report = check_layer(Elementwise(f, slope), np.ones((2, 2)))
    assert report.verdict == "inconclusive"
    assert report.tensors[0].count("kink") == 4


def test_a_layer_for_one_number_of_rows_is_checked_there() -> None:
    class Four(Scale):
        def forward(self, X: Array, /) -> Way:
            if len(X) != 4:
                raise ValueError("four rows")
            return super().forward(X)

    report = check_layer(Four(3), normal(4, 3))
    assert report.passed
    assert report.notes == [
        "also run: N(0, 1) inputs and moved parameters, thinned masks, rounded inputs, ten times "
        "larger inputs, parameters of the other sign, parameters at zero"
    ]


def test_an_answer_that_changes_later_is_a_fault() -> None:
    class Shared(Layer[Array, Array]):
        def __init__(self) -> None:
            self.buffer = np.zeros((4, 3))

        def __call__(self, X: Array, /) -> Array:
            return 2 * X

        def forward(self, X: Array, /) -> Way:
            Y = self.buffer[: len(X)]
            Y[...] = 2 * X

            def backward(grad: Array) -> Array:
                return 2 * grad

            return Y, backward

    report = check_layer(Shared(), normal(4, 3))
    assert report.faults == ["a later forward changed an answer given before"]


def test_a_gradient_that_changes_later_is_a_fault() -> None:
    class Shared(Layer[Array, Array]):
        def __init__(self) -> None:
            self.buffer = np.zeros((4, 3))

        def forward(self, X: Array, /) -> Way:
            def backward(grad: Array) -> Array:
                dX = self.buffer[: len(grad)]
                dX[...] = 2 * grad
                return dX

            return 2 * X, backward

    report = check_layer(Shared(), normal(4, 3))
    assert report.faults == ["a later call changed an answer or gradient given before"]


def test_a_value_that_forward_changes_is_a_fault() -> None:
    class Drifts(Scale):
        def __init__(self) -> None:
            super().__init__(3)
            self.unused = Parameter(np.ones(1))

        def forward(self, X: Array, /) -> Way:
            self.unused.value *= 1.0001
            return super().forward(X)

        def __call__(self, X: Array, /) -> Array:
            return X * self.a.value

    report = check_layer(Drifts(), normal(4, 3))
    assert report.faults == ["forward or backward changed the value of unused"]


@pytest.mark.parametrize("kept", [set(), type("Counter", (), {})()])
def test_what_a_call_writes_is_seen_wherever_it_is(kept: Any) -> None:
    class Counts(Layer[Array, Array]):
        def __init__(self) -> None:
            self.kept = kept

        def forward(self, X: Array, /) -> Way:
            if isinstance(self.kept, set):
                self.kept.add(len(self.kept))
            else:
                self.kept.n = getattr(self.kept, "n", 0) + 1

            def backward(grad: Array) -> Array:
                return grad

            return X + 0, backward

    (fault,) = check_layer(Counts(), normal(4, 3)).faults
    assert fault.startswith("a call wrote to kept")


@pytest.mark.parametrize("scale", [5.0, 10.0, 30.0])
@pytest.mark.parametrize("tied", [False, True])
def test_right_layers_are_proven_at_large_inputs(scale: float, tied: bool) -> None:
    def gelu(X: Array) -> Array:
        Y: Array = 0.5 * X * (1 + np.tanh(0.8 * (X + 0.045 * X**3)))
        return Y

    def gelu_slope(X: Array) -> Array:
        t = np.tanh(0.8 * (X + 0.045 * X**3))
        slope: Array = 0.5 * (1 + t) + 0.5 * X * (1 - t * t) * 0.8 * (1 + 0.135 * X * X)
        return slope

    class LogSoftmax(Layer[Array, Array]):
        def forward(self, X: Array, /) -> Way:
            Z = X - X.max(axis=-1, keepdims=True)
            P = np.exp(Z) / np.exp(Z).sum(axis=-1, keepdims=True)

            def backward(grad: Array) -> Array:
                dX: Array = grad - P * grad.sum(axis=-1, keepdims=True)
                return dX

            return Z - np.log(np.exp(Z).sum(axis=-1, keepdims=True)), backward

    for seed in range(5):
        X = normal(8, 6, seed=seed)
        X = (np.round(X) if tied else X) * scale
        assert_layer(LogSoftmax(), X)
        assert_layer(Elementwise(gelu, gelu_slope), X)


@pytest.mark.parametrize(
    ("grad", "fault"),
    [
        (lambda g: None, "the gradient of X is NoneType, expected an array"),
        (lambda g: g[:, :1], "the gradient of X has shape (4, 1), expected (4, 3)"),
        (lambda g: g.astype(np.float32), "the gradient of X has dtype float32, expected float64"),
        (lambda g: g * np.nan, "the gradient of X has numbers that are not finite"),
        (lambda g: (g, g), "backward returned another number of gradients than forward has inputs"),
        (lambda g: g + 1, "backward(0) gives X a gradient that is not zero"),
    ],
)
def test_form_of_the_gradient(grad: Callable[[Array], object], fault: str) -> None:
    class Formed(Layer[Array, Array]):
        def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
            def backward(g: Array) -> Array:
                found = grad(g)
                return found  # type: ignore[return-value]  # what is wrong with it

            return X + 0, backward

    assert check_layer(Formed(), normal(4, 3)).faults == [fault]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (lambda X: 1.0, "forward returned float, expected an array of floats"),
        (lambda X: X > 0, "forward returned ndarray, expected an array of floats"),
        (
            lambda X: X.astype(np.float32),
            "forward returned float32, expected float64: keep one dtype",
        ),
        (lambda X: X / 0, "forward returned numbers that are not finite"),
    ],
)
def test_form_of_the_answer(answer: Callable[[Array], Array], fault: str) -> None:
    assert check_layer(Elementwise(answer, np.ones_like), normal(4, 3)).faults == [fault]

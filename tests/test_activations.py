"""Activations: exact values at both ends, any shape, dtype kept, slopes by hand."""

from collections.abc import Callable
from math import exp, log
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from layerwise import (
    ELU,
    GELU,
    SELU,
    Array,
    Dense,
    HardSigmoid,
    Layer,
    LeakyReLU,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
    elu,
    gelu,
    hard_sigmoid,
    leaky_relu,
    log_softmax,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
)
from tests.raising import raises

EVERY_FUNCTION = [
    relu,
    sigmoid,
    softmax,
    leaky_relu,
    elu,
    selu,
    hard_sigmoid,
    gelu,
    silu,
    softplus,
    log_softmax,
]
FUNCTIONS = pytest.mark.parametrize("function", EVERY_FUNCTION, ids=lambda f: f.__name__)
LAYERS = pytest.mark.parametrize(
    "layer",
    [
        ReLU(),
        Sigmoid(),
        Tanh(),
        LeakyReLU(),
        ELU(),
        SELU(),
        HardSigmoid(),
        GELU(),
        GELU(approximate="tanh"),
        SiLU(),
        Softplus(),
    ],
    ids=repr,
)
DTYPES = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
LN3 = log(3)


class TestFunctions:
    def test_relu(self) -> None:
        assert relu(np.array([-2.0, -0.5, 0.0, 0.5, 2.0])).tolist() == [0.0, 0.0, 0.0, 0.5, 2.0]

    def test_relu_passes_on_what_is_not_a_number(self) -> None:
        """A hidden nan would let a diverged network look well."""
        assert np.isnan(relu(np.array([np.nan]))).all()

    @given(st.floats(-800, 800))
    def test_sigmoid_is_exact_to_rounding(self, x: float) -> None:
        expected = 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))
        got = sigmoid(np.array([x]))[0]
        assert got == pytest.approx(expected, rel=1e-14, abs=1e-320)

    @given(st.floats(-40, 40))
    def test_sigmoid_of_no_is_one_minus_that_of_yes(self, x: float) -> None:
        Y = sigmoid(np.array([x, -x]))
        assert Y.sum() == pytest.approx(1, rel=1e-14)

    def test_sigmoid_by_hand(self) -> None:
        Y = sigmoid(np.array([[0.0, LN3], [-LN3, log(7)]]))
        np.testing.assert_allclose(Y, [[0.5, 0.75], [0.25, 0.875]], rtol=1e-14)

    @DTYPES
    def test_sigmoid_at_the_ends(self, dtype: type[np.floating[Any]]) -> None:
        """Exact, and no overflow on the way: a warning would fail this test."""
        assert sigmoid(np.array([-1000, 1000], dtype)).tolist() == [0.0, 1.0]

    def test_softmax_by_hand(self) -> None:
        X = np.array([[0.0, LN3], [LN3, 0.0], [5.0, 5.0]])
        expected = [[0.25, 0.75], [0.75, 0.25], [0.5, 0.5]]
        np.testing.assert_allclose(softmax(X), expected, rtol=1e-14)
        np.testing.assert_allclose(softmax(X.T, axis=0), np.transpose(expected), rtol=1e-14)

    @DTYPES
    def test_softmax_at_the_ends(self, dtype: type[np.floating[Any]]) -> None:
        X = np.array([[1000, -1000], [-1000, -1000], [1000, 1000]], dtype)
        assert softmax(X).tolist() == [[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]

    @pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
    def test_softmax_along_any_axis(self, axis: int) -> None:
        X = np.random.default_rng(0).normal(size=(2, 3, 4))
        Y = softmax(X, axis=axis)
        rows = np.moveaxis(X, axis, -1).reshape(-1, X.shape[axis])
        expected = [[exp(x) / sum(map(exp, row)) for x in row] for row in rows.tolist()]
        np.testing.assert_allclose(
            np.moveaxis(Y, axis, -1).reshape(rows.shape), expected, rtol=1e-14
        )

    @given(st.lists(st.floats(-500, 500), min_size=1, max_size=5), st.floats(-1000, 1000))
    def test_softmax_sums_to_one_and_a_shift_changes_nothing(
        self, x: list[float], shift: float
    ) -> None:
        Y = softmax(np.array(x))
        assert Y.sum() == pytest.approx(1, rel=1e-14)
        np.testing.assert_allclose(softmax(np.array(x) + shift), Y, rtol=1e-11)

    @FUNCTIONS
    @DTYPES
    def test_dtype_is_kept(
        self, function: Callable[[Array], Array], dtype: type[np.floating[Any]]
    ) -> None:
        assert function(np.ones((2, 3), dtype)).dtype == dtype

    @FUNCTIONS
    @pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3), (0, 3), (1, 1, 1, 1)])
    def test_any_shape_and_the_argument_is_untouched(
        self, function: Callable[[Array], Array], shape: tuple[int, ...]
    ) -> None:
        X = np.random.default_rng(0).normal(size=shape)
        before = X.copy()
        X.flags.writeable = False
        Y = function(X)
        assert Y.shape == shape
        assert not np.shares_memory(X, Y)
        np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (leaky_relu, [0.7, -0.013, 0.2, 2.7, -0.003]),
        (elu, [0.7, -0.7274682069659875, 0.2, 2.7, -0.2591817793182821]),
        (
            selu,
            [
                0.7354906911488363,
                -1.2789613751543256,
                0.2101401974710961,
                2.8368926658597973,
                -0.45566731537912203,
            ],
        ),
        (
            silu,
            [
                0.46773144051771626,
                -0.2784145220446738,
                0.1099667994624956,
                2.52997193864611,
                -0.1276672449565023,
            ],
        ),
        (
            softplus,
            [
                1.103186048885458,
                0.2410084538329922,
                0.7981388693815918,
                2.765043561776591,
                0.5543552444685271,
            ],
        ),
        (hard_sigmoid, [0.6166666666666667, 0.2833333333333333, 8 / 15, 0.95, 0.45]),
    ],
    ids=lambda item: getattr(item, "__name__", "values"),
)
def test_values_are_pytorchs(function: Callable[[Array], Array], expected: list[float]) -> None:
    """What torch.nn.functional gives in float64."""
    X = np.array([0.7, -1.3, 0.2, 2.7, -0.3])
    np.testing.assert_allclose(function(X), expected, rtol=1e-14)


class TestLayers:
    @pytest.mark.parametrize(
        ("layer", "X", "Y", "slope"),
        [
            # At exactly 0 the slope of ReLU is taken as 0.
            (ReLU(), [-2.0, -0.0, 0.0, 3.0], [0.0, 0.0, 0.0, 3.0], [0.0, 0.0, 0.0, 1.0]),
            # σ' = σ (1 − σ)
            (Sigmoid(), [0.0, LN3, -LN3], [0.5, 0.75, 0.25], [0.25, 0.1875, 0.1875]),
            (Sigmoid(), [-1000.0, 1000.0], [0.0, 1.0], [0.0, 0.0]),
            # tanh(ln(3) / 2) = (3 − 1) / (3 + 1), and tanh' = 1 − tanh²
            (Tanh(), [0.0, LN3 / 2, -LN3 / 2], [0.0, 0.5, -0.5], [1.0, 0.75, 0.75]),
            (Tanh(), [-1000.0, 1000.0], [-1.0, 1.0], [0.0, 0.0]),
        ],
    )
    def test_answer_and_slope_by_hand(
        self, layer: Layer[Array, Array], X: list[float], Y: list[float], slope: list[float]
    ) -> None:
        grad = np.arange(2.0, 2.0 + len(X))
        answer, backward = layer.forward(np.array(X))
        np.testing.assert_allclose(answer, Y, rtol=1e-14)
        np.testing.assert_allclose(layer(np.array(X)), Y, rtol=1e-14)
        np.testing.assert_allclose(backward(grad), np.array(slope) * grad, rtol=1e-14)

    @LAYERS
    @pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3), (0, 3)])
    def test_entry_by_entry_and_arguments_untouched(
        self, layer: Layer[Array, Array], shape: tuple[int, ...]
    ) -> None:
        rng = np.random.default_rng(0)
        X, grad = rng.normal(size=shape), rng.normal(size=shape)
        before = X.copy(), grad.copy()
        X.flags.writeable = grad.flags.writeable = False
        Y, backward = layer.forward(X)
        dX = backward(grad)
        one_by_one = [layer.forward(np.array([x])) for x in X.ravel()]
        np.testing.assert_allclose(Y.ravel(), [y[0] for y, _ in one_by_one], rtol=1e-14)
        ways_back = zip(one_by_one, grad.ravel(), strict=True)
        expected = [way_back(np.array([g]))[0] for (_, way_back), g in ways_back]
        np.testing.assert_allclose(dX.ravel(), expected, rtol=1e-14)
        np.testing.assert_array_equal(X, before[0])
        np.testing.assert_array_equal(grad, before[1])

    @LAYERS
    def test_dtype_is_kept(self, layer: Layer[Array, Array]) -> None:
        X = np.array([-1.0, 0.5], np.float32)
        Y, backward = layer.forward(X)
        assert Y.dtype == backward(np.ones(2, np.float32)).dtype == layer(X).dtype == np.float32

    @LAYERS
    def test_each_backward_remembers_its_own_answer(self, layer: Layer[Array, Array]) -> None:
        X = np.array([-1.0, 0.5])
        grad = np.ones(2)
        expected = layer.forward(X)[1](grad)
        _, backward = layer.forward(X)
        layer.forward(-X)
        layer(-X)
        np.testing.assert_array_equal(backward(grad), expected)

    @LAYERS
    def test_nothing_to_learn(self, layer: Layer[Array, Array]) -> None:
        assert layer.parameters() == []
        assert layer.input_shape is None

    def test_repr(self) -> None:
        assert [repr(layer) for layer in (ReLU(), Sigmoid(), Tanh())] == [
            "ReLU()",
            "Sigmoid()",
            "Tanh()",
        ]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.bool_])
def test_small_integers_are_counted_in_float64(dtype: Any) -> None:
    X: Any = np.array([1, 0], dtype)
    for found, right in (
        (sigmoid(X), sigmoid(np.array([1.0, 0.0]))),
        (softmax(X), softmax(np.array([1.0, 0.0]))),
        (Tanh()(X), np.tanh([1.0, 0.0])),
    ):
        assert found.dtype == np.float64
        assert np.array_equal(found, right)


def test_relu_of_integers_has_a_way_back() -> None:
    X: Any = np.array([1, -1])
    Y, backward = ReLU().forward(X)
    assert Y.tolist() == [1, 0]
    assert backward(np.array([0.5, 0.5])).tolist() == [0.5, 0.0]


@LAYERS
class TestBackwardRefuses:
    def test_a_gradient_that_would_broadcast(self, layer: Layer[Array, Array]) -> None:
        _, backward = layer.forward(np.ones((5, 3)))
        for shape in (5, 1), (1, 3), (3,), (), (5, 3, 1):
            with raises(
                ValueError,
                f"backward: a gradient of shape {shape} came, expected (5, 3), the shape of what "
                "forward returned",
            ):
                backward(np.ones(shape))

    @pytest.mark.filterwarnings("ignore:the matrix subclass")
    def test_what_is_no_plain_array(self, layer: Layer[Array, Array]) -> None:
        """Their * is another product, or leaves numbers out."""
        _, backward = layer.forward(np.ones((2, 2)))
        ones = np.ones((2, 2))
        for make, what in (
            (np.asmatrix, "a matrix, expected a plain array: np.asarray(...) makes it one"),
            (
                np.ma.masked_array,
                "a MaskedArray, expected a plain array: np.asarray(...) makes it one",
            ),
            (scipy.sparse.csr_array, "a csr_array, expected a plain array: its .toarray() is one"),
            (np.ndarray.tolist, "a list of 2, expected an array"),
        ):
            wrong: Any = make(ones)
            with raises(TypeError, f"backward: the gradient is {what}"):
                backward(wrong)

    def test_a_gradient_of_float32_from_behind_an_input_of_float64(
        self, layer: Layer[Array, Array]
    ) -> None:
        """A layer that learns nothing has no dtype of its own: that of Dense is as good."""
        network = Sequential(layer, Dense(2, 1, rng=0, dtype=np.float32))
        Y, backward = network.forward(np.ones((3, 2)))
        assert backward(np.ones_like(Y)).shape == (3, 2)


@FUNCTIONS
def test_other_numbers_are_refused(function: Callable[[Any], Array]) -> None:
    name = function.__name__
    for dtype in "complex128", "object", "<U3":
        X: Any = np.array([0, 1]).astype(dtype)
        with raises(
            TypeError, f"{name}: X has dtype {dtype}, expected real numbers: convert it first"
        ):
            function(X)


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@LAYERS
def test_a_matrix_is_refused(layer: Layer[Array, Array]) -> None:
    """Its * is another product."""
    with pytest.raises(TypeError, match="X is a matrix, expected a plain array"):
        layer.forward(np.asmatrix(np.ones((2, 2))))

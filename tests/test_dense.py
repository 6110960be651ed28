"""Dense: Y = XW + b and its way back, by hand; dtypes, memory, sizes and every refusal."""

import pickle
import tracemalloc
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import Array, Dense, he_normal
from layerwise.initializers import Initializer
from tests.raising import raises

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
W = np.array([[1.0, -1.0, 2.0], [0.0, 3.0, 0.5]])
b = np.array([10.0, 20.0, 30.0])
GRAD = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [2.0, 0.0, -1.0]])
# Worked by hand from the three above.
Y = [[11.0, 25.0, 33.0], [13.0, 29.0, 38.0], [15.0, 33.0, 43.0]]
DW = [[11.0, 3.0, -5.0], [14.0, 4.0, -6.0]]
DB = [3.0, 1.0, -1.0]
DX = [[1.0, 0.0], [-1.0, 3.0], [0.0, -0.5]]


def dense_by_hand(dtype: Any = np.float64) -> Dense:
    dense = Dense(2, 3, dtype=dtype)
    dense.W.value, dense.b.value = W, b
    return dense


def test_forward_and_backward_by_hand() -> None:
    dense = dense_by_hand()
    answer, backward = dense.forward(X)
    assert answer.tolist() == Y
    assert dense(X).tolist() == Y
    assert backward(GRAD).tolist() == DX
    assert dense.W.grad.tolist() == DW
    assert dense.b.grad.tolist() == DB


def test_from_data_the_answer_and_the_parameters_gradients_are_the_same() -> None:
    dense = dense_by_hand()
    answer, backward = dense.forward_from_data(X)
    backward(GRAD)
    assert answer.tolist() == Y
    assert dense.W.grad.tolist() == DW
    assert dense.b.grad.tolist() == DB


def test_without_bias() -> None:
    dense = Dense(2, 3, bias=False)
    dense.W.value = W
    answer, backward = dense.forward(X)
    assert answer.tolist() == (np.array(Y) - b).tolist()
    assert backward(GRAD).tolist() == DX
    assert dense.W.grad.tolist() == DW
    assert dense.parameters() == [dense.W]
    assert not hasattr(dense, "b")


def test_gradients_are_added() -> None:
    dense = dense_by_hand()
    for _ in range(2):
        _, backward = dense.forward(X)
        backward(GRAD)
    assert dense.W.grad.tolist() == (2 * np.array(DW)).tolist()
    assert dense.b.grad.tolist() == (2 * np.array(DB)).tolist()


def test_each_backward_remembers_its_own_input() -> None:
    """The layer used twice before the first way back."""
    dense = dense_by_hand()
    _, backward = dense.forward(X)
    dense.forward(X + 100)
    dense(X - 100)
    backward(GRAD)
    assert dense.W.grad.tolist() == DW


@given(data=st.data())
def test_backward_is_the_transpose_of_forward(data: st.DataObject) -> None:
    """⟨grad, X W⟩ = ⟨grad Wᵀ, X⟩ = ⟨Xᵀ grad, W⟩: whole numbers, so exactly."""
    n, inputs, outputs = (data.draw(st.integers(1, 4)) for _ in range(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dense = Dense(inputs, outputs, bias=False)
    dense.W.value = rng.integers(-9, 9, (inputs, outputs)).astype(float)
    X, grad = (rng.integers(-9, 9, (n, k)).astype(float) for k in (inputs, outputs))
    Y, backward = dense.forward(X)
    dX = backward(grad)
    assert (grad * Y).sum() == (dX * X).sum() == (dense.W.grad * dense.W.value).sum()


def test_arguments_are_read_only_safe_and_answers_are_new() -> None:
    dense, X_only, grad_only = dense_by_hand(), X.copy(), GRAD.copy()
    X_only.flags.writeable = grad_only.flags.writeable = False
    answer, backward = dense.forward(X_only)
    again = dense(X_only)
    dX = backward(grad_only)
    answer += 1
    dX += 1
    assert again.tolist() == Y
    assert dense.W.value.tolist() == W.tolist()
    assert dense.b.value.tolist() == b.tolist()


def test_the_call_adds_no_gradient() -> None:
    dense = dense_by_hand()
    dense(X)
    assert not dense.W.has_grad
    assert not dense.b.has_grad


def test_from_data_spares_the_gradient_of_the_data() -> None:
    """Its 8 MB would tower over the 0.8 MB of the weights' gradient, if it were made."""
    dense = Dense(10_000, 10)
    wide, grad = np.ones((100, 10_000)), np.ones((100, 10))

    def peak(backward: Any) -> int:
        tracemalloc.start()
        try:
            backward(grad)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(dense.forward(wide)[1]) > 8_000_000
    assert peak(dense.forward_from_data(wide)[1]) < 1_000_000


def test_inference_keeps_nothing() -> None:
    dense = Dense(1000, 10)
    tracemalloc.start()
    try:
        answer = dense(np.ones((100, 1000)))
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < answer.nbytes + 2000


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows: int) -> None:
    dense = dense_by_hand()
    answer, backward = dense.forward(X[:rows])
    dX = backward(GRAD[:rows])
    assert answer.tolist() == Y[:rows]
    assert dX.tolist() == DX[:rows]
    assert dense.W.grad.tolist() == (X[:rows].T @ GRAD[:rows]).tolist()
    assert dense.b.grad.tolist() == GRAD[:rows].sum(axis=0).tolist()


class TestDtype:
    def test_float32_stays_float32(self) -> None:
        dense = dense_by_hand(np.float32)
        answer, backward = dense.forward(X.astype(np.float32))
        dX = backward(GRAD.astype(np.float32))
        arrays: list[Array] = [answer, dX, *(p.value for p in dense.parameters())]
        arrays += [p.grad for p in dense.parameters()]
        assert {A.dtype for A in arrays} == {np.dtype(np.float32)}
        assert answer.tolist() == Y
        assert dX.tolist() == DX

    @pytest.mark.parametrize("own", ["float32", "float64"])
    @pytest.mark.parametrize("came", ["float16", "float32", "float64", "int8", "int64", "uint8"])
    def test_inputs_become_the_parameters_dtype(self, came: str, own: str) -> None:
        numbers: Any = X.astype(came)
        dense = dense_by_hand(own)
        answer, backward = dense.forward(numbers)
        dX = backward(GRAD.astype(own))
        assert dense(numbers).dtype == answer.dtype == dX.dtype == own
        assert dense(numbers).tolist() == answer.tolist() == Y
        assert dX.tolist() == DX
        assert dense.W.grad.tolist() == DW

    def test_booleans_are_numbers(self) -> None:
        bits: Any = np.array([[True, False], [True, True]])
        answer = dense_by_hand(np.float32)(bits)
        assert answer.dtype == np.float32
        assert answer.tolist() == [[11.0, 19.0, 32.0], [11.0, 22.0, 32.5]]

    @pytest.mark.parametrize(
        ("numbers", "dtype"),
        [
            (X.astype(complex), "complex128"),
            (X.astype(object), "object"),
            (X.astype("U3"), "<U3"),
        ],
    )
    def test_other_inputs_are_refused(self, numbers: Any, dtype: str) -> None:
        message = f"Dense: X has dtype {dtype}, expected real numbers: convert it first"
        with raises(TypeError, message):
            dense_by_hand()(numbers)
        with raises(TypeError, message):
            dense_by_hand().forward(numbers)

    @pytest.mark.parametrize("dtype", ["int64", "float16", "complex128", "bool"])
    def test_other_dtypes_of_its_own_are_refused(self, dtype: str) -> None:
        with raises(
            TypeError,
            f"Parameter: value has dtype {dtype}, expected float64 or float32: "
            "convert it with value.astype(np.float64)",
        ):
            Dense(2, 3, dtype=dtype)

    def test_a_gradient_of_another_dtype_is_refused(self) -> None:
        dense = dense_by_hand(np.float32)
        _, backward = dense.forward(X)
        with raises(
            TypeError,
            "Dense: a gradient of dtype float64 came, expected float32, the dtype of what forward "
            "returned",
        ):
            backward(GRAD)
        assert not any(p.grad.any() or p.has_grad for p in dense.parameters())


def constant_unchecked(number: float) -> Initializer:
    return lambda shape, rng: np.full(shape, number)


class TestFirstValues:
    def test_he_by_default_and_no_bias(self) -> None:
        dense = Dense(5, 4, rng=7)
        expected = he_normal((5, 4), np.random.default_rng(7))
        np.testing.assert_array_equal(dense.W.value, expected)
        assert dense.b.value.tolist() == [0.0] * 4
        assert dense.W.dtype == dense.b.dtype == np.float64

    def test_float32_weights_are_the_float64_ones_rounded(self) -> None:
        expected = he_normal((5, 4), np.random.default_rng(7)).astype(np.float32)
        np.testing.assert_array_equal(Dense(5, 4, rng=7, dtype=np.float32).W.value, expected)

    def test_a_generator_goes_on_and_a_seed_starts_anew(self) -> None:
        rng = np.random.default_rng(7)
        first, second = Dense(2, 2, rng=rng), Dense(2, 2, rng=rng)
        assert (first.W.value != second.W.value).all()
        np.testing.assert_array_equal(first.W.value, Dense(2, 2, rng=7).W.value)

    def test_without_rng_the_weights_differ(self) -> None:
        assert (Dense(2, 2).W.value != Dense(2, 2).W.value).all()

    def test_an_initializer_of_ones_own(self) -> None:
        kept = np.array([[1.0, 2.0]])
        asked = []

        def W_init(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
            asked.append((shape, rng.random()))
            return kept

        dense = Dense(1, 2, rng=3, W_init=W_init)
        assert asked == [((1, 2), np.random.default_rng(3).random())]
        assert dense.W.value.tolist() == [[1.0, 2.0]]
        kept[:] = 9
        assert dense.W.value.tolist() == [[1.0, 2.0]]

    def test_an_initializer_of_another_shape_is_refused(self) -> None:
        with raises(
            ValueError,
            "Dense: W_init gave shape (3, 2), expected (2, 3): "
            "an initializer returns an array of the shape it is given",
        ):
            Dense(2, 3, W_init=lambda shape, rng: np.zeros(shape[::-1]))

    @pytest.mark.parametrize(
        ("inputs", "outputs", "wrong"),
        [(0, 3, "inputs=0"), (3, 0, "outputs=0"), (-1, 3, "inputs=-1"), (3, -1, "outputs=-1")],
    )
    def test_sizes_below_one_are_refused(self, inputs: int, outputs: int, wrong: str) -> None:
        with raises(ValueError, f"Dense: {wrong} came, expected at least 1"):
            Dense(inputs, outputs)

    @pytest.mark.parametrize("size", [2.0, "2", None])
    def test_sizes_that_are_no_whole_numbers_are_refused(self, size: Any) -> None:
        with raises(TypeError, f"Dense: inputs={size!r} came, expected a whole number"):
            Dense(size, 3)
        with raises(TypeError, f"Dense: outputs={size!r} came, expected a whole number"):
            Dense(3, size)

    @pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int64])
    def test_numpy_s_whole_numbers_are_sizes(self, kind: Any) -> None:
        dense = Dense(kind(200), kind(100))
        assert dense.W.shape == (200, 100)
        assert repr(dense) == "Dense(200, 100)"

    def test_first_values_that_are_no_finite_real_numbers_are_refused(self) -> None:
        with raises(TypeError, "Dense: W_init gave dtype complex128, expected real numbers"):
            Dense(2, 3, W_init=lambda shape, rng: np.zeros(shape, complex))
        for number, dtype in (np.inf, "float64"), (1e300, "float32"):
            with raises(ValueError, f"Dense: W_init gave numbers that are not finite in {dtype}"):
                Dense(2, 3, W_init=constant_unchecked(number), dtype=dtype)
        wrong: Any = "he"
        with raises(
            TypeError,
            "Dense: W_init is a str, expected one to be called with (shape, rng), such as "
            "he_normal",
        ):
            Dense(2, 3, W_init=wrong)


def test_an_input_that_does_not_fit_is_refused() -> None:
    with raises(
        ValueError,
        "matrix_multiply: X (5, 3) and W (4, 4) do not fit: X has 3 columns, W has 4 rows",
    ):
        Dense(4, 4)(np.ones((5, 3)))


def test_a_vector_is_refused() -> None:
    x: Array = np.ones(2)
    with raises(
        ValueError,
        "matrix_multiply: X (2,) and W (2, 3) do not fit: X is a vector, expected a matrix: "
        "X.reshape(1, -1) makes it a row of shape (1, 2), "
        "X.reshape(-1, 1) a column of shape (2, 1)",
    ):
        Dense(2, 3).forward(x)


@pytest.mark.parametrize("shape", [(3, 1), (3, 4), (1, 3), (4, 3), (3,), (1, 3, 3)])
def test_a_gradient_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    dense = dense_by_hand()
    _, backward = dense.forward(X)
    grad: Array = np.ones(shape)
    with raises(
        ValueError,
        f"Dense: a gradient of shape {shape} came, expected (3, 3), the shape of what "
        "forward returned",
    ):
        backward(grad)
    assert not any(p.grad.any() or p.has_grad for p in dense.parameters())


def test_input_shape_is_that_of_a_row() -> None:
    assert Dense(4, 3).input_shape == (4,)


def test_repr() -> None:
    assert repr(Dense(4, 3)) == "Dense(4, 3)"
    assert repr(Dense(4, 3, bias=False, dtype=np.float32)) == "Dense(4, 3, bias=False)"


@pytest.mark.parametrize("copy", [deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_is_independent(copy: Any) -> None:
    dense = dense_by_hand()
    other = copy(dense)
    dense.W.value *= 0
    dense.b.value *= 0
    assert other(X).tolist() == Y
    _, backward = other.forward(X)
    backward(GRAD)
    assert other.W.grad.tolist() == DW
    assert not dense.W.has_grad


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("grad", "error", "message"),
    [
        (
            np.ones((3, 3), np.float32),
            TypeError,
            "Dense: a gradient of dtype float32 came, expected float64, the dtype of what forward "
            "returned",
        ),
        (
            np.ones((4, 3)),
            ValueError,
            "Dense: a gradient of shape (4, 3) came, expected (3, 3), the shape of what forward "
            "returned",
        ),
        (
            np.ma.masked_array(np.ones((3, 3))),
            TypeError,
            "Dense: the gradient is a MaskedArray, expected a plain array: "
            "np.asarray(...) makes it one",
        ),
    ],
)
def test_a_gradient_of_another_form_leaves_nothing(
    grad: Any, error: type[Exception], message: str, bias: bool
) -> None:
    dense = Dense(2, 3, rng=0, bias=bias)
    _, backward = dense.forward(np.ones((3, 2)))
    with raises(error, message):
        backward(grad)
    assert not any(p.grad.any() or p.has_grad for p in dense.parameters())


def test_a_tuple_of_arrays_is_refused() -> None:
    pair: Any = (np.ones((2, 3)), np.ones((2, 3)))
    with raises(
        TypeError,
        "Dense: X is a tuple of 2, expected one array: a tuple of arrays is for a layer that takes "
        "several, such as (X, mask), with a mask of dtype bool",
    ):
        Dense(3, 2)(pair)

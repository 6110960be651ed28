"""Parameter and ParameterVector: one truth for each number, whoever looks at it."""

import pickle
from collections.abc import Callable
from copy import copy as shallow
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from layerwise import Dense, Parameter, ParameterVector
from tests.raising import raises


def by_pickle(item: Any) -> Any:
    return pickle.loads(pickle.dumps(item))


COPIES = pytest.mark.parametrize("copy", [deepcopy, by_pickle])


class TestParameter:
    def test_starts_with_a_copy_and_no_gradient(self) -> None:
        source = np.array([[1.0, 2.0], [3.0, 4.0]])
        p = Parameter(source)
        source[:] = 9
        assert p.value.tolist() == [[1.0, 2.0], [3.0, 4.0]]
        assert p.grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]
        assert not p.has_grad

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_keeps_its_dtype_in_value_and_gradient(self, dtype: type[np.floating[Any]]) -> None:
        p = Parameter(np.ones(2, dtype))
        assert p.dtype == p.value.dtype == p.grad.dtype == dtype
        assert p.shape == p.value.shape == p.grad.shape == (2,)

    @pytest.mark.parametrize("dtype", ["int64", "bool", "float16", "complex128", "object"])
    def test_other_dtypes_are_refused(self, dtype: str) -> None:
        value: Any = np.ones(2, dtype)
        with raises(
            TypeError,
            f"Parameter: value has dtype {dtype}, expected float64 or float32: "
            "convert it with value.astype(np.float64)",
        ):
            Parameter(value)

    def test_assigning_copies_into_place(self) -> None:
        p = Parameter(np.zeros((2, 2)))
        before, new = p.value, np.array([[1.0, 2.0], [3.0, 4.0]])
        p.value = new
        new[:] = 9
        assert before.tolist() == p.value.tolist() == [[1.0, 2.0], [3.0, 4.0]]

    def test_arithmetic_in_place_works(self) -> None:
        p = Parameter(np.array([1.0, 2.0]))
        before = p.value
        p.value *= 10
        p.value -= 1
        assert before.tolist() == p.value.tolist() == [9.0, 19.0]

    def test_assigning_its_own_numbers_in_another_order(self) -> None:
        p = Parameter(np.array([1.0, 2.0, 3.0]))
        p.value = p.value[::-1]
        assert p.value.tolist() == [3.0, 2.0, 1.0]

    @pytest.mark.parametrize("new", [[1, 0], [True, False], np.array([1.0, 0.0]), np.array([1, 0])])
    def test_assigning_converts_to_the_dtype(self, new: Any) -> None:
        p = Parameter(np.zeros(2, np.float32))
        p.value = new
        assert p.value.dtype == np.float32
        assert p.value.tolist() == [1.0, 0.0]

    @pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (1, 2), (3, 2), (1, 2, 3)])
    def test_assigning_another_shape_is_refused(self, shape: tuple[int, ...]) -> None:
        """Some of these would broadcast."""
        p = Parameter(np.zeros((2, 3)))
        with raises(
            ValueError,
            f"Parameter: the new value has shape {shape}, expected (2, 3): "
            "a parameter keeps its shape; make a new layer for another one",
        ):
            p.value = np.ones(shape)
        assert p.value.tolist() == [[0.0] * 3] * 2

    def test_assigning_other_numbers_is_refused(self) -> None:
        p = Parameter(np.zeros(2))
        numbers: Any = np.ones(2, np.complex128)
        with raises(
            TypeError,
            "Parameter: the new value has dtype complex128, expected real numbers: "
            "convert it first",
        ):
            p.value = numbers
        assert p.value.tolist() == [0.0, 0.0]

    def test_the_gradient_is_never_assigned(self) -> None:
        p = Parameter(np.zeros(2))
        message = "Parameter: grad is added to, never assigned: use add_grad(...)"
        with raises(AttributeError, message):
            setattr(p, "grad", np.ones(2))  # noqa: B010  # mypy refuses p.grad = ...
        assert p.grad.tolist() == [0.0, 0.0]

    @pytest.mark.parametrize("name", ["shape", "dtype"])
    def test_nothing_but_the_value_is_assigned(self, name: str) -> None:
        p = Parameter(np.zeros(2))
        with pytest.raises(AttributeError, match=f"property '{name}' .* has no setter"):
            setattr(p, name, np.ones(2))
        assert p.grad.tolist() == [0.0, 0.0]

    def test_a_misspelled_attribute_is_an_error(self) -> None:
        with pytest.raises(AttributeError, match="vaule"):
            setattr(Parameter(np.zeros(2)), "vaule", np.ones(2))  # noqa: B010  # mypy refuses p.vaule

    def test_gradients_are_added_and_copied(self) -> None:
        p = Parameter(np.zeros(2))
        live, grad = p.grad, np.array([1.0, 2.0])
        p.add_grad(grad)
        grad[:] = 9
        assert p.grad.tolist() == [1.0, 2.0]
        assert p.has_grad
        p.add_grad(np.array([0.5, -2.0]))
        assert live.tolist() == p.grad.tolist() == [1.5, 0.0]
        assert p.value.tolist() == [0.0, 0.0]

    def test_a_gradient_of_zeros_is_a_gradient(self) -> None:
        p = Parameter(np.ones(2))
        p.add_grad(np.zeros(2))
        assert p.has_grad

    def test_zeroing_is_in_place(self) -> None:
        p = Parameter(np.ones(2))
        live = p.grad
        p.add_grad(np.ones(2))
        p.zero_grad()
        assert live.tolist() == p.grad.tolist() == [0.0, 0.0]
        assert not p.has_grad
        assert p.value.tolist() == [1.0, 1.0]

    @pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (1, 3), (3, 2)])
    def test_a_gradient_of_another_shape_is_refused(self, shape: tuple[int, ...]) -> None:
        """The first five would broadcast."""
        p = Parameter(np.zeros((2, 3)))
        with raises(
            ValueError,
            f"Parameter: a gradient of shape {shape} came for a value of shape (2, 3): "
            "sum it over the axes that forward broadcast over",
        ):
            p.add_grad(np.ones(shape))
        assert not p.grad.any()
        assert not p.has_grad

    @pytest.mark.parametrize(("own", "came"), [("float32", "float64"), ("float64", "float32")])
    def test_a_gradient_of_another_dtype_is_refused(self, own: str, came: str) -> None:
        p = Parameter(np.zeros(2, own))
        with raises(
            TypeError,
            f"Parameter: a gradient of dtype {came} came for a value of dtype {own}: "
            "compute the whole way back in one dtype",
        ):
            p.add_grad(np.ones(2, came))
        assert not p.grad.any()
        assert not p.has_grad

    def test_repr(self) -> None:
        p = Parameter(np.zeros((2, 3), np.float32))
        assert repr(p) == "Parameter(shape=(2, 3), dtype=float32)"

    @COPIES
    def test_a_copy_has_arrays_of_its_own(self, copy: Callable[[Any], Any]) -> None:
        p = Parameter(np.array([1.0, 2.0]))
        p.add_grad(np.array([3.0, 4.0]))
        q = copy(p)
        p.zero_grad()
        p.value = np.zeros(2)
        assert q.value.tolist() == [1.0, 2.0]
        assert q.grad.tolist() == [3.0, 4.0]
        assert q.has_grad

    def test_gradients_of_rows_add_up(self) -> None:
        p = Parameter(np.zeros((3, 2)))
        p.grad[2] = 9  # what was written by other means gives way
        rows, grad = np.array([[1, 0], [1, 1]]), np.arange(8.0).reshape(2, 2, 2)
        p.add_grad_at(rows, grad)
        assert p.grad.tolist() == [[2, 3], [10, 13], [0, 0]]
        assert p.has_grad
        p.add_grad_at(rows, grad)
        assert p.grad.tolist() == [[4, 6], [20, 26], [0, 0]]

    def test_gradients_of_other_rows_are_refused(self) -> None:
        p = Parameter(np.zeros((3, 2)))
        with raises(
            ValueError,
            "Parameter: a gradient of shape (1, 2) came, expected (2, 2), the shape of what "
            "forward returned",
        ):
            p.add_grad_at(np.array([1, 1]), np.ones((1, 2)))
        with raises(
            TypeError,
            "Parameter: a gradient of dtype float32 came, expected float64, the dtype of what "
            "forward returned",
        ):
            p.add_grad_at(np.array([1, 1]), np.ones((2, 2), np.float32))
        assert not p.has_grad


class TestParameterVector:
    def test_packs_in_order_with_the_gradients_there_are(self) -> None:
        a, b = Parameter(np.array([[1.0, 2.0], [3.0, 4.0]])), Parameter(np.array([5.0]))
        a.add_grad(np.array([[6.0, 7.0], [8.0, 9.0]]))
        vector = ParameterVector(p for p in (a, b))
        assert vector.value.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
        assert vector.grad.tolist() == [6.0, 7.0, 8.0, 9.0, 0.0]
        assert vector.parameters == [a, b]
        assert a.value.tolist() == [[1.0, 2.0], [3.0, 4.0]]
        assert a.grad.tolist() == [[6.0, 7.0], [8.0, 9.0]]
        assert vector.collect()

    def test_parameters_are_its_views_both_ways(self) -> None:
        a, b = Parameter(np.zeros((2, 1))), Parameter(np.zeros(1))
        vector = ParameterVector([a, b])
        a.value = np.array([[1.0], [2.0]])
        b.value[0] = 3.0
        a.add_grad(np.array([[4.0], [5.0]]))
        assert vector.value.tolist() == [1.0, 2.0, 3.0]
        assert vector.grad.tolist() == [4.0, 5.0, 0.0]
        vector.value[:] = [10.0, 20.0, 30.0]
        vector.grad[:] = [40.0, 50.0, 60.0]
        assert (a.value.tolist(), b.value.tolist()) == ([[10.0], [20.0]], [30.0])
        assert (a.grad.tolist(), b.grad.tolist()) == ([[40.0], [50.0]], [60.0])

    @given(data=st.data())
    def test_any_shapes(self, data: st.DataObject) -> None:
        shape = st.lists(st.integers(0, 3), max_size=3)
        shapes = data.draw(st.lists(shape, min_size=1, max_size=4))
        numbers = np.arange(200.0)
        arrays = [numbers[: int(np.prod(s))].reshape(s).copy() + i for i, s in enumerate(shapes)]
        parameters = [Parameter(A) for A in arrays]
        vector = ParameterVector(parameters)
        assert vector.value.tolist() == [x for A in arrays for x in A.ravel()]
        vector.value *= 2
        for p, A in zip(parameters, arrays, strict=True):
            np.testing.assert_array_equal(p.value, 2 * A)
            assert p.shape == A.shape

    def test_a_parameter_given_twice_is_packed_once(self) -> None:
        a, b = Parameter(np.array([1.0])), Parameter(np.array([1.0]))
        vector = ParameterVector([a, b, a])
        assert vector.parameters == [a, b]
        assert vector.value.tolist() == [1.0, 1.0]

    def test_no_parameters_are_refused(self) -> None:
        with raises(
            ValueError,
            "ParameterVector: no Parameters came, expected at least one: "
            "give network.parameters(), of a network with a layer that learns",
        ):
            ParameterVector([])

    def test_two_dtypes_are_refused_and_nothing_is_taken(self) -> None:
        a, b = Parameter(np.ones(2, np.float32)), Parameter(np.ones(2))
        live = a.value, b.value
        with raises(
            TypeError,
            "ParameterVector: parameters of float32 and float64 came, expected one dtype: "
            "make all layers with the same dtype=",
        ):
            ParameterVector([b, a])
        a.value, b.value = np.full(2, 3.0), np.full(2, 4.0)
        assert [A.tolist() for A in live] == [[3.0, 3.0], [4.0, 4.0]]

    def test_float32_stays_float32(self) -> None:
        vector = ParameterVector([Parameter(np.ones(2, np.float32))])
        assert vector.value.dtype == vector.grad.dtype == np.float32

    def test_the_parameter_is_the_truth_after_another_vector_took_it(self) -> None:
        a, b, c = (Parameter(np.array([x])) for x in (1.0, 2.0, 3.0))
        first, second = ParameterVector([a, b]), ParameterVector([b, c])
        b.value = np.array([20.0])
        b.add_grad(np.array([0.5]))
        assert second.value.tolist() == [20.0, 3.0]
        assert second.grad.tolist() == [0.5, 0.0]

        first.collect()
        assert first.value.tolist() == [1.0, 20.0]
        assert first.grad.tolist() == [0.0, 0.5]
        first.value[1] = 200.0
        assert b.value.tolist() == [200.0]
        second.collect()
        assert second.value.tolist() == [200.0, 3.0]

    def test_zeroing_reaches_parameters_that_another_vector_took(self) -> None:
        a = Parameter(np.array([1.0]))
        first, second = ParameterVector([a]), ParameterVector([a])
        a.add_grad(np.array([2.0]))
        first.zero_grad()
        assert a.grad.tolist() == [0.0]
        assert not a.has_grad
        assert not first.collect()
        assert not second.collect()
        assert a.value.tolist() == [1.0]

    def test_collect_tells_whether_any_has_a_gradient(self) -> None:
        a, b = Parameter(np.zeros(1)), Parameter(np.zeros(1))
        vector = ParameterVector([a, b])
        seen = [vector.collect()]
        b.add_grad(np.ones(1))
        seen.append(vector.collect())
        vector.zero_grad()
        seen.append(vector.collect())
        assert seen == [False, True, False]

    @COPIES
    def test_a_copy_packs_the_copied_parameters(self, copy: Callable[[Any], Any]) -> None:
        a = Parameter(np.array([1.0, 2.0]))
        vector = ParameterVector([a])
        a.add_grad(np.array([3.0, 4.0]))
        copied_a, copied = copy((a, vector))
        a.value = np.zeros(2)
        a.zero_grad()
        assert copied.parameters == [copied_a]
        assert copied.value.tolist() == [1.0, 2.0]
        assert copied.grad.tolist() == [3.0, 4.0]
        copied.value[:] = 7
        assert copied_a.value.tolist() == [7.0, 7.0]
        assert a.value.tolist() == [0.0, 0.0]

    @COPIES
    def test_a_copy_made_while_another_vector_has_the_parameter(
        self, copy: Callable[[Any], Any]
    ) -> None:
        a = Parameter(np.array([1.0]))
        first, _ = ParameterVector([a]), ParameterVector([a])
        a.value = np.array([5.0])
        assert copy(first).value.tolist() == [5.0]


def test_a_list_is_a_value() -> None:
    value: Any = [1.0, 2.0]
    assert Parameter(value).value.tolist() == [1.0, 2.0]


def test_layers_are_not_parameters() -> None:
    network: Any = [Dense(2, 1)]
    with raises(
        TypeError,
        "ParameterVector: item 0 is a Dense, expected a Parameter: "
        "give network.parameters(), of a network with a layer that learns",
    ):
        ParameterVector(network)


class TestGradientsThatAreRefused:
    """They are refused before anything is added; the first of them left zeros, and has_grad."""

    @pytest.mark.filterwarnings("ignore:the matrix subclass")
    @pytest.mark.parametrize(
        ("make", "kind", "remedy"),
        [
            (scipy.sparse.csr_array, "a csr_array", "its .toarray() is one"),
            (scipy.sparse.csc_matrix, "a csc_matrix", "its .toarray() is one"),
            (np.asmatrix, "a matrix", "np.asarray(...) makes it one"),
            (np.ma.masked_array, "a MaskedArray", "np.asarray(...) makes it one"),
        ],
    )
    def test_of_another_kind(self, make: Callable[[Any], Any], kind: str, remedy: str) -> None:
        p = Parameter(np.zeros((3, 2)))
        with raises(
            TypeError, f"Parameter: the gradient is {kind}, expected a plain array: {remedy}"
        ):
            p.add_grad(make(np.ones((3, 2))))
        assert not p.has_grad
        assert not p.grad.any()

    def test_a_number_is_a_gradient_without_axes(self) -> None:
        p = Parameter(np.array(1.0))
        number: Any = np.float64(2.0)
        p.add_grad(number)
        p.add_grad(number)
        assert p.grad == 4.0


def test_the_first_gradient_after_zeroing_takes_the_place_of_what_was_written_there() -> None:
    p = Parameter(np.zeros(2))
    p.grad[...] = 9
    p.add_grad(np.array([1.0, 2.0]))
    assert p.grad.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "use",
    [
        lambda X, p: X @ p,
        lambda X, p: p @ X,
        lambda X, p: X * p,
        lambda X, p: X + p,
        lambda X, p: np.maximum(p, X),
        lambda X, p: np.asarray(p),
    ],
)
def test_the_parameter_in_place_of_its_value_is_an_error(use: Callable[[Any, Any], Any]) -> None:
    with raises(TypeError, "Parameter: it came where an array was expected: use parameter.value"):
        use(np.ones((2, 2)), Parameter(np.ones((2, 2))))


class TestArraysThatMoved:
    def test_refuse_writes_from_then_on(self) -> None:
        p = Parameter(np.array([1.0, 2.0]))
        value, grad = p.value, p.grad
        ParameterVector([p])
        for stale in value, grad:
            with pytest.raises(ValueError, match="read-only"):
                stale[...] = 5
        p.value[...] = 7
        assert value.tolist() == [1.0, 2.0]

    def test_take_writes_again_when_they_are_taken_back(self) -> None:
        p = Parameter(np.array([1.0, 2.0]))
        first = ParameterVector([p])
        of_first = p.value
        second = ParameterVector([p])
        of_second = p.value
        assert not of_first.flags.writeable
        first.collect()
        assert p.value is of_first
        p.value[...] = 3
        assert first.value.tolist() == [3.0, 3.0]
        assert not of_second.flags.writeable
        second.collect()
        assert second.value.tolist() == [3.0, 3.0]


def test_parameters_of_two_or_more_axes_are_packed_first() -> None:
    """So that decay of weights, and not of biases, is one slice."""
    shapes: list[tuple[int, ...]] = [(2,), (1, 2), (), (1, 1, 2)]
    b, W, s, K = (Parameter(np.full(shape, float(i))) for i, shape in enumerate(shapes))
    vector = ParameterVector([b, W, s, K])
    assert vector.parameters == [W, K, b, s]
    assert vector.value.tolist() == [1.0, 1.0, 3.0, 3.0, 0.0, 0.0, 2.0]


def test_memory_that_cannot_be_written_is_copied() -> None:
    """As joblib hands arrays over a megabyte to its processes."""
    p = Parameter(np.array([1.0, 2.0]))
    p.add_grad(np.array([3.0, 4.0]))
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(p, protocol=5, buffer_callback=buffers.append)
    assert len(buffers) == 2
    q = pickle.loads(data, buffers=[bytes(buffer.raw()) for buffer in buffers])
    assert (q.value.tolist(), q.grad.tolist(), q.has_grad) == ([1.0, 2.0], [3.0, 4.0], True)
    q.value[...] = 0
    q.add_grad(np.ones(2))


def test_a_shallow_copy_has_arrays_of_its_own_too() -> None:
    p = Parameter(np.array([1.0, 2.0]))
    shallow(p).value[...] = 5
    assert p.value.tolist() == [1.0, 2.0]


def test_what_is_no_parameters_is_refused() -> None:
    network = Dense(2, 1, rng=0)
    for came, what in (
        (network.parameters, "a method came, expected Parameters"),
        (network, "a Dense came, expected Parameters"),
        (None, "None came, expected Parameters"),
        ([np.ones(3)], "item 0 is an array, expected a Parameter"),
        ([*network.parameters(), "b"], "item 2 is a str, expected a Parameter"),
        ([Parameter], "item 0 is the class Parameter, expected a Parameter"),
    ):
        wrong: Any = came
        remedy = "give network.parameters(), of a network with a layer that learns"
        with raises(TypeError, f"ParameterVector: {what}: {remedy}"):
            ParameterVector(wrong)


def test_a_gradient_may_be_scaled_in_place() -> None:
    p: Any = Parameter(np.zeros(2))
    p.add_grad(np.array([2.0, 4.0]))
    p.grad *= 0.5
    assert p.grad.tolist() == [1.0, 2.0]

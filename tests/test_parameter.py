"""Parameter and ParameterVector: one truth for each number, whoever looks at it."""

import pickle
import tracemalloc
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
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

    @pytest.mark.parametrize("name", ["grad", "shape", "dtype"])
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
            "ParameterVector: no parameters came, expected at least one: "
            "does the network have a layer that learns?",
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


class TestAddProduct:
    """A gradient that is a product goes into place, with the same sum and the same refusals."""

    @pytest.mark.parametrize("before", [False, True])
    def test_it_is_add_grad_of_the_product(self, before: bool) -> None:
        A, B = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([[1.0, -1.0], [2.0, 0.5]])
        p = Parameter(np.zeros((3, 2)))
        if before:
            p.add_grad(np.full((3, 2), 10.0))
        p.add_product(A, B)
        expected = np.array([[5, 0], [11, -1], [17, -2]]) + 10 * before
        assert np.array_equal(p.grad, expected)
        assert p.has_grad
        p.add_product(A, B)
        assert np.array_equal(p.grad, 2 * expected - 10 * before)

    def test_a_vector_times_a_matrix(self) -> None:
        """Ones for the vector sum the rows."""
        p = Parameter(np.zeros(2))
        B = np.array([[1.0, -1.0], [2.0, 0.5]])
        for times in 1, 2:
            p.add_product(np.ones(2), B)
            assert p.grad.tolist() == [3.0 * times, -0.5 * times]

    @pytest.mark.parametrize("before", [False, True])
    @pytest.mark.parametrize(
        ("A", "B", "message"),
        [
            (
                np.ones(3),
                np.ones((2, 2)),
                "matrix_multiply: X (1, 3) and W (2, 2) do not fit: X has 3 columns, W has 2 rows",
            ),
            (
                np.ones((2, 2)),
                np.array(1.0),
                "matrix_multiply: X (2, 2) and W () do not fit: "
                "W has 0 axes, expected 2: reshape it to (rows, columns)",
            ),
            (
                np.array(1.0),
                np.ones((2, 2)),
                "matrix_multiply: X () and W (2, 2) do not fit: "
                "X has 0 axes, expected 2: reshape it to (rows, columns)",
            ),
            (
                np.ones((2, 2, 2)),
                np.ones((2, 2)),
                "matrix_multiply: X (2, 2, 2) and W (2, 2) do not fit: "
                "X has 3 axes, expected 2: reshape it to (rows, columns)",
            ),
            (
                np.ones((2, 2)),
                np.ones(2),
                "matrix_multiply: X (2, 2) and W (2,) do not fit: W is a vector, expected a "
                "matrix: W.reshape(1, -1) makes it a row of shape (1, 2), "
                "W.reshape(-1, 1) a column of shape (2, 1)",
            ),
        ],
    )
    def test_what_is_no_product_of_matrices_is_refused(
        self, A: Any, B: Any, message: str, before: bool
    ) -> None:
        """Also where the shape of what ndarray.dot makes of it would do."""
        shape = np.dot(A, B).shape if A.shape[-1:] == B.shape[:1] or not A.ndim * B.ndim else (2, 2)
        p = Parameter(np.zeros(shape))
        if before:
            p.add_grad(np.full(shape, 5.0))
        with raises(ValueError, message):
            p.add_product(A, B)
        assert np.all(p.grad == 5 * before)
        assert p.has_grad == before

    @pytest.mark.parametrize("before", [False, True])
    @pytest.mark.parametrize(
        ("A", "B", "own", "came"),
        [
            ("float32", "float64", "float64", "float32"),
            ("float64", "float32", "float32", "float64"),
            ("bool", "float32", "float32", "bool"),
            ("float32", "float32", "float64", "float32"),
        ],
    )
    def test_every_dtype_is_the_parameter_s(
        self, A: str, B: str, own: Any, came: str, before: bool
    ) -> None:
        p = Parameter(np.zeros((1, 1), own))
        if before:
            p.add_grad(np.ones((1, 1), own))
        with raises(
            TypeError,
            f"Parameter: a gradient of dtype {came} came for a value of dtype {own}: "
            "compute the whole way back in one dtype",
        ):
            p.add_product(np.ones((1, 2), A), np.ones((2, 1), B))
        assert (p.grad.item(), p.has_grad) == (float(before), before)

    def test_what_does_not_go_into_place_is_added(self) -> None:
        """As of a subclass of arrays, whose product NumPy does not write into a plain one."""

        class Tagged(np.ndarray[Any, Any]):
            pass

        p = Parameter(np.zeros((1, 1)))
        p.add_product(np.array([[1.0, 2.0]]).view(Tagged), np.array([[3.0], [4.0]]))
        assert p.grad.tolist() == [[11.0]]

    def test_the_first_makes_no_matrix_in_between(self) -> None:
        A, B = np.ones((300, 20)), np.ones((20, 300))
        p = Parameter(np.zeros((300, 300)))
        tracemalloc.start()
        p.add_product(A, B)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < A.nbytes
        assert np.all(p.grad == 20)

    def test_another_shape_or_dtype_is_refused(self) -> None:
        p = Parameter(np.zeros((3, 2)))
        with raises(
            ValueError,
            "Parameter: a gradient of shape (3, 1) came for a value of shape (3, 2): "
            "sum it over the axes that forward broadcast over",
        ):
            p.add_product(np.ones((3, 4)), np.ones((4, 1)))
        with raises(
            TypeError,
            "Parameter: a gradient of dtype float32 came for a value of dtype float64: "
            "compute the whole way back in one dtype",
        ):
            p.add_product(np.ones((3, 4), np.float32), np.ones((4, 2), np.float32))
        assert not p.has_grad
        assert not p.grad.any()


def test_a_list_is_a_value() -> None:
    value: Any = [1.0, 2.0]
    assert Parameter(value).value.tolist() == [1.0, 2.0]


def test_layers_are_not_parameters() -> None:
    network: Any = [Dense(2, 1)]
    with raises(
        TypeError,
        "ParameterVector: item 0 is Dense, expected a Parameter: "
        "give network.parameters(), not the network",
    ):
        ParameterVector(network)

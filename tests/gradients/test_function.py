"""A layer as a function: in float64, from one state, at any tensors."""

from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients.function import (
    EPS,
    Function,
    flat,
    in_float64,
    normal_like,
    read_only,
    rms,
    shaped,
    ulps,
)
from layerwise.gradients.raised import LayerRaisedError
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter
from tests.gradients.points import Way, normal, numbers
from tests.raising import raises


class Stateful(Layer[Any, Any]):
    """Y = a X[0] + noise, with a count of its runs; X[1] are integers."""

    def __init__(self) -> None:
        self.a = Parameter(np.ones(3, np.float32))
        self.mean, self.fixed = np.zeros(3, np.float32), np.ones(2)
        self.count = np.zeros(1, int)
        self.rng = np.random.default_rng(0)

    def forward(self, X: Any, /) -> tuple[Any, Any]:
        x, _ = X
        self.count += 1
        self.mean += 1

        def backward(grad: Array) -> Any:
            self.a.add_grad((grad * x).sum(axis=0))
            return grad * self.a.value, np.zeros_like(X[1])

        return self.a.value * x + self.rng.random(), backward


X = normal(4, 3), np.arange(4)


def test_tensors_have_names_and_are_float64() -> None:
    function = Function(Stateful(), (X[0].astype(np.float32), X[1]))
    assert list(function.base) == ["X[0]", "a"]
    assert {A.dtype for A in function.base.values()} == {np.dtype(np.float64)}
    assert isinstance(function.layer, Stateful)
    assert function.layer.mean.dtype == np.float64
    assert [A.dtype.kind for A in function.X] == ["f", "i"]
    assert list(Function(Plain(), X[0]).base) == ["X"]


class Plain(Layer[Array, Array]):
    """Y = X, which refuses numbers above 100; its backward those above 10."""

    def forward(self, X: Array, /) -> Way:
        if X.max() > 100:
            raise ValueError("too large")

        def backward(grad: Array) -> Array:
            if X.max() > 10:
                raise ValueError("too large too")
            return grad

        return X, backward


def test_each_run_starts_from_the_same_state_and_is_counted() -> None:
    function = Function(Stateful(), X)
    assert isinstance(function.layer, Stateful)
    assert function.runs == 0
    one = function.output()
    np.testing.assert_array_equal(function.output(), one)
    assert function.runs == 2
    assert function.layer.count == 1
    function.forward_here(function.inputs)
    assert function.layer.count == 2
    assert function.runs == 3
    function.restore()
    assert function.layer.count == 0


def test_forward_runs_from_the_base_and_is_not_the_one_for_data() -> None:
    class FromData(Stateful):
        def forward_from_data(self, X: Any, /) -> tuple[Any, Any]:
            Y, backward = self.forward(X)
            return Y + 1, backward

    function = Function(FromData(), X)
    first = function.forward()[0]
    np.testing.assert_array_equal(function.forward()[0], first)
    np.testing.assert_array_equal(function.forward(from_data=True)[0], first + 1)
    assert function.forward_error == 0


def test_given_tensors_stand_in_the_place_of_the_base_s_meanwhile() -> None:
    function = Function(Stateful(), X, {"a": np.full(3, 2.0)})
    noise = function.output() - (2 * X[0]).ravel()
    np.testing.assert_allclose(noise, noise[0])
    moved = {"X[0]": X[0] + 1, "a": np.full(3, 5.0)}
    np.testing.assert_allclose(function.output(moved), (5 * (X[0] + 1)).ravel() + noise[0])
    np.testing.assert_array_equal(function.parameters["a"].value, np.full(3, 2.0))
    c = normal(12)
    for _ in range(2):  # gradients are not added to those of a run before
        found = function.gradients(c, moved)
        np.testing.assert_allclose(found["X[0]"].ravel(), 5 * c)
        expected = (c.reshape(4, 3) * (X[0] + 1)).sum(axis=0)
        np.testing.assert_allclose(found["a"], expected)
    assert found.keys() == {"X[0]", "a"}


def test_a_copy_starts_from_the_state_that_the_layer_is_in() -> None:
    function = Function(Stateful(), X, None, 1e-3)
    function.forward()
    other = function.at([X[0], X[1]], {})
    other.restore()
    assert isinstance(other.layer, Stateful)
    assert other.layer.count == 1
    assert other.forward_error == 1e-3


def test_where_a_layer_raises_an_error_F_is_not_a_number() -> None:
    function = Function(Plain(), X[0])
    found = function.output_or_nan({"X": 1000 + X[0]}, np.zeros(2))
    np.testing.assert_array_equal(found, [np.nan, np.nan])
    with pytest.raises(LayerRaisedError, match=r"^forward raised ValueError: too large"):
        function.output({"X": 1000 + X[0]})
    with pytest.raises(LayerRaisedError, match=r"^backward raised ValueError: too large too"):
        function.gradients(np.ones(12), {"X": 50 + X[0]})


def test_arrays_that_forward_does_not_write_are_plain() -> None:
    function = Function(Stateful(), X)
    function.output()
    assert function.plain_arrays().keys() == {"fixed"}
    function.restore()
    assert function.plain_arrays().keys() == {"fixed", "mean"}


def test_float32_becomes_float64_and_gradients_zero() -> None:
    layer = Stateful()
    layer.a.add_grad(np.ones(3, np.float32))
    copy = in_float64(layer)
    assert isinstance(copy, Stateful)
    assert [A.dtype.str[1:] for A in (copy.a.value, copy.mean, copy.count)] == ["f8", "f8", "i8"]
    assert not copy.a.grad.any()
    assert layer.a.grad.all()


def test_answers_as_vectors_and_back() -> None:
    Y = np.ones((2, 2), np.float32), np.zeros(3)
    np.testing.assert_array_equal(flat(Y), [1, 1, 1, 1, 0, 0, 0])
    one, two = shaped(np.arange(7.0), Y)
    np.testing.assert_array_equal(one, [[0, 1], [2, 3]])
    np.testing.assert_array_equal(two, [4, 5, 6])
    assert (one.dtype, two.dtype) == (np.float32, np.float64)
    assert [y.tolist() for y in shaped(np.arange(3.0), (np.ones(1),) * 3)] == [[0], [1], [2]]
    with raises(ValueError, "assignment destination is read-only"):
        one[0] = 1
    view = read_only(A := np.zeros(2))
    assert (view.flags.writeable, A.flags.writeable) == (False, True)


def test_sizes() -> None:
    assert rms(numbers([3, -3, 3])) == 3
    assert rms(np.zeros(2)) == 1
    assert rms(np.zeros(0)) == 1
    assert rms(numbers([1, 7])) == 5
    drawn = normal_like(np.full((100, 100), 3.0), np.random.default_rng(0))
    assert drawn.shape == (100, 100)
    assert drawn.std() == pytest.approx(3, rel=0.05)
    assert abs(drawn.mean()) < 0.1


def test_ulps_move_equal_numbers_alike_and_zeros_not() -> None:
    x = np.repeat(np.linspace(1, 2, 50), 2)
    for amount in (1, -2):
        moved = ulps(x, amount)
        k = np.round((moved / x - 1) / EPS / amount * 2) / 2
        assert set(k.tolist()) <= {0.5, 1, 1.5, 2, 2.5, 3, 3.5}
        assert {1, 2, 3} <= set(np.round(k).tolist())
        assert (moved[::2] == moved[1::2]).all()
    assert not ulps(np.zeros(3), 1).any()


def test_arrays_of_backward_may_change_before_it() -> None:
    kept = np.array([1.0, 2, 3])

    class Kept(Layer[Array, Array]):
        def __init__(self) -> None:
            self.w, self.a = Parameter(np.array([2.0, 2, 2])), np.ones(3)

        def forward(self, X: Array, /) -> Any:
            T, w, a = X * kept, self.w.value, self.a

            def backward(grad: Array) -> Array:
                self.w.add_grad((grad * T * a).sum(axis=0))
                dX: Array = grad * w * kept * a
                return dX

            return T * w * a, backward

    function = Function(Kept(), np.ones((1, 3)))
    c = np.ones(3)
    before = function.gradients(c)
    other = np.array([5.0, 6, 7])
    for name, changed in (("kept", other * 2), ("a", before["X"] * other), ("w", other * kept)):
        late = function.gradients(c, late={name: other})
        assert np.array_equal(late["X"][0], np.ravel(changed))
        assert np.array_equal(function.gradients(c)["X"], before["X"])
    assert np.array_equal(function.gradients(c, late={"T": other[np.newaxis]})["w"], other)
    assert np.array_equal(kept, [1, 2, 3])

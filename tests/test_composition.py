"""Residual, Parallel and TimeDistributed: by hand, what is saved of the way back, what is shown."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layerwise import (
    Array,
    Dense,
    Dropout,
    Layer,
    Matrix,
    MultiHeadAttention,
    Parallel,
    ReLU,
    Residual,
    Sequential,
    Tanh,
    TimeDistributed,
)
from tests.raising import raises

RNG = np.random.default_rng(0)


class Lookup(Layer[NDArray[np.int64], Array]):
    """Rows of a table, by their numbers: a layer whose input has no gradient."""

    def __init__(self, table: Array) -> None:
        self.table = table

    def forward(
        self, X: NDArray[np.int64], /
    ) -> tuple[Array, Callable[[Array], NDArray[np.int64]]]:
        def backward(grad: Array) -> NDArray[np.int64]:
            return np.zeros_like(X)

        return self.table[X], backward


class Counted(Layer[Array, Array]):
    """X itself; counts in `log` by which way it was asked."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        self.log.append("forward")

        def backward(grad: Array) -> Array:
            return grad

        return X, backward

    def forward_from_data(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        Y, backward = self.forward(X)
        self.log[-1] = "from data"
        return Y, backward


def scaled(factor: float, inputs: int = 2, outputs: int = 2, **options: Any) -> Dense:
    """Y = factor X, entry by entry, as a Dense."""
    layer = Dense(inputs, outputs, rng=0, bias=False, **options)
    layer.W.value = factor * np.eye(inputs, outputs)
    return layer


class TestResidual:
    def test_by_hand(self) -> None:
        layer = Residual(scaled(3.0))
        Y, backward = layer.forward(np.array([[1.0, 2.0]]))
        assert Y.tolist() == layer(np.array([[1.0, 2.0]])).tolist() == [[4, 8]]
        assert backward(np.array([[1.0, 10.0]])).tolist() == [[4, 40]]
        assert [path for path, _ in layer.named_parameters()] == ["layer.W"]

    def test_x_takes_the_dtype_of_the_layer(self) -> None:
        Y, backward = Residual(scaled(3.0, dtype=np.float32)).forward(np.ones((1, 2)))
        assert Y.dtype == backward(Y).dtype == np.float32

    def test_a_call_is_inference(self) -> None:
        X = RNG.normal(size=(3, 4))
        np.testing.assert_array_equal(Residual(Dropout(0.5, rng=0))(X), 2 * X)

    def test_shapes_are_known_where_the_layer_knows_them(self) -> None:
        inside = Residual(Dense(3, 3))
        assert (inside.input_shape, inside.output_shape) == ((3,), (3,))
        unknown = Residual(Tanh())
        assert (unknown.input_shape, unknown.output_shape) == (None, None)

    def test_another_shape_is_refused(self) -> None:
        """At once, or where the layer does not know its input, at the first call."""
        message = "Residual: Dense gives (2, 3) for X (2, 4), expected the same shape: X is added"
        with raises(ValueError, f"{message} to it"):
            Residual(Dense(4, 3))
        message = "Residual: Lookup gives (2, 1) for X (2,), expected the same shape: X is added"
        late = Residual(Lookup(np.ones((5, 1))))
        X: Any = np.array([1, 4])
        for way in late, late.forward:
            with raises(ValueError, f"{message} to it"):
                way(X)

    def test_a_memory_is_refused(self) -> None:
        """It is not clear which of the two would be added."""
        pair: Any = np.ones((2, 3, 4)), np.ones((2, 5, 4))
        layer = Residual(MultiHeadAttention(4, 2))
        for way in layer, layer.forward:
            with raises(
                TypeError,
                "Residual: X is a tuple of 2, expected one array: a tuple of arrays is for a layer "
                "that takes several, such as (X, mask), with a mask of dtype bool",
            ):
                way(pair)

    def test_what_is_no_layer_is_refused(self) -> None:
        wrong: Any = Dense
        with raises(
            TypeError,
            "Residual: layer is the class Dense, expected a Layer: as in Residual(Dense(3, 3))",
        ):
            Residual(wrong)

    def test_a_gradient_that_would_broadcast_is_refused(self) -> None:
        _, backward = Residual(Tanh()).forward(np.ones((5, 2)))
        with raises(
            ValueError,
            "Residual: a gradient of shape (2,) came, expected (5, 2), the shape of what forward "
            "returned",
        ):
            backward(np.ones(2))


class TestParallel:
    def test_added_by_hand(self) -> None:
        layer = Parallel(scaled(3.0), scaled(10.0), scaled(100.0))
        X = np.array([[1.0, 2.0]])
        Y, backward = layer.forward(X)
        assert Y.tolist() == layer(X).tolist() == [[113, 226]]
        assert backward(np.array([[1.0, 0.0]])).tolist() == [[113, 0]]
        assert [path for path, _ in layer.named_parameters()] == ["0.W", "1.W", "2.W"]
        for part in layer.layers:
            assert part.parameters()[0].grad.tolist() == [[1, 0], [2, 0]]

    def test_concatenated_by_hand(self) -> None:
        layer = Parallel(scaled(3.0, outputs=1), scaled(10.0), join="concatenate")
        X = np.array([[1.0, 2.0]])
        Y, backward = layer.forward(X)
        assert Y.tolist() == layer(X).tolist() == [[3, 10, 20]]
        assert backward(np.array([[1.0, 0.5, 0.25]])).tolist() == [[8, 2.5]]
        assert layer.layers[0].parameters()[0].grad.tolist() == [[1], [2]]
        assert layer.layers[1].parameters()[0].grad.tolist() == [[0.5, 0.25], [1, 0.5]]

    def test_of_images_the_channels_are_joined(self) -> None:
        X = RNG.normal(size=(2, 4, 4, 3))
        Y, backward = Parallel(Tanh(), ReLU(), join="concatenate").forward(X)
        np.testing.assert_array_equal(Y, np.concatenate([np.tanh(X), np.maximum(X, 0)], axis=-1))
        assert backward(Y).shape == X.shape

    def test_a_call_is_inference(self) -> None:
        X = RNG.normal(size=(3, 4))
        np.testing.assert_array_equal(Parallel(Dropout(0.5, rng=0), Dropout(0.9, rng=0))(X), 2 * X)

    def test_one_layer_twice_gets_both_gradients(self) -> None:
        once, twice = scaled(3.0), scaled(3.0)
        X = RNG.normal(size=(4, 2))
        once.forward(X)[1](2 * X)
        layer = Parallel(twice, twice)
        layer.forward(X)[1](X)
        assert len(layer.parameters()) == 1
        np.testing.assert_allclose(twice.W.grad, once.W.grad, rtol=1e-14)

    def test_integers_may_come_in_where_the_layers_take_them(self) -> None:
        layer = Parallel(Lookup(np.array([1.0, 2.0])), Lookup(np.array([10.0, 20.0])))
        Y, backward = layer.forward(np.array([1, 0]))
        assert Y.tolist() == [22, 11]
        assert backward(Y).tolist() == [0, 0]
        assert backward(Y).dtype == np.int64

    def test_floats_take_the_dtype_of_what_is_learned(self) -> None:
        layer = Parallel(Tanh(), scaled(3.0, dtype=np.float32))
        Y, backward = layer.forward(np.ones((1, 2)))
        assert layer(np.ones((1, 2))).dtype == Y.dtype == backward(Y).dtype == np.float32

    def test_shapes_are_known_where_a_layer_knows_them(self) -> None:
        layer = Parallel(Tanh(), Dense(3, 4), join="concatenate")
        assert (layer.input_shape, layer.output_shape) == ((3,), (7,))
        unknown = Parallel(Tanh(), ReLU())
        assert (unknown.input_shape, unknown.output_shape) == (None, None)

    @pytest.mark.parametrize(
        ("join", "expected"),
        [("add", "one shape"), ("concatenate", "one shape, up to the last axis")],
    )
    def test_answers_that_do_not_fit_are_refused(self, join: str, expected: str) -> None:
        first, second = Lookup(np.ones((5, 2))), Lookup(np.ones((5, 3, 2)))
        message = "Parallel: layer 1 Lookup gives (4, 3, 2), layer 0 Lookup gives (4, 2), expected"
        layer = Parallel(first, second, join=join)
        for way in layer, layer.forward, layer.forward_from_data:
            with raises(ValueError, f"{message} {expected}"):
                way(np.arange(4))

    def test_answers_of_two_widths_are_not_added(self) -> None:
        with raises(
            ValueError,
            "Parallel: layer 1 Dense gives (2, 4), layer 0 Dense gives (2, 3), expected one shape",
        ):
            Parallel(Dense(2, 3), Dense(2, 4))

    def test_answers_of_two_dtypes_are_refused(self) -> None:
        with raises(
            TypeError,
            "Parallel: layer 1 Dense gives float32, layer 0 Dense gives float64: make all layers "
            "with the same dtype=, and X of it",
        ):
            Parallel(Dense(2, 3), Dense(2, 3, dtype=np.float32))

    def test_an_error_inside_says_where_it_came_from(self) -> None:
        with pytest.raises(ValueError, match="X has 2 columns, W has 3 rows") as caught:
            Parallel(Dense(2, 4), Dense(3, 4))
        assert caught.value.__notes__ == ["This came from layer 1 Dense of a Parallel."]

    def test_another_join_is_refused(self) -> None:
        with raises(ValueError, "Parallel: join='mean' came, expected 'add' or 'concatenate'"):
            Parallel(Tanh(), join="mean")

    def test_what_is_no_layer_is_refused(self) -> None:
        wrong: Any = [Tanh()]
        with raises(
            TypeError,
            "Parallel: item 1 is a list of 1, expected a Layer: make the layer, as in "
            "Parallel(Dense(2, 3), Dense(2, 3))",
        ):
            Parallel(Tanh(), wrong)

    def test_a_gradient_that_would_broadcast_is_refused(self) -> None:
        _, backward = Parallel(Tanh(), ReLU()).forward(np.ones((5, 2)))
        with raises(
            ValueError,
            "Parallel: a gradient of shape (2,) came, expected (5, 2), the shape of what forward "
            "returned",
        ):
            backward(np.ones(2))


@pytest.mark.parametrize(
    "around",
    [Residual, Parallel, lambda inside: Parallel(inside, join="concatenate"), TimeDistributed],
)
def test_of_data_no_gradient_is_asked(around: Callable[[Any], Layer[Matrix, Matrix]]) -> None:
    log: list[str] = []
    layer = around(Counted(log))
    Y, backward = layer.forward_from_data(np.ones((2, 2)))
    backward(Y)
    layer.forward(np.ones((2, 2)))
    assert log == ["from data", "forward"]


def test_the_table_shows_what_is_inside() -> None:
    network = Sequential(
        Residual(Sequential(Dense(4, 3), ReLU(), Dense(3, 4))),
        Parallel(Dense(4, 2), Tanh(), join="concatenate"),
        Dense(6, 1),
    )
    assert repr(network) == (
        """\
Sequential(
  0          Residual     (4,) -> (4,)  31
  0.layer    Sequential   (4,) -> (4,)  31
  0.layer.0  Dense(4, 3)  (4,) -> (3,)  15
  0.layer.1  ReLU()       (3,) -> (3,)   0
  0.layer.2  Dense(3, 4)  (3,) -> (4,)  16
  1          Parallel     (4,) -> (6,)  10
  1.0        Dense(4, 2)  (4,) -> (2,)  10
  1.1        Tanh()       ? -> ?         0
  2          Dense(6, 1)  (6,) -> (1,)   7
  48 parameters
)"""
    )


def test_repr() -> None:
    dense = Dense(2, 2)
    layers = Residual(dense), Parallel(dense, Tanh()), TimeDistributed(dense)
    assert [*map(repr, layers)] == [
        "Residual(Dense(2, 2))",
        "Parallel(Dense(2, 2), Tanh())",
        "TimeDistributed(Dense(2, 2))",
    ]
    assert repr(Parallel(Tanh(), join="concatenate")) == 'Parallel(Tanh(), join="concatenate")'

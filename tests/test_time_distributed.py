"""TimeDistributed: a layer of rows, place by place."""

from typing import Any

import numpy as np

from layerwise import BatchNorm, Dense, TimeDistributed
from tests.raising import raises

RNG = np.random.default_rng(0)


def test_each_place_is_a_row() -> None:
    dense = Dense(3, 2, rng=0)
    layer, X = TimeDistributed(dense), RNG.normal(size=(4, 5, 6, 3))
    Y, backward = layer.forward(X)
    assert Y.shape == (4, 5, 6, 2)
    np.testing.assert_array_equal(layer(X), Y)
    np.testing.assert_allclose(Y[1, 2, 3], dense(X[1, 2, 3:4])[0], rtol=1e-13)
    grad = RNG.normal(size=Y.shape)
    np.testing.assert_allclose(backward(grad), grad @ dense.W.value.T, rtol=1e-12)
    expected = np.einsum("abci,abco->io", X, grad)
    np.testing.assert_allclose(dense.W.grad, expected, rtol=1e-12)


def test_normalization_takes_all_places_for_one_batch() -> None:
    X = RNG.normal(size=(4, 5, 3))
    Y, _ = TimeDistributed(BatchNorm(3)).forward(X)
    np.testing.assert_allclose(Y, BatchNorm(3).forward(X)[0], rtol=1e-12)


def test_float32_and_integers() -> None:
    layer = TimeDistributed(Dense(2, 2, rng=0, dtype=np.float32))
    X: Any = np.ones((1, 3, 2), int)
    Y, backward = layer.forward(X)
    assert Y.dtype == backward(Y).dtype == np.float32


def test_a_single_row_is_refused() -> None:
    layer = TimeDistributed(Dense(2, 2))
    for way in layer, layer.forward:
        with raises(
            ValueError,
            "TimeDistributed: X (2,) came, expected (n, …, d): a row of d numbers in each place",
        ):
            way(np.ones(2))


def test_what_is_no_layer_is_refused() -> None:
    wrong: Any = None
    with raises(
        TypeError,
        "TimeDistributed: layer is None, expected a Layer: as in TimeDistributed(Dense(3, 3))",
    ):
        TimeDistributed(wrong)


def test_a_gradient_that_would_broadcast_is_refused() -> None:
    _, backward = TimeDistributed(Dense(2, 2)).forward(np.ones((5, 3, 2)))
    with raises(
        ValueError,
        "TimeDistributed: a gradient of shape (15, 2) came, expected (5, 3, 2), the shape of "
        "what forward returned",
    ):
        backward(np.ones((15, 2)))

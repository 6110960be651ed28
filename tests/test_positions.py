"""Encodings of places: their numbers, and how steps count."""

from math import cos, sin

import numpy as np
import pytest

from layerwise import Array, PositionalEncoding, PositionEmbedding
from layerwise.layers.positions import waves
from tests.raising import raises

X: Array = np.random.default_rng(0).normal(size=(3, 5, 4))


def test_waves_by_hand() -> None:
    P = PositionalEncoding(4)(np.zeros((1, 8, 4)))[0]
    for i in range(8):
        expected = [sin(i), cos(i), sin(i / 100), cos(i / 100)]
        np.testing.assert_allclose(P[i], expected, rtol=1e-12, atol=1e-15)
    odd = PositionalEncoding(3)(np.zeros((1, 8, 3)))[0]
    np.testing.assert_allclose(odd[7], [sin(7), cos(7), sin(7 / 10000 ** (2 / 3))], rtol=1e-12)


def test_what_is_kept_for_the_next_call_cannot_change() -> None:
    with raises(ValueError, "assignment destination is read-only"):
        waves(0, 3, 4, np.dtype(float))[0] = 1


def test_it_is_added_to_each_sequence() -> None:
    P = PositionalEncoding(4)(np.zeros((1, 5, 4)))
    np.testing.assert_array_equal(PositionalEncoding(4)(X), X + P)
    learned = PositionEmbedding(9, 4, rng=0)
    np.testing.assert_array_equal(learned(X), X + learned.embedding.W.value[:5])


def test_two_places_apart_are_turned_alike() -> None:
    """P[i] · P[j] depends on j − i alone, which is what the waves are for."""
    P = PositionalEncoding(16)(np.zeros((1, 50, 16)))[0]
    for apart in 1, 7, 30:
        products = (P[apart:] * P[:-apart]).sum(axis=1)
        np.testing.assert_allclose(products, products[0], rtol=1e-12)


def test_each_place_learns_from_all_sequences() -> None:
    learned, grad = PositionEmbedding(9, 4, rng=0), np.arange(60.0).reshape(3, 5, 4)
    np.testing.assert_array_equal(learned.forward(X)[1](grad), grad)
    expected = np.concatenate([grad.sum(axis=0), np.zeros((4, 4))])
    np.testing.assert_array_equal(learned.embedding.W.grad, expected)


@pytest.mark.parametrize("layer", [PositionalEncoding(4), PositionEmbedding(5, 4, rng=0)], ids=str)
def test_steps_count_places(layer: PositionalEncoding | PositionEmbedding) -> None:
    step, other = layer.stepper(), layer.stepper()
    other(X[:, 0])
    Y = np.stack([step(X[:, i]) for i in range(5)], axis=1)
    np.testing.assert_array_equal(Y, layer(X))


def test_learned_places_start_as_tokens_do() -> None:
    W = PositionEmbedding(1000, 8, rng=0, dtype=np.float32).embedding.W
    assert W.dtype == np.float32
    assert float(W.value.std()) == pytest.approx(1, rel=0.03)


def test_more_places_than_were_learned_are_refused() -> None:
    learned = PositionEmbedding(4, 4)
    with raises(
        ValueError,
        "PositionEmbedding: 5 places came, expected at most 4: make it with a larger length",
    ):
        learned(X)
    step = learned.stepper()
    for i in range(4):
        step(X[:, i])
    with raises(
        ValueError,
        "PositionEmbedding: 5 places came, expected at most 4: make it with a larger length",
    ):
        step(X[:, 4])


@pytest.mark.parametrize("layer", [PositionalEncoding(4), PositionEmbedding(9, 4)], ids=str)
def test_other_shapes_are_refused(layer: PositionalEncoding | PositionEmbedding) -> None:
    name = type(layer).__name__
    for A in X[0], X[..., :3], X[np.newaxis]:
        with raises(
            ValueError,
            f"{name}: X {A.shape} came, expected (n, t, 4): n sequences of t places with 4 "
            "features",
        ):
            layer(A)
    with raises(
        ValueError,
        f"{name}: a gradient of shape (5, 4) came, expected (3, 5, 4), the shape of what forward "
        "returned",
    ):
        layer.forward(X)[1](X[0])


def test_sizes_are_positive() -> None:
    with raises(ValueError, "PositionalEncoding: features=0 came, expected at least 1"):
        PositionalEncoding(0)
    with raises(ValueError, "PositionEmbedding: features=0 came, expected at least 1"):
        PositionEmbedding(3, 0)
    with raises(ValueError, "PositionEmbedding: length=0 came, expected at least 1"):
        PositionEmbedding(0, 3)


def test_repr() -> None:
    assert repr(PositionalEncoding(4)) == "PositionalEncoding(4)"
    assert repr(PositionEmbedding(9, 4)) == "PositionEmbedding(9, 4)"

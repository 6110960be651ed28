"""Embedding: which row, which gradient, and which tokens are refused."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layerwise import Adam, Dense, Embedding, Flatten, Sequential, SoftmaxCrossEntropy, fit
from layerwise.layers.masks import Mask
from layerwise.testing import assert_layer
from tests.raising import raises

TOKENS = np.array([[1, 1, 2], [6, 0, 1]])
MASK: Mask = np.array([[True, True, False], [False, True, True]])


def test_each_token_is_its_row() -> None:
    layer = Embedding(7, 4, rng=0)
    Y = layer(TOKENS)
    assert Y.shape == (2, 3, 4)
    for place, token in np.ndenumerate(TOKENS):
        np.testing.assert_array_equal(Y[place], layer.W.value[token])
    np.testing.assert_array_equal(layer(TOKENS[:, 0]), Y[:, 0])
    np.testing.assert_array_equal(layer(TOKENS.astype(np.uint64)), Y)


def test_gradients_of_a_token_that_comes_again_add_up() -> None:
    layer = Embedding(7, 2, rng=0)
    grad = np.arange(12.0).reshape(2, 3, 2)
    for _ in range(2):
        dX: Any = layer.forward(TOKENS)[1](grad)
    expected = np.zeros((7, 2))
    expected[0], expected[2], expected[6] = grad[1, 1], grad[0, 2], grad[1, 0]
    expected[1] = grad[0, 0] + grad[0, 1] + grad[1, 2]
    np.testing.assert_array_equal(layer.W.grad, 2 * expected)
    assert dX.dtype == TOKENS.dtype
    assert dX.shape == TOKENS.shape
    assert not dX.any()


def test_padding_is_zero_and_teaches_nothing() -> None:
    layer = Embedding(7, 2, rng=0)
    padded = np.where(MASK, TOKENS, 99)
    Y, backward = layer.forward((padded, MASK))
    np.testing.assert_array_equal(Y, layer((padded, MASK)))
    np.testing.assert_array_equal(Y, layer(TOKENS) * MASK[..., np.newaxis])
    dX, dmask = backward(np.ones_like(Y))
    assert not dX.any()
    assert not dmask.any()
    np.testing.assert_array_equal(layer.W.grad[:, 0], [1, 3, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("X", [TOKENS, (TOKENS, MASK), np.array([3, 3])])
def test_it_is_proven(X: Any) -> None:
    assert_layer(Embedding(7, 4, rng=0), X)


def test_a_network_of_tokens_and_mask_learns() -> None:
    """Which token stands in the only place that is no padding."""
    rng = np.random.default_rng(0)
    X, places = rng.integers(5, size=(60, 3)), rng.integers(3, size=60)
    mask: Mask = np.arange(3) == places[:, np.newaxis]
    y = X[mask]
    network = Sequential(Embedding(5, 8, rng=0), Flatten(), Dense(24, 5, rng=1))
    optimizer, loss = Adam(network.parameters(), 0.05), SoftmaxCrossEntropy()
    fit(network, (X, mask), y, loss=loss, optimizer=optimizer, epochs=30, rng=0)
    assert (network((X, mask)).argmax(axis=1) == y).all()


def test_first_values_are_normal() -> None:
    W = Embedding(1000, 8, rng=0).W.value
    assert W.shape == (1000, 8)
    assert W.std() == pytest.approx(1, rel=0.03)
    half = Embedding(9, 2, W_init=lambda shape, rng: np.full(shape, 0.5), dtype=np.float32)
    assert half.W.dtype == np.float32
    assert (half.W.value == 0.5).all()


@pytest.mark.parametrize(("token", "at"), [(7, (1, 2)), (-1, (0, 1))])
def test_a_token_out_of_range_is_named(token: int, at: tuple[int, int]) -> None:
    X = TOKENS.copy()
    X[at] = token
    message = f"Embedding: token {token} came at {at}, expected 0 to 6: there are 7 tokens"
    for way in Embedding(7, 2), Embedding(7, 2).forward:
        with raises(ValueError, message):
            way(X)
    with raises(ValueError, message):
        Embedding(7, 2)((X, np.ones_like(MASK)))


def test_what_is_no_token_is_refused() -> None:
    layer = Embedding(7, 2)
    wrong: list[NDArray[Any]] = [TOKENS.astype(np.float64), MASK, TOKENS.astype(str)]
    for X in wrong:
        with raises(
            TypeError,
            f"Embedding: X has dtype {X.dtype}, expected integers, one for each token: convert it "
            "with X.astype(int) if its numbers are such",
        ):
            layer(X)
        with pytest.raises(TypeError, match=f"Embedding: X has dtype {X.dtype}, expected integers"):
            layer((X, MASK))
    masked: Any = np.ma.masked_array(TOKENS, TOKENS == 6)
    for given in masked, (masked, MASK):
        with raises(
            TypeError,
            "Embedding: X is a MaskedArray, expected a plain array: np.asarray(...) makes it one",
        ):
            layer(given)
    pair: Any = TOKENS, TOKENS
    with raises(
        TypeError,
        "Embedding: X is a tuple of 2, expected tokens, or the pair of tokens and their mask, of "
        "dtype bool",
    ):
        layer(pair)


def test_sequences_of_different_lengths_are_refused() -> None:
    ragged: Any = [[1, 2, 3], [4]]
    message = (
        "Embedding: X is a list of 2 whose parts differ in shape, expected one array: fill short "
        "sequences up with padding; several arrays are a tuple, such as (X, mask)"
    )
    for layer in Embedding(7, 2), Sequential(Embedding(7, 2), Flatten(), Dense(6, 1)):
        with raises(TypeError, message):
            layer(ragged)


def test_a_mask_of_other_places_is_refused() -> None:
    with raises(
        ValueError,
        "Embedding: a mask (2, 2) came, expected (2, 3): True or False for each place of each "
        "sequence",
    ):
        Embedding(7, 2)((TOKENS, MASK[:, :2]))


@pytest.mark.parametrize("X", [TOKENS, (TOKENS, MASK)], ids=["tokens", "with mask"])
def test_a_gradient_that_would_broadcast_is_refused(X: Any) -> None:
    layer = Embedding(7, 2)
    with raises(
        ValueError,
        "Embedding: a gradient of shape (3, 2) came, expected (2, 3, 2), the shape of what "
        "forward returned",
    ):
        layer.forward(X)[1](np.ones((3, 2)))
    assert not layer.W.has_grad


@pytest.mark.parametrize(("tokens", "features"), [(0, 3), (3, 0)])
def test_sizes_are_positive(tokens: int, features: int) -> None:
    name = "features" if tokens else "tokens"
    with raises(ValueError, f"Embedding: {name}=0 came, expected at least 1"):
        Embedding(tokens, features)


def test_repr() -> None:
    assert repr(Embedding(7, 2)) == "Embedding(7, 2)"

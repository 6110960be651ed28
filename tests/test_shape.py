"""Flatten and Reshape: the order of the numbers, the way back, tokens, and every refusal."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import Conv2D, Dense, Flatten, Layer, MaxPool2D, Reshape, Sequential
from tests.raising import raises

X = np.arange(12.0).reshape(2, 3, 2)
BOTH = pytest.mark.parametrize("layer", [Flatten(), Reshape(6)], ids=repr)


@BOTH
def test_by_hand(layer: Layer[Any, Any]) -> None:
    Y, backward = layer.forward(X)
    assert Y.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert np.array_equal(backward(2 * Y), 2 * X)


@given(st.lists(st.integers(1, 4), max_size=3), st.integers(0, 3))
def test_reshape_undoes_flatten(row: list[int], n: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, *row))
    rows = Flatten()(X)
    assert rows.shape == (n, np.prod(row, dtype=int))
    assert np.array_equal(Reshape(*row)(rows), X)


@BOTH
@pytest.mark.parametrize("other", [X.transpose(0, 2, 1).copy().transpose(0, 2, 1), X[::-1, ::-1]])
def test_memory_in_any_order(layer: Layer[Any, Any], other: Any) -> None:
    assert layer(other).tolist() == [list(row.ravel()) for row in other]


@BOTH
def test_answers_are_arrays_of_their_own(layer: Layer[Any, Any]) -> None:
    before = X.copy()
    Y, _ = layer.forward(X)
    Y += 1
    assert np.array_equal(X, before)


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_any_dtype_is_kept(layer: Layer[Any, Any], dtype: Any) -> None:
    """Tokens too: what comes after may want whole numbers."""
    Y, backward = layer.forward(X.astype(dtype))
    assert Y.dtype == backward(np.zeros_like(Y)).dtype == dtype


def test_the_course_s_sizes() -> None:
    """Part 4.3: eight filters of 3 x 3 and a pooling by two make 1352 numbers of 28 x 28 pixels."""
    layers = Conv2D(1, 8, 3, rng=0), MaxPool2D(2), Flatten(), Dense(1352, 10, rng=0)
    assert Sequential(*layers, input_shape=(28, 28, 1)).output_shape == (10,)
    with raises(
        ValueError,
        "layer 3 Dense does not fit layer 2 Flatten, which gives (1352,) per row: matrix_multiply: "
        "X (2, 1352) and W (2197, 10) do not fit: X has 1352 columns, W has 2197 rows",
    ):
        Sequential(*layers[:3], Dense(2197, 10, rng=0), input_shape=(28, 28, 1))


def test_how_they_are_shown() -> None:
    assert repr(Flatten()) == "Flatten()"
    assert repr(Reshape(3, 2)) == "Reshape(3, 2)"
    assert repr(Reshape()) == "Reshape()"


class TestRefused:
    def test_rows_of_another_length(self) -> None:
        with raises(
            ValueError, "Reshape: X (2, 3, 2) came, expected rows of 8 numbers, as (4, 2) has"
        ):
            Reshape(4, 2)(X)

    def test_a_single_number(self) -> None:
        with raises(
            ValueError, "Flatten: a single number came, expected rows: X[None] makes it one"
        ):
            Flatten()(np.array(1.0))
        with raises(ValueError, "Reshape: X () came, expected rows of 1 numbers, as (1,) has"):
            Reshape(1)(np.array(1.0))

    def test_lengths_that_are_none(self) -> None:
        with raises(ValueError, "Reshape: shape=-1 came, expected at least 1"):
            Reshape(-1)
        with raises(
            TypeError, "Reshape: (2, 3) came, expected lengths one by one: as in Reshape(4, 2)"
        ):
            Reshape((2, 3))  # type: ignore[arg-type]  # what a user may write

    @BOTH
    def test_a_gradient_of_another_shape(self, layer: Layer[Any, Any]) -> None:
        _, backward = layer.forward(X)
        with raises(
            ValueError,
            f"{type(layer).__name__}: a gradient of shape (2, 3, 2) came, expected (2, 6), the "
            "shape of what forward returned",
        ):
            backward(X)

    @BOTH
    def test_no_plain_array(self, layer: Layer[Any, Any]) -> None:
        masked = np.ma.masked_array(X)
        with raises(
            TypeError,
            f"{type(layer).__name__}: X is a MaskedArray, expected a plain array: "
            "np.asarray(...) makes it one",
        ):
            layer(masked)

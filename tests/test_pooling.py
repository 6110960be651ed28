"""Pooling: by hand, the course's numbers, ties, against loops over windows, and every refusal."""

from itertools import product
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from layerwise import AveragePool2D, GlobalAveragePool2D, Layer, MaxPool2D, UpSample2D
from layerwise.layers.windows import Padding
from layerwise.testing import assert_layer
from tests.raising import raises

SIXTEEN = np.arange(1.0, 17).reshape(1, 4, 4, 1)
ALL = pytest.mark.parametrize(
    "layer", [MaxPool2D(2), AveragePool2D(2), GlobalAveragePool2D(), UpSample2D(2)], ids=repr
)


def image(rows: list[list[float]]) -> NDArray[np.float64]:
    return np.array(rows, float)[None, :, :, None]


def by_loops(
    layer: MaxPool2D | AveragePool2D, X: NDArray[Any], padding: Padding
) -> tuple[NDArray[Any], list[tuple[Any, Any]]]:
    """Y, and for each of its numbers its place and those of X that its window holds."""
    (height, width), (down, right) = layer.windows.size, layer.windows.stride
    starts, counts = [], []
    for length, size, stride in zip(X.shape[1:3], (height, width), (down, right), strict=True):
        if padding == "same":
            counts.append(ceil(length / stride))
            starts.append(-(max(0, (counts[-1] - 1) * stride + size - length) // 2))
        else:
            p = padding if isinstance(padding, int) else 0
            counts.append((length + 2 * p - size) // stride + 1)
            starts.append(-p)
    Y = np.zeros((len(X), *counts, X.shape[-1]))
    seen = []
    for r, i, j, c in product(*map(range, Y.shape)):
        rows = range(starts[0] + i * down, starts[0] + i * down + height)
        columns = range(starts[1] + j * right, starts[1] + j * right + width)
        inside = [
            (r, k, m, c)
            for k, m in product(rows, columns)
            if 0 <= k < X.shape[1] and 0 <= m < X.shape[2]
        ]
        numbers = [X[place] for place in inside]
        Y[r, i, j, c] = max(numbers) if isinstance(layer, MaxPool2D) else np.mean(numbers)
        seen.append(((r, i, j, c), inside))
    return Y, seen


def drawn(data: st.DataObject, kind: type[MaxPool2D | AveragePool2D]) -> tuple[Any, Padding, Any]:
    """A pooling, its padding, and an image of few different numbers, so of many ties."""
    size = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    stride = data.draw(st.sampled_from([None, 1, 2, (3, 1)]))
    paddings: list[Padding] = ["same", "valid", *range(min(size))]
    padding = data.draw(st.sampled_from(paddings))
    shape = data.draw(st.integers(0, 2)), *(data.draw(st.integers(k, 7)) for k in size), 2
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    return kind(size, stride=stride, padding=padding), padding, rng.integers(-2, 3, shape) * 1.0


class TestMax:
    def test_the_course_s_numbers(self) -> None:
        """Part 4.3."""
        assert MaxPool2D(2)(SIXTEEN)[0, :, :, 0].tolist() == [[6, 8], [14, 16]]
        overlapping = MaxPool2D(2, stride=1)(SIXTEEN)[0, :, :, 0]
        assert overlapping.tolist() == [[6, 7, 8], [10, 11, 12], [14, 15, 16]]

    def test_backward(self) -> None:
        _, backward = MaxPool2D(2).forward(SIXTEEN)
        dX = backward(image([[1, 2], [3, 4]]))[0, :, :, 0]
        assert dX.tolist() == [[0, 0, 0, 0], [0, 1, 0, 2], [0, 0, 0, 0], [0, 3, 0, 4]]

    def test_where_windows_overlap_gradients_are_added(self) -> None:
        _, backward = MaxPool2D(2, stride=1).forward(image([[0, 1, 0], [0, 9, 0], [0, 0, 2]]))
        dX = backward(image([[1, 10], [100, 1000]]))[0, :, :, 0]
        assert dX.tolist() == [[0, 0, 0], [0, 1111, 0], [0, 0, 0]]

    def test_what_no_window_reaches_gets_nothing(self) -> None:
        Y, backward = MaxPool2D(2).forward(image([[1, 2, 9], [3, 4, 9], [9, 9, 9]]))
        assert Y.ravel().tolist() == [4]
        dX = backward(image([[5]]))[0, :, :, 0]
        assert dX.tolist() == [[0, 0, 0], [0, 5, 0], [0, 0, 0]]

    @pytest.mark.parametrize(
        ("window", "expected"),
        [
            ([[7, 7], [7, 7]], [[1, 0], [0, 0]]),
            ([[0, 7], [7, 7]], [[0, 1], [0, 0]]),
            ([[0, 1], [7, 7]], [[0, 0], [1, 0]]),
            ([[0, 7], [1, 7]], [[0, 1], [0, 0]]),
            ([[7, 0], [0, 7]], [[1, 0], [0, 0]]),
        ],
    )
    @pytest.mark.parametrize("stride", [1, 2])
    def test_the_first_of_equal_maxima_gets_all(
        self, window: list[list[float]], expected: list[list[float]], stride: int
    ) -> None:
        _, backward = MaxPool2D(2, stride=stride).forward(image(window))
        assert backward(image([[1]]))[0, :, :, 0].tolist() == expected

    @pytest.mark.parametrize("pool", [MaxPool2D(2), MaxPool2D(3, stride=1, padding="same")])
    def test_rectified_integers(self, pool: MaxPool2D) -> None:
        """Full of ties, most of them at zero: each window gives its gradient away once."""
        X = np.maximum(np.random.default_rng(0).integers(-3, 3, (4, 6, 6, 3)), 0.0)
        Y, backward = pool.forward(X)
        grad = np.random.default_rng(1).integers(1, 9, Y.shape) * 1.0
        assert backward(grad).sum() == grad.sum()

    def test_padding_is_never_the_maximum(self) -> None:
        Y = MaxPool2D(2, padding=1)(-SIXTEEN)[0, :, :, 0]
        assert Y.tolist() == [[-1, -2, -4], [-5, -6, -8], [-13, -14, -16]]
        assert MaxPool2D(3, stride=3, padding="same")(-SIXTEEN).max() == -1

    @given(data=st.data())
    def test_any_sizes(self, data: st.DataObject) -> None:
        pool, padding, X = drawn(data, MaxPool2D)
        Y, backward = pool.forward(X)
        expected, seen = by_loops(pool, X, padding)
        assert np.array_equal(Y, expected)
        grad = np.random.default_rng(0).integers(1, 9, Y.shape) * 1.0
        dX = np.zeros_like(X)
        for place, inside in seen:
            dX[next(at for at in inside if X[at] == Y[place])] += grad[place]
        assert np.array_equal(backward(grad), dX)

    def test_what_is_not_a_number_stays_in_sight(self) -> None:
        X = SIXTEEN.copy()
        X[0, 0, 0, 0] = np.nan
        assert np.isnan(MaxPool2D(2)(X)).ravel().tolist() == [True, False, False, False]


class TestAverage:
    def test_by_hand(self) -> None:
        Y, backward = AveragePool2D(2).forward(SIXTEEN)
        assert Y[0, :, :, 0].tolist() == [[3.5, 5.5], [11.5, 13.5]]
        dX = backward(image([[4, 8], [12, 16]]))[0, :, :, 0]
        assert dX.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]

    def test_padding_does_not_count(self) -> None:
        """At a corner one number is seen, at an edge two, inside four."""
        pool = AveragePool2D(2, stride=1, padding=1)
        Y, backward = pool.forward(image([[1, 3], [5, 7]]))
        assert Y[0, :, :, 0].tolist() == [[1, 2, 3], [3, 4, 5], [5, 6, 7]]
        dX = backward(np.ones_like(Y))[0, :, :, 0]
        assert dX.tolist() == [[2.25, 2.25], [2.25, 2.25]]

    @given(data=st.data())
    def test_any_sizes(self, data: st.DataObject) -> None:
        pool, padding, X = drawn(data, AveragePool2D)
        Y, backward = pool.forward(X)
        expected, seen = by_loops(pool, X, padding)
        np.testing.assert_allclose(Y, expected, rtol=1e-14, atol=1e-15)
        dX = np.zeros_like(X)
        for place, inside in seen:
            for at in inside:
                dX[at] += Y[place] / len(inside)
        np.testing.assert_allclose(backward(Y), dX, rtol=1e-13, atol=1e-14)

    def test_of_whole_images(self) -> None:
        X = np.stack([SIXTEEN[0], 2 * SIXTEEN[0]]).repeat(2, axis=3) * [1, 10]
        Y, backward = GlobalAveragePool2D().forward(X)
        assert Y.tolist() == [[8.5, 85], [17, 170]]
        dX = backward(np.array([[16.0, 32], [48, 64]]))
        expected = np.array([[1.0, 2], [3, 4]])[:, None, None, :]
        assert np.array_equal(dX, np.broadcast_to(expected, X.shape))


class TestUpSample:
    def test_by_hand(self) -> None:
        Y, backward = UpSample2D((2, 3)).forward(image([[1, 2]]))
        assert Y[0, :, :, 0].tolist() == [[1, 1, 1, 2, 2, 2]] * 2
        dX = backward(np.arange(12.0).reshape(1, 2, 6, 1))
        assert dX.ravel().tolist() == [0 + 1 + 2 + 6 + 7 + 8, 3 + 4 + 5 + 9 + 10 + 11]

    @given(st.integers(1, 3), st.integers(1, 3))
    def test_pooling_undoes_it(self, height: int, width: int) -> None:
        X = np.random.default_rng(0).integers(-9, 9, (2, 3, 4, 2)) * 1.0
        Y = UpSample2D((height, width))(X)
        assert np.array_equal(Y, X.repeat(height, axis=1).repeat(width, axis=2))
        assert np.array_equal(MaxPool2D((height, width))(Y), X)


@ALL
def test_integers_become_floats(layer: Layer[Any, Any]) -> None:
    whole: Any = SIXTEEN.astype(int)
    assert layer(whole).dtype == np.float64
    assert np.array_equal(layer(whole), layer(SIXTEEN))


@ALL
def test_memory_in_any_order(layer: Layer[Any, Any]) -> None:
    """Transposed, every second, backwards: as if copied first; proven, too."""
    X = np.random.default_rng(0).normal(size=(4, 6, 5, 3))
    for other in X.transpose(0, 2, 1, 3), X[::2, ::-1], np.asfortranarray(X):
        Y, backward = layer.forward(other.copy())
        np.testing.assert_allclose(layer(other), Y, rtol=1e-14)
        np.testing.assert_allclose(layer.forward(other)[1](Y), backward(Y), rtol=1e-14)
    assert_layer(layer, X.transpose(0, 2, 1, 3))


def test_how_they_are_shown() -> None:
    assert repr(MaxPool2D(2)) == "MaxPool2D(2)"
    assert repr(AveragePool2D((3, 2), stride=1)) == "AveragePool2D((3, 2), stride=1)"
    assert repr(MaxPool2D(3, stride=3, padding="same")) == "MaxPool2D(3, padding='same')"
    assert repr(MaxPool2D(3, padding=(1, 2))) == "MaxPool2D(3, padding=(1, 2))"
    assert repr(UpSample2D((2, 2))) == "UpSample2D(2)"
    assert repr(GlobalAveragePool2D()) == "GlobalAveragePool2D()"


class TestRefused:
    @ALL
    def test_an_x_of_other_axes(self, layer: Layer[Any, Any]) -> None:
        with raises(
            ValueError,
            f"{type(layer).__name__}: X (4, 4) came, expected (n, height, width, channels): "
            "channels are the last axis",
        ):
            layer(np.ones((4, 4)))

    @ALL
    def test_a_gradient_of_another_shape(self, layer: Layer[Any, Any]) -> None:
        Y, backward = layer.forward(SIXTEEN)
        with raises(
            ValueError,
            f"{type(layer).__name__}: a gradient of shape {(2, *Y.shape)} came, expected "
            f"{Y.shape}, the shape of what forward returned",
        ):
            backward(np.ones((2, *Y.shape)))

    @ALL
    def test_complex_numbers(self, layer: Layer[Any, Any]) -> None:
        name = type(layer).__name__
        message = f"{name}: X has dtype complex128, expected real numbers: convert it first"
        with raises(TypeError, message):
            layer(SIXTEEN.astype(complex))

    def test_a_window_larger_than_the_image(self) -> None:
        with raises(
            ValueError,
            "MaxPool2D: X (1, 4, 4, 1) came, (4, 4) with its padding, expected at least (5, 1), "
            "which is what a window covers: make that smaller, or pad more",
        ):
            MaxPool2D((5, 1))(SIXTEEN)

    def test_images_without_pixels(self) -> None:
        with raises(
            ValueError,
            "GlobalAveragePool2D: X (2, 0, 3, 1) came, which has no pixels, expected at least one",
        ):
            GlobalAveragePool2D()(np.ones((2, 0, 3, 1)))

    def test_padding_as_wide_as_the_window(self) -> None:
        with raises(
            ValueError,
            "AveragePool2D: padding=2 came, expected less than the size (2, 3): a window would see "
            "nothing but padding",
        ):
            AveragePool2D((2, 3), padding=2)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"size": 0}, "size=0 came, expected at least 1"),
            ({"size": 2, "stride": 0}, "stride=0 came, expected at least 1"),
            ({"size": 2, "padding": -1}, "padding=-1 came, expected at least 0"),
            (
                {"size": (2, 2, 2)},
                "size=(2, 2, 2) came, expected a whole number, or 2 of them, one for each axis",
            ),
            (
                {"size": 2, "padding": "SAME"},
                "padding='SAME' came, expected 'same', 'valid', a whole number, or 2 of them",
            ),
        ],
    )
    def test_settings(self, options: dict[str, Any], message: str) -> None:
        with raises(ValueError, f"MaxPool2D: {message}"):
            MaxPool2D(**options)
        if options.keys() == {"size"}:
            with raises(ValueError, f"UpSample2D: {message}"):
                UpSample2D(**options)

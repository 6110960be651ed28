"""Convolution: by hand, the course's numbers, against loops over pixels, and every refusal."""

from itertools import product
from math import ceil
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from layerwise import Array, Conv1D, Conv2D, Dense, MaxPool2D, Sequential
from layerwise.layers.windows import Padding
from tests.raising import raises

IMAGE = np.array([[1.0, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1]]).reshape(1, 4, 4, 1)
NINE = np.arange(9.0).reshape(1, 3, 3, 1)
KERNEL = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)


def given_kernel(W: Array, b: float = 0.0, **options: Any) -> Conv2D:
    *size, inputs, outputs = W.shape
    conv = Conv2D(inputs, outputs, tuple(size), **options)
    conv.W.value, conv.b.value = W, np.full(outputs, b)
    return conv


def ends(length: int, size: int, stride: int, dilation: int, padding: object) -> tuple[int, int]:
    """How much is padded before and after, by the definition."""
    if padding == "same":
        total = max(0, (ceil(length / stride) - 1) * stride + (size - 1) * dilation + 1 - length)
        return total // 2, total - total // 2
    p = padding if isinstance(padding, int) else 0
    return p, p


def by_loops(conv: Conv2D, X: Array, grad: Array | None, padding: object) -> list[NDArray[Any]]:
    """Y, and with a gradient those of W and X too, one number at a time."""
    W, b = conv.W.value, conv.b.value
    stride, dilation = conv.windows.stride, conv.windows.dilation
    n, height, width, _ = X.shape
    pads = [ends(X.shape[a + 1], W.shape[a], stride[a], dilation[a], padding) for a in (0, 1)]
    Z = np.pad(X, [(0, 0), *pads, (0, 0)])
    lengths = [
        (Z.shape[a + 1] - (W.shape[a] - 1) * dilation[a] - 1) // stride[a] + 1 for a in (0, 1)
    ]
    Y = np.zeros((n, *lengths, W.shape[-1])) + b
    dW, dZ = np.zeros_like(W), np.zeros_like(Z)
    for r, i, j, k, m in product(*map(range, (n, *lengths, *W.shape[:2]))):
        at = r, i * stride[0] + k * dilation[0], j * stride[1] + m * dilation[1]
        Y[r, i, j] += Z[at] @ W[k, m]
        if grad is not None:
            dW[k, m] += np.outer(Z[at], grad[r, i, j])
            dZ[at] += W[k, m] @ grad[r, i, j]
    (top, _), (left, _) = pads
    return [Y, dW, dZ[:, top : top + height, left : left + width]]


class TestByHand:
    def test_the_course_s_mean_filter(self) -> None:
        """Part 4.2."""
        mean = given_kernel(np.full((2, 2, 1, 1), 0.25))
        expected = [[1.25, 1.5, 1.25], [1.5, 2, 1.5], [1.25, 1.5, 1.25]]
        assert mean(IMAGE)[0, :, :, 0].tolist() == expected
        by_two = given_kernel(np.full((2, 2, 1, 1), 0.25), stride=2)
        assert by_two(IMAGE)[0, :, :, 0].tolist() == [[1.25, 1.25], [1.25, 1.25]]

    def test_the_kernel_is_not_flipped(self) -> None:
        """The course's own convolution, which flips it, is that of the flipped kernel."""
        Y = given_kernel(KERNEL)(NINE)[0, :, :, 0]
        assert Y.tolist() == [[0 + 2 + 9 + 16, 1 + 4 + 12 + 20], [57, 67]]
        flipped = given_kernel(KERNEL[::-1, ::-1])(NINE)[0, :, :, 0]
        assert flipped.tolist() == [[4 * 0 + 3 * 1 + 2 * 3 + 1 * 4, 23], [43, 53]]

    def test_forward_and_backward(self) -> None:
        conv = given_kernel(KERNEL, b=100.0)
        Y, backward = conv.forward(NINE)
        assert Y[0, :, :, 0].tolist() == [[127, 137], [157, 167]]
        dX = backward(np.array([[1.0, 0], [0, 10]]).reshape(1, 2, 2, 1))
        assert dX[0, :, :, 0].tolist() == [[1, 2, 0], [3, 4 + 10, 20], [0, 30, 40]]
        assert conv.W.grad[:, :, 0, 0].tolist() == [[40, 51], [73, 84]]
        assert conv.b.grad.tolist() == [11]

    def test_same_pads_the_smaller_half_before(self) -> None:
        """As Keras has it: of a kernel of two, all of the padding is at the end."""
        Y = given_kernel(KERNEL, padding="same")(NINE)[0, :, :, 0]
        assert Y.tolist() == [[27, 37, 2 + 15], [57, 67, 5 + 24], [6 + 14, 7 + 16, 8]]

    def test_same_with_a_stride(self) -> None:
        """A length of 4 in steps of 3 has 2 windows of 3, up to 6: 1 before and 1 after."""
        pick = np.zeros((3, 3, 1, 1))
        pick[1, 1] = 1
        Y = given_kernel(pick, padding="same", stride=3)(np.arange(16.0).reshape(1, 4, 4, 1))
        assert Y[0, :, :, 0].tolist() == [[0, 3], [12, 15]]
        # In steps of 2 they reach up to 5: nothing before.
        Y = given_kernel(pick, padding="same", stride=2)(np.arange(16.0).reshape(1, 4, 4, 1))
        assert Y[0, :, :, 0].tolist() == [[5, 7], [13, 15]]

    def test_padding_by_a_pair(self) -> None:
        Y = given_kernel(KERNEL, padding=(1, 0))(NINE)
        assert Y[0, :, :, 0].tolist() == [[4, 11], [27, 37], [57, 67], [20, 23]]

    def test_dilation(self) -> None:
        assert given_kernel(KERNEL, dilation=2)(NINE).ravel().tolist() == [0 + 4 + 18 + 32]

    def test_a_sequence(self) -> None:
        conv = Conv1D(1, 1, 2, stride=2)
        conv.W.value, conv.b.value = np.array([10.0, 1.0]).reshape(2, 1, 1), np.array([0.5])
        Y, backward = conv.forward(np.array([1.0, 2, 3, 4, 5]).reshape(1, 5, 1))
        assert Y.ravel().tolist() == [12.5, 34.5]
        dX = backward(np.array([1.0, 2.0]).reshape(1, 2, 1))
        assert dX.ravel().tolist() == [10, 1, 20, 2, 0]
        assert conv.W.grad.ravel().tolist() == [7, 10]
        assert conv.b.grad.tolist() == [3]

    def test_one_by_one_is_dense_at_each_pixel(self) -> None:
        X = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
        conv, dense = Conv2D(5, 6, 1, rng=1), Dense(5, 6, rng=1)
        dense.W.value = conv.W.value[0, 0]
        Y, backward = conv.forward(X)
        flat, back = dense.forward(X.reshape(-1, 5))
        assert np.array_equal(Y.reshape(-1, 6), flat)
        assert np.array_equal(backward(Y).reshape(-1, 5), back(flat))

    def test_the_course_s_sizes(self) -> None:
        """28 x 28 through eight 3 x 3 filters and a pooling by two: 1352, where it prints 2197."""
        network = Sequential(Conv2D(1, 8, 3, rng=0), MaxPool2D(2), input_shape=(28, 28, 1))
        assert network.output_shape == (13, 13, 8)
        assert 13 * 13 * 8 == 1352


class TestAgainstLoops:
    @pytest.mark.parametrize("inputs", [2, 5])
    @pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)])
    @pytest.mark.parametrize("stride", [1, 2])
    def test_small_kernels_within_padding(
        self, inputs: int, size: tuple[int, int], stride: int
    ) -> None:
        rng = np.random.default_rng(0)
        conv = Conv2D(inputs, 2, size, padding=1, stride=stride, rng=rng)
        X = rng.normal(size=(2, 4, 3, inputs))
        Y, backward = conv.forward(X)
        grad = rng.normal(size=Y.shape)
        dX = backward(grad)
        for got, right in zip([Y, conv.W.grad, dX], by_loops(conv, X, grad, 1), strict=True):
            np.testing.assert_allclose(got, right, rtol=1e-12, atol=1e-13)

    @settings(max_examples=200)
    @given(data=st.data())
    def test_any_sizes(self, data: st.DataObject) -> None:
        """Whole numbers, so exactly; few channels and many, which go different ways."""
        numbers = st.integers(1, 3)
        n, inputs, outputs = data.draw(st.integers(0, 2)), data.draw(st.integers(1, 5)), 2
        size, stride, dilation = ((data.draw(numbers), data.draw(numbers)) for _ in range(3))
        paddings: list[Literal["same", "valid"] | int] = ["same", "valid", 1, 2]
        padding = data.draw(st.sampled_from(paddings))
        lengths = [
            data.draw(st.integers((k - 1) * d + 1, 8)) for k, d in zip(size, dilation, strict=True)
        ]
        rng = np.random.default_rng(data.draw(st.integers(0, 99)))
        conv = Conv2D(
            inputs, outputs, size, stride=stride, padding=padding, dilation=dilation, rng=rng
        )
        conv.W.value = rng.integers(-5, 5, conv.W.shape).astype(float)
        conv.b.value = rng.integers(-5, 5, outputs).astype(float)
        X = rng.integers(-5, 5, (n, *lengths, inputs)).astype(float)
        Y, backward = conv.forward(X)
        grad = rng.integers(-5, 5, Y.shape).astype(float)
        dX = backward(grad)
        expected = by_loops(conv, X, grad, padding)
        for got, right in zip([Y, conv.W.grad, dX], expected, strict=True):
            assert np.array_equal(got, right)
        assert np.array_equal(conv.b.grad, grad.sum(axis=(0, 1, 2)))
        if padding == "same":
            pairs = zip(lengths, stride, strict=True)
            assert Y.shape[1:3] == tuple(ceil(length / s) for length, s in pairs)

    @given(data=st.data())
    def test_a_sequence_is_an_image_of_height_one(self, data: st.DataObject) -> None:
        size, stride, dilation = (data.draw(st.integers(1, 3)) for _ in range(3))
        paddings: list[Padding] = ["same", "valid", 2]
        padding = data.draw(st.sampled_from(paddings))
        inputs = data.draw(st.integers(1, 5))
        options: dict[str, Any] = {"padding": padding, "rng": 0}
        one = Conv1D(inputs, 3, size, stride=stride, dilation=dilation, **options)
        if padding == 2:
            options["padding"] = (0, 2)
        two = Conv2D(inputs, 3, (1, size), stride=(1, stride), dilation=(1, dilation), **options)
        X = np.random.default_rng(0).normal(size=(2, 8, inputs))
        Y, backward = one.forward(X)
        Z, back = two.forward(X[:, None])
        np.testing.assert_allclose(Y, Z[:, 0], rtol=1e-14)
        np.testing.assert_allclose(backward(Y), back(Z)[:, 0], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(one.W.grad, two.W.grad[0], rtol=1e-12, atol=1e-13)

    @pytest.mark.parametrize("inputs", [2, 5])
    def test_memory_in_any_order(self, inputs: int) -> None:
        """Transposed, every second, backwards: as if copied first."""
        conv = Conv2D(inputs, 2, 2, rng=0)
        X = np.random.default_rng(0).normal(size=(6, 7, 8, inputs))
        grad = np.random.default_rng(1).normal(size=(6, 7, 6, 2))
        for given_X, given_grad in (
            (X.transpose(0, 2, 1, 3), grad),
            (np.asfortranarray(X.transpose(0, 2, 1, 3)), np.asfortranarray(grad)),
            (X.transpose(0, 2, 1, 3)[::-2, :, ::-1], grad[::2]),
        ):
            dX = conv.forward(given_X)[1](given_grad)
            Y, backward = conv.forward(given_X.copy())
            np.testing.assert_allclose(conv(given_X), Y, rtol=1e-14)
            np.testing.assert_allclose(dX, backward(given_grad.copy()), rtol=1e-14)


def test_from_data_the_answer_and_the_parameters_gradients_are_the_same() -> None:
    conv = given_kernel(KERNEL)
    Y, backward = conv.forward_from_data(NINE)
    backward(np.array([[1.0, 0], [0, 10]]).reshape(1, 2, 2, 1))
    assert Y[0, :, :, 0].tolist() == [[27, 37], [57, 67]]
    assert conv.W.grad[:, :, 0, 0].tolist() == [[40, 51], [73, 84]]
    assert conv.b.grad.tolist() == [11]


@pytest.mark.parametrize("inputs", [3, 4])
def test_from_data_spares_the_gradient_of_the_data(
    inputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    conv, X = Conv2D(inputs, 2, 2, rng=0), np.ones((1, 3, 3, inputs))
    _, backward = conv.forward_from_data(X)
    monkeypatch.setattr("layerwise.layers.convolution.spread", None)
    backward(np.ones((1, 2, 2, 2)))


def test_without_bias() -> None:
    conv = Conv2D(1, 1, 2, bias=False)
    conv.W.value = KERNEL
    Y, backward = conv.forward(NINE)
    assert Y.ravel().tolist() == [27, 37, 57, 67]
    backward(np.ones_like(Y))
    assert conv.parameters() == [conv.W]


def test_first_values() -> None:
    """He's variance, 2 / fan_in, counts all entries of the kernel."""
    conv = Conv2D(8, 50, (3, 5), rng=0)
    assert conv.W.shape == (3, 5, 8, 50)
    assert conv.W.value.var() == pytest.approx(2 / (3 * 5 * 8), rel=0.05)
    assert conv.b.value.tolist() == [0] * 50
    assert np.array_equal(Conv2D(8, 50, (3, 5), rng=0).W.value, conv.W.value)
    assert Conv1D(2, 3, 4, dtype=np.float32).W.shape == (4, 2, 3)


def test_x_becomes_the_parameters_dtype() -> None:
    conv = Conv2D(1, 1, 2, dtype=np.float32)
    conv.W.value = KERNEL
    whole: list[Any] = [NINE.astype(int), NINE.astype(np.uint8), NINE]
    for X in whole:
        Y = conv(X)
        assert Y.dtype == np.float32
        assert Y.ravel().tolist() == [27, 37, 57, 67]
    with raises(
        TypeError,
        "Conv2D: X has dtype complex128, expected real numbers: convert it first",
    ):
        conv(NINE.astype(complex))


def test_how_they_are_shown() -> None:
    assert repr(Conv2D(1, 8, 3)) == "Conv2D(1, 8, 3)"
    assert repr(Conv1D(1, 8, 3)) == "Conv1D(1, 8, 3)"
    many = Conv2D(1, 8, (3, 2), stride=2, dilation=(1, 2), padding="same", bias=False)
    shown = "Conv2D(1, 8, (3, 2), stride=2, dilation=(1, 2), padding='same', bias=False)"
    assert repr(many) == shown
    assert repr(Conv2D(1, 8, 3, padding=(1, 1))) == "Conv2D(1, 8, 3, padding=1)"
    assert repr(Conv2D(1, 8, 3, padding=0)) == "Conv2D(1, 8, 3, padding=0)"


class TestRefused:
    @pytest.mark.parametrize(
        ("shape", "expected"),
        [
            ((5, 4), "Conv2D: X (5, 4) came, expected (n, height, width, 3)"),
            ((4, 4, 3), "Conv2D: X (4, 4, 3) came, expected (n, height, width, 3)"),
            ((1, 3, 8, 8), "Conv2D: X (1, 3, 8, 8) came, expected (n, height, width, 3)"),
        ],
    )
    def test_an_x_of_other_axes(self, shape: tuple[int, ...], expected: str) -> None:
        with raises(ValueError, f"{expected}: channels are the last axis"):
            Conv2D(3, 2, 2)(np.ones(shape))

    def test_a_sequence_of_other_axes(self) -> None:
        message = "Conv1D: X (2, 7) came, expected (n, t, 3): channels are the last axis"
        with raises(ValueError, message):
            Conv1D(3, 2, 2)(np.ones((2, 7)))

    def test_a_kernel_larger_than_the_image(self) -> None:
        with raises(
            ValueError,
            "Conv2D: X (2, 4, 2, 1) came, (6, 4) with its padding, expected at least (5, 5), which "
            "is what a window covers: make that smaller, or pad more",
        ):
            Conv2D(1, 1, (3, 5), dilation=(2, 1), padding=1)(np.ones((2, 4, 2, 1)))

    def test_an_image_without_pixels(self) -> None:
        with raises(
            ValueError,
            "Conv2D: X (2, 0, 3, 1) came, (1, 4) with its padding, expected at least (2, 2), which "
            "is what a window covers: make that smaller, or pad more",
        ):
            Conv2D(1, 1, 2, padding="same")(np.ones((2, 0, 3, 1)))

    def test_a_network_names_the_layer(self) -> None:
        with raises(
            ValueError,
            "layer 1 Conv2D does not fit layer 0 MaxPool2D, which gives (14, 14, 1) per row: "
            "Conv2D: X (2, 14, 14, 1) came, expected (n, height, width, 2): channels are the last "
            "axis",
        ):
            Sequential(MaxPool2D(2), Conv2D(2, 1, 3), input_shape=(28, 28, 1))
        with raises(
            ValueError,
            "layer 0 Conv2D does not fit the input, (1, 28, 28) per row: Conv2D: X (2, 1, 28, 28) "
            "came, expected (n, height, width, 1): channels are the last axis",
        ):
            Sequential(Conv2D(1, 8, 3), input_shape=(1, 28, 28))

    def test_a_gradient_of_another_shape_or_dtype(self) -> None:
        conv = Conv2D(1, 1, 2)
        _, backward = conv.forward(NINE)
        with raises(
            ValueError,
            "Conv2D: a gradient of shape (1, 2, 2) came, expected (1, 2, 2, 1), the shape of what "
            "forward returned",
        ):
            backward(np.ones((1, 2, 2)))
        with raises(
            TypeError,
            "Conv2D: a gradient of dtype float32 came, expected float64, the dtype of what forward "
            "returned",
        ):
            backward(np.ones((1, 2, 2, 1), np.float32))
        assert not conv.W.has_grad

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"kernel_size": 0}, "kernel_size=0 came, expected at least 1"),
            ({"stride": (1, 0)}, "stride=0 came, expected at least 1"),
            ({"dilation": -1}, "dilation=-1 came, expected at least 1"),
            ({"padding": -1}, "padding=-1 came, expected at least 0"),
            ({"inputs": 0}, "inputs=0 came, expected at least 1"),
            ({"outputs": 0}, "outputs=0 came, expected at least 1"),
            (
                {"kernel_size": (3, 3, 3)},
                "kernel_size=(3, 3, 3) came, expected a whole number, or 2 of them, one for each "
                "axis",
            ),
            (
                {"padding": "full"},
                "padding='full' came, expected 'same', 'valid', a whole number, or 2 of them",
            ),
        ],
    )
    def test_settings(self, options: dict[str, Any], message: str) -> None:
        settings: dict[str, Any] = {"inputs": 1, "outputs": 1, "kernel_size": 2}
        with raises(ValueError, f"Conv2D: {message}"):
            Conv2D(**settings | options)

    def test_settings_that_are_no_whole_numbers(self) -> None:
        with raises(TypeError, "Conv2D: stride=1.5 came, expected a whole number"):
            Conv2D(1, 1, 2, stride=1.5)  # type: ignore[arg-type]  # what a user may write
        with raises(TypeError, "Conv1D: padding=None came, expected a whole number"):
            Conv1D(1, 1, 2, padding=None)  # type: ignore[arg-type]  # what a user may write

    def test_first_values_of_another_shape(self) -> None:
        with raises(
            ValueError,
            "Conv2D: W_init gave shape (4,), expected (2, 2, 1, 1): an initializer returns an "
            "array of the shape it is given",
        ):
            Conv2D(1, 1, 2, W_init=lambda shape, rng: np.ones(4))

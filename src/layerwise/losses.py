"""How wrong an answer is: `value, grad = loss(Y, target)`, the answer first, as in PyTorch.

A loss is any callable of this form; `grad`, dL/dY, is exactly the derivative of `value`. The
cross-entropies take logits, the numbers before softmax or sigmoid, because there the value and
the gradient are short and exact.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import as_plain
from layerwise.arrays import KEPT, Array, Indices, Matrix, as_floating, ones, scalar
from layerwise.layers.activations import sigmoid
from layerwise.layers.base import Out

Loss = Callable[[Out, NDArray[Any]], tuple[float, Out]]


class MeanSquaredError:
    """L = mean((Y − T)²) over all entries; dL/dY = 2 (Y − T) / (number of entries).

    Y and the target T have one shape. The mean of squares, not half of it: hence the factor 2.

    Raises ValueError for a target of another shape, which NumPy would broadcast, and for an empty
    batch; TypeError for a target that is not of real numbers. Source: course part 2.1.

    >>> MeanSquaredError()(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    (2.0, array([ 0., -2.]))
    """

    def __call__(self, Y: Array, target: Array, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y, T = _one_shape("MeanSquaredError", Y, target)
        error = Y - T
        return float(np.mean(error * error)), error * (2 / Y.size)


class SigmoidCrossEntropy:
    """L = mean(−T log σ(Y) − (1 − T) log σ(−Y)) over all entries; dL/dY = (σ(Y) − T) / N.

    Y are logits, σ is the sigmoid and N the number of entries: yes-or-no questions, one for each
    entry. The target T has the shape of Y and numbers from 0 to 1. Value and gradient are exact
    to rounding for logits of any size, because −log σ(Y) = log(1 + exp(−Y)) is computed as such
    and σ(Y) − T as (1 − T) σ(Y) − T σ(−Y).

    Raises ValueError for a target of another shape or beyond [0, 1] and for an empty batch;
    TypeError for a target that is not of real numbers. Source: course part 2.1.

    >>> value, grad = SigmoidCrossEntropy()(np.array([0.0]), np.array([1.0])); round(value, 6), grad
    (0.693147, array([-0.5]))
    """

    def __call__(self, Y: Array, target: Array, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y, T = _one_shape("SigmoidCrossEntropy", Y, target)
        if not (T.min() >= 0 and T.max() <= 1):
            raise ValueError(
                f"SigmoidCrossEntropy: target has numbers from {T.min()} to {T.max()}, expected "
                "0 to 1: 1 for yes and 0 for no, or a probability"
            )
        value = np.mean(T * np.logaddexp(0, -Y) + (1 - T) * np.logaddexp(0, Y))
        return float(value), ((1 - T) * sigmoid(Y) - T * sigmoid(-Y)) / Y.size


class SoftmaxCrossEntropy:
    """L = mean(log Σₖ exp(Yₖ) − Y_c) over all rows; dL/dY = (softmax(Y) − T) / N.

    Y are logits of shape (..., k): a score for each of k classes in each of N rows. The target is
    either c, the right class of each row, integers of shape (...), or T, of shape (..., k): in
    each row the classes' probabilities, one-hot where they are certain; then L is the mean of
    log Σₖ exp(Yₖ) − Σₖ Tₖ Yₖ. A logit of −inf rules a class out.

    Raises ValueError for a target of another shape, a class below 0 or beyond k − 1, a row of T
    that has negative numbers or does not sum to 1, and an empty batch; TypeError for classes that
    are not integers. Source: course parts 3.3 and 3.4.

    >>> value, grad = SoftmaxCrossEntropy()(np.zeros((1, 2)), np.array([1])); round(value, 6), grad
    (0.693147, array([[ 0.5, -0.5]]))
    """

    def __call__(self, Y: Array, target: Array | Indices, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y = as_floating(Y, "SoftmaxCrossEntropy: Y")
        if Y.ndim == 0 or Y.size == 0:
            raise ValueError(_EMPTY.format(who="SoftmaxCrossEntropy", shape=Y.shape))
        given = as_plain(target, "SoftmaxCrossEntropy: target")
        certain = given.shape != Y.shape
        T = _classes(Y, given) if certain else _probabilities(Y, given)
        flat, k = Y.reshape(-1), Y.shape[-1]
        N = Y.size // k
        rows, starts = flat.reshape(N, k), _starts(N, k)
        largest = flat[starts + rows.argmax(axis=1)]  # faster than rows.max(axis=1)
        shifted = rows - largest[:, np.newaxis]
        P = np.exp(shifted)
        S = P.dot(ones(k, P.dtype))
        P /= S[:, np.newaxis]
        terms = np.log(S)
        if certain:
            right = starts + T
            terms -= shifted.reshape(-1)[right]
            P.reshape(-1)[right] -= scalar(1, P.dtype)
        else:
            terms -= (T * np.where(T > 0, shifted, 0)).sum(axis=1)
            P -= T
        P /= scalar(N, P.dtype)
        return float(ones(N, S.dtype).dot(terms)) / N, P.reshape(Y.shape)


def _classes(Y: Array, target: NDArray[Any]) -> Indices:
    """The right class of each of N rows."""
    k = Y.shape[-1]
    if target.shape != Y.shape[:-1]:
        raise ValueError(
            f"SoftmaxCrossEntropy: target {target.shape} and Y {Y.shape} do not fit: expected "
            f"classes of shape {Y.shape[:-1]} or probabilities of shape {Y.shape}"
        )
    if target.dtype.kind not in "iu":
        names = "np.unique(y, return_inverse=True) gives the names and these"
        remedy = names if target.dtype.kind in "USO" else "convert it with target.astype(int)"
        raise TypeError(
            f"SoftmaxCrossEntropy: target has dtype {target.dtype}, expected integer classes "
            f"0 to k - 1: {remedy}"
        )
    # The extremes by argmin and argmax, which take a quarter of the time of min and max.
    low, high = target.item(target.argmin()), target.item(target.argmax())
    if not 0 <= low <= high < k:
        raise ValueError(
            f"SoftmaxCrossEntropy: target has classes from {low} to {high}, "
            f"expected 0 to {k - 1}, because Y has {k} columns"
        )
    return target.reshape(-1).astype(np.intp, copy=False)


def _probabilities(Y: Array, target: NDArray[Any]) -> Matrix:
    """N rows of probabilities, made to sum to 1 exactly."""
    T = as_floating(target, "SoftmaxCrossEntropy: target", Y.dtype).reshape(-1, Y.shape[-1])
    sums = T.sum(axis=1, keepdims=True)
    if not (T.min() >= 0 and np.abs(sums - 1).max() <= 1e-5):
        raise ValueError(
            "SoftmaxCrossEntropy: target has the shape of Y, so each row must hold "
            f"probabilities, at least 0 and summing to 1; its smallest entry is {T.min()} "
            f"and its rows sum to {sums.min()} to {sums.max()}"
        )
    normalized: Matrix = T / sums
    return normalized


def _starts(n: int, k: int) -> Indices:
    """Where the rows of an (n, k) matrix begin in its memory."""
    return _kept_starts(n, k) if n <= KEPT else np.arange(0, n * k, k)


@lru_cache(maxsize=8)
def _kept_starts(n: int, k: int) -> Indices:
    return np.arange(0, n * k, k)


_EMPTY = "{who}: Y has shape {shape} and no entries, expected at least one row"


def _one_shape(who: str, Y: Array, target: Array) -> tuple[Array, Array]:
    """Y and the target with floating numbers of one dtype, if they have one shape."""
    Y = as_floating(Y, f"{who}: Y")
    T = as_floating(target, f"{who}: target", Y.dtype)
    if T.shape != Y.shape:
        remedy = f": target.reshape({Y.shape}) if the order is right" if T.size == Y.size else ""
        raise ValueError(
            f"{who}: target {T.shape} and Y {Y.shape} must have the same shape, "
            f"nothing is broadcast{remedy}"
        )
    if Y.size == 0:
        raise ValueError(_EMPTY.format(who=who, shape=Y.shape))
    return Y, T

"""The loss for one of k classes."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layerwise.arguments import fraction, whole_number
from layerwise.arrays import KEPT, Array, Indices, as_floating, ones, scalar
from layerwise.forms import as_plain, weight_of_each, weights
from layerwise.losses.mean import Weight, weighted_mean
from layerwise.losses.targets import classes, empty, probabilities


class SoftmaxCrossEntropy:
    """L = mean(log Σₖ exp(Yₖ) − Y_c) over all rows; dL/dY = (softmax(Y) − T) / N.

    Y are logits of shape (..., k): a score for each of k classes in each of N rows. The target is
    either c, the right class of each row, integers of shape (...), or T, of shape (..., k): in
    each row the classes' probabilities, one-hot where they are certain; then L is the mean of
    log Σₖ exp(Yₖ) − Σₖ Tₖ Yₖ. A logit of −inf rules a class out.

    `label_smoothing` ε makes (1 − ε) T + ε/k of T. `class_weight` has k numbers v: the mean becomes
    Σ vₖ Tₖ (log Σⱼ exp(Yⱼ) − Yₖ) / Σ vₖ Tₖ over all rows and classes, the T below as it was before
    smoothing: for classes c as in PyTorch, divided by the sum of the v of the targets. A row whose
    class has v = 0 is left out. Where c is `ignore`, such as −1 for padding, the row is left out.
    Of a batch of which all is left out so, value and gradient are 0. A third argument, a weight for
    each row, leaves out those where it is 0; by it alone an epoch's loss is the mean over the rows
    that count, where `fit` otherwise takes each batch for as many as it has.

    Raises ValueError for a target of another shape, a class below 0 or beyond k − 1, a row of T
    that has negative numbers or does not sum to 1, and an empty batch; TypeError for classes that
    are not integers. Source: course parts 3.3 and 3.4; for label smoothing Szegedy et al.,
    "Rethinking the Inception architecture", 2016.

    >>> value, grad = SoftmaxCrossEntropy()(np.zeros((1, 2)), np.array([1])); round(value, 6), grad
    (0.693147, array([[ 0.5, -0.5]]))
    """

    def __init__(
        self,
        *,
        label_smoothing: float = 0.0,
        class_weight: ArrayLike | None = None,
        ignore: int | None = None,
    ) -> None:
        who = "SoftmaxCrossEntropy"
        self._plain = not label_smoothing and class_weight is None and ignore is None
        self.label_smoothing = fraction(who, "label_smoothing", label_smoothing)
        self.class_weight = (
            None if class_weight is None else weights(f"{who}: class_weight", class_weight)
        )
        self.ignore = None if ignore is None else whole_number(who, "ignore", ignore, -(2**63))

    def __call__(
        self, Y: Array, target: Array | Indices, weight: Weight = None, /
    ) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y = as_floating(Y, "SoftmaxCrossEntropy: Y")
        if Y.ndim == 0 or Y.size == 0:
            raise empty("SoftmaxCrossEntropy", Y.shape)
        given = as_plain(target, "SoftmaxCrossEntropy: target")
        T: NDArray[Any] = (
            probabilities("SoftmaxCrossEntropy", Y, given)
            if given.shape == Y.shape
            else classes("SoftmaxCrossEntropy", Y, given, self.ignore)
        )
        if weight is not None or not self._plain:
            T, weight = self._weighed(Y, T, weight)
            if not weight.any():
                return 0.0, np.zeros_like(Y)
        flat, k = Y.reshape(-1), Y.shape[-1]
        N = Y.size // k
        rows, starts = flat.reshape(N, k), _starts(N, k)
        largest = flat.take(starts + rows.argmax(axis=1))  # faster than rows.max(axis=1)
        shifted = rows - largest[:, np.newaxis]
        P = np.exp(shifted)
        S = P.dot(ones(k, P.dtype))
        P /= S[:, np.newaxis]
        terms = np.log(S)
        if T.ndim == 1:
            right = starts + T
            terms -= shifted.take(right)
            P.reshape(-1)[right] -= scalar(1, P.dtype)
        else:
            sums = T.sum(axis=1)  # 1 but for smoothed classes with weights
            terms = sums * terms - (T * np.where(T > 0, shifted, 0)).sum(axis=1)
            P *= sums[:, np.newaxis]
            P -= T
        value, grad = weighted_mean("SoftmaxCrossEntropy", terms, P, weight)
        return value, grad.reshape(Y.shape)

    def _weighed(self, Y: Array, T: NDArray[Any], weight: Weight) -> tuple[NDArray[Any], Array]:
        """The target as it counts, N classes or (N, k) numbers, and a weight for each row."""
        who, k = "SoftmaxCrossEntropy", Y.shape[-1]
        v = np.ones(k) if self.class_weight is None else self.class_weight
        if v.shape != (k,):
            raise ValueError(
                f"{who}: class_weight has shape {v.shape}, expected ({k},), a weight for each "
                f"class, because Y has {k} columns"
            )
        w: Array = np.ones(len(T))
        if weight is not None:
            w = weight_of_each(f"{who}: weight", weight, Y.shape[:-1]).reshape(-1)
        if self.ignore is not None and T.ndim == 1:
            left_out = self.ignore == T
            w, T = np.where(left_out, 0, w), np.where(left_out, 0, T)
        of_row = v[T] if T.ndim == 1 else T @ v
        if self.label_smoothing:
            certain = np.eye(k)[T] if T.ndim == 1 else T
            T = (1 - self.label_smoothing) * certain + self.label_smoothing / k
        if T.ndim == 2:
            T = (T * v / np.where(of_row > 0, of_row, 1)[:, np.newaxis]).astype(Y.dtype)
        return T, w * of_row


def _starts(n: int, k: int) -> Indices:
    """Where the rows of an (n, k) matrix begin in its memory."""
    return _kept_starts(n, k) if n <= KEPT else np.arange(0, n * k, k)


@lru_cache(maxsize=8)
def _kept_starts(n: int, k: int) -> Indices:
    return np.arange(0, n * k, k)

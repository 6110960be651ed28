"""What answers are worth: numbers that judge them by the targets."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Indices
from layerwise.forms import as_plain
from layerwise.losses.targets import classes, empty, probabilities


def accuracy(Y: Array, target: NDArray[Any]) -> float:
    """The share of answers that are right, from logits: 1 for all, 0 for none.

    One of k classes: Y has shape (..., k), and the largest logit counts, the first of equal ones;
    the target is the right class of each answer, of shape (...), or one-hot, of the shape of Y.
    Yes or no: Y has shape (n,) or (..., 1), and a logit above 0 is a yes; the target has that
    shape, with or without the last axis of 1, and is 1 for yes and 0 or −1 for no. What else is
    wanted of metrics, scikit-learn has.

    Raises ValueError for a target of another shape or with other numbers, and for no answers;
    TypeError for classes that are not integers. Source: course part 4.5.

    >>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
    0.5
    """
    Y, T = as_plain(Y, "accuracy: Y"), as_plain(target, "accuracy: target")
    if Y.dtype.kind != "f":
        raise TypeError(
            f"accuracy: Y has dtype {Y.dtype}, expected logits, what the network answers, and not "
            "the classes that they mean"
        )
    if Y.ndim == 0 or Y.size == 0:
        raise empty("accuracy", Y.shape)
    if Y.ndim == 1 or Y.shape[-1] == 1:
        right = (Y.reshape(-1) > 0) == _yes(Y, T)
    else:
        best = Y.reshape(-1, Y.shape[-1]).argmax(axis=1)
        right = best == _right_classes(Y, T)
    return float(right.mean())


def _right_classes(Y: Array, T: NDArray[Any]) -> Indices:
    one_hot = T.shape == Y.shape
    return probabilities("accuracy", Y, T).argmax(axis=1) if one_hot else classes("accuracy", Y, T)


def _yes(Y: Array, T: NDArray[Any]) -> NDArray[np.bool_]:
    answers = Y.shape if Y.ndim == 1 else Y.shape[:-1]
    if T.shape not in (answers, (*answers, 1)):
        raise ValueError(
            f"accuracy: target {T.shape} and Y {Y.shape} do not fit: expected one yes or no for "
            f"each answer, of shape {answers} or {(*answers, 1)}"
        )
    if not np.isin(T, (-1, 0, 1)).all():
        raise ValueError(
            f"accuracy: target has numbers from {T.min()} to {T.max()}, expected 1 for yes and 0 "
            "or -1 for no, because Y has one logit for each answer"
        )
    yes: NDArray[np.bool_] = T.reshape(-1) == 1
    return yes

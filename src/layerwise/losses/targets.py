"""What a target may be, and how it is read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Indices, Matrix, as_floating


def of_one_shape(who: str, Y: Array, target: Array) -> tuple[Array, Array]:
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
        raise empty(who, Y.shape)
    return Y, T


def classes(who: str, Y: Array, target: NDArray[Any], ignore: int | None = None) -> Indices:
    """The right class of each of N rows."""
    k = Y.shape[-1]
    if target.shape != Y.shape[:-1]:
        same = target.size == Y.size // k
        remedy = f": target.reshape({Y.shape[:-1]}) if they are classes" if same else ""
        raise ValueError(
            f"{who}: target {target.shape} and Y {Y.shape} do not fit: expected "
            f"classes of shape {Y.shape[:-1]} or probabilities of shape {Y.shape}{remedy}"
        )
    if target.dtype.kind not in "iu":
        names = "np.unique(y, return_inverse=True) gives the names and these"
        remedy = names if target.dtype.kind in "USO" else "convert it with target.astype(int)"
        raise TypeError(
            f"{who}: target has dtype {target.dtype}, expected integer classes 0 to k - 1: {remedy}"
        )
    counted = target if ignore is None else np.append(target[target != ignore], 0)
    # The extremes by argmin and argmax, which take a quarter of the time of min and max.
    low, high = counted.item(counted.argmin()), counted.item(counted.argmax())
    if not 0 <= low <= high < k:
        remedy = ""
        if k == 1:
            remedy = ": for a yes or no by one logit take SigmoidCrossEntropy"
        elif low < 0 and ignore is None:
            remedy = f": where {low} is padding, leave it out, from a loss by ignore={low}"
        raise ValueError(
            f"{who}: target has classes from {low} to {high}, "
            f"expected 0 to {k - 1}, because Y has {k} columns{remedy}"
        )
    return target.reshape(-1).astype(np.intp, copy=False)


def probabilities(who: str, Y: Array, target: NDArray[Any]) -> Matrix:
    """N rows of probabilities, made to sum to 1 exactly."""
    T = as_floating(target, f"{who}: target", Y.dtype).reshape(-1, Y.shape[-1])
    sums = T.sum(axis=1, keepdims=True)
    if not (T.min() >= 0 and np.abs(sums - 1).max() <= 1e-5):
        raise ValueError(
            f"{who}: target has the shape of Y, so each row must hold "
            f"probabilities, at least 0 and summing to 1; its smallest entry is {T.min()} "
            f"and its rows sum to {sums.min()} to {sums.max()}"
        )
    normalized: Matrix = T / sums
    return normalized


def empty(who: str, shape: tuple[int, ...]) -> ValueError:
    """The error for a Y without entries."""
    return ValueError(f"{who}: Y has shape {shape} and no entries, expected at least one row")

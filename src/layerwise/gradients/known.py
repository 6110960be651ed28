"""The right gradient times something known, or with something known lost or added."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Vector
from layerwise.gradients.jacobian import ENOUGH, Jacobian, large
from layerwise.gradients.lines import Entries
from layerwise.gradients.moves import axes_in_words


def factor_of(A: Array, J: Array, jacobian: Jacobian) -> float | None:
    """The number f with A = f J, if there is one."""
    weights = 1 / np.maximum(jacobian.tolerance, 1e-300)
    a, n = A * weights, J * weights
    if np.count_nonzero(np.abs(n) > 100) < ENOUGH:
        return None
    f = float((a * n).sum() / (n * n).sum())
    return f if np.all(np.abs(a - f * n) <= 1 + abs(f)) else None


def product_rule(jacobian: Jacobian) -> Iterator[str]:
    """Whether of Y = X f(X) backward has f(X) alone."""
    x, Y, A = jacobian.x, jacobian.Y, jacobian.A
    if x.shape == Y.shape and jacobian.whole_x and jacobian.whole_y and np.all(x):
        way = np.diag((Y / x).ravel())
        alone = np.array_equal(large(jacobian.J, jacobian.tolerance), way != 0)
        if alone and jacobian.same(A, way):
            yield (
                f"backward is grad * (Y / {jacobian.name}) alone: the other summand of the product "
                "rule is missing"
            )


def factors_by_index(jacobian: Jacobian) -> Iterator[str]:
    """A factor of its own for each index of some axes of x and of Y, and of as few as will do."""
    there = large(jacobian.J, jacobian.tolerance)
    if np.any(jacobian.wrong & ~there) or not np.any(there):
        return
    entries = Entries(jacobian, there, most=there.size)
    index, shape = entries.index, entries.lengths
    a, n = entries.a / entries.tolerance, entries.j / entries.tolerance

    def slabs(axes: list[int]) -> tuple[NDArray[np.intp], Array]:
        at = np.ravel_multi_index([index[k] for k in axes], [shape[k] for k in axes])
        return at, np.bincount(at, a * n) / np.maximum(np.bincount(at, n * n), 1e-300)

    axes = list(range(len(shape)))
    for axis in reversed(range(len(shape))):
        fewer = [k for k in axes if k != axis]
        at, factors = slabs(fewer) if fewer else (np.zeros(len(a), int), np.zeros(1))
        if np.all(np.abs(a - factors[at] * n) <= np.maximum(1, np.abs(factors[at]))):
            axes = fewer
    at, factors = slabs(axes) if axes else (np.zeros(1, int), np.ones(1))
    used = np.unique(at)
    factors = factors[used]
    few = len(used) < ENOUGH or len(at) < ENOUGH * len(used)
    x_axes = [k for k in axes if k < jacobian.x.ndim]
    y_axes = [k - jacobian.x.ndim for k in axes if k >= jacobian.x.ndim]
    # By elements and answers both, it is a number for each row, and not the weights themselves.
    rows = list(range(max(1, jacobian.Y.ndim - 1)))
    many = bool(x_axes) and bool(y_axes) and (len(x_axes) > 1 or y_axes not in (rows, [0]))
    if few or many or np.abs(factors).min() <= 1e-6 or np.abs(factors).max() >= 1e6:
        return
    most = 0.6 if _counts(factors) else 0.1  # that are right, as where only one is counted
    if np.mean(np.abs(factors - 1) < 1e-5) <= most and np.ptp(factors) >= 1e-3:
        both = (x_axes, ""), (y_axes, " of Y")
        words = " and ".join(f"{axes_in_words(some)}{of}" for some, of in both if some)
        yield (
            f"a factor for each index of {words} ({factors[0]:#.4g}, "
            f"{factors[1]:#.4g}, ...): something that forward computes for each of them is left "
            "out or wrong, such as a slope, or one over a norm or a count"
        )


def _counts(factors: Vector) -> bool:
    """Whether they are whole numbers of three sizes or more, or one over such."""
    whole = any(np.all(np.abs(f - np.round(f)) < 1e-5 * np.abs(f)) for f in (factors, 1 / factors))
    return whole and np.unique(np.round(factors, 5)).size > 2

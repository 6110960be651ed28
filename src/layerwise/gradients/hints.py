"""Known mistakes, by the pattern that they leave in the analytic gradient."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array

CLOSE = 1e-4  # patterns are recognized to four digits


def find_hint(
    a: Array, n: Array, x: Array, others: dict[str, Array], counts: dict[str, int]
) -> str | None:
    """The first pattern that fits an analytic gradient a that should be n, for a tensor x.

    `others` are the numeric gradients of the other tensors, `counts` numbers that mean something,
    such as the rows of the batch. NaN in n marks what was not measured.
    """
    return next(_patterns(a, n, x, others, counts), None)


def _patterns(
    a: Array, n: Array, x: Array, others: dict[str, Array], counts: dict[str, int]
) -> Iterator[str]:
    seen = np.isfinite(n)
    size = float(np.abs(n[seen]).max(initial=0))
    if not np.any(a) and size > 0:
        yield "the gradient is all zero: the term is missing"
    if alike(a, -n, seen):
        yield "sign: the gradient has the wrong sign"
    if size > 0:
        yield from _factors(a, n, seen, counts)
    square = a.ndim >= 2 and a.shape[-1] == a.shape[-2] > 1
    if square and alike(np.swapaxes(a, -1, -2), n, seen):
        yield "transpose: the gradient is the transpose of the right one"
    for name, other in others.items():
        if other.shape == a.shape and alike(a, other):
            yield f"swapped: this is the gradient of {name}"
    wrong = seen & (np.abs(a - n) > CLOSE * 1e-3 * np.abs(n))
    yield from _places(wrong, seen, x)
    yield from _means(a - n, seen, n)


def _factors(a: Array, n: Array, seen: NDArray[np.bool_], counts: dict[str, int]) -> Iterator[str]:
    top = seen & (np.abs(n) > 1e-3 * np.abs(n[seen]).max())
    factor = float(np.median(a[top] / n[top]))
    if abs(factor - 1) < 1e-3 or not alike(a, factor * n, seen):
        return
    known = {"2": 2.0, "1/2": 0.5, "-2": -2.0, "-1/2": -0.5}
    for what, count in counts.items():
        known[f"n, {what} ({count})"] = float(count)
        known[f"1/n, one over {what} ({count})"] = 1 / count if count else np.inf
    for words, value in known.items():
        if abs(factor - value) <= CLOSE * abs(value) and abs(value) != 1:
            yield f"factor {words}: the gradient is {factor:.6g} times the right one"
    yield f"a constant factor: the gradient is {factor:.6g} times the right one"


def _places(wrong: NDArray[np.bool_], seen: NDArray[np.bool_], x: Array) -> Iterator[str]:
    """Where the wrong elements lie, if that is a pattern."""
    if not wrong.any() or wrong[seen].all():
        return
    for word, side in ("negative", x < 0), ("positive", x > 0):
        if side.any() and not side.all() and not wrong[~side].any() and _most(wrong, side & seen):
            yield f"only {word} inputs are wrong: look at that branch of the function"
    names = {0: "row", x.ndim - 1: "column"} if x.ndim >= 2 else {}
    for axis, word in names.items():
        lines = np.flatnonzero(wrong.any(axis=tuple(i for i in range(x.ndim) if i != axis)))
        if len(lines) == 1 and x.shape[axis] > 1 and wrong.sum() > 1:
            yield f"only one {word} is wrong: {word} {lines[0]}"
    if wrong.sum() == 1:
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        yield f"only one element is wrong: {place}"


def _means(error: Array, seen: NDArray[np.bool_], n: Array) -> Iterator[str]:
    """An error that is the same all along an axis is the gradient of a mean that was left out."""
    if not seen.all():
        return
    size = np.abs(error).max(initial=0)
    for axis in range(error.ndim - 1, -1, -1):
        spread = np.ptp(error, axis=axis).max(initial=0) if error.shape[axis] > 1 else np.inf
        if size > 0 and spread <= 1e-3 * size:
            yield f"missing mean: the error is the same all along axis {axis}"


def _most(wrong: NDArray[np.bool_], where: NDArray[np.bool_]) -> bool:
    return bool(wrong[where].mean() > 0.5) if where.any() else False


def alike(a: Array, n: Array, seen: NDArray[np.bool_] | None = None) -> bool:
    """Whether a and n are the same where n was measured, to four digits of the largest."""
    seen = np.isfinite(n) if seen is None else seen
    size = np.abs(n[seen]).max(initial=0)
    return bool(size > 0 and np.abs(a - n)[seen].max(initial=0) <= CLOSE * size)

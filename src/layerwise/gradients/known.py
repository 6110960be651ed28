"""The right gradient times something known, or with something known lost or added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array
from layerwise.gradients.jacobian import ENOUGH, Jacobian, large
from layerwise.gradients.moves import axes_in_words


def factor_of(A: Array, J: Array, jacobian: Jacobian) -> float | None:
    """The number f with A = f J, if there is one."""
    weights = 1 / np.maximum(jacobian.tolerance, 1e-300)
    a, n = A * weights, J * weights
    if np.count_nonzero(np.abs(n) > 100) < ENOUGH:
        return None
    f = float((a * n).sum() / (n * n).sum())
    return f if np.all(np.abs(a - f * n) <= 1 + abs(f)) else None


def terms(jacobian: Jacobian, known: Mapping[str, Array]) -> Iterator[str]:
    """A factor that one of the known arrays is, or the entries of Y, or a number for each row."""
    A, J, x, Y = jacobian.A, jacobian.J, jacobian.x, jacobian.Y
    if not np.any(np.abs(A) > 100 * jacobian.tolerance):
        return
    slopes = {
        "Y": Y,
        "1 - Y": 1 - Y,
        "1 + Y": 1 + Y,
        "1 - Y * Y": 1 - Y * Y,
        "Y * (1 - Y)": Y - Y * Y,
    }
    for words, T in {**known, **slopes}.items():
        for aligned in (*_aligned(jacobian, T, x, 0), *_aligned(jacobian, T, Y, 1)):
            large = max(1.0, float(np.abs(aligned).max()))
            if jacobian.same(J / large, A * aligned / large):
                if np.all((T == 0) | (T == 1)) and T is not Y:
                    yield f"wrong only where {words} is 0: the mask is not applied"
                yield f"backward leaves out {words}: times it, the gradient is right"
            if jacobian.same(A / large, J * aligned / large):
                yield f"backward has {words} once too often: it is {words} times the right one"


def summands(jacobian: Jacobian, known: Mapping[str, Array]) -> Iterator[str]:
    """A summand that is a known array, entry by entry or as a matrix, is lost or there twice."""
    x, Y, A, J = jacobian.x, jacobian.Y, jacobian.A, jacobian.J
    if not (jacobian.whole_x and jacobian.whole_y):
        return
    ways, quotient = dict[str, Array](), _quotient(jacobian)
    if x.shape == Y.shape[Y.ndim - x.ndim :]:
        ways["grad itself"] = np.tile(np.eye(x.size), Y.size // x.size)
    if x.shape == Y.shape:
        for words, T in {**known, **quotient}.items():
            for aligned in _aligned(jacobian, T, Y, 1):
                ways[f"grad * {words}" if words not in quotient else f"grad * ({words})"] = np.diag(
                    aligned
                )
    for words, T in known.items():
        if x.shape[:-1] == Y.shape[:-1] and T.shape == (x.shape[-1], Y.shape[-1]):
            ways[f"grad @ {words}.T"] = np.kron(np.eye(x.size // len(T)), T)
    for words, way in ways.items():
        if jacobian.same(J - A, way):
            around = words == "grad itself" and x.shape == Y.shape
            missing = "the identity path" if around else "a summand"
            yield f"{missing} is missing: add {words}{', for the way around' * around}"
        if jacobian.same(A - J, way):
            yield f"{words} is added once too often"
        if (
            words == f"grad * (Y / {jacobian.name})"
            and np.array_equal(large(J, jacobian.tolerance), way != 0)
            and jacobian.same(A, way)
        ):
            yield f"backward is {words} alone: the other summand of the product rule is missing"


def _quotient(jacobian: Jacobian) -> dict[str, Array]:
    """What X is multiplied by, where the answer is X times something."""
    alike = jacobian.x.shape == jacobian.Y.shape and np.all(jacobian.x)
    return {f"Y / {jacobian.name}": jacobian.Y / jacobian.x} if alike else {}


def factors_by_index(jacobian: Jacobian) -> Iterator[str]:
    """A factor of its own for each index of some axes of x and of Y, and of as few as will do."""
    there = large(jacobian.J, jacobian.tolerance)
    if np.any(jacobian.wrong & ~there) or not np.any(there):
        return
    i, j = np.nonzero(there)
    shape = (*jacobian.x.shape, *jacobian.Y.shape)
    index = [
        *np.unravel_index(jacobian.x_at[i], jacobian.x.shape),
        *np.unravel_index(jacobian.y_at[j], jacobian.Y.shape),
    ]
    tolerance = np.broadcast_to(jacobian.tolerance, there.shape)[there]
    a, n = jacobian.A[there] / tolerance, jacobian.J[there] / tolerance

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
    if few or many or np.mean(np.abs(factors - 1) < 1e-5) > 0.1 or np.ptp(factors) < 1e-3:
        return
    if np.abs(factors).min() > 1e-6 and np.abs(factors).max() < 1e6:
        both = (x_axes, ""), (y_axes, " of Y")
        words = " and ".join(f"{axes_in_words(some)}{of}" for some, of in both if some)
        yield (
            f"a factor for each index of {words} ({factors[0]:#.4g}, "
            f"{factors[1]:#.4g}, ...): something that forward computes for each of them is left "
            "out or wrong, such as a slope, or one over a norm or a count"
        )


def _aligned(jacobian: Jacobian, T: Array, like: Array, side: int) -> Iterator[Array]:
    """T spread over x or Y, wherever its axes fit, as a column or row beside the matrices."""
    if T.size < 2 or np.ptp(T.astype(float)) <= 1e-3 * np.abs(T.astype(float)).max():
        return
    for behind in range(like.ndim - T.ndim + 1):
        spread = T.reshape(T.shape + (1,) * behind).astype(float)
        pairs: Iterator[tuple[int, int]] = zip(spread.shape[::-1], like.shape[::-1], strict=False)
        if all(m in (1, n) for m, n in pairs):
            flat = np.broadcast_to(spread, like.shape).ravel()
            yield flat[jacobian.y_at] if side else flat[jacobian.x_at][:, np.newaxis]

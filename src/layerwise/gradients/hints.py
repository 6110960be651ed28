"""Known mistakes, by the relation between backward's matrix A and the right one, J."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from layerwise.arrays import Array
from layerwise.gradients.jacobian import Jacobian, large
from layerwise.gradients.moves import axes_in_words, flips, moved, sums

UNCHANGED = "backward gives grad as it came: what forward does to X is missing"
ENOUGH = 3  # numbers that have to fit, before a pattern is one


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
    known = {**known, "Y": Y, "1 - Y": 1 - Y, "1 + Y": 1 + Y}
    for words, T in known.items():
        for aligned in (*_aligned(jacobian, T, x, 0), *_aligned(jacobian, T, Y, 1)):
            large = max(1.0, float(np.abs(aligned).max()))
            if jacobian.same(J / large, A * aligned / large):
                if np.all((T == 0) | (T == 1)) and T is not Y:
                    yield f"wrong only where {words} is 0: the mask is not applied"
                yield f"backward leaves out {words}: times it, the gradient is right"
            if jacobian.same(A / large, J * aligned / large):
                yield f"backward has {words} once too often: it is {words} times the right one"


def factors_by_index(jacobian: Jacobian) -> Iterator[str]:
    """A factor of its own for each index of some axes."""
    A, J, x = jacobian.A, jacobian.J, jacobian.x
    index = np.unravel_index(jacobian.x_at, x.shape)
    for axes in [axes for axes in flips(x.ndim) if len(axes) < x.ndim]:
        at = np.ravel_multi_index([index[i] for i in axes], [x.shape[i] for i in axes])
        slabs = [(A[at == i], J[at == i]) for i in np.unique(at)]
        factors = [float((a * j).sum() / max((j * j).sum(), 1e-300)) for a, j in slabs]
        fits = all(
            np.count_nonzero(j) >= ENOUGH
            and jacobian.same(a / max(1, abs(f)), f * j / max(1, abs(f)))
            and 1e-3 < abs(f) < 1e3
            for (a, j), f in zip(slabs, factors, strict=True)
        )
        others = np.abs(np.subtract(factors, 1)).min() > 1e-5 and np.ptp(factors) > 1e-3
        if len(slabs) >= ENOUGH and fits and others:
            yield (
                f"a factor for each index of {axes_in_words(axes)} ({factors[0]:.4g}, "
                f"{factors[1]:.4g}, ...): something that forward computes for each of them is left "
                "out, such as one over a norm or a count"
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


def rearranged(jacobian: Jacobian) -> Iterator[str]:
    """The right numbers in the wrong places: shifted, reversed, exchanged, summed along an axis."""
    A, J = jacobian.A, jacobian.J
    alike = jacobian.x.shape == jacobian.Y.shape and jacobian.whole_x and jacobian.whole_y
    if alike and jacobian.same(A, J.T):
        yield "transpose: grad is sent the way that forward goes, and not back"
    for side, like, whole in ((0, jacobian.x, jacobian.whole_x), (1, jacobian.Y, jacobian.whole_y)):
        if whole and like.size > 1:
            of = " of Y" if side else ""
            analytic, numeric = (M.T if side else M for M in (A, J))
            tolerance = jacobian.tolerance
            tolerance = np.full((1, len(A)), tolerance.max()) if side else tolerance[np.newaxis]
            shape = (*like.shape, -1)
            yield from moved(analytic.reshape(shape), numeric.reshape(shape), tolerance, of)
            yield from sums(analytic.reshape(shape), numeric.reshape(shape), tolerance, of)


def subsets(jacobian: Jacobian) -> Iterator[str]:
    """What is right but for ways that are missing, or that should not be, or are not weighed."""
    A, J, wrong = jacobian.A, jacobian.J, jacobian.wrong
    if np.all(np.abs(J[wrong]) <= np.broadcast_to(jacobian.tolerance, J.shape)[wrong]):
        yield (
            "not zero where the answer does not depend on the element: a mask or choice of forward "
            "(as of ReLU, dropout, a maximum) is not applied"
        )
    if not np.any(A[wrong]):
        yield from _one_kept(jacobian)
    if _as_it_came(jacobian):
        yield UNCHANGED
    ways = large(J, jacobian.tolerance)
    if ways.sum() >= ENOUGH and jacobian.same(A, np.where(ways, A[ways].mean(), 0)):
        yield (
            f"grad goes the right ways, but all of it times {A[ways].mean():.6g}: a factor that "
            "differs from way to way, such as a weight or a slope, is left out"
        )


def elsewhere(jacobian: Jacobian) -> Iterator[str]:
    """The right numbers of each answer, at other elements."""
    ordered = np.sort(jacobian.A, axis=0), np.sort(jacobian.J, axis=0)
    several = jacobian.whole_x and jacobian.wrong.any(axis=1).sum() > 2
    if several and jacobian.same(*ordered):
        if _as_it_came(jacobian):
            yield UNCHANGED
        yield "the gradient of an answer arrives at another place than the answer came from"


def _as_it_came(jacobian: Jacobian) -> bool:
    """Whether backward is the identity."""
    one = jacobian.x_at[:, np.newaxis] == jacobian.y_at
    return jacobian.x.shape == jacobian.Y.shape and jacobian.same(jacobian.A, one)


def _one_kept(jacobian: Jacobian) -> Iterator[str]:
    """Whether of several answers of an element only one's gradient has arrived."""
    last = jacobian.Y.shape[-1] if jacobian.Y.ndim > 1 else 1
    slots = jacobian.y_at // last
    reached = large(jacobian.J, jacobian.tolerance)
    kept = reached & ~jacobian.wrong
    for i in np.flatnonzero(jacobian.wrong.any(axis=1)):
        mine = set(slots[kept[i]])
        if len(mine) != 1 or np.any(kept[i] != (reached[i] & np.isin(slots, list(mine)))):
            return
    yield (
        "one of several gradients is kept, where they add up: add them, with += for "
        "overlapping windows, and np.add.at where an index repeats (+= keeps one)"
    )

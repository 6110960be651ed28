"""Terms that go through a few numbers, such as a mean, a norm or a softmax's sum: lost or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from layerwise.arrays import Array
from layerwise.gradients.hints import ENOUGH
from layerwise.gradients.jacobian import Jacobian
from layerwise.gradients.moves import axes_in_words, flips


def couplings(jacobian: Jacobian) -> Iterator[str]:
    """What goes along an axis, from an element to its neighbours' answers: means, sums, norms."""
    x, A, J = jacobian.x, jacobian.A, jacobian.J
    if not (x.shape == jacobian.Y.shape and jacobian.whole_x and jacobian.whole_y) or x.size < 4:
        return
    one = np.eye(x.size)
    if jacobian.same(J - A, one):
        yield "the identity path is missing: add grad itself, for the way around"
    if jacobian.same(A - J, one):
        yield "grad itself is added once too often"
    mine, right = (_coupled(M, x.shape, jacobian.tolerance) for M in (A, J))
    yield from _means(jacobian, mine - right)
    if mine - right:
        belongs = "belongs" if len(right) == 1 else "belong"
        only = f"where {axes_in_words(sorted(right))} {belongs}" if right else "where nothing does"
        yield (
            f"backward mixes the elements along {axes_in_words(sorted(mine - right))}, {only}: "
            "a sum or mean over the wrong axis"
        )
    if not right:
        return
    along, rank = axes_in_words(sorted(right)), _rank(jacobian, sorted(right))
    if not mine and jacobian.same(np.diag(A), np.diag(J)):
        yield (
            f"the diagonal of the Jacobian alone: what goes along {along} from an element to the "
            "others' answers is missing, as softmax's -Y sum(grad Y)"
        )
    if not mine and rank < ENOUGH:
        yield (
            f"each element gets its own answer's gradient only, and what goes along {along} is "
            "missing: statistics such as a mean, variance, norm or softmax's sum are taken for "
            "constants"
        )
    if rank == 1:
        yield (
            f"missing or wrong: a term through one number along {along}, as a sum, mean, norm or "
            "variance is"
        )
    if not _coupled(A - J, x.shape, jacobian.tolerance) and np.all(jacobian.wrong.any(axis=1)):
        yield (
            "missing or wrong: a term that goes straight from each entry of grad to the same entry "
            "of X, as around a layer, by a skip or a gate"
        )


def _means(jacobian: Jacobian, surplus: set[int]) -> Iterator[str]:
    """Means that are not subtracted, or that should not be."""
    x, E = jacobian.x, (jacobian.A - jacobian.J).reshape(*jacobian.x.shape, -1)
    A, J = (M.reshape(E.shape) for M in (jacobian.A, jacobian.J))

    def same(one: Array, other: Array) -> bool:
        return jacobian.same(one.reshape(jacobian.A.shape), other.reshape(jacobian.A.shape))

    for axes in [axes for axes in flips(x.ndim) if min(x.shape[i] for i in axes) > 1]:
        along = axes_in_words(axes)
        mean = A.mean(axis=axes, keepdims=True), J.mean(axis=axes, keepdims=True)
        if same(A, J - mean[1]):
            yield f"surplus mean: the mean along {along} is subtracted, and must not be"
        if same(A - mean[0], J) and not surplus:
            # Where the mean is missing, the error has the sign of an entry's own derivative.
            if (np.diag(jacobian.A - jacobian.J) * np.diag(jacobian.J)).sum() > 0:
                yield f"missing mean: the mean of the gradient along {along} is not subtracted"
            else:
                yield f"a sum for a mean: too much is subtracted along {along}"
    for axes in reversed(list(flips(x.ndim))):
        size = prod(x.shape[axis] for axis in axes)
        if size > 1 and not surplus and same(E, 0 * E + E.mean(axis=axes, keepdims=True)):
            along = axes_in_words(axes)
            yield f"the error is the same all along {along}: a mean or sum there is wrong"


def _rank(jacobian: Jacobian, axes: list[int]) -> int:
    """Through how many numbers the error goes along these axes; many where it cannot be told."""
    x = jacobian.x
    n = int(prod(x.shape[axis] for axis in axes))
    E = (jacobian.A - jacobian.J).reshape(x.shape * 2)
    E = np.moveaxis(E, [*axes, *(x.ndim + axis for axis in axes)], range(-2 * len(axes), 0))
    groups = np.arange(x.size // n)
    E = E.reshape(x.size // n, x.size // n, n, n)[groups, groups]
    lines = [np.sum(np.abs(E).max(axis=i) > 1e-4 * np.abs(E).max(), axis=-1) for i in (-1, -2)]
    if n < ENOUGH or np.min(lines) < ENOUGH:
        return n
    sizes = np.linalg.svd(E, compute_uv=False)
    return int(np.max(np.sum(sizes > 1e-4 * sizes.max(), axis=-1)))


def _coupled(M: Array, shape: tuple[int, ...], tolerance: Array) -> set[int]:
    """The axes along which something goes from an element to another's answer."""
    i, j = np.nonzero(np.abs(M) > tolerance)
    pairs = zip(np.unravel_index(i, shape), np.unravel_index(j, shape), strict=True)
    return {axis for axis, (a, b) in enumerate(pairs) if np.any(a != b)}


def bottlenecks(jacobian: Jacobian) -> Iterator[str]:
    """An error that passes through one number, or two, for all answers along the last axis of Y."""
    Y, n = jacobian.Y, jacobian.Y.shape[-1]
    if not jacobian.whole_y or Y.ndim < 2 or min(n, len(jacobian.A)) < ENOUGH:
        return
    E, J = (M.reshape(len(M), -1, n).swapaxes(0, 1) for M in (jacobian.A - jacobian.J, jacobian.J))
    sizes = (np.linalg.svd(M, compute_uv=False) for M in (E, J))
    rank, right = (
        int((s > 1e-4 * s.max(axis=-1, keepdims=True)).sum(axis=-1).max()) for s in sizes
    )
    there = np.abs(E) > 1e-3 * np.abs(E).max()
    spread = min(there.any(axis=i).sum(axis=-1).max() for i in (1, 2))
    if rank < ENOUGH <= spread and right > rank:
        yield (
            f"missing or wrong: a term through {'one number' if rank == 1 else 'two numbers'} for "
            "all answers along the last axis of Y, as the sum of grad times Y in a softmax's "
            "gradient (one for each head), or a mean or norm"
        )

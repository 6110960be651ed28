"""Terms that go through a few numbers, such as a mean, a norm or a softmax's sum: lost or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from layerwise.arrays import Array
from layerwise.gradients.jacobian import ENOUGH, Jacobian
from layerwise.gradients.moves import axes_in_words, flips

NUMBERS = {1: "one number", 2: "two numbers"}


def couplings(jacobian: Jacobian) -> Iterator[str]:
    """What goes along an axis, from an element to its neighbours' answers: means, sums, norms."""
    x, A, J = jacobian.x, jacobian.A, jacobian.J
    if not (jacobian.whole_x and jacobian.whole_y) or x.size < 4:
        return
    if x.shape != jacobian.Y.shape:
        yield from _means(jacobian, alike=False)
        return
    mine, right = (_coupled(M, x.shape, jacobian.tolerance) for M in (A, J))
    if not mine - right:
        yield from _means(jacobian, alike=True)
    if mine - right:
        belongs = "belongs" if len(right) == 1 else "belong"
        only = f"where {axes_in_words(sorted(right))} {belongs}" if right else "where nothing does"
        yield (
            f"backward mixes the elements along {axes_in_words(sorted(mine - right))}, {only}: "
            "a wrong axis in a sum, mean, product or reshape"
        )
    if not right:
        return
    along, rank = axes_in_words(sorted(right)), _rank(jacobian, sorted(right))
    if not mine and jacobian.same(np.diag(A), np.diag(J)):
        yield (
            f"the diagonal of the Jacobian alone: what goes along {along} from an element to the "
            "others' answers is missing, as softmax's -Y sum(grad Y)"
        )
    if not mine and (rank < ENOUGH or not jacobian.same(A, np.eye(x.size))):
        statistics = (
            ": statistics such as a mean, variance, norm or softmax's sum are taken for constants"
        )
        yield (
            f"each element gets its own answer's gradient only, and what goes along {along} is "
            f"missing{statistics if rank < ENOUGH else ''}"
        )
    if mine and mine < right:
        yield (
            f"backward mixes the elements along {axes_in_words(sorted(mine))} only, where {along} "
            "belong: a sum, mean or product over too few axes"
        )
    if rank < ENOUGH and np.mean(jacobian.wrong.any(axis=1)) > 0.9:
        yield (
            f"missing or wrong: a term through {NUMBERS[rank]} along {along}, as a sum, mean, norm "
            "or variance is"
        )
    if not _coupled(A - J, x.shape, jacobian.tolerance) and np.all(jacobian.wrong.any(axis=1)):
        yield (
            "missing or wrong: a term that goes straight from each entry of grad to the same entry "
            "of X, as around a layer, by a skip or a gate"
        )


def _means(jacobian: Jacobian, *, alike: bool) -> Iterator[str]:
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
        if same(A - mean[0], J):
            # Where the mean is missing, the error has the sign of an entry's own derivative.
            if alike and (np.diag(jacobian.A - jacobian.J) * np.diag(jacobian.J)).sum() < 0:
                yield f"a sum for a mean: too much is subtracted along {along}"
            else:
                yield f"missing mean: the mean of the gradient along {along} is not subtracted"
    for axes in reversed(list(flips(x.ndim)) if alike else []):
        size = prod(x.shape[axis] for axis in axes)
        if size > 1 and same(E, 0 * E + E.mean(axis=axes, keepdims=True)):
            along = axes_in_words(axes)
            yield (
                f"the error is the same all along {along}: what goes through a mean or sum there "
                "is missing or wrong"
            )


def _rank(jacobian: Jacobian, axes: list[int]) -> int:
    """Through how many numbers the error goes along these axes; many where it cannot be told."""
    x = jacobian.x
    n = int(prod(x.shape[axis] for axis in axes))
    E = (jacobian.A - jacobian.J).reshape(x.shape * 2)
    E = np.moveaxis(E, [*axes, *(x.ndim + axis for axis in axes)], range(-2 * len(axes), 0))
    groups = np.arange(x.size // n)
    E = E.reshape(x.size // n, x.size // n, n, n)[groups, groups]
    lines = [np.sum(np.abs(E).max(axis=i) > 1e-4 * np.abs(E).max(), axis=-1) for i in (-1, -2)]
    if np.min(lines) < ENOUGH:
        return ENOUGH
    sizes = np.linalg.svd(E, compute_uv=False)
    return int(np.max(np.sum(sizes > 1e-4 * sizes.max(), axis=-1)))


def _coupled(M: Array, shape: tuple[int, ...], tolerance: Array) -> set[int]:
    """The axes along which something goes from an element to another's answer."""
    i, j = np.nonzero(np.abs(M) > tolerance)
    pairs = zip(np.unravel_index(i, shape), np.unravel_index(j, shape), strict=True)
    return {axis for axis, (a, b) in enumerate(pairs) if np.any(a != b)}


def bottlenecks(jacobian: Jacobian) -> Iterator[str]:
    """An error that passes through one number, or two, where the right way passes through more."""
    x, Y, E = jacobian.x, jacobian.Y, jacobian.A - jacobian.J
    n = Y.shape[-1]
    if jacobian.whole_y and Y.ndim > 1:
        each = (M.reshape(len(M), -1, n).swapaxes(0, 1) for M in (E, jacobian.J))
        for through in _through(*each):
            yield (
                f"missing or wrong: a term through {through} for all answers along the last axis "
                "of Y, as the sum of grad times Y in a softmax's gradient (one for each head), or "
                "a mean or norm"
            )
    if not (jacobian.whole_x and jacobian.whole_y) or jacobian.name.startswith("X"):
        return
    for axis in range(x.ndim):
        E_, J_ = (np.moveaxis(M.reshape(*x.shape, -1), axis, -2) for M in (E, jacobian.J))
        each = (M.reshape(-1, *M.shape[-2:]) for M in (E_, J_))
        for through in _through(*each):
            yield (
                f"missing or wrong: a term through {through} along axis {axis}, as a norm, a mean "
                "or a softmax's sum of it is"
            )
        each = (
            M.reshape(-1, x.shape[axis], len(Y), M.shape[-1] // len(Y))
            .transpose(2, 1, 0, 3)
            .reshape(len(Y), x.shape[axis], -1)
            for M in (E_, J_)
        )
        if NUMBERS[1] in _through(*each):
            yield (
                f"missing or wrong: a term through one number for each row of Y along axis {axis}, "
                "as of one use of a parameter that is used more than once"
            )


def _through(E: Array, J: Array) -> Iterator[str]:
    """Through how few numbers the error goes, matrix by matrix, if J goes through more."""
    ranks = []
    for M in (E, J):
        turned = M.swapaxes(1, 2)
        squares = np.linalg.eigvalsh(M @ turned if M.shape[1] < M.shape[2] else turned @ M)
        ranks.append(int((squares > 1e-8 * squares.max(axis=-1, keepdims=True)).sum(axis=-1).max()))
    there = np.abs(E) > 1e-3 * np.abs(E).max()
    spread = min(there.any(axis=i).sum(axis=-1).max() for i in (1, 2))
    if ranks[0] < ENOUGH <= spread and ranks[1] > ranks[0]:
        yield NUMBERS[ranks[0]]

"""The right numbers, but not all of them, or elsewhere: by backward's matrix A and the right J."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from layerwise.gradients.jacobian import ENOUGH, Jacobian, large
from layerwise.gradients.moves import flips, moved, sums

ONE_KEPT = (
    "one of several gradients is kept, where they add up: add them, with += for overlapping "
    "windows, and np.add.at where an index repeats (+= keeps one)"
)


def rearranged(jacobian: Jacobian) -> Iterator[str]:
    """The right numbers in the wrong places: shifted, reversed, exchanged, summed along an axis."""
    A, J = jacobian.A, jacobian.J
    alike = jacobian.x.shape == jacobian.Y.shape and jacobian.whole_x and jacobian.whole_y
    if alike and jacobian.same(A, J.T):
        yield "transpose: grad is sent the way that forward goes, and not back"
    x_index = np.unravel_index(jacobian.x_at, jacobian.x.shape)
    y_index = np.unravel_index(jacobian.y_at, jacobian.Y.shape)
    for side, like, whole, others in (
        (0, jacobian.x, jacobian.whole_x, y_index),
        (1, jacobian.Y, jacobian.whole_y, x_index),
    ):
        if whole and like.size > 1:
            of = " of Y" if side else ""
            analytic, numeric = (M.T if side else M for M in (A, J))
            tolerance = jacobian.tolerance
            tolerance = np.full((1, len(A)), tolerance.max()) if side else tolerance[np.newaxis]
            shape = (*like.shape, -1)
            yield from moved(analytic.reshape(shape), numeric.reshape(shape), tolerance, of)
            yield from sums(analytic.reshape(shape), numeric.reshape(shape), tolerance, of, others)


def subsets(jacobian: Jacobian) -> Iterator[str]:
    """What is right but for ways that are missing, or that should not be, or are not weighed."""
    A, J, wrong = jacobian.A, jacobian.J, jacobian.wrong
    mine, ways = (large(M, jacobian.tolerance) for M in (A, J))
    nowhere = not np.any(ways[wrong])
    # A choice of forward differs from answer to answer, and not in a backward that knows none.
    chosen = not np.any(ways & ~mine) and np.ptp(ways.sum(axis=0)) > 0 == np.ptp(mine.sum(axis=0))
    if nowhere or (chosen and np.sum(ways & wrong) < np.sum(ways & ~wrong)):
        alive = ways[:, wrong.any(axis=0)]
        cause = "a mask or choice of forward (as of ReLU, dropout, a maximum) is not applied"
        if np.any(alive) and not jacobian.name.startswith("X"):
            cause = "a sum over too many axes, or a choice of forward that is not applied"
        yield f"not zero where the answer does not depend on the element: {cause}"
    if not np.any(A[wrong]) and np.any(ways & ~wrong) and np.sum(wrong) >= ENOUGH:
        yield (
            f"what arrives is right, but {np.sum(wrong)} of {np.sum(ways)} gradients that add up "
            "do not arrive: those of one use, one neighbour or one way are left out"
        )
    if ways.sum() >= ENOUGH and jacobian.same(A, np.where(ways, A[ways].mean(), 0)):
        yield (
            f"grad goes the right ways, but all of it times {A[ways].mean():.6g}: a factor that "
            "differs from way to way, such as a weight or a slope, is left out"
        )


def as_it_came(jacobian: Jacobian) -> Iterator[str]:
    """Whether backward is the identity."""
    one = jacobian.x_at[:, np.newaxis] == jacobian.y_at
    if jacobian.x.shape == jacobian.Y.shape and jacobian.same(jacobian.A, one):
        yield "backward gives grad as it came: what forward does to X is missing"


def elsewhere(jacobian: Jacobian) -> Iterator[str]:
    """The right numbers of each answer, at other elements."""
    ordered = np.sort(jacobian.A, axis=0), np.sort(jacobian.J, axis=0)
    several = jacobian.whole_x and jacobian.wrong.any(axis=1).sum() > 2
    if several and jacobian.same(*ordered):
        yield from as_it_came(jacobian)
        yield "the gradient of an answer arrives at another place than the answer came from"


def one_kept(jacobian: Jacobian) -> Iterator[str]:
    """Whether of several answers of an element only one's gradient is in: the last, or the first.

    Which one differs from element to element: otherwise it is a place. Where the order is not that
    of the answers, as of the edges of a graph, it may be any.
    """
    reached = large(jacobian.J, jacobian.tolerance)
    if np.any(jacobian.A[jacobian.wrong]) or not np.any(jacobian.wrong):
        return
    arrived = reached & ~jacobian.wrong
    index, shape = np.unravel_index(jacobian.y_at, jacobian.Y.shape), jacobian.Y.shape
    for axes in flips(len(shape)):
        slots = np.ravel_multi_index([index[i] for i in axes], [shape[i] for i in axes])
        for last in (slots, -slots):
            ends = np.where(reached, last, last.min() - 1).max(axis=1, keepdims=True)
            if np.array_equal(reached & (last == ends), arrived):
                if np.unique(ends[reached.any(axis=1)]).size > 1:
                    yield ONE_KEPT
                return
    away = (jacobian.y_at - jacobian.x_at[:, np.newaxis])[arrived]
    one = np.all(arrived.sum(axis=1) == reached.any(axis=1))
    if one and jacobian.x.shape == shape and np.unique(away).size > 1:
        yield ONE_KEPT

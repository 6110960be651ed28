"""The right numbers in the wrong places: what a matrix looks like after a slip of the index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from layerwise.arrays import Array, Indices
from layerwise.gradients.jacobian import Jacobian


def axes_in_words(axes: Sequence[int]) -> str:
    """`axis 1`, or `axes 0 and 2`."""
    names = [str(axis) for axis in axes]
    if len(names) == 1:
        return f"axis {names[0]}"
    return f"axes {', '.join(names[:-1])} and {names[-1]}"


def flips(axes: int) -> Iterator[tuple[int, ...]]:
    """All choices of axes to reverse, few first."""
    for many in range(1, axes + 1):
        yield from combinations(range(axes), many)


def moved(A: Array, J: Array, tolerance: Array, of: str) -> Iterator[str]:
    """How A is a rearranged J along its axes, the last one of which only comes along."""

    def fits(one: Array, other: Array) -> bool:
        return bool(np.all(np.abs(one - other) <= tolerance))

    if fits(A, J):
        return
    shape = A.shape[:-1]
    for i, j in combinations(range(len(shape)), 2):
        if shape[i] == shape[j] and fits(A.swapaxes(i, j), J):
            yield f"transpose: axes {i} and {j}{of} are exchanged"
    for axes in flips(len(shape)):
        if all(shape[axis] > 1 for axis in axes) and fits(np.flip(A, axes), J):
            yield f"reversed along {axes_in_words(axes)}{of}"
    for i in range(len(shape) - 1):
        other = J.swapaxes(i, i + 1).reshape(J.shape)
        if fits(A, other):
            yield f"axes {i} and {i + 1}{of} are flattened in another order than they were"
    yield from _exchanges(A, J, fits, of)
    yield from _shifts(A, J, fits, of)


Fits = Callable[[Array, Array], bool]


def _shifts(A: Array, J: Array, fits: Fits, of: str) -> Iterator[str]:
    axes = range(A.ndim - 1)
    for chosen in [*((axis,) for axis in axes), *combinations(axes, 2)]:
        for shift in (1, -1, 2, -2, 3, -3):
            here, there = [slice(None)] * A.ndim, [slice(None)] * A.ndim
            for axis in chosen:
                here[axis], there[axis] = (
                    slice(max(shift, 0), min(shift, 0) or None),
                    slice(max(-shift, 0), min(-shift, 0) or None),
                )
            now, before = A[tuple(here)], J[tuple(there)]
            if np.any(before) and fits(now, before) and not fits(now, J[tuple(here)]):
                yield (
                    f"shifted by {shift} along {axes_in_words(chosen)}{of}: padding, a stride or "
                    "an index is off"
                )


def _exchanges(A: Array, J: Array, fits: Fits, of: str) -> Iterator[str]:
    """Blocks along an axis that are in each other's place."""
    for axis in range(A.ndim - 1):
        n = A.shape[axis]
        for blocks in range(2, n + 1):
            if n % blocks:
                continue
            mine, right = (np.split(M, blocks, axis=axis) for M in (A, J))
            order = [next((j for j, b in enumerate(right) if fits(a, b)), -1) for a in mine]
            if sorted(order) == list(range(blocks)) and order != sorted(order):
                if blocks == n and order == list(np.roll(range(n), n - order[0])):
                    shift = (-order[0] + n // 2) % n - n // 2
                    yield f"shifted by {shift} along axis {axis}{of}, around the end"
                i = next(i for i, j in enumerate(order) if i != j)
                here, there = (
                    indices_in_words(range(k * n // blocks, (k + 1) * n // blocks))
                    for k in (i, order[i])
                )
                yield f"exchanged: at {here} of axis {axis}{of} is the gradient of {there}"


def sums(A: Array, J: Array, tolerance: Array, of: str, others: Sequence[Indices]) -> Iterator[str]:
    """Whether A is J summed or averaged along axes that go on as axes of the other side.

    Along an axis that ends, as that of a maximum, a sum is what a mask that is not applied gives.
    """
    at = np.nonzero(np.abs(J) > tolerance)
    for axes in flips(A.ndim - 1):
        goes_on = all(any(np.array_equal(at[a], o[at[-1]]) for o in others) for a in axes)
        if not goes_on or min(A.shape[a] for a in axes) < 2:
            continue
        n, total = int(np.prod([A.shape[a] for a in axes])), J.sum(axis=axes, keepdims=True)
        for word, one in ("summed", total), ("averaged", total / n):
            if np.all(np.abs(A - one) <= (n if one is total else 1) * tolerance):
                words = f"{axes_in_words(axes)}{of}, all along which the gradient is now the same"
                yield f"{word} over {words}"


def indices_in_words(indices: Sequence[int] | Indices) -> str:
    """`index 3`, `indices 0 to 2`, `odd indices`, `indices 0, 3 and 4`."""
    found = [int(i) for i in indices]
    if len(found) == 1:
        return f"index {found[0]}"
    if found == list(range(found[0], found[-1] + 1)):
        return f"indices {found[0]} to {found[-1]}"
    if len(found) > 2 and found == list(range(found[0], found[-1] + 1, 2)):
        return f"{'odd' if found[0] % 2 else 'even'} indices"
    return f"indices {', '.join(map(str, found[:-1]))} and {found[-1]}"


def reach(jacobian: Jacobian) -> Iterator[str]:
    """Which indices forward takes for each answer along an axis, and to which backward sends."""
    if not (jacobian.whole_x and jacobian.whole_y):
        return
    for a, n in enumerate(jacobian.x.shape):
        for b, m in enumerate(jacobian.Y.shape):
            right, mine = (_ways(jacobian, M, a, b) for M in (jacobian.J, jacobian.A))
            taken, sent = _bands(right), _bands(mine)
            # What is only missing is a place.
            if taken and sent and np.any(mine[right == 0]) and min(n, m) > 2:
                yield (
                    f"along axis {a} forward makes answer j of {taken}, and backward sends its "
                    f"gradient to {sent}: a stride, dilation, padding, direction or index is off"
                )


def _ways(jacobian: Jacobian, M: Array, a: int, b: int) -> Array:
    """How many numbers go between each index of axis a of x and each of axis b of Y."""
    there = (np.abs(M) > jacobian.tolerance).reshape(jacobian.x.shape + jacobian.Y.shape)
    others = [k for k in range(there.ndim) if k not in (a, jacobian.x.ndim + b)]
    return np.asarray(there.sum(axis=tuple(others)), float)


def _bands(many: Array) -> str | None:
    """From which i on to which there is something for j, equally much and all along, in words."""
    if np.unique(many[many > 0]).size != 1:
        return None
    i, j = np.nonzero(many)
    rows, columns = np.indices(many.shape)
    for stride in (1, 2, 3, 4):
        offsets = np.unique(i - stride * j)
        steady = np.ptp(offsets) + 1 == len(offsets) > 2
        # Each of them has to be there for two answers, for the stride to be one.
        # Blocks, one behind the other, are gates or heads.
        window = len(offsets) == 1 or np.diff(offsets).min() < many.shape[1]
        told = window and (steady or len(offsets) < 5) and 2 * len(offsets) <= len(i) < many.size
        if told and np.array_equal(np.isin(rows - stride * columns, offsets), many > 0):
            first = f"{stride}j" if stride > 1 else "j"
            each = [f"{first} {'+-'[int(o < 0)]} {abs(o)}" for o in offsets]
            words = f"{each[0]} to {each[-1]}" if steady else ", ".join(each)
            return words.replace(" + 0", "")
    return None


def behind(jacobian: Jacobian, parameters: Mapping[str, Array]) -> Iterator[tuple[str, Jacobian]]:
    """The two matrices of Z = X W, where all that comes to X has gone through a matrix W."""
    x = jacobian.x
    for path, W in parameters.items() if jacobian.name.startswith("X") and jacobian.whole_x else ():
        if W.ndim == 2 and len(W) == x.shape[-1] and np.linalg.matrix_rank(W) == W.shape[1]:
            way, back = (np.kron(np.eye(x.size // len(W)), M) for M in (W, np.linalg.pinv(W)))
            A, J = back @ jacobian.A, back @ jacobian.J
            if jacobian.same(way @ A, jacobian.A) and jacobian.same(way @ J, jacobian.J):
                z = np.zeros((*x.shape[:-1], W.shape[1]))
                yield path, replace(jacobian, x=z, A=A, J=J, x_at=np.arange(z.size))

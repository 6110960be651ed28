"""Where a layer is checked beside the given X, so that a mistake cannot hide behind its values.

A batch of one row hides a missing sum, a bias of zeros a missing product, positive inputs the
wrong half of a function, distinct numbers what happens to equal ones, a square the height taken
for the width. So a layer is also run at other values, other parameters, other numbers of rows and
other sizes, as far as it takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array
from layerwise.gradients.contract import shape_faults
from layerwise.gradients.differences import slope
from layerwise.gradients.function import Function, flat, normal_like, parts, rms, shaped
from layerwise.gradients.point import Point
from layerwise.gradients.raised import LayerRaisedError

Inputs = list[NDArray[Any]]
Values = Mapping[str, Array]
Sizes = dict[tuple[int | None, int], int]  # by axis (None: any) and size, what it grows by
Change = Callable[[Array, Array], Array]  # of new numbers, in the place of given ones
ROWS = 70  # more than a block of 64
LARGE = 2**17  # numbers in an X of so many rows, beyond which it would take too long


class Variations:
    """The points beside the given one that a layer takes; iterating gives them one by one.

    Or what it does wrong there, as text. Each of the first starts from the state that one forward
    more leaves, so that what it leaves would show. A point is left out where the layer raises an
    error, gives numbers that are not finite, or does not give one row for each row it got. Of an
    iteration the parameters are not moved, and no inputs larger, because it may not converge then.
    """

    def __init__(
        self, function: Function, rng: np.random.Generator, *, iterates: bool = False
    ) -> None:
        self.function, self.rng, self.iterates = function, rng, iterates
        self.base, self.masks = function.inputs, _masks(function.inputs)
        self.n = len(self.base[0]) if self.base[0].ndim else 0
        self.shapes = [np.shape(y) for y in parts(function.forward()[0])]

    def __iter__(self) -> Iterator[Point | str]:
        """From the plainest to the most special."""
        n, parameters = self.n, {} if self.iterates else self.function.parameters
        moved = {path: _moved(p.value, self.rng) for path, p in parameters.items()}
        first = "N(0, 1) inputs" if self.iterates else "N(0, 1) inputs and moved parameters"
        yield from self._first(first, moved, n)
        yield from self._first("one row", moved, 1)
        yield from self._first(f"{n + 2} rows", moved, n + 2)
        small = sum(A.size for A in self.base) * ROWS <= LARGE * max(n, 1)
        many = f"{ROWS} rows and thinned masks"
        found = list(self._first(many, moved, ROWS, thin=True)) if small else []
        yield from found or self._first("thinned masks", moved, n, thin=True)
        if not self.iterates:
            yield from self._first("rounded inputs", moved, n, change=_rounded)
            larger = "ten times larger inputs"
            yield from self._first(larger, moved, n, change=lambda x, given: 10 * x)
        if moved:
            for what, factor in ("of the other sign", -1), ("at zero", 0):
                half = {path: _half(v, self.rng) for path, v in moved.items()}
                for turned in (half, {path: ~of_it for path, of_it in half.items()}):
                    values = {p: np.where(turned[p], factor * v, v) for p, v in moved.items()}
                    yield from self._first(f"parameters {what}", values, n)
        for sizes in self._sizes():
            found = list(self._first(_words(sizes), moved, n, sizes=sizes))
            yield from found
            for key, step in sizes.items() if not found and len(sizes) > 1 else ():
                yield from self._first(_words({key: step}), moved, n, sizes={key: step})

    def _first(self, label: str, values: Values, rows: int, **how: Any) -> Iterator[Point | str]:
        """The point at N(0, 1) inputs, or in the layer's domain; or at the given rows."""
        for fresh in (True, False, None):
            if fresh is None and (how or rows == self.n):
                return
            if not how:
                self.function.forward_here(self.base)
            inputs = self._inputs(rows, fresh=fresh, **how)
            function = self.function.at(inputs, {} if fresh is None else values)
            label = label.replace("N(0, 1)", "moved") if not fresh else label
            found = self._point(label, function, rows=rows, given=fresh is None, how=how)
            if found is not None:
                yield found
                return

    def _inputs(
        self,
        rows: int,
        *,
        fresh: bool | None,
        change: Change | None = None,
        thin: bool = False,
        sizes: Sizes | None = None,
    ) -> Inputs:
        """Inputs with so many rows: N(0, 1) numbers, the given ones moved, or those themselves.

        `thin` leaves fewer ones in masks, and draws integers of the whole range of the given.
        """
        found = []
        for A, mask in zip(self.base, self.masks, strict=True):
            B = self._resized(A, rows, sizes or {})
            if fresh is None:
                pass
            elif mask:
                B = _thinned(B, self.rng) if thin else B
            elif A.dtype.kind == "f":
                B = self.rng.standard_normal(B.shape) if fresh else _moved(B, self.rng)
                B = B if change is None else change(B, A)
            elif A.size and thin and A.dtype.kind in "iu":
                B = self.rng.integers(min(A.min(), 1), A.max(), B.shape, A.dtype, endpoint=True)
            else:
                B = self.rng.choice(A.ravel(), B.shape)
            found.append(B)
        return found

    def _resized(self, A: NDArray[Any], rows: int, sizes: Sizes) -> NDArray[Any]:
        """A with other numbers of rows, where it has the batch's, and other sizes, repeating it."""
        first = self._first_axis(A)
        if first and rows != self.n:
            A = A[np.arange(rows) % self.n]
        for axis in range(first, A.ndim):
            size = A.shape[axis]
            more = sizes.get((axis, size), sizes.get((None, size), 0))
            A = np.take(A, np.arange(size + more) % size, axis) if more else A
        return A

    def _sizes(self) -> Iterator[Sizes]:
        """Two sets of other sizes: odd ones for even ones, and no square left."""
        axes = [(a, A.shape[a]) for A in self.base for a in range(self._first_axis(A), A.ndim)]
        free: dict[tuple[int | None, int], list[int]] = {}
        for axis, size in dict.fromkeys(axes):
            keys = [(axis, size), (None, size)] if sum(s == size for _, s in axes) > 1 else []
            # NumPy would stretch an axis of one, and halves of one and two to each other.
            steps = [step for step in (1, 2, min(size, 8)) if size > 1 and size + step != 3]
            for key in keys or [(axis, size)]:
                if (None, size) not in free:
                    free[key] = [step for step in steps if self._takes({key: step})]
                    if free[key]:
                        break
        for turn in (0, 1):
            sizes: Sizes = {}
            for place, (key, steps) in enumerate((k, s) for k, s in free.items() if s):
                fitting = [step for step in steps if step % 2 != (place + turn) % 2] or steps
                sizes[key] = fitting[-turn]
            together = [sizes] if self._takes(sizes) else [{k: s} for k, s in sizes.items()]
            yield from filter(None, together)

    def _takes(self, sizes: Sizes) -> bool:
        """Whether the layer answers inputs of such sizes."""
        self.function.restore()
        inputs = [self._resized(A, self.n, sizes) for A in self.base]
        try:
            Y, _ = self.function.forward_here(inputs)
        except LayerRaisedError:
            return False
        return self._fits(Y, self.n, exactly=False)

    def _fits(self, Y: Any, rows: int, *, exactly: bool) -> bool:
        """Whether an answer has so many rows, as the one to the given X, and finite numbers."""
        expected = [(rows, *s[1:]) if s[:1] == (self.n,) else s for s in self.shapes]
        shapes = [np.shape(y) for y in parts(Y)]
        if not exactly:
            shapes, expected = ([s[:1] for s in which] for which in (shapes, expected))
        return shapes == expected and bool(np.all(np.isfinite(flat(Y))))

    def _point(
        self, label: str, function: Function, *, rows: int, given: bool, how: Mapping[str, Any]
    ) -> Point | str | None:
        """The point, what is wrong there, or None where the layer cannot be run there.

        At rows that were given a gradient must be finite. At special numbers backward may raise an
        error, as for a singular matrix.
        """
        try:
            Y, backward = function.forward()
        except LayerRaisedError:  # the layer does not take this input: nothing is learned here
            return None
        if not self._fits(Y, rows, exactly="sizes" not in how):
            return None
        broken = self._broken(function, Y, backward)
        if broken is not None:
            # As for a singular matrix; or for a layer of two columns, whatever comes after them.
            last = any(a == A.ndim - 1 for a, _ in how.get("sizes", ()) for A in self.base)
            return None if "change" in how or last else f"with {label}, {broken}"
        point = Point(label, function, self.rng)
        infinite = [name for name in function.base if not _is_finite(point, name)]
        if given and infinite:
            return f"with {label}, of the given ones, a gradient is not finite"
        for name in infinite:
            if _is_smooth(point, name):
                return f"with {label}, the gradient of {name} is not finite, where Y is smooth"
        return None if infinite else point

    def _broken(self, function: Function, Y: Any, backward: Callable[[Any], Any]) -> str | None:
        """What backward raises, or the form of its gradient that is wrong."""
        try:
            dX = backward(shaped(self.rng.standard_normal(flat(Y).size), Y))
        except LayerRaisedError as error:
            return str(error)
        return next((fault.text for fault in shape_faults(dX, function.X, Y)), None)

    def _first_axis(self, A: NDArray[Any]) -> int:
        """The first axis of an input that does not count the rows of the batch."""
        return int(A.ndim > 0 and A.shape[0] == self.n)


def _words(sizes: Sizes) -> str:
    """What such sizes are called in the report."""
    return "size " + ", ".join(f"{size + step} for {size}" for (_, size), step in sizes.items())


def beside(point: Point) -> Point | None:
    """A point a hundredth of each tensor's size away, where no exact tie or zero is left."""
    function, rng = point.function, point.rng
    near = {n: x + 1e-2 * normal_like(x, rng) for n, x in function.base.items()}
    function.restore()
    inputs = [near.get(function.name(i), A) for i, A in enumerate(function.inputs)]
    try:
        moved = Point(
            "close by", function.at(inputs, {n: near[n] for n in function.parameters}), rng
        )
    except LayerRaisedError:  # the layer does not take this point
        return None
    arrays = [moved.F, *(g for G in moved.G for g in G.values())]
    return moved if all(np.all(np.isfinite(array)) for array in arrays) else None


def _is_finite(point: Point, name: str) -> bool:
    """Whether the tensor's gradients are finite numbers."""
    return all(np.all(np.isfinite(g[name])) for g in point.G)


def _is_smooth(point: Point, name: str) -> bool:
    """Whether differences see a derivative where the tensor's gradient is not finite."""
    x = point.function.base[name]
    where = ~np.all([np.isfinite(g[name]) for g in point.G], axis=0)
    d = where * normal_like(x, point.rng)
    numeric = slope(point, {name: d}, np.zeros(len(point.C)))
    # By the plain c alone: the last c does not see every entry.
    fine = numeric.bound[0] < 1e-6 * abs(numeric.value[0])
    return bool(fine and not np.any(numeric.kink))


def _masks(inputs: Inputs) -> list[bool]:
    """Which inputs only select among the others: those of zeros and ones, if not all are."""
    masks = [bool(np.all((A == 0) | (A == 1))) for A in inputs]
    floats = [mask for A, mask in zip(inputs, masks, strict=True) if A.dtype.kind == "f"]
    return [False] * len(masks) if all(floats) else masks


def _thinned(mask: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Half of the ones, but some wherever along the last axis there were any."""
    kept: NDArray[Any] = mask * (rng.random(mask.shape) < 0.5)
    return np.where(kept.any(axis=-1, keepdims=True), kept, mask) if mask.ndim else mask


def _rounded(x: Array, given: Array) -> Array:
    """Multiples of a power of two near the size of x: many are equal, many zero.

    Where all given numbers have one sign, zero may be no number for the layer, and none is.
    """
    unit = 2.0 ** np.round(np.log2(rms(x)))
    one_sign = np.all(given > 0) or np.all(given < 0)
    return unit * (np.sign(x) * np.ceil(np.abs(x / unit)) if one_sign else np.round(x / unit))


def _moved(value: Array, rng: np.random.Generator) -> Array:
    """Values of the same signs and size, none of them special such as 0 or 1."""
    factor = rng.uniform(0.7, 1.4, value.shape)
    return np.where(value == 0, 0.3 * normal_like(value, rng), value * factor)


def _half(value: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which of the values are in one half of them; or all, where there is but one."""
    drawn: NDArray[np.bool_] = rng.random(value.shape) < 0.5
    return drawn if value.size > 1 else np.full(value.shape, fill_value=True)

"""Where what is wrong lies, in words: along the axes of a tensor and of Y, or by its values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Indices
from layerwise.gradients.jacobian import Flags, Jacobian, large
from layerwise.gradients.moves import axes_in_words, flips, indices_in_words

ENDS: Mapping[str, Callable[[Indices, int], Flags]] = {
    "the first index": lambda i, n: i == 0,
    "the last index": lambda i, n: i == n - 1,
    "the border, both ends": lambda i, n: (i == 0) | (i == n - 1),
    "odd indices": lambda i, n: i % 2 == 1,
    "even indices": lambda i, n: i % 2 == 0,
}

CUT = "; in a recurrent layer, the hidden state's gradient is cut off"
CARRIED = ": what is carried from step to step, as a hidden state's gradient, is left out or wrong"


@dataclass(eq=False, repr=False)
class Side:
    """The elements of a tensor, or the answers: where they are, and which ways are wrong."""

    like: Array
    at: Indices
    wrong: Flags  # a row for each of them
    seen: Flags
    of: str
    least: float  # how much of a place has to be wrong

    def __post_init__(self) -> None:
        """The indices along each axis."""
        self.index = np.unravel_index(self.at, self.like.shape)
        self.bad, self.known = self.wrong.any(axis=1), self.seen.any(axis=1)

    def is_at(self, there: Flags) -> bool:
        """Whether exactly what is there is wrong, and not all is there."""
        there = there & self.known
        inside = self.seen[there].sum()
        return bool(
            np.array_equal(there, self.bad)
            and self.bad.sum() < self.known.sum()
            and self.wrong.sum() >= self.least * inside
        )

    def lines(self) -> Iterator[tuple[int, Indices, Indices]]:
        """Axes along which some indices are wrong: the axis, these, and the others."""
        for axis in range(self.like.ndim):
            present, bad = (np.unique(self.index[axis][f]) for f in (self.known, self.bad))
            if self.is_at(np.isin(self.index[axis], bad)):
                yield axis, bad, np.setdiff1d(present, bad)


def places(jacobian: Jacobian) -> Iterator[str]:
    """What is wrong at some places and right everywhere else."""
    what, (x, Y) = _what(jacobian), sides(jacobian)
    lost = jacobian.wrong & (jacobian.A == 0)
    elsewhere = jacobian.wrong & ~large(jacobian.J, jacobian.tolerance)
    if what != "zero" and np.any(lost) and not np.any(elsewhere):
        # That nothing comes counts before what comes where something belongs.
        right = replace(jacobian, A=np.where(lost, 0, jacobian.J))
        yield from (hint for hint in places(right) if hint.startswith(("zero", "only")))
    if x.bad.sum() == 1 < x.known.sum() - 2:
        yield from _elements(x, what)
    yield from _in_words(x, what, ends=jacobian.Y.ndim < jacobian.x.ndim)
    if jacobian.name.startswith("X"):
        yield from _by_size(x, jacobian.name, what)
    if x.bad.sum() == 2 < x.known.sum() - 4:
        yield from _elements(x, what)
    yield from _in_words(Y, what)


def sides(jacobian: Jacobian) -> tuple[Side, Side]:
    """The elements and the answers."""
    wrong, seen = jacobian.wrong, jacobian.seen
    least = 0.5 if _what(jacobian) == "wrong" else 1.0
    return (
        Side(jacobian.x, jacobian.x_at, wrong, seen, "", least),
        Side(jacobian.Y, jacobian.y_at, wrong.T, seen.T, " of Y", least),
    )


def narrowed(jacobian: Jacobian) -> Iterator[tuple[str, Jacobian]]:
    """Only those indices along one axis at which something is wrong, and nothing right."""
    for number, side in enumerate(sides(jacobian)):
        for axis, bad, _ in side.lines() if len(side.at) == side.like.size else ():
            where = np.isin(side.index[axis], bad)
            words = f"{indices_in_words(bad)} of axis {axis}{side.of}"
            yield words, jacobian.at(number, where, np.take(side.like, bad, axis=axis))


def _what(jacobian: Jacobian) -> str:
    """What is the matter with all that is wrong."""
    wrong = jacobian.wrong
    a, j = jacobian.A[wrong], jacobian.J[wrong]
    if not np.any(a):
        return "zero"
    if np.all(np.abs(j) <= np.broadcast_to(jacobian.tolerance, wrong.shape)[wrong]):
        return "not zero, though the answer does not depend on it,"
    factor = float((a * j).sum() / (j * j).sum())
    if np.all(np.abs(a - factor * j) <= 1e-4 * np.abs(j).max()) and len(a) > 2:
        named = {
            -1.0: "of the wrong sign",
            2.0: "wrong by a factor 2",
            0.5: "wrong by a factor 1/2",
        }
        near = [words for value, words in named.items() if abs(factor - value) < 1e-4]
        return near[0] if near else f"{factor:.10g} times what is right"
    return "wrong"


def carried(jacobian: Jacobian) -> Iterator[str]:
    """What goes from an element to later or earlier answers along an axis, as over time."""
    wrong, seen, what = jacobian.wrong, jacobian.seen, _what(jacobian)
    x, Y = sides(jacobian)
    for a, n in enumerate(jacobian.x.shape):
        for b in [b for b, m in enumerate(jacobian.Y.shape) if n == m]:
            ahead = Y.index[b] - x.index[a][:, np.newaxis]
            for sign, words, end in (1, "later", "last"), (-1, "earlier", "first"):
                one_way = not np.any(seen & (sign * ahead < 0))
                steps = one_way and (sign * ahead)[seen].max() == n - 1
                for least in range(1, n - 1):
                    there = seen & (sign * ahead >= least)
                    most = not np.any(wrong & ~there) and wrong.sum() >= 0.9 * there.sum()
                    vague = what == "wrong" and not steps
                    if vague or not most or not np.any(seen & (ahead == 0)):
                        continue
                    by = "" if least == 1 else f"{least} or more steps "
                    place = f"index i of axis {a} and {by}{words} answers along axis {b} of Y"
                    yield f"{what} only between {place}" + (CARRIED if steps else "") + (
                        "" if not steps
                        else f" (all but the {end} step are wrong)" if least == 1
                        else " (it is cut off)"
                    )  # fmt: skip


def _elements(side: Side, what: str) -> Iterator[str]:
    """One or two elements by their indices."""
    found = zip(*(index[side.bad] for index in side.index), strict=True)
    where = " and ".join(str(tuple(map(int, index))) for index in found)
    yield f"{what} only at {'one element' if side.bad.sum() == 1 else 'two elements'}: {where}"


def by_sign(jacobian: Jacobian) -> Iterator[str]:
    """What depends on the sign of the element's own value."""
    what, (x, _), name = _what(jacobian), sides(jacobian), jacobian.name
    values = x.like.ravel()[x.at]
    if x.is_at(values == 0):
        yield f"{what} only where {name} is 0"
    named = "inputs" if name.startswith("X") else name
    for word, there in ("negative", values < 0), ("positive", values > 0):
        if x.is_at(there) and x.known.sum() > 7:
            yield f"{what} for {word} {named} only: look at that branch of the function"


def _by_size(x: Side, named: str, what: str) -> Iterator[str]:
    """What depends on whether the element's own value is above or below some other."""
    own, ok = x.like.ravel()[x.at], x.known & ~x.bad
    for name, values in ((named, own), (f"|{named}|", np.abs(own))):
        if min(x.bad.sum(), ok.sum()) < 3:
            return
        low, high = values[ok].min(), values[ok].max()
        for word, limit, there in ("above", high, values > high), ("below", low, values < low):
            if x.is_at(there):
                yield f"{what} only where {name} is {word} {limit:.4g}: look at that branch"


def _in_words(side: Side, what: str, *, ends: bool = False) -> Iterator[str]:
    """Indices along one axis; or ends and every second one, of several axes too."""
    way, at = ("from", "from") if side.of else ("to", "at")
    nothing = ": their gradient is not used" if side.of else ": no gradient arrives there"
    rest = nothing if what == "zero" else ", and right elsewhere"
    for axis, bad, good in side.lines():
        # An axis that Y has no more, of which the last indices alone count, may be that of time.
        time = ends and what == "zero" and 0 < axis < side.like.ndim - 1 and bad[-1] < good[0]
        cut = CUT * bool(time)
        of = f"of axis {axis}{side.of}"
        if what == "wrong" and len(good) > 1 and indices_in_words(bad).count(",") > 1:
            continue  # here and there is no place
        if what == "zero" and len(good) == 1 < len(bad):
            yield (
                f"only index {good[0]} {of} counts, and nothing comes {way} the others (zero "
                f"{at} every index {of} but {good[0]}){cut}"
            )
        lines = {0: " (one row)", side.like.ndim - 1: " (one column)"} if side.like.ndim > 1 else {}
        line = lines.get(axis, "") if len(bad) == 1 else ""
        words = f"{indices_in_words(bad)} {of}{line}"
        if len(good) == 1 < len(bad):
            words = f"every index {of} but {good[0]}"
        yield f"{what} only {at} {words}{rest}{cut}"
    for words, kind in ENDS.items():
        for axes in flips(side.like.ndim):
            if len(axes) > 1 and all(side.like.shape[axis] > 2 for axis in axes):
                of = f"{words} of {axes_in_words(axes)}{side.of}"
                each = [kind(side.index[axis], side.like.shape[axis]) for axis in axes]
                if side.is_at(np.any(each, axis=0)):
                    yield f"{what} only {at} {of}{rest}"
                if what == "zero" and side.is_at(~np.all(each, axis=0)):
                    yield f"only {of} counts, and nothing comes {way} the others"


def repeated(jacobian: Jacobian, inputs: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    """Whether rows that a number in an input names repeatedly are wrong, and no others."""
    (x, _), what = sides(jacobian), _what(jacobian)
    for name, M in inputs.items() if x.like.ndim else ():
        if M.dtype.kind in "iu":
            numbers, counts = np.unique(M, return_counts=True)
            if x.is_at(np.isin(x.index[0], numbers[counts > 1])):
                yield (
                    f"{what} only in rows whose index repeats in {name}: each of them has to be "
                    "added, as by np.add.at (+= on an index keeps one of several)"
                )

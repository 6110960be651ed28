"""What is left out of a gradient, or too much in it: products of grad with arrays that are known.

A factor that is lost is a line with J = A line; a summand that is lost is J - A = c line, or c
times a product of lines, whose logarithms add up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np

from layerwise.arrays import Array, Indices, Vector
from layerwise.gradients.jacobian import ENOUGH, Flags, Jacobian, large
from layerwise.gradients.lines import BITS, Entries, Lines, Sources

SCREEN = 6  # entries by which products are chosen
NEAR = 1e-4  # how close their logarithms have to be there
DISTINCT = {1: 1, 2: 6, 3: 10}  # different numbers that so many lines have to explain
FEW = 400  # lines of which triples are tried
MANY = 10**6  # of them that are looked at more closely
SOME = 40  # masks of which pairs are
SIDES = "times {1} over {0}, the gradient is right: {3} is left out, or {2} is in its place"
TIMES = "times Y over {0}, the gradient is right: what forward multiplies {0} by is left out, or Y"
# Where a summand has this factor too little or too much, its error has that one.
LACKS = {r"\(1 - ([^ ]+)\)": "{}", r"([^ ]+) \* \1": "1 - {0} * {0}"}


def factors(jacobian: Jacobian, sources: Sources) -> Iterator[str]:
    """A factor that is left out, or once too often, or in another's place."""
    A, J, tolerance = jacobian.A, jacobian.J, jacobian.tolerance
    if not np.any(np.abs(A) > 100 * tolerance):
        return
    entries = Entries(jacobian, large(A, tolerance) | large(J, tolerance))
    lines, a, j, t = entries.lines(sources), entries.a, entries.j, entries.tolerance
    V = lines.values
    near = t * np.maximum(1, np.abs(V))
    lost, twice = (
        np.all(np.abs(one * V - other) <= near, axis=1) for one, other in ((a, j), (j, a))
    )
    masks = np.all((V == 0) | (V == 1), axis=1)
    for i in map(int, np.flatnonzero(lost | twice)):
        words = _bare(lines.words[i])
        if lost[i]:
            if masks[i]:
                off = "false" if ">" in words else "0"
                yield f"wrong only where {words} is {off}: the mask is not applied"
            yield f"backward leaves out {words}: times it, the gradient is right"
        elif not masks[i] or words in sources:
            yield f"backward has {words} once too often: it is {words} times the right one"
    if np.any(lost | twice):
        return
    pairs = _quotients(a, j, t, lines)
    if np.sum((np.abs(j) <= t) != (np.abs(a) <= t)) >= BITS:
        pairs += permutations(map(int, np.flatnonzero(masks)[:SOME]), 2)
    for i, k in sorted(pairs, key=lambda ik: sum(len(lines.words[n]) for n in ik))[: SOME**2]:
        both = lines.words[i], lines.words[k]
        off = np.abs(j * V[i] - a * V[k])
        if (
            both[0] != both[1]
            and np.sum((j * V[i] != 0) & (a != 0)) >= ENOUGH
            and np.all(off <= np.maximum(near[i], near[k]))
        ):
            own = both == (jacobian.name, "Y")
            yield TIMES.format(both[0]) if own else SIDES.format(*both, *map(_bare, both))


def _quotients(a: Vector, j: Vector, t: Vector, lines: Lines) -> list[tuple[int, int]]:
    """Lines i and k that may have j = a line k / line i."""
    good = np.flatnonzero((np.abs(a) > 100 * t) & (np.abs(j) > 100 * t))
    if _distinct(a[good] / j[good]) < DISTINCT[2]:
        return []
    s, usable = _screen(lines, good)
    logs = np.log(np.abs(lines.values[usable][:, s]))
    found = usable[_sums(logs, [-logs], np.log(np.abs(j[s] / a[s])))]
    return [(int(i), int(k)) for k, i in found]


def summands(jacobian: Jacobian, sources: Sources) -> Iterator[str]:
    """A summand that is lost, there twice, or of the wrong sign: grad times so many factors."""
    tied = _tied(jacobian)
    if tied is None:
        return
    there, free = tied
    entries, x = Entries(jacobian, there), jacobian.x
    e, t = entries.j - entries.a, entries.tolerance
    if len(e) < ENOUGH or np.abs(e).max() <= 100 * t.max():
        return
    if np.ptp(e) <= 2 * t.max():
        if not any(k < x.ndim for k in free):
            yield from _said("grad itself", float(e.mean()), around=x.shape == jacobian.Y.shape)
        return
    lines = entries.lines(sources, divided=True)
    found = (list(_products(e, t, lines, many)) for many in DISTINCT)
    for chosen, c in next(filter(None, found), []):  # the fewest that will do
        yield from _said(*_in_words(lines, chosen, c, free, jacobian))


def _tied(jacobian: Jacobian) -> tuple[Flags, set[int]] | None:
    """Where J - A is, and the axes of x and of Y that it leaves free.

    Nothing where it is here and there, as by a mask or at an index, or all that comes is right:
    that is no summand.
    """
    x, Y, wrong = jacobian.x, jacobian.Y, jacobian.wrong
    right = np.any(large(jacobian.J, jacobian.tolerance) & ~wrong)
    if not (
        jacobian.whole_x and jacobian.whole_y and np.any(jacobian.A[wrong] if right else wrong)
    ):
        return None
    r, c = np.nonzero(wrong)
    of_x, of_y = np.unravel_index(jacobian.x_at, x.shape), np.unravel_index(jacobian.y_at, Y.shape)
    there = np.ones(wrong.shape, bool)
    free = {k for k, n in enumerate((*x.shape, *Y.shape)) if n > 1}
    for i, n in enumerate(x.shape):
        for k, m in enumerate(Y.shape):
            if n == m > 1 and np.array_equal(of_x[i][r], of_y[k][c]):
                there &= of_x[i][:, np.newaxis] == of_y[k]
                free -= {i, x.ndim + k}
    return None if np.any(wrong & ~there) else (there, free)


def _said(words: str, c: float, *, around: bool = False) -> Iterator[str]:
    """That a summand, times a constant, is missing."""
    if abs(c - 1) < 1e-4:
        missing = "the identity path" if around else "a summand"
        yield f"{missing} is missing: add {words}{', for the way around' * around}"
    elif abs(c + 1) < 1e-4:
        yield f"a summand is too much, or has to be subtracted: {words}"
    else:
        sign = ", or has the wrong sign" if abs(abs(c) - 2) < 1e-4 else ""
        yield f"a summand is missing{sign}: add {c:#.4g} * {words}"


def _in_words(
    lines: Lines, chosen: Sequence[int], c: float, free: set[int], jacobian: Jacobian
) -> tuple[str, float]:
    """Some lines times grad, with the sum over the axes that x has not; and what is left of c."""
    x, ends = jacobian.x.ndim, (jacobian.x.ndim - 1, jacobian.x.ndim + jacobian.Y.ndim - 1)
    of_y, words = {k for k in free if k >= x}, [lines.words[i] for i in chosen]
    if len(words) == 1 and lines.axes[chosen[0]] == ends and free == set(ends):
        return f"grad @ {words[0]}.T", c
    inner = [bool(of_y & set(lines.axes[i])) or not of_y for i in chosen]
    inside = " * ".join(["grad", *(w for w, i in zip(words, inner, strict=True) if i)])
    outside = [w for w, i in zip(words, inner, strict=True) if not i]
    told = ""
    if of_y:
        many = {1}
        for k in of_y:
            many |= {m * jacobian.Y.shape[k - x] for m in many}
        n = max(many)
        mean = min(abs(abs(c * n) - 1), abs(abs(c * n) - 2)) < 1e-4
        inside, c = f"{'mean' if mean else 'sum'}({inside})", c * n if mean else c
        sums = any(abs(abs(c) - 1 + 1 / m) < 1e-4 for m in many - {1})
        told = " (as where a sum stands for a mean)" * sums
    lacks = [
        f" (as where one has {other.format(match[1])} too little or too much)"
        for word in words
        for form, other in LACKS.items()
        if (match := re.fullmatch(form, word)) and abs(abs(c) - 1) < 1e-4
    ]
    return " * ".join([*outside, inside]) + "".join([told, *lacks][:2]), c


def _products(e: Vector, t: Vector, lines: Lines, many: int) -> Iterator[tuple[list[int], float]]:
    """Products of so many lines that are e but for a constant."""
    good = np.flatnonzero(np.abs(e) > 1000 * t)
    if many == 1:
        products: Indices = np.arange(len(lines.words))[:, np.newaxis]
    elif _distinct(e[good]) < DISTINCT[many]:
        return
    else:
        s, usable = _screen(lines, good, FEW if many > 2 else None)
        logs = np.log(np.abs(lines.values[usable][:, s]))
        logs -= logs[:, :1]
        found = _sums(logs, [logs] * (many - 1), np.log(np.abs(e[s] / e[s[0]])))
        products = usable[found[np.all(np.diff(found) >= 0, axis=1)]]
    V = lines.values[products].prod(axis=1)
    c = V @ e / np.maximum((V * V).sum(axis=1), 1e-300)
    for i in np.flatnonzero(np.all(np.abs(e - c[:, np.newaxis] * V) <= t, axis=1)):
        yield [int(n) for n in products[i]], float(c[i])


def _bare(words: str) -> str:
    """Without the brackets that are needed among other factors only."""
    inner = words[1:-1]
    return inner if words[0] == "(" and inner.find(")") >= inner.find("(") else words


def _distinct(numbers: Array) -> int:
    return len({f"{n:.5g}" for n in numbers})


def _screen(lines: Lines, good: Indices, most: int | None = None) -> tuple[Indices, Indices]:
    """Some of the good entries, and the lines that are nowhere nothing there."""
    size = np.abs(lines.values).max(axis=1, initial=0)
    least = np.abs(lines.values[:, good]).min(axis=1, initial=np.inf)
    usable = np.flatnonzero(least > 1e-6 * size)[:most]
    return np.random.default_rng(0).choice(good, 1 + SCREEN), usable


def _sums(last: Array, others: list[Array], wanted: Vector) -> Indices:
    """Rows, one of `last` and one of each of the others, whose sum is what is wanted, nearly.

    All are projected on one line, where the row that is wanted last can be looked up.
    """
    w = np.random.default_rng(1).standard_normal(len(wanted))
    p = last @ w
    order = np.argsort(p)
    rest = wanted @ w - others[0] @ w
    for other in others[1:]:
        rest = np.subtract.outer(rest, other @ w)
    width = NEAR * float(np.abs(w).sum())
    low, high = (np.searchsorted(p[order], rest.ravel() + d) for d in (-width, width))
    many = np.where(np.cumsum(high - low) <= MANY, high - low, 0)
    n = np.repeat(np.arange(rest.size), many)
    first = order[np.arange(len(n)) - np.repeat(np.cumsum(many) - many - low, many)]
    at = np.unravel_index(n, rest.shape)
    total = last[first] + sum(other[i] for other, i in zip(others, at, strict=True))
    near = np.all(np.abs(total - wanted) <= NEAR, axis=1)
    found: Indices = np.stack([first, *at], axis=1)[near]
    return found

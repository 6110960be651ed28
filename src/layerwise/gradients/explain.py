"""What a mistake is likely to be: each wrong tensor held against what is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array
from layerwise.gradients.factors import factor_in_words
from layerwise.gradients.function import Function
from layerwise.gradients.hints import (
    elsewhere,
    factor_of,
    factors_by_index,
    rearranged,
    subsets,
    terms,
)
from layerwise.gradients.jacobian import MOST, Jacobian, Jacobians, large
from layerwise.gradients.moves import axes_in_words, flips
from layerwise.gradients.places import narrowed, places
from layerwise.gradients.point import Point
from layerwise.gradients.raised import LayerRaisedError
from layerwise.gradients.report import TensorReport
from layerwise.gradients.statistics import bottlenecks, couplings
from layerwise.gradients.tensors import check_together
from layerwise.layers.base import walk

GIVEN = "at the given X"
FEW = 256  # elements: among more no pattern is an accident
NUMBER = r"-?\d+\.\d+(e-?\d+)?"


def explain(point: Point, measured: list[TensorReport]) -> list[str]:
    """The known pattern of each wrong tensor that has one; tensors with the same one together."""
    found = dict[str, list[str]]()
    wrong = {
        t.name: (t.numeric, errors)
        for t in measured
        if t.verdict == "wrong" and t.numeric is not None and (errors := t.errors) is not None
    }
    jacobians = Jacobians(point, {name: int(np.nanargmax(e)) for name, (_, e) in wrong.items()})
    shuffled = _shuffled(point)
    for name, (numeric, _) in wrong.items():
        jacobian = jacobians.of(name, numeric)
        hints = _patterns(point, jacobians, jacobian, numeric)
        hint = next((h for h in hints if _holds(h, shuffled, jacobian)), None)
        if hint is not None:
            found.setdefault(hint, []).append(name)
    if not found:
        found = _fallbacks(point, jacobians, measured)
    weak = [hint for hint in found if hint.startswith(("wrong only at", "wrong only from"))]
    where = "" if point.label == GIVEN else f", with {point.label}"
    return [
        f"{', '.join(names)}{where}: {hint}"
        for hint, names in found.items()
        if hint not in weak or len(weak) == len(found)  # what is more than a place comes first
    ]


def which_of_two(given: Function, point: Point) -> list[str]:
    """Whether a mistake at a point with other inputs and other parameters takes both of them."""
    at, old = point.function, {path: given.base[path] for path in given.parameters}
    moved = {path: at.base[path] for path in at.parameters}
    shown = []
    for inputs, values, words in (
        (given.inputs, moved, "the parameters as they are moved there, at the given X"),
        (at.inputs, old, "the inputs there, with the given parameters"),
    ):
        try:
            alone = Point(words, given.at(inputs, values), np.random.default_rng(0))
        except LayerRaisedError:
            return []
        shown += [words] if not check_together(alone) else []
    told = " and ".join(shown) or "neither its inputs nor its parameters alone: it takes both"
    return [f"the mistake at {point.label} is also shown by {told}"]


def _fallbacks(
    point: Point, jacobians: Jacobians, measured: list[TensorReport]
) -> dict[str, list[str]]:
    """What there is to say of the first step, before others have mixed in, or of X alone."""
    wrong = [t for t in measured if t.verdict == "wrong" and t.numeric is not None]
    for tensor in wrong:
        jacobian = jacobians.of(tensor.name, tensor.numeric)
        for axis in _times(point, jacobians) if jacobian.whole_y else ():
            there = np.unravel_index(jacobian.y_at, jacobian.Y.shape)[axis] == 0
            first = jacobian.at(1, there, np.take(jacobian.Y, [0], axis=axis))
            plain = [
                f"{hint}, as the answers at index 0 of axis {axis} show"
                for part in [first] * first.clear
                for hint in (*terms(part, _arrays(point)), *rearranged(part), *places(part, {}))
            ]
            if plain:
                return {plain[0]: [tensor.name]}
    names = [t.name for t in wrong]
    rest = [t for t in measured if t.name in point.function.parameters]
    if names and rest and all(t.verdict == "proven" for t in rest):
        words = (
            "the gradients of all parameters are right: look at how what backward returns is made "
            "of them, for a way that is missing or wrong"
        )
        return {words: names}
    return {}


def _times(point: Point, jacobians: Jacobians) -> Iterator[int]:
    """The axes along which no answer depends on later inputs."""
    for name in [name for name in _inputs(point) if name in point.function.base]:
        J = jacobians.of(name)
        for axis in range(1, min(J.x.ndim, J.Y.ndim)):
            s = np.unravel_index(J.x_at, J.x.shape)[axis][:, np.newaxis]
            later = s > np.unravel_index(J.y_at, J.Y.shape)[axis]
            long = J.x.shape[axis] == J.Y.shape[axis] > 2 and J.Y.ndim > 2
            if long and not np.any(large(J.J, J.tolerance) & later):
                yield axis


def _shuffled(point: Point) -> Jacobians | None:
    """The same with the entries of X in another order, if the layer takes that."""
    function, rng = point.function, np.random.default_rng(0)
    inputs = [
        rng.permuted(A.ravel()).reshape(A.shape) if A.dtype.kind == "f" else A
        for A in function.inputs
    ]
    values = {path: function.base[path] for path in function.parameters}
    X = tuple(inputs) if function.is_tuple else inputs[0]
    try:
        other = Point("shuffled", Function(function.layer, X, values), rng)
    except Exception:  # the layer does not take such an X
        return None
    finite = all(np.all(np.isfinite(A)) for A in (other.F, *other.G[0].values()))
    return Jacobians(other) if finite else None


def _holds(hint: str, shuffled: Jacobians | None, jacobian: Jacobian) -> bool:
    """Whether a pattern is no accident of the values: it is there with X shuffled too."""
    if shuffled is None or jacobian.x.size > FEW:
        return True
    again = shuffled.of(jacobian.name)
    numeric = np.full(jacobian.x.shape, np.nan)
    numeric.ravel()[again.x_at] = again.J @ shuffled.point.C[0][again.y_at]
    others = _patterns(shuffled.point, shuffled, again, numeric)
    return any(re.sub(NUMBER, "", hint) == re.sub(NUMBER, "", other) for other in others)


def _patterns(
    point: Point, jacobians: Jacobians, jacobian: Jacobian, numeric: Array
) -> Iterator[str]:
    """All that fits, the plainest first. What fits to five digits all over is no accident."""
    if not jacobian.clear:
        return
    if not np.any(jacobian.A):
        yield "the gradient is all zero: the term is missing"
    if np.all(np.abs(jacobian.J) <= jacobian.tolerance):
        yield "the answer does not depend on it here, and its gradient is not zero"
    factor = factor_of(jacobian.A, jacobian.J, jacobian)
    if factor is not None:
        yield factor_in_words(point, jacobian.name, factor)
    yield from _swapped(point, jacobians, jacobian)
    yield from terms(jacobian, _arrays(point))
    yield from factors_by_index(jacobian)
    yield from rearranged(jacobian)
    yield from couplings(jacobian)
    if jacobian.whole_y:
        yield from _turned(point, jacobian.name, numeric)
    for where, part in narrowed(jacobian) if jacobian.A.shape[1] > 1 else ():
        found = (*terms(part, _arrays(point)), *rearranged(part))
        yield from (f"{h}, only at {where}" for h in found if not h.startswith("shifted"))
    yield from elsewhere(jacobian)
    yield from places(jacobian, _inputs(point))
    yield from bottlenecks(jacobian)
    yield from subsets(jacobian)


def _inputs(point: Point) -> dict[str, NDArray[Any]]:
    """The inputs by name."""
    function = point.function
    return {f"X[{i}]" if function.is_tuple else "X": A for i, A in enumerate(function.inputs)}


def _arrays(point: Point) -> Mapping[str, Array]:
    """All arrays that a gradient may have as a factor."""
    kept = {path: A for path, A in walk(point.function.layer) if isinstance(A, np.ndarray)}
    return {**kept, **_inputs(point), **point.function.base}


def _swapped(point: Point, jacobians: Jacobians, jacobian: Jacobian) -> Iterator[str]:
    """Whether it is the gradient of another tensor of this shape."""
    base = point.function.base
    for name, x in base.items():
        same = name != jacobian.name and x.shape == jacobian.x.shape and x.size <= MOST
        if same and jacobian.whole_x and jacobian.same(jacobian.A, jacobians.of(name).J):
            yield f"swapped: this is the gradient of {name}"


def _turned(point: Point, name: str, numeric: Array) -> Iterator[str]:
    """Whether the gradient would be right with a parameter transposed or reversed."""
    seen = np.isfinite(numeric)
    for path in point.function.parameters:
        W = point.function.base[path]
        turned: list[tuple[str, Array]] = []
        if W.ndim == 2 and W.shape[0] == W.shape[1] > 1:
            turned.append((f"transpose: right with {path} transposed, as {path}.T for {path}", W.T))
        for axes in flips(W.ndim) if W.ndim > 1 else ():
            words = f"right with {path} reversed along {axes_in_words(axes)}: turn it, or do not"
            turned.append((words, np.flip(W, axes)))
        for words, other in turned:
            analytic = point.function.gradients(point.C[0], {path: other})[name]
            given = np.abs(point.G[0][name] - numeric)[seen].max()
            close = min(1e-4 * np.abs(numeric[seen]).max(), 1e-2 * given)
            if seen.sum() > 3 and np.all(np.abs(analytic - numeric)[seen] <= close):
                yield words

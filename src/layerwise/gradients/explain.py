"""What a mistake is likely to be: each wrong tensor held against what is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from layerwise.arrays import Array
from layerwise.gradients.factors import factor_in_words
from layerwise.gradients.function import Function
from layerwise.gradients.hints import as_it_came, elsewhere, one_kept, rearranged, subsets
from layerwise.gradients.jacobian import MOST, Jacobian, Jacobians
from layerwise.gradients.known import factor_of, factors_by_index, product_rule
from layerwise.gradients.moves import axes_in_words, behind, flips, reach
from layerwise.gradients.nearby import SHORT, reaches, shortened, shuffled_as
from layerwise.gradients.places import by_sign, carried, narrowed, places, repeated
from layerwise.gradients.point import Point
from layerwise.gradients.products import factors, summands
from layerwise.gradients.raised import LayerRaisedError
from layerwise.gradients.report import TensorReport
from layerwise.gradients.statistics import bottlenecks, couplings
from layerwise.gradients.tensors import off_together

GIVEN = "at the given X"
FEW = 256  # elements: among more no pattern is an accident
NUMBER = r"-?\d+\.\d*(e[-+]\d+)?"


WEAK = ("wrong only at", "wrong only from")  # a place that may have many causes
VAGUE = ("missing or wrong", "the error")  # what is less than a summand by its name


def explain(point: Point, measured: list[TensorReport]) -> list[str]:
    """The known pattern of each wrong tensor that has one; tensors with the same one together."""
    wrong = {
        t.name: (t.numeric, errors)
        for t in measured
        if t.verdict == "wrong" and t.numeric is not None and (errors := t.errors) is not None
    }
    if not wrong:
        return []
    jacobians = Jacobians(point, {name: int(np.nanargmax(e)) for name, (_, e) in wrong.items()})
    found = _found(point, jacobians, {name: numeric for name, (numeric, _) in wrong.items()})
    if all(hint.startswith(WEAK) for hint in found):
        otherwise = {} if found else _way_back(point, measured, list(wrong))
        found = _of_few_steps(point, jacobians, list(wrong), otherwise) or found
    weak = [hint for hint in found if hint.startswith(WEAK)]
    where = "" if point.label == GIVEN else f", with {point.label}"
    return [
        f"{', '.join(names)}{where}: {hint}"
        for hint, names in found.items()
        if hint not in weak or len(weak) == len(found)  # what is more than a place comes first
    ]


def _found(
    point: Point, jacobians: Jacobians, wrong: Mapping[str, Array | None]
) -> dict[str, list[str]]:
    """The tensors by the first pattern that fits and is no accident."""
    found, shuffled = dict[str, list[str]](), shuffled_as(point)
    for name, numeric in wrong.items():
        jacobian = jacobians.of(name, numeric)
        hints = _patterns(point, jacobians, jacobian, numeric)
        hint = next((h for h in hints if _holds(h, shuffled, jacobian)), None)
        if hint is not None:
            found.setdefault(hint, []).append(name)
    return found


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
        shown += [words] if off_together(alone) else []
    told = " and ".join(shown) or "neither its inputs nor its parameters alone: it takes both"
    return [f"the mistake at {point.label} is also shown by {told}"]


def _of_few_steps(
    point: Point, jacobians: Jacobians, wrong: list[str], otherwise: dict[str, list[str]]
) -> dict[str, list[str]]:
    """What a run with one or two indices along an axis shows, before others have mixed in."""
    first = point.function.inputs[0]
    for axis in range(1, first.ndim) if first.ndim > 2 or first.dtype.kind in "iu" else ():
        right, long = False, first.shape[axis] > 2 and reaches(jacobians, axis)
        for length, steps in ((1, "1 index"), (2, "2 indices")):
            short = shortened(point, axis, length) if long else None
            if short is None:
                break
            if off_together(short) is None:
                right = True
                continue
            shown = f", as a run with {steps} along axis {axis} shows"
            found = {
                hint + shown: names
                for hint, names in _found(short, Jacobians(short), dict.fromkeys(wrong)).items()
                # One of two indices along the axis itself is no place.
                if not (right and hint.startswith(WEAK) and (names[0][0] == "X" or "of Y" in hint))
            }
            if found:
                return found
        if right and not otherwise:
            what = "what goes along it, from one to others, is wrong"
            if not any(name.startswith("X") for name in wrong):
                what = "how the terms of several add up is wrong, as by = for +="
            return {f"right where X has one index along axis {axis}: {what}": wrong}
    return otherwise


def _way_back(point: Point, measured: list[TensorReport], wrong: list[str]) -> dict[str, list[str]]:
    """What there is to say where X alone is wrong."""
    rest = [t for t in measured if t.name in point.function.parameters]
    if rest and all(t.verdict == "proven" for t in rest):
        words = (
            "the gradients of all parameters are right: look at how what backward returns is made "
            "of them, for a way that is missing or wrong"
        )
        return {words: wrong}
    return {}


def _holds(hint: str, shuffled: Jacobians | None, jacobian: Jacobian) -> bool:
    """Whether a pattern is no accident of the values: it is there with X shuffled too."""
    if shuffled is None or jacobian.x.size > FEW:
        return True
    others = _patterns(shuffled.point, shuffled, shuffled.of(jacobian.name), None)
    return any(re.sub(NUMBER, "", hint) == re.sub(NUMBER, "", other) for other in others)


def _patterns(
    point: Point, jacobians: Jacobians, jacobian: Jacobian, numeric: Array | None
) -> Iterator[str]:
    """All that fits, the plainest first. What fits to five digits all over is no accident."""
    if numeric is None:
        numeric = np.full(jacobian.x.shape, np.nan)
        numeric.ravel()[jacobian.x_at] = jacobian.J @ point.C[0][jacobian.y_at]
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
    known = jacobians.sources
    yield from by_sign(jacobian)
    yield from factors(jacobian, known)
    yield from repeated(jacobian, point.function.named_inputs())
    if jacobian.whole_y:
        yield from _turned(point, jacobians, jacobian.name, numeric)
    yield from factors_by_index(jacobian)
    yield from rearranged(jacobian)
    yield from product_rule(jacobian)
    short = point.label == SHORT  # where any term goes through few numbers
    terms = [] if short else list(couplings(jacobian))
    yield from (hint for hint in terms if not hint.startswith(VAGUE))
    yield from summands(jacobian, known)
    yield from terms
    for where, part in narrowed(jacobian):
        found = (*factors(part, known), *rearranged(part))
        yield from (f"{h}, only at {where}" for h in found if not h.startswith("shifted"))
    for path, part in behind(jacobian, {p: known[p] for p in point.function.parameters}):
        found = (*factors(part, known), *summands(part, known))
        yield from (f"{h}, before it goes back through {path}" for h in found)
    yield from carried(jacobian)
    yield from reach(jacobian)
    yield from elsewhere(jacobian)
    yield from one_kept(jacobian)
    for where, part in narrowed(jacobian):
        yield from (f"{h}, only at {where}" for h in factors_by_index(part) if "indices" in where)
    at = list(places(jacobian))
    yield from (hint for hint in at if not hint.startswith(WEAK))
    yield from as_it_came(jacobian)
    yield from at
    if not short:
        yield from bottlenecks(jacobian)
    yield from subsets(jacobian)


def _swapped(point: Point, jacobians: Jacobians, jacobian: Jacobian) -> Iterator[str]:
    """Whether it is the gradient of another tensor of this shape."""
    base = point.function.base
    for name, x in base.items():
        same = name != jacobian.name and x.shape == jacobian.x.shape and x.size <= MOST
        if same and jacobian.whole_x and jacobian.same(jacobian.A, jacobians.of(name).J):
            yield f"swapped: this is the gradient of {name}"


def _turned(point: Point, jacobians: Jacobians, name: str, numeric: Array) -> Iterator[str]:
    """Whether the gradient would be right with an array of backward's turned, or a parameter."""
    seen = np.isfinite(numeric)
    for path, words, other in _turns(point, jacobians):
        analytic = point.function.gradients(point.C[0], late={path: other})[name]
        given = np.abs(point.G[0][name] - numeric)[seen].max()
        close = min(1e-4 * np.abs(numeric[seen]).max(), 1e-2 * given)
        if seen.sum() > 3 and np.all(np.abs(analytic - numeric)[seen] <= close):
            yield words


def _turns(point: Point, jacobians: Jacobians) -> Iterator[tuple[str, str, Array]]:
    """Parameters transposed, reversed and shifted, and other arrays of backward's transposed."""
    function = point.function
    parameters = {path: function.base[path] for path in function.parameters}
    theirs = {
        name: A
        for name, A in jacobians.sources.items()
        if name not in (*function.named_inputs(), *function.base, "Y")
        and A.flags.writeable
        and not any(np.may_share_memory(A, p.value) for p in function.parameters.values())
    }
    for path, W in {**parameters, **theirs}.items():
        for i, j in combinations(range(W.ndim), 2):
            if W.shape[i] == W.shape[j]:
                words = f"transposed, as {path}.T for {path}"
                words = words if W.ndim == 2 else f"with axes {i} and {j} exchanged"
                yield path, f"transpose: right with {path} {words}", W.swapaxes(i, j).copy()
        for axes in flips(W.ndim) if path in parameters else ():
            along = f"along {axes_in_words(axes)}"
            yield path, f"right with {path} reversed {along}: turn it, or do not", np.flip(W, axes)
            for shift in (1, -1) if len(axes) == 1 and W.shape[axes[0]] > 2 else ():
                words = f"right with {path} shifted by {shift} {along}: an index is off"
                yield path, words, np.roll(W, shift, axes)

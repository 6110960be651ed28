"""Where a layer is checked: at the given X, and where a mistake cannot hide behind its values.

A batch of one row hides a missing sum, a bias of zeros a missing product, positive inputs the
wrong half of a function, distinct indices a lost addition. So a layer is also run with N(0, 1)
inputs and moved parameters, on a single row, and on one row more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Indices, Matrix, Vector
from layerwise.gradients.contract import parts, shape_faults
from layerwise.gradients.differences import EPS, RATIO, Place, Slope, element_slope, slope
from layerwise.gradients.kinks import slopes_around
from layerwise.gradients.probe import AnyLayer, Probe, Tensors, flat, rms, shaped
from layerwise.gradients.report import Comparison, State

FINE = 1e-6  # a bound this much smaller than the derivative counts as proof
UNDERFLOW = 1e10 * float(np.finfo(np.float64).tiny)  # smaller numbers lose their digits
INEXACT = 1e-8  # an error of a single element that is no mistake
JUMP = 1e-3  # what a kink changes a derivative by, at the least
LOOKS = 6  # how often slopes around are looked at in vain
NOTHING = 1e-8  # a derivative this much smaller than the answer counts as zero


class Point:
    """A place at which the derivatives of a layer are compared, with its name in the report.

    The vectors c are random, because the sum of all outputs is blind: that of a softmax is
    constant.
    """

    def __init__(self, label: str, probe: Probe, rng: np.random.Generator) -> None:
        self.label, self.probe, self.rng = label, probe, rng
        self.looks_around = LOOKS
        F = probe.output()
        C = _projections(F, rng)
        self.place = Place(probe, F, C, [probe.gradients(c) for c in C])

    def slope(self, direction: Tensors, at_least: Vector | None = None) -> Slope:
        """The numeric derivatives along a direction, of `at_least` that rounding."""
        return slope(self.place, direction, self._sizes(direction), at_least)

    def element_slope(self, name: str, d: Array, seen: Slope) -> Slope:
        """The numeric derivatives along one element, measured against the tensor's largest."""
        largest = [np.abs(G[name]).max() * d.max() for G in self.place.G]
        return element_slope(self.place, {name: d}, np.array(largest), seen)

    def compare(
        self, where: str, direction: Tensors, numeric: Slope, *, element: bool = False
    ) -> Comparison:
        """The analytic derivatives along a direction against the numeric, the worst of all c.

        Of a single element, an error of a hundred-millionth is let pass: so exact is not every
        forward, such as one that iterates.
        """
        found = []
        for k, size in enumerate(self._sizes(direction) if element else numeric.size):
            inexact = INEXACT * float(size + 0.1 * numeric.size[k]) if element else 0.0
            found.append(self._compare(where, k, direction, numeric, (float(size), inexact)))
        for state in ("wrong", "kink", "proven"):
            if any(comparison.state == state for comparison in found):
                found = [comparison for comparison in found if comparison.state == state]
        return max(found, key=lambda comparison: comparison.error)

    def _sizes(self, direction: Tensors) -> Vector:
        """How large each derivative along the direction may be: √Σ (gᵢ dᵢ)²."""
        terms = [[g[n] * d for n, d in direction.items()] for g in self.place.G]
        squares = [[np.vdot(t, t) for t in of_c] for of_c in terms]
        sizes: Vector = np.sqrt(np.array(squares).sum(axis=1))
        return sizes

    def _compare(
        self, where: str, k: int, direction: Tensors, numeric: Slope, sizes: tuple[float, float]
    ) -> Comparison:
        size, inexact = sizes
        analytic = _dot(self.place.G[k], direction)
        value = float(numeric.value[k])
        answer, size = float(self.place.size[k]), max(size, abs(value))
        # More rounding than this in a gradient is lost precision, unless the answer has it too.
        rounding = min(self._rounding(k, direction), max(FINE * size, NOTHING * answer))
        bound = float(numeric.bound[k]) + rounding + 16 * EPS * size + UNDERFLOW
        off, kink = abs(analytic - value), float(numeric.kink[k])
        state: State
        # Where digits cancel inside the layer, differences see no more than this.
        blind = 32 * EPS * float(self.place.reach[k]) * RATIO**numeric.k
        if off > kink + bound + inexact and off <= blind:
            state = "noisy"
        elif off > kink + bound + inexact:
            jump = off > JUMP * size and self._near_kink(k, direction, analytic, off)
            state = "kink" if jump else "wrong"
        elif kink > 0:
            state = "kink"
        elif bound <= FINE * size or max(bound, size) <= NOTHING * answer:
            state = "proven"
        else:
            state = "noisy"
        return Comparison(where, analytic, value, bound, state, size)

    def _rounding(self, k: int, direction: Tensors) -> float:
        """How far the analytic derivative may be off by rounding: as far as one ulp or two differ.

        Both to the same side, because at a jump of the gradient the two sides are far apart.
        """
        up1, down1, up2, down2 = (_dot(g, direction) for g in self.place.of_gradients[k])
        return 16 * max(abs(up1 - up2), abs(down1 - down2))

    def _near_kink(self, k: int, direction: Tensors, analytic: float, off: float) -> bool:
        """Whether the analytic derivative may be a mixture of slopes that are far apart here."""
        if self.looks_around == 0:
            return False
        low, high, several = slopes_around(self.place, direction, self.rng)
        ends = self.place.C[k] * low, self.place.C[k] * high
        least, most = np.minimum(*ends).sum(), np.maximum(*ends).sum()
        slack = 1e-3 * float(most - least)
        within = bool(least - slack <= analytic <= most + slack)
        found = off <= 2 * (most - least) and (several or within)
        self.looks_around -= not found
        return found


def _dot(gradients: Tensors, direction: Tensors) -> float:
    """Σ gᵢ dᵢ over all tensors of the direction."""
    return sum(float(np.vdot(gradients[name], d)) for name, d in direction.items())


def _projections(F: Vector, rng: np.random.Generator) -> Matrix:
    """Vectors c: plain, one that makes all entries of F count alike, and one of few entries."""
    if F.size == 1:
        return np.ones((1, 1))
    C = rng.standard_normal((3, F.size))
    largest = float(np.abs(F).max()) or 1.0
    # What is a millionth of the largest or less may be nothing but rounding: no more weight to it.
    C[1] /= np.where(F == 0, largest, np.maximum(np.abs(F), 1e-6 * largest))
    C[2] *= rng.random(F.size) < 0.3
    C[2, rng.integers(F.size)] = 1.0
    return C


def other_points(layer: AnyLayer, X: Any, rng: np.random.Generator) -> Iterator[Point | str]:
    """The points beside the given one that the layer takes; or what it does wrong there.

    Before each of them one more forward runs, so that a state left by it would show. A point is
    left out where the layer raises an error, gives numbers that are not finite, or does not give
    one row for each row it got.
    """
    base = Probe(layer, X)
    n = base.inputs[0].shape[0] if base.inputs[0].ndim else 0
    shapes = [np.shape(y) for y in parts(base.forward()[0])]
    values = {path: _moved(p.value, rng) for path, p in base.parameters.items()}
    for label, rows in ("N(0, 1) inputs", n), ("one row", 1), (f"{n + 2} rows", n + 2):
        chosen = np.arange(rows) % max(n, 1)
        expected = [(rows, *shape[1:]) if shape[:1] == (n,) else shape for shape in shapes]
        normal = [
            _normal(A, chosen, n, rng, mask=mask)
            for A, mask in zip(base.inputs, _masks(base.inputs), strict=True)
        ]
        given = [_rows(A, chosen, n) for A in base.inputs]
        for inputs, moved, known in (normal, values, False), (given, {}, True):
            base.forward_here(base.inputs)
            probe = Probe(base.layer, tuple(inputs) if base.is_tuple else inputs[0], moved)
            point = _point(label, probe, expected, rng, known=known)
            if point is not None:
                yield point
                break


def _point(
    label: str, probe: Probe, expected: list[tuple[int, ...]], rng: np.random.Generator, known: bool
) -> Point | str | None:
    """The point, what is wrong there, or None where the layer cannot be run there.

    `known` says that its rows are given ones, at which a gradient must be finite.
    """
    try:
        Y, backward = probe.forward()
    except Exception:  # the layer does not take this input: nothing is learned here
        return None
    answers = parts(Y)
    if [np.shape(y) for y in answers] != expected or not np.all(np.isfinite(flat(Y))):
        return None
    try:
        dX = backward(shaped(rng.standard_normal(flat(Y).size), Y))
    except Exception as error:
        return f"with {label}, backward raised {type(error).__name__}: {error}"
    for fault in shape_faults(dX, probe.X, Y):
        return f"with {label}, {fault.text}"
    point = _finite(label, probe, rng)
    if point is None and known:
        return f"with {label}, of the given ones, a gradient is not finite"
    return point


def beside(point: Point) -> Point | None:
    """A point a hundredth of each tensor's size away, where no exact tie or zero is left."""
    probe, rng = point.probe, point.rng
    near = {
        name: x + 1e-2 * rms(x) * rng.standard_normal(x.shape) for name, x in probe.base.items()
    }
    X = tuple(near.get(f"X[{i}]" if probe.is_tuple else "X", A) for i, A in enumerate(probe.inputs))
    values = {path: near[path] for path in probe.parameters}
    probe.restore()
    try:
        moved = Probe(probe.layer, X if probe.is_tuple else X[0], values)
        return _finite("close by", moved, rng)
    except Exception:  # the layer does not take this point
        return None


def _finite(label: str, probe: Probe, rng: np.random.Generator) -> Point | None:
    """The point, unless something is not finite there: then it is out of the layer's reach."""
    point = Point(label, probe, rng)
    arrays = [point.place.F, *(g for G in point.place.G for g in G.values())]
    return point if all(np.all(np.isfinite(array)) for array in arrays) else None


def _rows(A: NDArray[Any], chosen: Indices, n: int) -> NDArray[Any]:
    """The chosen rows of A, where it has the batch's n rows."""
    rows: NDArray[Any] = A[chosen] if A.ndim and A.shape[0] == n else A
    return rows


def _masks(inputs: list[NDArray[Any]]) -> list[bool]:
    """Which inputs only select among the others: those of zeros and ones, if not all are."""
    masks = [bool(np.all((A == 0) | (A == 1))) for A in inputs]
    floats = [mask for A, mask in zip(inputs, masks, strict=True) if A.dtype.kind == "f"]
    return [False] * len(masks) if all(floats) else masks


def _normal(
    A: NDArray[Any], chosen: Indices, n: int, rng: np.random.Generator, *, mask: bool
) -> NDArray[Any]:
    """N(0, 1) numbers for floats; integers are drawn from A's own, and masks stay as they are."""
    rows = _rows(A, chosen, n)
    if mask:
        return rows
    if A.dtype.kind == "f":
        return rng.standard_normal(rows.shape)
    return rng.choice(A.ravel(), rows.shape) if A.size else rows


def _moved(value: Array, rng: np.random.Generator) -> Array:
    """Values of the same signs and size, none of them special such as 0 or 1."""
    factor = rng.uniform(0.7, 1.4, value.shape)
    return np.where(value == 0, 0.3 * rms(value) * rng.standard_normal(value.shape), value * factor)

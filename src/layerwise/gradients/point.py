"""A place at which the derivatives of a layer are compared."""

from __future__ import annotations

import numpy as np

from layerwise.arrays import Matrix, Vector
from layerwise.gradients.differences import EPS, RATIO, Place, Slope, element_slope, slope
from layerwise.gradients.kinks import slopes_around
from layerwise.gradients.probe import Probe, Tensors
from layerwise.gradients.report import Comparison, State

FINE = 1e-6  # a bound this much smaller than the derivative counts as proof
UNDERFLOW = 1e10 * float(np.finfo(np.float64).tiny)  # smaller numbers lose their digits
INEXACT = 1e-8  # an error of a single element that is no mistake
JUMP = 1e-3  # what a kink changes a derivative by, at the least
LOOKS = 6  # how often slopes around are looked at in vain
NOTHING = 1e-8  # a derivative this much smaller than the answer counts as zero


class Point:
    """Analytic against numeric derivatives at one place; `label` names it in the report.

    The vectors c are random, because the sum of all outputs is blind: that of a softmax is
    constant.
    """

    def __init__(self, label: str, probe: Probe, rng: np.random.Generator) -> None:
        self.label, self.probe, self.rng = label, probe, rng
        self.looks_around = LOOKS
        F = probe.output()
        C = _projections(F, rng)
        self.place = Place(probe, F, C, [probe.gradients(c) for c in C])

    def slope(self, direction: Tensors) -> Slope:
        """The numeric derivatives along a direction."""
        return slope(self.place, direction, self._sizes(direction))

    def element_slope(self, direction: Tensors, seen: Slope) -> Slope:
        """The numeric derivatives along one element, measured against its tensor's largest."""
        ((name, d),) = direction.items()
        largest = [np.abs(G[name]).max() * d.max() for G in self.place.G]
        return element_slope(self.place, direction, np.array(largest), seen)

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

"""One derivative, by backward and by differences: proven, wrong, or why neither can be said."""

from __future__ import annotations

from math import sqrt

import numpy as np

from layerwise.arrays import Vector
from layerwise.gradients.differences import FIRST, RATIO, Slope, slope
from layerwise.gradients.function import EPS, Tensors
from layerwise.gradients.kinks import slopes_around
from layerwise.gradients.point import Point, along
from layerwise.gradients.report import Comparison
from layerwise.gradients.stopping import jump

FINE = 1e-6  # a bound this much smaller than the derivative is proof: no formula is wrong by less
RESOLUTION = 3e3  # of a forward's own error: its derivative is told over a few thousandths of x
UNDERFLOW = 1e10 * float(np.finfo(np.float64).tiny)  # smaller numbers lose their digits
INEXACT = 1e-8  # √ε: what a forward that iterates to its last digit leaves in a single element
SLIGHT = 1e-7  # what one that jumps may be off by and is proven: no formula is wrong by less
JUMP = 1e-3  # an error below this is looked for in no kink: that would take 64 runs
LOOKS = 6  # in vain, of 64 runs each, after which kinks are taken not to be near
ROOT = 10.0  # times √ of a forward's own error: where Y is a minimum, so far off is its derivative
STOPS = 1.5e-2  # of the derivative: what an iteration stopped at 10⁻⁴ may leave of it, or a solver
SMALL = FIRST - 1  # 4⁻² = 1/16 of x: over more than that few layers are smooth for sure
NOTHING = 1e-8  # √ε: a derivative this much smaller than the answer counts as zero


def compare(
    point: Point, where: str, direction: Tensors, numeric: Slope, *, element: bool = False
) -> Comparison:
    """The analytic derivatives along a direction against the numeric, the worst of all c.

    Of a single element, an error of a hundred-millionth is let pass: so exact is not every
    forward, such as one that iterates. Where F is said not to be exact, large steps are taken, over
    which it may bend: what they call wrong, small ones have to call so too.
    """
    found = _each(point, where, direction, numeric, element=element)
    if point.error and any(comparison.state == "wrong" for comparison in found):
        small = slope(point, direction, numeric.size, largest=SMALL)
        found = _each(point, where, direction, small, element=element)
    wrong = {k: comparison for k, comparison in enumerate(found) if comparison.state == "wrong"}
    if wrong and _stops(point, wrong, numeric.size):
        for k, comparison in wrong.items():
            hardly = comparison.off <= SLIGHT * max(comparison.size, float(numeric.size[k]))
            comparison.state = "proven" if hardly else "slight"
            comparison.bound = max(comparison.bound, comparison.off)
    for state in ("wrong", "slight", "kink", "proven"):
        if any(comparison.state == state for comparison in found):
            found = [comparison for comparison in found if comparison.state == state]
    return max(found, key=lambda comparison: comparison.error)


def _each(
    point: Point, where: str, direction: Tensors, numeric: Slope, *, element: bool
) -> list[Comparison]:
    """The comparison for each c."""
    found = []
    fine = min(max(FINE, RESOLUTION * point.function.forward_error), 0.1)
    for k, of_terms in enumerate(point.sizes(direction) if element else numeric.size):
        analytic, value = along(point.G[k], direction), float(numeric.value[k])
        answer, size = float(point.size[k]), max(float(of_terms), abs(value))
        # More rounding than this in a gradient is lost precision, unless the answer has it too.
        lost = 100 * float(point.noise.projections[k]) / (answer or 1.0)
        most = max(fine * size, lost * size, NOTHING * answer)
        rounding = min(_rounding(point, k, direction), most)
        bound = float(numeric.bound[k]) + rounding + 16 * EPS * size + UNDERFLOW
        off = abs(analytic - value)
        if element and off <= INEXACT * float(of_terms + 0.1 * numeric.size[k]):
            bound = max(bound, off)
        comparison = Comparison(where, analytic, value, bound, "noisy", size)
        allowed = bound + float(numeric.kink[k])
        # Where digits cancel inside the layer, differences see no more than this.
        blind = 32 * EPS * float(point.noise.reach[k]) * RATIO**numeric.k
        if off > allowed:
            comparison.state = "noisy" if off <= blind or numeric.stairs else "wrong"
            if off > max(blind, JUMP * size) and _near_kink(point, k, direction, analytic, off):
                comparison.state = "kink"
        elif numeric.kink[k] > 0:
            comparison.state = "kink"
        elif bound <= fine * size or max(bound, size) <= NOTHING * answer:
            comparison.state = "proven"
        found.append(comparison)
    return found


def _rounding(point: Point, k: int, direction: Tensors) -> float:
    """How far the analytic derivative may be off by rounding: as far as one ulp or two differ.

    Both to the same side, because at a jump of the gradient the two sides are far apart.
    """
    up1, down1, up2, down2 = (along(g, direction) for g in point.noise.gradients[k])
    return 16 * max(abs(up1 - up2), abs(down1 - down2))


def _stops(point: Point, wrong: dict[int, Comparison], sizes: Vector) -> bool:
    """Whether these, by their c, may all be off because an iteration stops, so that F jumps.

    Or because F is said not to be exact. Where they are hardly off, single elements tell.
    """
    if all(comparison.share <= INEXACT for comparison in wrong.values()):
        return False
    share = max(c.off / max(c.size, float(sizes[k])) for k, c in wrong.items())
    if share > STOPS:
        return False
    if share <= ROOT * sqrt(point.function.forward_error):
        return True
    if point.jump is None:
        point.jump = jump(point)
    return point.jump > 0


def _near_kink(point: Point, k: int, direction: Tensors, analytic: float, off: float) -> bool:
    """Whether the analytic derivative may be a mixture of slopes that are far apart here."""
    if point.vain_looks == LOOKS:
        return False
    low, high, several = slopes_around(point, direction)
    ends = point.C[k] * low, point.C[k] * high
    least, most = np.minimum(*ends).sum(), np.maximum(*ends).sum()
    slack = 1e-3 * float(most - least)
    within = bool(least - slack <= analytic <= most + slack)
    found = off <= 2 * (most - least) and (several or within)
    point.vain_looks += not found
    return found

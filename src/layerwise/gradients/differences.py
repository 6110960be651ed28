"""A derivative from differences, with a bound on its error that is computed and not guessed.

Central differences D(h) = (F(x + hd) − F(x − hd)) / 2h have an error a₂h² + a₄h⁴ + …, and
Richardson's extrapolation removes one term after the other [1]. How far neighbours in the table
disagree bounds what is left [2]; to that comes the noise of F, divided by h. F is differenced as
a vector and projected on c afterwards, so that what does not depend on x cancels exactly.

[1] Richardson 1911, doi:10.1098/rsta.1911.0009. [2] Ridders 1982,
doi:10.1016/S0141-1195(82)80057-0. The choice among steps by agreement with all smaller ones is
Lepski's (1990), doi:10.1137/1135065.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Vector
from layerwise.gradients.function import Tensors
from layerwise.gradients.point import Point

RATIO = 4.0  # between neighbouring steps: a power of two, so that dividing by it is exact
# Steps from 4⁻³ = 0.016 of the direction's own size, over which most layers are smooth, to
# 4⁻¹⁴ = 4e-9, a quarter of √ε, where rounding leaves half of the digits.
FIRST, LAST = 3, 14
LARGEST = -24  # 4²⁴ = 3e14, for a tensor much smaller than what it is added to
FARTHEST = -1  # 4: a step of four times the size of x
CHOICE = 1e-2  # of the largest answer: a stair as high is meant, as of floor(x), and no rounding
TINY = 16, 17  # 2e-10 and 6e-11, where a smooth F is straight, and only noise bends it
NONE: Vector = np.zeros(0)
ORDERS = 4  # columns of the extrapolation table: h² to h⁸, with which four steps are used up


@dataclass
class Slope:
    """c · dF/dd for each c: `value` ± `bound`, with `kink` half the jump between the two sides."""

    value: Vector
    bound: Vector
    kink: Vector
    rounding: Vector  # the noise of each c · F that was seen
    size: Vector  # what the derivatives were measured against
    k: int  # the best step is 4⁻ᵏ
    stairs: bool = False  # F moves in steps, which may be rounding, or not

    def fine(self, share: float, size: Vector, point: Point) -> bool:
        """Whether every bound is that share of the derivative, or at the rounding of c · F."""
        goal = np.maximum(share * np.maximum(size, np.abs(self.value)), 1e-12 * point.size)
        return bool(np.all(self.bound <= goal))


def extrapolate(
    h: Vector, D: Vector, rounding: float, below: tuple[Vector, Vector] = (NONE, NONE)
) -> tuple[float, float, int]:
    """The limit of D(h) as h → 0, a bound on its error, and the index of the finest step used.

    h falls by RATIO from entry to entry. Of all entries of the extrapolation table the one with
    the smallest bound is taken, among those that agree with the differences at all smaller
    steps: at too large a step a bounded F looks flat, and stairs straight, and neighbours agree
    on the wrong value. `below` are smaller steps that are known too, and their differences.
    """
    noise, noise_below = (4 * rounding / steps for steps in (h, below[0]))
    change = np.abs(np.diff(D, prepend=np.nan))
    # Differences that do not shrink, and are not noise either, are no approach to a limit.
    shrinks = change[1:] <= np.fmax(change[:-1] / 2, noise[1:])
    error = np.where(np.append(False, shrinks), change, np.inf)
    best = float(D[-1]), float("inf"), len(D) - 1
    T = D
    for order in range(min(ORDERS, len(D))):
        if order:
            finer = T[1:] + (T[1:] - T[:-1]) / (RATIO ** (2 * order) - 1)
            moved = np.maximum(np.abs(finer - T[1:]), np.abs(finer - T[:-1]))
            # No column is trusted to be more than a thousand times better than the one before.
            error = np.maximum(moved, error[1:] / 1000)
            T = finer
        for i in range(len(T)):
            at = i + order
            bound = float(2 * error[i] + 1.5 * noise[at])
            if bound < best[1]:
                slack = bound + noise[at + 1 :] + change[at + 1 :] / 2
                agrees = np.all(np.abs(T[i] - D[at + 1 :]) <= slack)
                if agrees and np.all(np.abs(T[i] - below[1]) <= bound + noise_below):
                    best = float(T[i]), bound, at
    return best


def slope(point: Point, direction: Tensors, size: Vector, *, largest: int = LARGEST) -> Slope:
    """The derivative of each c · F along a direction, as fine as it can be had.

    `size` says how large the derivatives are expected to be; a bound a billion times smaller, or
    at the rounding of c · F itself, is fine enough to stop. No step is larger than 4 to the power
    of −`largest`.
    """
    pair = _Pair(point, direction)
    kinked, jump = _bends(pair)
    rounding, stairs = _rounding(pair, kinked)
    point.stairs |= stairs
    ks = list(range(FIRST, FIRST + 4))
    found = _limits(pair, ks, rounding)
    while ks[-1] < LAST and not found.fine(1e-9, size, point):
        ks.append(ks[-1] + 1)
        found = _limits(pair, ks, rounding)
    # Where rounding limits the bound, larger steps help until F is no longer smooth over them. With
    # a stated error they would go on helping beyond all sizes that x has.
    largest = max(largest, FARTHEST) if point.error else largest
    while ks[0] > largest and not found.fine(1e-9, size, point):
        ks.insert(0, ks[0] - 1)
        larger = _limits(pair, ks, rounding)
        better = bool(np.any(larger.bound < found.bound / 2))
        if better:
            found = larger
        elif ks[0] < FIRST - 2:
            break
    kink = np.abs(point.C[:, kinked]) @ jump[kinked] / 2
    return replace(found, kink=kink, size=size, stairs=stairs)


def two_differences(point: Point, direction: Tensors) -> Vector:
    """The derivative of each c · F from two steps, extrapolated, where F is smooth: no bound."""
    pair = _Pair(point, direction)
    D4, D = (point.C @ pair.difference(k) for k in (FIRST + 2, FIRST + 3))
    found: Vector = D + (D - D4) / (RATIO**2 - 1)
    return found


def element_slope(
    point: Point, direction: Tensors, size: Vector, seen: Slope, *, sure: bool
) -> Slope:
    """`slope` for a single element, in at most eight runs: `seen` tells its step and its noise.

    Two more where it is not `sure` that something is wrong, but seems to be.
    """
    pair = _Pair(point, direction)
    k = seen.k if point.error else max(seen.k, FIRST + 2)
    J, J4 = (pair.bend(i) * RATIO**i for i in (k, k - 1))
    bent = np.abs(J) > 20 * point.noise.F * RATIO**k
    if np.any(bent & (np.abs(J) > 0.5 * np.abs(J4))):
        kinked, jump = _bends(pair)
        if np.any(kinked):
            value = point.C @ pair.difference(k)
            bound = np.abs(value - point.C @ pair.difference(k - 1)) + 6 * seen.rounding * RATIO**k
            kink = np.abs(point.C[:, kinked]) @ jump[kinked] / 2
            return Slope(value, bound, kink, seen.rounding, size, k)
    # A smooth F bends by the square of the step; what is over is rounding, seen at this element.
    over = np.abs(point.C @ point.no_jump(pair.bend(k) - pair.bend(k - 1) / RATIO**2))
    rounding = np.maximum(seen.rounding, over)
    ks = [k - 2, k - 1, k]
    found = _limits(pair, ks, rounding)
    if not found.fine(1e-8, size, point):
        ks.append(k + 1)
        found = _limits(pair, ks, rounding)
    if not sure and np.any(np.abs(found.value - point.analytic(direction)) > found.bound):
        pair(LAST)  # before it is called wrong, the smallest step has to agree
        found = _limits(pair, ks, rounding)
    return replace(found, size=size, stairs=seen.stairs)


class _Pair:
    """F(x + hd) and F(x − hd) for h = 4⁻ᵏ, each run once."""

    def __init__(self, point: Point, direction: Tensors) -> None:
        self.point, self.direction = point, direction
        self.known: dict[float, tuple[Vector, Vector]] = {}

    def __call__(self, k: float) -> tuple[Vector, Vector]:
        if k not in self.known:
            h, function = RATIO**-k, self.point.function
            moves = {name: h * d for name, d in self.direction.items()}
            above = {name: function.base[name] + move for name, move in moves.items()}
            below = {name: function.base[name] - move for name, move in moves.items()}
            F = self.point.F
            self.known[k] = function.output_or_nan(above, F), function.output_or_nan(below, F)
        return self.known[k]

    def difference(self, k: float) -> Vector:
        """D(h) = (F(x + hd) − F(x − hd)) / 2h."""
        above, below = self(k)
        D: Vector = (above - below) / (2 * RATIO**-k)
        return D

    def bend(self, k: int) -> Vector:
        """F(x + hd) − 2F(x) + F(x − hd)."""
        above, below = self(k)
        return (above - self.point.F) + (below - self.point.F)


def _limits(pair: _Pair, ks: list[int], rounding: Vector) -> Slope:
    """`extrapolate` for each c."""
    h = RATIO ** -np.array(ks, np.float64)
    D = np.array([pair.point.C @ pair.difference(k) for k in ks])
    known = sorted(k for k in pair.known if k > ks[-1])
    below = RATIO ** -np.array(known, np.float64)
    D_below = np.array([pair.point.C @ pair.difference(k) for k in known])
    D_below = D_below.reshape(len(known), len(rounding))
    found = [
        extrapolate(h, D[:, i], float(r), (below, D_below[:, i])) for i, r in enumerate(rounding)
    ]
    value, bound, at = map(np.array, zip(*found, strict=True))
    k = ks[int(at.max())] if np.all(np.isfinite(bound)) else FIRST + 2
    none = np.zeros(len(rounding))
    return Slope(value, bound, none, rounding, none, k)


def _bends(pair: _Pair) -> tuple[NDArray[np.bool_], Vector]:
    """Where F has a kink closer than the finest step, and how far its slope jumps there.

    J(h) = (F(x + hd) − 2F(x) + F(x − hd)) / h is h F″ for a smooth F, so four times as large at
    four times the step. With a kink at a distance δ < h it is the jump of the slope times
    1 − δ/h: two steps give both, and two more have to agree with them, as noise would not.
    """
    noise = pair.point.noise.F
    J, J4 = (pair.bend(k) * RATIO**k for k in (LAST, LAST - 1))
    rounding = np.maximum(noise, np.max([np.abs(pair.bend(k)) for k in TINY], axis=0))
    kinked = np.abs(J4) > 20 * rounding * RATIO ** (LAST - 1)
    kinked &= np.abs(J4 - RATIO * J) > 0.25 * np.abs(J4) + 16 * noise * RATIO**LAST
    jump = (RATIO * J4 - J) / (RATIO - 1)
    for k in (LAST - 2, LAST - 3) if np.any(kinked) else ():
        expected = jump - (jump - J) * RATIO ** (k - LAST)
        kinked &= np.abs(pair.bend(k) * RATIO**k - expected) <= 0.1 * np.abs(jump)
    return kinked, np.abs(jump) * 1.001  # the analytic slope is often exactly at one end


def _rounding(pair: _Pair, kinked: NDArray[np.bool_]) -> tuple[Vector, bool]:
    """The noise of each c · F, seen also where F is straight for all that can be told.

    And whether F jumps here, or moves in stairs too high for rounding and too low for a choice.
    """
    point, C = pair.point, pair.point.C
    bends = [pair.bend(k) for k in TINY]
    # A smooth F bends by the square of the step; what is over is rounding too.
    bends.append(pair.bend(LAST) - pair.bend(LAST - 1) / RATIO**2)
    noise = point.noise.projections
    for bend in bends:
        noise = np.fmax(noise, np.abs(C[:, ~kinked] @ point.no_jump(bend)[~kinked]))
    # A jump does not shrink with the step, by 16 as what is smooth, or by 4 as a kink does.
    last = np.abs(bends[1])
    jumps = bool(np.any((last > point.stair) & (last > np.abs(bends[0]) / 2)))
    height, where = _stairs(pair)
    if height > point.stair:
        return noise, jumps or height <= CHOICE * float(np.abs(point.F).max())
    return np.maximum(noise, height * np.sqrt((C[:, where] ** 2).sum(axis=1))), jumps


def _stairs(pair: _Pair) -> tuple[float, NDArray[np.bool_]]:
    """The height of a stair, and the entries of F that stand still until a step is large enough.

    Behind a kink too an entry stands still; but there the change begins at nothing and grows,
    where (x + 10⁹) − 10⁹ changes by 10⁻⁷ or not at all.
    """
    above, below = pair(FIRST)
    small = pair(LAST)
    waking = (small[0] == small[1]) & (above != below)

    def least(k: float) -> float:
        above, below = pair(k)
        changes = np.abs(above - below)[waking]
        return float(changes[changes > 0].min(initial=np.inf))

    still, moving = float(LAST), float(FIRST)
    for _ in range(14) if np.any(waking) else ():
        k = (still + moving) / 2
        still, moving = (k, moving) if np.isinf(least(k)) else (still, k)
    height = least(moving)
    grows = np.isinf(height) or least(moving - 0.02) > 4 * height
    return 0.0 if grows else height, waking

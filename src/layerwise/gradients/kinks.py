"""Kinks: where the slope jumps, and any number between the two sides is a right gradient.

At a kink the generalized gradient is the set of all mixtures of the slopes around it [1]: ReLU at
0 may give anything from 0 to 1. Along one direction the two sides show the ends of that range, if
each entry of the answer has one kink there. Where several meet in one entry, the ends cancel or
add up, and the range cannot be read off two sides.

[1] Clarke 1983, Optimization and Nonsmooth Analysis, chapter 2.
"""

from __future__ import annotations

import numpy as np

from layerwise.arrays import Matrix, Vector
from layerwise.gradients.function import Tensors, normal_like
from layerwise.gradients.point import Point

SAMPLES = 32  # points, of which all lie on one side of a kink but once in 2³¹
AWAY, STEP = 1e-6, 1e-8  # of x's size: far enough from x that most steps cross no kink


def slopes_around(point: Point, direction: Tensors) -> tuple[Vector, Vector, bool]:
    """The least and the greatest slope of each entry of F among points very near to the base.

    And whether an entry has more than two slopes there, so that several kinks meet in it, and a
    few points may not have shown the ends of the range.
    """
    function, rng = point.function, point.rng
    slopes = []
    for _ in range(SAMPLES):
        near = {name: x + AWAY * normal_like(x, rng) for name, x in function.base.items()}
        above = near | {name: near[name] + STEP * d for name, d in direction.items()}
        below = near | {name: near[name] - STEP * d for name, d in direction.items()}
        sides: Matrix = np.array(
            [function.output_or_nan(moved, point.F) for moved in (above, below)]
        )
        slopes.append((sides[0] - sides[1]) / (2 * STEP))
    found = np.sort(slopes, axis=0)
    smooth = 1e-3 * np.abs(found).max(axis=0) + 20 * point.noise.F / STEP
    distinct = np.diff(found, axis=0) > np.maximum(0.05 * (found[-1] - found[0]), smooth)
    return found[0], found[-1], bool(np.any(distinct.sum(axis=0) > 1))

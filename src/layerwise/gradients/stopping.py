"""Whether a layer iterates until a tolerance: its answer jumps where it takes one step more.

Between two such jumps differences see the derivative of a fixed number of steps, and not that of
the limit, which backward gives. A jump stands out against what its neighbours predict, and does
not shrink with the distance over which it is looked at.
"""

from __future__ import annotations

import numpy as np

from layerwise.arrays import Matrix, Vector
from layerwise.gradients.function import rms
from layerwise.gradients.point import Point

# Of nine points on a line, what the other eight do not predict; and of five.
EIGHTH = np.array([1, -8, 28, -56, 70, -56, 28, -8, 1]) / 70
FOURTH = np.array([1, -4, 6, -4, 1]) / 6
REACHES = 1.0, 0.3, 0.1  # of lines on which a jump is looked for, in units of x
CLOSE = 1e-12  # an interval in which nothing but a jump changes F
LARGEST = 1e-3  # of the answer: a higher jump is no tolerance, but a choice, such as a routing


def jump(point: Point) -> Vector:
    """How far F jumps near the point, entry by entry; zeros where no small jump is found."""
    for seed, reach in enumerate(REACHES):
        found = _on_a_line(point, reach, np.random.default_rng(seed))
        height = np.abs(found).max()
        if 1000 * point.noise.F.max() < height <= LARGEST * np.abs(point.F).max():
            return found
    return np.zeros(point.F.shape)


def _on_a_line(point: Point, reach: float, rng: np.random.Generator) -> Vector:
    """What stands out most on a line, and still does over an interval where all else is straight."""
    base = point.function.base
    d = {n: rms(x) * rng.standard_normal(x.shape) for n, x in base.items()}
    left, right, points, weights = -reach, reach, 129, EIGHTH
    found = np.zeros(point.F.shape)
    while right - left > CLOSE:
        line = np.linspace(left, right, points)
        moved = [{n: x + t * d[n] for n, x in base.items()} for t in line]
        values: Matrix = np.array([point.function.output_or_nan(m, point.F) for m in moved])
        order = len(weights) - 1
        off: Matrix = np.abs(sum(w * values[i : points - order + i] for i, w in enumerate(weights)))
        worst = int(np.nan_to_num(off, posinf=0).max(axis=1).argmax())
        if points == 25 and off[worst].max() < found.max() / 1000:
            return np.zeros(point.F.shape)  # it shrinks as what is smooth
        left, right, found = line[worst], line[worst + order], off[worst]
        points, weights = 25, FOURTH
    return np.nan_to_num(found)

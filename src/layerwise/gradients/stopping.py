"""Whether a layer iterates until a tolerance: its answer jumps where it takes one step more.

Between two such jumps differences see the derivative of a fixed number of steps, and not that of
the limit, which backward gives. A jump stands out against what its neighbours predict, and does
not shrink with the distance over which it is looked at.
"""

from __future__ import annotations

import numpy as np

from layerwise.arrays import Matrix
from layerwise.gradients.function import normal_like
from layerwise.gradients.point import Point

# Of nine points on a line, what the other eight do not predict; and of five.
EIGHTH = np.array([1, -8, 28, -56, 70, -56, 28, -8, 1]) / 70
FOURTH = np.array([1, -4, 6, -4, 1]) / 6
REACHES = 1.0, 0.3, 0.1  # of lines on which a jump is looked for, in units of x
CLOSE = 1e-12  # an interval in which nothing but a jump changes F
LARGEST = 1e-3  # of the answer: a higher jump is no tolerance, but a choice, such as a routing


def jump(point: Point) -> float:
    """How far F jumps near the point, as a share of its size; 0 where no small jump is found."""
    largest = float(np.abs(point.F).max())
    for seed, reach in enumerate(REACHES):
        height = _on_a_line(point, reach, np.random.default_rng(seed))
        if 1000 * point.noise.F.max() < height <= LARGEST * largest:
            return height / largest
    return 0.0


def _on_a_line(point: Point, reach: float, rng: np.random.Generator) -> float:
    """What stands out most on a line, and still does where all else is straight."""
    base = point.function.base
    d = {n: normal_like(x, rng) for n, x in base.items()}
    left, right, points, weights = -reach, reach, 129, EIGHTH
    height = 0.0
    while right - left > CLOSE:
        line = np.linspace(left, right, points)
        moved = [{n: x + t * d[n] for n, x in base.items()} for t in line]
        values: Matrix = np.array([point.function.output_or_nan(m, point.F) for m in moved])
        order = len(weights) - 1
        off: Matrix = sum(w * values[i : points - order + i] for i, w in enumerate(weights))
        most = np.nan_to_num(np.abs(off), posinf=0).max(axis=1)
        worst = int(most.argmax())
        if most[worst] < height / 1000:
            return 0.0  # it shrinks, as what is smooth does
        left, right, height = line[worst], line[worst + order], float(most[worst])
        points, weights = 25, FOURTH
    return height

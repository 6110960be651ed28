"""Whether a layer iterates until a tolerance: its answer jumps where it takes one step more.

Between two such jumps differences see the derivative of a fixed number of steps, and not that of
the limit, which backward gives. A jump stands out against what its neighbours predict, and does
not shrink with the distance over which it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from layerwise.arrays import Matrix
from layerwise.gradients.function import Tensors, normal_like, rms
from layerwise.gradients.point import Point

# Of nine points on a line, what the other eight do not predict; half of it where the line jumps.
EIGHTH = np.array([1, -8, 28, -56, 70, -56, 28, -8, 1]) / 70
ORDER = len(EIGHTH) - 1
REACHES = 2 * (3.0, 1.0, 0.3, 0.1)  # of lines on which a jump is looked for, in units of x
POINTS, CLOSER = 257, 25  # on a line, and on a part of it that is looked at more closely
PLACES = 3  # of each line, those that stand out most
CLOSE = 1e-12  # an interval in which nothing but a jump changes F
LARGEST = 1e-3  # of the answer: a higher jump is no tolerance, but a choice, such as a routing


def jump(point: Point) -> float:
    """How far F jumps near the point, as a share of its size; 0 where no small jump is found."""
    least, most = 100 * float(point.noise.F.max()), LARGEST * float(np.abs(point.F).max())
    for line, reach in _lines(point):
        for left, right, height in line.places(-reach, reach, POINTS)[:PLACES]:
            if least < height <= most and (found := line.jump(left, right, height)):
                return found / float(np.abs(point.F).max())
    return 0.0


def _lines(point: Point) -> Iterator[tuple[_Line, float]]:
    """Lines, and how far to go on each: through inputs nearly alike, then through the point.

    How many steps an iteration takes is settled by its slowest entry. Among many there is always
    one as slow as can be, and the number hardly changes; where all are alike it does.
    """
    base, rng = point.function.base, np.random.default_rng(0)
    inputs = {n: x for n, x in base.items() if n not in point.function.parameters}
    alike = {n: np.full(x.shape, rms(x)) for n, x in inputs.items()}
    yield _Line(point, {n: 0.03 * normal_like(x, rng) for n, x in inputs.items()}, alike), 3.0
    for reach in REACHES:
        yield _Line(point, base, {n: normal_like(x, rng) for n, x in base.items()}), reach


class _Line:
    """F along a direction, through tensors of which some take the place of the point's."""

    def __init__(self, point: Point, base: Tensors, direction: Tensors) -> None:
        self.point, self.base, self.d = point, base, direction

    def places(self, left: float, right: float, points: int) -> list[tuple[float, float, float]]:
        """Where F stands out, from where to where and how far; what stands out most comes first."""
        line = np.linspace(left, right, points)
        moved = [{n: x + t * self.d[n] for n, x in self.base.items()} for t in line]
        output = self.point.function.output_or_nan
        values: Matrix = np.array([output(m, self.point.F) for m in moved])
        off: Matrix = sum(w * values[i : points - ORDER + i] for i, w in enumerate(EIGHTH))
        heights = np.nan_to_num(np.abs(off), posinf=0).max(axis=1)
        found: list[int] = []
        for i in map(int, heights.argsort()[::-1]):
            if all(abs(i - j) >= ORDER for j in found):
                found.append(i)
        return [(line[i], line[i + ORDER], float(heights[i])) for i in found]

    def jump(self, left: float, right: float, height: float) -> float:
        """How far F stands out however near it is looked at, as only a jump does; 0 if it shrinks.

        At a third of the distance a kink stands out about a third as far, but up to four times
        more or less by where it lies between the points: at a ninth it has fallen for sure.
        """
        heights = [height]
        while right - left > CLOSE:
            left, right, height = self.places(left, right, CLOSER)[0]
            heights.append(height)
            if height < heights[-3:][0] / 2:
                return 0.0
        return height

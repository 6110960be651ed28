"""The derivatives of tensors at one point: along directions, all together, element by element."""

from __future__ import annotations

import numpy as np

from layerwise.arrays import Array, Indices
from layerwise.gradients.differences import Slope
from layerwise.gradients.point import INEXACT, Point
from layerwise.gradients.probe import rms
from layerwise.gradients.report import Comparison, TensorReport
from layerwise.progress import progress_bar

MANY = 1024  # elements of a tensor that are all measured to find a mistake
SAMPLE = 256  # how many are taken of larger ones


class Measure:
    """The tensors of a layer measured at one point.

    With `full`, where elements are measured anyway, one proven direction is enough. With
    `progress` there is a bar while they are.
    """

    def __init__(self, point: Point, *, full: bool, progress: bool) -> None:
        self.point, self.full, self.progress = point, full, progress

    def tensor(self, name: str, *, everything: bool) -> TensorReport:
        """One tensor by itself; element by element where all are wanted, or something is wrong."""
        along, seen = self._along(name)
        if everything or along.count("wrong") or along.count("kink"):
            return self._elements(name, seen, along, everything=everything)
        return along

    def together(self) -> Comparison:
        """All tensors at once along a direction."""
        base, rng = self.point.probe.base, self.point.rng
        direction = {
            n: rms(x) * rng.standard_normal(x.shape) + x * rng.standard_normal(x.shape)
            for n, x in base.items()
        }
        return self.point.compare("all together", direction, self.point.slope(direction))

    def numeric(self, name: str) -> Array | None:
        """The numeric gradient of one tensor, element by element."""
        along, seen = self._along(name)
        return self._elements(name, seen, along, everything=False).numeric

    def _along(self, name: str) -> tuple[TensorReport, Slope]:
        """A few directions of one tensor; and one of the slopes, for its step and its noise."""
        x = self.point.probe.base[name]
        tensor = TensorReport(name, x.shape, self.point.label)
        slopes: list[Slope] = []
        for where, d in _directions(x, self.point.rng):
            if self.full and tensor.count("proven"):
                break
            slopes.append(self.point.slope({name: d}))
            tensor.comparisons.append(self.point.compare(where, {name: d}, slopes[-1]))
        return tensor, min(slopes, key=lambda slope: not np.all(np.isfinite(slope.bound)))

    def _elements(
        self, name: str, seen: Slope, along: TensorReport, *, everything: bool
    ) -> TensorReport:
        """Element by element, all of them or enough to find what is wrong."""
        x, G = self.point.probe.base[name], self.point.place.G
        tensor = TensorReport(name, x.shape, self.point.label)
        tensor.analytic, tensor.numeric = G[0][name], np.full(x.shape, np.nan)
        largest = float(max(np.abs(g[name]).max(initial=0) for g in G))
        wrong = along.count("wrong") > 0
        chosen = np.arange(x.size) if everything else self._chosen(name, wrong=wrong)
        with progress_bar(len(chosen), name, self.progress) as advance:
            for i in chosen:
                index = tuple(int(j) for j in np.unravel_index(i, x.shape))
                direction = {name: _unit(x, G[0][name], index)}
                found = self.point.element_slope(direction, seen)
                where = _place(name, index)
                comparison = self.point.compare(where, direction, found, element=True)
                step = float(direction[name][index])
                if comparison.state != "kink":
                    tensor.numeric[index] = found.value[0] / step
                tensor.comparisons.append(_per_unit(comparison, step, largest))
                advance()
        # An error that no element has is believed, unless it is so small that all were looked at.
        small = all(c.share <= 10 * INEXACT for c in along.comparisons if c.state == "wrong")
        if wrong and not tensor.count("wrong") and not (small and len(chosen) == x.size):
            return along
        return tensor

    def _chosen(self, name: str, *, wrong: bool) -> Indices:
        """The elements to measure: all of a small tensor, else some, those that seem wrong too."""
        size = self.point.probe.base[name].size
        if size <= MANY:
            return np.arange(size)
        sample = self.point.rng.choice(size, SAMPLE, replace=False)
        return np.union1d(sample, self._halving(name)) if wrong else sample

    def _halving(self, name: str) -> Indices:
        """The neighbourhood of one wrong element, found by halving the tensor."""
        x = self.point.probe.base[name]
        low, high = 0, x.size
        d = (rms(x) * self.point.rng.standard_normal(x.shape)).ravel()
        while high - low > 32:
            middle = (low + high) // 2
            half = np.zeros(x.size)
            half[low:middle] = d[low:middle]
            direction = {name: half.reshape(x.shape)}
            comparison = self.point.compare("", direction, self.point.slope(direction))
            low, high = (low, middle) if comparison.state == "wrong" else (middle, high)
        return np.arange(low, high)


def _directions(x: Array, rng: np.random.Generator) -> list[tuple[str, Array]]:
    """Normal; proportional to the value; all ones; the value itself, which keeps ties and zeros."""
    size = rms(x)
    if x.size == 1:
        return [("its one element", np.full(x.shape, size))]
    found = [
        ("a random direction", size * rng.standard_normal(x.shape)),
        ("a direction in proportion to the values", x * rng.standard_normal(x.shape)),
        ("all entries alike", np.full(x.shape, size)),
        ("the direction of the values", x),
    ]
    return [(where, d) for where, d in found if np.any(d)]


def _unit(x: Array, g: Array, index: tuple[int, ...]) -> Array:
    """A step in one element: of the tensor's size or its own, whichever changes F as others do."""
    sizes = rms(x), abs(float(x[index])) or rms(x)
    usual = np.log(rms(g * x))
    changes = [abs(np.log(max(abs(float(g[index])) * size, 1e-300)) - usual) for size in sizes]
    d = np.zeros(x.shape)
    d[index] = sizes[int(np.argmin(changes))]
    return d


def _place(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]"


def _per_unit(comparison: Comparison, step: float, largest: float) -> Comparison:
    """A comparison along a step of one element, as the partial derivative."""
    return Comparison(
        comparison.where,
        comparison.analytic / step,
        comparison.numeric / step,
        comparison.bound / step,
        comparison.state,
        max(largest, comparison.size / step),
    )

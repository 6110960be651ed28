"""The tensors at a point: along directions, all together, element by element."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from layerwise.arrays import Array, Indices
from layerwise.gradients.compare import SLIGHT, compare
from layerwise.gradients.differences import Slope, element_slope, slope, two_differences
from layerwise.gradients.function import Tensors, normal_like, rms
from layerwise.gradients.point import Point
from layerwise.gradients.report import Comparison, TensorReport
from layerwise.progress import progress_bar

MANY = 1024  # elements of a tensor that are all measured to find a mistake: a second or two
SAMPLE = 256  # how many are taken of larger ones
AT_KINKS = 48  # and where directions meet but kinks: one that is at none is nearly always met
AGREES = 1e-10  # of the derivative: h⁴, what two differences of a smooth function leave open


def check_tensor(
    point: Point, name: str, *, everything: bool, full: bool, progress: bool
) -> TensorReport:
    """One tensor by itself; element by element where all are wanted, or something is wrong."""
    found, seen = _directional(point, name, full=full)
    if everything or found.count("wrong") or found.count("kink"):
        return _elements(point, name, seen, found, everything=everything, progress=progress)
    return found


def off_together(point: Point) -> Comparison | None:
    """What is wrong of all tensors at once along a direction; None for all that can be told.

    Two differences are enough where they agree with backward: a mistake does so by chance only.
    What does not agree may be a mistake, or a kink, or noise.
    """
    for direction in _everything(point):
        sizes = point.sizes(direction)
        off = np.abs(two_differences(point, direction) - point.analytic(direction))
        if not np.all(off <= AGREES * sizes):
            comparison = compare(point, "all together", direction, slope(point, direction, sizes))
            if comparison.state in ("wrong", "slight"):
                return comparison
    return None


def _everything(point: Point) -> Iterator[Tensors]:
    """Directions of all tensors; where numbers are equal, also such as keep them equal.

    There the slope jumps along others, and is between two slopes whatever backward gives.
    """
    rng, base = point.rng, point.function.base
    yield {n: normal_like(x, rng) + x * rng.standard_normal(x.shape) for n, x in base.items()}
    inputs = {n: x for n, x in base.items() if n not in point.function.parameters}
    if any(np.unique(x).size < x.size for x in inputs.values()):
        yield {n: np.full(x.shape, _size(inputs)) for n, x in inputs.items()}
        yield inputs
    if _shared(base):
        yield {n: np.full(x.shape, _size(base)) for n, x in base.items()}


def _shared(tensors: Tensors) -> bool:
    """Whether a number of one tensor is also one of another."""
    distinct = [np.unique(x) for x in tensors.values()]
    return len(distinct) > 1 and np.unique(np.concatenate(distinct)).size < sum(map(len, distinct))


def _size(tensors: Tensors) -> float:
    """The root mean square of the numbers of all."""
    return rms(np.concatenate([x.ravel() for x in tensors.values()]))


def _directional(point: Point, name: str, *, full: bool) -> tuple[TensorReport, Slope]:
    """A few directions of one tensor; and one of the slopes, for its step and its noise.

    In full mode elements are measured anyway, and one proven direction is enough.
    """
    x = point.function.base[name]
    tensor = TensorReport(name, x.shape, point.label)
    slopes: list[Slope] = []
    for where, d in _directions(x, point.rng):
        if full and tensor.count("proven"):
            break
        slopes.append(slope(point, {name: d}, point.sizes({name: d})))
        tensor.comparisons.append(compare(point, where, {name: d}, slopes[-1]))
    return tensor, min(slopes, key=lambda slope: not np.all(np.isfinite(slope.bound)))


def _elements(
    point: Point,
    name: str,
    seen: Slope,
    directional: TensorReport,
    *,
    everything: bool,
    progress: bool,
) -> TensorReport:
    """Element by element, all of them or enough to find what is wrong."""
    x, G = point.function.base[name], point.G
    tensor = TensorReport(name, x.shape, point.label)
    tensor.analytic, tensor.numeric = G[0][name], np.full(x.shape, np.nan)
    largest = np.array([np.abs(g[name]).max() for g in G])
    wrong = directional.count("wrong") > 0
    chosen = np.arange(x.size) if everything else _chosen(point, name, wrong=wrong)
    with progress_bar(len(chosen), name, progress) as advance:
        for i in chosen:
            index = tuple(int(j) for j in np.unravel_index(i, x.shape))
            direction = {name: _unit(x, G[0][name], index)}
            step = float(direction[name][index])
            found = element_slope(point, direction, largest * step, seen, sure=wrong)
            comparison = compare(point, _place(name, index), direction, found, element=True)
            if comparison.state != "kink":
                tensor.numeric[index] = found.value[0] / step
            tensor.comparisons.append(_per_unit(comparison, step, float(largest.max())))
            advance()
    # An error that no element has is believed, unless it is so small that all were looked at.
    small = all(c.share <= SLIGHT for c in directional.comparisons if c.state == "wrong")
    if wrong and not tensor.count("wrong") and not (small and len(chosen) == x.size):
        return directional
    return tensor


def _chosen(point: Point, name: str, *, wrong: bool) -> Indices:
    """The elements to measure where something is wrong: all, or some and those that seem so.

    Where directions show but kinks, some elements: most of them may be at no kink, and proven.
    """
    size = point.function.base[name].size
    if wrong and size <= MANY:
        return np.arange(size)
    some = SAMPLE if wrong else AT_KINKS
    sample = point.rng.choice(size, min(some, size), replace=False)
    return np.union1d(sample, _halving(point, name)) if wrong else np.sort(sample)


def _halving(point: Point, name: str) -> Indices:
    """The neighbourhood of one wrong element, found by halving the tensor."""
    x = point.function.base[name]
    low, high = 0, x.size
    d = normal_like(x, point.rng).ravel()
    while high - low > 32:
        middle = (low + high) // 2
        half = np.zeros(x.size)
        half[low:middle] = d[low:middle]
        direction = {name: half.reshape(x.shape)}
        comparison = compare(point, "", direction, slope(point, direction, point.sizes(direction)))
        low, high = (low, middle) if comparison.state == "wrong" else (middle, high)
    return np.arange(low, high)


def _directions(x: Array, rng: np.random.Generator) -> list[tuple[str, Array]]:
    """Normal; proportional to the value; all ones; the value itself, which keeps ties and zeros."""
    alike = np.full(x.shape, rms(x))
    if x.size == 1:
        return [("its one element", alike)]
    found = [
        ("a random direction", normal_like(x, rng)),
        ("a direction in proportion to the values", x * rng.standard_normal(x.shape)),
        ("all entries alike", alike),
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

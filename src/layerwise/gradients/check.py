"""The check: every derivative of a layer or loss, from its own backward and from differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Indices, Vector, as_floating
from layerwise.gradients.contract import OVERWRITTEN, first_fault, parts
from layerwise.gradients.differences import Slope
from layerwise.gradients.hints import alike, find_hint
from layerwise.gradients.points import INEXACT, Point, beside, other_points
from layerwise.gradients.probe import AnyLayer, LayerRaisedError, Probe, Tensors, rms
from layerwise.gradients.report import Comparison, GradientReport, TensorReport
from layerwise.layers.base import Layer
from layerwise.progress import progress_bar

Mode = Literal["fast", "full"]
MANY = 1024  # elements of a tensor that are all measured to find a mistake
SAMPLE = 256  # how many are taken of larger ones
GIVEN = "at the given X"
AGAIN = 10  # noisy elements of a tensor that are measured once more, with all steps


def check_layer(
    layer: AnyLayer,
    X: Any,
    *,
    mode: Mode = "fast",
    rng: np.random.Generator | int | None = 0,
    progress: bool = False,
) -> GradientReport:
    """dL/dx by backward = dL/dx by differences, for X and every parameter: proven, or where not.

    First the contract of `Layer`: arguments untouched, shapes, dtypes and finite numbers,
    gradients added and linear in grad, the same answer again, nothing shared between calls. Then,
    in float64, derivatives along a few directions for each tensor ("fast"), or element by element
    ("full"), which a failure in fast mode leads to as well; at the given X, at N(0, 1) inputs with
    moved parameters, and for other numbers of rows. What may differ is computed, from the
    differences' own errors and the rounding noise, not set.

    X is what the layer takes, an array or a tuple of arrays; integers have no gradient. The layer
    is not touched. `rng` draws the directions, `progress=True` shows a bar in full mode.

    What cannot be seen: a wrong forward with its own right backward; a branch that neither the
    given X nor N(0, 1) inputs reach; an error smaller than the resolution that the report states.

    Raises ValueError for an X without entries or another mode, TypeError for what is no Layer,
    and whatever the layer's forward raises for X.

    >>> from layerwise import Dense
    >>> check_layer(Dense(3, 2, rng=0), np.ones((4, 3))).verdict
    'proven'
    """
    if mode not in ("fast", "full"):
        raise ValueError(f"check_layer: mode={mode!r} came, expected 'fast' or 'full'")
    if not isinstance(layer, Layer):
        raise TypeError(f"check_layer: {layer!r} came, expected a Layer: subclass it")
    X = tuple(map(np.asarray, X)) if isinstance(X, tuple) else np.asarray(X)
    if any(A.size == 0 for A in parts(X)):
        raise ValueError("check_layer: X has no entries, expected at least one row")
    rng = np.random.default_rng(rng)
    report = GradientReport(_subject(layer), mode)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fault = first_fault(layer, X, rng)
        if fault is not None:
            report.faults.append(fault.text)
            report.hint = fault.hint
            return report
        try:
            _Check(report, layer, X, rng, progress).run()
        except LayerRaisedError as error:
            report.faults.append(str(error))
    return report


def check_loss(
    loss: Callable[[Any, Any], tuple[float, Any]],
    Y: Array,
    target: NDArray[Any],
    *,
    mode: Mode = "fast",
    rng: np.random.Generator | int | None = 0,
    progress: bool = False,
) -> GradientReport:
    """dL/dY by the loss = dL/dY by differences, for its value L, which is a mean over the rows.

    Checked like a layer: Y and target untouched, the gradient of Y's shape and dtype, the same
    answer again. A loss of all rows twice must be the same.

    >>> from layerwise import MeanSquaredError
    >>> check_loss(MeanSquaredError(), np.ones((4, 3)), np.zeros((4, 3))).verdict
    'proven'
    """
    Y, given = as_floating(Y, "check_loss: Y"), np.array(target)
    loss(np.array(Y), given)
    if not np.array_equal(given, target):
        fault = "the loss changed its argument target"
        return GradientReport(_subject(loss), mode, [fault], hint=OVERWRITTEN)
    inputs = (Y, np.arange(len(Y)))
    report = check_layer(_LossLayer(loss, given), inputs, mode=mode, rng=rng, progress=progress)
    report.subject = _subject(loss)
    for tensor in report.tensors:
        tensor.name = tensor.name.replace("X[0]", "Y")
    report.faults = [fault.replace("X[0]", "Y") for fault in report.faults]
    if report.faults:
        return report
    rows = np.arange(2 * len(Y)) % len(Y)
    try:
        once, twice = loss(Y, given)[0], loss(Y[rows], given[rows])[0]
    except Exception:  # a loss for one number of rows only
        return report
    if not np.isclose(once, twice, rtol=1e-4, atol=0):
        report.faults.append(
            f"the value is not a mean over rows: {once:.6g}, and with every row twice {twice:.6g}"
        )
    return report


class _LossLayer(Layer[tuple[Array, Indices], Array]):
    """A loss as a layer from Y, and the numbers of target's rows, to the value."""

    def __init__(self, loss: Callable[[Any, Any], tuple[float, Any]], target: NDArray[Any]):
        self.loss, self.target = loss, target

    def forward(
        self, X: tuple[Array, Indices], /
    ) -> tuple[Array, Callable[[Array], tuple[Array, Indices]]]:
        """The value as an array without axes; back: its gradient times grad."""
        Y, rows = X
        target = self.target[rows]
        target.flags.writeable = False
        value, dY = self.loss(Y, target)

        def backward(grad: Array) -> tuple[Array, Indices]:
            return dY * grad, rows

        return np.array(value, Y.dtype), backward


class _Check:
    """One run of the check, filling a report."""

    def __init__(
        self,
        report: GradientReport,
        layer: AnyLayer,
        X: Any,
        rng: np.random.Generator,
        progress: bool,
    ) -> None:
        self.report, self.layer, self.X, self.rng = report, layer, X, rng
        self.progress = progress

    def run(self) -> None:
        """The given point tensor by tensor; then the others, until something is wrong."""
        given = Point(GIVEN, Probe(self.layer, self.X), self.rng)
        tried = [given]
        self._tensors(given, list(given.probe.base))
        others = other_points(self.layer, self.X, self.rng)
        while not self._wrong() and (point := next(others, None)) is not None:
            if isinstance(point, str):
                self.report.faults.append(point)
            else:
                tried.append(point)
                self._together(point)
        for point in (*tried[1:2], None):  # what the given point left open, at two more
            left = [name for name, v in self.report.verdicts().items() if v == "inconclusive"]
            if left and not self._wrong():
                elsewhere = point or beside(given)
                if elsewhere is not None:
                    tried.append(elsewhere)
                    self._tensors(elsewhere, left)
        self.report.forwards = sum(point.probe.runs for point in dict.fromkeys(tried))
        if len(tried) > 1:
            labels = dict.fromkeys(point.label for point in tried[1:])
            self.report.notes.append(f"also run: {', '.join(labels)}")

    def _wrong(self) -> bool:
        return self.report.verdict == "wrong"

    def _tensors(self, point: Point, names: list[str]) -> None:
        """Each of these tensors by itself, and element by element where that is wanted."""
        everything = self.report.mode == "full" and point.label == GIVEN
        measured = []
        for name in [name for name in names if point.probe.base[name].size]:
            tensor, seen = self._along(point, name)
            closer = everything or tensor.count("wrong") or tensor.count("kink")
            if closer:
                tensor = self._elements(point, name, seen, tensor, everything=everything)
            measured.append(tensor)
            self.report.tensors.append(tensor)
        self._explain(point, measured)

    def _along(self, point: Point, name: str) -> tuple[TensorReport, Slope]:
        """A few directions of one tensor; and one of the slopes, for its step and its noise."""
        x = point.probe.base[name]
        tensor = TensorReport(name, x.shape, point.label)
        slopes: list[Slope] = []
        for where, d in _directions(x, self.rng):
            if self.report.mode == "full" and tensor.count("proven"):
                break
            comparison, found, _ = self._confirmed(point, where, {name: d})
            tensor.comparisons.append(comparison)
            slopes.append(found)
        return tensor, min(slopes, key=lambda slope: not np.all(np.isfinite(slope.bound)))

    def _confirmed(
        self, point: Point, where: str, direction: Tensors, at_least: Vector | None = None
    ) -> tuple[Comparison, Slope, float]:
        """Along one direction, and the factor to it: what seems wrong is measured once more."""
        for factor in (1.0, 0.73):
            scaled = {name: factor * d for name, d in direction.items()}
            found = point.slope(scaled, at_least)
            comparison = point.compare(where, scaled, found)
            if comparison.state != "wrong":
                break
        return comparison, found, factor

    def _together(self, point: Point) -> None:
        """All tensors at once along a direction; where that is wrong, each by itself."""
        base, rng = point.probe.base, self.rng
        direction = {
            n: rms(x) * rng.standard_normal(x.shape) + x * rng.standard_normal(x.shape)
            for n, x in base.items()
        }
        comparison, *_ = self._confirmed(point, "all together", direction)
        if comparison.state == "wrong":
            self._tensors(point, list(base))

    def _elements(
        self, point: Point, name: str, seen: Slope, along: TensorReport, *, everything: bool
    ) -> TensorReport:
        """Element by element, all of them or enough to find what is wrong."""
        x = point.probe.base[name]
        tensor = TensorReport(name, x.shape, point.label)
        G = point.place.G
        tensor.analytic, tensor.numeric = G[0][name], np.full(x.shape, np.nan)
        chosen = np.arange(x.size)
        wrong = along.count("wrong")
        if not everything and x.size > MANY:
            sample = self.rng.choice(x.size, SAMPLE, replace=False)
            chosen = np.union1d(sample, self._halving(point, name)) if wrong else sample
        largest = float(max(np.abs(g[name]).max(initial=0) for g in G))
        again = AGAIN
        with progress_bar(len(chosen), name, self.progress) as bar:
            for i in chosen:
                index = tuple(int(j) for j in np.unravel_index(i, x.shape))
                d = _unit(x, G[0][name], index)
                for factor in (1.0, 0.73):
                    found = point.element_slope(name, factor * d, seen)
                    comparison = point.compare(
                        _place(name, index), {name: factor * d}, found, element=True
                    )
                    if comparison.state != "wrong":
                        break
                if comparison.state == "noisy" and again:
                    again -= 1
                    where = comparison.where
                    comparison, found, factor = self._confirmed(
                        point, where, {name: d}, seen.rounding
                    )
                step = factor * float(d[index])
                if comparison.state != "kink":
                    tensor.numeric[index] = found.value[0] / step
                tensor.comparisons.append(_per_unit(comparison, step, largest))
                if bar is not None:
                    bar.update()
        # An error that no element has is believed, unless it is so small that all were looked at.
        small = all(c.share <= 10 * INEXACT for c in along.comparisons if c.state == "wrong")
        if wrong and not tensor.count("wrong") and not (small and len(chosen) == x.size):
            return along
        return tensor

    def _halving(self, point: Point, name: str) -> Indices:
        """The neighbourhood of one wrong element, found by halving the tensor."""
        x = point.probe.base[name]
        low, high = 0, x.size
        d = (rms(x) * self.rng.standard_normal(x.shape)).ravel()
        while high - low > 32:
            middle = (low + high) // 2
            half = np.zeros(x.size)
            half[low:middle] = d[low:middle]
            comparison, *_ = self._confirmed(point, "", {name: half.reshape(x.shape)})
            low, high = (low, middle) if comparison.state == "wrong" else (middle, high)
        return np.arange(low, high)

    def _explain(self, point: Point, measured: list[TensorReport]) -> None:
        """Look for a known pattern in the first wrong tensor that has one."""
        wrong = {t.name: t for t in measured if t.verdict == "wrong"}
        numeric = {t.name: t.numeric for t in measured if t.numeric is not None}
        base = point.probe.base
        first = parts(point.probe.X)[0]
        rows, outputs = max(len(first), 1), point.place.F.size
        counts = {"the rows of the batch": rows, "the outputs": outputs}
        counts["the outputs of a row"] = outputs // rows
        counts["the inputs of a row"] = first.size // rows
        for name in [name for name in wrong if name in numeric]:
            fitting = [n for n in base if n != name and base[n].shape == base[name].shape]
            found = {n: numeric[n] if n in numeric else self._numeric(point, n) for n in fitting}
            others = {n: a for n, a in found.items() if a is not None}
            analytic = point.place.G[0][name]
            hint = find_hint(analytic, numeric[name], base[name], others, counts)
            hint = hint or self._transposed(point, name, numeric[name])
            if hint is not None:
                self.report.hint = f"{name}: {hint}"
                return

    def _numeric(self, point: Point, name: str) -> Array | None:
        """The numeric gradient of one tensor, element by element."""
        along, seen = self._along(point, name)
        return self._elements(point, name, seen, along, everything=False).numeric

    def _transposed(self, point: Point, name: str, numeric: Array) -> str | None:
        """Whether the gradient would be right with a square parameter transposed."""
        for path, W in point.probe.base.items():
            if path in point.probe.parameters and W.ndim == 2 and W.shape[0] == W.shape[1] > 1:
                turned = point.probe.gradients(point.place.C[0], {path: W.T})
                if alike(turned[name], numeric):
                    return f"transpose: right with {path} transposed, as {path}.T for {path}"
        return None


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


def _subject(item: object) -> str:
    """The name of what is checked, on one line."""
    name = type(item).__name__
    return name if name != "function" else getattr(item, "__name__", name)

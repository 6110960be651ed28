"""The check: every derivative of a layer or loss, from its own backward and from differences."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import described
from layerwise.gradients.contract import first_fault
from layerwise.gradients.explain import explain, which_of_two
from layerwise.gradients.function import AnyLayer, Function, parts
from layerwise.gradients.hidden import KEEP, Hidden
from layerwise.gradients.point import Point
from layerwise.gradients.raised import LayerRaisedError
from layerwise.gradients.report import Comparison, GradientReport, TensorReport
from layerwise.gradients.tensors import check_tensor, off_together
from layerwise.gradients.variations import Variations, beside
from layerwise.layers.base import Layer

Mode = Literal["fast", "full"]
GIVEN = "at the given X"
MEET = (
    "where equal numbers of several tensors meet, as in the maximum of two, each gets the gradient "
    "or none does: give it to one of them, or to each a share"
)
PLACE = (
    "backward is off by less than ten times the root of forward_error: a minimum is exact to the "
    "square of what its derivative is, and there forward_error has to be that of its place"
)
STAIRS = (
    "Y moves in stairs: between two of them its derivative is 0, and over many it is their slope; "
    "a straight-through gradient cannot be proven"
)


def check_layer(
    layer: AnyLayer,
    X: Any,
    *,
    mode: Mode = "fast",
    rng: np.random.Generator | int | None = 0,
    progress: bool = False,
    forward_error: float = 0.0,
) -> GradientReport:
    """dL/dx by backward = dL/dx by differences, for X and every parameter: proven, or where not.

    First the contract of `Layer`: arguments untouched, shapes, dtypes and finite numbers,
    gradients added and linear in grad, the same answer again, nothing shared between calls, and
    no parameter where `parameters()` does not find it. Then, in float64, derivatives along a few
    directions for each tensor ("fast"), or element by element ("full"), which a failure in fast
    mode leads to as well; at the given X, then, along one direction of all tensors, at N(0, 1),
    rounded and ten times larger inputs, at moved, zero and negative parameters, with other rows,
    thinner masks and other sizes, as far as the layer takes them. What may differ is computed,
    from the differences' own errors and the rounding noise, not set.

    X is what the layer takes, an array or a tuple of arrays; for integers and booleans, which have
    no gradient, backward returns zeros of their shape. The layer is not touched. `rng` draws the
    directions, `progress=True` shows a bar in full mode. `forward_error` says to what share of its
    largest entry Y is exact, where the layer iterates until a tolerance: it is proven to some
    thousand times that, at the given parameters, and inconclusive without it. What is found to its
    square, such as a minimum by the place of it, is as exact as the place.

    What cannot be seen: a wrong forward with its own right backward; a branch that none of these
    points reaches, as beyond a threshold of 100, at a mask that no thinning gives, a size that is
    neither a few more nor as many again, more than 70 rows; an error smaller than the resolution
    that the report states.

    Raises ValueError for an X without entries or with some that are not finite, or another mode,
    TypeError for what is no Layer, and whatever the layer's forward raises for X.

    >>> from layerwise import Dense
    >>> check_layer(Dense(3, 2, rng=0), np.ones((4, 3))).verdict
    'proven'
    """
    if mode not in ("fast", "full"):
        raise ValueError(f"check_layer: mode={mode!r} came, expected 'fast' or 'full'")
    if not isinstance(layer, Layer):
        raise TypeError(
            f"check_layer: layer is {described(layer)}, expected a Layer: make one, as in "
            "Dense(3, 2); a loss is for check_loss, a plain function for check_gradient"
        )
    if not 0 <= forward_error < 1:
        raise ValueError(
            f"check_layer: forward_error={forward_error} came, expected a share from 0 to below 1"
        )
    X = tuple(map(np.asarray, X)) if isinstance(X, tuple) else np.asarray(X)
    if any(A.size == 0 for A in parts(X)):
        raise ValueError("check_layer: X has no entries, expected at least one row")
    for i, A in enumerate(parts(X)):
        refuse_infinite(A, f"check_layer: X[{i}]" if isinstance(X, tuple) else "check_layer: X")
    rng = np.random.default_rng(rng)
    report = GradientReport(subject_of(layer), mode)
    hidden = Hidden(layer)
    with np.errstate(all="ignore"), warnings.catch_warnings(), hidden.watched() as added:
        warnings.simplefilter("ignore")
        fault = first_fault(layer, X, rng, hidden.misplaced)
        if fault is not None:
            report.faults.append(fault.text)
            report.hints = [fault.hint] if fault.hint else []
        else:
            function = Function(layer, X, None, forward_error)
            try:
                _Check(report, function, rng, progress=progress).run()
            except LayerRaisedError as error:
                report.faults.append(str(error))
                report.hints += [error.hint] if error.hint else []
    for place in added:
        report.faults.insert(
            0,
            f"{place}, of type Parameter, got a gradient and is not among parameters(): {KEEP}",
        )
    return report


class _Check:
    """One run of the check, filling a report."""

    def __init__(
        self,
        report: GradientReport,
        function: Function,
        rng: np.random.Generator,
        *,
        progress: bool,
    ) -> None:
        self.report, self.function, self.rng, self.progress = report, function, rng, progress

    def run(self) -> None:
        """The given point tensor by tensor; then the others, until something is wrong."""
        given = Point(GIVEN, self.function, self.rng)
        for path, array in given.function.plain_arrays().items():
            self.report.notes.append(f"{path} {array.shape} is a plain array: it is not learned")
        tried = [given]
        self._tensors(given, list(given.function.base))
        if any(tensor.count("kink") for tensor in self.report.tensors) and not self._wrong():
            self._where_they_meet(given, off_together(given))
        iterates = bool(self.function.forward_error or given.jump)
        start = self.function.at(self.function.inputs, {})
        others = iter(Variations(start, self.rng, iterates=iterates))
        while not self._wrong() and (point := next(others, None)) is not None:
            if isinstance(point, str):
                self.report.faults.append(point)
                continue
            tried.append(point)
            point.jump = given.jump or None
            together = off_together(point)
            if together is not None:
                self._tensors(point, list(point.function.base))
                self._where_they_meet(point, together)
        for point in (*tried[1:2], None):  # what the given point left open, at two more
            left = [name for name, v in self.report.verdicts().items() if v == "inconclusive"]
            if left and not self._wrong():
                elsewhere = point or beside(given)
                if elsewhere is not None:
                    tried.append(elsewhere)
                    self._tensors(elsewhere, left)
        self.report.forwards = sum(point.function.runs for point in dict.fromkeys(tried))
        if self.report.verdict == "inconclusive":
            self.report.hints = self._why_not_proven(tried)
        if len(tried) > 1:
            labels = dict.fromkeys(point.label for point in tried[1:])
            self.report.notes.append(f"also run: {', '.join(labels)}")

    def _wrong(self) -> bool:
        return self.report.verdict == "wrong"

    def _where_they_meet(self, point: Point, together: Comparison | None) -> None:
        """What is wrong of several tensors at a kink, where each alone is between two slopes."""
        if together is not None and together.state == "wrong" and not self._wrong():
            for tensor in self.report.tensors:
                if tensor.point == point.label and tensor.count("kink"):
                    tensor.comparisons.append(together)
                    self.report.hints = [MEET]

    def _why_not_proven(self, tried: list[Point]) -> list[str]:
        """What the layer seems to do that hides its derivative."""
        jumps = max(point.jump or 0.0 for point in tried)
        if jumps:
            return [
                f"forward seems to iterate until a tolerance, or to round: Y jumps by {jumps:.0e} "
                "of its size; check_layer(..., forward_error=...) checks to what accuracy Y has"
            ]
        if any(tensor.count("slight") for tensor in self.report.tensors):
            return [PLACE]
        return [STAIRS] if any(point.stairs for point in tried) else []

    def _tensors(self, point: Point, names: list[str]) -> None:
        """Each of these tensors by itself; and what is likely to be the matter with a wrong one."""
        full = self.report.mode == "full"
        everything = full and point.label == GIVEN
        measured: list[TensorReport] = []
        for name in [name for name in names if point.function.base[name].size]:
            measured.append(
                check_tensor(point, name, everything=everything, full=full, progress=self.progress)
            )
            self.report.tensors.append(measured[-1])
        self.report.hints = explain(point, measured)
        if self._wrong() and point.label != GIVEN and point.function.parameters:
            self.report.notes += which_of_two(self.function, point)


def refuse_infinite(A: NDArray[Any], who: str) -> None:
    """Refuse NaN and infinity: nothing can be differentiated there."""
    if A.dtype.kind == "f" and not np.all(np.isfinite(A)):
        place = tuple(np.argwhere(~np.isfinite(A))[0])
        raise ValueError(
            f"{who} has numbers that are not finite, expected finite ones: the first is "
            f"{A[place]} at [{', '.join(map(str, place))}]"
        )


def subject_of(item: object) -> str:
    """The name of what is checked, on one line."""
    name = type(item).__name__
    return name if name != "function" else getattr(item, "__name__", name)

"""Losses, and functions that are no layer at all, through the same check as layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import pair_from, to_call
from layerwise.arrays import Array, as_floating
from layerwise.gradients.check import Mode, check_layer, refuse_infinite, subject_of
from layerwise.gradients.function import parts, read_only
from layerwise.gradients.raised import OVERWRITTEN
from layerwise.gradients.report import GradientReport
from layerwise.layers.base import Layer

Way = tuple[Array, Callable[[Array], Any]]


def check_loss(
    loss: Callable[..., tuple[float, Any]],
    Y: Array,
    target: NDArray[Any],
    weight: NDArray[Any] | None = None,
    *,
    mode: Mode = "fast",
    rng: np.random.Generator | int | None = 0,
    progress: bool = False,
) -> GradientReport:
    """dL/dY by the loss = dL/dY by differences, for its value L, which is a mean over the rows.

    Checked like a layer: Y and target untouched, the gradient of Y's shape and dtype, the same
    answer again. A loss of all rows twice must be the same. With a weight for each row or position,
    the loss is called with (Y, target, weight); twice the weights must give the same.

    Raises TypeError for a Y that is not of real numbers, for a class in place of a loss and for a
    loss that returns no pair, ValueError for numbers that are not finite and for another mode, and
    whatever the loss raises.

    >>> from layerwise import MeanSquaredError
    >>> check_loss(MeanSquaredError(), np.ones((4, 3)), np.zeros((4, 3))).verdict
    'proven'
    """
    to_call("check_loss", "loss", loss, "(Y, target)", "MeanSquaredError()")
    Y, given = as_floating(Y, "check_loss: Y"), np.array(target)
    refuse_infinite(Y, "check_loss: Y")
    refuse_infinite(given, "check_loss: the target")
    targets = {"target": given} | ({} if weight is None else {"weight": np.array(weight)})
    before = {name: array.copy() for name, array in targets.items()}
    pair_from(loss, loss(np.array(Y), *targets.values()), "(value, gradient)")
    for name, array in targets.items():
        if not np.array_equal(array, before[name]):
            fault = f"the loss changed its argument {name}"
            return GradientReport(subject_of(loss), mode, [fault], hints=[OVERWRITTEN])

    def way(X: Any) -> Way:
        """The value for Y and the numbers of target's rows; back: its gradient times grad."""
        Y, rows = X
        value, dY = loss(Y, *(read_only(array[rows]) for array in targets.values()))
        return np.array(value, Y.dtype), lambda grad: (dY * grad, np.zeros_like(rows))

    inputs = (Y, np.arange(len(Y)))
    report = check_layer(_Plain(way), inputs, mode=mode, rng=rng, progress=progress)
    report.subject = subject_of(loss)
    _rename(report, {r"\bX\[0\]|\bX\b(?!\[)": "Y", r"\bforward\b": "the loss"})
    if report.faults:
        return report
    rows = np.arange(2 * len(Y)) % len(Y)
    try:
        once = loss(Y, *targets.values())[0]
        twice = loss(Y[rows], *(array[rows] for array in targets.values()))[0]
    except Exception:  # a loss for one number of rows only
        return report
    if not np.isclose(once, twice, rtol=1e-4, atol=0):
        report.faults.append(
            f"the value is not a mean over rows: {once:.6g}, and with every row twice {twice:.6g}"
        )
    if weight is not None:
        double = loss(Y, given, 2 * targets["weight"])[0]
        if not np.isclose(once, double, rtol=1e-4, atol=0):
            report.faults.append(
                f"the value is not divided by the sum of the weights: {once:.6g}, and with twice "
                f"the weights {double:.6g}"
            )
    return report


def check_gradient(
    f: Callable[..., Any],
    x: Any,
    *,
    jac: Callable[..., Any] | Literal[True] = True,
    vjp: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    mode: Mode = "fast",
    rng: np.random.Generator | int | None = 0,
    progress: bool = False,
    forward_error: float = 0.0,
) -> GradientReport:
    """df/dx as it is given = df/dx by differences, of a function as `scipy.optimize` takes it.

    With `jac=True`, f(x, *args) returns the value, a number, and its gradient; or else it returns
    the value, and jac(x, *args) the gradient. Of an f with an array Y of values, `vjp` is the
    vector-Jacobian product: vjp(x, grad, *args) returns dL/dx for grad = dL/dY, of Y's shape.
    x is an array or a tuple of arrays, and a gradient has its form. It is checked like a layer
    (`check_layer`), at the given x and at others of its shape; x and grad come read-only,
    and `forward_error` is how far f may be off.

    Raises TypeError for an f that returns something else, ValueError for an x without entries or
    one that is not finite and for both `jac` and `vjp`, and whatever f raises for x.

    >>> check_gradient(lambda x: (x @ x, 2 * x), np.arange(3.0)).verdict
    'proven'
    >>> check_gradient(np.sin, np.arange(3.0), vjp=lambda x, grad: grad * np.cos(x)).verdict
    'proven'
    """
    x = tuple(_floating(A) for A in x) if isinstance(x, tuple) else _floating(x)
    if any(A.size == 0 for A in parts(x)):
        raise ValueError("check_gradient: x has no entries, expected at least one")
    for i, A in enumerate(parts(x)):
        refuse_infinite(
            A, f"check_gradient: x[{i}]" if isinstance(x, tuple) else "check_gradient: x"
        )
    if vjp is not None and jac is not True:
        raise ValueError("check_gradient: jac and vjp came, expected one of the two")
    shapes = [A.shape for A in parts(x)]

    def value_of(answer: Any, X: Any) -> Array:
        value = _floating(answer)
        if vjp is None and value.ndim:
            raise TypeError(
                f"check_gradient: f(x) has shape {value.shape}, expected a number: for an array "
                "of values give the vector-Jacobian product, vjp=..."
            )
        return value.astype(parts(X)[0].dtype)

    def way(X: Any) -> Way:
        """Y = f(x), and back, by the one of the three forms that was given."""
        if [A.shape for A in parts(X)] != shapes:
            raise ValueError("an x of another shape is no question of this f")
        answer, gradient = f(X, *args), None
        if vjp is None and not callable(jac):
            if not (isinstance(answer, tuple) and len(answer) == 2):
                raise TypeError(
                    f"check_gradient: f(x) returned {type(answer).__name__}, expected the pair "
                    "(value, gradient): a gradient apart is given as jac=..."
                )
            answer, gradient = answer

        def backward(grad: Array) -> Any:
            if vjp is not None:
                return _formed(vjp(X, grad, *args), X)
            found = _formed(jac(X, *args) if callable(jac) else gradient, X)
            scaled = tuple(np.asarray(dA * grad) for dA in parts(found))
            return scaled if isinstance(found, tuple) else scaled[0]

        return value_of(answer, X), backward

    report = check_layer(
        _Plain(way), x, mode=mode, rng=rng, progress=progress, forward_error=forward_error
    )
    report.subject = subject_of(f)
    back = "vjp" if vjp is not None else "jac" if callable(jac) else "the gradient"
    words = {
        "check_layer": "check_gradient",
        r"\bX\b": "x",
        r"\bforward\b": "f",
        r"\bbackward\b": back,
    }
    _rename(report, words | {"the rows of the batch": "the length of axis 0"})
    return report


class _Plain(Layer[Any, Array]):
    """A function and its way back as a layer. A function's data are no part of what it keeps."""

    def __init__(self, way: Callable[[Any], Way]) -> None:
        self.way = way

    def forward(self, X: Any, /) -> Way:
        """What the function gives."""
        return self.way(X)


def _floating(A: Any) -> NDArray[Any]:
    """An array; integers and booleans as float64."""
    array = np.asarray(A)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _formed(gradient: Any, x: Any) -> Any:
    """A gradient in the form of x, where it is a list or of integers."""
    if isinstance(x, tuple) and isinstance(gradient, tuple | list):
        return tuple(_floating(A) for A in gradient)
    return gradient if isinstance(gradient, tuple) else _floating(gradient)


def _rename(report: GradientReport, words: Mapping[str, str]) -> None:
    """Put the words of who asks in the place of those of layers."""

    def renamed(text: str) -> str:
        for pattern, word in words.items():
            text = re.sub(pattern, word, text)
        return text

    for tensor in report.tensors:
        tensor.name, tensor.point = renamed(tensor.name), renamed(tensor.point)
        for comparison in tensor.comparisons:
            comparison.where = renamed(comparison.where)
    report.faults, report.hints, report.notes = (
        [renamed(text) for text in texts] for texts in (report.faults, report.hints, report.notes)
    )

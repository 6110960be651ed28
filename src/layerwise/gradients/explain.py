"""What a mistake is likely to be: the wrong gradients held against what is known."""

from __future__ import annotations

from layerwise.arrays import Array
from layerwise.gradients.function import parts
from layerwise.gradients.hints import alike, find_hint
from layerwise.gradients.point import Point
from layerwise.gradients.report import TensorReport
from layerwise.gradients.tensors import numeric_gradient


def explain(point: Point, measured: list[TensorReport]) -> str | None:
    """A known pattern in the first wrong tensor that has one."""
    base = point.function.base
    numeric = {t.name: t.numeric for t in measured if t.numeric is not None}
    for name in [t.name for t in measured if t.verdict == "wrong" and t.name in numeric]:
        fitting = [n for n in base if n != name and base[n].shape == base[name].shape]
        found = {n: numeric[n] if n in numeric else numeric_gradient(point, n) for n in fitting}
        others = {n: a for n, a in found.items() if a is not None}
        analytic = point.G[0][name]
        hint = find_hint(analytic, numeric[name], base[name], others, _counts(point))
        hint = hint or _transposed(point, name, numeric[name])
        if hint is not None:
            return f"{name}: {hint}"
    return None


def _counts(point: Point) -> dict[str, int]:
    """The numbers that a gradient may be divided or multiplied by, by mistake."""
    first = parts(point.function.X)[0]
    rows, outputs = max(len(first), 1), point.F.size
    return {
        "the rows of the batch": rows,
        "the outputs": outputs,
        "the outputs of a row": outputs // rows,
        "the inputs of a row": first.size // rows,
    }


def _transposed(point: Point, name: str, numeric: Array) -> str | None:
    """Whether the gradient would be right with a square parameter transposed."""
    for path, W in point.function.base.items():
        if path in point.function.parameters and W.ndim == 2 and W.shape[0] == W.shape[1] > 1:
            turned = point.function.gradients(point.C[0], {path: W.T})
            if alike(turned[name], numeric):
                return f"transpose: right with {path} transposed, as {path}.T for {path}"
    return None

"""What a constant factor is: a length of X or Y, settled by other lengths, or a number kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, isqrt, prod, sqrt
from typing import Any

import numpy as np

from layerwise.gradients.function import Function, flat, rms
from layerwise.gradients.jacobian import STEP
from layerwise.gradients.moves import axes_in_words, flips
from layerwise.gradients.point import Point
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter

Shape = tuple[int, ...]
PLAIN = {"2": 2.0, "1/2": 0.5, "-2": -2.0, "-1/2": -0.5}


@dataclass(eq=False, repr=False)
class Run:
    """The factor for an X and a Y of these shapes."""

    factor: float
    X: Shape
    Y: Shape


def factor_in_words(point: Point, name: str, factor: float) -> str:
    """The factor, with its name if there is one that fits all runs, and no other."""
    if abs(factor + 1) < 1e-4:
        return "sign: the gradient has the wrong sign"
    number = f"{factor:.6g}" if abs(factor - 1) > 1e-3 else f"{factor:.10g}"
    so = f"the gradient is {number} times the right one"
    function = point.function
    runs = [
        Run(factor, np.shape(function.inputs[0]), np.shape(function.forward()[0])),
        *_longer(point, name),
    ]
    runs = [run for run in runs if len(run.Y) == len(runs[0].Y)]
    possible = [(words, values) for words, values in _lengths(runs) if _fits(runs, values)]
    lengths = [words for words, values in possible if np.ptp(values) > 0 or len(runs) == 1]
    fixed = [words for words, values in possible if np.ptp(values) == 0]  # by the layer's own sizes
    own = [words for words, value in _own(function.layer) if _fits(runs, [value] * len(runs))]
    plain = [words for words, value in PLAIN.items() if _fits(runs, [value] * len(runs))]
    rows = sum("axis 0" in words or "rows" in words for words, _ in possible)
    if own:
        return f"factor {[*plain, number][0]}, which is {own[0]}: {so}"
    if 0 < rows < len(possible) + len(plain) and _fits(runs, [factor] * len(runs)):  # not settled
        return f"a constant factor: {so}"
    for words, value in ("the", factor**2), ("one over the", factor**-2):
        n = round(value)
        if not plain and not lengths and abs(value - n) < 1e-6 * n and isqrt(n) ** 2 != n:
            return f"factor {number}, {words} square root of {n}: {so}"
    if len(fixed) == 1 and not plain and not lengths:  # so it is, be it by chance
        return f"factor {number}, which is {fixed[0].partition(', as by')[0]}: {so}"
    return f"factor {[*plain, *lengths, number][0]}: {so}"


def _fits(runs: list[Run], values: list[float]) -> bool:
    return all(abs(r.factor - v) <= 1e-4 * abs(v) for r, v in zip(runs, values, strict=True))


def _lengths(runs: list[Run]) -> Iterator[tuple[str, list[float]]]:
    """Lengths of axes and their products, as they are in each run, with their names."""
    for of, shapes in ("Y", [run.Y for run in runs]), ("X", [run.X for run in runs]):
        for axes in flips(len(shapes[0])):
            counts = np.array([prod(shape[axis] for axis in axes) for shape in shapes], float)
            size = " x ".join(str(shapes[0][axis]) for axis in axes)
            words, n = f"{axes_in_words(axes)} of {of} ({size})", f"{counts[0]:.0f}"
            if axes == (0,):
                words, n = f"the rows of the batch ({size})", "n"
            root = sqrt(counts[0])
            yield f"{n}, {words}, as by a sum for a mean", list(counts)
            yield f"1/{n}, one over {words}, as by a mean for a sum", list(1 / counts)
            if not root.is_integer():  # else it is a plain number first
                yield f"{root:.6g}, the square root of {words}", list(np.sqrt(counts))
                words = f"one over the square root of {words}"
                yield f"{1 / root:.6g}, {words}", list(1 / np.sqrt(counts))


def _own(layer: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Numbers that a layer keeps, and what is made of them."""
    inner: Mapping[Any, object] = {}
    if isinstance(layer, Layer):
        inner = layer.parts()
    elif isinstance(layer, Mapping):
        inner = layer
    elif isinstance(layer, list | tuple):
        inner = dict(enumerate(layer))
    for name, item in inner.items():
        where, number = f"{path}{name}", item
        made: list[tuple[str, float]] = []
        if isinstance(item, Parameter) and item.value.size == 1:
            number = item.value.item()
            made = [(f"exp({where})", exp(min(number, 50)))]
        if isinstance(number, float):
            made += [(f"1 - {where}", 1 - number), (where, number)]
        for words, value in made:
            if value > 0:
                one = f"({words})" if " " in words else words
                yield words, value
                yield f"1 / {one}", 1 / value
                yield f"{one} ** 2", value**2
                yield f"sqrt({words})", sqrt(value)
                yield f"1 / sqrt({words})", 1 / sqrt(value)
        yield from _own(item, f"{where}.")


def _longer(point: Point, name: str) -> Iterator[Run]:
    """The factor where one axis of X is twice as long, for each axis where the layer takes that."""
    base = point.function
    values = {path: base.base[path] for path in base.parameters}
    first = base.inputs[0]
    for axis, length in enumerate(first.shape):
        inputs = [
            np.concatenate([A, A], axis=axis) if A.ndim > axis and A.shape[axis] == length else A
            for A in base.inputs
        ]
        try:
            longer = Function(base.layer, tuple(inputs) if base.is_tuple else inputs[0], values)
            Y = longer.forward()[0]
            c = np.random.default_rng(0).standard_normal(flat(Y).size)
            g, x = longer.gradients(c)[name], longer.base[name]
            d = STEP * rms(x) * g / rms(g)
            above, below = (longer.output({name: x + s * d}) for s in (1, -1))
            factor = 2 * float((g * d).sum()) / float(c @ (above - below))
            run = Run(factor, inputs[0].shape, np.shape(Y))
        except Exception:  # the layer does not take this X
            continue
        if np.isfinite(run.factor):
            yield run

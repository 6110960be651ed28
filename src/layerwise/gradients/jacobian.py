"""The way from each answer to each element of a tensor: by backward, and by differences.

Backward is linear in its gradient, so that a gradient of one for a single answer shows all of it:
a matrix A, and where backward is right A is the transposed Jacobian J. Two gradients differ by a
number here and there; two such matrices show by which term.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Indices, Matrix, Vector
from layerwise.gradients.function import EPS, Tensors, parts, rms
from layerwise.gradients.held import held
from layerwise.gradients.point import Point
from layerwise.layers.base import walk

STEP = 1e-5  # where patterns need four digits, this gives eight
CLOSE = 1e-6  # so close to what was found, a derivative needs no other step
KINK = 1e-2  # of the largest derivative: a jump of the slope
NOTHING = 1e-9  # of the largest: the differences' own error
ENOUGH = 3  # numbers that have to fit, before a pattern is one
MOST, SAMPLE = 1024, 128  # answers of which the way back is taken; of more, only some


Flags = NDArray[np.bool_]


def large(M: Array, tolerance: Array) -> Flags:
    """Where the entries are larger than the tolerance."""
    found: Flags = np.abs(M) > tolerance
    return found


@dataclass(eq=False, repr=False)
class Jacobian:
    """dYⱼ/dxᵢ for elements i = `x_at` of x and answers j = `y_at` of Y, A by backward, J right."""

    name: str
    x: Array
    Y: Array
    A: Matrix
    J: Matrix
    x_at: Indices
    y_at: Indices
    noise: Vector  # what may be nothing in each column of J
    tolerance: Vector = field(init=False)
    share: float = field(init=False)  # the largest error, as a share of what is largest

    def __post_init__(self) -> None:
        """Five digits of what is largest for each answer, or a hundredth of a smaller error."""
        size = np.abs(self.J).max(axis=0, initial=0)
        error = np.abs(self.A - self.J).max(axis=0, initial=0)
        self.share = float(np.max(error / np.maximum(size, 1e-300), initial=0))
        self.tolerance = (
            min(1e-5, 1e-2 * self.share) * size + self.noise + NOTHING * size.max(initial=0)
        )

    def at(self, side: int, where: Flags, like: Array) -> Jacobian:
        """Only some of the elements (side 0) or answers (side 1), as those of a smaller array."""
        at = np.arange(like.size)
        if side == 0:
            A, J = self.A[where], self.J[where]
            return Jacobian(self.name, like, self.Y, A, J, at, self.y_at, self.noise)
        A, J = self.A[:, where], self.J[:, where]
        return Jacobian(self.name, self.x, like, A, J, self.x_at, at, self.noise[where])

    @property
    def clear(self) -> bool:
        """Whether the error stands out from the noise enough to have a pattern."""
        return bool(np.any(np.abs(self.A - self.J) > 20 * self.tolerance))

    @property
    def wrong(self) -> Flags:
        """Where the two differ."""
        return large(self.A - self.J, self.tolerance)

    @property
    def seen(self) -> Flags:
        """Where the two differ, or agree although an error of this share would show."""
        return self.wrong | large(min(self.share, 1) * self.J, 2 * self.tolerance)

    def same(self, A: Array, J: Array) -> bool:
        """Whether two such matrices agree."""
        return bool(np.all(np.abs(A - J) <= self.tolerance))

    @property
    def whole_x(self) -> bool:
        """Whether all elements are here."""
        return len(self.x_at) == self.x.size

    @property
    def whole_y(self) -> bool:
        """Whether all answers are here."""
        return len(self.y_at) == self.Y.size


class Jacobians:
    """The Jacobians of tensors at a point; one run of backward for each answer serves them all."""

    def __init__(self, point: Point, worst: Mapping[str, int] | None = None) -> None:
        """Of too many answers a sample, with those that the worst element of each tensor moves."""
        self.point, F = point, point.F
        answers = parts(point.function.forward()[0])
        self.Y = np.atleast_1d(F.reshape(np.shape(answers[0]))) if len(answers) == 1 else F
        self.y_at = np.arange(F.size)
        if F.size > MOST:
            chosen = [np.random.default_rng(0).choice(F.size, SAMPLE, replace=False)]
            for name, i in (worst or {}).items():
                moved = np.flatnonzero(self._row(name, i, None)[0])
                chosen.append(moved[:: 1 + len(moved) // SAMPLE])
            self.y_at = np.unique(np.concatenate(chosen))
        self._columns: list[Tensors] = []
        self._found: dict[str, Jacobian] = {}

    def of(self, name: str, numeric: Array | None = None) -> Jacobian:
        """That of one tensor, at the elements whose derivatives were found if they are given."""
        if name in self._found:
            return self._found[name]
        x = np.atleast_1d(self.point.function.base[name])
        x_at = np.arange(x.size) if numeric is None else np.flatnonzero(np.isfinite(numeric))
        rows = [self._row(name, int(i), numeric) for i in x_at]
        J, jumps = (np.array(M).reshape(len(x_at), -1) for M in zip(*rows, strict=True))
        smooth = np.all(jumps <= KINK * np.abs(J).max(initial=0), axis=1)
        x_at, J = x_at[smooth], J[smooth]
        A = np.array([g[name].ravel()[x_at] for g in self._analytic()]).T
        noise = 4 * EPS * np.abs(self.point.F) / (STEP * rms(x))
        self._found[name] = Jacobian(
            name, x, self.Y, A, J[:, self.y_at], x_at, self.y_at, noise[self.y_at]
        )
        return self._found[name]

    @cached_property
    def sources(self) -> dict[str, NDArray[Any]]:
        """The arrays that a gradient may be made of, by the names that the layer has for them."""
        function = self.point.function
        kept = {path: A for path, A in walk(function.layer) if isinstance(A, np.ndarray)}
        own = {"Y": self.Y, **function.named_inputs(), **function.base, **kept}
        return {**own, **{n: A for n, A in held(function.forward()[1]).items() if n not in own}}

    def _analytic(self) -> list[Tensors]:
        if not self._columns:
            one = np.zeros(self.point.F.size)
            for j in self.y_at:
                one[j] = 1.0
                self._columns.append(self.point.function.gradients(one))
                one[j] = 0.0
        return self._columns

    def _row(self, name: str, i: int, numeric: Array | None) -> tuple[Vector, Vector]:
        """dY/dxᵢ, and how far its two sides differ: by a step of the tensor's size or its own.

        The one of the two is taken that fits what was found, or else whose sides agree.
        """
        function, x, F = self.point.function, self.point.function.base[name], self.point.F
        found = []
        for size in dict.fromkeys((rms(x), abs(float(x.ravel()[i])) or rms(x))):
            sides, h = [], STEP * size
            for step in (h, -h):
                moved = function.base[name].copy()
                moved.ravel()[i] += step
                sides.append(function.output_or_nan({name: moved}, F))
            row, jump = (sides[0] - sides[1]) / (2 * h), np.abs(sides[0] - 2 * F + sides[1]) / h
            if numeric is None:
                off, close = float(jump.max()), 0.1 * KINK * float(np.abs(row).max())
            else:
                right = float(numeric.ravel()[i])
                off, close = abs(float(self.point.C[0] @ row) - right), CLOSE * abs(right)
            if off <= close:
                return row, jump
            found.append((off, row, jump))
        _, row, jump = min(found, key=lambda item: np.nan_to_num(item[0], nan=np.inf))
        return row, jump

"""A point x: the layer's answer there, its own gradients, and how far rounding alone moves them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from layerwise.arrays import Matrix, Vector
from layerwise.gradients.function import EPS, Function, Tensors, normal_like, ulps

STAIR = 2.0**-22  # of the largest answer: no rounding is coarser than float32's


@dataclass
class Noise:
    """How far rounding alone moves each entry of F, each c · F and each gradient of c · F."""

    F: Vector
    projections: Vector
    gradients: list[list[Tensors]]  # of each c, at x moved by one ulp up and down, and by two
    reach: Vector  # how large the terms of each c · F may be, for such inputs


class Point:
    """x, the base of a function, with F there and the gradients G of c · F for the rows c of C.

    The vectors c are random, because the sum of all outputs is blind: that of a softmax is
    constant. `label` names the point in the report.
    """

    def __init__(self, label: str, function: Function, rng: np.random.Generator) -> None:
        self.label, self.function, self.rng = label, function, rng
        self.F = function.output()
        self.C = _projections(self.F, rng)
        self.G: list[Tensors] = [function.gradients(c) for c in self.C]
        largest = float(np.abs(self.F).max())
        self.error = function.forward_error * largest
        self.stair = max(STAIR * largest, 10 * self.error)
        self.size = self._size(self.F)  # how large the terms of each c · F are
        self.vain_looks = 0  # for kinks where there are none
        self.stairs = False  # whether F was seen to move in steps
        self.jump: float | None = None  # how far F jumps near x, where that was looked for

    def analytic(self, direction: Tensors) -> Vector:
        """The derivative of each c · F along a direction, by backward."""
        return np.array([along(g, direction) for g in self.G])

    def sizes(self, direction: Tensors) -> Vector:
        """How large each derivative along the direction may be: √Σ (gᵢ dᵢ)²."""
        terms = [[g[n] * d for n, d in direction.items()] for g in self.G]
        squares = [[np.vdot(t, t) for t in of_c] for of_c in terms]
        sizes: Vector = np.sqrt(np.array(squares).sum(axis=1))
        return sizes

    @cached_property
    def noise(self) -> Noise:
        """What changes when every number is moved by one or a few ulps."""
        function = self.function
        changes: list[Vector] = []
        gradients: list[list[Tensors]] = [[] for _ in self.C]
        for amount in (1, -1, 2, -2):
            moved = {name: ulps(x, amount) for name, x in function.base.items()}
            changes.append(np.clip(function.output(moved) - self.F, -self.stair, self.stair))
            for c, samples in zip(self.C, gradients, strict=True):
                samples.append(function.gradients(c, moved))
        return Noise(
            F=np.abs(changes).max(axis=0) + EPS * np.abs(self.F) + self.error,
            projections=np.abs(np.array(changes) @ self.C.T).max(axis=0)
            + EPS * self.size
            + self.error * np.sqrt((self.C**2).sum(axis=1)),
            gradients=gradients,
            reach=self._reach(),
        )

    def no_jump(self, change: Vector) -> Vector:
        """A change of F, without what is no rounding but a jump of the function itself."""
        return np.where(np.abs(change) <= self.stair, change, 0)

    def _size(self, F: Vector) -> Vector:
        """√Σ (cᵢ Fᵢ)² for each c: how large its terms are."""
        size: Vector = np.sqrt(((self.C * F) ** 2).sum(axis=1))
        return size

    def _reach(self) -> Vector:
        """How large the terms of c · F are, or are for other inputs of this size.

        1 + tanh x has the rounding of 1, also where it is next to 0, as it is not at −x.
        """
        function = self.function
        inputs = {n: x for n, x in function.base.items() if n not in function.parameters}
        rng = np.random.default_rng(0)
        turned = {n: -x for n, x in inputs.items()}
        other = {n: normal_like(x, rng) for n, x in inputs.items()}
        answers = [np.abs(function.output_or_nan(moved, self.F)) for moved in (turned, other)]
        return self._size(np.fmax(np.fmax(*answers), np.abs(self.F)))


def along(gradients: Tensors, direction: Tensors) -> float:
    """Σ gᵢ dᵢ over all tensors of the direction."""
    return sum(float(np.vdot(gradients[name], d)) for name, d in direction.items())


def _projections(F: Vector, rng: np.random.Generator) -> Matrix:
    """Vectors c: plain, one that makes all entries of F count alike, and one of few entries."""
    if F.size == 1:
        return np.ones((1, 1))
    C = rng.standard_normal((3, F.size))
    largest = float(np.abs(F).max()) or 1.0
    # What is a millionth of the largest or less may be nothing but rounding: no more weight to it.
    C[1] /= np.where(F == 0, largest, np.maximum(np.abs(F), 1e-6 * largest))
    C[2] *= rng.random(F.size) < 0.3
    C[2, rng.integers(F.size)] = 1.0
    return C

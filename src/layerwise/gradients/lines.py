"""Known arrays beside the entries of the two matrices: a line for each form and each place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Indices, Matrix, Vector
from layerwise.gradients.jacobian import Flags, Jacobian

Sources = Mapping[str, NDArray[Any]]
Forms = Mapping[str, Callable[[Array], Array]]
MOST = 256  # entries that are compared: what fits there to five digits is no accident
PLACES = 48  # of one array: with more, as where all lengths are equal, it takes too long
LARGEST = 10**6  # numbers that say which index another one names
BITS = 12  # so many numbers have to be above or below 0, before that is none either


def _sigmoid(T: Array) -> Array:
    return 0.5 * (1 + np.tanh(T / 2))


# What forward and its derivatives make of an array, entry by entry.
ONE: Forms = {"{}": lambda T: T, "(1 - {})": lambda T: 1 - T}
FORMS: Forms = {
    **ONE,
    "(1 + {})": lambda T: 1 + T,
    "{0} * {0}": lambda T: T * T,
    "(1 - {0} * {0})": lambda T: 1 - T * T,
    "{0} * (1 - {0})": lambda T: T - T * T,
}
SLOPES: Forms = {
    "({} > 0)": lambda T: (T > 0).astype(float),
    "tanh({})": np.tanh,
    "(1 - tanh({}) ** 2)": lambda T: 1 - np.tanh(T) ** 2,
    "sigmoid({})": _sigmoid,
    "(1 - sigmoid({}))": lambda T: 1 - _sigmoid(T),
    "sigmoid({0}) * (1 - sigmoid({0}))": lambda T: _sigmoid(T) * (1 - _sigmoid(T)),
    "cos({})": np.cos,
    "sin({})": np.sin,
}
EXP: Forms = {"exp({})": lambda T: np.exp(np.minimum(T, 50))}  # of what is no input: there it is Y
INVERSES: Forms = {
    "(1 / {})": lambda T: 1 / np.where(T, T, np.nan),
    "(1 / {0} ** 2)": lambda T: 1 / np.where(T, T * T, np.nan),
}
QUOTIENT: Forms = {"({})": lambda T: T, "({0}) * (1 - {0})": lambda T: T - T * T}
ORDER = [*FORMS, *EXP, *INVERSES, *QUOTIENT, *SLOPES]  # the simplest first


@dataclass(eq=False, repr=False)
class Lines:
    """A row of numbers, one for each entry, with its words and the axes its array lies along."""

    words: list[str]
    axes: list[tuple[int, ...]]  # those of x, and then those of Y
    values: Matrix


class Entries:
    """Some entries of A and J, and where they are along the axes of x, and then those of Y."""

    def __init__(self, jacobian: Jacobian, chosen: Flags, most: int = MOST) -> None:
        self.jacobian = jacobian
        at = np.flatnonzero(chosen)
        if at.size > most:
            at = np.random.default_rng(0).choice(at, most, replace=False)
        r, c = np.unravel_index(at, chosen.shape)
        self.a, self.j, self.tolerance = jacobian.A[r, c], jacobian.J[r, c], jacobian.tolerance[c]
        self.lengths = (*jacobian.x.shape, *jacobian.Y.shape)
        self.index = (
            *np.unravel_index(jacobian.x_at[r], jacobian.x.shape),
            *np.unravel_index(jacobian.y_at[c], jacobian.Y.shape),
        )

    def lines(self, sources: Sources, *, divided: bool = False) -> Lines:
        """All known arrays, in all forms, also divided by, and all places where their axes fit."""
        found: list[tuple[int, str, list[tuple[int, ...]], Array]] = []
        for name, T, forms in self._known(sources, divided=divided):
            laid = list(islice(self._laid(T), PLACES))
            places, lines = [place for place, _ in laid], np.array([line for _, line in laid])
            for form, function in forms.items() if laid else ():
                if form != "({} > 0)" or T.size >= BITS:
                    line = ORDER.index(form), form.format(name), places, function(lines)
                    found.append(line)
        found.sort(key=lambda item: item[0])
        words = [word for _, word, places, _ in found for _ in places]
        axes = [place for _, _, places, _ in found for place in places]
        V = np.concatenate([np.zeros((0, len(self.a))), *(values for *_, values in found)])
        size = np.abs(V).max(axis=1, initial=0)
        varied = np.flatnonzero(np.ptp(V, axis=1) > 1e-3 * size) if V.size else np.arange(0)
        # Of equal ones the first: those on which random numbers of theirs agree.
        random = np.random.default_rng(0).standard_normal((len(self.a), 2))
        keys = np.round(V[varied] / size[varied, np.newaxis] @ random, 7)
        keys = np.column_stack([keys, [float(f"{s:.6g}") for s in size[varied]]])
        kept = varied[np.sort(np.unique(keys, axis=0, return_index=True)[1])]
        return Lines([words[i] for i in kept], [axes[i] for i in kept], V[kept])

    def _known(self, sources: Sources, *, divided: bool) -> Iterator[tuple[str, Array, Forms]]:
        """The known arrays, the tensor itself, and which index each number in one names."""
        x, Y, own = self.jacobian.x, self.jacobian.Y, self.jacobian.name
        for name, T in {**sources, "Y": Y, own: x}.items():
            exp = {} if name.startswith("X") else EXP
            yield name, np.asarray(T), {**FORMS, **SLOPES, **exp, **(INVERSES if divided else {})}
            if T.dtype.kind in "iu" and T.size > 1 and T.min() >= 0:
                for n in sorted({n for n in self.lengths if T.max() < n <= LARGEST / T.size}):
                    yield f"onehot({name})", np.eye(n)[T], ONE
        if divided and x.shape == Y.shape and np.all(x):
            yield f"Y / {own}", Y / x, QUOTIENT

    def _laid(self, T: Array) -> Iterator[tuple[tuple[int, ...], Vector]]:
        """T at each entry, its axes along some of those of x and Y, or along blocks of the last."""
        x = self.jacobian.x.ndim
        ends = (x - 1, len(self.lengths) - 1)
        T = T.reshape([n for n in T.shape if n > 1])
        options: list[list[tuple[int, Indices]]] = []
        for i, s in enumerate(T.shape):
            fits = list[tuple[int, Indices]]()
            for k, (n, index) in enumerate(zip(self.lengths, self.index, strict=True)):
                if n == s:
                    fits.append((k, index))
                elif n > s and n % s == 0 and k in ends:
                    fits += [(k, index % s), (k, index // (n // s))]
            # Rows are those of Y first.
            options.append(sorted(fits, key=lambda fit: i > 0 or fit[0] != x))
        for laid in product(*options) if 0 < T.ndim < 6 else ():
            axes = tuple(k for k, _ in laid)
            if len(set(axes)) == len(axes):
                yield axes, np.asarray(T[tuple(index for _, index in laid)], float)

"""Points to check at: random arrays of a kind, formulas at them, and a zoo of both together."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from layerwise import Array, Layer, softmax
from tests.gradient_cases import formulas
from tests.gradient_cases.case import Make
from tests.gradient_cases.formulas import FORMULAS, Back, Elementwise, Formula, Forward

Draw = Callable[[np.random.Generator], Array]
Inputs = Callable[[np.random.Generator], Any]
Build = Callable[[np.random.Generator], Layer[Any, Any]]
Function = Callable[[Array], Array]


def normal(*shape: int, scale: float = 1.0, offset: float = 0.0) -> Draw:
    """Normal numbers around `offset`."""
    return lambda rng: offset + scale * rng.standard_normal(shape)


def positive(*shape: int, scale: float = 1.0) -> Draw:
    """Numbers from scale/2 to 2 scale."""
    return lambda rng: scale * rng.uniform(0.5, 2.0, shape)


def around(*levels: float, shape: tuple[int, ...], spread: float = 0.0) -> Draw:
    """Some of the given levels at random, each moved by up to `spread`."""

    def draw(rng: np.random.Generator) -> Array:
        return rng.choice(levels, shape) + spread * rng.uniform(-1, 1, shape)

    return draw


def magnitudes(*shape: int, low: float = 1e-6, high: float = 1e6) -> Draw:
    """Positive numbers of all magnitudes from `low` to `high`."""
    return lambda rng: np.exp(rng.uniform(np.log(low), np.log(high), shape))


def conditioned(d: int, condition: float, n: int | None = None) -> Draw:
    """A (d, d) matrix, or n of them, with singular values from 1 to 1/condition."""

    def draw(rng: np.random.Generator) -> Array:
        shape = (d, d) if n is None else (n, d, d)
        U, V = (np.linalg.qr(rng.standard_normal(shape))[0] for _ in range(2))
        A: Array = U * np.geomspace(1, 1 / condition, d) @ V
        return A

    return draw


def distinct(*shape: int) -> Draw:
    """The numbers 1, 2, 3, … shuffled and moved a little: no two within 0.5 of each other."""

    def draw(rng: np.random.Generator) -> Array:
        numbers: Array = rng.permutation(int(np.prod(shape))) + rng.uniform(-0.2, 0.2)
        return numbers.reshape(shape)

    return draw


def single(draw: Draw) -> Draw:
    """The same in float32."""
    return lambda rng: draw(rng).astype(np.float32)


def at(f: Forward, X: Draw, back: Back | None = None, /, **parameters: Draw) -> Make:
    """Make `Formula(f)` and X; with f's own way back, where none is given."""

    def make(rng: np.random.Generator) -> tuple[Layer[Any, Any], Any]:
        point = X(rng)
        values = {name: draw(rng) for name, draw in parameters.items()}
        return Formula(f, back or FORMULAS[f.__name__][1], **values), point

    return make


def entrywise(f: Function, slope: Function, X: Draw) -> Make:
    """Make `Elementwise(f, slope)` and X."""
    return lambda rng: (Elementwise(f, slope), X(rng))


def fresh(layer: Callable[[], Layer[Any, Any]]) -> Build:
    """A layer that needs no random numbers."""
    return lambda rng: layer()


def layer_at(layer: Build, X: Inputs) -> Make:
    """Make a layer and X, both from rng."""

    def make(rng: np.random.Generator) -> tuple[Layer[Any, Any], Any]:
        point = X(rng)
        return layer(rng), point

    return make


def indices(high: int, *shape: int) -> Inputs:
    """Integers from 0 to high − 1."""
    return lambda rng: rng.integers(0, high, shape)


def zoo(name: str, back: Back | None = None, dtype: type[Any] = np.float64) -> Make:
    """A smooth formula at a plain point, its way back replaced where one is given."""
    f, X, parameters = ZOO[name]
    if dtype is np.float32:
        return at(f, single(X), back, **{key: single(draw) for key, draw in parameters.items()})
    return at(f, X, back, **parameters)


_GAMMA = normal(5, scale=0.3, offset=1.0)
ZOO: Mapping[str, tuple[Forward, Draw, Mapping[str, Draw]]] = {
    "dense": (formulas.dense, normal(6, 5), {"W": normal(5, 3), "b": normal(3)}),
    "square dense": (formulas.dense, normal(7, 4), {"W": normal(4, 4), "b": normal(4)}),
    "sequence dense": (formulas.dense_nd, normal(3, 4, 5), {"W": normal(5, 2), "b": normal(2)}),
    "gated": (formulas.gated, normal(7, 4), {"V": normal(4, 3), "W": normal(4, 3)}),
    "squares": (
        formulas.difference_of_squares,
        normal(7, 4),
        {"V": normal(4, 4), "W": normal(4, 4)},
    ),
    "bilinear": (formulas.bilinear, normal(5, 3), {"A": normal(2, 3, 3)}),
    "outer": (formulas.outer, normal(4, 3), {}),
    "affine": (formulas.affine, normal(7, 5), {"a": _GAMMA, "b": normal(5)}),
    "scaled": (formulas.scaled, normal(5, 4), {"a": normal()}),
    "power": (formulas.power, positive(4, 3), {"p": positive()}),
    "prelu": (formulas.prelu, around(-1, 1, shape=(6, 5), spread=0.8), {"a": positive(5)}),
    "polynomial": (formulas.polynomial, normal(5, 3), {"c": normal(4)}),
    "standardize": (formulas.standardize, normal(4, 5), {}),
    "layer_norm": (formulas.layer_norm, normal(7, 5), {"gamma": _GAMMA, "beta": normal(5)}),
    "batch_norm": (formulas.batch_norm, normal(7, 5), {"gamma": _GAMMA, "beta": normal(5)}),
    "rms_norm": (formulas.rms_norm, normal(7, 5), {"gamma": _GAMMA}),
    "center": (formulas.center, normal(4, 5), {}),
    "center_columns": (formulas.center_columns, normal(4, 5), {}),
    "unit_rows": (formulas.unit_rows, normal(6, 4), {}),
    "cosine": (formulas.cosine, normal(6, 4), {"W": normal(4, 3)}),
    "softmax": (softmax, normal(6, 5), {}),
    "log_softmax": (formulas.log_softmax, normal(6, 5), {}),
    "logsumexp": (formulas.logsumexp, normal(6, 5), {}),
    "row_mean": (formulas.row_mean, normal(6, 5), {}),
    "distances": (formulas.distances, normal(6, 4), {"C": normal(3, 4)}),
    "cumulative": (formulas.cumulative, normal(3, 6), {}),
    "cumulative_product": (formulas.cumulative_product, positive(3, 6), {}),
    "sort": (formulas.sort, distinct(4, 5), {}),
    "solve": (formulas.solve, normal(5, 4), {"A": conditioned(4, 10)}),
    "inverse": (formulas.inverse, conditioned(3, 10, n=2), {}),
    "log_determinant": (formulas.log_determinant, conditioned(3, 10, n=4), {}),
    "convolution": (
        formulas.convolution,
        normal(3, 5, 4, 2),
        {"W": normal(2, 2, 2, 3), "b": normal(3)},
    ),
    "max_pool": (formulas.max_pool, distinct(2, 4, 6, 2), {}),
    "mean_pool": (formulas.mean_pool, normal(2, 4, 6, 2), {}),
    "recurrent": (
        formulas.recurrent,
        normal(3, 4, 2),
        {"W": normal(2, 3), "U": normal(3, 3, scale=0.5), "b": normal(3)},
    ),
    "gated_recurrent": (
        formulas.gated_recurrent,
        normal(3, 4, 2),
        {"W": normal(2, 6), "U": normal(3, 6, scale=0.5)},
    ),
    "spectrum": (formulas.spectrum, normal(3, 7), {}),
    "cholesky": (formulas.cholesky, normal(2, 3, 3), {}),
    "attention": (
        formulas.attention,
        normal(2, 4, 3),
        {"Wq": normal(3, 3), "Wk": normal(3, 3), "Wv": normal(3, 3)},
    ),
}

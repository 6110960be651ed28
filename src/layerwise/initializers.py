"""First values of weights: callables `(shape, rng)` that keep signals from growing or fading.

The last axis of `shape` counts outputs and the one before it inputs; axes before those, such as a
kernel's height and width, multiply both. fan_in is then the number of inputs that one output sums
over, fan_out the number of outputs that one input reaches.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import finite, of_type, positive, to_call
from layerwise.arrays import Array
from layerwise.parameter import Parameter

# In quotes, because np.random is not imported before it is used: that takes as long as the rest.
Initializer: TypeAlias = "Callable[[tuple[int, ...], np.random.Generator], Array]"


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ N(0, 2 / fan_in): keeps the size of signals through ReLU.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Raises ValueError for a shape of fewer than two axes. Source: He et al. 2015, arXiv:1502.01852,
    equation 10.

    >>> he_normal((8, 2), np.random.default_rng(0)).shape
    (8, 2)
    """
    return _drawn_by(rng).normal(0.0, sqrt(2 / _fans(shape)[0]), shape)


def he_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ U(−a, a), a² = 6 / fan_in: the variance of `he_normal`, bounded.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Raises ValueError for a shape of fewer than two axes. Source: He et al. 2015, arXiv:1502.01852,
    equation 10.

    >>> bool(abs(he_uniform((6, 2), np.random.default_rng(0))).max() <= 1)
    True
    """
    a = sqrt(6 / _fans(shape)[0])
    return _drawn_by(rng).uniform(-a, a, shape)


def glorot_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ N(0, 2 / (fan_in + fan_out)): for sigmoid, tanh and linear layers.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Raises ValueError for a shape of fewer than two axes. Source: Glorot and Bengio 2010, equation
    12.

    >>> glorot_normal((8, 2), np.random.default_rng(0)).shape
    (8, 2)
    """
    return _drawn_by(rng).normal(0.0, sqrt(2 / sum(_fans(shape))), shape)


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ U(−a, a), a² = 6 / (fan_in + fan_out): the variance of `glorot_normal`, bounded.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Raises ValueError for a shape of fewer than two axes. Source: Glorot and Bengio 2010, equation
    16.

    >>> bool(abs(glorot_uniform((4, 2), np.random.default_rng(0))).max() <= 1)
    True
    """
    a = sqrt(6 / sum(_fans(shape)))
    return _drawn_by(rng).uniform(-a, a, shape)


def lecun_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ N(0, 1 / fan_in): keeps the size of signals through linear layers, and through SELU.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Raises ValueError for a shape of fewer than two axes. Source: LeCun et al. 1998, "Efficient
    BackProp", equation 16; for SELU Klambauer et al. 2017, arXiv:1706.02515.

    >>> lecun_normal((8, 2), np.random.default_rng(0)).shape
    (8, 2)
    """
    return _drawn_by(rng).normal(0.0, sqrt(1 / _fans(shape)[0]), shape)


def lecun_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ U(−a, a), a² = 3 / fan_in: the variance of `lecun_normal`, bounded.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Raises ValueError for a shape of fewer than two axes. Source: LeCun et al. 1998, "Efficient
    BackProp", equation 16.

    >>> bool(abs(lecun_uniform((3, 2), np.random.default_rng(0))).max() <= 1)
    True
    """
    a = sqrt(3 / _fans(shape)[0])
    return _drawn_by(rng).uniform(-a, a, shape)


def orthogonal(gain: float = 1.0) -> Initializer:
    """Wᵀ W = gain² I, where fan_in is at least the number of outputs, and else W Wᵀ = gain² I.

    W is here the matrix of fan_in rows and as many columns as outputs, drawn evenly from all such:
    the last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply fan_in. A gain of √2 suits ReLU.

    Raises ValueError for a gain that is not positive. Source: Saxe et al. 2014, arXiv:1312.6120;
    evenly by the signs of Mezzadri 2007, arXiv:math-ph/0609050, section 5.

    >>> W = orthogonal()((3, 2), np.random.default_rng(0)); (W.T @ W).round(6) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    gain = positive("orthogonal", "gain", gain)

    def draw(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        _fans(shape)  # refuses a vector
        rows, columns = prod(shape[:-1]), shape[-1]
        tall = _drawn_by(rng).normal(size=(max(rows, columns), min(rows, columns)))
        Q, R = np.linalg.qr(tall)
        Q *= gain * np.where(np.diagonal(R) < 0, -1.0, 1.0)
        return (Q if rows >= columns else Q.T).reshape(shape)

    return draw


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W = 0, of any shape. The rows of a hidden layer of zeros never learn to differ.

    >>> zeros((1, 2), np.random.default_rng(0))
    array([[0., 0.]])
    """
    _drawn_by(rng)
    return np.zeros(shape)


def constant(value: float) -> Initializer:
    """W = value, of any shape.

    Raises ValueError for a value that is not finite.

    >>> constant(0.5)((1, 2), np.random.default_rng(0))
    array([[0.5, 0.5]])
    """
    value = finite("constant", "value", value)

    def fill(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        _drawn_by(rng)
        return np.full(shape, value)

    return fill


def normal(deviation: float) -> Initializer:
    """W ~ N(0, deviation²), of any shape: no fans are counted. The course begins with 0.01.

    Raises ValueError for a deviation that is not positive. Source: part 4.1 of the course, which
    shows what is wrong with one deviation for all layers.

    >>> normal(0.01)((8, 2), np.random.default_rng(0)).shape
    (8, 2)
    """
    deviation = positive("normal", "deviation", deviation)

    def draw(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return _drawn_by(rng).normal(0.0, deviation, shape)

    return draw


def uniform(limit: float) -> Initializer:
    """W ~ U(−limit, limit), of any shape: no fans are counted. Its variance is limit² / 3.

    Raises ValueError for a limit that is not positive.

    >>> bool(abs(uniform(0.5)((8, 2), np.random.default_rng(0))).max() <= 0.5)
    True
    """
    limit = positive("uniform", "limit", limit)

    def draw(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return _drawn_by(rng).uniform(-limit, limit, shape)

    return draw


def first_values(
    who: str,
    W_init: Initializer,
    shape: tuple[int, ...],
    rng: np.random.Generator | int | None,
    dtype: DTypeLike,
) -> Parameter:
    """A Parameter of values as `W_init` gives them; `rng` is what `np.random.default_rng` takes.

    Raises ValueError, which begins with `who`, for values of another shape and for such as are
    not finite, TypeError for such as are no real numbers.
    """
    to_call(who, "W_init", W_init, "(shape, rng)", "he_normal")
    W = np.asarray(W_init(shape, np.random.default_rng(rng)))
    if W.dtype.kind not in "fiu":
        raise TypeError(f"{who}: W_init gave dtype {W.dtype}, expected real numbers")
    if W.shape != shape:
        raise ValueError(
            f"{who}: W_init gave shape {W.shape}, expected {shape}: "
            "an initializer returns an array of the shape it is given"
        )
    with np.errstate(over="ignore"):
        W = W.astype(dtype)
    if not np.isfinite(W).all():
        raise ValueError(f"{who}: W_init gave numbers that are not finite in {W.dtype}")
    return Parameter(W)


def _drawn_by(rng: np.random.Generator) -> np.random.Generator:
    remedy = "np.random.default_rng(seed) makes one"
    of_type("initializer", "rng", rng, np.random.Generator, remedy)
    return rng


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight array of this shape; an empty axis counts as one."""
    if len(shape) < 2:
        raise ValueError(
            f"initializer: shape {shape} has no inputs and outputs, expected at least 2 axes: "
            "give a vector such as a bias its values directly"
        )
    receptive = prod(shape[:-2])
    return max(1, receptive * shape[-2]), max(1, receptive * shape[-1])

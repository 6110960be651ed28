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

from layerwise.arguments import of_type
from layerwise.arrays import Array
from layerwise.parameter import Parameter

# In quotes, because np.random is not imported before it is used: that takes as long as the rest.
Initializer: TypeAlias = "Callable[[tuple[int, ...], np.random.Generator], Array]"


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ N(0, 2 / fan_in): keeps the size of signals through ReLU.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Source: He et al. 2015, arXiv:1502.01852, equation 10.

    >>> he_normal((8, 2), np.random.default_rng(0)).shape
    (8, 2)
    """
    return _drawn_by(rng).normal(0.0, sqrt(2 / _fans(shape)[0]), shape)


def he_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ U(−a, a), a² = 6 / fan_in: the variance of `he_normal`, bounded.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Source: He et al. 2015, arXiv:1502.01852, equation 10.

    >>> bool(abs(he_uniform((6, 2), np.random.default_rng(0))).max() <= 1)
    True
    """
    a = sqrt(6 / _fans(shape)[0])
    return _drawn_by(rng).uniform(-a, a, shape)


def glorot_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ N(0, 2 / (fan_in + fan_out)): for sigmoid, tanh and linear layers.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Source: Glorot and Bengio 2010, equation 12.

    >>> glorot_normal((8, 2), np.random.default_rng(0)).shape
    (8, 2)
    """
    return _drawn_by(rng).normal(0.0, sqrt(2 / sum(_fans(shape))), shape)


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """W ~ U(−a, a), a² = 6 / (fan_in + fan_out): the variance of `glorot_normal`, bounded.

    The last axis of `shape` counts outputs, the one before it inputs; axes before those, such as a
    kernel's height and width, multiply both fans.

    Source: Glorot and Bengio 2010, equation 16.

    >>> bool(abs(glorot_uniform((4, 2), np.random.default_rng(0))).max() <= 1)
    True
    """
    a = sqrt(6 / sum(_fans(shape)))
    return _drawn_by(rng).uniform(-a, a, shape)


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
    W = np.asarray(W_init(shape, np.random.default_rng(rng)))
    if W.dtype.kind not in "fiu":
        raise TypeError(f"{who}: W_init gave dtype {W.dtype}, expected real numbers")
    if W.shape != shape:
        raise ValueError(
            f"{who}: W_init gave shape {W.shape}, expected {shape}: "
            "an initializer returns an array of the shape it is given"
        )
    if not np.isfinite(W).all():
        raise ValueError(f"{who}: W_init gave numbers that are not finite")
    return Parameter(W.astype(dtype))


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

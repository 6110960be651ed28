"""What a recurrent layer keeps for each step, and how sums become gates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from layerwise.arrays import Array
from layerwise.initializers import Initializer


def states(first: Array, A: Array, units: int) -> Array:
    """Room for the states of so many steps as A has, of which the first stands there."""
    H: Array = np.empty((len(A) + 1, A.shape[1], units), A.dtype)
    H[0] = first
    return H


def by_gate(A: Array, gates: int) -> Array:
    """A view of sums (…, n, gates · units) as (…, gates, n, units)."""
    return A.reshape(*A.shape[:-1], gates, A.shape[-1] // gates).swapaxes(-2, -3)


def gates_of(half: Array) -> Callable[[Array], None]:
    """A function that makes gates of sums, in place: σ where `half` is 1/2, tanh where it is 1.

    σ(z) = (1 + tanh(z / 2)) / 2, so that one tanh serves them all.
    """
    rest = 1 - half

    def into_gates(Z: Array) -> None:
        Z *= half
        np.tanh(Z, out=Z)
        Z *= half
        Z += rest

    return into_gates


def for_each_gate(W_init: Initializer, gates: int) -> Initializer:
    """An initializer that draws the columns of each gate by themselves, as of a layer alone."""

    def draw(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        one = shape[0], shape[1] // gates
        return np.concatenate([W_init(one, rng) for _ in range(gates)], axis=1)

    return draw

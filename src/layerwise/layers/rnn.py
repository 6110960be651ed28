"""The simple recurrent layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import final

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import one_of
from layerwise.arrays import Array
from layerwise.layers.gates import states
from layerwise.layers.recurrent import Recurrent, States, WayBack

ACTIVATIONS: dict[str, tuple[Callable[..., Array], Callable[[Array], Array]]] = {
    "tanh": (np.tanh, lambda H: 1 - H * H),
    "relu": (partial(np.maximum, 0), np.sign),
}


@final
class RNN(Recurrent):
    """Hₜ = f(Xₜ W + Hₜ₋₁ U + b), with f = tanh, or ReLU by `activation="relu"`.

    X has shape (n, t, inputs) and Y (n, t, units): Hₜ of each step, or with
    `return_sequences=False` the last one, (n, units). `reverse` goes from the last place to the
    first; the answers stand where they belong. X may be (X, mask), with booleans (n, t): a step
    that is False keeps the state.

    `W`, of shape (inputs, units), starts by `glorot_uniform`, `U`, (units, units), orthogonal, `b`
    as zeros. H₀ is zero, or with `learn_state` a parameter that starts so, `first_state`.
    Truncation is the caller's: a long sequence is cut into parts, each of which begins with H₀.

    Raises ValueError for sizes that are not positive, for another activation, and for an X, a mask
    or a gradient that does not fit. Source: Elman 1990, Cognitive Science 14, 179-211; ReLU: Le et
    al. 2015, arXiv:1504.00941.

    >>> rnn = RNN(1, 1, activation="relu"); rnn.W.value, rnn.U.value = np.ones((2, 1, 1))
    >>> rnn(np.array([[[1.0], [2.0], [3.0]]])).ravel()
    array([1., 3., 6.])
    """

    FIRST_B = (0.0,)

    def __init__(
        self,
        inputs: int,
        units: int,
        *,
        activation: str = "tanh",
        return_sequences: bool = True,
        reverse: bool = False,
        learn_state: bool = False,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.activation = one_of("RNN", "activation", activation, ("tanh", "relu"))
        super().__init__(
            inputs,
            units,
            return_sequences=return_sequences,
            reverse=reverse,
            learn_state=learn_state,
            rng=rng,
            dtype=dtype,
        )

    def through_time(self, A: Array, first: States) -> tuple[States, WayBack]:
        """Hₜ = f(Aₜ + Hₜ₋₁ U); back: dAₜ = dHₜ f', dHₜ₋₁ += dAₜ Uᵀ; after it dU = Σ Hₜ₋₁ᵀ dAₜ."""
        U, f, slope_of = self.U.value, *ACTIVATIONS[self.activation]
        H = states(first[0], A, len(U))
        for s in range(len(A)):
            Z = H[s].dot(U)
            Z += A[s]
            f(Z, out=H[s + 1])

        def backward(dH: Array) -> tuple[Array, States]:
            slope = slope_of(H[1:])
            dA = np.empty_like(A)
            for s in reversed(range(len(A))):
                np.multiply(dH[s + 1], slope[s], out=dA[s])
                dH[s] += dA[s].dot(U.T)
            self.U.add_grad(H[:-1].reshape(-1, len(U)).T @ dA.reshape(-1, len(U)))
            return dA, (dH[0],)

        return (H,), backward

    def _settings(self) -> list[str]:
        return [] if self.activation == "tanh" else ['activation="relu"']

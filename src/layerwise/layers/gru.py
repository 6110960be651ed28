"""The gated recurrent unit."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arrays import Array, scalar, sum_rows
from layerwise.layers.gates import by_gate, gates_of, states
from layerwise.layers.recurrent import Recurrent, States, WayBack
from layerwise.parameter import Parameter


@final
class GRU(Recurrent):
    """Hₜ = (1 − z) ñ + z Hₜ₋₁, with ñ = tanh(Xₜ Wₙ + bₙ + r (Hₜ₋₁ Uₙ + c)) and r, z = σ(Z).

    Z = Xₜ W + Hₜ₋₁ U + b, of the columns for r and z: those of all units for r come first, then for
    z, then for ñ, as in PyTorch. There are two forms: here r is multiplied after the product with
    Uₙ, as in PyTorch and by Keras' default; the paper has it before. X has shape (n, t, inputs) and
    Y (n, t, units), Hₜ of each step; with `return_sequences=False` it is the last one, (n, units).
    In `reverse` the steps go from the last place to the first, and the answers stand at their
    places. X may be (X, mask), with booleans (n, t): a step that is False keeps the state.

    `W`, of shape (inputs, 3 units), starts by `glorot_uniform` gate by gate, `U`, (units, 3 units),
    orthogonal, `b`, (3 units,), and `c`, (units,), as zeros. H₀ is zero, or with `learn_state` a
    parameter that starts so, `first_state`. Truncation is the caller's: cut long sequences; each
    part begins at the first state.

    Raises ValueError for sizes that are not positive, and for an X, a mask or a gradient that does
    not fit. Source: Cho et al. 2014, arXiv:1406.1078, equations 5 to 8; r after the product: Keras'
    `reset_after=True`, and PyTorch's documentation of `torch.nn.GRU`.

    >>> GRU(3, 2, rng=0)(np.ones((5, 4, 3))).shape
    (5, 4, 2)
    """

    FIRST_B = (0.0, 0.0, 0.0)

    def __init__(
        self,
        inputs: int,
        units: int,
        *,
        return_sequences: bool = True,
        reverse: bool = False,
        learn_state: bool = False,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(
            inputs,
            units,
            return_sequences=return_sequences,
            reverse=reverse,
            learn_state=learn_state,
            rng=rng,
            dtype=dtype,
        )
        self.c = Parameter(np.zeros(units, dtype))

    def through_time(self, A: Array, first: States) -> tuple[States, WayBack]:
        """Step by step as above; back: all slopes at once, then step by step."""
        units, shape = len(self.U.value), A.shape[:2]
        # Columns of U for ñ, r, z: of the slopes for ñ before r, for r, z, and ñ, in this order,
        # the first three are those by Hₜ₋₁ U, and the last three those by Xₜ W.
        U, c = np.roll(self.U.value, units, axis=1), self.c.value
        H = states(first[0], A, units)
        Q, N = np.empty_like(H[1:]), np.empty_like(H[1:])  # Hₜ₋₁ Uₙ + c, and ñ
        gates = np.empty((len(A), 2, *H[0].shape), A.dtype)
        r, z = gates.swapaxes(0, 1)
        into_gates = gates_of(scalar(0.5, A.dtype))
        sums = by_gate(A, 3)
        for s in range(len(A)):
            from_H = by_gate(H[s].dot(U), 3)
            np.add(from_H[0], c, out=Q[s])
            np.add(from_H[1:], sums[s, :2], out=gates[s])
            into_gates(gates[s])
            np.multiply(r[s], Q[s], out=N[s])
            N[s] += sums[s, 2]
            np.tanh(N[s], out=N[s])
            np.subtract(H[s], N[s], out=H[s + 1])
            H[s + 1] *= z[s]
            H[s + 1] += N[s]

        def backward(dH: Array) -> tuple[Array, States]:
            slopes = np.empty((len(A), 4, *H[0].shape), A.dtype)
            dQ, dr, dz, dN = slopes.swapaxes(0, 1)
            keep = 1 - z
            np.multiply(1 - N * N, keep, out=dN)  # of tanh: 1 − ñ²
            np.multiply(H[:-1] - N, z * keep, out=dz)  # of σ: σ (1 − σ)
            np.multiply(dN, r, out=dQ)
            np.multiply(dQ, Q * (1 - r), out=dr)
            dsums = np.empty((*shape, 4 * units), A.dtype)
            by_H, by_X, dgates = dsums[..., : 3 * units], dsums[..., units:], by_gate(dsums, 4)
            for s in reversed(range(len(A))):
                np.multiply(slopes[s], dH[s + 1], out=dgates[s])
                dH[s] += dH[s + 1] * z[s]
                dH[s] += by_H[s].dot(U.T)
            rows = by_H.reshape(-1, 3 * units)
            dU = H[:-1].reshape(-1, units).T @ rows
            self.U.add_grad(np.roll(dU, -units, axis=1))
            self.c.add_grad(sum_rows(rows[:, :units]))
            return by_X, (dH[0],)

        return (H,), backward

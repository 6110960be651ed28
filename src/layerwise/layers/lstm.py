"""Long short-term memory."""

from typing import final

import numpy as np

from layerwise.arrays import Array
from layerwise.layers.gates import gates_of, states
from layerwise.layers.recurrent import Recurrent, States, WayBack


@final
class LSTM(Recurrent):
    """Cₜ = f Cₜ₋₁ + i g and Hₜ = o tanh(Cₜ), with the gates i, f, o = σ(Z) and g = tanh(Z).

    Z = Xₜ W + Hₜ₋₁ U + b has four columns for each unit: those of all units for i, then for f, g
    and o, as in PyTorch and Keras. X has shape (n, t, inputs) and Y (n, t, units), Hₜ of each step;
    with `return_sequences=False` it is the last one, (n, units). In `reverse` the steps go from the
    last place to the first, and the answers stand at their places. X may be (X, mask), with
    booleans (n, t): a step that is False keeps both states.

    `W`, of shape (inputs, 4 units), starts by `glorot_uniform` gate by gate, `U`, (units, 4 units),
    orthogonal, and `b`, (4 units,), as ones for f, so that it remembers at first, else as zeros.
    H₀ and C₀ are zero, or with `learn_state` parameters that start so, `first_state`. Truncation
    is the caller's: cut long sequences; each part begins at the first state.

    Raises ValueError for sizes that are not positive, and for an X, a mask or a gradient that does
    not fit. Source: Hochreiter and Schmidhuber 1997, Neural Computation 9, 1735-1780; f: Gers et
    al. 2000, Neural Computation 12, 2451-2471; its bias: Jozefowicz et al. 2015, ICML.

    >>> LSTM(3, 2, rng=0)(np.ones((5, 4, 3))).shape
    (5, 4, 2)
    """

    FIRST_B = (0.0, 1.0, 0.0, 0.0)
    STATES = 2

    def through_time(self, A: Array, first: States) -> tuple[States, WayBack]:
        """Step by step, gates in the place of A; back: all slopes at once, then step by step."""
        U, units = self.U.value, len(self.U.value)
        H, C = (states(state, A, units) for state in first)
        T = np.empty_like(C[1:])
        half = np.repeat([0.5, 0.5, 1.0, 0.5], units).astype(A.dtype)
        into_gates = gates_of(np.tile(half, (A.shape[1], 1)))  # faster than half as a row
        gates = A.reshape(*A.shape[:2], 4, units)
        i, f, g, o = np.moveaxis(gates, 2, 0)
        for s in range(len(A)):
            A[s] += H[s].dot(U)
            into_gates(A[s])
            np.multiply(f[s], C[s], out=C[s + 1])
            C[s + 1] += i[s] * g[s]
            np.tanh(C[s + 1], out=T[s])
            np.multiply(o[s], T[s], out=H[s + 1])

        def backward(dH: Array) -> tuple[Array, States]:
            slopes = gates * (1 - gates)  # of σ: σ (1 − σ)
            di, df, dg, do = np.moveaxis(slopes, 2, 0)
            dg += 1 - g  # of tanh: 1 − g²
            di *= g
            df *= C[:-1]
            dg *= i
            do *= T
            from_H = T * T
            np.subtract(1, from_H, out=from_H)
            from_H *= o
            dA, dC = slopes.reshape(A.shape), np.zeros_like(C[0])
            for s in reversed(range(len(A))):
                dC += dH[s + 1] * from_H[s]
                slopes[s, :, :3] *= dC[:, np.newaxis]
                do[s] *= dH[s + 1]
                dC *= f[s]
                dH[s] += dA[s].dot(U.T)
            self.U.add_grad(H[:-1].reshape(-1, units).T @ dA.reshape(-1, 4 * units))
            return dA, (dH[0], dC)

        return (H, C), backward

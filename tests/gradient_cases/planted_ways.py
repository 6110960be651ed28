"""Planted mistakes where a gradient comes on several ways, and one of them is lost or wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np

from layerwise import Array, Indices, Layer, Parameter, sigmoid
from tests.gradient_cases.formulas import EPSILON, Back
from tests.gradient_cases.planted import plant
from tests.gradient_cases.points import Draw, at, layer_at, normal, positive

# Two ways through one layer ----------------------------------------------------------------------


def hidden(X: Array, W: Array, V: Array) -> Array:
    """Y = tanh(X W) V."""
    Y: Array = np.tanh(X @ W) @ V
    return Y


def no_slope(grad: Array, X: Array, Y: Array, W: Array, V: Array) -> tuple[Array, ...]:
    """The slope is left out on the way to W."""
    H = np.tanh(X @ W)
    dH = grad @ V.T
    return (dH * (1 - H * H)) @ W.T, X.T @ dH, H.T @ grad


plant("two layers: dW without the slope",
      at(hidden, normal(6, 4), no_slope, W=normal(4, 4, scale=0.5), V=normal(4, 3)),
      "each index of axis 1 and axis 0 of Y", "slope")  # fmt: skip


def tied(X: Array, W: Array) -> Array:
    """Y = tanh(X W) Wᵀ."""
    Y: Array = np.tanh(X @ W) @ W.T
    return Y


def tied_way(first: bool, second: bool) -> Back:
    def back(grad: Array, X: Array, Y: Array, W: Array) -> tuple[Array, ...]:
        H = np.tanh(X @ W)
        dA = (grad @ W) * (1 - H * H)
        return dA @ W.T, first * (X.T @ dA) + second * (grad.T @ H)

    return back


for what, way in ("first", tied_way(True, False)), ("second", tied_way(False, True)):
    plant(f"tied weights: the {what} use alone", at(tied, normal(6, 5), way, W=normal(5, 3)),
          "one use of a parameter")  # fmt: skip


def around(X: Array, W: Array, S: Array) -> Array:
    """Y = tanh(X W) + X S."""
    Y: Array = np.tanh(X @ W) + X @ S
    return Y


def around_way(skip: bool, power: int) -> Back:
    def back(grad: Array, X: Array, Y: Array, W: Array, S: Array) -> tuple[Array, ...]:
        dA = grad * (1 - np.tanh(X @ W) ** power)
        return dA @ W.T + skip * (grad @ S.T), X.T @ dA, X.T @ grad

    return back


SKIP: dict[str, Draw] = {"W": normal(4, 3), "S": normal(4, 3)}
plant("projected skip: no S", at(around, normal(6, 4), around_way(False, 2), **SKIP),
      "add grad @ P.S.T")  # fmt: skip
plant("projected skip: 1 − T", at(around, normal(6, 4), around_way(True, 1), **SKIP),
      "P.W", "each index", "slope")  # fmt: skip


def silu(X: Array) -> Array:
    """Y = X σ(X)."""
    Y: Array = X * sigmoid(X)
    return Y


def silu_way(first: bool, second: bool) -> Back:
    def back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
        s = sigmoid(X)
        return (grad * (first * s + second * X * s * (1 - s)),)

    return back


plant("silu: σ alone", at(silu, normal(6, 5), silu_way(True, False)),
      "Y / X", "alone", "product rule")  # fmt: skip
plant("silu: no σ", at(silu, normal(6, 5), silu_way(False, True)), "add grad * (Y / X)")


def squashed(X: Array, W: Array) -> Array:
    """Y = tanh(X W)."""
    Y: Array = np.tanh(X @ W)
    return Y


plant("tanh of dense: no slope",
      at(squashed, normal(6, 4), lambda grad, X, Y, W: (grad @ W.T, X.T @ grad),
         W=normal(4, 3, scale=0.5)),
      "P.W", "leaves out 1 - Y * Y")  # fmt: skip
plant("square: for the upper end alone",
      at(lambda X: np.where(np.abs(X) < 1, X * X, 2 * np.abs(X) - 1), normal(7, 5, scale=1.5),
         lambda grad, X, Y: (2 * grad * X,)),
      "where |X| is above")  # fmt: skip


def shared(X: Array, W: Array, c: Array) -> Array:
    """Y = tanh(X W + c) + c."""
    Y: Array = np.tanh(X @ W + c) + c
    return Y


def once(grad: Array, X: Array, Y: Array, W: Array, c: Array) -> tuple[Array, ...]:
    """The second place of c is forgotten."""
    dA = grad * (1 - (Y - c) ** 2)
    return dA @ W.T, X.T @ dA, dA.sum(axis=0)


plant("shared bias: the first use alone",
      at(shared, normal(6, 4), once, W=normal(4, 3), c=normal(3)),
      "P.c: a summand is missing: add grad itself")  # fmt: skip


# Norms and means ---------------------------------------------------------------------------------


def weight_norm(X: Array, V: Array, g: Array) -> Array:
    """Y = X (g V / |V|), a norm for each column."""
    Y: Array = X @ (g * V / np.sqrt((V * V).sum(axis=0)))
    return Y


def weight_norm_way(projected: bool, normed: bool) -> Back:
    def back(grad: Array, X: Array, Y: Array, V: Array, g: Array) -> tuple[Array, ...]:
        r = np.sqrt((V * V).sum(axis=0))
        U, dW = V / r, X.T @ grad
        dg = (dW * U).sum(axis=0)
        return grad @ (g * U).T, g / r * (dW - projected * U * dg), dg if normed else dg * r

    return back


NORM: dict[str, Draw] = {"V": normal(4, 5), "g": positive(5)}
plant("weight norm: |V| for a constant", at(weight_norm, normal(6, 4), weight_norm_way(False, True),
      **NORM), "P.V", "one number along axis 0")  # fmt: skip
plant("weight norm: dg without 1/|V|", at(weight_norm, normal(6, 4), weight_norm_way(True, False),
      **NORM), "P.g", "each index of axis 0", "norm")  # fmt: skip
plant("variance: not centered",
      at(lambda X: X.var(axis=1), normal(6, 5),
         lambda grad, X, Y: (2 * grad[:, None] * X / X.shape[1],)),
      "missing mean", "axis 1")  # fmt: skip
plant("maximum: to all",
      at(lambda X: X.max(axis=1), normal(5, 5), lambda grad, X, Y: (grad[:, None] + 0 * X,)),
      "does not depend", "maximum")  # fmt: skip


def image_norm(X: Array) -> Array:
    """Y = X, of mean 0 and deviation 1 in each channel of (n, h, w, c)."""
    centered = X - X.mean(axis=(0, 1, 2))
    Y: Array = centered / np.sqrt((centered**2).mean(axis=(0, 1, 2)) + EPSILON)
    return Y


def by_rows(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The sums are divided by n alone."""
    s = X.std(axis=(0, 1, 2))
    mean = grad.sum(axis=(0, 1, 2)) / len(X) + Y * (grad * Y).sum(axis=(0, 1, 2)) / len(X)
    return ((grad - mean) / s,)


def over_rows(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The means are those over n alone."""
    return ((grad - grad.mean(axis=0) - Y * (grad * Y).mean(axis=0)) / X.std(axis=(0, 1, 2)),)


plant("image norm: sums over n", at(image_norm, normal(2, 3, 4, 3), by_rows),
      "two numbers along axes 0, 1 and 2")  # fmt: skip
plant("image norm: means over n", at(image_norm, normal(2, 3, 4, 3), over_rows),
      "along axis 0 only", "over too few axes")  # fmt: skip


def maxout(X: Array, W: Array) -> Array:
    """Y = the larger of X W₀ and X W₁."""
    Y: Array = (X @ W).max(axis=0)
    return Y


def to_both(grad: Array, X: Array, Y: Array, W: Array) -> tuple[Array, ...]:
    chosen = (X @ W == Y) * grad
    return (chosen @ W.swapaxes(1, 2)).sum(axis=0), np.stack([X.T @ grad] * 2)


plant("maxout: to both", at(maxout, normal(7, 4), to_both, W=normal(2, 4, 3)),
      "P.W", "too many axes, or a choice of forward")  # fmt: skip


# Over time ---------------------------------------------------------------------------------------


def last_state(X: Array, W: Array, U: Array) -> Array:
    """Hₜ = tanh(Xₜ W + Hₜ₋₁ U); Y is the last one."""
    return states(X, W, U)[-1]


def states(X: Array, W: Array, U: Array) -> list[Array]:
    H: list[Array] = [np.zeros((len(X), len(U)))]
    for t in range(X.shape[1]):
        H.append(np.tanh(X[:, t] @ W + H[-1] @ U))
    return H


def last_state_way(*, steps: int = 99, slope: bool = True, add: bool = True) -> Back:
    def back(grad: Array, X: Array, Y: Array, W: Array, U: Array) -> tuple[Array, ...]:
        H, T = states(X, W, U), X.shape[1]
        dX, dW, dU, dH = np.zeros_like(X), np.zeros_like(W), np.zeros_like(U), grad
        for t in reversed(range(max(0, T - steps), T)):
            dA = dH * (1 - H[t + 1] ** 2) if slope else dH
            dX[:, t] = dA @ W.T
            dW = X[:, t].T @ dA + add * dW
            dU = H[t].T @ dA + dU
            dH = dA @ U.T
        return dX, dW, dU

    return back


def last(what: str, back: Back, *words: str) -> None:
    P: dict[str, Draw] = {"W": normal(2, 3), "U": normal(3, 3, scale=0.6)}
    plant(f"last state: {what}", at(last_state, normal(4, 5, 2), back, **P), *words)


last("the last step alone", last_state_way(steps=1), "only index 4 of axis 1", "cut off")
last("cut off after two steps", last_state_way(steps=2), "indices 0 to 2 of axis 1", "cut off")
last("no slope", last_state_way(slope=False), "leaves out 1 - Y * Y", "a run with 1 index")
last("dW assigned", last_state_way(add=False), "P.W", "one index along axis 1", "= for +=")


# Repeated indices, counts and kernels ------------------------------------------------------------


class Picked(Layer[Indices, Array]):
    """Y = w[X], one number for each index, with dL/dw by add(dw, X, grad)."""

    def __init__(self, w: Array, add: Callable[[Array, Indices, Array], object]) -> None:
        self.w, self.add = Parameter(w), add

    def forward(self, X: Indices, /) -> tuple[Array, Callable[[Array], Indices]]:
        def backward(grad: Array) -> Indices:
            dw = np.zeros_like(self.w.value)
            self.add(dw, X, grad)
            self.w.add_grad(dw)
            return np.zeros_like(X)

        return self.w.value[X], backward


def buffered(dw: Array, X: Indices, grad: Array) -> None:
    dw[X] += grad


plant("numbers picked: += on an index",
      layer_at(lambda rng: Picked(rng.standard_normal(6), buffered),
               lambda rng: np.array([0, 2, 2, 3, 5, 5, 5, 1])),
      "one of several", "np.add.at")  # fmt: skip
COLUMNS = np.array([3, 0, 0, 2, 3, 3, 1])


def columns_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    dX = np.zeros_like(X)
    dX[:, COLUMNS] += grad
    return (dX,)


plant("columns picked: += on an index", at(lambda X: X[:, COLUMNS], normal(5, 4), columns_back),
      "one of several", "np.add.at")  # fmt: skip


class MaskedMean(Layer[Any, Array]):
    """Y = the mean over the steps of X (n, t, d) where the mask M (n, t) is one."""

    def forward(self, X: Any, /) -> tuple[Array, Callable[[Array], Any]]:
        A, M = X
        mask = M[..., np.newaxis]

        def backward(grad: Array) -> Any:
            """A mean over all steps."""
            return grad[:, np.newaxis] * mask / A.shape[1], np.zeros_like(M)

        return (A * mask).sum(axis=1) / mask.sum(axis=1), backward


plant("masked mean: over all steps",
      layer_at(lambda rng: MaskedMean(),
               lambda rng: (rng.standard_normal((4, 5, 3)),
                            np.arange(5) < np.array([[5], [3], [4], [2]]))),
      "each index of axis 0", "count")  # fmt: skip


def strided(X: Array, W: Array) -> Array:
    """Y = the convolution of (n, h, w, c) with W (2, 2, c, c), by steps of two."""
    _, h, w, _ = X.shape
    pieces = [X[:, i : h - 1 + i : 2, j : w - 1 + j : 2] @ W[i, j] for i in (0, 1) for j in (0, 1)]
    return np.asarray(sum(pieces))


def strided_way(*axes: int) -> Back:
    """The way back, with these axes of W exchanged on the way to X."""

    def back(grad: Array, X: Array, Y: Array, W: Array) -> tuple[Array, ...]:
        dX, dW, (_, h, w, _) = np.zeros_like(X), np.zeros_like(W), X.shape
        for i, j in np.ndindex(2, 2):
            window = np.s_[:, i : h - 1 + i : 2, j : w - 1 + j : 2]
            dX[window] += grad @ W.swapaxes(*axes)[i, j].T
            dW[i, j] = np.einsum("nhwi,nhwo->io", X[window], grad)
        return dX, dW

    return back


for what, i, j in ("channels", 2, 3), ("h and w", 0, 1):
    plant(f"strided: {what} of W exchanged",
          at(strided, normal(2, 6, 4, 3), strided_way(i, j),
             W=normal(2, 2, 3, 3)),
          "transpose", f"axes {i} and {j} exchanged")  # fmt: skip

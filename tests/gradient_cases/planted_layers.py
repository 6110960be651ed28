"""Planted mistakes in layers over time, with heads, indices, masks and random numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise import Array, Indices, Layer, Parameter, Tanh
from tests.gradient_cases import formulas
from tests.gradient_cases.advanced import causal_attention, causal_way, lstm, lstm_way
from tests.gradient_cases.formulas import Back
from tests.gradient_cases.planted import Change, plant, spoil, spoiled
from tests.gradient_cases.points import Draw, at, layer_at, normal
from tests.gradient_cases.right_layers import Attention, BatchNorm, Dropout, Embedding, Residual

Pair = tuple[Array, NDArray[Any]]


# Over time ---------------------------------------------------------------------------------------


def recurrent_way(*, keep: int = 99, first: int = 0, now: bool = False) -> Back:
    """The way back of `recurrent`: through so many steps, down to the first, U with Hₜ₋₁."""

    def back(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
        W, U, b = P
        dX, dW, dU, db = np.zeros_like(X), np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
        for last in range(X.shape[1]):
            dH = grad[:, last]
            for t in range(last, max(first, last - keep + 1) - 1, -1):
                dA = dH * (1 - Y[:, t] ** 2)
                dX[:, t] += dA @ W.T
                dW += X[:, t].T @ dA
                db += dA.sum(axis=0)
                if now:
                    dU += Y[:, t].T @ dA
                elif t:
                    dU += Y[:, t - 1].T @ dA
                dH = dA @ U.T
        return dX, dW, dU, db

    return back


STEPS: dict[str, Draw] = {"W": normal(2, 3), "U": normal(3, 3, scale=0.5), "b": normal(3)}


def over_time(what: str, back: Back, *words: str) -> None:
    plant(f"recurrent: {what}", at(formulas.recurrent, normal(3, 5, 2), back, **STEPS), *words)


over_time("nothing carried", recurrent_way(keep=1), "X: ", "later", "axis 1")
over_time("cut off after two steps", recurrent_way(keep=2), "X: ", "2 or more", "later", "cut off")
over_time("step 0 left out", recurrent_way(first=1), "X: ", "zero", "index 0 of axis 1")
over_time("Hₜ for Hₜ₋₁", recurrent_way(now=True),
          "P.U: the answer does not depend", "1 index along axis 1")  # fmt: skip
over_time("dX reversed", spoiled(formulas.recurrent_back, 0, lambda g, *_: g[:, ::-1]),
          "reversed along axis 1")  # fmt: skip
over_time("the last grad only", lambda grad, X, Y, *P: formulas.recurrent_back(
    np.concatenate([0 * grad[:, :-1], grad[:, -1:]], axis=1), X, Y, *P),
    "only index 4 of axis 1 of Y")  # fmt: skip
over_time("the last grad left out", lambda grad, X, Y, *P: formulas.recurrent_back(
    np.concatenate([grad[:, :-1], 0 * grad[:, -1:]], axis=1), X, Y, *P),
    "index 4 of axis 1 of Y", "zero")  # fmt: skip
over_time("db averaged", spoiled(formulas.recurrent_back, 3, lambda g, grad, *_: g / len(grad)),
          "factor 1/n")  # fmt: skip
over_time("dU transposed", spoiled(formulas.recurrent_back, 2, lambda g, *_: g.T), "transpose")


def gates(what: str, back: Back, *words: str) -> None:
    P: dict[str, Draw] = {"W": normal(2, 12), "U": normal(3, 12, scale=0.5), "b": normal(12)}
    plant(f"lstm: {what}", at(lstm, normal(3, 5, 2), back, **P), *words)


def reordered(*order: int) -> Change:
    """The gradients of four gates in another order."""
    return lambda g, *_: np.concatenate([np.split(g, 4, axis=-1)[i] for i in order], axis=-1)


gates("nothing back through H", lstm_way(hidden=False), "X: ", "later", "axis 1")
gates("nothing back through C", lstm_way(cell=False), "X: ", "later", "axis 1")
gates("i and f exchanged in W", spoiled(lstm_way(), 1, reordered(1, 0, 2, 3)),
      "exchanged", "indices 0 to 2", "axis 1")  # fmt: skip
gates(
    "i and o exchanged in b", spoiled(lstm_way(), 3, reordered(2, 1, 0, 3)), "exchanged", "axis 0"
)
gates("o without a gradient", spoiled(lstm_way(), 1, lambda g, *_: g * (np.arange(12) // 3 != 2)),
      "zero", "indices 6 to 8 of axis 1")  # fmt: skip
gates("no dU", spoiled(lstm_way(), 2, lambda g, *_: 0 * g), "zero")
gates("db negated", spoiled(lstm_way(), 3, lambda g, *_: -g), "sign")
gates("g twice", spoiled(lstm_way(), 1, lambda g, *_: g * (1 + (np.arange(12) // 9))),
      "indices 9 to 11 of axis 1", "factor 2")  # fmt: skip
spoil("gated_recurrent", "dX at step 0 zero", 0, lambda g, *_: g * (np.arange(4) > 0)[:, None],
      "zero", "index 0 of axis 1")  # fmt: skip
spoil("gated_recurrent", "halves of dW exchanged", 1, lambda g, *_: np.roll(g, 3, axis=1),
      "exchanged", "axis 1")  # fmt: skip


# Attention ---------------------------------------------------------------------------------------


class WrongAttention(Attention):
    """Attention with the three gradients changed by change(dQ, dK, dV, grad, Q, K, V)."""

    def __init__(self, change: Callable[..., tuple[Array, Array, Array]]) -> None:
        self.change = change

    def forward(self, X: Any, /) -> Any:
        Y, inner = super().forward(X)

        def backward(grad: Array) -> Any:
            return self.change(*inner(grad), grad, *X)

        return Y, backward


def triple(rng: np.random.Generator) -> Any:
    return tuple(rng.standard_normal((2, 4, 3)) for _ in "QKV")


def attend(what: str, change: Callable[..., Any], *words: str) -> None:
    plant(f"attention: {what}", layer_at(lambda rng: WrongAttention(change), triple), *words)


def weights(Q: Array, K: Array) -> Array:
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    E = np.exp(S - S.max(axis=-1, keepdims=True))
    A: Array = E / E.sum(axis=-1, keepdims=True)
    return A


def diagonal_alone(*given: Array) -> Any:
    _, _, dV, grad, Q, K, V = given
    A = weights(Q, K)
    dS = A * (1 - A) * (grad @ V.swapaxes(-1, -2)) / np.sqrt(Q.shape[-1])
    return dS @ K, dS.swapaxes(-1, -2) @ Q, dV


def no_sum(*given: Array) -> Any:
    _, _, dV, grad, Q, K, V = given
    dS = weights(Q, K) * (grad @ V.swapaxes(-1, -2)) / np.sqrt(Q.shape[-1])
    return dS @ K, dS.swapaxes(-1, -2) @ Q, dV


attend(
    "no 1/√d",
    lambda q, k, v, *_: (q * np.sqrt(q.shape[-1]), k * np.sqrt(q.shape[-1]), v),
    "square root",
    "axis 2",
)
attend("dK and dV exchanged", lambda q, k, v, *_: (q, v, k), "swapped", "gradient of X[2]")
attend("dK zero", lambda q, k, v, *_: (q, 0 * k, v), "X[1]", "zero")
attend("dV at step 0 only", lambda q, k, v, *_: (q, k, v * (np.arange(4) == 0)[:, None]),
       "zero", "every index of axis 1 but 0")  # fmt: skip
attend("the softmax's sum missing", no_sum, "sum(grad * Y * ", "missing")
attend("the softmax's diagonal alone", diagonal_alone, "one index along axis 1", "goes along it")
attend("dV with A for Aᵀ", lambda q, k, v, grad, Q, K, V: (q, k, weights(Q, K) @ grad), "transpose")

TWO_HEADS: dict[str, Draw] = {"W": normal(3, 12)}


def heads(what: str, back: Back, *words: str) -> None:
    plant(
        f"causal attention: {what}",
        at(causal_attention, normal(2, 4, 3), back, **TWO_HEADS),
        *words,
    )


heads("V's third zero", spoiled(causal_way(), 1, lambda g, *_: g * (np.arange(12) < 8)),
      "zero", "indices 8 to 11 of axis 1")  # fmt: skip
heads("Q and K exchanged", spoiled(causal_way(), 1, lambda g, *_: np.concatenate(
    [g[:, 4:8], g[:, :4], g[:, 8:]], axis=1)), "exchanged", "axis 1")  # fmt: skip
heads("the second head left out", lambda grad, X, Y, W: causal_way()(
    grad * (np.arange(4) < 2), X, Y, W), "indices 2 to 3 of axis 2 of Y", "zero")  # fmt: skip
spoil("attention", "dWv over n", 3, lambda g, grad, *_: g / len(grad), "factor 1/n")
spoil("attention", "dWq and dWk exchanged", 1, lambda g, grad, X, Y, *P: formulas.attention_back(
    grad, X, Y, *P)[2], "swapped", "gradient of P.Wk")  # fmt: skip


# Indices, masks and random numbers ---------------------------------------------------------------


class WrongEmbedding(Embedding):
    """Y = W[X], with dL/dW by add(dW, X, grad)."""

    def __init__(self, W: Array, add: Callable[[Array, Indices, Array], object]) -> None:
        super().__init__(W)
        self.add = add

    def forward(self, X: Indices, /) -> tuple[Array, Callable[[Array], Indices]]:
        def backward(grad: Array) -> Indices:
            dW = np.zeros_like(self.W.value)
            self.add(dW, X, grad)
            self.W.add_grad(dW)
            return np.zeros_like(X)

        return self.W.value[X], backward


def some_repeated(rng: np.random.Generator) -> Any:
    """Numbers from 0 to 6, two of them three times."""
    return rng.permutation([0, 1, 1, 1, 2, 4, 4, 4, 5, 6, 0, 3]).reshape(4, 3)


def embed(what: str, add: Callable[[Array, Indices, Array], object], *words: str) -> None:
    def build(rng: np.random.Generator) -> Layer[Any, Any]:
        return WrongEmbedding(rng.standard_normal((8, 3)), add)

    plant(f"embedding: {what}", layer_at(build, some_repeated), *words)


def buffered(dW: Array, X: Indices, grad: Array) -> None:
    dW[X] += grad


def assigned(dW: Array, X: Indices, grad: Array) -> None:
    dW[X] = grad


def counted(dW: Array, X: Indices, grad: Array) -> None:
    np.add.at(dW, X, grad / np.bincount(X.ravel(), minlength=8)[X][..., None])


embed("+= on an index", buffered, "np.add.at", "repeat")
embed("= on an index", assigned, "np.add.at", "repeat")
embed("averaged by count", counted, "repeat")
embed("over n", lambda dW, X, grad: np.add.at(dW, X, grad / len(X)), "factor 1/n")
embed("the first row left out", lambda dW, X, grad: np.add.at(dW, X[1:], grad[1:]),
      "zero", "index 0 of axis 0 of Y")  # fmt: skip
embed("one place off", lambda dW, X, grad: np.add.at(dW, (X + 1) % 8, grad), "shifted", "axis 0")


class Positions(Layer[Array, Array]):
    """Y = X + P, the same for every row; dL/dP by a function of grad."""

    def __init__(self, P: Array, way: Callable[[Array], Array]) -> None:
        self.P, self.way = Parameter(P), way

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        def backward(grad: Array) -> Array:
            self.P.add_grad(self.way(grad))
            return grad

        return X + self.P.value, backward


def positions(what: str, way: Callable[[Array], Array], *words: str) -> None:
    def build(rng: np.random.Generator) -> Layer[Any, Any]:
        return Positions(rng.standard_normal((4, 3)), way)

    plant(f"positions: {what}", layer_at(build, normal(5, 4, 3)), *words)


positions("of the first row", lambda grad: grad[0], "only index 0 of axis 0 of Y")
positions("averaged", lambda grad: grad.mean(axis=0), "factor 1/n")
positions(
    "summed over steps", lambda grad: grad.sum(axis=(0, 1)) + np.zeros((4, 1)), "summed over axis 0"
)
positions("reversed", lambda grad: grad.sum(axis=0)[::-1], "reversed along axis 0")


class MaskedTanh(Layer[Pair, Array]):
    """Y = tanh(X) M for X (n, t, d) and a mask M (n, t), back by the slope that is given."""

    def __init__(self, slope: Callable[[Array, Array], Array]) -> None:
        self.slope = slope

    def forward(self, X: Pair, /) -> tuple[Array, Callable[[Array], Pair]]:
        A, mask = X
        M = mask[..., np.newaxis]

        def backward(grad: Array) -> Pair:
            return grad * self.slope(A, M), np.zeros_like(mask)

        return np.tanh(A) * M, backward


def masked(rng: np.random.Generator) -> Any:
    return rng.standard_normal((4, 5, 2)), rng.permutation([True] * 13 + [False] * 7).reshape(4, 5)


def mask(what: str, slope: Callable[[Array, Array], Array], *words: str) -> None:
    plant(f"masked tanh: {what}", layer_at(lambda rng: MaskedTanh(slope), masked), *words)


mask("no mask", lambda A, M: 1 - np.tanh(A) ** 2, "X[1] is 0")
mask("turned", lambda A, M: (1 - M) * (1 - np.tanh(A) ** 2))
mask("slope forgotten", lambda A, M: M * np.ones_like(A), "leaves out 1 - Y * Y")


class WrongDropout(Dropout):
    """Dropout whose way back is way(M, 1 − p), with M what forward multiplied by."""

    def __init__(self, p: float, rng: Any, way: Callable[[Array, float], Array]) -> None:
        super().__init__(p, rng)
        self.way = way

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        M = (self.rng.random(X.shape) >= self.p).astype(X.dtype) / (1 - self.p)

        def backward(grad: Array) -> Array:
            return grad * self.way(M, 1 - self.p)

        return X * M, backward


def drop(what: str, p: float, way: Callable[[Array, float], Array], *words: str) -> None:
    plant(f"dropout: {what}", layer_at(lambda rng: WrongDropout(p, rng, way), normal(5, 4)), *words)


drop("no scale", 0.3, lambda M, keep: M * keep, "factor 0.7", "1 - p")
drop("no scale, p a half", 0.5, lambda M, keep: M * keep, "factor 1/2")
drop("scaled twice", 0.3, lambda M, keep: M / keep, "1 / (1 - p)")
drop("no mask", 0.3, lambda M, keep: np.full_like(M, 1 / keep), "M > 0", "mask")
drop("nothing", 0.3, lambda M, keep: np.ones_like(M), "leaves out M")


class WrongResidual(Residual):
    """Y = X + f(X), where one of the two ways back is forgotten."""

    def __init__(self, inner: Layer[Array, Array], *, around: bool) -> None:
        super().__init__(inner)
        self.around = around

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        Y, inner_back = self.inner.forward(X)

        def backward(grad: Array) -> Array:
            inside = inner_back(grad)
            return inside if self.around else grad

        return X + Y, backward


plant("residual: nothing around",
      layer_at(lambda rng: WrongResidual(Tanh(), around=True), normal(5, 4)),
      "identity path")  # fmt: skip
plant("residual: nothing through",
      layer_at(lambda rng: WrongResidual(Tanh(), around=False), normal(5, 4)),
      "add grad * (1 - Tanh.Y * Tanh.Y)")  # fmt: skip


class WrongBatchNorm(BatchNorm):
    """γ starts at 1, so that leaving it out shows only when it has moved."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        Y, inner = super().forward(X)
        gamma = self.gamma.value

        def backward(grad: Array) -> Array:
            dX: Array = inner(grad) / gamma
            return dX

        return Y, backward


plant(
    "BatchNorm: no gamma", layer_at(lambda rng: WrongBatchNorm(4), normal(6, 4)), "leaves out gamma"
)

"""Layers as papers have them, right and, with one term changed, wrong.

Each way back is made by a function whose keywords switch terms off: with none it is right.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise import (
    SGD,
    Adam,
    Array,
    Dense,
    Layer,
    Parameter,
    ReLU,
    Sequential,
    Tanh,
    sigmoid,
    softmax,
)
from tests.gradient_cases import formulas
from tests.gradient_cases.case import Case, Hint
from tests.gradient_cases.formulas import EPSILON, Back, Forward, softmax_back
from tests.gradient_cases.points import (
    Build,
    Draw,
    Inputs,
    around,
    at,
    layer_at,
    normal,
    positive,
    single,
)
from tests.gradient_cases.right_layers import BatchNorm, Dropout, Embedding, Residual

ADVANCED: list[Case] = []


class Family:
    """A formula at a point: its right way back makes a right case, the others wrong ones."""

    def __init__(self, f: Forward, right_back: Back, X: Draw, reason: str, **P: Draw) -> None:
        self.f, self.X, self.P = f, X, P
        self.make = at(f, X, right_back, **P)
        name = f"right: {f.__name__}"
        ADVANCED.append(Case(name, "advanced", self.make, "right", reason))

    def wrong(self, what: str, back: Back, *, hint: Hint | None = None) -> None:
        """Add a wrong way back."""
        name, make = f"{self.f.__name__}: {what}", at(self.f, self.X, back, **self.P)
        ADVANCED.append(Case(name, "advanced", make, "wrong", what, hint, partner=self.make))


def right(name: str, layer: Build, X: Inputs, reason: str) -> None:
    ADVANCED.append(Case(f"right: {name}", "advanced", layer_at(layer, X), "right", reason))


def wrong(name: str, layer: Build, X: Inputs, reason: str, *, hint: Hint | None = None) -> None:
    ADVANCED.append(Case(name, "advanced", layer_at(layer, X), "wrong", reason, hint))


# Known patterns, in any formula ------------------------------------------------------------------


def scaled_by(back: Back, place: int, factor: Callable[[Array], Any]) -> Back:
    """One of the gradients times a factor that may depend on grad."""

    def changed(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
        gradients = list(back(grad, X, Y, *P))
        gradients[place] = gradients[place] * factor(grad)
        return tuple(gradients)

    return changed


def replaced(back: Back, place: int, change: Callable[[Array], Array]) -> Back:
    """One of the gradients changed."""

    def changed(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
        gradients = list(back(grad, X, Y, *P))
        gradients[place] = change(gradients[place])
        return tuple(gradients)

    return changed


def exchanged(back: Back, i: int, j: int) -> Back:
    """Two of the gradients in each other's place."""

    def changed(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
        gradients = list(back(grad, X, Y, *P))
        gradients[i], gradients[j] = gradients[j], gradients[i]
        return tuple(gradients)

    return changed


def row_changed(g: Array) -> Array:
    """The second row is a fifth."""
    wrong_g = g.copy()
    wrong_g[1] = wrong_g[1] * 0.2
    return wrong_g


def column_changed(g: Array) -> Array:
    """The last column is 60 % larger."""
    wrong_g = g.copy()
    wrong_g[..., -1] = wrong_g[..., -1] * 1.6
    return wrong_g


# Weight normalization: Salimans and Kingma (2016) ------------------------------------------------


def weight_normalized(X: Array, V: Array, g: Array) -> Array:
    """Y = X V g / |V|, the length of each column of V taken out."""
    Y: Array = X @ (V * g / np.linalg.norm(V, axis=0))
    return Y


def weight_way(*, projected: bool = True, scaled: bool = True) -> Back:
    """The way back, which goes through the length of V."""

    def back(grad: Array, X: Array, Y: Array, V: Array, g: Array) -> tuple[Array, ...]:
        length = np.linalg.norm(V, axis=0)
        U = V / length
        dW = X.T @ grad
        dg = (dW * U).sum(axis=0)
        dU = dW * g if scaled else dW
        dV = (dU - U * (dU * U).sum(axis=0) if projected else dU) / length
        return grad @ (U * g).T, dV, dg

    return back


family = Family(
    weight_normalized,
    weight_way(),
    normal(6, 4),
    "a parameter in two factors",
    V=normal(4, 3),
    g=positive(3),
)
family.wrong("the length taken for a constant", weight_way(projected=False))
family.wrong("g missing", weight_way(scaled=False))
family.wrong("V negated", scaled_by(weight_way(), 1, lambda grad: -1), hint="sign")
family.wrong("g over n", scaled_by(weight_way(), 2, lambda grad: 1 / len(grad)), hint="factor 1/n")


# Long short-term memory: Hochreiter and Schmidhuber (1997), Gers et al. (2000) -------------------


def _lstm_steps(X: Array, W: Array, U: Array, b: Array) -> list[tuple[Array, ...]]:
    """(i, f, o, g, C, H) of every step, after a first one of zeros."""
    H = C = np.zeros((X.shape[0], U.shape[0]), X.dtype)
    steps: list[tuple[Array, ...]] = [(H, H, H, H, C, H)]
    for t in range(X.shape[1]):
        a, c, d, e = np.split(X[:, t] @ W + H @ U + b, 4, axis=1)
        i, f, o, g = sigmoid(a), sigmoid(c), sigmoid(d), np.tanh(e)
        C = f * C + i * g
        H = o * np.tanh(C)
        steps.append((i, f, o, g, C, H))
    return steps


def lstm(X: Array, W: Array, U: Array, b: Array) -> Array:
    """Hₜ = o tanh(Cₜ), Cₜ = f Cₜ₋₁ + i g: gates i, f, o and a candidate g, from Xₜ and Hₜ₋₁."""
    return np.stack([step[-1] for step in _lstm_steps(X, W, U, b)[1:]], axis=1)


def lstm_way(*, cell: bool = True, hidden: bool = True, before: bool = True) -> Back:
    """The way back through time, which has two paths: C and H."""

    def back(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
        W, U, b = P
        steps = _lstm_steps(X, W, U, b)
        dX, dW, dU, db = np.zeros_like(X), np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
        dH = dC = np.zeros_like(Y[:, 0])
        for t in reversed(range(X.shape[1])):
            i, f, o, g, C, _ = steps[t + 1]
            C_before, H_before = steps[t][4:]
            T = np.tanh(C)
            dH = dH + grad[:, t]
            dC = dC + dH * o * (1 - T * T)
            df = dC * (C_before if before else C) * f * (1 - f)
            gates = (dC * g * i * (1 - i), df, dH * T * o * (1 - o), dC * i * (1 - g * g))
            dA = np.concatenate(gates, axis=1)
            dX[:, t] = dA @ W.T
            dW += X[:, t].T @ dA
            dU += H_before.T @ dA
            db += dA.sum(axis=0)
            dH = dA @ U.T if hidden else np.zeros_like(dH)
            dC = dC * f if cell else np.zeros_like(dC)
        return dX, dW, dU, db

    return back


family = Family(
    lstm,
    lstm_way(),
    normal(3, 5, 2),
    "two paths through time",
    W=normal(2, 12),
    U=normal(3, 12, scale=0.5),
    b=normal(12),
)
family.wrong("nothing back through C", lstm_way(cell=False))
family.wrong("nothing back through H", lstm_way(hidden=False))
family.wrong("this step's C for the last one's", lstm_way(before=False))
family.wrong("b twice", scaled_by(lstm_way(), 3, lambda grad: 2), hint="factor 2")
family.wrong("U times n", scaled_by(lstm_way(), 2, len), hint="factor n")
family.wrong("a row of U", replaced(lstm_way(), 2, row_changed), hint="one row")


# Causal attention with heads: Vaswani et al. (2017) ----------------------------------------------


def _heads(X: Array) -> Array:
    """(n, t, 2 d) as (n, 2, t, d): two heads."""
    n, t, d = X.shape
    return X.reshape(n, t, 2, d // 2).transpose(0, 2, 1, 3)


def _joined(H: Array) -> Array:
    """The way back of `_heads`."""
    n, h, t, d = H.shape
    return H.transpose(0, 2, 1, 3).reshape(n, t, h * d)


def _causal(X: Array, W: Array) -> tuple[Array, ...]:
    """Q, K, V and the weights A, which are 0 for what comes later, by −∞ before the softmax."""
    Q, K, V = map(_heads, np.split(X @ W, 3, axis=-1))
    S = Q @ K.swapaxes(-1, -2) / float(np.sqrt(Q.shape[-1]))
    later = np.triu(np.ones(S.shape[-2:], bool), 1)
    return Q, K, V, softmax(np.where(later, -np.inf, S))


def causal_attention(X: Array, W: Array) -> Array:
    """Y = softmax(Q Kᵀ / √d, up to now only) V for two heads, (Q, K, V) = X W."""
    _, _, V, A = _causal(X, W)
    return _joined(A @ V)


def causal_way(*, row_sum: bool = True, rows: str = "ntd,nte->de", swap: bool = False) -> Back:
    """The way back: through the softmax, and to three thirds of W."""

    def back(grad: Array, X: Array, Y: Array, W: Array) -> tuple[Array, ...]:
        Q, K, V, A = _causal(X, W)
        dH = _heads(grad)
        dA = dH @ V.swapaxes(-1, -2)
        dS = softmax_back(dA, A, A)[0] if row_sum else A * dA
        dS = dS / float(np.sqrt(Q.shape[-1]))
        parts = [dS @ K, dS.swapaxes(-1, -2) @ Q, A.swapaxes(-1, -2) @ dH]
        if swap:
            parts = [parts[1], parts[0], parts[2]]
        dZ = np.concatenate([_joined(part) for part in parts], axis=-1)
        return dZ @ W.T, np.einsum(rows, X, dZ)

    return back


family = Family(
    causal_attention,
    causal_way(),
    normal(2, 4, 3),
    "an infinity inside, and two heads",
    W=normal(3, 12),
)
family.wrong("the softmax's sum missing", causal_way(row_sum=False))
family.wrong("Q and K exchanged inside W", causal_way(swap=True))
family.wrong("dL/dW by the product of sums", causal_way(rows="ntd,nse->de"))
family.wrong("a column of W", replaced(causal_way(), 1, column_changed), hint="one column")
family.wrong("X is zero", scaled_by(causal_way(), 0, lambda grad: 0), hint="zero")


# Group normalization: Wu and He (2018) -----------------------------------------------------------


def _grouped(X: Array) -> Array:
    """Two groups of columns: (n, 2, d/2)."""
    return X.reshape(len(X), 2, -1)


def group_norm(X: Array, gamma: Array, beta: Array) -> Array:
    """Y = γ Z + β, where Z has mean 0 and deviation 1 in each half of a row."""
    return gamma * formulas.standardize(_grouped(X)).reshape(X.shape) + beta


def group_way(*, mean: bool = True, groups: bool = True) -> Back:
    """The way back of each half, or of the row as a whole."""

    def back(grad: Array, X: Array, Y: Array, gamma: Array, beta: Array) -> tuple[Array, ...]:
        G = _grouped(X)
        centered = G - G.mean(axis=-1, keepdims=True)
        s = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + EPSILON)
        Z, dZ = centered / s, _grouped(grad * gamma)
        axis: Any = -1 if groups else (-1, -2)
        dG = dZ - Z * (dZ * Z).mean(axis=axis, keepdims=True)
        if mean:
            dG = dG - dZ.mean(axis=axis, keepdims=True)
        dX = (dG / s).reshape(X.shape)
        return dX, (grad * Z.reshape(X.shape)).sum(axis=0), grad.sum(axis=0)

    return back


family = Family(
    group_norm, group_way(), normal(5, 8), "two means in a row", gamma=positive(8), beta=normal(8)
)
family.wrong("means over the whole row", group_way(groups=False))
family.wrong("the mean missing", group_way(mean=False))
family.wrong("gamma and beta exchanged", exchanged(group_way(), 1, 2), hint="swapped")
family.wrong("half of beta", scaled_by(group_way(), 2, lambda grad: 0.5), hint="factor 1/2")


# Convolution with a stride and padding -----------------------------------------------------------


def strided(X: Array, W: Array) -> Array:
    """Cross-correlation of (n, h, w, c), padded by 1, with W (3, 3, c, k), every second place."""
    padded = np.pad(X, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    Y: Array = np.einsum("nhwcpq,pqck->nhwk", windows[:, ::2, ::2], W)
    return Y


def strided_way(*, step: int = 2, crop: int = 1) -> Back:
    """The way back: each answer spreads to its window, and the padding is cut off."""

    def back(grad: Array, X: Array, Y: Array, W: Array) -> tuple[Array, ...]:
        _, h, w, _ = X.shape
        _, H, V, _ = grad.shape
        padded = np.pad(X, ((0, 0), (1, 1), (1, 1), (0, 0)))
        d_padded, dW = np.zeros_like(padded), np.zeros_like(W)
        for i in range(3):
            for j in range(3):
                place = np.s_[:, i : i + 2 * H : 2, j : j + 2 * V : 2]
                there = np.s_[:, i : i + step * H : step, j : j + step * V : step]
                d_padded[there] += grad @ W[i, j].T
                dW[i, j] = np.einsum("nhwc,nhwk->ck", padded[place], grad)
        return d_padded[:, crop : crop + h, crop : crop + w].copy(), dW

    return back


family = Family(
    strided, strided_way(), normal(2, 5, 6, 2), "padding and a stride", W=normal(3, 3, 2, 2)
)
family.wrong("the stride forgotten on the way back", strided_way(step=1))
family.wrong("the padding cut at one end", strided_way(crop=0))


# Upsampling, log-cumulative, median, top two, log-determinant ------------------------------------


def upsample(X: Array) -> Array:
    """Each pixel of (n, h, w) twice in both directions."""
    return X.repeat(2, axis=1).repeat(2, axis=2)


def upsample_way(*, share: float = 1.0, first: bool = False) -> Back:
    """The way back: four gradients are added."""

    def back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
        n, h, w = X.shape
        blocks = grad.reshape(n, h, 2, w, 2)
        return (blocks[:, :, 0, :, 0] if first else share * blocks.sum(axis=(2, 4)),)

    return back


family = Family(upsample, upsample_way(), normal(2, 3, 4), "sums on the way back")
family.wrong("the first of four only", upsample_way(first=True))
family.wrong("a mean for the sum", upsample_way(share=0.25))


def log_cumulative(X: Array) -> Array:
    """Y = log of the running sum of exp(X)."""
    Y: Array = np.logaddexp.accumulate(X, axis=-1)
    return Y


def log_cumulative_way(*, weighted: bool = True) -> Back:
    """The way back: each step's share in all later sums."""

    def back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
        d = X.shape[-1]
        share = np.exp(X[..., :, np.newaxis] - Y[..., np.newaxis, :]) * np.triu(np.ones((d, d)))
        if not weighted:
            share = np.triu(np.ones((d, d))) / np.arange(1, d + 1) + 0 * share
        dX: Array = (share * grad[..., np.newaxis, :]).sum(axis=-1)
        return (dX,)

    return back


family = Family(log_cumulative, log_cumulative_way(), normal(3, 5), "running sums of exponentials")
family.wrong("equal shares", log_cumulative_way(weighted=False))


def median(X: Array) -> Array:
    """The median of each row, the lower of two."""
    Y: Array = np.sort(X, axis=-1)[..., (X.shape[-1] - 1) // 2]
    return Y


def median_way(*, place: int = 0) -> Back:
    """The way back: all to the one in the middle."""

    def back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
        order = np.argsort(X, axis=-1, kind="stable")
        dX = np.zeros_like(X)
        middle = order[:, [(X.shape[-1] - 1) // 2 + place]]
        np.put_along_axis(dX, middle, grad[:, np.newaxis], axis=-1)
        return (dX,)

    return back


family = Family(median, median_way(), normal(4, 5), "one of five")
family.wrong("the one above the middle", median_way(place=1))
ADVANCED.append(
    Case(
        "right: median of tied rows",
        "advanced",
        at(median, around(0, 1, 2, shape=(5, 5)), median_way()),
        "right",
        "a limit of gradients nearby: each of the tied ones may have it all",
    )
)


def determinant(X: Array) -> Array:
    """Y = det X for each matrix of X (n, d, d)."""
    Y: Array = np.linalg.det(X)
    return Y


def determinant_way(*, transposed: bool = True) -> Back:
    """Jacobi's formula: dY = Y tr(X⁻¹ dX)."""

    def back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
        inverse = np.linalg.inv(X)
        return (
            (grad * Y)[:, np.newaxis, np.newaxis]
            * (inverse.swapaxes(-1, -2) if transposed else inverse),
        )

    return back


family = Family(determinant, determinant_way(), normal(4, 3, 3), "Jacobi's formula")
family.wrong("not transposed", determinant_way(transposed=False), hint="transpose")


# An answer that is found by iterating ------------------------------------------------------------


class FixedPoint(Layer[Array, Array]):
    """Y = tanh(X + Y W), iterated to the given tolerance; back by the implicit function theorem.

    With D the slopes of tanh at the solution, dL/dA solves A = grad D + A Wᵀ D. `phantom` takes
    one step for the solution, as some papers do to save time.
    """

    def __init__(self, W: Array, tolerance: float, *, phantom: bool = False) -> None:
        self.W, self.tolerance, self.phantom = Parameter(W), tolerance, phantom

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y, by iteration."""
        W = self.W.value
        Y, change = np.zeros_like(X), 1.0
        while change > self.tolerance:
            following = np.tanh(X + Y @ W)
            change = float(np.abs(following - Y).max())
            Y = following
        solution = Y

        def backward(grad: Array) -> Array:
            D = 1 - solution * solution
            dA = grad * D
            rounds = 1 if self.phantom else 200
            for _ in range(rounds):
                dA = (grad + dA @ W.T) * D
            self.W.add_grad(solution.T @ dA)
            return dA

        return Y, backward


def contraction(rng: np.random.Generator) -> Array:
    """A matrix of spectral norm 1/2."""
    W = rng.standard_normal((4, 4))
    return W / (2 * np.linalg.norm(W, 2))


right(
    "FixedPoint to 1e-14",
    lambda rng: FixedPoint(contraction(rng), 1e-14),
    normal(5, 4),
    "the number of steps depends on X",
)
right(
    "FixedPoint to 1e-10",
    lambda rng: FixedPoint(contraction(rng), 1e-10),
    normal(5, 4),
    "the answer carries more noise than rounding",
)
wrong(
    "FixedPoint with one step back",
    lambda rng: FixedPoint(contraction(rng), 1e-14, phantom=True),
    normal(5, 4),
    "one step where the solution belongs",
)


# Random numbers inside a formula, tuples ---------------------------------------------------------


class Sampled(Layer[Array, Array]):
    """Y = μ + exp(s) N, (μ, s) the halves of X: the reparameterization of Kingma and Welling."""

    def __init__(self, rng: np.random.Generator, *, noise: bool = True) -> None:
        self.rng, self.noise = rng, noise

    def __call__(self, X: Array, /) -> Array:
        """Y = μ."""
        return np.split(X, 2, axis=-1)[0].copy()

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = μ + exp(s) N."""
        mu, s = np.split(X, 2, axis=-1)
        N = self.rng.standard_normal(mu.shape)
        E = np.exp(s)

        def backward(grad: Array) -> Array:
            return np.concatenate([grad, grad * E * (N if self.noise else 1)], axis=-1)

        return mu + E * N, backward


class Gated(Layer[tuple[Array, Array], Array]):
    """Y = A X for a gate A (n, 1) and X (n, d): the gate is broadcast."""

    def __init__(self, *, mean: bool = False) -> None:
        self.mean = mean

    def forward(
        self, X: tuple[Array, Array], /
    ) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
        """Y = A X."""
        A, B = X

        def backward(grad: Array) -> tuple[Array, Array]:
            products = grad * B
            dA: Array = (products.mean if self.mean else products.sum)(axis=1, keepdims=True)
            return dA, grad * A

        return A * B, backward


class Picked(Layer[tuple[Array, NDArray[Any]], Array]):
    """Y = the entry of each row of X that an integer names."""

    def __init__(self, *, shift: int = 0) -> None:
        self.shift = shift

    def forward(
        self, X: tuple[Array, NDArray[Any]], /
    ) -> tuple[Array, Callable[[Array], tuple[Array, NDArray[Any]]]]:
        """Y = X[i, pickᵢ]."""
        A, pick = X
        rows = np.arange(len(A))

        def backward(grad: Array) -> tuple[Array, NDArray[Any]]:
            dA = np.zeros_like(A)
            dA[rows, (pick + self.shift) % A.shape[1]] = grad
            return dA, np.zeros_like(pick)

        return A[rows, pick], backward


def gate_and_values(rng: np.random.Generator) -> Any:
    return rng.standard_normal((4, 1)), rng.standard_normal((4, 3))


def values_and_picks(rng: np.random.Generator) -> Any:
    return rng.standard_normal((5, 4)), rng.integers(0, 4, 5)


right("Sampled", Sampled, normal(4, 6), "random numbers in a product")
right("Gated", lambda rng: Gated(), gate_and_values, "two inputs, one broadcast")
right("Picked", lambda rng: Picked(), values_and_picks, "numbers and integers")
wrong(
    "Sampled: the noise is missing",
    lambda rng: Sampled(rng, noise=False),
    normal(4, 6),
    "dL/ds without N",
)
wrong(
    "Gated: a mean for the sum", lambda rng: Gated(mean=True), gate_and_values, "1/d on one input"
)
wrong("Picked: the next one", lambda rng: Picked(shift=1), values_and_picks, "off by one")


# As users hand them in ---------------------------------------------------------------------------


def small_network(rng: np.random.Generator) -> Sequential[Array]:
    return Sequential(Dense(4, 6, rng=rng), Tanh(), Dense(6, 3, rng=rng))


def trained(rng: np.random.Generator) -> Sequential[Array]:
    """An optimizer has packed the parameters and made a step."""
    network = small_network(rng)
    optimizer = Adam(network.parameters(), learning_rate=0.01)
    _, backward = network.forward(rng.standard_normal((5, 4)))
    backward(rng.standard_normal((5, 3)))
    optimizer.step()
    return network


def halfway(rng: np.random.Generator) -> Sequential[Array]:
    """Gradients are waiting for their step."""
    network = small_network(rng)
    SGD(network.parameters(), learning_rate=0.01)
    _, backward = network.forward(rng.standard_normal((5, 4)))
    backward(rng.standard_normal((5, 3)))
    return network


def spent(rng: np.random.Generator) -> Sequential[Array]:
    """The gradients have overflowed before."""
    network = small_network(rng)
    for p in network.parameters():
        p.grad.fill(np.nan)
        p.has_grad = True
    return network


def _as_single(network: Sequential[Array]) -> Sequential[Array]:
    """The same numbers in a float32 network that an optimizer holds."""
    copied = Sequential(Dense(4, 6, dtype=np.float32), Tanh(), Dense(6, 3, dtype=np.float32))
    for p, q in zip(copied.parameters(), network.parameters(), strict=True):
        p.value = q.value
    SGD(copied.parameters(), learning_rate=0.1)
    return copied


def everything(rng: np.random.Generator) -> Sequential[Any]:
    """Integers in, and state, randomness, kinks and a way around inside."""
    around_it = Residual(Sequential(Dense(4, 4, rng=rng), BatchNorm(4), ReLU(), Dropout(0.2, rng)))
    return Sequential(Embedding(rng.standard_normal((9, 4))), around_it, Dense(4, 2, rng=rng))


right("a network that an optimizer holds", trained, normal(5, 4), "parameters are views")
right("a network with gradients waiting", halfway, normal(5, 4), "gradients are not 0")
right("a network whose gradients are NaN", spent, normal(5, 4), "from an earlier overflow")
right("everything at once", everything, lambda rng: rng.integers(0, 9, 7), "all kinds of layers")
right(
    "Dense of booleans",
    lambda rng: Dense(4, 3, rng=rng),
    lambda rng: rng.random((5, 4)) < 0.5,
    "converted, without a gradient",
)
right(
    "a network in float32 after a step",
    lambda rng: _as_single(trained(rng)),
    single(normal(5, 4)),
    "float32 views",
)


class Formulas(Layer[Array, Array]):
    """Y = f(X) with numpy set to raise at what is not defined."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = √X log X."""
        with np.errstate(all="raise"):
            root, log = np.sqrt(X), np.log(X)

        def backward(grad: Array) -> Array:
            return grad * (0.5 * log + 1) / root

        return root * log, backward


right(
    "a layer that raises FloatingPointError",
    lambda rng: Formulas(),
    positive(4, 3),
    "beyond its domain, as numpy can be told to",
)

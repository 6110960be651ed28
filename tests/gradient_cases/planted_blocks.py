"""Planted mistakes in blocks of several layers: gates, heads, pooling, means over several axes."""

from typing import Any

import numpy as np

from layerwise import Array, Layer, Parameter, sigmoid, softmax
from tests.gradient_cases.formulas import EPSILON, Back
from tests.gradient_cases.planted import Change, plant, spoiled
from tests.gradient_cases.points import Draw, at, layer_at, normal

# Means over several axes -------------------------------------------------------------------------

IMAGE: Any = (0, 1, 2)  # all but the channels


def image_norm(X: Array, gamma: Array, beta: Array) -> Array:
    """Y = γ Z + β, with Z of mean 0 and deviation 1 in each channel of (n, h, w, c)."""
    centered = X - X.mean(axis=IMAGE)
    s = np.sqrt((centered**2).mean(axis=IMAGE) + EPSILON)
    Y: Array = gamma * centered / s + beta
    return Y


def image_norm_way(mean: Any, variance: float = 1.0) -> Back:
    """The way back, with what is subtracted as the mean given."""

    def back(grad: Array, X: Array, Y: Array, gamma: Array, beta: Array) -> tuple[Array, ...]:
        centered = X - X.mean(axis=IMAGE)
        s = np.sqrt((centered**2).mean(axis=IMAGE) + EPSILON)
        Z, dZ = centered / s, grad * gamma
        dX = (dZ - mean(dZ) - variance * Z * (dZ * Z).mean(axis=IMAGE)) / s
        return dX, (grad * Z).sum(axis=IMAGE), grad.sum(axis=IMAGE)

    return back


def normed(what: str, back: Back, *words: str) -> None:
    P: dict[str, Draw] = {"gamma": normal(3), "beta": normal(3)}
    plant(f"image norm: {what}", at(image_norm, normal(2, 3, 4, 3), back, **P), *words)


normed("no mean", image_norm_way(lambda dZ: 0), "missing mean", "axes 0, 1 and 2")
normed("a sum for the mean", image_norm_way(lambda dZ: dZ.sum(axis=IMAGE)), "a sum for a mean")
normed(
    "a mean over n alone", image_norm_way(lambda dZ: dZ.mean(axis=0)), "the same all along axis 0"
)
normed(
    "no variance",
    image_norm_way(lambda dZ: dZ.mean(axis=IMAGE), 0),
    "one number",
    "axes 0, 1 and 2",
)
normed("neither", image_norm_way(lambda dZ: 0, 0), "constants", "axes 0, 1 and 2")
normed("no 1/s",
       spoiled(image_norm_way(lambda dZ: dZ.mean(axis=IMAGE)), 0,
               lambda g, grad, X, *_: g * 2 * X.std(axis=IMAGE)),
       "each index of axis 3")  # fmt: skip


# Gates -------------------------------------------------------------------------------------------


def highway(X: Array, W: Array, V: Array) -> Array:
    """Y = T tanh(X W) + (1 − T) X with T = σ(X V)."""
    T = sigmoid(X @ V)
    return T * np.tanh(X @ W) + (1 - T) * X


def highway_way(*, carry: bool = True, gate: bool = True) -> Back:
    """The way back, with or without the carry and the gate's own way."""

    def back(grad: Array, X: Array, Y: Array, W: Array, V: Array) -> tuple[Array, ...]:
        T, H = sigmoid(X @ V), np.tanh(X @ W)
        dH, dT = grad * T * (1 - H * H), grad * (H - X) * T * (1 - T)
        dX = dH @ W.T + gate * (dT @ V.T) + carry * grad * (1 - T)
        return dX, X.T @ dH, X.T @ dT

    return back


SQUARES: dict[str, Draw] = {"W": normal(4, 4), "V": normal(4, 4)}
plant("highway: no carry", at(highway, normal(5, 4), highway_way(carry=False), **SQUARES),
      "straight from each entry")  # fmt: skip
plant("highway: nothing through T",
      at(highway, normal(5, 4), highway_way(gate=False), **SQUARES),
      "what backward returns")  # fmt: skip


def residual(X: Array, W: Array) -> Array:
    """Y = X + tanh(X W)."""
    Y: Array = X + np.tanh(X @ W)
    return Y


def residual_way(around: float, inside: float = 1.0, *, turned: bool = False) -> Back:
    def back(grad: Array, X: Array, Y: Array, W: Array) -> tuple[Array, ...]:
        dA = grad * (1 - (Y - X) ** 2)
        return inside * (dA @ (W if turned else W.T)) + around * grad, X.T @ dA

    return back


for name, back, words in (
    ("twice around", residual_way(2), "too much, or has to be subtracted: grad itself"),
    ("nothing around", residual_way(0), "identity path"),
    ("nothing inside", residual_way(1, 0), "grad as it came"),
    ("W for Wᵀ", residual_way(1, turned=True), "P.W.T for P.W"),
):
    plant(f"residual dense: {name}", at(residual, normal(5, 4), back, W=normal(4, 4)), words)


class GRU(Layer[Array, Array]):
    """Hₜ = (1 − Z) C + Z Hₜ₋₁ with gates Z, R and C = tanh(a + R u), a = Xₜ W + b, u = Hₜ₋₁ U."""

    def __init__(self, rng: np.random.Generator, gates: Change, *, through: str = "ZU") -> None:
        self.W = Parameter(rng.standard_normal((2, 9)))
        self.U = Parameter(rng.standard_normal((3, 9)))
        self.b = Parameter(rng.standard_normal(9))
        self.gates, self.through = gates, through

    def forward(self, X: Array, /) -> Any:
        W, U, b = self.W.value, self.U.value, self.b.value
        H = np.zeros((len(X), 3))
        steps = []
        for t in range(X.shape[1]):
            a, u = X[:, t] @ W + b, H @ U
            Z, R = (sigmoid((a + u)[:, i : i + 3]) for i in (0, 3))
            C = np.tanh(a[:, 6:] + R * u[:, 6:])
            steps.append((Z, R, C, u[:, 6:], H))
            H = (1 - Z) * C + Z * H

        def backward(grad: Array) -> Array:
            dX, dH = np.zeros_like(X), np.zeros_like(H)
            for t in reversed(range(len(steps))):
                Z, R, C, u, before = steps[t]
                dH = dH + grad[:, t]
                dZ, dC = dH * (before - C) * Z * (1 - Z), dH * (1 - Z) * (1 - C * C)
                da = np.concatenate(self.gates(dZ, dC * u * R * (1 - R), dC), axis=1)
                du = np.concatenate([da[:, :6], da[:, 6:] * R], axis=1)
                dX[:, t] = da @ W.T
                self.W.add_grad(X[:, t].T @ da)
                self.U.add_grad(before.T @ du)
                self.b.add_grad(da.sum(axis=0))
                dH = ("Z" in self.through) * dH * Z + ("U" in self.through) * (du @ U.T)
            return dX

        return np.stack([*(step[-1] for step in steps[1:]), H], axis=1), backward


def gru(what: str, gates: Change, *words: str, through: str = "ZU") -> None:
    make = layer_at(lambda rng: GRU(rng, gates, through=through), normal(3, 5, 2))
    plant(f"GRU: {what}", make, *words)


def as_is(*gates: Array) -> tuple[Array, ...]:
    return gates


gru("Z negated", lambda z, r, c: (-z, r, c), "wrong sign", "indices 0 to 2 of axis 1")
gru("Z and R exchanged", lambda z, r, c: (r, z, c), "exchanged", "indices 3 to 5")
gru("nothing through U", as_is, "later", "hidden state", through="Z")
gru("nothing past the gates", as_is, "later", "hidden state", through="U")


# Heads and pooling -------------------------------------------------------------------------------


def heads(X: Array, Wq: Array, Wk: Array, Wv: Array, Wo: Array) -> Array:
    """Y = the two heads of softmax(Q Kᵀ / √3) V side by side, times Wo, for X (n, t, 6)."""
    Q, K, V = (split(X @ W) for W in (Wq, Wk, Wv))
    return joined(softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(3)) @ V) @ Wo


def split(X: Array) -> Array:
    n, t, _ = X.shape
    return X.reshape(n, t, 2, 3).transpose(0, 2, 1, 3)


def joined(H: Array) -> Array:
    n, h, t, d = H.shape
    return H.transpose(0, 2, 1, 3).reshape(n, t, h * d)


def heads_way(*, total: bool = True, scale: float = 3.0, ways: str = "QKV") -> Back:
    def back(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
        Wq, Wk, Wv, Wo = P
        Q, K, V = (split(X @ W) for W in (Wq, Wk, Wv))
        A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(3))
        dH = split(grad @ Wo.T)
        dA = dH @ V.swapaxes(-1, -2)
        dS = A * (dA - total * (A * dA).sum(axis=-1, keepdims=True)) / np.sqrt(scale)
        found = {"Q": dS @ K, "K": dS.swapaxes(-1, -2) @ Q, "V": A.swapaxes(-1, -2) @ dH}
        d = {way: joined(dZ) for way, dZ in found.items()}
        weights = {"Q": Wq, "K": Wk, "V": Wv}
        dX = sum(d[way] @ weights[way].T for way in ways)
        products = [(X, d["Q"]), (X, d["K"]), (X, d["V"]), (joined(A @ V), grad)]
        return np.asarray(dX), *(np.einsum("nti,ntj->ij", L, R) for L, R in products)

    return back


def head(what: str, back: Back, *words: str) -> None:
    P: dict[str, Draw] = {name: normal(6, 6, scale=0.6) for name in ("Wq", "Wk", "Wv", "Wo")}
    plant(f"two heads: {what}", at(heads, normal(3, 4, 6), back, **P), *words)


head("no sum in the softmax", heads_way(total=False), "two numbers", "softmax")
head("no 1/√3", heads_way(scale=1), "the square root of 3", "P.Wq, P.Wk")
head("nothing to X through K", heads_way(ways="QV"), "what backward returns")


def windows(X: Array) -> Array:
    """Y = the means of three steps of (n, t, d), every second time."""
    return np.stack([X[:, t : t + 3].mean(axis=1) for t in range(0, X.shape[1] - 2, 2)], axis=1)


def windows_way(stride: int, share: float) -> Back:
    def back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
        dX = np.zeros_like(X)
        for t in range(grad.shape[1]):
            dX[:, stride * t : stride * t + 3] += share * grad[:, t : t + 1]
        return (dX,)

    return back


plant("windows: no stride", at(windows, normal(3, 7, 2), windows_way(1, 1 / 3)),
      "answer j of 2j to 2j + 2", "to j to j + 2")  # fmt: skip
plant("windows: no share", at(windows, normal(3, 7, 2), windows_way(2, 1)), "factor 3")


def depthwise(X: Array, W: Array) -> Array:
    """Yₜ = Σₖ Wₖ Xₜ₊ₖ in each channel of (n, t, c)."""
    T = X.shape[1] - len(W) + 1
    return np.asarray(sum(W[k] * X[:, k : k + T] for k in range(len(W))))


def depthwise_back(grad: Array, X: Array, Y: Array, W: Array) -> tuple[Array, ...]:
    """The weights are left out on the way to X."""
    dX, T = np.zeros_like(X), Y.shape[1]
    for k in range(len(W)):
        dX[:, k : k + T] += grad
    dW = [(X[:, k : k + T] * grad).sum(axis=(0, 1)) for k in range(len(W))]
    return dX, np.stack(dW)


plant(
    "depthwise: no W",
    at(depthwise, normal(3, 6, 4), depthwise_back, W=normal(3, 4)),
    "such as a weight",
)

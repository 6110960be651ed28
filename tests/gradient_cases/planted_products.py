"""Planted mistakes whose cause is a product of grad with something that forward has computed."""

from collections.abc import Callable
from typing import Any

import numpy as np

from layerwise import Array, Layer, Parameter, sigmoid, softmax
from tests.gradient_cases.planted import plant
from tests.gradient_cases.points import Draw, at, layer_at, normal, positive


class Keeping(Layer[Any, Array]):
    """Y, H = f(X, P₁, …): H is kept for `back(grad, X, H, P₁, …)`."""

    def __init__(self, f: Callable[..., Any], back: Callable[..., Any], **P: Array) -> None:
        self.f, self.back, self.P = f, back, {n: Parameter(value) for n, value in P.items()}

    def forward(self, X: Any, /) -> tuple[Array, Callable[[Array], Any]]:
        values = [parameter.value for parameter in self.P.values()]
        Y, H = self.f(X, *values)

        def backward(grad: Array) -> Any:
            dX, *dP = self.back(grad, X, H, *values)
            for parameter, gradient in zip(self.P.values(), dP, strict=True):
                parameter.add_grad(gradient)
            return dX

        return Y, backward


def keep(
    name: str, f: Callable[..., Any], back: Callable[..., Any], X: Draw, *words: str, **P: Draw
) -> None:
    """A case of such a layer."""

    def make(rng: np.random.Generator) -> Layer[Any, Any]:
        return Keeping(f, back, **{n: draw(rng) for n, draw in P.items()})

    plant(name, layer_at(make, X), *words)


# A factor ----------------------------------------------------------------------------------------


def two_layers(X: Array, W: Array, V: Array) -> tuple[Array, Array]:
    """Y = tanh(X W) V."""
    H = np.tanh(X @ W)
    return H @ V, H


def no_slope(grad: Array, X: Array, H: Array, W: Array, V: Array) -> tuple[Array, ...]:
    dH = grad @ V.T
    return (dH * (1 - H * H)) @ W.T, X.T @ dH, H.T @ grad


def no_slope_to_x(grad: Array, X: Array, H: Array, W: Array, V: Array) -> tuple[Array, ...]:
    dH = grad @ V.T
    return dH @ W.T, X.T @ (dH * (1 - H * H)), H.T @ grad


TWO: dict[str, Draw] = {"W": normal(4, 3, scale=3.0), "V": normal(3, 3)}
keep("two layers: no slope, H kept", two_layers, no_slope, normal(6, 4),
     "P.W", "leaves out 1 - H * H", **TWO)  # fmt: skip
keep("two layers: no slope on the way to X", two_layers, no_slope_to_x, normal(6, 4),
     "leaves out 1 - H * H", "before it goes back through P.W", **TWO)  # fmt: skip


def softplus(X: Array, W: Array) -> tuple[Array, Array]:
    """Y = log(1 + exp(X W))."""
    H = X @ W
    return np.logaddexp(0, H), H


def slope_at_y(grad: Array, X: Array, H: Array, W: Array) -> tuple[Array, ...]:
    d = grad * sigmoid(np.logaddexp(0, H))
    return d @ W.T, X.T @ d


keep("softplus: the slope at Y", softplus, slope_at_y, normal(6, 4),
     "sigmoid(H) is left out, or sigmoid(Y) is in its place", W=normal(4, 3))  # fmt: skip


def rectified(X: Array, W: Array, V: Array) -> tuple[Array, Array]:
    """Y = relu(X W) V."""
    H = X @ W
    return np.maximum(H, 0) @ V, H


def mask_of_x(grad: Array, X: Array, H: Array, W: Array, V: Array) -> tuple[Array, ...]:
    d = (grad @ V.T) * (X > 0)
    return d @ W.T, X.T @ d, np.maximum(H, 0).T @ grad


keep("relu inside: the mask of X", rectified, mask_of_x, normal(7, 4),
     "P.W", "H > 0 is left out, or X > 0 is in its place",
     W=normal(4, 4), V=normal(4, 3))  # fmt: skip


def sharpened(X: Array, s: Array) -> tuple[Array, Array]:
    """Y = softmax(exp(s) X)."""
    Y = softmax(np.exp(s) * X)
    return Y, Y


def no_sharpness(grad: Array, X: Array, Y: Array, s: Array) -> tuple[Array, ...]:
    d = Y * (grad - (grad * Y).sum(axis=1, keepdims=True))
    return d, (d * X).sum(keepdims=True).reshape(1) * np.exp(s)


keep("sharpened softmax: exp(s) forgotten", sharpened, no_sharpness, normal(5, 4),
     "which is 1 / exp(P.s)", s=positive(1))  # fmt: skip

# A summand ---------------------------------------------------------------------------------------


def shared(X: Array, V: Array, c: Array) -> tuple[Array, Array]:
    """Y = tanh(X + c) V + c."""
    H = np.tanh(X + c)
    return H @ V + c, H


def second_use(grad: Array, X: Array, H: Array, V: Array, c: Array) -> tuple[Array, ...]:
    return (grad @ V.T) * (1 - H * H), H.T @ grad, grad.sum(axis=0)


keep("shared bias: the second use alone", shared, second_use, normal(6, 4),
     "P.c", "a summand is missing: add sum(grad * P.V * (1 - H * H))",
     V=normal(4, 4), c=normal(4))  # fmt: skip


def rms(X: Array) -> tuple[Array, Array]:
    """Y = X / √(mean X²)."""
    H = np.sqrt((X * X).mean(axis=1, keepdims=True))
    return X / H, H


def rms_back(many: float) -> Callable[[Array, Array, Array], tuple[Array]]:
    def back(grad: Array, X: Array, H: Array) -> tuple[Array]:
        Y = X / H
        return ((grad - many * Y * (grad * Y).mean(axis=1, keepdims=True)) / H,)

    return back


keep("rms_norm: a sum for the mean", rms, rms_back(4.0), normal(6, 4),
     "Y * (1 / H) * sum(grad * Y)", "a sum stands for a mean")  # fmt: skip
keep("rms_norm: plus for minus", rms, rms_back(-1.0), normal(6, 4),
     "has the wrong sign", "-2.000 * Y * (1 / H) * mean(grad * Y)")  # fmt: skip


def rows(rng: np.random.Generator) -> Any:
    return rng.standard_normal((6, 4)), np.array([0, 3, 1, 1, 0, 2])


def cross_entropy(X: Any) -> tuple[Array, Array]:
    """Yₙ = −log softmax(A)[n, yₙ]."""
    H = softmax(X[0])
    return -np.log(H[np.arange(len(H)), X[1]]), H


def no_target(grad: Array, X: Any, H: Array) -> tuple[Any]:
    return ((H * grad[:, np.newaxis], np.zeros_like(X[1])),)


plant("cross entropy: the target forgotten",
      layer_at(lambda rng: Keeping(cross_entropy, no_target), rows),
      "subtracted: grad * onehot(X[1])")  # fmt: skip


def gelu(X: Array) -> Array:
    Y: Array = 0.5 * X * (1 + np.tanh(0.8 * (X + 0.045 * X**3)))
    return Y


def no_cubic(grad: Array, X: Array, Y: Array) -> tuple[Array]:
    T = np.tanh(0.8 * (X + 0.045 * X**3))
    return (grad * (0.5 * (1 + T) + 0.4 * X * (1 - T * T)),)


plant("gelu: the cubic's slope forgotten", at(gelu, normal(6, 5), no_cubic),
      "grad * X * X * X * (Y / X) * (1 - Y / X)")  # fmt: skip


def gated(X: Array, W: Array) -> tuple[Array, Array]:
    """Y = X σ(X W)."""
    H = sigmoid(X @ W)
    return X * H, H


def no_gate(grad: Array, X: Array, H: Array, W: Array) -> tuple[Array, ...]:
    d = grad * X * H * (1 - H)
    return grad + d @ W.T, X.T @ d


keep("gate: not on the way around", gated, no_gate, normal(6, 4),
     "subtracted: grad * (1 - H) (as where one has H too little", W=normal(4, 4))  # fmt: skip

# In another order --------------------------------------------------------------------------------


def mixed(X: Array, W: Array) -> tuple[Array, Array]:
    """Y = P X W with the rows of P a softmax of places."""
    H = np.broadcast_to(softmax(3 * np.sin(np.arange(16.0)).reshape(4, 4)), (len(X), 4, 4)).copy()
    return H @ X @ W, H


def not_turned(grad: Array, X: Array, H: Array, W: Array) -> tuple[Array, ...]:
    return H @ grad @ W.T, np.einsum("nti,ntj->ij", H @ X, grad)


keep("mixed steps: H for Hᵀ", mixed, not_turned, normal(3, 4, 2),
     "right with H with axes 1 and 2 exchanged", W=normal(2, 3))  # fmt: skip


def placed(X: Array, s: Array) -> tuple[Array, None]:
    """Y = X s, a number for each step and column."""
    return X * s, None


keep("placed: the next step's s", placed,
     lambda grad, X, H, s: (grad * np.roll(s, -1, axis=0), (grad * X).sum(axis=0)),
     normal(5, 4, 3), "right with P.s shifted by 1 along axis 0", s=normal(4, 3))  # fmt: skip


def taps(X: Array, w: Array) -> tuple[Array, None]:
    """Y[t] = Σ w[k] X[t + 2 k]."""
    n = X.shape[1] - 4
    return sum(w[k] * X[:, 2 * k : 2 * k + n] for k in range(3)), None


def near_taps(grad: Array, X: Array, H: None, w: Array) -> tuple[Array, ...]:
    n, dX = grad.shape[1], np.zeros_like(X)
    for k in range(3):
        dX[:, k : k + n] += w[k] * grad
    return dX, np.array([(grad * X[:, 2 * k : 2 * k + n]).sum() for k in range(3)])


keep("taps: not dilated", taps, near_taps, normal(3, 9),
     "answer j of j, j + 2, j + 4", "to j to j + 2: a stride", w=normal(3))  # fmt: skip


def mean(X: Array) -> tuple[Array, None]:
    """Y = the mean over height and width."""
    return X.mean(axis=(1, 2)), None


def first_pixel(grad: Array, X: Array, H: None) -> tuple[Array]:
    dX = np.zeros_like(X)
    dX[:, 0, 0] = grad
    return (dX,)


keep("mean of pixels: all to the first", mean, first_pixel, normal(2, 3, 4, 2),
     "only the first index of axes 1 and 2 counts")  # fmt: skip


def hinge(X: Any) -> tuple[Array, Array]:
    """Yₙ = Σ max(0, 1 + X[n, k] − X[n, 0])."""
    H = (1 + X - X[:, :1] > 0)[:, 1:]
    return ((1 + X - X[:, :1])[:, 1:] * H).sum(axis=1), H


def no_margin(grad: Array, X: Array, H: Array) -> tuple[Array]:
    dX = np.ones_like(X)
    dX[:, 0] = -3
    return (dX * grad[:, np.newaxis],)


keep("hinge: the margin not applied", hinge, no_margin, normal(6, 4),
     "does not depend on the element", "a mask or choice")  # fmt: skip

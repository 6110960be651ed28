"""Right formulas: each Y = f(X, P₁, P₂, …) beside its way back, checked by hand.

`f_back(grad, X, Y, P₁, P₂, …)` returns (dL/dX, dL/dP₁, dL/dP₂, …). Most right layers are made of
these, and most wrong ones by putting a wrong way back beside the same f.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from layerwise import Array, Layer, Parameter, sigmoid, softmax
from layerwise.arrays import as_floating

Forward = Callable[..., Array]
Back = Callable[..., Sequence[Array]]


class Formula(Layer[Array, Array]):
    """Y = f(X, P₁, P₂, …); `back` gives the gradients in the same order."""

    def __init__(self, f: Forward, back: Back, **parameters: Array) -> None:
        self.f, self.back = f, back
        self.P = {name: Parameter(value) for name, value in parameters.items()}

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = f(X, P₁, …)."""
        for parameter in self.P.values():
            X = as_floating(X, "Formula: X", parameter.dtype)
        values = [parameter.value for parameter in self.P.values()]
        Y = self.f(X, *values)

        def backward(grad: Array) -> Array:
            dX, *dP = self.back(grad, X, Y, *values)
            for parameter, gradient in zip(self.P.values(), dP, strict=True):
                parameter.add_grad(gradient)
            return dX

        return Y, backward

    def __repr__(self) -> str:
        return f"Formula({self.f.__name__}, {self.back.__name__})"


class Elementwise(Layer[Array, Array]):
    """Y = f(X), entry by entry; dL/dX = grad f'(X)."""

    def __init__(self, f: Callable[[Array], Array], slope: Callable[[Array], Array]) -> None:
        self.f, self.slope = f, slope

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = f(X)."""

        def backward(grad: Array) -> Array:
            dX: Array = grad * self.slope(X)
            return dX

        return self.f(X), backward


# Products ----------------------------------------------------------------------------------------


def dense(X: Array, W: Array, b: Array) -> Array:
    """Y = X W + b."""
    Y: Array = X @ W + b
    return Y


def dense_back(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    return grad @ W.T, X.T @ grad, grad.sum(axis=0)


def dense_nd(X: Array, W: Array, b: Array) -> Array:
    """Y = X W + b over the last axis of an X of any rank."""
    return dense(X, W, b)


def dense_nd_back(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    rows, out = X.reshape(-1, X.shape[-1]), grad.reshape(-1, grad.shape[-1])
    return grad @ W.T, rows.T @ out, out.sum(axis=0)


def gated(X: Array, V: Array, W: Array) -> Array:
    """Y = (X V) σ(X W): a gated linear unit."""
    return (X @ V) * sigmoid(X @ W)


def gated_back(grad: Array, X: Array, Y: Array, V: Array, W: Array) -> tuple[Array, ...]:
    S = sigmoid(X @ W)
    left, right = grad * S, grad * (X @ V) * S * (1 - S)
    return left @ V.T + right @ W.T, X.T @ left, X.T @ right


def difference_of_squares(X: Array, V: Array, W: Array) -> Array:
    """Y = (X V)² − (X W)²."""
    return (X @ V) ** 2 - (X @ W) ** 2


def difference_of_squares_back(
    grad: Array, X: Array, Y: Array, V: Array, W: Array
) -> tuple[Array, ...]:
    left, right = 2 * grad * (X @ V), -2 * grad * (X @ W)
    return left @ V.T + right @ W.T, X.T @ left, X.T @ right


def bilinear(X: Array, A: Array) -> Array:
    """Yₖ = Xᵀ Aₖ X for each row of X; A has shape (k, d, d)."""
    Y: Array = np.einsum("ni,kij,nj->nk", X, A, X)
    return Y


def bilinear_back(grad: Array, X: Array, Y: Array, A: Array) -> tuple[Array, ...]:
    dX: Array = np.einsum("nk,kij,nj->ni", grad, A + A.transpose(0, 2, 1), X)
    return dX, np.einsum("nk,ni,nj->kij", grad, X, X)


def outer(X: Array) -> Array:
    """Yᵢⱼ = Xᵢ Xⱼ for each row of X."""
    return X[:, :, np.newaxis] * X[:, np.newaxis, :]


def outer_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (((grad + grad.transpose(0, 2, 1)) @ X[:, :, np.newaxis])[:, :, 0],)


def affine(X: Array, a: Array, b: Array) -> Array:
    """Y = a X + b with a and b of one column each."""
    return X * a + b


def affine_back(grad: Array, X: Array, Y: Array, a: Array, b: Array) -> tuple[Array, ...]:
    axes = tuple(range(X.ndim - 1))
    return grad * a, (grad * X).sum(axis=axes), grad.sum(axis=axes)


def scaled(X: Array, a: Array) -> Array:
    """Y = a X with a single number a."""
    return X * a


def scaled_back(grad: Array, X: Array, Y: Array, a: Array) -> tuple[Array, ...]:
    return grad * a, np.asarray((grad * X).sum()).reshape(a.shape)


def power(X: Array, p: Array) -> Array:
    """Y = X^p for positive X, with a single number p."""
    Y: Array = X**p
    return Y


def power_back(grad: Array, X: Array, Y: Array, p: Array) -> tuple[Array, ...]:
    return grad * p * Y / X, np.asarray((grad * Y * np.log(X)).sum()).reshape(p.shape)


def prelu(X: Array, a: Array) -> Array:
    """Y = X where X > 0, else a X, with a slope a for each column."""
    return np.where(X > 0, X, a * X)


def prelu_back(grad: Array, X: Array, Y: Array, a: Array) -> tuple[Array, ...]:
    axes = tuple(range(X.ndim - 1))
    return np.where(X > 0, grad, a * grad), np.where(X > 0, 0, grad * X).sum(axis=axes)


def polynomial(X: Array, c: Array) -> Array:
    """Y = c₀ + c₁ X + c₂ X² and so on."""
    Y = np.zeros_like(X)
    for coefficient in c[::-1]:
        Y = Y * X + coefficient
    return Y


def polynomial_back(grad: Array, X: Array, Y: Array, c: Array) -> tuple[Array, ...]:
    powers = np.stack([X**k for k in range(c.size)])
    slope = sum(k * c[k] * powers[k - 1] for k in range(1, c.size))
    return grad * slope, (grad * powers).sum(axis=tuple(range(1, powers.ndim)))


# Normalization -----------------------------------------------------------------------------------

EPSILON = 1e-5


def _standard(X: Array, axis: int) -> tuple[Array, Array]:
    """(X − mean) / s along the axis, and s = sqrt(variance + ε)."""
    centered = X - X.mean(axis=axis, keepdims=True)
    s = np.sqrt((centered * centered).mean(axis=axis, keepdims=True) + EPSILON)
    return centered / s, s


def _standard_back(dZ: Array, Z: Array, s: Array, axis: int) -> Array:
    """(dZ − mean(dZ) − Z mean(dZ Z)) / s. Source: Ioffe and Szegedy (2015), by the chain rule."""
    dX: Array = dZ - dZ.mean(axis=axis, keepdims=True) - Z * (dZ * Z).mean(axis=axis, keepdims=True)
    return dX / s


def standardize(X: Array) -> Array:
    """Each row with mean 0 and deviation 1."""
    return _standard(X, -1)[0]


def standardize_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    Z, s = _standard(X, -1)
    return (_standard_back(grad, Z, s, -1),)


def layer_norm(X: Array, gamma: Array, beta: Array) -> Array:
    """Y = γ Z + β, where Z is X with mean 0 and deviation 1 along the last axis."""
    return gamma * _standard(X, -1)[0] + beta


def layer_norm_back(
    grad: Array, X: Array, Y: Array, gamma: Array, beta: Array
) -> tuple[Array, ...]:
    Z, s = _standard(X, -1)
    axes = tuple(range(X.ndim - 1))
    dX = _standard_back(grad * gamma, Z, s, -1)
    return dX, (grad * Z).sum(axis=axes), grad.sum(axis=axes)


def batch_norm(X: Array, gamma: Array, beta: Array) -> Array:
    """Y = γ Z + β, where Z is X with mean 0 and deviation 1 along the rows."""
    return gamma * _standard(X, 0)[0] + beta


def batch_norm_back(
    grad: Array, X: Array, Y: Array, gamma: Array, beta: Array
) -> tuple[Array, ...]:
    Z, s = _standard(X, 0)
    return _standard_back(grad * gamma, Z, s, 0), (grad * Z).sum(axis=0), grad.sum(axis=0)


def rms_norm(X: Array, gamma: Array) -> Array:
    """Y = γ X / sqrt(mean(X²) + ε) along the last axis."""
    Y: Array = gamma * X / np.sqrt((X * X).mean(axis=-1, keepdims=True) + EPSILON)
    return Y


def rms_norm_back(grad: Array, X: Array, Y: Array, gamma: Array) -> tuple[Array, ...]:
    s = np.sqrt((X * X).mean(axis=-1, keepdims=True) + EPSILON)
    Z, dZ = X / s, grad * gamma
    axes = tuple(range(X.ndim - 1))
    return (dZ - Z * (dZ * Z).mean(axis=-1, keepdims=True)) / s, (grad * Z).sum(axis=axes)


def center(X: Array) -> Array:
    """Y = X − mean(X) along the last axis."""
    Y: Array = X - X.mean(axis=-1, keepdims=True)
    return Y


def center_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad - grad.mean(axis=-1, keepdims=True),)


def center_columns(X: Array) -> Array:
    """Y = X − mean(X) over the rows."""
    Y: Array = X - X.mean(axis=0)
    return Y


def center_columns_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad - grad.mean(axis=0),)


def unit_rows(X: Array) -> Array:
    """Y = X / |X| for each row."""
    Y: Array = X / np.linalg.norm(X, axis=-1, keepdims=True)
    return Y


def unit_rows_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    length = np.linalg.norm(X, axis=-1, keepdims=True)
    return ((grad - Y * (grad * Y).sum(axis=-1, keepdims=True)) / length,)


def cosine(X: Array, W: Array) -> Array:
    """Yᵢₖ = cos(angle between row i of X and column k of W)."""
    return unit_rows(X) @ unit_rows(W.T).T


def cosine_back(grad: Array, X: Array, Y: Array, W: Array) -> tuple[Array, ...]:
    U, V = unit_rows(X), unit_rows(W.T)
    (dX,) = unit_rows_back(grad @ V, X, U)
    (dW,) = unit_rows_back(grad.T @ U, W.T, V)
    return dX, dW.T


# Softmax and reductions --------------------------------------------------------------------------


def softmax_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (Y * (grad - (grad * Y).sum(axis=-1, keepdims=True)),)


def log_softmax(X: Array) -> Array:
    """Y = X − log Σ exp(X) along the last axis."""
    shifted = X - X.max(axis=-1, keepdims=True)
    Y: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return Y


def log_softmax_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad - np.exp(Y) * grad.sum(axis=-1, keepdims=True),)


def logsumexp(X: Array) -> Array:
    """Y = log Σ exp(X) along the last axis, which goes."""
    top = X.max(axis=-1)
    Y: Array = top + np.log(np.exp(X - top[..., np.newaxis]).sum(axis=-1))
    return Y


def logsumexp_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad[..., np.newaxis] * softmax(X),)


def row_mean(X: Array) -> Array:
    """Y = mean(X²) along the last axis, which goes."""
    Y: Array = (X * X).mean(axis=-1)
    return Y


def row_mean_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (2 / X.shape[-1] * grad[..., np.newaxis] * X,)


def distances(X: Array, C: Array) -> Array:
    """Yᵢₖ = |Xᵢ − Cₖ|²."""
    gap = X[:, np.newaxis] - C
    Y: Array = (gap * gap).sum(axis=-1)
    return Y


def distances_back(grad: Array, X: Array, Y: Array, C: Array) -> tuple[Array, ...]:
    pull = 2 * grad[:, :, np.newaxis] * (X[:, np.newaxis] - C)
    return pull.sum(axis=1), -pull.sum(axis=0)


def cumulative(X: Array) -> Array:
    """Y = X₁, X₁ + X₂, … along the last axis."""
    return np.cumsum(X, axis=-1)


def cumulative_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (np.cumsum(grad[..., ::-1], axis=-1)[..., ::-1],)


def cumulative_product(X: Array) -> Array:
    """Y = X₁, X₁ X₂, … along the last axis."""
    return np.cumprod(X, axis=-1)


def cumulative_product_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    (sums,) = cumulative_back(grad * Y, X, Y)
    return (sums / X,)


def sort(X: Array) -> Array:
    """Y = X in ascending order along the last axis."""
    return np.sort(X, axis=-1)


def sort_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    dX = np.empty_like(grad)
    np.put_along_axis(dX, np.argsort(X, axis=-1, kind="stable"), grad, axis=-1)
    return (dX,)


# Linear algebra ----------------------------------------------------------------------------------


def solve(X: Array, A: Array) -> Array:
    """Y = X A⁻¹."""
    Y: Array = np.linalg.solve(A.T, X.T).T
    return Y


def solve_back(grad: Array, X: Array, Y: Array, A: Array) -> tuple[Array, ...]:
    dX: Array = np.linalg.solve(A, grad.T).T
    return dX, -Y.T @ dX


def inverse(X: Array) -> Array:
    """Y = X⁻¹ for each matrix of X (n, d, d)."""
    Y: Array = np.linalg.inv(X)
    return Y


def inverse_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    T = np.swapaxes(Y, -1, -2)
    return (-T @ grad @ T,)


def log_determinant(X: Array) -> Array:
    """Y = log |det X| for each matrix of X (n, d, d)."""
    Y: Array = np.linalg.slogdet(X)[1]
    return Y


def log_determinant_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad[:, np.newaxis, np.newaxis] * np.swapaxes(np.linalg.inv(X), -1, -2),)


# Images and sequences ----------------------------------------------------------------------------


def convolution(X: Array, W: Array, b: Array) -> Array:
    """Y = the cross-correlation of images X (n, h, w, c) with kernels W (p, q, c, k), plus b."""
    p, q = W.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(X, (p, q), axis=(1, 2))
    Y: Array = np.einsum("nhwcpq,pqck->nhwk", windows, W) + b
    return Y


def convolution_back(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    p, q = W.shape[:2]
    _, h, w, _ = grad.shape
    dX, dW = np.zeros_like(X), np.zeros_like(W)
    for i in range(p):
        for j in range(q):
            dX[:, i : i + h, j : j + w] += grad @ W[i, j].T
            dW[i, j] = np.einsum("nhwc,nhwk->ck", X[:, i : i + h, j : j + w], grad)
    return dX, dW, grad.sum(axis=(0, 1, 2))


def _blocks(X: Array) -> Array:
    """2×2 blocks of images X (n, h, w, c), as (n, h/2, w/2, c, 4); odd edges are dropped."""
    n, h, w, c = X.shape
    B = X[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c)
    return B.transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)


def _unblocks(B: Array, shape: tuple[int, ...]) -> Array:
    """The way back of `_blocks`, with zeros at dropped edges."""
    n, h, w, c, _ = B.shape
    X = np.zeros(shape, B.dtype)
    X[:, : h * 2, : w * 2] = (
        B.reshape(n, h, w, c, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(n, h * 2, w * 2, c)
    )
    return X


def max_pool(X: Array) -> Array:
    """Y = the largest of each 2×2 block of images X (n, h, w, c)."""
    Y: Array = _blocks(X).max(axis=-1)
    return Y


def max_pool_first_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The gradient goes to the first of the largest."""
    first = _blocks(X).argmax(axis=-1)[..., np.newaxis] == np.arange(4)
    return (_unblocks(first * grad[..., np.newaxis], X.shape),)


def max_pool_shared_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The gradient is shared evenly among the largest."""
    top = (_blocks(X) == Y[..., np.newaxis]).astype(X.dtype)
    share = top / top.sum(axis=-1, keepdims=True)
    return (_unblocks(share * grad[..., np.newaxis], X.shape),)


def mean_pool(X: Array) -> Array:
    """Y = the mean of each 2×2 block of images X (n, h, w, c)."""
    Y: Array = _blocks(X).mean(axis=-1)
    return Y


def mean_pool_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (_unblocks(np.repeat(grad[..., np.newaxis] / 4, 4, axis=-1), X.shape),)


def recurrent(X: Array, W: Array, U: Array, b: Array) -> Array:
    """Hₜ = tanh(Xₜ W + Hₜ₋₁ U + b) over the steps of X (n, t, d), from H₀ = 0."""
    H = np.zeros((X.shape[0], U.shape[0]), X.dtype)
    steps = []
    for t in range(X.shape[1]):
        H = np.tanh(X[:, t] @ W + H @ U + b)
        steps.append(H)
    return np.stack(steps, axis=1)


def recurrent_back(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
    W, U, b = P
    dX, dW, dU, db = np.zeros_like(X), np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    dH = np.zeros_like(Y[:, 0])
    for t in reversed(range(X.shape[1])):
        dA = (grad[:, t] + dH) * (1 - Y[:, t] ** 2)
        dX[:, t] = dA @ W.T
        dW += X[:, t].T @ dA
        db += dA.sum(axis=0)
        if t:
            dU += Y[:, t - 1].T @ dA
        dH = dA @ U.T
    return dX, dW, dU, db


def attention(X: Array, Wq: Array, Wk: Array, Wv: Array) -> Array:
    """Y = softmax(Q Kᵀ / √d) V with Q = X Wq, K = X Wk, V = X Wv, for sequences X (n, t, d)."""
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    return softmax(Q @ K.transpose(0, 2, 1) / np.sqrt(Wq.shape[1]).astype(X.dtype)) @ V


def attention_back(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
    Wq, Wk, Wv = P
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    root = np.sqrt(Wq.shape[1]).astype(X.dtype)
    A = softmax(Q @ K.transpose(0, 2, 1) / root)
    (dS,) = softmax_back(grad @ V.transpose(0, 2, 1), A, A)
    dQ, dK, dV = dS @ K / root, dS.transpose(0, 2, 1) @ Q / root, A.transpose(0, 2, 1) @ grad
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    flat = X.reshape(-1, X.shape[-1]).T
    dWq, dWk, dWv = (flat @ dZ.reshape(-1, dZ.shape[-1]) for dZ in (dQ, dK, dV))
    return dX, dWq, dWk, dWv


def gated_recurrent(X: Array, W: Array, U: Array) -> Array:
    """Hₜ = Zₜ Hₜ₋₁ + (1 − Zₜ) tanh(Cₜ), with (Aₜ, Cₜ) = Xₜ W + Hₜ₋₁ U and Zₜ = σ(Aₜ)."""
    H = np.zeros((X.shape[0], U.shape[0]), X.dtype)
    steps = []
    for t in range(X.shape[1]):
        A, C = np.split(X[:, t] @ W + H @ U, 2, axis=1)
        Z = sigmoid(A)
        H = Z * H + (1 - Z) * np.tanh(C)
        steps.append(H)
    return np.stack(steps, axis=1)


def gated_recurrent_back(grad: Array, X: Array, Y: Array, W: Array, U: Array) -> tuple[Array, ...]:
    dX, dW, dU = np.zeros_like(X), np.zeros_like(W), np.zeros_like(U)
    dH = np.zeros_like(Y[:, 0])
    for t in reversed(range(X.shape[1])):
        before = Y[:, t - 1] if t else np.zeros_like(Y[:, 0])
        A, C = np.split(X[:, t] @ W + before @ U, 2, axis=1)
        Z, T = sigmoid(A), np.tanh(C)
        dH = dH + grad[:, t]
        dA, dC = dH * (before - T) * Z * (1 - Z), dH * (1 - Z) * (1 - T * T)
        both = np.concatenate([dA, dC], axis=1)
        dX[:, t] = both @ W.T
        dW += X[:, t].T @ both
        dU += before.T @ both
        dH = dH * Z + both @ U.T
    return dX, dW, dU


def spectrum(X: Array) -> Array:
    """Y = |F X|², the power of each frequency along the last axis."""
    F = np.fft.rfft(X, axis=-1)
    Y: Array = F.real**2 + F.imag**2
    return Y


def spectrum_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    n = X.shape[-1]
    F = np.fft.rfft(X, axis=-1)
    angle = 2 * np.pi / n * np.outer(np.arange(Y.shape[-1]), np.arange(n))
    return (2 * ((grad * F.real) @ np.cos(angle) - (grad * F.imag) @ np.sin(angle)),)


def cholesky(X: Array) -> Array:
    """Y = the Cholesky factor of X Xᵀ + 1 for each matrix of X (n, d, d)."""
    return np.linalg.cholesky(X @ X.transpose(0, 2, 1) + np.eye(X.shape[-1]))


def cholesky_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Source: Iain Murray, Differentiation of the Cholesky decomposition (2016)."""
    inner = np.tril(Y.transpose(0, 2, 1) @ np.tril(grad))
    i = np.arange(X.shape[-1])
    inner[:, i, i] /= 2
    inverse_factor = np.linalg.inv(Y)
    S = inverse_factor.transpose(0, 2, 1) @ inner @ inverse_factor
    return ((S + S.transpose(0, 2, 1)) @ X,)


_PAIRS: list[tuple[Forward, Back]] = [
    (dense, dense_back),
    (dense_nd, dense_nd_back),
    (gated, gated_back),
    (difference_of_squares, difference_of_squares_back),
    (bilinear, bilinear_back),
    (outer, outer_back),
    (affine, affine_back),
    (scaled, scaled_back),
    (power, power_back),
    (prelu, prelu_back),
    (polynomial, polynomial_back),
    (standardize, standardize_back),
    (layer_norm, layer_norm_back),
    (batch_norm, batch_norm_back),
    (rms_norm, rms_norm_back),
    (center, center_back),
    (center_columns, center_columns_back),
    (unit_rows, unit_rows_back),
    (cosine, cosine_back),
    (softmax, softmax_back),
    (log_softmax, log_softmax_back),
    (logsumexp, logsumexp_back),
    (row_mean, row_mean_back),
    (distances, distances_back),
    (cumulative, cumulative_back),
    (cumulative_product, cumulative_product_back),
    (sort, sort_back),
    (solve, solve_back),
    (inverse, inverse_back),
    (log_determinant, log_determinant_back),
    (convolution, convolution_back),
    (max_pool, max_pool_first_back),
    (mean_pool, mean_pool_back),
    (recurrent, recurrent_back),
    (attention, attention_back),
    (gated_recurrent, gated_recurrent_back),
    (spectrum, spectrum_back),
    (cholesky, cholesky_back),
]
FORMULAS: Mapping[str, tuple[Forward, Back]] = {f.__name__: (f, back) for f, back in _PAIRS}

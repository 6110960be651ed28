"""Right layers that are more than a formula: state, randomness, tuples, layers inside layers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise import Array, Indices, Layer, Parameter, softmax
from layerwise.arrays import as_floating
from tests.gradient_cases.formulas import EPSILON, softmax_back

Pair = tuple[Array, NDArray[Any]]
Triple = tuple[Array, Array, Array]


# Randomness and state ----------------------------------------------------------------------------


class Dropout(Layer[Array, Array]):
    """Y = X M / (1 − p), where each entry of M is 0 with probability p, else 1."""

    def __init__(self, p: float, rng: np.random.Generator | int) -> None:
        self.p, self.rng = p, np.random.default_rng(rng)

    def __call__(self, X: Array, /) -> Array:
        """Y = X."""
        return X

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X M / (1 − p)."""
        M = (self.rng.random(X.shape) >= self.p).astype(X.dtype) / (1 - self.p)

        def backward(grad: Array) -> Array:
            return grad * M

        return X * M, backward


class Noise(Layer[Array, Array]):
    """Y = X (1 + s N) with normal N: multiplicative noise."""

    def __init__(self, s: float, rng: np.random.Generator | int) -> None:
        self.s, self.rng = s, np.random.default_rng(rng)

    def __call__(self, X: Array, /) -> Array:
        """Y = X."""
        return X

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X (1 + s N)."""
        factor = (1 + self.s * self.rng.standard_normal(X.shape)).astype(X.dtype)

        def backward(grad: Array) -> Array:
            return grad * factor

        return X * factor, backward


class StochasticDepth(Layer[Array, Array]):
    """Y = X + f(X) / (1 − p) with probability 1 − p, else X."""

    def __init__(self, inner: Layer[Array, Array], p: float, rng: np.random.Generator) -> None:
        self.inner, self.p, self.rng = inner, p, rng

    def __call__(self, X: Array, /) -> Array:
        """Y = X + f(X)."""
        return X + self.inner(X)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X + f(X) / (1 − p), or X."""
        if self.rng.random() < self.p:
            return X.copy(), lambda grad: grad
        branch, inner_back = self.inner.forward(X)
        keep = 1 - self.p

        def backward(grad: Array) -> Array:
            return grad + inner_back(grad / keep)

        return X + branch / keep, backward


class BatchNorm(Layer[Array, Array]):
    """Y = γ (X − mean) / sqrt(variance + ε) + β over all axes but the last, and running means."""

    def __init__(self, d: int, dtype: type[Any] = np.float64) -> None:
        self.gamma = Parameter(np.ones(d, dtype))
        self.beta = Parameter(np.zeros(d, dtype))
        self.mean, self.variance = np.zeros(d, dtype), np.ones(d, dtype)

    def __call__(self, X: Array, /) -> Array:
        """Y from the running mean and variance."""
        X = as_floating(X, "BatchNorm: X", self.gamma.dtype)
        Z = (X - self.mean) / np.sqrt(self.variance + EPSILON)
        Y: Array = self.gamma.value * Z + self.beta.value
        return Y

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y from the mean and variance of X, which the running ones follow."""
        X = as_floating(X, "BatchNorm: X", self.gamma.dtype)
        gamma = self.gamma.value
        axes = tuple(range(X.ndim - 1))
        mean, variance = X.mean(axis=axes), X.var(axis=axes)
        self.mean[...] = 0.9 * self.mean + 0.1 * mean
        self.variance[...] = 0.9 * self.variance + 0.1 * variance
        s = np.sqrt(variance + EPSILON)
        Z = (X - mean) / s

        def backward(grad: Array) -> Array:
            self.gamma.add_grad((grad * Z).sum(axis=axes))
            self.beta.add_grad(grad.sum(axis=axes))
            dZ = grad * gamma
            dX: Array = (dZ - dZ.mean(axis=axes) - Z * (dZ * Z).mean(axis=axes)) / s
            return dX

        return gamma * Z + self.beta.value, backward


# Integers and tuples -----------------------------------------------------------------------------


class Embedding(Layer[Indices, Array]):
    """Y = the rows of W that the integers X name."""

    def __init__(self, W: Array) -> None:
        self.W = Parameter(W)

    def forward(self, X: Indices, /) -> tuple[Array, Callable[[Array], Indices]]:
        """Y = W[X]; the integers have no gradient."""

        def backward(grad: Array) -> Indices:
            dW = np.zeros_like(self.W.value)
            np.add.at(dW, X, grad)
            self.W.add_grad(dW)
            return np.zeros_like(X)

        return self.W.value[X], backward


class Attention(Layer[Triple, Array]):
    """Y = softmax(Q Kᵀ / √d) V for X = (Q, K, V)."""

    def forward(self, X: Triple, /) -> tuple[Array, Callable[[Array], Triple]]:
        """Y = softmax(Q Kᵀ / √d) V."""
        Q, K, V = X
        root = float(np.sqrt(Q.shape[-1]))
        A = softmax(Q @ K.transpose(0, 2, 1) / root)

        def backward(grad: Array) -> Triple:
            (dS,) = softmax_back(grad @ V.transpose(0, 2, 1), A, A)
            return dS @ K / root, dS.transpose(0, 2, 1) @ Q / root, A.transpose(0, 2, 1) @ grad

        return A @ V, backward


class MaskedAttention(Layer[Pair, Array]):
    """Y = softmax(X Xᵀ where the mask is true) X W for a sequence X and a boolean mask (n, t)."""

    def __init__(self, W: Array) -> None:
        self.W = Parameter(W)

    def forward(self, X: Pair, /) -> tuple[Array, Callable[[Array], Pair]]:
        """Y = softmax(X Xᵀ) X W, with −1e9 where the mask is false."""
        S, mask = X
        W = self.W.value
        A = softmax(np.where(mask[:, np.newaxis], S @ S.transpose(0, 2, 1), -1e9))
        context = A @ S

        def backward(grad: Array) -> Pair:
            dcontext = grad @ W.T
            self.W.add_grad(np.einsum("ntd,nte->de", context, grad))
            (dA,) = softmax_back(dcontext @ S.transpose(0, 2, 1), A, A)
            dA = np.where(mask[:, np.newaxis], dA, 0)
            dS = A.transpose(0, 2, 1) @ dcontext + dA @ S + dA.transpose(0, 2, 1) @ S
            return dS, np.zeros_like(mask)

        return context @ W, backward


class WeightedMean(Layer[tuple[Array, Array], Array]):
    """Y = Σₜ Mₜ Xₜ / Σₜ Mₜ for a sequence X (n, t, d) and weights M (n, t), both learned from."""

    def forward(
        self, X: tuple[Array, Array], /
    ) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
        """Y = Σ M X / Σ M."""
        S, M = X
        total = M.sum(axis=1)[:, np.newaxis]
        Y: Array = np.einsum("nt,ntd->nd", M, S) / total

        def backward(grad: Array) -> tuple[Array, Array]:
            share = grad / total
            dM = np.einsum("nd,ntd->nt", share, S) - (share * Y).sum(axis=1)[:, np.newaxis]
            return M[:, :, np.newaxis] * share[:, np.newaxis], dM

        return Y, backward


# Layers inside layers ----------------------------------------------------------------------------


class Residual(Layer[Array, Array]):
    """Y = X + f(X)."""

    def __init__(self, inner: Layer[Array, Array]) -> None:
        self.inner = inner

    def __call__(self, X: Array, /) -> Array:
        """Y = X + f(X)."""
        return X + self.inner(X)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X + f(X)."""
        Y, inner_back = self.inner.forward(X)

        def backward(grad: Array) -> Array:
            return grad + inner_back(grad)

        return X + Y, backward


class Branches(Layer[Array, Array]):
    """Y = f(X) beside g(X) beside …, along the last axis; the layers in a list or a dict."""

    def __init__(self, branches: Sequence[Layer[Any, Any]] | Mapping[str, Layer[Any, Any]]) -> None:
        self.branches = branches

    def __call__(self, X: Array, /) -> Array:
        """Y = all branches, concatenated."""
        layers = self.branches
        layers = list(layers.values()) if isinstance(layers, Mapping) else layers
        return np.concatenate([layer(X) for layer in layers], axis=-1)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = all branches, concatenated."""
        layers = self.branches
        layers = list(layers.values()) if isinstance(layers, Mapping) else layers
        outputs, ways_back = zip(*(layer.forward(X) for layer in layers), strict=True)
        ends = np.cumsum([Y.shape[-1] for Y in outputs])[:-1]

        def backward(grad: Array) -> Array:
            parts = np.split(grad, ends, axis=-1)
            dX: Array = sum(back(part) for back, part in zip(ways_back, parts, strict=True))
            return dX

        return np.concatenate(outputs, axis=-1), backward


class Product(Layer[Array, Array]):
    """Y = f(X) g(X)."""

    def __init__(self, f: Layer[Array, Array], g: Layer[Array, Array]) -> None:
        self.pair = (f, g)

    def __call__(self, X: Array, /) -> Array:
        """Y = f(X) g(X)."""
        f, g = self.pair
        return f(X) * g(X)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = f(X) g(X)."""
        (A, a_back), (B, b_back) = (layer.forward(X) for layer in self.pair)

        def backward(grad: Array) -> Array:
            return a_back(grad * B) + b_back(grad * A)

        return A * B, backward


class Tape(Layer[Array, Array]):
    """Y = the last of a list of steps, each a layer applied to the sum of some earlier answers.

    `steps` are pairs of a layer and the positions it reads; position 0 is X. The way back walks
    the list from its end and adds up what comes together, as automatic differentiation does.
    """

    def __init__(self, steps: Sequence[tuple[Layer[Any, Any], Sequence[int]]]) -> None:
        self.steps = steps

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = the last answer."""
        answers: list[Array] = [X]
        ways_back: list[Callable[[Array], Array]] = []
        for layer, sources in self.steps:
            total = answers[sources[0]]
            for source in sources[1:]:
                total = total + answers[source]
            Y, way_back = layer.forward(total)
            answers.append(Y)
            ways_back.append(way_back)
        shapes = [Y.shape for Y in answers]

        def backward(grad: Array) -> Array:
            adjoints = [np.zeros(shape, grad.dtype) for shape in shapes]
            adjoints[-1] = grad
            for i in reversed(range(len(ways_back))):
                contribution = ways_back[i](adjoints[i + 1])
                for source in self.steps[i][1]:
                    adjoints[source] = adjoints[source] + contribution
            return adjoints[0]

        return answers[-1], backward


class Tied(Layer[Array, Array]):
    """Y = tanh(X W) Wᵀ: an autoencoder with one parameter in two places."""

    def __init__(self, W: Array) -> None:
        self.W = Parameter(W)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = tanh(X W) Wᵀ."""
        W = self.W.value
        H = np.tanh(X @ W)

        def backward(grad: Array) -> Array:
            dA = (grad @ W) * (1 - H * H)
            self.W.add_grad(X.T @ dA)
            self.W.add_grad(grad.T @ H)
            dX: Array = dA @ W.T
            return dX

        return H @ W.T, backward


class Linear(Layer[Array, Array]):
    """Y = X W for a Parameter made elsewhere, so that layers can share it."""

    def __init__(self, W: Parameter, *, transposed: bool = False) -> None:
        self.W, self.transposed = W, transposed

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X W or X Wᵀ."""
        W = self.W.value.T if self.transposed else self.W.value

        def backward(grad: Array) -> Array:
            dW = X.T @ grad
            self.W.add_grad(dW.T if self.transposed else dW)
            dX: Array = grad @ W.T
            return dX

        Y: Array = X @ W
        return Y, backward


# Corners of the contract -------------------------------------------------------------------------


class Identity(Layer[Array, Array]):
    """Y = X itself, and dL/dX = grad itself."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X."""

        def backward(grad: Array) -> Array:
            return grad

        return X, backward


class Flatten(Layer[Array, Array]):
    """Y = X with one axis for each row: a view, both ways."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X, reshaped."""

        def backward(grad: Array) -> Array:
            return grad.reshape(X.shape)

        return X.reshape(X.shape[0], -1), backward


class SumRows(Layer[Array, Array]):
    """Y = Σ X along the last axis; dL/dX is a read-only view that repeats grad."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = Σ X."""

        def backward(grad: Array) -> Array:
            return np.broadcast_to(grad[..., np.newaxis], X.shape)

        return X.sum(axis=-1), backward


class Total(Layer[Array, Array]):
    """Y = mean(X²) over everything: a single number, an array of no axes."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = mean(X²)."""

        def backward(grad: Array) -> Array:
            dX: Array = grad * X * (2 / X.size)
            return dX

        return np.asarray((X * X).mean()), backward


class Unused(Layer[Array, Array]):
    """Y = X W, beside a parameter that nothing uses."""

    def __init__(self, W: Array) -> None:
        self.spare = Parameter(np.ones(3, W.dtype))
        self.W = Parameter(W)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X W."""
        W = self.W.value

        def backward(grad: Array) -> Array:
            self.W.add_grad(X.T @ grad)
            dX: Array = grad @ W.T
            return dX

        Y: Array = X @ W
        return Y, backward


class FromData(Layer[Array, Array]):
    """Y = tanh(X W), with a forward_from_data that leaves dL/dX out."""

    def __init__(self, W: Array) -> None:
        self.W = Parameter(W)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = tanh(X W)."""
        W = self.W.value
        Y, learn = self.forward_from_data(X)

        def backward(grad: Array) -> Array:
            dX: Array = learn(grad) @ W.T
            return dX

        return Y, backward

    def forward_from_data(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """The same Y; backward returns no more than it has at hand."""
        Y: Array = np.tanh(X @ self.W.value)

        def backward(grad: Array) -> Array:
            dA: Array = grad * (1 - Y * Y)
            self.W.add_grad(X.T @ dA)
            return dA

        return Y, backward


class FixedProjection(Layer[Array, Array]):
    """Y = X R for an array R that is not learned, in R's dtype."""

    def __init__(self, R: Array) -> None:
        self.R = R

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X R."""
        X = as_floating(X, "FixedProjection: X", self.R.dtype)
        R = self.R

        def backward(grad: Array) -> Array:
            dX: Array = grad @ R.T
            return dX

        Y: Array = X @ R
        return Y, backward


class Gather(Layer[Array, Array]):
    """Y = the columns of X at fixed positions, some of them twice."""

    def __init__(self, positions: Indices) -> None:
        self.positions = positions

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X[:, positions]."""

        def backward(grad: Array) -> Array:
            dX = np.zeros_like(X)
            np.add.at(dX.T, self.positions, grad.T)
            return dX

        return X[:, self.positions], backward


class Symmetric(Layer[Array, Array]):
    """Y = (X + Xᵀ) / 2 for one square X; any other is refused."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = (X + Xᵀ) / 2."""
        if X.ndim != 2 or X.shape[0] != X.shape[1]:
            raise ValueError(f"Symmetric: X has shape {X.shape}, expected a square matrix")

        def backward(grad: Array) -> Array:
            return (grad + grad.T) / 2

        return (X + X.T) / 2, backward


class Positions(Layer[Array, Array]):
    """Y = X + P for sequences X (n, t, d) of exactly the length of P (t, d)."""

    def __init__(self, P: Array) -> None:
        self.P = Parameter(P)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X + P."""
        if X.shape[1:] != self.P.shape:
            raise ValueError(f"Positions: X has shape {X.shape}, expected (n, {self.P.shape})")

        def backward(grad: Array) -> Array:
            self.P.add_grad(grad.sum(axis=0))
            return grad

        return X + self.P.value, backward


class RowWeights(Layer[Array, Array]):
    """Y = a X with a weight for each row of one fixed batch."""

    def __init__(self, a: Array) -> None:
        self.a = Parameter(a)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = a X."""
        a = self.a.value[:, np.newaxis]
        if len(X) != len(a):
            raise ValueError(f"RowWeights: X has {len(X)} rows, expected {len(a)}")

        def backward(grad: Array) -> Array:
            self.a.add_grad((grad * X).sum(axis=1))
            return grad * a

        return X * a, backward


class PositiveLog(Layer[Array, Array]):
    """Y = log X, which refuses an X that is not positive."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = log X."""
        if not (X > 0).all():
            raise ValueError("PositiveLog: X has entries at or below 0, expected positive ones")

        def backward(grad: Array) -> Array:
            return grad / X

        return np.log(X), backward


class Repeat(Layer[Array, Array]):
    """Y = X, three times along a new axis: a read-only view."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X, X, X."""
        Y = np.broadcast_to(X[:, np.newaxis], (X.shape[0], 3, *X.shape[1:]))

        def backward(grad: Array) -> Array:
            dX: Array = grad.sum(axis=1)
            return dX

        return Y, backward


class SwapAxes(Layer[Array, Array]):
    """Y = X with its last two axes exchanged: a view, both ways."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X, transposed."""

        def backward(grad: Array) -> Array:
            return grad.swapaxes(-1, -2)

        return X.swapaxes(-1, -2), backward


class RowLength(Layer[Array, Array]):
    """Y = |X| for each row; dL/dX is 0 for a row of zeros, where any vector up to length 1 fits."""

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = |X|."""
        Y = np.linalg.norm(X, axis=-1)

        def backward(grad: Array) -> Array:
            safe = np.where(Y == 0, 1, Y)
            dX: Array = (grad / safe)[..., np.newaxis] * X
            return dX

        return Y, backward


class FollowingMean(Layer[Array, Array]):
    """Y = X − m, where forward first moves m by a tenth towards the mean of X.

    The gradient counts the tenth: forward writes its state, and backward reads none of it.
    """

    def __init__(self, d: int) -> None:
        self.m = np.zeros(d)

    def __call__(self, X: Array, /) -> Array:
        """Y = X − m."""
        return X - self.m

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X − m, after m = 0.9 m + 0.1 mean(X)."""
        self.m[...] = 0.9 * self.m + 0.1 * X.mean(axis=0)

        def backward(grad: Array) -> Array:
            dX: Array = grad - 0.1 * grad.mean(axis=0)
            return dX

        return X - self.m, backward

"""Right layers and, for each, a mistake that shows only at other sizes, values, masks or rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise import Array, Layer, Parameter
from tests.gradient_cases.case import Case, Make

Back = Callable[[Any], Any]
Way = tuple[Array, Back]
ELSEWHERE: list[Case] = []


class Given(Layer[Any, Array]):
    """A function `way` from (X, parameters) to Y and the way back, which is right or wrong."""

    def __init__(self, way: Callable[..., Way], wrong: bool, parameters: dict[str, Array]) -> None:
        self.way, self.wrong = way, wrong
        self.P = {name: Parameter(value) for name, value in parameters.items()}

    def forward(self, X: Any, /) -> Way:
        """Y, and the gradient of X; those of the parameters come after it."""
        Y, back = self.way(self.wrong, X, *(p.value for p in self.P.values()))

        def backward(grad: Array) -> Any:
            if not self.P:
                return back(grad)
            dX, *dP = back(grad)
            for parameter, gradient in zip(self.P.values(), dP, strict=True):
                parameter.add_grad(gradient)
            return dX

        return Y, backward


def pair(
    kind: str,
    way: Callable[..., Way],
    X: Callable[[np.random.Generator], Any],
    reason: str,
    **parameters: Callable[[np.random.Generator], Array],
) -> None:
    """The right layer, and the wrong one beside it."""

    def make(wrong: bool) -> Make:
        def made(rng: np.random.Generator) -> tuple[Layer[Any, Any], Any]:
            point = X(rng)
            return Given(way, wrong, {n: draw(rng) for n, draw in parameters.items()}), point

        return made

    name = way.__name__.replace("_", " ")
    ELSEWHERE.append(Case(f"right: {name}", "elsewhere", make(False), "right", "at all sizes"))
    ELSEWHERE.append(
        Case(
            f"hidden by {kind}: {name}",
            f"hidden by {kind}",
            make(True),
            "wrong",
            reason,
            partner=make(False),
        )
    )


def normal(*shape: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.standard_normal(shape)


# Sizes of axes that are not rows -----------------------------------------------------------------


def every_second_pixel(wrong: bool, X: Array) -> Way:
    def backward(grad: Array) -> Array:
        dX = np.zeros_like(X)
        if wrong:
            dX[:, ::-2, ::-2] = grad[:, ::-1, ::-1]
        else:
            dX[:, ::2, ::2] = grad
        return dX

    return X[:, ::2, ::2].copy(), backward


def pooled_pairs(wrong: bool, X: Array) -> Way:
    """The means of pairs along axis 1, without what is left over."""
    pairs = X.shape[1] // 2
    Y = X[:, : 2 * pairs].reshape(len(X), pairs, 2, -1).mean(axis=2)

    def backward(grad: Array) -> Array:
        dX = np.zeros_like(X)
        start = X.shape[1] - 2 * pairs if wrong else 0
        dX[:, start : start + 2 * pairs] = np.repeat(grad / 2, 2, axis=1)
        return dX

    return Y, backward


def cropped_to_pairs(wrong: bool, X: Array) -> Way:
    """The same, where the gradient of what is left over is forgotten."""
    pairs = X.shape[1] // 2
    Y = X[:, : 2 * pairs].reshape(len(X), pairs, 2, -1).mean(axis=2)

    def backward(grad: Array) -> Array:
        dX = np.repeat(grad / 2, 2, axis=1)
        rest = np.zeros((len(X), X.shape[1] - 2 * pairs, X.shape[2]))
        return dX if wrong else np.concatenate([dX, rest], axis=1)

    return Y, backward


def adaptive_means(wrong: bool, X: Array) -> Way:
    """The means of three windows along axis 1, from ⌊i n/3⌋ to ⌈(i+1) n/3⌉."""
    n = X.shape[1]
    windows = [(i * n // 3, -(-(i + 1) * n // 3)) for i in range(3)]
    Y = np.stack([X[:, a:b].mean(axis=1) for a, b in windows], axis=1)

    def backward(grad: Array) -> Array:
        dX = np.zeros_like(X)
        for i, (a, b) in enumerate(windows):
            dX[:, a:b] += grad[:, i : i + 1] / (n // 3 if wrong else b - a)
        return dX

    return Y, backward


def mean_of_the_image(wrong: bool, X: Array) -> Way:
    h, w = X.shape[1:3]

    def backward(grad: Array) -> Array:
        dX: Array = np.broadcast_to(grad[:, None, None] / (h * (h if wrong else w)), X.shape)
        return dX.copy()

    return X.mean(axis=(1, 2)), backward


def scaled_by_the_length(wrong: bool, X: Array) -> Way:
    """X / √d of sequences (n, t, d), with √t for √d."""
    t, d = X.shape[1:]

    def backward(grad: Array) -> Array:
        dX: Array = grad / np.sqrt(t if wrong else d)
        return dX

    return X / np.sqrt(d), backward


def middle_one(wrong: bool, X: Array) -> Way:
    """The entry in the middle of each row, or the mean of two."""
    d = X.shape[1]
    a, b = (d - 1) // 2, d // 2

    def backward(grad: Array) -> Array:
        dX = np.zeros_like(X)
        dX[:, b] += grad / 2
        dX[:, b if wrong else a] += grad / 2
        return dX

    return (X[:, a] + X[:, b]) / 2, backward


def running_sum(wrong: bool, X: Array) -> Way:
    """Sums over time, whose way back goes five steps."""

    def backward(grad: Array) -> Array:
        dX: Array = np.cumsum(grad[:, ::-1], axis=1)[:, ::-1].copy()
        if wrong:
            late = np.zeros_like(dX)
            late[:, :-5] = dX[:, 5:]
            dX -= late
        return dX

    return np.cumsum(X, axis=1), backward


def low_frequencies(wrong: bool, X: Array) -> Way:
    """|DFT|² of real rows: in an even length the last frequency has no partner."""
    F = np.fft.rfft(X, axis=1)
    weight = np.full(F.shape[1], 2.0)
    weight[0] = 1
    if X.shape[1] % 2 == 0:
        weight[-1] = 1
    Y = (weight * np.abs(F) ** 2).sum(axis=1)

    def backward(grad: Array) -> Array:
        scale = 2 * X.shape[1] * grad[:, None]
        dX: Array = scale * X
        if wrong and X.shape[1] % 2 == 0:
            dX = dX + grad[:, None] * X.mean()
        return dX

    return Y, backward


pair("sizes", every_second_pixel, normal(3, 7, 7), "odd sizes hide even ones")
pair("sizes", pooled_pairs, normal(3, 6, 2), "even sizes hide odd ones")
pair("sizes", cropped_to_pairs, normal(3, 6, 2), "even sizes hide odd ones")
pair("sizes", adaptive_means, normal(3, 6, 2), "six hides what is no multiple of three")
pair("sizes", mean_of_the_image, normal(3, 5, 5, 2), "a square hides its height")
pair("sizes", scaled_by_the_length, normal(3, 4, 4), "as many steps as features")
pair("sizes", middle_one, normal(4, 5), "an odd number hides even ones")
pair("sizes", running_sum, normal(3, 5, 2), "five steps hide the sixth")
pair("sizes", low_frequencies, normal(3, 5), "an odd number hides even ones")


# Special values ----------------------------------------------------------------------------------


def largest(wrong: bool, X: Array) -> Way:
    """The largest of each row, which all that are as large have a part in."""
    Y = X.max(axis=-1)
    ties = Y[:, None] == X

    def backward(grad: Array) -> Array:
        dX: Array = grad[:, None] * ties / (1 if wrong else ties.sum(axis=-1, keepdims=True))
        return dX

    return Y, backward


def product_of_rows(wrong: bool, X: Array) -> Way:
    def backward(grad: Array) -> Array:
        with np.errstate(all="ignore"):
            if wrong:
                quotient: Array = (grad * X.prod(axis=-1))[:, None] / X
                return quotient
        d = X.shape[1]
        others = np.stack([np.delete(X, i, axis=1).prod(axis=1) for i in range(d)], axis=1)
        dX: Array = grad[:, None] * others
        return dX

    return X.prod(axis=-1), backward


def square_by_quotient(wrong: bool, X: Array) -> Way:
    """X² + X, with 2 X² / X, put to 0 at zero."""

    def backward(grad: Array) -> Array:
        if wrong:
            safe = np.where(X == 0, 1, X)
            dX: Array = grad * np.where(X == 0, 0, 2 * X * X / safe + 1)
            return dX
        return grad * (2 * X + 1)

    return X * X + X, backward


def clipped(wrong: bool, X: Array) -> Way:
    def backward(grad: Array) -> Array:
        dX: Array = grad * ((X > 0) if wrong else (X > 0) & (X < 6))
        return dX

    return np.clip(X, 0, 6), backward


def far_out(wrong: bool, X: Array) -> Way:
    """Huber's function with a knee at 5."""
    Y = np.where(np.abs(X) < 5, X * X / 2, 5 * np.abs(X) - 12.5)

    def backward(grad: Array) -> Array:
        dX: Array = grad * (X if wrong else np.clip(X, -5, 5))
        return dX

    return Y, backward


def absolute_scale(wrong: bool, X: Array, a: Array) -> Way:
    def backward(grad: Array) -> tuple[Array, Array]:
        sign = np.ones_like(a) if wrong else np.sign(a)
        return grad * np.abs(a), (grad * X * sign).sum(axis=0)

    return X * np.abs(a), backward


def square_root_of_square(wrong: bool, X: Array, a: Array) -> Way:
    """X a², whose dL/da goes by Y / a."""

    def backward(grad: Array) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            da = (
                2 * (grad * X * a * a).sum(axis=0) / np.abs(a)
                if wrong
                else 2 * a * (grad * X).sum(axis=0)
            )
        return grad * a * a, da

    return X * a * a, backward


def positive(*shape: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.uniform(0.5, 2.0, shape)


pair("special values", largest, normal(5, 4), "normal numbers have no ties")
pair("special values", product_of_rows, normal(5, 4), "normal numbers are not zero")
pair("special values", square_by_quotient, normal(5, 4), "normal numbers are not zero")
pair("special values", clipped, normal(5, 4), "normal numbers are below 6")
pair("special values", far_out, normal(5, 4), "normal numbers are below 5")
pair("special values", absolute_scale, normal(5, 4), "a is positive", a=positive(4))
pair("special values", square_root_of_square, normal(5, 4), "a is positive", a=positive(4))


# Masks and rows ----------------------------------------------------------------------------------


def masked_mean(wrong: bool, X: tuple[Array, NDArray[np.bool_]]) -> Way:
    A, mask = X
    count = mask.sum(axis=1, keepdims=True)

    def backward(grad: Array) -> tuple[Array, NDArray[np.bool_]]:
        weight = 1 / count * (np.ones_like(mask) if wrong else mask)
        return grad[:, None] * weight[..., None], np.zeros_like(mask)

    return (A * mask[..., None]).sum(axis=1) / count, backward


def masked_softmax(wrong: bool, X: tuple[Array, Array]) -> Way:
    A, mask = X
    E = np.exp(A) * mask
    P = E / E.sum(axis=-1, keepdims=True)

    def backward(grad: Array) -> tuple[Array, Array]:
        Q = np.exp(A) / np.exp(A).sum(axis=-1, keepdims=True) if wrong else P
        dA = Q * (grad - (grad * Q).sum(axis=-1, keepdims=True))
        dmask = np.exp(A) / E.sum(axis=-1, keepdims=True)
        dmask = dmask * (grad - (grad * P).sum(axis=-1, keepdims=True))
        return dA, dmask

    return P, backward


def lengths(wrong: bool, X: tuple[Array, NDArray[np.int_]]) -> Way:
    """The sum of the first steps of each row, as many as it has."""
    A, count = X
    mask = np.arange(A.shape[1]) < count[:, None]

    def backward(grad: Array) -> tuple[Array, NDArray[np.int_]]:
        seen = np.ones_like(mask) if wrong else mask
        return grad[:, None] * seen[..., None], np.zeros_like(count)

    return (A * mask[..., None]).sum(axis=1), backward


def in_blocks_of_64(wrong: bool, X: Array, W: Array) -> Way:
    def backward(grad: Array) -> tuple[Array, Array]:
        dW = sum(X[i : i + 64].T @ grad[i : i + 64] for i in range(0, len(X), 64))
        return grad @ W.T, X[:64].T @ grad[:64] if wrong else np.asarray(dW)

    return X @ W, backward


def in_blocks_of_16(wrong: bool, X: Array) -> Way:
    def backward(grad: Array) -> Array:
        dX = 2 * X * grad
        if wrong:
            dX[16::16] = 0
        return dX

    return X * X, backward


def all_ones(rng: np.random.Generator) -> tuple[Array, Any]:
    return rng.standard_normal((4, 5, 2)), np.ones((4, 5), bool)


pair("masks", masked_mean, all_ones, "nothing is masked")
pair(
    "masks",
    masked_softmax,
    lambda rng: (rng.standard_normal((4, 5)), np.ones((4, 5))),
    "nothing is masked",
)
pair("masks", lengths, lambda rng: (rng.standard_normal((4, 5, 2)), np.full(4, 5)), "all are full")
pair("many rows", in_blocks_of_64, normal(5, 4), "one block", W=normal(4, 3))
pair("many rows", in_blocks_of_16, normal(5, 4), "one block")

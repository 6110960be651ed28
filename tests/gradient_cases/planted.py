"""Layers with one mistake as a new user makes it, and the words that name its cause.

`words` must all be in the hint; none where no pattern tells the cause, and silence is better than
a guess. Everything but the planted line is right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise import Array, sigmoid, softmax
from tests.gradient_cases import formulas
from tests.gradient_cases.case import Make
from tests.gradient_cases.formulas import FORMULAS, Back, Forward
from tests.gradient_cases.points import Draw, around, at, normal, positive, zoo


@dataclass(frozen=True)
class Planted:
    """One mistake: the layer and its X, and what a hint has to say, if anything."""

    name: str
    make: Make
    words: tuple[str, ...]


Change = Callable[..., Any]
Slope = Callable[[Array, Array], Array]
PLANTED: list[Planted] = []


def plant(name: str, make: Make, *words: str) -> None:
    """Add a case."""
    PLANTED.append(Planted(name, make, words))


def spoiled(back: Back, place: int, change: Change) -> Back:
    """One of the gradients put through change(gradient, grad, X, Y, P₁, …)."""

    def changed(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
        gradients = list(back(grad, X, Y, *P))
        gradients[place] = np.asarray(change(gradients[place], grad, X, Y, *P))
        return tuple(gradients)

    return changed


def spoil(base: str, what: str, place: int, change: Change, *words: str) -> None:
    """A formula of the zoo with one of its gradients changed: 0 is that of X."""
    back = (
        FORMULAS[base.rsplit(maxsplit=1)[-1]][1]
        if base.rsplit(maxsplit=1)[-1] in FORMULAS
        else softmax_back
    )
    back = {"sequence dense": formulas.dense_nd_back}.get(base, back)
    back = {"squares": formulas.difference_of_squares_back}.get(base, back)
    plant(f"{base}: {what}", zoo(base, spoiled(back, place, change)), *words)


softmax_back = formulas.softmax_back


def slope(
    name: str, f: Forward, wrong: Callable[[Array, Array], Array], X: Draw, *words: str
) -> None:
    """Y = f(X) entry by entry, with a wrong slope of X and Y."""

    def back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
        return (grad * wrong(X, Y),)

    plant(name, at(f, X, back), *words)


# Dense -------------------------------------------------------------------------------------------

BY_ROWS = "one over the rows of the batch"

spoil("dense", "dW over n", 1, lambda g, grad, *_: g / len(grad), "factor 1/n", BY_ROWS)
spoil("dense", "db averaged", 2, lambda g, grad, *_: grad.mean(axis=0), "factor 1/n", BY_ROWS)
spoil("dense", "dX negated", 0, lambda g, *_: -g, "sign")
spoil("dense", "dX times n", 0, lambda g, grad, *_: g * len(grad), "factor n, the rows")
spoil("dense", "no dW", 1, lambda g, *_: 0 * g, "zero")
spoil("dense", "db of the first row", 2, lambda g, grad, *_: grad[0], "only index 0 of axis 0 of Y")
spoil("dense", "db of the last row", 2, lambda g, grad, *_: grad[-1], "only index 5 of axis 0 of Y")
spoil(
    "dense", "db summed over all", 2, lambda g, grad, *_: g * 0 + grad.sum(), "summed over axis 0"
)
spoil("square dense", "grad W", 0, lambda g, grad, X, Y, W, b: grad @ W, "transpose")
spoil("square dense", "gradᵀ X", 1, lambda g, grad, X, *_: grad.T @ X, "transpose")
spoil("sequence dense", "db averaged", 2, lambda g, grad, *_: grad.mean(axis=(0, 1)),
      "factor 1/12", "axes 0 and 1 of Y (3 x 4)")  # fmt: skip
spoil("sequence dense", "db averaged over n", 2, lambda g, grad, *_: grad.sum(axis=1).mean(axis=0),
      "factor 1/n", BY_ROWS)  # fmt: skip
spoil("sequence dense", "dW of the last step", 1,
      lambda g, grad, X, *_: X[:, -1].T @ grad[:, -1], "only index 3 of axis 1 of Y")  # fmt: skip
spoil("sequence dense", "dW in another order", 1,
      lambda g, grad, X, *_: X.transpose(1, 0, 2).reshape(-1, 5).T @ grad.reshape(-1, 2),
      "order", "axes 0 and 1 of Y")  # fmt: skip
spoil("squares", "dV and dW exchanged", 1, lambda g, grad, X, Y, V, W: -2 * X.T @ (grad * (X @ W)),
      "swapped", "gradient of P.W")  # fmt: skip
spoil("squares", "2 forgotten", 1, lambda g, *_: g / 2, "factor 1/2")
spoil("affine", "dX without a", 0, lambda g, grad, *_: grad, "leaves out P.a")
spoil("affine", "dX with a twice", 0, lambda g, grad, X, Y, a, b: g * a, "P.a once too often")
spoil("scaled", "da of the first row", 1, lambda g, grad, X, *_: (grad * X)[0].sum(),
      "only index 0 of axis 0 of Y")  # fmt: skip
spoil("scaled", "da averaged", 1, lambda g, grad, X, *_: (grad * X).mean(), "factor 1/20")
spoil("polynomial", "dc one place off", 1, lambda g, *_: np.append(g[1:], 0), "shifted", "axis 0")
spoil("prelu", "da of all X", 1, lambda g, grad, X, *_: (grad * X).sum(axis=0),
      "subtracted: sum(grad * X * (Y > 0))")  # fmt: skip
spoil("distances", "dC without the minus", 1, lambda g, *_: -g, "sign")
spoil("gated", "dX without the gate's path", 0,
      lambda g, grad, X, Y, V, W: (grad * sigmoid(X @ W)) @ V.T,
      "what backward returns")  # fmt: skip
spoil("outer", "2 grad X", 0, lambda g, grad, X, Y: 2 * (grad @ X[:, :, None])[:, :, 0])

two_rows = at(formulas.dense, normal(2, 5),
              spoiled(formulas.dense_back, 2, lambda g, grad, *_: grad.mean(axis=0)),
              W=normal(5, 3), b=normal(3))  # fmt: skip
plant("dense of two rows: db averaged", two_rows, "factor 1/n", BY_ROWS)
two_squares = at(formulas.difference_of_squares, normal(2, 4),
                 spoiled(formulas.difference_of_squares_back, 2, lambda g, *_: g / 2),
                 V=normal(4, 3), W=normal(4, 3))  # fmt: skip
plant("squares of two rows: 2 forgotten", two_squares, "factor 1/2")


def both(X: Array, V: Array, W: Array) -> Array:
    """Y = (X V, X W) side by side."""
    return np.concatenate([X @ V, X @ W], axis=-1)


def both_way(*, first: bool = True, second: bool = True, turned: bool = False) -> Back:
    def back(grad: Array, X: Array, Y: Array, V: Array, W: Array) -> tuple[Array, ...]:
        left, right = np.split(grad, 2, axis=-1)[:: -1 if turned else 1]
        dX = first * (left @ V.T) + second * (right @ W.T)
        return dX, X.T @ left, X.T @ right

    return back


HALVES: dict[str, Draw] = {"V": normal(4, 3), "W": normal(4, 3)}
plant("both: dX without the second half", at(both, normal(5, 4), both_way(second=False), **HALVES),
      "X: ", "indices 3 to 5 of axis 1 of Y")  # fmt: skip
plant("both: halves exchanged", at(both, normal(5, 4), both_way(turned=True), **HALVES),
      "exchanged", "axis 1 of Y")  # fmt: skip


# Activations and reductions ----------------------------------------------------------------------


def relu(X: Array) -> Array:
    """Y = max(X, 0)."""
    return np.maximum(X, 0)


def leaky(X: Array) -> Array:
    """Y = X where X > 0, else 0.1 X."""
    return np.where(X > 0, X, 0.1 * X)


def clipped(X: Array) -> Array:
    """Y = X between −1 and 1."""
    return np.clip(X, -1, 1)


SIGNED = around(-1, 1, shape=(6, 5), spread=0.8)
slope("relu: no mask", relu, lambda X, Y: np.ones_like(X), SIGNED, "negative inputs")
slope("relu: turned", relu, lambda X, Y: (X < 0) * 1.0, SIGNED)
slope(
    "leaky: nothing below 0", leaky, lambda X, Y: (X > 0) * 1.0, SIGNED, "negative inputs", "zero"
)
slope("leaky: 1 below 0", leaky, lambda X, Y: np.ones_like(X), SIGNED, "negative inputs")
slope("clipped: no mask", clipped, lambda X, Y: np.ones_like(X),
      around(-2, 0, 2, shape=(6, 5), spread=0.8), "does not depend")  # fmt: skip
slope("clipped: lower end only", clipped, lambda X, Y: (X > -1) * 1.0,
      around(-2, 0, 2, shape=(6, 5), spread=0.8), "X is above")  # fmt: skip
slope("tanh: 1 − Y", np.tanh, lambda X, Y: 1 - Y, normal(6, 5), "leaves out 1 + Y")
slope("tanh: no slope", np.tanh, lambda X, Y: np.ones_like(X), normal(6, 5), "leaves out 1 - Y * Y")
slope("sigmoid: Y alone", sigmoid, lambda X, Y: Y, normal(6, 5), "leaves out 1 - Y")
slope("sigmoid: 1 − Y alone", sigmoid, lambda X, Y: 1 - Y, normal(6, 5), "leaves out Y")
slope("exp: X for Y", np.exp, lambda X, Y: X, normal(6, 5), "times Y over X", "is left out, or Y")
slope("square: 2 forgotten", np.square, lambda X, Y: X, normal(6, 5), "factor 1/2")
slope("square of two rows: 2 forgotten", np.square, lambda X, Y: X, normal(2, 5), "factor 1/2")
slope("log: X for 1/X", np.log, lambda X, Y: X, positive(6, 5), "X * X once too often")
slope("sine: of half the angle", np.sin, lambda X, Y: np.cos(X / 2), normal(6, 5))
slope("tanh: a constant too much", np.tanh, lambda X, Y: 1.1 - Y**4, normal(6, 5))
slope("exp: a power too much", np.exp, lambda X, Y: Y**1.3, normal(6, 5))
slope("log: rounded", np.log, lambda X, Y: np.round(1 / X, 1), positive(6, 5))
slope("sine: cosine negated", np.sin, lambda X, Y: -np.cos(X), normal(6, 5), "sign")
slope("sine: sine again", np.sin, lambda X, Y: Y, normal(6, 5), "cos(X) is left out, or Y is in")


def diagonal(g: Array, grad: Array, X: Array, Y: Array) -> Array:
    return grad * Y * (1 - Y)


spoil("softmax", "the diagonal alone", 0, diagonal, "diagonal", "axis 1")
spoil("softmax", "no sum", 0, lambda g, grad, X, Y: grad * Y, "along axis 1", "missing")
spoil("softmax", "negated", 0, lambda g, *_: -g, "sign")
spoil("softmax", "the sum over the rows", 0,
      lambda g, grad, X, Y: Y * (grad - (grad * Y).sum(axis=0)),
      "axis 0, where axis 1 belongs")  # fmt: skip
spoil("log_softmax", "no sum", 0, lambda g, grad, X, Y: grad, "along axis 1", "missing")
spoil(
    "logsumexp",
    "of the first row's softmax",
    0,
    lambda g, grad, X, Y: grad[:, None] * softmax(X)[0],
    "every index of axis 0 but 0",
)
spoil("row_mean", "a sum's gradient", 0, lambda g, grad, X, Y: 2 * grad[:, None] * X,
      "factor 5", "axis 1 of X")  # fmt: skip
spoil("cumulative", "not reversed", 0, lambda g, grad, X, Y: np.cumsum(grad, axis=-1), "transpose")
spoil("cumulative", "itself only", 0, lambda g, grad, X, Y: grad, "along axis 1")
spoil("sort", "sorted the other way", 0,
      lambda g, grad, X, Y: np.take_along_axis(grad, np.argsort(X, axis=-1), axis=-1),
      "transpose")  # fmt: skip
spoil("sort", "as it came", 0, lambda g, grad, X, Y: grad, "grad as it came")
spoil("log_determinant", "not transposed", 0, lambda g, *_: g.swapaxes(-1, -2), "transpose")


# Normalization -----------------------------------------------------------------------------------


def norm_way(
    axis: int,
    *,
    means: tuple[bool, bool] = (True, True),
    over: int | None = None,
    gamma: bool = True,
    scaled: bool = True,
) -> Back:
    """The way back of layer_norm (axis −1) or batch_norm (axis 0), with terms left out."""

    def back(grad: Array, X: Array, Y: Array, g: Array, beta: Array) -> tuple[Array, ...]:
        centered = X - X.mean(axis=axis, keepdims=True)
        s = np.sqrt((centered**2).mean(axis=axis, keepdims=True) + formulas.EPSILON)
        Z, dZ = centered / s, grad * g if gamma else grad
        along: Any = axis if over is None else over
        dX = dZ - means[0] * dZ.mean(axis=along, keepdims=True)
        dX = dX - means[1] * Z * (dZ * Z).mean(axis=axis, keepdims=True)
        return dX / s if scaled else dX, (grad * Z).sum(axis=0), grad.sum(axis=0)

    return back


def norms(what: str, words: tuple[str, ...], **options: Any) -> None:
    """The same mistake in both."""
    for base, axis, own in ("layer_norm", -1, "axis 1"), ("batch_norm", 0, "axis 0"):
        mine = tuple(word.replace("AXIS", own) for word in words)
        other = {"over": -1 - axis} if options.get("over") else {}
        plant(f"{base}: {what}", zoo(base, norm_way(axis, **(options | other))), *mine)


norms("no mean", ("missing mean", "AXIS"), means=(False, True))
norms("no variance", ("AXIS", "missing"), means=(True, False))
norms("neither", ("constants", "AXIS"), means=(False, False))
norms("a mean over the other axis", ("where AXIS belongs",), over=1)
norms("no gamma", ("leaves out P.gamma",), gamma=False)
spoil("layer_norm", "no 1/s", 0, lambda g, grad, X, *_: g * X.std(axis=-1, keepdims=True),
      "each index of axis 0")  # fmt: skip
spoil("batch_norm", "no 1/s", 0, lambda g, grad, X, *_: g * X.std(axis=0), "each index of axis 1")
spoil("layer_norm", "dgamma and dbeta exchanged", 1, lambda g, grad, *_: grad.sum(axis=0),
      "swapped", "gradient of P.beta")  # fmt: skip
spoil("layer_norm", "dgamma of X", 1, lambda g, grad, X, *_: (grad * X).sum(axis=0))
spoil("rms_norm", "a mean too much", 0, lambda g, *_: g - g.mean(axis=-1, keepdims=True),
      "surplus mean", "axis 1")  # fmt: skip
spoil("rms_norm", "the root for a constant", 0,
      lambda g, grad, X, Y, gamma: grad * gamma / np.sqrt((X * X).mean(axis=-1, keepdims=True)
                                                          + formulas.EPSILON),
      "along axis 1", "missing")  # fmt: skip
spoil("unit_rows", "the length for a constant", 0,
      lambda g, grad, X, Y: grad / np.linalg.norm(X, axis=-1, keepdims=True),
      "along axis 1", "missing")  # fmt: skip
spoil("center", "no mean", 0, lambda g, grad, X, Y: grad, "missing mean", "axis 1")
spoil("center", "the mean over rows", 0, lambda g, grad, X, Y: grad - grad.mean(axis=0),
      "axis 0", "where axis 1 belongs")  # fmt: skip
spoil("center_columns", "no mean", 0, lambda g, grad, X, Y: grad, "missing mean", "axis 0")


# Images ------------------------------------------------------------------------------------------

spoil("convolution", "db averaged", 2, lambda g, grad, *_: grad.mean(axis=(0, 1, 2)),
      "axes 0, 1 and 2 of Y")  # fmt: skip
spoil(
    "convolution", "db averaged over n", 2, lambda g, grad, *_: g / len(grad), "factor 1/n", BY_ROWS
)
spoil("convolution", "db of one image", 2, lambda g, grad, *_: grad[0].sum(axis=(0, 1)),
      "only index 0 of axis 0 of Y")  # fmt: skip
spoil("convolution", "dW turned", 1, lambda g, *_: g[::-1, ::-1], "reversed along axes 0 and 1")
spoil("convolution", "dW exchanged h for w", 1, lambda g, *_: g.swapaxes(0, 1), "axes 0 and 1")
spoil("convolution", "dX with W turned", 0,
      lambda g, grad, X, Y, W, b: formulas.convolution_back(grad, X, Y, W[::-1, ::-1], b)[0],
      "P.W", "reversed along axes 0 and 1")  # fmt: skip
spoil("convolution", "dX at the border", 0,
      lambda g, *_: np.pad(g[:, 1:-1, 1:-1], ((0, 0), (1, 1), (1, 1), (0, 0))),
      "zero", "border", "axes 1 and 2")  # fmt: skip
spoil("convolution", "dX without the last column", 0,
      lambda g, *_: g * (np.arange(4) < 3)[:, None], "zero", "index 3 of axis 2")  # fmt: skip
spoil("convolution", "dX one pixel off", 0,
      lambda g, *_: np.pad(g[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0))),
      "shifted", "axis 1")  # fmt: skip
spoil("convolution", "dW of one channel turned", 1,
      lambda g, *_: np.where(np.arange(3) == 1, g[::-1, ::-1], g),
      "reversed along axes 0 and 1, only at index 1 of axis 3")  # fmt: skip
spoil("dense", "three entries of dW lost", 1,
      lambda g, *_: g * (np.arange(15).reshape(5, 3) % 6 != 2),
      "what arrives is right", "18 of 90 gradients that add up do not arrive")  # fmt: skip
spoil("convolution", "dW without one channel", 1, lambda g, *_: g * (np.arange(3) != 1),
      "zero", "index 1 of axis 3")  # fmt: skip


def kept_windows(g: Array, grad: Array, X: Array, Y: Array, *P: Array) -> Array:
    """Overlapping windows are assigned, where they add up."""
    W, _ = P
    dX = np.zeros_like(X)
    for i in range(grad.shape[1]):
        for j in range(grad.shape[2]):
            dX[:, i : i + 2, j : j + 2] = np.einsum("nk,pqck->npqc", grad[:, i, j], W)
    return dX


spoil("convolution", "windows assigned", 0, kept_windows, "one of several")
spoil("mean_pool", "no share", 0, lambda g, *_: 4 * g, "factor 4")
spoil("mean_pool", "the first of four", 0,
      lambda g, *_: g * (np.arange(4) % 2 == 0)[:, None, None] * (np.arange(6) % 2 == 0)[:, None],
      "zero", "odd")  # fmt: skip
spoil("max_pool", "to all four", 0, lambda g, grad, X, Y: grad.repeat(2, axis=1).repeat(2, axis=2),
      "does not depend")  # fmt: skip
spoil("max_pool", "to the first pixel", 0,
      lambda g, grad, X, Y: grad.repeat(2, axis=1).repeat(2, axis=2)
      * (np.arange(4) % 2 == 0)[:, None, None] * (np.arange(6) % 2 == 0)[:, None],
      "another place")  # fmt: skip


def thinned(X: Array) -> Array:
    """Every second step of (n, t, d), from the second on."""
    return X[:, 1::2].copy()


def thinned_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    dX = np.zeros_like(X)
    dX[:, : 2 * Y.shape[1] : 2] = grad
    return (dX,)


def padded(X: Array) -> Array:
    """A zero before and after the steps of (n, t, d), and the differences of neighbours."""
    return np.diff(np.pad(X, ((0, 0), (1, 1), (0, 0))), axis=1)


def uncropped(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The padding is not cut off in front."""
    return (np.pad(-np.diff(grad, axis=1), ((0, 0), (1, 0), (0, 0)))[:, :-1],)


def global_mean(X: Array) -> Array:
    """Y = the mean of (n, h, w, c) over h and w."""
    Y: Array = X.mean(axis=(1, 2))
    return Y


def rolled(X: Array) -> Array:
    """Each row one place on."""
    return np.roll(X, 1, axis=1)


plant(
    "thinned: aligned to the first", at(thinned, normal(3, 6, 2), thinned_back), "shifted", "axis 1"
)
plant("padded: the padding forgotten", at(padded, normal(3, 5, 2), uncropped), "shifted", "axis 1")
plant("global_mean: the sum's gradient",
      at(global_mean, normal(2, 3, 5, 2),
         lambda grad, X, Y: (np.broadcast_to(grad[:, None, None], X.shape).copy(),)),
      "factor 15", "axes 1 and 2 of X")  # fmt: skip
plant("global_mean: divided by all",
      at(global_mean, normal(3, 4, 5, 2),
         lambda grad, X, Y: (np.broadcast_to(grad[:, None, None], X.shape) / X.size,)),
      "1/6")  # fmt: skip
plant("rolled: the same way on",
      at(rolled, normal(3, 6), lambda grad, X, Y: (np.roll(grad, 1, axis=1),)),
      "transpose")  # fmt: skip

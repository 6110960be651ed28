"""Right and wrong losses: value and gradient belong together, and are a mean over the rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise import (
    Array,
    MeanSquaredError,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    sigmoid,
    softmax,
)
from layerwise.losses import Loss
from tests.gradient_cases.case import Hint, LossCase, MakeLoss

LOSSES: list[LossCase] = []
Points = Callable[[np.random.Generator], tuple[Any, NDArray[Any]]]
Pair = Callable[[Array, Any], tuple[Array, Array]]


class MeanOf:
    """L = mean of f(Y, T) over its entries, dL/dY = f'(Y, T) / their number.

    `pair(Y, T)` gives f, of the shape of Y or of its leading axes, and f', of the shape of Y.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def __call__(self, Y: Array, target: Any, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        values, slopes = self.pair(Y, target)
        return float(values.mean()), slopes / values.size


# What the losses are made of ---------------------------------------------------------------------


def squares(Y: Array, T: Array) -> tuple[Array, Array]:
    return (Y - T) ** 2, 2 * (Y - T)


def row_squares(Y: Array, T: Array) -> tuple[Array, Array]:
    """Summed over the columns."""
    return ((Y - T) ** 2).sum(axis=-1), 2 * (Y - T)


def absolute(Y: Array, T: Array) -> tuple[Array, Array]:
    return np.abs(Y - T), np.sign(Y - T)


def huber(Y: Array, T: Array) -> tuple[Array, Array]:
    E = Y - T
    small = np.abs(E) <= 1
    return np.where(small, 0.5 * E * E, np.abs(E) - 0.5), np.clip(E, -1, 1)


def log_cosh(Y: Array, T: Array) -> tuple[Array, Array]:
    E = Y - T
    return np.logaddexp(E, -E) - float(np.log(2)), np.tanh(E)


def quantile(Y: Array, T: Array) -> tuple[Array, Array]:
    """The pinball loss of the 80 % quantile; slope 0 at a tie."""
    E = T - Y
    return np.maximum(0.8 * E, -0.2 * E), np.where(E > 0, -0.8, np.where(E < 0, 0.2, 0.0))


def hinge(Y: Array, T: Array) -> tuple[Array, Array]:
    """max(0, 1 − T Y) for T of −1 and 1."""
    margin = 1 - T * Y
    return np.maximum(margin, 0), np.where(margin > 0, -T, 0.0)


def squared_hinge(Y: Array, T: Array) -> tuple[Array, Array]:
    margin = np.maximum(1 - T * Y, 0)
    return margin**2, -2 * T * margin


def poisson(Y: Array, T: Array) -> tuple[Array, Array]:
    """exp(Y) − T Y, the log of the rate being Y."""
    return np.exp(Y) - T * Y, np.exp(Y) - T


def gaussian(Y: Array, T: Array) -> tuple[Array, Array]:
    """The negative log-likelihood, where Y has a mean and the log of a variance."""
    mean, log_variance = Y[:, 0], Y[:, 1]
    E, precision = mean - T, np.exp(-log_variance)
    slopes = np.stack([E * precision, 0.5 - 0.5 * E * E * precision], axis=1)
    return 0.5 * (log_variance + E * E * precision), slopes


WEIGHTS = np.array([1.1, 3.0, 0.23, 0.57])


def _cross_entropy(Y: Array, T: Any) -> tuple[Array, Array]:
    shifted = Y - Y.max(axis=-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    one_hot = T[:, np.newaxis] == np.arange(Y.shape[-1])
    return -logs[np.arange(len(Y)), T], np.exp(logs) - one_hot


def weighted(Y: Array, T: Any) -> tuple[Array, Array]:
    """Cross-entropy times the weight of the row's class."""
    values, slopes = _cross_entropy(Y, T)
    return WEIGHTS[T] * values, WEIGHTS[T][:, np.newaxis] * slopes


def smoothed(Y: Array, T: Any) -> tuple[Array, Array]:
    """Cross-entropy with a tenth of the target spread over all classes."""
    values, _ = _cross_entropy(Y, T)
    k = Y.shape[-1]
    logs = Y - np.log(np.exp(Y - Y.max()).sum(axis=-1, keepdims=True)) - Y.max()
    one_hot = T[:, np.newaxis] == np.arange(k)
    return 0.9 * values - 0.1 * logs.mean(axis=-1), softmax(Y) - 0.9 * one_hot - 0.1 / k


def focal(Y: Array, T: Any) -> tuple[Array, Array]:
    """−(1 − p)² log p, p the probability of the right class."""
    P = softmax(Y)
    one_hot = (T[:, np.newaxis] == np.arange(Y.shape[-1])).astype(Y.dtype)
    p = (P * one_hot).sum(axis=-1)
    slope = (2 * (1 - p) * np.log(p) - (1 - p) ** 2 / p) * p
    return -((1 - p) ** 2) * np.log(p), slope[:, np.newaxis] * (one_hot - P)


# Points ------------------------------------------------------------------------------------------


def real(*shape: int, scale: float = 1.0, dtype: type[Any] = np.float64) -> Points:
    """Y and a target of one shape."""

    def points(rng: np.random.Generator) -> tuple[Any, NDArray[Any]]:
        Y, T = (scale * rng.standard_normal((2, *shape))).astype(dtype)
        return Y, T

    return points


def grid(*shape: int, step: float = 1.0) -> Points:
    """Y and a target at multiples of `step`: many ties and knees."""

    def points(rng: np.random.Generator) -> tuple[Any, NDArray[Any]]:
        Y, T = step * rng.integers(-2, 3, (2, *shape)).astype(np.float64)
        return Y, T

    return points


def classes(*shape: int, scale: float = 1.0, dtype: type[Any] = np.float64) -> Points:
    """Logits (…, k), and a class for each row."""
    return lambda rng: (
        (scale * rng.standard_normal(shape)).astype(dtype),
        rng.integers(0, shape[-1], shape[:-1]),
    )


def probabilities(*shape: int) -> Points:
    """Logits (…, k), and probabilities of the classes for each row."""
    return lambda rng: (rng.standard_normal(shape), rng.dirichlet(np.ones(shape[-1]), shape[:-1]))


def answers(*shape: int, scale: float = 1.0) -> Points:
    """Logits, and 0 or 1 for each."""
    return lambda rng: (
        scale * rng.standard_normal(shape),
        rng.integers(0, 2, shape).astype(np.float64),
    )


def signs(*shape: int, kinks: bool = False) -> Points:
    """Scores, and −1 or 1 for each; with `kinks`, some margins are exactly 0."""

    def points(rng: np.random.Generator) -> tuple[Any, NDArray[Any]]:
        T = rng.choice([-1.0, 1.0], shape)
        Y = rng.standard_normal(shape)
        return np.where(rng.random(shape) < 0.5, T, Y) if kinks else Y, T

    return points


def counts(*shape: int) -> Points:
    """Logs of rates, and counts."""
    return lambda rng: (rng.standard_normal(shape), rng.poisson(2, shape).astype(float))


def rows(n: int) -> Points:
    """(n, 2) numbers, and a number for each row."""
    return lambda rng: (rng.standard_normal((n, 2)), rng.standard_normal(n))


Build = Callable[[], Loss[Any]]
Edit = Callable[[Any, Any, Any], Any]


def always(loss: Loss[Any]) -> Build:
    """A loss without state: the same one each time."""
    return lambda: loss


def loss_at(loss: Build, points: Points) -> MakeLoss:
    return lambda rng: (loss(), *points(rng))


def right(rows: Sequence[tuple[str, Build, Points, str]]) -> None:
    for name, loss, points, reason in rows:
        make = loss_at(loss, points)
        LOSSES.append(LossCase(f"right loss: {name}", "loss", make, "right", reason))


right([
    ("MSE", MeanSquaredError, real(6, 3), "a mean over all entries"),
    ("MSE of one column", MeanSquaredError, real(6, 1), "(n, 1) against (n, 1)"),
    ("MSE of vectors", MeanSquaredError, real(6), "(n,) against (n,)"),
    ("MSE of sequences", MeanSquaredError, real(3, 4, 2), "three axes"),
    ("MSE with a batch of 1", MeanSquaredError, real(1, 3), "one row"),
    ("MSE, exact", MeanSquaredError, grid(4, 3), "some errors are 0"),
    ("MSE of 1e-6", MeanSquaredError, real(6, 3, scale=1e-6), "values of 1e-12"),
    ("MSE of 1e6", MeanSquaredError, real(6, 3, scale=1e6), "values of 1e12"),
    ("MSE, float32", MeanSquaredError, real(6, 3, dtype=np.float32), "float32 throughout"),
    ("sigmoid CE", SigmoidCrossEntropy, answers(6, 3), "yes or no"),
    ("sigmoid CE at ±1000", SigmoidCrossEntropy, answers(6, 3, scale=1000), "saturated"),
    ("softmax CE", SoftmaxCrossEntropy, classes(6, 4), "a class for each row"),
    ("softmax CE of probabilities", SoftmaxCrossEntropy, probabilities(6, 4), "soft targets"),
    ("softmax CE of sequences", SoftmaxCrossEntropy, classes(3, 4, 5), "a mean over 12 rows"),
    ("softmax CE at ±1000", SoftmaxCrossEntropy, classes(6, 4, scale=1000), "saturated"),
    ("softmax CE, float32", SoftmaxCrossEntropy, classes(6, 4, dtype=np.float32), "float32"),
    ("softmax CE with a batch of 1", SoftmaxCrossEntropy, classes(1, 4), "one row"),
    ("row sums of squares", lambda: MeanOf(row_squares), real(6, 3), "a mean over rows only"),
    ("MAE", lambda: MeanOf(absolute), real(6, 3), "kinks at ties"),
    ("MAE at ties", lambda: MeanOf(absolute), grid(6, 3), "slope 0 at a tie"),
    ("Huber", lambda: MeanOf(huber), real(6, 3), "round and straight"),
    ("Huber at its knees", lambda: MeanOf(huber), grid(6, 3), "differentiable there"),
    ("log-cosh", lambda: MeanOf(log_cosh), real(6, 3), "smooth"),
    ("quantile", lambda: MeanOf(quantile), real(6, 3), "lopsided"),
    ("quantile at ties", lambda: MeanOf(quantile), grid(6, 3), "slope 0 at a tie"),
    ("hinge", lambda: MeanOf(hinge), signs(8), "a margin"),
    ("hinge at its kink", lambda: MeanOf(hinge), signs(8, kinks=True), "margins of exactly 0"),
    ("squared hinge at its knee", lambda: MeanOf(squared_hinge), signs(8, kinks=True),
     "differentiable there"),
    ("Poisson", lambda: MeanOf(poisson), counts(6, 3), "counts"),
    ("Gaussian", lambda: MeanOf(gaussian), rows(6), "two answers for one target"),
    ("weighted CE", lambda: MeanOf(weighted), classes(6, 4), "a weight for each class"),
    ("smoothed CE", lambda: MeanOf(smoothed), classes(6, 4), "softened targets"),
    ("focal loss", lambda: MeanOf(focal), classes(6, 4), "hard rows count more"),
])  # fmt: skip


# Wrong gradients beside a right value ------------------------------------------------------------


class SpoiledLoss:
    """A right loss whose gradient is changed."""

    def __init__(self, loss: Loss[Any], edit: Edit) -> None:
        self.loss, self.edit = loss, edit

    def __call__(self, Y: Any, target: Any, /) -> tuple[float, Any]:
        """Return the right value and a wrong gradient."""
        value, grad = self.loss(Y, target)
        return value, self.edit(grad, Y, target)


def wrong(
    kind: str,
    name: str,
    loss: Build,
    points: Points,
    reason: str,
    *,
    hint: Hint | None = None,
) -> None:
    LOSSES.append(
        LossCase(f"wrong loss: {name}", kind, loss_at(loss, points), "wrong", reason, hint)
    )


def changed_entry(grad: Any, where: Any, factor: float) -> Any:
    wrong_grad = grad.copy()
    wrong_grad[where] *= factor
    return wrong_grad


def larger(size: float) -> Edit:
    return lambda g, Y, T: g * (1 + size)


def noisy(size: float) -> Edit:
    return lambda g, Y, T: g * (1 + size * np.random.default_rng(3).standard_normal(g.shape))


def spoiled(base: Build, edit: Edit) -> Build:
    """A right loss whose gradient is changed."""
    return lambda: SpoiledLoss(base(), edit)


def gradients(rows: Sequence[tuple[str, Build, Points, Edit, str, Hint | None]]) -> None:
    """Right losses whose gradients are changed."""
    for name, base, points, edit, reason, hint in rows:
        wrong("loss gradient", name, spoiled(base, edit), points, reason, hint=hint)


MSE, SOFTMAX, SIGMOID = MeanSquaredError, SoftmaxCrossEntropy, SigmoidCrossEntropy
SOME: list[tuple[str, Build, Points]] = [
    ("MSE", MSE, real(6, 3)),
    ("softmax CE", SOFTMAX, classes(6, 4)),
    ("Huber", lambda: MeanOf(huber), real(6, 3)),
]
gradients([
    ("MSE, T - Y", MSE, real(6, 3), lambda g, Y, T: -g, "uphill", "sign"),
    ("softmax CE, T - softmax", SOFTMAX, classes(6, 4), lambda g, Y, T: -g, "uphill", "sign"),
    ("MSE without the 2", MSE, real(6, 3), lambda g, Y, T: g / 2, "the course's half gradient",
     "factor 1/2"),
    ("sigmoid CE, half", SIGMOID, answers(6, 3), lambda g, Y, T: g / 2, "a factor", "factor 1/2"),
    ("softmax CE twice", SOFTMAX, classes(6, 4), lambda g, Y, T: 2 * g, "a factor", "factor 2"),
    ("MSE twice", MSE, real(5, 3), lambda g, Y, T: 2 * g, "a factor", "factor 2"),
    ("softmax CE, a sum's gradient", SOFTMAX, classes(7, 4), lambda g, Y, T: g * len(Y),
     "value a mean, gradient a sum", "factor n"),
    ("MSE of vectors, a sum's gradient", MSE, real(7), lambda g, Y, T: g * len(Y),
     "value a mean, gradient a sum", "factor n"),
    ("softmax CE, divided again", SOFTMAX, classes(7, 4), lambda g, Y, T: g / len(Y),
     "1/n twice", "factor 1/n"),
    ("row sums, divided again", lambda: MeanOf(row_squares), real(7, 3),
     lambda g, Y, T: g / len(Y), "1/n twice", "factor 1/n"),
    ("MSE, a sum's over columns", MSE, real(6, 5), lambda g, Y, T: g * Y.shape[1],
     "value a mean over all, gradient over rows", None),
    ("softmax CE, over all entries", SOFTMAX, classes(6, 4), lambda g, Y, T: g / Y.shape[1],
     "divided by n k, not by n", None),
    ("softmax CE, zero", SOFTMAX, classes(6, 4), lambda g, Y, T: 0 * g, "nothing", "zero"),
    ("MSE, zero", MSE, real(6, 3), lambda g, Y, T: np.zeros_like(g), "nothing", "zero"),
    ("MSE, one row", MSE, real(6, 3), lambda g, Y, T: changed_entry(g, 3, 1.3), "one row",
     "one row"),
    ("softmax CE, one row", SOFTMAX, classes(6, 4), lambda g, Y, T: changed_entry(g, -1, 0),
     "the last row", "one row"),
    ("softmax CE, one column", SOFTMAX, classes(6, 4),
     lambda g, Y, T: changed_entry(g, (..., 2), 1.3), "one class", "one column"),
    ("MSE, one column", MSE, real(6, 3), lambda g, Y, T: changed_entry(g, (..., 0), 0.7),
     "one column", "one column"),
    ("MSE, one entry", MSE, real(6, 3), lambda g, Y, T: changed_entry(g, (2, 1), 1.5),
     "one entry", None),
    ("MSE, transposed", MSE, real(4, 4), lambda g, Y, T: g.T.copy(), "square", "transpose"),
    ("softmax CE, transposed", SOFTMAX, classes(4, 4), lambda g, Y, T: g.T.copy(), "square",
     "transpose"),
    ("MSE, negative outputs", MSE, real(6, 3), lambda g, Y, T: np.where(Y < 0, 1.4 * g, g),
     "depends on the value", "negative inputs"),
    ("softmax CE, softmax only", SOFTMAX, classes(6, 4), lambda g, Y, T: softmax(Y) / len(Y),
     "T is missing", None),
    ("softmax CE, T only", SOFTMAX, classes(6, 4),
     lambda g, Y, T: -1.0 * (T[:, None] == np.arange(4)) / len(Y), "softmax is missing", None),
    ("softmax CE, the wrong class", SOFTMAX, classes(6, 4),
     lambda g, Y, T: (softmax(Y) - ((T[:, None] + 1) % 4 == np.arange(4))) / len(Y), "off by one",
     None),
    ("softmax CE, over rows", SOFTMAX, classes(6, 4),
     lambda g, Y, T: (softmax(Y, axis=0) - (T[:, None] == np.arange(4))) / len(Y),
     "the wrong axis", None),
    ("sigmoid CE, times sigmoid'", SIGMOID, answers(6, 3),
     lambda g, Y, T: g * sigmoid(Y) * (1 - sigmoid(Y)), "the sigmoid's slope once too often",
     None),
    ("sigmoid CE, Y - T", SIGMOID, answers(6, 3), lambda g, Y, T: (Y - T) / Y.size,
     "the sigmoid is missing", None),
    ("MAE, always 1", lambda: MeanOf(absolute), real(6, 3), lambda g, Y, T: np.abs(g),
     "the sign is missing", None),
    ("MAE at ties, 3", lambda: MeanOf(absolute), grid(6, 3),
     lambda g, Y, T: np.where(Y == T, 3 / Y.size, g), "no subgradient at ties", None),
    ("Huber, not clipped", lambda: MeanOf(huber), real(6, 3), lambda g, Y, T: (Y - T) / Y.size,
     "a branch is missing", None),
    ("Huber at its knee, 0", lambda: MeanOf(huber), grid(6, 3),
     lambda g, Y, T: np.where(np.abs(Y - T) == 1, 0, g), "differentiable there", None),
    ("hinge, the mask Y > 0", lambda: MeanOf(hinge), signs(8),
     lambda g, Y, T: np.where(Y > 0, -T, 0) / Y.size, "the wrong mask", None),
    ("squared hinge, the hinge's", lambda: MeanOf(squared_hinge), signs(8),
     lambda g, Y, T: np.where(T * Y < 1, -T, 0) / Y.size, "another function's", None),
    ("Poisson, T missing", lambda: MeanOf(poisson), counts(6, 3),
     lambda g, Y, T: np.exp(Y) / Y.size, "a term is missing", None),
    ("Gaussian, the variance's twice", lambda: MeanOf(gaussian), rows(6),
     lambda g, Y, T: changed_entry(g, (..., 1), 2), "one of two answers", "one column"),
    ("weighted CE, weights missing", lambda: MeanOf(weighted), classes(6, 4),
     lambda g, Y, T: g / WEIGHTS[T][:, None], "a factor for each row", None),
    ("weighted CE, divided by the weights", lambda: MeanOf(weighted), classes(6, 4),
     lambda g, Y, T: g * len(Y) / WEIGHTS[T].sum(), "by the sum of weights, not by n", None),
    ("focal loss, weight taken for a constant", lambda: MeanOf(focal), classes(6, 4),
     lambda g, Y, T: (1 - softmax(Y)[np.arange(len(Y)), T][:, None]) ** 2
     * _cross_entropy(Y, T)[1] / len(Y), "a term is missing", None),
    ("quantile, the other side", lambda: MeanOf(quantile), real(6, 3),
     lambda g, Y, T: np.where(Y < T, -0.2, 0.8) / Y.size, "20 % for 80 %", None),
    ("MSE through float32", MSE, real(6, 3), lambda g, Y, T: g.astype(np.float32).astype(float),
     "lost precision", None),
    ("softmax CE with 6 digits", SOFTMAX, classes(6, 4), lambda g, Y, T: np.round(g, 6),
     "lost precision", None),
    ("MSE of 1e-6, off by 1e-3", MSE, real(6, 3, scale=1e-6), lambda g, Y, T: g * 1.001,
     "small next to 1", None),
    ("MSE of 1e6, off by 1e-4", MSE, real(6, 3, scale=1e6), lambda g, Y, T: g * 1.0001,
     "large next to 1", None),
    ("MSE with a batch of 1, a sum's gradient", MSE, real(1, 3), lambda g, Y, T: g * len(Y),
     "n is 1 here", "factor n"),
    ("softmax CE with a batch of 1, not divided", SOFTMAX, classes(1, 4),
     lambda g, Y, T: softmax(Y) - (T[:, None] == np.arange(4)), "n is 1 here", "factor n"),
])  # fmt: skip
for size in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
    for name, base, points in SOME:
        wrong(
            "loss, small error",
            f"{name}, off by {size:g}",
            spoiled(base, larger(size)),
            points,
            "all entries too large",
        )
        wrong(
            "loss, small error",
            f"{name}, noisy by {size:g}",
            spoiled(base, noisy(size)),
            points,
            "random errors",
        )


# Contract: arguments, form, mean over rows, state ------------------------------------------------


def loss_of(value: Callable[[Any, Any], Any], slope: Callable[[Any, Any], Any]) -> Loss[Any]:
    """A loss from two functions."""
    return lambda Y, T: (value(Y, T), slope(Y, T))


def plain(
    kind: str, rows: Sequence[tuple[str, Loss[Any], Points, str]], *, hint: Hint | None = None
) -> None:
    """Losses without state."""
    for name, loss, points, reason in rows:
        wrong(kind, name, always(loss), points, reason, hint=hint)


def forms(rows: Sequence[tuple[str, Callable[[Any, Any], Any], Points, str]]) -> None:
    """MSE with a gradient of another form."""
    plain("loss, form", [(name, loss_of(mse, slope), X, why) for name, slope, X, why in rows])


def mse(Y: Any, T: Any) -> float:
    return float(((Y - T) ** 2).mean())


def mse_slope(Y: Any, T: Any) -> Any:
    return 2 * (Y - T) / Y.size


def error_in_place(Y: Any, T: Any, /) -> tuple[float, Any]:
    """Y −= T."""
    Y -= T
    return float((Y * Y).mean()), 2 * Y / Y.size


def target_in_place(Y: Any, T: Any, /) -> tuple[float, Any]:
    """T −= Y."""
    T -= Y
    return float((T * T).mean()), -2 * T / T.size


def target_normalized(Y: Any, T: Any, /) -> tuple[float, Any]:
    """The probabilities are normalized in place: mostly they are so already."""
    T /= T.sum(axis=-1, keepdims=True)
    return SoftmaxCrossEntropy()(Y, T)


def logits_shifted(Y: Any, T: Any, /) -> tuple[float, Any]:
    """The largest logit is taken off in place."""
    Y -= Y.max(axis=-1, keepdims=True)
    return SoftmaxCrossEntropy()(Y, T)


def restored(Y: Any, T: Any, /) -> tuple[float, Any]:
    """Y is changed and changed back."""
    kept = Y.copy()
    Y -= T
    answer = float((Y * Y).mean()), 2 * Y / Y.size
    Y[...] = kept
    return answer


def softmax_in_place(Y: Any, T: Any, /) -> tuple[float, Any]:
    """Y becomes softmax − T, and is handed out."""
    value, grad = SoftmaxCrossEntropy()(Y, T)
    Y[...] = grad
    return value, Y


plain("loss, overwritten", [
    ("error_in_place", error_in_place, real(6, 3), "Y is overwritten"),
    ("target_in_place", target_in_place, real(6, 3), "the target is overwritten"),
    ("target_normalized", target_normalized, probabilities(6, 4), "the target is overwritten"),
    ("logits_shifted", logits_shifted, classes(6, 4), "Y is overwritten"),
    ("restored", restored, real(6, 3), "Y is overwritten and restored"),
    ("softmax_in_place", softmax_in_place, classes(6, 4), "Y is overwritten and handed out"),
], hint="argument overwritten")  # fmt: skip

forms([
    ("gradient flat", lambda Y, T: mse_slope(Y, T).ravel(), real(6, 3), "shape (n d,)"),
    ("gradient transposed", lambda Y, T: mse_slope(Y, T).T, real(6, 3), "shape (d, n)"),
    ("gradient with an axis more", lambda Y, T: mse_slope(Y, T)[None], real(6, 3), "(1, n, d)"),
    ("gradient summed", lambda Y, T: mse_slope(Y, T).sum(axis=0), real(6, 3), "shape (d,)"),
    ("gradient a number", lambda Y, T: float(mse_slope(Y, T).sum()), real(6, 3), "no array"),
    ("gradient None", lambda Y, T: None, real(6, 3), "nothing"),
    ("gradient in float32", lambda Y, T: mse_slope(Y, T).astype(np.float32), real(6, 3),
     "another dtype than Y"),
    ("gradient in float64", lambda Y, T: mse_slope(Y, T).astype(np.float64),
     real(6, 3, dtype=np.float32), "float64 for a float32 Y"),
    ("gradient with a NaN", lambda Y, T: mse_slope(Y, T) + np.where(Y.max() == Y, np.nan, 0),
     real(6, 3), "one entry is NaN"),
    ("gradient of the broadcast", lambda Y, T: 2 * (Y - T[:, 0]) / Y.size, real(6, 1),
     "(n, 1) against (n,) gives (n, n)"),
])  # fmt: skip
wrong(
    "loss, form",
    "value an array",
    lambda: loss_of(lambda Y, T: ((Y - T) ** 2).mean(axis=1), mse_slope),
    real(6, 3),
    "a value for each row",
)
wrong(
    "loss, form",
    "value NaN",
    lambda: loss_of(lambda Y, T: float("nan"), mse_slope),
    real(6, 3),
    "no number",
)


def summed(pair: Pair) -> Loss[Any]:
    """The sum over the rows, in value and gradient."""

    def loss(Y: Any, T: Any, /) -> tuple[float, Any]:
        values, slopes = pair(Y, T)
        return float(values.sum()), slopes

    return loss


def fixed_batch(Y: Any, T: Any, /) -> tuple[float, Any]:
    """Divided by 6, whatever the number of rows."""
    return float(((Y - T) ** 2).sum() / 18), 2 * (Y - T) / 18


def unbiased(Y: Any, T: Any, /) -> tuple[float, Any]:
    """Divided by n − 1."""
    n = max(len(Y) - 1, 1)
    return float(((Y - T) ** 2).sum() / n), 2 * (Y - T) / n


def root(Y: Any, T: Any, /) -> tuple[float, Any]:
    """The length of the error: its square grows with the rows."""
    length = float(np.sqrt(((Y - T) ** 2).sum()))
    return length, (Y - T) / length


NO_MEAN = "value and gradient agree, but are not a mean over the rows"
plain("loss, not a mean", [
    ("sum of squares", summed(squares), real(6, 3), NO_MEAN),
    ("sum of absolute values", summed(absolute), real(6, 3), NO_MEAN),
    ("sum of cross-entropies", summed(weighted), classes(6, 4), NO_MEAN),
    ("sum of Poisson losses", summed(poisson), counts(6, 3), NO_MEAN),
    ("divided by a fixed batch", fixed_batch, real(6, 3), NO_MEAN),
    ("divided by n - 1", unbiased, real(6, 3), NO_MEAN),
    ("length of the error", root, real(6, 3), NO_MEAN),
])  # fmt: skip


class RunningBaseline:
    """MSE less the mean of earlier values."""

    def __init__(self) -> None:
        self.earlier: list[float] = []

    def __call__(self, Y: Any, T: Any, /) -> tuple[float, Any]:
        value = mse(Y, T)
        self.earlier.append(value)
        return value - float(np.mean(self.earlier[:-1] or [0])), mse_slope(Y, T)


class SharedGradient:
    """MSE, whose gradient is a buffer that the next call overwrites."""

    def __init__(self) -> None:
        self.buffer = np.zeros(0)

    def __call__(self, Y: Any, T: Any, /) -> tuple[float, Any]:
        if self.buffer.shape != Y.shape:
            self.buffer = np.empty_like(Y)
        self.buffer[...] = mse_slope(Y, T)
        return mse(Y, T), self.buffer


class EveryOther:
    """MSE, whose gradient is 10 % too large every other time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, Y: Any, T: Any, /) -> tuple[float, Any]:
        self.calls += 1
        return mse(Y, T), mse_slope(Y, T) * (1.0 if self.calls % 2 else 1.1)


def sampled(Y: Any, T: Any, /) -> tuple[float, Any]:
    """MSE of half the rows, drawn anew each time."""
    M = np.random.default_rng().random((len(Y), 1)) < 0.5
    return float((M * (Y - T) ** 2).mean()), M * mse_slope(Y, T)


wrong("loss, state", "RunningBaseline", RunningBaseline, real(6, 3), "depends on earlier calls")
wrong("loss, state", "SharedGradient", SharedGradient, real(6, 3), "what was handed out changes")
wrong("loss, state", "EveryOther", EveryOther, real(6, 3), "depends on the number of calls")
wrong("loss, state", "sampled", always(sampled), real(6, 3), "not the same twice")

"""Wrong layers by their mathematics: a right formula beside a way back derived wrongly."""

from collections.abc import Callable, Sequence

import numpy as np

from layerwise import Array, sigmoid, softmax
from tests.gradient_cases import formulas
from tests.gradient_cases.case import Case, Hint
from tests.gradient_cases.formulas import EPSILON, Back, Forward
from tests.gradient_cases.points import Draw, Function, around, at, entrywise, normal, positive, zoo
from tests.gradient_cases.right import (
    gelu,
    gelu_slope,
    hard_tanh,
    huber,
    leaky,
    relu_squared,
    row_maximum,
    row_maximum_back,
)

WRONG_FORMULAS: list[Case] = []


def wrong(
    kind: str,
    base: str,
    what: str,
    back: Back,
    reason: str,
    *,
    hint: Hint | None = None,
) -> None:
    """A formula of the zoo with a wrong way back."""
    WRONG_FORMULAS.append(
        Case(f"{base}: {what}", kind, zoo(base, back), "wrong", reason, hint, partner=zoo(base))
    )


def wrong_ways(kind: str, rows: Sequence[tuple[str, str, Back, str]]) -> None:
    """Several of one kind."""
    for base, what, back, reason in rows:
        wrong(kind, base, what, back, reason)


def ties(rows: Sequence[tuple[str, Forward, Draw, Back, Back, str]]) -> None:
    """Ways back that are wrong where inputs are tied."""
    for name, f, X, back, right_back, reason in rows:
        make, partner = at(f, X, back), at(f, X, right_back)
        WRONG_FORMULAS.append(Case(name, "ties", make, "wrong", reason, partner=partner))


def derivatives(
    rows: Sequence[tuple[str, Function, Function, Function, Draw, str, Hint | None]],
) -> None:
    """Functions of one number: name, function, its slope, a wrong slope, point, reason, hint."""
    for name, f, slope, wrong_slope, X, reason, hint in rows:
        make, partner = entrywise(f, wrong_slope, X), entrywise(f, slope, X)
        WRONG_FORMULAS.append(Case(name, "derivative", make, "wrong", reason, hint, partner))


# Dense and its like ------------------------------------------------------------------------------


def first_row_bias(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    return grad @ W.T, X.T @ grad, grad[0].copy()


def mean_bias(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    return grad @ W.T, X.T @ grad, grad.mean(axis=0)


def untransposed_input(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    return grad @ W, X.T @ grad, grad.sum(axis=0)


def transposed_weights(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    return grad @ W.T, grad.T @ X, grad.sum(axis=0)


def answer_for_input(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    return grad @ W.T, Y.T @ grad, grad.sum(axis=0)


def total_bias(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    return grad @ W.T, X.T @ grad, np.full_like(b, grad.sum())


def decayed(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    return grad @ W.T, X.T @ grad + 1e-3 * W, grad.sum(axis=0)


def last_step_only(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    return grad @ W.T, X[:, -1].T @ grad[:, -1], grad.sum(axis=(0, 1))


def steps_of_one_row(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    rows = X.reshape(-1, X.shape[-1])
    return grad @ W.T, rows.T @ grad.reshape(-1, b.size), grad[0].sum(axis=0)


def mixed_axes(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    """The steps are flattened in another order in X than in grad."""
    rows = X.transpose(1, 0, 2).reshape(-1, X.shape[-1])
    return grad @ W.T, rows.T @ grad.reshape(-1, b.size), grad.sum(axis=(0, 1))


wrong_ways("structure", [
    ("square dense", "bias from the first row", first_row_bias, "no sum over the rows"),
    ("square dense", "Yᵀ grad for Xᵀ grad", answer_for_input, "fits because W is square"),
    ("square dense", "bias summed over all", total_bias, "the sum over one axis too many"),
    ("square dense", "weights decay", decayed, "a penalty that no loss holds"),
    ("sequence dense", "weights from the last step", last_step_only, "missing sum over steps"),
    ("sequence dense", "bias from one row", steps_of_one_row, "missing sum over rows"),
    ("sequence dense", "steps in the wrong order", mixed_axes, "flattened in another order"),
])  # fmt: skip
wrong("structure", "square dense", "bias averaged", mean_bias, "a mean", hint="factor 1/n")
wrong(
    "structure",
    "square dense",
    "grad W for grad Wᵀ",
    untransposed_input,
    "W is square",
    hint="transpose",
)
wrong(
    "structure",
    "square dense",
    "gradᵀ X for Xᵀ grad",
    transposed_weights,
    "W is square",
    hint="transpose",
)


def ungated(grad: Array, X: Array, Y: Array, V: Array, W: Array) -> tuple[Array, ...]:
    """The path through the gate to X is missing."""
    _, dV, dW = formulas.gated_back(grad, X, Y, V, W)
    return (grad * sigmoid(X @ W)) @ V.T, dV, dW


def gate_of_answer(grad: Array, X: Array, Y: Array, V: Array, W: Array) -> tuple[Array, ...]:
    """Y (1 − Y) in the place of S (1 − S)."""
    S = sigmoid(X @ W)
    left, right = grad * S, grad * (X @ V) * Y * (1 - Y)
    return left @ V.T + right @ W.T, X.T @ left, X.T @ right


def one_sided(grad: Array, X: Array, Y: Array, A: Array) -> tuple[Array, ...]:
    """A X, where (A + Aᵀ) X belongs."""
    dX: Array = np.einsum("nk,kij,nj->ni", grad, A, X)
    return dX, np.einsum("nk,ni,nj->kij", grad, X, X)


def symmetric_only(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """2 grad X, right for a symmetric grad."""
    return (2 * (grad @ X[:, :, np.newaxis])[:, :, 0],)


def unsquared(grad: Array, X: Array, Y: Array, V: Array, W: Array) -> tuple[Array, ...]:
    """(X V) for 2 (X V) and (X W)."""
    return tuple(g / 2 for g in formulas.difference_of_squares_back(grad, X, Y, V, W))


def both_added(grad: Array, X: Array, Y: Array, V: Array, W: Array) -> tuple[Array, ...]:
    """The minus of the second square is lost."""
    left, right = 2 * grad * (X @ V), 2 * grad * (X @ W)
    return left @ V.T + right @ W.T, X.T @ left, X.T @ right


def shift_by_answer(grad: Array, X: Array, Y: Array, a: Array, b: Array) -> tuple[Array, ...]:
    return grad * a, (grad * Y).sum(axis=0), grad.sum(axis=0)


def unscaled(grad: Array, X: Array, Y: Array, a: Array, b: Array) -> tuple[Array, ...]:
    return grad, (grad * X).sum(axis=0), grad.sum(axis=0)


def scale_of_first_row(grad: Array, X: Array, Y: Array, a: Array) -> tuple[Array, ...]:
    return grad * a, np.asarray((grad * X)[0].sum()).reshape(a.shape)


def scale_averaged(grad: Array, X: Array, Y: Array, a: Array) -> tuple[Array, ...]:
    return grad * a, np.asarray((grad * X).mean()).reshape(a.shape)


def power_of_same(grad: Array, X: Array, Y: Array, p: Array) -> tuple[Array, ...]:
    """The exponent is not lowered: p X^p, where p X^(p−1) belongs."""
    return grad * p * Y, np.asarray((grad * Y * np.log(X)).sum()).reshape(p.shape)


def power_log_of_answer(grad: Array, X: Array, Y: Array, p: Array) -> tuple[Array, ...]:
    """The logarithm of Y, where log X belongs."""
    return grad * p * Y / X, np.asarray((grad * Y * np.log(Y)).sum()).reshape(p.shape)


def slope_everywhere(grad: Array, X: Array, Y: Array, a: Array) -> tuple[Array, ...]:
    """The slope's gradient sums over positive inputs, too."""
    return np.where(X > 0, grad, a * grad), (grad * X).sum(axis=0)


def absolute_slope(grad: Array, X: Array, Y: Array, a: Array) -> tuple[Array, ...]:
    return np.where(X > 0, grad, a * grad), np.where(X > 0, 0, grad * np.abs(X)).sum(axis=0)


def degree_shifted(grad: Array, X: Array, Y: Array, c: Array) -> tuple[Array, ...]:
    """The slope is c₁ + c₂ X + … with the factors k forgotten."""
    _, dc = formulas.polynomial_back(grad, X, Y, c)
    return grad * sum(c[k] * X ** (k - 1) for k in range(1, c.size)), dc


def pull_not_doubled(grad: Array, X: Array, Y: Array, C: Array) -> tuple[Array, ...]:
    dX, dC = formulas.distances_back(grad, X, Y, C)
    return dX, dC / 2


def centers_ignored(grad: Array, X: Array, Y: Array, C: Array) -> tuple[Array, ...]:
    """2 X, where 2 (X − C) belongs."""
    return 2 * grad.sum(axis=1)[:, np.newaxis] * X, formulas.distances_back(grad, X, Y, C)[1]


wrong_ways("structure", [
    ("gated", "gate's path missing", ungated, "a term of the product rule is missing"),
    ("gated", "Y (1 - Y) for the gate's slope", gate_of_answer, "the wrong array"),
    ("bilinear", "A X for (A + Aᵀ) X", one_sided, "a term is missing"),
    ("outer", "right for a symmetric grad", symmetric_only, "a term is missing"),
    ("squares", "both squares added", both_added, "a sign in the middle"),
    ("affine", "dL/da from Y", shift_by_answer, "right only where Y is X"),
    ("affine", "dL/dX without a", unscaled, "a factor is missing"),
    ("scaled", "dL/da from the first row", scale_of_first_row, "a sum is missing"),
    ("scaled", "dL/da averaged", scale_averaged, "a mean where a sum belongs"),
    ("power", "p X^p for p X^(p-1)", power_of_same, "the wrong exponent"),
    ("power", "log Y for log X", power_log_of_answer, "the wrong array"),
    ("prelu", "slope from all inputs", slope_everywhere, "the mask is missing"),
    ("prelu", "slope from |X|", absolute_slope, "a sign"),
    ("polynomial", "factors k missing", degree_shifted, "the power rule, half of it"),
    ("distances", "dL/dC without the 2", pull_not_doubled, "a constant is missing"),
    ("distances", "2 X for 2 (X - C)", centers_ignored, "a term is missing"),
])  # fmt: skip
wrong("structure", "squares", "without the 2", unsquared, "the power rule's 2", hint="factor 1/2")


# Normalization -----------------------------------------------------------------------------------


def normalization(
    axis: int, *, mean: bool = True, scale: bool = True
) -> Callable[[Array, Array], Array]:
    """The way back of a normalization with terms left out, as a function of dZ and X."""

    def back(dZ: Array, X: Array) -> Array:
        centered = X - X.mean(axis=axis, keepdims=True)
        s = np.sqrt((centered * centered).mean(axis=axis, keepdims=True) + EPSILON)
        Z = centered / s
        dX: Array = dZ / s
        if mean:
            dX = dX - dX.mean(axis=axis, keepdims=True)
        if scale:
            dX = dX - Z * (dX * Z).mean(axis=axis, keepdims=True)
        return dX

    return back


def normalized(axis: int, inner: Callable[[Array, Array], Array]) -> Back:
    """The way back of layer or batch normalization, with `inner` for the normalization itself."""

    def back(
        grad: Array, X: Array, Y: Array, gamma: Array | None = None, beta: Array | None = None
    ) -> tuple[Array, ...]:
        if gamma is None:
            return (inner(grad, X),)
        centered = X - X.mean(axis=axis, keepdims=True)
        Z = centered / np.sqrt((centered**2).mean(axis=axis, keepdims=True) + EPSILON)
        return inner(grad * gamma, X), (grad * Z).sum(axis=0), grad.sum(axis=0)

    return back


for base, axis in [("layer_norm", -1), ("batch_norm", 0), ("standardize", -1)]:
    wrong(
        "normalization",
        base,
        "mean(grad) missing",
        normalized(axis, normalization(axis, mean=False)),
        "no way back through the mean",
        hint="missing mean",
    )
    wrong(
        "normalization",
        base,
        "Z mean(grad Z) missing",
        normalized(axis, normalization(axis, scale=False)),
        "no way back through the deviation",
    )
    wrong(
        "normalization",
        base,
        "mean and deviation taken for constants",
        normalized(axis, normalization(axis, mean=False, scale=False)),
        "both terms missing",
    )
for base, axis in [("layer_norm", -1), ("batch_norm", 0)]:
    other = 0 if axis else -1
    wrong(
        "normalization",
        base,
        "the way back along the other axis",
        normalized(axis, normalization(other)),
        "the wrong axis",
    )


def norm_raw_gamma(grad: Array, X: Array, Y: Array, gamma: Array, beta: Array) -> tuple[Array, ...]:
    """dL/dγ from X, where Z belongs."""
    dX, _, dbeta = formulas.layer_norm_back(grad, X, Y, gamma, beta)
    return dX, (grad * X).sum(axis=0), dbeta


def norm_answer_gamma(
    grad: Array, X: Array, Y: Array, gamma: Array, beta: Array
) -> tuple[Array, ...]:
    """dL/dγ from Y, where Z belongs: right for γ = 1 and β = 0 only."""
    dX, _, dbeta = formulas.batch_norm_back(grad, X, Y, gamma, beta)
    return dX, (grad * Y).sum(axis=0), dbeta


def norm_no_gamma(grad: Array, X: Array, Y: Array, gamma: Array, beta: Array) -> tuple[Array, ...]:
    """dL/dX without γ."""
    dX, *rest = formulas.layer_norm_back(grad, X, Y, np.ones_like(gamma), beta)
    return dX, *rest


def norm_unbiased(grad: Array, X: Array, Y: Array, gamma: Array, beta: Array) -> tuple[Array, ...]:
    """The deviation over n − 1 on the way back, over n on the way there."""
    n = len(X)
    Z, s = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1), X.std(axis=0, ddof=1)
    dZ = grad * gamma
    dX = (dZ - dZ.mean(axis=0) - Z * (dZ * Z).sum(axis=0) / (n - 1)) / s
    _, dgamma, dbeta = formulas.batch_norm_back(grad, X, Y, gamma, beta)
    return dX, dgamma, dbeta


def norm_no_epsilon(
    grad: Array, X: Array, Y: Array, gamma: Array, beta: Array
) -> tuple[Array, ...]:
    """ε forgotten on the way back."""
    centered = X - X.mean(axis=-1, keepdims=True)
    s = centered.std(axis=-1, keepdims=True)
    Z, dZ = centered / s, grad * gamma
    _, dgamma, dbeta = formulas.layer_norm_back(grad, X, Y, gamma, beta)
    mean = dZ.mean(axis=-1, keepdims=True)
    return (dZ - mean - Z * (dZ * Z).mean(axis=-1, keepdims=True)) / s, dgamma, dbeta


def rms_simple(grad: Array, X: Array, Y: Array, gamma: Array) -> tuple[Array, ...]:
    """The root mean square taken for a constant."""
    s = np.sqrt((X * X).mean(axis=-1, keepdims=True) + EPSILON)
    return grad * gamma / s, (grad * X / s).sum(axis=0)


def rms_summed(grad: Array, X: Array, Y: Array, gamma: Array) -> tuple[Array, ...]:
    """A sum where the mean belongs."""
    s = np.sqrt((X * X).mean(axis=-1, keepdims=True) + EPSILON)
    Z, dZ = X / s, grad * gamma
    return (dZ - Z * (dZ * Z).sum(axis=-1, keepdims=True)) / s, (grad * Z).sum(axis=0)


def unit_simple(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad / np.linalg.norm(X, axis=-1, keepdims=True),)


def unit_unscaled(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad - Y * (grad * Y).sum(axis=-1, keepdims=True),)


def cosine_half(grad: Array, X: Array, Y: Array, W: Array) -> tuple[Array, ...]:
    """W's length taken for a constant."""
    dX, _ = formulas.cosine_back(grad, X, Y, W)
    return dX, (grad.T @ formulas.unit_rows(X)).T / np.linalg.norm(W, axis=0)


def uncentered(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad.copy(),)


def centered_over_all(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad - grad.mean(),)


wrong_ways("normalization", [
    ("layer_norm", "dL/dgamma from X", norm_raw_gamma, "the wrong array"),
    ("batch_norm", "dL/dgamma from Y", norm_answer_gamma, "the wrong array"),
    ("layer_norm", "dL/dX without gamma", norm_no_gamma, "a factor is missing"),
    ("batch_norm", "n - 1 on the way back", norm_unbiased, "another deviation than forward's"),
    ("layer_norm", "ε forgotten", norm_no_epsilon, "an error of about 1e-5"),
    ("rms_norm", "the root taken for a constant", rms_simple, "a term is missing"),
    ("rms_norm", "a sum for the mean", rms_summed, "one term n times too large"),
    ("unit_rows", "the length taken for a constant", unit_simple, "a term is missing"),
    ("unit_rows", "not divided by the length", unit_unscaled, "a factor is missing"),
    ("cosine", "W's length taken for a constant", cosine_half, "a term is missing"),
    ("center", "centered over everything", centered_over_all, "the mean over one axis too many"),
])  # fmt: skip
for base in ("center", "center_columns"):
    wrong(
        "normalization",
        base,
        "grad itself",
        uncentered,
        "the mean is forgotten",
        hint="missing mean",
    )


# Softmax and reductions --------------------------------------------------------------------------


def softmax_diagonal(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Y (1 − Y) grad: the Jacobian's diagonal only."""
    return (Y * (1 - Y) * grad,)


def softmax_no_sum(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (Y * grad,)


def softmax_wrong_axis(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (Y * (grad - (grad * Y).sum(axis=0)),)


def softmax_mean(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (Y * (grad - grad.mean(axis=-1, keepdims=True)),)


def softmax_total(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (Y * (grad - (grad * Y).sum()),)


def nothing(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Right for a grad of ones, because the sum of a softmax is always 1."""
    return (np.zeros_like(X),)


def log_softmax_no_sum(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad - np.exp(Y),)


def log_softmax_as_softmax(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    P = np.exp(Y)
    return (P * (grad - (grad * P).sum(axis=-1, keepdims=True)),)


def log_softmax_mean(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Each row's sum is the mean row's."""
    return (grad - np.exp(Y) * grad.sum(axis=-1).mean(),)


def logsumexp_unweighted(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (np.broadcast_to(grad[..., np.newaxis], X.shape) / X.shape[-1],)


def logsumexp_mean_grad(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Right for a constant grad."""
    return (grad.mean() * softmax(X),)


def row_mean_shuffled(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Each row gets the next one's grad: right for a constant grad."""
    return (2 / X.shape[-1] * np.roll(grad, 1, axis=0)[..., np.newaxis] * X,)


def row_mean_as_sum(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (2 * grad[..., np.newaxis] * X,)


def row_mean_unsquared(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad[..., np.newaxis] * X / X.shape[-1],)


def cumulative_forward(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (np.cumsum(grad, axis=-1),)


def cumulative_itself(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad.copy(),)


def cumulative_shifted(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The sum leaves the step itself out."""
    return (np.cumsum(grad[..., ::-1], axis=-1)[..., ::-1] - grad,)


def product_no_quotient(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return formulas.cumulative_back(grad * Y, X, Y)


def product_of_last(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad * Y / X,)


def sort_unsorted(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The gradient is not put back: right for a constant grad."""
    return (grad.copy(),)


def sort_inverse(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The permutation in the place of its inverse."""
    return (np.take_along_axis(grad, np.argsort(X, axis=-1), axis=-1),)


wrong_ways("reduction", [
    ("softmax", "the diagonal only", softmax_diagonal, "the sigmoid's derivative"),
    ("softmax", "the sum missing", softmax_no_sum, "a term is missing"),
    ("softmax", "the sum over rows", softmax_wrong_axis, "the wrong axis"),
    ("softmax", "a mean for the weighted sum", softmax_mean, "0 for a constant grad, as is right"),
    ("softmax", "the sum over everything", softmax_total, "an axis too many"),
    ("log_softmax", "grad - softmax", log_softmax_no_sum, "the loss's gradient: not linear"),
    ("log_softmax", "softmax's own", log_softmax_as_softmax, "the derivative of another function"),
    ("log_softmax", "the mean row's sum", log_softmax_mean, "right for a constant grad"),
    ("logsumexp", "a mean's gradient", logsumexp_unweighted, "the weights are missing"),
    ("logsumexp", "the mean of grad", logsumexp_mean_grad, "right for a constant grad"),
    ("row_mean", "rows shifted", row_mean_shuffled, "right for a constant grad"),
    ("row_mean", "a sum's gradient", row_mean_as_sum, "the number of columns is missing"),
    ("cumulative", "summed forwards", cumulative_forward, "the wrong direction"),
    ("cumulative", "not summed", cumulative_itself, "a sum is missing"),
    ("cumulative", "the step itself left out", cumulative_shifted, "off by one"),
    ("cumulative_product", "not divided by X", product_no_quotient, "a factor is missing"),
    ("cumulative_product", "later steps left out", product_of_last, "a sum is missing"),
    ("sort", "not put back", sort_unsorted, "right for a constant grad"),
    ("sort", "the permutation for its inverse", sort_inverse, "right for swaps"),
])  # fmt: skip
wrong("reduction", "softmax", "nothing", nothing, "right for a constant grad", hint="zero")
wrong("reduction", "standardize", "nothing", nothing, "right for a constant grad", hint="zero")
wrong("reduction", "center", "nothing", nothing, "right for a constant grad", hint="zero")
wrong(
    "reduction",
    "row_mean",
    "the 2 missing",
    row_mean_unsquared,
    "the power rule",
    hint="factor 1/2",
)


def off_diagonal(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The Jacobian's entries beside the diagonal are .1 % too large."""
    return (Y * (grad - 1.001 * (grad * Y).sum(axis=-1, keepdims=True) + 0.001 * grad * Y),)


def exchanged(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The first two entries have each other's gradient: their sum is right."""
    (dX,) = formulas.log_softmax_back(grad, X, Y)
    return (dX[:, [1, 0, *range(2, X.shape[1])]],)


def variance_by_difference(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The variance as mean(X²) − mean(X)² on the way back."""
    mean = X.mean(axis=-1, keepdims=True)
    s = np.sqrt((X * X).mean(axis=-1, keepdims=True) - mean**2 + EPSILON)
    Z = (X - mean) / s
    dX = grad - grad.mean(axis=-1, keepdims=True) - Z * (grad * Z).mean(axis=-1, keepdims=True)
    return (dX / s,)


def ties_to_all(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """All the largest get the whole gradient."""
    top = np.repeat(np.repeat(Y, 2, axis=1), 2, axis=2) == X
    return (top * np.repeat(np.repeat(grad, 2, axis=1), 2, axis=2),)


def row_maximum_to_all(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad[..., np.newaxis] * (Y[..., np.newaxis] == X),)


def ties_to_none(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Where two are the largest, neither gets the gradient."""
    top = Y[..., np.newaxis] == X
    return (grad[..., np.newaxis] * (top & (top.sum(axis=-1, keepdims=True) == 1)),)


wrong(
    "reduction", "softmax", "beside the diagonal off by 1e-3", off_diagonal, "the diagonal is right"
)
wrong("reduction", "log_softmax", "two entries exchanged", exchanged, "their sum is right")
WRONG_FORMULAS.append(
    Case(
        "standardize: the variance by a difference, around 1e6",
        "precision",
        at(formulas.standardize, normal(4, 5, offset=1e6), variance_by_difference),
        "wrong",
        "twelve of sixteen digits cancel",
        partner=at(formulas.standardize, normal(4, 5, offset=1e6)),
    )
)
ties([
    (
        "max_pool: ties to all",
        formulas.max_pool,
        around(0, 1, shape=(2, 4, 4, 2)),
        ties_to_all,
        formulas.max_pool_first_back,
        "twice the gradient along the diagonal: no subgradient",
    ),
    (
        "row maximum: ties to all",
        row_maximum,
        around(0, 1, 2, shape=(5, 6)),
        row_maximum_to_all,
        row_maximum_back,
        "twice the gradient along the diagonal: no subgradient",
    ),
    (
        "row maximum: ties to none",
        row_maximum,
        around(0, 1, 2, shape=(5, 6)),
        ties_to_none,
        row_maximum_back,
        "nothing along the diagonal: no subgradient",
    ),
])  # fmt: skip


# Linear algebra, images, sequences ---------------------------------------------------------------


def solve_untransposed(grad: Array, X: Array, Y: Array, A: Array) -> tuple[Array, ...]:
    dX: Array = np.linalg.solve(A.T, grad.T).T
    return dX, -Y.T @ np.linalg.solve(A, grad.T).T


def solve_positive(grad: Array, X: Array, Y: Array, A: Array) -> tuple[Array, ...]:
    dX, dA = formulas.solve_back(grad, X, Y, A)
    return dX, -dA


def solve_from_input(grad: Array, X: Array, Y: Array, A: Array) -> tuple[Array, ...]:
    dX, _ = formulas.solve_back(grad, X, Y, A)
    return dX, -X.T @ dX


def inverse_untransposed(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (-Y @ grad @ Y,)


def inverse_positive(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    (dX,) = formulas.inverse_back(grad, X, Y)
    return (-dX,)


def inverse_entrywise(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (-grad * Y * Y,)


def convolution_flipped(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    """The kernel's gradient, rotated by half a turn."""
    dX, dW, db = formulas.convolution_back(grad, X, Y, W, b)
    return dX, dW[::-1, ::-1].copy(), db


def convolution_flipped_input(
    grad: Array, X: Array, Y: Array, W: Array, b: Array
) -> tuple[Array, ...]:
    dX, _, _ = formulas.convolution_back(grad, X, Y, W[::-1, ::-1], b)
    _, dW, db = formulas.convolution_back(grad, X, Y, W, b)
    return dX, dW, db


def convolution_overlap(grad: Array, X: Array, Y: Array, W: Array, b: Array) -> tuple[Array, ...]:
    """Windows are assigned, where overlapping ones add up."""
    p, q = W.shape[:2]
    _, h, w, _ = grad.shape
    dX, (_, dW, db) = np.zeros_like(X), formulas.convolution_back(grad, X, Y, W, b)
    for i in range(p):
        for j in range(q):
            dX[:, i : i + h, j : j + w] = grad @ W[i, j].T
    return dX, dW, db


def convolution_bias_of_one(
    grad: Array, X: Array, Y: Array, W: Array, b: Array
) -> tuple[Array, ...]:
    dX, dW, _ = formulas.convolution_back(grad, X, Y, W, b)
    return dX, dW, grad[0].sum(axis=(0, 1))


def convolution_swapped_channels(
    grad: Array, X: Array, Y: Array, W: Array, b: Array
) -> tuple[Array, ...]:
    dX, dW, db = formulas.convolution_back(grad, X, Y, W, b)
    return dX[..., ::-1].copy(), dW, db


def pool_to_all(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Every entry of a block gets the gradient."""
    return (np.repeat(np.repeat(grad, 2, axis=1), 2, axis=2),)


def pool_to_first(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """The first entry of a block gets the gradient."""
    dX = np.zeros_like(X)
    dX[:, ::2, ::2] = grad
    return (dX,)


def pool_twice(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Only the largest fifth of all entries gets a gradient."""
    (dX,) = formulas.max_pool_first_back(grad, X, Y)
    return (np.where(np.quantile(X, 0.8) < X, dX, 0),)


def mean_pool_unscaled(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (np.repeat(np.repeat(grad, 2, axis=1), 2, axis=2),)


def truncated(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
    """Every step on its own: nothing comes back through U."""
    W = P[0]
    dA = grad * (1 - Y * Y)
    before = np.concatenate([np.zeros_like(Y[:, :1]), Y[:, :-1]], axis=1)
    return (
        dA @ W.T,
        np.einsum("ntd,nth->dh", X, dA),
        np.einsum("ntd,nth->dh", before, dA),
        dA.sum(axis=(0, 1)),
    )


def recurrent_input(
    grad: Array, X: Array, Y: Array, *P: Array, late: bool = False
) -> tuple[Array, ...]:
    """The state's gradient goes back through U where Uᵀ belongs, or without tanh's slope."""
    W, U, b = P
    dX, dW, dU, db = np.zeros_like(X), np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    dH = np.zeros_like(Y[:, 0])
    for t in reversed(range(X.shape[1])):
        slope = 1 - Y[:, t] ** 2
        dA = grad[:, t] * slope + dH if late else (grad[:, t] + dH) * slope
        dX[:, t], dH = dA @ W.T, dA @ (U.T if late else U)
        dW += X[:, t].T @ dA
        db += dA.sum(axis=0)
        dU += Y[:, t - 1].T @ dA if t else 0
    return dX, dW, dU, db


def recurrent_no_slope(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
    W, U, b = P
    return recurrent_input(grad, X, Y, W, U, b, late=True)


def recurrent_same_step(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
    """dL/dU from each step's own state, where the one before belongs."""
    W, U, b = P
    dX, dW, _, db = formulas.recurrent_back(grad, X, Y, W, U, b)
    dU, dH = np.zeros_like(U), np.zeros_like(Y[:, 0])
    for t in reversed(range(X.shape[1])):
        dA = (grad[:, t] + dH) * (1 - Y[:, t] ** 2)
        dU += Y[:, t].T @ dA
        dH = dA @ U.T
    return dX, dW, dU, db


def unrooted(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
    """The factor 1/√d is missing on the way back to Q and K."""
    Wq, Wk, Wv = P
    _, dWq, dWk, dWv = formulas.attention_back(grad, X, Y, Wq, Wk, Wv)
    root = float(np.sqrt(Wq.shape[1]))
    dX, *_ = formulas.attention_back(grad, X, Y, Wq, Wk, Wv)
    return dX, dWq * root, dWk * root, dWv


def values_only(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
    """dL/dX through V only."""
    Wq, Wk, Wv = P
    _, *dP = formulas.attention_back(grad, X, Y, Wq, Wk, Wv)
    Q, K = X @ Wq, X @ Wk
    A = softmax(Q @ K.transpose(0, 2, 1) / float(np.sqrt(Wq.shape[1])))
    return A.transpose(0, 2, 1) @ grad @ Wv.T, *dP


def attention_transposed(grad: Array, X: Array, Y: Array, *P: Array) -> tuple[Array, ...]:
    """V's gradient from A, where Aᵀ belongs."""
    Wq, Wk, Wv = P
    dX, dWq, dWk, _ = formulas.attention_back(grad, X, Y, Wq, Wk, Wv)
    Q, K = X @ Wq, X @ Wk
    A = softmax(Q @ K.transpose(0, 2, 1) / float(np.sqrt(Wq.shape[1])))
    return dX, dWq, dWk, np.einsum("ntd,nte->de", X, A @ grad)


wrong_ways("structure", [
    ("solve", "A for Aᵀ", solve_untransposed, "fits because A is square"),
    ("solve", "X for Y", solve_from_input, "the wrong array"),
    ("inverse", "not transposed", inverse_untransposed, "fits because X is square"),
    ("inverse", "entry by entry", inverse_entrywise, "the derivative of 1/X"),
    ("convolution", "dL/dW rotated", convolution_flipped, "a flip too many"),
    ("convolution", "dL/dX of the rotated kernel", convolution_flipped_input, "a flip too many"),
    ("convolution", "windows assigned", convolution_overlap, "overlaps are lost"),
    ("convolution", "bias from one image", convolution_bias_of_one, "a sum is missing"),
    ("convolution", "channels reversed", convolution_swapped_channels, "RGB for BGR"),
    ("max_pool", "to all of the block", pool_to_all, "the mask is missing"),
    ("max_pool", "to the first of the block", pool_to_first, "the wrong place"),
    ("max_pool", "to large ones only", pool_twice, "half of them get nothing"),
    ("recurrent", "no way back through time", truncated, "each step on its own"),
    ("recurrent", "U for Uᵀ", recurrent_input, "fits because U is square"),
    ("recurrent", "slope missing through time", recurrent_no_slope, "a factor in one path"),
    ("recurrent", "dL/dU from the same step", recurrent_same_step, "off by one"),
    ("attention", "√d missing", unrooted, "a constant in two of three"),
    ("attention", "through V only", values_only, "two of three paths are missing"),
    ("attention", "A for Aᵀ", attention_transposed, "fits because A is square"),
])  # fmt: skip
wrong("structure", "solve", "dL/dA positive", solve_positive, "a sign", hint="sign")
wrong("structure", "inverse", "positive", inverse_positive, "a sign", hint="sign")
wrong("structure", "mean_pool", "not divided by 4", mean_pool_unscaled, "a sum's gradient")


# Entry by entry: the derivative of another function ----------------------------------------------


def tanh_slope(X: Array) -> Array:
    slope: Array = 1 - np.tanh(X) ** 2
    return slope


def sigmoid_slope(X: Array) -> Array:
    S = sigmoid(X)
    return S * (1 - S)


def gelu_slope_of_three_digits(X: Array) -> Array:
    """The slope with .0447 in the place of .044715."""
    root = float(np.sqrt(2 / np.pi))
    T = np.tanh(root * (X + 0.0447 * X**3))
    slope: Array = 0.5 * (1 + T) + 0.5 * X * (1 - T * T) * root * (1 + 3 * 0.0447 * X * X)
    return slope


PLAIN = normal(5, 4)
APART = around(-2, -1, 1, 2, shape=(5, 4), spread=0.4)
derivatives([
    ("tanh: 1 - Y", np.tanh, tanh_slope, lambda X: 1 - np.tanh(X), PLAIN, "a square is missing",
     None),
    ("tanh: 1 + Y²", np.tanh, tanh_slope, lambda X: 1 + np.tanh(X) ** 2, PLAIN, "a sign", None),
    ("tanh: Y (1 - Y)", np.tanh, tanh_slope, lambda X: np.tanh(X) * (1 - np.tanh(X)), PLAIN,
     "the sigmoid's formula", None),
    ("tanh: 1 - X²", np.tanh, tanh_slope, lambda X: 1 - X * X, PLAIN, "X for Y", None),
    ("tanh near 0: 1 - X²", np.tanh, tanh_slope, lambda X: 1 - X * X, normal(5, 4, scale=0.02),
     "right to 1e-6 near 0, but X for Y", None),
    ("sigmoid: X (1 - X)", sigmoid, sigmoid_slope, lambda X: X * (1 - X), PLAIN, "X for Y", None),
    ("sigmoid: Y (1 + Y)", sigmoid, sigmoid_slope, lambda X: sigmoid(X) * (1 + sigmoid(X)), PLAIN,
     "a sign inside", None),
    ("sigmoid: sigmoid of sigmoid", sigmoid, sigmoid_slope, lambda X: sigmoid_slope(sigmoid(X)),
     PLAIN,
     "the slope at Y, where that at X belongs", None),
    ("swish: sigmoid", lambda X: X * sigmoid(X), lambda X: sigmoid(X) + X * sigmoid_slope(X),
     sigmoid,
     PLAIN, "half of the product rule", None),
    ("GELU: the exact one's slope", gelu, gelu_slope,
     lambda X: 0.5 * (1 + np.tanh(0.79788456 * (X + 0.044715 * X**3)))
     + X * np.exp(-X * X / 2) * 0.39894228, PLAIN,
     "an error of 1e-3: the formula of the other GELU", None),
    ("GELU: 0.0447 for 0.044715", gelu, gelu_slope, gelu_slope_of_three_digits, PLAIN,
     "a constant with three digits", None),
    ("ELU: 1 below 0", lambda X: np.where(X > 0, X, np.expm1(np.minimum(X, 0))),
     lambda X: np.exp(np.minimum(X, 0)), np.ones_like, APART, "the branch is forgotten",
     "negative inputs"),
    ("ELU: Y below 0", lambda X: np.where(X > 0, X, np.expm1(np.minimum(X, 0))),
     lambda X: np.exp(np.minimum(X, 0)), lambda X: np.where(X > 0, 1, np.expm1(np.minimum(X, 0))),
     APART, "Y for Y + 1", "negative inputs"),
    ("leaky ReLU: 0 below 0", leaky, lambda X: np.where(X > 0, 1, 0.1), lambda X: (X > 0) * 1.0,
     APART, "ReLU's slope", "negative inputs"),
    ("leaky ReLU: .01 for .1", leaky, lambda X: np.where(X > 0, 1, 0.1),
     lambda X: np.where(X > 0, 1, 0.01), APART, "the wrong constant", "negative inputs"),
    ("leaky ReLU: the mask X < 0", leaky, lambda X: np.where(X > 0, 1, 0.1),
     lambda X: np.where(X < 0, 1, 0.1), APART, "the branches are exchanged", None),
    ("ReLU: the mask X > 1", lambda X: np.maximum(X, 0), lambda X: (X > 0) * 1.0,
     lambda X: (X > 1) * 1.0, around(-1, 0.5, 2, shape=(5, 4), spread=0.3), "wrong threshold",
     None),
    ("ReLU: always 1", lambda X: np.maximum(X, 0), lambda X: (X > 0) * 1.0, np.ones_like, APART,
     "the mask is missing", "negative inputs"),
    ("absolute value: 1", np.abs, np.sign, np.ones_like, APART, "the sign is missing",
     "negative inputs"),
    ("shifted ReLU: the mask from Y", lambda X: np.maximum(X, 0) - 0.5, lambda X: (X > 0) * 1.0,
     lambda X: (np.maximum(X, 0) - 0.5 > 0) * 1.0, around(-1, 0.3, 2, shape=(5, 4), spread=0.1),
     "Y > 0 is not X > 0 here", None),
    ("sine of 3 X: cos 3 X", lambda X: np.sin(3 * X), lambda X: 3 * np.cos(3 * X),
     lambda X: np.cos(3 * X), PLAIN, "the inner derivative is missing", None),
    ("exp(-X²): Y", lambda X: np.exp(-X * X), lambda X: -2 * X * np.exp(-X * X),
     lambda X: np.exp(-X * X), PLAIN, "the inner derivative is missing", None),
    ("exp(2 X): Y", lambda X: np.exp(2 * X), lambda X: 2 * np.exp(2 * X), lambda X: np.exp(2 * X),
     PLAIN, "the inner derivative is missing", "factor 1/2"),
    ("cosine: sin", np.cos, lambda X: -np.sin(X), np.sin, PLAIN, "a sign", "sign"),
    ("X²: X", np.square, lambda X: 2 * X, lambda X: X.copy(), PLAIN, "the 2", "factor 1/2"),
    ("X³: 3 X", lambda X: X**3, lambda X: 3 * X * X, lambda X: 3 * X, PLAIN, "an exponent", None),
    ("X³ near 1: 2 X²", lambda X: X**3, lambda X: 3 * X * X, lambda X: 2 * X * X, positive(4, 3),
     "the factor of X²", None),
    ("log: 1 / (X + 1e-6)", np.log, lambda X: 1 / X, lambda X: 1 / (X + 1e-6), positive(5, 4),
     "a guard on the way back only", None),
    ("log base 2: 1 / X", np.log2, lambda X: 1 / (X * np.log(2)), lambda X: 1 / X, positive(5, 4),
     "the natural logarithm's slope", None),
    ("square root: 1 / √X", np.sqrt, lambda X: 0.5 / np.sqrt(X), lambda X: 1 / np.sqrt(X),
     positive(5, 4), "the 2", "factor 2"),
    ("reciprocal: Y²", lambda X: 1 / X, lambda X: -1 / X**2, lambda X: 1 / X**2, positive(5, 4),
     "a sign", "sign"),
    ("reciprocal: log", lambda X: 1 / X, lambda X: -1 / X**2, np.log, positive(5, 4),
     "the integral, not the derivative", None),
    ("hard tanh: 1", hard_tanh, lambda X: (np.abs(X) < 1) * 1.0, np.ones_like,
     around(-2, -0.5, 0.5, 2, shape=(5, 4), spread=0.3), "the mask is missing", None),
    ("hard tanh: tanh's", hard_tanh, lambda X: (np.abs(X) < 1) * 1.0, tanh_slope,
     around(-2, -0.5, 0.5, 2, shape=(5, 4), spread=0.3), "the smooth one's slope", None),
    ("Huber: X throughout", huber, lambda X: np.clip(X, -1, 1), lambda X: X.copy(),
     around(-2, -0.5, 0.5, 2, shape=(5, 4), spread=0.3), "the branch is forgotten", None),
    ("Huber at its knee: 0", huber, lambda X: np.clip(X, -1, 1),
     lambda X: np.where(np.abs(X) < 1, X, 0), around(-1, 0.5, 1, shape=(5, 4)),
     "differentiable at its knee: 0 is no subgradient there", None),
    ("squared ReLU at 0: 1", relu_squared, lambda X: 2 * np.maximum(X, 0),
     lambda X: np.where(X >= 0, 2 * X + (X == 0), 0), around(0, 1, shape=(4, 3)),
     "differentiable at 0, where the slope is 0", None),
    ("ReLU at 0: 2", lambda X: np.maximum(X, 0), lambda X: (X > 0) * 1.0,
     lambda X: (X > 0) + 2.0 * (X == 0), around(-1, 0, 1, shape=(4, 3)),
     "no subgradient: beyond both slopes", None),
    ("ReLU at 0: -1", lambda X: np.maximum(X, 0), lambda X: (X > 0) * 1.0,
     lambda X: (X > 0) - 1.0 * (X == 0), around(-1, 0, 1, shape=(4, 3)),
     "no subgradient: beyond both slopes", None),
    ("absolute value at 0: 3", np.abs, np.sign, lambda X: np.sign(X) + 3.0 * (X == 0),
     around(-1, 0, 1, shape=(4, 3)), "no subgradient: beyond both slopes", None),
    ("ReLU at 0, and twice elsewhere", lambda X: np.maximum(X, 0), lambda X: (X > 0) * 1.0,
     lambda X: (X > 0) * 2.0, around(-1, 0, 1, shape=(4, 3)),
     "kinks must not hide the rest", "factor 2"),
    ("sin(100 X): twice", lambda X: np.sin(100 * X), lambda X: 100 * np.cos(100 * X),
     lambda X: 200 * np.cos(100 * X), PLAIN, "a step of .1 is more than a period", "factor 2"),
    ("sin(1e4 X): off by 1e-5", lambda X: np.sin(1e4 * X), lambda X: 1e4 * np.cos(1e4 * X),
     lambda X: 1e4 * np.cos(1e4 * X) * 1.00001, PLAIN, "a step of .001 is more than a period",
     None),
    ("X + .001 sin(1000 X): 1", lambda X: X + 1e-3 * np.sin(1e3 * X),
     lambda X: 1 + np.cos(1e3 * X), np.ones_like, PLAIN, "a large step does not see the ripple",
     None),
    ("tanh + 1e6: off by 1e-5", lambda X: np.tanh(X) + 1e6, tanh_slope,
     lambda X: tanh_slope(X) * 1.00001, PLAIN, "behind a big offset", None),
    ("constant: 1e-3", lambda X: np.full_like(X, 3), np.zeros_like,
     lambda X: np.full_like(X, 1e-3), PLAIN, "a gradient where there is none", None),
    ("X³ at 0: 1e-3", lambda X: X**3, lambda X: 3 * X * X, lambda X: 3 * X * X + 1e-3,
     lambda rng: np.zeros((4, 3)), "a gradient where there is none", None),
    ("a narrow bump: off by 1e-4", lambda X: np.exp(-(X**2) * 1e4),
     lambda X: -2e4 * X * np.exp(-(X**2) * 1e4),
     lambda X: -2e4 * X * np.exp(-(X**2) * 1e4) * 1.0001, normal(4, 3, scale=0.01),
     "far away everything is flat", None),
    ("ReLU near 0: wrong side", lambda X: np.maximum(X, 0), lambda X: (X > 0) * 1.0,
     lambda X: (X > 1e-4) * 1.0, around(-1, 1e-5, 1, shape=(4, 3)), "wrong on (0, 1e-4)", None),
    ("straight-through rounding", np.round, np.zeros_like, np.ones_like, PLAIN,
     "meant well, and no derivative", None),
    ("a reversed gradient", lambda X: X * 1.0, np.ones_like, lambda X: -np.ones_like(X), PLAIN,
     "as domain-adversarial training has it", "sign"),
    ("ReLU: a leak of 1e-6", lambda X: np.maximum(X, 0), lambda X: (X > 0) * 1.0,
     lambda X: np.where(X > 0, 1, 1e-6), APART, "where the gradient is 0, it is 1e-6",
     "negative inputs"),
    ("tanh at ±9: a floor of 1e-6", np.tanh, tanh_slope, lambda X: np.maximum(tanh_slope(X), 1e-6),
     around(-9, -1, 1, 9, shape=(5, 4), spread=0.3), "where the gradient is 1e-8, it is 1e-6",
     None),
    ("division guarded on the way back", lambda X: 1 / X, lambda X: -1 / X**2,
     lambda X: -1 / (X**2 + 1e-7), positive(5, 4), "a guard on the way back only", None),
    ("square root guarded on the way back", np.sqrt, lambda X: 0.5 / np.sqrt(X),
     lambda X: 0.5 / np.sqrt(X + 1e-5), positive(5, 4), "a guard on the way back only", None),
    ("π as 3.14159", lambda X: np.sin(np.pi * X), lambda X: np.pi * np.cos(np.pi * X),
     lambda X: 3.14159 * np.cos(3.14159 * X), PLAIN, "six digits of a constant", None),
    ("π as 22/7", lambda X: np.sin(np.pi * X), lambda X: np.pi * np.cos(np.pi * X),
     lambda X: 22 / 7 * np.cos(np.pi * X), PLAIN, "three digits of a constant", None),
    ("degrees for radians", lambda X: np.sin(np.deg2rad(X)),
     lambda X: np.deg2rad(np.cos(np.deg2rad(X))), lambda X: np.cos(np.deg2rad(X)),
     normal(5, 4, scale=90), "the inner derivative is missing", None),
    ("X + sin(1e3 X) / 1e6: 1", lambda X: X + np.sin(1e3 * X) / 1e6,
     lambda X: 1 + np.cos(1e3 * X) / 1e3, np.ones_like, PLAIN, "a ripple of a millionth", None),
    ("1 / (X² + 1e-4): off by 1e-4", lambda X: 1 / (X * X + 1e-4),
     lambda X: -2 * X / (X * X + 1e-4) ** 2, lambda X: -2.0002 * X / (X * X + 1e-4) ** 2,
     normal(4, 3, scale=0.05), "a tall, narrow peak", None),
    ("exp(-1/X²): 0", lambda X: np.exp(-1 / X**2), lambda X: 2 / X**3 * np.exp(-1 / X**2),
     np.zeros_like, around(-0.3, -0.2, 0.2, 0.3, shape=(4, 3), spread=0.02),
     "flat beyond every power, but not flat", "zero"),
    ("floor plus X: 0", lambda X: np.floor(X) + X, np.ones_like, np.zeros_like,
     around(0.5, 1.5, shape=(4, 3), spread=0.3), "the floor's slope only", "zero"),
])  # fmt: skip

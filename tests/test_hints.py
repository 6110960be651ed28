"""What the checker says of the cause of a mistake: the truth, or nothing."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from layerwise import GradientReport, Layer, Parameter, check_layer
from layerwise.arrays import Array
from tests.gradient_cases import PLANTED, Planted


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


class Plain(Layer[Any, Any]):
    """Y = f(X, P…), with back(grad, X, P…) giving the gradients of X and of each P."""

    def __init__(self, f: Callable[..., Any], back: Callable[..., Any], *P: Array) -> None:
        self.f, self.back, self.P = f, back, [Parameter(p) for p in P]

    def forward(self, X: Any, /) -> Any:
        values = [p.value for p in self.P]

        def backward(grad: Any) -> Any:
            dX, *gradients = self.back(grad, X, *values)
            for p, g in zip(self.P, gradients, strict=True):
                p.add_grad(g)
            return dX

        return self.f(X, *values), backward


# The body of planted mistakes ---------------------------------------------------------------------


@cache
def report_of(name: str) -> GradientReport:
    """The report on the planted mistake of this name."""
    (case,) = [case for case in PLANTED if case.name == name]
    return check_layer(*case.make(np.random.default_rng(0)))


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case.name)
def test_planted_mistakes_get_their_cause_or_nothing(case: Planted) -> None:
    report = report_of(case.name)
    assert report.verdict == "wrong"
    if case.words:
        assert report.hint is not None
        assert [word for word in case.words if word not in report.hint] == []
    else:
        assert report.hint is None


TEXTS = {
    "dense: dW over n": (
        "P.W: factor 1/n, one over the rows of the batch (6), as by a mean for a sum: the "
        "gradient is 0.166667 times the right one"
    ),
    "dense: dX times n": (
        "X: factor n, the rows of the batch (6), as by a sum for a mean: the gradient is 6 times "
        "the right one"
    ),
    "dense: dX negated": ("X: sign: the gradient has the wrong sign"),
    "dense: no dW": ("P.W: the gradient is all zero: the term is missing"),
    "dense: db of the first row": (
        "P.b: only index 0 of axis 0 of Y counts, and nothing comes from the others (zero from "
        "every index of axis 0 of Y but 0)"
    ),
    "sequence dense: db averaged": (
        "P.b: factor 1/12, one over axes 0 and 1 of Y (3 x 4), as by a mean for a sum: the "
        "gradient is 0.0833333 times the right one"
    ),
    "sequence dense: dW in another order": (
        "P.W: axes 0 and 1 of Y are flattened in another order than they were"
    ),
    "squares of two rows: 2 forgotten": (
        "P.W: factor 1/2: the gradient is 0.5 times the right one"
    ),
    "affine: dX without a": ("X: backward leaves out P.a: times it, the gradient is right"),
    "affine: dX with a twice": (
        "X: backward has P.a once too often: it is P.a times the right one"
    ),
    "both: dX without the second half": (
        "X: zero only from indices 3 to 5 of axis 1 of Y: their gradient is not used"
    ),
    "both: halves exchanged": (
        "X: exchanged: at indices 0 to 2 of axis 1 of Y is the gradient of indices 3 to 5; P.V: "
        "swapped: this is the gradient of P.W; P.W: swapped: this is the gradient of P.V"
    ),
    "relu: no mask": (
        "X: not zero, though the answer does not depend on it, for negative inputs only: look at "
        "that branch of the function"
    ),
    "leaky: 1 below 0": (
        "X: 10 times what is right for negative inputs only: look at that branch of the function"
    ),
    "clipped: lower end only": (
        "X: not zero, though the answer does not depend on it, only where X is above 0.7693: "
        "look at that branch"
    ),
    "clipped: no mask": (
        "X: not zero, though the answer does not depend on it, only where |X| is above 0.7693: "
        "look at that branch"
    ),
    "dropout: no mask": ("X: wrong only where M > 0 is false: the mask is not applied"),
    "tanh: no slope": ("X: backward leaves out 1 - Y * Y: times it, the gradient is right"),
    "sort: as it came": ("X: backward gives grad as it came: what forward does to X is missing"),
    "softmax: the diagonal alone": (
        "X: the diagonal of the Jacobian alone: what goes along axis 1 from an element to the "
        "others' answers is missing, as softmax's -Y sum(grad Y)"
    ),
    "softmax: no sum": (
        "X: each element gets its own answer's gradient only, and what goes along axis 1 is "
        "missing: statistics such as a mean, variance, norm or softmax's sum are taken for "
        "constants"
    ),
    "softmax: the sum over the rows": (
        "X: backward mixes the elements along axis 0, where axis 1 belongs: a wrong axis in a sum, "
        "mean, product or reshape"
    ),
    "layer_norm: no mean": (
        "X: missing mean: the mean of the gradient along axis 1 is not subtracted"
    ),
    "batch_norm: no variance": (
        "X: missing or wrong: a term through one number along axis 0, as a sum, mean, norm or "
        "variance is"
    ),
    "layer_norm: no 1/s": (
        "X: a factor for each index of axis 0 (0.3829, 0.9738, ...): something that forward "
        "computes for each of them is left out or wrong, such as a slope, or one over a norm or a "
        "count"
    ),
    "layer_norm: dgamma and dbeta exchanged": ("P.gamma: swapped: this is the gradient of P.beta"),
    "rms_norm: a mean too much": (
        "X: surplus mean: the mean along axis 1 is subtracted, and must not be"
    ),
    "convolution: dX with W turned": (
        "X: right with P.W reversed along axes 0 and 1: turn it, or do not"
    ),
    "convolution: dX at the border": (
        "X: zero only at the border, both ends of axes 1 and 2: no gradient arrives there"
    ),
    "convolution: windows assigned": (
        "X: one of several gradients is kept, where they add up: add them, with += for "
        "overlapping windows, and np.add.at where an index repeats (+= keeps one)"
    ),
    "max_pool: to the first pixel": (
        "X: the gradient of an answer arrives at another place than the answer came from"
    ),
    "thinned: aligned to the first": (
        "X: shifted by -1 along axis 1: padding, a stride or an index is off"
    ),
    "rolled: the same way on": (
        "X: transpose: grad is sent the way that forward goes, and not back"
    ),
    "mean_pool: the first of four": (
        "X: zero only at odd indices of axes 1 and 2: no gradient arrives there"
    ),
    "recurrent: nothing carried": (
        "X: zero only between index i of axis 1 and later answers along axis 1 of Y: what is "
        "carried from step to step, as a hidden state's gradient, is left out or wrong (all but "
        "the last step are wrong)"
    ),
    "recurrent: cut off after two steps": (
        "X: zero only between index i of axis 1 and 2 or more steps later answers along axis 1 "
        "of Y: what is carried from step to step, as a hidden state's gradient, is left out or "
        "wrong (it is cut off)"
    ),
    "recurrent: dX reversed": ("X: reversed along axis 1"),
    "lstm: g twice": (
        "P.W: wrong by a factor 2 only at indices 9 to 11 of axis 1, and right elsewhere"
    ),
    "attention: no 1/√d": (
        "X[0], X[1]: factor 1.73205, the square root of axis 2 of Y (3): the gradient is 1.73205 "
        "times the right one"
    ),
    "attention: dV at step 0 only": (
        "X[2]: only index 0 of axis 1 counts, and nothing comes to the others (zero at every "
        "index of axis 1 but 0)"
    ),
    "embedding: += on an index": (
        "W: one of several gradients is kept, where they add up: add them, with += for "
        "overlapping windows, and np.add.at where an index repeats (+= keeps one)"
    ),
    "embedding: one place off": ("W: shifted by 1 along axis 0, around the end"),
    "positions: summed over steps": (
        "P: summed over axis 0, all along which the gradient is now the same"
    ),
    "masked tanh: no mask": ("X[0]: wrong only where X[1] is 0: the mask is not applied"),
    "dropout: no scale": ("X: factor 0.7, which is 1 - p: the gradient is 0.7 times the right one"),
    "residual: nothing around": (
        "X: the identity path is missing: add grad itself, for the way around"
    ),
    "BatchNorm: no gamma": (
        "X, with N(0, 1) inputs and moved parameters: backward leaves out gamma: times it, the "
        "gradient is right"
    ),
    "image norm: a sum for the mean": (
        "X: a sum for a mean: too much is subtracted along axes 0, 1 and 2"
    ),
    "image norm: a mean over n alone": (
        "X: the error is the same all along axis 0: what goes through a mean or sum there is "
        "missing or wrong"
    ),
    "highway: no carry": (
        "X: missing or wrong: a term that goes straight from each entry of grad to the same "
        "entry of X, as around a layer, by a skip or a gate"
    ),
    "residual dense: twice around": (
        "X: a summand is too much, or has to be subtracted: grad itself"
    ),
    "GRU: Z negated": (
        "W: of the wrong sign only at indices 0 to 2 of axis 1, and right elsewhere, as a run with "
        "1 index along axis 1 shows; b: of the wrong sign only at indices 0 to 2 of axis 0, and "
        "right elsewhere, as a run with 1 index along axis 1 shows"
    ),
    "two heads: no sum in the softmax": (
        "X, P.Wq, P.Wk: missing or wrong: a term through two numbers for all answers along the "
        "last axis of Y, as the sum of grad times Y in a softmax's gradient (one for each head), "
        "or a mean or norm"
    ),
    "two heads: no 1/√3": (
        "P.Wq, P.Wk: factor 1.73205, the square root of 3: the gradient is 1.73205 times the "
        "right one"
    ),
    "two heads: nothing to X through K": (
        "X: the gradients of all parameters are right: look at how what backward returns is made "
        "of them, for a way that is missing or wrong"
    ),
    "depthwise: no W": (
        "X: grad goes the right ways, but all of it times 1: a factor that differs from way to "
        "way, such as a weight or a slope, is left out"
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_each_kind_of_hint_has_its_text(name: str) -> None:
    assert report_of(name).hint == TEXTS[name]


def test_the_body_is_large_and_its_names_are_unique() -> None:
    assert len({case.name for case in PLANTED}) == len(PLANTED) >= 150
    assert 8 <= sum(not case.words for case in PLANTED) <= 0.1 * len(PLANTED)


# One at a time ------------------------------------------------------------------------------------


def hint_of(f: Callable[..., Any], back: Callable[..., Any], X: Any, *P: Array) -> str | None:
    """The hint for a layer that is wrong."""
    report = check_layer(Plain(f, back, *P), X)
    assert report.verdict == "wrong"
    return report.hint


def test_hints_of_several_tensors_are_several() -> None:
    def back(grad: Array, X: Array, W: Array, b: Array) -> tuple[Array, ...]:
        return grad @ W.T, -X.T @ grad, grad.mean(axis=0)

    report = check_layer(
        Plain(lambda X, W, b: X @ W + b, back, normal(4, 3), normal(3)), normal(6, 4)
    )
    assert report.hints == [
        "P.0: sign: the gradient has the wrong sign",
        "P.1: factor 1/n, one over the rows of the batch (6), as by a mean for a sum: the gradient "
        "is 0.166667 times the right one",
    ]
    lines = str(report).splitlines()
    assert lines[1:3] == [f"  likely cause: {hint}" for hint in report.hints]


def test_a_gradient_of_what_has_no_influence() -> None:
    hint = hint_of(
        lambda X, a: X + 0 * a, lambda g, X, a: (g, g.sum(axis=0)), normal(4, 3), normal(3)
    )
    assert hint == "P.0: the answer does not depend on it here, and its gradient is not zero"


def test_a_factor_of_a_tensor_with_one_entry_and_one_answer_is_none() -> None:
    def back(grad: Array, X: Array, a: Array) -> tuple[Array, Array]:
        return grad * a, 2 * (grad * X).sum().reshape(1)

    assert hint_of(lambda X, a: X * a, back, normal(1, 1), normal(1)) is None


def test_a_factor_that_rows_would_settle_is_not_named_where_they_cannot() -> None:
    def only_two(X: Array) -> Array:
        if len(X) != 2:
            raise ValueError("two rows")
        return X * X

    X = normal(2, 5)
    assert hint_of(only_two, lambda g, X: (g * X,), X) == (
        "X: a constant factor: the gradient is 0.5 times the right one"
    )
    assert hint_of(np.square, lambda g, X: (g * X,), X) == (
        "X: factor 1/2: the gradient is 0.5 times the right one"
    )


def test_a_factor_without_a_name() -> None:
    assert hint_of(lambda X: 3.7 * X, lambda g, X: (g,), normal(4, 5)) == (
        "X: factor 0.27027: the gradient is 0.27027 times the right one"
    )
    assert hint_of(np.sin, lambda g, X: (1.0001 * g * np.cos(X),), normal(4, 5)) == (
        "X: factor 1.0001: the gradient is 1.0001 times the right one"
    )


def test_a_factor_may_be_a_number_of_the_layer() -> None:
    class Scaled(Plain):
        def __init__(self, scale: Any) -> None:
            super().__init__(lambda X: X / 2.5, lambda g, X: (g,))
            self.inner = [{"scale": scale}]

    for scale, words in ((2.5, "inner.0.scale"), (0.6, "1 / (1 - inner.0.scale)"), ("2.5", None)):
        report = check_layer(Scaled(scale), normal(4, 7))
        named = f"factor 2.5, which is {words}" if words else "factor 2.5"
        assert report.hint == f"X: {named}: the gradient is 2.5 times the right one"


def test_a_single_parameter_may_be_the_factor() -> None:
    def back(grad: Array, X: Array, a: Array) -> tuple[Array, Array]:
        return grad, (grad * X).sum().reshape(1)

    assert hint_of(lambda X, a: X * a, back, normal(4, 5), np.array([1.7])) == (
        "X: factor 0.588235, which is 1 / P.0: the gradient is 0.588235 times the right one"
    )


def test_averaged_along_an_axis() -> None:
    def back(grad: Array, X: Array) -> tuple[Array]:
        return (np.broadcast_to(grad.mean(axis=0), X.shape) * 2 + 0 * X,)

    assert hint_of(lambda X: 2 * X, back, normal(4, 3)) == (
        "X: averaged over axis 0, all along which the gradient is now the same"
    )


def test_places_by_value() -> None:
    X = np.where(np.arange(20) % 4 == 0, 0, normal(20)).reshape(4, 5)
    assert (
        hint_of(np.sin, lambda g, X: (g * np.cos(X) * (X != 0),), X) == "X: zero only where X is 0"
    )

    def weak(grad: Array, X: Array) -> tuple[Array]:
        return (grad * np.cos(X) * np.where(X < -0.5, 3, 1),)

    hint = hint_of(np.sin, weak, normal(5, 6))
    assert hint is not None
    assert hint.startswith("X: 3 times what is right only where X is below -0.")
    assert hint.endswith(": look at that branch")


def test_places_by_value_of_a_parameter() -> None:
    def back(grad: Array, X: Array, a: Array) -> tuple[Array, Array]:
        return grad * np.abs(a), (grad * X).sum(axis=0)

    hint = hint_of(lambda X, a: X * np.abs(a), back, normal(4, 9), normal(9))
    assert (
        hint == "P.0: of the wrong sign for negative P.0 only: look at that branch of the function"
    )


def test_two_elements() -> None:
    def back(grad: Array, X: Array, W: Array) -> tuple[Array, Array]:
        dW = X.T @ grad
        dW[[0, 2], [1, 0]] *= [3, -1]
        return grad @ W.T, dW

    assert hint_of(lambda X, W: X @ W, back, normal(5, 4), normal(4, 3)) == (
        "P.0: wrong only at two elements: (0, 1) and (2, 0)"
    )


def test_indices_in_words() -> None:
    def wrong_at(*columns: int) -> str | None:
        def back(grad: Array, X: Array) -> tuple[Array]:
            dX = grad * np.cos(X)
            dX[:, columns] *= 3
            return (dX,)

        return hint_of(np.sin, back, normal(4, 7))

    text = "X: 3 times what is right only at {} of axis 1, and right elsewhere"
    assert wrong_at(0, 2, 4, 6) == text.format("even indices")
    assert wrong_at(0, 3, 4) == text.format("indices 0, 3 and 4")
    assert wrong_at(0, 1, 2, 3, 5, 6) == text.format("every index").replace("1,", "1 but 4,")


def test_only_a_corner_counts() -> None:
    def back(grad: Array, X: Array, b: Array) -> tuple[Array, Array]:
        return grad, grad[:, 0, 0].sum(axis=0)

    assert hint_of(lambda X, b: X + b, back, normal(2, 3, 4, 2), normal(2)) == (
        "P.0: only the first index of axes 1 and 2 of Y counts, and nothing comes from the others"
    )


def test_earlier_answers() -> None:
    def back(grad: Array, X: Array) -> tuple[Array]:
        return (grad,)

    def ahead(X: Array) -> Array:
        return np.cumsum(X[:, ::-1], axis=1)[:, ::-1].copy()

    assert hint_of(ahead, lambda g, X: (np.cumsum(g, axis=1) - 0.5 * (np.cumsum(g, axis=1) - g),),
                   normal(3, 5, 2)) == (
        "X: wrong by a factor 1/2 only between index i of axis 1 and earlier answers along axis 1 "
        "of Y: what is carried from step to step, as a hidden state's gradient, is left out or "
        "wrong (all but the first step are wrong)"
    )  # fmt: skip


def test_masks_in_an_input() -> None:
    mask = np.array([1.0, 0, 1, 0, 0, 1])[:, np.newaxis] * np.ones((6, 4))

    def back(grad: Array, X: tuple[Array, Array]) -> tuple[tuple[Array, Array]]:
        A, M = X
        return ((grad * np.where(M == 1, 3, 5) * np.cos(A) * np.where(M == 0, 1.5, 1),
                 grad * np.sin(A) * -2),)  # fmt: skip

    def f(X: tuple[Array, Array]) -> Array:
        return np.sin(X[0]) * (5 - 2 * X[1])

    assert hint_of(f, back, (normal(6, 4), mask)) == (
        "X[0]: a summand is missing: add -2.500 * grad * (1 - X[1]) * cos(X[0])"
    )


@pytest.mark.parametrize("what", ["raises", "is not finite"])
def test_a_layer_that_takes_no_other_order(what: str) -> None:
    """Then the pattern is believed as it is."""

    def ordered(X: Array) -> Array:
        if np.any(np.diff(X, axis=1) < 0):
            if what == "raises":
                raise ValueError("sorted rows")
            return X * np.nan
        return X**2

    X = np.sort(normal(4, 5), axis=1)
    assert hint_of(ordered, lambda g, X: (g * X,), X) == (
        "X: factor 1/2: the gradient is 0.5 times the right one"
    )


def test_an_accident_of_the_values_is_no_hint() -> None:
    """Only the rows of large entries are wrong, which are all but the first here."""

    def back(grad: Array, X: Array) -> tuple[Array]:
        size = np.abs(X).max(axis=1, keepdims=True)
        return (grad * np.cos(X) * np.where(size > 2.5, 1.3, 1),)

    X = normal(4, 5) * np.array([[0.1], [3], [3], [3]])
    assert hint_of(np.sin, back, X) is None


# Where it takes the other inputs, or the other parameters -----------------------------------------


def gated(wrong: Callable[[Array, Array], Any]) -> Plain:
    """Y = a sin(X), wrong where that says so."""
    return Plain(
        lambda X, a: a * np.sin(X),
        lambda g, X, a: (
            g * a * np.cos(X) * np.where(wrong(X, a), 2, 1),
            (g * np.sin(X)).sum(axis=0),
        ),
        np.ones(3),
    )


@pytest.mark.parametrize(
    ("wrong", "by"),
    [
        (lambda X, a: a != 1, "by the parameters as they are moved there, at the given X"),
        (lambda X, a: X < 0, "by the inputs there, with the given parameters"),
        (lambda X, a: np.any(X < 0) & (a != 1),
         "by neither its inputs nor its parameters alone: it takes both"),
        (lambda X, a: np.any(X < 0) | (a != 1),
         "by the parameters as they are moved there, at the given X and the inputs there, with the "
         "given parameters"),
    ],
)  # fmt: skip
def test_which_of_two_it_takes(wrong: Callable[[Array, Array], Any], by: str) -> None:
    report = check_layer(gated(wrong), np.abs(normal(4, 3)) + 0.1)
    label = "N(0, 1) inputs and moved parameters"
    assert report.notes[0] == f"the mistake at {label} is also shown {by}"


def test_nothing_is_said_where_the_layer_takes_neither_alone() -> None:
    def f(X: Array, a: Array) -> Array:
        if np.any(X < -0.1) != np.any(np.abs(a - 1) > 0.05):
            raise ValueError("both or none")
        return a * np.sin(X)

    def back(grad: Array, X: Array, a: Array) -> tuple[Array, Array]:
        return grad * a * np.cos(X) * (1 + np.any(X < 0)), (grad * np.sin(X)).sum(axis=0)

    report = check_layer(Plain(f, back, np.ones(3)), np.abs(normal(4, 3)) + 0.1)
    assert report.verdict == "wrong"
    assert report.notes == ["also run: N(0, 1) inputs and moved parameters"]


def test_what_is_hardly_above_the_rounding_has_no_pattern() -> None:
    assert hint_of(lambda X: X + 1e6, lambda g, X: (1.0005 * g,), normal(4, 3)) is None


def test_elements_of_all_sizes_are_measured_by_steps_of_their_own() -> None:
    X = 10.0 ** np.arange(-6, 6).reshape(3, 4)
    assert hint_of(np.log, lambda g, X: (2 * g / X,), X) == (
        "X: factor 2: the gradient is 2 times the right one"
    )


def test_of_many_answers_some_are_looked_at() -> None:
    def back(grad: Array, X: Array, a: Array) -> tuple[Array, Array]:
        da = (grad * X).sum(axis=0)
        da[7] *= -1
        return grad * a, da

    assert hint_of(lambda X, a: X * a, back, normal(60, 20), normal(20)) == (
        "P.0: of the wrong sign only at one element: (7,)"
    )

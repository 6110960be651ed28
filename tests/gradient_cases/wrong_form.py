"""Wrong layers by what they return: its form, its precision, and how it depends on grad."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from layerwise import Array, Layer, Parameter, Sequential
from tests.gradient_cases.case import Case, Hint
from tests.gradient_cases.corruption import Edit, Seen, assigned, spoiled
from tests.gradient_cases.faults import (
    OVERWRITTEN,
    PLAIN,
    Linearly,
    Way,
    layers,
    of_classes,
    of_plain_classes,
    wrong,
)
from tests.gradient_cases.points import Build, around, single
from tests.gradient_cases.right_layers import (
    Attention,
    Linear,
    SumRows,
    SwapAxes,
    WeightedMean,
)
from tests.gradient_cases.wrong_entries import BASES

WRONG_FORM: list[Case] = []


# Not linear in grad ------------------------------------------------------------------------------


def clipped(level: float) -> Edit:
    return lambda g, at: np.clip(g, -level, level)


def clipped_length(g: Array, at: Seen) -> Array:
    """At most of length 1, as a whole."""
    return g / max(1.0, float(np.linalg.norm(g)))


def unit(g: Array, at: Seen) -> Array:
    return g / (np.linalg.norm(g) + 1e-12)


def sign(g: Array, at: Seen) -> Array:
    wrong_g: Array = np.sign(g)
    return wrong_g


def decay(g: Array, at: Seen) -> Array:
    wrong_g: Array = g + 1e-4 * at.value
    return wrong_g


def small_dropped(g: Array, at: Seen) -> Array:
    return np.where(np.abs(g) < 0.3, 0, g)


def positive_only(g: Array, at: Seen) -> Array:
    """As guided backpropagation does."""
    return np.where(at.grad > 0, g, 0)


def squared(g: Array, at: Seen) -> Array:
    wrong_g: Array = g * np.abs(g)
    return wrong_g


def tiny_dropped(g: Array, at: Seen) -> Array:
    return np.where(np.abs(g) < 1e-6, 0, g)


def undefined_at_zero(g: Array, at: Seen) -> Array:
    """Divided and multiplied by the length of grad."""
    length = np.linalg.norm(at.grad)
    with np.errstate(invalid="ignore"):
        wrong_g: Array = g / length * length
    return wrong_g


def steps_of_grad(g: Array, at: Seen) -> Array:
    return np.round(g, 7)


def centered_by_grad(g: Array, at: Seen) -> Array:
    """A constant 1e-7 whatever comes."""
    return g + 1e-7


def nonlinear(base: str, target: str, edit: Edit, what: str) -> Case:
    """A right layer whose gradient is changed by its size."""
    make, partner = spoiled(BASES[base], **{target: edit}), BASES[base]
    reason = "backward looks at the size or sign of grad"
    return Case(f"{base}: {what}", "not linear", make, "wrong", reason, partner=partner)


WRONG_FORM += [
    nonlinear("dense", "P0", clipped(1), "P0 clipped to ±1"),
    nonlinear("dense", "P0", clipped(3), "P0 clipped to ±3"),
    nonlinear("softmax", "X", clipped(0.1), "X clipped to ±.1"),
    nonlinear("recurrent", "P1", clipped(0.5), "P1 clipped to ±.5"),
    nonlinear("dense", "X", clipped_length, "X at most of length 1"),
    nonlinear("layer_norm", "P0", unit, "P0 of length 1"),
    nonlinear("dense", "P1", sign, "the sign of P1"),
    nonlinear("dense", "P0", decay, "P0 with weight decay"),
    nonlinear("convolution", "P0", decay, "P0 with weight decay"),
    nonlinear("cosine", "P0", small_dropped, "small entries of P0 dropped"),
    nonlinear("affine", "X", positive_only, "positive grad only"),
    nonlinear("dense", "P0", squared, "P0 times |P0|"),
    nonlinear("standardize", "X", centered_by_grad, "X plus 1e-7"),
    nonlinear("dense", "P0", clipped(100), "P0 clipped to ±100"),
    nonlinear("network", "P0", clipped(1000), "P0 clipped to ±1000"),
    nonlinear("dense", "X", tiny_dropped, "entries below 1e-6 of X dropped"),
    nonlinear("recurrent", "X", undefined_at_zero, "X undefined for a grad of 0"),
    nonlinear("affine", "P0", steps_of_grad, "P0 in steps of 1e-7"),
]


# Shape, dtype, NaN -------------------------------------------------------------------------------


class Changed(Layer[Any, Any]):
    """A right layer whose dL/dX is changed in the end."""

    def __init__(self, inner: Layer[Any, Any], change: Callable[[Any], Any]) -> None:
        self.inner, self.change = inner, change

    def forward(self, X: Any, /) -> Any:
        Y, inner_back = self.inner.forward(X)

        def backward(grad: Array) -> Any:
            return self.change(inner_back(grad))

        return Y, backward


def with_hole(dX: Array) -> Array:
    holed = dX.copy()
    holed.flat[-1] = np.nan
    return holed


def with_pole(dX: Array) -> Array:
    poled = dX.copy()
    poled.flat[0] = np.inf
    return poled


def linearly_changed(change: Callable[[Any], Any]) -> Build:
    return lambda rng: Changed(Linearly(rng), change)


WRONG_FORM += layers("form", [
    ("dL/dX with an axis more", linearly_changed(lambda dX: dX[np.newaxis]), PLAIN,
     "shape (1, n, d)"),
    ("dL/dX flat", linearly_changed(lambda dX: dX.ravel()), PLAIN, "shape (n d,)"),
    ("dL/dX transposed", linearly_changed(lambda dX: dX.T), PLAIN, "shape (d, n)"),
    ("dL/dX summed over rows", linearly_changed(lambda dX: dX.sum(axis=0)), PLAIN,
     "shape (d,), which broadcasts"),
    ("dL/dX summed, axis kept", linearly_changed(lambda dX: dX.sum(axis=0, keepdims=True)), PLAIN,
     "shape (1, d)"),
    ("dL/dX without its last row", linearly_changed(lambda dX: dX[:-1]), PLAIN, "shape (n - 1, d)"),
    ("dL/dX in float32", linearly_changed(lambda dX: dX.astype(np.float32)), PLAIN,
     "another dtype than X"),
    ("dL/dX in float16", linearly_changed(lambda dX: dX.astype(np.float16)), PLAIN,
     "another dtype than X"),
    ("dL/dX complex", linearly_changed(lambda dX: dX + 0j), PLAIN, "another dtype than X"),
    ("dL/dX as objects", linearly_changed(lambda dX: dX.astype(object)), PLAIN,
     "another dtype than X"),
    ("dL/dX as lists", linearly_changed(lambda dX: dX.tolist()), PLAIN, "no array at all"),
    ("dL/dX is None", linearly_changed(lambda dX: None), PLAIN, "nothing is returned"),
    ("dL/dX as a tuple", linearly_changed(lambda dX: (dX,)), PLAIN, "a tuple, where X is none"),
    ("NaN in dL/dX", linearly_changed(with_hole), PLAIN, "one entry is NaN"),
    ("infinity in dL/dX", linearly_changed(with_pole), PLAIN, "one entry is infinite"),
])  # fmt: skip


class NoGradient(Linearly):
    """backward returns dL/dX and adds nothing."""

    def learn(self, X: Array, grad: Array) -> None:
        pass


class BroadcastBias(Linearly):
    """dL/db by a way around add_grad that broadcasts."""

    def learn(self, X: Array, grad: Array) -> None:
        self.W.add_grad(X.T @ grad)
        np.add(self.b.grad, grad.sum(), out=self.b.grad)
        self.b.has_grad = True


class NaNWeights(Linearly):
    """0/0 for a column of W's gradient."""

    def learn(self, X: Array, grad: Array) -> None:
        dW = X.T @ grad
        dW[0, 0] = np.nan
        self.W.add_grad(dW)
        self.b.add_grad(grad.sum(axis=0))


class RaisesGoingBack(Linearly):
    """dL/db is not summed, and refused."""

    def learn(self, X: Array, grad: Array) -> None:
        self.W.add_grad(X.T @ grad)
        self.b.add_grad(grad)


class LengthOfRows(Layer[Array, Array]):
    """Y = |X| of each row, where 0/0 comes back for a row of zeros."""

    def forward(self, X: Array, /) -> Way:
        Y = np.linalg.norm(X, axis=-1)

        def backward(grad: Array) -> Array:
            with np.errstate(invalid="ignore"):
                dX: Array = grad[..., np.newaxis] * X / Y[..., np.newaxis]
            return dX

        return Y, backward


class GuardedLog(Layer[Array, Array]):
    """Y = log X where X > 0, else 0; 1/X comes back everywhere."""

    def forward(self, X: Array, /) -> Way:
        Y = np.log(np.where(X > 0, X, 1))

        def backward(grad: Array) -> Array:
            with np.errstate(divide="ignore"):
                dX: Array = grad / X
            return dX

        return Y, backward


class NaNHidden(Layer[Array, Array]):
    """Y = X, with NaN replaced by 0 in forward only."""

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            with np.errstate(invalid="ignore"):
                dX: Array = grad * np.sqrt(X) / np.sqrt(X)
            return dX

        return X.copy(), backward


class DoubleInFloat32(Layer[Array, Array]):
    """tanh in float32, with dL/dX in float64."""

    def forward(self, X: Array, /) -> Way:
        Y = np.tanh(X)

        def backward(grad: Array) -> Array:
            dX: Array = grad * (1.0 - Y.astype(np.float64) ** 2)
            return dX

        return Y, backward


class DoubleAnswer(Layer[Array, Array]):
    """Y = X · c in float64, whatever X is."""

    def __init__(self) -> None:
        self.c = 1.5

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            dX: Array = (grad * self.c).astype(X.dtype)
            return dX

        return X * np.full(X.shape, self.c), backward


class DoubleParameterGradient(Linearly):
    """dL/db is summed in float64, and refused by a float32 parameter."""

    def learn(self, X: Array, grad: Array) -> None:
        self.W.add_grad(X.T @ grad)
        self.b.add_grad(grad.sum(axis=0, dtype=np.float64))


class HalfInside(Linearly):
    """A float32 layer whose way back passes through float16."""

    def learn(self, X: Array, grad: Array) -> None:
        self.W.add_grad((X.T.astype(np.float16) @ grad.astype(np.float16)).astype(self.W.dtype))
        self.b.add_grad(grad.sum(axis=0))


WRONG_FORM += of_classes("form", [(NoGradient, "parameters get no gradient")], hint="zero")
WRONG_FORM += layers("form", [
    ("BroadcastBias", BroadcastBias, PLAIN, "one number broadcast into dL/db"),
    ("NaNWeights", NaNWeights, PLAIN, "one entry of dL/dW is NaN"),
    ("RaisesGoingBack", RaisesGoingBack, PLAIN, "backward raises ValueError"),
    ("LengthOfRows of a zero", lambda rng: LengthOfRows(),
     lambda rng: rng.standard_normal((5, 3)) * (np.arange(5) != rng.integers(5))[:, np.newaxis],
     "NaN at a point where forward is fine"),
    ("GuardedLog at 0", lambda rng: GuardedLog(), around(0, 1, 2, shape=(4, 3), spread=0),
     "infinite at a point where forward is fine"),
    ("NaNHidden", lambda rng: NaNHidden(), PLAIN, "NaN for negative inputs"),
    ("DoubleInFloat32", lambda rng: DoubleInFloat32(), single(PLAIN),
     "dL/dX in float64 for a float32 X"),
    ("DoubleAnswer", lambda rng: DoubleAnswer(), single(PLAIN), "Y in float64 for a float32 X"),
    ("DoubleParameterGradient", lambda rng: DoubleParameterGradient(rng, np.float32),
     single(PLAIN), "a float64 gradient for a float32 parameter: add_grad raises"),
    ("HalfInside", lambda rng: HalfInside(rng, np.float32), single(PLAIN),
     "float16 inside a float32 layer"),
])  # fmt: skip


# What the memory looks like ----------------------------------------------------------------------


class GradInMemoryOrder(Linearly):
    """grad is read in the order of its memory: wrong for a transposed one."""

    def forward(self, X: Array, /) -> Way:
        Y, inner = super().forward(X)

        def backward(grad: Array) -> Array:
            return inner(grad.ravel(order="K").reshape(grad.shape))

        return Y, backward


class InputInMemoryOrder(Linearly):
    """X is read in the order of its memory on the way back: wrong for a transposed one."""

    def forward(self, X: Array, /) -> Way:
        W = self.W.value

        def backward(grad: Array) -> Array:
            self.learn(X.ravel(order="K").reshape(X.shape), grad)
            dX: Array = grad @ W.T
            return dX

        Y: Array = X @ W + self.b.value
        return Y, backward


class AssumedStrides(Layer[Array, Array]):
    """Y = sums of two neighbors; back by strides of an array in C order, whatever grad's are."""

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            n, d = grad.shape
            seen = np.lib.stride_tricks.as_strided(grad, (n, d), (d * grad.itemsize, grad.itemsize))
            dX = np.zeros_like(X)
            dX[:, :-1] += seen
            dX[:, 1:] += seen
            return dX

        return X[:, :-1] + X[:, 1:], backward


WRONG_FORM += layers("memory", [
    ("InputInMemoryOrder of a transposed X", InputInMemoryOrder,
     lambda rng: rng.standard_normal((4, 6)).T, "X in Fortran order"),
    ("GradInMemoryOrder before a transposition",
     lambda rng: Sequential(GradInMemoryOrder(rng), SwapAxes()), PLAIN,
     "grad comes in Fortran order"),
    ("AssumedStrides before a sum", lambda rng: Sequential(AssumedStrides(), SumRows()), PLAIN,
     "grad comes with strides of 0"),
])  # fmt: skip


# Lost precision ----------------------------------------------------------------------------------


class SingleInside(Linearly):
    """The products on the way back in float32."""

    def forward(self, X: Array, /) -> Way:
        W = self.W.value

        def backward(grad: Array) -> Array:
            X32, W32, grad32 = (A.astype(np.float32) for A in (X, W, grad))
            self.W.add_grad((X32.T @ grad32).astype(X.dtype))
            self.b.add_grad(grad.sum(axis=0))
            return (grad32 @ W32.T).astype(X.dtype)

        Y: Array = X @ W + self.b.value
        return Y, backward


class SingleWeights(Linearly):
    """Only W is in float32 on the way back: linear in grad, and off by 1e-8."""

    def forward(self, X: Array, /) -> Way:
        Y, _ = super().forward(X)
        W = self.W.value.astype(np.float32).astype(X.dtype)

        def backward(grad: Array) -> Array:
            self.learn(X, grad)
            dX: Array = grad @ W.T
            return dX

        return Y, backward


class KeepsSingleInput(Linearly):
    """X is kept in float32 to save memory: linear in grad, and off by 1e-8."""

    def forward(self, X: Array, /) -> Way:
        Y, _ = super().forward(X)
        W, kept = self.W.value, X.astype(np.float32)

        def backward(grad: Array) -> Array:
            self.learn(kept.astype(X.dtype), grad)
            dX: Array = grad @ W.T
            return dX

        return Y, backward


class KeepsSingleAnswer(Layer[Array, Array]):
    """tanh, whose Y is kept in float32."""

    def forward(self, X: Array, /) -> Way:
        Y = np.tanh(X)
        kept = Y.astype(np.float32)

        def backward(grad: Array) -> Array:
            dX: Array = grad * (1 - kept.astype(grad.dtype) ** 2)
            return dX

        return Y, backward


class SingleThroughout(Linearly):
    """Everything in float32, the answer in float64 by name only."""

    def forward(self, X: Array, /) -> Way:
        X32, W32 = X.astype(np.float32), self.W.value.astype(np.float32)

        def backward(grad: Array) -> Array:
            grad32 = grad.astype(np.float32)
            self.W.add_grad((X32.T @ grad32).astype(self.W.dtype))
            self.b.add_grad(grad.sum(axis=0))
            return (grad32 @ W32.T).astype(X.dtype)

        return (X32 @ W32).astype(X.dtype) + self.b.value, backward


class DifferencesInside(Layer[Array, Array]):
    """tanh, whose slope comes from a forward difference with step 1e-5."""

    def forward(self, X: Array, /) -> Way:
        Y = np.tanh(X)

        def backward(grad: Array) -> Array:
            dX: Array = grad * (np.tanh(X + 1e-5) - Y) / 1e-5
            return dX

        return Y, backward


class RoundedConstant(Layer[Array, Array]):
    """Y = X / √3, with .57735 on the way back."""

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            return grad * 0.57735

        return X / float(np.sqrt(3)), backward


WRONG_FORM += of_classes("precision", [
    (SingleInside, "not linear to rounding"),
    (SingleWeights, "linear, off by 1e-8"),
    (KeepsSingleInput, "linear, off by 1e-8"),
    (SingleThroughout, "forward, too, is known to seven digits only"),
])  # fmt: skip
WRONG_FORM += of_plain_classes("precision", [
    (KeepsSingleAnswer, "linear, off by 1e-8"),
    (DifferencesInside, "off by 1e-5"),
    (RoundedConstant, "five digits of a constant"),
])  # fmt: skip


# forward_from_data -------------------------------------------------------------------------------


class DataBase(Linearly):
    """A forward_from_data that does the same as forward; below, each with a fault."""


class DataOtherAnswer(DataBase):
    def forward_from_data(self, X: Array, /) -> Way:
        Y, backward = self.forward(X)
        return Y * 1.0001, backward


class DataNoBias(DataBase):
    def forward_from_data(self, X: Array, /) -> Way:
        Y, _ = self.forward(X)

        def backward(grad: Array) -> Array:
            self.W.add_grad(X.T @ grad)
            return grad

        return Y, backward


class DataNothing(DataBase):
    def forward_from_data(self, X: Array, /) -> Way:
        Y, _ = self.forward(X)

        def backward(grad: Array) -> Array:
            return grad

        return Y, backward


class DataOtherGradient(DataBase):
    def forward_from_data(self, X: Array, /) -> Way:
        Y, _ = self.forward(X)

        def backward(grad: Array) -> Array:
            self.W.add_grad(X.T @ grad / len(X))
            self.b.add_grad(grad.sum(axis=0))
            return grad

        return Y, backward


class DataAssigns(DataBase):
    def forward_from_data(self, X: Array, /) -> Way:
        Y, _ = self.forward(X)

        def backward(grad: Array) -> Array:
            assigned(self.W, X.T @ grad)
            self.b.add_grad(grad.sum(axis=0))
            return grad

        return Y, backward


class DataOverwrites(DataBase):
    def forward_from_data(self, X: Array, /) -> Way:
        Y, backward = self.forward(X.copy())
        X[...] = 0
        return Y, backward


class DataOverwritesGrad(DataBase):
    def forward_from_data(self, X: Array, /) -> Way:
        Y, inner = self.forward(X)

        def backward(grad: Array) -> Array:
            inner(grad)
            grad *= 0
            return grad

        return Y, backward


class DataRaises(DataBase):
    def forward_from_data(self, X: Array, /) -> Way:
        Y, _ = self.forward(X)

        def backward(grad: Array) -> Array:
            self.W.add_grad(X @ grad)
            return grad

        return Y, backward


class DataHalfPrecision(DataBase):
    def forward_from_data(self, X: Array, /) -> Way:
        Y, _ = self.forward(X)

        def backward(grad: Array) -> Array:
            self.W.add_grad((X.T.astype(np.float32) @ grad.astype(np.float32)).astype(X.dtype))
            self.b.add_grad(grad.sum(axis=0))
            return grad

        return Y, backward


class DataOfParent(Linear):
    """Y = tanh(X W), where forward_from_data stayed X W, as in the class it comes from."""

    def forward(self, X: Array, /) -> Way:
        A, inner = super().forward(X)
        Y = np.tanh(A)

        def backward(grad: Array) -> Array:
            return inner(grad * (1 - Y * Y))

        return Y, backward

    def forward_from_data(self, X: Array, /) -> Way:
        return super().forward(X)


WRONG_FORM += of_classes("from data", [
    (DataOtherAnswer, "another Y from data"),
    (DataNoBias, "no dL/db from data"),
    (DataNothing, "no gradients from data"),
    (DataOtherGradient, "another dL/dW from data"),
    (DataRaises, "backward raises, from data only"),
    (DataHalfPrecision, "float32 on the way back, from data only"),
])  # fmt: skip
WRONG_FORM += of_classes(
    "from data", [(DataAssigns, "dL/dW is assigned, from data only")], hint="assigned"
)
WRONG_FORM += of_classes("from data", [
    (DataOverwrites, "X is overwritten, from data only"),
    (DataOverwritesGrad, "grad is overwritten, from data only"),
], hint=OVERWRITTEN)  # fmt: skip
WRONG_FORM += layers("from data", [
    ("DataOfParent", lambda rng: DataOfParent(Parameter(rng.standard_normal((4, 3)))), PLAIN,
     "a subclass that changed only forward"),
])  # fmt: skip


# Tuples ------------------------------------------------------------------------------------------


def triple(rng: np.random.Generator) -> Any:
    return tuple(rng.standard_normal((3, 4, 2)) for _ in "QKV")


def sequence_and_weights(rng: np.random.Generator) -> Any:
    return rng.standard_normal((3, 4, 2)), rng.uniform(0.5, 2, (3, 4))


Change = Callable[[Any], Any]


def tuples(rows: Sequence[tuple[str, Change, str]], *, hint: Hint | None = None) -> list[Case]:
    """Attention of (Q, K, V), with the three gradients changed in the end."""
    return [
        wrong("tuple", f"(Q, K, V): {name}", attention_changed(change), triple, reason=reason,
              hint=hint)
        for name, change, reason in rows
    ]  # fmt: skip


def attention_changed(change: Change) -> Build:
    return lambda rng: Changed(Attention(), change)


def mean_changed(change: Change) -> Build:
    return lambda rng: Changed(WeightedMean(), change)


WRONG_FORM += tuples([
    ("K and V exchanged", lambda d: (d[0], d[2], d[1]), "inputs of one shape"),
    ("V reversed in time", lambda d: (d[0], d[1], d[2][:, ::-1]), "the third of three inputs"),
    ("V off by 1e-5", lambda d: (d[0], d[1], d[2] * 1.00001), "the third of three inputs"),
    ("no tuple", lambda d: d[0], "one gradient for three inputs"),
    ("stacked", np.stack, "an array for a tuple"),
    ("one gradient less", lambda d: d[:2], "two gradients for three inputs"),
])  # fmt: skip
WRONG_FORM += tuples([("K is zero", lambda d: (d[0], 0 * d[1], d[2]), "the second")], hint="zero")
WRONG_FORM += tuples([("K negated", lambda d: (d[0], -d[1], d[2]), "the second")], hint="sign")
WRONG_FORM += layers("tuple", [
    ("weighted mean: weights have the sequence's shape", mean_changed(lambda d: (d[0], d[0])),
     sequence_and_weights, "another shape than the input"),
    ("weighted mean: weights are NaN", mean_changed(lambda d: (d[0], np.nan * d[1])),
     sequence_and_weights, "one of two is not finite"),
])  # fmt: skip
WRONG_FORM += layers("tuple", [
    ("weighted mean: weights are zero", mean_changed(lambda d: (d[0], 0 * d[1])),
     sequence_and_weights, "the weights are taken for a mask"),
], hint="zero")  # fmt: skip

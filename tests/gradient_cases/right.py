"""The right layers: whatever a checker says of them but "proven" is a false alarm."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from layerwise import (
    Array,
    Dense,
    Layer,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    relu,
    sigmoid,
    softmax,
)
from layerwise.initializers import he_normal
from tests.gradient_cases import formulas
from tests.gradient_cases.case import Case, Make
from tests.gradient_cases.formulas import Elementwise, Formula
from tests.gradient_cases.points import (
    ZOO,
    Build,
    Draw,
    Function,
    Inputs,
    around,
    at,
    conditioned,
    distinct,
    entrywise,
    fresh,
    indices,
    layer_at,
    magnitudes,
    normal,
    positive,
    single,
    zoo,
)
from tests.gradient_cases.right_layers import (
    Attention,
    BatchNorm,
    Branches,
    Dropout,
    Embedding,
    FixedProjection,
    Flatten,
    FollowingMean,
    FromData,
    Gather,
    Identity,
    Linear,
    MaskedAttention,
    Noise,
    Positions,
    PositiveLog,
    Product,
    Repeat,
    Residual,
    RowLength,
    RowWeights,
    StochasticDepth,
    SumRows,
    SwapAxes,
    Symmetric,
    Tape,
    Tied,
    Total,
    Unused,
    WeightedMean,
)

RIGHT: list[Case] = []


def right(kind: str, name: str, make: Make, reason: str) -> None:
    RIGHT.append(Case(f"right: {name}", kind, make, "right", reason))


def functions(
    kind: str, rows: Sequence[tuple[str, Function, Function, Draw, str]], *, where: str = ""
) -> None:
    """Functions of one number, each with its slope."""
    for name, f, slope, X, reason in rows:
        right(kind, f"{name}{where}", entrywise(f, slope, X), reason)


def layers(kind: str, rows: Sequence[tuple[str, Build, Inputs, str]]) -> None:
    """Layers made from rng."""
    for name, build, X, reason in rows:
        right(kind, name, layer_at(build, X), reason)


# Dense -------------------------------------------------------------------------------------------


def dense(
    inputs: int, outputs: int, X: Callable[..., Any], *, zeros: bool = False, **options: Any
) -> Make:
    """A Dense with biases that are not zero, unless all is to be zero."""

    def make(rng: np.random.Generator) -> tuple[Dense, Any]:
        point = X(rng)
        layer = Dense(inputs, outputs, rng=rng, **options)
        if layer.bias and not zeros:
            layer.b.value = rng.standard_normal(outputs)
        if zeros:
            layer.W.value = np.zeros((inputs, outputs))
        return layer, point

    return make


for name, make, reason in [
    ("Dense", dense(5, 3, normal(6, 5)), "the plainest layer"),
    ("Dense without bias", dense(5, 3, normal(6, 5), bias=False), "one parameter"),
    ("Dense, tall", dense(60, 2, normal(4, 60)), "many inputs"),
    ("Dense, wide", dense(2, 50, normal(4, 2)), "many outputs"),
    ("Dense, 1 x 1", dense(1, 1, normal(3, 1)), "matrices of one entry"),
    ("Dense, square", dense(4, 4, normal(4, 4)), "every shape the same"),
    ("Dense, batch of 1", dense(5, 3, normal(1, 5)), "one row"),
    ("Dense, batch of 200", dense(7, 4, normal(200, 7)), "many rows"),
    ("Dense, all 1 x 1", dense(1, 1, normal(1, 1)), "a single number everywhere"),
    ("Dense of zeros", dense(4, 3, normal(5, 4), zeros=True), "W is 0, so dL/dX is 0"),
    ("Dense at zero", dense(4, 3, lambda rng: np.zeros((5, 4))), "X is 0, so dL/dW is 0"),
    (
        "Dense of a transposed X",
        dense(4, 3, lambda rng: rng.standard_normal((4, 6)).T),
        "X in Fortran order",
    ),
    (
        "Dense of a strided X",
        dense(4, 3, lambda rng: rng.standard_normal((12, 8))[::2, ::-2]),
        "X is a view with steps, one of them backwards",
    ),
    (
        "Dense of integers",
        dense(4, 3, lambda rng: rng.integers(-3, 4, (5, 4))),
        "Dense converts integers, which have no gradient of their own",
    ),
]:
    right("dense", name, make, reason)


# Activations, away from kinks --------------------------------------------------------------------

GELU = float(np.sqrt(2 / np.pi))


def gelu(X: Array) -> Array:
    Y: Array = 0.5 * X * (1 + np.tanh(GELU * (X + 0.044715 * X**3)))
    return Y


def gelu_slope(X: Array) -> Array:
    T = np.tanh(GELU * (X + 0.044715 * X**3))
    slope: Array = 0.5 * (1 + T) + 0.5 * X * (1 - T * T) * GELU * (1 + 3 * 0.044715 * X * X)
    return slope


def softplus(X: Array) -> Array:
    Y: Array = np.logaddexp(X.dtype.type(0), X)
    return Y


def swish(X: Array) -> Array:
    return X * sigmoid(X)


def swish_slope(X: Array) -> Array:
    S = sigmoid(X)
    return S * (1 + X * (1 - S))


def elu(X: Array) -> Array:
    return np.where(X > 0, X, np.expm1(np.minimum(X, 0)))


def elu_slope(X: Array) -> Array:
    slope: Array = np.exp(np.minimum(X, 0))
    return slope


def softsign_slope(X: Array) -> Array:
    slope: Array = 1 / (1 + np.abs(X)) ** 2
    return slope


def entropy(X: Array) -> Array:
    """X log X, which is 0 at 0."""
    safe = np.where(X > 0, X, 1)
    Y: Array = X * np.log(safe)
    return Y


APART = around(-2, -1, 1, 2, shape=(5, 4), spread=0.5)
SATURATED = {
    30: around(-30, 30, shape=(4, 5), spread=2),
    100: around(-100, 100, shape=(4, 5), spread=5),
}

BUILT_IN: Mapping[str, Callable[[], Layer[Array, Array]]] = {
    "ReLU": ReLU,
    "Sigmoid": Sigmoid,
    "Tanh": Tanh,
}
SMOOTH: Mapping[str, tuple[Function, Function]] = {
    "softplus": (softplus, sigmoid),
    "GELU": (gelu, gelu_slope),
    "swish": (swish, swish_slope),
    "ELU": (elu, elu_slope),
}
for name, layer in BUILT_IN.items():
    right("activation", name, layer_at(fresh(layer), APART), "away from kinks")
for name, (f, slope) in SMOOTH.items():
    right("activation", name, entrywise(f, slope, normal(5, 4)), "smooth, or once differentiable")
right("activation", "Tanh of three axes", layer_at(fresh(Tanh), normal(2, 3, 4)), "three axes")
right(
    "activation",
    "softsign",
    entrywise(lambda X: X / (1 + np.abs(X)), softsign_slope, APART),
    "differentiable everywhere, by an absolute value",
)
for level, X in SATURATED.items():
    for name, layer in BUILT_IN.items():
        right("saturated", f"{name} at ±{level}", layer_at(fresh(layer), X), "flat, or straight")
    for name, (f, slope) in SMOOTH.items():
        right("saturated", f"{name} at ±{level}", entrywise(f, slope, X), "flat, or straight")
right(
    "saturated",
    "Tanh half saturated",
    layer_at(lambda rng: Tanh(), around(-20, -1, 0.3, 25, shape=(5, 4), spread=0.2)),
    "flat and steep entries in one array",
)
right(
    "saturated",
    "softmax of ±1000",
    at(softmax, around(-1000, 1000, shape=(5, 4), spread=50)),
    "one class has all: the gradient is 0",
)
right(
    "saturated",
    "log-softmax of ±1000",
    at(formulas.log_softmax, around(-1000, 1000, shape=(5, 4), spread=50)),
    "one class has all, values of thousands",
)


# Kinks -------------------------------------------------------------------------------------------


def leaky(X: Array) -> Array:
    return np.where(X > 0, X, 0.1 * X)


def leaky_slope(X: Array) -> Array:
    return np.where(X > 0, 1, 0.1).astype(X.dtype)


def hard_tanh(X: Array) -> Array:
    return np.clip(X, -1, 1)


def hard_tanh_slope(X: Array) -> Array:
    return ((X > -1) & (X < 1)).astype(X.dtype)


def huber(X: Array) -> Array:
    """X²/2 where |X| ≤ 1, else |X| − 1/2: differentiable, with a jump of the second derivative."""
    return np.where(np.abs(X) <= 1, 0.5 * X * X, np.abs(X) - 0.5)


def soft_shrink(X: Array) -> Array:
    Y: Array = np.sign(X) * np.maximum(np.abs(X) - 0.5, 0)
    return Y


def relu_squared(X: Array) -> Array:
    Y: Array = np.maximum(X, 0) ** 2
    return Y


def maximum_of_halves(X: Array) -> Array:
    """The larger of the left and right half of each row (maxout)."""
    d = X.shape[-1] // 2
    return np.maximum(X[..., :d], X[..., d:])


def maximum_of_halves_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """Shared half and half at ties."""
    d = X.shape[-1] // 2
    left = np.where(X[..., :d] > X[..., d:], 1.0, np.where(X[..., :d] == X[..., d:], 0.5, 0.0))
    return (np.concatenate([grad * left, grad * (1 - left)], axis=-1),)


def row_maximum(X: Array) -> Array:
    Y: Array = X.max(axis=-1)
    return Y


def row_maximum_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    """All to the last of the largest."""
    last = X.shape[-1] - 1 - X[..., ::-1].argmax(axis=-1)
    return (grad[..., np.newaxis] * (last[..., np.newaxis] == np.arange(X.shape[-1])),)


def blank_row(X: Draw) -> Draw:
    """X with one row of zeros, as a blank image is."""

    def draw(rng: np.random.Generator) -> Array:
        points = X(rng)
        points[rng.integers(len(points))] = 0
        return points

    return draw


AT_ZERO = around(-1, 0, 1, shape=(5, 4))
functions("kink", [
    ("ReLU with slope 0", relu, lambda X: (X > 0) * 1.0, AT_ZERO, "the lower end"),
    ("ReLU with slope 1", relu, lambda X: (X >= 0) * 1.0, AT_ZERO, "the upper end"),
    ("ReLU with slope 1/2", relu, lambda X: np.heaviside(X, 0.5), AT_ZERO, "in the middle"),
    ("leaky ReLU", leaky, leaky_slope, AT_ZERO, "slopes .1 and 1"),
    ("absolute value", np.abs, np.sign, AT_ZERO, "slopes -1 and 1, and 0 between them"),
    ("hard tanh", hard_tanh, hard_tanh_slope, around(-2, -1, 0.2, 1, shape=(4, 5)), "two knees"),
    ("ReLU6", lambda X: np.clip(X, 0, 6), lambda X: ((X > 0) & (X < 6)) * 1.0,
     around(-1, 0, 3, 6, 7, shape=(4, 5)), "a kink at 0 and one at 6"),
    ("Huber", huber, hard_tanh, around(-3, -1, 0.4, 1, shape=(4, 5)),
     "differentiable at its knees"),
    ("soft shrinkage", soft_shrink, lambda X: (np.abs(X) > 0.5) * 1.0,
     around(-0.5, 0, 0.5, 2, shape=(4, 5)), "slopes 0 and 1 at ±1/2"),
    ("squared ReLU", relu_squared, lambda X: 2 * np.maximum(X, 0), AT_ZERO, "differentiable at 0"),
    ("floor plus X", lambda X: np.floor(X) + X, np.ones_like, normal(4, 3), "jumps elsewhere"),
], where=" at the kink")  # fmt: skip
right(
    "kink",
    "ReLU layer of zeros",
    layer_at(lambda rng: ReLU(), lambda rng: np.zeros((4, 3))),
    "every input at the kink",
)
for distance in (1e-3, 1e-5, 1e-8, 1e-11):
    right(
        "kink",
        f"ReLU {distance} from its kink",
        layer_at(lambda rng: ReLU(), around(-distance, distance, 1, shape=(4, 4))),
        "not at the kink: a step must not reach across, or must notice",
    )
right(
    "kink",
    "max pooling, ties to the first",
    at(formulas.max_pool, around(0, 1, shape=(2, 4, 4, 2))),
    "ties in most blocks",
)
right(
    "kink",
    "max pooling, ties shared",
    at(formulas.max_pool, around(0, 1, shape=(2, 4, 4, 2)), formulas.max_pool_shared_back),
    "ties in most blocks",
)
right(
    "kink",
    "maxout, ties shared",
    at(maximum_of_halves, around(0, 1, 2, shape=(5, 6)), maximum_of_halves_back),
    "a third of the pairs are tied",
)
right(
    "kink",
    "row maximum, ties to the last",
    at(row_maximum, around(0, 1, 2, shape=(5, 6)), row_maximum_back),
    "ties in each row",
)
right(
    "kink",
    "sort with ties",
    at(formulas.sort, around(0, 1, 2, shape=(3, 5))),
    "equal numbers, in stable order",
)
right(
    "kink",
    "PReLU at 0",
    at(formulas.prelu, AT_ZERO, a=positive(4, scale=0.2)),
    "a kink of the input, none of the slope",
)
right(
    "kink",
    "max pooling after ReLU",
    layer_at(
        lambda rng: Sequential(ReLU(), Formula(*formulas.FORMULAS["max_pool"])),
        around(-1, -0.5, 0.7, shape=(2, 4, 4, 1), spread=0.1),
    ),
    "blocks of zeros are tied, and flat",
)
right(
    "kink",
    "Dense and ReLU on a blank row",
    layer_at(lambda rng: Sequential(Dense(4, 3, rng=rng), ReLU()), blank_row(normal(5, 4))),
    "a row of zeros and no bias: a whole row at the kink",
)
right(
    "kink",
    "a fresh network on a blank row",
    layer_at(
        lambda rng: Sequential(Dense(6, 5, rng=rng), ReLU(), Dense(5, 3, rng=rng)),
        blank_row(normal(5, 6)),
    ),
    "a blank image among others: many kinks meet in one output",
)


# Normalization and softmax -----------------------------------------------------------------------

for name in ("layer_norm", "batch_norm", "rms_norm", "standardize", "center", "unit_rows"):
    right("normalization", name, zoo(name), "entries depend on each other")
right(
    "normalization",
    "layer_norm of sequences",
    at(formulas.layer_norm, normal(2, 3, 5), gamma=normal(5), beta=normal(5)),
    "three axes",
)
right(
    "normalization",
    "BatchNorm with running means",
    layer_at(lambda rng: BatchNorm(4), normal(6, 4, offset=3)),
    "forward writes its state, inference differs",
)
right(
    "normalization",
    "BatchNorm of images",
    layer_at(lambda rng: BatchNorm(3), normal(2, 3, 4, 3)),
    "four axes",
)
right(
    "normalization",
    "BatchNorm with a batch of 1",
    layer_at(lambda rng: BatchNorm(3), normal(1, 3)),
    "Y and its gradient are 0",
)
right(
    "normalization",
    "Dense before BatchNorm",
    layer_at(lambda rng: Sequential(Dense(5, 4, rng=rng), BatchNorm(4)), normal(6, 5)),
    "the gradient of the bias is 0",
)
right(
    "normalization",
    "Dense, BatchNorm, ReLU, Dense",
    layer_at(
        lambda rng: Sequential(Dense(4, 6, rng=rng), BatchNorm(6), ReLU(), Dense(6, 2, rng=rng)),
        normal(7, 4),
    ),
    "a network with state inside",
)
right(
    "normalization",
    "standardize nearly constant rows",
    at(formulas.standardize, normal(4, 5, scale=1e-4, offset=2)),
    "the variance is below ε",
)
right(
    "normalization",
    "standardize constant rows",
    at(formulas.standardize, lambda rng: np.repeat(rng.standard_normal((4, 1)), 5, axis=1)),
    "the variance is 0",
)
for name in ("softmax", "log_softmax", "logsumexp", "cosine"):
    right("softmax", name, zoo(name), "rows are coupled")
right("softmax", "softmax of sequences", at(softmax, normal(2, 3, 4)), "three axes")
right("softmax", "softmax of one class", at(softmax, normal(5, 1)), "constantly 1")
right("softmax", "softmax of 300 classes", at(softmax, normal(3, 300)), "small answers")
right(
    "softmax",
    "softmax of equal logits",
    at(softmax, lambda rng: np.zeros((3, 4))),
    "all the same",
)


# Randomness, integers, tuples --------------------------------------------------------------------

right(
    "random",
    "Dropout",
    layer_at(lambda rng: Dropout(0.5, rng), normal(6, 5)),
    "draws in forward, not in the call",
)
right("random", "Noise", layer_at(lambda rng: Noise(0.5, rng), normal(6, 5)), "normal factors")
right(
    "random",
    "StochasticDepth",
    layer_at(lambda rng: StochasticDepth(Dense(4, 4, rng=rng), 0.5, rng), normal(5, 4)),
    "a branch that is there or not",
)
right(
    "random",
    "Dropout in a network",
    layer_at(
        lambda rng: Sequential(Dense(5, 8, rng=rng), Tanh(), Dropout(0.3, 5), Dense(8, 3, rng=rng)),
        normal(6, 5),
    ),
    "random and learned layers",
)


def two_dropouts(rng: np.random.Generator) -> Sequential[Array]:
    """Two that share one generator."""
    return Sequential(Dropout(0.5, rng), Dense(5, 5, rng=3), Dropout(0.5, rng))


right(
    "random",
    "two Dropouts with one generator",
    layer_at(two_dropouts, normal(6, 5)),
    "a copy must keep the sharing",
)
right(
    "random",
    "Dropout before BatchNorm",
    layer_at(lambda rng: Sequential(Dropout(0.4, rng), BatchNorm(5)), normal(8, 5)),
    "random numbers and state",
)
for name, shape in [("Embedding", (6,)), ("Embedding of sequences", (3, 4))]:
    right(
        "integer",
        name,
        layer_at(lambda rng: Embedding(rng.standard_normal((5, 3))), indices(5, *shape)),
        "integers have no gradient; some rows come twice, some never",
    )
right(
    "integer",
    "Embedding, float32",
    layer_at(lambda rng: Embedding(rng.standard_normal((5, 3)).astype(np.float32)), indices(5, 8)),
    "float32 behind integers",
)
right(
    "integer",
    "Embedding in a network",
    layer_at(
        lambda rng: Sequential(
            Embedding(rng.standard_normal((7, 3))), Flatten(), Tanh(), Dense(12, 2, rng=rng)
        ),
        indices(7, 5, 4),
    ),
    "a network that reads integers",
)
right(
    "tuple",
    "Attention of (Q, K, V)",
    layer_at(
        lambda rng: Attention(),
        lambda rng: tuple(rng.standard_normal((2, t, 3)) for t in (4, 5, 5)),
    ),
    "three arrays, not all of one shape",
)


def masked(rng: np.random.Generator) -> Any:
    """A sequence, and a mask in which each row has something."""
    mask = rng.random((3, 4)) < 0.6
    mask[:, 0] = True
    return rng.standard_normal((3, 4, 2)), mask


right(
    "tuple",
    "MaskedAttention",
    layer_at(lambda rng: MaskedAttention(rng.standard_normal((2, 3))), masked),
    "a sequence and a boolean mask",
)
right(
    "tuple",
    "WeightedMean",
    layer_at(
        lambda rng: WeightedMean(),
        lambda rng: (rng.standard_normal((3, 4, 2)), rng.uniform(0.5, 2, (3, 4))),
    ),
    "two arrays, both with a gradient",
)


# Images, sequences, linear algebra ---------------------------------------------------------------

for name in ("convolution", "max_pool", "mean_pool"):
    right("image", name, zoo(name), "four axes")
right(
    "image",
    "max_pool with odd edges",
    at(formulas.max_pool, distinct(2, 5, 3, 2)),
    "some inputs are not used",
)
right(
    "image",
    "convolution, 1 x 1 kernel",
    at(formulas.convolution, normal(2, 3, 3, 2), W=normal(1, 1, 2, 3), b=normal(3)),
    "the smallest kernel",
)
right(
    "image",
    "a small convolutional network",
    layer_at(
        lambda rng: Sequential(
            Formula(
                *formulas.FORMULAS["convolution"],
                W=rng.standard_normal((3, 3, 1, 2)),
                b=rng.standard_normal(2),
            ),
            ReLU(),
            Formula(*formulas.FORMULAS["max_pool"]),
            Flatten(),
            Dense(8, 3, rng=rng),
        ),
        normal(2, 6, 6, 1),
    ),
    "convolution, ReLU, pooling, Dense",
)
for name in ("recurrent", "attention", "sequence dense", "cumulative", "cumulative_product"):
    right("sequence", name, zoo(name), "steps depend on each other")
right(
    "sequence",
    "recurrent over 20 steps",
    at(
        formulas.recurrent, normal(2, 20, 3), W=normal(3, 4), U=normal(4, 4, scale=0.4), b=normal(4)
    ),
    "a long way back",
)
right(
    "ill-conditioned",
    "inverse, condition 1e4",
    at(formulas.inverse, conditioned(3, 1e4, n=2)),
    "gradients of 1e8",
)
right(
    "ill-conditioned",
    "solve, condition 1e4",
    at(formulas.solve, normal(5, 4), A=conditioned(4, 1e4)),
    "gradients of 1e8",
)
right(
    "ill-conditioned",
    "solve, condition 1e6",
    at(formulas.solve, normal(3, 3), A=conditioned(3, 1e6)),
    "gradients of 1e12",
)
right(
    "ill-conditioned",
    "log-determinant, condition 1e5",
    at(formulas.log_determinant, conditioned(3, 1e5, n=3)),
    "gradients of 1e5",
)
right(
    "ill-conditioned",
    "a near-cancelling difference",
    entrywise(lambda X: (X + 1e4) ** 2 - 1e8, lambda X: 2 * (X + 1e4), normal(4, 3)),
    "eight of sixteen digits cancel",
)


# Functions ---------------------------------------------------------------------------------------

for name in ("bilinear", "outer", "polynomial", "power", "distances", "sort", "solve", "inverse",
             "log_determinant", "gated", "scaled", "row_mean"):  # fmt: skip
    right("function", name, zoo(name), "a plain formula")
functions("function", [
    ("exp", np.exp, np.exp, normal(5, 4), "its own derivative"),
    ("log", np.log, lambda X: 1 / X, positive(5, 4), "not defined below 0"),
    ("square root", np.sqrt, lambda X: 0.5 / np.sqrt(X), positive(5, 4), "not defined below 0"),
    ("reciprocal", lambda X: 1 / X, lambda X: -1 / X**2, positive(5, 4), "a pole at 0"),
    ("arctan", np.arctan, lambda X: 1 / (1 + X * X), normal(5, 4), "smooth"),
    ("sin(100 X)", lambda X: np.sin(100 * X), lambda X: 100 * np.cos(100 * X), normal(5, 4),
     "a step of .1 is more than a period"),
    ("sin(1e4 X)", lambda X: np.sin(1e4 * X), lambda X: 1e4 * np.cos(1e4 * X), normal(3, 4),
     "a step of .001 is more than a period"),
    ("X + .001 sin(1000 X)", lambda X: X + 1e-3 * np.sin(1e3 * X),
     lambda X: 1 + np.cos(1e3 * X), normal(3, 4), "a ripple that the eye does not see"),
    ("tiny curvature", lambda X: X + 1e-9 * X**3, lambda X: 1 + 3e-9 * X * X, normal(5, 4),
     "nearly linear"),
    ("constant", lambda X: np.full_like(X, 3), np.zeros_like, normal(4, 3), "the gradient is 0"),
    ("X² at 0", np.square, lambda X: 2 * X, around(0, 0, 1, shape=(4, 3)), "slope 0, no kink"),
    ("X³ at 0", lambda X: X**3, lambda X: 3 * X * X, lambda rng: np.zeros((4, 3)), "all slopes 0"),
    ("X⁵ at 1e-3", lambda X: X**5, lambda X: 5 * X**4, normal(4, 3, scale=1e-3), "slopes of 1e-12"),
    ("X |X| at 0", lambda X: X * np.abs(X), lambda X: 2 * np.abs(X), around(0, 1, shape=(4, 3)),
     "differentiable once"),
    ("exp(-1/X²) near 0", lambda X: np.exp(-1 / X**2), lambda X: 2 / X**3 * np.exp(-1 / X**2),
     around(-0.3, -0.2, 0.2, 0.3, shape=(4, 3), spread=0.02), "flat beyond every power"),
    ("X + 1e6", lambda X: X + 1e6, np.ones_like, normal(5, 4), "a big offset"),
    ("tanh + 1e6", lambda X: np.tanh(X) + 1e6, lambda X: 1 - np.tanh(X) ** 2, normal(5, 4),
     "a big offset costs ten digits of a step's difference"),
    ("Gaussian bump", lambda X: np.exp(-(X**2) * 1e4), lambda X: -2e4 * X * np.exp(-(X**2) * 1e4),
     normal(4, 3, scale=0.01), "narrow: far away everything is flat"),
    ("X log X", entropy, lambda X: np.log(X) + 1, positive(4, 3), "a guarded logarithm"),
    ("a sharp sigmoid", lambda X: sigmoid(1e3 * X), lambda X: 1e3 * sigmoid(1e3 * X)
     * sigmoid(-1e3 * X), normal(4, 3, scale=1e-3), "a step in all but name"),
    ("rounded grid minus X", lambda X: np.round(X) - X, lambda X: -np.ones_like(X),
     around(-1, 0, 1, 2, shape=(4, 3), spread=0.3), "jumps between the points, none at them"),
])  # fmt: skip


def pairs(X: Array) -> Array:
    """Y = (X₀ X₁, X₀ / X₁, X₀ − X₁) for rows of two numbers."""
    a, b = X[:, :1], X[:, 1:]
    return np.concatenate([a * b, a / b, a - b], axis=1)


def pairs_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    a, b = X[:, :1], X[:, 1:]
    g, h, k = grad[:, :1], grad[:, 1:2], grad[:, 2:]
    return (np.concatenate([g * b + h / b + k, g * a - h * a / b**2 - k], axis=1),)


def mixed(X: Array) -> Array:
    """Y = tanh(X) times 1e-6, 1e-3, 1, 1e3 and 1e6, a column each."""
    Y: Array = np.tanh(X) * np.array([1e-6, 1e-3, 1, 1e3, 1e6])
    return Y


def mixed_back(grad: Array, X: Array, Y: Array) -> tuple[Array, ...]:
    return (grad * (1 - np.tanh(X) ** 2) * np.array([1e-6, 1e-3, 1, 1e3, 1e6]),)


right(
    "function",
    "products and quotients of two",
    at(pairs, positive(5, 2), pairs_back),
    "three answers for two inputs",
)
right(
    "function",
    "columns from 1e-6 to 1e6",
    at(mixed, normal(4, 5), mixed_back),
    "answers of very different sizes",
)
right(
    "function",
    "one number from all",
    layer_at(lambda rng: Total(), normal(4, 3)),
    "an answer without axes",
)
right(
    "function",
    "gathered columns",
    layer_at(lambda rng: Gather(np.array([3, 0, 0, 2])), normal(5, 4)),
    "one twice, one never",
)


# Containers and corners of the contract ----------------------------------------------------------


def mlp(rng: np.random.Generator) -> Sequential[Array]:
    """Two hidden layers."""
    return Sequential(
        Dense(5, 6, rng=rng), Tanh(), Dense(6, 4, rng=rng), Sigmoid(), Dense(4, 2, rng=rng)
    )


def nested(rng: np.random.Generator) -> Sequential[Array]:
    """Networks in a network."""
    inner = Sequential(Dense(4, 5, rng=rng), Sequential(Tanh(), Sequential(Dense(5, 3, rng=rng))))
    return Sequential(inner, Sigmoid(), Sequential(Dense(3, 2, rng=rng)))


def shared(rng: np.random.Generator) -> Sequential[Array]:
    """One parameter in two layers, once transposed."""
    W = Parameter(rng.standard_normal((4, 3)))
    return Sequential(Linear(W), Tanh(), Linear(W, transposed=True))


def twice(rng: np.random.Generator) -> Sequential[Array]:
    """One layer in two places."""
    layer = Dense(4, 4, rng=rng)
    return Sequential(layer, Tanh(), layer)


def branches(rng: np.random.Generator) -> dict[str, Any]:
    """Layers by name."""
    return {"a": Dense(4, 2, rng=rng), "b": Sequential(Dense(4, 3, rng=rng), Tanh())}


def tape(rng: np.random.Generator) -> Tape:
    """A graph in which X is read twice and one layer used twice."""
    layer = Dense(4, 4, rng=rng)
    return Tape(
        [(layer, [0]), (Tanh(), [1]), (layer, [0, 2]), (Elementwise(np.exp, np.exp), [3, 1])]
    )


layers("container", [
    ("a network", mlp, normal(6, 5), "five layers"),
    ("networks in networks", nested, normal(6, 4), "four levels"),
    ("a ReLU network", lambda rng: Sequential(Dense(8, 16, rng=rng), ReLU(), Dense(16, 8, rng=rng),
     ReLU(), Dense(8, 3, rng=rng)), normal(5, 8), "kinks nearby"),
    ("a parameter shared", shared, normal(6, 4), "two layers add to one gradient"),
    ("a layer used twice", twice, normal(6, 4), "one layer adds two gradients"),
    ("Tied", lambda rng: Tied(rng.standard_normal((4, 3))), normal(6, 4), "W and its transpose"),
    ("Residual", lambda rng: Residual(Sequential(Dense(4, 4, rng=rng), Tanh())), normal(6, 4),
     "a way around"),
    ("Residual of Residual", lambda rng: Residual(Residual(Dense(4, 4, rng=rng))), normal(6, 4),
     "two ways around"),
    ("Residual of Identity", lambda rng: Residual(Identity()), normal(6, 4),
     "the inner layer hands out X and grad themselves"),
    ("Branches in a dict", lambda rng: Branches(branches(rng)), normal(6, 4), "layers by name"),
    ("Branches in a list", lambda rng: Branches([Identity(), Dense(4, 2, rng=rng), ReLU()]),
     normal(6, 4), "layers by number, some without parameters"),
    ("Product", lambda rng: Product(Dense(4, 3, rng=rng), Sequential(Dense(4, 3, rng=rng),
     Sigmoid())), normal(6, 4), "the product rule, of layers"),
    ("Tape", tape, normal(6, 4, scale=0.5), "a small automatic differentiation"),
])  # fmt: skip
layers("contract", [
    ("Identity", lambda rng: Identity(), normal(4, 3), "Y is X itself, dL/dX is grad itself"),
    ("Flatten", lambda rng: Flatten(), normal(3, 2, 4), "views, both ways"),
    ("SumRows", lambda rng: SumRows(), normal(4, 3), "dL/dX is read-only and has strides of 0"),
    ("Unused", lambda rng: Unused(rng.standard_normal((4, 3))), normal(5, 4),
     "a parameter whose gradient stays 0"),
    ("FromData", lambda rng: FromData(rng.standard_normal((4, 3))), normal(5, 4),
     "forward_from_data returns another shape, which has no meaning"),
    ("FixedProjection", lambda rng: FixedProjection(rng.standard_normal((4, 3))), normal(5, 4),
     "an array that is not learned"),
    ("FixedProjection, float32", lambda rng: FixedProjection(
        rng.standard_normal((4, 3)).astype(np.float32)), single(normal(5, 4)),
     "the dtype is that of an array, not of a parameter"),
])  # fmt: skip


# What a user really hands in ---------------------------------------------------------------------


def sparse(n: int, h: int, w: int) -> Draw:
    """Images that are mostly black, exactly 0, as drawn digits are."""

    def draw(rng: np.random.Generator) -> Array:
        images = np.zeros((n, h, w, 1))
        images[:, h // 3 : -h // 3, w // 3 : -w // 3] = rng.uniform(
            0, 1, (n, h - h // 3 + -h // 3, w - w // 3 + -w // 3, 1)
        )
        return images

    return draw


def convolutional(rng: np.random.Generator) -> Sequential[Array]:
    """Convolution without a bias yet, ReLU, pooling, Dense: as it is when it is new."""
    kernel = rng.standard_normal((3, 3, 1, 2))
    return Sequential(
        Formula(*formulas.FORMULAS["convolution"], W=kernel, b=np.zeros(2)),
        ReLU(),
        Formula(*formulas.FORMULAS["max_pool"]),
        Flatten(),
        Dense(18, 3, rng=rng),
    )


def deep(rng: np.random.Generator) -> Sequential[Array]:
    """Six layers of ReLU."""
    layers: list[Any] = [Dense(12, 30, rng=rng)]
    for _ in range(5):
        layers += [ReLU(), Dense(30, 30, rng=rng)]
    return Sequential(*layers, ReLU(), Dense(30, 4, rng=rng))


layers("network", [
    ("a new convolutional network on black images", convolutional, sparse(3, 8, 8),
     "at every black spot, ReLU is at its kink and the pool is tied"),
    ("a deep ReLU network", deep, normal(16, 12), "thousands of kinks, some of them very near"),
    ("a network on digits", lambda rng: Sequential(Dense(64, 32, rng=rng), ReLU(),
     Dense(32, 10, rng=rng)), lambda rng: np.maximum(rng.integers(-16, 17, (8, 64)), 0) / 16,
     "half of the inputs are exactly 0"),
    ("a network with Dropout and BatchNorm", lambda rng: Sequential(Dense(6, 8, rng=rng),
     BatchNorm(8), ReLU(), Dropout(0.3, rng), Dense(8, 3, rng=rng)), normal(9, 6),
     "random, with state, and kinks"),
    ("BatchNorm around 1e4", lambda rng: BatchNorm(4), normal(7, 4, offset=1e4),
     "four digits of the input are the same"),
    ("FollowingMean", lambda rng: FollowingMean(4), normal(7, 4),
     "the answer depends on state that forward writes"),
])  # fmt: skip
layers("contract", [
    ("Symmetric", lambda rng: Symmetric(), normal(4, 4), "no other number of rows is possible"),
    ("Positions", lambda rng: Positions(rng.standard_normal((4, 3))), normal(2, 4, 3),
     "a fixed length"),
    ("RowWeights", lambda rng: RowWeights(rng.standard_normal(5)), normal(5, 3), "a fixed batch"),
    ("PositiveLog", lambda rng: PositiveLog(), positive(4, 3), "raises beyond its domain"),
    ("PositiveLog of 1e-6", lambda rng: PositiveLog(), positive(4, 3, scale=1e-6),
     "raises beyond its domain, which is near"),
    ("Repeat", lambda rng: Repeat(), normal(4, 3), "Y is read-only and has strides of 0"),
    ("SwapAxes", lambda rng: SwapAxes(), normal(2, 3, 4), "Y is a view in another order"),
    ("SwapAxes before Dense", lambda rng: Sequential(SwapAxes(), Flatten(), Dense(12, 2, rng=rng)),
     normal(5, 3, 4), "grad comes back in another order"),
    ("Repeat before SumRows", lambda rng: Sequential(Repeat(), SumRows()), normal(4, 3),
     "grad comes back read-only"),
])  # fmt: skip
right(
    "kink",
    "RowLength with a row of zeros",
    layer_at(lambda rng: RowLength(), blank_row(normal(5, 3))),
    "a cone's tip: 0 is a subgradient",
)
functions("function", [
    ("floor", np.floor, np.zeros_like, around(0.5, 1.5, -0.5, shape=(4, 3), spread=0.3),
     "steps, flat between them"),
    ("a vector", np.tanh, lambda X: 1 - np.tanh(X) ** 2, normal(6), "one axis"),
    ("five axes", np.tanh, lambda X: 1 - np.tanh(X) ** 2, normal(2, 1, 3, 2, 2), "five axes"),
    ("exp(exp(2 X))", lambda X: np.exp(np.exp(2 * X)), lambda X: 2 * np.exp(2 * X + np.exp(2 * X)),
     around(0, shape=(4, 3), spread=1), "overflows not far away"),
    ("tan", np.tan, lambda X: 1 / np.cos(X) ** 2, around(0, shape=(4, 3), spread=1.4),
     "poles not far away"),
    ("arcsin", np.arcsin, lambda X: 1 / np.sqrt(1 - X * X), around(0, shape=(4, 3), spread=0.95),
     "not defined beyond 1"),
    ("table lookup",
     lambda X: np.interp(X, [-4.0, -1.0, 0.0, 2.0, 4.0], [1.0, 0.0, 3.0, -1.0, 0.0]),
     lambda X: np.select([X < -4, X < -1, X < 0, X < 2, X < 4], [0, -1 / 3, 3, -2, 0.5], 0),
     around(-2.5, -0.5, 1, 3, shape=(4, 3), spread=0.4), "straight pieces"),
    ("1 / (X² + 1e-4)", lambda X: 1 / (X * X + 1e-4), lambda X: -2 * X / (X * X + 1e-4) ** 2,
     normal(4, 3, scale=0.05), "a tall, narrow peak"),
    ("X + sin(1e3 X) / 1e6", lambda X: X + np.sin(1e3 * X) / 1e6,
     lambda X: 1 + np.cos(1e3 * X) / 1e3, normal(4, 3), "a ripple of a millionth"),
])  # fmt: skip
for name in ("gated_recurrent", "spectrum", "cholesky"):
    right("function", name, zoo(name), "a plain formula")
right(
    "normalization",
    "layer_norm around 1e5",
    at(formulas.layer_norm, normal(4, 5, offset=1e5), gamma=normal(5), beta=normal(5)),
    "five digits of the input are the same",
)
right(
    "softmax",
    "softmax(1000 X)",
    at(
        lambda X: softmax(1000 * X),
        normal(4, 5, scale=1e-3),
        lambda g, X, Y: (1000 * formulas.softmax_back(g, X, Y)[0],),
    ),
    "a low temperature",
)


# Scales and float32 ------------------------------------------------------------------------------


def stretched(scale: float) -> Make:
    """Make exp(X / scale), at an X of that scale."""
    return entrywise(
        lambda X: np.exp(X / scale),
        lambda X: np.exp(X / scale) / scale,
        normal(4, 3, scale=scale),
    )


for scale in (1e-6, 1e-3, 1e3, 1e6):
    for name in ("dense", "layer_norm", "softmax", "recurrent", "rms_norm", "convolution"):
        f, X, parameters = ZOO[name]
        shape = X(np.random.default_rng(0)).shape
        right(
            "scale",
            f"{name}, X of {scale:g}",
            at(f, normal(*shape, scale=scale), **parameters),
            "small or large inputs",
        )
    for name, shape_W, shape_b in [("dense", (4, 3), (3,)), ("gated", (4, 3), (4, 3))]:
        first, second = ZOO[name][2]
        right(
            "scale",
            f"{name}, parameters of {scale:g}",
            at(
                ZOO[name][0],
                normal(5, 4),
                **{first: normal(*shape_W, scale=scale), second: normal(*shape_b, scale=scale)},
            ),
            "small or large parameters",
        )
    functions("scale", [
        (f"X², X of {scale:g}", np.square, lambda X: 2 * X, positive(4, 3, scale=scale),
         "small or large inputs"),
        (f"log, X of {scale:g}", np.log, lambda X: 1 / X, positive(4, 3, scale=scale),
         "small or large inputs"),
        (f"reciprocal, X of {scale:g}", lambda X: 1 / X, lambda X: -1 / X**2,
         positive(4, 3, scale=scale), "small or large inputs"),
        (f"tanh, X of {scale:g}", np.tanh,
         lambda X: 1 / np.cosh(np.minimum(np.abs(X), 300)) ** 2, positive(4, 3, scale=scale),
         "small or large inputs"),
    ])  # fmt: skip
    right("scale", f"exp(X / {scale:g})", stretched(scale), "a function whose scale is not 1")
functions("scale", [
    ("log from 1e-6 to 1e6", np.log, lambda X: 1 / X, magnitudes(4, 3), "all sizes in one array"),
    ("square root from 1e-6 to 1e6", np.sqrt, lambda X: 0.5 / np.sqrt(X), magnitudes(4, 3),
     "all sizes in one array"),
    ("X³ from 1e-6 to 1e6", lambda X: X**3, lambda X: 3 * X * X, magnitudes(4, 3),
     "all sizes in one array"),
])  # fmt: skip
right(
    "scale",
    "dense, columns of all sizes",
    at(
        formulas.dense,
        lambda rng: rng.standard_normal((5, 4)) * [1e-6, 1e-2, 1e2, 1e6],
        W=normal(4, 3),
        b=normal(3),
    ),
    "inputs of all sizes in one array",
)

for name in ("dense", "layer_norm", "softmax", "convolution", "attention", "recurrent", "cosine"):
    right("float32", f"{name}, float32", zoo(name, dtype=np.float32), "float32 throughout")
right(
    "float32",
    "Dense, float32",
    dense(5, 3, single(normal(6, 5)), dtype=np.float32),
    "float32 throughout",
)
right(
    "float32",
    "Dense, float32, of a float64 X",
    dense(5, 3, normal(6, 5), dtype=np.float32, W_init=he_normal),
    "X is converted",
)
right(
    "float32",
    "ReLU network, float32",
    layer_at(
        lambda rng: Sequential(
            Dense(8, 16, rng=rng, dtype=np.float32), ReLU(), Dense(16, 3, rng=rng, dtype=np.float32)
        ),
        single(normal(5, 8)),
    ),
    "kinks nearby, and float32",
)
right(
    "float32",
    "BatchNorm, float32",
    layer_at(lambda rng: BatchNorm(4, np.float32), single(normal(6, 4))),
    "state in float32",
)
right(
    "float32",
    "Tanh at ±30, float32",
    layer_at(lambda rng: Tanh(), single(SATURATED[30])),
    "saturated and float32",
)
right(
    "float32",
    "Dropout, float32",
    layer_at(lambda rng: Dropout(0.5, rng), single(normal(6, 5))),
    "random and float32",
)
for scale in (1e-6, 1e6):
    right(
        "float32",
        f"dense, float32, X of {scale:g}",
        at(
            formulas.dense,
            single(normal(6, 5, scale=scale)),
            W=single(normal(5, 3)),
            b=single(normal(3)),
        ),
        "float32 and a scale",
    )

"""Wrong layers, made of right ones by spoiling gradients: factors, places, sizes, precision."""

from typing import Any

import numpy as np

from layerwise import Array, Dense, Sequential, Tanh
from tests.gradient_cases import formulas
from tests.gradient_cases.case import Case, Hint, Make
from tests.gradient_cases.corruption import (
    Edit,
    Seen,
    beyond,
    middle,
    negative,
    noisy,
    part,
    rounded,
    rows_power,
    spoiled,
    through,
    times,
)
from tests.gradient_cases.points import ZOO, at, entrywise, layer_at, magnitudes, normal, zoo
from tests.gradient_cases.right import mixed, mixed_back
from tests.gradient_cases.right_layers import (
    Attention,
    BatchNorm,
    Dropout,
    Embedding,
    MaskedAttention,
    Residual,
)

WRONG_ENTRIES: list[Case] = []


def network(rng: np.random.Generator) -> Sequential[Array]:
    """Two Dense layers with Tanh between them."""
    return Sequential(Dense(5, 6, rng=rng), Tanh(), Dense(6, 3, rng=rng))


def masked(rng: np.random.Generator) -> Any:
    """A sequence with a mask."""
    mask = rng.random((3, 4)) < 0.6
    mask[:, 0] = True
    return rng.standard_normal((3, 4, 2)), mask


BASES: dict[str, Make] = {
    **{name: zoo(name) for name in ZOO},
    "network": layer_at(network, normal(7, 5)),
    "BatchNorm": layer_at(lambda rng: BatchNorm(4), normal(7, 4)),
    "Dropout network": layer_at(
        lambda rng: Sequential(Dropout(0.3, rng), Dense(5, 4, rng=rng)), normal(7, 5)
    ),
    "Embedding": layer_at(
        lambda rng: Embedding(rng.standard_normal((5, 3))),
        lambda rng: rng.permutation(np.arange(9) % 5),
    ),
    "Residual": layer_at(lambda rng: Residual(Dense(4, 4, rng=rng)), normal(7, 4)),
    "Attention of (Q, K, V)": layer_at(
        lambda rng: Attention(), lambda rng: tuple(rng.standard_normal((3, 4, 2)) for _ in "QKV")
    ),
    "MaskedAttention": layer_at(lambda rng: MaskedAttention(rng.standard_normal((2, 3))), masked),
    "embedding of 40": layer_at(
        lambda rng: Embedding(rng.standard_normal((40, 4))), lambda rng: rng.integers(0, 40, 30)
    ),
    "wide network": layer_at(
        lambda rng: Sequential(Dense(40, 30, rng=rng), Tanh(), Dense(30, 20, rng=rng)),
        normal(8, 40),
    ),
    "large dense": at(formulas.dense, normal(8, 40), W=normal(40, 30), b=normal(30)),
}


def wrong(
    kind: str, base: str, what: str, reason: str, hint: Hint | None = None, /, **edits: Edit
) -> None:
    make = BASES[base]
    name = f"{base}: {what}"
    WRONG_ENTRIES.append(
        Case(name, kind, spoiled(make, **edits), "wrong", reason, hint=hint, partner=make)
    )


# Constant factors --------------------------------------------------------------------------------

for base, target in [("dense", "P0"), ("recurrent", "P1"), ("layer_norm", "P0"), ("network", "X"),
                     ("cosine", "X"), ("Embedding", "P0")]:  # fmt: skip
    wrong(
        "factor",
        base,
        f"{target} with the wrong sign",
        "minus the gradient",
        "sign",
        **{target: times(-1)},
    )
for base, target in [("dense", "X"), ("batch_norm", "P0"), ("bilinear", "P0"), ("softmax", "X"),
                     ("distances", "P0")]:  # fmt: skip
    wrong("factor", base, f"{target} twice", "twice the gradient", "factor 2", **{target: times(2)})
for base, target in [("square dense", "P0"), ("row_mean", "X"), ("convolution", "P0"),
                     ("BatchNorm", "P1"), ("solve", "P0")]:  # fmt: skip
    wrong(
        "factor",
        base,
        f"half of {target}",
        "half the gradient",
        "factor 1/2",
        **{target: times(0.5)},
    )
for base, target in [("dense", "P1"), ("gated", "P1"), ("batch_norm", "X"), ("network", "P2"),
                     ("prelu", "P0")]:  # fmt: skip
    wrong(
        "factor",
        base,
        f"{target} times n",
        "a mean's gradient taken for a sum's",
        "factor n",
        **{target: rows_power(1)},
    )
for base, target in [("dense", "P0"), ("layer_norm", "P1"), ("rms_norm", "P0"), ("cosine", "P0"),
                     ("network", "P1")]:  # fmt: skip
    wrong(
        "factor",
        base,
        f"{target} over n",
        "a mean where a sum belongs",
        "factor 1/n",
        **{target: rows_power(-1)},
    )
wrong(
    "factor",
    "network",
    "everything with the wrong sign",
    "it climbs",
    "sign",
    X=times(-1),
    **{f"P{i}": times(-1) for i in range(4)},
)
wrong(
    "factor",
    "tuple" if "tuple" in BASES else "Attention of (Q, K, V)",
    "Q's gradient negated",
    "the first of three inputs",
    "sign",
    X=times(-1),
)
wrong(
    "factor",
    "MaskedAttention",
    "the sequence's gradient twice",
    "the first of two inputs",
    "factor 2",
    X=times(2),
)
for base, target, c in [("attention", "P2", 3.0), ("dense", "P0", 1.5), ("standardize", "X", 0.9),
                        ("log_softmax", "X", 1.25)]:  # fmt: skip
    wrong("factor", base, f"{target} times {c}", "a factor of no name", **{target: times(c)})
for base, target in [("dense", "P0"), ("softmax", "X"), ("layer_norm", "P1"), ("recurrent", "P1"),
                     ("Residual", "P0"), ("MaskedAttention", "X")]:  # fmt: skip
    wrong("factor", base, f"{target} is zero", "forgotten", "zero", **{target: times(0)})


# Transposed and swapped --------------------------------------------------------------------------


def transposed(g: Array, at: Seen) -> Array:
    """The transpose, of a square gradient."""
    return np.swapaxes(g, -1, -2)


def other(i: int) -> Edit:
    """What is right for parameter i."""
    return lambda g, at: at.gradients[i]


for base, target in [("square dense", "P0"), ("solve", "P0"), ("attention", "P1"),
                     ("recurrent", "P1"), ("Residual", "P0"), ("inverse", "X"),
                     ("log_determinant", "X")]:  # fmt: skip
    wrong(
        "transpose",
        base,
        f"{target} transposed",
        "the shape is square and does not tell",
        "transpose",
        **{target: transposed},
    )
for base, i, j in [("gated", 0, 1), ("squares", 0, 1), ("attention", 0, 1), ("attention", 1, 2),
                   ("affine", 0, 1), ("layer_norm", 0, 1), ("batch_norm", 0, 1)]:  # fmt: skip
    wrong(
        "swapped",
        base,
        f"parameters {i} and {j} swapped",
        "of one shape, in the other's place",
        "swapped",
        **{f"P{i}": other(j), f"P{j}": other(i)},
    )


# A few wrong entries -----------------------------------------------------------------------------


def one_row(g: Array, at: Seen) -> Any:
    """One row in the middle."""
    return len(g) // 2


def one_column(g: Array, at: Seen) -> Any:
    """One column in the middle."""
    return (..., g.shape[-1] // 2)


for base, target, edit, what in [
    ("dense", "P0", times(1.7), "70 % too large"),
    ("dense", "X", times(0), "0"),
    ("layer_norm", "X", times(0.4), "60 % too small"),
    ("cosine", "P0", noisy(0.5), "noisy"),
    ("large dense", "P0", times(1.1), "10 % too large"),
    ("Embedding", "P0", times(1.3), "30 % too large"),
    ("softmax", "X", noisy(0.3), "noisy"),
]:
    wrong(
        "few entries",
        base,
        f"one row of {target} is {what}",
        "one row of many",
        "one row",
        **{target: part(one_row, edit)},
    )
for base, target, edit, what in [
    ("dense", "P0", times(1.7), "70 % too large"),
    ("network", "X", times(0), "0"),
    ("convolution", "P0", times(0.4), "60 % too small"),
    ("batch_norm", "X", noisy(0.5), "noisy"),
    ("large dense", "P0", times(1.1), "10 % too large"),
    ("recurrent", "P0", times(1.3), "30 % too large"),
    ("standardize", "X", noisy(0.3), "noisy"),
]:
    wrong(
        "few entries",
        base,
        f"one column of {target} is {what}",
        "one column of many",
        "one column",
        **{target: part(one_column, edit)},
    )
for base, target, where, edit, what in [
    ("dense", "P0", middle, times(1.5), "one entry of P0"),
    ("large dense", "P0", middle, times(1.5), "one entry of 1200"),
    ("large dense", "X", middle, times(0), "one entry of 320 is 0"),
    ("dense", "P1", middle, times(-1), "one entry of P1 negated"),
    ("softmax", "X", middle, times(2), "one entry of X"),
    ("attention", "X", middle, times(0), "one entry of X is 0"),
    ("recurrent", "P1", middle, times(1.5), "one entry of P1"),
    ("network", "P0", middle, times(3), "one entry of P0"),
    ("dense", "P0", (-1, -1), times(1.5), "the last entry of P0"),
    ("batch_norm", "X", (-1, -1), times(0), "the last entry of X"),
    ("cumulative", "X", (..., -1), times(0.5), "the last step"),
    ("recurrent", "X", (slice(None), -1), times(0.5), "the last step of X"),
    ("recurrent", "X", (slice(None), 0), times(2), "the first step of X"),
    ("convolution", "X", (slice(None), 0, 0), times(2), "a corner of the image"),
    ("convolution", "X", (slice(None), -1), times(0), "the last line of the image"),
    ("convolution", "P0", (0, 0, 0, 0), times(0), "a corner of the kernel"),
    ("mean_pool", "X", (slice(None), slice(1, None, 2)), times(0), "every other line"),
    ("bilinear", "P0", (1,), times(2), "the second matrix"),
    ("dense", "X", (slice(0, 1),), times(1.5), "the first row only"),
    ("dense", "P1", (0,), times(0), "the first bias"),
    ("polynomial", "P0", (0,), times(0), "the constant coefficient"),
    ("polynomial", "P0", (-1,), times(1.25), "the highest coefficient"),
]:
    wrong("few entries", base, f"wrong in {what}", "a few entries", **{target: part(where, edit)})
for base, edit, what in [
    ("polynomial", times(-1), "negative inputs have the wrong sign"),
    ("softmax", times(0), "negative inputs have none"),
    ("dense", times(1.5), "negative inputs 50 % too large"),
    ("layer_norm", noisy(0.5), "negative inputs are noisy"),
    ("network", times(0.1), "negative inputs leak"),
    ("distances", times(1.01), "negative inputs 1 % too large"),
]:
    wrong("few entries", base, what, "a branch", "negative inputs", X=part(negative, edit))
for base, level, edit, what in [
    ("dense", 1, times(0), "large inputs have none"),
    ("polynomial", 0.7, times(0.5), "large inputs half"),
    ("unit_rows", 1, times(1.01), "large inputs 1 % too large"),
]:
    wrong("few entries", base, what, "depends on the size", X=part(beyond(level), edit))


# Small relative errors ---------------------------------------------------------------------------

for size in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
    for base, target in [("dense", "P0"), ("softmax", "X"), ("layer_norm", "X"),
                         ("recurrent", "P1"), ("network", "P0")]:  # fmt: skip
        wrong(
            "small errors",
            base,
            f"{target} off by {size:g}",
            f"all entries {size:g} too large",
            **{target: times(1 + size)},
        )
    for base, target in [("dense", "X"), ("attention", "P0"), ("convolution", "P0")]:
        wrong(
            "small errors",
            base,
            f"{target} noisy by {size:g}",
            f"random errors of {size:g}",
            **{target: noisy(size)},
        )
    wrong(
        "small errors",
        "large dense",
        f"one row of P0 off by {size:g}",
        "a part",
        "one row",
        P0=part(one_row, times(1 + size)),
    )
    wrong(
        "small errors",
        "network",
        f"one column of P2 off by {size:g}",
        "a part",
        "one column",
        P2=part(one_column, times(1 + size)),
    )
    wrong(
        "small errors",
        "batch_norm",
        f"one entry of P0 off by {size:g}",
        "one entry",
        P0=part(middle, times(1 + size)),
    )
    wrong(
        "small errors",
        "bilinear",
        f"negative inputs off by {size:g}",
        "a part",
        "negative inputs",
        X=part(negative, times(1 + size)),
    )


for size in (1e-4, 1e-6):
    wrong(
        "small errors",
        "wide network",
        f"one entry of 1200 of P0 off by {size:g}",
        "one entry",
        P0=part(middle, times(1 + size)),
    )
    wrong(
        "small errors",
        "wide network",
        f"P0 noisy by {size:g}",
        "1200 random errors",
        P0=noisy(size),
    )


def exchanged(g: Array, at: Seen) -> Array:
    """Two entries in each other's place: their sum is right."""
    wrong_g = g.copy()
    wrong_g.flat[[0, 1]] = g.flat[[1, 0]]
    return wrong_g


for base, target in [("dense", "P0"), ("network", "X"), ("wide network", "P2")]:
    wrong(
        "few entries",
        base,
        f"two entries of {target} exchanged",
        "their sum is right",
        **{target: exchanged},
    )


def shuffled_columns(g: Array, at: Seen) -> Array:
    """Each column in the next one's place."""
    return np.roll(g, 1, axis=-1)


def centered(g: Array, at: Seen) -> Array:
    """The mean over the columns is taken off."""
    wrong_g: Array = g - g.mean(axis=-1, keepdims=True)
    return wrong_g


def smeared(g: Array, at: Seen) -> Array:
    """The mean over the rows is added."""
    wrong_g: Array = g + g.mean(axis=0)
    return wrong_g


for base, target, edit, what in [
    ("dense", "P0", shuffled_columns, "columns shifted by one"),
    ("embedding of 40", "P0", shuffled_columns, "columns shifted by one"),
    ("network", "P2", centered, "a mean taken off"),
    ("gated_recurrent", "X", smeared, "a mean added"),
    ("spectrum", "X", shuffled_columns, "columns shifted by one"),
    ("cholesky", "X", transposed, "each matrix transposed"),
    ("gated_recurrent", "P1", noisy(1e-5), "noisy by 1e-5"),
]:
    wrong(
        "structure",
        base,
        f"{target}: {what}",
        "the right numbers in the wrong place",
        **{target: edit},
    )


# Lost precision ----------------------------------------------------------------------------------

for base, target in [("dense", "P0"), ("dense", "X"), ("network", "P0"), ("layer_norm", "X"),
                     ("softmax", "X"), ("recurrent", "P1")]:  # fmt: skip
    wrong(
        "precision",
        base,
        f"{target} through float32",
        "a float32 array on the way",
        **{target: through(np.float32)},
    )
for base, target in [("dense", "P0"), ("network", "X"), ("convolution", "P0")]:
    wrong(
        "precision",
        base,
        f"{target} through float16",
        "a float16 array on the way",
        **{target: through(np.float16)},
    )
    wrong(
        "precision",
        base,
        f"{target} with 6 digits",
        "rounded, as if printed and read",
        **{target: rounded(6)},
    )


# Scales ------------------------------------------------------------------------------------------

for scale in (1e-6, 1e-3, 1e3, 1e6):
    for base, first in [("dense", "b"), ("layer_norm", "beta"), ("recurrent", "W")]:
        f, X, parameters = ZOO[base]
        rng = np.random.default_rng(0)
        shape, other_shape = X(rng).shape, parameters[first](rng).shape
        own = {**parameters, first: normal(*other_shape, scale=1 / scale)}
        BASES[f"{base}, X of {scale:g}"] = at(f, normal(*shape, scale=scale), **own)
    BASES[f"gated, parameters of {scale:g}"] = at(
        formulas.gated, normal(7, 4), V=normal(4, 3, scale=scale), W=normal(4, 3, scale=scale)
    )
    BASES[f"square of {scale:g}"] = entrywise(np.square, lambda X: 2 * X, normal(4, 3, scale=scale))
    BASES[f"tanh times {scale:g}"] = entrywise(
        lambda X, s=scale: s * np.tanh(X),  # type: ignore[misc]  # a default binds it
        lambda X, s=scale: s * (1 - np.tanh(X) ** 2),  # type: ignore[misc]  # the same
        normal(4, 3),
    )
    wrong("scale", f"dense, X of {scale:g}", "P0 off by 1e-4", "small next to 1", P0=times(1.0001))
    wrong(
        "scale", f"layer_norm, X of {scale:g}", "X off by 1e-3", "small next to 1", X=times(1.001)
    )
    wrong(
        "scale",
        f"recurrent, X of {scale:g}",
        "P0 twice",
        "small next to 1",
        "factor 2",
        P0=times(2),
    )
    wrong(
        "scale",
        f"gated, parameters of {scale:g}",
        "X off by 1e-5",
        "small or large",
        X=times(1.00001),
    )
    wrong("scale", f"square of {scale:g}", "X negated", "small or large", "sign", X=times(-1))
    wrong("scale", f"tanh times {scale:g}", "off by 1e-6", "small or large", X=times(1 + 1e-6))
BASES["columns from 1e-6 to 1e6"] = at(mixed, normal(4, 5), mixed_back)
BASES["log from 1e-6 to 1e6"] = entrywise(np.log, lambda X: 1 / X, magnitudes(4, 3))
wrong(
    "scale",
    "columns from 1e-6 to 1e6",
    "the column of 1e-6 twice",
    "beside entries of 1e6",
    X=part((..., 0), times(2)),
)
wrong(
    "scale",
    "columns from 1e-6 to 1e6",
    "the column of 1e-3 negated",
    "beside entries of 1e6",
    X=part((..., 1), times(-1)),
)
wrong("scale", "log from 1e-6 to 1e6", "off by 1e-4", "gradients of all sizes", X=times(1.0001))
wrong(
    "scale",
    "log from 1e-6 to 1e6",
    "the large inputs have none",
    "gradients of all sizes",
    X=part(beyond(100), times(0)),
)

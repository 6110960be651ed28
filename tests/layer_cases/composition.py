"""Layers around and beside layers."""

from layerwise import Dense, Parallel, ReLU, Residual, Sequential, Tanh, TimeDistributed
from tests.layer_cases.case import LayerCase

COMPOSITION = [
    LayerCase("Residual", lambda t: Residual(Dense(4, 4, rng=1, dtype=t)), (5, 4)),
    LayerCase("Residual, nothing to learn", lambda t: Residual(Tanh()), (5, 3, 2)),
    LayerCase(
        "Residual of Sequential",
        lambda t: Residual(
            Sequential(Dense(4, 3, rng=1, dtype=t), ReLU(), Dense(3, 4, rng=2, dtype=t))
        ),
        (5, 4),
    ),
    LayerCase(
        "Parallel",
        lambda t: Parallel(Dense(4, 4, rng=1, dtype=t), Tanh(), Dense(4, 4, rng=2, dtype=t)),
        (5, 4),
    ),
    LayerCase(
        "Parallel, concatenated",
        lambda t: Parallel(
            Dense(4, 2, rng=1, dtype=t),
            Sequential(Dense(4, 3, rng=2, dtype=t), Tanh()),
            join="concatenate",
        ),
        (5, 4),
        square=False,
    ),
    LayerCase("Parallel of one", lambda t: Parallel(Tanh()), (5, 4)),
    LayerCase(
        "TimeDistributed", lambda t: TimeDistributed(Dense(4, 4, rng=1, dtype=t)), (5, 2, 3, 4)
    ),
    LayerCase(
        "TimeDistributed, fewer outputs",
        lambda t: TimeDistributed(Dense(4, 3, rng=1, dtype=t)),
        (5, 2, 4),
        square=False,
    ),
    LayerCase(
        "TimeDistributed of rows", lambda t: TimeDistributed(Dense(4, 4, rng=1, dtype=t)), (5, 4)
    ),
]

"""Dense, the first activations, and Sequential."""

from layerwise import Dense, ReLU, Sequential, Sigmoid, Tanh, glorot_uniform
from tests.layer_cases.case import LayerCase

CORE = [
    LayerCase("Dense", lambda t: Dense(4, 4, rng=1, dtype=t), (5, 4)),
    LayerCase("Dense, no bias", lambda t: Dense(4, 4, rng=1, dtype=t, bias=False), (5, 4)),
    LayerCase(
        "Dense, Glorot", lambda t: Dense(4, 4, rng=1, dtype=t, W_init=glorot_uniform), (5, 4)
    ),
    LayerCase("ReLU", lambda t: ReLU(), (5, 4)),
    LayerCase("ReLU of images", lambda t: ReLU(), (5, 2, 3, 2)),
    LayerCase("Sigmoid", lambda t: Sigmoid(), (5, 4)),
    LayerCase("Sigmoid of sequences", lambda t: Sigmoid(), (5, 3, 2)),
    LayerCase("Tanh", lambda t: Tanh(), (5, 4)),
    LayerCase("Tanh of vectors", lambda t: Tanh(), (5,)),
    LayerCase(
        "Sequential",
        lambda t: Sequential(
            ReLU(), Dense(4, 3, rng=1, dtype=t), Tanh(), Dense(3, 4, rng=2, dtype=t)
        ),
        (5, 4),
    ),
    LayerCase(
        "Sequential in Sequential",
        lambda t: Sequential(
            Sequential(Dense(4, 3, rng=1, dtype=t), Sigmoid()), Dense(3, 4, rng=2, dtype=t)
        ),
        (5, 4),
    ),
]

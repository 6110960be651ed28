"""The other activations, entry by entry and along an axis."""

from layerwise import (
    ELU,
    GELU,
    SELU,
    HardSigmoid,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    SiLU,
    Softmax,
    Softplus,
)
from tests.layer_cases.case import LayerCase

ACTIVATIONS = [
    LayerCase("LeakyReLU", lambda t: LeakyReLU(), (5, 4)),
    LayerCase("LeakyReLU, steep", lambda t: LeakyReLU(2), (5, 2, 3)),
    LayerCase("ELU", lambda t: ELU(), (5, 4)),
    LayerCase("ELU, with a corner", lambda t: ELU(0.3), (5, 4)),
    LayerCase("SELU", lambda t: SELU(), (5, 4)),
    LayerCase("HardSigmoid", lambda t: HardSigmoid(), (5, 4)),
    LayerCase("PReLU", lambda t: PReLU(4, dtype=t), (5, 4)),
    LayerCase("PReLU of images", lambda t: PReLU(2, initial=0.5, dtype=t), (5, 2, 3, 2)),
    LayerCase("GELU", lambda t: GELU(), (5, 4)),
    LayerCase("GELU of sequences", lambda t: GELU(), (5, 3, 2)),
    LayerCase("GELU, tanh", lambda t: GELU(approximate="tanh"), (5, 4)),
    LayerCase("SiLU", lambda t: SiLU(), (5, 4)),
    LayerCase("Softplus", lambda t: Softplus(), (5, 4)),
    LayerCase("Softmax", lambda t: Softmax(), (5, 4)),
    LayerCase("Softmax, axis 1 of 3", lambda t: Softmax(axis=1), (5, 3, 2)),
    LayerCase("Softmax, axis 0", lambda t: Softmax(axis=0), (5, 4), by_rows=False),
    LayerCase("LogSoftmax", lambda t: LogSoftmax(), (5, 4)),
    LayerCase("LogSoftmax, axis 1 of 3", lambda t: LogSoftmax(axis=1), (5, 3, 2)),
]

"""Recurrent layers, in both directions."""

from layerwise import GRU, LSTM, RNN, Bidirectional
from tests.layer_cases.case import LayerCase

SEQUENCES = (3, 4, 2)

RECURRENT = [
    LayerCase("RNN", lambda t: RNN(2, 2, rng=1, dtype=t), SEQUENCES),
    LayerCase(
        "RNN, ReLU, first state",
        lambda t: RNN(2, 2, activation="relu", learn_state=True, rng=1, dtype=t),
        SEQUENCES,
    ),
    LayerCase(
        "RNN, last state",
        lambda t: RNN(2, 3, return_sequences=False, rng=1, dtype=t),
        SEQUENCES,
        square=False,
    ),
    LayerCase("LSTM", lambda t: LSTM(2, 2, rng=1, dtype=t), SEQUENCES),
    LayerCase(
        "LSTM, first states", lambda t: LSTM(2, 2, learn_state=True, rng=1, dtype=t), SEQUENCES
    ),
    LayerCase(
        "LSTM in reverse, last state",
        lambda t: LSTM(2, 3, return_sequences=False, reverse=True, rng=1, dtype=t),
        SEQUENCES,
        square=False,
    ),
    LayerCase("GRU", lambda t: GRU(2, 2, learn_state=True, rng=1, dtype=t), SEQUENCES),
    LayerCase("GRU in reverse", lambda t: GRU(2, 2, reverse=True, rng=1, dtype=t), SEQUENCES),
    LayerCase(
        "GRU, one place",
        lambda t: GRU(2, 3, return_sequences=False, rng=1, dtype=t),
        (3, 1, 2),
        square=False,
    ),
    LayerCase(
        "Bidirectional",
        lambda t: Bidirectional(RNN(2, 1, rng=1, dtype=t), GRU(2, 1, reverse=True, rng=2, dtype=t)),
        SEQUENCES,
    ),
    LayerCase(
        "Bidirectional, last states",
        lambda t: Bidirectional(
            LSTM(2, 3, return_sequences=False, rng=1, dtype=t),
            LSTM(2, 1, return_sequences=False, reverse=True, rng=2, dtype=t),
        ),
        SEQUENCES,
        square=False,
    ),
]

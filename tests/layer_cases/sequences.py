"""Layers of sequences."""

from layerwise import Embedding
from tests.layer_cases.case import LayerCase

SEQUENCES = [
    LayerCase(
        "Embedding", lambda t: Embedding(4, 3, rng=1, dtype=t), (5, 6), square=False, tokens=4
    ),
]

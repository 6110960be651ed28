"""Layers of sequences."""

from layerwise import (
    Dense,
    Embedding,
    LayerNorm,
    MultiHeadAttention,
    PositionalEncoding,
    PositionEmbedding,
    Sequential,
    TimeDistributed,
    TransformerBlock,
)
from tests.layer_cases.case import LayerCase

PLACES = (3, 4, 4)

SEQUENCES = [
    LayerCase(
        "Embedding", lambda t: Embedding(4, 3, rng=1, dtype=t), (5, 6), square=False, tokens=4
    ),
    LayerCase("PositionalEncoding", lambda t: PositionalEncoding(4), PLACES),
    LayerCase("PositionEmbedding", lambda t: PositionEmbedding(6, 4, rng=1, dtype=t), PLACES),
    LayerCase("MultiHeadAttention", lambda t: MultiHeadAttention(4, 2, rng=1, dtype=t), PLACES),
    LayerCase(
        "MultiHeadAttention, causal",
        lambda t: MultiHeadAttention(4, 1, causal=True, rng=1, dtype=t),
        PLACES,
    ),
    LayerCase(
        "TransformerBlock", lambda t: TransformerBlock(4, 2, hidden=5, rng=1, dtype=t), PLACES
    ),
    LayerCase(
        "TransformerBlock, causal, dropout",
        lambda t: TransformerBlock(4, 2, hidden=3, causal=True, dropout=0.4, rng=1, dtype=t),
        PLACES,
        by_rows=False,
        inference_differs=True,
    ),
    LayerCase(
        "a small transformer",
        lambda t: Sequential(
            Embedding(5, 4, rng=1, dtype=t),
            PositionalEncoding(4),
            TransformerBlock(4, 2, hidden=3, causal=True, rng=2, dtype=t),
            LayerNorm(4, dtype=t),
            TimeDistributed(Dense(4, 5, rng=3, dtype=t)),
        ),
        (2, 3),
        square=False,
        tokens=5,
    ),
]

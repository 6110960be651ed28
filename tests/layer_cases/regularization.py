"""Dropout, noise, norms, and what keeps the statistics of its data."""

import numpy as np

from layerwise import (
    BatchNorm,
    Dropout,
    GaussianNoise,
    GroupNorm,
    LayerNorm,
    RMSNorm,
    Standardize,
)
from tests.layer_cases.case import LayerCase

DIFFERS = {"by_rows": False, "inference_differs": True}
ROWS = np.random.default_rng(7).normal(3, 2, (9, 4))

REGULARIZATION = [
    LayerCase("Dropout", lambda t: Dropout(0.4, rng=1), (5, 4), **DIFFERS),
    LayerCase("Dropout of images", lambda t: Dropout(0.2, rng=1), (5, 2, 3, 2), **DIFFERS),
    LayerCase("Dropout, none", lambda t: Dropout(0, rng=1), (5, 4)),
    LayerCase("GaussianNoise", lambda t: GaussianNoise(0.5, rng=1), (5, 4), **DIFFERS),
    LayerCase("BatchNorm", lambda t: BatchNorm(4, dtype=t), (5, 4), **DIFFERS),
    LayerCase(
        "BatchNorm of images",
        lambda t: BatchNorm(2, momentum=0.5, epsilon=0.1, dtype=t),
        (5, 2, 4, 2),
        **DIFFERS,
    ),
    LayerCase("LayerNorm", lambda t: LayerNorm(4, dtype=t), (5, 4)),
    LayerCase("LayerNorm of sequences", lambda t: LayerNorm(4, epsilon=0.1, dtype=t), (5, 3, 4)),
    LayerCase("RMSNorm", lambda t: RMSNorm(4, dtype=t), (5, 4)),
    LayerCase("RMSNorm of sequences", lambda t: RMSNorm(3, epsilon=0.1, dtype=t), (5, 2, 3)),
    LayerCase("GroupNorm", lambda t: GroupNorm(2, 6, dtype=t), (5, 6)),
    LayerCase("GroupNorm of images", lambda t: GroupNorm(2, 4, dtype=t), (5, 2, 3, 4)),
    LayerCase("GroupNorm, one group", lambda t: GroupNorm(1, 2, dtype=t), (5, 3, 2)),
    LayerCase("GroupNorm, each feature", lambda t: GroupNorm(2, 2, dtype=t), (5, 4, 2)),
    LayerCase("Standardize", lambda t: Standardize.of(ROWS.astype(t)), (5, 4)),
    LayerCase(
        "Standardize, constant column",
        lambda t: Standardize(np.arange(4, dtype=t), np.array([1, 0, 2, 3], t)),
        (5, 4),
    ),
]

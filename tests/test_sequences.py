"""Networks of sequences: what is left out of the loss, and padding from the tokens to the loss."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from layerwise import (
    Adam,
    Array,
    Dense,
    Embedding,
    Layer,
    LayerNorm,
    PositionalEncoding,
    Sequential,
    SoftmaxCrossEntropy,
    TimeDistributed,
    TransformerBlock,
    check_loss,
    fit,
)
from layerwise.layers.masks import Mask

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(5, size=(12, 6))
MASK: Mask = np.arange(6) < RNG.integers(1, 7, size=(12, 1))
FOLLOWING = np.where(MASK, (TOKENS + 1) % 5, -1)
PADDED = np.where(MASK, FOLLOWING, 0)


def test_a_place_is_left_out_by_its_weight_or_its_class() -> None:
    Y: Array = RNG.normal(size=(12, 6, 5))
    by_class = SoftmaxCrossEntropy(ignore=-1)(Y, FOLLOWING)
    by_weight = SoftmaxCrossEntropy()(Y, PADDED, MASK)
    others = SoftmaxCrossEntropy()(Y[MASK], FOLLOWING[MASK])
    for value, grad in by_class, by_weight:
        assert value == pytest.approx(others[0], rel=1e-12)
        np.testing.assert_allclose(grad[MASK], others[1], rtol=1e-12)
        assert not grad[~MASK].any()


def test_a_loss_with_weights_of_places_is_proven() -> None:
    w = RNG.random((12, 6)) * MASK
    report = check_loss(
        lambda Y, target: SoftmaxCrossEntropy()(Y, target, np.resize(w, Y.shape[:2])),
        RNG.normal(size=(12, 6, 5)),
        PADDED,
    )
    assert report.passed, report


def network() -> Sequential[Any]:
    return Sequential(
        Embedding(5, 8, rng=0),
        PositionalEncoding(8),
        TransformerBlock(8, 2, rng=1),
        LayerNorm(8),
        TimeDistributed(Dense(8, 5, rng=2)),
    )


def trained(X: Any, y: Any, loss: SoftmaxCrossEntropy, **options: Any) -> list[Array]:
    """What the network has learned, and its loss at the end."""
    layer: Layer[Any, Array] = network()
    optimizer = Adam(layer.parameters(), 0.02)
    options |= {"epochs": 3, "batch_size": 12, "rng": 0}
    history = fit(layer, X, y, loss=loss, optimizer=optimizer, **options)
    return [*(parameter.value for parameter in layer.parameters()), np.array(history.loss)]


@pytest.mark.parametrize(
    "other",
    [
        lambda: trained((TOKENS, MASK), PADDED, SoftmaxCrossEntropy(), sample_weight=MASK),
        lambda: trained(
            (np.where(MASK, TOKENS, 99), MASK), FOLLOWING, SoftmaxCrossEntropy(ignore=-1)
        ),
        lambda: trained(
            (np.pad(TOKENS, [(0, 0), (0, 2)]), np.pad(MASK, [(0, 0), (0, 2)])),
            np.pad(FOLLOWING, [(0, 0), (0, 2)], constant_values=-1),
            SoftmaxCrossEntropy(ignore=-1),
        ),
    ],
    ids=["weights", "other padding", "more padding"],
)
def test_fit_learns_the_same(other: Callable[[], list[Array]]) -> None:
    once = trained((TOKENS, MASK), FOLLOWING, SoftmaxCrossEntropy(ignore=-1))
    for one, two in zip(once, other(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-7, atol=1e-10)
    assert once[-1][-1] < 0.9 * once[-1][0]

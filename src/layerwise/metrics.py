"""What answers are worth: numbers that judge a network after an epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from layerwise.data import Data, Examples, joined
from layerwise.layers.base import Layer, Out
from layerwise.losses import Loss

Metrics = Mapping[str, Callable[[Any, NDArray[Any]], float]]


def evaluate(
    network: Layer[Data, Out],
    examples: Examples[Data],
    batch_size: int,
    *,
    loss: Loss[Out] | None,
    metrics: Metrics,
) -> tuple[float | None, dict[str, float]]:
    """The mean loss, where one is given, and the metrics of the answers for all rows at once."""
    if loss is None and not metrics:
        return None, {}
    total, answers = 0.0, []
    for X, y in examples.in_order(batch_size):
        answer = network(X)
        if loss is not None:
            total += float(loss(answer, y)[0]) * len(y)
        if metrics:
            answers.append(answer)
    Y = joined(answers) if metrics else None
    found = {name: float(metric(Y, examples.y)) for name, metric in metrics.items()}
    return None if loss is None else total / len(examples), found

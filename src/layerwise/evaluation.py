"""What a network is worth: its loss, and the metrics of its answers, after an epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import number_from
from layerwise.data import Data, Examples, joined, total_weight
from layerwise.layers.base import Layer, Out

if TYPE_CHECKING:
    from layerwise.losses import Loss

Metrics = Mapping[str, Callable[[Any, NDArray[Any]], float]]


def evaluate(
    network: Layer[Data, Out],
    examples: Examples[Data],
    batch_size: int,
    *,
    loss: Loss[Out] | None,
    metrics: Metrics,
    mean: Callable[[float, float], float],
) -> tuple[float | None, dict[str, float]]:
    """The mean loss, where one is given, and the metrics of the answers for all rows at once.

    `mean` is that of an optimizer, which makes them those of all rows of all that train together.
    """
    if loss is None and not metrics:
        return None, {}
    total, count, answers = 0.0, 0.0, []
    with np.errstate(over="ignore", invalid="ignore"):
        for X, target in examples.in_order(batch_size):
            answer = network(X)
            if loss is not None:
                weight = total_weight(target)
                total += float(loss(answer, *target)[0]) * weight
                count += weight
            if metrics:
                answers.append(answer)
    Y, y = (joined(answers), examples.y[examples.rows]) if metrics else (None, examples.y)
    rows = len(examples.rows)
    found = {
        name: mean(number_from(metric, f"the metric {name!r}", metric(Y, y)), rows)
        for name, metric in metrics.items()
    }
    return None if loss is None else mean(total / count, count), found

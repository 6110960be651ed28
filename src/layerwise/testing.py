"""For test suites."""

from __future__ import annotations

from typing import Any

import numpy as np

from layerwise.gradients.check import Mode, check_layer
from layerwise.layers.base import Layer


def assert_layer(
    layer: Layer[Any, Any],
    X: Any,
    *,
    mode: Mode = "fast",
    rng: np.random.Generator | int | None = 0,
    progress: bool = False,
) -> None:
    """dL/dx by backward = dL/dx by differences, or else AssertionError with the report as its text.

    The arguments are those of `check_layer`, and so is what else it raises. Only "proven" passes.

    >>> from layerwise import Dense
    >>> assert_layer(Dense(3, 2, rng=0), np.ones((4, 3)))
    """
    report = check_layer(layer, X, mode=mode, rng=rng, progress=progress)
    if not report.passed:
        raise AssertionError(str(report))

"""What an estimator answers: labels and probabilities, or numbers."""

from __future__ import annotations

import numpy as np

from layerwise.estimators.base import Estimator
from layerwise.estimators.classifying import Classifying
from layerwise.onnx.activations import sigmoid, softmax
from layerwise.onnx.tensor import Tensor, node


def answers(estimator: Estimator, Y: Tensor) -> dict[str, Tensor]:
    """What `predict` and its like give, from the network's answers Y, by name."""
    if isinstance(estimator, Classifying):
        label = {"label": labels(estimator, Y)}
        if estimator._has_probabilities():
            return {**label, "probabilities": probabilities(estimator, Y)}
        column = Y.row == (1,) and not estimator._multilabel
        return {**label, "scores": Y.reshape() if column else Y}
    numbers = node("Exp", Y) if estimator.out_activation_ == "exp" else Y
    return {"predictions": numbers.reshape() if numbers.row == (1,) else numbers}


def labels(estimator: Classifying, Y: Tensor) -> Tensor:
    """`predict`: a label for each row, or of many labels a row of 0 and 1."""
    above = node("Greater", Y, 0.0).astype(np.int64)
    if estimator._multilabel:
        return above
    if Y.row != (1,):
        chosen = node("ArgMax", Y, axis=1, keepdims=0)
    else:
        chosen = node("Min", above.reshape(), len(estimator.classes_) - 1)  # there may be one label
    return node("Gather", estimator.classes_, chosen)


def probabilities(estimator: Classifying, Y: Tensor) -> Tensor:
    """`predict_proba`: of each label, in the order of `classes_`."""
    if estimator.out_activation_ == "softmax":
        return softmax(Y)
    if estimator._multilabel:
        return sigmoid(Y)
    if len(estimator.classes_) == 1:
        one = np.ones(1, Y.dtype)
        return node("Where", node("Greater", Y, 0.0), one, one)  # for each row
    if Y.row == (1,):
        return sigmoid(node("Concat", -Y, Y, axis=1))
    each = sigmoid(Y)  # one label against the others, for each
    return each / each.sum(1)

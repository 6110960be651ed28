"""How wrong an answer is: `value, grad = loss(Y, target)`, the answer first, as in PyTorch.

A loss is any callable of this form; `grad`, dL/dY, is exactly the derivative of `value`. The
cross-entropies take logits, the numbers before softmax or sigmoid, because there the value and
the gradient are short and exact.

Every loss here takes a third argument, a weight for each row or position: `loss(Y, target, weight)`
is the weighted mean, divided by the sum of the weights. A whole number is a row repeated so often,
a zero a row left out.

- `mean`: the mean that they all end in, with weights and without
- `targets`: what a target may be
- `regression`, `binary`, `softmax`: the losses
"""

from layerwise.losses.binary import Hinge, SigmoidCrossEntropy
from layerwise.losses.mean import Loss
from layerwise.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, Poisson
from layerwise.losses.softmax import SoftmaxCrossEntropy

__all__ = [
    "Hinge",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "SigmoidCrossEntropy",
    "SoftmaxCrossEntropy",
]

"""Losses for yes-or-no questions, one for each entry of Y."""

import numpy as np

from layerwise.arguments import positive
from layerwise.arrays import Array
from layerwise.layers.activations import sigmoid
from layerwise.losses.mean import Weight, weighted_mean
from layerwise.losses.targets import of_one_shape


class SigmoidCrossEntropy:
    """L = mean(−p T log σ(Y) − (1 − T) log σ(−Y)) over all entries; p is 1 by default.

    dL/dY = ((1 − T) σ(Y) − p T σ(−Y)) / N, which is (σ(Y) − T) / N where p is 1. Y are logits, σ
    is the sigmoid and N the number of entries: yes-or-no questions, one for each entry. The target
    T has the shape of Y and numbers from 0 to 1. Value and gradient are exact to rounding for
    logits of any size, because −log σ(Y) = log(1 + exp(−Y)) is computed as such.

    `positive_weight` is p: how much more a yes counts, such as the number of noes for each yes. N
    stays as it is, as with PyTorch's pos_weight.

    Raises ValueError for a target of another shape or beyond [0, 1], for an empty batch and for a
    p that is not positive; TypeError for a target that is not of real numbers. Source: course part
    2.1.

    >>> value, grad = SigmoidCrossEntropy()(np.array([0.0]), np.array([1.0])); round(value, 6), grad
    (0.693147, array([-0.5]))
    """

    def __init__(self, *, positive_weight: float = 1.0) -> None:
        self.positive_weight = positive("SigmoidCrossEntropy", "positive_weight", positive_weight)

    def __call__(self, Y: Array, target: Array, weight: Weight = None, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y, T = of_one_shape("SigmoidCrossEntropy", Y, target)
        if not (T.min() >= 0 and T.max() <= 1):
            raise ValueError(
                f"SigmoidCrossEntropy: target has numbers from {T.min()} to {T.max()}, expected "
                "0 to 1: 1 for yes and 0 for no, or a probability"
            )
        yes, no = self.positive_weight * T, 1 - T
        terms = yes * np.logaddexp(0, -Y) + no * np.logaddexp(0, Y)
        slopes = no * sigmoid(Y) - yes * sigmoid(-Y)
        return weighted_mean("SigmoidCrossEntropy", terms, slopes, weight)


class Hinge:
    """L = mean(max(0, 1 − T Y)) over all entries; dL/dY = −T / N where T Y < 1, else 0.

    The target T is 1 for yes and −1 for no, in the shape of Y, which has N entries; an answer of
    the right sign and at least 1 costs nothing. At exactly 1 the gradient is 0.

    Raises ValueError for a target of another shape or with other numbers and for an empty batch;
    TypeError for a target that is not of real numbers. Source: Cortes and Vapnik, "Support-vector
    networks", 1995.

    >>> Hinge()(np.array([0.5, 2.0]), np.array([1.0, -1.0]))
    (1.75, array([-0.5,  0.5]))
    """

    def __call__(self, Y: Array, target: Array, weight: Weight = None, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y, T = of_one_shape("Hinge", Y, target)
        if not np.all(np.abs(T) == 1):
            raise ValueError(
                f"Hinge: target has numbers from {T.min()} to {T.max()} that are not all -1 or 1: "
                "2 * target - 1 makes them of 0 and 1"
            )
        short = 1 - T * Y
        return weighted_mean("Hinge", np.maximum(short, 0), np.where(short > 0, -T, 0), weight)

"""Losses for numbers: how far off, and how much that counts."""

import numpy as np

from layerwise.arguments import positive
from layerwise.arrays import Array
from layerwise.losses.mean import Weight, weighted_mean
from layerwise.losses.targets import of_one_shape


class MeanSquaredError:
    """L = mean((Y − T)²) over all entries; dL/dY = 2 (Y − T) / (number of entries).

    Y and the target T have one shape. The mean of squares, not half of it: hence the factor 2.

    Raises ValueError for a target of another shape, which NumPy would broadcast, and for an empty
    batch; TypeError for a target that is not of real numbers. Source: course part 2.1.

    >>> MeanSquaredError()(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    (2.0, array([ 0., -2.]))
    """

    def __call__(self, Y: Array, target: Array, weight: Weight = None, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y, T = of_one_shape("MeanSquaredError", Y, target)
        error = Y - T
        return weighted_mean("MeanSquaredError", error * error, error + error, weight)


class MeanAbsoluteError:
    """L = mean(|Y − T|) over all entries; dL/dY = sign(Y − T) / (number of entries).

    Y and the target T have one shape. At exactly 0, where the slope jumps from −1 to 1, the
    gradient is 0. The best constant answer is the median, which outliers do not move.

    Raises what MeanSquaredError raises. Source: Koenker and Bassett, "Regression quantiles", 1978,
    at one half.

    >>> MeanAbsoluteError()(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    (1.0, array([ 0. , -0.5]))
    """

    def __call__(self, Y: Array, target: Array, weight: Weight = None, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y, T = of_one_shape("MeanAbsoluteError", Y, target)
        error = Y - T
        return weighted_mean("MeanAbsoluteError", np.abs(error), np.sign(error), weight)


class Huber:
    """L = mean(c E − c²/2), with E = Y − T and c = clip(E, −δ, δ); dL/dY = c / (number of entries).

    That is E²/2 where |E| ≤ δ, and δ |E| − δ²/2 beyond: squares for small errors, and no more than
    the slope δ for outliers. Note the half, which MeanSquaredError has not: as in PyTorch's
    HuberLoss. Y and the target T have one shape.

    Raises ValueError for a `delta` that is not positive, and what MeanSquaredError raises. Source:
    Huber, "Robust estimation of a location parameter", 1964.

    >>> Huber(delta=1.0)(np.array([0.5, 4.0]), np.array([0.0, 0.0]))
    (1.8125, array([0.25, 0.5 ]))
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = positive("Huber", "delta", delta)

    def __call__(self, Y: Array, target: Array, weight: Weight = None, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y, T = of_one_shape("Huber", Y, target)
        error = Y - T
        c = np.clip(error, -self.delta, self.delta)
        return weighted_mean("Huber", c * (error - c / 2), c, weight)


class Poisson:
    """L = mean(exp(Y) − T Y) over all entries; dL/dY = (exp(Y) − T) / (number of entries).

    For counts T, 0, 1, 2, …: Y is the logarithm of the rate, so that any answer is one, as in
    PyTorch's PoissonNLLLoss(log_input=True). L is the negative log-likelihood without log T!, which
    no answer changes. Y and the target T have one shape; T may be any number from 0 up.

    Raises ValueError for a target below 0, and what MeanSquaredError raises. Source: McCullagh and
    Nelder, "Generalized linear models", 1989, chapter 6.

    >>> Poisson()(np.array([0.0, 0.0]), np.array([0.0, 3.0]))
    (1.0, array([ 0.5, -1. ]))
    """

    def __call__(self, Y: Array, target: Array, weight: Weight = None, /) -> tuple[float, Array]:
        """Return the value and its derivative by Y."""
        Y, T = of_one_shape("Poisson", Y, target)
        if not T.min() >= 0:
            raise ValueError(
                f"Poisson: target has numbers from {T.min()} to {T.max()}, expected counts, at "
                "least 0"
            )
        rate = np.exp(Y)
        return weighted_mean("Poisson", rate - T * Y, rate - T, weight)
